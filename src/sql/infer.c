/* infer.c: conditions that follow from others, as Spark's optimizer finds them: attributes that a
 * true term needs to be not NULL and what an equality says of its other side
 * (QueryPlanConstraints.scala), and constants that take a column's place (ConstantPropagation). */
#include "sql/binder_impl.h"
#include "sql/kernel.h"

/* More is not looked at. What is used in several places below counts there again. */
enum {
    NODES_MAX = 20000,    /* in one condition */
    TERMS_MAX = 1000,     /* that equalities are put into */
    EQUALITIES_MAX = 100, /* with constants */
};

struct infer {
    struct binder *binder;
    bool groups; /* the terms are of HAVING: attributes are keys and aggregates */
    uint32_t nodes;
    struct conjuncts from, to; /* what is put in the place of what */
};

/* What has a name in Spark's plan: a column, and above GROUP BY its keys and aggregates. */
static bool is_attribute(const struct infer *infer, const struct expr *expr)
{
    if (expr->op == EXPR_CONST)
        return false;
    return expr->op != EXPR_CALL || (infer->groups && binder_is_key(infer->binder, expr));
}

/* ---- IS NOT NULL ---- */

static bool is_field_of_attribute(const struct infer *infer, const struct expr *expr)
{
    while (bind_is_field(expr))
        expr = expr_strip(expr->args[0]);
    return is_attribute(infer, expr);
}

static int scan(struct infer *infer, struct expr *expr, struct conjuncts *out)
{
    expr = expr_strip(expr);
    if (expr->op == EXPR_CONST || ++infer->nodes > NODES_MAX)
        return 0;
    if (is_attribute(infer, expr) || is_field_of_attribute(infer, expr)) {
        bool known = (expr->traits & TRAIT_AGGREGATE) || conjuncts_contain(out, expr);
        return known ? 0 : conjuncts_add(infer->binder, out, expr);
    }
    int code = 0;
    for (uint32_t i = 0; i < expr->arg_count && code == 0 && expr->strict && !expr->loose; i++)
        code = scan(infer, expr->args[i], out);
    return code;
}

int infer_not_null(struct binder *binder, bool groups, const struct conjuncts *terms,
                   struct conjuncts *out)
{
    struct infer infer = {.binder = binder, .groups = groups};
    int code = 0;
    for (uint32_t i = 0; i < terms->count && code == 0; i++) {
        struct expr *term = expr_strip(terms->items[i]);
        if (expr_is_call(term, kernel_is_not_null))
            term = term->args[0];
        code = scan(&infer, term, out);
    }
    return code;
}

/* ---- one expression in the place of another ---- */

static int substitute(struct infer *infer, struct expr *expr, struct expr **out);

static int substitute_args(struct infer *infer, struct expr *expr, struct expr **out)
{
    struct binder *binder = infer->binder;
    struct expr **args = ARENA_ARRAY(binder->arena, struct expr *, expr->arg_count);
    bool same = true;
    if (!args)
        return diag_nomem(binder->diag);
    for (uint32_t i = 0; i < expr->arg_count; i++) {
        int code = substitute(infer, expr->args[i], &args[i]);
        if (code != 0)
            return code;
        same = same && args[i] == expr->args[i];
    }
    *out = same ? expr : expr_with_args(binder, expr, args, expr->arg_count);
    return *out ? 0 : ERR_NOMEM;
}

static int substitute(struct infer *infer, struct expr *expr, struct expr **out)
{
    *out = expr;
    if (expr->op == EXPR_CONST || ++infer->nodes > NODES_MAX)
        return 0;
    const struct expr *bare = expr_strip(expr);
    if (!is_attribute(infer, bare))
        return substitute_args(infer, expr, out);
    for (uint32_t i = 0; i < infer->from.count; i++) {
        if (expr_equal(bare, infer->from.items[i]))
            *out = infer->to.items[i];
    }
    return 0;
}

static int replace_by(struct infer *infer, struct expr *from, struct expr *to)
{
    int code = conjuncts_add(infer->binder, &infer->from, from);
    return code == 0 ? conjuncts_add(infer->binder, &infer->to, to) : code;
}

static bool is_equality(const struct expr *expr)
{
    return expr->op == EXPR_CALL && expr->form == FORM_INFIX && expr->arg_count == 2 &&
           (str_is(expr->label, "=") || str_is(expr->label, "<=>"));
}

/* ---- equalities of attributes ---- */

static bool is_cast_of_attribute(const struct infer *infer, const struct expr *expr)
{
    return expr->op == EXPR_CALL && expr->arg_count == 1 &&
           (expr->form == FORM_CAST || expr->form == FORM_HIDDEN) &&
           is_attribute(infer, expr_strip(expr->args[0]));
}

