/* kernel_string_build.c: texts made of others. */
#include <stdlib.h>
#include <utf8proc.h>

#include "base/utf8.h"
#include "sql/kernel_string.h"
#include "sql/kernels_text.h"

/* concat_ws takes texts and arrays of texts; what is NULL is left out. */
struct join {
    struct str separator;
    char *text; /* NULL: only count */
    size_t n;
    bool any;
};

static void join_one(struct join *join, struct str s)
{
    if (join->any && join->text)
        (void)string_put(join->text, join->n, join->separator);
    join->n += join->any ? join->separator.n : 0;
    if (join->text)
        (void)string_put(join->text, join->n, s);
    join->n += s.n;
    join->any = true;
}

static void join_row(struct join *join, const struct value *args, uint32_t count, uint32_t row)
{
    join->n = 0;
    join->any = false;
    for (uint32_t k = 1; k < count; k++) {
        uint32_t at = kernel_row(&args[k], row);
        const struct vec *vec = &args[k].vec;
        if (vec_is_null(vec, at))
            continue;
        if (vec->type->kind != TYPE_ARRAY) {
            join_one(join, vec->str[at]);
            continue;
        }
        const struct vec *items = &vec->children[0];
        for (uint32_t i = 0; i < vec->span[at].count; i++) {
            if (!vec_is_null(items, vec->span[at].start + i))
                join_one(join, items->str[vec->span[at].start + i]);
        }
    }
}

int kernel_concat_ws(struct eval *eval, const struct expr *expr, const struct value *args,
                     struct value *out)
{
    uint8_t *nulls = kernel_flags(eval, out->vec.rows);
    if (!nulls)
        return ERR_NOMEM;
    for (uint32_t i = 0; i < out->vec.rows; i++) {
        out->vec.str[i] = (struct str){"", 0};
        nulls[i] = arg_null(&args[0], i);
        if (nulls[i])
            continue;
        struct join join = {.separator = arg_str(&args[0], i)};
        join_row(&join, args, expr->arg_count, i);
        int code = string_room(eval, "concat_ws", join.n, &join.text);
        if (code != 0)
            return code;
        join_row(&join, args, expr->arg_count, i);
        string_end(eval, out, i, join.text, join.n);
    }
    return kernel_null_where(eval, out, nulls);
}

int kernel_elt(struct eval *eval, const struct expr *expr, const struct value *args,
               struct value *out)
{
    uint8_t *nulls = kernel_flags(eval, out->vec.rows);
    if (!nulls)
        return ERR_NOMEM;
    for (uint32_t i = 0; i < out->vec.rows; i++) {
        int64_t k = arg_null(&args[0], i) ? 0 : arg_int(&args[0], i);
        nulls[i] = k < 1 || k >= expr->arg_count || arg_null(&args[k], i);
        out->vec.str[i] = nulls[i] ? (struct str){"", 0} : arg_str(&args[k], i);
    }
    return kernel_null_where(eval, out, nulls);
}

static int repeat(struct eval *eval, const char *function, struct str s, int32_t times,
                  struct value *out, uint32_t row)
{
    char *text;
    uint64_t count = times > 0 && s.n ? (uint64_t)times : 0;
    int code = string_room(eval, function, count * s.n, &text);
    if (code != 0)
        return code;
    size_t n = 0;
    for (; count > 0; count--)
        n = string_put(text, n, s);
    string_end(eval, out, row, text, n);
    return 0;
}

int kernel_repeat(struct eval *eval, const struct expr *expr, const struct value *args,
                  struct value *out)
{
    (void)expr;
    int code = 0;
    for (uint32_t i = 0; i < out->vec.rows && code == 0; i++) {
        if (!string_skip(out, i))
            code = repeat(eval, "repeat", arg_str(&args[0], i), arg_int(&args[1], i), out, i);
    }
    return code;
}

int kernel_space(struct eval *eval, const struct expr *expr, const struct value *args,
                 struct value *out)
{
    (void)expr;
    int code = 0;
    for (uint32_t i = 0; i < out->vec.rows && code == 0; i++) {
        if (!string_skip(out, i))
            code = repeat(eval, "space", STR(" "), arg_int(&args[0], i), out, i);
    }
    return code;
}

