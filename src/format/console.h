/* console.h: the table that Spark's Dataset.show() prints, byte for byte. */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "vec/vec.h"

/* Collects the first rows of a batch as text. Use the functions; the members are theirs. */
struct console_table {
    uint32_t col_count;
    int64_t rows_max;  /* rows shown at most */
    int32_t truncate;  /* UTF-16 units a cell may have, 0: any number */
    int64_t rows_kept; /* rows in `cells`, header not counted */
    bool more;         /* rows beyond rows_max were added */
    struct buf text;   /* all cells, header first, row after row */
    struct console_cell *cells;
    size_t cell_count, cell_capacity;
    size_t *widths; /* per column, in console columns */
};

/* schema: STRUCT with one field per column. num_rows is clamped to 0..2^31-17 and truncate to
 * 0..2^31-1, as Spark does; truncate 0 shows cells whole and left-aligned. ERR_NOMEM. */
int console_table_init(struct console_table *table, const struct type *schema, int64_t num_rows,
                       int64_t truncate, struct err *err) MUST_CHECK;
void console_table_fini(struct console_table *table);
/* Adds a block's rows; those that will not be shown cost nothing. ERR_NOMEM. */
int console_table_add(struct console_table *table, const struct block *block,
                      struct err *err) MUST_CHECK;
/* Appends the table and, when there were more rows, the line that says so. */
void console_table_print(const struct console_table *table, struct buf *out);
/* Bytes held, for the memory account. */
size_t console_table_bytes(const struct console_table *table);

/* Appends what Spark's console sink prints for a batch: 43 dashes, `Batch: N`, 43 dashes, the
 * table, an empty line. */
void console_batch_print(const struct console_table *table, int64_t batch_id, struct buf *out);

/* Appends a value as CAST(value AS STRING) gives it, except that NULL (inside structs and arrays as
 * well) is NULL and BINARY is hexadecimal: Spark's ToPrettyString. */
void console_value_append(struct buf *out, const struct vec *vec, uint32_t row);
