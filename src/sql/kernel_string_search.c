/* kernel_string_search.c: where a text is in another, and the parts around it. */
#include "sql/kernel_string.h"
#include "sql/kernels_text.h"

int kernel_contains(struct eval *eval, const struct expr *expr, const struct value *args,
                    struct value *out)
{
    (void)eval, (void)expr;
    for (uint32_t i = 0; i < out->vec.rows; i++)
        out->vec.boolean[i] = string_find(arg_str(&args[0], i), arg_str(&args[1], i), 0) >= 0;
    return 0;
}

int kernel_starts_with(struct eval *eval, const struct expr *expr, const struct value *args,
                       struct value *out)
{
    (void)eval, (void)expr;
    for (uint32_t i = 0; i < out->vec.rows; i++)
        out->vec.boolean[i] = str_starts_with(arg_str(&args[0], i), arg_str(&args[1], i));
    return 0;
}

int kernel_ends_with(struct eval *eval, const struct expr *expr, const struct value *args,
                     struct value *out)
{
    (void)eval, (void)expr;
    for (uint32_t i = 0; i < out->vec.rows; i++) {
        struct str s = arg_str(&args[0], i), end = arg_str(&args[1], i);
        out->vec.boolean[i] = s.n >= end.n && str_eq((struct str){s.p + (s.n - end.n), end.n}, end);
    }
    return 0;
}

/* UTF8String.indexOf: the index of the first `what` that begins at a character, from the index
 * `start` on; -1: none. */
static int32_t index_of(struct str s, struct str what, int64_t start)
{
    if (what.n == 0)
        return 0;
    if (string_is_ascii(s)) {
        int64_t at = start > (int64_t)s.n ? -1 : string_find(s, what, (size_t)start);
        return (int32_t)at;
    }
    size_t at = string_offset(s, start);
    for (int64_t found; (found = string_find(s, what, at)) >= 0; at = (size_t)found + 1) {
        size_t i = 0;
        int32_t index = 0;
        for (; i < (size_t)found; i += string_char_bytes(s.p[i]))
            index++;
        if (i == (size_t)found)
            return index;
    }
    return -1;
}

int kernel_instr(struct eval *eval, const struct expr *expr, const struct value *args,
                 struct value *out)
{
    (void)eval, (void)expr;
    for (uint32_t i = 0; i < out->vec.rows; i++)
        out->vec.i32[i] = 1 + index_of(arg_str(&args[0], i), arg_str(&args[1], i), 0);
    return 0;
}

/* A NULL position, or one below 1, gives 0 whatever the texts are. */
int kernel_locate(struct eval *eval, const struct expr *expr, const struct value *args,
                  struct value *out)
{
    (void)expr;
    uint8_t *nulls = kernel_flags(eval, out->vec.rows);
    if (!nulls)
        return ERR_NOMEM;
    for (uint32_t i = 0; i < out->vec.rows; i++) {
        out->vec.i32[i] = 0;
        nulls[i] = 0;
        if (arg_null(&args[2], i))
            continue;
        int32_t position = arg_int(&args[2], i);
        nulls[i] = arg_null(&args[0], i) || arg_null(&args[1], i);
        if (!nulls[i] && position >= 1)
            out->vec.i32[i] =
                1 + index_of(arg_str(&args[1], i), arg_str(&args[0], i), position - 1LL);
    }
    return kernel_null_where(eval, out, nulls);
}

static int32_t find_in_set(struct str word, struct str set)
{
    if (word.n && memchr(word.p, ',', word.n))
        return 0;
    for (int32_t n = 1;; n++) {
        const char *comma = set.n ? memchr(set.p, ',', set.n) : NULL;
        size_t length = comma ? (size_t)(comma - set.p) : set.n;
        if (str_eq((struct str){set.p, length}, word))
            return n;
        if (!comma)
            return 0;
        set = (struct str){comma + 1, set.n - length - 1};
    }
}

int kernel_find_in_set(struct eval *eval, const struct expr *expr, const struct value *args,
                       struct value *out)
{
    (void)eval, (void)expr;
    for (uint32_t i = 0; i < out->vec.rows; i++)
        out->vec.i32[i] = find_in_set(arg_str(&args[0], i), arg_str(&args[1], i));
    return 0;
}

/* What stands before the count-th separator; separators may overlap, as in Spark. */
static struct str before(struct str s, struct str separator, int32_t count)
{
    int64_t at = -1;
    for (; count > 0; count--) {
        at = string_find(s, separator, (size_t)(at + 1));
        if (at < 0)
            return s;
    }
    return (struct str){s.p, (size_t)at};
}

static struct str behind(struct str s, struct str separator, int64_t count)
{
    if (separator.n > s.n)
        return s;
    size_t at = s.n - separator.n + 1;
    for (; count > 0; count--) {
        do {
            if (at == 0)
                return s;
            at--;
        } while (memcmp(s.p + at, separator.p, separator.n) != 0);
    }
    at += separator.n;
    return (struct str){s.p + at, s.n - at};
}

int kernel_substring_index(struct eval *eval, const struct expr *expr, const struct value *args,
                           struct value *out)
{
    (void)eval, (void)expr;
    for (uint32_t i = 0; i < out->vec.rows; i++) {
        struct str s = arg_str(&args[0], i), separator = arg_str(&args[1], i);
        int32_t count = arg_int(&args[2], i);
        if (separator.n == 0 || count == 0)
            out->vec.str[i] = (struct str){"", 0};
        else
            out->vec.str[i] =
                count > 0 ? before(s, separator, count) : behind(s, separator, -(int64_t)count);
    }
    return 0;
}

static int64_t count_parts(struct str s, struct str separator)
{
    int64_t n = 1;
    for (int64_t at = 0; (at = string_find(s, separator, (size_t)at)) >= 0; n++)
        at += (int64_t)separator.n;
    return n;
}

/* The index-th part, from 0; there are so many. */
static struct str part(struct str s, struct str separator, int64_t index)
{
    size_t from = 0;
    for (; index > 0; index--)
        from = (size_t)string_find(s, separator, from) + separator.n;
    int64_t end = string_find(s, separator, from);
    return (struct str){s.p + from, (end < 0 ? s.n : (size_t)end) - from};
}

int kernel_split_part(struct eval *eval, const struct expr *expr, const struct value *args,
                      struct value *out)
{
    (void)expr;
    for (uint32_t i = 0; i < out->vec.rows; i++) {
        if (string_skip(out, i))
            continue;
        struct str s = arg_str(&args[0], i), separator = arg_str(&args[1], i);
        int64_t number = arg_int(&args[2], i);
        if (number == 0)
            return err_set(eval->err, ERR_INVALID,
                           "split_part: parts count from 1, or from -1 at "
                           "the end: there is no part 0");
        int64_t count = separator.n ? count_parts(s, separator) : 1;
        int64_t index = number > 0 ? number - 1 : count + number;
        out->vec.str[i] = (struct str){"", 0};
        if (index >= 0 && index < count)
            out->vec.str[i] = separator.n ? part(s, separator, index) : s;
    }
    return 0;
}
