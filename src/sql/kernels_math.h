/* kernels_math.h: kernels of the mathematical and bitwise functions. Where C and Java differ they
 * compute as java.lang.Math does; last digits of transcendental functions may differ. */
#pragma once

#include "sql/kernels.h"

/* DOUBLE to DOUBLE. */
KERNEL_DECLARE(kernel_acos);
KERNEL_DECLARE(kernel_acosh);
KERNEL_DECLARE(kernel_asin);
KERNEL_DECLARE(kernel_asinh);
KERNEL_DECLARE(kernel_atan);
KERNEL_DECLARE(kernel_atanh);
KERNEL_DECLARE(kernel_cbrt);
KERNEL_DECLARE(kernel_cos);
KERNEL_DECLARE(kernel_cosh);
KERNEL_DECLARE(kernel_cot);
KERNEL_DECLARE(kernel_csc);
KERNEL_DECLARE(kernel_degrees);
KERNEL_DECLARE(kernel_exp);
KERNEL_DECLARE(kernel_expm1);
KERNEL_DECLARE(kernel_radians);
KERNEL_DECLARE(kernel_rint);
KERNEL_DECLARE(kernel_sec);
KERNEL_DECLARE(kernel_signum);
KERNEL_DECLARE(kernel_sin);
KERNEL_DECLARE(kernel_sinh);
KERNEL_DECLARE(kernel_sqrt);
KERNEL_DECLARE(kernel_tan);
KERNEL_DECLARE(kernel_tanh);
/* NULL where there is no logarithm. */
KERNEL_DECLARE(kernel_ln);
KERNEL_DECLARE(kernel_log1p);
KERNEL_DECLARE(kernel_log2);
KERNEL_DECLARE(kernel_log10);
/* Two DOUBLEs. */
KERNEL_DECLARE(kernel_atan2);
KERNEL_DECLARE(kernel_hypot);
KERNEL_DECLARE(kernel_log); /* of the second to the base of the first */
KERNEL_DECLARE(kernel_power);

/* FLOAT and DOUBLE. */
KERNEL_DECLARE(kernel_is_nan_f32);
KERNEL_DECLARE(kernel_is_nan_f64);
KERNEL_DECLARE(kernel_nanvl_f32);
KERNEL_DECLARE(kernel_nanvl_f64);

/* DOUBLE or DECIMAL to a whole number (BIGINT or DECIMAL). */
KERNEL_DECLARE(kernel_ceil_f64);
KERNEL_DECLARE(kernel_floor_f64);
KERNEL_DECLARE(kernel_ceil_decimal);
KERNEL_DECLARE(kernel_floor_decimal);

/* Rounding to args[1], a constant INT; the result has the type of args[0], or for a DECIMAL
 * another precision and scale. NULL: not for this type. */
kernel_fn kernel_round(enum type_kind kind, bool half_even);
/* ceil and floor of a DECIMAL to args[1] digits. */
KERNEL_DECLARE(kernel_ceil_scale);
KERNEL_DECLARE(kernel_floor_scale);

/* Integers; NULL where the result does not fit. op: ADD, SUB, MUL. NULL: not for this type. */
kernel_fn kernel_try_arith(enum arith_op op, enum type_kind kind);
/* The remainder brought to the sign of the divisor, as Spark's pmod does it. */
kernel_fn kernel_pmod(enum type_kind kind);

KERNEL_DECLARE(kernel_factorial); /* INT */
KERNEL_DECLARE(kernel_bin);       /* BIGINT */
KERNEL_DECLARE(kernel_hex_i64);
KERNEL_DECLARE(kernel_hex_text);     /* STRING or BINARY */
KERNEL_DECLARE(kernel_unhex);        /* STRING */
KERNEL_DECLARE(kernel_conv);         /* STRING, INT, INT */
KERNEL_DECLARE(kernel_width_bucket); /* DOUBLE, DOUBLE, DOUBLE, BIGINT */

/* Bits. */
kernel_fn kernel_bit_count(enum type_kind kind);
/* The bit at args[1], an INT; ERR_INVALID for one that is not there. */
kernel_fn kernel_bit_get(enum type_kind kind);
enum shift_op { SHIFT_LEFT, SHIFT_RIGHT, SHIFT_RIGHT_UNSIGNED };
kernel_fn kernel_shift(enum shift_op op, bool wide); /* INT or BIGINT by an INT */
KERNEL_DECLARE(kernel_bitmap_bit_position);
KERNEL_DECLARE(kernel_bitmap_bucket_number);
KERNEL_DECLARE(kernel_bitmap_count);

/* try_*: NULL for the rows where expr->compare fails; arguments and result are of flat types. */
KERNEL_DECLARE(kernel_try);
