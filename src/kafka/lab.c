#include "kafka/lab.h"

#include <string.h>

#include "base/check.h"

static const char *const types[] = {"purchase", "withdrawal", "transfer"};
static const char *const locations[] = {"store", "online"};

/* splitmix64 (Steele, Lea, Flood 2014): any seed is good, the state is one word. */
static uint64_t next_random(struct lab *lab)
{
    uint64_t z = lab->random += 0x9e3779b97f4a7c15;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
}

/* 0 .. bound-1; the bias of multiplying instead of dividing is below 2^-32. */
static uint32_t random_below(struct lab *lab, uint32_t bound)
{
    return (uint32_t)(((next_random(lab) >> 32) * bound) >> 32);
}

static char *put_text(char *p, const char *text)
{
    size_t n = strlen(text);
    memcpy(p, text, n);
    return p + n;
}

/* Decimal with at least `width` digits. */
static char *put_number(char *p, uint64_t number, int width)
{
    char digits[20];
    int n = 0;
    do {
        digits[n++] = (char)('0' + number % 10);
        number /= 10;
    } while (number || n < width);
    while (n)
        *p++ = digits[--n];
    return p;
}

/* As Python prints a float of two decimals: 702.0, 683.6, 421.47. */
static char *put_amount(char *p, uint32_t cents)
{
    p = put_number(p, cents / 100, 1);
    *p++ = '.';
    uint32_t rest = cents % 100;
    return rest % 10 ? put_number(p, rest, 2) : put_number(p, rest / 10, 1);
}

/* Days since 1970-01-01 of a date of the proleptic Gregorian calendar, and back (the algorithms of
 * Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms"). */
