/* What Parquet or Spark's writer of it refuses, with Spark's sentences. */
#include "format/parquet_schema.h"

static bool supported(const struct type *type)
{
    if (type->kind == TYPE_VOID || type->kind > TYPE_ARRAY)
        return false;
    if (type->kind == TYPE_ARRAY)
        return supported(type->element);
    for (uint32_t i = 0; type->kind == TYPE_STRUCT && i < type->field_count; i++) {
        if (!supported(type->fields[i].type))
            return false;
    }
    return true;
}

static int refuse_type(const struct field *field, struct err *err)
{
    struct buf name = {0};
    type_print(field->type, &name);
    int code = err_set(err, ERR_UNSUPPORTED,
                       "[UNSUPPORTED_DATA_TYPE_FOR_DATASOURCE] The Parquet datasource doesn't "
                       "support the column `%.*s` of the type \"%s\".",
                       STR_ARG(field->name), buf_cstr(&name));
    buf_fini(&name);
    return code;
}

/* Lower case, as Spark names the column. */
static int refuse_name(struct str name, struct err *err)
{
    struct buf lower = {0};
    for (size_t i = 0; i < name.n; i++)
        buf_append_char(&lower,
                        (char)(name.p[i] >= 'A' && name.p[i] <= 'Z' ? name.p[i] + 32 : name.p[i]));
    int code = err_set(err, ERR_UNSUPPORTED,
                       "[COLUMN_ALREADY_EXISTS] The column `%s` already exists. Consider to choose "
                       "another name or rename the existing column.",
                       buf_cstr(&lower));
    buf_fini(&lower);
    return code;
}

/* Spark's stream writes columns of one name, but nobody can read the file: Spark's own reader and
 * its batch writer refuse it with this sentence, whatever the names' case. */
static int check_names(const struct type *type, struct err *err)
{
    int code = 0;
    if (type->kind == TYPE_ARRAY)
        return check_names(type->element, err);
    for (uint32_t i = 0; type->kind == TYPE_STRUCT && !code && i < type->field_count; i++) {
        for (uint32_t k = 0; k < i; k++) {
            if (str_eq_nocase(type->fields[i].name, type->fields[k].name))
                return refuse_name(type->fields[i].name, err);
        }
        code = check_names(type->fields[i].type, err);
    }
    return code;
}

/* Files of no columns, and structs of no fields, are beyond the format. */
static bool empty(const struct type *type)
{
    if (type->kind == TYPE_ARRAY)
        return empty(type->element);
    if (type->kind != TYPE_STRUCT)
        return false;
    for (uint32_t i = 0; i < type->field_count; i++) {
        if (empty(type->fields[i].type))
            return true;
    }
    return type->field_count == 0;
}

static uint32_t depth_of(const struct type *type)
{
    uint32_t deepest = 0;
    if (type->kind == TYPE_ARRAY)
        return 2 + depth_of(type->element);
    for (uint32_t i = 0; type->kind == TYPE_STRUCT && i < type->field_count; i++) {
        uint32_t depth = depth_of(type->fields[i].type);
        deepest = depth > deepest ? depth : deepest;
    }
    return 1 + deepest;
}

int parquet_schema_check(const struct type *type, struct err *err)
{
    for (uint32_t i = 0; i < type->field_count; i++) {
        if (!supported(type->fields[i].type))
            return refuse_type(&type->fields[i], err);
    }
    if (empty(type))
        return err_set(err, ERR_UNSUPPORTED,
                       "Datasource does not support writing empty or nested empty schemas.\n"
                       "Please make sure the data schema has at least one or more column(s).");
    if (depth_of(type) > PARQUET_LEVEL_MAX)
        return err_set(err, ERR_UNSUPPORTED, "types nested too deeply for a Parquet file");
    return check_names(type, err);
}
