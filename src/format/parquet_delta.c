#include "format/parquet_delta.h"

#include "format/parquet_rle.h"
#include "format/thrift.h"

enum { BLOCK = 128, MINIBLOCKS = 4, MINIBLOCK = BLOCK / MINIBLOCKS };

static void append_header(struct buf *out, size_t n, int64_t first)
{
    thrift_varint(out, BLOCK);
    thrift_varint(out, MINIBLOCKS);
    thrift_varint(out, n);
    thrift_zigzag(out, first);
}

/* One block of n differences, each less `min`; what the last miniblock lacks is 0. */
static void append_block(struct buf *out, int64_t min, uint64_t deltas[BLOCK], size_t n)
{
    unsigned char widths[MINIBLOCKS] = {0};
    for (size_t i = n; i < BLOCK; i++)
        deltas[i] = 0;
    for (int m = 0; m < MINIBLOCKS; m++) {
        uint64_t all = 0;
        for (int i = 0; i < MINIBLOCK; i++)
            all |= deltas[m * MINIBLOCK + i];
        widths[m] = (unsigned char)rle_width(all);
    }
    thrift_zigzag(out, min);
    buf_append(out, widths, MINIBLOCKS);
    for (int i = 0; i < BLOCK; i += RLE_GROUP)
        rle_pack(out, deltas + i, widths[i / MINIBLOCK]);
}

void delta_append_i64(struct buf *out, const int64_t *values, size_t n)
{
    uint64_t deltas[BLOCK];
    append_header(out, n, n ? values[0] : 0);
    for (size_t at = 1; at < n; at += BLOCK) {
        size_t count = n - at < BLOCK ? n - at : BLOCK;
        int64_t min = INT64_MAX;
        for (size_t i = 0; i < count; i++) {
            deltas[i] = (uint64_t)values[at + i] - (uint64_t)values[at + i - 1];
            min = (int64_t)deltas[i] < min ? (int64_t)deltas[i] : min;
        }
        for (size_t i = 0; i < count; i++)
            deltas[i] -= (uint64_t)min;
        append_block(out, min, deltas, count);
    }
}

void delta_append_i32(struct buf *out, const int32_t *values, size_t n)
{
    uint64_t deltas[BLOCK];
    append_header(out, n, n ? values[0] : 0);
    for (size_t at = 1; at < n; at += BLOCK) {
        size_t count = n - at < BLOCK ? n - at : BLOCK;
        int32_t min = INT32_MAX;
        for (size_t i = 0; i < count; i++) {
            uint32_t delta = (uint32_t)values[at + i] - (uint32_t)values[at + i - 1];
            deltas[i] = delta;
            min = (int32_t)delta < min ? (int32_t)delta : min;
        }
        for (size_t i = 0; i < count; i++)
            deltas[i] = (uint32_t)deltas[i] - (uint32_t)min;
        append_block(out, min, deltas, count);
    }
}
