#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "vec/time.h"

static const char *iso(int64_t micros)
{
    static char text[TIME_TEXT_MAX + 1];
    text[time_format_timestamp(micros, text)] = '\0';
    return text;
}

/* want NULL: not a timestamp. The results are Spark 3.5.3's. */
static void expect_timestamp(const char *text, const char *want)
{
    int64_t micros = 4711;
    bool ok = time_parse_timestamp(str_of(text), &micros);
    cr_expect_eq(ok, want != NULL, "%s", text);
    if (!ok)
        cr_expect_eq(micros, 4711, "%s", text);
    else if (want)
        cr_expect_str_eq(iso(micros), want, "%s", text);
}

Test(time, reads_the_forms_spark_reads)
{
    expect_timestamp("2025-12-26 21:16:18", "2025-12-26 21:16:18");
    expect_timestamp("2025-12-26T21:16:18", "2025-12-26 21:16:18");
    expect_timestamp(" \t2025-12-26 21:16:18\x7f\x01", "2025-12-26 21:16:18");
    expect_timestamp("2025-12-26 21:16:18.5", "2025-12-26 21:16:18.5");
    expect_timestamp("2025-12-26 21:16:18.123456999", "2025-12-26 21:16:18.123456");
    expect_timestamp("2025-12-26 21:16:18.", "2025-12-26 21:16:18");
    expect_timestamp("2025-12-26 1:2:3", "2025-12-26 01:02:03");
    expect_timestamp("2025-12-26 21:16", "2025-12-26 21:16:00");
    expect_timestamp("2025-12-26 21", "2025-12-26 21:00:00");
    expect_timestamp("2025-1-2", "2025-01-02 00:00:00");
    expect_timestamp("2025-06", "2025-06-01 00:00:00");
    expect_timestamp("2025", "2025-01-01 00:00:00");
    expect_timestamp("-0044-03-15", "-0044-03-15 00:00:00");
    expect_timestamp("0000-01-01", "0000-01-01 00:00:00");
    expect_timestamp("+12025-01-01", "+12025-01-01 00:00:00");
    expect_timestamp("294247-01-10 04:00:54.775807", "+294247-01-10 04:00:54.775807");
    expect_timestamp("294247-01-10 04:00:54.775808", NULL);
    expect_timestamp("2024-02-29", "2024-02-29 00:00:00");
    expect_timestamp("2025-02-29", NULL);
    expect_timestamp("2025-02-29 00:00:00", NULL);
    expect_timestamp("2025-13-01 00:00:00", NULL);
    expect_timestamp("2025-12-26 24:00:00", NULL);
    expect_timestamp("2025-12-26 23:60:00", NULL);
    expect_timestamp("2025-12-26 23:59:60", NULL);
    expect_timestamp("2025-12-26  21:16:18", NULL);
    expect_timestamp("2025-12-26T", NULL);
    expect_timestamp("2025-12-26 21:16:18:00", NULL);
    expect_timestamp("202", NULL);
    expect_timestamp("1234567", NULL);
    expect_timestamp("", NULL);
    expect_timestamp(" ", NULL);
    expect_timestamp("21:16:18", NULL); /* of today */
}

/* At 2026-03-05 23:30:00Z. */
static void expect_of_today(const char *text, const char *want)
{
    int64_t micros;
    bool ok = time_parse_of_today(str_of(text), 1772753400000000, &micros);
    cr_expect_eq(ok, want != NULL, "%s", text);
    if (ok && want)
        cr_expect_str_eq(iso(micros), want, "%s", text);
}

Test(time, reads_times_of_today)
{
    expect_of_today("12:00", "2026-03-05 12:00:00");
    expect_of_today(" 1:2:3\t", "2026-03-05 01:02:03");
    expect_of_today("T12:00:01.5", "2026-03-05 12:00:01.5");
    expect_of_today("T1", "2026-03-05 01:00:00");
    expect_of_today("12:00:00Z", "2026-03-05 12:00:00");
    expect_of_today("12:00:00 UTC", "2026-03-05 12:00:00");
    expect_of_today("12:00:00 Europe/Amsterdam", "2026-03-06 11:00:00"); /* where it is the 6th */
    expect_of_today("12:00:00-01:00", "2026-03-05 13:00:00");
    expect_of_today("12", NULL);
    expect_of_today("T", NULL);
    expect_of_today("t12", NULL);
    expect_of_today("TT12", NULL);
    expect_of_today("12:", NULL);
    expect_of_today(":12", NULL);
    expect_of_today("012:00", NULL);
    expect_of_today("+12:00", NULL);
    expect_of_today("24:00", NULL);
    expect_of_today("12:00Z", NULL);
    expect_of_today("12:00 Z", NULL);
    expect_of_today("2026-03-05", NULL);
    expect_of_today("", NULL);
}

