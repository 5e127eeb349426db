/* kernel_array_set.c: arrays as sets, in the order of first appearance. Numbers of floating point
 * are the same when all NaN are and 0.0 and -0.0 are not; inside of structs and arrays both zeros
 * are one (Spark's SQLOpenHashSet and its orderings). */
#include "sql/kernel_array.h"

static uint64_t mix(uint64_t hash, uint64_t value)
{
    hash = (hash ^ value) * 0x9e3779b97f4a7c15ULL;
    return hash ^ hash >> 32;
}

static uint64_t hash_bytes(uint64_t hash, struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        hash = (hash ^ (unsigned char)s.p[i]) * 1099511628211ULL;
    return mix(hash, s.n);
}

static uint64_t hash_floating(uint64_t hash, double value)
{
    uint64_t bits = 1;
    if (value == 0)
        bits = 0;
    else if (value == value)
        memcpy(&bits, &value, sizeof bits);
    return mix(hash, bits);
}

static uint64_t hash_value(uint64_t hash, const struct vec *vec, uint32_t row)
{
    if (vec->type->kind == TYPE_VOID || vec_is_null(vec, row))
        return mix(hash, 7);
    switch (vec->type->kind) {
    case TYPE_STRING:
    case TYPE_BINARY:
        return hash_bytes(hash, vec->str[row]);
    case TYPE_FLOAT:
        return hash_floating(hash, (double)vec->f32[row]);
    case TYPE_DOUBLE:
        return hash_floating(hash, vec->f64[row]);
    case TYPE_STRUCT:
        for (uint32_t i = 0; i < vec->type->field_count; i++)
            hash = hash_value(hash, &vec->children[i], row);
        return hash;
    case TYPE_ARRAY:
        for (uint32_t i = 0; i < vec->span[row].count; i++)
            hash = hash_value(hash, vec->children, vec->span[row].start + i);
        return mix(hash, vec->span[row].count);
    default: {
        size_t width = type_width(vec->type);
        return hash_bytes(hash, (struct str){(const char *)vec->data + row * width, width});
    }
    }
}

static bool same_value(const struct vec *a, uint32_t i, const struct vec *b, uint32_t j)
{
    if (vec_order(a, i, b, j) != 0)
        return false;
    if (vec_is_null(a, i) || vec_is_null(b, j))
        return true;
    if (a->type->kind == TYPE_DOUBLE && a->f64[i] == 0)
        return __builtin_signbit(a->f64[i]) == __builtin_signbit(b->f64[j]);
    if (a->type->kind == TYPE_FLOAT && a->f32[i] == 0)
        return __builtin_signbit(a->f32[i]) == __builtin_signbit(b->f32[j]);
    return true;
}

/* Values of one row, found by their hash; the memory is used again for the next row. */
struct value_set {
    struct array_maker *maker;
    struct vec_pick *picks; /* of the values */
    uint32_t *slots;        /* place in picks + 1 */
    uint32_t n, capacity, mask;
};

/* Empties the set and makes room for n values. */
static int set_open(struct value_set *set, uint64_t n)
{
    struct arena *arena = set->maker->eval->arena;
    if (n > UINT32_MAX / 4)
        return ERR_NOMEM;
    if (n > set->capacity || !set->slots) {
        uint32_t slots = 16;
        while (slots < n * 2)
            slots *= 2;
        set->picks = arena_alloc(arena, slots / 2 * sizeof *set->picks);
        set->slots = arena_alloc(arena, slots * sizeof *set->slots);
        if (!set->picks || !set->slots)
            return ERR_NOMEM;
        set->capacity = slots / 2;
        set->mask = slots - 1;
    }
    memset(set->slots, 0, (set->mask + 1ULL) * sizeof *set->slots);
    set->n = 0;
    return 0;
}

/* The slot of the value, or a free one. */
static uint32_t *set_slot(struct value_set *set, uint32_t source, uint32_t row)
{
    const struct vec *vec = set->maker->sources[source];
    uint64_t hash = hash_value(0, vec, row);
    for (uint32_t i = (uint32_t)hash & set->mask;; i = (i + 1) & set->mask) {
        uint32_t *slot = &set->slots[i];
        if (*slot == 0)
            return slot;
        struct vec_pick pick = set->picks[*slot - 1];
        if (same_value(set->maker->sources[pick.source], pick.row, vec, row))
            return slot;
    }
}

/* Whether the value is new. */
static bool set_add(struct value_set *set, uint32_t source, uint32_t row)
{
    uint32_t *slot = set_slot(set, source, row);
    if (*slot)
        return false;
    set->picks[set->n++] = (struct vec_pick){source, row};
    *slot = set->n;
    return true;
}

