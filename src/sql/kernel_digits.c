#include "sql/kernel_digits.h"

#include <stdio.h>

#include "vec/number.h"

/* Takes digits, a point and an exponent apart. */
static void digits_parse(struct digits *digits, const char *p, size_t n)
{
    bool fraction = false;
    int exponent = 0, sign = 1;
    *digits = (struct digits){.negative = n && *p == '-'};
    size_t i = digits->negative;
    for (; i < n && p[i] != 'E'; i++) {
        if (p[i] == '.') {
            fraction = true;
            continue;
        }
        bool zero = p[i] == '0' && digits->count == 0;
        digits->point += zero ? -fraction : !fraction;
        if (!zero)
            digits->text[digits->count++] = p[i];
    }
    for (i++; i < n; i++) {
        if (p[i] == '-')
            sign = -1;
        else
            exponent = exponent * 10 + (p[i] - '0');
    }
    digits->point += sign * exponent;
    while (digits->count && digits->text[digits->count - 1] == '0')
        digits->count--;
    if (digits->count == 0)
        digits->point = 0;
}

void digits_of_i64(struct digits *digits, int64_t value)
{
    char text[NUMBER_TEXT_MAX];
    digits_parse(digits, text, number_format_i64(value, text));
}

void digits_of_decimal(struct digits *digits, __int128 value, uint8_t scale)
{
    char text[NUMBER_TEXT_MAX];
    digits_parse(digits, text, number_format_decimal(value, scale, text));
}

void digits_of_double(struct digits *digits, double value)
{
    char text[NUMBER_TEXT_MAX];
    digits_parse(digits, text, number_format_double(value, text));
}

static bool rounds_up(const struct digits *digits, int keep, bool half_even)
{
    if (keep < 0 || digits->text[keep] != '5')
        return keep >= 0 && digits->text[keep] > '5';
    bool tie = keep + 1 == digits->count;
    bool odd = keep > 0 && (digits->text[keep - 1] - '0') % 2 == 1;
    return !half_even || !tie || odd;
}

void digits_round(struct digits *digits, int keep, bool half_even)
{
    if (keep >= digits->count)
        return;
    bool up = rounds_up(digits, keep, half_even);
    digits->count = keep > 0 ? keep : 0;
    while (up && digits->count) {
        char *last = &digits->text[digits->count - 1];
        if (*last < '9') {
            ++*last;
            return;
        }
        digits->count--;
    }
    if (up) { /* nothing but nines, or no digit kept */
        digits->text[digits->count++] = '1';
        digits->point++;
    }
    while (digits->count && digits->text[digits->count - 1] == '0')
        digits->count--;
}

size_t digits_plain(const struct digits *digits, int fraction, char out[DIGITS_PLAIN_MAX],
                    size_t *whole)
{
    size_t n = 0;
    for (int i = 0; i < digits->point && digits->count; i++)
        out[n++] = i < digits->count ? digits->text[i] : '0';
    if (n == 0)
        out[n++] = '0';
    *whole = n;
    if (fraction > 0)
        out[n++] = '.';
    for (int k = 0; k < fraction; k++) {
        int i = digits->point + k;
        out[n++] = digits->count && i >= 0 && i < digits->count ? digits->text[i] : '0';
    }
    return n;
}
