/* parquet_page.h: how a page of a column is written. */
#pragma once

#include "format/parquet_column.h"

/* A page's levels, and how many there are. */
struct parquet_parts {
    struct str rep, def;
    uint32_t levels;
};

/* Appends a page of PLAIN values: as they are or, where that was shorter when last tried, as
 * differences. */
int parquet_page_plain(struct parquet_column *column, struct parquet_scratch *scratch,
                       const struct parquet_parts *parts, const struct buf *plain,
                       struct err *err) MUST_CHECK;
/* Appends a page of numbers. */
int parquet_page_numbered(struct parquet_column *column, struct parquet_scratch *scratch,
                          const struct parquet_parts *parts, const struct rle *packed,
                          struct err *err) MUST_CHECK;
/* Appends a chunk's only page as whatever is shortest, with the dictionary as part of the price. */
int parquet_page_only(struct parquet_column *column, struct parquet_scratch *scratch,
                      const struct parquet_parts *parts, const struct buf *plain,
                      const struct rle *packed, struct err *err) MUST_CHECK;
/* Appends the dictionary page to `out`. */
int parquet_page_dictionary(struct parquet_column *column, struct parquet_scratch *scratch,
                            struct buf *out, struct err *err) MUST_CHECK;

/* PLAIN integers as DELTA_BINARY_PACKED. */
void parquet_append_delta(const struct parquet_column *column, const struct buf *plain,
                          struct buf *out);
/* INT32 or INT64, which can be written as differences. */
bool parquet_is_integer(const struct parquet_column *column);

/* parquet_held.c */

/* Bits of the dictionary's largest number; at least 1, as some readers fail at 0. */
unsigned parquet_index_width(const struct parquet_column *column);
/* Moves the raw numbers to the packed ones. */
void parquet_pack_raw(struct parquet_column *column);
/* Adds to the packed numbers, of which there are some already. */
void parquet_pack(struct parquet_column *column, const uint32_t *numbers, size_t n);
/* Finds out how far the page being filled shrinks, as far as it is filled: sets last_raw and
 * last_packed. */
int parquet_page_probe(struct parquet_column *column, struct parquet_scratch *scratch,
                       struct err *err) MUST_CHECK;
/* When the first page has COLUMN_RAW_MAX numbers: whether the dictionary pays already, or not at
 * all. */
void parquet_judge_early(struct parquet_column *column);
/* Keeps the page being filled, whose levels are finished, until a verdict. */
void parquet_hold(struct parquet_column *column);
/* Writes the pages held if the verdict is clear, and at the end of the chunk or of the dictionary.
 */
int parquet_judge_held(struct parquet_column *column, struct parquet_scratch *scratch, bool end,
                       struct err *err) MUST_CHECK;