int kernel_chr(struct eval *eval, const struct expr *expr, const struct value *args,
               struct value *out)
{
    (void)expr;
    for (uint32_t i = 0; i < out->vec.rows; i++) {
        char *text = kernel_text(eval, 4);
        int64_t code = args[0].vec.i64[kernel_row(&args[0], i)];
        if (!text)
            return ERR_NOMEM;
        string_end(eval, out, i, text, code < 0 ? 0 : utf8_encode((uint32_t)code & 0xFF, text));
    }
    return 0;
}

/* Appends `chars` characters of the padding, again and again. */
static size_t put_padding(char *text, size_t at, struct str pad, uint32_t pad_chars, uint32_t chars)
{
    for (; chars >= pad_chars; chars -= pad_chars)
        at = string_put(text, at, pad);
    return string_put(text, at, (struct str){pad.p, string_offset(pad, chars)});
}

static int pad_row(struct eval *eval, const struct value *args, struct value *out, uint32_t row,
                   bool left)
{
    struct str s = arg_str(&args[0], row), pad = arg_str(&args[2], row);
    int32_t length = arg_int(&args[1], row);
    uint32_t chars = string_chars(s), pad_chars = string_chars(pad);
    char *text;
    if (length <= 0 || (uint32_t)length <= chars || pad_chars == 0) {
        out->vec.str[row] = string_slice(s, 0, length);
        return 0;
    }
    uint32_t missing = (uint32_t)length - chars;
    uint64_t room = s.n + ((uint64_t)missing / pad_chars + 1) * pad.n;
    int code = string_room(eval, left ? "lpad" : "rpad", room, &text);
    if (code != 0)
        return code;
    size_t n = left ? 0 : string_put(text, 0, s);
    n = put_padding(text, n, pad, pad_chars, missing);
    string_end(eval, out, row, text, left ? string_put(text, n, s) : n);
    return 0;
}

typedef int (*pad_fn)(struct eval *eval, const struct value *args, struct value *out, uint32_t row,
                      bool left);

static int pad_all(struct eval *eval, const struct value *args, struct value *out, pad_fn pad,
                   bool left)
{
    int code = 0;
    for (uint32_t i = 0; i < out->vec.rows && code == 0; i++) {
        if (!string_skip(out, i))
            code = pad(eval, args, out, i, left);
    }
    return code;
}

int kernel_lpad(struct eval *eval, const struct expr *expr, const struct value *args,
                struct value *out)
{
    (void)expr;
    return pad_all(eval, args, out, pad_row, true);
}

int kernel_rpad(struct eval *eval, const struct expr *expr, const struct value *args,
                struct value *out)
{
    (void)expr;
    return pad_all(eval, args, out, pad_row, false);
}

/* Without padding bytes nothing is added; a negative length is refused by Spark too. */
static int pad_bytes(struct eval *eval, const struct value *args, struct value *out, uint32_t row,
                     bool left)
{
    struct str s = arg_str(&args[0], row), pad = arg_str(&args[2], row);
    int32_t length = arg_int(&args[1], row);
    const char *function = left ? "lpad" : "rpad";
    char *text;
    if (length < 0)
        return err_set(eval->err, ERR_INVALID, "%s: a BINARY cannot be %d bytes long", function,
                       (int)length);
    size_t n = (size_t)length, kept = s.n < n ? s.n : n;
    if (pad.n == 0)
        n = kept;
    int code = string_room(eval, function, n, &text);
    if (code != 0)
        return code;
    size_t first = left ? n - kept : 0, from = left ? 0 : kept;
    if (kept)
        memcpy(text + first, s.p, kept);
    for (size_t i = 0; i < n - kept; i++)
        text[from + i] = pad.p[i % pad.n];
    string_end(eval, out, row, text, n);
    return 0;
}

int kernel_lpad_binary(struct eval *eval, const struct expr *expr, const struct value *args,
                       struct value *out)
{
    (void)expr;
    return pad_all(eval, args, out, pad_bytes, true);
}

int kernel_rpad_binary(struct eval *eval, const struct expr *expr, const struct value *args,
                       struct value *out)
{
    (void)expr;
    return pad_all(eval, args, out, pad_bytes, false);
}

