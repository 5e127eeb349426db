#include "vec/time.h"
#include "vec/time_pattern_impl.h"

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

static void date_fields(int64_t days, int64_t values[FIELD_COUNT])
{
    struct civil_date date = time_civil_from_days(days);
    int64_t first = time_days_from_civil((struct civil_date){date.year, 1, 1});
    values[FIELD_ERA] = date.year > 0;
    values[FIELD_YEAR] = date.year;
    values[FIELD_YEAR_OF_ERA] = date.year > 0 ? date.year : 1 - date.year;
    values[FIELD_MONTH] = date.month;
    values[FIELD_DAY] = date.day;
    values[FIELD_DAY_OF_YEAR] = days - first + 1;
    values[FIELD_DAY_OF_WEEK] = ((days + 3) % 7 + 7) % 7 + 1;
    values[FIELD_WEEK_DAY_IN_MONTH] = (date.day - 1) % 7 + 1;
    values[FIELD_QUARTER] = (date.month + 2) / 3;
}

static void time_fields(int64_t second, int64_t micros, int64_t values[FIELD_COUNT])
{
    int64_t hour = second / 3600, half = hour % 12;
    values[FIELD_HALF_DAY] = hour / 12;
    values[FIELD_HOUR] = hour;
    values[FIELD_CLOCK_HOUR] = hour ? hour : 24;
    values[FIELD_HOUR_OF_HALF] = half;
    values[FIELD_CLOCK_HOUR_OF_HALF] = half ? half : 12;
    values[FIELD_MINUTE] = second / 60 % 60;
    values[FIELD_SECOND] = second % 60;
    values[FIELD_NANO] = micros * 1000;
    values[FIELD_OFFSET] = 0;
}

static size_t put(struct str s, char *out)
{
    if (s.n)
        memcpy(out, s.p, s.n);
    return s.n;
}

static size_t put_number(const struct pattern_element *e, int64_t value, char *out)
{
    char digits[20];
    int count = 0;
    size_t n = 0;
    for (int64_t rest = value < 0 ? -value : value; rest || count < e->min; rest /= 10)
        digits[count++] = (char)('0' + rest % 10);
    if (value < 0)
        out[n++] = '-';
    else if (e->sign == SIGN_EXCEEDS_PAD && count > e->min)
        out[n++] = '+';
    while (count)
        out[n++] = digits[--count];
    return n;
}

/* The first digits of the nanoseconds. */
static size_t put_fraction(const struct pattern_element *e, int64_t nanos, char *out)
{
    for (int i = 0; i < 9; i++, nanos /= 10) {
        if (8 - i < e->max)
            out[8 - i] = (char)('0' + nanos % 10);
    }
    return e->max;
}

static size_t put_element(const struct pattern_element *e, const int64_t values[FIELD_COUNT],
                          char *out)
{
    int64_t value = values[e->field];
    switch ((enum pattern_kind)e->kind) {
    case PATTERN_NUMBER:
        return put_number(e, value, out);
    case PATTERN_REDUCED:
        return put_number(e, (value < 0 ? -value : value) % 100, out);
    case PATTERN_TEXT:
        return put(pattern_name((enum pattern_field)e->field, e->full, value), out);
    case PATTERN_FRACTION:
        return put_fraction(e, value, out);
    case PATTERN_GMT:
        return put(STR("GMT"), out);
    case PATTERN_LITERAL:
    case PATTERN_OFFSET: /* the session's zone is UTC */
    case PATTERN_ZONE:
        return put(e->text, out);
    case PATTERN_OPTIONAL: /* everything in it can be written */
        return 0;
    }
    return 0;
}

size_t time_pattern_text_max(const struct time_pattern *pattern)
{
    size_t n = 0;
    for (uint16_t i = 0; i < pattern->count; i++) {
        const struct pattern_element *e = &pattern->elements[i];
        bool fixed = e->kind == PATTERN_LITERAL || e->kind == PATTERN_ZONE;
        n += fixed ? e->text.n : 24; /* a sign and 19 digits, or a name */
    }
    return n;
}

size_t time_pattern_format(const struct time_pattern *pattern, int64_t micros, char *out)
{
    int64_t seconds = floor_div(micros, TIME_MICROS_PER_SECOND);
    int64_t days = floor_div(seconds, 86400);
    /* The seconds times a million may pass the range. */
    int64_t fraction = (int64_t)((__int128)micros - (__int128)seconds * TIME_MICROS_PER_SECOND);
    int64_t values[FIELD_COUNT];
    date_fields(days, values);
    time_fields(seconds - days * 86400, fraction, values);
    size_t n = 0;
    for (uint16_t i = 0; i < pattern->count; i++)
        n += put_element(&pattern->elements[i], values, out + n);
    return n;
}
