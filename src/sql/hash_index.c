#include "sql/hash_index.h"

static void chain(struct hash_index *index, int32_t place)
{
    uint32_t slot = (uint32_t)index->hashes[place] & index->mask;
    index->next[place] = HASH_INDEX_END;
    if (index->first[slot] == HASH_INDEX_END)
        index->first[slot] = place;
    else
        index->next[index->last[slot]] = place;
    index->last[slot] = place;
}

static int grow(struct hash_index *index, struct arena *arena)
{
    uint32_t capacity = index->capacity ? index->capacity * 2 : 16;
    struct hash_index grown = {.count = index->count, .capacity = capacity, .mask = capacity - 1};
    grown.hashes = ARENA_ARRAY(arena, uint64_t, capacity);
    grown.next = ARENA_ARRAY(arena, int32_t, capacity);
    grown.first = ARENA_ARRAY(arena, int32_t, capacity);
    grown.last = ARENA_ARRAY(arena, int32_t, capacity);
    if (!grown.hashes || !grown.next || !grown.first || !grown.last)
        return ERR_NOMEM;
    for (uint32_t i = 0; i < capacity; i++)
        grown.first[i] = HASH_INDEX_END;
    for (uint32_t i = 0; i < index->count; i++) {
        grown.hashes[i] = index->hashes[i];
        chain(&grown, (int32_t)i);
    }
    *index = grown;
    return 0;
}

int hash_index_add(struct hash_index *index, uint64_t hash, struct arena *arena)
{
    if (index->count == index->capacity && grow(index, arena) != 0)
        return ERR_NOMEM;
    index->hashes[index->count] = hash;
    chain(index, (int32_t)index->count);
    index->count++;
    return 0;
}

int32_t hash_index_find(const struct hash_index *index, uint64_t hash, int32_t after)
{
    if (index->count == 0)
        return HASH_INDEX_END;
    int32_t place = after == HASH_INDEX_END ? index->first[hash & index->mask] : index->next[after];
    while (place != HASH_INDEX_END && index->hashes[place] != hash)
        place = index->next[place];
    return place;
}