/* (text, other, position, length): a negative length is that of the other. Sums wrap, as Java's. */
static int overlay(struct eval *eval, const struct value *args, struct value *out, bool binary)
{
    struct str (*part)(struct str, int32_t, int32_t) =
        binary ? string_byte_substring : string_substring;
    for (uint32_t i = 0; i < out->vec.rows; i++) {
        if (string_skip(out, i))
            continue;
        struct str s = arg_str(&args[0], i), other = arg_str(&args[1], i);
        int32_t position = arg_int(&args[2], i), length = arg_int(&args[3], i);
        if (length < 0)
            length = (int32_t)(binary ? other.n : string_chars(other));
        struct str head = part(s, 1, (int32_t)((uint32_t)position - 1));
        struct str tail = part(s, (int32_t)((uint32_t)position + (uint32_t)length), INT32_MAX);
        char *text = kernel_text(eval, head.n + other.n + tail.n);
        if (!text)
            return ERR_NOMEM;
        size_t n = string_put(text, string_put(text, 0, head), other);
        string_end(eval, out, i, text, string_put(text, n, tail));
    }
    return 0;
}

int kernel_overlay(struct eval *eval, const struct expr *expr, const struct value *args,
                   struct value *out)
{
    (void)expr;
    return overlay(eval, args, out, false);
}

int kernel_overlay_binary(struct eval *eval, const struct expr *expr, const struct value *args,
                          struct value *out)
{
    (void)expr;
    return overlay(eval, args, out, true);
}

static int replace_row(struct eval *eval, struct str s, struct str what, struct str with,
                       struct value *out, uint32_t row)
{
    uint64_t count = 0;
    char *text;
    out->vec.str[row] = s;
    for (int64_t at = 0; what.n && (at = string_find(s, what, (size_t)at)) >= 0; count++)
        at += (int64_t)what.n;
    if (count == 0)
        return 0;
    int code = string_room(eval, "replace", s.n - count * what.n + count * with.n, &text);
    if (code != 0)
        return code;
    size_t n = 0, from = 0;
    for (; count > 0; count--) {
        size_t at = (size_t)string_find(s, what, from);
        n = string_put(text, n, (struct str){s.p + from, at - from});
        n = string_put(text, n, with);
        from = at + what.n;
    }
    string_end(eval, out, row, text, string_put(text, n, (struct str){s.p + from, s.n - from}));
    return 0;
}

int kernel_replace(struct eval *eval, const struct expr *expr, const struct value *args,
                   struct value *out)
{
    (void)expr;
    int code = 0;
    for (uint32_t i = 0; i < out->vec.rows && code == 0; i++) {
        if (!string_skip(out, i))
            code = replace_row(eval, arg_str(&args[0], i), arg_str(&args[1], i),
                               arg_str(&args[2], i), out, i);
    }
    return code;
}

int kernel_reverse_string(struct eval *eval, const struct expr *expr, const struct value *args,
                          struct value *out)
{
    (void)expr;
    for (uint32_t i = 0; i < out->vec.rows; i++) {
        struct str s = arg_str(&args[0], i);
        char *text = kernel_text(eval, s.n);
        if (!text)
            return ERR_NOMEM;
        for (size_t at = 0; at < s.n;) {
            size_t n = string_char_bytes(s.p[at]);
            n = n < s.n - at ? n : s.n - at;
            memcpy(text + (s.n - at - n), s.p + at, n);
            at += n;
        }
        string_end(eval, out, i, text, s.n);
    }
    return 0;
}

/* translate: from one character to another, or to nothing. */
enum { DELETED = 0 };
struct mapping {
    uint32_t from, order, to;
};

struct dictionary {
    struct mapping *items;
    uint32_t count;
};

static int by_character(const void *a, const void *b)
{
    const struct mapping *x = a, *y = b;
    if (x->from != y->from)
        return x->from < y->from ? -1 : 1;
    return x->order < y->order ? -1 : x->order > y->order;
}

static int find_character(const void *a, const void *b)
{
    const struct mapping *x = a, *y = b;
    return x->from < y->from ? -1 : x->from > y->from;
}

static int make_dictionary(struct dictionary *dictionary, struct str from, struct str to,
                           struct arena *arena)
{
    dictionary->items = arena_alloc(arena, (from.n + 1) * sizeof(struct mapping));
    dictionary->count = 0;
    if (!dictionary->items)
        return ERR_NOMEM;
    while (from.n) {
        struct mapping *item = &dictionary->items[dictionary->count];
        size_t n = utf8_decode(from, &item->from);
        item->order = dictionary->count++;
        item->to = DELETED;
        from = (struct str){from.p + n, from.n - n};
        n = to.n ? utf8_decode(to, &item->to) : 0;
        to = (struct str){to.n ? to.p + n : to.p, to.n - n};
    }
    qsort(dictionary->items, dictionary->count, sizeof(struct mapping), by_character);
    uint32_t kept = 0; /* the first of equal characters counts */
    for (uint32_t i = 0; i < dictionary->count; i++) {
        if (kept == 0 || dictionary->items[kept - 1].from != dictionary->items[i].from)
            dictionary->items[kept++] = dictionary->items[i];
    }
    dictionary->count = kept;
    return 0;
}

