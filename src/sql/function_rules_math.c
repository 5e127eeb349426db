#include "sql/function_rules_math.h"

#include "sql/binder_impl.h"
#include "sql/kernels_math.h"
#include "sql/kernels_time.h"
#include "vec/decimal.h"

int rule_wrong_argument(struct binder *binder, const struct function *function,
                        const struct expr *call, uint32_t i, const char *what)
{
    char from[120];
    return diag_fail(binder->diag, ERR_INVALID, call->args[i]->offset,
                     "argument %u of %s must be %s, not %s", i + 1, function->name, what,
                     types_name(call->args[i]->type, from));
}

int rule_replace(struct binder *binder, struct expr *call, const struct expr *made)
{
    struct buf label = {0};
    expr_print(call, &label);
    uint32_t offset = call->offset;
    struct str name = arena_buf(binder->arena, &label);
    buf_fini(&label);
    if (!name.p)
        return diag_nomem(binder->diag);
    *call = *made;
    call->offset = offset;
    call->form = FORM_LABEL;
    call->label = name;
    return 0;
}

int rule_upper_label(struct binder *binder, const struct function *function, struct expr *call)
{
    (void)binder;
    if (!str_is(call->label, function->name))
        return 0;
    char *p = (char *)(uintptr_t)call->label.p;
    for (size_t i = 0; i < call->label.n; i++)
        p[i] = p[i] >= 'a' && p[i] <= 'z' ? (char)(p[i] - 32) : p[i];
    return 0;
}

static int replace_constant(struct binder *binder, struct expr *call, double value,
                            const char *label)
{
    struct expr *constant =
        binder_constant(binder, call->offset, type_simple(TYPE_DOUBLE), &value, str_of(label));
    if (!constant)
        return ERR_NOMEM;
    *call = *constant;
    return 0;
}

int rule_pi(struct binder *binder, const struct function *function, struct expr *call)
{
    (void)function;
    return replace_constant(binder, call, 3.141592653589793, "PI()");
}

int rule_e(struct binder *binder, const struct function *function, struct expr *call)
{
    (void)function;
    return replace_constant(binder, call, 2.718281828459045, "E()");
}

/* With one argument Spark puts E() before it. */
int rule_log(struct binder *binder, const struct function *function, struct expr *call)
{
    (void)rule_upper_label(binder, function, call);
    if (call->arg_count == 2)
        return 0;
    double e = 2.718281828459045;
    struct expr *args[2];
    args[0] = binder_constant(binder, call->offset, type_simple(TYPE_DOUBLE), &e, STR("E()"));
    args[1] = call->args[0];
    struct expr *two =
        args[0] ? binder_call(binder, call->offset, call->type, call->kernel, args, 2) : NULL;
    if (!two)
        return ERR_NOMEM;
    call->args = two->args;
    call->arg_count = 2;
    return 0;
}

/* The type that a DECIMAL(p, s) rounded to `scale` digits has (Spark's RoundBase). */
static const struct type *rounded_type(const struct type *from, int64_t scale)
{
    int64_t whole = from->precision - from->scale + 1;
    int64_t precision, left = 0;
    if (scale < 0) {
        precision = whole > 1 - scale ? whole : 1 - scale;
    } else {
        left = from->scale < scale ? from->scale : scale;
        precision = whole + left;
    }
    return decimal_type((int)(precision < DECIMAL_DIGITS_MAX ? precision : DECIMAL_DIGITS_MAX),
                        (int)left);
}

/* The constant INT of the last argument, as ceil and floor want it: *scale. */
static int literal_scale(struct binder *binder, const struct function *function, struct expr *call,
                         int32_t *scale)
{
    const struct value *value;
    struct expr *arg = call->args[1];
    int code = binder_constant_value(binder, arg, &value);
    if (code != 0)
        return code;
    if (arg->type->kind != TYPE_INT || !value || vec_is_null(&value->vec, 0))
        return diag_fail(binder->diag, ERR_INVALID, arg->offset,
                         "the scale of %s must be an INT constant", function->name);
    *scale = value->vec.i32[0];
    return 0;
}

/* The DECIMAL that holds the values of a type, as Spark converts implicitly. */
static const struct type *decimal_for(enum type_kind kind)
{
    switch (kind) {
    case TYPE_TINYINT:
        return decimal_type(3, 0);
    case TYPE_SMALLINT:
        return decimal_type(5, 0);
    case TYPE_INT:
        return decimal_type(10, 0);
    case TYPE_BIGINT:
        return decimal_type(20, 0);
    case TYPE_FLOAT:
        return decimal_type(14, 7);
    case TYPE_DOUBLE:
        return decimal_type(30, 15);
    case TYPE_STRING:
    case TYPE_VOID:
        return decimal_type(38, 18);
    default:
        return NULL;
    }
}

