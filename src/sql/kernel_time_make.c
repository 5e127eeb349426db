/* kernel_time_make.c: dates and timestamps made of numbers, and of the clocks of other zones. */
#include <math.h>

#include "sql/kernel.h"
#include "sql/kernels_time.h"
#include "vec/time.h"

enum { JAVA_YEAR_MAX = 999999999 };

static inline int64_t floor_div(int64_t x, int64_t y)
{
    return x / y - (x % y < 0);
}

/* LocalDate.of. */
static bool make_days(int32_t year, int32_t month, int32_t day, int64_t *days)
{
    if (year < -JAVA_YEAR_MAX || year > JAVA_YEAR_MAX || month < 1 || month > 12 || day < 1 ||
        day > time_days_in_month(year, month))
        return false;
    *days = time_days_from_civil((struct civil_date){year, month, day});
    return true;
}

int kernel_make_date(struct eval *eval, const struct expr *expr, const struct value *args,
                     struct value *out)
{
    (void)expr;
    uint8_t *bad = kernel_flags(eval, out->vec.rows);
    if (!bad)
        return ERR_NOMEM;
    for (uint32_t i = 0; i < out->vec.rows; i++) {
        int64_t days = 0;
        bad[i] = !make_days(args[0].vec.i32[kernel_row(&args[0], i)],
                            args[1].vec.i32[kernel_row(&args[1], i)],
                            args[2].vec.i32[kernel_row(&args[2], i)], &days);
        if (!bad[i] && days != (int32_t)days && !vec_is_null(&out->vec, i))
            return kernel_time_overflow(eval);
        out->vec.i32[i] = (int32_t)days;
    }
    return kernel_null_where(eval, out, bad);
}

/* The zone named in row i; the last one is kept from row to row. */
struct zone_column {
    const struct value *names;
    struct str last;
    struct time_zone zone;
};

static int zone_at(struct eval *eval, struct zone_column *column, uint32_t i)
{
    struct str name = column->names->vec.str[kernel_row(column->names, i)];
    if (column->last.p && str_eq(name, column->last))
        return 0;
    if (!time_zone_find(name, &column->zone))
        return err_set(eval->err, ERR_INVALID, "unknown time zone \"%.*s\"",
                       (int)(name.n < 100 ? name.n : 100), name.p ? name.p : "");
    column->last = name;
    return 0;
}

/* The second of the day from hour, minute and DECIMAL(16,6) seconds; false: there is none. */
static bool make_time(int32_t hour, int32_t minute, __int128 unscaled, int64_t *second,
                      int64_t *fraction)
{
    /* Spark takes the low 32 bits here. */
    int32_t micros = (int32_t)(uint32_t)(unsigned __int128)unscaled;
    *second = floor_div(micros, TIME_MICROS_PER_SECOND);
    *fraction = micros - *second * TIME_MICROS_PER_SECOND;
    if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || *second < 0 || *second > 60 ||
        (*second == 60 && *fraction))
        return false;
    *second += hour * 3600 + minute * 60;
    return true;
}

int kernel_make_timestamp(struct eval *eval, const struct expr *expr, const struct value *args,
                          struct value *out)
{
    uint8_t *bad = kernel_flags(eval, out->vec.rows);
    if (!bad)
        return ERR_NOMEM;
    struct zone_column zones = {.names = &args[6]};
    for (uint32_t i = 0; i < out->vec.rows; i++) {
        int64_t days, second, fraction;
        int32_t part[5];
        for (int k = 0; k < 5; k++)
            part[k] = args[k].vec.i32[kernel_row(&args[k], i)];
        out->vec.i64[i] = 0;
        bad[i] = vec_is_null(&out->vec, i) || !make_days(part[0], part[1], part[2], &days) ||
                 !make_time(part[3], part[4], args[5].vec.decimal[kernel_row(&args[5], i)], &second,
                            &fraction);
        if (bad[i])
            continue;
        int code = expr->arg_count > 6 ? zone_at(eval, &zones, i) : 0;
        if (code != 0)
            return code;
        int64_t utc = time_zone_to_utc(&zones.zone, days * 86400 + second);
        __int128 value = (__int128)utc * TIME_MICROS_PER_SECOND + fraction;
        if (value < INT64_MIN || value > INT64_MAX)
            return kernel_time_overflow(eval);
        out->vec.i64[i] = (int64_t)value;
    }
    return kernel_null_where(eval, out, bad);
}

