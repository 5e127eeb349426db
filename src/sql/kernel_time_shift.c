/* kernel_time_shift.c: moving dates and timestamps, and cutting them off. */
#include <math.h>

#include "sql/kernel.h"
#include "sql/kernels_time.h"
#include "vec/time.h"

enum { YEAR_MAX = 999999999, MONTHS_PER_YEAR = 12, DAYS_PER_WEEK = 7, THURSDAY = 4 };

static inline int64_t floor_div(int64_t x, int64_t y)
{
    return x / y - (x % y < 0);
}

static inline int64_t floor_mod(int64_t x, int64_t y)
{
    int64_t rest = x % y;
    return rest < 0 ? rest + y : rest;
}

int kernel_time_overflow(struct eval *eval)
{
    return err_set(eval->err, ERR_INVALID,
                   "a date or time is too far away: beyond its type's range");
}

bool kernel_days_add_months(int64_t days, int64_t months, int64_t *out)
{
    struct civil_date date = time_civil_from_days(days);
    int64_t total = date.year * MONTHS_PER_YEAR + (date.month - 1) + months;
    date.year = floor_div(total, MONTHS_PER_YEAR);
    date.month = (int32_t)floor_mod(total, MONTHS_PER_YEAR) + 1;
    if (date.year < -YEAR_MAX || date.year > YEAR_MAX)
        return false;
    int32_t last = time_days_in_month(date.year, date.month);
    date.day = date.day < last ? date.day : last;
    *out = time_days_from_civil(date);
    return true;
}

static bool micros_add_months(int64_t micros, int64_t months, int64_t *out)
{
    int64_t days = floor_div(micros, TIME_MICROS_PER_DAY), moved;
    int64_t in_day = floor_mod(micros, TIME_MICROS_PER_DAY);
    if (!kernel_days_add_months(days, months, &moved))
        return false;
    __int128 value = (__int128)moved * TIME_MICROS_PER_DAY + in_day;
    *out = (int64_t)value;
    return value >= INT64_MIN && value <= INT64_MAX;
}

int kernel_date_add(struct eval *eval, const struct expr *expr, const struct value *args,
                    struct value *out)
{
    (void)eval, (void)expr;
    int32_t *result = out->vec.i32;
    KERNEL_BINARY(int32_t, i32, result[i] = (int32_t)((uint32_t)x + (uint32_t)y));
    return 0;
}

int kernel_date_sub(struct eval *eval, const struct expr *expr, const struct value *args,
                    struct value *out)
{
    (void)eval, (void)expr;
    int32_t *result = out->vec.i32;
    KERNEL_BINARY(int32_t, i32, result[i] = (int32_t)((uint32_t)x - (uint32_t)y));
    return 0;
}

int kernel_date_diff(struct eval *eval, const struct expr *expr, const struct value *args,
                     struct value *out)
{
    return kernel_date_sub(eval, expr, args, out);
}

int kernel_add_months(struct eval *eval, const struct expr *expr, const struct value *args,
                      struct value *out)
{
    (void)expr;
    for (uint32_t i = 0; i < out->vec.rows; i++) {
        int32_t days = args[0].vec.i32[kernel_row(&args[0], i)];
        int32_t months = args[1].vec.i32[kernel_row(&args[1], i)];
        int64_t moved = 0;
        bool ok = kernel_days_add_months(days, months, &moved) && moved == (int32_t)moved;
        if (!ok && !vec_is_null(&out->vec, i))
            return kernel_time_overflow(eval);
        out->vec.i32[i] = (int32_t)moved;
    }
    return 0;
}

int kernel_ts_add_months(struct eval *eval, const struct expr *expr, const struct value *args,
                         struct value *out)
{
    (void)expr;
    for (uint32_t i = 0; i < out->vec.rows; i++) {
        int64_t micros = args[0].vec.i64[kernel_row(&args[0], i)];
        int32_t months = args[1].vec.i32[kernel_row(&args[1], i)];
        out->vec.i64[i] = 0;
        if (!micros_add_months(micros, months, &out->vec.i64[i]) && !vec_is_null(&out->vec, i))
            return kernel_time_overflow(eval);
    }
    return 0;
}

/* DateTimeUtils.monthsBetween: whole months on the same day of the month and between last days,
 * otherwise months of 31 days. */