static bool set_has(struct value_set *set, uint32_t source, uint32_t row)
{
    return *set_slot(set, source, row) != 0;
}

static int push_new(struct value_set *set, uint32_t k, struct vec_span span)
{
    int code = 0;
    for (uint32_t i = span.start; i < span.start + span.count && code == 0; i++) {
        if (set_add(set, k, i))
            code = array_push(set->maker, k, i);
    }
    return code;
}

static int row_array_distinct(struct array_maker *maker, uint32_t row, bool *null)
{
    struct value_set set = {.maker = maker};
    struct vec_span span = array_span(maker->args, 0, row);
    (void)null;
    int code = set_open(&set, span.count);
    return code == 0 ? push_new(&set, 0, span) : code;
}

static int row_array_union(struct array_maker *maker, uint32_t row, bool *null)
{
    struct value_set set = {.maker = maker};
    struct vec_span a = array_span(maker->args, 0, row), b = array_span(maker->args, 1, row);
    (void)null;
    int code = set_open(&set, (uint64_t)a.count + b.count);
    if (code == 0)
        code = push_new(&set, 0, a);
    return code == 0 ? push_new(&set, 1, b) : code;
}

/* What of the first array is (`wanted`) or is not in the second. */
static int push_by_second(struct array_maker *maker, uint32_t row, bool wanted)
{
    struct value_set second = {.maker = maker}, seen = {.maker = maker};
    struct vec_span a = array_span(maker->args, 0, row), b = array_span(maker->args, 1, row);
    int code = set_open(&second, b.count);
    if (code == 0)
        code = set_open(&seen, a.count);
    for (uint32_t i = b.start; i < b.start + b.count && code == 0; i++)
        (void)set_add(&second, 1, i);
    for (uint32_t i = a.start; i < a.start + a.count && code == 0; i++) {
        if (set_has(&second, 0, i) == wanted && set_add(&seen, 0, i))
            code = array_push(maker, 0, i);
    }
    return code;
}

static int row_array_intersect(struct array_maker *maker, uint32_t row, bool *null)
{
    (void)null;
    return push_by_second(maker, row, true);
}

static int row_array_except(struct array_maker *maker, uint32_t row, bool *null)
{
    (void)null;
    return push_by_second(maker, row, false);
}

#define SET_KERNEL(name)                                                                           \
    int kernel_##name(struct eval *eval, const struct expr *expr, const struct value *args,        \
                      struct value *out)                                                           \
    {                                                                                              \
        return array_make(eval, expr, args, out, 3, row_##name);                                   \
    }
SET_KERNEL(array_distinct)
SET_KERNEL(array_union)
SET_KERNEL(array_intersect)
SET_KERNEL(array_except)

static bool has_null(const struct vec *elements, struct vec_span span)
{
    bool null = elements->type->kind == TYPE_VOID && span.count > 0;
    for (uint32_t i = span.start; i < span.start + span.count && !null; i++)
        null = vec_is_null(elements, i);
    return null;
}

/* TRUE when they share a value that is not NULL; else NULL when neither is empty and one has a
 * NULL. */
static int overlap_row(struct array_maker *maker, uint32_t row, bool *found, bool *null)
{
    struct value_set set = {.maker = maker};
    struct vec_span a = array_span(maker->args, 0, row), b = array_span(maker->args, 1, row);
    int code = set_open(&set, a.count);
    *found = *null = false;
    for (uint32_t i = a.start; i < a.start + a.count && code == 0; i++) {
        if (!vec_is_null(maker->sources[0], i))
            (void)set_add(&set, 0, i);
    }
    for (uint32_t i = b.start; i < b.start + b.count && code == 0 && !*found; i++)
        *found = !vec_is_null(maker->sources[1], i) && set_has(&set, 1, i);
    if (!*found && a.count && b.count)
        *null = has_null(maker->sources[0], a) || has_null(maker->sources[1], b);
    return code;
}

int kernel_arrays_overlap(struct eval *eval, const struct expr *expr, const struct value *args,
                          struct value *out)
{
    struct array_maker maker = {.eval = eval,
                                .expr = expr,
                                .args = args,
                                .sources = {args[0].vec.children, args[1].vec.children}};
    for (uint32_t i = 0; i < out->vec.rows; i++) {
        bool found = false, null = false;
        if (!vec_is_null(&out->vec, i)) {
            int code = overlap_row(&maker, i, &found, &null);
            if (code != 0)
                return code;
        }
        out->vec.boolean[i] = found;
        if (null && !kernel_own_valid(eval, out))
            return ERR_NOMEM;
        if (null)
            vec_set_null(&out->vec, i);
    }
    return 0;
}
