#include "sql/agg_fractions.h"

#include "vec/decimal.h"

static int not_constant(struct binder *binder, const struct aggregate_call *call)
{
    return diag_fail(binder->diag, ERR_INVALID, call->args[1]->offset,
                     "the percentage of %s must be a constant, or an array of constants, and not "
                     "NULL",
                     call->aggregate->name);
}

/* One number as a DOUBLE; false: it is a NULL or no number. */
static bool read_number(const struct vec *vec, uint32_t row, double *out)
{
    if (vec_is_null(vec, row))
        return false;
    switch (vec->type->kind) {
    case TYPE_TINYINT:
        *out = vec->i8[row];
        return true;
    case TYPE_SMALLINT:
        *out = vec->i16[row];
        return true;
    case TYPE_INT:
        *out = vec->i32[row];
        return true;
    case TYPE_BIGINT:
        *out = (double)vec->i64[row];
        return true;
    case TYPE_FLOAT:
        *out = (double)vec->f32[row];
        return true;
    case TYPE_DOUBLE:
        *out = vec->f64[row];
        return true;
    case TYPE_DECIMAL:
        *out = decimal_to_double(vec->decimal[row], vec->type->scale);
        return true;
    default:
        return false;
    }
}

/* order: indexes that make n fractions ascend. */
static void sort(const double *fractions, uint32_t *order, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        uint32_t to = i;
        for (; to > 0 && fractions[order[to - 1]] > fractions[i]; to--)
            order[to] = order[to - 1];
        order[to] = i;
    }
}

static int read_numbers(struct binder *binder, struct aggregate_call *call, const struct vec *vec,
                        uint32_t start, uint32_t n, double *out)
{
    for (uint32_t i = 0; i < n; i++) {
        if (!read_number(vec, start + i, &out[i]))
            return not_constant(binder, call);
        if (!(out[i] >= 0 && out[i] <= 1))
            return diag_fail(binder->diag, ERR_INVALID, call->args[1]->offset,
                             "the percentage of %s must be between 0.0 and 1.0",
                             call->aggregate->name);
    }
    return 0;
}

int agg_fractions_read(struct binder *binder, struct aggregate_call *call,
                       struct agg_fractions **out)
{
    enum { MANY = 10000 };
    const struct value *value;
    struct expr *arg = call->args[1];
    int code = arg->type->kind == TYPE_STRING
                   ? binder_convert(binder, &call->args[1], type_simple(TYPE_DOUBLE))
                   : 0;
    if (code == 0)
        code = binder_constant_value(binder, call->args[1], &value);
    if (code != 0)
        return code;
    if (!value || vec_is_null(&value->vec, 0))
        return not_constant(binder, call);
    bool array = value->vec.type->kind == TYPE_ARRAY;
    uint32_t n = array ? value->vec.span[0].count : 1;
    if (n > MANY)
        return diag_fail(binder->diag, ERR_INVALID, arg->offset, "%s takes at most %d percentages",
                         call->aggregate->name, MANY);
    struct agg_fractions *fractions = ARENA_NEW(binder->arena, struct agg_fractions);
    double *numbers = ARENA_ARRAY(binder->arena, double, n);
    uint32_t *order = ARENA_ARRAY(binder->arena, uint32_t, n);
    if (!fractions || !numbers || !order)
        return diag_nomem(binder->diag);
    code = array ? read_numbers(binder, call, value->vec.children, value->vec.span[0].start, n,
                                numbers)
                 : read_numbers(binder, call, &value->vec, 0, 1, numbers);
    if (code != 0)
        return code;
    sort(numbers, order, n);
    *fractions =
        (struct agg_fractions){.n = n, .array = array, .fractions = numbers, .order = order};
    *out = fractions;
    return 0;
}

int agg_fractions_result(const struct aggregate_call *call, const struct agg_fractions *fractions,
                         const bool *where, uint32_t n, struct arena *arena, struct vec *out,
                         struct vec **values)
{
    if (agg_result_init(call, n, arena, out) != 0)
        return ERR_NOMEM;
    uint64_t total = 0;
    for (uint32_t i = 0; i < n; i++) {
        bool there = where[i] && fractions->n > 0;
        if (fractions->array)
            out->span[i] = (struct vec_span){(uint32_t)total, there ? fractions->n : 0};
        if (!there)
            vec_set_null(out, i);
        total += there ? fractions->n : 0;
    }
    *values = out;
    if (!fractions->array)
        return 0;
    out->children = ARENA_NEW(arena, struct vec);
    *values = out->children;
    return out->children ? vec_init(out->children, call->result->element, (uint32_t)total, arena)
                         : ERR_NOMEM;
}