static double months_between(int64_t a, int64_t b, bool round_off)
{
    int64_t days[] = {floor_div(a, TIME_MICROS_PER_DAY), floor_div(b, TIME_MICROS_PER_DAY)};
    int64_t seconds[] = {floor_mod(a, TIME_MICROS_PER_DAY) / TIME_MICROS_PER_SECOND,
                         floor_mod(b, TIME_MICROS_PER_DAY) / TIME_MICROS_PER_SECOND};
    struct civil_date x = time_civil_from_days(days[0]), y = time_civil_from_days(days[1]);
    double months = (double)((x.year - y.year) * MONTHS_PER_YEAR + (x.month - y.month));
    bool last = x.day == time_days_in_month(x.year, x.month) &&
                y.day == time_days_in_month(y.year, y.month);
    if (x.day == y.day || last)
        return months;
    int64_t difference = (x.day - y.day) * 86400LL + seconds[0] - seconds[1];
    double result = months + (double)difference / (31 * 86400.0);
    if (!round_off)
        return result;
    double scaled = result * 1e8, whole = floor(scaled);
    return (scaled - whole >= 0.5 ? whole + 1 : whole) / 1e8;
}

int kernel_months_between(struct eval *eval, const struct expr *expr, const struct value *args,
                          struct value *out)
{
    (void)eval, (void)expr;
    for (uint32_t i = 0; i < out->vec.rows; i++) {
        int64_t a = args[0].vec.i64[kernel_row(&args[0], i)];
        int64_t b = args[1].vec.i64[kernel_row(&args[1], i)];
        bool round_off = args[2].vec.boolean[kernel_row(&args[2], i)];
        out->vec.f64[i] = months_between(a, b, round_off);
    }
    return 0;
}

int kernel_last_day(struct eval *eval, const struct expr *expr, const struct value *args,
                    struct value *out)
{
    (void)eval, (void)expr;
    for (uint32_t i = 0; i < out->vec.rows; i++) {
        struct civil_date date = time_civil_from_days(args[0].vec.i32[i]);
        int64_t left = time_days_in_month(date.year, date.month) - date.day;
        out->vec.i32[i] = (int32_t)(uint32_t)(args[0].vec.i32[i] + left);
    }
    return 0;
}

/* 0: Sunday; -1: no day's name. */
static int day_from_name(struct str name)
{
    static const char *const days[] = {"SUNDAY",   "MONDAY", "TUESDAY", "WEDNESDAY",
                                       "THURSDAY", "FRIDAY", "SATURDAY"};
    for (int i = 0; i < DAYS_PER_WEEK; i++) {
        struct str day = str_of(days[i]);
        if (name.n >= 2 && (name.n <= 3 || name.n == day.n) && name.n <= day.n &&
            str_eq_nocase(name, (struct str){day.p, name.n}))
            return i;
    }
    return -1;
}

int kernel_next_day(struct eval *eval, const struct expr *expr, const struct value *args,
                    struct value *out)
{
    (void)expr;
    uint8_t *bad = kernel_flags(eval, out->vec.rows);
    if (!bad)
        return ERR_NOMEM;
    for (uint32_t i = 0; i < out->vec.rows; i++) {
        int64_t days = args[0].vec.i32[kernel_row(&args[0], i)];
        int day = vec_is_null(&out->vec, i)
                      ? -1
                      : day_from_name(args[1].vec.str[kernel_row(&args[1], i)]);
        bad[i] = day < 0;
        /* the first later day of the name; 1970-01-01 was a Thursday */
        int64_t ahead = floor_mod(day - THURSDAY - 1 - days, DAYS_PER_WEEK);
        out->vec.i32[i] = (int32_t)(uint32_t)(days + 1 + ahead);
    }
    return kernel_null_where(eval, out, bad);
}

enum level {
    LEVEL_NONE,
    LEVEL_MICROSECOND,
    LEVEL_MILLISECOND,
    LEVEL_SECOND,
    LEVEL_MINUTE,
    LEVEL_HOUR,
    LEVEL_DAY,
    LEVEL_WEEK,
    LEVEL_MONTH,
    LEVEL_QUARTER,
    LEVEL_YEAR
};

