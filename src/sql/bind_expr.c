/* bind_expr.c: one node of the ast after the other. */
#include "sql/binder_impl.h"

static int bind_two(struct binder *binder, const struct ast *ast, struct expr **left,
                    struct expr **right)
{
    int code = bind_expr(binder, ast->args[0], left);
    return code == 0 ? bind_expr(binder, ast->args[1], right) : code;
}

/* a || b is concat(a, b). */
static int bind_concat(struct binder *binder, const struct ast *ast, struct expr **out)
{
    struct ast_part name = {STR("concat"), ast->offset};
    struct ast_call clauses = {0};
    struct ast call = *ast;
    call.kind = AST_CALL;
    call.parts = &name;
    call.part_count = 1;
    call.call = &clauses;
    return bind_call(binder, &call, out);
}

static int bind_binary(struct binder *binder, const struct ast *ast, struct expr **out)
{
    struct expr *left, *right;
    if (ast->op == OP_CONCAT)
        return bind_concat(binder, ast, out);
    int code = bind_two(binder, ast, &left, &right);
    if (code != 0)
        return code;
    if (ast->op >= OP_EQ && ast->op <= OP_GTE)
        return bind_comparison(binder, ast->offset, ast->op, left, right, out);
    return bind_arithmetic(binder, ast->offset, ast->op, left, right, out);
}

/* A condition beside AND or OR. */
static int bind_side(struct binder *binder, const struct ast *ast, const char *what,
                     struct expr **out)
{
    int code = bind_expr(binder, ast, out);
    return code == 0 ? binder_boolean(binder, out, true, what) : code;
}

int bind_logic(struct binder *binder, uint32_t offset, bool and, struct expr *left,
               struct expr *right, struct expr **out)
{
    struct expr *args[] = {left, right};
    *out = binder_call(binder, offset, type_simple(TYPE_BOOLEAN), and? kernel_and : kernel_or, args,
                       2);
    if (!*out)
        return ERR_NOMEM;
    (*out)->form = FORM_INFIX;
    (*out)->label = and? STR("AND") : STR("OR");
    (*out)->strict = false;
    return 0;
}

static int bind_logic_node(struct binder *binder, const struct ast *ast, struct expr **out)
{
    struct expr *left, *right;
    bool and = ast->kind == AST_AND;
    const char *what = and? "a side of AND" : "a side of OR";
    int code = bind_side(binder, ast->args[0], what, &left);
    code = diag_both(code, bind_side(binder, ast->args[1], what, &right));
    return code == 0 ? bind_logic(binder, ast->offset, and, left, right, out) : code;
}

int bind_null_test(struct binder *binder, uint32_t offset, bool negated, struct expr *arg,
                   struct expr **out)
{
    *out = binder_call(binder, offset, type_simple(TYPE_BOOLEAN),
                       negated ? kernel_is_not_null : kernel_is_null, &arg, 1);
    if (!*out)
        return ERR_NOMEM;
    (*out)->form = FORM_POSTFIX;
    (*out)->label = negated ? STR("IS NOT NULL") : STR("IS NULL");
    (*out)->strict = false;
    return 0;
}

/* x IS TRUE is x <=> true, and so on. */
static int bind_is(struct binder *binder, const struct ast *ast, struct expr **out)
{
    struct expr *value, *other;
    int code = bind_expr(binder, ast->args[0], &value);
    if (code != 0)
        return code;
    if (ast->kind == AST_IS_NULL || ast->op == KW_UNKNOWN)
        return bind_null_test(binder, ast->offset, ast->flag, value, out);
    bool negated = ast->flag;
    if (ast->kind == AST_IS_DISTINCT) {
        negated = !negated;
        code = bind_expr(binder, ast->args[1], &other);
    } else {
        uint8_t truth = ast->op == KW_TRUE;
        other = binder_constant(binder, ast->offset, type_simple(TYPE_BOOLEAN), &truth,
                                truth ? STR("true") : STR("false"));
        code = other ? 0 : ERR_NOMEM;
    }
    if (code == 0)
        code = bind_comparison(binder, ast->offset, OP_NSEQ, value, other, out);
    return code == 0 && negated ? bind_not(binder, ast->offset, *out, out) : code;
}

static int bind_between(struct binder *binder, const struct ast *ast, struct expr **out)
{
    struct expr *value, *low, *high;
    int code = bind_two(binder, ast, &value, &low);
    if (code == 0)
        code = bind_expr(binder, ast->args[2], &high);
    if (code != 0)
        return code;
    binder_share(binder, value);
    code = bind_comparison(binder, ast->offset, OP_GTE, value, low, &low);
    if (code == 0)
        code = bind_comparison(binder, ast->offset, OP_LTE, value, high, &high);
    if (code == 0)
        code = bind_logic(binder, ast->offset, true, low, high, out);
    return code == 0 && ast->flag ? bind_not(binder, ast->offset, *out, out) : code;
}

