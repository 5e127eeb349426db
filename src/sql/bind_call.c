/* bind_call.c: function calls, by the catalogue. */
#include "sql/binder_impl.h"

static int unknown_function(struct binder *binder, const struct ast *ast)
{
    struct str name = ast->parts[0].text;
    if (ast->part_count > 1)
        return diag_fail(binder->diag, ERR_INVALID, ast->offset,
                         "unknown function \"%.*s.%.*s\": function names have no qualifier",
                         DIAG_ARG(name), DIAG_ARG(ast->parts[1].text));
    switch (catalogue_spark(name)) {
    case SPARK_SCALAR:
        return diag_fail(binder->diag, ERR_UNSUPPORTED, ast->offset,
                         "the function \"%.*s\" is not supported yet", DIAG_ARG(name));
    case SPARK_AGGREGATE:
        return diag_fail(binder->diag, ERR_UNSUPPORTED, ast->offset,
                         "the aggregate function \"%.*s\" is not supported yet", DIAG_ARG(name));
    case SPARK_NONDETERMINISTIC:
        return diag_fail(binder->diag, ERR_UNSUPPORTED, ast->offset,
                         "the function \"%.*s\" is refused: it would give other results when a "
                         "batch is repeated",
                         DIAG_ARG(name));
    case SPARK_UNKNOWN:
        break;
    }
    const char *guess = catalogue_suggest(name);
    return diag_fail(binder->diag, ERR_INVALID, ast->offset, "unknown function \"%.*s\"%s%s%s",
                     DIAG_ARG(name), guess ? ": did you mean \"" : "", guess ? guess : "",
                     guess ? "\"?" : "");
}

static int wrong_count(struct binder *binder, const struct ast *ast,
                       const struct function *function)
{
    const char *s = function->args_max == 1 && function->args_min == 1 ? "" : "s";
    if (function->args_max == FUNCTION_ANY)
        return diag_fail(binder->diag, ERR_INVALID, ast->offset,
                         "%s takes at least %u argument%s, not %u", function->name,
                         function->args_min, function->args_min == 1 ? "" : "s", ast->arg_count);
    if (function->args_min != function->args_max)
        return diag_fail(binder->diag, ERR_INVALID, ast->offset,
                         "%s takes %u to %u arguments, not %u", function->name, function->args_min,
                         function->args_max, ast->arg_count);
    return diag_fail(binder->diag, ERR_INVALID, ast->offset, "%s takes %u argument%s, not %u",
                     function->name, function->args_min, s, ast->arg_count);
}

/* TRIM(BOTH x FROM y) and locate-like forms arrive with more arguments than are built. */
static bool spark_takes_more(const struct function *function, uint32_t count)
{
    static const char *const names[] = {"trim", "ltrim", "rtrim"};
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        if (strcmp(function->name, names[i]) == 0)
            return count == 2;
    }
    return false;
}

static int check_clauses(struct binder *binder, const struct ast *ast,
                         const struct function *function)
{
    if (ast->call->star)
        return diag_fail(binder->diag, ERR_INVALID, ast->offset, "%s does not take *",
                         function->name);
    if (ast->call->distinct || ast->call->filter || ast->call->ignore_nulls)
        return diag_fail(binder->diag, ERR_INVALID, ast->call->clause_offset,
                         "%s is no aggregate function: it takes no %s", function->name,
                         ast->call->distinct ? "DISTINCT"
                         : ast->call->filter ? "FILTER"
                                             : "IGNORE NULLS");
    if (spark_takes_more(function, ast->arg_count))
        return diag_fail(binder->diag, ERR_UNSUPPORTED, ast->offset,
                         "%s with the characters to remove is not supported yet", function->name);
    if (ast->arg_count < function->args_min ||
        (function->args_max != FUNCTION_ANY && ast->arg_count > function->args_max))
        return wrong_count(binder, ast, function);
    return 0;
}

/* TypeCoercion.implicitCast to what the parameter takes. */
static int convert_argument(struct binder *binder, const struct function *function, uint32_t i,
                            struct expr **arg)
{
    uint32_t last = FUNCTION_PARAMS_MAX - 1;
    enum type_kind kind = (*arg)->type->kind;
    char name[120];
    switch ((enum function_param)function->params[i < last ? i : last]) {
    case PARAM_ANY:
        return 0;
    case PARAM_STRING:
        return binder_convert(binder, arg, type_simple(TYPE_STRING));
    case PARAM_INT:
        if (type_is_numeric(kind) || kind == TYPE_STRING || kind == TYPE_VOID)
            return binder_convert(binder, arg, type_simple(TYPE_INT));
        break;
    case PARAM_NUMERIC:
        if (kind == TYPE_STRING || kind == TYPE_VOID)
            return binder_convert(binder, arg, type_simple(TYPE_DOUBLE));
        if (type_is_numeric(kind))
            return binder_check_built(binder, (*arg)->type, (*arg)->offset);
        break;
    }
    return diag_fail(binder->diag, ERR_INVALID, (*arg)->offset,
                     "argument %u of %s must be a number, not %s", i + 1, function->name,
                     types_name((*arg)->type, name));
}

static int lower_label(struct binder *binder, struct str name, struct str *label)
{
    struct str copy = arena_str(binder->arena, name);
    if (!copy.p)
        return diag_nomem(binder->diag);
    char *p = (char *)(uintptr_t)copy.p;
    for (size_t i = 0; i < copy.n; i++)
        p[i] = p[i] >= 'A' && p[i] <= 'Z' ? (char)(p[i] + 32) : p[i];
    *label = copy;
    return 0;
}

int bind_call(struct binder *binder, const struct ast *ast, struct expr **out)
{
    const struct function *function =
        ast->part_count == 1 ? catalogue_find(ast->parts[0].text) : NULL;
    if (!function)
        return unknown_function(binder, ast);
    int code = check_clauses(binder, ast, function);
    if (code != 0)
        return code;
    struct expr **args = ARENA_ARRAY(binder->arena, struct expr *, ast->arg_count);
    if (!args)
        return diag_nomem(binder->diag);
    for (uint32_t i = 0; i < ast->arg_count && code == 0; i++) {
        code = bind_expr(binder, ast->args[i], &args[i]);
        if (code == 0)
            code = convert_argument(binder, function, i, &args[i]);
    }
    if (code != 0)
        return code;
    const struct type *type = type_simple(function->rule ? TYPE_VOID : function->result);
    struct expr *call =
        binder_call(binder, ast->offset, type, function->kernel, args, ast->arg_count);
    if (!call)
        return ERR_NOMEM;
    call->strict = function->strict;
    call->volatile_ = function->varies;
    code = lower_label(binder, ast->parts[0].text, &call->label);
    if (code == 0 && function->rule)
        code = function->rule(binder, function, call);
    *out = call;
    return code;
}
