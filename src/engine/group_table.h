/* group_table.h: groups by key: an index of open addressing over rows that never move.
 *
 * A row is the keys (group_keys.h), then whatever its owner keeps there. The index holds 32 bits of
 * hash and the row's number; when it grows, the old one is emptied a few slots per new group, so
 * that no lookup waits for a large table. */
#pragma once

#include "engine/group_keys.h"
#include "engine/group_rows.h"

struct group_index {
    uint64_t *slots; /* hash << 32 | number + 1; 0: free; GROUP_TABLE_REMOVED: was removed */
    uint32_t mask;   /* slots - 1; a power of two less 1 */
    uint32_t used;   /* slots that are not 0 */
};

struct group_table {
    const struct group_keys *keys;
    struct state_heap *heap;
    struct group_rows rows;
    struct group_text text;
    struct group_index index;
    struct group_index old; /* being emptied into `index`; slots NULL: none */
    uint32_t moved;         /* slots of `old` done */
};

/* row_size: bytes of a whole row. removes: whether group_table_remove will be called. ERR_NOMEM. */
int group_table_create(struct group_table **out, const struct group_keys *keys,
                       struct state_heap *heap, size_t row_size, bool removes) MUST_CHECK;
/* What hangs on rows is the owner's to free before. */
void group_table_destroy(struct group_table *table);
/* The same in steps, each of some chunks: false when it is done. */
bool group_table_destroy_step(struct group_table *table, uint32_t *work);

/* The number of the row with the keys of row i of a block, made if it is not there: its keys, then
 * zeros; GROUP_NONE without memory. */
uint32_t group_table_get(struct group_table *table, const struct key_block *block, uint32_t i);
/* As group_table_get, but the row itself; NULL without memory. */
char *group_table_get_row(struct group_table *table, const struct key_block *block, uint32_t i);
/* Removes row `id`, whose hash this is. */
void group_table_remove(struct group_table *table, uint32_t id, uint32_t hash);

/* n rows of the table with their keys ready for lookup, here or in another table. */
struct group_batch {
    char **rows;
    struct vec *cols; /* the keys as columns */
    struct key_block keys;
};

/* Rows ids[0..n), or first..first+n-1 when ids is NULL. ERR_NOMEM. */
int group_table_batch(const struct group_table *table, const uint32_t *ids, uint32_t first,
                      uint32_t n, struct arena *arena, struct group_batch *out) MUST_CHECK;

static inline char *group_table_row(const struct group_table *table, uint32_t id)
{
    return group_rows_at(&table->rows, id);
}

static inline uint32_t group_table_count(const struct group_table *table)
{
    return table->rows.live;
}
