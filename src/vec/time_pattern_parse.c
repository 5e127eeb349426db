#include "vec/time.h"
#include "vec/time_pattern_impl.h"
#include "vec/time_zone.h"

struct parsed {
    uint32_t have; /* a bit per field */
    int64_t values[FIELD_COUNT];
    bool has_zone;
    struct time_zone zone;
};

enum { NO_MATCH = -1, YEAR_MAX = 999999999 };

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool has(const struct parsed *p, enum pattern_field field)
{
    return p->have >> field & 1;
}

/* A field that is there already must have this value. */
static int set(struct parsed *p, enum pattern_field field, int64_t value, int next)
{
    if (has(p, field) && p->values[field] != value)
        return NO_MATCH;
    p->have |= 1u << field;
    p->values[field] = value;
    return next;
}

static bool starts_with(struct str text, int at, struct str prefix)
{
    return text.n - (size_t)at >= prefix.n &&
           str_eq_nocase((struct str){text.p + at, prefix.n}, prefix);
}

static int parse_sign(const struct pattern_element *e, struct str text, int at, bool *negative,
                      bool *positive)
{
    *positive = text.p[at] == '+';
    *negative = text.p[at] == '-';
    if (!*positive && !*negative)
        return at;
    if (e->sign == SIGN_NOT_NEGATIVE || (*positive && e->sign == SIGN_NORMAL))
        return NO_MATCH;
    return at + 1;
}

static int count_digits(struct str text, int at, int max)
{
    int n = 0;
    while (n < max && (size_t)(at + n) < text.n && is_digit(text.p[at + n]))
        n++;
    return n;
}

/* NumberPrinterParser.parse, strict. */
static int parse_number(const struct pattern_element *e, struct str text, int at, struct parsed *p)
{
    bool negative, positive;
    if ((size_t)at >= text.n || (at = parse_sign(e, text, at, &negative, &positive)) < 0)
        return NO_MATCH;
    int n = count_digits(text, at, e->max + e->subsequent);
    if (n < e->min)
        return NO_MATCH;
    if (e->subsequent) {
        n = n - e->subsequent > e->min ? n - e->subsequent : e->min;
        n = n < e->max ? n : e->max;
    }
    int64_t value = 0;
    for (int i = 0; i < n; i++) {
        if (__builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, text.p[at + i] - '0', &value))
            return NO_MATCH;
    }
    if (negative && value == 0)
        return NO_MATCH;
    if (e->sign == SIGN_EXCEEDS_PAD && !negative && positive != (n > e->min))
        return NO_MATCH;
    if (e->kind == PATTERN_REDUCED)
        value += 2000;
    return set(p, (enum pattern_field)e->field, negative ? -value : value, at + n);
}

static int parse_text(const struct pattern_element *e, struct str text, int at, struct parsed *p)
{
    int64_t best = -1;
    size_t length = 0;
    for (int64_t value = 0; value <= 12; value++) {
        struct str name = pattern_name((enum pattern_field)e->field, e->full, value);
        if (name.n > length && starts_with(text, at, name)) {
            best = value;
            length = name.n;
        }
    }
    return length ? set(p, (enum pattern_field)e->field, best, at + (int)length) : NO_MATCH;
}

static int parse_fraction(const struct pattern_element *e, struct str text, int at,
                          struct parsed *p)
{
    int n = count_digits(text, at, e->max);
    if (n < e->min)
        return NO_MATCH;
    int64_t value = 0;
    for (int i = 0; i < 9; i++)
        value = value * 10 + (i < n ? text.p[at + i] - '0' : 0);
    return set(p, FIELD_NANO, value, at + n);
}

/* Two digits up to 59, perhaps behind a colon. */
static bool offset_part(struct str text, int *at, bool colon, int *value)
{
    size_t i = (size_t)*at;
    if (colon) {
        if (i >= text.n || text.p[i] != ':')
            return false;
        i++;
    }
    if (i + 2 > text.n || !is_digit(text.p[i]) || !is_digit(text.p[i + 1]))
        return false;
    int two = (text.p[i] - '0') * 10 + (text.p[i + 1] - '0');
    if (two > 59)
        return false;
    *value = two;
    *at = (int)i + 2;
    return true;
}

