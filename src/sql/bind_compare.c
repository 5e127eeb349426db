/* bind_compare.c: comparisons with Spark's conversions (TypeCoercion.scala: PromoteStrings,
 * DecimalPrecision, BooleanEquality, ImplicitTypeCasts). */
#include "sql/binder_impl.h"
#include "vec/decimal.h"
#include "vec/number.h"

/* Whether it is a literal of that value, of any number type. */
static bool is_number(const struct expr *literal, int value)
{
    const struct vec *vec = &literal->constant.vec;
    if (!binder_is_literal(literal))
        return false;
    switch (literal->type->kind) {
    case TYPE_TINYINT:
        return vec->i8[0] == value;
    case TYPE_SMALLINT:
        return vec->i16[0] == value;
    case TYPE_INT:
        return vec->i32[0] == value;
    case TYPE_BIGINT:
        return vec->i64[0] == value;
    case TYPE_FLOAT:
        return vec->f32[0] == (float)value;
    case TYPE_DOUBLE:
        return vec->f64[0] == value;
    case TYPE_DECIMAL:
        return decimal_compare(vec->decimal[0], literal->type->scale, value, 0) == 0;
    default:
        return false;
    }
}

/* A BOOLEAN equal to the literal 1 is itself, to 0 its opposite. *out stays NULL otherwise. */
static int bind_boolean_literal(struct binder *binder, uint32_t offset, enum operator_token op,
                                struct expr *value, const struct expr *literal, struct expr **out)
{
    bool opposite = is_number(literal, 0);
    if (!opposite && !is_number(literal, 1))
        return 0;
    struct expr *same = value, *there;
    int code = 0;
    binder_share(binder, value);
    if (opposite)
        code = bind_not(binder, offset, value, &same);
    if (code != 0 || op == OP_EQ) {
        *out = same;
        return code;
    }
    there = binder_call(binder, offset, type_simple(TYPE_BOOLEAN), kernel_is_not_null, &value, 1);
    struct expr *args[] = {there, same};
    *out =
        there ? binder_call(binder, offset, type_simple(TYPE_BOOLEAN), kernel_and, args, 2) : NULL;
    if (!*out)
        return ERR_NOMEM;
    there->form = FORM_POSTFIX;
    there->label = STR("IS NOT NULL");
    there->strict = false;
    (*out)->form = FORM_INFIX;
    (*out)->label = STR("AND");
    (*out)->strict = false;
    return 0;
}

/* floor or ceiling of a DECIMAL literal; its sign when that is no BIGINT: *beyond. */
static int64_t round_literal(const struct expr *literal, bool up, int *beyond)
{
    __int128 value = literal->constant.vec.decimal[0];
    int scale = literal->type->scale;
    __int128 unit = decimal_power(scale), whole = value / unit, rest = value % unit;
    *beyond = decimal_compare(value, scale, INT64_MAX, 0) > 0   ? 1
              : decimal_compare(value, scale, INT64_MIN, 0) < 0 ? -1
                                                                : 0;
    if (rest > 0 && up)
        whole++;
    if (rest < 0 && !up)
        whole--;
    return *beyond ? 0 : (int64_t)whole;
}

static bool is_decimal_literal(const struct expr *expr)
{
    return expr->type->kind == TYPE_DECIMAL && binder_is_literal(expr);
}

/* An integer against a decimal literal is compared with the literal rounded (Spark's
 * DecimalPrecision.integralAndDecimalLiteral). */
static int bind_decimal_bound(struct binder *binder, uint32_t offset, enum operator_token op,
                              struct expr *left, struct expr *right, struct expr **out)
{
    bool flipped = is_decimal_literal(left);
    const struct expr *literal = flipped ? left : right;
    bool greater = op == OP_GT || op == OP_GTE, inclusive = op == OP_LTE || op == OP_GTE;
    int beyond;
    int64_t bound = round_literal(literal, (greater == inclusive) != flipped, &beyond);
    if (beyond) {
        uint8_t value = (beyond > 0) != (greater != flipped);
        *out = binder_constant(binder, offset, type_simple(TYPE_BOOLEAN), &value,
                               value ? STR("true") : STR("false"));
        return *out ? 0 : ERR_NOMEM;
    }
    char text[NUMBER_TEXT_MAX];
    struct str label = arena_str(binder->arena, (struct str){text, number_format_i64(bound, text)});
    if (!label.p)
        return diag_nomem(binder->diag);
    struct expr *rounded =
        binder_constant(binder, literal->offset, type_simple(TYPE_BIGINT), &bound, label);
    if (!rounded)
        return ERR_NOMEM;
    if (flipped)
        return bind_comparison(binder, offset, op, rounded, right, out);
    return bind_comparison(binder, offset, op, left, rounded, out);
}