/* The other terms with `to` in the place of `from`. */
static int add_replaced(struct infer *infer, const struct conjuncts *terms, uint32_t equality,
                        struct expr *from, struct expr *to, struct conjuncts *out)
{
    infer->from.count = infer->to.count = 0;
    int code = replace_by(infer, from, to);
    for (uint32_t i = 0; i < terms->count && code == 0; i++) {
        struct expr *term = expr_strip(terms->items[i]), *made;
        bool same_sides = is_equality(term) && is_equality(terms->items[equality]) &&
                          expr_equal(term->args[0], terms->items[equality]->args[0]) &&
                          expr_equal(term->args[1], terms->items[equality]->args[1]);
        if (i == equality || same_sides || expr_is_call(term, kernel_is_not_null))
            continue;
        code = substitute(infer, term, &made);
        if (code == 0 && made != term && infer->nodes <= NODES_MAX)
            code = conjuncts_add(infer->binder, out, made);
    }
    return code;
}

int infer_equal(struct binder *binder, bool groups, const struct conjuncts *terms,
                struct conjuncts *out)
{
    struct infer infer = {.binder = binder, .groups = groups};
    int code = 0;
    for (uint32_t i = 0; i < terms->count && terms->count <= TERMS_MAX && code == 0; i++) {
        const struct expr *term = expr_strip(terms->items[i]);
        if (!is_equality(term) || str_is(term->label, "<=>"))
            continue;
        for (uint32_t k = 0; k < 2 && code == 0; k++) {
            struct expr *from = expr_strip(term->args[k]), *to = expr_strip(term->args[1 - k]);
            if (is_attribute(&infer, from) &&
                (is_attribute(&infer, to) || is_cast_of_attribute(&infer, to)))
                code = add_replaced(&infer, terms, i, from, to, out);
        }
    }
    return code;
}

/* ---- attributes that equal a constant ---- */

static int propagate(struct infer *infer, struct expr *expr, struct conjuncts *equalities,
                     struct expr **out);

/* Where the attributes that a constant is known of are compared, the constants. */
static int put_constants(struct infer *infer, struct expr *expr, const struct conjuncts *equalities,
                         struct expr **out)
{
    struct binder *binder = infer->binder;
    struct expr *term = expr_strip(expr), *args[2];
    bool and = expr_is_call(term, kernel_and), not = expr_is_call(term, kernel_not);
    *out = expr;
    if (++infer->nodes > NODES_MAX)
        return 0;
    if (is_equality(term))
        return conjuncts_contain(equalities, term) ? 0 : substitute(infer, term, out);
    if (!and&&!not &&!expr_is_call(term, kernel_or))
        return 0;
    int code = 0;
    bool same = true;
    for (uint32_t i = 0; i < term->arg_count && code == 0; i++) {
        code = put_constants(infer, term->args[i], equalities, &args[i]);
        same = same && args[i] == term->args[i];
    }
    if (code != 0 || same)
        return code;
    return not ? bind_not(binder, term->offset, args[0], out)
               : bind_logic(binder, term->offset, and, args[0], args[1], out);
}

/* One side of an AND or an OR, or a whole condition: equalities in it hold for all of it. */
static int propagate_alone(struct infer *infer, struct expr *expr, struct expr **out)
{
    struct conjuncts equalities = {0};
    int code = propagate(infer, expr, &equalities, out);
    if (code != 0 || equalities.count == 0 || equalities.count > EQUALITIES_MAX ||
        !expr_is_call(expr_strip(expr), kernel_and))
        return code;
    infer->from.count = infer->to.count = 0;
    for (uint32_t i = 0; i < equalities.count && code == 0; i++) {
        const struct expr *equality = equalities.items[i];
        uint32_t constant = expr_strip(equality->args[1])->op == EXPR_CONST;
        code = replace_by(infer, expr_strip(equality->args[!constant]), equality->args[constant]);
    }
    return code == 0 ? put_constants(infer, *out, &equalities, out) : code;
}

static int propagate(struct infer *infer, struct expr *expr, struct conjuncts *equalities,
                     struct expr **out)
{
    struct expr *term = expr_strip(expr), *args[2];
    bool and = expr_is_call(term, kernel_and);
    *out = expr;
    if (++infer->nodes > NODES_MAX)
        return 0;
    if (is_equality(term)) {
        const struct expr *left = expr_strip(term->args[0]), *right = expr_strip(term->args[1]);
        bool found = (is_attribute(infer, left) && right->op == EXPR_CONST) ||
                     (is_attribute(infer, right) && left->op == EXPR_CONST);
        return found ? conjuncts_add(infer->binder, equalities, term) : 0;
    }
    if (!and&&!expr_is_call(term, kernel_or))
        return 0;
    int code = 0;
    for (uint32_t i = 0; i < 2 && code == 0; i++)
        code = and? propagate(infer, term->args[i], equalities, &args[i])
                  : propagate_alone(infer, term->args[i], &args[i]);
    if (code != 0 || (args[0] == term->args[0] && args[1] == term->args[1]))
        return code;
    return bind_logic(infer->binder, term->offset, and, args[0], args[1], out);
}

int infer_constants(struct binder *binder, bool groups, struct expr *condition, struct expr **out)
{
    struct infer infer = {.binder = binder, .groups = groups};
    int code = propagate_alone(&infer, condition, out);
    if (infer.nodes > NODES_MAX)
        *out = condition;
    return code;
}
