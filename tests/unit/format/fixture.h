/* fixture.h: a decoder over a schema in a line of text, and what it makes of records as JSON. */
#pragma once

#include "format/json_decode.h"
#include "format/json_rows.h"

enum { FIXTURE_COLUMNS_MAX = 32 };

struct fixture {
    struct field fields[FIXTURE_COLUMNS_MAX];
    struct type schema;
    struct json_decoder *decoder;
    struct arena arena;
    struct block block;
    uint8_t malformed[BLOCK_ROWS_MAX];
    struct buf text;
    char spec[512];
    int64_t now; /* for times without a date; 0 */
};

/* "a:STRING,n:INT": a column named _corrupt_record gets the text of malformed records. */
void fixture_init(struct fixture *f, const char *spec, const bool *wanted);
void fixture_fini(struct fixture *f);
/* Decodes exact-size heap copies of the records, so that a sanitizer sees every read outside. */
void fixture_decode(struct fixture *f, const struct str *records, uint32_t count);
/* The rows of one record as JSON text with '!' in front when it is malformed; valid until the next
 * call. */
const char *fixture_row(struct fixture *f, struct str record);
