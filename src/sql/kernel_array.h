/* kernel_array.h: what the kernels that make arrays share.
 *
 * A result is first a list of places, in arrays and other vectors of one type, and then composed
 * (vec_compose): no value is looked at that does not have to be. */
#pragma once

#include "sql/kernel.h"
#include "sql/kernels_collection.h"

enum { ARRAY_SOURCES_MAX = 4 };

struct array_maker {
    struct eval *eval;
    const struct expr *expr;
    const struct value *args;
    const struct vec *sources[ARRAY_SOURCES_MAX]; /* of elements: see array_sources */
    struct vec_pick *picks;
    uint32_t n, capacity;
};

/* Appends an element: row `row` of sources[source], or a NULL for VEC_PICK_NULL. ERR_NOMEM;
 * ERR_INVALID when one block would get more elements than are bearable. */
int array_push(struct array_maker *maker, uint32_t source, uint32_t row) MUST_CHECK;
/* Room for n more, so that array_push cannot fail for memory. */
int array_reserve(struct array_maker *maker, uint64_t n) MUST_CHECK;

/* Appends the elements of one row's array. *null: it is NULL instead. */
typedef int (*array_row_fn)(struct array_maker *maker, uint32_t row, bool *null);

/* Makes the whole result. Source k is argument k: its elements when it is an ARRAY and bit k of
 * `elements` is set, else its values. */
int array_make(struct eval *eval, const struct expr *expr, const struct value *args,
               struct value *out, uint32_t elements, array_row_fn row_fn) MUST_CHECK;

/* The elements of argument k in a row: their span in maker->sources[k]. */
static inline struct vec_span array_span(const struct value *args, uint32_t k, uint32_t row)
{
    return args[k].vec.span[kernel_row(&args[k], row)];
}

static inline bool value_is_null(const struct value *value, uint32_t row)
{
    return value->vec.type->kind == TYPE_VOID || vec_is_null(&value->vec, kernel_row(value, row));
}