static int whole_to_scale(struct binder *binder, const struct function *function, struct expr *call,
                          kernel_fn kernel)
{
    int32_t scale = 0;
    int code = literal_scale(binder, function, call, &scale);
    if (code != 0)
        return code;
    const struct type *type = call->args[0]->type;
    type = type->kind == TYPE_DECIMAL ? type : decimal_for(type->kind);
    if (!type)
        return rule_wrong_argument(binder, function, call, 0, "a number");
    call->type = rounded_type(type, scale);
    call->kernel = kernel;
    call->loose = true;
    return binder_convert(binder, &call->args[0], type);
}

/* ceil and floor without a scale: BIGINT, and DECIMALs stay DECIMAL. */
static int whole_number(struct binder *binder, const struct function *function, struct expr *call,
                        kernel_fn of_double, kernel_fn of_decimal)
{
    const struct type *type = call->args[0]->type;
    (void)rule_upper_label(binder, function, call);
    call->type = type_simple(TYPE_BIGINT);
    if (type->kind == TYPE_DECIMAL) {
        call->type = type->scale == 0 ? type : rounded_type(type, 0);
        call->kernel = type->scale == 0 ? NULL : of_decimal;
        return 0;
    }
    call->kernel = NULL;
    if (type_is_integral(type->kind))
        return binder_convert(binder, &call->args[0], call->type);
    call->kernel = of_double;
    return binder_param(binder, function->name, 0, PARAM_DOUBLE, &call->args[0]);
}

int rule_ceil(struct binder *binder, const struct function *function, struct expr *call)
{
    if (call->arg_count == 2)
        return whole_to_scale(binder, function, call, kernel_ceil_scale);
    return whole_number(binder, function, call, kernel_ceil_f64, kernel_ceil_decimal);
}

int rule_floor(struct binder *binder, const struct function *function, struct expr *call)
{
    if (call->arg_count == 2)
        return whole_to_scale(binder, function, call, kernel_floor_scale);
    return whole_number(binder, function, call, kernel_floor_f64, kernel_floor_decimal);
}

/* Spark adds the scale 0 and shows it in the column's name. */
static int add_scale(struct binder *binder, struct expr *call)
{
    int32_t zero = 0;
    struct expr *args[] = {call->args[0], NULL};
    args[1] = binder_constant(binder, call->offset, type_simple(TYPE_INT), &zero, STR("0"));
    struct expr *two =
        args[1] ? binder_call(binder, call->offset, call->type, NULL, args, 2) : NULL;
    if (!two)
        return ERR_NOMEM;
    call->args = two->args;
    call->arg_count = 2;
    return 0;
}

static int round_rule(struct binder *binder, const struct function *function, struct expr *call,
                      bool half_even)
{
    const struct value *scale;
    int code = call->arg_count == 1 ? add_scale(binder, call) : 0;
    if (code == 0)
        code = binder_constant_value(binder, call->args[1], &scale);
    if (code != 0)
        return code;
    if (!scale)
        return diag_fail(binder->diag, ERR_INVALID, call->args[1]->offset,
                         "the scale of %s must be a constant", function->name);
    call->type = call->args[0]->type;
    if (call->type->kind == TYPE_DECIMAL)
        call->type = rounded_type(call->type, vec_is_null(&scale->vec, 0) ? 0 : scale->vec.i32[0]);
    call->kernel = kernel_round(call->type->kind, half_even);
    call->loose = true;
    return 0;
}

int rule_round(struct binder *binder, const struct function *function, struct expr *call)
{
    return round_rule(binder, function, call, false);
}

int rule_bround(struct binder *binder, const struct function *function, struct expr *call)
{
    return round_rule(binder, function, call, true);
}

int rule_negative(struct binder *binder, const struct function *function, struct expr *call)
{
    (void)function;
    struct expr *made;
    int code = bind_unary(binder, call->offset, OP_MINUS, call->args[0], &made);
    return code == 0 ? rule_replace(binder, call, made) : code;
}

int rule_positive(struct binder *binder, const struct function *function, struct expr *call)
{
    (void)function;
    struct expr *made;
    int code = bind_unary(binder, call->offset, OP_PLUS, call->args[0], &made);
    if (code == 0)
        *call = *made;
    return code;
}

/* An operator under the function's name. */
static int bind_operator(struct binder *binder, struct expr *call, enum operator_token op,
                         struct expr *made)
{
    struct expr *out;
    int code = bind_arithmetic(binder, call->offset, op, call->args[0], call->args[1], &out);
    if (code == 0)
        *made = *out;
    return code;
}

