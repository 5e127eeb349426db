/* vec_compose.c: values of several vectors joined into one, and the order of values. */
#include <string.h>

#include "base/err.h"
#include "vec/vec.h"

struct compose {
    const struct vec *const *sources;
    uint32_t source_count;
    const struct vec_pick *picks;
    uint32_t n;
    struct arena *arena;
};

static bool is_null_pick(const struct compose *compose, uint32_t i)
{
    struct vec_pick pick = compose->picks[i];
    if (pick.source == VEC_PICK_NULL)
        return true;
    const struct vec *source = compose->sources[pick.source];
    return source->type->kind == TYPE_VOID || vec_is_null(source, pick.row);
}

/* Bit by bit the NULLs of the picks; *any: there is one. */
static int compose_valid(const struct compose *compose, struct vec *out, bool *any)
{
    *any = false;
    for (uint32_t i = 0; i < compose->n; i++) {
        if (!is_null_pick(compose, i))
            continue;
        if (vec_ensure_valid(out, compose->arena) != 0)
            return ERR_NOMEM;
        vec_set_null(out, i);
        *any = true;
    }
    return 0;
}

/* The picks with every NULL marked, so that nothing below a NULL is looked at. */
static const struct vec_pick *clean_picks(const struct compose *compose, const struct vec *out)
{
    struct vec_pick *picks = ARENA_ARRAY(compose->arena, struct vec_pick, compose->n);
    for (uint32_t i = 0; picks && i < compose->n; i++) {
        picks[i] = compose->picks[i];
        if (vec_is_null(out, i))
            picks[i].source = VEC_PICK_NULL;
    }
    return picks;
}

static int compose_struct(const struct compose *compose, struct vec *out)
{
    const struct type *type = out->type;
    const struct vec **sources =
        ARENA_ARRAY(compose->arena, const struct vec *, compose->source_count);
    out->children = ARENA_ARRAY(compose->arena, struct vec, type->field_count);
    if (!sources || !out->children)
        return ERR_NOMEM;
    for (uint32_t f = 0; f < type->field_count; f++) {
        for (uint32_t s = 0; s < compose->source_count; s++) {
            const struct vec *source = compose->sources[s];
            sources[s] = source->type->kind == TYPE_STRUCT ? &source->children[f] : source;
        }
        if (vec_compose(&out->children[f], type->fields[f].type, sources, compose->source_count,
                        compose->picks, compose->n, compose->arena) != 0)
            return ERR_NOMEM;
    }
    return 0;
}

static struct vec_span picked_span(const struct compose *compose, uint32_t i)
{
    struct vec_pick pick = compose->picks[i];
    if (pick.source == VEC_PICK_NULL)
        return (struct vec_span){0, 0};
    return compose->sources[pick.source]->span[pick.row];
}

/* The elements of all arrays, one after the other. */
static int compose_elements(const struct compose *compose, struct vec *out, uint32_t total)
{
    const struct vec **sources =
        ARENA_ARRAY(compose->arena, const struct vec *, compose->source_count);
    struct vec_pick *picks = ARENA_ARRAY(compose->arena, struct vec_pick, total);
    if (!sources || !picks)
        return ERR_NOMEM;
    for (uint32_t s = 0; s < compose->source_count; s++) {
        const struct vec *source = compose->sources[s];
        sources[s] = source->type->kind == TYPE_ARRAY ? &source->children[0] : source;
    }
    uint32_t at = 0;
    for (uint32_t i = 0; i < compose->n; i++) {
        struct vec_span span = picked_span(compose, i);
        out->span[i] = (struct vec_span){at, span.count};
        for (uint32_t k = 0; k < span.count; k++)
            picks[at++] = (struct vec_pick){compose->picks[i].source, span.start + k};
    }
    return vec_compose(out->children, out->type->element, sources, compose->source_count, picks,
                       total, compose->arena);
}

static int compose_array(const struct compose *compose, struct vec *out)
{
    uint64_t total = 0;
    out->span = ARENA_ARRAY(compose->arena, struct vec_span, compose->n);
    out->children = ARENA_NEW(compose->arena, struct vec);
    if (!out->span || !out->children)
        return ERR_NOMEM;
    bool shared = compose->source_count == 1 && compose->sources[0]->type->kind == TYPE_ARRAY;
    for (uint32_t i = 0; i < compose->n; i++) {
        struct vec_span span = picked_span(compose, i);
        total += span.count;
        out->span[i] = span;
    }
    if (shared) {
        out->children[0] = compose->sources[0]->children[0];
        return 0;
    }
    return total < UINT32_MAX ? compose_elements(compose, out, (uint32_t)total) : ERR_NOMEM;
}

