#include "vec/decimal.h"

#include "base/check.h"
#include "vec/wide.h"

typedef unsigned __int128 u128;

enum { MATH_DIGITS = 39 }; /* Spark's Decimal.MATH_CONTEXT */

#define E19    ((u128)10000000000000000000ULL)
#define TEN(n) ((u128)1##n##ULL)
static const u128 powers[DECIMAL_DIGITS_MAX + 1] = {
    TEN(),
    TEN(0),
    TEN(00),
    TEN(000),
    TEN(0000),
    TEN(00000),
    TEN(000000),
    TEN(0000000),
    TEN(00000000),
    TEN(000000000),
    TEN(0000000000),
    TEN(00000000000),
    TEN(000000000000),
    TEN(0000000000000),
    TEN(00000000000000),
    TEN(000000000000000),
    TEN(0000000000000000),
    TEN(00000000000000000),
    TEN(000000000000000000),
    E19,
    E19 *TEN(0),
    E19 *TEN(00),
    E19 *TEN(000),
    E19 *TEN(0000),
    E19 *TEN(00000),
    E19 *TEN(000000),
    E19 *TEN(0000000),
    E19 *TEN(00000000),
    E19 *TEN(000000000),
    E19 *TEN(0000000000),
    E19 *TEN(00000000000),
    E19 *TEN(000000000000),
    E19 *TEN(0000000000000),
    E19 *TEN(00000000000000),
    E19 *TEN(000000000000000),
    E19 *TEN(0000000000000000),
    E19 *TEN(00000000000000000),
    E19 *TEN(000000000000000000),
    E19 *E19,
};

#define SCALE(p, s)                                                                                \
    {                                                                                              \
        .kind = TYPE_DECIMAL, .precision = (p), .scale = (s)                                       \
    }
#define SCALES_10(p, s)                                                                            \
    SCALE(p, s), SCALE(p, (s) + 1), SCALE(p, (s) + 2), SCALE(p, (s) + 3), SCALE(p, (s) + 4),       \
        SCALE(p, (s) + 5), SCALE(p, (s) + 6), SCALE(p, (s) + 7), SCALE(p, (s) + 8),                \
        SCALE(p, (s) + 9)
#define SCALES(p)                                                                                  \
    {                                                                                              \
        SCALES_10(p, 0), SCALES_10(p, 10), SCALES_10(p, 20), SCALES_10(p, 30)                      \
    }
#define PRECISIONS_10(p)                                                                           \
    SCALES(p), SCALES((p) + 1), SCALES((p) + 2), SCALES((p) + 3), SCALES((p) + 4),                 \
        SCALES((p) + 5), SCALES((p) + 6), SCALES((p) + 7), SCALES((p) + 8), SCALES((p) + 9)

const struct type *decimal_type(int precision, int scale)
{
    static const struct type types[40][40] = {PRECISIONS_10(0), PRECISIONS_10(10),
                                              PRECISIONS_10(20), PRECISIONS_10(30)};
    REQUIRE(precision >= 1 && precision <= DECIMAL_DIGITS_MAX && scale >= 0 && scale <= precision);
    return &types[precision][scale];
}

__int128 decimal_power(int n)
{
    REQUIRE(n >= 0 && n <= DECIMAL_DIGITS_MAX);
    return (__int128)powers[n];
}

static u128 magnitude(__int128 value)
{
    return value < 0 ? 0 - (u128)value : (u128)value;
}

static __int128 with_sign(u128 value, bool negative)
{
    return (__int128)(negative ? 0 - value : value);
}

/* An estimate from the bits, at most one too small: 1233 / 4096 is a little more than log10(2). */
static int digits_of(u128 value)
{
    int bits = value >> 64 ? 128 - __builtin_clzll((uint64_t)(value >> 64))
                           : 64 - __builtin_clzll((uint64_t)value | 1);
    int low = bits * 1233 >> 12;
    if (low > DECIMAL_DIGITS_MAX)
        low = DECIMAL_DIGITS_MAX;
    return low + (value >= powers[low]) + (low == 0 && value == 0);
}

int decimal_digits(__int128 value)
{
    return digits_of(magnitude(value));
}

bool decimal_fits(__int128 value, int precision)
{
    return magnitude(value) < powers[precision];
}

/* value / 10^n, ties away from zero. */
static u128 round_128(u128 value, int n)
{
    if (n == 0)
        return value;
    if (n > DECIMAL_DIGITS_MAX)
        return 0; /* value < 2^128 is below half of 10^39 */
    u128 quotient = value / powers[n], rest = value % powers[n];
    return quotient + (rest >= powers[n] - rest);
}

