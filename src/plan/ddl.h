/* ddl.h: Spark's schema strings: "id STRING, user STRUCT<name: STRING, age: INT NOT NULL>". The
 * grammar is colTypeList of Spark 3.5's SqlBaseParser.g4. */
#pragma once

#include "base/err.h"
#include "vec/type.h"

struct ddl_column {
    struct str name;
    const struct type *type;
    size_t name_offset, type_offset; /* bytes into the text */
};

struct ddl_error {
    int code; /* ERR_INVALID, ERR_UNSUPPORTED, ERR_NOMEM */
    size_t offset;
    char message[240];
};

enum { DDL_DEPTH_MAX = 32, DDL_COLUMNS_MAX = 10000 };

/* Parses a schema. Names and types live in `arena`. Duplicate names are left to the caller. */
int ddl_parse(struct ddl_column **out, uint32_t *out_count, struct str text, struct arena *arena,
              struct ddl_error *error) MUST_CHECK;
