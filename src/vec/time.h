/* time.h: dates and timestamps ↔ text, as Spark 3.5 reads and prints them in session zone UTC.
 *
 * A date is days since 1970-01-01, a timestamp microseconds since 1970-01-01T00:00:00Z, both in the
 * proleptic Gregorian calendar. Sources: SparkDateTimeUtils.stringToTimestamp and stringToDate,
 * TimestampFormatter.getFractionFormatter, java.time. */
#pragma once

#include "base/str.h"

enum {
    TIME_TEXT_MAX = 40, /* bytes any of the format functions writes */
    TIME_MICROS_PER_SECOND = 1000000,
};

#define TIME_MICROS_PER_DAY (86400LL * TIME_MICROS_PER_SECOND)

struct civil_date {
    int64_t year; /* astronomical: 0 is 1 BC */
    int32_t month, day;
};

int64_t time_days_from_civil(struct civil_date date);
struct civil_date time_civil_from_days(int64_t days);
/* The length of a month, 28..31. */
int32_t time_days_in_month(int64_t year, int32_t month);

/* CAST(string AS TIMESTAMP): [+-]yyyy[-m[-d]][(T| )h[h]:m[m][:s[s][.f...]][zone]], white space
 * around it ignored, fraction digits beyond 6 dropped. The zone is one of time_zone_find
 * (time_zone.h). False: Spark's NULL, or time_parse_of_today's business. */
bool time_parse_timestamp(struct str s, int64_t *micros);

/* What else CAST(string AS TIMESTAMP) reads: a time without a date,
 * (T|)h[h]:m[m][:s[s][.f...]][zone] or Th[h], on the day it is at `now`, in microseconds since
 * 1970, where the zone is. */
bool time_parse_of_today(struct str s, int64_t now, int64_t *micros);

/* CAST(string AS DATE): [+-]yyyy[-m[-d]], white space around it ignored; after a full date a space
 * or T and anything. */
bool time_parse_date(struct str s, int32_t *days);

/* The format functions write no NUL and return the length. */

/* CAST(timestamp AS STRING): 2025-12-26 21:16:18.123, fraction only as long as needed. */
size_t time_format_timestamp(int64_t micros, char out[TIME_TEXT_MAX]);
/* As in Spark's toJSON: 2025-12-26T21:16:18.000Z, rounded down to milliseconds. */
size_t time_format_iso_millis(int64_t micros, char out[TIME_TEXT_MAX]);
/* 2025-12-26; years beyond 9999 with +, before 0 with -. */
size_t time_format_date(int32_t days, char out[TIME_TEXT_MAX]);
