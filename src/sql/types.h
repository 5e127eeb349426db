/* types.h: Spark's implicit conversions with spark.sql.ansi.enabled=false: which type two operands
 * meet at. Source: TypeCoercion.scala of Spark 3.5. All return NULL where there is no such type. A
 * DECIMAL result says that Spark would compute with a decimal (which is not built yet). */
#pragma once

#include "vec/type.h"

/* findTightestCommonType: no conversion that loses anything but BIGINT to FLOAT. */
const struct type *types_tightest(const struct type *a, const struct type *b);

/* findWiderTypeForTwo: also decimals with floating point, and anything simple with STRING. */
const struct type *types_wider(const struct type *a, const struct type *b);

/* findWiderCommonType over n types (n > 0): STRINGs are taken first, as order matters for them. */
const struct type *types_wider_all(const struct type *const *types, uint32_t n);

/* findCommonTypeForBinaryComparison: what a STRING is converted to when it is compared with
 * something else; NULL when neither is a STRING. */
const struct type *types_comparison(const struct type *a, const struct type *b);

static inline bool type_is_floating(enum type_kind kind)
{
    return kind == TYPE_FLOAT || kind == TYPE_DOUBLE;
}

static inline bool type_is_time(enum type_kind kind)
{
    return kind == TYPE_DATE || kind == TYPE_TIMESTAMP;
}

/* Types of one value that kernels are built for. */
static inline bool type_is_built(enum type_kind kind)
{
    return kind != TYPE_DECIMAL && kind != TYPE_STRUCT && kind != TYPE_ARRAY;
}

/* Appended to a message: the type's name, in a buffer of the caller. */
const char *types_name(const struct type *type, char buffer[120]);
