/* simplify.c: one step of what Spark's optimizer does to a condition. Its rules take turns with
 * pushing terms down, so what a condition looks like between two steps decides which rows move the
 * watermark: the rules and their order are Spark's (BooleanSimplification, NullPropagation,
 * SimplifyBinaryComparison, OptimizeIn, ConstantPropagation, ReplaceNullWithFalseInPredicate). */
#include "sql/binder_impl.h"
#include "sql/kernel.h"

/* 1 or 0: the constant; -1: NULL; -2: no constant. */
static int truth(const struct expr *expr)
{
    expr = expr_strip(expr);
    if (expr->op != EXPR_CONST)
        return -2;
    return vec_is_null(&expr->constant.vec, 0) ? -1 : expr->constant.vec.boolean[0];
}

static int make_truth(struct binder *binder, uint32_t offset, bool value, struct expr **out)
{
    uint8_t byte = value;
    *out = binder_constant(binder, offset, type_simple(TYPE_BOOLEAN), &byte,
                           value ? STR("true") : STR("false"));
    return *out ? 0 : ERR_NOMEM;
}

static bool is_comparison(const struct expr *expr)
{
    return expr->form == FORM_INFIX && expr->strict && expr->type->kind == TYPE_BOOLEAN;
}

/* Aggregates that have a value of any group. */
static bool counts(const char *name)
{
    static const char *const names[] = {"count",        "count_if",    "approx_count_distinct",
                                        "collect_list", "collect_set", "array_agg",
                                        "regr_count"};
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        if (strcmp(name, names[i]) == 0)
            return true;
    }
    return false;
}

/* Whether it can be NULL where the columns are not known: true unless the opposite is certain. */
static bool nullable(const struct binder *binder, const struct expr *expr)
{
    expr = expr_strip(expr);
    if (expr->op == EXPR_CONST)
        return vec_is_null(&expr->constant.vec, 0);
    if (expr->op == EXPR_AGGREGATE)
        return !counts(binder->aggregates[expr->column].aggregate->name);
    if (expr->op != EXPR_CALL)
        return true;
    if (expr->kernel == kernel_is_null || expr->kernel == kernel_is_not_null ||
        expr->kernel == kernel_null_safe_equal)
        return false;
    bool logic = expr->kernel == kernel_and || expr->kernel == kernel_or ||
                 expr->kernel == kernel_not || expr->kernel == kernel_in || is_comparison(expr);
    bool found = !logic;
    for (uint32_t i = 0; i < expr->arg_count && !found; i++)
        found = nullable(binder, expr->args[i]);
    return found;
}

static int simplify(struct binder *binder, struct expr *expr, struct expr **out);

/* ---- negation ---- */

/* The comparison with the opposite result; -1: none. Only < <= > >= have one. */
static int opposite(const struct expr *expr)
{
    static const struct {
        const char *label;
        enum operator_token op;
    } opposites[] = {{"<", OP_GTE}, {"<=", OP_GT}, {">", OP_LTE}, {">=", OP_LT}};
    for (size_t i = 0; i < COUNT_OF(opposites); i++) {
        if (expr->op == EXPR_CALL && expr->form == FORM_INFIX &&
            str_is(expr->label, opposites[i].label))
            return opposites[i].op;
    }
    return -1;
}

/* Whether `b` is written as NOT a. */
static bool is_not_of(const struct expr *b, const struct expr *a)
{
    a = expr_strip(a);
    b = expr_strip(b);
    if (expr_is_call(b, kernel_not) && expr_equal(b->args[0], a))
        return true;
    int op = opposite(a);
    return op >= 0 && b->op == EXPR_CALL && b->form == FORM_INFIX && b->arg_count == 2 &&
           str_eq(b->label, binder_symbol((enum operator_token)op)) &&
           expr_equal(a->args[0], b->args[0]) && expr_equal(a->args[1], b->args[1]);
}

