/* raw_decode.h: message values as they are: the formats `text` and `binary`, one column `value`. */
#pragma once

#include "base/err.h"
#include "vec/record.h"
#include "vec/vec.h"

/* STRUCT<value: STRING> and STRUCT<value: BINARY>; static storage. */
extern const struct type text_schema, binary_schema;

/* The column is views into the records' values; a NULL value is NULL. ERR_NOMEM. */
int text_decode_block(const struct record *records, uint32_t count, struct arena *arena,
                      struct block *out, struct err *err) MUST_CHECK;
int binary_decode_block(const struct record *records, uint32_t count, struct arena *arena,
                        struct block *out, struct err *err) MUST_CHECK;