static int bind_in(struct binder *binder, const struct ast *ast, struct expr **out)
{
    struct expr **args = ARENA_ARRAY(binder->arena, struct expr *, ast->arg_count);
    const struct type **types = ARENA_ARRAY(binder->arena, const struct type *, ast->arg_count);
    if (!args || !types)
        return diag_nomem(binder->diag);
    for (uint32_t i = 0; i < ast->arg_count; i++) {
        int code = bind_expr(binder, ast->args[i], &args[i]);
        if (code != 0)
            return code;
        types[i] = args[i]->type;
    }
    const struct type *type;
    if (types_common_all(binder->arena, types, ast->arg_count, &type) != 0)
        return diag_nomem(binder->diag);
    if (!type && binder_same_shape(types, ast->arg_count))
        type = types[0];
    if (!type)
        return binder_no_common(binder, ast->offset, "IN", types, ast->arg_count);
    if (binder_has_interval(type, true))
        return binder_mismatch(binder, ast->offset, "compare", args[0], args[1]);
    if (type->kind == TYPE_VOID)
        type = type_simple(TYPE_BOOLEAN);
    int code = binder_convert_all(binder, args, ast->arg_count, type);
    if (code != 0)
        return code;
    *out = binder_call(binder, ast->offset, type_simple(TYPE_BOOLEAN), kernel_in, args,
                       ast->arg_count);
    if (!*out)
        return ERR_NOMEM;
    (*out)->form = FORM_IN;
    (*out)->strict = false;
    (*out)->compare = kernel_compare(COMPARE_EQ, type->kind);
    return ast->flag ? bind_not(binder, ast->offset, *out, out) : 0;
}

/* CASE value WHEN a THEN b is CASE WHEN value = a THEN b. */
static int bind_case_node(struct binder *binder, const struct ast *ast, struct expr **out)
{
    uint32_t count = ast->arg_count - ast->flag;
    struct expr **args = ARENA_ARRAY(binder->arena, struct expr *, count);
    struct expr *value = NULL;
    if (!args)
        return diag_nomem(binder->diag);
    int code = 0;
    if (ast->flag) {
        code = bind_expr(binder, ast->args[0], &value);
        if (code == 0)
            binder_share(binder, value);
    }
    for (uint32_t i = 0; i < count && code == 0; i++) {
        const struct ast *arg = ast->args[i + ast->flag];
        code = bind_expr(binder, arg, &args[i]);
        bool when = i % 2 == 0 && i + 1 < count;
        if (code == 0 && value && when)
            code = bind_comparison(binder, arg->offset, OP_EQ, value, args[i], &args[i]);
    }
    return code == 0 ? bind_case(binder, ast->offset, args, count, "CASE", out) : code;
}

static int bind_unary_node(struct binder *binder, const struct ast *ast, struct expr **out)
{
    struct expr *arg;
    int code = bind_expr(binder, ast->args[0], &arg);
    if (code != 0)
        return code;
    if (ast->kind == AST_NOT)
        return bind_not(binder, ast->offset, arg, out);
    return bind_unary(binder, ast->offset, ast->op, arg, out);
}

static int bind_node(struct binder *binder, const struct ast *ast, struct expr **out)
{
    switch ((enum ast_kind)ast->kind) {
    case AST_NULL:
    case AST_BOOLEAN:
    case AST_STRING:
    case AST_NUMBER:
    case AST_TYPED:
        return bind_literal(binder, ast, out);
    case AST_NAME:
        return bind_name(binder, ast, out);
    case AST_STAR:
        return diag_fail(
            binder->diag, ERR_INVALID, ast->offset,
            "* stands only between the commas of SELECT, or of a function's arguments");
    case AST_UNARY:
    case AST_NOT:
        return bind_unary_node(binder, ast, out);
    case AST_BINARY:
        return bind_binary(binder, ast, out);
    case AST_AND:
    case AST_OR:
        return bind_logic_node(binder, ast, out);
    case AST_IS_NULL:
    case AST_IS_BOOLEAN:
    case AST_IS_DISTINCT:
        return bind_is(binder, ast, out);
    case AST_IN:
        return bind_in(binder, ast, out);
    case AST_BETWEEN:
        return bind_between(binder, ast, out);
    case AST_CASE:
        return bind_case_node(binder, ast, out);
    case AST_CAST:
        return bind_explicit_cast(binder, ast, out);
    case AST_CALL:
        return bind_call(binder, ast, out);
    case AST_INTERVAL:
        return bind_interval(binder, ast, out);
    case AST_LIKE:
    case AST_LIKE_LIST:
        return bind_like(binder, ast, out);
    case AST_FIELD:
        return bind_field(binder, ast, out);
    case AST_INDEX:
        return bind_index(binder, ast, out);
    case AST_ROW:
        return bind_row(binder, ast, out);
    }
    return ERR_UNSUPPORTED;
}

/* The next part of a node to bind: an argument, or the condition of FILTER; NULL: none is left. A *
 * between arguments has nothing to bind. */
static const struct ast *next_part(struct bind_frame *frame)
{
    const struct ast *ast = frame->ast;
    while (frame->next < ast->arg_count && ast->args[frame->next]->kind == AST_STAR)
        frame->next++;
    if (frame->next < ast->arg_count)
        return ast->args[frame->next];
    return frame->next == ast->arg_count && ast->call ? ast->call->filter : NULL;
}

int bind_expr(struct binder *binder, const struct ast *ast, struct expr **out)
{
    struct bind_frame *outer = binder->frame, frame = {.ast = ast};
    if (outer && next_part(outer) == ast)
        outer->next++;
    binder->frame = &frame;
    int code = bind_node(binder, ast, out);
    /* Where it stopped at a problem, the rest may have others. */
    const struct ast *part;
    while (code != 0 && code != ERR_NOMEM && (part = next_part(&frame))) {
        struct expr *unused;
        code = diag_both(code, bind_expr(binder, part, &unused));
    }
    binder->frame = outer;
    return code;
}
