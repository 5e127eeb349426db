/* bind_operator.c: arithmetic and CASE with Spark's conversions (TypeCoercion.scala:
 * PromoteStrings, DecimalPrecision, Division, ImplicitTypeCasts). */
#include "sql/binder_impl.h"
#include "vec/decimal.h"

struct str binder_symbol(enum operator_token op)
{
    static const char *const names[] = {
        [OP_EQ] = "=",      [OP_NSEQ] = "<=>", [OP_LT] = "<",    [OP_LTE] = "<=", [OP_GT] = ">",
        [OP_GTE] = ">=",    [OP_PLUS] = "+",   [OP_MINUS] = "-", [OP_STAR] = "*", [OP_SLASH] = "/",
        [OP_PERCENT] = "%", [OP_DIV] = "div",  [OP_AND] = "&",   [OP_PIPE] = "|", [OP_HAT] = "^",
    };
    return str_of(names[op]);
}

int binder_infix(struct binder *binder, uint32_t offset, struct str symbol, const struct type *type,
                 kernel_fn kernel, struct expr *left, struct expr *right, struct expr **out)
{
    INVARIANT(kernel);
    struct expr *args[] = {left, right};
    *out = binder_call(binder, offset, type, kernel, args, 2);
    if (!*out)
        return ERR_NOMEM;
    (*out)->form = FORM_INFIX;
    (*out)->label = symbol;
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

/* The DECIMAL an operand becomes beside another: a literal of an integer the smallest that holds it
 * (but for TINYINT: DataTypeUtils.fromLiteral). */
static const struct type *operand_type(const struct expr *operand)
{
    const struct vec *vec = &operand->constant.vec;
    if (!binder_is_literal(operand))
        return types_as_decimal(operand->type);
    switch (operand->type->kind) {
    case TYPE_SMALLINT:
        return decimal_type(decimal_digits(vec->i16[0]), 0);
    case TYPE_INT:
        return decimal_type(decimal_digits(vec->i32[0]), 0);
    case TYPE_BIGINT:
        return decimal_type(decimal_digits(vec->i64[0]), 0);
    default:
        return types_as_decimal(operand->type);
    }
}

static bool joins_decimal(enum type_kind kind)
{
    return type_is_integral(kind) || kind == TYPE_DECIMAL || kind == TYPE_VOID;
}

bool binder_are_decimal(const struct expr *left, const struct expr *right)
{
    enum type_kind a = left->type->kind, b = right->type->kind;
    return (a == TYPE_DECIMAL || b == TYPE_DECIMAL) && joins_decimal(a) && joins_decimal(b);
}

int binder_decimal_operands(struct binder *binder, struct expr **left, struct expr **right)
{
    const struct type *a = operand_type(*left), *b = operand_type(*right);
    int code = binder_convert(binder, left, a->kind == TYPE_VOID ? b : a);
    return code == 0 ? binder_convert(binder, right, b->kind == TYPE_VOID ? a : b) : code;
}

static int bind_decimal_arithmetic(struct binder *binder, uint32_t offset, enum operator_token op,
                                   struct expr *left, struct expr *right, struct expr **out)
{
    static const uint8_t ops[] = {
        [OP_PLUS] = DECIMAL_ADD,     [OP_MINUS] = DECIMAL_SUBTRACT,    [OP_STAR] = DECIMAL_MULTIPLY,
        [OP_SLASH] = DECIMAL_DIVIDE, [OP_PERCENT] = DECIMAL_REMAINDER, [OP_DIV] = DECIMAL_QUOTIENT,
    };
    int code = binder_decimal_operands(binder, &left, &right);
    if (code != 0)
        return code;
    const struct type *type = op == OP_DIV ? type_simple(TYPE_BIGINT)
                                           : types_decimal_result(ops[op], left->type, right->type);
    return binder_infix(binder, offset, binder_symbol(op), type, kernel_decimal(ops[op]), left,
                        right, out);
}

/* The type an operation without DECIMAL results is computed in, before its own rules; NULL: the
 * operands do not fit. */
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
        code = binder_infix(binder, offset, binder_symbol(op), type,
                            kernel_bitwise(bits, type->kind), left, right, out);
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
    *out = NULL;
    int code = bind_time_arithmetic(binder, offset, op, left, right, out);
    if (code != 0 || *out)
        return code;
    bool null_quotient = op == OP_SLASH && left->type->kind == TYPE_VOID; /* always a DOUBLE */
    if (binder_are_decimal(left, right) && !null_quotient)
        return bind_decimal_arithmetic(binder, offset, op, left, right, out);
    const struct type *type = arithmetic_type(left, right);
    if (!type)
        return binder_mismatch(binder, offset, verb(op), left, right);
    if (op == OP_DIV && type_is_floating(type->kind) && left->type->kind + right->type->kind != 0)
        return diag_fail(binder->diag, ERR_INVALID, offset,
                         "DIV takes integers and DECIMALs: CAST the operands to BIGINT, or divide "
                         "with /");
    if (op == OP_SLASH)
        type = type_simple(TYPE_DOUBLE);
    if (op == OP_DIV)
        type = type_simple(TYPE_BIGINT);
    code = binder_convert(binder, &left, type);
    if (code == 0)
        code = binder_convert(binder, &right, type);
    if (code != 0)
        return code;
    kernel_fn kernel = op == OP_SLASH ? kernel_divide
                       : op == OP_DIV ? kernel_integral_divide
                                      : kernel_arith(arith_ops[op], type->kind);
    return binder_infix(binder, offset, binder_symbol(op), type, kernel, left, right, out);
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
    bool fits = op == OP_TILDE ? kind != TYPE_STRING && type_is_integral(type->kind)
                               : type_is_numeric(type->kind) || type_is_interval(kind);
    if (!fits)
        return diag_fail(binder->diag, ERR_INVALID, offset, "%s takes %s, not %s",
                         op == OP_TILDE   ? "~"
                         : op == OP_MINUS ? "the sign -"
                                          : "the sign +",
                         op == OP_TILDE ? "an integer" : "a number", types_name(arg->type, name));
    int code = binder_convert(binder, &arg, type);
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
    if (types_common_all(binder->arena, types, n, out) != 0)
        return diag_nomem(binder->diag);
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
