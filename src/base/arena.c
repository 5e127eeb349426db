#include "base/arena.h"

#include <stdint.h>
#include <stdlib.h>

#include "base/buf.h"

enum { ARENA_ALIGN = 16, CHUNK_MIN = 4096, CHUNK_MAX = 1 << 20 };

struct arena_chunk {
    struct arena_chunk *next;
    size_t size; /* bytes behind the header */
    _Alignas(ARENA_ALIGN) char data[];
};

void arena_fini(struct arena *arena)
{
    for (struct arena_chunk *chunk = arena->chunks, *next; chunk; chunk = next) {
        next = chunk->next;
        free(chunk);
    }
    *arena = (struct arena){0};
}

static void use_chunk(struct arena *arena, struct arena_chunk *chunk)
{
    arena->chunks = chunk;
    arena->next = chunk->data;
    arena->end = chunk->data + chunk->size;
}

void arena_reset(struct arena *arena)
{
    struct arena_chunk *largest = NULL;
    for (struct arena_chunk *chunk = arena->chunks, *next; chunk; chunk = next) {
        next = chunk->next;
        if (!largest || chunk->size > largest->size) {
            free(largest);
            largest = chunk;
        } else {
            free(chunk);
        }
    }
    *arena = (struct arena){0};
    if (largest) {
        largest->next = NULL;
        arena->bytes = sizeof *largest + largest->size;
        use_chunk(arena, largest);
    }
}

static bool add_chunk(struct arena *arena, size_t size)
{
    size_t room = arena->bytes < CHUNK_MIN ? CHUNK_MIN : arena->bytes;
    room = room > CHUNK_MAX ? CHUNK_MAX : room;
    room = room < size ? size : room;
    if (room > SIZE_MAX - sizeof(struct arena_chunk))
        return false;
    struct arena_chunk *chunk = malloc(sizeof *chunk + room);
    if (!chunk)
        return false;
    chunk->size = room;
    chunk->next = arena->chunks;
    arena->bytes += sizeof *chunk + room;
    use_chunk(arena, chunk);
    return true;
}

static void *fail(struct arena *arena)
{
    arena->failed = true;
    return NULL;
}

void *arena_alloc(struct arena *arena, size_t size)
{
    if (size > SIZE_MAX - ARENA_ALIGN)
        return fail(arena);
    size = (size + ARENA_ALIGN - 1) & ~(size_t)(ARENA_ALIGN - 1);
    if (!arena->chunks || size > (size_t)(arena->end - arena->next)) {
        if (!add_chunk(arena, size))
            return fail(arena);
    }
    void *p = arena->next;
    arena->next += size;
    return p;
}

void *arena_calloc(struct arena *arena, size_t count, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes))
        return fail(arena);
    void *p = arena_alloc(arena, bytes);
    if (p)
        memset(p, 0, bytes);
    return p;
}

struct str arena_str(struct arena *arena, struct str s)
{
    char *p = s.n < SIZE_MAX ? arena_alloc(arena, s.n + 1) : NULL;
    if (!p)
        return (struct str){NULL, 0};
    if (s.n)
        memcpy(p, s.p, s.n);
    p[s.n] = '\0';
    return (struct str){p, s.n};
}

struct str arena_buf(struct arena *arena, const struct buf *buf)
{
    if (!buf->failed)
        return arena_str(arena, buf_str(buf));
    fail(arena);
    return (struct str){NULL, 0};
}
