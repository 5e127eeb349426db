#include "sql/types.h"

#include <stdio.h>

const struct type *types_tightest(const struct type *a, const struct type *b)
{
    if (type_eq(a, b))
        return a;
    if (a->kind == TYPE_VOID)
        return b;
    if (b->kind == TYPE_VOID)
        return a;
    if (a->kind == TYPE_DECIMAL || b->kind == TYPE_DECIMAL)
        return NULL;
    if (type_is_numeric(a->kind) && type_is_numeric(b->kind))
        return a->kind > b->kind ? a : b; /* enum type_kind is in the order of precedence */
    if (type_is_time(a->kind) && type_is_time(b->kind))
        return type_simple(TYPE_TIMESTAMP);
    return NULL;
}

static const struct type *wider_decimal(const struct type *a, const struct type *b)
{
    const struct type *decimal = a->kind == TYPE_DECIMAL ? a : b;
    const struct type *other = a->kind == TYPE_DECIMAL ? b : a;
    if (decimal->kind != TYPE_DECIMAL || !type_is_numeric(other->kind))
        return NULL;
    return type_is_floating(other->kind) ? type_simple(TYPE_DOUBLE) : decimal;
}

static bool promotes_to_string(const struct type *type)
{
    return type_is_numeric(type->kind) || type_is_time(type->kind);
}

const struct type *types_wider(const struct type *a, const struct type *b)
{
    const struct type *common = types_tightest(a, b);
    if (!common)
        common = wider_decimal(a, b);
    if (!common && a->kind == TYPE_STRING && promotes_to_string(b))
        common = a;
    if (!common && b->kind == TYPE_STRING && promotes_to_string(a))
        common = b;
    return common;
}

const struct type *types_wider_all(const struct type *const *types, uint32_t n)
{
    const struct type *common = type_simple(TYPE_VOID);
    for (int strings = 1; strings >= 0; strings--) {
        for (uint32_t i = 0; common && i < n; i++) {
            if ((types[i]->kind == TYPE_STRING) == strings)
                common = types_wider(common, types[i]);
        }
    }
    return common;
}

const struct type *types_comparison(const struct type *a, const struct type *b)
{
    if (a->kind != TYPE_STRING && b->kind != TYPE_STRING)
        return NULL;
    const struct type *other = a->kind == TYPE_STRING ? b : a;
    switch (other->kind) {
    case TYPE_VOID:
        return type_simple(TYPE_STRING);
    case TYPE_DECIMAL:
        return type_simple(TYPE_DOUBLE);
    case TYPE_STRUCT:
    case TYPE_ARRAY:
        return NULL;
    default:
        return other;
    }
}

const char *types_name(const struct type *type, char buffer[120])
{
    struct buf name = {0};
    type_print(type, &name);
    snprintf(buffer, 120, "%s", buf_cstr(&name));
    buf_fini(&name);
    return buffer;
}
