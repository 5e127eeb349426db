/* lows.h: the lowest offset per partition that fed something; mostly there is one partition. */
#pragma once

#include "base/buf.h"
#include "sql/aggregate.h"

struct low {
    uint32_t partition;
    int64_t offset;
};

/* All zero is valid and empty. */
struct lows {
    uint32_t count;
    uint32_t partition; /* count 1: its partition; more: room in `more` */
    union {
        int64_t offset;
        struct low *more; /* by partition, ascending */
    };
};

void lows_fini(struct lows *lows, struct state_heap *heap);
/* ERR_NOMEM. */
int lows_add_slow(struct lows *lows, struct state_heap *heap, struct low low) MUST_CHECK;
int lows_merge(struct lows *into, struct state_heap *heap, const struct lows *from) MUST_CHECK;
/* -1: the partition is not there. */
int64_t lows_of(const struct lows *lows, uint32_t partition);

void lows_encode(const struct lows *lows, struct buf *out);
/* Into empty ones; ERR_CORRUPT, ERR_NOMEM. */
int lows_decode(struct lows *lows, struct state_heap *heap, struct state_reader *in) MUST_CHECK;

static inline int lows_add(struct lows *lows, struct state_heap *heap, struct low low)
{
    bool known = lows->count == 1 && lows->partition == low.partition && lows->offset <= low.offset;
    return LIKELY(known) ? 0 : lows_add_slow(lows, heap, low);
}
