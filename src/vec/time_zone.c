#include "vec/time_zone.h"

#include "base/check.h"
#include "vec/time.h"
#include "vec/time_zone_table.h"

enum { DAY_SECONDS = 86400, OFFSET_HOURS_MAX = 18 };

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool two_digits(struct str s, size_t at, int32_t *value)
{
    if (at + 2 > s.n || !is_digit(s.p[at]) || !is_digit(s.p[at + 1]))
        return false;
    *value = (s.p[at] - '0') * 10 + (s.p[at + 1] - '0');
    return true;
}

bool time_zone_parse_offset(struct str s, int32_t *seconds)
{
    int32_t part[3] = {0, 0, 0};
    *seconds = 0;
    if (str_is(s, "Z"))
        return true;
    if (s.n < 2 || (s.p[0] != '+' && s.p[0] != '-'))
        return false;
    if (s.n == 2) {
        if (!is_digit(s.p[1]))
            return false;
        part[0] = s.p[1] - '0';
    } else {
        bool colons = s.n > 3 && s.p[3] == ':';
        size_t parts = colons ? s.n / 3 : (s.n - 1) / 2, step = colons ? 3 : 2;
        if (parts > 3 || s.n != (colons ? parts * 3 : parts * 2 + 1))
            return false;
        for (size_t i = 0; i < parts; i++) {
            if (!two_digits(s, 1 + i * step, &part[i]) || (colons && i && s.p[i * step] != ':'))
                return false;
        }
    }
    int32_t value = part[0] * 3600 + part[1] * 60 + part[2];
    if (part[1] > 59 || part[2] > 59 || value > OFFSET_HOURS_MAX * 3600)
        return false;
    *seconds = s.p[0] == '-' ? -value : value;
    return true;
}

bool time_zone_region(struct str name, struct time_zone *zone)
{
    uint32_t low = 0, high = time_zone_name_count;
    while (low < high) {
        uint32_t mid = low + (high - low) / 2;
        int order = str_cmp(name, str_of(time_zone_names[mid].name));
        if (order == 0) {
            *zone = (struct time_zone){.rules = &time_zone_rules[time_zone_names[mid].rules]};
            return true;
        }
        if (order < 0)
            high = mid;
        else
            low = mid + 1;
    }
    return false;
}

size_t time_zone_prefix(struct str s, struct time_zone *zone)
{
    size_t longest = 0;
    for (uint32_t i = 0; i < time_zone_name_count; i++) {
        struct str name = str_of(time_zone_names[i].name);
        if (name.n > longest && name.n <= s.n && str_eq_nocase(name, (struct str){s.p, name.n})) {
            longest = name.n;
            *zone = (struct time_zone){.rules = &time_zone_rules[time_zone_names[i].rules]};
        }
    }
    return longest;
}

/* ZoneId.SHORT_IDS, which come before the regions of these names. */
static bool find_short(struct str name, struct time_zone *zone)
{
    static const struct {
        char name[4];
        const char *region; /* NULL: an offset */
        int hours;
    } table[] = {
        {"ACT", "Australia/Darwin", 0},
        {"AET", "Australia/Sydney", 0},
        {"AGT", "America/Argentina/Buenos_Aires", 0},
        {"ART", "Africa/Cairo", 0},
        {"AST", "America/Anchorage", 0},
        {"BET", "America/Sao_Paulo", 0},
        {"BST", "Asia/Dhaka", 0},
        {"CAT", "Africa/Harare", 0},
        {"CNT", "America/St_Johns", 0},
        {"CST", "America/Chicago", 0},
        {"CTT", "Asia/Shanghai", 0},
        {"EAT", "Africa/Addis_Ababa", 0},
        {"ECT", "Europe/Paris", 0},
        {"IET", "America/Indiana/Indianapolis", 0},
        {"IST", "Asia/Kolkata", 0},
        {"JST", "Asia/Tokyo", 0},
        {"MIT", "Pacific/Apia", 0},
        {"NET", "Asia/Yerevan", 0},
        {"NST", "Pacific/Auckland", 0},
        {"PLT", "Asia/Karachi", 0},
        {"PNT", "America/Phoenix", 0},
        {"PRT", "America/Puerto_Rico", 0},
        {"PST", "America/Los_Angeles", 0},
        {"SST", "Pacific/Guadalcanal", 0},
        {"VST", "Asia/Ho_Chi_Minh", 0},
        {"EST", NULL, -5},
        {"MST", NULL, -7},
        {"HST", NULL, -10},
    };
    for (size_t i = 0; i < COUNT_OF(table) && name.n == 3; i++) {
        if (memcmp(name.p, table[i].name, 3) != 0)
            continue;
        if (table[i].region)
            return time_zone_region(str_of(table[i].region), zone);
        *zone = (struct time_zone){.offset = table[i].hours * 3600};
        return true;
    }
    return false;
}

