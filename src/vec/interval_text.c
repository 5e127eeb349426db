#include "vec/interval_text.h"

/* What one of a unit adds. */
static const struct unit {
    const char *name;
    int32_t months, days;
    int64_t us;
} units[] = {
    {"microsecond", 0, 0, 1},   {"millisecond", 0, 0, 1000}, {"second", 0, 0, 1000000},
    {"minute", 0, 0, 60000000}, {"hour", 0, 0, 3600000000},  {"day", 0, 1, 0},
    {"week", 0, 7, 0},          {"month", 1, 0, 0},          {"year", 12, 0, 0},
};

struct reader {
    struct str text;
    size_t i;
};

static bool at_space(const struct reader *reader)
{
    char c = reader->text.p[reader->i];
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static void skip_space(struct reader *reader)
{
    while (reader->i < reader->text.n && at_space(reader))
        reader->i++;
}

static struct str next_word(struct reader *reader)
{
    size_t start = reader->i;
    while (reader->i < reader->text.n && !at_space(reader))
        reader->i++;
    return (struct str){reader->text.p + start, reader->i - start};
}

static const struct unit *find_unit(struct str word)
{
    struct str singular = word;
    if (word.n && (word.p[word.n - 1] | 32) == 's')
        singular.n--;
    for (size_t i = 0; i < COUNT_OF(units); i++) {
        if (str_eq_nocase(word, str_of(units[i].name)) ||
            str_eq_nocase(singular, str_of(units[i].name)))
            return &units[i];
    }
    return NULL;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* A number without its sign: whole part, and the fraction in millionths (of up to nine digits, as
 * in Spark; those after the sixth are cut off). */
static const char *parse_number(struct str word, int64_t *whole, int64_t *millionths,
                                bool *fraction)
{
    size_t i = 0;
    *whole = *millionths = 0;
    for (; i < word.n && is_digit(word.p[i]); i++) {
        if (__builtin_mul_overflow(*whole, 10, whole) ||
            __builtin_add_overflow(*whole, word.p[i] - '0', whole))
            return "this number is too large";
    }
    *fraction = i < word.n && word.p[i] == '.';
    if (i == 0 && !*fraction)
        return "expected a number";
    if (*fraction) {
        int64_t scale = 100000;
        size_t start = ++i;
        for (; i < word.n && is_digit(word.p[i]); i++, scale /= 10)
            *millionths += (word.p[i] - '0') * scale;
        if (i - start > 9)
            return "at most nine digits may follow the decimal point";
        if (i == start && word.n == 1)
            return "expected a number";
    }
    return i < word.n ? "expected a space between the number and its unit" : NULL;
}

static bool add_i32(int32_t *total, int64_t count, int32_t each, bool negative)
{
    int64_t product;
    int32_t part;
    return !__builtin_mul_overflow(count, negative ? -each : each, &product) &&
           product >= INT32_MIN && product <= INT32_MAX &&
           (part = (int32_t)product, !__builtin_add_overflow(*total, part, total));
}

static bool add_term(struct vec_interval *total, const struct unit *unit, int64_t whole,
                     int64_t millionths, bool negative)
{
    int64_t us;
    return add_i32(&total->months, whole, unit->months, negative) &&
           add_i32(&total->days, whole, unit->days, negative) &&
           !__builtin_mul_overflow(whole, unit->us, &us) &&
           !__builtin_add_overflow(us, millionths, &us) &&
           !__builtin_add_overflow(total->micros, negative ? -us : us, &total->micros);
}

/* One "number unit", added to the total. */
static const char *parse_term(struct reader *reader, struct vec_interval *total, size_t *at)
{
    int64_t whole, millionths;
    bool fraction, negative = false;
    char sign = reader->text.p[reader->i];
    if (sign == '-' || sign == '+') {
        negative = sign == '-';
        reader->i++;
        skip_space(reader);
    }
    *at = reader->i;
    const char *problem = parse_number(next_word(reader), &whole, &millionths, &fraction);
    if (problem)
        return problem;
    skip_space(reader);
    *at = reader->i;
    struct str word = next_word(reader);
    if (word.n == 0)
        return "expected a unit (seconds, minutes, ...) after the number";
    const struct unit *unit = find_unit(word);
    if (!unit)
        return "unknown unit: expected milliseconds, seconds, minutes, hours, days or weeks";
    if (fraction && unit->us != 1000000)
        return "only seconds may have a fraction";
    return add_term(total, unit, whole, millionths, negative) ? NULL : "this interval is too long";
}

const char *interval_text_parse(struct str text, struct vec_interval *out, size_t *at)
{
    struct reader reader = {text, 0};
    *out = (struct vec_interval){0};
    *at = 0;
    if (text.n == 0) /* it may have no place at all */
        return "expected a number and a unit";
    skip_space(&reader);
    struct reader ahead = reader;
    if (str_eq_nocase(next_word(&ahead), STR("interval"))) {
        reader = ahead;
        skip_space(&reader);
    }
    *at = reader.i < text.n ? reader.i : 0;
    if (reader.i == text.n)
        return "expected a number and a unit";
    while (reader.i < text.n) {
        const char *problem = parse_term(&reader, out, at);
        if (problem)
            return problem;
        skip_space(&reader);
    }
    return NULL;
}

bool interval_fixed_us(const struct vec_interval *interval, int64_t *us)
{
    int64_t days;
    return interval->months == 0 &&
           !__builtin_mul_overflow((int64_t)interval->days, INT64_C(86400000000), &days) &&
           !__builtin_add_overflow(days, interval->micros, us);
}
