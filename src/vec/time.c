#include "vec/time.h"

#include "vec/time_zone.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

enum {
    DAYS_PER_ERA = 146097,
    YEARS_PER_ERA = 400,
    DAYS_0000_03_01_TO_1970 = 719468,
    DAY_SECONDS = 86400,
};

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

/* Days are counted in eras of 400 years that begin on March 1st, so that the leap day comes last
 * (Howard Hinnant, "chrono-compatible low-level date algorithms"). */
int64_t time_days_from_civil(struct civil_date date)
{
    int64_t year = date.year - (date.month <= 2);
    int64_t era = floor_div(year, YEARS_PER_ERA);
    int64_t year_of_era = year - era * YEARS_PER_ERA;
    int64_t month_from_march = (date.month + 9) % 12;
    int64_t day_of_year = (153 * month_from_march + 2) / 5 + date.day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * DAYS_PER_ERA + day_of_era - DAYS_0000_03_01_TO_1970;
}

struct civil_date time_civil_from_days(int64_t days)
{
    days += DAYS_0000_03_01_TO_1970;
    int64_t era = floor_div(days, DAYS_PER_ERA);
    int64_t day_of_era = days - era * DAYS_PER_ERA;
    int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t month_from_march = (5 * day_of_year + 2) / 153;
    int32_t month = (int32_t)(month_from_march < 10 ? month_from_march + 3 : month_from_march - 9);
    return (struct civil_date){
        .year = year_of_era + era * YEARS_PER_ERA + (month <= 2),
        .month = month,
        .day = (int32_t)(day_of_year - (153 * month_from_march + 2) / 5 + 1),
    };
}

int32_t time_days_in_month(int64_t year, int32_t month)
{
    if (month == 2)
        return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28;
    return month == 4 || month == 6 || month == 9 || month == 11 ? 30 : 31;
}

