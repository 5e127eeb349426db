/* state_bytes.h: how numbers are written into saved state, and the frame around it; the format is
 * in docs/state-format.md. Reading goes through struct state_reader (aggregate.h). */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "sql/aggregate.h"

void state_put_u32(struct buf *out, uint32_t v); /* little-endian */
void state_put_u64(struct buf *out, uint64_t v);
/* Seven bits per byte, low first, the top bit set in all but the last. */
void state_put_number(struct buf *out, uint64_t v);
/* Also fails the reader when the number is above max, or not in its shortest form. */
uint64_t state_get_number(struct state_reader *in, uint64_t max);

enum state_frame_kind { FRAME_GROUPS = 1, FRAME_SESSIONS = 2, FRAME_DEDUP = 3 };

struct state_frame {
    uint8_t kind;      /* enum state_frame_kind */
    uint8_t extent;    /* enum state_extent */
    struct str schema; /* a text that says what the state is made of */
};

/* Appends a header; the caller appends the content, then calls state_frame_end with where `out`
 * ended before. */
void state_frame_begin(struct buf *out, const struct state_frame *frame);
void state_frame_end(struct buf *out, size_t start);
/* Checks header and checksum. `wanted` says kind and schema; its extent is filled in. ERR_CORRUPT.
 */
int state_frame_open(struct state_frame *wanted, struct str bytes, struct state_reader *content,
                     struct err *err) MUST_CHECK;
