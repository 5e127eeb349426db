#include <float.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "vec/number.h"

/* A double is told from its neighbours by at most 767 digits; of longer numbers it matters only
 * whether what follows is zero. */
enum { DIGITS_MAX = 800, EXPONENT_MAX = 100000 };

/* (-1)^negative x mantissa x 10^exponent, exact unless `inexact`. */
struct scanned {
    bool negative;
    bool inexact; /* more than 19 significant digits: mantissa holds the first 19 */
    uint64_t mantissa;
    int64_t exponent;
};

static const double powers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool scan_exponent(const char *p, const char *end, int64_t *exponent)
{
    bool negative = p < end && *p == '-';
    if (p < end && (*p == '-' || *p == '+'))
        p++;
    if (p == end)
        return false;
    int64_t value = 0;
    for (; p < end; p++) {
        if (!is_digit(*p))
            return false;
        if (value < EXPONENT_MAX)
            value = value * 10 + (*p - '0');
    }
    *exponent += negative ? -value : value;
    return true;
}

static bool scan(struct str s, struct scanned *out)
{
    const char *p = s.p, *end = str_end(s);
    *out = (struct scanned){.negative = p < end && *p == '-'};
    p += out->negative;
    bool fraction = false, any = false;
    int significant = 0;
    for (; p < end; p++) {
        if (*p == '.' && !fraction) {
            fraction = true;
            continue;
        }
        if (!is_digit(*p))
            break;
        any = true;
        if (significant < 19) {
            out->mantissa = out->mantissa * 10 + (uint64_t)(*p - '0');
            significant += out->mantissa != 0;
            out->exponent -= fraction;
        } else {
            out->inexact |= *p != '0';
            out->exponent += !fraction;
        }
    }
    if (!any)
        return false;
    if (p == end)
        return true;
    return (*p == 'e' || *p == 'E') && scan_exponent(p + 1, end, &out->exponent);
}

/* Clinger's fast path: two exact doubles, one correctly rounded operation. */
static bool convert_exact(const struct scanned *in, double *out)
{
    if (in->inexact || in->mantissa > 1ULL << DBL_MANT_DIG)
        return false;
    if (in->exponent < -22 || in->exponent > 22)
        return false;
    double value = (double)in->mantissa;
    *out = in->exponent < 0 ? value / powers[-in->exponent] : value * powers[in->exponent];
    return true;
}

#if LDBL_MANT_DIG == 64
/* The same with the 64 bits of x87: mantissa and powers to 10^27 are exact, the result is off by at
 * most half a unit of its last bit. Rounding it to 53 bits is right unless the 11 bits that go are
 * within that of the middle. */
static bool convert_extended(const struct scanned *in, double *out)
{
    static const long double extended[] = {1e23L, 1e24L, 1e25L, 1e26L, 1e27L};
    int64_t size = in->exponent < 0 ? -in->exponent : in->exponent;
    if (in->inexact || size > 27)
        return false;
    long double power = size <= 22 ? (long double)powers[size] : extended[size - 23];
    long double value = (long double)in->mantissa;
    value = in->exponent < 0 ? value / power : value * power;
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits); /* the mantissa */
    uint64_t rest = bits & 0x7ff;
    if (rest >= 0x3ff && rest <= 0x401)
        return false;
    *out = (double)value;
    return true;
}
#else
static bool convert_extended(const struct scanned *in, double *out)
{
    (void)in;
    (void)out;
    return false;
}
#endif

/* Writes the number as digits and an exponent without a decimal point, which strtod reads alike in
 * every locale. */
static void rewrite(struct str s, const struct scanned *in, char text[DIGITS_MAX + 32])
{
    size_t n = 0, digits = 0;
    int64_t dropped = 0;
    bool sticky = false;
    for (size_t i = in->negative; i < s.n && s.p[i] != 'e' && s.p[i] != 'E'; i++) {
        if (s.p[i] == '.' || (digits == 0 && s.p[i] == '0'))
            continue;
        digits++;
        if (n < DIGITS_MAX) {
            text[n++] = s.p[i];
        } else {
            sticky |= s.p[i] != '0';
            dropped++;
        }
    }
    /* in->exponent belongs to the first 19 digits */
    int64_t exponent = in->exponent - (int64_t)(digits > 19 ? digits - 19 : 0) + dropped;
    if (sticky) {
        text[n++] = '1';
        exponent--;
    }
    snprintf(text + n, 32, "e%lld", (long long)exponent);
}

static double with_sign(const struct scanned *in, double value)
{
    return in->negative ? -value : value;
}

bool number_parse_double(struct str s, double *out)
{
    struct scanned in;
    if (!scan(s, &in))
        return false;
    double value = 0;
    if (in.mantissa != 0 && !convert_exact(&in, &value) && !convert_extended(&in, &value)) {
        char text[DIGITS_MAX + 32];
        rewrite(s, &in, text);
        value = strtod(text, NULL);
    }
    *out = with_sign(&in, value);
    return true;
}

/* Rounding the double once more is right unless it lies exactly between two floats, where it may
 * have come from either side, or outside the range of normal floats. */
static bool narrow(double value, float *out)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    if ((bits & 0x1fffffff) == 0x10000000 || value < (double)FLT_MIN * 2 || value > FLT_MAX / 2)
        return false;
    *out = (float)value;
    return true;
}

bool number_parse_float(struct str s, float *out)
{
    struct scanned in;
    if (!scan(s, &in))
        return false;
    double wide = 0;
    float value = 0;
    bool fast = convert_exact(&in, &wide) || convert_extended(&in, &wide);
    if (in.mantissa != 0 && !(fast && narrow(wide, &value))) {
        char text[DIGITS_MAX + 32];
        rewrite(s, &in, text);
        value = strtof(text, NULL);
    }
    *out = (float)with_sign(&in, (double)value);
    return true;
}
