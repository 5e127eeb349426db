#include "vec/type.h"

static const struct type simple_types[TYPE_KIND_COUNT] = {
    [TYPE_VOID] = {.kind = TYPE_VOID},
    [TYPE_BOOLEAN] = {.kind = TYPE_BOOLEAN},
    [TYPE_TINYINT] = {.kind = TYPE_TINYINT},
    [TYPE_SMALLINT] = {.kind = TYPE_SMALLINT},
    [TYPE_INT] = {.kind = TYPE_INT},
    [TYPE_BIGINT] = {.kind = TYPE_BIGINT},
    [TYPE_FLOAT] = {.kind = TYPE_FLOAT},
    [TYPE_DOUBLE] = {.kind = TYPE_DOUBLE},
    [TYPE_STRING] = {.kind = TYPE_STRING},
    [TYPE_BINARY] = {.kind = TYPE_BINARY},
    [TYPE_DATE] = {.kind = TYPE_DATE},
    [TYPE_TIMESTAMP] = {.kind = TYPE_TIMESTAMP},
    [TYPE_INTERVAL_YEAR_MONTH] = {.kind = TYPE_INTERVAL_YEAR_MONTH, .scale = 1},
    [TYPE_INTERVAL_DAY_TIME] = {.kind = TYPE_INTERVAL_DAY_TIME, .scale = 3},
    [TYPE_INTERVAL] = {.kind = TYPE_INTERVAL},
};

static const struct {
    const char *name;
    size_t width;
} kinds[TYPE_KIND_COUNT] = {
    [TYPE_VOID] = {"VOID", 0},
    [TYPE_BOOLEAN] = {"BOOLEAN", 1},
    [TYPE_TINYINT] = {"TINYINT", 1},
    [TYPE_SMALLINT] = {"SMALLINT", 2},
    [TYPE_INT] = {"INT", 4},
    [TYPE_BIGINT] = {"BIGINT", 8},
    [TYPE_FLOAT] = {"FLOAT", 4},
    [TYPE_DOUBLE] = {"DOUBLE", 8},
    [TYPE_DECIMAL] = {"DECIMAL", 16},
    [TYPE_STRING] = {"STRING", 16},
    [TYPE_BINARY] = {"BINARY", 16},
    [TYPE_DATE] = {"DATE", 4},
    [TYPE_TIMESTAMP] = {"TIMESTAMP", 8},
    [TYPE_STRUCT] = {"STRUCT", 0},
    [TYPE_ARRAY] = {"ARRAY", 8},
    [TYPE_INTERVAL_YEAR_MONTH] = {"INTERVAL", 4},
    [TYPE_INTERVAL_DAY_TIME] = {"INTERVAL", 8},
    [TYPE_INTERVAL] = {"INTERVAL", 16},
};

const struct type *type_simple(enum type_kind kind)
{
    REQUIRE(kind < TYPE_KIND_COUNT && kind != TYPE_DECIMAL && kind != TYPE_STRUCT &&
            kind != TYPE_ARRAY);
    return &simple_types[kind];
}

bool type_eq(const struct type *a, const struct type *b)
{
    if (a == b)
        return true;
    if (a->kind != b->kind)
        return false;
    if (a->kind == TYPE_DECIMAL || a->kind == TYPE_INTERVAL_YEAR_MONTH ||
        a->kind == TYPE_INTERVAL_DAY_TIME)
        return a->precision == b->precision && a->scale == b->scale;
    if (a->kind == TYPE_ARRAY)
        return type_eq(a->element, b->element);
    if (a->kind != TYPE_STRUCT)
        return true;
    if (a->field_count != b->field_count)
        return false;
    for (uint32_t i = 0; i < a->field_count; i++) {
        if (!str_eq(a->fields[i].name, b->fields[i].name) ||
            !type_eq(a->fields[i].type, b->fields[i].type))
            return false;
    }
    return true;
}

size_t type_width(const struct type *type)
{
    return kinds[type->kind].width;
}

/* INTERVAL DAY, INTERVAL DAY TO SECOND */
static void print_fields(const struct type *type, struct buf *out)
{
    static const char *const days[] = {"DAY", "HOUR", "MINUTE", "SECOND"};
    static const char *const months[] = {"YEAR", "MONTH"};
    const char *const *names = type->kind == TYPE_INTERVAL_DAY_TIME ? days : months;
    buf_printf(out, " %s", names[type->precision]);
    if (type->precision != type->scale)
        buf_printf(out, " TO %s", names[type->scale]);
}

void type_print(const struct type *type, struct buf *out)
{
    buf_append_str(out, str_of(kinds[type->kind].name));
    if (type->kind == TYPE_INTERVAL_YEAR_MONTH || type->kind == TYPE_INTERVAL_DAY_TIME)
        print_fields(type, out);
    if (type->kind == TYPE_DECIMAL) {
        buf_printf(out, "(%u,%u)", type->precision, type->scale);
    } else if (type->kind == TYPE_ARRAY) {
        buf_append_char(out, '<');
        type_print(type->element, out);
        buf_append_char(out, '>');
    } else if (type->kind == TYPE_STRUCT) {
        buf_append_char(out, '<');
        for (uint32_t i = 0; i < type->field_count; i++) {
            buf_printf(out, "%s%.*s: ", i ? ", " : "", STR_ARG(type->fields[i].name));
            type_print(type->fields[i].type, out);
        }
        buf_append_char(out, '>');
    }
}

int type_field_index(const struct type *structure, struct str name)
{
    for (uint32_t i = 0; i < structure->field_count; i++) {
        if (str_eq(structure->fields[i].name, name))
            return (int)i;
    }
    return -1;
}

void type_print_catalog(const struct type *type, struct buf *out)
{
    if (type->kind == TYPE_ARRAY) {
        buf_append_str(out, STR("array<"));
        type_print_catalog(type->element, out);
        buf_append_char(out, '>');
    } else if (type->kind == TYPE_STRUCT) {
        buf_append_str(out, STR("struct<"));
        for (uint32_t i = 0; i < type->field_count; i++) {
            if (i > 0)
                buf_append_char(out, ',');
            buf_append_str(out, type->fields[i].name);
            buf_append_char(out, ':');
            type_print_catalog(type->fields[i].type, out);
        }
        buf_append_char(out, '>');
    } else {
        size_t start = out->n;
        type_print(type, out);
        for (size_t i = start; i < out->n; i++) {
            if (out->p[i] >= 'A' && out->p[i] <= 'Z')
                out->p[i] = (char)(out->p[i] | 0x20);
        }
    }
}
