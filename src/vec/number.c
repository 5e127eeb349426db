#include "vec/number.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"

/* A decimal number: digits[0].digits[1]... x 10^exponent, `count` digits without trailing zeros. */
struct decimal_digits {
    char digits[20];
    int count;
    int exponent;
};

static const double powers[] = {1e0, 1e1, 1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};

static size_t put_u64(uint64_t value, char *out)
{
    char text[20];
    size_t n = 0;
    do {
        text[n++] = (char)('0' + value % 10);
        value /= 10;
    } while (value);
    for (size_t i = 0; i < n; i++)
        out[i] = text[n - 1 - i];
    return n;
}

size_t number_format_i64(int64_t value, char out[NUMBER_TEXT_MAX])
{
    size_t n = 0;
    if (value < 0)
        out[n++] = '-';
    return n + put_u64(value < 0 ? 0 - (uint64_t)value : (uint64_t)value, out + n);
}

static void set_digits(struct decimal_digits *d, uint64_t value, int fraction_digits)
{
    d->count = (int)put_u64(value, d->digits);
    d->exponent = d->count - 1 - fraction_digits;
    while (d->count > 1 && d->digits[d->count - 1] == '0')
        d->count--;
}

/* Short decimals without a general algorithm: an integer r < 10^15 and the smallest k with r / 10^k
 * == value. Both are exact doubles and the division is correctly rounded, so the decimal reads back
 * as the value; with at most 15 digits no other decimal as short does. */
static bool short_decimal(double value, struct decimal_digits *d)
{
    for (int k = 0; k < (int)COUNT_OF(powers) && value * powers[k] < 1e15; k++) {
        uint64_t r = (uint64_t)(value * powers[k] + 0.5);
        if (r != 0 && (double)r / powers[k] == value) {
            set_digits(d, r, k);
            return true;
        }
    }
    return false;
}

/* Reads back digits x 10^...; the text has no decimal point, so the locale plays no part. */
static bool reads_back(const struct decimal_digits *d, double value, bool single)
{
    char text[40];
    snprintf(text, sizeof text, "%.*se%d", d->count, d->digits, d->exponent - d->count + 1);
    return single ? strtof(text, NULL) == (float)value : strtod(text, NULL) == value;
}

/* Adds one unit in the last place. */
static void increment(struct decimal_digits *d)
{
    int i = d->count - 1;
    while (i >= 0 && d->digits[i] == '9')
        d->digits[i--] = '0';
    if (i >= 0) {
        d->digits[i]++;
        return;
    }
    d->digits[0] = '1'; /* 99 -> 100: the same digits count, one power up */
    d->exponent++;
}

/* The decimal of n digits closest to value that reads back as value, if there is one. Below a power
 * of two values lie closer together than above it: there the closest decimal may be below and too
 * far, while the next one up is near enough. */
static bool decimal_of_length(double value, int n, bool single, struct decimal_digits *d)
{
    char text[40];
    snprintf(text, sizeof text, "%.*e", n - 1, value);
    d->digits[0] = text[0];
    memcpy(d->digits + 1, text + 2, (size_t)n - 1); /* text[1] is the locale's decimal point */
    d->count = n;
    d->exponent = atoi(strchr(text, 'e') + 1);
    if (reads_back(d, value, single))
        return true;
    int binary_exponent;
    if (frexp(value, &binary_exponent) != 0.5)
        return false;
    increment(d);
    return reads_back(d, value, single);
}

/* If n digits suffice, so do n + 1. Never fewer than two, as Double.toString's definition says:
 * 4.9E-324, not 5.0E-324. */
static void shortest(double value, bool single, struct decimal_digits *d)
{
    int low = 2, high = single ? 9 : 17;
    struct decimal_digits found;
    while (low < high) {
        int n = (low + high) / 2;
        if (decimal_of_length(value, n, single, &found))
            high = n;
        else
            low = n + 1;
    }
    bool ok = decimal_of_length(value, low, single, d);
    INVARIANT(ok);
    while (d->count > 1 && d->digits[d->count - 1] == '0')
        d->count--;
}

static size_t put_scientific(const struct decimal_digits *d, char *out)
{
    size_t n = 0;
    out[n++] = d->digits[0];
    out[n++] = '.';
    for (int i = 1; i < d->count; i++)
        out[n++] = d->digits[i];
    if (d->count == 1)
        out[n++] = '0';
    out[n++] = 'E';
    return n + number_format_i64(d->exponent, out + n);
}

