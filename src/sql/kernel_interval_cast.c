/* kernel_interval_cast.c: intervals made of numbers and texts, their texts and their fields. */
#include "sql/kernel.h"
#include "sql/kernels_time.h"
#include "vec/decimal.h"
#include "vec/interval.h"
#include "vec/interval_text.h"
#include "vec/time.h"

enum { MONTHS_PER_YEAR = 12 };

#define HOUR_MICROS   (3600LL * TIME_MICROS_PER_SECOND)
#define MINUTE_MICROS (60LL * TIME_MICROS_PER_SECOND)

static const int64_t day_units[] = {TIME_MICROS_PER_DAY, HOUR_MICROS, MINUTE_MICROS,
                                    TIME_MICROS_PER_SECOND};

static int too_long(struct eval *eval)
{
    return err_set(eval->err, ERR_INVALID, "an interval is too long: beyond its type's range");
}

static int32_t int_at(const struct value *value, uint32_t i)
{
    return value->vec.i32[kernel_row(value, i)];
}

/* a + b * unit; false when it overflows. */
static bool plus_i32(int32_t a, int32_t b, int32_t unit, int32_t *out)
{
    int32_t product;
    return !__builtin_mul_overflow(b, unit, &product) && !__builtin_add_overflow(a, product, out);
}

static bool plus_i64(int64_t *sum, int64_t n, int64_t unit)
{
    int64_t product;
    return !__builtin_mul_overflow(n, unit, &product) &&
           !__builtin_add_overflow(*sum, product, sum);
}

int kernel_make_interval(struct eval *eval, const struct expr *expr, const struct value *args,
                         struct value *out)
{
    (void)expr;
    uint8_t *bad = kernel_flags(eval, out->vec.rows);
    if (!bad)
        return ERR_NOMEM;
    for (uint32_t i = 0; i < out->vec.rows; i++) {
        struct vec_interval made = {0};
        /* DECIMAL(18,6) fits */
        made.micros = (int64_t)args[6].vec.decimal[kernel_row(&args[6], i)];
        bad[i] =
            !plus_i32(int_at(&args[1], i), int_at(&args[0], i), MONTHS_PER_YEAR, &made.months) ||
            !plus_i32(int_at(&args[3], i), int_at(&args[2], i), 7, &made.days) ||
            !plus_i64(&made.micros, int_at(&args[4], i), HOUR_MICROS) ||
            !plus_i64(&made.micros, int_at(&args[5], i), MINUTE_MICROS);
        out->vec.interval[i] = made;
    }
    return kernel_null_where(eval, out, bad);
}

int kernel_make_dt_interval(struct eval *eval, const struct expr *expr, const struct value *args,
                            struct value *out)
{
    (void)expr;
    for (uint32_t i = 0; i < out->vec.rows; i++) {
        int64_t micros = (int64_t)args[3].vec.decimal[kernel_row(&args[3], i)];
        bool fits = true;
        for (int k = 0; k < 3; k++)
            fits &= plus_i64(&micros, int_at(&args[k], i), day_units[k]);
        if (!fits && !vec_is_null(&out->vec, i))
            return too_long(eval);
        out->vec.i64[i] = micros;
    }
    return 0;
}

int kernel_make_ym_interval(struct eval *eval, const struct expr *expr, const struct value *args,
                            struct value *out)
{
    (void)expr;
    for (uint32_t i = 0; i < out->vec.rows; i++) {
        out->vec.i32[i] = 0;
        if (!plus_i32(int_at(&args[1], i), int_at(&args[0], i), MONTHS_PER_YEAR,
                      &out->vec.i32[i]) &&
            !vec_is_null(&out->vec, i))
            return too_long(eval);
    }
    return 0;
}

#define TEXT_KERNEL(name, format)                                                                  \
    int name(struct eval *eval, const struct expr *expr, const struct value *args,                 \
             struct value *out)                                                                    \
    {                                                                                              \
        (void)expr;                                                                                \
        const struct vec *in = &args[0].vec;                                                       \
        for (uint32_t i = 0; i < out->vec.rows; i++) {                                             \
            out->vec.str[i] = (struct str){NULL, 0};                                               \
            if (vec_is_null(in, i))                                                                \
                continue;                                                                          \
            char *text = kernel_text(eval, INTERVAL_TEXT_MAX);                                     \
            if (!text)                                                                             \
                return ERR_NOMEM;                                                                  \
            size_t n = (format);                                                                   \
            out->vec.str[i] = (struct str){text, n};                                               \
            kernel_text_keep(eval, n);                                                             \
        }                                                                                          \
        return 0;                                                                                  \
    }
TEXT_KERNEL(kernel_months_text, interval_format_year_month(in->i32[i], in->type, text))
TEXT_KERNEL(kernel_micros_text, interval_format_day_time(in->i64[i], in->type, text))
TEXT_KERNEL(kernel_mixed_text, interval_format_mixed(in->interval[i], text))

