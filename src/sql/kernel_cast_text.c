/* kernel_cast_text.c: CAST from and to STRING. */
#include <math.h>
#include <stdlib.h>

#include "base/utf8.h"
#include "sql/kernel_cast.h"
#include "vec/decimal.h"
#include "vec/number.h"
#include "vec/time.h"

/* UTF8String.trimAll: white space and ISO control characters, as far as they are one byte. */
static bool is_trimmed(char c)
{
    return (unsigned char)c <= ' ' || c == 0x7F;
}

static struct str trim_all(struct str s)
{
    while (s.n && is_trimmed(s.p[0]))
        s.p++, s.n--;
    while (s.n && is_trimmed(s.p[s.n - 1]))
        s.n--;
    return s;
}

/* UTF8String.toLong: a fraction is checked and dropped where it is allowed. */
static bool parse_integer(struct str s, bool fraction, int64_t *out)
{
    s = trim_all(s);
    if (s.n == 0)
        return false;
    bool negative = s.p[0] == '-';
    size_t i = negative || s.p[0] == '+';
    if (i == s.n)
        return false;
    int64_t value = 0;
    for (; i < s.n && !(s.p[i] == '.' && fraction); i++) {
        if (s.p[i] < '0' || s.p[i] > '9' || __builtin_mul_overflow(value, 10, &value) ||
            __builtin_sub_overflow(value, s.p[i] - '0', &value))
            return false;
    }
    for (i++; i < s.n; i++) {
        if (s.p[i] < '0' || s.p[i] > '9')
            return false;
    }
    if (!negative && value == INT64_MIN)
        return false;
    *out = negative ? value : -value;
    return true;
}

static struct str trim_java(struct str s)
{
    while (s.n && (unsigned char)s.p[0] <= ' ')
        s.p++, s.n--;
    while (s.n && (unsigned char)s.p[s.n - 1] <= ' ')
        s.n--;
    return s;
}

/* inf, +infinity, -INF, nan: Cast.processFloatingPointSpecialLiterals, and what Java reads. */
static bool parse_special(struct str s, double *out)
{
    bool negative = s.n && s.p[0] == '-', sign = negative || (s.n && s.p[0] == '+');
    struct str word = {s.p + sign, s.n - sign};
    if (str_eq_nocase(word, STR("inf")) || str_eq_nocase(word, STR("infinity"))) {
        *out = negative ? -INFINITY : INFINITY;
        return true;
    }
    bool nan = sign ? str_eq(word, STR("NaN")) : str_eq_nocase(word, STR("nan"));
    *out = NAN;
    return nan;
}

/* 0x1.8p3: Java wants the exponent. */
static bool parse_hex(struct str s, bool single, double *out)
{
    char text[128];
    size_t i = s.n && (s.p[0] == '-' || s.p[0] == '+');
    if (s.n >= sizeof text || s.n < i + 2 || s.p[i] != '0' || (s.p[i + 1] | 0x20) != 'x' ||
        !(memchr(s.p, 'p', s.n) || memchr(s.p, 'P', s.n)))
        return false;
    memcpy(text, s.p, s.n);
    text[s.n] = '\0';
    char *end;
    *out = single ? (double)strtof(text, &end) : strtod(text, &end);
    return end == text + s.n && (end[-1] >= '0' && end[-1] <= '9');
}

/* The decimal forms of Java's Double.parseDouble that number.h does not read: +1, .5, 5., 1f. */
static bool parse_loose(struct eval *eval, struct str s, bool single, double *out)
{
    if (s.n && strchr("fFdD", s.p[s.n - 1]) && s.p[s.n - 1])
        s.n--;
    char *text = kernel_text(eval, s.n + 2);
    if (!text)
        return false;
    size_t n = 0, i = 0;
    if (s.n && (s.p[0] == '-' || s.p[0] == '+')) {
        if (s.p[0] == '-')
            text[n++] = '-';
        i = 1;
    }
    if (i < s.n && s.p[i] == '.') {
        if (i + 1 == s.n || s.p[i + 1] < '0' || s.p[i + 1] > '9')
            return false;
        text[n++] = '0';
    }
    for (; i < s.n; i++) {
        char next = i + 1 < s.n ? s.p[i + 1] : '\0';
        if (s.p[i] == '.' && (i + 1 == s.n || next == 'e' || next == 'E'))
            continue; /* 5. and 5.e3 */
        text[n++] = s.p[i];
    }
    struct str clean = {text, n};
    float value;
    if (!single)
        return number_parse_double(clean, out);
    bool ok = number_parse_float(clean, &value);
    *out = value;
    return ok;
}

