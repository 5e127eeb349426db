/* How a schema is written: as Parquet's SchemaElements and as Spark's JSON. */
#include "format/json_rows.h"
#include "format/parquet_schema.h"
#include "format/thrift.h"

enum { OPTIONAL = 1, REPEATED = 2 };

/* parquet.thrift: SchemaElement, ConvertedType and LogicalType. */
enum {
    ELEMENT_TYPE = 1,
    ELEMENT_TYPE_LENGTH = 2,
    ELEMENT_REPETITION = 3,
    ELEMENT_NAME = 4,
    ELEMENT_CHILDREN = 5,
    ELEMENT_CONVERTED = 6,
    ELEMENT_SCALE = 7,
    ELEMENT_PRECISION = 8,
    ELEMENT_LOGICAL = 10,
    CONVERTED_UTF8 = 0,
    CONVERTED_LIST = 3,
    CONVERTED_DECIMAL = 5,
    CONVERTED_DATE = 6,
    CONVERTED_TIMESTAMP_MICROS = 10,
    CONVERTED_INT_8 = 15,
    CONVERTED_INT_16 = 16,
    LOGICAL_STRING = 1,
    LOGICAL_LIST = 3,
    LOGICAL_DECIMAL = 5,
    LOGICAL_DATE = 6,
    LOGICAL_TIMESTAMP = 8,
    LOGICAL_INTEGER = 10,
    UNIT_MICROS = 2,
};

static void write_union(struct thrift *thrift, int member)
{
    thrift_begin(thrift, ELEMENT_LOGICAL);
    thrift_empty(thrift, member);
    thrift_end(thrift);
}

static void write_integer(struct thrift *thrift, int converted, int8_t bits)
{
    thrift_i32(thrift, ELEMENT_CONVERTED, converted);
    thrift_begin(thrift, ELEMENT_LOGICAL);
    thrift_begin(thrift, LOGICAL_INTEGER);
    thrift_i8(thrift, 1, bits);
    thrift_bool(thrift, 2, true);
    thrift_end(thrift);
    thrift_end(thrift);
}

static void write_decimal(struct thrift *thrift, const struct type *type)
{
    thrift_i32(thrift, ELEMENT_CONVERTED, CONVERTED_DECIMAL);
    thrift_i32(thrift, ELEMENT_SCALE, type->scale);
    thrift_i32(thrift, ELEMENT_PRECISION, type->precision);
    thrift_begin(thrift, ELEMENT_LOGICAL);
    thrift_begin(thrift, LOGICAL_DECIMAL);
    thrift_i32(thrift, 1, type->scale);
    thrift_i32(thrift, 2, type->precision);
    thrift_end(thrift);
    thrift_end(thrift);
}

static void write_timestamp(struct thrift *thrift)
{
    thrift_i32(thrift, ELEMENT_CONVERTED, CONVERTED_TIMESTAMP_MICROS);
    thrift_begin(thrift, ELEMENT_LOGICAL);
    thrift_begin(thrift, LOGICAL_TIMESTAMP);
    thrift_bool(thrift, 1, true); /* an instant, not a local time */
    thrift_begin(thrift, 2);
    thrift_empty(thrift, UNIT_MICROS);
    thrift_end(thrift);
    thrift_end(thrift);
    thrift_end(thrift);
}

/* The annotations of a leaf, which say what its values mean. */
static void write_meaning(struct thrift *thrift, const struct type *type)
{
    switch (type->kind) {
    case TYPE_TINYINT:
        return write_integer(thrift, CONVERTED_INT_8, 8);
    case TYPE_SMALLINT:
        return write_integer(thrift, CONVERTED_INT_16, 16);
    case TYPE_DECIMAL:
        return write_decimal(thrift, type);
    case TYPE_STRING:
        thrift_i32(thrift, ELEMENT_CONVERTED, CONVERTED_UTF8);
        return write_union(thrift, LOGICAL_STRING);
    case TYPE_DATE:
        thrift_i32(thrift, ELEMENT_CONVERTED, CONVERTED_DATE);
        return write_union(thrift, LOGICAL_DATE);
    case TYPE_TIMESTAMP:
        return write_timestamp(thrift);
    default: /* the physical type says it all */
        return;
    }
}