static int compose_data(const struct compose *compose, struct vec *out)
{
    size_t width = type_width(out->type);
    char *to = arena_calloc(compose->arena, compose->n, width);
    if (!to)
        return ERR_NOMEM;
    out->data = to;
    for (uint32_t i = 0; i < compose->n; i++) {
        struct vec_pick pick = compose->picks[i];
        if (pick.source == VEC_PICK_NULL)
            continue;
        const char *from = compose->sources[pick.source]->data;
        memcpy(to + i * width, from + pick.row * width, width);
    }
    return 0;
}

int vec_compose(struct vec *out, const struct type *type, const struct vec *const *sources,
                uint32_t source_count, const struct vec_pick *picks, uint32_t n,
                struct arena *arena)
{
    struct compose compose = {sources, source_count, picks, n, arena};
    bool any;
    *out = (struct vec){.type = type, .rows = n};
    if (type->kind == TYPE_VOID)
        return vec_init_null(out, type, n, arena);
    if (compose_valid(&compose, out, &any) != 0)
        return ERR_NOMEM;
    if (any)
        compose.picks = clean_picks(&compose, out);
    if (!compose.picks && n > 0)
        return ERR_NOMEM;
    if (type->kind == TYPE_STRUCT)
        return compose_struct(&compose, out);
    if (type->kind == TYPE_ARRAY)
        return compose_array(&compose, out);
    return compose_data(&compose, out);
}

/* ---- order ---- */

#define ORDER(x, y) (((x) > (y)) - ((x) < (y)))

static int order_floating(double x, double y)
{
    if (x != x || y != y)
        return (x != x) - (y != y);
    return ORDER(x, y);
}

static int order_structs(const struct vec *a, uint32_t a_row, const struct vec *b, uint32_t b_row)
{
    int order = 0;
    for (uint32_t i = 0; i < a->type->field_count && order == 0; i++)
        order = vec_order(&a->children[i], a_row, &b->children[i], b_row);
    return order;
}

static int order_arrays(const struct vec *a, uint32_t a_row, const struct vec *b, uint32_t b_row)
{
    struct vec_span x = a->span[a_row], y = b->span[b_row];
    int order = 0;
    for (uint32_t i = 0; i < x.count && i < y.count && order == 0; i++)
        order = vec_order(&a->children[0], x.start + i, &b->children[0], y.start + i);
    return order ? order : ORDER(x.count, y.count);
}

int vec_order(const struct vec *a, uint32_t i, const struct vec *b, uint32_t j)
{
    bool a_null = a->type->kind == TYPE_VOID || vec_is_null(a, i);
    bool b_null = b->type->kind == TYPE_VOID || vec_is_null(b, j);
    if (a_null || b_null)
        return b_null - a_null;
    switch (a->type->kind) {
    case TYPE_BOOLEAN:
        return ORDER(a->boolean[i], b->boolean[j]);
    case TYPE_TINYINT:
        return ORDER(a->i8[i], b->i8[j]);
    case TYPE_SMALLINT:
        return ORDER(a->i16[i], b->i16[j]);
    case TYPE_INT:
    case TYPE_DATE:
    case TYPE_INTERVAL_YEAR_MONTH:
        return ORDER(a->i32[i], b->i32[j]);
    case TYPE_BIGINT:
    case TYPE_TIMESTAMP:
    case TYPE_INTERVAL_DAY_TIME:
        return ORDER(a->i64[i], b->i64[j]);
    case TYPE_FLOAT:
        return order_floating((double)a->f32[i], (double)b->f32[j]);
    case TYPE_DOUBLE:
        return order_floating(a->f64[i], b->f64[j]);
    case TYPE_DECIMAL:
        return ORDER(a->decimal[i], b->decimal[j]);
    case TYPE_STRING:
    case TYPE_BINARY:
        return str_cmp(a->str[i], b->str[j]);
    case TYPE_STRUCT:
        return order_structs(a, i, b, j);
    case TYPE_ARRAY:
        return order_arrays(a, i, b, j);
    case TYPE_VOID:
    case TYPE_INTERVAL: /* Spark has no order for these */
    case TYPE_KIND_COUNT:
        break;
    }
    return 0;
}
