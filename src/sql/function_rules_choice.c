/* Rules of functions that choose between values. */
#include "sql/binder_impl.h"
#include "sql/function_rules_math.h"

/* b where it lies beyond a, or a is NULL; else a. */
static int better_of(struct binder *binder, uint32_t offset, enum operator_token op, struct expr *a,
                     struct expr *b, struct expr **out)
{
    struct expr *args[3], *tests[2];
    binder_share(binder, a);
    binder_share(binder, b);
    int code = bind_comparison(binder, offset, op, b, a, &tests[0]);
    if (code != 0)
        return code;
    tests[1] = binder_call(binder, offset, type_simple(TYPE_BOOLEAN), kernel_is_null, &a, 1);
    if (!tests[1])
        return ERR_NOMEM;
    tests[1]->strict = false;
    args[0] = binder_call(binder, offset, type_simple(TYPE_BOOLEAN), kernel_or, tests, 2);
    if (!args[0])
        return ERR_NOMEM;
    args[0]->strict = false;
    args[1] = b;
    args[2] = a;
    return bind_case(binder, offset, args, 3, "CASE", out);
}

/* The best of n > 0 expressions of one type, by halves, so that many do not nest deeply. Of equal
 * ones (0.0 and -0.0) the first. */
static int best_of(struct binder *binder, uint32_t offset, enum operator_token op,
                   struct expr **args, uint32_t n, struct expr **out)
{
    *out = args[0];
    if (n == 1)
        return 0;
    struct expr *left, *right;
    int code = best_of(binder, offset, op, args, n / 2, &left);
    if (code == 0)
        code = best_of(binder, offset, op, args + n / 2, n - n / 2, &right);
    return code == 0 ? better_of(binder, offset, op, left, right, out) : code;
}

/* Spark does not make STRINGs of the others here. */
static const struct type *common_type(const struct type *const *types, uint32_t n)
{
    const struct type *common = type_simple(TYPE_VOID);
    for (uint32_t i = 0; i < n && common; i++) {
        bool text = common->kind == TYPE_STRING || types[i]->kind == TYPE_STRING;
        bool null = common->kind == TYPE_VOID || types[i]->kind == TYPE_VOID;
        common =
            text && !null && common->kind != types[i]->kind ? NULL : types_wider(common, types[i]);
    }
    return common;
}

static int choose_best(struct binder *binder, const struct function *function, struct expr *call,
                       enum operator_token op)
{
    uint32_t n = call->arg_count;
    const struct type **types = ARENA_ARRAY(binder->arena, const struct type *, n);
    struct expr **args = ARENA_ARRAY(binder->arena, struct expr *, n);
    if (!types || !args)
        return diag_nomem(binder->diag);
    for (uint32_t i = 0; i < n; i++) {
        types[i] = call->args[i]->type;
        args[i] = call->args[i];
    }
    const struct type *type = common_type(types, n);
    if (!type)
        return binder_no_common(binder, call->offset, function->name, types, n);
    struct expr *made = args[0];
    int code = binder_convert_all(binder, args, n, type);
    if (code == 0 && type->kind != TYPE_VOID)
        code = best_of(binder, call->offset, op, args, n, &made);
    return code == 0 ? rule_replace(binder, call, made) : code;
}

int rule_greatest(struct binder *binder, const struct function *function, struct expr *call)
{
    return choose_best(binder, function, call, OP_GT);
}

int rule_least(struct binder *binder, const struct function *function, struct expr *call)
{
    return choose_best(binder, function, call, OP_LT);
}

int rule_equal_null(struct binder *binder, const struct function *function, struct expr *call)
{
    (void)function;
    struct expr *made;
    int code = bind_comparison(binder, call->offset, OP_NSEQ, call->args[0], call->args[1], &made);
    return code == 0 ? rule_replace(binder, call, made) : code;
}
