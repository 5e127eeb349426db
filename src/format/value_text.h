/* value_text.h: one value as text, as Spark's CAST(value AS STRING) and show() write it. */
#pragma once

#include "base/buf.h"
#include "vec/vec.h"

enum value_text_style {
    VALUE_TEXT_CAST,   /* CAST AS STRING: null inside of structs and arrays, BINARY as it is */
    VALUE_TEXT_PRETTY, /* ToPrettyString: NULL, BINARY as [01 FF], DECIMAL never with an exponent,
                          malformed UTF-8 as U+FFFD */
};

/* Appends the value; a NULL as its word. */
void value_text_append(struct buf *out, const struct vec *vec, uint32_t row,
                       enum value_text_style style);
