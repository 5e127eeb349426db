/* bytes.h: numbers and texts in saved bytes: how they are written, and read again from bytes that
 * may be damaged. */
#pragma once

#include <stdint.h>

#include "base/buf.h"

/* Seven bits per byte, low first, the top bit set in all but the last (LEB128). */
void bytes_put_number(struct buf *out, uint64_t v);
void bytes_put_u32(struct buf *out, uint32_t v); /* little-endian */
/* The length as a number, then the bytes. */
void bytes_put_str(struct buf *out, struct str s);
/* Appends the CRC-32C of what stands behind `start`. */
void bytes_put_sum(struct buf *out, size_t start);

/* What is left to read. After a read past the end or of something impossible `failed` stays set,
 * and everything reads as zero or empty; the owner checks once at the end. */
struct bytes_reader {
    const char *p, *end;
    bool failed;
};

struct bytes_reader bytes_read(struct str bytes);
/* Fails above max. */
uint64_t bytes_get_number(struct bytes_reader *in, uint64_t max);
uint8_t bytes_get_u8(struct bytes_reader *in);
uint32_t bytes_get_u32(struct bytes_reader *in);
/* The next n bytes, where they are. */
struct str bytes_get(struct bytes_reader *in, size_t n);
struct str bytes_get_str(struct bytes_reader *in);
/* Whether the bytes end with the right sum of all before it, which is then taken off. */
bool bytes_check_sum(struct str *bytes);

static inline size_t bytes_left(const struct bytes_reader *in)
{
    return (size_t)(in->end - in->p);
}
