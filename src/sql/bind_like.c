/* bind_like.c: LIKE, ILIKE, RLIKE and their lists. */
#include "sql/function_rules_text.h"
#include "sql/kernel_string.h"
#include "sql/kernels_text.h"

/* Lower case of an argument, as if lower() had been written: ILIKE is LIKE of both. */
static int make_lower(struct binder *binder, struct expr **expr)
{
    struct expr *call =
        binder_call(binder, (*expr)->offset, type_simple(TYPE_STRING), kernel_lower, expr, 1);
    if (!call)
        return ERR_NOMEM;
    call->label = STR("lower");
    *expr = call;
    return 0;
}

static int prepare_like(struct binder *binder, struct expr *call, struct str escape)
{
    const struct value *pattern;
    struct like *like = NULL;
    struct err err = {0};
    int code = binder_constant_value(binder, call->args[1], &pattern);
    if (code != 0)
        return code;
    if (!pattern || vec_is_null(&pattern->vec, 0)) {
        like = like_create_open(escape, binder->arena);
        code = like ? 0 : ERR_NOMEM;
    } else {
        code = like_create(&like, pattern->vec.str[0], escape, binder->arena, &err);
    }
    if (code == ERR_NOMEM)
        return diag_nomem(binder->diag);
    call->prepared = like;
    return code == 0 ? 0 : diag_fail(binder->diag, code, call->args[1]->offset, "%s", err.msg);
}

int bind_like_call(struct binder *binder, uint32_t offset, struct expr **args, bool nocase,
                   struct str escape, struct expr **out)
{
    struct buf label = {0};
    struct expr *pair[] = {args[0], args[1]};
    int code = 0;
    for (uint32_t i = 0; i < 2 && code == 0; i++)
        code = binder_param(binder, nocase ? "ILIKE" : "LIKE", i, PARAM_STRING, &pair[i]);
    if (code != 0)
        return code;
    buf_append_str(&label, nocase ? STR("ilike(") : STR(""));
    expr_print(pair[0], &label);
    buf_append_str(&label, nocase ? STR(", ") : STR(" LIKE "));
    expr_print(pair[1], &label);
    buf_append_str(&label, nocase ? STR(")") : STR(""));
    for (uint32_t i = 0; nocase && i < 2 && code == 0; i++)
        code = make_lower(binder, &pair[i]);
    if (code == 0)
        *out = binder_call(binder, offset, type_simple(TYPE_BOOLEAN), kernel_like, pair, 2);
    if (code == 0 && *out)
        code = rule_label(binder, *out, &label);
    buf_fini(&label);
    if (code != 0 || !*out)
        return code != 0 ? code : ERR_NOMEM;
    for (size_t i = 0; i < escape.n && !str_is(escape, "\\"); i++) /* another one: not equal */
        (*out)->column = (*out)->column << 8 | (unsigned char)escape.p[i];
    return prepare_like(binder, *out, escape);
}

static int bind_rlike(struct binder *binder, const struct ast *ast, struct expr **args,
                      struct expr **out)
{
    int code = 0;
    for (uint32_t i = 0; i < 2 && code == 0; i++)
        code = binder_param(binder, "RLIKE", i, PARAM_STRING, &args[i]);
    if (code != 0)
        return code;
    *out = binder_call(binder, ast->offset, type_simple(TYPE_BOOLEAN), kernel_rlike, args, 2);
    if (!*out)
        return ERR_NOMEM;
    (*out)->label = STR("RLIKE");
    return rule_prepare_regexp(binder, *out);
}

/* notlikeall(value), whose patterns Spark does not show. */
static int make_list(struct binder *binder, const struct ast *ast, struct expr **args,
                     struct like *const *patterns, struct expr **out)
{
    bool all = str_is(ast->text, "ALL");
    struct buf label = {0};
    struct expr *call = binder_call(binder, ast->offset, type_simple(TYPE_BOOLEAN),
                                    kernel_like_list, args, ast->arg_count);
    if (!call)
        return ERR_NOMEM;
    buf_printf(&label, "%slike%s(", ast->flag ? "not" : "", all ? "all" : "any");
    expr_print(args[0], &label);
    buf_append_char(&label, ')');
    int code = rule_label(binder, call, &label);
    buf_fini(&label);
    call->column = 1U + all * 2U + ast->flag; /* tells it from the other three */
    call->prepared = like_create_list(patterns, ast->arg_count - 1, all, ast->flag, binder->arena);
    *out = call;
    return code != 0 ? code : call->prepared ? 0 : diag_nomem(binder->diag);
}