static enum level level_from_name(struct str name)
{
    static const struct {
        const char *name;
        enum level level;
    } levels[] = {
        {"MICROSECOND", LEVEL_MICROSECOND},
        {"MILLISECOND", LEVEL_MILLISECOND},
        {"SECOND", LEVEL_SECOND},
        {"MINUTE", LEVEL_MINUTE},
        {"HOUR", LEVEL_HOUR},
        {"DAY", LEVEL_DAY},
        {"DD", LEVEL_DAY},
        {"WEEK", LEVEL_WEEK},
        {"MONTH", LEVEL_MONTH},
        {"MON", LEVEL_MONTH},
        {"MM", LEVEL_MONTH},
        {"QUARTER", LEVEL_QUARTER},
        {"YEAR", LEVEL_YEAR},
        {"YYYY", LEVEL_YEAR},
        {"YY", LEVEL_YEAR},
    };
    for (size_t i = 0; i < COUNT_OF(levels); i++) {
        if (str_eq_nocase(name, str_of(levels[i].name)))
            return levels[i].level;
    }
    return LEVEL_NONE;
}

static int64_t trunc_days(int64_t days, enum level level)
{
    if (level == LEVEL_WEEK)
        return days - floor_mod(days + 3, DAYS_PER_WEEK);
    struct civil_date date = time_civil_from_days(days);
    if (level == LEVEL_MONTH)
        return days - date.day + 1;
    int32_t month = level == LEVEL_YEAR ? 1 : (date.month - 1) / 3 * 3 + 1;
    return time_days_from_civil((struct civil_date){date.year, month, 1});
}

int kernel_trunc(struct eval *eval, const struct expr *expr, const struct value *args,
                 struct value *out)
{
    (void)expr;
    uint8_t *bad = kernel_flags(eval, out->vec.rows);
    if (!bad)
        return ERR_NOMEM;
    enum level level = LEVEL_NONE;
    for (uint32_t i = 0; i < out->vec.rows; i++) {
        int32_t days = args[0].vec.i32[kernel_row(&args[0], i)];
        if (i == 0 || !args[1].constant)
            level = vec_is_null(&args[1].vec, i) ? LEVEL_NONE : level_from_name(args[1].vec.str[i]);
        bad[i] = level < LEVEL_WEEK;
        out->vec.i32[i] = bad[i] ? 0 : (int32_t)(uint32_t)trunc_days(days, level);
    }
    return kernel_null_where(eval, out, bad);
}

/* False: the result is before the first timestamp. */
static bool trunc_micros(int64_t micros, enum level level, int64_t *out)
{
    static const int64_t units[] = {
        [LEVEL_MICROSECOND] = 1,
        [LEVEL_MILLISECOND] = 1000,
        [LEVEL_SECOND] = TIME_MICROS_PER_SECOND,
        [LEVEL_MINUTE] = 60LL * TIME_MICROS_PER_SECOND,
        [LEVEL_HOUR] = 3600LL * TIME_MICROS_PER_SECOND,
        [LEVEL_DAY] = TIME_MICROS_PER_DAY,
    };
    if (level <= LEVEL_SECOND) { /* wraps, as in Spark */
        *out = (int64_t)((uint64_t)micros - (uint64_t)floor_mod(micros, units[level]));
        return true;
    }
    if (level <= LEVEL_DAY)
        return !__builtin_sub_overflow(micros, floor_mod(micros, units[level]), out);
    int64_t days = trunc_days(floor_div(micros, TIME_MICROS_PER_DAY), level);
    return !__builtin_mul_overflow(days, TIME_MICROS_PER_DAY, out);
}

int kernel_date_trunc(struct eval *eval, const struct expr *expr, const struct value *args,
                      struct value *out)
{
    (void)expr;
    uint8_t *bad = kernel_flags(eval, out->vec.rows);
    if (!bad)
        return ERR_NOMEM;
    enum level level = LEVEL_NONE;
    for (uint32_t i = 0; i < out->vec.rows; i++) {
        if (i == 0 || !args[0].constant)
            level = vec_is_null(&args[0].vec, i) ? LEVEL_NONE : level_from_name(args[0].vec.str[i]);
        bad[i] = level == LEVEL_NONE;
        out->vec.i64[i] = 0;
        if (!bad[i] &&
            !trunc_micros(args[1].vec.i64[kernel_row(&args[1], i)], level, &out->vec.i64[i]) &&
            !vec_is_null(&out->vec, i))
            return kernel_time_overflow(eval);
    }
    return kernel_null_where(eval, out, bad);
}

