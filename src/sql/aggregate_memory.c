/* aggregate_memory.c: the memory that hangs on accumulators, and their bytes. */
#include <stdlib.h>

#include "sql/agg_impl.h"

void *state_alloc(struct state_heap *heap, size_t size)
{
    void *p = malloc(size ? size : 1);
    if (p)
        heap->bytes += size;
    return p;
}

void *state_realloc(struct state_heap *heap, void *old, size_t old_size, size_t size)
{
    void *p = realloc(old, size ? size : 1);
    if (p)
        heap->bytes += size - old_size;
    return p;
}

void *state_grow(struct state_heap *heap, void *items, uint32_t count, uint32_t *room, size_t size)
{
    enum { ROOM_FIRST = 4 };
    if (count < *room)
        return items;
    uint32_t more = *room ? *room * 2 : ROOM_FIRST;
    if (more < *room)
        return NULL;
    void *grown = state_realloc(heap, items, *room * size, more * size);
    if (grown)
        *room = more;
    return grown;
}

void state_free(struct state_heap *heap, void *p, size_t size)
{
    if (!p)
        return;
    free(p);
    heap->bytes -= size;
}

struct str state_read_bytes(struct state_reader *in, size_t n)
{
    if (in->failed || (size_t)(in->end - in->p) < n) {
        in->failed = true;
        return (struct str){NULL, 0};
    }
    struct str s = {in->p, n};
    in->p += n;
    return s;
}

static uint64_t read_little(struct state_reader *in, size_t n)
{
    struct str s = state_read_bytes(in, n);
    uint64_t v = 0;
    for (size_t i = s.n; i-- > 0;)
        v = v << 8 | (uint8_t)s.p[i];
    return v;
}

uint8_t state_read_u8(struct state_reader *in)
{
    return (uint8_t)read_little(in, 1);
}

uint32_t state_read_u32(struct state_reader *in)
{
    return (uint32_t)read_little(in, 4);
}

uint64_t state_read_u64(struct state_reader *in)
{
    return read_little(in, 8);
}

static void put_little(struct buf *out, uint64_t v, size_t n)
{
    char bytes[8];
    for (size_t i = 0; i < n; i++)
        bytes[i] = (char)(v >> (8 * i));
    buf_append(out, bytes, n);
}

void agg_put_u8(struct buf *out, uint8_t v)
{
    put_little(out, v, 1);
}

void agg_put_u32(struct buf *out, uint32_t v)
{
    put_little(out, v, 4);
}

void agg_put_u64(struct buf *out, uint64_t v)
{
    put_little(out, v, 8);
}

void agg_encode_words(const struct aggregate_call *call, const void *acc, struct buf *out)
{
    const uint64_t *words = acc;
    for (size_t i = 0; i < call->size / 8; i++)
        agg_put_u64(out, words[i]);
}

int agg_decode_words(const struct aggregate_call *call, struct state_heap *heap,
                     struct state_reader *in, void *acc)
{
    (void)heap;
    uint64_t *words = acc;
    for (size_t i = 0; i < call->size / 8; i++)
        words[i] = state_read_u64(in);
    return in->failed ? ERR_CORRUPT : 0;
}

int agg_nomem(struct err *err)
{
    return err_set(err, ERR_NOMEM, "out of memory for an aggregate's state");
}

int agg_result_init(const struct aggregate_call *call, uint32_t n, struct arena *arena,
                    struct vec *out)
{
    if (vec_init(out, call->result, n, arena) != 0)
        return ERR_NOMEM;
    return vec_ensure_valid(out, arena);
}

static AGG_UPDATE_DECLARE(update_void)
{
    (void)call, (void)heap, (void)groups, (void)offset, (void)args, (void)n, (void)err;
    return 0;
}

static AGG_MERGE_DECLARE(merge_void)
{
    (void)call, (void)heap, (void)into, (void)from, (void)err;
    return 0;
}

static AGG_RESULT_DECLARE(result_void)
{
    (void)groups, (void)offset;
    return vec_init_null(out, call->result, n, arena) != 0 ? agg_nomem(err) : 0;
}

const struct aggregate_ops agg_void_ops = {.update = update_void,
                                           .merge = merge_void,
                                           .result = result_void,
                                           .encode = agg_encode_words,
                                           .decode = agg_decode_words};
