/* kernel_math_round.c: rounding. A DOUBLE is rounded by its shortest decimal digits, as Java's
 * BigDecimal.valueOf sees it: round(2.675, 2) is 2.68, though the double lies below. */
#include <math.h>

#include "sql/kernel.h"
#include "sql/kernels_math.h"
#include "vec/decimal.h"
#include "vec/number.h"

enum rounding { ROUND_HALF_UP, ROUND_HALF_EVEN, ROUND_CEIL, ROUND_FLOOR };

/* What is added to a quotient cut towards zero. `half`: how the rest compares with one half. */
static int round_step(enum rounding rounding, bool negative, bool odd, int half, bool rest)
{
    bool away = false;
    switch (rounding) {
    case ROUND_HALF_UP:
        away = half >= 0;
        break;
    case ROUND_HALF_EVEN:
        away = half > 0 || (half == 0 && odd);
        break;
    case ROUND_CEIL:
        away = rest && !negative;
        break;
    case ROUND_FLOOR:
        away = rest && negative;
        break;
    }
    return away ? negative ? -1 : 1 : 0;
}

/* value / 10^digits, rounded. */
static __int128 drop_digits(__int128 value, int64_t digits, enum rounding rounding)
{
    bool negative = value < 0;
    if (digits <= 0)
        return value;
    if (digits > DECIMAL_DIGITS_MAX) /* |value| is below a tenth of the power */
        return round_step(rounding, negative, false, -1, value != 0);
    __int128 power = decimal_power((int)digits), quotient = value / power;
    __int128 rest = value % power, twice = (rest < 0 ? -rest : rest) - power / 2;
    int half = twice > 0 ? 1 : twice == 0 ? 0 : -1;
    return quotient + round_step(rounding, negative, quotient % 2 != 0, half, rest != 0);
}

/* A decimal's digits: [-]0.DIGITS * 10^exponent. */
struct digits {
    bool negative;
    int count, exponent;
    char digit[NUMBER_TEXT_MAX];
};

/* From the text of number_format_double: D.DDD[E[-]DD] or DDD.DDD. */
static struct digits read_digits(double x)
{
    char text[NUMBER_TEXT_MAX];
    size_t n = number_format_double(x, text);
    struct digits d = {.negative = text[0] == '-'};
    bool point = false;
    size_t i = d.negative;
    for (; i < n && text[i] != 'E'; i++) {
        if (text[i] == '.') {
            point = true;
        } else if (d.count > 0 || text[i] != '0') {
            d.digit[d.count++] = text[i];
            d.exponent += !point;
        } else {
            d.exponent -= point;
        }
    }
    int power = 0;
    bool minus = i + 1 < n && text[i + 1] == '-';
    for (i += 1 + minus; i < n; i++)
        power = power * 10 + (text[i] - '0');
    d.exponent += minus ? -power : power;
    return d;
}

/* Rounds to `scale` digits after the point; false: there are no more than that. */
static bool round_digits(struct digits *d, int64_t scale, bool half_even)
{
    int64_t keep = d->exponent + scale;
    if (keep >= d->count)
        return false;
    bool up = false;
    if (keep >= 0) {
        bool tie = d->digit[keep] == '5', odd = keep > 0 && (d->digit[keep - 1] - '0') % 2;
        for (int k = (int)keep + 1; k < d->count; k++)
            tie &= d->digit[k] == '0';
        up = tie && half_even ? odd : d->digit[keep] >= '5';
    }
    d->count = keep > 0 ? (int)keep : 0;
    if (!up)
        return true;
    int k = d->count;
    while (k > 0 && d->digit[k - 1] == '9')
        k--;
    d->count = k;
    if (k > 0) {
        d->digit[k - 1]++;
    } else {
        d->digit[d->count++] = '1'; /* 0.99 becomes 1 */
        d->exponent++;
    }
    return true;
}

