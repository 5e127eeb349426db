#include "vec/time.h"

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

static size_t put_two(int64_t value, char *out)
{
    out[0] = (char)('0' + value / 10);
    out[1] = (char)('0' + value % 10);
    return 2;
}

/* At least four digits; + beyond 9999, - before 0, as java.time's SignStyle.EXCEEDS_PAD. */
static size_t put_year(int64_t year, char *out)
{
    size_t n = 0;
    int64_t rest = year < 0 ? -year : year;
    if (year < 0 || year > 9999)
        out[n++] = year < 0 ? '-' : '+';
    char digits[20];
    int count = 0;
    for (; rest || count < 4; rest /= 10)
        digits[count++] = (char)('0' + rest % 10);
    while (count)
        out[n++] = digits[--count];
    return n;
}

static size_t put_date(int64_t days, char *out)
{
    struct civil_date date = time_civil_from_days(days);
    size_t n = put_year(date.year, out);
    out[n++] = '-';
    n += put_two(date.month, out + n);
    out[n++] = '-';
    return n + put_two(date.day, out + n);
}

size_t time_format_date(int32_t days, char out[TIME_TEXT_MAX])
{
    return put_date(days, out);
}

/* Date, separator, time to the second; *fraction gets the microseconds that are left. */
static size_t put_seconds(int64_t micros, char separator, char *out, int64_t *fraction)
{
    int64_t days = floor_div(micros, TIME_MICROS_PER_DAY);
    int64_t rest = (int64_t)((__int128)micros - (__int128)days * TIME_MICROS_PER_DAY);
    int64_t second = rest / TIME_MICROS_PER_SECOND;
    *fraction = rest % TIME_MICROS_PER_SECOND;
    size_t n = put_date(days, out);
    out[n++] = separator;
    n += put_two(second / 3600, out + n);
    out[n++] = ':';
    n += put_two(second / 60 % 60, out + n);
    out[n++] = ':';
    return n + put_two(second % 60, out + n);
}

static size_t put_fraction(int64_t value, int digits, char *out)
{
    out[0] = '.';
    for (int i = digits; i > 0; i--, value /= 10)
        out[i] = (char)('0' + value % 10);
    return (size_t)digits + 1;
}

size_t time_format_timestamp(int64_t micros, char out[TIME_TEXT_MAX])
{
    int64_t fraction;
    size_t n = put_seconds(micros, ' ', out, &fraction);
    if (fraction == 0)
        return n;
    int digits = 6;
    for (; fraction % 10 == 0; digits--)
        fraction /= 10;
    return n + put_fraction(fraction, digits, out + n);
}

size_t time_format_iso_millis(int64_t micros, char out[TIME_TEXT_MAX])
{
    int64_t fraction;
    size_t n = put_seconds(micros, 'T', out, &fraction);
    n += put_fraction(fraction / 1000, 3, out + n);
    out[n++] = 'Z';
    return n;
}
