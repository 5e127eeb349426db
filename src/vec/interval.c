#include "vec/interval.h"

#include <stdio.h>

#include "vec/time.h"

#define HOUR_MICROS   (3600LL * TIME_MICROS_PER_SECOND)
#define MINUTE_MICROS (60LL * TIME_MICROS_PER_SECOND)

enum { DAY_FIELDS = 4, NANO_DIGITS = 9, MONTHS_PER_YEAR = 12 };

static const char *const day_names[] = {"DAY", "HOUR", "MINUTE", "SECOND"};
static const char *const month_names[] = {"YEAR", "MONTH"};

const struct type *interval_type(enum type_kind kind, int first, int last)
{
#define DAY_TYPE(a, b)                                                                             \
    {                                                                                              \
        .kind = TYPE_INTERVAL_DAY_TIME, .precision = a, .scale = b                                 \
    }
#define MONTH_TYPE(a, b)                                                                           \
    {                                                                                              \
        .kind = TYPE_INTERVAL_YEAR_MONTH, .precision = a, .scale = b                               \
    }
    static const struct type days[DAY_FIELDS][DAY_FIELDS] = {
        {DAY_TYPE(0, 0), DAY_TYPE(0, 1), DAY_TYPE(0, 2), DAY_TYPE(0, 3)},
        {DAY_TYPE(1, 0), DAY_TYPE(1, 1), DAY_TYPE(1, 2), DAY_TYPE(1, 3)},
        {DAY_TYPE(2, 0), DAY_TYPE(2, 1), DAY_TYPE(2, 2), DAY_TYPE(2, 3)},
        {DAY_TYPE(3, 0), DAY_TYPE(3, 1), DAY_TYPE(3, 2), DAY_TYPE(3, 3)},
    };
    static const struct type months[2][2] = {
        {MONTH_TYPE(0, 0), MONTH_TYPE(0, 1)},
        {MONTH_TYPE(1, 0), MONTH_TYPE(1, 1)},
    };
    int fields = kind == TYPE_INTERVAL_DAY_TIME ? DAY_FIELDS : 2;
    REQUIRE(first >= 0 && first <= last && last < fields);
    return kind == TYPE_INTERVAL_DAY_TIME ? &days[first][last] : &months[first][last];
}

struct reader {
    const char *p, *end;
};

static bool is_space(char c)
{
    return (unsigned char)c <= ' ' || c == 0x7f;
}

static bool accept(struct reader *in, char c)
{
    if (in->p == in->end || *in->p != c)
        return false;
    in->p++;
    return true;
}

static bool accept_sign(struct reader *in, bool *negative)
{
    bool minus = accept(in, '-');
    *negative ^= minus;
    return minus || accept(in, '+') || accept(in, '|'); /* the class [+|-] of Spark's patterns */
}

static bool skip_space(struct reader *in)
{
    const char *start = in->p;
    while (in->p < in->end && is_space(*in->p))
        in->p++;
    return in->p > start;
}

static bool accept_word(struct reader *in, const char *word)
{
    size_t n = strlen(word);
    if ((size_t)(in->end - in->p) < n || !str_eq_nocase((struct str){in->p, n}, str_of(word)))
        return false;
    in->p += n;
    return true;
}

/* At most `digits` of them. */
static bool read_number(struct reader *in, int digits, int64_t *value)
{
    int n = 0;
    *value = 0;
    for (; in->p < in->end && *in->p >= '0' && *in->p <= '9'; in->p++) {
        if (++n > digits)
            return false;
        *value = *value * 10 + (*in->p - '0');
    }
    return n > 0;
}

/* INTERVAL [sign]'text' YEAR TO MONTH: what is between the quotes, and the sign before them. A
 * text of another form is taken as it is. */