static bool parse_floating(struct eval *eval, struct str s, bool single, double *out)
{
    s = trim_java(s);
    float value;
    if (s.n == 0)
        return false;
    if (!single && number_parse_double(s, out))
        return true;
    if (single && number_parse_float(s, &value)) {
        *out = value;
        return true;
    }
    return parse_special(s, out) || parse_hex(s, single, out) || parse_loose(eval, s, single, out);
}

static bool parse_boolean(struct str s, uint8_t *out)
{
    static const char *const words[] = {"t", "true", "y", "yes", "1", "f", "false", "n", "no", "0"};
    s = trim_all(s);
    for (size_t i = 0; i < COUNT_OF(words); i++) {
        if (str_eq_nocase(s, str_of(words[i]))) {
            *out = i < COUNT_OF(words) / 2;
            return true;
        }
    }
    return false;
}

/* A loop over strings: `parse` says whether s is a value, and stores it in row i. */
#define FROM_STRING(name, parse)                                                                   \
    static int name(struct eval *eval, const struct expr *expr, const struct value *args,          \
                    struct value *out)                                                             \
    {                                                                                              \
        (void)expr;                                                                                \
        uint8_t *bad = kernel_flags(eval, out->vec.rows);                                          \
        if (!bad)                                                                                  \
            return ERR_NOMEM;                                                                      \
        uint8_t any = 0;                                                                           \
        memset(out->vec.data, 0, out->vec.rows *type_width(out->vec.type));                        \
        for (uint32_t i = 0; i < out->vec.rows; i++) {                                             \
            const struct str s = args[0].vec.str[i];                                               \
            bad[i] = vec_is_null(&args[0].vec, i) || !(parse);                                     \
            any |= bad[i];                                                                         \
        }                                                                                          \
        return any ? kernel_null_where(eval, out, bad) : 0;                                        \
    }

