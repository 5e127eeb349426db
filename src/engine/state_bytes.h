/* state_bytes.h: how numbers are written into saved state (docs/state-format.md). Reading goes
 * through struct state_reader (aggregate.h). */
#pragma once

#include "base/buf.h"
#include "sql/aggregate.h"

void state_put_u32(struct buf *out, uint32_t v); /* little-endian */
void state_put_u64(struct buf *out, uint64_t v);
/* Seven bits per byte, low first, the top bit set in all but the last. */
void state_put_number(struct buf *out, uint64_t v);
/* Also fails the reader when the number is above max, or not in its shortest form. */
uint64_t state_get_number(struct state_reader *in, uint64_t max);

enum {
    SAVED_CHUNK_BYTES = 256 * 1024, /* a chunk that has as many is full */
    STATE_LOAD_ROWS = 512,          /* that are loaded together */
};