/* Writes them as a number that number_parse_double reads. */
static struct str write_digits(const struct digits *d, char text[NUMBER_TEXT_MAX + 8])
{
    char exponent[NUMBER_TEXT_MAX];
    size_t n = 0, digits = number_format_i64(d->exponent, exponent);
    if (d->negative)
        text[n++] = '-';
    text[n++] = '0';
    text[n++] = '.';
    memcpy(text + n, d->digit, (size_t)d->count);
    n += (size_t)d->count;
    text[n++] = 'E';
    memcpy(text + n, exponent, digits);
    return (struct str){text, n + digits};
}

/* The quick way: *out = x rounded, where it lies far enough from the middle between two results
 * that neither the product's error nor the digits' can matter. Both parts of the quotient are
 * exact, so it is the closest double. */
static bool round_quickly(double x, int32_t scale, double limit, double *out)
{
    static const double powers[] = {1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10};
    if (scale < 0 || (size_t)scale >= COUNT_OF(powers))
        return false;
    double y = fabs(x) * powers[scale];
    if (!(y < limit))
        return false;
    double whole = floor(y), rest = y - whole;
    if (fabs(rest - 0.5) <= y * 0x1p-50)
        return false;
    double rounded = whole + (rest > 0.5);
    *out = rounded == 0 ? 0 : copysign(rounded, x) / powers[scale];
    return true;
}

static double round_f64(double x, int32_t scale, bool half_even)
{
    double result;
    char text[NUMBER_TEXT_MAX + 8];
    if (!isfinite(x))
        return x;
    if (x == 0 || round_quickly(x, scale, 0x1p51, &result))
        return x == 0 ? 0 : result;
    struct digits d = read_digits(x);
    if (!round_digits(&d, scale, half_even))
        return x;
    return d.count > 0 && number_parse_double(write_digits(&d, text), &result) ? result : 0;
}

/* As Java does it: the float becomes a double first, and that is rounded. */
static float round_f32(float x, int32_t scale, bool half_even)
{
    double quick;
    float result;
    char text[NUMBER_TEXT_MAX + 8];
    if (!isfinite(x))
        return x;
    if (x == 0 || (scale == 0 && round_quickly(x, scale, 0x1p24, &quick)))
        return x == 0 ? 0 : (float)quick;
    struct digits d = read_digits(x);
    if (!round_digits(&d, scale, half_even))
        return x;
    return d.count > 0 && number_parse_float(write_digits(&d, text), &result) ? result : 0;
}

/* Integers keep their type: what no longer fits wraps. */
static int64_t round_i64(int64_t x, int32_t scale, bool half_even)
{
    if (scale >= 0)
        return x;
    int64_t digits = -(int64_t)scale;
    __int128 cut = drop_digits(x, digits, half_even ? ROUND_HALF_EVEN : ROUND_HALF_UP);
    return cut == 0 ? 0 : (int64_t)(uint64_t)(cut * decimal_power((int)digits));
}

#define ROUND_KERNEL(name, member, type, half_even)                                                \
    static int name##_##member(struct eval *eval, const struct expr *expr,                         \
                               const struct value *args, struct value *out)                        \
    {                                                                                              \
        (void)eval, (void)expr;                                                                    \
        const int32_t scale = args[1].vec.i32[0];                                                  \
        for (uint32_t i = 0; i < out->vec.rows; i++)                                               \
            out->vec.member[i] = (type)ROUND_##member(args[0].vec.member[i], scale, half_even);    \
        return 0;                                                                                  \
    }
#define ROUND_i8  round_i64
#define ROUND_i16 round_i64
#define ROUND_i32 round_i64
#define ROUND_i64 round_i64
#define ROUND_f32 round_f32
#define ROUND_f64 round_f64
#define ROUND_KERNELS(member, type)                                                                \
    ROUND_KERNEL(half_up, member, type, false)                                                     \
    ROUND_KERNEL(half_even, member, type, true)
ROUND_KERNELS(i8, int8_t)
ROUND_KERNELS(i16, int16_t)
ROUND_KERNELS(i32, int32_t)
ROUND_KERNELS(i64, int64_t)
ROUND_KERNELS(f32, float)
ROUND_KERNELS(f64, double)

