#include "engine/group_rows.h"

#include <string.h>

void group_rows_init(struct group_rows *rows, struct state_heap *heap, size_t row_size)
{
    *rows = (struct group_rows){.heap = heap, .row_size = row_size};
}

static size_t chunk_bytes(const struct group_rows *rows, uint32_t chunk)
{
    size_t count = chunk == 0   ? GROUP_ROWS_FIRST
                   : chunk <= 8 ? (size_t)2 << chunk
                                : (size_t)GROUP_ROWS_CHUNK;
    return count * rows->row_size;
}

bool group_rows_free_chunk(struct group_rows *rows)
{
    if (rows->chunk_count == 0)
        return false;
    rows->chunk_count--;
    state_free(rows->heap, rows->chunks[rows->chunk_count], chunk_bytes(rows, rows->chunk_count));
    return true;
}

void group_rows_fini(struct group_rows *rows)
{
    while (group_rows_free_chunk(rows))
        ;
    state_free(rows->heap, rows->chunks, rows->chunk_capacity * sizeof *rows->chunks);
    group_rows_init(rows, rows->heap, rows->row_size);
}

static bool add_chunk(struct group_rows *rows)
{
    char **chunks = state_grow(rows->heap, rows->chunks, rows->chunk_count, &rows->chunk_capacity,
                               sizeof *chunks);
    if (!chunks)
        return false;
    rows->chunks = chunks;
    char *chunk = state_alloc(rows->heap, chunk_bytes(rows, rows->chunk_count));
    if (!chunk)
        return false;
    rows->chunks[rows->chunk_count++] = chunk;
    return true;
}

static uint32_t chunk_of(uint32_t id)
{
    return id < GROUP_ROWS_CHUNK ? group_rows_small_chunk(id) : 8 + id / GROUP_ROWS_CHUNK;
}

uint32_t group_rows_add(struct group_rows *rows)
{
    uint32_t id;
    if (rows->freed) {
        id = rows->freed - 1;
        memcpy(&rows->freed, group_rows_at(rows, id), sizeof rows->freed);
    } else {
        if (rows->used >= GROUP_NONE - 1)
            return GROUP_NONE;
        if (chunk_of(rows->used) >= rows->chunk_count && !add_chunk(rows))
            return GROUP_NONE;
        id = rows->used++;
    }
    rows->live++;
    memset(group_rows_at(rows, id), 0, rows->row_size);
    return id;
}

void group_rows_remove(struct group_rows *rows, uint32_t id)
{
    memcpy(group_rows_at(rows, id), &rows->freed, sizeof rows->freed);
    rows->freed = id + 1;
    rows->live--;
}