static bool open_literal(struct reader *in, const struct type *type, bool *negative)
{
    *negative = false;
    while (in->p < in->end && is_space(*in->p))
        in->p++;
    while (in->p < in->end && is_space(in->end[-1]))
        in->end--;
    if (!accept_word(in, "INTERVAL"))
        return true;
    const char *const *names = type->kind == TYPE_INTERVAL_DAY_TIME ? day_names : month_names;
    if (!skip_space(in))
        return false;
    (void)accept_sign(in, negative);
    const char *quote = memchr(in->p, '\'', (size_t)(in->end - in->p));
    if (quote != in->p)
        return false;
    in->p++;
    quote = memchr(in->p, '\'', (size_t)(in->end - in->p));
    if (!quote)
        return false;
    struct reader unit = {quote + 1, in->end};
    in->end = quote;
    if (!skip_space(&unit) || !accept_word(&unit, names[type->precision]))
        return false;
    if (type->precision == type->scale)
        return unit.p == unit.end;
    return skip_space(&unit) && accept_word(&unit, "TO") && skip_space(&unit) &&
           accept_word(&unit, names[type->scale]) && unit.p == unit.end;
}

bool interval_parse_year_month(struct str text, const struct type *type, int32_t *months)
{
    struct reader in = {text.p, str_end(text)};
    bool negative;
    int64_t first, second = 0;
    if (text.n == 0 || !open_literal(&in, type, &negative))
        return false;
    (void)accept_sign(&in, &negative);
    if (!read_number(&in, 10, &first))
        return false;
    if (type->precision != type->scale &&
        (!accept(&in, '-') || !read_number(&in, 2, &second) || second >= MONTHS_PER_YEAR))
        return false;
    int64_t value = type->precision == INTERVAL_YEAR ? first * MONTHS_PER_YEAR + second : first;
    value = negative ? -value : value;
    if (in.p != in.end || value < INT32_MIN || value > INT32_MAX)
        return false;
    *months = (int32_t)value;
    return true;
}

/* [.f...] of at most nine digits; in microseconds, the rest is cut off. */
static bool read_fraction(struct reader *in, int64_t *micros)
{
    *micros = 0;
    if (!accept(in, '.'))
        return true;
    const char *start = in->p;
    int64_t nanos;
    if (!read_number(in, NANO_DIGITS, &nanos))
        return false;
    for (int64_t i = in->p - start; i < NANO_DIGITS; i++)
        nanos *= 10;
    *micros = nanos / 1000;
    return true;
}

bool interval_parse_day_time(struct str text, const struct type *type, int64_t *micros)
{
    static const int64_t units[] = {TIME_MICROS_PER_DAY, HOUR_MICROS, MINUTE_MICROS,
                                    TIME_MICROS_PER_SECOND};
    static const uint8_t digits[] = {9, 10, 12, 13}; /* of the first field */
    static const uint8_t limits[] = {0, 24, 60, 60};
    struct reader in = {text.p, str_end(text)};
    bool negative;
    if (text.n == 0 || !open_literal(&in, type, &negative))
        return false;
    (void)accept_sign(&in, &negative);
    __int128 value = 0;
    for (int field = type->precision; field <= type->scale; field++) {
        bool first = field == type->precision;
        int64_t part;
        if (!first && !accept(&in, field == INTERVAL_HOUR ? ' ' : ':'))
            return false;
        if (!read_number(&in, first ? digits[field] : 2, &part) ||
            (!first && part >= limits[field]))
            return false;
        value += (__int128)part * units[field];
    }
    int64_t fraction = 0;
    if (type->scale == INTERVAL_SECOND && !read_fraction(&in, &fraction))
        return false;
    value += fraction;
    value = negative ? -value : value;
    if (in.p != in.end || value < INT64_MIN || value > INT64_MAX)
        return false;
    *micros = (int64_t)value;
    return true;
}

