#include "engine/lows.h"

#include "base/err.h"
#include "engine/state_bytes.h"

/* The entries, wherever they are. */
static const struct low *entries(const struct lows *lows, struct low *one)
{
    if (lows->count > 1)
        return lows->more;
    *one = (struct low){lows->partition, lows->offset};
    return one;
}

void lows_fini(struct lows *lows, struct state_heap *heap)
{
    if (lows->count > 1)
        state_free(heap, lows->more, lows->partition * sizeof *lows->more);
    *lows = (struct lows){0};
}

/* Room for one entry more than count, which is at least 1. */
static int grow(struct lows *lows, struct state_heap *heap)
{
    if (lows->count == 1) {
        struct low *more = state_alloc(heap, 2 * sizeof *more);
        if (!more)
            return ERR_NOMEM;
        more[0] = (struct low){lows->partition, lows->offset};
        lows->more = more;
        lows->partition = 2;
    } else if (lows->count == lows->partition) {
        size_t size = lows->count * sizeof *lows->more;
        struct low *more = state_realloc(heap, lows->more, size, 2 * size);
        if (!more)
            return ERR_NOMEM;
        lows->more = more;
        lows->partition *= 2;
    }
    return 0;
}

int lows_add_slow(struct lows *lows, struct state_heap *heap, struct low low)
{
    if (lows->count == 0) {
        *lows = (struct lows){.count = 1, .partition = low.partition, .offset = low.offset};
        return 0;
    }
    if (lows->count == 1 && lows->partition == low.partition) {
        if (low.offset < lows->offset)
            lows->offset = low.offset;
        return 0;
    }
    uint32_t at = 0;
    for (; lows->count > 1 && at < lows->count && lows->more[at].partition < low.partition;)
        at++;
    if (lows->count > 1 && at < lows->count && lows->more[at].partition == low.partition) {
        if (low.offset < lows->more[at].offset)
            lows->more[at].offset = low.offset;
        return 0;
    }
    if (grow(lows, heap) != 0)
        return ERR_NOMEM;
    if (lows->count == 1)
        at = lows->more[0].partition < low.partition;
    memmove(&lows->more[at + 1], &lows->more[at], (lows->count - at) * sizeof *lows->more);
    lows->more[at] = low;
    lows->count++;
    return 0;
}

int lows_merge(struct lows *into, struct state_heap *heap, const struct lows *from)
{
    struct low one;
    const struct low *all = entries(from, &one);
    for (uint32_t i = 0; i < from->count; i++) {
        if (lows_add(into, heap, all[i]) != 0)
            return ERR_NOMEM;
    }
    return 0;
}

int64_t lows_of(const struct lows *lows, uint32_t partition)
{
    struct low one;
    const struct low *all = entries(lows, &one);
    for (uint32_t i = 0; i < lows->count; i++) {
        if (all[i].partition == partition)
            return all[i].offset;
    }
    return -1;
}

void lows_encode(const struct lows *lows, struct buf *out)
{
    struct low one;
    const struct low *all = entries(lows, &one);
    state_put_number(out, lows->count);
    for (uint32_t i = 0; i < lows->count; i++) {
        state_put_number(out, all[i].partition);
        state_put_u64(out, (uint64_t)all[i].offset);
    }
}

int lows_decode(struct lows *lows, struct state_heap *heap, struct state_reader *in)
{
    uint64_t count = state_get_number(in, UINT32_MAX), last = 0;
    for (uint64_t i = 0; i < count && !in->failed; i++) {
        uint64_t partition = state_get_number(in, UINT32_MAX);
        int64_t offset = (int64_t)state_read_u64(in);
        if (in->failed || (i > 0 && partition <= last))
            return ERR_CORRUPT;
        last = partition;
        if (lows_add(lows, heap, (struct low){(uint32_t)partition, offset}) != 0)
            return ERR_NOMEM;
    }
    return in->failed ? ERR_CORRUPT : 0;
}
