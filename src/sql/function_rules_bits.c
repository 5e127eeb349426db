#include "sql/binder_impl.h"
#include "sql/function_rules_math.h"
#include "sql/kernels_math.h"

int rule_bit_count(struct binder *binder, const struct function *function, struct expr *call)
{
    enum type_kind kind = call->args[0]->type->kind;
    if (kind == TYPE_VOID) {
        kind = TYPE_INT;
        int code = binder_convert(binder, &call->args[0], type_simple(kind));
        if (code != 0)
            return code;
    }
    call->kernel = kernel_bit_count(kind);
    return call->kernel ? 0
                        : rule_wrong_argument(binder, function, call, 0, "an integer or a BOOLEAN");
}

int rule_bit_get(struct binder *binder, const struct function *function, struct expr *call)
{
    const struct value *at;
    struct expr **args = call->args;
    int code = 0;
    bool null;
    if (args[0]->type->kind == TYPE_VOID)
        code = binder_convert(binder, &args[0], type_simple(TYPE_INT));
    if (code == 0)
        code = binder_is_null(binder, args[0], &null);
    if (code == 0)
        code = binder_constant_value(binder, args[1], &at);
    if (code != 0)
        return code;
    call->kernel = kernel_bit_get(args[0]->type->kind);
    if (!call->kernel)
        return rule_wrong_argument(binder, function, call, 0, "an integer");
    int bits = (int)type_width(args[0]->type) * 8;
    if (at && !null && !vec_is_null(&at->vec, 0) && (at->vec.i32[0] < 0 || at->vec.i32[0] >= bits))
        return diag_fail(binder->diag, ERR_INVALID, args[1]->offset,
                         "%s: there is no bit %d: they are numbered 0 to %d", function->name,
                         (int)at->vec.i32[0], bits - 1);
    return 0;
}

/* Spark converts nothing here, not even an untyped NULL. */
int rule_bitmap_count(struct binder *binder, const struct function *function, struct expr *call)
{
    if (call->args[0]->type->kind == TYPE_BINARY)
        return 0;
    return rule_wrong_argument(binder, function, call, 0, "a BINARY");
}

/* BIGINT stays, everything else is shifted as an INT. */
static int shift_rule(struct binder *binder, const struct function *function, struct expr *call,
                      enum shift_op op)
{
    bool wide = call->args[0]->type->kind == TYPE_BIGINT;
    call->type = type_simple(wide ? TYPE_BIGINT : TYPE_INT);
    call->kernel = kernel_shift(op, wide);
    return binder_param(binder, function->name, 0, wide ? PARAM_BIGINT : PARAM_INT, &call->args[0]);
}

int rule_shift_left(struct binder *binder, const struct function *function, struct expr *call)
{
    return shift_rule(binder, function, call, SHIFT_LEFT);
}

int rule_shift_right(struct binder *binder, const struct function *function, struct expr *call)
{
    return shift_rule(binder, function, call, SHIFT_RIGHT);
}

int rule_shift_right_unsigned(struct binder *binder, const struct function *function,
                              struct expr *call)
{
    return shift_rule(binder, function, call, SHIFT_RIGHT_UNSIGNED);
}
