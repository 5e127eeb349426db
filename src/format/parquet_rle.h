/* parquet_rle.h: Parquet's hybrid of run lengths and bit packing, for levels and for indices.
 *
 * https://parquet.apache.org/docs/file-format/data-pages/encodings/#RLE */
#pragma once

#include "base/buf.h"

enum { RLE_GROUP = 8 };

/* Begin with {.width = bits per value, 0..32}; rle_reset empties it and keeps the memory. */
struct rle {
    struct buf out;
    unsigned width;
    uint32_t value;            /* the last one put */
    uint32_t repeat;           /* how often, since the last packed group; from 8 on it is a run */
    uint32_t group[RLE_GROUP]; /* values put but in neither a run nor a packed group yet */
    unsigned group_count;
    unsigned packed; /* packed groups of the current sequence of such */
    size_t header;   /* where that sequence has its length */
};

void rle_reset(struct rle *rle, unsigned width);
void rle_fini(struct rle *rle);
/* Ends the run that rle->value has. */
void rle_end_run(struct rle *rle);
/* The group is full, or the end is near. */
void rle_end_group(struct rle *rle);
/* Completes rle->out, which must not get more after it. rle->out.failed without memory. */
void rle_finish(struct rle *rle);

static inline void rle_put(struct rle *rle, uint32_t value)
{
    if (value == rle->value) {
        if (++rle->repeat > RLE_GROUP)
            return;
    } else {
        if (rle->repeat >= RLE_GROUP)
            rle_end_run(rle);
        rle->repeat = 1;
        rle->value = value;
    }
    rle->group[rle->group_count++] = value;
    if (rle->group_count == RLE_GROUP)
        rle_end_group(rle);
}

/* Puts a value n times, in constant time. */
void rle_put_run(struct rle *rle, uint32_t value, uint32_t n);

/* Appends eight values of `width` bits (0..64), lowest bits first: `width` bytes. */
void rle_pack(struct buf *out, const uint64_t *values, unsigned width);

/* Bits that hold 0..max. */
static inline unsigned rle_width(uint64_t max)
{
    return max ? 64 - (unsigned)__builtin_clzll(max) : 0;
}