#define INTEGER_FROM_STRING(member, type)                                                          \
    static bool read_##member(struct str s, bool fraction, type *out)                              \
    {                                                                                              \
        int64_t value;                                                                             \
        if (!parse_integer(s, fraction, &value) || value != (type)value)                           \
            return false;                                                                          \
        *out = (type)value;                                                                        \
        return true;                                                                               \
    }                                                                                              \
    FROM_STRING(string_##member, read_##member(s, true, &out->vec.member[i]))                      \
    FROM_STRING(string_exact_##member, read_##member(s, false, &out->vec.member[i]))
INTEGER_FROM_STRING(i8, int8_t)
INTEGER_FROM_STRING(i16, int16_t)
INTEGER_FROM_STRING(i32, int32_t)
INTEGER_FROM_STRING(i64, int64_t)

static bool read_f32(struct eval *eval, struct str s, float *out)
{
    double value;
    if (!parse_floating(eval, s, true, &value))
        return false;
    *out = (float)value;
    return true;
}

static bool read_timestamp(struct eval *eval, struct str s, int64_t *out)
{
    if (time_parse_timestamp(s, out))
        return true;
    bool ok = time_parse_of_today(s, eval->context ? eval->context->batch_timestamp_us : 0, out);
    eval->needs_batch |= ok && !eval->context;
    return ok;
}

FROM_STRING(string_f32, read_f32(eval, s, &out->vec.f32[i]))
FROM_STRING(string_f64, parse_floating(eval, s, false, &out->vec.f64[i]))
FROM_STRING(string_boolean, parse_boolean(s, &out->vec.boolean[i]))
FROM_STRING(string_date, time_parse_date(s, &out->vec.i32[i]))
FROM_STRING(string_time, read_timestamp(eval, s, &out->vec.i64[i]))
/* java.math.BigDecimal takes the digits of all scripts. */
static bool read_decimal(struct eval *eval, struct str s, const struct type *type, __int128 *out)
{
    if (decimal_from_text(s, type, out))
        return true;
    char *text = utf8_ascii_prefix(s) < s.n ? kernel_text(eval, s.n) : NULL;
    if (!text)
        return false;
    size_t to = 0;
    for (size_t i = 0, n; i < s.n; i += n) {
        uint32_t code;
        n = utf8_decode((struct str){s.p + i, s.n - i}, &code);
        int digit = utf8_digit(code);
        if (digit < 0)
            memcpy(text + to, s.p + i, n);
        else
            text[to] = (char)('0' + digit);
        to += digit < 0 ? n : 1;
    }
    return decimal_from_text((struct str){text, to}, type, out);
}

FROM_STRING(string_decimal, read_decimal(eval, s, out->vec.type, &out->vec.decimal[i]))

kernel_fn kernel_cast_from_string(enum type_kind to, bool exact)
{
    static const kernel_fn table[TYPE_KIND_COUNT] = {
        [TYPE_BOOLEAN] = string_boolean, [TYPE_TINYINT] = string_i8, [TYPE_SMALLINT] = string_i16,
        [TYPE_INT] = string_i32,         [TYPE_BIGINT] = string_i64, [TYPE_FLOAT] = string_f32,
        [TYPE_DOUBLE] = string_f64,      [TYPE_DATE] = string_date,  [TYPE_TIMESTAMP] = string_time,
        [TYPE_DECIMAL] = string_decimal,
    };
    static const kernel_fn exacts[] = {
        [TYPE_TINYINT] = string_exact_i8,
        [TYPE_SMALLINT] = string_exact_i16,
        [TYPE_INT] = string_exact_i32,
        [TYPE_BIGINT] = string_exact_i64,
    };
    return exact && type_is_integral(to) ? exacts[to] : table[to];
}

/* A loop that writes text: `format` writes the value of row i at `text` and gives its length. */
#define TO_STRING(name, format)                                                                    \
    static int name(struct eval *eval, const struct expr *expr, const struct value *args,          \
                    struct value *out)                                                             \
    {                                                                                              \
        (void)expr;                                                                                \
        const struct vec *in = &args[0].vec;                                                       \
        for (uint32_t i = 0; i < out->vec.rows; i++) {                                             \
            out->vec.str[i] = (struct str){NULL, 0};                                               \
            if (vec_is_null(in, i))                                                                \
                continue;                                                                          \
            char *text = kernel_text(eval, NUMBER_TEXT_MAX);                                       \
            if (!text)                                                                             \
                return ERR_NOMEM;                                                                  \
            size_t n = (format);                                                                   \
            out->vec.str[i] = (struct str){text, n};                                               \
            kernel_text_keep(eval, n);                                                             \
        }                                                                                          \
        return 0;                                                                                  \
    }
_Static_assert((int)TIME_TEXT_MAX <= (int)NUMBER_TEXT_MAX, "one size of room fits both");

TO_STRING(i8_string, number_format_i64(in->i8[i], text))
TO_STRING(i16_string, number_format_i64(in->i16[i], text))
TO_STRING(i32_string, number_format_i64(in->i32[i], text))
TO_STRING(i64_string, number_format_i64(in->i64[i], text))
TO_STRING(f32_string, number_format_float(in->f32[i], text))
TO_STRING(f64_string, number_format_double(in->f64[i], text))
TO_STRING(date_string, time_format_date(in->i32[i], text))
TO_STRING(time_string, time_format_timestamp(in->i64[i], text))
TO_STRING(decimal_string, number_format_decimal_java(in->decimal[i], in->type->scale, text))
TO_STRING(decimal_plain, number_format_decimal(in->decimal[i], in->type->scale, text))

static int boolean_string(struct eval *eval, const struct expr *expr, const struct value *args,
                          struct value *out)
{
    (void)eval, (void)expr;
    for (uint32_t i = 0; i < out->vec.rows; i++)
        out->vec.str[i] = args[0].vec.boolean[i] & 1 ? STR("true") : STR("false");
    return 0;
}

kernel_fn kernel_cast_to_string(enum type_kind from, bool exact)
{
    static const kernel_fn table[TYPE_KIND_COUNT] = {
        [TYPE_BOOLEAN] = boolean_string, [TYPE_TINYINT] = i8_string, [TYPE_SMALLINT] = i16_string,
        [TYPE_INT] = i32_string,         [TYPE_BIGINT] = i64_string, [TYPE_FLOAT] = f32_string,
        [TYPE_DOUBLE] = f64_string,      [TYPE_DATE] = date_string,  [TYPE_TIMESTAMP] = time_string,
        [TYPE_DECIMAL] = decimal_string,
    };
    return exact && from == TYPE_DECIMAL ? decimal_plain : table[from];
}
