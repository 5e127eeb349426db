#include "sql/function_rules.h"

#include "sql/binder_impl.h"
#include "sql/function_rules_collection.h"
#include "sql/kernels_time.h"
#include "vec/decimal.h"

int rule_abs(struct binder *binder, const struct function *function, struct expr *call)
{
    call->type = call->args[0]->type;
    call->kernel = kernel_interval_absolute(call->type->kind);
    if (call->kernel)
        return 0;
    int code = binder_param(binder, function->name, 0, PARAM_NUMERIC, &call->args[0]);
    call->type = call->args[0]->type;
    call->kernel = kernel_unary(UNARY_ABS, call->type->kind);
    return code;
}

/* Spark names the column after the argument alone. */
static int make_cast(struct binder *binder, struct expr *call, const struct type *to)
{
    struct expr *cast;
    int code = binder_cast(binder, call->offset, call->args[0], to, false, &cast);
    if (code != 0)
        return code;
    *call = *cast;
    call->form = FORM_HIDDEN;
    return 0;
}

int rule_cast(struct binder *binder, const struct function *function, struct expr *call)
{
    return make_cast(binder, call, type_simple(function->result));
}

int rule_cast_decimal(struct binder *binder, const struct function *function, struct expr *call)
{
    (void)function;
    return make_cast(binder, call, decimal_type(10, 0));
}

int rule_coalesce(struct binder *binder, const struct function *function, struct expr *call)
{
    const struct type **types = ARENA_ARRAY(binder->arena, const struct type *, call->arg_count);
    if (!types)
        return diag_nomem(binder->diag);
    for (uint32_t i = 0; i < call->arg_count; i++)
        types[i] = call->args[i]->type;
    if (types_common_all(binder->arena, types, call->arg_count, &call->type) != 0)
        return diag_nomem(binder->diag);
    if (!call->type)
        return binder_no_common(binder, call->offset, function->name, types, call->arg_count);
    if (call->type->kind == TYPE_VOID)
        call->kernel = NULL; /* nothing but NULLs: the first of them */
    return binder_convert_all(binder, call->args, call->arg_count, call->type);
}

int rule_concat(struct binder *binder, const struct function *function, struct expr *call)
{
    bool arrays, binary = call->arg_count > 0;
    int code = rule_concat_arrays(binder, function, call, &arrays);
    if (code != 0 || arrays)
        return code;
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
    call->label = arena_buf(binder->arena, &label);
    buf_fini(&label);
    return call->label.p ? 0 : diag_nomem(binder->diag);
}

int rule_if(struct binder *binder, const struct function *function, struct expr *call)
{
    return make_choice(binder, function, call, call->args, FORM_IF);
}

int rule_is_null(struct binder *binder, const struct function *function, struct expr *call)
{
    (void)binder;
    call->type = type_simple(TYPE_BOOLEAN);
    call->form = FORM_POSTFIX;
    call->label = function->kernel == kernel_is_null ? STR("IS NULL") : STR("IS NOT NULL");
    return 0;
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
    struct expr *test = binder_call(binder, call->offset, type_simple(TYPE_BOOLEAN),
                                    kernel_is_not_null, call->args, 1);
    if (!test)
        return ERR_NOMEM;
    test->strict = false;
    struct expr *args[] = {test, call->args[1], call->args[2]};
    return make_choice(binder, function, call, args, FORM_LABEL);
}
