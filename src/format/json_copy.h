/* json_copy.h: a JSON value as Jackson's generator writes it again: what Spark puts into a STRING
 * column whose value is not a string. */
#pragma once

#include "base/buf.h"
#include "format/json_reader.h"

/* How Jackson's generators write characters beyond the BMP: the one for bytes as two escapes, the
 * one for characters as they are, and half of one not at all (JSON_ERROR). */
enum json_pairs { JSON_PAIRS_ESCAPED, JSON_PAIRS_PLAIN };

/* Appends the reader's current value, compact: numbers through their Java types, strings escaped
 * anew. JSON_ERROR, JSON_NOMEM, or the last token read. */
enum json_token json_copy_value(struct json_reader *reader, enum json_pairs pairs, struct buf *out);

/* The current number token as text; the number's own, never NaN or an infinity by name. `scratch`
 * holds it and is cleared. */
struct str json_number_text(const struct json_reader *reader, struct buf *scratch);

/* UTF-16 → UTF-8 as String.getBytes: a lone surrogate becomes '?'. */
void json_units_append(struct buf *out, const uint16_t *units, size_t n);
