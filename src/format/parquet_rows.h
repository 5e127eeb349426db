/* parquet_rows.h: the rows of an open row group as far as they are kept as rows: those that wait
 * until there are enough for a block, and copies of all, compressed, for whoever saves the encoder.
 */
#pragma once

#include "base/bytes.h"
#include "base/err.h"
#include "vec/vec.h"

/* Rows are encoded so many at a time, however they come: pages and row groups end where that many
 * times n rows end, and not where a caller's blocks do. */
enum { PARQUET_BLOCK_ROWS = 1024 };

/* Rows that wait. All zero is empty. */
struct parquet_waiting {
    struct arena memory;
    struct parquet_run *first, *last;
    uint32_t rows, runs;
    uint64_t bytes; /* of the values */
};

void parquet_waiting_fini(struct parquet_waiting *waiting);
/* Adds copies of rows first..first+n-1 of a block. ERR_NOMEM. */
int parquet_waiting_add(struct parquet_waiting *waiting, const struct block *rows, uint32_t first,
                        uint32_t n) MUST_CHECK;
/* All of them as one block (there are some), valid until they are cleared. ERR_NOMEM. */
int parquet_waiting_block(struct parquet_waiting *waiting, const struct type *schema,
                          struct block *out) MUST_CHECK;
void parquet_waiting_clear(struct parquet_waiting *waiting);

/* Rows of a block, sharing its memory. ERR_NOMEM. */
int parquet_rows_slice(struct block *out, const struct block *rows, uint32_t first, uint32_t n,
                       struct arena *arena) MUST_CHECK;

/* Appends rows in the form in which they are saved: a length, and a zstd frame of block_codec's
 * bytes. ERR_NOMEM; ERR_UNSUPPORTED for more than 1 GiB. */
int parquet_rows_put(struct buf *out, const struct type *schema, const struct block *rows,
                     struct err *err) MUST_CHECK;
/* Reads one such block. ERR_NOMEM, ERR_CORRUPT. */
int parquet_rows_get(struct block *out, const struct type *schema, struct bytes_reader *in,
                     struct arena *arena, struct err *err) MUST_CHECK;
