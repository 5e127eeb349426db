/* types.h: Spark's implicit conversions with spark.sql.ansi.enabled=false: which type two operands
 * meet at. Source: TypeCoercion.scala and DecimalPrecision.scala of Spark 3.5. All return NULL
 * where there is no such type. */
#pragma once

#include "base/err.h"
#include "vec/type.h"

/* findTightestCommonType: no conversion that loses anything but BIGINT to FLOAT. */
const struct type *types_tightest(const struct type *a, const struct type *b);

/* findWiderTypeForTwo: also decimals with other numbers, and anything simple with STRING. */
const struct type *types_wider(const struct type *a, const struct type *b);

/* The same also for STRUCT and ARRAY of different parts, which the ones above only take when they
 * are equal: what is new lives in the arena. *out is NULL where there is no such type. ERR_NOMEM.
 */
int types_common_tightest(struct arena *arena, const struct type *a, const struct type *b,
                          const struct type **out) MUST_CHECK;
int types_common(struct arena *arena, const struct type *a, const struct type *b,
                 const struct type **out) MUST_CHECK;
/* findWiderCommonType over n types (n > 0): STRINGs are taken first, as order matters for them. */
int types_common_all(struct arena *arena, const struct type *const *types, uint32_t n,
                     const struct type **out) MUST_CHECK;

/* findCommonTypeForBinaryComparison: what a STRING is converted to when it is compared with
 * something else; NULL when neither is a STRING. */
const struct type *types_comparison(const struct type *a, const struct type *b);

/* DecimalType.forType: the DECIMAL that holds every value of an integer type; others as they are.
 */
const struct type *types_as_decimal(const struct type *type);
/* The DECIMAL for both, short of whole digits where they would need more than 38. */
const struct type *types_wider_decimal(const struct type *a, const struct type *b);

/* A copy in the arena, names too (types of one kind alone are static); NULL without memory. */
const struct type *types_copy(struct arena *arena, const struct type *type);

enum decimal_op {
    DECIMAL_ADD,
    DECIMAL_SUBTRACT,
    DECIMAL_MULTIPLY,
    DECIMAL_DIVIDE,
    DECIMAL_REMAINDER,
    DECIMAL_PMOD,
    DECIMAL_QUOTIENT, /* DIV: without fraction, before it becomes a BIGINT */
    DECIMAL_OP_COUNT
};

/* The type of a OP b for two DECIMALs, with spark.sql.decimalOperations.allowPrecisionLoss. */
const struct type *types_decimal_result(enum decimal_op op, const struct type *a,
                                        const struct type *b);

static inline bool type_is_floating(enum type_kind kind)
{
    return kind == TYPE_FLOAT || kind == TYPE_DOUBLE;
}

static inline bool type_is_time(enum type_kind kind)
{
    return kind == TYPE_DATE || kind == TYPE_TIMESTAMP;
}

static inline bool type_is_interval(enum type_kind kind)
{
    return kind == TYPE_INTERVAL_YEAR_MONTH || kind == TYPE_INTERVAL_DAY_TIME ||
           kind == TYPE_INTERVAL;
}

/* Appended to a message: the type's name, in a buffer of the caller. */
const char *types_name(const struct type *type, char buffer[120]);
