/* number.h: numbers ↔ text, independent of the locale.
 *
 * Printing follows Java's Double.toString and Float.toString with the digits of JDK 19 and later:
 * the shortest decimal (at least two digits) that reads back as the same value, and of those the
 * closest. Reading is correctly rounded. */
#pragma once

#include "base/str.h"

enum { NUMBER_TEXT_MAX = 48 /* bytes any of the format functions writes */ };

/* The format functions write no NUL and return the length. */

/* 100.0, 1.0E-5, 1.0E7, -0.0, NaN, Infinity. */
size_t number_format_double(double value, char out[NUMBER_TEXT_MAX]);
size_t number_format_float(float value, char out[NUMBER_TEXT_MAX]);
size_t number_format_i64(int64_t value, char out[NUMBER_TEXT_MAX]);
/* An unscaled decimal with its point in place: 12.30, 0.05, -7. As BigDecimal.toPlainString. */
size_t number_format_decimal(__int128 unscaled, uint8_t scale, char out[NUMBER_TEXT_MAX]);

/* The same as BigDecimal.toString, which toJSON and CAST use: below 10^-6 in scientific notation.
 */
size_t number_format_decimal_java(__int128 unscaled, uint8_t scale, char out[NUMBER_TEXT_MAX]);

/* A decimal floating point number: the whole of s must be -?digits[.digits][(e|E)[+-]digits], with
 * at least one digit before the exponent; false otherwise. Too large gives infinity, too small 0.
 */
bool number_parse_double(struct str s, double *out);
bool number_parse_float(struct str s, float *out);
