/* kernel_time_field.c: the fields of dates and timestamps. */
#include "sql/kernel.h"
#include "sql/kernels_time.h"
#include "vec/time.h"

static inline int64_t floor_div(int64_t x, int64_t y)
{
    return x / y - (x % y < 0);
}

static inline int64_t floor_mod(int64_t x, int64_t y)
{
    int64_t rest = x % y;
    return rest < 0 ? rest + y : rest;
}

static int32_t day_of_year(int64_t days)
{
    int64_t year = time_civil_from_days(days).year;
    return (int32_t)(days - time_days_from_civil((struct civil_date){year, 1, 1}) + 1);
}

/* 0: Monday */
static inline int64_t weekday(int64_t days)
{
    return floor_mod(days + 3, 7);
}

/* The Thursday of its week, which is in the year the week belongs to (ISO 8601). */
static inline int64_t thursday(int64_t days)
{
    return days - weekday(days) + 3;
}

#define DATE_FIELD(name, compute)                                                                  \
    int name(struct eval *eval, const struct expr *expr, const struct value *args,                 \
             struct value *out)                                                                    \
    {                                                                                              \
        (void)eval, (void)expr;                                                                    \
        for (uint32_t i = 0; i < out->vec.rows; i++) {                                             \
            const int64_t days = args[0].vec.i32[i];                                               \
            out->vec.i32[i] = (int32_t)(compute);                                                  \
        }                                                                                          \
        return 0;                                                                                  \
    }

DATE_FIELD(kernel_year, time_civil_from_days(days).year)
DATE_FIELD(kernel_quarter, (time_civil_from_days(days).month + 2) / 3)
DATE_FIELD(kernel_month, time_civil_from_days(days).month)
DATE_FIELD(kernel_week_of_year, (day_of_year(thursday(days)) - 1) / 7 + 1)
DATE_FIELD(kernel_year_of_week, time_civil_from_days(thursday(days)).year)
DATE_FIELD(kernel_day, time_civil_from_days(days).day)
DATE_FIELD(kernel_day_of_week, (weekday(days) + 1) % 7 + 1)
DATE_FIELD(kernel_day_of_week_iso, weekday(days) + 1)
DATE_FIELD(kernel_weekday, weekday(days))
DATE_FIELD(kernel_day_of_year, day_of_year(days))

#define TIME_FIELD(name, member, compute)                                                          \
    int name(struct eval *eval, const struct expr *expr, const struct value *args,                 \
             struct value *out)                                                                    \
    {                                                                                              \
        (void)eval, (void)expr;                                                                    \
        for (uint32_t i = 0; i < out->vec.rows; i++) {                                             \
            const int64_t micros = floor_mod(args[0].vec.i64[i], TIME_MICROS_PER_DAY);             \
            out->vec.member[i] = (compute);                                                        \
        }                                                                                          \
        return 0;                                                                                  \
    }

#define SECOND_OF_DAY ((int32_t)(micros / TIME_MICROS_PER_SECOND))
TIME_FIELD(kernel_hour, i32, SECOND_OF_DAY / 3600)
TIME_FIELD(kernel_minute, i32, SECOND_OF_DAY / 60 % 60)
TIME_FIELD(kernel_second, i32, SECOND_OF_DAY % 60)
TIME_FIELD(kernel_second_fraction, decimal, micros % (60LL * TIME_MICROS_PER_SECOND))

/* TimeUnit's floorDiv to seconds and milliseconds; the plain division of unix_timestamp. */
#define UNIX_KERNEL(name, compute)                                                                 \
    int name(struct eval *eval, const struct expr *expr, const struct value *args,                 \
             struct value *out)                                                                    \
    {                                                                                              \
        (void)eval, (void)expr;                                                                    \
        for (uint32_t i = 0; i < out->vec.rows; i++) {                                             \
            const int64_t micros = args[0].vec.i64[i];                                             \
            out->vec.i64[i] = (compute);                                                           \
        }                                                                                          \
        return 0;                                                                                  \
    }

UNIX_KERNEL(kernel_unix_seconds, floor_div(micros, TIME_MICROS_PER_SECOND))
UNIX_KERNEL(kernel_unix_millis, floor_div(micros, 1000))
UNIX_KERNEL(kernel_truncated_seconds, micros / TIME_MICROS_PER_SECOND)
