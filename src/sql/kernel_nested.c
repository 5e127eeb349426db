/* kernel_nested.c: making, taking apart, comparing and choosing STRUCTs and ARRAYs. */
#include "sql/kernels_nested.h"

#include "sql/kernel.h"

/* The child's values, NULL also where the parent is. */
static int take_child(struct eval *eval, const struct vec *parent, const struct vec *child,
                      const struct type *type, struct value *out)
{
    out->vec = *child;
    out->vec.type = type;
    out->valid_shared = true;
    if (!parent->valid)
        return 0;
    if (!child->valid) {
        out->vec.valid = parent->valid;
        return 0;
    }
    uint64_t *valid = kernel_own_valid(eval, out);
    if (!valid)
        return ERR_NOMEM;
    for (size_t word = 0; word < vec_valid_words(out->vec.rows); word++)
        valid[word] &= parent->valid[word];
    return 0;
}

int kernel_struct_field(struct eval *eval, const struct expr *expr, const struct value *args,
                        struct value *out)
{
    const struct vec *parent = &args[0].vec;
    return take_child(eval, parent, &parent->children[expr->column], expr->type, out);
}

int kernel_array_field(struct eval *eval, const struct expr *expr, const struct value *args,
                       struct value *out)
{
    const struct vec *structs = &args[0].vec.children[0];
    struct value field = {0};
    int code =
        take_child(eval, structs, &structs->children[expr->column], expr->type->element, &field);
    if (code != 0)
        return code;
    out->vec.span = args[0].vec.span;
    out->vec.children[0] = field.vec;
    return 0;
}

/* Rows of which nothing is known yet: NULL. */
static struct vec_pick *make_picks(struct eval *eval, uint32_t n)
{
    struct vec_pick *picks = arena_alloc(eval->arena, n * sizeof *picks);
    for (uint32_t i = 0; picks && i < n; i++)
        picks[i] = (struct vec_pick){VEC_PICK_NULL, 0};
    return picks;
}

int kernel_array_item(struct eval *eval, const struct expr *expr, const struct value *args,
                      struct value *out)
{
    uint32_t rows = out->vec.rows;
    struct vec_pick *picks = make_picks(eval, rows);
    if (!picks)
        return ERR_NOMEM;
    for (uint32_t i = 0; i < rows; i++) {
        if (vec_is_null(&out->vec, i))
            continue;
        struct vec_span span = args[0].vec.span[kernel_row(&args[0], i)];
        int32_t index = args[1].vec.i32[kernel_row(&args[1], i)];
        if (index >= 0 && (uint32_t)index < span.count)
            picks[i] = (struct vec_pick){0, span.start + (uint32_t)index};
    }
    const struct vec *elements = &args[0].vec.children[0];
    out->valid_shared = false;
    return vec_compose(&out->vec, expr->type, &elements, 1, picks, rows, eval->arena);
}

int kernel_make_struct(struct eval *eval, const struct expr *expr, const struct value *args,
                       struct value *out)
{
    for (uint32_t i = 0; i < expr->arg_count; i++) {
        if (out->constant)
            out->vec.children[i] = args[i].vec;
        else if (eval_materialise(eval, &args[i], &out->vec.children[i]) != 0)
            return ERR_NOMEM;
        out->vec.children[i].type = expr->type->fields[i].type;
    }
    return 0;
}

int kernel_make_array(struct eval *eval, const struct expr *expr, const struct value *args,
                      struct value *out)
{
    uint32_t count = expr->arg_count, rows = out->constant || !count ? 1 : out->vec.rows;
    const struct vec **sources = ARENA_ARRAY(eval->arena, const struct vec *, count);
    struct vec_pick *picks = arena_alloc(eval->arena, (size_t)rows * count * sizeof *picks);
    if (!sources || !picks)
        return ERR_NOMEM;
    for (uint32_t k = 0; k < count; k++)
        sources[k] = &args[k].vec;
    for (uint32_t i = 0; i < rows; i++) {
        out->vec.span[i] = (struct vec_span){i * count, count};
        for (uint32_t k = 0; k < count; k++)
            picks[i * count + k] = (struct vec_pick){k, kernel_row(&args[k], i)};
    }
    if (!count) {
        out->constant = true;
        out->vec.rows = 1;
    }
    return vec_compose(out->vec.children, expr->type->element, sources, count, picks, rows * count,
                       eval->arena);
}

