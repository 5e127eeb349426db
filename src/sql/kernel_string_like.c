/* kernel_string_like.c: LIKE, without regular expressions: % is any text, _ any character. */
#include "sql/kernel_string.h"
#include "sql/kernels_text.h"

enum like_kind {
    LIKE_EQUALS,
    LIKE_PREFIX, /* text% */
    LIKE_SUFFIX, /* %text */
    LIKE_INFIX,  /* %text% */
    LIKE_GENERAL,
    LIKE_OPEN, /* a pattern per row */
    LIKE_LIST,
};

enum token_kind_like { TOKEN_TEXT, TOKEN_ONE, TOKEN_MANY };

struct like_token {
    uint8_t kind; /* enum token_kind_like */
    struct str text;
};

struct like {
    enum like_kind kind;
    struct str text;
    struct like_token *tokens;
    uint32_t token_count;
    struct str escape;
    /* LIKE_LIST */
    struct like *const *patterns;
    uint32_t count;
    bool all, negated;
};

static bool at_escape(struct str s, size_t at, struct str escape)
{
    return escape.n && s.n - at >= escape.n && memcmp(s.p + at, escape.p, escape.n) == 0;
}

static int bad_escape(struct err *err, struct str pattern, struct str next)
{
    int n = pattern.n > 200 ? 200 : (int)pattern.n;
    if (next.n == 0)
        return err_set(err, ERR_INVALID,
                       "the pattern '%.*s' ends with the escape character: nothing follows that it "
                       "could escape",
                       n, pattern.p);
    return err_set(err, ERR_INVALID,
                   "the pattern '%.*s' has the escape character before '%.*s': it may precede only "
                   "%%, _ and itself",
                   n, pattern.p, STR_ARG(next));
}

/* Adds a literal character to the token under way. `text` is the end of the literal text so far. */
static void add_text(struct like *like, char *text, struct str c)
{
    struct like_token *last = like->token_count ? &like->tokens[like->token_count - 1] : NULL;
    memcpy(text, c.p, c.n);
    if (last && last->kind == TOKEN_TEXT)
        last->text.n += c.n;
    else
        like->tokens[like->token_count++] = (struct like_token){TOKEN_TEXT, {text, c.n}};
}

static void add_wildcard(struct like *like, bool many)
{
    struct like_token *last = like->token_count ? &like->tokens[like->token_count - 1] : NULL;
    if (many && last && last->kind == TOKEN_MANY)
        return;
    like->tokens[like->token_count++] = (struct like_token){.kind = many ? TOKEN_MANY : TOKEN_ONE};
}

static void choose_kind(struct like *like)
{
    const struct like_token *t = like->tokens;
    uint32_t n = like->token_count;
    like->kind = LIKE_GENERAL;
    if (n == 0 || (n == 1 && t[0].kind == TOKEN_TEXT))
        like->kind = LIKE_EQUALS;
    else if ((n == 1 && t[0].kind == TOKEN_MANY) ||
             (n == 2 && t[0].kind == TOKEN_TEXT && t[1].kind == TOKEN_MANY))
        like->kind = LIKE_PREFIX;
    else if (n == 2 && t[0].kind == TOKEN_MANY && t[1].kind == TOKEN_TEXT)
        like->kind = LIKE_SUFFIX;
    else if (n == 3 && t[0].kind == TOKEN_MANY && t[1].kind == TOKEN_TEXT &&
             t[2].kind == TOKEN_MANY)
        like->kind = LIKE_INFIX;
    for (uint32_t i = 0; i < n; i++) {
        if (t[i].kind == TOKEN_TEXT)
            like->text = t[i].text;
    }
}

static int parse(struct like *like, struct str pattern, struct arena *arena, struct err *err)
{
    char *text = arena_alloc(arena, pattern.n + 1);
    like->tokens = ARENA_ARRAY(arena, struct like_token, pattern.n + 1);
    if (!text || !like->tokens)
        return ERR_NOMEM;
    for (size_t i = 0; i < pattern.n;) {
        bool escaped = at_escape(pattern, i, like->escape);
        i += escaped ? like->escape.n : 0;
        size_t n = i < pattern.n ? string_char_bytes(pattern.p[i]) : 0;
        n = n < pattern.n - i ? n : pattern.n - i;
        struct str c = {pattern.p + i, n};
        bool wild = n == 1 && (*c.p == '%' || *c.p == '_');
        if (escaped && !wild && !(n && str_eq(c, like->escape)))
            return bad_escape(err, pattern, c);
        if (wild && !escaped) {
            add_wildcard(like, *c.p == '%');
        } else {
            add_text(like, text, c);
            text += n;
        }
        i += n;
    }
    choose_kind(like);
    return 0;
}

