/* kernel_regexp.c: RLIKE, regexp_... and split. */
#include <stdlib.h>

#include "base/utf8.h"
#include "sql/kernel_string.h"
#include "sql/kernels_text.h"
#include "sql/regexp.h"

struct regexp_call {
    struct regexp *regexp;      /* the constant pattern's, or NULL */
    struct regexp_cache *cache; /* without one */
    struct buf text;            /* a result under construction */
};

const char regexp_loose_message[] =
    "the value of a group is not supported where the pattern captures inside look-arounds, atomic "
    "groups, possessive repetitions or repetitions of what may be empty";

struct regexp_call *regexp_call_create(struct regexp *regexp)
{
    struct regexp_call *call = calloc(1, sizeof *call);
    if (call) {
        call->regexp = regexp;
        call->cache = regexp ? NULL : calloc(1, sizeof *call->cache);
    }
    if (call && (regexp || call->cache))
        return call;
    regexp_destroy(regexp);
    free(call);
    return NULL;
}

void regexp_call_destroy(void *call)
{
    struct regexp_call *c = call;
    if (!c)
        return;
    regexp_destroy(c->regexp);
    regexp_cache_destroy(c->cache);
    buf_fini(&c->text);
    free(c);
}

/* One row's subject, as UTF-8, and the pattern for it. */
struct search {
    struct eval *eval;
    struct regexp_call *call;
    const struct value *args;
    struct regexp *regexp;
    struct str subject;
};

static int open_row(struct search *search, uint32_t row)
{
    search->subject = arg_str(&search->args[0], row);
    if (!string_clean(search->eval, &search->subject))
        return ERR_NOMEM;
    search->regexp = search->call->regexp;
    if (search->regexp)
        return 0;
    int code = regexp_cache_get(search->call->cache, arg_str(&search->args[1], row),
                                &search->regexp, search->eval->err);
    return code == ERR_UNSUPPORTED ? ERR_INVALID : code;
}

/* 1: found, 0: not, else an error. */
static int find(struct search *search, size_t start)
{
    return regexp_find(search->regexp, search->subject, start, search->eval->err);
}

static struct str match(const struct search *search)
{
    struct str found;
    (void)regexp_group(search->regexp, search->subject, 0, &found);
    return found;
}

/* Where the next match is looked for. */
static size_t behind(const struct search *search, struct str found)
{
    size_t from = (size_t)(found.p - search->subject.p);
    return regexp_next(search->subject, from, from + found.n);
}

#define SEARCH(eval, expr, args)                                                                   \
    {                                                                                              \
        .eval = (eval), .call = (expr)->prepared, .args = (args)                                   \
    }

int kernel_rlike(struct eval *eval, const struct expr *expr, const struct value *args,
                 struct value *out)
{
    struct search search = SEARCH(eval, expr, args);
    for (uint32_t i = 0; i < out->vec.rows; i++) {
        out->vec.boolean[i] = 0;
        if (vec_is_null(&out->vec, i))
            continue;
        int code = open_row(&search, i);
        if (code == 0)
            code = find(&search, 0);
        if (code < 0)
            return code;
        out->vec.boolean[i] = (uint8_t)code;
    }
    return 0;
}

static int check_group(const struct search *search, const char *function, int32_t group)
{
    uint32_t count = regexp_group_count(search->regexp);
    if (group > 0 && (uint32_t)group <= count && regexp_is_loose(search->regexp))
        return err_set(search->eval->err, ERR_INVALID, "%s: %s", function, regexp_loose_message);
    if (group >= 0 && (uint32_t)group <= count)
        return 0;
    return err_set(search->eval->err, ERR_INVALID,
                   "%s: the group must be between 0 and %u, the groups of the pattern, not %d",
                   function, (unsigned)count, (int)group);
}

int kernel_regexp_extract(struct eval *eval, const struct expr *expr, const struct value *args,
                          struct value *out)
{
    struct search search = SEARCH(eval, expr, args);
    for (uint32_t i = 0; i < out->vec.rows; i++) {
        if (string_skip(out, i))
            continue;
        int32_t group = arg_int(&args[2], i);
        out->vec.str[i] = (struct str){"", 0};
        int code = open_row(&search, i);
        if (code == 0)
            code = find(&search, 0);
        if (code == 0)
            continue;
        if (code > 0)
            code = check_group(&search, "regexp_extract", group);
        if (code != 0)
            return code;
        (void)regexp_group(search.regexp, search.subject, (uint32_t)group, &out->vec.str[i]);
    }
    return 0;
}

