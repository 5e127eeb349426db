/* parquet_column.h: one leaf's values on their way into pages, and the pages of a row group.
 *
 * Values are numbered by a dictionary at first. Whether it pays shows when values come again, or
 * when it is full; until then pages are held as numbers, which can still become PLAIN values.
 * Later, numbers are bit packed as they come, with the width the dictionary then needs, and a page
 * ends early where it needs a wider one. Behind a full dictionary pages are PLAIN. */
#pragma once

#include "format/file_encoder.h"
#include "format/parquet_bounds.h"
#include "format/parquet_dictionary.h"
#include "format/parquet_rle.h"

enum {
    COLUMN_RAW_MAX = 20000, /* numbers in a page before the dictionary is judged */
    /* A page is full when it has so many rows and bytes and, if it shrinks as the page before did,
     * so many packed bytes: readers skip by pages, and memory is held per page, but pages that
     * shrink to little cost more in headers and indexes than in values. */
    COLUMN_PAGE_ROWS = 20000,
    COLUMN_PAGE_BYTES = 1 << 17,
    COLUMN_PAGE_PACKED = 1 << 16,
};

enum parquet_encoding {
    PARQUET_PLAIN = 0,
    PARQUET_RLE = 3,
    PARQUET_DELTA_BINARY_PACKED = 5,
    PARQUET_RLE_DICTIONARY = 8,
    PARQUET_ENCODING_COUNT
};

struct parquet_settings {
    enum file_compression compression;
    size_t page_bytes;
    bool dictionary;
};

/* A finished page. */
struct parquet_page {
    uint32_t size; /* with its header */
    uint32_t rows;
    uint64_t nulls;
    bool empty;                          /* has no value that is not NULL */
    bool bounded;                        /* has the bounds below */
    size_t min_at, min_n, max_at, max_n; /* in bound_bytes */
};

/* What a page could be written as. */
struct parquet_candidate {
    struct buf page, packed; /* before and after compression */
    enum parquet_encoding encoding;
};

/* Memory that the columns of a file take turns with. All zero at first. */
struct parquet_scratch {
    struct parquet_levels levels;
    struct parquet_gather gather;
    struct buf indices;
    struct parquet_candidate candidates[2];
    struct buf dictionary; /* compressed */
};

void parquet_scratch_fini(struct parquet_scratch *scratch);
size_t parquet_scratch_memory(const struct parquet_scratch *scratch);

struct parquet_bloom;

struct parquet_column {
    const struct parquet_leaf *leaf;
    const struct parquet_settings *settings;
    struct parquet_bloom *bloom; /* or NULL */
    /* The page being filled. */
    struct rle def, rep;
    uint32_t page_rows;
    uint32_t page_levels; /* values and NULLs */
    uint32_t page_values;
    size_t page_plain; /* bytes of the values as PLAIN */
    bool numbered;     /* by the dictionary: raw and packed; else plain */
    bool judged;       /* the dictionary stays: pages are not held */
    struct buf raw;    /* uint32_t */
    struct rle packed; /* has values when packed_count > 0 */
    uint32_t packed_count;
    struct buf plain;
    struct parquet_bounds bounds;
    /* The chunk: what the row group has of this column. */
    struct dictionary dictionary;
    struct buf held; /* pages that wait for the verdict: parquet_held.c */
    size_t held_plain;
    uint32_t held_values;
    unsigned delta_trial;           /* pages until both encodings are tried again */
    bool delta;                     /* the last trial was won by DELTA_BINARY_PACKED */
    struct buf pages;               /* finished ones as they will be in the file */
    struct buf infos;               /* struct parquet_page of each, and of those held */
    size_t last_raw, last_packed;   /* bytes of the last page before and after compression */
    size_t start_raw, start_packed; /* the same when the chunk began */
    uint32_t page_count;            /* finished ones */
    struct buf bound_bytes;
    struct parquet_bounds chunk_bounds;
    uint64_t chunk_levels, chunk_nulls;
    uint64_t uncompressed; /* bytes of pages with headers, were they not compressed */
    uint32_t encodings[PARQUET_ENCODING_COUNT]; /* pages */
};

void parquet_column_init(struct parquet_column *column, const struct parquet_leaf *leaf,
                         const struct parquet_settings *settings);
void parquet_column_fini(struct parquet_column *column);
/* In an empty chunk: what the last page of the chunk before shrank to. */
void parquet_column_go_on(struct parquet_column *column, size_t last_raw, size_t last_packed);
/* Forgets the chunk and gives its memory back. */
void parquet_column_reset(struct parquet_column *column);
size_t parquet_column_memory(const struct parquet_column *column);
/* About the bytes of the page being filled. */
size_t parquet_column_page_bytes(const struct parquet_column *column);
/* Adds what scratch->levels has. ERR_NOMEM; ERR_UNSUPPORTED for a page past the format's sizes. */
int parquet_column_add(struct parquet_column *column, struct parquet_scratch *scratch,
                       struct err *err) MUST_CHECK;

/* Ends the page being filled, if it has rows; `last`: the chunk ends with it. */
int parquet_page_end(struct parquet_column *column, struct parquet_scratch *scratch, bool last,
                     struct err *err) MUST_CHECK;