int kernel_text_mixed(struct eval *eval, const struct expr *expr, const struct value *args,
                      struct value *out)
{
    (void)expr;
    uint8_t *bad = kernel_flags(eval, out->vec.rows);
    if (!bad)
        return ERR_NOMEM;
    for (uint32_t i = 0; i < out->vec.rows; i++) {
        size_t at;
        out->vec.interval[i] = (struct vec_interval){0};
        bad[i] = vec_is_null(&out->vec, i) ||
                 interval_text_parse(args[0].vec.str[i], &out->vec.interval[i], &at) != NULL;
    }
    return kernel_null_where(eval, out, bad);
}

static int text_interval(struct eval *eval, const struct value *args, struct value *out, bool try)
{
    uint8_t *bad = kernel_flags(eval, out->vec.rows);
    if (!bad)
        return ERR_NOMEM;
    const struct type *type = out->vec.type;
    bool months = type->kind == TYPE_INTERVAL_YEAR_MONTH;
    memset(out->vec.data, 0, out->vec.rows * type_width(type));
    for (uint32_t i = 0; i < out->vec.rows; i++) {
        struct str s = args[0].vec.str[i];
        bad[i] = vec_is_null(&out->vec, i);
        if (bad[i])
            continue;
        bad[i] = months ? !interval_parse_year_month(s, type, &out->vec.i32[i])
                        : !interval_parse_day_time(s, type, &out->vec.i64[i]);
        if (bad[i] && !try)
            return err_set(eval->err, ERR_INVALID, "the text \"%.*s\" is no interval of its type",
                           (int)(s.n < 100 ? s.n : 100), s.n ? s.p : "");
    }
    return kernel_null_where(eval, out, bad);
}

static int text_interval_strict(struct eval *eval, const struct expr *expr,
                                const struct value *args, struct value *out)
{
    (void)expr;
    return text_interval(eval, args, out, false);
}

static int text_interval_try(struct eval *eval, const struct expr *expr, const struct value *args,
                             struct value *out)
{
    (void)expr;
    return text_interval(eval, args, out, true);
}

kernel_fn kernel_text_interval(bool try)
{
    return try ? text_interval_try : text_interval_strict;
}

int kernel_interval_truncate(struct eval *eval, const struct expr *expr, const struct value *args,
                             struct value *out)
{
    (void)eval, (void)expr;
    const struct type *type = out->vec.type;
    for (uint32_t i = 0; i < out->vec.rows; i++) {
        if (type->kind == TYPE_INTERVAL_DAY_TIME) {
            int64_t micros = args[0].vec.i64[i];
            bool cut = type->scale < INTERVAL_SECOND;
            out->vec.i64[i] = cut ? micros - micros % day_units[type->scale] : micros;
        } else {
            int32_t months = args[0].vec.i32[i];
            bool cut = type->scale == INTERVAL_YEAR;
            out->vec.i32[i] = cut ? months - months % MONTHS_PER_YEAR : months;
        }
    }
    return 0;
}

int kernel_number_interval(struct eval *eval, const struct expr *expr, const struct value *args,
                           struct value *out)
{
    (void)expr;
    const struct type *type = out->vec.type;
    bool months = type->kind == TYPE_INTERVAL_YEAR_MONTH;
    int64_t unit = !months                        ? day_units[type->scale]
                   : type->scale == INTERVAL_YEAR ? MONTHS_PER_YEAR
                                                  : 1;
    for (uint32_t i = 0; i < out->vec.rows; i++) {
        int64_t value;
        bool fits = !__builtin_mul_overflow(args[0].vec.i64[i], unit, &value);
        if (months)
            fits = fits && value == (int32_t)value;
        if (!fits && !vec_is_null(&out->vec, i))
            return too_long(eval);
        if (months)
            out->vec.i32[i] = (int32_t)value;
        else
            out->vec.i64[i] = value;
    }
    return 0;
}

/* How many of its last field an interval has, without the rest. */
static int64_t count_units(const struct vec *interval, uint32_t i)
{
    const struct type *type = interval->type;
    if (type->kind == TYPE_INTERVAL_DAY_TIME)
        return interval->i64[i] / day_units[type->scale];
    return interval->i32[i] / (type->scale == INTERVAL_YEAR ? MONTHS_PER_YEAR : 1);
}

/* False: it does not fit. */
static bool store_integer(struct vec *vec, uint32_t i, int64_t value)
{
    switch (vec->type->kind) {
    case TYPE_TINYINT:
        vec->i8[i] = (int8_t)value;
        return value == vec->i8[i];
    case TYPE_SMALLINT:
        vec->i16[i] = (int16_t)value;
        return value == vec->i16[i];
    case TYPE_INT:
        vec->i32[i] = (int32_t)value;
        return value == vec->i32[i];
    default:
        vec->i64[i] = value;
        return true;
    }
}