int like_create(struct like **out, struct str pattern, struct str escape, struct arena *arena,
                struct err *err)
{
    struct like *like = like_create_open(escape, arena);
    *out = like;
    return like ? parse(like, pattern, arena, err) : ERR_NOMEM;
}

struct like *like_create_open(struct str escape, struct arena *arena)
{
    struct like *like = ARENA_NEW(arena, struct like);
    if (!like)
        return NULL;
    like->kind = LIKE_OPEN;
    like->escape = arena_str(arena, escape);
    return like->escape.p ? like : NULL;
}

struct like *like_create_list(struct like *const *patterns, uint32_t count, bool all, bool negated,
                              struct arena *arena)
{
    struct like *like = ARENA_NEW(arena, struct like);
    if (like)
        *like = (struct like){.kind = LIKE_LIST,
                              .patterns = patterns,
                              .count = count,
                              .all = all,
                              .negated = negated};
    return like;
}

static size_t next_char(struct str s, size_t at)
{
    size_t n = string_char_bytes(s.p[at]);
    return n < s.n - at ? at + n : s.n;
}

static bool text_at(struct str s, size_t at, struct str text)
{
    return text.n <= s.n - at && (!text.n || memcmp(s.p + at, text.p, text.n) == 0);
}

/* On a difference the text goes on behind the last %, which takes one character more. */
static bool match_general(const struct like *like, struct str s)
{
    size_t at = 0, many_at = 0;
    uint32_t t = 0, many = UINT32_MAX;
    for (;;) {
        const struct like_token *token = t < like->token_count ? &like->tokens[t] : NULL;
        if (!token && at == s.n)
            return true;
        if (token && token->kind == TOKEN_MANY) {
            many = ++t;
            many_at = at;
            if (t == like->token_count)
                return true;
            continue;
        }
        if (token && token->kind == TOKEN_ONE && at < s.n) {
            at = next_char(s, at);
            t++;
            continue;
        }
        if (token && token->kind == TOKEN_TEXT && text_at(s, at, token->text)) {
            at += token->text.n;
            t++;
            continue;
        }
        if (many == UINT32_MAX || many_at >= s.n)
            return false;
        many_at = next_char(s, many_at);
        if (like->tokens[many].kind == TOKEN_TEXT) {
            int64_t found = string_find(s, like->tokens[many].text, many_at);
            if (found < 0)
                return false;
            many_at = (size_t)found;
        }
        t = many;
        at = many_at;
    }
}

static bool matches(const struct like *like, struct str s)
{
    switch (like->kind) {
    case LIKE_EQUALS:
        return str_eq(s, like->text);
    case LIKE_PREFIX:
        return text_at(s, 0, like->text);
    case LIKE_SUFFIX:
        return s.n >= like->text.n && text_at(s, s.n - like->text.n, like->text);
    case LIKE_INFIX:
        return string_find(s, like->text, 0) >= 0;
    default:
        return match_general(like, s);
    }
}

static int match_open(struct eval *eval, const struct like *open, const struct value *args,
                      struct value *out)
{
    struct like *like = NULL;
    struct str pattern = {NULL, 0};
    for (uint32_t i = 0; i < out->vec.rows; i++) {
        out->vec.boolean[i] = 0;
        if (vec_is_null(&out->vec, i))
            continue;
        struct str wanted = arg_str(&args[1], i);
        if (!like || !str_eq(wanted, pattern)) {
            int code = like_create(&like, wanted, open->escape, eval->arena, eval->err);
            if (code != 0)
                return code;
            pattern = wanted;
        }
        out->vec.boolean[i] = matches(like, arg_str(&args[0], i));
    }
    return 0;
}

int kernel_like(struct eval *eval, const struct expr *expr, const struct value *args,
                struct value *out)
{
    const struct like *like = expr->prepared;
    if (like->kind == LIKE_OPEN)
        return match_open(eval, like, args, out);
    for (uint32_t i = 0; i < out->vec.rows; i++)
        out->vec.boolean[i] = matches(like, arg_str(&args[0], i));
    return 0;
}

int kernel_like_list(struct eval *eval, const struct expr *expr, const struct value *args,
                     struct value *out)
{
    const struct like *list = expr->prepared;
    (void)eval;
    for (uint32_t i = 0; i < out->vec.rows; i++) {
        struct str s = arg_str(&args[0], i);
        bool result = list->all;
        for (uint32_t k = 0; k < list->count && result == list->all; k++)
            result = matches(list->patterns[k], s) != list->negated;
        out->vec.boolean[i] = result;
    }
    return 0;
}
