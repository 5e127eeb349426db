/* kernel_cast.c: CAST between numbers, BOOLEAN, DATE and TIMESTAMP (Spark's Cast, ansi off), and
 * which kernel does which cast. */
#include <math.h>

#include "sql/kernel_cast.h"
#include "vec/time.h"

/* Java's (int) and (long) of a floating point number: NaN is 0, too large is the limit. */
static inline int32_t to_int(double x)
{
    if (x != x)
        return 0;
    return x >= 2147483647.0 ? INT32_MAX : x <= -2147483648.0 ? INT32_MIN : (int32_t)x;
}

static inline int64_t to_long(double x)
{
    if (x != x)
        return 0;
    return x >= 9223372036854775808.0    ? INT64_MAX
           : x <= -9223372036854775808.0 ? INT64_MIN
                                         : (int64_t)x;
}

static inline int64_t floor_div(int64_t x, int64_t y)
{
    return x / y - (x % y < 0);
}

/* TimeUnit.SECONDS.toMicros: saturates. */
static inline int64_t seconds_to_micros(int64_t seconds)
{
    int64_t micros;
    if (__builtin_mul_overflow(seconds, (int64_t)TIME_MICROS_PER_SECOND, &micros))
        return seconds < 0 ? INT64_MIN : INT64_MAX;
    return micros;
}

