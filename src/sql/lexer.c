#include "sql/lexer.h"

#include <utf8proc.h>

#include "base/utf8.h"

enum { TEXT_MAX = 1 << 28 };

struct lexer {
    const struct diag *diag;
    struct arena *arena;
    const char *text;
    uint32_t n, at;
    struct token *tokens;
    size_t count, capacity;
};

static const struct str keyword_names[KW_COUNT] = {
#define X(word) [KW_##word] = {#word, sizeof #word - 1},
    SQL_KEYWORDS(X)
#undef X
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_word(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static char peek(const struct lexer *lexer, uint32_t ahead)
{
    return lexer->n - lexer->at > ahead ? lexer->text[lexer->at + ahead] : '\0';
}

static int add(struct lexer *lexer, struct token token)
{
    if (lexer->count == lexer->capacity) {
        size_t capacity = lexer->capacity ? lexer->capacity * 2 : 64;
        struct token *tokens = ARENA_ARRAY(lexer->arena, struct token, capacity);
        if (!tokens)
            return diag_nomem(lexer->diag);
        if (lexer->count)
            memcpy(tokens, lexer->tokens, lexer->count * sizeof *tokens);
        lexer->tokens = tokens;
        lexer->capacity = capacity;
    }
    lexer->tokens[lexer->count++] = token;
    lexer->at = token.offset + token.length;
    return 0;
}

/* After slash and star. Comments nest. */
static int skip_block_comment(struct lexer *lexer)
{
    uint32_t start = lexer->at, depth = 0;
    if (peek(lexer, 2) == '+')
        return diag_fail(lexer->diag, ERR_UNSUPPORTED, start,
                         "hints (/*+ ... */) are not supported");
    while (lexer->at < lexer->n) {
        if (peek(lexer, 0) == '/' && peek(lexer, 1) == '*' && peek(lexer, 2) != '+') {
            depth++;
            lexer->at += 2;
        } else if (peek(lexer, 0) == '*' && peek(lexer, 1) == '/') {
            lexer->at += 2;
            if (--depth == 0)
                return 0;
        } else {
            lexer->at++;
        }
    }
    return diag_fail(lexer->diag, ERR_INVALID, start, "this comment has no closing */");
}

static void skip_line_comment(struct lexer *lexer)
{
    while (lexer->at < lexer->n && lexer->text[lexer->at] != '\n' && lexer->text[lexer->at] != '\r')
        lexer->at += peek(lexer, 0) == '\\' && peek(lexer, 1) == '\n' ? 2 : 1;
}

static int skip_space(struct lexer *lexer)
{
    for (;;) {
        char c = peek(lexer, 0);
        if (lexer->at < lexer->n && (c == ' ' || c == '\t' || c == '\n' || c == '\r')) {
            lexer->at++;
        } else if (c == '-' && peek(lexer, 1) == '-') {
            skip_line_comment(lexer);
        } else if (c == '/' && peek(lexer, 1) == '*') {
            int code = skip_block_comment(lexer);
            if (code != 0)
                return code;
        } else {
            return 0;
        }
    }
}

static enum keyword find_keyword(struct str word)
{
    for (int i = 1; i < KW_COUNT; i++) {
        if ((keyword_names[i].p[0] ^ word.p[0]) & ~0x20)
            continue;
        if (str_eq_nocase(keyword_names[i], word))
            return (enum keyword)i;
    }
    return KW_NONE;
}

/* The length of a number's suffix at p, and the kind it makes. */
static uint32_t suffix(const char *p, const char *end, bool integer, enum token_kind *kind)
{
    if (p == end)
        return 0;
    char c = (char)(*p & ~0x20);
    if (c == 'B' && end - p > 1 && (p[1] & ~0x20) == 'D') {
        *kind = TOKEN_BIGDECIMAL;
        return 2;
    }
    if (c == 'F' || c == 'D')
        *kind = c == 'F' ? TOKEN_FLOAT : TOKEN_DOUBLE;
    else if (integer && (c == 'L' || c == 'S' || c == 'Y'))
        *kind = c == 'L' ? TOKEN_BIGINT : c == 'S' ? TOKEN_SMALLINT : TOKEN_TINYINT;
    else
        return 0;
    return 1;
}

static const char *skip_digits(const char *p, const char *end)
{
    while (p < end && is_digit(*p))
        p++;
    return p;
}

/* Reads the longest number; what is a longer word (1a, 1e3x) is left to lex_word, as in Spark. */
static bool lex_number(struct lexer *lexer, struct token *token)
{
    const char *start = lexer->text + lexer->at, *end = lexer->text + lexer->n;
    const char *p = skip_digits(start, end);
    bool point = p < end && *p == '.';
    enum token_kind kind = TOKEN_INTEGER;
    if (point) {
        kind = TOKEN_DECIMAL;
        p = skip_digits(p + 1, end);
    }
    bool exponent = false;
    if (p < end && (*p == 'e' || *p == 'E')) {
        const char *e = p + 1;
        e += e < end && (*e == '+' || *e == '-');
        exponent = e < end && is_digit(*e);
        if (exponent) {
            kind = TOKEN_EXPONENT;
            p = skip_digits(e, end);
        }
    }
    p += suffix(p, end, !point && !exponent, &kind);
    bool signed_exponent = exponent && memchr(start, '+', (size_t)(p - start));
    signed_exponent |= exponent && memchr(start, '-', (size_t)(p - start));
    if (p < end && is_word(*p) && (point || !signed_exponent)) {
        if (!point)
            return false;
        p = skip_digits(start, end); /* 1.x: the number 1, a point, a word */
        if (p == start)
            return false;
        kind = TOKEN_INTEGER;
    }
    *token =
        (struct token){.kind = (uint8_t)kind, .offset = lexer->at, .length = (uint32_t)(p - start)};
    return true;
}

static int lex_word(struct lexer *lexer)
{
    uint32_t length = 0;
    while (lexer->at + length < lexer->n && is_word(lexer->text[lexer->at + length]))
        length++;
    struct str word = {lexer->text + lexer->at, length};
    return add(lexer, (struct token){.kind = TOKEN_WORD,
                                     .keyword = (uint8_t)find_keyword(word),
                                     .offset = lexer->at,
                                     .length = length});
}

/* '...' or "...", also after r: there a backslash is a character like any other. */
static int lex_string(struct lexer *lexer, bool raw)
{
    uint32_t start = lexer->at, i = start + raw;
    char quote = lexer->text[i++];
    for (; i < lexer->n && lexer->text[i] != quote; i++)
        i += !raw && lexer->text[i] == '\\';
    if (i >= lexer->n)
        return diag_fail(lexer->diag, ERR_INVALID, start, "this string has no closing %c", quote);
    return add(lexer,
               (struct token){.kind = TOKEN_STRING, .offset = start, .length = i + 1 - start});
}

static int lex_quoted(struct lexer *lexer)
{
    uint32_t start = lexer->at, i = start + 1;
    for (; i < lexer->n; i++) {
        if (lexer->text[i] != '`')
            continue;
        if (i + 1 == lexer->n || lexer->text[i + 1] != '`')
            break;
        i++;
    }
    if (i >= lexer->n)
        return diag_fail(lexer->diag, ERR_INVALID, start, "this name has no closing `");
    if (i == start + 1)
        return diag_fail(lexer->diag, ERR_INVALID, start,
                         "a name between backquotes cannot be empty");
    return add(lexer,
               (struct token){.kind = TOKEN_QUOTED, .offset = start, .length = i + 1 - start});
}

static const struct {
    char text[4];
    uint8_t op;
} operators[] = {
    /* longer ones first */
    {"<=>", OP_NSEQ},
    {"==", OP_EQ},
    {"<>", OP_NEQ},
    {"!=", OP_NEQ},
    {"<=", OP_LTE},
    {"!>", OP_LTE},
    {">=", OP_GTE},
    {"!<", OP_GTE},
    {"||", OP_CONCAT},
    {"::", OP_DOUBLE_COLON},
    {"->", OP_ARROW},
    {"=>", OP_FAT_ARROW},
    {"=", OP_EQ},
    {"<", OP_LT},
    {">", OP_GT},
    {"+", OP_PLUS},
    {"-", OP_MINUS},
    {"*", OP_STAR},
    {"/", OP_SLASH},
    {"%", OP_PERCENT},
    {"~", OP_TILDE},
    {"&", OP_AND},
    {"|", OP_PIPE},
    {"^", OP_HAT},
    {"!", OP_BANG},
    {":", OP_COLON},
    {"?", OP_QUESTION},
    {"(", OP_OPEN},
    {")", OP_CLOSE},
    {"[", OP_OPEN_BRACKET},
    {"]", OP_CLOSE_BRACKET},
    {",", OP_COMMA},
    {".", OP_DOT},
    {";", OP_SEMICOLON},
};

/* A plain name with other letters than ASCII: Spark wants backquotes. */
static int unquoted_name(struct lexer *lexer)
{
    const struct token *last = lexer->count ? &lexer->tokens[lexer->count - 1] : NULL;
    bool joined = last && last->kind == TOKEN_WORD && last->offset + last->length == lexer->at;
    uint32_t start = joined ? last->offset : lexer->at, end = lexer->at;
    while (end < lexer->n && (is_word(lexer->text[end]) || (unsigned char)lexer->text[end] >= 0x80))
        end++;
    struct str name = diag_shown((struct str){lexer->text + start, end - start});
    return diag_fail(lexer->diag, ERR_INVALID, start,
                     "a name with letters beyond ASCII needs backquotes: `%.*s`", STR_ARG(name));
}

static int lex_unknown(struct lexer *lexer)
{
    struct str rest = {lexer->text + lexer->at, lexer->n - lexer->at};
    uint32_t code;
    size_t n = utf8_decode(rest, &code);
    utf8proc_category_t category = utf8proc_category((utf8proc_int32_t)code);
    if (category >= UTF8PROC_CATEGORY_LU && category <= UTF8PROC_CATEGORY_LO)
        return unquoted_name(lexer);
    if (category == UTF8PROC_CATEGORY_ZS || code == 0x200B || code == 0xFEFF)
        return diag_fail(lexer->diag, ERR_INVALID, lexer->at,
                         "unexpected character U+%04X: it looks like a space but is none", code);
    if (code < 0x20 || code == 0x7F || code == UTF8_REPLACEMENT)
        return diag_fail(lexer->diag, ERR_INVALID, lexer->at, "unexpected character U+%04X", code);
    return diag_fail(lexer->diag, ERR_INVALID, lexer->at, "unexpected character %.*s", (int)n,
                     rest.p);
}

static int lex_operator(struct lexer *lexer)
{
    for (size_t i = 0; i < COUNT_OF(operators); i++) {
        size_t n = strlen(operators[i].text);
        if (lexer->n - lexer->at < n || memcmp(lexer->text + lexer->at, operators[i].text, n) != 0)
            continue;
        return add(lexer, (struct token){.kind = TOKEN_OPERATOR,
                                         .op = operators[i].op,
                                         .offset = lexer->at,
                                         .length = (uint32_t)n});
    }
    return lex_unknown(lexer);
}

static int lex_one(struct lexer *lexer)
{
    char c = peek(lexer, 0), next = peek(lexer, 1);
    struct token number;
    if ((is_digit(c) || (c == '.' && is_digit(next))) && lex_number(lexer, &number))
        return add(lexer, number);
    if ((c == 'r' || c == 'R') && (next == '\'' || next == '"'))
        return lex_string(lexer, true);
    if (is_word(c))
        return lex_word(lexer);
    if (c == '\'' || c == '"')
        return lex_string(lexer, false);
    if (c == '`')
        return lex_quoted(lexer);
    return lex_operator(lexer);
}

int lexer_run(const struct diag *diag, struct arena *arena, struct token **tokens)
{
    if (diag->text.n > TEXT_MAX)
        return diag_fail(diag, ERR_INVALID, 0, "the query is longer than 256 MiB");
    struct lexer lexer = {.diag = diag, .arena = arena, .text = diag->text.p};
    lexer.n = (uint32_t)diag->text.n;
    for (;;) {
        int code = skip_space(&lexer);
        if (code == 0 && lexer.at == lexer.n)
            break;
        if (code == 0)
            code = lex_one(&lexer);
        if (code != 0)
            return code;
    }
    *tokens = NULL;
    int code = add(&lexer, (struct token){.kind = TOKEN_END, .offset = lexer.n});
    *tokens = lexer.tokens;
    return code;
}
