/* kernel_cast_try.c: TRY_CAST follows the ANSI rules: NULL where CAST changes a value to fit, and
 * some casts are refused. Source: Cast.canTryCast and the overflow checks of Spark's Cast. */
#include <math.h>

#include "sql/kernel_cast.h"
#include "vec/time.h"

#define NARROW(from, to, from_type, to_type)                                                       \
    KERNEL_CAST_CHECKED(from##_##to, from, from_type, to, to_type, (y = (to_type)x) == x)
NARROW(i16, i8, int16_t, int8_t)
NARROW(i32, i8, int32_t, int8_t)
NARROW(i64, i8, int64_t, int8_t)
NARROW(i32, i16, int32_t, int16_t)
NARROW(i64, i16, int64_t, int16_t)
NARROW(i64, i32, int64_t, int32_t)

/* Whether x, cut to a whole number, is from low to high. 2^63 passes for the largest BIGINT, which
 * is that as a double. */
static inline bool within(double x, double low, double high)
{
    return floor(x) <= high && ceil(x) >= low;
}

static bool to_long(double x, int64_t *y)
{
    if (!within(x, -0x1p63, 0x1p63))
        return false;
    *y = x >= 0x1p63 ? INT64_MAX : (int64_t)x;
    return true;
}

static bool to_micros(double x, int64_t *y)
{
    return isfinite(x) && to_long(x * TIME_MICROS_PER_SECOND, y);
}

#define FROM_FLOATING(from, type)                                                                  \
    KERNEL_CAST_CHECKED(from##_i8, from, type, i8, int8_t,                                         \
                        within(x, INT8_MIN, INT8_MAX) && (y = (int8_t)x, true))                    \
    KERNEL_CAST_CHECKED(from##_i16, from, type, i16, int16_t,                                      \
                        within(x, INT16_MIN, INT16_MAX) && (y = (int16_t)x, true))                 \
    KERNEL_CAST_CHECKED(from##_i32, from, type, i32, int32_t,                                      \
                        within(x, INT32_MIN, INT32_MAX) && (y = (int32_t)x, true))                 \
    KERNEL_CAST_CHECKED(from##_i64, from, type, i64, int64_t, to_long(x, &y))                      \
    KERNEL_CAST_CHECKED(from##_time, from, type, i64, int64_t, to_micros(x, &y))
FROM_FLOATING(f32, float)
FROM_FLOATING(f64, double)

static int64_t seconds(int64_t us)
{
    return us / TIME_MICROS_PER_SECOND - (us % TIME_MICROS_PER_SECOND < 0);
}

#define FROM_TIME(to, type)                                                                        \
    KERNEL_CAST_CHECKED(time_##to, i64, int64_t, to, type, (y = (type)seconds(x)) == seconds(x))
FROM_TIME(i8, int8_t)
FROM_TIME(i16, int16_t)
FROM_TIME(i32, int32_t)

static bool is_refused(enum type_kind from, enum type_kind to)
{
    if (from == TYPE_BOOLEAN)
        return to == TYPE_TIMESTAMP;
    if (from == TYPE_TIMESTAMP)
        return to == TYPE_BOOLEAN;
    if (from == TYPE_DATE)
        return to == TYPE_BOOLEAN || type_is_numeric(to);
    return type_is_integral(from) && to == TYPE_BINARY;
}

kernel_fn kernel_try_cast(enum type_kind from, enum type_kind to, bool *refused)
{
    static const kernel_fn table[TYPE_KIND_COUNT][TYPE_KIND_COUNT] = {
        [TYPE_SMALLINT] = {[TYPE_TINYINT] = i16_i8},
        [TYPE_INT] = {[TYPE_TINYINT] = i32_i8, [TYPE_SMALLINT] = i32_i16},
        [TYPE_BIGINT] = {[TYPE_TINYINT] = i64_i8, [TYPE_SMALLINT] = i64_i16, [TYPE_INT] = i64_i32},
        [TYPE_FLOAT] = {[TYPE_TINYINT] = f32_i8,
                        [TYPE_SMALLINT] = f32_i16,
                        [TYPE_INT] = f32_i32,
                        [TYPE_BIGINT] = f32_i64,
                        [TYPE_TIMESTAMP] = f32_time},
        [TYPE_DOUBLE] = {[TYPE_TINYINT] = f64_i8,
                         [TYPE_SMALLINT] = f64_i16,
                         [TYPE_INT] = f64_i32,
                         [TYPE_BIGINT] = f64_i64,
                         [TYPE_TIMESTAMP] = f64_time},
        [TYPE_TIMESTAMP] =
            {[TYPE_TINYINT] = time_i8, [TYPE_SMALLINT] = time_i16, [TYPE_INT] = time_i32},
    };
    *refused = is_refused(from, to);
    return *refused ? NULL : table[from][to];
}
