#include "engine/group_text.h"

#include <stdint.h>

struct group_text_chunk {
    struct group_text_chunk *next;
    size_t bytes; /* with this header */
};

enum {
    CHUNK_BYTES_FIRST = 128,
    CHUNK_BYTES_MAX = 64 * 1024,
    LINEAR_MAX = 256, /* bytes up to which classes are 8 apart; beyond, powers of two */
};

int group_text_init(struct group_text *text, struct state_heap *heap, bool removes)
{
    *text = (struct group_text){.heap = heap};
    if (!removes)
        return 0;
    text->freed = state_alloc(heap, GROUP_TEXT_CLASSES * sizeof *text->freed);
    if (!text->freed)
        return ERR_NOMEM;
    memset(text->freed, 0, GROUP_TEXT_CLASSES * sizeof *text->freed);
    return 0;
}

bool group_text_free_chunk(struct group_text *text)
{
    struct group_text_chunk *chunk = text->chunks;
    if (!chunk)
        return false;
    text->chunks = chunk->next;
    state_free(text->heap, chunk, chunk->bytes);
    return true;
}

void group_text_fini(struct group_text *text)
{
    while (group_text_free_chunk(text))
        ;
    if (text->freed)
        state_free(text->heap, text->freed, GROUP_TEXT_CLASSES * sizeof *text->freed);
    *text = (struct group_text){.heap = text->heap};
}

/* The class of a size, and the size rounded up to it. */
static uint32_t size_class(size_t *size)
{
    if (*size <= LINEAR_MAX) {
        uint32_t class = (uint32_t)((*size + 7) / 8);
        *size = (size_t) class * 8;
        return class - 1;
    }
    uint32_t bits = 64 - (uint32_t)__builtin_clzll(*size - 1);
    *size = (size_t)1 << bits;
    return LINEAR_MAX / 8 + bits - 9; /* 512 bytes is the first of these */
}

static char *chunk_add(struct group_text *text, size_t size)
{
    size_t bytes = text->chunks ? text->chunks->bytes * 2 : CHUNK_BYTES_FIRST;
    if (bytes > CHUNK_BYTES_MAX)
        bytes = CHUNK_BYTES_MAX;
    bool own = size > bytes / 2; /* a chunk for this string alone */
    if (own)
        bytes = size + sizeof(struct group_text_chunk);
    struct group_text_chunk *chunk = state_alloc(text->heap, bytes);
    if (!chunk)
        return NULL;
    chunk->bytes = bytes;
    if (own && text->chunks) { /* behind the current one, which has room left */
        chunk->next = text->chunks->next;
        text->chunks->next = chunk;
        return (char *)(chunk + 1);
    }
    chunk->next = text->chunks;
    text->chunks = chunk;
    text->next = (char *)(chunk + 1) + size;
    text->end = (char *)chunk + bytes;
    return (char *)(chunk + 1);
}

static char *take_room(struct group_text *text, size_t size)
{
    if (text->freed) {
        uint32_t class = size_class(&size);
        char *old = text->freed[class];
        if (old) {
            memcpy(&text->freed[class], old, sizeof(void *));
            return old;
        }
    }
    if ((size_t)(text->end - text->next) >= size && text->next) {
        char *room = text->next;
        text->next += size;
        return room;
    }
    return chunk_add(text, size);
}

const char *group_text_add(struct group_text *text, struct str s)
{
    char head[10];
    size_t n = 0;
    if (s.n >> 40)
        return NULL;
    for (size_t rest = s.n; n == 0 || rest; rest >>= 7)
        head[n++] = (char)((rest & 127) | (rest > 127 ? 128 : 0));
    char *stored = take_room(text, n + s.n);
    if (!stored)
        return NULL;
    memcpy(stored, head, n);
    if (s.n)
        memcpy(stored + n, s.p, s.n);
    return stored;
}

void group_text_remove(struct group_text *text, const char *stored)
{
    struct str s = group_text_read(stored);
    size_t size = (size_t)(s.p - stored) + s.n;
    uint32_t class = size_class(&size);
    memcpy((char *)stored, &text->freed[class], sizeof(void *));
    text->freed[class] = (void *)(uintptr_t)stored;
}

struct str group_text_long(const char *stored)
{
    size_t n = 0;
    for (uint32_t shift = 0;; shift += 7) {
        uint8_t byte = (uint8_t)*stored++;
        n |= (size_t)(byte & 127) << shift;
        if (byte < 128)
            return (struct str){stored, n};
    }
}
