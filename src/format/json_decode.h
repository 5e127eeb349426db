/* json_decode.h: message values → column vectors, as Spark's from_json reads them.
 *
 * Follows Spark 3.5.3's JacksonParser over Jackson 2.15.2 (ReaderBasedJsonParser) with default
 * options: partial results, single quotes and NaN/INF tokens allowed. */
#pragma once

#include "base/err.h"
#include "vec/record.h"
#include "vec/vec.h"

struct json_decoder;

struct json_decode_options {
    const struct type *schema; /* STRUCT; must outlive the decoder */
    int corrupt_column; /* index of the STRING column that gets a malformed record's text, or -1 */
    const bool *wanted; /* per column: some query reads it; NULL: all. Copied. */
    /* Patterns (vec/time_pattern.h) by which texts are read as TIMESTAMP and as DATE; p NULL:
     * Spark's own forms. */
    struct str timestamp_format, date_format;
    bool whole; /* the schema has one field, an ARRAY, and the text is its value, not an object */
};

/* ERR_UNSUPPORTED with a message when a column's type cannot be read from JSON; as
 * time_pattern_create for a pattern; ERR_NOMEM. */
int json_decoder_create(struct json_decoder **out, const struct json_decode_options *options,
                        struct err *err) MUST_CHECK;
void json_decoder_destroy(struct json_decoder *decoder);

/* Decodes `count` records (at most BLOCK_ROWS_MAX) into *out, which gets every column of the
 * schema; columns that are not wanted are NULL throughout. A TIMESTAMP without a date is of the day
 * of `now`, in microseconds since 1970. Strings are views into the records'
 * values or live in the arena, as does everything else in *out.
 *
 * malformed[i] becomes 1 where Spark would set _corrupt_record, else 0; what that means (pass,
 * drop, fail) is the caller's affair. Columns that are not wanted are checked all the same, so that
 * this does not depend on the queries. A NULL or blank value is a row of NULLs and not malformed.
 * Where Spark stops the query (a date that only its parser before 3.0 could read) the record is
 * malformed. Errors: ERR_NOMEM only; no input makes it fail. */
int json_decode_block(struct json_decoder *decoder, const struct record *records, uint32_t count,
                      int64_t now, struct arena *arena, struct block *out, uint8_t *malformed,
                      struct err *err) MUST_CHECK;

/* Whether a value of the last block was of the day of `now`. */
bool json_decoder_used_now(const struct json_decoder *decoder);