static int simplify_not(struct binder *binder, struct expr *term, struct expr *arg,
                        struct expr **out)
{
    const struct expr *inner = expr_strip(arg);
    int value = truth(inner);
    if (value >= 0)
        return make_truth(binder, term->offset, !value, out);
    if (value == -1) {
        *out = arg;
        return 0;
    }
    bool is_or = expr_is_call(inner, kernel_or);
    if (inner->op == EXPR_CALL && opposite(inner) >= 0)
        return bind_comparison(binder, inner->offset, (enum operator_token)opposite(inner),
                               inner->args[0], inner->args[1], out);
    if (is_or || expr_is_call(inner, kernel_and)) {
        struct expr *left, *right;
        int code = bind_not(binder, term->offset, inner->args[0], &left);
        if (code == 0)
            code = bind_not(binder, term->offset, inner->args[1], &right);
        return code == 0 ? bind_logic(binder, term->offset, is_or, left, right, out) : code;
    }
    if (expr_is_call(inner, kernel_not)) {
        *out = inner->args[0];
        return 0;
    }
    if (expr_is_call(inner, kernel_is_null) || expr_is_call(inner, kernel_is_not_null))
        return bind_null_test(binder, inner->offset, inner->kernel == kernel_is_null,
                              inner->args[0], out);
    *out = term;
    return arg == term->args[0] ? 0 : bind_not(binder, term->offset, arg, out);
}

/* ---- AND and OR ---- */

/* (a OR b) AND (a OR c) is a OR (b AND c), and the same with AND and OR exchanged. *out stays NULL
 * when the sides have nothing in common. */
static int factor(struct binder *binder, uint32_t offset, bool and, struct expr *const *sides,
                  struct expr **out)
{
    struct conjuncts terms[2] = {0}, common = {0}, rest[2] = {0};
    struct expr *joined[2], *both;
    int code = 0;
    for (uint32_t i = 0; i < 2 && code == 0; i++)
        code = conjuncts_flatten(binder, sides[i], !and, &terms[i]);
    if (code == 0)
        code = conjuncts_select(binder, &terms[0], &terms[1], true, &common);
    if (code != 0 || common.count == 0)
        return code;
    for (uint32_t i = 0; i < 2 && code == 0; i++) {
        code = conjuncts_select(binder, &terms[i], &common, false, &rest[i]);
        if (code == 0)
            code = conjuncts_reduce(binder, &rest[i], !and, &joined[i]);
    }
    if (code == 0 && rest[0].count && rest[1].count) {
        code = bind_logic(binder, offset, and, joined[0], joined[1], &both);
        if (code == 0)
            code = conjuncts_add(binder, &common, both);
    }
    return code == 0 ? conjuncts_reduce(binder, &common, !and, out) : code;
}

/* a AND (NOT a OR c) is a AND c if a is never NULL, and the same with AND and OR exchanged. *out
 * stays NULL otherwise. */
static int absorb(struct binder *binder, uint32_t offset, bool and, struct expr *const *sides,
                  struct expr **out)
{
    for (uint32_t i = 0; i < 2; i++) {
        const struct expr *pair = expr_strip(sides[1 - i]);
        if (!expr_is_call(pair, and? kernel_or : kernel_and) || nullable(binder, sides[i]))
            continue;
        for (uint32_t k = 0; k < 2; k++) {
            if (is_not_of(pair->args[k], sides[i]))
                return bind_logic(binder, offset, and, i == 0 ? sides[0] : pair->args[1 - k],
                                  i == 0 ? pair->args[1 - k] : sides[1], out);
        }
    }
    return 0;
}

/* a AND NOT a is false, but NULL where a is; a OR NOT a true. */
static int contradiction(struct binder *binder, uint32_t offset, bool and, struct expr *side,
                         struct expr **out)
{
    if (expr_is_call(expr_strip(side), kernel_not))
        side = expr_strip(side)->args[0];
    struct expr *known, *null = binder_null(binder, offset, type_simple(TYPE_BOOLEAN));
    int code = null ? bind_null_test(binder, offset, !and, side, &known) : ERR_NOMEM;
    return code == 0 ? bind_logic(binder, offset, and, known, null, out) : code;
}

