/* kernel_interval.c: arithmetic with intervals. */
#include <math.h>

#include "sql/kernel.h"
#include "sql/kernels_time.h"
#include "vec/decimal.h"
#include "vec/time.h"

static int interval_overflow(struct eval *eval)
{
    return err_set(eval->err, ERR_INVALID, "an interval is too long: beyond its type's range");
}

static inline int64_t floor_div(int64_t x, int64_t y)
{
    return x / y - (x % y < 0);
}

/* Both sides of one kind; `compute` says whether it overflows. */
#define ADD_KERNEL(name, member, type, compute)                                                    \
    static int name(struct eval *eval, const struct expr *expr, const struct value *args,          \
                    struct value *out)                                                             \
    {                                                                                              \
        (void)expr;                                                                                \
        type *result = out->vec.member;                                                            \
        bool over = false;                                                                         \
        KERNEL_BINARY(type, member, {                                                              \
            bool bad = compute(x, y, &result[i]);                                                  \
            over |= bad && !vec_is_null(&out->vec, i);                                             \
        });                                                                                        \
        return over ? interval_overflow(eval) : 0;                                                 \
    }

ADD_KERNEL(add_months, i32, int32_t, __builtin_add_overflow)
ADD_KERNEL(subtract_months, i32, int32_t, __builtin_sub_overflow)
ADD_KERNEL(add_micros, i64, int64_t, __builtin_add_overflow)
ADD_KERNEL(subtract_micros, i64, int64_t, __builtin_sub_overflow)

/* Mixed intervals wrap part by part. */
static struct vec_interval sum_mixed(struct vec_interval a, struct vec_interval b)
{
    return (struct vec_interval){
        .months = (int32_t)((uint32_t)a.months + (uint32_t)b.months),
        .days = (int32_t)((uint32_t)a.days + (uint32_t)b.days),
        .micros = (int64_t)((uint64_t)a.micros + (uint64_t)b.micros),
    };
}

static struct vec_interval negated(struct vec_interval a)
{
    return (struct vec_interval){
        .months = (int32_t) - (uint32_t)a.months,
        .days = (int32_t) - (uint32_t)a.days,
        .micros = (int64_t) - (uint64_t)a.micros,
    };
}

static int add_mixed(struct eval *eval, const struct expr *expr, const struct value *args,
                     struct value *out)
{
    (void)eval, (void)expr;
    for (uint32_t i = 0; i < out->vec.rows; i++)
        out->vec.interval[i] = sum_mixed(args[0].vec.interval[kernel_row(&args[0], i)],
                                         args[1].vec.interval[kernel_row(&args[1], i)]);
    return 0;
}

static int subtract_mixed(struct eval *eval, const struct expr *expr, const struct value *args,
                          struct value *out)
{
    (void)eval, (void)expr;
    for (uint32_t i = 0; i < out->vec.rows; i++)
        out->vec.interval[i] = sum_mixed(args[0].vec.interval[kernel_row(&args[0], i)],
                                         negated(args[1].vec.interval[kernel_row(&args[1], i)]));
    return 0;
}

/* The kernel for a kind of interval; NULL: none, or no interval. */
static kernel_fn choose(enum type_kind kind, kernel_fn months, kernel_fn micros, kernel_fn mixed)
{
    return kind == TYPE_INTERVAL_YEAR_MONTH ? months
           : kind == TYPE_INTERVAL_DAY_TIME ? micros
           : kind == TYPE_INTERVAL          ? mixed
                                            : NULL;
}

kernel_fn kernel_interval_add(enum interval_op op, enum type_kind kind)
{
    bool add = op == INTERVAL_ADD;
    return add ? choose(kind, add_months, add_micros, add_mixed)
               : choose(kind, subtract_months, subtract_micros, subtract_mixed);
}

#define NEGATE_KERNEL(name, member, condition)                                                     \
    static int name(struct eval *eval, const struct expr *expr, const struct value *args,          \
                    struct value *out)                                                             \
    {                                                                                              \
        (void)expr;                                                                                \
        for (uint32_t i = 0; i < out->vec.rows; i++) {                                             \
            out->vec.member[i] = args[0].vec.member[i];                                            \
            if ((condition) &&                                                                     \
                __builtin_sub_overflow(0, args[0].vec.member[i], &out->vec.member[i]) &&           \
                !vec_is_null(&out->vec, i))                                                        \
                return interval_overflow(eval);                                                    \
        }                                                                                          \
        return 0;                                                                                  \
    }