/* Literal patterns are kept together, under Spark's name for it. */
static int bind_literals(struct binder *binder, const struct ast *ast, struct expr *value,
                         struct expr **out)
{
    bool nocase = ast->op == KW_ILIKE;
    struct like **patterns = ARENA_ARRAY(binder->arena, struct like *, ast->arg_count);
    struct expr **args = ARENA_ARRAY(binder->arena, struct expr *, ast->arg_count);
    int code = patterns && args ? 0 : diag_nomem(binder->diag);
    if (code == 0)
        code = binder_param(binder, "LIKE", 0, PARAM_STRING, &value);
    if (code == 0 && nocase)
        code = make_lower(binder, &value);
    for (uint32_t i = 1; i < ast->arg_count && code == 0; i++) {
        struct expr *like = NULL;
        code = bind_expr(binder, ast->args[i], &args[i]);
        if (code == 0 && nocase)
            code = make_lower(binder, &args[i]);
        struct expr *pair[2] = {value, args[i]};
        if (code == 0)
            code = bind_like_call(binder, ast->offset, pair, false, STR("\\"), &like);
        if (code == 0)
            patterns[i - 1] = like->prepared;
    }
    if (code != 0)
        return code;
    args[0] = value;
    return make_list(binder, ast, args, patterns, out);
}

/* Other patterns become an OR or AND of LIKEs. */
static int bind_list(struct binder *binder, const struct ast *ast, struct expr *value,
                     struct expr **out)
{
    bool all = str_is(ast->text, "ALL");
    int code = 0;
    *out = NULL;
    binder_share(binder, value);
    for (uint32_t i = 1; i < ast->arg_count && code == 0; i++) {
        struct expr *pair[2] = {value, NULL}, *like = NULL;
        code = bind_expr(binder, ast->args[i], &pair[1]);
        if (code == 0)
            code = bind_like_call(binder, ast->offset, pair, ast->op == KW_ILIKE, STR("\\"), &like);
        if (code == 0 && ast->flag)
            code = bind_not(binder, ast->offset, like, &like);
        if (code != 0 || !*out) {
            *out = like;
            continue;
        }
        struct expr *sides[] = {*out, like};
        *out = binder_call(binder, ast->offset, type_simple(TYPE_BOOLEAN),
                           all ? kernel_and : kernel_or, sides, 2);
        if (!*out)
            return ERR_NOMEM;
        (*out)->form = FORM_INFIX;
        (*out)->label = all ? STR("AND") : STR("OR");
        (*out)->strict = false;
    }
    return code;
}

static int bind_like_list(struct binder *binder, const struct ast *ast, struct expr **out)
{
    struct expr *value;
    int code = bind_expr(binder, ast->args[0], &value);
    if (code != 0)
        return code;
    bool literals = true;
    for (uint32_t i = 1; i < ast->arg_count; i++)
        literals &= ast->args[i]->kind == AST_STRING;
    return literals ? bind_literals(binder, ast, value, out) : bind_list(binder, ast, value, out);
}

int bind_like(struct binder *binder, const struct ast *ast, struct expr **out)
{
    struct expr *args[2];
    *out = NULL;
    if (ast->kind == AST_LIKE_LIST)
        return bind_like_list(binder, ast, out);
    struct str escape = ast->text.n ? ast->text : STR("\\");
    if (string_char_bytes(escape.p[0]) != escape.n || escape.n > 3)
        return diag_fail(binder->diag, ERR_INVALID, ast->offset, "ESCAPE takes a single character");
    int code = bind_expr(binder, ast->args[0], &args[0]);
    if (code == 0)
        code = bind_expr(binder, ast->args[1], &args[1]);
    if (code == 0 && ast->op == KW_RLIKE)
        code = bind_rlike(binder, ast, args, out);
    else if (code == 0)
        code = bind_like_call(binder, ast->offset, args, ast->op == KW_ILIKE, escape, out);
    if (code == 0 && ast->flag)
        code = bind_not(binder, ast->offset, *out, out);
    return code;
}
