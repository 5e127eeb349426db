/* kernel_math_integer.c: functions of integers, and numbers in other bases. */
#include <math.h>

#include "sql/kernel.h"
#include "sql/kernels_math.h"
#include "vec/decimal.h"

/* X(member of struct vec, its C type) */
#define INTEGER_TYPES(X)                                                                           \
    X(i8, int8_t)                                                                                  \
    X(i16, int16_t)                                                                                \
    X(i32, int32_t)                                                                                \
    X(i64, int64_t)

#define TRY_KERNEL(name, builtin, member, type)                                                    \
    static int name##_##member(struct eval *eval, const struct expr *expr,                         \
                               const struct value *args, struct value *out)                        \
    {                                                                                              \
        (void)expr;                                                                                \
        type *result = out->vec.member;                                                            \
        uint8_t *nulls = kernel_flags(eval, out->vec.rows), any = 0;                               \
        if (!nulls)                                                                                \
            return ERR_NOMEM;                                                                      \
        KERNEL_BINARY(type, member, {                                                              \
            nulls[i] = builtin(x, y, &result[i]);                                                  \
            any |= nulls[i];                                                                       \
        });                                                                                        \
        return any ? kernel_null_where(eval, out, nulls) : 0;                                      \
    }
#define TRY_KERNELS(member, type)                                                                  \
    TRY_KERNEL(try_add, __builtin_add_overflow, member, type)                                      \
    TRY_KERNEL(try_sub, __builtin_sub_overflow, member, type)                                      \
    TRY_KERNEL(try_mul, __builtin_mul_overflow, member, type)
INTEGER_TYPES(TRY_KERNELS)

kernel_fn kernel_try_arith(enum arith_op op, enum type_kind kind)
{
    static const kernel_fn table[][3] = {
        [TYPE_TINYINT] = {try_add_i8, try_sub_i8, try_mul_i8},
        [TYPE_SMALLINT] = {try_add_i16, try_sub_i16, try_mul_i16},
        [TYPE_INT] = {try_add_i32, try_sub_i32, try_mul_i32},
        [TYPE_BIGINT] = {try_add_i64, try_sub_i64, try_mul_i64},
    };
    return type_is_integral(kind) && op <= ARITH_MUL ? table[kind][op] : NULL;
}

/* A negative remainder r becomes (r + y) rem y; the sum wraps in the type's own width only for INT
 * and BIGINT, as Java adds the smaller ones as INT. */
static int64_t pmod_integer(int64_t x, int64_t y, bool wrap_int)
{
    if (y == 0 || y == -1)
        return 0;
    int64_t r = x % y;
    if (r >= 0)
        return r;
    int64_t sum = (int64_t)((uint64_t)r + (uint64_t)y);
    return (wrap_int ? (int32_t)(uint32_t)(uint64_t)sum : sum) % y;
}

static double pmod_double(double x, double y)
{
    double r = fmod(x, y);
    return r < 0 ? fmod(r + y, y) : r;
}

static float pmod_float(float x, float y)
{
    float r = fmodf(x, y);
    return r < 0 ? fmodf(r + y, y) : r;
}

#define PMOD(member, type, compute)                                                                \
    static int pmod_##member(struct eval *eval, const struct expr *expr, const struct value *args, \
                             struct value *out)                                                    \
    {                                                                                              \
        (void)expr;                                                                                \
        type *result = out->vec.member;                                                            \
        uint8_t *nulls = kernel_flags(eval, out->vec.rows), any = 0;                               \
        if (!nulls)                                                                                \
            return ERR_NOMEM;                                                                      \
        KERNEL_BINARY(type, member, {                                                              \
            nulls[i] = y == 0;                                                                     \
            any |= nulls[i];                                                                       \
            result[i] = nulls[i] ? 0 : (type)(compute);                                            \
        });                                                                                        \
        return any ? kernel_null_where(eval, out, nulls) : 0;                                      \
    }
