/* parquet_schema.h: a row's type as Parquet's schema: its leaf columns, and how Spark names it.
 *
 * Types are mapped as Spark 3.5's ParquetWriteSupport does (not in its legacy format), with
 * timestamps as TIMESTAMP(MICROS). Every column, field and element is optional. */
#pragma once

#include "base/err.h"
#include "vec/type.h"

/* Numbers are the format's. */
enum parquet_physical {
    PARQUET_BOOLEAN = 0,
    PARQUET_INT32 = 1,
    PARQUET_INT64 = 2,
    PARQUET_FLOAT = 4,
    PARQUET_DOUBLE = 5,
    PARQUET_BYTES = 6,
    PARQUET_FIXED = 7,
};

/* A column of values in the file. */
struct parquet_leaf {
    const struct type *type;
    enum parquet_physical physical;
    uint32_t width;            /* bytes of a value; 0: BOOLEAN, BYTES */
    uint32_t def_max, rep_max; /* the largest levels */
    /* From the row to the values: the column's index, then which child of each vector. */
    const uint32_t *steps;
    uint32_t step_count;
    const struct str *names; /* path_in_schema */
    uint32_t name_count;
};

/* Sets physical and width by the type, which is no STRUCT or ARRAY. */
void parquet_leaf_set_physical(struct parquet_leaf *leaf);

struct parquet_schema {
    const struct type *type; /* STRUCT, the caller's */
    struct parquet_leaf *leaves;
    uint32_t leaf_count;
    struct arena memory;
};

/* The type must have passed parquet_schema_check and outlive the schema. ERR_NOMEM. */
int parquet_schema_init(struct parquet_schema *schema, const struct type *type,
                        struct err *err) MUST_CHECK;
void parquet_schema_fini(struct parquet_schema *schema);

/* What the format or Spark cannot write: ERR_UNSUPPORTED with Spark's sentence. */
int parquet_schema_check(const struct type *type, struct err *err) MUST_CHECK;

enum { PARQUET_LEVEL_MAX = 1000 }; /* of definition levels; no real type comes near it */

/* Bytes of the shortest two's complement that holds every number of so many digits (1..38). */
uint32_t parquet_decimal_width(unsigned precision);

struct thrift;
/* Writes the list of SchemaElements as field `field`. */
void parquet_schema_write(const struct type *type, struct thrift *thrift, int field);
/* Appends the type as Spark's DataType.json: the value of
 * org.apache.spark.sql.parquet.row.metadata, from which Spark reads it back. */
void parquet_spark_schema(const struct type *type, struct buf *out);