#define INTEGER_FROM(name, member, type)                                                           \
    KERNEL_CAST(name##_i8, member, type, i8, int8_t, x)                                            \
    KERNEL_CAST(name##_i16, member, type, i16, int16_t, x)                                         \
    KERNEL_CAST(name##_i32, member, type, i32, int32_t, x)                                         \
    KERNEL_CAST(name##_i64, member, type, i64, int64_t, x)                                         \
    KERNEL_CAST(name##_f32, member, type, f32, float, x)                                           \
    KERNEL_CAST(name##_f64, member, type, f64, double, x)                                          \
    KERNEL_CAST(name##_boolean, member, type, boolean, uint8_t, x != 0)                            \
    KERNEL_CAST(name##_time, member, type, i64, int64_t, seconds_to_micros(x))
INTEGER_FROM(i8, i8, int8_t)
INTEGER_FROM(i16, i16, int16_t)
INTEGER_FROM(i32, i32, int32_t)
INTEGER_FROM(i64, i64, int64_t)

/* BYTE and SHORT go by way of INT. */
#define FLOATING_FROM(name, member, type)                                                          \
    KERNEL_CAST(name##_i8, member, type, i8, int8_t, to_int(x))                                    \
    KERNEL_CAST(name##_i16, member, type, i16, int16_t, to_int(x))                                 \
    KERNEL_CAST(name##_i32, member, type, i32, int32_t, to_int(x))                                 \
    KERNEL_CAST(name##_i64, member, type, i64, int64_t, to_long(x))                                \
    KERNEL_CAST(name##_f32, member, type, f32, float, x)                                           \
    KERNEL_CAST(name##_f64, member, type, f64, double, x)                                          \
    KERNEL_CAST(name##_boolean, member, type, boolean, uint8_t, x != 0)                            \
    static int name##_time(struct eval *eval, const struct expr *expr, const struct value *args,   \
                           struct value *out)                                                      \
    {                                                                                              \
        (void)expr;                                                                                \
        uint8_t *nulls = kernel_flags(eval, out->vec.rows);                                        \
        if (!nulls)                                                                                \
            return ERR_NOMEM;                                                                      \
        for (uint32_t i = 0; i < out->vec.rows; i++) {                                             \
            const double x = args[0].vec.member[i];                                                \
            nulls[i] = isfinite(x) == 0;                                                           \
            out->vec.i64[i] = to_long(x * TIME_MICROS_PER_SECOND);                                 \
        }                                                                                          \
        return kernel_null_where(eval, out, nulls);                                                \
    }
FLOATING_FROM(f32, f32, float)
FLOATING_FROM(f64, f64, double)

KERNEL_CAST(boolean_i8, boolean, uint8_t, i8, int8_t, x)
KERNEL_CAST(boolean_i16, boolean, uint8_t, i16, int16_t, x)
KERNEL_CAST(boolean_i32, boolean, uint8_t, i32, int32_t, x)
KERNEL_CAST(boolean_i64, boolean, uint8_t, i64, int64_t, x)
KERNEL_CAST(boolean_f32, boolean, uint8_t, f32, float, x)
KERNEL_CAST(boolean_f64, boolean, uint8_t, f64, double, x)
KERNEL_CAST(boolean_time, boolean, uint8_t, i64, int64_t, x) /* true is one microsecond */

#define SECONDS(x) floor_div(x, TIME_MICROS_PER_SECOND)
KERNEL_CAST(time_i8, i64, int64_t, i8, int8_t, SECONDS(x))
KERNEL_CAST(time_i16, i64, int64_t, i16, int16_t, SECONDS(x))
KERNEL_CAST(time_i32, i64, int64_t, i32, int32_t, SECONDS(x))
KERNEL_CAST(time_i64, i64, int64_t, i64, int64_t, SECONDS(x))
KERNEL_CAST(time_f32, i64, int64_t, f32, float, (double)x / TIME_MICROS_PER_SECOND)
KERNEL_CAST(time_f64, i64, int64_t, f64, double, (double)x / TIME_MICROS_PER_SECOND)
KERNEL_CAST(time_boolean, i64, int64_t, boolean, uint8_t, x != 0)
KERNEL_CAST(time_date, i64, int64_t, i32, int32_t, floor_div(x, TIME_MICROS_PER_DAY))

static int date_time(struct eval *eval, const struct expr *expr, const struct value *args,
                     struct value *out)
{
    (void)expr;
    for (uint32_t i = 0; i < out->vec.rows; i++) {
        bool overflow = __builtin_mul_overflow((int64_t)args[0].vec.i32[i], TIME_MICROS_PER_DAY,
                                               &out->vec.i64[i]);
        if (overflow && !vec_is_null(&out->vec, i))
            return err_set(eval->err, ERR_INVALID, "a DATE is too far away to be a TIMESTAMP");
    }
    return 0;
}

int kernel_null(struct eval *eval, const struct expr *expr, const struct value *args,
                struct value *out)
{
    (void)expr, (void)args;
    return kernel_all_null(eval, out);
}

/* Integers to BINARY: their bytes, the highest first. */
static int integer_binary(struct eval *eval, const struct expr *expr, const struct value *args,
                          struct value *out)
{
    (void)expr;
    size_t width = type_width(args[0].vec.type);
    for (uint32_t i = 0; i < out->vec.rows; i++) {
        char *text = kernel_text(eval, width);
        if (!text)
            return ERR_NOMEM;
        const char *bytes = (const char *)args[0].vec.data + i * width;
        for (size_t k = 0; k < width; k++)
            text[k] = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? bytes[width - 1 - k] : bytes[k];
        out->vec.str[i] = (struct str){text, width};
        kernel_text_keep(eval, width);
    }
    return 0;
}

#define ROW(from)                                                                                  \
    {                                                                                              \
        [TYPE_TINYINT] = from##_i8, [TYPE_SMALLINT] = from##_i16, [TYPE_INT] = from##_i32,         \
        [TYPE_BIGINT] = from##_i64, [TYPE_FLOAT] = from##_f32, [TYPE_DOUBLE] = from##_f64,         \
        [TYPE_TIMESTAMP] = from##_time, [TYPE_BOOLEAN] = from##_boolean                            \
    }
#define boolean_boolean NULL
#define time_time       NULL

static kernel_fn numeric_cast(enum type_kind from, enum type_kind to)
{
    static const kernel_fn table[TYPE_KIND_COUNT][TYPE_KIND_COUNT] = {
        [TYPE_BOOLEAN] = ROW(boolean), [TYPE_TINYINT] = ROW(i8),     [TYPE_SMALLINT] = ROW(i16),
        [TYPE_INT] = ROW(i32),         [TYPE_BIGINT] = ROW(i64),     [TYPE_FLOAT] = ROW(f32),
        [TYPE_DOUBLE] = ROW(f64),      [TYPE_TIMESTAMP] = ROW(time),
    };
    if (from == TYPE_TIMESTAMP && to == TYPE_DATE)
        return time_date;
    if (from == TYPE_DATE && to == TYPE_TIMESTAMP)
        return date_time;
    if (from == TYPE_DATE && (to == TYPE_BOOLEAN || type_is_numeric(to)))
        return kernel_null;
    if (type_is_integral(from) && to == TYPE_BINARY)
        return integer_binary;
    return table[from][to];
}

/* A STRING and its bytes as BINARY are stored alike. */
static bool same_bytes(enum type_kind from, enum type_kind to)
{
    return (from == TYPE_STRING && to == TYPE_BINARY) || (from == TYPE_BINARY && to == TYPE_STRING);
}

static kernel_fn choose(const struct type *from, const struct type *to, bool exact)
{
    if (from->kind == TYPE_VOID)
        return kernel_null;
    if (to->kind == TYPE_STRING)
        return kernel_cast_to_string(from->kind, exact);
    if (from->kind == TYPE_STRING)
        return kernel_cast_from_string(to->kind, exact);
    if (to->kind == TYPE_DECIMAL)
        return kernel_cast_to_decimal(from, to);
    if (from->kind == TYPE_DECIMAL)
        return kernel_cast_from_decimal(to->kind, exact);
    return numeric_cast(from->kind, to->kind);
}

bool kernel_cast(const struct type *from, const struct type *to, bool exact, kernel_fn *kernel)
{
    *kernel = NULL;
    if (type_eq(from, to) || same_bytes(from->kind, to->kind))
        return true;
    bool refused = false;
    if (exact)
        *kernel = kernel_try_cast(from->kind, to->kind, &refused);
    if (!*kernel && !refused)
        *kernel = choose(from, to, exact);
    return *kernel != NULL;
}
