/* bind_operator.c: arithmetic, comparisons and CASE with Spark's conversions (TypeCoercion.scala:
 * PromoteStrings, DecimalPrecision, BooleanEquality, Division, ImplicitTypeCasts). */
#include "sql/binder_impl.h"

static struct str symbol(enum operator_token op)
{
    static const char *const names[] = {
        [OP_EQ] = "=",      [OP_NSEQ] = "<=>", [OP_LT] = "<",    [OP_LTE] = "<=", [OP_GT] = ">",
        [OP_GTE] = ">=",    [OP_PLUS] = "+",   [OP_MINUS] = "-", [OP_STAR] = "*", [OP_SLASH] = "/",
        [OP_PERCENT] = "%", [OP_DIV] = "div",  [OP_AND] = "&",   [OP_PIPE] = "|", [OP_HAT] = "^",
    };
    return str_of(names[op]);
}

static int make_infix(struct binder *binder, uint32_t offset, enum operator_token op,
                      const struct type *type, kernel_fn kernel, struct expr *left,
                      struct expr *right, struct expr **out)
{
    INVARIANT(kernel);
    struct expr *args[] = {left, right};
    *out = binder_call(binder, offset, type, kernel, args, 2);
    if (!*out)
        return ERR_NOMEM;
    (*out)->form = FORM_INFIX;
    (*out)->label = symbol(op);
    return 0;
}

int bind_not(struct binder *binder, uint32_t offset, struct expr *arg, struct expr **out)
{
    int code = binder_boolean(binder, &arg, true, "what follows NOT");
    if (code != 0)
        return code;
    *out = binder_call(binder, offset, type_simple(TYPE_BOOLEAN), kernel_not, &arg, 1);
    if (!*out)
        return ERR_NOMEM;
    (*out)->form = FORM_PREFIX;
    (*out)->label = STR("NOT");
    return 0;
}