/* Plain digits, for exponents -3..6. */
static size_t put_plain(const struct decimal_digits *d, char *out)
{
    size_t n = 0;
    if (d->exponent < 0) {
        out[n++] = '0';
        out[n++] = '.';
        for (int i = -1; i > d->exponent; i--)
            out[n++] = '0';
    }
    for (int i = 0; i < d->count || i <= d->exponent; i++) {
        out[n++] = i < d->count ? d->digits[i] : '0';
        if (i == d->exponent)
            out[n++] = '.';
    }
    if (out[n - 1] == '.')
        out[n++] = '0';
    return n;
}

static size_t put_literal(const char *text, char *out)
{
    size_t n = strlen(text);
    memcpy(out, text, n);
    return n;
}

/* Everything that does not depend on finding the digits; false: they are needed. */
static bool put_special(double value, char *out, size_t *n)
{
    if (isnan(value))
        *n = put_literal("NaN", out);
    else if (isinf(value))
        *n = put_literal(value < 0 ? "-Infinity" : "Infinity", out);
    else if (value == 0)
        *n = put_literal(signbit(value) ? "-0.0" : "0.0", out);
    else
        return false;
    return true;
}

static size_t put_digits(const struct decimal_digits *d, bool negative, char *out)
{
    size_t n = 0;
    if (negative)
        out[n++] = '-';
    bool plain = d->exponent >= -3 && d->exponent < 7;
    return n + (plain ? put_plain(d, out + n) : put_scientific(d, out + n));
}

size_t number_format_double(double value, char out[NUMBER_TEXT_MAX])
{
    size_t n;
    if (put_special(value, out, &n))
        return n;
    struct decimal_digits d;
    double magnitude = fabs(value);
    if (!(magnitude >= 1e-5 && magnitude < 1e15 && short_decimal(magnitude, &d)))
        shortest(magnitude, false, &d);
    return put_digits(&d, value < 0, out);
}

/* As short_decimal, with the limits of float: integers to 2^24, at most 6 digits, powers of ten to
 * 10^10. */
static bool short_decimal_float(float value, struct decimal_digits *d)
{
    for (int k = 0; k <= 10 && (double)value * powers[k] < 1e6; k++) {
        uint32_t r = (uint32_t)((double)value * powers[k] + 0.5);
        if (r != 0 && (float)r / (float)powers[k] == value) {
            set_digits(d, r, k);
            return true;
        }
    }
    return false;
}

size_t number_format_float(float value, char out[NUMBER_TEXT_MAX])
{
    size_t n;
    if (put_special(value, out, &n))
        return n;
    struct decimal_digits d;
    float magnitude = fabsf(value);
    if (!(magnitude >= 1e-5F && magnitude < 1e6F && short_decimal_float(magnitude, &d)))
        shortest(magnitude, true, &d);
    return put_digits(&d, value < 0, out);
}

/* The digits of |unscaled|, at least `at_least` of them, with leading zeros. */
static size_t put_u128(__int128 unscaled, size_t at_least, char *out)
{
    char text[40];
    size_t n = 0;
    unsigned __int128 rest =
        unscaled < 0 ? 0 - (unsigned __int128)unscaled : (unsigned __int128)unscaled;
    while (rest || n < at_least) {
        text[n++] = (char)('0' + (int)(rest % 10));
        rest /= 10;
    }
    for (size_t i = 0; i < n; i++)
        out[i] = text[n - 1 - i];
    return n;
}

size_t number_format_decimal(__int128 unscaled, uint8_t scale, char out[NUMBER_TEXT_MAX])
{
    size_t n = 0;
    if (unscaled < 0)
        out[n++] = '-';
    size_t count = put_u128(unscaled, (size_t)scale + 1, out + n);
    if (scale == 0)
        return n + count;
    size_t whole = n + count - scale;
    memmove(out + whole + 1, out + whole, scale);
    out[whole] = '.';
    return n + count + 1;
}

size_t number_format_decimal_java(__int128 unscaled, uint8_t scale, char out[NUMBER_TEXT_MAX])
{
    char digits[40];
    int count = (int)put_u128(unscaled, 1, digits);
    int exponent = count - 1 - scale;
    if (exponent >= -6)
        return number_format_decimal(unscaled, scale, out);
    size_t n = 0;
    if (unscaled < 0)
        out[n++] = '-';
    out[n++] = digits[0];
    if (count > 1)
        out[n++] = '.';
    memcpy(out + n, digits + 1, (size_t)count - 1);
    n += (size_t)count - 1;
    out[n++] = 'E';
    char power[NUMBER_TEXT_MAX];
    size_t length = number_format_i64(exponent, power);
    memcpy(out + n, power, length);
    return n + length;
}
