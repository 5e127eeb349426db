/* kernel_bits.c: counting, reading and shifting bits. */
#include "sql/kernel.h"
#include "sql/kernels_math.h"

/* Negative numbers are counted in 64 bits, whatever their type. */
#define BIT_COUNT(member, type, compute)                                                           \
    static int bit_count_##member(struct eval *eval, const struct expr *expr,                      \
                                  const struct value *args, struct value *out)                     \
    {                                                                                              \
        (void)eval, (void)expr;                                                                    \
        for (uint32_t i = 0; i < out->vec.rows; i++) {                                             \
            const type x = args[0].vec.member[i];                                                  \
            out->vec.i32[i] = compute;                                                             \
        }                                                                                          \
        return 0;                                                                                  \
    }
#define POPULATION(x) __builtin_popcountll((unsigned long long)(int64_t)(x))
BIT_COUNT(boolean, uint8_t, x & 1)
BIT_COUNT(i8, int8_t, POPULATION(x))
BIT_COUNT(i16, int16_t, POPULATION(x))
BIT_COUNT(i32, int32_t, POPULATION(x))
BIT_COUNT(i64, int64_t, POPULATION(x))

kernel_fn kernel_bit_count(enum type_kind kind)
{
    static const kernel_fn table[] = {
        [TYPE_BOOLEAN] = bit_count_boolean, [TYPE_TINYINT] = bit_count_i8,
        [TYPE_SMALLINT] = bit_count_i16,    [TYPE_INT] = bit_count_i32,
        [TYPE_BIGINT] = bit_count_i64,
    };
    return kind <= TYPE_BIGINT ? table[kind] : NULL;
}

#define BIT_GET(member, type)                                                                      \
    static int bit_get_##member(struct eval *eval, const struct expr *expr,                        \
                                const struct value *args, struct value *out)                       \
    {                                                                                              \
        (void)expr;                                                                                \
        const uint32_t bits = sizeof(type) * 8;                                                    \
        for (uint32_t i = 0; i < out->vec.rows; i++) {                                             \
            uint32_t at = (uint32_t)args[1].vec.i32[kernel_row(&args[1], i)];                      \
            uint64_t x = (uint64_t)args[0].vec.member[kernel_row(&args[0], i)];                    \
            if (at >= bits && !vec_is_null(&out->vec, i))                                          \
                return err_set(eval->err, ERR_INVALID,                                             \
                               "bit_get: there is no bit %d: they are numbered 0 to %u", (int)at,  \
                               bits - 1);                                                          \
            out->vec.i8[i] = (int8_t)(x >> (at & (bits - 1)) & 1);                                 \
        }                                                                                          \
        return 0;                                                                                  \
    }
BIT_GET(i8, int8_t)
BIT_GET(i16, int16_t)
BIT_GET(i32, int32_t)
BIT_GET(i64, int64_t)

kernel_fn kernel_bit_get(enum type_kind kind)
{
    static const kernel_fn table[] = {
        [TYPE_TINYINT] = bit_get_i8,
        [TYPE_SMALLINT] = bit_get_i16,
        [TYPE_INT] = bit_get_i32,
        [TYPE_BIGINT] = bit_get_i64,
    };
    return kind <= TYPE_BIGINT ? table[kind] : NULL;
}

/* The distance counts modulo the width, as in Java. */
#define SHIFT(name, member, type, compute)                                                         \
    static int name##_##member(struct eval *eval, const struct expr *expr,                         \
                               const struct value *args, struct value *out)                        \
    {                                                                                              \
        (void)eval, (void)expr;                                                                    \
        for (uint32_t i = 0; i < out->vec.rows; i++) {                                             \
            const type x = args[0].vec.member[kernel_row(&args[0], i)];                            \
            const uint32_t by =                                                                    \
                (uint32_t)args[1].vec.i32[kernel_row(&args[1], i)] & (sizeof(type) * 8 - 1);       \
            out->vec.member[i] = (type)(compute);                                                  \
        }                                                                                          \
        return 0;                                                                                  \
    }
SHIFT(left, i32, int32_t, (uint32_t)x << by)
SHIFT(left, i64, int64_t, (uint64_t)x << by)
SHIFT(right, i32, int32_t, x >> by)
SHIFT(right, i64, int64_t, x >> by)
SHIFT(right_unsigned, i32, int32_t, (uint32_t)x >> by)
SHIFT(right_unsigned, i64, int64_t, (uint64_t)x >> by)

kernel_fn kernel_shift(enum shift_op op, bool wide)
{
    static const kernel_fn table[][2] = {
        [SHIFT_LEFT] = {left_i32, left_i64},
        [SHIFT_RIGHT] = {right_i32, right_i64},
        [SHIFT_RIGHT_UNSIGNED] = {right_unsigned_i32, right_unsigned_i64},
    };
    return table[op][wide];
}

/* Bitmaps have 32768 bits; value 1 is the first bit of bucket 1. */
enum { BITMAP_BITS = 32768 };

int kernel_bitmap_bit_position(struct eval *eval, const struct expr *expr, const struct value *args,
                               struct value *out)
{
    (void)eval, (void)expr;
    for (uint32_t i = 0; i < out->vec.rows; i++) {
        int64_t x = args[0].vec.i64[i];
        uint64_t offset = x > 0 ? (uint64_t)x - 1 : 0 - (uint64_t)x;
        out->vec.i64[i] = (int64_t)(offset % BITMAP_BITS);
    }
    return 0;
}

int kernel_bitmap_bucket_number(struct eval *eval, const struct expr *expr,
                                const struct value *args, struct value *out)
{
    (void)eval, (void)expr;
    for (uint32_t i = 0; i < out->vec.rows; i++) {
        int64_t x = args[0].vec.i64[i];
        out->vec.i64[i] = x > 0 ? 1 + (x - 1) / BITMAP_BITS : x / BITMAP_BITS;
    }
    return 0;
}

int kernel_bitmap_count(struct eval *eval, const struct expr *expr, const struct value *args,
                        struct value *out)
{
    (void)eval, (void)expr;
    for (uint32_t i = 0; i < out->vec.rows; i++) {
        struct str s = vec_is_null(&out->vec, i) ? (struct str){"", 0} : args[0].vec.str[i];
        int64_t count = 0;
        for (size_t k = 0; k < s.n; k++)
            count += __builtin_popcount((uint8_t)s.p[k]);
        out->vec.i64[i] = count;
    }
    return 0;
}
