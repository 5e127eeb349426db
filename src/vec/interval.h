/* interval.h: intervals ↔ text, as Spark 3.5's IntervalUtils and CalendarInterval have it. Texts
 * with units apart ("1 day 2 hours") are read by interval_text.h. */
#pragma once

#include "vec/vec.h"

/* First and last field of a type: its `precision` and `scale`. */
enum { INTERVAL_YEAR, INTERVAL_MONTH };
enum { INTERVAL_DAY, INTERVAL_HOUR, INTERVAL_MINUTE, INTERVAL_SECOND };

enum { INTERVAL_TEXT_MAX = 200 /* bytes any of the format functions writes */ };

/* The type of year-month or day-time intervals from the first to the last field; static storage. */
const struct type *interval_type(enum type_kind kind, int first, int last);

/* '1-2', '1 2:03:04.5', '5': with the fields of the type and no others, each with one sign before
 * all; also as a literal, INTERVAL -'1-2' YEAR TO MONTH. White space around it is ignored. False:
 * the text has another form, or is too large. */
bool interval_parse_year_month(struct str text, const struct type *type, int32_t *months);
bool interval_parse_day_time(struct str text, const struct type *type, int64_t *micros);

/* The format functions write no NUL and return the length. */

/* INTERVAL '1-2' YEAR TO MONTH */
size_t interval_format_year_month(int32_t months, const struct type *type,
                                  char out[INTERVAL_TEXT_MAX]);
/* INTERVAL '1 02:03:04.5' DAY TO SECOND */
size_t interval_format_day_time(int64_t micros, const struct type *type,
                                char out[INTERVAL_TEXT_MAX]);
/* 1 years 2 months 3 days 4.5 seconds */
size_t interval_format_mixed(struct vec_interval interval, char out[INTERVAL_TEXT_MAX]);