static int simplify_logic(struct binder *binder, struct expr *term, struct expr *const *sides,
                          struct expr **out)
{
    bool and = expr_is_call(term, kernel_and);
    for (uint32_t i = 0; i < 2; i++) {
        if (truth(sides[i]) < 0)
            continue;
        *out = truth(sides[i]) == and? sides[1 - i] : sides[i];
        return 0;
    }
    if (is_not_of(sides[1], sides[0]) || is_not_of(sides[0], sides[1]))
        return contradiction(binder, term->offset, and, sides[0], out);
    *out = expr_equal(sides[0], sides[1]) ? sides[0] : NULL;
    int code = *out ? 0 : absorb(binder, term->offset, and, sides, out);
    if (code == 0 && !*out)
        code = factor(binder, term->offset, and, sides, out);
    if (code != 0 || *out)
        return code;
    *out = term;
    if (sides[0] == term->args[0] && sides[1] == term->args[1])
        return 0;
    return bind_logic(binder, term->offset, and, sides[0], sides[1], out);
}

/* ---- other terms ---- */

static bool has_null(const struct expr *term)
{
    for (uint32_t i = 0; i < term->arg_count; i++) {
        if (truth(term->args[i]) == -1)
            return true;
    }
    return false;
}

static int simplify_term(struct binder *binder, struct expr *term, struct expr **out)
{
    *out = term;
    if (eval_fold(term, binder->arena) != 0)
        return diag_nomem(binder->diag);
    if (term->op != EXPR_CALL)
        return 0;
    if (term->strict && !term->loose && has_null(term)) {
        *out = binder_null(binder, term->offset, term->type);
        return *out ? 0 : ERR_NOMEM;
    }
    bool is_null = term->kernel == kernel_is_null;
    if ((is_null || term->kernel == kernel_is_not_null) && !nullable(binder, term->args[0]))
        return make_truth(binder, term->offset, !is_null, out);
    if (term->kernel == kernel_null_safe_equal && expr_equal(term->args[0], term->args[1]))
        return make_truth(binder, term->offset, true, out);
    if (term->kernel == kernel_in && term->arg_count == 2 && term->args[1]->op == EXPR_CONST)
        return binder_infix(binder, term->offset, STR("="), term->type, term->compare,
                            term->args[0], term->args[1], out);
    return 0;
}

/* ---- CASE and coalesce ---- */

/* The branches that can be taken; the last is the ELSE where there is one. */
static uint32_t live_branches(const struct expr *term, struct expr **args)
{
    uint32_t kept = 0, i = 0;
    for (; i + 1 < term->arg_count; i += 2) {
        int value = truth(args[i]);
        if (value == 1) {
            args[kept++] = args[i + 1];
            return kept;
        }
        if (value == -2) {
            args[kept++] = args[i];
            args[kept++] = args[i + 1];
        }
    }
    if (i < term->arg_count)
        args[kept++] = args[i];
    return kept;
}

/* The only value that a CASE can have; NULL: there are several. */
static struct expr *only_value(struct expr **args, uint32_t count)
{
    bool same = count % 2;
    for (uint32_t i = 1; i + 1 < count && same; i += 2)
        same = expr_equal(args[i], args[count - 1]);
    return same ? args[count - 1] : NULL;
}

static uint32_t live_values(const struct binder *binder, const struct expr *term,
                            struct expr **args)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < term->arg_count; i++) {
        if (truth(args[i]) == -1)
            continue;
        args[kept++] = args[i];
        if (!nullable(binder, args[i]))
            break;
    }
    return kept;
}

