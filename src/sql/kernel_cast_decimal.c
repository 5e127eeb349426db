/* kernel_cast_decimal.c: CAST and TRY_CAST from and to DECIMAL, but for STRING. */
#include "sql/kernel.h"
#include "sql/kernel_cast.h"
#include "vec/decimal.h"
#include "vec/time.h"

typedef __int128 i128;

static int64_t low_bits(const struct type *from, i128 x)
{
    return decimal_low_bits(x, from->scale);
}

/* The whole microseconds; the low 64 bits where they are too many. */
static int64_t micros(const struct type *from, i128 x)
{
    if (from->scale > 6)
        return decimal_low_bits(x, from->scale - 6);
    return (int64_t)((uint64_t)x * (uint64_t)decimal_power(6 - from->scale));
}

#define FROM_DECIMAL(member, type, compute)                                                        \
    KERNEL_CAST(decimal_##member, decimal, i128, member, type, compute)
FROM_DECIMAL(i8, int8_t, low_bits(from, x))
FROM_DECIMAL(i16, int16_t, low_bits(from, x))
FROM_DECIMAL(i32, int32_t, low_bits(from, x))
FROM_DECIMAL(i64, int64_t, low_bits(from, x))
FROM_DECIMAL(f32, float, decimal_to_float(x, from->scale))
FROM_DECIMAL(f64, double, decimal_to_double(x, from->scale))
FROM_DECIMAL(boolean, uint8_t, x != 0)
KERNEL_CAST(decimal_time, decimal, i128, i64, int64_t, micros(from, x))

#define TRY_INTEGER(member, integer)                                                               \
    static bool exact_##member(const struct type *from, i128 x, integer *out)                      \
    {                                                                                              \
        int64_t whole;                                                                             \
        bool fits = decimal_to_i64(x, from->scale, &whole);                                        \
        *out = (integer)whole;                                                                     \
        return fits && whole == *out;                                                              \
    }                                                                                              \
    KERNEL_CAST_CHECKED(try_decimal_##member, decimal, i128, member, integer,                      \
                        exact_##member(from, x, &y))
TRY_INTEGER(i8, int8_t)
TRY_INTEGER(i16, int16_t)
TRY_INTEGER(i32, int32_t)
TRY_INTEGER(i64, int64_t)

#define TO_DECIMAL(name, member, type, convert)                                                    \
    KERNEL_CAST_CHECKED(name##_decimal, member, type, decimal, i128, convert)
TO_DECIMAL(boolean, boolean, uint8_t, decimal_from_i64(x != 0, to, &y))
TO_DECIMAL(i8, i8, int8_t, decimal_from_i64(x, to, &y))
TO_DECIMAL(i16, i16, int16_t, decimal_from_i64(x, to, &y))
TO_DECIMAL(i32, i32, int32_t, decimal_from_i64(x, to, &y))
TO_DECIMAL(i64, i64, int64_t, decimal_from_i64(x, to, &y))
TO_DECIMAL(f32, f32, float, decimal_from_double((double)x, to, &y))
TO_DECIMAL(f64, f64, double, decimal_from_double(x, to, &y))
/* By way of DOUBLE, as in Spark. */
TO_DECIMAL(time, i64, int64_t,
           decimal_from_double((double)x / (double)TIME_MICROS_PER_SECOND, to, &y))
TO_DECIMAL(decimal, decimal, i128, decimal_rescale(x, from->scale, to, &y))

/* More digits on either side of the point: nothing is rounded and everything fits. What stands in
 * NULL rows may overflow: computed unsigned. */
#define WIDEN(name, member)                                                                        \
    static int name(struct eval *eval, const struct expr *expr, const struct value *args,          \
                    struct value *out)                                                             \
    {                                                                                              \
        (void)eval, (void)expr;                                                                    \
        const struct type *from = types_as_decimal(args[0].vec.type);                              \
        const unsigned __int128 factor =                                                           \
            (unsigned __int128)decimal_power(out->vec.type->scale - from->scale);                  \
        for (uint32_t i = 0; i < out->vec.rows; i++)                                               \
            out->vec.decimal[i] = (i128)((unsigned __int128)args[0].vec.member[i] * factor);       \
        return 0;                                                                                  \
    }
WIDEN(widen_i8, i8)
WIDEN(widen_i16, i16)
WIDEN(widen_i32, i32)
WIDEN(widen_i64, i64)
WIDEN(widen_decimal, decimal)

static bool widens(const struct type *from, const struct type *to)
{
    from = types_as_decimal(from);
    return from->kind == TYPE_DECIMAL && to->scale >= from->scale &&
           to->precision - to->scale >= from->precision - from->scale;
}

kernel_fn kernel_cast_to_decimal(const struct type *from, const struct type *to)
{
    static const kernel_fn widening[TYPE_KIND_COUNT] = {[TYPE_TINYINT] = widen_i8,
                                                        [TYPE_SMALLINT] = widen_i16,
                                                        [TYPE_INT] = widen_i32,
                                                        [TYPE_BIGINT] = widen_i64,
                                                        [TYPE_DECIMAL] = widen_decimal};
    static const kernel_fn table[TYPE_KIND_COUNT] = {
        [TYPE_BOOLEAN] = boolean_decimal, [TYPE_TINYINT] = i8_decimal,
        [TYPE_SMALLINT] = i16_decimal,    [TYPE_INT] = i32_decimal,
        [TYPE_BIGINT] = i64_decimal,      [TYPE_FLOAT] = f32_decimal,
        [TYPE_DOUBLE] = f64_decimal,      [TYPE_DECIMAL] = decimal_decimal,
        [TYPE_TIMESTAMP] = time_decimal,  [TYPE_DATE] = kernel_null,
    };
    return widens(from, to) ? widening[from->kind] : table[from->kind];
}

kernel_fn kernel_cast_from_decimal(enum type_kind to, bool exact)
{
    static const kernel_fn table[TYPE_KIND_COUNT] = {
        [TYPE_BOOLEAN] = decimal_boolean, [TYPE_TINYINT] = decimal_i8,
        [TYPE_SMALLINT] = decimal_i16,    [TYPE_INT] = decimal_i32,
        [TYPE_BIGINT] = decimal_i64,      [TYPE_FLOAT] = decimal_f32,
        [TYPE_DOUBLE] = decimal_f64,      [TYPE_TIMESTAMP] = decimal_time,
    };
    static const kernel_fn exacts[] = {
        [TYPE_TINYINT] = try_decimal_i8,
        [TYPE_SMALLINT] = try_decimal_i16,
        [TYPE_INT] = try_decimal_i32,
        [TYPE_BIGINT] = try_decimal_i64,
    };
    return exact && type_is_integral(to) ? exacts[to] : table[to];
}
