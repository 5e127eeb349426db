/* kernel_array.c: arrays made of other arrays' elements. */
#include "sql/kernel_array.h"

enum { ELEMENTS_MAX = 1 << 26 }; /* that one block of rows may make */

int array_reserve(struct array_maker *maker, uint64_t n)
{
    uint64_t need = maker->n + n;
    if (need <= maker->capacity)
        return 0;
    if (need > ELEMENTS_MAX)
        return err_set(maker->eval->err, ERR_INVALID,
                       "arrays of more than %d elements in one block of rows", ELEMENTS_MAX);
    uint64_t capacity = maker->capacity * 2ULL < need ? need : maker->capacity * 2ULL;
    struct vec_pick *picks = arena_alloc(maker->eval->arena, capacity * sizeof *picks);
    if (!picks)
        return ERR_NOMEM;
    if (maker->n)
        memcpy(picks, maker->picks, maker->n * sizeof *picks);
    maker->picks = picks;
    maker->capacity = (uint32_t)capacity;
    return 0;
}

int array_push(struct array_maker *maker, uint32_t source, uint32_t row)
{
    if (maker->n == maker->capacity) {
        int code = array_reserve(maker, maker->n < 64 ? 64 : 1);
        if (code != 0)
            return code;
    }
    maker->picks[maker->n++] = (struct vec_pick){source, row};
    return 0;
}

/* The elements of a span of source k. */
static int push_span(struct array_maker *maker, uint32_t k, struct vec_span span)
{
    int code = array_reserve(maker, span.count);
    for (uint32_t i = 0; i < span.count && code == 0; i++)
        code = array_push(maker, k, span.start + i);
    return code;
}

/* The span of every row, NULL where row_fn says so. */
static int make_rows(struct array_maker *maker, struct value *out, array_row_fn row_fn)
{
    for (uint32_t i = 0; i < out->vec.rows; i++) {
        bool null = false;
        uint32_t start = maker->n;
        out->vec.span[i] = (struct vec_span){start, 0};
        if (vec_is_null(&out->vec, i))
            continue;
        int code = row_fn(maker, i, &null);
        if (code != 0)
            return code;
        out->vec.span[i].count = maker->n - start;
        if (null && !kernel_own_valid(maker->eval, out))
            return ERR_NOMEM;
        if (null)
            vec_set_null(&out->vec, i);
    }
    return 0;
}

int array_make(struct eval *eval, const struct expr *expr, const struct value *args,
               struct value *out, uint32_t elements, array_row_fn row_fn)
{
    struct array_maker maker = {.eval = eval, .expr = expr, .args = args};
    INVARIANT(expr->arg_count <= ARRAY_SOURCES_MAX);
    for (uint32_t k = 0; k < expr->arg_count; k++) {
        bool array = (elements >> k & 1) && args[k].vec.type->kind == TYPE_ARRAY;
        maker.sources[k] = array ? args[k].vec.children : &args[k].vec;
    }
    int code = make_rows(&maker, out, row_fn);
    if (code != 0)
        return code;
    return vec_compose(out->vec.children, expr->type->element, maker.sources, expr->arg_count,
                       maker.picks, maker.n, eval->arena);
}

