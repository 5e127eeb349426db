/* json_rows.h: rows as JSON text, as Spark's toJSON writes them.
 *
 * NULL fields are left out (NULL array elements are written), doubles are Java's, NaN and the
 * infinities are strings, BINARY is base64, timestamps have milliseconds and Z. Strings are escaped
 * as Jackson does, with malformed UTF-8 replaced by U+FFFD. */
#pragma once

#include "base/buf.h"
#include "vec/vec.h"

struct time_text;

/* How files may differ from toJSON. */
struct json_style {
    bool write_nulls;              /* NULL fields are written, too */
    const struct time_text *times; /* time_text.h */
    struct str line_separator;
};

/* As json_rows_append in a style. */
void json_rows_append_styled(struct buf *out, const struct type *schema, const struct block *block,
                             uint32_t first, uint32_t count, const struct json_style *style);

/* Appends `count` rows from row `first` on, each as one line with its \n. The schema is a STRUCT
 * with one field per column of the block. Without memory out->failed is set. */
void json_rows_append(struct buf *out, const struct type *schema, const struct block *block,
                      uint32_t first, uint32_t count);

/* Appends one row as a JSON object without a newline. */
void json_row_append(struct buf *out, const struct type *schema, const struct block *block,
                     uint32_t row);

/* Appends one value, as a field would have it; a NULL as null. */
void json_value_append(struct buf *out, const struct vec *vec, uint32_t row);

/* Appends s as a JSON string with its quotes. */
void json_string_append(struct buf *out, struct str s);