NEGATE_KERNEL(negate_months, i32, true)
NEGATE_KERNEL(negate_micros, i64, true)
NEGATE_KERNEL(absolute_months, i32, args[0].vec.i32[i] < 0)
NEGATE_KERNEL(absolute_micros, i64, args[0].vec.i64[i] < 0)

#define SIGN_KERNEL(name, member)                                                                  \
    static int name(struct eval *eval, const struct expr *expr, const struct value *args,          \
                    struct value *out)                                                             \
    {                                                                                              \
        (void)eval, (void)expr;                                                                    \
        for (uint32_t i = 0; i < out->vec.rows; i++)                                               \
            out->vec.f64[i] = (args[0].vec.member[i] > 0) - (args[0].vec.member[i] < 0);           \
        return 0;                                                                                  \
    }
SIGN_KERNEL(sign_months, i32)
SIGN_KERNEL(sign_micros, i64)

kernel_fn kernel_interval_absolute(enum type_kind kind)
{
    return choose(kind, absolute_months, absolute_micros, NULL);
}

kernel_fn kernel_interval_sign(enum type_kind kind)
{
    return choose(kind, sign_months, sign_micros, NULL);
}

static int negate_mixed(struct eval *eval, const struct expr *expr, const struct value *args,
                        struct value *out)
{
    (void)eval, (void)expr;
    for (uint32_t i = 0; i < out->vec.rows; i++)
        out->vec.interval[i] = negated(args[0].vec.interval[i]);
    return 0;
}

kernel_fn kernel_interval_negate(enum type_kind kind)
{
    return choose(kind, negate_months, negate_micros, negate_mixed);
}

/* Math.round half up (away from zero), as an integer; false for what has none. */
static bool round_half_up(double x, int64_t *out)
{
    double whole = rint(x);
    if (fabs(x - whole) == 0.5)
        whole = x + copysign(0.5, x);
    if (!(whole >= -9223372036854775808.0 && whole < 9223372036854775808.0))
        return false;
    *out = (int64_t)whole;
    return true;
}

/* LongMath.divide with HALF_UP. */
static bool divide_half_up(int64_t a, int64_t b, int64_t *out)
{
    if (b == 0)
        return false;
    __int128 quotient = (__int128)a / b, rest = (__int128)a % b, size = b;
    rest = rest < 0 ? -rest : rest;
    size = size < 0 ? -size : size;
    if (2 * rest >= size)
        quotient += (a < 0) == (b < 0) ? 1 : -1;
    *out = (int64_t)quotient;
    return quotient >= INT64_MIN && quotient <= INT64_MAX;
}

/* a OP the number of row i, as an integer; false: it overflows or there is none. */
static bool scale(int64_t a, const struct value *number, uint32_t row, bool divide, int64_t *out)
{
    uint32_t i = kernel_row(number, row);
    switch (number->vec.type->kind) {
    case TYPE_BIGINT:
        return divide ? divide_half_up(a, number->vec.i64[i], out)
                      : !__builtin_mul_overflow(a, number->vec.i64[i], out);
    case TYPE_DECIMAL: {
        __int128 result, value = number->vec.decimal[i];
        int places = number->vec.type->scale;
        const struct type *whole = decimal_type(DECIMAL_DIGITS_MAX, 0);
        bool fits = divide ? value != 0 && decimal_divide(a, 0, value, places, whole, &result)
                           : decimal_multiply(a, 0, value, places, whole, &result);
        if (!fits || result < INT64_MIN || result > INT64_MAX)
            return false;
        *out = (int64_t)result;
        return true;
    }
    default: {
        double value = number->vec.f64[i];
        if (divide && value == 0)
            return false;
        return round_half_up(divide ? (double)a / value : (double)a * value, out);
    }
    }
}

static int scaling_failed(struct eval *eval, const struct value *number, uint32_t row, bool divide)
{
    uint32_t i = kernel_row(number, row);
    enum type_kind kind = number->vec.type->kind;
    bool zero = kind == TYPE_BIGINT    ? number->vec.i64[i] == 0
                : kind == TYPE_DECIMAL ? number->vec.decimal[i] == 0
                                       : number->vec.f64[i] == 0;
    if (divide && zero)
        return err_set(eval->err, ERR_INVALID, "an interval is divided by zero");
    return interval_overflow(eval);
}