/* NULL where there is no match, or an empty one. */
int kernel_regexp_substr(struct eval *eval, const struct expr *expr, const struct value *args,
                         struct value *out)
{
    struct search search = SEARCH(eval, expr, args);
    uint8_t *nulls = kernel_flags(eval, out->vec.rows);
    if (!nulls)
        return ERR_NOMEM;
    for (uint32_t i = 0; i < out->vec.rows; i++) {
        nulls[i] = 1;
        if (string_skip(out, i))
            continue;
        int code = open_row(&search, i);
        if (code == 0)
            code = find(&search, 0);
        if (code < 0)
            return code;
        out->vec.str[i] = code ? match(&search) : (struct str){"", 0};
        nulls[i] = out->vec.str[i].n == 0;
    }
    return kernel_null_where(eval, out, nulls);
}

int kernel_regexp_count(struct eval *eval, const struct expr *expr, const struct value *args,
                        struct value *out)
{
    struct search search = SEARCH(eval, expr, args);
    for (uint32_t i = 0; i < out->vec.rows; i++) {
        out->vec.i32[i] = 0;
        if (vec_is_null(&out->vec, i))
            continue;
        int code = open_row(&search, i);
        if (code == 0)
            code = find(&search, 0);
        while (code > 0) {
            out->vec.i32[i]++;
            code = find(&search, behind(&search, match(&search)));
        }
        if (code < 0)
            return code;
    }
    return 0;
}

/* Spark's third argument, a group, makes no difference; the place counts UTF-16 units. */
int kernel_regexp_instr(struct eval *eval, const struct expr *expr, const struct value *args,
                        struct value *out)
{
    struct search search = SEARCH(eval, expr, args);
    for (uint32_t i = 0; i < out->vec.rows; i++) {
        out->vec.i32[i] = 0;
        if (vec_is_null(&out->vec, i))
            continue;
        int code = open_row(&search, i);
        if (code == 0)
            code = find(&search, 0);
        if (code < 0)
            return code;
        if (code == 0)
            continue;
        size_t before = (size_t)(match(&search).p - search.subject.p);
        out->vec.i32[i] = 1 + (int32_t)utf8_count_utf16((struct str){search.subject.p, before});
    }
    return 0;
}

/* The elements of all rows' arrays. */
struct elements {
    struct arena *arena;
    struct str *items;
    uint32_t count, capacity;
};

static int push(struct elements *elements, struct str item)
{
    if (elements->count == elements->capacity) {
        uint32_t capacity = elements->capacity ? elements->capacity * 2 : 256;
        struct str *items = capacity > UINT32_MAX / 2
                                ? NULL
                                : arena_alloc(elements->arena, capacity * sizeof(struct str));
        if (!items)
            return ERR_NOMEM;
        if (elements->count)
            memcpy(items, elements->items, elements->count * sizeof(struct str));
        elements->items = items;
        elements->capacity = capacity;
    }
    elements->items[elements->count++] = item;
    return 0;
}

static int finish_array(struct elements *elements, struct value *out)
{
    struct vec *child = ARENA_NEW(elements->arena, struct vec);
    if (!child || vec_init(child, out->vec.type->element, 0, elements->arena) != 0)
        return ERR_NOMEM;
    child->rows = elements->count;
    if (elements->count)
        child->str = elements->items;
    out->vec.children = child;
    return 0;
}

static int extract_row(struct search *search, int32_t group, struct elements *elements)
{
    int code = find(search, 0);
    while (code > 0) {
        struct str found = match(search), item;
        code = check_group(search, "regexp_extract_all", group);
        if (code != 0)
            return code;
        (void)regexp_group(search->regexp, search->subject, (uint32_t)group, &item);
        code = push(elements, item);
        if (code == 0)
            code = find(search, behind(search, found));
    }
    return code;
}