/* Whether value x 10^n is below 10^precision; *out is the product. */
static bool raise(u128 value, int n, int precision, u128 *out)
{
    if (value == 0) {
        *out = 0;
        return true;
    }
    if (n > precision || value >= powers[precision - n])
        return false;
    *out = value * powers[n];
    return true;
}

static bool finish_128(u128 value, bool negative, int scale, const struct type *to, __int128 *out)
{
    if (scale >= to->scale)
        value = round_128(value, scale - to->scale);
    else if (!raise(value, to->scale - scale, to->precision, &value))
        return false;
    *out = with_sign(value, negative);
    return value < powers[to->precision];
}

bool decimal_rescale(__int128 value, int from_scale, const struct type *to, __int128 *out)
{
    return finish_128(magnitude(value), value < 0, from_scale, to, out);
}

/* x / 10^n without rounding, for n >= 1, but for the last digit dropped: *digit, and whether there
 * is something behind it: *more. */
static struct wide drop_digits(struct wide x, int n, unsigned *digit, bool *more)
{
    uint64_t rest;
    *more = false;
    for (n--; n > 0; n -= 19) {
        x = wide_div_small(x, (uint64_t)powers[n < 19 ? n : 19], &rest);
        *more |= rest != 0;
    }
    x = wide_div_small(x, 10, &rest);
    *digit = (unsigned)rest;
    return x;
}

static int wide_digits(struct wide x)
{
    int digits = 0;
    uint64_t rest;
    while (!wide_fits_128(&x)) {
        x = wide_div_small(x, (uint64_t)E19, &rest);
        digits += 19;
    }
    return digits + digits_of(wide_low(&x));
}

static bool finish_wide(struct wide x, bool negative, int scale, const struct type *to,
                        __int128 *out)
{
    if (scale > to->scale && !wide_fits_128(&x)) {
        unsigned digit;
        bool more;
        x = drop_digits(x, scale - to->scale, &digit, &more);
        if (digit >= 5)
            x = wide_add(x, wide_of(1));
        scale = to->scale;
    }
    return wide_fits_128(&x) && finish_128(wide_low(&x), negative, scale, to, out);
}

static struct wide times_power(u128 value, int n)
{
    return wide_mul(value, powers[n]);
}

static bool add_wide(__int128 a, int a_scale, __int128 b, int b_scale, const struct type *to,
                     __int128 *out)
{
    int scale = a_scale > b_scale ? a_scale : b_scale;
    struct wide x = times_power(magnitude(a), scale - a_scale);
    struct wide y = times_power(magnitude(b), scale - b_scale);
    bool negative = a < 0;
    if ((a < 0) == (b < 0)) {
        x = wide_add(x, y);
    } else if (wide_cmp(&x, &y) >= 0) {
        x = wide_sub(x, y);
    } else {
        x = wide_sub(y, x);
        negative = !negative;
    }
    return finish_wide(x, negative, scale, to, out);
}

bool decimal_add(__int128 a, int a_scale, __int128 b, int b_scale, const struct type *to,
                 __int128 *out)
{
    __int128 x, y, sum;
    int scale = a_scale > b_scale ? a_scale : b_scale;
    if (__builtin_mul_overflow(a, (__int128)powers[scale - a_scale], &x) ||
        __builtin_mul_overflow(b, (__int128)powers[scale - b_scale], &y) ||
        __builtin_add_overflow(x, y, &sum))
        return add_wide(a, a_scale, b, b_scale, to, out);
    return decimal_rescale(sum, scale, to, out);
}

bool decimal_subtract(__int128 a, int a_scale, __int128 b, int b_scale, const struct type *to,
                      __int128 *out)
{
    return decimal_add(a, a_scale, with_sign((u128)b, true), b_scale, to, out);
}

/* Spark cuts the product off behind 39 digits, one more than any type has, and then rounds it to
 * the type: as rounding once. */
bool decimal_multiply(__int128 a, int a_scale, __int128 b, int b_scale, const struct type *to,
                      __int128 *out)
{
    u128 x = magnitude(a), y = magnitude(b), product;
    bool negative = (a < 0) != (b < 0);
    int scale = a_scale + b_scale;
    if (!__builtin_mul_overflow(x, y, &product) && product < powers[DECIMAL_DIGITS_MAX])
        return finish_128(product, negative, scale, to, out);
    return finish_wide(wide_mul(x, y), negative, scale, to, out);
}

