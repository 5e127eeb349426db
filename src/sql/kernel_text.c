/* kernel_text.c: functions on STRING and BINARY. */
#include "base/utf8.h"
#include "sql/kernel_string.h"
#include "sql/kernels_text.h"
#include "sql/unicode_case.h"

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
        bool ascii = string_is_ascii(s);
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

int kernel_length_string(struct eval *eval, const struct expr *expr, const struct value *args,
                         struct value *out)
{
    (void)eval, (void)expr;
    for (uint32_t i = 0; i < out->vec.rows; i++) {
        struct str s = args[0].vec.str[i];
        out->vec.i32[i] = (int32_t)string_chars(s);
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

int kernel_substring(struct eval *eval, const struct expr *expr, const struct value *args,
                     struct value *out)
{
    (void)eval, (void)expr;
    for (uint32_t i = 0; i < out->vec.rows; i++)
        out->vec.str[i] =
            string_substring(arg_str(&args[0], i), arg_int(&args[1], i), arg_int(&args[2], i));
    return 0;
}

int kernel_substring_binary(struct eval *eval, const struct expr *expr, const struct value *args,
                            struct value *out)
{
    (void)eval, (void)expr;
    for (uint32_t i = 0; i < out->vec.rows; i++)
        out->vec.str[i] =
            string_byte_substring(arg_str(&args[0], i), arg_int(&args[1], i), arg_int(&args[2], i));
    return 0;
}

int kernel_left(struct eval *eval, const struct expr *expr, const struct value *args,
                struct value *out)
{
    (void)eval, (void)expr;
    for (uint32_t i = 0; i < out->vec.rows; i++)
        out->vec.str[i] = string_substring(arg_str(&args[0], i), 1, arg_int(&args[1], i));
    return 0;
}

int kernel_left_binary(struct eval *eval, const struct expr *expr, const struct value *args,
                       struct value *out)
{
    (void)eval, (void)expr;
    for (uint32_t i = 0; i < out->vec.rows; i++)
        out->vec.str[i] = string_byte_substring(arg_str(&args[0], i), 1, arg_int(&args[1], i));
    return 0;
}

int kernel_right(struct eval *eval, const struct expr *expr, const struct value *args,
                 struct value *out)
{
    (void)eval, (void)expr;
    for (uint32_t i = 0; i < out->vec.rows; i++) {
        int32_t n = arg_int(&args[1], i);
        out->vec.str[i] = (struct str){"", 0};
        if (n > 0)
            out->vec.str[i] = string_substring(arg_str(&args[0], i), -n, INT32_MAX);
    }
    return 0;
}

/* UTF8String.toLowerCase().toTitleCase(): words are parted by the plain space. Characters of two
 * UTF-16 units have no title case there. */
static size_t title_case(struct str s, char *text)
{
    size_t n = unicode_convert(s, false, text);
    char *lower = text + s.n * UNICODE_CASE_GROWTH;
    size_t at = 0;
    bool start = true;
    memcpy(lower, text, n);
    for (size_t i = 0; i < n;) {
        uint32_t code;
        i += utf8_decode((struct str){lower + i, n - i}, &code);
        bool space = code == ' ';
        if (start && code < 0x10000)
            code = unicode_title(code);
        at += utf8_encode(code, text + at);
        start = space;
    }
    return at;
}

int kernel_initcap(struct eval *eval, const struct expr *expr, const struct value *args,
                   struct value *out)
{
    (void)expr;
    for (uint32_t i = 0; i < out->vec.rows; i++) {
        struct str s = arg_str(&args[0], i);
        char *text = kernel_text(eval, s.n * UNICODE_CASE_GROWTH * 2 + 1);
        if (!text)
            return ERR_NOMEM;
        string_end(eval, out, i, text, title_case(s, text));
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

/* Whether the character is one of them. */
static bool is_among(struct str set, struct str c)
{
    for (size_t i = 0; i < set.n;) {
        size_t n = string_char_bytes(set.p[i]);
        n = n < set.n - i ? n : set.n - i;
        if (n == c.n && memcmp(set.p + i, c.p, n) == 0)
            return true;
        i += n;
    }
    return false;
}

static struct str trim_left(struct str s, struct str set)
{
    while (s.n) {
        size_t n = string_char_bytes(s.p[0]);
        n = n < s.n ? n : s.n;
        if (!is_among(set, (struct str){s.p, n}))
            break;
        s.p += n;
        s.n -= n;
    }
    return s;
}

static struct str trim_right(struct str s, struct str set)
{
    while (s.n) {
        size_t from = s.n - 1;
        while (from > 0 && s.n - from < 4 && ((unsigned char)s.p[from] & 0xC0) == 0x80)
            from--;
        if (string_char_bytes(s.p[from]) != s.n - from) /* no UTF-8: byte by byte */
            from = s.n - 1;
        if (!is_among(set, (struct str){s.p + from, s.n - from}))
            break;
        s.n = from;
    }
    return s;
}

static int trim_set(const struct value *args, struct value *out, bool left, bool right)
{
    for (uint32_t i = 0; i < out->vec.rows; i++) {
        struct str s = arg_str(&args[0], i), set = arg_str(&args[1], i);
        if (left)
            s = trim_left(s, set);
        out->vec.str[i] = right ? trim_right(s, set) : s;
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

int kernel_trim_chars(struct eval *eval, const struct expr *expr, const struct value *args,
                      struct value *out)
{
    (void)eval, (void)expr;
    return trim_set(args, out, true, true);
}

int kernel_ltrim_chars(struct eval *eval, const struct expr *expr, const struct value *args,
                       struct value *out)
{
    (void)eval, (void)expr;
    return trim_set(args, out, true, false);
}

int kernel_rtrim_chars(struct eval *eval, const struct expr *expr, const struct value *args,
                       struct value *out)
{
    (void)eval, (void)expr;
    return trim_set(args, out, false, true);
}