PMOD(i8, int8_t, pmod_integer(x, y, true))
PMOD(i16, int16_t, pmod_integer(x, y, true))
PMOD(i32, int32_t, pmod_integer(x, y, true))
PMOD(i64, int64_t, pmod_integer(x, y, false))
PMOD(f32, float, pmod_float(x, y))
PMOD(f64, double, pmod_double(x, y))

/* False: no result. */
static bool pmod_value(__int128 x, int x_scale, __int128 y, int y_scale, const struct type *type,
                       __int128 *out)
{
    *out = 0;
    if (!decimal_remainder(x, x_scale, y, y_scale, type, out))
        return false;
    if (*out >= 0)
        return true;
    /* Between y and 0 the sum's remainder by y is r again; else it is the sum. */
    return y < 0 || decimal_add(*out, type->scale, y, y_scale, type, out);
}

static int pmod_decimal(struct eval *eval, const struct expr *expr, const struct value *args,
                        struct value *out)
{
    uint8_t *nulls = kernel_flags(eval, out->vec.rows);
    if (!nulls)
        return ERR_NOMEM;
    for (uint32_t i = 0; i < out->vec.rows; i++) {
        nulls[i] = vec_is_null(&out->vec, i);
        out->vec.decimal[i] = 0;
        if (!nulls[i])
            nulls[i] =
                !pmod_value(args[0].vec.decimal[kernel_row(&args[0], i)], args[0].vec.type->scale,
                            args[1].vec.decimal[kernel_row(&args[1], i)], args[1].vec.type->scale,
                            expr->type, &out->vec.decimal[i]);
    }
    return kernel_null_where(eval, out, nulls);
}

kernel_fn kernel_pmod(enum type_kind kind)
{
    static const kernel_fn table[] = {
        [TYPE_TINYINT] = pmod_i8,      [TYPE_SMALLINT] = pmod_i16, [TYPE_INT] = pmod_i32,
        [TYPE_BIGINT] = pmod_i64,      [TYPE_FLOAT] = pmod_f32,    [TYPE_DOUBLE] = pmod_f64,
        [TYPE_DECIMAL] = pmod_decimal,
    };
    return type_is_numeric(kind) ? table[kind] : NULL;
}

int kernel_factorial(struct eval *eval, const struct expr *expr, const struct value *args,
                     struct value *out)
{
    (void)expr;
    int64_t factorials[21] = {1};
    for (int i = 1; i <= 20; i++)
        factorials[i] = factorials[i - 1] * i;
    uint8_t *nulls = kernel_flags(eval, out->vec.rows);
    if (!nulls)
        return ERR_NOMEM;
    for (uint32_t i = 0; i < out->vec.rows; i++) {
        int32_t n = args[0].vec.i32[i];
        nulls[i] = n < 0 || n > 20;
        out->vec.i64[i] = nulls[i] ? 0 : factorials[n];
    }
    return kernel_null_where(eval, out, nulls);
}

/* Digits of a value in a base of 2^shift, without zeros in front. */
static int unsigned_digits(struct eval *eval, const struct value *args, struct value *out,
                           uint32_t shift)
{
    for (uint32_t i = 0; i < out->vec.rows; i++) {
        uint64_t value = (uint64_t)args[0].vec.i64[i];
        uint32_t n = (64 - (uint32_t)__builtin_clzll(value | 1) + shift - 1) / shift;
        char *text = kernel_text(eval, 64);
        if (!text)
            return ERR_NOMEM;
        for (uint32_t k = n; k > 0; k--, value >>= shift)
            text[k - 1] = "0123456789ABCDEF"[value & ((1U << shift) - 1)];
        out->vec.str[i] = (struct str){text, n};
        kernel_text_keep(eval, n);
    }
    return 0;
}

int kernel_bin(struct eval *eval, const struct expr *expr, const struct value *args,
               struct value *out)
{
    (void)expr;
    return unsigned_digits(eval, args, out, 1);
}