int kernel_regexp_extract_all(struct eval *eval, const struct expr *expr, const struct value *args,
                              struct value *out)
{
    struct search search = SEARCH(eval, expr, args);
    struct elements elements = {.arena = eval->arena};
    for (uint32_t i = 0; i < out->vec.rows; i++) {
        uint32_t start = elements.count;
        int code = 0;
        if (!vec_is_null(&out->vec, i)) {
            code = open_row(&search, i);
            if (code == 0)
                code = extract_row(&search, arg_int(&args[2], i), &elements);
        }
        if (code != 0)
            return code;
        out->vec.span[i] = (struct vec_span){start, elements.count - start};
    }
    return finish_array(&elements, out);
}

/* UTF8String.split by nothing: its characters, and no more than the limit of them. */
static int split_characters(struct str s, int32_t limit, struct elements *elements)
{
    int code = 0;
    for (int32_t n = 0; s.n && code == 0 && (limit <= 0 || n < limit); n++) {
        size_t length = string_offset(s, 1);
        code = push(elements, (struct str){s.p, length});
        s = (struct str){s.p + length, s.n - length};
    }
    return code;
}

/* Pattern.split with a limit that is not 0: empty parts at the end stay; an empty match at the
 * start parts nothing. */
static int split_row(struct search *search, int32_t limit, struct elements *elements)
{
    struct str s = search->subject;
    size_t from = 0;
    int code = find(search, 0);
    for (int32_t parts = 1; code > 0 && (limit <= 0 || parts < limit);) {
        struct str found = match(search);
        size_t at = (size_t)(found.p - s.p);
        if (at + found.n > 0) {
            code = push(elements, (struct str){s.p + from, at - from});
            from = at + found.n;
            parts++;
        }
        if (code < 0)
            return code;
        code = find(search, regexp_next(s, at, at + found.n));
    }
    if (code < 0)
        return code;
    return push(elements, (struct str){s.n ? s.p + from : "", s.n - from});
}

int kernel_split(struct eval *eval, const struct expr *expr, const struct value *args,
                 struct value *out)
{
    struct search search = SEARCH(eval, expr, args);
    struct elements elements = {.arena = eval->arena};
    for (uint32_t i = 0; i < out->vec.rows; i++) {
        uint32_t start = elements.count;
        int code = 0;
        if (!vec_is_null(&out->vec, i)) {
            int32_t limit = arg_int(&args[2], i);
            struct str s = arg_str(&args[0], i);
            if (s.n && arg_str(&args[1], i).n == 0) {
                code = split_characters(s, limit, &elements);
            } else {
                code = open_row(&search, i);
                if (code == 0)
                    code = split_row(&search, limit, &elements);
            }
        }
        if (code != 0)
            return code;
        out->vec.span[i] = (struct vec_span){start, elements.count - start};
    }
    return finish_array(&elements, out);
}

/* The group that begins behind a $: digits while there is such a group, or {name}. Moves *at. */
static int replacement_group(const struct regexp *regexp, struct str text, size_t *at,
                             uint32_t *group, struct err *err)
{
    size_t i = *at;
    uint32_t count = regexp_group_count(regexp);
    if (i < text.n && text.p[i] == '{') {
        const char *end = memchr(text.p + i, '}', text.n - i);
        size_t n = end ? (size_t)(end - text.p) - i - 1 : 0;
        int named = end ? regexp_group_named(regexp, (struct str){text.p + i + 1, n}) : -1;
        if (named < 0)
            return err_set(err, ERR_INVALID,
                           "the replacement \"%.*s\" names a group that is not in the pattern",
                           text.n > 200 ? 200 : (int)text.n, text.p);
        *group = (uint32_t)named;
        *at = i + n + 2;
        return 0;
    }
    if (i >= text.n || text.p[i] < '0' || text.p[i] > '9')
        return err_set(err, ERR_INVALID,
                       "the replacement \"%.*s\" has a $ without a group behind it: write \\$ for "
                       "the sign itself",
                       text.n > 200 ? 200 : (int)text.n, text.p);
    *group = (uint32_t)(text.p[i++] - '0');
    if (*group > count)
        return err_set(err, ERR_INVALID, "the replacement names group %u, but the pattern has %u",
                       (unsigned)*group, (unsigned)count);
    for (; i < text.n && text.p[i] >= '0' && text.p[i] <= '9'; i++) {
        uint32_t longer = *group * 10 + (uint32_t)(text.p[i] - '0');
        if (longer > count)
            break;
        *group = longer;
    }
    *at = i;
    return 0;
}

