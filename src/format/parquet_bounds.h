/* parquet_bounds.h: the smallest and the largest value of a page or column chunk, by the order the
 * format defines for the type (ColumnOrder TYPE_ORDER in parquet.thrift).
 *
 * NaN is no bound; a zero is -0.0 as the smallest and +0.0 as the largest. */
#pragma once

#include "format/parquet_values.h"

/* All zero: no values. Which members count depends on the physical type. */
struct parquet_bounds {
    bool set;
    int64_t min_i64, max_i64;          /* BOOLEAN, INT32, INT64 */
    double min_f64, max_f64;           /* FLOAT, DOUBLE */
    __int128 min_decimal, max_decimal; /* FIXED */
    struct buf min_bytes, max_bytes;   /* BYTES; .failed without memory */
};

void parquet_bounds_add(struct parquet_bounds *bounds, const struct parquet_leaf *leaf,
                        const struct parquet_values *values);
void parquet_bounds_merge(struct parquet_bounds *bounds, const struct parquet_leaf *leaf,
                          const struct parquet_bounds *other);
/* Forgets the values, keeps the memory. */
void parquet_bounds_clear(struct parquet_bounds *bounds);
void parquet_bounds_fini(struct parquet_bounds *bounds);
size_t parquet_bounds_memory(const struct parquet_bounds *bounds);

enum { PARQUET_BOUND_BYTES = 64 }; /* longer byte arrays are cut to this as bounds */

/* Append the bound as PLAIN without a length. False: it was cut, the smallest down, the largest
 * up, and no value may be equal to it. */
bool parquet_bounds_append_min(const struct parquet_bounds *bounds, const struct parquet_leaf *leaf,
                               struct buf *out);
bool parquet_bounds_append_max(const struct parquet_bounds *bounds, const struct parquet_leaf *leaf,
                               struct buf *out);

/* Orders two bounds as they were appended. */
int parquet_bound_order(const struct parquet_leaf *leaf, struct str a, struct str b);
