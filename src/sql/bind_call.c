/* bind_call.c: function calls, by the catalogue. */
#include "sql/bind_star.h"

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

static int check_count(struct binder *binder, const struct ast *ast,
                       const struct function *function, uint32_t n)
{
    const char *s = function->args_min == 1 ? "" : "s";
    if (n >= function->args_min && (function->args_max == FUNCTION_ANY || n <= function->args_max))
        return 0;
    if (function->args_max == FUNCTION_ANY)
        return diag_fail(binder->diag, ERR_INVALID, ast->offset,
                         "%s takes at least %u argument%s, not %u", function->name,
                         function->args_min, s, n);
    if (function->args_min != function->args_max)
        return diag_fail(binder->diag, ERR_INVALID, ast->offset,
                         "%s takes %u to %u arguments, not %u", function->name, function->args_min,
                         function->args_max, n);
    return diag_fail(binder->diag, ERR_INVALID, ast->offset, "%s takes %u argument%s, not %u",
                     function->name, function->args_min, s, n);
}

static int check_clauses(struct binder *binder, const struct ast *ast,
                         const struct function *function)
{
    if (ast->call->distinct || ast->call->filter || ast->call->ignore_nulls)
        return diag_fail(binder->diag, ERR_INVALID, ast->call->clause_offset,
                         "%s is no aggregate function: it takes no %s", function->name,
                         ast->call->distinct ? "DISTINCT"
                         : ast->call->filter ? "FILTER"
                                             : "IGNORE NULLS");
    return ast->call->star ? 0 : check_count(binder, ast, function, ast->arg_count);
}

/* The type an argument becomes; NULL: Spark does not convert it. */
static const struct type *param_type(enum function_param param, const struct type *from)
{
    enum type_kind kind = from->kind;
    bool text = kind == TYPE_STRING || kind == TYPE_VOID, number = type_is_numeric(kind);
    bool simple = kind != TYPE_STRUCT && kind != TYPE_ARRAY && kind != TYPE_INTERVAL;
    switch (param) {
    case PARAM_REPEAT:
    case PARAM_ANY:
        return from;
    case PARAM_STRING:
        return simple ? type_simple(TYPE_STRING) : NULL;
    case PARAM_BINARY:
        return text || kind == TYPE_BINARY ? type_simple(TYPE_BINARY) : NULL;
    case PARAM_TEXT:
        return kind == TYPE_BINARY ? from : simple ? type_simple(TYPE_STRING) : NULL;
    case PARAM_BOOLEAN:
        return text || kind == TYPE_BOOLEAN ? type_simple(TYPE_BOOLEAN) : NULL;
    case PARAM_INT:
        return text || number ? type_simple(TYPE_INT) : NULL;
    case PARAM_BIGINT:
        return text || number ? type_simple(TYPE_BIGINT) : NULL;
    case PARAM_DOUBLE:
        return text || number ? type_simple(TYPE_DOUBLE) : NULL;
    case PARAM_NUMERIC:
        return text ? type_simple(TYPE_DOUBLE) : number ? from : NULL;
    case PARAM_INTEGRAL:
        return type_is_integral(kind) ? from : text || number ? type_simple(TYPE_BIGINT) : NULL;
    case PARAM_DATE:
        return text || type_is_time(kind) ? type_simple(TYPE_DATE) : NULL;
    case PARAM_TIMESTAMP:
        return text || type_is_time(kind) ? type_simple(TYPE_TIMESTAMP) : NULL;
    case PARAM_ARRAY:
        return kind == TYPE_ARRAY ? from : NULL;
    }
    return NULL;
}

static const char *param_name(enum function_param param)
{
    static const char *const names[] = {
        [PARAM_REPEAT] = "anything",
        [PARAM_ANY] = "anything",
        [PARAM_STRING] = "a STRING",
        [PARAM_BINARY] = "a BINARY",
        [PARAM_TEXT] = "a STRING or BINARY",
        [PARAM_BOOLEAN] = "a BOOLEAN",
        [PARAM_INT] = "a number",
        [PARAM_BIGINT] = "a number",
        [PARAM_DOUBLE] = "a number",
        [PARAM_NUMERIC] = "a number",
        [PARAM_INTEGRAL] = "an integer",
        [PARAM_DATE] = "a DATE",
        [PARAM_TIMESTAMP] = "a TIMESTAMP",
        [PARAM_ARRAY] = "an ARRAY",
    };
    return names[param];
}

int binder_param(struct binder *binder, const char *name, uint32_t i, enum function_param param,
                 struct expr **arg)
{
    char from[120];
    const struct type *type = param_type(param, (*arg)->type);
    if (!type)
        return diag_fail(binder->diag, ERR_INVALID, (*arg)->offset,
                         "argument %u of %s must be %s, not %s", i + 1, name, param_name(param),
                         types_name((*arg)->type, from));
    return binder_convert(binder, arg, type);
}

static int convert_argument(struct binder *binder, const struct function *function, uint32_t i,
                            struct expr **arg)
{
    uint32_t param = i < FUNCTION_PARAMS_MAX ? i : FUNCTION_PARAMS_MAX - 1;
    while (param > 0 && function->params[param] == PARAM_REPEAT)
        param--;
    return binder_param(binder, function->name, i, function->params[param], arg);
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
    struct str name = ast->part_count == 1 ? ast->parts[0].text : (struct str){0};
    const struct aggregate *aggregate = aggregate_find(name);
    if (aggregate)
        return bind_aggregate(binder, ast, aggregate, out);
    if (str_eq_nocase(name, STR("window")) || str_eq_nocase(name, STR("session_window")))
        return bind_window(binder, ast, name.n > 6, out);
    const struct function *function =
        ast->part_count == 1 ? catalogue_find(ast->parts[0].text) : NULL;
    if (!function)
        return unknown_function(binder, ast);
    int code = check_clauses(binder, ast, function);
    if (code != 0)
        return code;
    struct expr **args;
    uint32_t arg_count;
    code = bind_arguments(binder, ast, &args, &arg_count);
    if (code == 0)
        code = check_count(binder, ast, function, arg_count);
    for (uint32_t i = 0, failed = code != 0; i < arg_count && !failed; i++)
        code = diag_both(code, convert_argument(binder, function, i, &args[i]));
    if (code != 0)
        return code;
    bool composite = function->result == TYPE_DECIMAL || function->result == TYPE_STRUCT ||
                     function->result == TYPE_ARRAY; /* the rule makes the type */
    const struct type *type = type_simple(composite ? TYPE_VOID : (enum type_kind)function->result);
    struct expr *call = binder_call(binder, ast->offset, type, function->kernel, args, arg_count);
    if (!call)
        return ERR_NOMEM;
    call->strict = function->flags & FUNCTION_STRICT;
    call->loose = function->flags & FUNCTION_LOOSE;
    call->volatile_ = function->flags & FUNCTION_VARIES;
    if (call->volatile_ && !str_eq_nocase(ast->parts[0].text, STR("now"))) /* Spark fixes now() */
        call->traits |= TRAIT_BATCH_TIME;
    code = lower_label(binder, ast->parts[0].text, &call->label);
    if (code == 0 && function->rule)
        code = function->rule(binder, function, call);
    *out = call;
    return code == 0 ? binder_check_parts(binder, call->type, ast->offset) : code;
}
