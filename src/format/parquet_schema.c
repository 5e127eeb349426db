#include "format/parquet_schema.h"

/* The way from the root to a type, innermost first. */
struct way {
    const struct way *up;
    struct str name;
    uint32_t step;
    bool element; /* of an ARRAY: two names, `list` and `element` */
    uint32_t def, rep;
};

uint32_t parquet_decimal_width(unsigned precision)
{
    __int128 max = 1;
    uint32_t bytes = 1;
    for (unsigned i = 0; i < precision; i++)
        max *= 10;
    while (bytes < sizeof max && (max - 1) >> (8 * bytes - 1))
        bytes++;
    return bytes;
}

void parquet_leaf_set_physical(struct parquet_leaf *leaf)
{
    static const struct {
        enum parquet_physical physical;
        uint32_t width;
    } table[TYPE_KIND_COUNT] = {
        [TYPE_BOOLEAN] = {PARQUET_BOOLEAN, 0}, [TYPE_TINYINT] = {PARQUET_INT32, 4},
        [TYPE_SMALLINT] = {PARQUET_INT32, 4},  [TYPE_INT] = {PARQUET_INT32, 4},
        [TYPE_BIGINT] = {PARQUET_INT64, 8},    [TYPE_FLOAT] = {PARQUET_FLOAT, 4},
        [TYPE_DOUBLE] = {PARQUET_DOUBLE, 8},   [TYPE_STRING] = {PARQUET_BYTES, 0},
        [TYPE_BINARY] = {PARQUET_BYTES, 0},    [TYPE_DATE] = {PARQUET_INT32, 4},
        [TYPE_TIMESTAMP] = {PARQUET_INT64, 8},
    };
    leaf->physical = table[leaf->type->kind].physical;
    leaf->width = table[leaf->type->kind].width;
    if (leaf->type->kind == TYPE_DECIMAL) {
        unsigned precision = leaf->type->precision;
        leaf->physical = precision <= 9    ? PARQUET_INT32
                         : precision <= 18 ? PARQUET_INT64
                                           : PARQUET_FIXED;
        leaf->width = precision <= 9 ? 4 : precision <= 18 ? 8 : parquet_decimal_width(precision);
    }
}

static uint32_t count_leaves(const struct type *type)
{
    uint32_t n = 0;
    if (type->kind == TYPE_ARRAY)
        return count_leaves(type->element);
    if (type->kind != TYPE_STRUCT)
        return 1;
    for (uint32_t i = 0; i < type->field_count; i++)
        n += count_leaves(type->fields[i].type);
    return n;
}

static int add_leaf(struct parquet_schema *schema, const struct type *type, const struct way *way)
{
    struct parquet_leaf *leaf = &schema->leaves[schema->leaf_count++];
    uint32_t steps = 0, names = 0;
    for (const struct way *at = way; at; at = at->up) {
        steps++;
        names += at->element ? 2 : 1;
    }
    uint32_t *step = ARENA_ARRAY(&schema->memory, uint32_t, steps);
    struct str *name = ARENA_ARRAY(&schema->memory, struct str, names);
    if (!step || !name)
        return ERR_NOMEM;
    *leaf = (struct parquet_leaf){.type = type,
                                  .def_max = way->def,
                                  .rep_max = way->rep,
                                  .steps = step,
                                  .step_count = steps,
                                  .names = name,
                                  .name_count = names};
    parquet_leaf_set_physical(leaf);
    for (const struct way *at = way; at; at = at->up) {
        step[--steps] = at->step;
        name[--names] = at->element ? STR("element") : at->name;
        if (at->element)
            name[--names] = STR("list");
    }
    return 0;
}

static int add_leaves(struct parquet_schema *schema, const struct type *type, const struct way *way)
{
    struct way next = {.up = way, .def = (way ? way->def : 0) + 1, .rep = way ? way->rep : 0};
    if (type->kind == TYPE_ARRAY) {
        next.element = true;
        next.def++;
        next.rep++;
        return add_leaves(schema, type->element, &next);
    }
    if (type->kind != TYPE_STRUCT)
        return add_leaf(schema, type, way);
    for (uint32_t i = 0; i < type->field_count; i++) {
        next.name = type->fields[i].name;
        next.step = i;
        int code = add_leaves(schema, type->fields[i].type, &next);
        if (code)
            return code;
    }
    return 0;
}

int parquet_schema_init(struct parquet_schema *schema, const struct type *type, struct err *err)
{
    *schema = (struct parquet_schema){.type = type};
    uint32_t count = count_leaves(type);
    schema->leaves = ARENA_ARRAY(&schema->memory, struct parquet_leaf, count);
    if (!schema->leaves || add_leaves(schema, type, NULL)) {
        parquet_schema_fini(schema);
        return err_set(err, ERR_NOMEM, "out of memory for a file's schema");
    }
    return 0;
}

void parquet_schema_fini(struct parquet_schema *schema)
{
    arena_fini(&schema->memory);
    *schema = (struct parquet_schema){0};
}
