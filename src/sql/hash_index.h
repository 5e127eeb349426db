/* hash_index.h: which of a growing list have a hash: lists of names and expressions may be
 * thousands long, and are searched once for each of theirs. */
#pragma once

#include "base/arena.h"
#include "base/err.h"

enum { HASH_INDEX_END = -1 };

/* All zero is an empty index. The memory is the arena's. */
struct hash_index {
    uint64_t *hashes;
    int32_t *next;         /* by place in the list: the next one of the chain */
    int32_t *first, *last; /* of each chain */
    uint32_t count, capacity, mask;
};

/* Appends the hash of list place `count`. ERR_NOMEM. */
int hash_index_add(struct hash_index *index, uint64_t hash, struct arena *arena) MUST_CHECK;

/* The first place behind `after` (HASH_INDEX_END: of all) with this hash, or HASH_INDEX_END. */
int32_t hash_index_find(const struct hash_index *index, uint64_t hash, int32_t after);