static int simplify_choice(struct binder *binder, struct expr *term, struct expr **args,
                           struct expr **out)
{
    bool is_case = term->kernel == kernel_case;
    bool same = memcmp(args, term->args, term->arg_count * sizeof(struct expr *)) == 0;
    uint32_t count = is_case ? live_branches(term, args) : live_values(binder, term, args);
    *out = is_case ? only_value(args, count) : count == 1 ? args[0] : NULL;
    if (*out)
        return 0;
    if (count == 0) {
        *out = binder_null(binder, term->offset, term->type);
        return *out ? 0 : ERR_NOMEM;
    }
    *out = same && count == term->arg_count ? term : expr_with_args(binder, term, args, count);
    return *out ? 0 : ERR_NOMEM;
}

static int null_is_false(struct binder *binder, struct expr *expr, struct expr **out);

static int simplify_args(struct binder *binder, struct expr *term, struct expr **out)
{
    struct expr **args = ARENA_ARRAY(binder->arena, struct expr *, term->arg_count);
    bool is_case = term->kernel == kernel_case, negation = term->kernel == kernel_not;
    int code = args ? 0 : diag_nomem(binder->diag);
    for (uint32_t i = 0; i < term->arg_count && code == 0; i++) {
        code = simplify(binder, term->args[i], &args[i]);
        if (code == 0 && is_case && i % 2 == 0 && i + 1 < term->arg_count)
            code = null_is_false(binder, args[i], &args[i]);
    }
    if (code != 0)
        return code;
    if (is_case || term->kernel == kernel_coalesce)
        return simplify_choice(binder, term, args, out);
    return negation ? simplify_not(binder, term, args[0], out)
                    : simplify_logic(binder, term, args, out);
}

static int simplify(struct binder *binder, struct expr *expr, struct expr **out)
{
    /* Aliases that name aliases can stand for endless conditions: what is left then stays. */
    enum { EXPRESSIONS_MAX = 300000 };
    struct expr *term = expr_strip(expr);
    if (binder->simplified >= EXPRESSIONS_MAX) {
        *out = expr;
        return 0;
    }
    binder->simplified++;
    if (term->simpler) { /* what is used in several places below is simplified once */
        *out = term->simpler;
        return 0;
    }
    bool nested = expr_is_call(term, kernel_and) || expr_is_call(term, kernel_or) ||
                  expr_is_call(term, kernel_not) || expr_is_call(term, kernel_case) ||
                  expr_is_call(term, kernel_coalesce);
    int code = nested ? simplify_args(binder, term, out) : simplify_term(binder, term, out);
    if (code == 0)
        term->simpler = *out;
    return code;
}

static int decide(struct binder *binder, struct expr *term, struct expr **out)
{
    bool none = expr_is_call(term, kernel_not) && /* NOT IN with a NULL is never true */
                expr_is_call(expr_strip(term->args[0]), kernel_in) &&
                has_null(expr_strip(term->args[0]));
    if (truth(term) == -1 || none)
        return make_truth(binder, term->offset, false, out);
    *out = term;
    bool and = expr_is_call(term, kernel_and);
    if (!and&&!expr_is_call(term, kernel_or))
        return 0;
    struct expr *args[2];
    int code = null_is_false(binder, term->args[0], &args[0]);
    if (code == 0)
        code = null_is_false(binder, term->args[1], &args[1]);
    if (code != 0 || (args[0] == term->args[0] && args[1] == term->args[1]))
        return code;
    return bind_logic(binder, term->offset, and, args[0], args[1], out);
}

/* In a condition a NULL is as good as false, but for what stands below a NOT. */
static int null_is_false(struct binder *binder, struct expr *expr, struct expr **out)
{
    struct expr *term = expr_strip(expr), *made;
    if (!term->decided) {
        int code = decide(binder, term, &made);
        if (code != 0)
            return code;
        term->decided = made;
    }
    *out = term->decided == term ? expr : term->decided;
    return 0;
}

int condition_simplify(struct binder *binder, struct expr *condition, struct expr **out)
{
    int code = simplify(binder, condition, out);
    return code == 0 ? null_is_false(binder, *out, out) : code;
}