static int scale_months(struct eval *eval, const struct value *args, struct value *out, bool divide)
{
    for (uint32_t i = 0; i < out->vec.rows; i++) {
        int64_t result = 0;
        bool fits = scale(args[0].vec.i32[kernel_row(&args[0], i)], &args[1], i, divide, &result);
        if (!(fits && result == (int32_t)result) && !vec_is_null(&out->vec, i))
            return scaling_failed(eval, &args[1], i, divide);
        out->vec.i32[i] = (int32_t)result;
    }
    return 0;
}

static int scale_micros(struct eval *eval, const struct value *args, struct value *out, bool divide)
{
    for (uint32_t i = 0; i < out->vec.rows; i++) {
        out->vec.i64[i] = 0;
        if (!scale(args[0].vec.i64[kernel_row(&args[0], i)], &args[1], i, divide,
                   &out->vec.i64[i]) &&
            !vec_is_null(&out->vec, i))
            return scaling_failed(eval, &args[1], i, divide);
    }
    return 0;
}

/* Java's (int) and (long) of a double. */
static int32_t java_int(double x)
{
    return x != x ? 0 : x >= 2147483647.0 ? INT32_MAX : x <= -2147483648.0 ? INT32_MIN : (int32_t)x;
}

static int64_t java_round(double x)
{
    double whole = floor(x);
    whole = x - whole >= 0.5 ? whole + 1 : whole;
    return x != x                            ? 0
           : whole >= 9223372036854775808.0  ? INT64_MAX
           : whole <= -9223372036854775808.0 ? INT64_MIN
                                             : (int64_t)whole;
}

/* IntervalUtils.safeFromDoubles: what is left of a day becomes time; of a month, nothing. */
static int scale_mixed(struct eval *eval, const struct value *args, struct value *out, bool divide)
{
    uint8_t *bad = kernel_flags(eval, out->vec.rows);
    if (!bad)
        return ERR_NOMEM;
    for (uint32_t i = 0; i < out->vec.rows; i++) {
        struct vec_interval a = args[0].vec.interval[kernel_row(&args[0], i)];
        double n = args[1].vec.f64[kernel_row(&args[1], i)];
        bad[i] = divide && n == 0;
        double months = divide ? a.months / n : n * a.months;
        double days = divide ? a.days / n : n * a.days;
        double micros = divide ? (double)a.micros / n : n * (double)a.micros;
        int32_t whole = java_int(days);
        micros += (double)TIME_MICROS_PER_DAY * (days - whole);
        out->vec.interval[i] = (struct vec_interval){java_int(months), whole, java_round(micros)};
    }
    return kernel_null_where(eval, out, bad);
}

#define SCALE_KERNELS(name)                                                                        \
    static int multiply_##name(struct eval *eval, const struct expr *expr,                         \
                               const struct value *args, struct value *out)                        \
    {                                                                                              \
        (void)expr;                                                                                \
        return scale_##name(eval, args, out, false);                                               \
    }                                                                                              \
    static int divide_##name(struct eval *eval, const struct expr *expr, const struct value *args, \
                             struct value *out)                                                    \
    {                                                                                              \
        (void)expr;                                                                                \
        return scale_##name(eval, args, out, true);                                                \
    }
SCALE_KERNELS(months)
SCALE_KERNELS(micros)
SCALE_KERNELS(mixed)

kernel_fn kernel_interval_multiply(enum type_kind interval)
{
    return choose(interval, multiply_months, multiply_micros, multiply_mixed);
}

kernel_fn kernel_interval_divide(enum type_kind interval)
{
    return choose(interval, divide_months, divide_micros, divide_mixed);
}

/* Without a remainder; by zero it is NULL, and the lowest by -1 wraps. */
#define QUOTIENT_KERNEL(name, member, type)                                                        \
    static int name(struct eval *eval, const struct expr *expr, const struct value *args,          \
                    struct value *out)                                                             \
    {                                                                                              \
        (void)expr;                                                                                \
        uint8_t *zero = kernel_flags(eval, out->vec.rows);                                         \
        if (!zero)                                                                                 \
            return ERR_NOMEM;                                                                      \
        KERNEL_BINARY(type, member, {                                                              \
            zero[i] = y == 0;                                                                      \
            out->vec.i64[i] = y == 0 || y == -1 ? (type)(0 - (uint64_t)x) : x / y;                 \
        });                                                                                        \
        return kernel_null_where(eval, out, zero);                                                 \
    }