size_t interval_format_year_month(int32_t months, const struct type *type,
                                  char out[INTERVAL_TEXT_MAX])
{
    int64_t size = months < 0 ? -(int64_t)months : months;
    const char *sign = months < 0 ? "-" : "";
    int n;
    if (type->precision != type->scale)
        n = snprintf(out, INTERVAL_TEXT_MAX, "INTERVAL '%s%lld-%lld' YEAR TO MONTH", sign,
                     (long long)(size / MONTHS_PER_YEAR), (long long)(size % MONTHS_PER_YEAR));
    else if (type->precision == INTERVAL_YEAR)
        n = snprintf(out, INTERVAL_TEXT_MAX, "INTERVAL '%s%lld' YEAR", sign,
                     (long long)(size / MONTHS_PER_YEAR));
    else
        n = snprintf(out, INTERVAL_TEXT_MAX, "INTERVAL '%d' MONTH", months);
    return (size_t)n;
}

/* 04, 04.5 */
static int put_seconds(uint64_t micros, bool pad, char *out, size_t room)
{
    int n = snprintf(out, room, pad ? "%02llu.%06llu" : "%llu.%06llu",
                     (unsigned long long)(micros / TIME_MICROS_PER_SECOND),
                     (unsigned long long)(micros % TIME_MICROS_PER_SECOND));
    while (out[n - 1] == '0')
        n--;
    return n - (out[n - 1] == '.');
}

size_t interval_format_day_time(int64_t micros, const struct type *type,
                                char out[INTERVAL_TEXT_MAX])
{
    static const uint64_t units[] = {TIME_MICROS_PER_DAY, HOUR_MICROS, MINUTE_MICROS};
    uint64_t rest = micros < 0 ? -(uint64_t)micros : (uint64_t)micros;
    int n = snprintf(out, INTERVAL_TEXT_MAX, "INTERVAL '%s", micros < 0 ? "-" : "");
    for (int field = type->precision; field <= type->scale; field++) {
        size_t room = INTERVAL_TEXT_MAX - (size_t)n;
        if (field > type->precision)
            out[n++] = field == INTERVAL_HOUR ? ' ' : ':';
        if (field == INTERVAL_SECOND) {
            n += put_seconds(rest, true, out + n, room);
            break;
        }
        n += snprintf(out + n, room, field == INTERVAL_DAY ? "%llu" : "%02llu",
                      (unsigned long long)(rest / units[field]));
        rest %= units[field];
    }
    bool one = type->precision == type->scale;
    n += snprintf(out + n, INTERVAL_TEXT_MAX - (size_t)n, "' %s%s%s", day_names[type->precision],
                  one ? "" : " TO ", one ? "" : day_names[type->scale]);
    return (size_t)n;
}

static int put_unit(int64_t value, const char *unit, char *out, int n)
{
    if (value == 0)
        return n;
    return n + snprintf(out + n, (size_t)(INTERVAL_TEXT_MAX - n), "%s%lld %s", n ? " " : "",
                        (long long)value, unit);
}

size_t interval_format_mixed(struct vec_interval interval, char out[INTERVAL_TEXT_MAX])
{
    int n = put_unit(interval.months / MONTHS_PER_YEAR, "years", out, 0);
    n = put_unit(interval.months % MONTHS_PER_YEAR, "months", out, n);
    n = put_unit(interval.days, "days", out, n);
    n = put_unit(interval.micros / HOUR_MICROS, "hours", out, n);
    n = put_unit(interval.micros % HOUR_MICROS / MINUTE_MICROS, "minutes", out, n);
    int64_t rest = interval.micros % MINUTE_MICROS;
    if (rest) {
        n += snprintf(out + n, INTERVAL_TEXT_MAX - (size_t)n, "%s%s", n ? " " : "",
                      rest < 0 ? "-" : "");
        n += put_seconds((uint64_t)(rest < 0 ? -rest : rest), false, out + n,
                         INTERVAL_TEXT_MAX - (size_t)n);
        n += snprintf(out + n, INTERVAL_TEXT_MAX - (size_t)n, " seconds");
    }
    if (n == 0)
        n = snprintf(out, INTERVAL_TEXT_MAX, "0 seconds");
    return (size_t)n;
}
