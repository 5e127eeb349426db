/* parquet_levels.h: rows taken apart into a leaf's values and their levels.
 *
 * https://parquet.apache.org/docs/file-format/nestedencoding/ */
#pragma once

#include "base/err.h"
#include "format/parquet_schema.h"
#include "vec/vec.h"

enum { PARQUET_NO_VALUE = UINT32_MAX };

struct parquet_level {
    uint32_t row;      /* of the leaf's vector; PARQUET_NO_VALUE: something above it is not there */
    uint16_t def, rep; /* def is the leaf's def_max exactly where there is a value */
};

/* What a block is to one leaf. All zero before the first use; the memory is kept for the next. */
struct parquet_levels {
    const struct vec *vec;              /* of the leaf */
    const struct parquet_level *levels; /* NULL: a value per row, in order */
    uint32_t count;
    struct buf now, next;
};

/* ERR_NOMEM. Valid as long as the block, and until the next call. */
int parquet_levels_shred(struct parquet_levels *levels, const struct parquet_leaf *leaf,
                         const struct block *block, struct err *err) MUST_CHECK;
void parquet_levels_fini(struct parquet_levels *levels);