static int append_group(const struct regexp *regexp, const struct search *search, uint32_t group,
                        struct buf *out, struct err *err)
{
    struct str found;
    if (group > 0 && regexp_is_loose(regexp))
        return err_set(err, ERR_UNSUPPORTED, "%s", regexp_loose_message);
    if (search && regexp_group(regexp, search->subject, group, &found))
        buf_append_str(out, found);
    return 0;
}

/* Matcher.appendReplacement's text for the last match; search == NULL: only looks for mistakes. */
static int expand(const struct regexp *regexp, const struct search *search, struct str text,
                  struct buf *out, struct err *err)
{
    for (size_t i = 0; i < text.n;) {
        char c = text.p[i++];
        if (c == '$') {
            uint32_t group = 0;
            int code = replacement_group(regexp, text, &i, &group, err);
            if (code == 0)
                code = append_group(regexp, search, group, out, err);
            if (code != 0)
                return code;
            continue;
        }
        if (c == '\\') {
            if (i == text.n)
                return err_set(err, ERR_INVALID, "the replacement ends with a backslash");
            c = text.p[i++];
        }
        if (search)
            buf_append_char(out, c);
    }
    return 0;
}

int regexp_check_replacement(const struct regexp *regexp, struct str replacement, struct err *err)
{
    return expand(regexp, NULL, replacement, NULL, err);
}

/* UTF-16 units → bytes; more than s.n when there are not so many. */
static size_t utf16_offset(struct str s, int64_t units)
{
    size_t i = 0;
    while (units > 0 && i < s.n) {
        size_t n = string_char_bytes(s.p[i]);
        units -= n == 4 ? 2 : 1;
        i += n;
    }
    return units > 0 || (i >= s.n && s.n > 0) ? s.n + 1 : i;
}

static int replace_row(struct search *search, struct str replacement, struct buf *out)
{
    struct str s = search->subject;
    bool plain = !replacement.n || (!memchr(replacement.p, '$', replacement.n) &&
                                    !memchr(replacement.p, '\\', replacement.n));
    size_t from = 0;
    int code = find(search, 0);
    while (code > 0) {
        struct str found = match(search);
        size_t at = (size_t)(found.p - s.p);
        buf_append(out, s.p + from, at - from);
        from = at + found.n;
        code = 0;
        if (plain)
            buf_append_str(out, replacement);
        else
            code = expand(search->regexp, search, replacement, out, search->eval->err);
        code = code == ERR_UNSUPPORTED ? ERR_INVALID : code;
        if (out->failed || out->n > STRING_RESULT_MAX)
            break;
        if (code == 0)
            code = find(search, behind(search, found));
    }
    if (code >= 0 && s.n)
        buf_append(out, s.p + from, s.n - from);
    return code < 0 ? code : 0;
}

/* Replaces from a position on; what stands before it is out of the pattern's sight. */
static int replace_from(struct search *search, uint32_t row, struct value *out)
{
    struct eval *eval = search->eval;
    struct str whole = search->subject, replacement = arg_str(&search->args[2], row);
    size_t before = utf16_offset(whole, arg_int(&search->args[3], row) - 1LL);
    struct buf *text = &search->call->text;
    char *room;
    out->vec.str[row] = whole;
    if (before > whole.n)
        return 0;
    if (!string_clean(eval, &replacement))
        return ERR_NOMEM;
    buf_clear(text);
    if (before)
        buf_append(text, whole.p, before);
    search->subject = (struct str){(whole.p ? whole.p : "") + before, whole.n - before};
    int code = replace_row(search, replacement, text);
    if (code == 0 && text->failed)
        code = ERR_NOMEM;
    if (code == 0)
        code = string_room(eval, "regexp_replace", text->n, &room);
    if (code == 0)
        string_end(eval, out, row, room, string_put(room, 0, buf_str(text)));
    return code;
}

int kernel_regexp_replace(struct eval *eval, const struct expr *expr, const struct value *args,
                          struct value *out)
{
    struct search search = SEARCH(eval, expr, args);
    for (uint32_t i = 0; i < out->vec.rows; i++) {
        if (string_skip(out, i))
            continue;
        int code = open_row(&search, i);
        if (code == 0)
            code = replace_from(&search, i, out);
        if (code != 0)
            return code;
    }
    return 0;
}
