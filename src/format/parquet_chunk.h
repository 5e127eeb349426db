/* parquet_chunk.h: the column chunks of a row group, and what the footer says about them. */
#pragma once

#include "format/parquet_column.h"

/* A row group, for the footer. */
struct parquet_group {
    uint64_t rows;
    uint64_t offset;                   /* in the file */
    uint64_t uncompressed, compressed; /* bytes of all pages with their headers */
};

/* A column chunk, for the footer: lengths of its parts of the buffers in struct parquet_footer. */
struct parquet_chunk {
    size_t metadata_n, column_index_n, offset_index_n; /* column_index_n 0: there is none */
};

/* Collects until the end of the file. All zero at first. */
struct parquet_footer {
    struct buf groups;         /* struct parquet_group */
    struct buf chunks;         /* struct parquet_chunk of each leaf, group after group */
    struct buf metadata;       /* thrift: ColumnMetaData of each chunk */
    struct buf column_indexes; /* thrift: ColumnIndex */
    struct buf offset_indexes; /* thrift: OffsetIndex */
};

void parquet_footer_fini(struct parquet_footer *footer);
size_t parquet_footer_memory(const struct parquet_footer *footer);

/* Ends a row group of `rows` rows that begins at `offset` in the file: appends the columns' chunks
 * to `out`, and empties the columns. */
int parquet_group_end(struct parquet_footer *footer, struct parquet_column *columns,
                      uint32_t column_count, struct parquet_scratch *scratch, uint64_t rows,
                      uint64_t offset, struct buf *out, struct err *err) MUST_CHECK;

/* Appends all that follows the last row group; `offset`: where that is in the file. */
int parquet_footer_write(struct parquet_footer *footer, const struct parquet_schema *schema,
                         uint64_t offset, struct buf *out, struct err *err) MUST_CHECK;

/* parquet_index.c: appends the chunk's indexes; sets their lengths. */
void parquet_index_append(struct parquet_footer *footer, struct parquet_chunk *chunk,
                          const struct parquet_column *column, uint64_t first_page);
