/* arena.h: bump allocation for things that die together: a batch, a block of rows, a plan. */
#pragma once

#include <stddef.h>

#include "base/str.h"

struct arena_chunk;
struct buf;

/* All zero is a valid empty arena. */
struct arena {
    struct arena_chunk *chunks; /* newest first */
    char *next, *end;           /* free room in the newest chunk */
    size_t bytes;               /* memory held, for the account */
    bool
        failed; /* an allocation has failed since the last reset: who makes much looks at the end */
};

void arena_fini(struct arena *arena);
/* Frees every allocation but keeps the largest chunk for the next round. */
void arena_reset(struct arena *arena);
/* Uninitialised memory aligned to 16 bytes; NULL without memory. size 0 gives a valid pointer. */
void *arena_alloc(struct arena *arena, size_t size);
/* Zeroed array; NULL without memory or on overflow. */
void *arena_calloc(struct arena *arena, size_t count, size_t size);
/* A copy of s followed by a NUL; p == NULL without memory. */
struct str arena_str(struct arena *arena, struct str s);
/* The same of what a buffer holds, which fails when the buffer has. */
struct str arena_buf(struct arena *arena, const struct buf *buf);

#define ARENA_NEW(arena, type)          ((type *)arena_calloc((arena), 1, sizeof(type)))
#define ARENA_ARRAY(arena, type, count) ((type *)arena_calloc((arena), (count), sizeof(type)))
