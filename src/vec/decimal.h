/* decimal.h: exact decimals as Spark's: an unscaled __int128 of at most 38 digits with a scale of
 * 0..38 that its type gives. Results are rounded half away from zero to the scale asked for; what
 * then has more digits than the precision asked for is no result: false, a NULL in SQL. */
#pragma once

#include "base/str.h"
#include "vec/type.h"

enum { DECIMAL_DIGITS_MAX = 38 };

/* The type DECIMAL(precision, scale), 1 <= precision <= 38, scale <= precision; static storage. */
const struct type *decimal_type(int precision, int scale);

/* 10^n for n <= 38. */
__int128 decimal_power(int n);
/* Decimal digits of |value|; of 0: 1. */
int decimal_digits(__int128 value);
/* Whether |value| < 10^precision. */
bool decimal_fits(__int128 value, int precision);

/* Gives the value another type. */
bool decimal_rescale(__int128 value, int from_scale, const struct type *to,
                     __int128 *out) MUST_CHECK;

/* The operations: a and b have the scales a_scale and b_scale; the result is of type `to`. */
bool decimal_add(__int128 a, int a_scale, __int128 b, int b_scale, const struct type *to,
                 __int128 *out) MUST_CHECK;
bool decimal_subtract(__int128 a, int a_scale, __int128 b, int b_scale, const struct type *to,
                      __int128 *out) MUST_CHECK;
bool decimal_multiply(__int128 a, int a_scale, __int128 b, int b_scale, const struct type *to,
                      __int128 *out) MUST_CHECK;
/* The next three are false for b == 0 too. */
bool decimal_divide(__int128 a, int a_scale, __int128 b, int b_scale, const struct type *to,
                    __int128 *out) MUST_CHECK;
/* a - b * trunc(a / b): has the sign of a. */
bool decimal_remainder(__int128 a, int a_scale, __int128 b, int b_scale, const struct type *to,
                       __int128 *out) MUST_CHECK;
/* trunc(a / b); `to` has scale 0. */
bool decimal_quotient(__int128 a, int a_scale, __int128 b, int b_scale, const struct type *to,
                      __int128 *out) MUST_CHECK;

/* False: Spark's % and DIV fail ("Division impossible"): the quotient's whole part is longer than
 * 39 digits, with more than zeros behind them. */
bool decimal_is_divisible(__int128 a, int a_scale, __int128 b, int b_scale);

/* Below, at or above 0 as a is less than, equal to or greater than b. */
int decimal_compare(__int128 a, int a_scale, __int128 b, int b_scale);

/* Correctly rounded, as BigDecimal.doubleValue and floatValue. */
double decimal_to_double(__int128 value, int scale);
float decimal_to_float(__int128 value, int scale);
/* By the shortest decimal that reads back as the double (Double.toString); false also for NaN and
 * infinity. */
bool decimal_from_double(double value, const struct type *to, __int128 *out) MUST_CHECK;

/* The whole part, without the fraction; the low 64 bits where it is too large, as
 * BigDecimal.longValue. decimal_to_i64: false where it is too large. */
int64_t decimal_low_bits(__int128 value, int scale);
bool decimal_to_i64(__int128 value, int scale, int64_t *out) MUST_CHECK;
bool decimal_from_i64(int64_t value, const struct type *to, __int128 *out) MUST_CHECK;

/* What Spark's CAST(text AS DECIMAL) reads: white space and control characters around
 * [+-]digits[.digits][(e|E)[+-]digits], a digit before the exponent. False also for numbers whose
 * whole part, zeros of the exponent included, is longer than 38 digits. */
bool decimal_from_text(struct str text, const struct type *to, __int128 *out) MUST_CHECK;
