/* group_rows.h: rows of one fixed size that never move, by number: what group tables are made of.
 *
 * The first chunk has 4 rows and the next as many as all before it, so that a small table is small;
 * from 1024 rows on every chunk has 1024: a large table grows without copying and without holding
 * much more than it uses. */
#pragma once

#include "sql/aggregate.h"

enum { GROUP_ROWS_FIRST = 4, GROUP_ROWS_CHUNK = 1024 };
#define GROUP_NONE UINT32_MAX

struct group_rows {
    struct state_heap *heap;
    char **chunks;
    size_t row_size; /* bytes, at least 4 */
    uint32_t chunk_count, chunk_capacity;
    uint32_t used; /* rows ever handed out; their numbers are below */
    uint32_t live;
    uint32_t freed; /* a list of rows to use again: number + 1, 0 ends it */
};

void group_rows_init(struct group_rows *rows, struct state_heap *heap, size_t row_size);
void group_rows_fini(struct group_rows *rows);
/* Frees the last chunk; false: there was none. The rows are gone. */
bool group_rows_free_chunk(struct group_rows *rows);
/* The number of a row of zeros; GROUP_NONE without memory. */
uint32_t group_rows_add(struct group_rows *rows);
void group_rows_remove(struct group_rows *rows, uint32_t id);

/* Which of the small first chunks holds row id < GROUP_ROWS_CHUNK: rows 0-3, 4-7, 8-15, ... */
static inline uint32_t group_rows_small_chunk(uint32_t id)
{
    return id < GROUP_ROWS_FIRST ? 0 : 30 - (uint32_t)__builtin_clz(id);
}

static inline char *group_rows_at(const struct group_rows *rows, uint32_t id)
{
    enum { SMALL_CHUNKS = 9 }; /* 4 + 4 + 8 + ... + 512 rows */
    if (id >= GROUP_ROWS_CHUNK) {
        uint32_t rest = id - GROUP_ROWS_CHUNK;
        return rows->chunks[SMALL_CHUNKS + rest / GROUP_ROWS_CHUNK] +
               (size_t)(rest % GROUP_ROWS_CHUNK) * rows->row_size;
    }
    uint32_t chunk = group_rows_small_chunk(id);
    uint32_t first = chunk ? 2U << chunk : 0;
    return rows->chunks[chunk] + (size_t)(id - first) * rows->row_size;
}