/* ---- comparisons ---- */

#define COMPARE_NESTED(name, test)                                                                 \
    static int name(struct eval *eval, const struct expr *expr, const struct value *args,          \
                    struct value *out)                                                             \
    {                                                                                              \
        (void)eval, (void)expr;                                                                    \
        const struct vec *a = &args[0].vec, *b = &args[1].vec;                                     \
        for (uint32_t i = 0; i < out->vec.rows; i++) {                                             \
            uint32_t x = kernel_row(&args[0], i), y = kernel_row(&args[1], i);                     \
            bool null = vec_is_null(a, x) || vec_is_null(b, y);                                    \
            out->vec.boolean[i] = !null && vec_order(a, x, b, y) test 0;                           \
        }                                                                                          \
        return 0;                                                                                  \
    }
COMPARE_NESTED(eq_nested, ==)
COMPARE_NESTED(lt_nested, <)
COMPARE_NESTED(le_nested, <=)
COMPARE_NESTED(gt_nested, >)
COMPARE_NESTED(ge_nested, >=)

kernel_fn kernel_compare_nested(enum compare_op op)
{
    static const kernel_fn table[COMPARE_OP_COUNT] = {eq_nested, lt_nested, le_nested, gt_nested,
                                                      ge_nested};
    return table[op];
}

/* ---- choosing ---- */

static int compose_arguments(struct eval *eval, const struct expr *expr, const struct value *args,
                             const struct vec_pick *picks, struct value *out)
{
    uint32_t rows = out->vec.rows;
    const struct vec **sources = ARENA_ARRAY(eval->arena, const struct vec *, expr->arg_count);
    if (!sources)
        return ERR_NOMEM;
    for (uint32_t k = 0; k < expr->arg_count; k++)
        sources[k] = &args[k].vec;
    out->valid_shared = false;
    return vec_compose(&out->vec, expr->type, sources, expr->arg_count, picks, rows, eval->arena);
}

static bool is_true(const struct value *value, uint32_t row)
{
    row = kernel_row(value, row);
    return !vec_is_null(&value->vec, row) && (value->vec.boolean[row] & 1);
}

int kernel_case_nested(struct eval *eval, const struct expr *expr, const struct value *args,
                       struct value *out)
{
    struct vec_pick *picks = make_picks(eval, out->vec.rows);
    if (!picks)
        return ERR_NOMEM;
    for (uint32_t i = 0; i < out->vec.rows; i++) {
        uint32_t k = 0;
        while (k + 1 < expr->arg_count && !is_true(&args[k], i))
            k += 2;
        k += k + 1 < expr->arg_count; /* what stands behind the condition; else: ELSE */
        if (k < expr->arg_count)
            picks[i] = (struct vec_pick){k, kernel_row(&args[k], i)};
    }
    return compose_arguments(eval, expr, args, picks, out);
}

int kernel_coalesce_nested(struct eval *eval, const struct expr *expr, const struct value *args,
                           struct value *out)
{
    struct vec_pick *picks = make_picks(eval, out->vec.rows);
    if (!picks)
        return ERR_NOMEM;
    for (uint32_t i = 0; i < out->vec.rows; i++) {
        for (uint32_t k = 0; k < expr->arg_count; k++) {
            uint32_t row = kernel_row(&args[k], i);
            if (args[k].vec.type->kind == TYPE_VOID || vec_is_null(&args[k].vec, row))
                continue;
            picks[i] = (struct vec_pick){k, row};
            break;
        }
    }
    return compose_arguments(eval, expr, args, picks, out);
}