int rule_mod(struct binder *binder, const struct function *function, struct expr *call)
{
    (void)function;
    struct expr made;
    int code = bind_operator(binder, call, OP_PERCENT, &made);
    return code == 0 ? rule_replace(binder, call, &made) : code;
}

int rule_pmod(struct binder *binder, const struct function *function, struct expr *call)
{
    (void)function;
    struct expr made;
    int code = bind_operator(binder, call, OP_PERCENT, &made);
    if (code != 0)
        return code;
    made.kernel = kernel_pmod(made.type->kind);
    return rule_replace(binder, call, &made);
}

int rule_div(struct binder *binder, const struct function *function, struct expr *call)
{
    (void)function;
    struct expr made;
    int code = bind_operator(binder, call, OP_DIV, &made);
    if (code == 0)
        *call = made;
    return code;
}

int rule_signum(struct binder *binder, const struct function *function, struct expr *call)
{
    kernel_fn kernel = kernel_interval_sign(call->args[0]->type->kind);
    (void)rule_upper_label(binder, function, call);
    if (kernel)
        call->kernel = kernel;
    return kernel ? 0 : binder_param(binder, function->name, 0, PARAM_DOUBLE, &call->args[0]);
}

/* What fails for intervals and times gives NULL. A STRING is moved as the TIMESTAMP it holds. */
static void try_times(struct expr *made)
{
    if (made->type->kind == TYPE_STRING)
        made = made->args[0];
    if (made->op != EXPR_CALL || !made->kernel)
        return;
    made->compare = made->kernel;
    made->kernel = kernel_try;
}

/* Numbers but integers give NULL already where they overflow, or infinity. */
static int try_rule(struct binder *binder, struct expr *call, enum operator_token op,
                    enum arith_op arith)
{
    struct expr made;
    int code = bind_operator(binder, call, op, &made);
    if (code != 0)
        return code;
    if (type_is_integral(made.type->kind) && op != OP_SLASH)
        made.kernel = kernel_try_arith(arith, made.type->kind);
    else if (!type_is_numeric(made.type->kind))
        try_times(&made);
    return rule_replace(binder, call, &made);
}

int rule_try_add(struct binder *binder, const struct function *function, struct expr *call)
{
    (void)function;
    return try_rule(binder, call, OP_PLUS, ARITH_ADD);
}

int rule_try_subtract(struct binder *binder, const struct function *function, struct expr *call)
{
    (void)function;
    return try_rule(binder, call, OP_MINUS, ARITH_SUB);
}

int rule_try_multiply(struct binder *binder, const struct function *function, struct expr *call)
{
    (void)function;
    return try_rule(binder, call, OP_STAR, ARITH_MUL);
}

int rule_try_divide(struct binder *binder, const struct function *function, struct expr *call)
{
    (void)function;
    return try_rule(binder, call, OP_SLASH, ARITH_OP_COUNT);
}

int rule_is_nan(struct binder *binder, const struct function *function, struct expr *call)
{
    call->kernel = kernel_is_nan_f32;
    if (call->args[0]->type->kind == TYPE_FLOAT)
        return 0;
    call->kernel = kernel_is_nan_f64;
    return binder_param(binder, function->name, 0, PARAM_DOUBLE, &call->args[0]);
}

/* Both FLOAT, or both DOUBLE. A NULL takes the type of the value it stands for. */
int rule_nanvl(struct binder *binder, const struct function *function, struct expr *call)
{
    struct expr **args = call->args;
    bool single = args[0]->type->kind == TYPE_FLOAT &&
                  (args[1]->type->kind == TYPE_FLOAT || args[1]->type->kind == TYPE_VOID);
    call->type = type_simple(single ? TYPE_FLOAT : TYPE_DOUBLE);
    call->kernel = single ? kernel_nanvl_f32 : kernel_nanvl_f64;
    int code = 0;
    for (uint32_t i = 0; i < 2 && code == 0; i++)
        code = single ? binder_convert(binder, &args[i], call->type)
                      : binder_param(binder, function->name, i, PARAM_DOUBLE, &args[i]);
    return code;
}

/* Numbers by their value as a BIGINT, all else by its bytes as a STRING or BINARY. */
int rule_hex(struct binder *binder, const struct function *function, struct expr *call)
{
    enum type_kind kind = call->args[0]->type->kind;
    bool number = type_is_numeric(kind) || kind == TYPE_VOID;
    call->kernel = number ? kernel_hex_i64 : kernel_hex_text;
    return binder_param(binder, function->name, 0, number ? PARAM_BIGINT : PARAM_TEXT,
                        &call->args[0]);
}
