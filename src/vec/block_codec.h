/* block_codec.h: rows as bytes, for what a checkpoint keeps of them: all types, also nested ones.
 *
 * The schema is not in the bytes, nor are a version or a checksum: whoever stores them adds these.
 * A column has its NULLs as bits, then the other values: numbers as they are in memory,
 * little-endian; BOOLEANs as bits; texts as lengths (LEB128), then their bytes; arrays as lengths,
 * then their elements as a column; structs as their fields' columns. */
#pragma once

#include "base/bytes.h"
#include "base/err.h"
#include "vec/vec.h"

/* Appends the rows (any number); schema: STRUCT, a field per column. */
void block_encode(struct buf *out, const struct type *schema, const struct block *rows);
/* Reads what block_encode wrote under the same schema; nothing of the bytes is kept. ERR_NOMEM;
 * ERR_CORRUPT for damaged bytes: what passes is safe to use, but only a checksum knows whether it
 * is what was written. */
int block_decode(struct block *out, const struct type *schema, struct bytes_reader *in,
                 struct arena *arena, struct err *err) MUST_CHECK;