Test(time, reads_zones)
{
    static const struct {
        const char *zone, *want; /* of 12:00:00 in that zone */
    } cases[] = {
        {"Z", "12:00:00"},
        {" Z", "12:00:00"},
        {"UTC", "12:00:00"},
        {" GMT", "12:00:00"},
        {"UT", "12:00:00"},
        {"+1", "11:00:00"},
        {"+01", "11:00:00"},
        {"-0130", "13:30:00"},
        {"+01:30", "10:30:00"},
        {"+1:30", "10:30:00"},
        {"+1:3", "10:57:00"},
        {"+01:3", "10:57:00"},
        {"+01:30:15", "10:29:45"},
        {"+013015", "10:29:45"},
        {"+12:00", "00:00:00"},
        {"+18:01", NULL},
        {"+19", NULL},
        {"UTC+1", "11:00:00"},
        {"GMT-05:00", "17:00:00"},
        {"UT+2", "10:00:00"},
        {"utc", NULL},
        {"z", NULL},
        {"Zulu", "12:00:00"},
        {"Etc/GMT+5", "17:00:00"},
        {"Etc/GMT-9", "03:00:00"},
        {"Etc/GMT+13", NULL},
        {"Etc/GMT+05", NULL},
        {"GMT0", "12:00:00"},
        {"UTC0", NULL},
        {"EST", "17:00:00"},
        {"+", NULL},
        {"+1x", NULL},
        {"+01:", NULL},
        {"Nowhere/At_all_and_further", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[80], want[40];
        const char *time = cases[i].want;
        snprintf(text, sizeof text, "2025-12-26 12:00:00%s", cases[i].zone);
        snprintf(want, sizeof want, "2025-12-26 %s", time ? time : "");
        expect_timestamp(text, time ? want : NULL);
    }
    expect_timestamp("2025-12-26 12:00:00+18:00", "2025-12-25 18:00:00");
}

Test(time, reads_and_prints_dates)
{
    static const struct {
        const char *text, *want;
    } cases[] = {
        {"2025-12-26", "2025-12-26"},
        {"2025-12-26 junk", "2025-12-26"},
        {"2025-12-26Tx", "2025-12-26"},
        {"2025-1-2", "2025-01-02"},
        {"2025-06", "2025-06-01"},
        {"2025", "2025-01-01"},
        {" 2025 ", "2025-01-01"},
        {"-2025-01-01", "-2025-01-01"},
        {"+12025-1-1", "+12025-01-01"},
        {"1234567-01-01", "+1234567-01-01"},
        {"9999999-01-01", NULL},
        {"2025-06 x", NULL},
        {"2025-12-26x", NULL},
        {"2025-12-32", NULL},
        {"12-26-2025", NULL},
        {"", NULL},
        {"2025-", NULL},
        {"2025-12-", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int32_t days;
        char text[TIME_TEXT_MAX + 1];
        bool ok = time_parse_date(str_of(cases[i].text), &days);
        cr_expect_eq(ok, cases[i].want != NULL, "%s", cases[i].text);
        if (!ok || !cases[i].want)
            continue;
        text[time_format_date(days, text)] = '\0';
        cr_expect_str_eq(text, cases[i].want);
    }
}

static uint64_t next_random(uint64_t *state)
{
    *state = *state * 6364136223846793005ULL + 1442695040888963407ULL;
    return *state >> 16;
}

Test(time, agrees_with_the_c_library)
{
    uint64_t seed = 7;
    for (int i = 0; i < 200000; i++) {
        time_t seconds = (time_t)(next_random(&seed) % 253402300800ULL); /* 1970..9999 */
        struct tm tm;
        char text[64];
        int64_t micros;
        cr_assert(gmtime_r(&seconds, &tm) != NULL);
        strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &tm);
        cr_assert(time_parse_timestamp(str_of(text), &micros), "%s", text);
        cr_assert_eq(micros, (int64_t)seconds * 1000000);
        cr_assert_str_eq(iso(micros), text);
    }
}

Test(time, every_day_has_one_name)
{
    for (int64_t days = -1000000; days < 4000000; days += 1 + (days & 3)) {
        struct civil_date date = time_civil_from_days(days);
        cr_assert_eq(time_days_from_civil(date), days);
        cr_assert(date.day >= 1 && date.day <= time_days_in_month(date.year, date.month));
    }
}

Test(time, prints_fractions)
{
    char text[TIME_TEXT_MAX + 1];
    cr_expect_str_eq(iso(0), "1970-01-01 00:00:00");
    cr_expect_str_eq(iso(-1), "1969-12-31 23:59:59.999999");
    cr_expect_str_eq(iso(120000), "1970-01-01 00:00:00.12");
    cr_expect_str_eq(iso(INT64_MIN), "-290308-12-21 19:59:05.224192");
    cr_expect_str_eq(iso(INT64_MAX), "+294247-01-10 04:00:54.775807");
    text[time_format_iso_millis(-1, text)] = '\0';
    cr_expect_str_eq(text, "1969-12-31T23:59:59.999Z");
    text[time_format_iso_millis(1766783778000000, text)] = '\0';
    cr_expect_str_eq(text, "2025-12-26T21:16:18.000Z");
}
