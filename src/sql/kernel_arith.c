/* kernel_arith.c: arithmetic on numbers. Integers wrap as Java's do: they are computed unsigned. */
#include <math.h>

#include "sql/kernel.h"
#include "sql/kernels.h"

#define UNUSED_EVAL (void)eval, (void)expr

/* X(member of struct vec, its C type, the unsigned type to compute in) */
#define INTEGER_TYPES(X)                                                                           \
    X(i8, int8_t, uint32_t)                                                                        \
    X(i16, int16_t, uint32_t)                                                                      \
    X(i32, int32_t, uint32_t)                                                                      \
    X(i64, int64_t, uint64_t)
#define FLOAT_TYPES(X)                                                                             \
    X(f32, float, float)                                                                           \
    X(f64, double, double)

#define SIMPLE(name, member, type, wide, operator)                                                 \
    static int name##_##member(struct eval *eval, const struct expr *expr,                         \
                               const struct value *args, struct value *out)                        \
    {                                                                                              \
        UNUSED_EVAL;                                                                               \
        type *result = out->vec.member;                                                            \
        KERNEL_BINARY(type, member, result[i] = (type)((wide)x operator(wide) y));                 \
        return 0;                                                                                  \
    }

#define SIMPLE_ALL(member, type, wide)                                                             \
    SIMPLE(add, member, type, wide, +)                                                             \
    SIMPLE(sub, member, type, wide, -)                                                             \
    SIMPLE(mul, member, type, wide, *)
INTEGER_TYPES(SIMPLE_ALL)
FLOAT_TYPES(SIMPLE_ALL)

/* Operations that are NULL where the divisor is 0: `compute` yields the value for another y. */
#define DIVIDING(name, member, type, result_member, result_type, compute)                          \
    static int name##_##member(struct eval *eval, const struct expr *expr,                         \
                               const struct value *args, struct value *out)                        \
    {                                                                                              \
        (void)expr;                                                                                \
        result_type *result = out->vec.result_member;                                              \
        uint8_t *zero = kernel_flags(eval, out->vec.rows);                                         \
        if (!zero)                                                                                 \
            return ERR_NOMEM;                                                                      \
        uint8_t any = 0;                                                                           \
        KERNEL_BINARY(type, member, {                                                              \
            zero[i] = y == 0;                                                                      \
            any |= zero[i];                                                                        \
            result[i] = compute;                                                                   \
        });                                                                                        \
        return any ? kernel_null_where(eval, out, zero) : 0;                                       \
    }

/* y of -1 is its own case: the smallest integer by -1 overflows. */
#define REMAINDER(member, type, wide)                                                              \
    DIVIDING(rem, member, type, member, type, (type)(y == 0 || y == -1 ? 0 : x % y))
INTEGER_TYPES(REMAINDER)
DIVIDING(rem, f32, float, f32, float, y == 0 ? 0 : fmodf(x, y))
DIVIDING(rem, f64, double, f64, double, y == 0 ? 0 : fmod(x, y))
DIVIDING(divide, f64, double, f64, double, x / (y == 0 ? 1 : y))
DIVIDING(integral, i64, int64_t, i64, int64_t,
         y == 0    ? 0
         : y == -1 ? (int64_t)(0 - (uint64_t)x)
                   : x / y)

kernel_fn kernel_arith(enum arith_op op, enum type_kind kind)
{
    static const kernel_fn table[][ARITH_OP_COUNT] = {
        [TYPE_TINYINT] = {add_i8, sub_i8, mul_i8, rem_i8},
        [TYPE_SMALLINT] = {add_i16, sub_i16, mul_i16, rem_i16},
        [TYPE_INT] = {add_i32, sub_i32, mul_i32, rem_i32},
        [TYPE_BIGINT] = {add_i64, sub_i64, mul_i64, rem_i64},
        [TYPE_FLOAT] = {add_f32, sub_f32, mul_f32, rem_f32},
        [TYPE_DOUBLE] = {add_f64, sub_f64, mul_f64, rem_f64},
    };
    return kind <= TYPE_DOUBLE ? table[kind][op] : NULL;
}

int kernel_divide(struct eval *eval, const struct expr *expr, const struct value *args,
                  struct value *out)
{
    return divide_f64(eval, expr, args, out);
}