#define ARRAY_KERNEL(name, elements)                                                               \
    int kernel_##name(struct eval *eval, const struct expr *expr, const struct value *args,        \
                      struct value *out)                                                           \
    {                                                                                              \
        return array_make(eval, expr, args, out, (elements), row_##name);                          \
    }

static int row_array_compact(struct array_maker *maker, uint32_t row, bool *null)
{
    struct vec_span span = array_span(maker->args, 0, row);
    const struct vec *elements = maker->sources[0];
    int code = 0;
    (void)null;
    for (uint32_t i = span.start; i < span.start + span.count && code == 0; i++) {
        if (elements->type->kind != TYPE_VOID && !vec_is_null(elements, i))
            code = array_push(maker, 0, i);
    }
    return code;
}
ARRAY_KERNEL(array_compact, 1)

/* Elements equal to the second argument, which is not NULL, are left out; NULLs stay. */
static int row_array_remove(struct array_maker *maker, uint32_t row, bool *null)
{
    struct vec_span span = array_span(maker->args, 0, row);
    const struct vec *elements = maker->sources[0], *value = maker->sources[1];
    uint32_t at = kernel_row(&maker->args[1], row);
    int code = 0;
    (void)null;
    for (uint32_t i = span.start; i < span.start + span.count && code == 0; i++) {
        if (vec_is_null(elements, i) || vec_order(elements, i, value, at) != 0)
            code = array_push(maker, 0, i);
    }
    return code;
}
ARRAY_KERNEL(array_remove, 1)

static int row_array_append(struct array_maker *maker, uint32_t row, bool *null)
{
    *null = value_is_null(&maker->args[0], row);
    int code = *null ? 0 : push_span(maker, 0, array_span(maker->args, 0, row));
    return code == 0 && !*null ? array_push(maker, 1, kernel_row(&maker->args[1], row)) : code;
}
ARRAY_KERNEL(array_append, 1)

static int row_array_prepend(struct array_maker *maker, uint32_t row, bool *null)
{
    *null = value_is_null(&maker->args[0], row);
    int code = *null ? 0 : array_push(maker, 1, kernel_row(&maker->args[1], row));
    return code == 0 && !*null ? push_span(maker, 0, array_span(maker->args, 0, row)) : code;
}
ARRAY_KERNEL(array_prepend, 1)

static int push_nulls(struct array_maker *maker, uint64_t n)
{
    int code = array_reserve(maker, n);
    for (uint64_t i = 0; i < n && code == 0; i++)
        code = array_push(maker, VEC_PICK_NULL, 0);
    return code;
}

/* array_insert(array, place, value): from 1 on, or from the end where -1 appends; NULLs fill what
 * is missing. Place 0, an error in Spark, gives NULL. */
static int row_array_insert(struct array_maker *maker, uint32_t row, bool *null)
{
    const struct value *args = maker->args;
    *null = value_is_null(&args[0], row) || value_is_null(&args[1], row);
    if (*null)
        return 0;
    struct vec_span span = array_span(args, 0, row);
    int64_t place = args[1].vec.i32[kernel_row(&args[1], row)], count = span.count;
    *null = place == 0;
    if (*null)
        return 0;
    int64_t before = place > 0 ? place - 1 : count + place + 1;
    uint32_t value = kernel_row(&args[2], row);
    if (before < 0) { /* in front of nulls, as Spark 3.5 counts them */
        int code = array_push(maker, 2, value);
        if (code == 0)
            code = push_nulls(maker, (uint64_t)(-before));
        return code == 0 ? push_span(maker, 0, span) : code;
    }
    uint32_t first = before < count ? (uint32_t)before : span.count;
    int code = push_span(maker, 0, (struct vec_span){span.start, first});
    if (code == 0 && before > count)
        code = push_nulls(maker, (uint64_t)(before - count));
    if (code == 0)
        code = array_push(maker, 2, value);
    return code == 0
               ? push_span(maker, 0, (struct vec_span){span.start + first, span.count - first})
               : code;
}
ARRAY_KERNEL(array_insert, 1)

static int row_array_repeat(struct array_maker *maker, uint32_t row, bool *null)
{
    *null = value_is_null(&maker->args[1], row);
    if (*null)
        return 0;
    int32_t count = maker->args[1].vec.i32[kernel_row(&maker->args[1], row)];
    uint32_t value = kernel_row(&maker->args[0], row);
    int code = count > 0 ? array_reserve(maker, (uint64_t)count) : 0;
    for (int32_t i = 0; i < count && code == 0; i++)
        code = array_push(maker, 0, value);
    return code;
}
ARRAY_KERNEL(array_repeat, 0)

/* slice(array, start, length): from 1 on, or from the end. A start of 0 or a negative length,
 * errors in Spark, give NULL. */
static int row_slice(struct array_maker *maker, uint32_t row, bool *null)
{
    const struct value *args = maker->args;
    struct vec_span span = array_span(args, 0, row);
    int64_t start = args[1].vec.i32[kernel_row(&args[1], row)], count = span.count;
    int64_t length = args[2].vec.i32[kernel_row(&args[2], row)];
    *null = start == 0 || length < 0;
    start = start > 0 ? start - 1 : count + start;
    if (*null || start < 0 || start >= count)
        return 0;
    length = length > count - start ? count - start : length;
    return push_span(maker, 0, (struct vec_span){span.start + (uint32_t)start, (uint32_t)length});
}
ARRAY_KERNEL(slice, 1)

static int row_reverse_array(struct array_maker *maker, uint32_t row, bool *null)
{
    struct vec_span span = array_span(maker->args, 0, row);
    int code = array_reserve(maker, span.count);
    (void)null;
    for (uint32_t i = span.count; i > 0 && code == 0; i--)
        code = array_push(maker, 0, span.start + i - 1);
    return code;
}
ARRAY_KERNEL(reverse_array, 1)

/* NULL when one of the arrays inside is. */
static int row_flatten(struct array_maker *maker, uint32_t row, bool *null)
{
    struct vec_span span = array_span(maker->args, 0, row);
    const struct vec *arrays = maker->args[0].vec.children;
    int code = 0;
    for (uint32_t i = span.start; i < span.start + span.count; i++)
        *null |= vec_is_null(arrays, i);
    for (uint32_t i = span.start; i < span.start + span.count && code == 0 && !*null; i++)
        code = push_span(maker, 0, arrays->span[i]);
    return code;
}

int kernel_flatten(struct eval *eval, const struct expr *expr, const struct value *args,
                   struct value *out)
{
    struct array_maker maker = {.eval = eval, .expr = expr, .args = args};
    const struct vec *elements = args[0].vec.children->children;
    int code = make_rows(&maker, out, row_flatten);
    if (code != 0)
        return code;
    return vec_compose(out->vec.children, expr->type->element, &elements, 1, maker.picks, maker.n,
                       eval->arena);
}

/* Any number of arguments. */
int kernel_concat_arrays(struct eval *eval, const struct expr *expr, const struct value *args,
                         struct value *out)
{
    struct array_maker maker = {.eval = eval, .expr = expr, .args = args};
    const struct vec **sources = ARENA_ARRAY(eval->arena, const struct vec *, expr->arg_count);
    if (!sources)
        return ERR_NOMEM;
    for (uint32_t k = 0; k < expr->arg_count; k++)
        sources[k] = args[k].vec.children;
    for (uint32_t i = 0; i < out->vec.rows; i++) {
        uint32_t start = maker.n;
        int code = 0;
        for (uint32_t k = 0; k < expr->arg_count && code == 0 && !vec_is_null(&out->vec, i); k++)
            code = push_span(&maker, k, array_span(args, k, i));
        if (code != 0)
            return code;
        out->vec.span[i] = (struct vec_span){start, maker.n - start};
    }
    return vec_compose(out->vec.children, expr->type->element, sources, expr->arg_count,
                       maker.picks, maker.n, eval->arena);
}

/* ---- sort_array ---- */

struct sorting {
    const struct vec *elements;
    bool descending, nulls_last;
};

static bool comes_first(const struct sorting *sorting, struct vec_pick a, struct vec_pick b)
{
    const struct vec *elements = sorting->elements;
    if (sorting->nulls_last && vec_is_null(elements, a.row) != vec_is_null(elements, b.row))
        return vec_is_null(elements, b.row);
    int order = vec_order(elements, a.row, elements, b.row);
    return sorting->descending ? order >= 0 : order <= 0;
}

/* Merges two sorted halves of n picks, the first `half` long. */
static void merge(const struct sorting *sorting, const struct vec_pick *from, uint32_t half,
                  uint32_t n, struct vec_pick *to)
{
    uint32_t a = 0, b = half;
    for (uint32_t i = 0; i < n; i++) {
        bool left = b == n || (a < half && comes_first(sorting, from[a], from[b]));
        to[i] = from[left ? a++ : b++];
    }
}

/* Stable, from runs of one up; the result is in *picks, which may become the spare memory. */
static void merge_sort(const struct sorting *sorting, struct vec_pick *picks,
                       struct vec_pick *spare, uint32_t n)
{
    struct vec_pick *from = picks, *to = spare;
    for (uint64_t run = 1; run < n; run *= 2) {
        for (uint64_t i = 0; i < n; i += run * 2) {
            uint64_t left = n - i;
            merge(sorting, from + i, (uint32_t)(left < run ? left : run),
                  (uint32_t)(left < run * 2 ? left : run * 2), to + i);
        }
        struct vec_pick *other = from;
        from = to;
        to = other;
    }
    if (from != picks && n)
        memcpy(picks, from, n * sizeof *picks);
}

static int row_sort_array(struct array_maker *maker, uint32_t row, bool *null)
{
    struct vec_span span = array_span(maker->args, 0, row);
    struct sorting sorting = {maker->sources[0], maker->expr->column == 1,
                              maker->expr->column == 2};
    int code = push_span(maker, 0, span);
    struct vec_pick *spare =
        code == 0 ? arena_alloc(maker->eval->arena, span.count * sizeof *spare) : NULL;
    (void)null;
    if (!spare)
        return code != 0 ? code : ERR_NOMEM;
    if (span.count)
        merge_sort(&sorting, maker->picks + maker->n - span.count, spare, span.count);
    return 0;
}
ARRAY_KERNEL(sort_array, 1)