/* OffsetIdPrinterParser.parse, strict. */
static int parse_offset_form(enum offset_form form, struct str zero, struct str text, int at,
                             int64_t *seconds)
{
    *seconds = 0;
    if ((size_t)at >= text.n)
        return NO_MATCH;
    if (starts_with(text, at, zero))
        return at + (int)zero.n;
    char sign = text.p[at++];
    if (sign != '+' && sign != '-')
        return NO_MATCH;
    int hour = 0, minute = 0, second = 0;
    bool colon = form == OFFSET_HH_MM || form == OFFSET_HH_MM_ss;
    if (!offset_part(text, &at, false, &hour) || hour > 23)
        return NO_MATCH;
    bool minutes = offset_part(text, &at, colon, &minute);
    if (!minutes && form != OFFSET_HHmm)
        return NO_MATCH;
    if (minutes && (form == OFFSET_HHMMss || form == OFFSET_HH_MM_ss))
        (void)offset_part(text, &at, colon, &second);
    *seconds = hour * 3600 + minute * 60 + second;
    if (sign == '-')
        *seconds = -*seconds;
    return at;
}

static int parse_offset(const struct pattern_element *e, struct str text, int at, struct parsed *p)
{
    int64_t seconds;
    at = parse_offset_form((enum offset_form)e->min, e->text, text, at, &seconds);
    return at < 0 ? NO_MATCH : set(p, FIELD_OFFSET, seconds, at);
}

/* GMT, GMT+8, GMT+8:30; full: GMT+08:30. LocalizedOffsetIdPrinterParser.parse. */
static int parse_gmt(const struct pattern_element *e, struct str text, int at, struct parsed *p)
{
    if (!starts_with(text, at, STR("GMT")))
        return NO_MATCH;
    at += 3;
    char sign = (size_t)at < text.n ? text.p[at] : '\0';
    if (sign != '+' && sign != '-')
        return set(p, FIELD_OFFSET, 0, at);
    at++;
    int hour = 0, minute = 0, second = 0;
    int digits = count_digits(text, at, 2);
    if (digits < (e->full ? 2 : 1))
        return NO_MATCH;
    for (int i = 0; i < digits; i++)
        hour = hour * 10 + (text.p[at++] - '0');
    bool minutes = offset_part(text, &at, true, &minute);
    if (e->full && !minutes)
        return NO_MATCH;
    if (minutes)
        (void)offset_part(text, &at, true, &second);
    int64_t seconds = hour * 3600 + minute * 60 + second;
    return set(p, FIELD_OFFSET, sign == '-' ? -seconds : seconds, at);
}

static int set_zone(struct parsed *p, struct time_zone zone, int next)
{
    bool same = p->zone.rules == zone.rules && p->zone.offset == zone.offset;
    if (p->has_zone && !same)
        return NO_MATCH;
    p->has_zone = true;
    p->zone = zone;
    return next;
}