static struct wide raise_wide(struct wide x, int n)
{
    for (; n > 0; n -= 19)
        x = wide_mul_small(x, (uint64_t)powers[n < 19 ? n : 19]);
    return x;
}

/* x 10^shift / y, rounded, for x > 0. False: it may not fit into 256 bits. */
static bool divide_raised(u128 x, u128 y, int shift, struct wide *out)
{
    enum { WIDE_DIGITS = 77 };
    u128 rest;
    if (shift < 0) {
        bool smaller = __builtin_mul_overflow(y, powers[-shift], &y); /* than a half */
        *out = wide_of(smaller ? 0 : x / y + (x % y >= y - x % y));
        return true;
    }
    int first = shift < DECIMAL_DIGITS_MAX ? shift : DECIMAL_DIGITS_MAX, more = shift - first;
    struct wide quotient = wide_div(times_power(x, first), y, &rest);
    if (more > 0) {
        if (wide_digits(quotient) + more > WIDE_DIGITS)
            return false;
        struct wide behind = wide_div(times_power(rest, more), y, &rest);
        quotient = wide_add(raise_wide(quotient, more), behind);
    }
    *out = wide_add(quotient, wide_of(rest >= y - rest));
    return true;
}

/* Spark cuts the quotient off behind 39 digits of fraction, one more than any type has, and then
 * rounds it to the type: as rounding once. */
bool decimal_divide(__int128 a, int a_scale, __int128 b, int b_scale, const struct type *to,
                    __int128 *out)
{
    u128 x = magnitude(a), y = magnitude(b), quotient;
    if (y == 0)
        return false;
    *out = 0;
    if (x == 0)
        return true;
    int shift = to->scale - a_scale + b_scale;
    if (shift >= 0 && digits_of(x) + shift <= DECIMAL_DIGITS_MAX) { /* mostly */
        u128 raised = x * powers[shift], rest = raised % y;
        quotient = raised / y + (rest >= y - rest);
    } else {
        struct wide wide;
        if (!divide_raised(x, y, shift, &wide) || !wide_fits_128(&wide))
            return false;
        quotient = wide_low(&wide);
    }
    *out = with_sign(quotient, (a < 0) != (b < 0));
    return quotient < powers[to->precision];
}

bool decimal_remainder(__int128 a, int a_scale, __int128 b, int b_scale, const struct type *to,
                       __int128 *out)
{
    u128 x = magnitude(a), y = magnitude(b), rest, raised;
    if (y == 0)
        return false;
    if (a_scale < b_scale) {
        wide_div(times_power(x, b_scale - a_scale), y, &rest);
        return finish_128(rest, a < 0, b_scale, to, out);
    }
    bool larger = __builtin_mul_overflow(y, powers[a_scale - b_scale], &raised);
    return finish_128(larger ? x : x % raised, a < 0, a_scale, to, out);
}

bool decimal_quotient(__int128 a, int a_scale, __int128 b, int b_scale, const struct type *to,
                      __int128 *out)
{
    u128 x = magnitude(a), y = magnitude(b), rest, raised;
    bool negative = (a < 0) != (b < 0);
    if (y == 0)
        return false;
    if (a_scale < b_scale) {
        struct wide whole = wide_div(times_power(x, b_scale - a_scale), y, &rest);
        return finish_wide(whole, negative, 0, to, out);
    }
    bool larger = __builtin_mul_overflow(y, powers[a_scale - b_scale], &raised);
    return finish_128(larger ? 0 : x / raised, negative, 0, to, out);
}

bool decimal_is_divisible(__int128 a, int a_scale, __int128 b, int b_scale)
{
    u128 rest;
    if (b == 0 || a_scale >= b_scale)
        return true;
    struct wide whole = wide_div(times_power(magnitude(a), b_scale - a_scale), magnitude(b), &rest);
    int extra = wide_digits(whole) - MATH_DIGITS;
    unsigned digit;
    bool more;
    if (extra <= 0)
        return true;
    drop_digits(whole, extra, &digit, &more);
    return digit == 0 && !more;
}

int decimal_compare(__int128 a, int a_scale, __int128 b, int b_scale)
{
    __int128 raised;
    if (a_scale > b_scale)
        return -decimal_compare(b, b_scale, a, a_scale);
    if (__builtin_mul_overflow(a, (__int128)powers[b_scale - a_scale], &raised))
        return a < 0 ? -1 : 1;
    return raised < b ? -1 : raised > b;
}