/* The result's type has the scale that is left; below zero it is 0 and the zeros come back. */
static int round_decimals(struct eval *eval, const struct expr *expr, const struct value *args,
                          int32_t scale, enum rounding rounding, struct value *out)
{
    int from = args[0].vec.type->scale;
    uint8_t *nulls = kernel_flags(eval, out->vec.rows);
    if (!nulls)
        return ERR_NOMEM;
    for (uint32_t i = 0; i < out->vec.rows; i++) {
        bool null = vec_is_null(&out->vec, i);
        __int128 x =
            null ? 0 : drop_digits(args[0].vec.decimal[i], (int64_t)from - scale, rounding);
        bool fits = true;
        if (scale < 0 && x != 0)
            fits = scale >= -DECIMAL_DIGITS_MAX &&
                   !__builtin_mul_overflow(x, decimal_power(-scale), &x);
        fits = fits && decimal_fits(x, expr->type->precision);
        if (!fits && scale < 0)
            return err_set(eval->err, ERR_INVALID,
                           "a DECIMAL rounded to %d digits has more than 38 digits", (int)scale);
        nulls[i] = !fits;
        out->vec.decimal[i] = fits ? x : 0;
    }
    return kernel_null_where(eval, out, nulls);
}

static int half_up_decimal(struct eval *eval, const struct expr *expr, const struct value *args,
                           struct value *out)
{
    return round_decimals(eval, expr, args, args[1].vec.i32[0], ROUND_HALF_UP, out);
}

static int half_even_decimal(struct eval *eval, const struct expr *expr, const struct value *args,
                             struct value *out)
{
    return round_decimals(eval, expr, args, args[1].vec.i32[0], ROUND_HALF_EVEN, out);
}

kernel_fn kernel_round(enum type_kind kind, bool half_even)
{
    static const kernel_fn table[][2] = {
        [TYPE_TINYINT] = {half_up_i8, half_even_i8},
        [TYPE_SMALLINT] = {half_up_i16, half_even_i16},
        [TYPE_INT] = {half_up_i32, half_even_i32},
        [TYPE_BIGINT] = {half_up_i64, half_even_i64},
        [TYPE_FLOAT] = {half_up_f32, half_even_f32},
        [TYPE_DOUBLE] = {half_up_f64, half_even_f64},
        [TYPE_DECIMAL] = {half_up_decimal, half_even_decimal},
    };
    return type_is_numeric(kind) ? table[kind][half_even] : NULL;
}

int kernel_ceil_scale(struct eval *eval, const struct expr *expr, const struct value *args,
                      struct value *out)
{
    return round_decimals(eval, expr, args, args[1].vec.i32[0], ROUND_CEIL, out);
}

int kernel_floor_scale(struct eval *eval, const struct expr *expr, const struct value *args,
                       struct value *out)
{
    return round_decimals(eval, expr, args, args[1].vec.i32[0], ROUND_FLOOR, out);
}

int kernel_ceil_decimal(struct eval *eval, const struct expr *expr, const struct value *args,
                        struct value *out)
{
    return round_decimals(eval, expr, args, 0, ROUND_CEIL, out);
}

int kernel_floor_decimal(struct eval *eval, const struct expr *expr, const struct value *args,
                         struct value *out)
{
    return round_decimals(eval, expr, args, 0, ROUND_FLOOR, out);
}

/* As Java's (long) of a double: NaN is 0, what is too large the nearest. */
static int64_t to_long(double x)
{
    if (isnan(x))
        return 0;
    return x >= 0x1p63 ? INT64_MAX : x < -0x1p63 ? INT64_MIN : (int64_t)x;
}

int kernel_ceil_f64(struct eval *eval, const struct expr *expr, const struct value *args,
                    struct value *out)
{
    (void)eval, (void)expr;
    for (uint32_t i = 0; i < out->vec.rows; i++)
        out->vec.i64[i] = to_long(ceil(args[0].vec.f64[i]));
    return 0;
}

int kernel_floor_f64(struct eval *eval, const struct expr *expr, const struct value *args,
                     struct value *out)
{
    (void)eval, (void)expr;
    for (uint32_t i = 0; i < out->vec.rows; i++)
        out->vec.i64[i] = to_long(floor(args[0].vec.f64[i]));
    return 0;
}