static bool is_decimal_bound(enum operator_token op, const struct expr *left,
                             const struct expr *right)
{
    bool order = op == OP_GT || op == OP_GTE || op == OP_LT || op == OP_LTE;
    return order && ((is_decimal_literal(left) && type_is_integral(right->type->kind)) ||
                     (is_decimal_literal(right) && type_is_integral(left->type->kind)));
}

/* The type two operands are compared in: *out is NULL when there is none. Operands that become
 * DECIMALs do so here. */
static int comparison_type(struct binder *binder, bool equality, struct expr **left,
                           struct expr **right, const struct type **out)
{
    const struct type *a = (*left)->type, *b = (*right)->type;
    *out = types_comparison(a, b);
    if (*out)
        return 0;
    if (equality && a->kind == TYPE_BOOLEAN && type_is_numeric(b->kind)) {
        *out = b;
    } else if (equality && b->kind == TYPE_BOOLEAN && type_is_numeric(a->kind)) {
        *out = a;
    } else if (binder_are_decimal(*left, *right)) {
        int code = binder_decimal_operands(binder, left, right);
        *out = code == 0 ? types_wider_decimal((*left)->type, (*right)->type) : NULL;
        return code;
    } else if (a->kind == TYPE_DECIMAL || b->kind == TYPE_DECIMAL) {
        *out = types_wider(a, b);
    } else if (types_common_tightest(binder->arena, a, b, out) != 0) {
        return diag_nomem(binder->diag);
    }
    return 0;
}

/* BOOLEAN against the literals 1 and 0, integers against DECIMAL literals; *out stays NULL
 * otherwise. */
static int bind_with_literal(struct binder *binder, uint32_t offset, enum operator_token op,
                             struct expr *left, struct expr *right, struct expr **out)
{
    bool equality = op == OP_EQ || op == OP_NSEQ;
    int code = 0;
    if (equality && left->type->kind == TYPE_BOOLEAN)
        code = bind_boolean_literal(binder, offset, op, left, right, out);
    if (code == 0 && !*out && equality && right->type->kind == TYPE_BOOLEAN)
        code = bind_boolean_literal(binder, offset, op, right, left, out);
    if (code == 0 && !*out && is_decimal_bound(op, left, right))
        code = bind_decimal_bound(binder, offset, op, left, right, out);
    return code;
}

int bind_comparison(struct binder *binder, uint32_t offset, enum operator_token op,
                    struct expr *left, struct expr *right, struct expr **out)
{
    static const uint8_t compare_ops[] = {
        [OP_EQ] = COMPARE_EQ,  [OP_NSEQ] = COMPARE_EQ, [OP_LT] = COMPARE_LT,
        [OP_LTE] = COMPARE_LE, [OP_GT] = COMPARE_GT,   [OP_GTE] = COMPARE_GE,
    };
    if (op == OP_NEQ) {
        int code = bind_comparison(binder, offset, OP_EQ, left, right, out);
        return code == 0 ? bind_not(binder, offset, *out, out) : code;
    }
    *out = NULL;
    int code = bind_with_literal(binder, offset, op, left, right, out);
    if (code != 0 || *out)
        return code;
    const struct expr *a = left, *b = right; /* as they are written, for the message */
    const struct type *type;
    code = comparison_type(binder, op == OP_EQ || op == OP_NSEQ, &left, &right, &type);
    if (code != 0)
        return code;
    if (type && type->kind == TYPE_VOID)
        type = type_simple(TYPE_BOOLEAN);
    kernel_fn kernel = type ? kernel_compare(compare_ops[op], type->kind) : NULL;
    if (!kernel || binder_has_interval(type, true))
        return binder_mismatch(binder, offset, "compare", a, b);
    code = binder_convert(binder, &left, type);
    if (code == 0)
        code = binder_convert(binder, &right, type);
    if (code != 0)
        return code;
    code = binder_infix(binder, offset, binder_symbol(op), type_simple(TYPE_BOOLEAN),
                        op == OP_NSEQ ? kernel_null_safe_equal : kernel, left, right, out);
    if (code == 0 && op == OP_NSEQ) {
        (*out)->compare = kernel;
        (*out)->strict = false;
    }
    return code;
}
