/* type.h: the data types of a column, with Spark's names (PIPELINE.md 2). Types are immutable and
 * live in an arena or in static storage; compare them with type_eq. */
#pragma once

#include "base/arena.h"
#include "base/buf.h"

enum type_kind {
    TYPE_VOID, /* an untyped NULL; its vectors have no data */
    TYPE_BOOLEAN,
    TYPE_TINYINT,
    TYPE_SMALLINT,
    TYPE_INT,
    TYPE_BIGINT,
    TYPE_FLOAT,
    TYPE_DOUBLE,
    TYPE_DECIMAL,
    TYPE_STRING,
    TYPE_BINARY,
    TYPE_DATE,      /* int32 days since 1970-01-01 */
    TYPE_TIMESTAMP, /* int64 microseconds since 1970-01-01T00:00:00Z */
    TYPE_STRUCT,
    TYPE_ARRAY,
    /* Only inside expressions: no column, sink or group key has these. */
    TYPE_INTERVAL_YEAR_MONTH, /* int32 months */
    TYPE_INTERVAL_DAY_TIME,   /* int64 microseconds */
    TYPE_INTERVAL,            /* struct vec_interval: mixed units, the legacy CalendarInterval */
    TYPE_KIND_COUNT
};

struct field;

struct type {
    enum type_kind kind;
    uint8_t precision, scale;   /* DECIMAL: 1..38, 0..precision; YEAR_MONTH and DAY_TIME intervals:
                                   first and last field, 0 (YEAR, DAY) and up */
    uint32_t field_count;       /* STRUCT */
    const struct field *fields; /* STRUCT */
    const struct type *element; /* ARRAY */
};

struct field {
    struct str name;
    const struct type *type;
};

/* The one instance of a type without parameters (every kind but DECIMAL, STRUCT, ARRAY;
 * intervals span all their fields). */
const struct type *type_simple(enum type_kind kind);
bool type_eq(const struct type *a, const struct type *b);
/* Bytes of one value in a vector's data: 0 for VOID and STRUCT, 16 for DECIMAL, strings and
 * TYPE_INTERVAL. */
size_t type_width(const struct type *type);
/* Appends the name as Spark's SQL writes it: BIGINT, DECIMAL(10,2), STRUCT<a: INT, b: STRING>. */
void type_print(const struct type *type, struct buf *out);
/* Spark's catalogString: lower case, no spaces: decimal(3,2), struct<a:int>. */
void type_print_catalog(const struct type *type, struct buf *out);
/* A field's index by exact name, or -1. */
int type_field_index(const struct type *structure, struct str name);

static inline bool type_is_integral(enum type_kind kind)
{
    return kind >= TYPE_TINYINT && kind <= TYPE_BIGINT;
}

static inline bool type_is_numeric(enum type_kind kind)
{
    return kind >= TYPE_TINYINT && kind <= TYPE_DECIMAL;
}