int kernel_integral_divide(struct eval *eval, const struct expr *expr, const struct value *args,
                           struct value *out)
{
    return integral_i64(eval, expr, args, out);
}

#define BITWISE(member, type, wide)                                                                \
    SIMPLE(bit_and, member, type, wide, &)                                                         \
    SIMPLE(bit_or, member, type, wide, |)                                                          \
    SIMPLE(bit_xor, member, type, wide, ^)
INTEGER_TYPES(BITWISE)

kernel_fn kernel_bitwise(enum bit_op op, enum type_kind kind)
{
    static const kernel_fn table[][3] = {
        [TYPE_TINYINT] = {bit_and_i8, bit_or_i8, bit_xor_i8},
        [TYPE_SMALLINT] = {bit_and_i16, bit_or_i16, bit_xor_i16},
        [TYPE_INT] = {bit_and_i32, bit_or_i32, bit_xor_i32},
        [TYPE_BIGINT] = {bit_and_i64, bit_or_i64, bit_xor_i64},
    };
    return kind <= TYPE_BIGINT ? table[kind][op] : NULL;
}

#define UNARY(name, member, type, compute)                                                         \
    static int name##_##member(struct eval *eval, const struct expr *expr,                         \
                               const struct value *args, struct value *out)                        \
    {                                                                                              \
        UNUSED_EVAL;                                                                               \
        const type *in = args[0].vec.member;                                                       \
        type *result = out->vec.member;                                                            \
        for (uint32_t i = 0; i < out->vec.rows; i++) {                                             \
            const type x = in[i];                                                                  \
            result[i] = (type)(compute);                                                           \
        }                                                                                          \
        return 0;                                                                                  \
    }

#define UNARY_INTEGER(member, type, wide)                                                          \
    UNARY(negate, member, type, 0 - (wide)x)                                                       \
    UNARY(absolute, member, type, x < 0 ? 0 - (wide)x : (wide)x)                                   \
    UNARY(invert, member, type, ~x)
INTEGER_TYPES(UNARY_INTEGER)
UNARY(negate, f32, float, -x)
UNARY(negate, f64, double, -x)
UNARY(absolute, f32, float, fabsf(x))
UNARY(absolute, f64, double, fabs(x))
typedef __int128 i128; /* an unscaled DECIMAL, or what stands in a NULL row */
UNARY(negate, decimal, i128, 0 - (unsigned __int128)x)
UNARY(absolute, decimal, i128, x < 0 ? 0 - (unsigned __int128)x : (unsigned __int128)x)

static int negate_interval(struct eval *eval, const struct expr *expr, const struct value *args,
                           struct value *out)
{
    UNUSED_EVAL;
    for (uint32_t i = 0; i < out->vec.rows; i++) {
        const struct vec_interval x = args[0].vec.interval[i];
        out->vec.interval[i] = (struct vec_interval){(int32_t)(0 - (uint32_t)x.months),
                                                     (int32_t)(0 - (uint32_t)x.days),
                                                     (int64_t)(0 - (uint64_t)x.micros)};
    }
    return 0;
}

kernel_fn kernel_unary(enum unary_op op, enum type_kind kind)
{
    static const kernel_fn table[TYPE_KIND_COUNT][3] = {
        [TYPE_TINYINT] = {negate_i8, absolute_i8, invert_i8},
        [TYPE_SMALLINT] = {negate_i16, absolute_i16, invert_i16},
        [TYPE_INT] = {negate_i32, absolute_i32, invert_i32},
        [TYPE_BIGINT] = {negate_i64, absolute_i64, invert_i64},
        [TYPE_FLOAT] = {negate_f32, absolute_f32, NULL},
        [TYPE_DOUBLE] = {negate_f64, absolute_f64, NULL},
        [TYPE_DECIMAL] = {negate_decimal, absolute_decimal, NULL},
        [TYPE_INTERVAL_YEAR_MONTH] = {negate_i32, NULL, NULL},
        [TYPE_INTERVAL_DAY_TIME] = {negate_i64, NULL, NULL},
        [TYPE_INTERVAL] = {negate_interval, NULL, NULL},
    };
    return table[kind][op];
}