int kernel_hex_i64(struct eval *eval, const struct expr *expr, const struct value *args,
                   struct value *out)
{
    (void)expr;
    return unsigned_digits(eval, args, out, 4);
}

int kernel_hex_text(struct eval *eval, const struct expr *expr, const struct value *args,
                    struct value *out)
{
    (void)expr;
    for (uint32_t i = 0; i < out->vec.rows; i++) {
        if (vec_is_null(&out->vec, i)) {
            out->vec.str[i] = (struct str){"", 0};
            continue;
        }
        struct str s = args[0].vec.str[i];
        char *text = kernel_text(eval, s.n * 2);
        if (!text)
            return ERR_NOMEM;
        for (size_t k = 0; k < s.n; k++) {
            text[2 * k] = "0123456789ABCDEF"[(uint8_t)s.p[k] >> 4];
            text[2 * k + 1] = "0123456789ABCDEF"[(uint8_t)s.p[k] & 15];
        }
        out->vec.str[i] = (struct str){text, s.n * 2};
        kernel_text_keep(eval, s.n * 2);
    }
    return 0;
}

/* The value of a digit of any base up to 36, or 99. */
static uint32_t digit_value(char c)
{
    if (c >= '0' && c <= '9')
        return (uint32_t)(c - '0');
    if (c >= 'a' && c <= 'z')
        return (uint32_t)(c - 'a' + 10);
    return c >= 'A' && c <= 'Z' ? (uint32_t)(c - 'A' + 10) : 99;
}

/* False when a character is no hexadecimal digit. An odd first digit stands for a byte alone. */
static bool unhex(struct str s, char *out)
{
    size_t odd = s.n % 2;
    bool good = true;
    if (odd) {
        uint32_t low = digit_value(s.p[0]);
        good = low < 16;
        *out++ = (char)low;
    }
    for (size_t i = odd; i + 1 < s.n; i += 2) {
        uint32_t high = digit_value(s.p[i]), low = digit_value(s.p[i + 1]);
        good &= high < 16 && low < 16;
        *out++ = (char)(high << 4 | low);
    }
    return good;
}

int kernel_unhex(struct eval *eval, const struct expr *expr, const struct value *args,
                 struct value *out)
{
    (void)expr;
    uint8_t *nulls = kernel_flags(eval, out->vec.rows);
    if (!nulls)
        return ERR_NOMEM;
    for (uint32_t i = 0; i < out->vec.rows; i++) {
        struct str s = vec_is_null(&out->vec, i) ? (struct str){"", 0} : args[0].vec.str[i];
        size_t n = (s.n + 1) / 2;
        char *text = kernel_text(eval, n);
        if (!text)
            return ERR_NOMEM;
        nulls[i] = !unhex(s, text);
        out->vec.str[i] = (struct str){text, n};
        kernel_text_keep(eval, n);
    }
    return kernel_null_where(eval, out, nulls);
}

/* Digits up to the first that is none of the base; more than 64 bits is the largest value. */
static uint64_t read_digits(struct str s, uint64_t base)
{
    uint64_t value = 0;
    for (size_t i = 0; i < s.n; i++) {
        uint64_t digit = digit_value(s.p[i]);
        if (digit >= base)
            break;
        if (__builtin_mul_overflow(value, base, &value) ||
            __builtin_add_overflow(value, digit, &value))
            return UINT64_MAX;
    }
    return value;
}

/* Spark's NumberConverter.convert: a negative base to write in means signed numbers. Writes up to
 * 65 characters before `end` and returns the first. */