static int64_t days_from_civil(int64_t year, unsigned month, unsigned day)
{
    year -= month <= 2;
    int64_t era = (year >= 0 ? year : year - 399) / 400;
    int64_t year_of_era = year - era * 400;
    int64_t day_of_year = (153 * ((int64_t)month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year -
           719468;
}

static void civil_from_days(int64_t days, int64_t *year, unsigned *month, unsigned *day)
{
    days += 719468;
    int64_t era = (days >= 0 ? days : days - 146096) / 146097;
    int64_t day_of_era = days - era * 146097;
    int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t shifted = (5 * day_of_year + 2) / 153;
    *day = (unsigned)(day_of_year - (153 * shifted + 2) / 5 + 1);
    *month = (unsigned)(shifted < 10 ? shifted + 3 : shifted - 9);
    *year = year_of_era + era * 400 + (*month <= 2);
}

static void format_time(int64_t time_s, char out[20])
{
    int64_t days = time_s / 86400, second = time_s % 86400;
    if (second < 0) {
        second += 86400;
        days--;
    }
    int64_t year;
    unsigned month, day;
    civil_from_days(days, &year, &month, &day);
    REQUIRE(year >= 0 && year <= 9999);
    char *p = put_number(out, (uint64_t)year, 4);
    *p++ = '-';
    p = put_number(p, month, 2);
    *p++ = '-';
    p = put_number(p, day, 2);
    *p++ = ' ';
    p = put_number(p, (uint64_t)second / 3600, 2);
    *p++ = ':';
    p = put_number(p, (uint64_t)second / 60 % 60, 2);
    *p++ = ':';
    p = put_number(p, (uint64_t)second % 60, 2);
    *p = '\0';
}

void lab_init(struct lab *lab, uint64_t seed, uint32_t users)
{
    REQUIRE(users > 0);
    *lab = (struct lab){.random = seed, .users = users};
    format_time(0, lab->time_text);
}

void lab_next(struct lab *lab, int64_t time_ms, struct lab_message *out)
{
    int64_t time_s = time_ms / 1000 - (time_ms % 1000 < 0);
    if (time_s != lab->time_s) {
        lab->time_s = time_s;
        format_time(time_s, lab->time_text);
    }
    out->number = lab->next++;
    char *p = put_text(out->key, "user_");
    p = put_number(p, 1 + random_below(lab, lab->users), 1);
    *p = '\0';
    out->key_bytes = (uint32_t)(p - out->key);
    out->amount_cents = 1000 + random_below(lab, 99001); /* 10.00 .. 1000.00 */
    out->type = types[random_below(lab, COUNT_OF(types))];
    out->location = locations[random_below(lab, COUNT_OF(locations))];

    p = put_text(out->value, "{\"transaction_id\": \"txn_");
    p = put_number(p, out->number, 4);
    p = put_text(p, "\", \"user_id\": \"");
    memcpy(p, out->key, out->key_bytes);
    p = put_text(p + out->key_bytes, "\", \"amount\": ");
    p = put_amount(p, out->amount_cents);
    p = put_text(p, ", \"type\": \"");
    p = put_text(p, out->type);
    p = put_text(p, "\", \"timestamp\": \"");
    p = put_text(p, lab->time_text);
    p = put_text(p, "\", \"location\": \"");
    p = put_text(p, out->location);
    p = put_text(p, "\"}");
    *p = '\0';
    out->value_bytes = (uint32_t)(p - out->value);
}

size_t lab_line(const struct lab_message *message, char out[LAB_LINE_MAX])
{
    char *p = out;
    *p++ = '[';
    p = put_number(p, message->number, 1);
    p = put_text(p, "] ");
    p = put_text(p, message->type);
    p = put_text(p, ": $");
    p = put_number(p, message->amount_cents / 100, 1);
    *p++ = '.';
    p = put_number(p, message->amount_cents % 100, 2);
    p = put_text(p, " (");
    p = put_text(p, message->location);
    *p++ = ')';
    *p = '\0';
    return (size_t)(p - out);
}

/* Exactly `digits` digits at *at. */
static bool take_number(struct str text, size_t *at, int digits, unsigned *out)
{
    *out = 0;
    for (int i = 0; i < digits; i++, (*at)++) {
        if (*at >= text.n || text.p[*at] < '0' || text.p[*at] > '9')
            return false;
        *out = *out * 10 + (unsigned)(text.p[*at] - '0');
    }
    return true;
}

static bool take_char(struct str text, size_t *at, const char *any_of)
{
    if (*at >= text.n || !text.p[*at] || !strchr(any_of, text.p[*at]))
        return false;
    (*at)++;
    return true;
}

static bool is_date(unsigned year, unsigned month, unsigned day)
{
    int64_t back_year;
    unsigned back_month, back_day;
    if (month < 1 || month > 12 || day < 1)
        return false;
    civil_from_days(days_from_civil(year, month, day), &back_year, &back_month, &back_day);
    return back_month == month && back_day == day;
}

bool lab_parse_time(struct str text, int64_t *time_ms)
{
    size_t at = 0;
    unsigned year, month, day, hour = 0, minute = 0, second = 0, milli = 0;
    if (!take_number(text, &at, 4, &year) || !take_char(text, &at, "-") ||
        !take_number(text, &at, 2, &month) || !take_char(text, &at, "-") ||
        !take_number(text, &at, 2, &day) || !is_date(year, month, day))
        return false;
    if (at < text.n) {
        if (!take_char(text, &at, " T") || !take_number(text, &at, 2, &hour) ||
            !take_char(text, &at, ":") || !take_number(text, &at, 2, &minute) ||
            !take_char(text, &at, ":") || !take_number(text, &at, 2, &second))
            return false;
        if (take_char(text, &at, ".") && !take_number(text, &at, 3, &milli))
            return false;
        take_char(text, &at, "Z");
    }
    if (at != text.n || hour > 23 || minute > 59 || second > 59)
        return false;
    int64_t seconds =
        days_from_civil(year, month, day) * 86400 + hour * 3600 + minute * 60 + second;
    *time_ms = seconds * 1000 + milli;
    return true;
}