static int scale_up(struct eval *eval, const struct value *args, struct value *out, int64_t unit)
{
    for (uint32_t i = 0; i < out->vec.rows; i++) {
        if (__builtin_mul_overflow(args[0].vec.i64[i], unit, &out->vec.i64[i]) &&
            !vec_is_null(&out->vec, i))
            return kernel_time_overflow(eval);
    }
    return 0;
}

int kernel_seconds_ts(struct eval *eval, const struct expr *expr, const struct value *args,
                      struct value *out)
{
    (void)expr;
    return scale_up(eval, args, out, TIME_MICROS_PER_SECOND);
}

int kernel_millis_ts(struct eval *eval, const struct expr *expr, const struct value *args,
                     struct value *out)
{
    (void)expr;
    return scale_up(eval, args, out, 1000);
}

int kernel_seconds_ts_double(struct eval *eval, const struct expr *expr, const struct value *args,
                             struct value *out)
{
    (void)expr;
    uint8_t *bad = kernel_flags(eval, out->vec.rows);
    if (!bad)
        return ERR_NOMEM;
    for (uint32_t i = 0; i < out->vec.rows; i++) {
        double x = args[0].vec.f64[i] * TIME_MICROS_PER_SECOND;
        bad[i] = isfinite(args[0].vec.f64[i]) == 0;
        out->vec.i64[i] = bad[i] || x != x              ? 0
                          : x >= 9223372036854775808.0  ? INT64_MAX
                          : x <= -9223372036854775808.0 ? INT64_MIN
                                                        : (int64_t)x;
    }
    return kernel_null_where(eval, out, bad);
}

int kernel_seconds_ts_decimal(struct eval *eval, const struct expr *expr, const struct value *args,
                              struct value *out)
{
    (void)expr;
    int scale = args[0].vec.type->scale;
    __int128 unit = 1;
    for (int i = scale; i < 6; i++)
        unit *= 10;
    __int128 rest = 1;
    for (int i = 6; i < scale; i++)
        rest *= 10;
    for (uint32_t i = 0; i < out->vec.rows; i++) {
        __int128 value = args[0].vec.decimal[i], micros = 0;
        bool there = !vec_is_null(&out->vec, i);
        if (there && value % rest != 0)
            return err_set(eval->err, ERR_INVALID,
                           "timestamp_seconds: the seconds have more than 6 digits of fraction");
        bool over = __builtin_mul_overflow(value / rest, unit, &micros);
        if (there && (over || micros < INT64_MIN || micros > INT64_MAX))
            return kernel_time_overflow(eval);
        out->vec.i64[i] = (int64_t)micros;
    }
    return 0;
}

/* What a clock of the zone shows, or what the time is when it shows this (DateTimeUtils.convertTz).
 */
static int convert_zone(struct eval *eval, const struct value *args, struct value *out, bool to_utc)
{
    struct zone_column zones = {.names = &args[1]};
    for (uint32_t i = 0; i < out->vec.rows; i++) {
        out->vec.i64[i] = 0;
        if (vec_is_null(&out->vec, i))
            continue;
        int code = zone_at(eval, &zones, i);
        if (code != 0)
            return code;
        int64_t micros = args[0].vec.i64[kernel_row(&args[0], i)];
        int64_t seconds = floor_div(micros, TIME_MICROS_PER_SECOND);
        int64_t shift = to_utc ? time_zone_to_utc(&zones.zone, seconds) - seconds
                               : time_zone_offset_at(&zones.zone, seconds);
        if (__builtin_add_overflow(micros, shift * TIME_MICROS_PER_SECOND, &out->vec.i64[i]))
            return kernel_time_overflow(eval);
    }
    return 0;
}

int kernel_from_utc(struct eval *eval, const struct expr *expr, const struct value *args,
                    struct value *out)
{
    (void)expr;
    return convert_zone(eval, args, out, false);
}

int kernel_to_utc(struct eval *eval, const struct expr *expr, const struct value *args,
                  struct value *out)
{
    (void)expr;
    return convert_zone(eval, args, out, true);
}
