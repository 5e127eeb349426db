#include "engine/group_table.h"

#include <stdlib.h>

#include "base/err.h"

enum {
    SLOTS_FIRST = 8,
    MOVE_SLOTS = 4,         /* of the old index per new group: done long before the new is full */
    MOVE_AT_ONCE_MAX = 4096 /* slots of an index that is emptied at once */
};

#define REMOVED ((uint64_t)UINT32_MAX)

static size_t index_bytes(const struct group_index *index)
{
    return ((size_t)index->mask + 1) * sizeof *index->slots;
}

static int index_init(struct group_index *index, struct state_heap *heap, uint32_t slots)
{
    *index = (struct group_index){.mask = slots - 1};
    index->slots = calloc(slots, sizeof *index->slots); /* large ones: pages come when touched */
    if (!index->slots)
        return ERR_NOMEM;
    heap->bytes += index_bytes(index);
    return 0;
}

static void index_fini(struct group_index *index, struct state_heap *heap)
{
    if (index->slots)
        state_free(heap, index->slots, index_bytes(index));
    index->slots = NULL;
}

static void index_put(struct group_index *index, uint64_t entry)
{
    uint32_t at = (uint32_t)(entry >> 32) & index->mask;
    while (index->slots[at])
        at = (at + 1) & index->mask;
    index->slots[at] = entry;
    index->used++;
}

int group_table_create(struct group_table **out, const struct group_keys *keys,
                       struct state_heap *heap, size_t row_size, bool removes)
{
    struct group_table *table = state_alloc(heap, sizeof *table);
    if (!table)
        return ERR_NOMEM;
    *table = (struct group_table){.keys = keys, .heap = heap};
    group_rows_init(&table->rows, heap, row_size < 4 ? 4 : row_size);
    table->text.heap = heap;
    if (group_text_init(&table->text, heap, removes) != 0 ||
        index_init(&table->index, heap, SLOTS_FIRST) != 0) {
        group_table_destroy(table);
        return ERR_NOMEM;
    }
    *out = table;
    return 0;
}

void group_table_destroy(struct group_table *table)
{
    if (!table)
        return;
    group_rows_fini(&table->rows);
    group_text_fini(&table->text);
    index_fini(&table->index, table->heap);
    index_fini(&table->old, table->heap);
    state_free(table->heap, table, sizeof *table);
}

bool group_table_destroy_step(struct group_table *table, uint32_t *work)
{
    enum { CHUNK_WORK = 64 };
    while (*work) {
        /* By turns, the newest first: as they lie in memory, which then shrinks bit by bit. */
        bool rows = group_rows_free_chunk(&table->rows);
        bool text = group_text_free_chunk(&table->text);
        *work -= *work < CHUNK_WORK ? *work : CHUNK_WORK;
        if (!rows && !text) {
            group_table_destroy(table);
            return false;
        }
    }
    return true;
}

/* The number of the row, which *row becomes, or GROUP_NONE. */
static inline uint32_t index_find(const struct group_table *table, const struct group_index *index,
                                  const struct key_block *block, uint32_t i, char **row)
{
    uint32_t hash = block->hashes[i];
    for (uint32_t at = hash & index->mask;; at = (at + 1) & index->mask) {
        uint64_t entry = index->slots[at];
        if (entry == 0)
            return GROUP_NONE;
        if (entry >> 32 != hash || (uint32_t)entry == (uint32_t)REMOVED)
            continue;
        uint32_t id = (uint32_t)entry - 1;
        *row = group_table_row(table, id);
        if (group_keys_equal(table->keys, *row, block, i))
            return id;
    }
}

static void move_slots(struct group_table *table, uint32_t count)
{
    struct group_index *old = &table->old;
    for (; old->slots && count > 0; count--) {
        uint64_t entry = old->slots[table->moved];
        if (entry && (uint32_t)entry != (uint32_t)REMOVED)
            index_put(&table->index, entry);
        if (table->moved++ == old->mask)
            index_fini(old, table->heap);
    }
}

static int make_room(struct group_table *table)
{
    struct group_index *index = &table->index;
    uint64_t slots = (uint64_t)index->mask + 1;
    if (((uint64_t)index->used + 1) * 8 <= slots * 7)
        return 0;
    move_slots(table, UINT32_MAX);               /* in practice done already */
    if ((uint64_t)table->rows.live * 2 >= slots) /* else many of them are of removed rows */
        slots *= 2;
    if (slots > UINT32_MAX)
        return ERR_NOMEM;
    struct group_index larger;
    if (index_init(&larger, table->heap, (uint32_t)slots) != 0)
        return ERR_NOMEM;
    table->old = *index;
    table->index = larger;
    table->moved = 0;
    if (table->old.mask < MOVE_AT_ONCE_MAX)
        move_slots(table, UINT32_MAX);
    return 0;
}

static uint32_t add_group(struct group_table *table, const struct key_block *block, uint32_t i)
{
    if (make_room(table) != 0)
        return GROUP_NONE;
    uint32_t id = group_rows_add(&table->rows);
    if (id == GROUP_NONE)
        return GROUP_NONE;
    index_put(&table->index, (uint64_t)block->hashes[i] << 32 | (id + 1));
    move_slots(table, MOVE_SLOTS);
    /* A row whose strings did not find room is there without them, fit to be freed. */
    return group_keys_store(table->keys, group_table_row(table, id), block, i, &table->text) == 0
               ? id
               : GROUP_NONE;
}

uint32_t group_table_get(struct group_table *table, const struct key_block *block, uint32_t i)
{
    char *row;
    uint32_t id = index_find(table, &table->index, block, i, &row);
    if (id == GROUP_NONE && table->old.slots)
        id = index_find(table, &table->old, block, i, &row);
    return id == GROUP_NONE ? add_group(table, block, i) : id;
}

char *group_table_get_row(struct group_table *table, const struct key_block *block, uint32_t i)
{
    char *row;
    if (LIKELY(index_find(table, &table->index, block, i, &row) != GROUP_NONE))
        return row;
    uint32_t id = group_table_get(table, block, i);
    return id == GROUP_NONE ? NULL : group_table_row(table, id);
}

static void index_remove(struct group_index *index, uint32_t id, uint32_t hash)
{
    uint64_t wanted = (uint64_t)hash << 32 | (id + 1);
    uint32_t at = hash & index->mask;
    while (index->slots[at] && index->slots[at] != wanted)
        at = (at + 1) & index->mask;
    if (index->slots[at])
        index->slots[at] = REMOVED;
}

void group_table_remove(struct group_table *table, uint32_t id, uint32_t hash)
{
    index_remove(&table->index, id, hash);
    if (table->old.slots)
        index_remove(&table->old, id, hash);
    group_keys_release(table->keys, group_table_row(table, id), &table->text);
    group_rows_remove(&table->rows, id);
}

int group_table_batch(const struct group_table *table, const uint32_t *ids, uint32_t first,
                      uint32_t n, struct arena *arena, struct group_batch *out)
{
    out->rows = ARENA_ARRAY(arena, char *, n);
    out->cols = ARENA_ARRAY(arena, struct vec, table->keys->key_count);
    if (!out->rows || !out->cols)
        return ERR_NOMEM;
    for (uint32_t i = 0; i < n; i++)
        out->rows[i] = group_table_row(table, ids ? ids[i] : first + i);
    int code = group_keys_load(table->keys, out->rows, n, arena, out->cols);
    return code ? code : group_keys_prepare(table->keys, out->cols, n, arena, &out->keys);
}