QUOTIENT_KERNEL(quotient_months, i32, int32_t)
QUOTIENT_KERNEL(quotient_micros, i64, int64_t)

kernel_fn kernel_interval_quotient(enum type_kind interval)
{
    return choose(interval, quotient_months, quotient_micros, NULL);
}

int kernel_ts_add_micros(struct eval *eval, const struct expr *expr, const struct value *args,
                         struct value *out)
{
    (void)expr;
    for (uint32_t i = 0; i < out->vec.rows; i++) {
        if (__builtin_add_overflow(args[0].vec.i64[kernel_row(&args[0], i)],
                                   args[1].vec.i64[kernel_row(&args[1], i)], &out->vec.i64[i]) &&
            !vec_is_null(&out->vec, i))
            return kernel_time_overflow(eval);
    }
    return 0;
}

/* Months first, then days, then the time. */
static bool ts_plus(int64_t micros, struct vec_interval interval, int64_t *out)
{
    int64_t days = floor_div(micros, TIME_MICROS_PER_DAY);
    __int128 in_day = (__int128)micros - (__int128)days * TIME_MICROS_PER_DAY;
    if (!kernel_days_add_months(days, interval.months, &days))
        return false;
    __int128 value =
        ((__int128)days + interval.days) * TIME_MICROS_PER_DAY + in_day + interval.micros;
    *out = (int64_t)value;
    return value >= INT64_MIN && value <= INT64_MAX;
}

int kernel_ts_add_mixed(struct eval *eval, const struct expr *expr, const struct value *args,
                        struct value *out)
{
    (void)expr;
    for (uint32_t i = 0; i < out->vec.rows; i++) {
        out->vec.i64[i] = 0;
        if (!ts_plus(args[0].vec.i64[kernel_row(&args[0], i)],
                     args[1].vec.interval[kernel_row(&args[1], i)], &out->vec.i64[i]) &&
            !vec_is_null(&out->vec, i))
            return kernel_time_overflow(eval);
    }
    return 0;
}

int kernel_date_add_mixed(struct eval *eval, const struct expr *expr, const struct value *args,
                          struct value *out)
{
    (void)expr;
    for (uint32_t i = 0; i < out->vec.rows; i++) {
        int64_t days = args[0].vec.i32[kernel_row(&args[0], i)], micros, moved = 0;
        struct vec_interval interval = args[1].vec.interval[kernel_row(&args[1], i)];
        bool ok;
        if (interval.micros == 0) {
            ok = kernel_days_add_months(days, interval.months, &moved);
            moved += interval.days;
        } else {
            ok = !__builtin_mul_overflow(days, TIME_MICROS_PER_DAY, &micros) &&
                 ts_plus(micros, interval, &micros);
            moved = ok ? floor_div(micros, TIME_MICROS_PER_DAY) : 0;
        }
        if (!(ok && moved == (int32_t)moved) && !vec_is_null(&out->vec, i))
            return kernel_time_overflow(eval);
        out->vec.i32[i] = (int32_t)moved;
    }
    return 0;
}

int kernel_date_difference(struct eval *eval, const struct expr *expr, const struct value *args,
                           struct value *out)
{
    (void)expr;
    for (uint32_t i = 0; i < out->vec.rows; i++) {
        int64_t days = (int64_t)args[0].vec.i32[kernel_row(&args[0], i)] -
                       args[1].vec.i32[kernel_row(&args[1], i)];
        if (__builtin_mul_overflow(days, TIME_MICROS_PER_DAY, &out->vec.i64[i]) &&
            !vec_is_null(&out->vec, i))
            return interval_overflow(eval);
    }
    return 0;
}

int kernel_ts_difference(struct eval *eval, const struct expr *expr, const struct value *args,
                         struct value *out)
{
    return subtract_micros(eval, expr, args, out);
}

int kernel_interval_days(struct eval *eval, const struct expr *expr, const struct value *args,
                         struct value *out)
{
    (void)eval, (void)expr;
    for (uint32_t i = 0; i < out->vec.rows; i++)
        out->vec.i32[i] = (int32_t)(args[0].vec.i64[i] / TIME_MICROS_PER_DAY);
    return 0;
}
