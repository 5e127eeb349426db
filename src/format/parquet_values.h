/* parquet_values.h: a leaf's values in a row, without the NULLs, in the form the format wants. */
#pragma once

#include "format/parquet_levels.h"

/* Values of one physical type. */
struct parquet_values {
    size_t count;
    union {
        const void *data;
        const uint8_t *boolean;
        const int32_t *i32;
        const int64_t *i64;
        const float *f32;
        const double *f64;
        const struct str *str; /* PARQUET_BYTES, and PARQUET_FIXED big-endian */
    };
    const __int128 *decimal; /* PARQUET_FIXED: the numbers */
};

/* Memory for the values of one call. All zero at first. */
struct parquet_gather {
    struct buf picks, data, fixed, decimals;
    struct arena clean; /* texts that were not UTF-8 */
};

/* The values among levels first..first+count-1. Malformed UTF-8 in a STRING becomes U+FFFD, as in
 * JSON rows: decoding lets it pass, and readers would refuse the column. Valid until the next call.
 * ERR_NOMEM. */
int parquet_gather(struct parquet_gather *gather, const struct parquet_leaf *leaf,
                   const struct parquet_levels *levels, uint32_t first, uint32_t count,
                   struct parquet_values *out, struct err *err) MUST_CHECK;
void parquet_gather_fini(struct parquet_gather *gather);
size_t parquet_gather_memory(const struct parquet_gather *gather);