static void begin_group(struct thrift *thrift, struct str name, int repetition, uint32_t children)
{
    thrift_item_begin(thrift);
    thrift_i32(thrift, ELEMENT_REPETITION, repetition);
    thrift_binary(thrift, ELEMENT_NAME, name);
    thrift_i32(thrift, ELEMENT_CHILDREN, (int32_t)children);
}

static void write_leaf(struct thrift *thrift, const struct type *type, struct str name)
{
    struct parquet_leaf leaf = {.type = type};
    parquet_leaf_set_physical(&leaf);
    thrift_item_begin(thrift);
    thrift_i32(thrift, ELEMENT_TYPE, leaf.physical);
    if (leaf.physical == PARQUET_FIXED)
        thrift_i32(thrift, ELEMENT_TYPE_LENGTH, (int32_t)leaf.width);
    thrift_i32(thrift, ELEMENT_REPETITION, OPTIONAL);
    thrift_binary(thrift, ELEMENT_NAME, name);
    write_meaning(thrift, type);
    thrift_end(thrift);
}

static void write_element(struct thrift *thrift, const struct type *type, struct str name)
{
    switch (type->kind) {
    case TYPE_STRUCT:
        begin_group(thrift, name, OPTIONAL, type->field_count);
        thrift_end(thrift);
        for (uint32_t i = 0; i < type->field_count; i++)
            write_element(thrift, type->fields[i].type, type->fields[i].name);
        return;
    case TYPE_ARRAY:
        begin_group(thrift, name, OPTIONAL, 1);
        thrift_i32(thrift, ELEMENT_CONVERTED, CONVERTED_LIST);
        write_union(thrift, LOGICAL_LIST);
        thrift_end(thrift);
        begin_group(thrift, STR("list"), REPEATED, 1);
        thrift_end(thrift);
        return write_element(thrift, type->element, STR("element"));
    default:
        return write_leaf(thrift, type, name);
    }
}

/* SchemaElements of a type, itself included. */
static size_t count_elements(const struct type *type)
{
    size_t n = 1;
    if (type->kind == TYPE_ARRAY)
        return 2 + count_elements(type->element);
    for (uint32_t i = 0; type->kind == TYPE_STRUCT && i < type->field_count; i++)
        n += count_elements(type->fields[i].type);
    return n;
}

void parquet_schema_write(const struct type *type, struct thrift *thrift, int field)
{
    thrift_list(thrift, field, THRIFT_STRUCT, count_elements(type));
    thrift_item_begin(thrift);
    thrift_binary(thrift, ELEMENT_NAME, STR("spark_schema"));
    thrift_i32(thrift, ELEMENT_CHILDREN, (int32_t)type->field_count);
    thrift_end(thrift);
    for (uint32_t i = 0; i < type->field_count; i++)
        write_element(thrift, type->fields[i].type, type->fields[i].name);
}

void parquet_spark_schema(const struct type *type, struct buf *out)
{
    static const char *const names[TYPE_KIND_COUNT] = {
        [TYPE_BOOLEAN] = "boolean", [TYPE_TINYINT] = "byte",       [TYPE_SMALLINT] = "short",
        [TYPE_INT] = "integer",     [TYPE_BIGINT] = "long",        [TYPE_FLOAT] = "float",
        [TYPE_DOUBLE] = "double",   [TYPE_STRING] = "string",      [TYPE_BINARY] = "binary",
        [TYPE_DATE] = "date",       [TYPE_TIMESTAMP] = "timestamp"};
    if (type->kind == TYPE_DECIMAL) {
        buf_printf(out, "\"decimal(%d,%d)\"", type->precision, type->scale);
    } else if (type->kind == TYPE_ARRAY) {
        buf_append_str(out, STR("{\"type\":\"array\",\"elementType\":"));
        parquet_spark_schema(type->element, out);
        buf_append_str(out, STR(",\"containsNull\":true}"));
    } else if (type->kind == TYPE_STRUCT) {
        buf_append_str(out, STR("{\"type\":\"struct\",\"fields\":["));
        for (uint32_t i = 0; i < type->field_count; i++) {
            buf_append_str(out, i ? STR(",{\"name\":") : STR("{\"name\":"));
            json_string_append(out, type->fields[i].name);
            buf_append_str(out, STR(",\"type\":"));
            parquet_spark_schema(type->fields[i].type, out);
            buf_append_str(out, STR(",\"nullable\":true,\"metadata\":{}}"));
        }
        buf_append_str(out, STR("]}"));
    } else {
        buf_printf(out, "\"%s\"", names[type->kind]);
    }
}
