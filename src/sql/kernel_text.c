/* kernel_text.c: functions on STRING and BINARY. */
#include "base/utf8.h"
#include "sql/kernel.h"
#include "sql/kernels.h"
#include "sql/unicode_case.h"

static bool is_ascii(struct str s)
{
    uint64_t high = 0;
    size_t i = 0;
    for (; i + 8 <= s.n; i += 8) {
        uint64_t x;
        memcpy(&x, s.p + i, 8);
        high |= x;
    }
    for (; i < s.n; i++)
        high |= (uint64_t)(unsigned char)s.p[i];
    return !(high & 0x8080808080808080ULL);
}

/* ASCII only; branch-free so that the compiler can take 16 bytes at a time. */
static void convert_ascii(struct str s, bool upper, char *out)
{
    const char first = upper ? 'a' : 'A';
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        out[i] = (char)(c ^ ((unsigned char)(c - first) < 26 ? 0x20 : 0));
    }
}

static int convert_case(struct eval *eval, const struct value *args, struct value *out, bool upper)
{
    for (uint32_t i = 0; i < out->vec.rows; i++) {
        struct str s = args[0].vec.str[i];
        bool ascii = is_ascii(s);
        char *text = kernel_text(eval, ascii ? s.n : s.n * UNICODE_CASE_GROWTH);
        if (!text)
            return ERR_NOMEM;
        size_t n = s.n;
        if (ascii)
            convert_ascii(s, upper, text);
        else
            n = unicode_convert(s, upper, text);
        out->vec.str[i] = (struct str){text, n};
        kernel_text_keep(eval, n);
    }
    return 0;
}

int kernel_upper(struct eval *eval, const struct expr *expr, const struct value *args,
                 struct value *out)
{
    (void)expr;
    return convert_case(eval, args, out, true);
}

int kernel_lower(struct eval *eval, const struct expr *expr, const struct value *args,
                 struct value *out)
{
    (void)expr;
    return convert_case(eval, args, out, false);
}

/* Bytes that a character takes by its first byte, as UTF8String.numBytesForFirstByte has it. */
static size_t char_bytes(char c)
{
    unsigned char b = (unsigned char)c;
    return b < 0xC2 ? 1 : b < 0xE0 ? 2 : b < 0xF0 ? 3 : b < 0xF5 ? 4 : 1;
}

static int32_t count_chars(struct str s)
{
    size_t n = 0;
    for (size_t i = 0; i < s.n; i += char_bytes(s.p[i]))
        n++;
    return (int32_t)n;
}

int kernel_length_string(struct eval *eval, const struct expr *expr, const struct value *args,
                         struct value *out)
{
    (void)eval, (void)expr;
    for (uint32_t i = 0; i < out->vec.rows; i++) {
        struct str s = args[0].vec.str[i];
        out->vec.i32[i] = is_ascii(s) ? (int32_t)s.n : count_chars(s);
    }
    return 0;
}

int kernel_length_binary(struct eval *eval, const struct expr *expr, const struct value *args,
                         struct value *out)
{
    (void)eval, (void)expr;
    for (uint32_t i = 0; i < out->vec.rows; i++)
        out->vec.i32[i] = (int32_t)args[0].vec.str[i].n;
    return 0;
}

int kernel_concat(struct eval *eval, const struct expr *expr, const struct value *args,
                  struct value *out)
{
    for (uint32_t i = 0; i < out->vec.rows; i++) {
        size_t n = 0;
        out->vec.str[i] = (struct str){NULL, 0};
        if (vec_is_null(&out->vec, i))
            continue;
        for (uint32_t k = 0; k < expr->arg_count; k++)
            n += args[k].vec.str[kernel_row(&args[k], i)].n;
        char *text = kernel_text(eval, n);
        if (!text)
            return ERR_NOMEM;
        size_t at = 0;
        for (uint32_t k = 0; k < expr->arg_count; k++) {
            struct str s = args[k].vec.str[kernel_row(&args[k], i)];
            if (s.n)
                memcpy(text + at, s.p, s.n);
            at += s.n;
        }
        out->vec.str[i] = (struct str){text, n};
        kernel_text_keep(eval, n);
    }
    return 0;
}

/* UTF8String.substringSQL: positions count from 1, negative ones from the end, 0 is like 1. The
 * result is a view. */
static struct str substring(struct str s, int32_t position, int32_t length)
{
    bool ascii = is_ascii(s);
    int64_t chars = ascii ? (int64_t)s.n : count_chars(s);
    int64_t start = position > 0 ? position - 1LL : position < 0 ? chars + position : 0;
    int64_t end = start + length;
    if (end > INT32_MAX)
        end = INT32_MAX;
    if (end < INT32_MIN)
        end = INT32_MIN;
    if (end <= start || start >= chars)
        return (struct str){s.p, 0};
    start = start < 0 ? 0 : start;
    if (end <= start)
        return (struct str){s.p, 0};
    end = end > chars ? chars : end;
    if (ascii)
        return (struct str){s.p + start, (size_t)(end - start)};
    size_t from = 0, to;
    int64_t c = 0;
    for (; c < start && from < s.n; c++)
        from += char_bytes(s.p[from]);
    for (to = from; c < end && to < s.n; c++)
        to += char_bytes(s.p[to]);
    from = from < s.n ? from : s.n;
    to = to < s.n ? to : s.n;
    return (struct str){s.p + from, to - from};
}

int kernel_substring(struct eval *eval, const struct expr *expr, const struct value *args,
                     struct value *out)
{
    (void)eval, (void)expr;
    for (uint32_t i = 0; i < out->vec.rows; i++) {
        struct str s = args[0].vec.str[kernel_row(&args[0], i)];
        int32_t position = args[1].vec.i32[kernel_row(&args[1], i)];
        int32_t length = args[2].vec.i32[kernel_row(&args[2], i)];
        out->vec.str[i] = s.n ? substring(s, position, length) : s;
    }
    return 0;
}

/* UTF8String.trim and its siblings: the plain space only. */
static int trim_spaces(const struct value *args, struct value *out, bool left, bool right)
{
    for (uint32_t i = 0; i < out->vec.rows; i++) {
        struct str s = args[0].vec.str[i];
        while (left && s.n && s.p[0] == ' ')
            s.p++, s.n--;
        while (right && s.n && s.p[s.n - 1] == ' ')
            s.n--;
        out->vec.str[i] = s;
    }
    return 0;
}

int kernel_trim(struct eval *eval, const struct expr *expr, const struct value *args,
                struct value *out)
{
    (void)eval, (void)expr;
    return trim_spaces(args, out, true, true);
}

int kernel_ltrim(struct eval *eval, const struct expr *expr, const struct value *args,
                 struct value *out)
{
    (void)eval, (void)expr;
    return trim_spaces(args, out, true, false);
}

int kernel_rtrim(struct eval *eval, const struct expr *expr, const struct value *args,
                 struct value *out)
{
    (void)eval, (void)expr;
    return trim_spaces(args, out, false, true);
}
