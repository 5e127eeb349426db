/* name_index.h: names found without regard to case. */
#pragma once

#include "sql/hash_index.h"

struct name_index {
    const struct str *names; /* the caller's; p == NULL: no name */
    struct hash_index hashes;
};

/* Over names that stay where they are. ERR_NOMEM; the memory is the arena's. */
int name_index_init(struct name_index *index, const struct str *names, uint32_t count,
                    struct arena *arena) MUST_CHECK;

/* The first place behind `after` (HASH_INDEX_END: of all) with this name, or HASH_INDEX_END. */
int32_t name_index_find(const struct name_index *index, struct str name, int32_t after);