/* Units of timestampadd and timestampdiff: so many microseconds or months. */
static const struct unit {
    const char *name;
    int64_t micros;
    int32_t months;
} units[] = {
    {"MICROSECOND", 1, 0},
    {"MILLISECOND", 1000, 0},
    {"SECOND", TIME_MICROS_PER_SECOND, 0},
    {"MINUTE", 60LL * TIME_MICROS_PER_SECOND, 0},
    {"HOUR", 3600LL * TIME_MICROS_PER_SECOND, 0},
    {"DAY", TIME_MICROS_PER_DAY, 0},
    {"WEEK", DAYS_PER_WEEK *TIME_MICROS_PER_DAY, 0},
    {"MONTH", 0, 1},
    {"QUARTER", 0, 3},
    {"YEAR", 0, MONTHS_PER_YEAR},
    {"DAYOFYEAR", TIME_MICROS_PER_DAY, 0}, /* the last: not for differences */
};

static const struct unit *find_unit(struct str name)
{
    for (size_t i = 0; i < COUNT_OF(units); i++) {
        if (str_eq_nocase(name, str_of(units[i].name)))
            return &units[i];
    }
    return NULL;
}

bool kernel_time_unit(struct str name, bool diff)
{
    const struct unit *unit = find_unit(name);
    return unit && !(diff && unit == &units[COUNT_OF(units) - 1]);
}

static bool add_units(const struct unit *unit, int32_t n, int64_t micros, int64_t *out)
{
    int32_t months;
    if (unit->months)
        return !__builtin_mul_overflow(n, unit->months, &months) &&
               micros_add_months(micros, months, out);
    __int128 value = (__int128)n * unit->micros + micros;
    *out = (int64_t)value;
    return value >= INT64_MIN && value <= INT64_MAX;
}

int kernel_timestamp_add(struct eval *eval, const struct expr *expr, const struct value *args,
                         struct value *out)
{
    (void)expr;
    const struct unit *unit = find_unit(args[0].vec.str[0]); /* the rule wants a constant */
    for (uint32_t i = 0; i < out->vec.rows; i++) {
        int32_t n = args[1].vec.i32[kernel_row(&args[1], i)];
        int64_t micros = args[2].vec.i64[kernel_row(&args[2], i)];
        out->vec.i64[i] = 0;
        if (!add_units(unit, n, micros, &out->vec.i64[i]) && !vec_is_null(&out->vec, i))
            return kernel_time_overflow(eval);
    }
    return 0;
}

/* Whole months from a to b (LocalDateTime.until). */
static int64_t months_until(int64_t a, int64_t b)
{
    int64_t from = floor_div(a, TIME_MICROS_PER_DAY), to = floor_div(b, TIME_MICROS_PER_DAY);
    int64_t from_time = floor_mod(a, TIME_MICROS_PER_DAY);
    int64_t to_time = floor_mod(b, TIME_MICROS_PER_DAY);
    if (to > from && to_time < from_time)
        to--;
    else if (to < from && to_time > from_time)
        to++;
    struct civil_date x = time_civil_from_days(from), y = time_civil_from_days(to);
    int64_t first = (x.year * MONTHS_PER_YEAR + x.month) * 32 + x.day;
    int64_t last = (y.year * MONTHS_PER_YEAR + y.month) * 32 + y.day;
    return (last - first) / 32;
}

int kernel_timestamp_diff(struct eval *eval, const struct expr *expr, const struct value *args,
                          struct value *out)
{
    (void)eval, (void)expr;
    const struct unit *unit = find_unit(args[0].vec.str[0]);
    for (uint32_t i = 0; i < out->vec.rows; i++) {
        int64_t a = args[1].vec.i64[kernel_row(&args[1], i)];
        int64_t b = args[2].vec.i64[kernel_row(&args[2], i)];
        if (unit->months)
            out->vec.i64[i] = months_until(a, b) / unit->months;
        else
            out->vec.i64[i] = (int64_t)(((__int128)b - a) / unit->micros);
    }
    return 0;
}