/* A BOOLEAN equal to the literal 1 is itself, to 0 its opposite. *out stays NULL otherwise. */
static int bind_boolean_literal(struct binder *binder, uint32_t offset, enum operator_token op,
                                struct expr *value, const struct expr *literal, struct expr **out)
{
    if (literal->op != EXPR_CONST || !type_is_integral(literal->type->kind) ||
        (!str_is(literal->label, "1") && !str_is(literal->label, "0")))
        return 0;
    struct expr *same = value, *there;
    int code = 0;
    binder_share(binder, value);
    if (str_is(literal->label, "0"))
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

/* The type two operands are compared in; NULL: none. */
static const struct type *comparison_type(const struct expr *left, const struct expr *right,
                                          bool equality)
{
    const struct type *a = left->type, *b = right->type;
    const struct type *common = types_comparison(a, b);
    if (common)
        return common;
    if (equality && a->kind == TYPE_BOOLEAN && type_is_numeric(b->kind))
        return b;
    if (equality && b->kind == TYPE_BOOLEAN && type_is_numeric(a->kind))
        return a;
    if (a->kind == TYPE_DECIMAL || b->kind == TYPE_DECIMAL)
        return types_wider(a, b);
    return types_tightest(a, b);
}

/* floor or ceiling of a decimal literal; its sign when it does not fit: *beyond. */
static int64_t round_literal(struct str text, bool up, int *beyond)
{
    const char *point = memchr(text.p, '.', text.n);
    struct str whole = {text.p, point ? (size_t)(point - text.p) : text.n};
    bool negative = text.p[0] == '-', fraction = false;
    for (const char *p = point ? point + 1 : NULL; p && p < text.p + text.n; p++)
        fraction |= *p != '0';
    int64_t value = 0;
    bool fits = str_to_i64(whole, &value);
    fits &= !fraction || (value != INT64_MAX && value != INT64_MIN);
    *beyond = fits ? 0 : negative ? -1 : 1;
    if (*beyond == 0 && fraction && up != negative)
        value += negative ? -1 : 1;
    return value;
}

/* An integer against a decimal literal is compared with the literal rounded (Spark's
 * DecimalPrecision.integralAndDecimalLiteral). */
static int bind_decimal_bound(struct binder *binder, uint32_t offset, enum operator_token op,
                              struct expr *left, struct expr *right, struct expr **out)
{
    bool flipped = left->decimal_literal;
    const struct expr *literal = flipped ? left : right;
    bool greater = op == OP_GT || op == OP_GTE, inclusive = op == OP_LTE || op == OP_GTE;
    int beyond;
    int64_t bound = round_literal(literal->label, (greater == inclusive) != flipped, &beyond);
    if (beyond) {
        uint8_t value = (beyond > 0) != (greater != flipped);
        *out = binder_constant(binder, offset, type_simple(TYPE_BOOLEAN), &value,
                               value ? STR("true") : STR("false"));
        return *out ? 0 : ERR_NOMEM;
    }
    struct buf text = {0};
    buf_printf(&text, "%lld", (long long)bound);
    struct str label = arena_str(binder->arena, buf_str(&text));
    buf_fini(&text);
    struct expr *rounded =
        label.p ? binder_constant(binder, literal->offset, type_simple(TYPE_BIGINT), &bound, label)
                : NULL;
    if (!rounded)
        return diag_nomem(binder->diag);
    if (flipped)
        return bind_comparison(binder, offset, op, rounded, right, out);
    return bind_comparison(binder, offset, op, left, rounded, out);
}

static bool is_decimal_bound(enum operator_token op, const struct expr *left,
                             const struct expr *right)
{
    bool order = op == OP_GT || op == OP_GTE || op == OP_LT || op == OP_LTE;
    return order && ((left->decimal_literal && type_is_integral(right->type->kind)) ||
                     (right->decimal_literal && type_is_integral(left->type->kind)));
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
    bool equality = op == OP_EQ || op == OP_NSEQ;
    int code = 0;
    *out = NULL;
    if (equality && left->type->kind == TYPE_BOOLEAN)
        code = bind_boolean_literal(binder, offset, op, left, right, out);
    if (code == 0 && !*out && equality && right->type->kind == TYPE_BOOLEAN)
        code = bind_boolean_literal(binder, offset, op, right, left, out);
    if (code != 0 || *out)
        return code;
    if (is_decimal_bound(op, left, right))
        return bind_decimal_bound(binder, offset, op, left, right, out);
    const struct type *type = comparison_type(left, right, equality);
    if (!type)
        return binder_mismatch(binder, offset, "compare", left, right);
    if (type->kind == TYPE_VOID)
        type = type_simple(TYPE_BOOLEAN);
    code = binder_convert(binder, &left, type);
    if (code == 0)
        code = binder_convert(binder, &right, type);
    if (code != 0)
        return code;
    kernel_fn kernel = kernel_compare(compare_ops[op], type->kind);
    code = make_infix(binder, offset, op, type_simple(TYPE_BOOLEAN),
                      op == OP_NSEQ ? kernel_null_safe_equal : kernel, left, right, out);
    if (code == 0 && op == OP_NSEQ) {
        (*out)->compare = kernel;
        (*out)->strict = false;
    }
    return code;
}

/* The type an operation is computed in, before its own rules; NULL: the operands do not fit. */
static const struct type *arithmetic_type(const struct expr *left, const struct expr *right)
{
    const struct type *a = left->type, *b = right->type;
    if (a->kind == TYPE_STRING)
        a = type_simple(TYPE_DOUBLE);
    if (b->kind == TYPE_STRING)
        b = type_simple(TYPE_DOUBLE);
    if (a->kind == TYPE_VOID && b->kind == TYPE_VOID)
        return type_simple(TYPE_DOUBLE);
    const struct type *type = a->kind == TYPE_DECIMAL || b->kind == TYPE_DECIMAL
                                  ? types_wider(a, b)
                                  : types_tightest(a, b);
    return type && type_is_numeric(type->kind) ? type : NULL;
}

static int bind_bitwise(struct binder *binder, uint32_t offset, enum operator_token op,
                        struct expr *left, struct expr *right, struct expr **out)
{
    const struct type *type = types_tightest(left->type, right->type);
    if (type && type->kind == TYPE_VOID)
        type = type_simple(TYPE_INT);
    if (!type || !type_is_integral(type->kind))
        return binder_mismatch(binder, offset, "combine bits of", left, right);
    int code = binder_convert(binder, &left, type);
    if (code == 0)
        code = binder_convert(binder, &right, type);
    enum bit_op bits = op == OP_AND ? BIT_AND : op == OP_PIPE ? BIT_OR : BIT_XOR;
    if (code == 0)
        code = make_infix(binder, offset, op, type, kernel_bitwise(bits, type->kind), left, right,
                          out);
    return code;
}

static const char *verb(enum operator_token op)
{
    switch (op) {
    case OP_PLUS:
        return "add";
    case OP_MINUS:
        return "subtract";
    case OP_STAR:
        return "multiply";
    case OP_PERCENT:
        return "take the remainder of";
    default:
        return "divide";
    }
}

int bind_arithmetic(struct binder *binder, uint32_t offset, enum operator_token op,
                    struct expr *left, struct expr *right, struct expr **out)
{
    static const uint8_t arith_ops[] = {[OP_PLUS] = ARITH_ADD,
                                        [OP_MINUS] = ARITH_SUB,
                                        [OP_STAR] = ARITH_MUL,
                                        [OP_PERCENT] = ARITH_REM};
    if (op == OP_AND || op == OP_PIPE || op == OP_HAT)
        return bind_bitwise(binder, offset, op, left, right, out);
    bool time = type_is_time(left->type->kind) || type_is_time(right->type->kind);
    if (time && (op == OP_PLUS || op == OP_MINUS))
        return diag_fail(binder->diag, ERR_UNSUPPORTED, offset,
                         "arithmetic with DATE and TIMESTAMP is not supported yet");
    const struct type *type = arithmetic_type(left, right);
    if (!type)
        return binder_mismatch(binder, offset, verb(op), left, right);
    if (op == OP_SLASH && type->kind != TYPE_DECIMAL)
        type = type_simple(TYPE_DOUBLE);
    if (op == OP_DIV && type_is_floating(type->kind) && left->type->kind + right->type->kind != 0)
        return diag_fail(binder->diag, ERR_INVALID, offset,
                         "DIV takes integers: CAST the operands to BIGINT, or divide with /");
    if (op == OP_DIV && type->kind != TYPE_DECIMAL)
        type = type_simple(TYPE_BIGINT);
    if (type->kind == TYPE_DECIMAL)
        return diag_fail(binder->diag, ERR_UNSUPPORTED, offset,
                         "DECIMAL arithmetic is not supported yet: make one side a DOUBLE, as "
                         "2.5D");
    int code = binder_convert(binder, &left, type);
    if (code == 0)
        code = binder_convert(binder, &right, type);
    if (code != 0)
        return code;
    kernel_fn kernel = op == OP_SLASH ? kernel_divide
                       : op == OP_DIV ? kernel_integral_divide
                                      : kernel_arith(arith_ops[op], type->kind);
    return make_infix(binder, offset, op, type, kernel, left, right, out);
}

int bind_unary(struct binder *binder, uint32_t offset, enum operator_token op, struct expr *arg,
               struct expr **out)
{
    char name[120];
    enum type_kind kind = arg->type->kind;
    const struct type *type = arg->type;
    if (op == OP_TILDE && kind == TYPE_VOID)
        type = type_simple(TYPE_INT);
    else if (kind == TYPE_STRING || kind == TYPE_VOID)
        type = type_simple(TYPE_DOUBLE);
    if (op == OP_TILDE ? kind == TYPE_STRING || !type_is_integral(type->kind)
                       : !type_is_numeric(type->kind))
        return diag_fail(binder->diag, ERR_INVALID, offset, "%s takes %s, not %s",
                         op == OP_TILDE   ? "~"
                         : op == OP_MINUS ? "the sign -"
                                          : "the sign +",
                         op == OP_TILDE ? "an integer" : "a number", types_name(arg->type, name));
    int code = binder_convert(binder, &arg, type);
    if (code == 0)
        code = binder_check_built(binder, type, arg->offset);
    if (code != 0)
        return code;
    kernel_fn kernel = op == OP_PLUS
                           ? NULL
                           : kernel_unary(op == OP_MINUS ? UNARY_NEGATE : UNARY_INVERT, type->kind);
    *out = binder_call(binder, offset, type, kernel, &arg, 1);
    if (!*out)
        return ERR_NOMEM;
    (*out)->form = op == OP_TILDE ? FORM_TILDE : FORM_PREFIX;
    (*out)->label = op == OP_MINUS ? STR("-") : STR("+");
    return 0;
}

/* The type of all results of a CASE: the arguments that are no conditions. */
static int case_type(struct binder *binder, uint32_t offset, struct expr **args, uint32_t count,
                     const char *name, const struct type **out)
{
    const struct type **types = ARENA_ARRAY(binder->arena, const struct type *, count);
    if (!types)
        return diag_nomem(binder->diag);
    uint32_t n = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (i % 2 || i + 1 == count)
            types[n++] = args[i]->type;
    }
    *out = types_wider_all(types, n);
    return *out ? 0 : binder_no_common(binder, offset, name, types, n);
}

int bind_case(struct binder *binder, uint32_t offset, struct expr **args, uint32_t count,
              const char *name, struct expr **out)
{
    bool plain = strcmp(name, "CASE") == 0; /* where Spark takes no NULL for a condition */
    const struct type *type;
    int code = case_type(binder, offset, args, count, name, &type);
    for (uint32_t i = 0; i < count && code == 0; i++) {
        bool result = i % 2 || i + 1 == count;
        code = result ? binder_convert(binder, &args[i], type)
                      : binder_boolean(binder, &args[i], !plain, "the condition");
    }
    if (code != 0)
        return code;
    kernel_fn kernel = type->kind == TYPE_VOID ? kernel_null : kernel_case;
    *out = binder_call(binder, offset, type, kernel, args, count);
    if (!*out)
        return ERR_NOMEM;
    (*out)->form = plain ? FORM_CASE : FORM_IF;
    (*out)->strict = false;
    return 0;
}
