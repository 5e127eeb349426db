/* kernels.h: the typed kernels, by what they compute. The functions that choose one return NULL
 * where there is none for the type. */
#pragma once

#include "sql/expr.h"
#include "sql/types.h"

enum arith_op { ARITH_ADD, ARITH_SUB, ARITH_MUL, ARITH_REM, ARITH_OP_COUNT };
/* Integers wrap; x % 0 is NULL. */
kernel_fn kernel_arith(enum arith_op op, enum type_kind kind);
/* DOUBLE / DOUBLE: x / 0 is NULL. */
int kernel_divide(struct eval *eval, const struct expr *expr, const struct value *args,
                  struct value *out);
/* BIGINT DIV BIGINT. */
int kernel_integral_divide(struct eval *eval, const struct expr *expr, const struct value *args,
                           struct value *out);

/* DECIMALs, each of its own type; the result is of types_decimal_result's, for DIV a BIGINT. NULL
 * for what does not fit it, and for x / 0. */
kernel_fn kernel_decimal(enum decimal_op op);

enum bit_op { BIT_AND, BIT_OR, BIT_XOR };
kernel_fn kernel_bitwise(enum bit_op op, enum type_kind kind);

enum unary_op { UNARY_NEGATE, UNARY_ABS, UNARY_INVERT };
kernel_fn kernel_unary(enum unary_op op, enum type_kind kind);

enum compare_op { COMPARE_EQ, COMPARE_LT, COMPARE_LE, COMPARE_GT, COMPARE_GE, COMPARE_OP_COUNT };
/* NaN equals itself and is greater than anything else; -0.0 equals 0.0; text compares by bytes. */
kernel_fn kernel_compare(enum compare_op op, enum type_kind kind);

#define KERNEL_DECLARE(name)                                                                       \
    int name(struct eval *eval, const struct expr *expr, const struct value *args,                 \
             struct value *out)

/* BOOLEAN, three-valued. */
KERNEL_DECLARE(kernel_and);
KERNEL_DECLARE(kernel_or);
KERNEL_DECLARE(kernel_not); /* strict */
KERNEL_DECLARE(kernel_is_null);
KERNEL_DECLARE(kernel_is_not_null);
/* These two use expr->compare for their arguments. */
KERNEL_DECLARE(kernel_null_safe_equal);
KERNEL_DECLARE(kernel_in);

/* Choosing between values of one type. */
KERNEL_DECLARE(kernel_case); /* when, then, ..., [else]; also IF */
KERNEL_DECLARE(kernel_coalesce);
KERNEL_DECLARE(kernel_null); /* NULL in every row: also a DATE as a number */

/* Conversions, as CAST does them, or, `exact`, TRY_CAST; `kernel` NULL with true: nothing to
 * compute. False: Spark has no such cast. STRUCT, ARRAY and intervals have their own. */
bool kernel_cast(const struct type *from, const struct type *to, bool exact, kernel_fn *kernel);

/* Text. */
KERNEL_DECLARE(kernel_upper);
KERNEL_DECLARE(kernel_lower);
KERNEL_DECLARE(kernel_length_string);
KERNEL_DECLARE(kernel_length_binary);
KERNEL_DECLARE(kernel_concat);
KERNEL_DECLARE(kernel_substring);
KERNEL_DECLARE(kernel_trim);
KERNEL_DECLARE(kernel_ltrim);
KERNEL_DECLARE(kernel_rtrim);

/* window() without GROUP BY: eval->windows says which of a row's windows. */
KERNEL_DECLARE(kernel_row_window);

/* Per batch. */
KERNEL_DECLARE(kernel_current_timestamp);
KERNEL_DECLARE(kernel_current_date);
