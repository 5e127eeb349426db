#include "sql/function_rules.h"

#include "sql/binder_impl.h"

int rule_abs(struct binder *binder, const struct function *function, struct expr *call)
{
    (void)binder, (void)function;
    call->type = call->args[0]->type;
    call->kernel = kernel_unary(UNARY_ABS, call->type->kind);
    return 0;
}

/* Spark names the column after the argument alone. */
int rule_cast(struct binder *binder, const struct function *function, struct expr *call)
{
    const struct type *to = type_simple(function->result);
    struct expr *arg = call->args[0];
    if (arg->decimal_literal && type_is_floating(to->kind)) {
        int code = binder_convert(binder, &arg, to);
        *call = code == 0 ? *arg : *call;
        return code;
    }
    char a[120], b[120];
    int code = binder_check_built(binder, arg->type, arg->offset);
    if (code != 0)
        return code;
    if (!kernel_cast(arg->type->kind, to->kind, &call->kernel))
        return diag_fail(binder->diag, ERR_INVALID, call->offset, "cannot cast %s to %s",
                         types_name(arg->type, a), types_name(to, b));
    call->type = to;
    call->form = FORM_HIDDEN;
    return 0;
}

int rule_length(struct binder *binder, const struct function *function, struct expr *call)
{
    call->type = type_simple(function->result);
    call->kernel = kernel_length_binary;
    if (call->args[0]->type->kind == TYPE_BINARY)
        return 0;
    call->kernel = kernel_length_string;
    return binder_convert(binder, &call->args[0], type_simple(TYPE_STRING));
}

int rule_coalesce(struct binder *binder, const struct function *function, struct expr *call)
{
    const struct type **types = ARENA_ARRAY(binder->arena, const struct type *, call->arg_count);
    if (!types)
        return diag_nomem(binder->diag);
    for (uint32_t i = 0; i < call->arg_count; i++)
        types[i] = call->args[i]->type;
    call->type = types_wider_all(types, call->arg_count);
    if (!call->type)
        return binder_no_common(binder, call->offset, function->name, types, call->arg_count);
    if (call->type->kind == TYPE_VOID)
        call->kernel = NULL; /* nothing but NULLs: the first of them */
    return binder_convert_all(binder, call->args, call->arg_count, call->type);
}

int rule_concat(struct binder *binder, const struct function *function, struct expr *call)
{
    (void)function;
    bool binary = call->arg_count > 0;
    for (uint32_t i = 0; i < call->arg_count; i++)
        binary &= call->args[i]->type->kind == TYPE_BINARY;
    call->type = type_simple(binary ? TYPE_BINARY : TYPE_STRING);
    if (call->arg_count > 0)
        return binder_convert_all(binder, call->args, call->arg_count, call->type);
    struct str empty = {"", 0};
    struct expr *constant =
        binder_constant(binder, call->offset, call->type, &empty, STR("concat()"));
    if (!constant)
        return ERR_NOMEM;
    *call = *constant;
    return 0;
}

int rule_current(struct binder *binder, const struct function *function, struct expr *call)
{
    (void)binder;
    call->type = type_simple(function->result);
    return 0;
}

/* if, nullif and nvl2 become a CASE under their own name. */
static int make_choice(struct binder *binder, const struct function *function, struct expr *call,
                       struct expr **args, enum expr_form form)
{
    struct expr *choice;
    int code = bind_case(binder, call->offset, args, 3, function->name, &choice);
    if (code != 0)
        return code;
    struct expr own = *call;
    *call = *choice;
    call->offset = own.offset;
    call->form = (uint8_t)form;
    if (form != FORM_LABEL)
        return 0;
    struct buf label = {0};
    own.form = FORM_CALL;
    expr_print(&own, &label);
    call->label = arena_str(binder->arena, buf_str(&label));
    buf_fini(&label);
    return call->label.p ? 0 : diag_nomem(binder->diag);
}

int rule_if(struct binder *binder, const struct function *function, struct expr *call)
{
    return make_choice(binder, function, call, call->args, FORM_IF);
}

int rule_is_null(struct binder *binder, const struct function *function, struct expr *call)
{
    (void)function;
    call->type = type_simple(TYPE_BOOLEAN);
    call->form = FORM_POSTFIX;
    call->label = function->kernel == kernel_is_null ? STR("IS NULL") : STR("IS NOT NULL");
    return binder_check_built(binder, call->args[0]->type, call->args[0]->offset);
}

int rule_nullif(struct binder *binder, const struct function *function, struct expr *call)
{
    struct expr *args[3];
    binder_share(binder, call->args[0]);
    int code = bind_comparison(binder, call->offset, OP_EQ, call->args[0], call->args[1], &args[0]);
    if (code != 0)
        return code;
    args[1] = binder_null(binder, call->offset, type_simple(TYPE_VOID));
    args[2] = call->args[0];
    return args[1] ? make_choice(binder, function, call, args, FORM_LABEL) : ERR_NOMEM;
}

int rule_nvl2(struct binder *binder, const struct function *function, struct expr *call)
{
    int code = binder_check_built(binder, call->args[0]->type, call->args[0]->offset);
    if (code != 0)
        return code;
    struct expr *test = binder_call(binder, call->offset, type_simple(TYPE_BOOLEAN),
                                    kernel_is_not_null, call->args, 1);
    if (!test)
        return ERR_NOMEM;
    test->strict = false;
    struct expr *args[] = {test, call->args[1], call->args[2]};
    return make_choice(binder, function, call, args, FORM_LABEL);
}

/* Without a length Spark adds the largest, and shows it in the column's name. */
int rule_substring(struct binder *binder, const struct function *function, struct expr *call)
{
    call->type = type_simple(function->result);
    if (call->args[0]->type->kind == TYPE_BINARY)
        return diag_fail(binder->diag, ERR_UNSUPPORTED, call->offset,
                         "%s of a BINARY is not supported yet", function->name);
    int code = binder_convert(binder, &call->args[0], type_simple(TYPE_STRING));
    if (code != 0 || call->arg_count == 3)
        return code;
    int32_t length = INT32_MAX;
    struct expr *args[] = {call->args[0], call->args[1], NULL};
    args[2] =
        binder_constant(binder, call->offset, type_simple(TYPE_INT), &length, STR("2147483647"));
    struct expr *longer =
        args[2] ? binder_call(binder, call->offset, call->type, call->kernel, args, 3) : NULL;
    if (!longer)
        return ERR_NOMEM;
    call->args = longer->args;
    call->arg_count = 3;
    return 0;
}
