/* kernel_decimal.c: arithmetic on DECIMAL. The operands keep their own scales; the result's type is
 * types_decimal_result's. */
#include "sql/kernel.h"
#include "sql/kernels.h"
#include "vec/decimal.h"

typedef __int128 i128;
typedef unsigned __int128 u128;

typedef bool (*operation_fn)(i128 a, int a_scale, i128 b, int b_scale, const struct type *to,
                             i128 *out);

/* Row by row: NULL where the operation has no result. Inlined, so that each operation has a loop of
 * its own. */
static inline __attribute__((always_inline)) int run(struct eval *eval, const struct value *args,
                                                     struct value *out, operation_fn operation)
{
    const struct type *to = out->vec.type;
    const int x_scale = args[0].vec.type->scale, y_scale = args[1].vec.type->scale;
    i128 *result = out->vec.decimal;
    uint8_t any = 0, *bad = kernel_flags(eval, out->vec.rows);
    if (!bad)
        return ERR_NOMEM;
    KERNEL_BINARY(i128, decimal, {
        i128 value = 0;
        bad[i] = !operation(x, x_scale, y, y_scale, to, &value);
        any |= bad[i];
        result[i] = value;
    });
    return any ? kernel_null_where(eval, out, bad) : 0;
}

/* Whether the result's type holds every sum: then sums need no check. */
static bool sum_fits(const struct value *args, const struct value *out)
{
    const struct type *a = args[0].vec.type, *b = args[1].vec.type, *to = out->vec.type;
    int scale = a->scale > b->scale ? a->scale : b->scale;
    int a_whole = a->precision - a->scale, b_whole = b->precision - b->scale;
    return to->scale == scale && to->precision - scale > (a_whole > b_whole ? a_whole : b_whole);
}

/* Computed unsigned: what stands in NULL rows may overflow. */
static int add_exact(const struct value *args, struct value *out, bool subtract)
{
    const u128 x_factor = (u128)decimal_power(out->vec.type->scale - args[0].vec.type->scale);
    u128 y_factor = (u128)decimal_power(out->vec.type->scale - args[1].vec.type->scale);
    if (subtract)
        y_factor = 0 - y_factor;
    i128 *result = out->vec.decimal;
    KERNEL_BINARY(i128, decimal, result[i] = (i128)((u128)x * x_factor + (u128)y * y_factor));
    return 0;
}

static int add(struct eval *eval, const struct expr *expr, const struct value *args,
               struct value *out)
{
    (void)expr;
    return sum_fits(args, out) ? add_exact(args, out, false) : run(eval, args, out, decimal_add);
}

static int subtract(struct eval *eval, const struct expr *expr, const struct value *args,
                    struct value *out)
{
    (void)expr;
    return sum_fits(args, out) ? add_exact(args, out, true)
                               : run(eval, args, out, decimal_subtract);
}

static int multiply(struct eval *eval, const struct expr *expr, const struct value *args,
                    struct value *out)
{
    (void)expr;
    const struct type *a = args[0].vec.type, *b = args[1].vec.type;
    i128 *result = out->vec.decimal;
    if (a->precision + b->precision > out->vec.type->precision ||
        a->scale + b->scale != out->vec.type->scale)
        return run(eval, args, out, decimal_multiply);
    KERNEL_BINARY(i128, decimal, result[i] = (i128)((u128)x * (u128)y));
    return 0;
}

static int divide(struct eval *eval, const struct expr *expr, const struct value *args,
                  struct value *out)
{
    (void)expr;
    return run(eval, args, out, decimal_divide);
}

static bool both_there(const struct value *args, uint32_t row)
{
    return !vec_is_null(&args[0].vec, kernel_row(&args[0], row)) &&
           !vec_is_null(&args[1].vec, kernel_row(&args[1], row));
}

/* Where the quotient has more than 39 digits Spark fails the query. */
static int check_quotients(struct eval *eval, const struct value *args, const struct value *out)
{
    const struct type *a = args[0].vec.type, *b = args[1].vec.type;
    if (a->precision - a->scale + b->scale <= DECIMAL_DIGITS_MAX)
        return 0;
    for (uint32_t i = 0; i < out->vec.rows; i++) {
        i128 x = args[0].vec.decimal[kernel_row(&args[0], i)];
        i128 y = args[1].vec.decimal[kernel_row(&args[1], i)];
        if (both_there(args, i) && !decimal_is_divisible(x, a->scale, y, b->scale))
            return err_set(eval->err, ERR_INVALID,
                           "a DECIMAL cannot be divided by one that is so much smaller: the "
                           "quotient has more than 39 digits");
    }
    return 0;
}

static int remainder_of(struct eval *eval, const struct expr *expr, const struct value *args,
                        struct value *out)
{
    (void)expr;
    int code = check_quotients(eval, args, out);
    return code == 0 ? run(eval, args, out, decimal_remainder) : code;
}

/* ((a % b) + b) % b where a % b is negative: not below 0 but for b below 0. */
static bool positive_remainder(i128 a, int a_scale, i128 b, int b_scale, const struct type *to,
                               i128 *out)
{
    int scale = a_scale > b_scale ? a_scale : b_scale;
    const struct type *exact = decimal_type(DECIMAL_DIGITS_MAX, scale);
    i128 rest, sum;
    if (!decimal_remainder(a, a_scale, b, b_scale, exact, &rest))
        return false;
    if (rest < 0) {
        if (!decimal_add(rest, scale, b, b_scale, exact, &sum) ||
            !decimal_remainder(sum, scale, b, b_scale, exact, &rest))
            return false;
    }
    return decimal_rescale(rest, scale, to, out);
}

static int pmod(struct eval *eval, const struct expr *expr, const struct value *args,
                struct value *out)
{
    (void)expr;
    int code = check_quotients(eval, args, out);
    return code == 0 ? run(eval, args, out, positive_remainder) : code;
}

/* DIV: a BIGINT, the low bits where the quotient is too large for one. */
static int quotient(struct eval *eval, const struct expr *expr, const struct value *args,
                    struct value *out)
{
    (void)expr;
    const struct type *a = args[0].vec.type, *b = args[1].vec.type;
    const int x_scale = a->scale, y_scale = b->scale;
    const struct type *whole = types_decimal_result(DECIMAL_QUOTIENT, a, b);
    int64_t *result = out->vec.i64;
    uint8_t any = 0, *bad = kernel_flags(eval, out->vec.rows);
    if (!bad)
        return ERR_NOMEM;
    int code = check_quotients(eval, args, out);
    if (code != 0)
        return code;
    KERNEL_BINARY(i128, decimal, {
        i128 value = 0;
        bad[i] = !decimal_quotient(x, x_scale, y, y_scale, whole, &value);
        any |= bad[i];
        result[i] = decimal_low_bits(value, 0);
    });
    return any ? kernel_null_where(eval, out, bad) : 0;
}

kernel_fn kernel_decimal(enum decimal_op op)
{
    static const kernel_fn table[DECIMAL_OP_COUNT] = {
        [DECIMAL_ADD] = add,
        [DECIMAL_SUBTRACT] = subtract,
        [DECIMAL_MULTIPLY] = multiply,
        [DECIMAL_DIVIDE] = divide,
        [DECIMAL_REMAINDER] = remainder_of,
        [DECIMAL_PMOD] = pmod,
        [DECIMAL_QUOTIENT] = quotient,
    };
    return table[op];
}
