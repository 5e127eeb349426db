/* kernel_digits.h: numbers as their decimal digits, to be written in other forms. */
#pragma once

#include "sql/kernel_string.h"

/* 0.D1D2D3... times ten to the power of `point`; without digits it is 0. */
struct digits {
    bool negative; /* also of -0.0 */
    int count, point;
    char text[64];
};

enum {
    DIGITS_FRACTION_MAX = 340, /* digits behind the point that are written at most */
    DIGITS_PLAIN_MAX = 320 + DIGITS_FRACTION_MAX,
};

void digits_of_i64(struct digits *digits, int64_t value);
void digits_of_decimal(struct digits *digits, __int128 value, uint8_t scale);
/* The shortest that reads back as the value, as Double.toString has them; it must be finite. */
void digits_of_double(struct digits *digits, double value);

/* Keeps `keep` digits (0 or less: none), rounding half up, or half to even. */
void digits_round(struct digits *digits, int keep, bool half_even);

/* 123.450, without sign, with `fraction` digits behind the point; the digits are rounded before.
 * Returns the length; *whole: of the part before the point. */
size_t digits_plain(const struct digits *digits, int fraction, char out[DIGITS_PLAIN_MAX],
                    size_t *whole);