/* A zone's id: an offset, UTC or GMT with or without one, a region. ZoneIdPrinterParser.parse. */
static int parse_zone(struct str text, int at, struct parsed *p)
{
    struct time_zone zone = {0};
    int64_t seconds;
    if ((size_t)at >= text.n)
        return NO_MATCH;
    if (text.p[at] == '+' || text.p[at] == '-') {
        at = parse_offset_form(OFFSET_HH_MM_ss, STR("Z"), text, at, &seconds);
        zone.offset = (int32_t)seconds;
        return at < 0 ? NO_MATCH : set_zone(p, zone, at);
    }
    int prefix = starts_with(text, at, STR("UTC")) || starts_with(text, at, STR("GMT")) ? 3
                 : starts_with(text, at, STR("UT"))                                     ? 2
                                                                                        : 0;
    if (starts_with(text, at, STR("GMT0")))
        return set_zone(p, zone, at + 4);
    if (prefix) {
        int behind = at + prefix;
        bool offset = (size_t)behind < text.n && (text.p[behind] == '+' || text.p[behind] == '-');
        int end = offset ? parse_offset_form(OFFSET_HH_MM_ss, STR("0"), text, behind, &seconds)
                         : NO_MATCH;
        if (end < 0)
            return set_zone(p, zone, behind);
        zone.offset = (int32_t)seconds;
        return set_zone(p, zone, end);
    }
    struct str rest = {text.p + at, text.n - (size_t)at};
    size_t n = time_zone_prefix(rest, &zone);
    if (n)
        return set_zone(p, zone, at + (int)n);
    return text.p[at] == 'Z' || text.p[at] == 'z' ? set_zone(p, zone, at + 1) : NO_MATCH;
}

static int parse_element(const struct pattern_element *e, struct str text, int at, struct parsed *p)
{
    switch ((enum pattern_kind)e->kind) {
    case PATTERN_LITERAL:
        return starts_with(text, at, e->text) ? at + (int)e->text.n : NO_MATCH;
    case PATTERN_NUMBER:
    case PATTERN_REDUCED:
        return parse_number(e, text, at, p);
    case PATTERN_TEXT:
        return parse_text(e, text, at, p);
    case PATTERN_FRACTION:
        return parse_fraction(e, text, at, p);
    case PATTERN_OFFSET:
        return parse_offset(e, text, at, p);
    case PATTERN_GMT:
        return parse_gmt(e, text, at, p);
    case PATTERN_ZONE:
        return parse_zone(text, at, p);
    case PATTERN_OPTIONAL:
        break;
    }
    return NO_MATCH;
}

/* Elements first..end; an optional part that does not match leaves nothing behind. */
static int parse_range(const struct time_pattern *pattern, uint16_t first, uint16_t end,
                       struct str text, int at, struct parsed *p)
{
    for (uint16_t i = first; i < end && at >= 0; i++) {
        const struct pattern_element *e = &pattern->elements[i];
        if (e->kind != PATTERN_OPTIONAL) {
            at = parse_element(e, text, at, p);
            continue;
        }
        struct parsed before = *p;
        int next = parse_range(pattern, (uint16_t)(i + 1), e->end, text, at, p);
        if (next < 0)
            *p = before;
        else
            at = next;
        i = (uint16_t)(e->end - 1);
    }
    return at;
}

static bool in_range(const struct parsed *p, enum pattern_field field, int64_t low, int64_t high)
{
    return !has(p, field) || (p->values[field] >= low && p->values[field] <= high);
}

static int64_t get(const struct parsed *p, enum pattern_field field, int64_t other)
{
    return has(p, field) ? p->values[field] : other;
}

/* What k, K and h say as H and the hour of the half day. */
static bool resolve_hours(struct parsed *p)
{
    if (!in_range(p, FIELD_CLOCK_HOUR, 1, 24) || !in_range(p, FIELD_CLOCK_HOUR_OF_HALF, 1, 12) ||
        !in_range(p, FIELD_HOUR_OF_HALF, 0, 11) || !in_range(p, FIELD_HOUR, 0, 23) ||
        !in_range(p, FIELD_MINUTE, 0, 59) || !in_range(p, FIELD_SECOND, 0, 59))
        return false;
    if (has(p, FIELD_CLOCK_HOUR) && set(p, FIELD_HOUR, p->values[FIELD_CLOCK_HOUR] % 24, 0) < 0)
        return false;
    if (has(p, FIELD_CLOCK_HOUR_OF_HALF) &&
        set(p, FIELD_HOUR_OF_HALF, p->values[FIELD_CLOCK_HOUR_OF_HALF] % 12, 0) < 0)
        return false;
    int64_t half = get(p, FIELD_HOUR_OF_HALF, 0);
    if (has(p, FIELD_HALF_DAY) && has(p, FIELD_HOUR_OF_HALF) &&
        set(p, FIELD_HOUR, p->values[FIELD_HALF_DAY] * 12 + half, 0) < 0)
        return false;
    if (!has(p, FIELD_HOUR))
        return true;
    int64_t hour = p->values[FIELD_HOUR];
    return get(p, FIELD_HOUR_OF_HALF, hour % 12) == hour % 12 &&
           get(p, FIELD_HALF_DAY, hour / 12) == hour / 12;
}