static bool civil_valid(struct civil_date date)
{
    return date.month >= 1 && date.month <= 12 && date.day >= 1 &&
           (date.day <= 28 || date.day <= time_days_in_month(date.year, date.month));
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* One position in the text that is being read. */
struct reader {
    const char *p, *end;
};

static bool at_end(const struct reader *in)
{
    return in->p == in->end;
}

static bool accept(struct reader *in, char c)
{
    if (at_end(in) || *in->p != c)
        return false;
    in->p++;
    return true;
}

/* A run of min..max digits; more digits or fewer are wrong. */
static bool read_digits(struct reader *in, int min, int max, int64_t *value)
{
    int n = 0;
    *value = 0;
    for (; !at_end(in) && is_digit(*in->p); in->p++) {
        if (++n > max)
            return false;
        *value = *value * 10 + (*in->p - '0');
    }
    return n >= min;
}

/* UTF8String.isWhitespaceOrISOControl of a byte. */
static bool is_trimmed(char c)
{
    return (unsigned char)c <= ' ' || c == 0x7f;
}

static struct reader trimmed(struct str s)
{
    struct reader in = {s.p, str_end(s)};
    while (!at_end(&in) && is_trimmed(*in.p))
        in.p++;
    while (!at_end(&in) && is_trimmed(in.end[-1]))
        in.end--;
    return in;
}

/* [+-]yyyy[-m[-d]]; *complete: the day is there, so a time may follow. */
static bool read_date(struct reader *in, int year_digits_max, struct civil_date *date,
                      bool *complete)
{
    int64_t part;
    bool negative = accept(in, '-');
    if (!negative)
        (void)accept(in, '+');
    *date = (struct civil_date){.month = 1, .day = 1};
    *complete = false;
    if (!read_digits(in, 4, year_digits_max, &part))
        return false;
    date->year = negative ? -part : part;
    if (!accept(in, '-'))
        return true;
    if (!read_digits(in, 1, 2, &part))
        return false;
    date->month = (int32_t)part;
    if (!accept(in, '-'))
        return true;
    if (!read_digits(in, 1, 2, &part))
        return false;
    date->day = (int32_t)part;
    *complete = true;
    return true;
}

bool time_parse_date(struct str s, int32_t *days)
{
    struct reader in = trimmed(s);
    struct civil_date date;
    bool complete;
    if (!read_date(&in, 7, &date, &complete) || !civil_valid(date))
        return false;
    if (!at_end(&in) && !(complete && (*in.p == ' ' || *in.p == 'T')))
        return false;
    int64_t value = time_days_from_civil(date);
    if (value < INT32_MIN || value > INT32_MAX)
        return false;
    *days = (int32_t)value;
    return true;
}

/* h[:m[:s[.f]]][zone], the zone only after seconds; the whole rest. In microseconds. */
static bool read_time(struct reader *in, int64_t *micros, struct time_zone *zone)
{
    int64_t hour, minute = 0, second = 0, fraction = 0;
    if (!read_digits(in, 1, 2, &hour))
        return false;
    if (accept(in, ':')) {
        if (!read_digits(in, 1, 2, &minute))
            return false;
        if (accept(in, ':')) {
            if (!read_digits(in, 1, 2, &second))
                return false;
            int digits = 0;
            if (accept(in, '.')) {
                for (; !at_end(in) && is_digit(*in->p); in->p++) {
                    if (digits < 6) {
                        fraction = fraction * 10 + (*in->p - '0');
                        digits++;
                    }
                }
            }
            for (; digits < 6; digits++)
                fraction *= 10;
            while (!at_end(in) && is_trimmed(*in->p))
                in->p++;
            if (!at_end(in) &&
                !time_zone_find((struct str){in->p, (size_t)(in->end - in->p)}, zone))
                return false;
            in->p = in->end;
        }
    }
    if (hour > 23 || minute > 59 || second > 59)
        return false;
    *micros = (hour * 3600 + minute * 60 + second) * TIME_MICROS_PER_SECOND + fraction;
    return true;
}

/* The moment at which a clock of the zone shows this day and these microseconds in it. */
static bool join(int64_t day, int64_t in_day, const struct time_zone *zone, int64_t *micros)
{
    int64_t local = day * DAY_SECONDS + in_day / TIME_MICROS_PER_SECOND;
    int64_t utc = time_zone_to_utc(zone, local);
    __int128 value = (__int128)utc * TIME_MICROS_PER_SECOND + in_day % TIME_MICROS_PER_SECOND;
    if (value < INT64_MIN || value > INT64_MAX)
        return false;
    *micros = (int64_t)value;
    return true;
}

static bool parse_timestamp_any(struct str s, int64_t *micros)
{
    struct reader in = trimmed(s);
    struct civil_date date;
    bool complete;
    if (!read_date(&in, 6, &date, &complete) || !civil_valid(date))
        return false;
    int64_t in_day = 0;
    struct time_zone zone = {0};
    if (!at_end(&in)) {
        if (!complete || !(accept(&in, ' ') || accept(&in, 'T')))
            return false;
        if (!read_time(&in, &in_day, &zone) || !at_end(&in))
            return false;
    }
    return join(time_days_from_civil(date), in_day, &zone, micros);
}

bool time_parse_of_today(struct str s, int64_t now, int64_t *micros)
{
    struct reader in = trimmed(s);
    struct time_zone zone = {0};
    int64_t in_day;
    bool marked = accept(&in, 'T');
    size_t digits = 0;
    while (in.p + digits != in.end && is_digit(in.p[digits]))
        digits++;
    if (!marked && (in.p + digits == in.end || in.p[digits] != ':'))
        return false;
    if (!read_time(&in, &in_day, &zone) || !at_end(&in))
        return false;
    int64_t utc = floor_div(now, TIME_MICROS_PER_SECOND);
    int64_t local = utc + time_zone_offset_at(&zone, utc);
    return join(floor_div(local, DAY_SECONDS), in_day, &zone, micros);
}

/* Digits of "dddd-dd-dd dd:dd:dd" as numbers 0..9; false when the text has another form. */
static bool fixed_digits(const char *p, uint8_t digits[19])
{
#ifdef __SSE2__
    const __m128i low =
        _mm_setr_epi8('0', '0', '0', '0', '-', '0', '0', '-', '0', '0', 0, '0', '0', ':', '0', '0');
    const __m128i span = _mm_setr_epi8(9, 9, 9, 9, 0, 9, 9, 0, 9, 9, -1, 9, 9, 0, 9, 9);
    __m128i value = _mm_sub_epi8(_mm_loadu_si128((const __m128i *)(const void *)p), low);
    if (_mm_movemask_epi8(_mm_cmpeq_epi8(_mm_min_epu8(value, span), value)) != 0xffff)
        return false;
    _mm_storeu_si128((__m128i *)(void *)digits, value);
#else
    static const char form[] = "0000-00-00 00:00";
    for (int i = 0; i < 16; i++) {
        digits[i] = (uint8_t)(p[i] - form[i]);
        if (i != 10 && digits[i] > (form[i] == '0' ? 9 : 0))
            return false;
    }
#endif
    digits[17] = (uint8_t)(p[17] - '0');
    digits[18] = (uint8_t)(p[18] - '0');
    return (p[10] == ' ' || p[10] == 'T') && p[16] == ':' && digits[17] <= 9 && digits[18] <= 9;
}

bool time_parse_timestamp(struct str s, int64_t *micros)
{
    uint8_t d[19];
    if (s.n != 19 || !fixed_digits(s.p, d))
        return parse_timestamp_any(s, micros);
    struct civil_date date = {
        .year = d[0] * 1000 + d[1] * 100 + d[2] * 10 + d[3],
        .month = d[5] * 10 + d[6],
        .day = d[8] * 10 + d[9],
    };
    int hour = d[11] * 10 + d[12], minute = d[14] * 10 + d[15], second = d[17] * 10 + d[18];
    if (!civil_valid(date) || hour > 23 || minute > 59 || second > 59)
        return false;
    int64_t seconds = time_days_from_civil(date) * 86400 + (hour * 3600 + minute * 60 + second);
    *micros = seconds * TIME_MICROS_PER_SECOND;
    return true;
}