static int translate_row(struct eval *eval, const struct dictionary *dictionary, struct str s,
                         struct value *out, uint32_t row)
{
    char *text;
    size_t n = 0;
    int code = string_room(eval, "translate", (uint64_t)s.n * 4, &text);
    if (code != 0)
        return code;
    for (size_t i = 0; i < s.n;) {
        struct mapping wanted = {0, 0, 0};
        i += utf8_decode((struct str){s.p + i, s.n - i}, &wanted.from);
        const struct mapping *found = dictionary->count == 0
                                          ? NULL
                                          : bsearch(&wanted, dictionary->items, dictionary->count,
                                                    sizeof wanted, find_character);
        if (!found)
            n += utf8_encode(wanted.from, text + n);
        else if (found->to != DELETED)
            n += utf8_encode(found->to, text + n);
    }
    string_end(eval, out, row, text, n);
    return 0;
}

int kernel_translate(struct eval *eval, const struct expr *expr, const struct value *args,
                     struct value *out)
{
    (void)expr;
    struct dictionary dictionary = {0};
    struct str from = {NULL, 0}, to = {NULL, 0};
    for (uint32_t i = 0; i < out->vec.rows; i++) {
        if (string_skip(out, i))
            continue;
        struct str a = arg_str(&args[1], i), b = arg_str(&args[2], i);
        int code = 0;
        if (!dictionary.items || !str_eq(a, from) || !str_eq(b, to))
            code = make_dictionary(&dictionary, a, b, eval->arena);
        from = a;
        to = b;
        if (code == 0)
            code = translate_row(eval, &dictionary, arg_str(&args[0], i), out, i);
        if (code != 0)
            return code;
    }
    return 0;
}

/* Java replaces UTF-16 units, by the first unit of the replacement: half of a character is shown as
 * a question mark. */
static struct str mask_unit(struct str with)
{
    return with.n == 4 ? STR("?") : with;
}

/* Which of mask's four replacements a character gets: args[kind]; Java sees halves of characters
 * beyond U+FFFF, which are none of the first three. */
static uint32_t mask_kind(uint32_t code)
{
    if (code >= 0x10000)
        return 4;
    switch (utf8proc_category((utf8proc_int32_t)code)) {
    case UTF8PROC_CATEGORY_LU:
        return 1;
    case UTF8PROC_CATEGORY_LL:
        return 2;
    case UTF8PROC_CATEGORY_ND:
        return 3;
    default:
        return 4;
    }
}

static int mask_row(struct eval *eval, const struct value *args, struct value *out, uint32_t row)
{
    struct str s = arg_str(&args[0], row);
    char *text;
    size_t n = 0;
    int code = string_room(eval, "mask", (uint64_t)s.n * 4, &text);
    if (code != 0)
        return code;
    for (size_t i = 0; i < s.n;) {
        uint32_t c;
        i += utf8_decode((struct str){s.p + i, s.n - i}, &c);
        const struct value *with = &args[mask_kind(c)];
        if (arg_null(with, row)) {
            n += utf8_encode(c, text + n);
            continue;
        }
        n = string_put(text, n, mask_unit(arg_str(with, row)));
        if (c >= 0x10000) /* two units */
            n = string_put(text, n, mask_unit(arg_str(with, row)));
    }
    string_end(eval, out, row, text, n);
    return 0;
}

int kernel_mask(struct eval *eval, const struct expr *expr, const struct value *args,
                struct value *out)
{
    (void)expr;
    uint8_t *nulls = kernel_flags(eval, out->vec.rows);
    if (!nulls)
        return ERR_NOMEM;
    for (uint32_t i = 0; i < out->vec.rows; i++) {
        out->vec.str[i] = (struct str){"", 0};
        nulls[i] = arg_null(&args[0], i);
        int code = nulls[i] ? 0 : mask_row(eval, args, out, i);
        if (code != 0)
            return code;
    }
    return kernel_null_where(eval, out, nulls);
}