static int interval_number(struct eval *eval, const struct value *args, struct value *out, bool try)
{
    uint8_t *bad = kernel_flags(eval, out->vec.rows);
    if (!bad)
        return ERR_NOMEM;
    for (uint32_t i = 0; i < out->vec.rows; i++) {
        bool fits = store_integer(&out->vec, i, count_units(&args[0].vec, i));
        bad[i] = vec_is_null(&out->vec, i) || !fits;
        if (!fits && !try && !vec_is_null(&out->vec, i))
            return err_set(eval->err, ERR_INVALID,
                           "an interval is too long for the integer it is cast to");
    }
    return kernel_null_where(eval, out, bad);
}

static int interval_number_strict(struct eval *eval, const struct expr *expr,
                                  const struct value *args, struct value *out)
{
    (void)expr;
    return interval_number(eval, args, out, false);
}

static int interval_number_try(struct eval *eval, const struct expr *expr, const struct value *args,
                               struct value *out)
{
    (void)expr;
    return interval_number(eval, args, out, true);
}

kernel_fn kernel_interval_number(bool try)
{
    return try ? interval_number_try : interval_number_strict;
}

#define FIELD_KERNEL(name, in, member, type, compute)                                              \
    static int name(struct eval *eval, const struct expr *expr, const struct value *args,          \
                    struct value *out)                                                             \
    {                                                                                              \
        (void)eval, (void)expr;                                                                    \
        for (uint32_t i = 0; i < out->vec.rows; i++) {                                             \
            const int64_t x = args[0].vec.in;                                                      \
            out->vec.member[i] = (type)(compute);                                                  \
        }                                                                                          \
        return 0;                                                                                  \
    }
FIELD_KERNEL(months_year, i32[i], i32, int32_t, x / MONTHS_PER_YEAR)
FIELD_KERNEL(months_month, i32[i], i8, int8_t, x % MONTHS_PER_YEAR)
FIELD_KERNEL(micros_day, i64[i], i32, int32_t, x / TIME_MICROS_PER_DAY)
FIELD_KERNEL(micros_hour, i64[i], i8, int8_t, x % TIME_MICROS_PER_DAY / HOUR_MICROS)
FIELD_KERNEL(micros_minute, i64[i], i8, int8_t, x % HOUR_MICROS / MINUTE_MICROS)
FIELD_KERNEL(micros_second, i64[i], decimal, __int128, x % MINUTE_MICROS)
FIELD_KERNEL(mixed_year, interval[i].months, i32, int32_t, x / MONTHS_PER_YEAR)
FIELD_KERNEL(mixed_month, interval[i].months, i8, int8_t, x % MONTHS_PER_YEAR)
FIELD_KERNEL(mixed_hour, interval[i].micros, i8, int8_t, x % TIME_MICROS_PER_DAY / HOUR_MICROS)
FIELD_KERNEL(mixed_minute, interval[i].micros, i8, int8_t, x % HOUR_MICROS / MINUTE_MICROS)
FIELD_KERNEL(mixed_second, interval[i].micros, decimal, __int128, x % MINUTE_MICROS)

/* Full days of the time count too. */
static int mixed_day(struct eval *eval, const struct expr *expr, const struct value *args,
                     struct value *out)
{
    (void)eval, (void)expr;
    for (uint32_t i = 0; i < out->vec.rows; i++) {
        struct vec_interval x = args[0].vec.interval[i];
        out->vec.i32[i] = (int32_t)((uint32_t)x.days + (uint32_t)(x.micros / TIME_MICROS_PER_DAY));
    }
    return 0;
}

kernel_fn kernel_interval_field(const struct type *interval, char field, const struct type **type)
{
    static const struct {
        char field;
        uint8_t level; /* in the type's fields */
        kernel_fn months, micros, mixed;
        enum type_kind result;
    } fields[] = {
        {'Y', INTERVAL_YEAR, months_year, NULL, mixed_year, TYPE_INT},
        {'M', INTERVAL_MONTH, months_month, NULL, mixed_month, TYPE_TINYINT},
        {'D', INTERVAL_DAY, NULL, micros_day, mixed_day, TYPE_INT},
        {'H', INTERVAL_HOUR, NULL, micros_hour, mixed_hour, TYPE_TINYINT},
        {'m', INTERVAL_MINUTE, NULL, micros_minute, mixed_minute, TYPE_TINYINT},
        {'S', INTERVAL_SECOND, NULL, micros_second, mixed_second, TYPE_DECIMAL},
    };
    for (size_t i = 0; i < COUNT_OF(fields); i++) {
        if (fields[i].field != field)
            continue;
        *type =
            fields[i].result == TYPE_DECIMAL ? decimal_type(8, 6) : type_simple(fields[i].result);
        if (interval->kind == TYPE_INTERVAL)
            return fields[i].mixed;
        if (fields[i].level < interval->precision || fields[i].level > interval->scale)
            return NULL;
        return interval->kind == TYPE_INTERVAL_DAY_TIME ? fields[i].micros : fields[i].months;
    }
    return NULL;
}