/* Five bytes: +hh:m. */
static bool ends_in_short_minute(const char *p)
{
    return (p[0] == '+' || p[0] == '-') && is_digit(p[1]) && is_digit(p[2]) && p[3] == ':' &&
           is_digit(p[4]);
}

/* Spark writes +h:mm as +0h:mm and a final +hh:m as +hh:0m before it asks ZoneId. */
static struct str complete(struct str s, char text[64])
{
    size_t n = 0;
    bool hour_done = false;
    for (size_t i = 0; i < s.n; i++) {
        text[n++] = s.p[i];
        bool sign = s.p[i] == '+' || s.p[i] == '-';
        if (sign && !hour_done && i + 2 < s.n && is_digit(s.p[i + 1]) && s.p[i + 2] == ':') {
            text[n++] = '0';
            hour_done = true;
        }
    }
    if (n >= 5 && ends_in_short_minute(text + n - 5)) {
        text[n] = text[n - 1];
        text[n - 1] = '0';
        n++;
    }
    return (struct str){text, n};
}

bool time_zone_find(struct str name, struct time_zone *zone)
{
    char text[64];
    *zone = (struct time_zone){0};
    if (name.n == 0 || name.n > sizeof text - 4)
        return false;
    struct str s = complete(name, text);
    if (s.n == 1 || s.p[0] == '+' || s.p[0] == '-')
        return time_zone_parse_offset(s, &zone->offset);
    if (find_short(s, zone))
        return true;
    size_t prefix = str_starts_with(s, STR("UTC")) || str_starts_with(s, STR("GMT")) ? 3
                    : str_starts_with(s, STR("UT"))                                  ? 2
                                                                                     : 0;
    if (prefix && s.n == prefix)
        return true;
    if (prefix && (s.p[prefix] == '+' || s.p[prefix] == '-'))
        return time_zone_parse_offset((struct str){s.p + prefix, s.n - prefix}, &zone->offset);
    return time_zone_region(s, zone);
}

/* A yearly change, in seconds since 1970 by the clock before it. */
static int64_t change_in(int64_t year, const struct time_zone_change *change)
{
    int64_t first = time_days_from_civil((struct civil_date){year, change->month, 1});
    int64_t weekday = ((first + 4) % 7 + 7) % 7;
    int64_t day = (change->weekday - weekday + 7) % 7 + (change->week - 1) * 7;
    if (day >= time_days_in_month(year, change->month))
        day -= 7;
    return (first + day) * DAY_SECONDS + change->seconds;
}

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

static int32_t offset_by_rule(const struct time_zone_rules *rules, int64_t utc)
{
    if (rules->start.month == 0)
        return rules->standard;
    int64_t days = floor_div(utc + rules->standard, DAY_SECONDS);
    int64_t year = time_civil_from_days(days).year;
    int64_t start = change_in(year, &rules->start) - rules->standard;
    int64_t end = change_in(year, &rules->end) - rules->daylight;
    bool inside = start < end ? utc >= start && utc < end : utc >= start || utc < end;
    return inside ? rules->daylight : rules->standard;
}

int32_t time_zone_offset_at(const struct time_zone *zone, int64_t utc)
{
    const struct time_zone_rules *rules = zone->rules;
    if (!rules)
        return zone->offset;
    const int64_t *moments = time_zone_moments + rules->first;
    if (rules->count == 0 || utc >= moments[rules->count - 1]) {
        /* The last change listed may be the one from which the rule holds on. */
        return offset_by_rule(rules, utc);
    }
    if (utc < moments[0])
        return rules->before;
    uint32_t low = 0, high = rules->count - 1; /* moments[low] <= utc < moments[high] */
    while (high - low > 1) {
        uint32_t mid = low + (high - low) / 2;
        if (moments[mid] <= utc)
            low = mid;
        else
            high = mid;
    }
    return time_zone_offsets[rules->first + low];
}

int64_t time_zone_to_utc(const struct time_zone *zone, int64_t local)
{
    if (!zone->rules)
        return local - zone->offset;
    int32_t before = time_zone_offset_at(zone, local - DAY_SECONDS);
    int32_t after = time_zone_offset_at(zone, local + DAY_SECONDS);
    bool found = false;
    int64_t best = local - before;
    int32_t tries[] = {before, after, time_zone_offset_at(zone, local - before),
                       time_zone_offset_at(zone, local - after)};
    for (size_t i = 0; i < COUNT_OF(tries); i++) {
        int64_t utc = local - tries[i];
        if (time_zone_offset_at(zone, utc) == tries[i] && (!found || utc < best)) {
            best = utc;
            found = true;
        }
    }
    return best;
}
