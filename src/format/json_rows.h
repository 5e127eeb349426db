/* json_rows.h: rows as JSON text, as Spark's toJSON writes them.
 *
 * NULL fields are left out (NULL array elements are written), doubles are Java's, NaN and the
 * infinities are strings, BINARY is base64, timestamps have milliseconds and Z. Strings are escaped
 * as Jackson does, with malformed UTF-8 replaced by U+FFFD. */
#pragma once

#include "base/buf.h"
#include "vec/vec.h"

/* Appends `count` rows from row `first` on, each as one line with its \n. The schema is a STRUCT
 * with one field per column of the block. Without memory out->failed is set. */
void json_rows_append(struct buf *out, const struct type *schema, const struct block *block,
                      uint32_t first, uint32_t count);

/* Appends one row as a JSON object without a newline. */
void json_row_append(struct buf *out, const struct type *schema, const struct block *block,
                     uint32_t row);

/* Appends s as a JSON string with its quotes. */
void json_string_append(struct buf *out, struct str s);