static int64_t second_of_day(const struct parsed *p)
{
    int64_t hour = get(p, FIELD_HOUR, get(p, FIELD_HOUR_OF_HALF, get(p, FIELD_HALF_DAY, 0) * 12));
    return hour * 3600 + get(p, FIELD_MINUTE, 0) * 60 + get(p, FIELD_SECOND, 0);
}

static bool read_year(const struct parsed *p, int64_t *year)
{
    *year = get(p, FIELD_YEAR, 1970);
    if (has(p, FIELD_YEAR_OF_ERA)) {
        int64_t era = get(p, FIELD_ERA, 1);
        *year = p->values[FIELD_YEAR_OF_ERA];
        if (*year < 1)
            return false;
        *year = era ? *year : 1 - *year;
    }
    return *year >= -YEAR_MAX && *year <= YEAR_MAX;
}

/* Month and day, or the day of the year: what else is known must agree. What is missing is that of
 * 1970-01-01. */
static bool resolve_date(const struct parsed *p, int64_t *days)
{
    int64_t year;
    if (!read_year(p, &year) || !in_range(p, FIELD_MONTH, 1, 12) ||
        !in_range(p, FIELD_DAY, 1, 31) || !in_range(p, FIELD_DAY_OF_YEAR, 1, 366))
        return false;
    bool whole = has(p, FIELD_MONTH) && has(p, FIELD_DAY);
    int64_t first = time_days_from_civil((struct civil_date){year, 1, 1});
    if (!whole && has(p, FIELD_DAY_OF_YEAR)) {
        *days = first + p->values[FIELD_DAY_OF_YEAR] - 1;
        struct civil_date date = time_civil_from_days(*days);
        return date.year == year && get(p, FIELD_MONTH, date.month) == date.month &&
               get(p, FIELD_DAY, date.day) == date.day;
    }
    struct civil_date date = {year, (int32_t)get(p, FIELD_MONTH, 1), (int32_t)get(p, FIELD_DAY, 1)};
    if (date.day > time_days_in_month(year, date.month))
        return false;
    *days = time_days_from_civil(date);
    return !whole || get(p, FIELD_DAY_OF_YEAR, *days - first + 1) == *days - first + 1;
}

bool time_pattern_parse(const struct time_pattern *pattern, struct str text, int64_t *micros)
{
    struct parsed p = {0};
    int64_t days;
    if (text.n > INT32_MAX)
        return false;
    int end = parse_range(pattern, 0, pattern->count, text, 0, &p);
    if (end < 0 || (size_t)end != text.n || !resolve_hours(&p) || !resolve_date(&p, &days))
        return false;
    struct time_zone zone = p.zone;
    if (!p.has_zone)
        zone = (struct time_zone){.offset = (int32_t)get(&p, FIELD_OFFSET, 0)};
    if (!in_range(&p, FIELD_OFFSET, -18 * 3600, 18 * 3600) || zone.offset > 18 * 3600 ||
        zone.offset < -18 * 3600)
        return false;
    int64_t utc = time_zone_to_utc(&zone, days * 86400 + second_of_day(&p));
    __int128 value = (__int128)utc * TIME_MICROS_PER_SECOND + get(&p, FIELD_NANO, 0) / 1000;
    if (value < INT64_MIN || value > INT64_MAX)
        return false;
    *micros = (int64_t)value;
    return true;
}
