/* decimal_convert.c: decimals from and to other numbers and text. */
#include <math.h>

#include "base/check.h"
#include "vec/decimal.h"
#include "vec/number.h"

typedef unsigned __int128 u128;

/* The number as digits and an exponent. */
static struct str scientific(__int128 value, int scale, char out[2 * NUMBER_TEXT_MAX])
{
    size_t n = number_format_decimal(value, 0, out);
    out[n++] = 'e';
    n += number_format_i64(-scale, out + n);
    return (struct str){out, n};
}

/* Both operands exact, one operation: correctly rounded. */
static bool is_exact(__int128 value, int scale, int bits, int power)
{
    return scale <= power && value <= (__int128)1 << bits && value >= -((__int128)1 << bits);
}

double decimal_to_double(__int128 value, int scale)
{
    if (is_exact(value, scale, 53, 22))
        return (double)value / (double)decimal_power(scale);
    char text[2 * NUMBER_TEXT_MAX];
    double result = 0;
    bool read = number_parse_double(scientific(value, scale, text), &result);
    INVARIANT(read);
    return result;
}

float decimal_to_float(__int128 value, int scale)
{
    if (is_exact(value, scale, 24, 10))
        return (float)value / (float)decimal_power(scale);
    char text[2 * NUMBER_TEXT_MAX];
    float result = 0;
    bool read = number_parse_float(scientific(value, scale, text), &result);
    INVARIANT(read);
    return result;
}

bool decimal_from_double(double value, const struct type *to, __int128 *out)
{
    char text[NUMBER_TEXT_MAX];
    if (!isfinite(value))
        return false;
    size_t n = number_format_double(value, text);
    return decimal_from_text((struct str){text, n}, to, out);
}

int64_t decimal_low_bits(__int128 value, int scale)
{
    return (int64_t)(uint64_t)(value / decimal_power(scale));
}

bool decimal_to_i64(__int128 value, int scale, int64_t *out)
{
    __int128 whole = value / decimal_power(scale);
    *out = (int64_t)(uint64_t)whole;
    return whole == *out;
}

bool decimal_from_i64(int64_t value, const struct type *to, __int128 *out)
{
    return decimal_rescale(value, 0, to, out);
}

static struct str trim(struct str s)
{
    while (s.n && (unsigned char)s.p[0] <= ' ')
        s.p++, s.n--;
    while (s.n && (unsigned char)s.p[s.n - 1] <= ' ')
        s.n--;
    return s;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* digits[.digits], at least one, as they stand in the text. */
struct digits {
    const char *p, *end; /* may hold a point */
    size_t significant;  /* without leading zeros */
    int64_t scale;       /* digits behind the point, less the exponent */
    bool negative;
};

/* At most an int, in at most ten digits besides leading zeros (java.math.BigDecimal). */
static bool read_exponent(const char *p, const char *end, int64_t *out)
{
    bool negative = p < end && *p == '-';
    p += p < end && (*p == '-' || *p == '+');
    if (p == end)
        return false;
    while (p + 1 < end && *p == '0')
        p++;
    int64_t value = 0;
    if (end - p > 10)
        return false;
    for (; p < end; p++) {
        if (!is_digit(*p))
            return false;
        value = value * 10 + (*p - '0');
    }
    *out = negative ? -value : value;
    return value <= INT32_MAX;
}

static bool read_digits(struct str s, struct digits *out)
{
    const char *p = s.p, *end = str_end(s);
    *out = (struct digits){.negative = s.n && *p == '-'};
    p += s.n && (*p == '-' || *p == '+');
    bool point = false;
    size_t count = 0;
    for (out->p = p; p < end && (is_digit(*p) || (*p == '.' && !point)); p++) {
        point |= *p == '.';
        count += *p != '.';
        out->significant += *p != '.' && (out->significant || *p != '0');
        out->scale += point && *p != '.';
    }
    out->end = p;
    if (count == 0)
        return false;
    int64_t exponent = 0;
    if (p < end && ((*p != 'e' && *p != 'E') || !read_exponent(p + 1, end, &exponent)))
        return false;
    out->scale -= exponent;
    return out->scale >= INT32_MIN && out->scale <= INT32_MAX;
}

bool decimal_from_text(struct str text, const struct type *to, __int128 *out)
{
    struct digits in;
    if (!read_digits(trim(text), &in))
        return false;
    int64_t count = (int64_t)in.significant, whole = (count ? count : 1) - in.scale;
    int64_t keep = count - (in.scale - to->scale); /* digits with those that zeros add */
    *out = 0;
    if (whole > DECIMAL_DIGITS_MAX || (count && keep > to->precision))
        return false;
    u128 value = 0;
    int64_t taken = 0;
    for (const char *p = in.p; p < in.end && taken <= keep; p++) {
        if (*p == '.' || (taken == 0 && *p == '0'))
            continue;
        if (taken < keep)
            value = value * 10 + (u128)(*p - '0');
        else
            value += *p >= '5';
        taken++;
    }
    for (; taken < keep && value; taken++)
        value *= 10;
    *out = (__int128)(in.negative ? 0 - value : value);
    return value < (u128)decimal_power(to->precision);
}