static char *convert_base(struct str s, uint64_t from, int32_t to, char *end)
{
    bool negative = s.n > 0 && s.p[0] == '-', is_signed = to < 0;
    if (negative)
        s = (struct str){s.p + 1, s.n - 1};
    uint64_t value = read_digits(s, from),
             base = is_signed ? 0 - (uint64_t)(int64_t)to : (uint64_t)to;
    if (negative && !is_signed)
        value = (int64_t)value < 0 ? UINT64_MAX : 0 - value;
    if (is_signed && (int64_t)value < 0) {
        negative = true;
        value = 0 - value;
    }
    char *p = end;
    do {
        *--p = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"[value % base];
        value /= base;
    } while (value);
    if (negative && is_signed)
        *--p = '-';
    return p;
}

static struct str trim_spaces(struct str s)
{
    while (s.n > 0 && s.p[0] == ' ')
        s = (struct str){s.p + 1, s.n - 1};
    while (s.n > 0 && s.p[s.n - 1] == ' ')
        s.n--;
    return s;
}

int kernel_conv(struct eval *eval, const struct expr *expr, const struct value *args,
                struct value *out)
{
    (void)expr;
    uint8_t *nulls = kernel_flags(eval, out->vec.rows);
    if (!nulls)
        return ERR_NOMEM;
    for (uint32_t i = 0; i < out->vec.rows; i++) {
        int32_t from = args[1].vec.i32[kernel_row(&args[1], i)];
        int32_t to = args[2].vec.i32[kernel_row(&args[2], i)];
        bool bases = from >= 2 && from <= 36 && to >= -36 && to <= 36 && (to >= 2 || to <= -2);
        struct str s = {"", 0};
        if (bases && !vec_is_null(&out->vec, i))
            s = trim_spaces(args[0].vec.str[kernel_row(&args[0], i)]);
        nulls[i] = s.n == 0;
        out->vec.str[i] = (struct str){"", 0};
        if (nulls[i])
            continue;
        char digits[72];
        char *p = convert_base(s, (uint64_t)from, to, digits + sizeof digits);
        size_t n = (size_t)(digits + sizeof digits - p);
        char *text = kernel_text(eval, n);
        if (!text)
            return ERR_NOMEM;
        memcpy(text, p, n);
        out->vec.str[i] = (struct str){text, n};
        kernel_text_keep(eval, n);
    }
    return kernel_null_where(eval, out, nulls);
}

/* As Java's (long) of a double. */
static int64_t saturate(double x)
{
    if (isnan(x))
        return 0;
    return x >= 9223372036854775808.0   ? INT64_MAX
           : x < -9223372036854775808.0 ? INT64_MIN
                                        : (int64_t)x;
}

static int64_t bucket_of(double x, double low, double high, int64_t count)
{
    if (low < high) {
        if (x < low)
            return 0;
        if (x >= high)
            return (int64_t)((uint64_t)count + 1);
        return (int64_t)((uint64_t)saturate((double)count * (x - low) / (high - low)) + 1);
    }
    if (x > low)
        return 0;
    if (x <= high)
        return (int64_t)((uint64_t)count + 1);
    return (int64_t)((uint64_t)saturate((double)count * (low - x) / (low - high)) + 1);
}

int kernel_width_bucket(struct eval *eval, const struct expr *expr, const struct value *args,
                        struct value *out)
{
    (void)expr;
    uint8_t *nulls = kernel_flags(eval, out->vec.rows);
    if (!nulls)
        return ERR_NOMEM;
    for (uint32_t i = 0; i < out->vec.rows; i++) {
        double x = args[0].vec.f64[kernel_row(&args[0], i)];
        double low = args[1].vec.f64[kernel_row(&args[1], i)];
        double high = args[2].vec.f64[kernel_row(&args[2], i)];
        int64_t count = args[3].vec.i64[kernel_row(&args[3], i)];
        nulls[i] = count <= 0 || count == INT64_MAX || isnan(x) || isfinite(low) == 0 ||
                   isfinite(high) == 0 || low == high;
        out->vec.i64[i] = nulls[i] ? 0 : bucket_of(x, low, high, count);
    }
    return kernel_null_where(eval, out, nulls);
}
