/* kernels_time.h: kernels on dates, timestamps and intervals. Comments say the arguments' types:
 * date (INT32 days), ts (INT64 microseconds), otherwise SQL's. All are strict. */
#pragma once

#include "sql/kernels.h"
#include "vec/time_zone.h"

/* Fields of a date. */
KERNEL_DECLARE(kernel_year);
KERNEL_DECLARE(kernel_quarter);
KERNEL_DECLARE(kernel_month);
KERNEL_DECLARE(kernel_week_of_year);
KERNEL_DECLARE(kernel_year_of_week);
KERNEL_DECLARE(kernel_day);
KERNEL_DECLARE(kernel_day_of_week);     /* 1: Sunday */
KERNEL_DECLARE(kernel_day_of_week_iso); /* 1: Monday */
KERNEL_DECLARE(kernel_weekday);         /* 0: Monday */
KERNEL_DECLARE(kernel_day_of_year);
/* Fields of a ts. */
KERNEL_DECLARE(kernel_hour);
KERNEL_DECLARE(kernel_minute);
KERNEL_DECLARE(kernel_second);
KERNEL_DECLARE(kernel_second_fraction); /* DECIMAL(8,6) */

/* Date arithmetic. */
KERNEL_DECLARE(kernel_date_add);       /* date, INT: wraps */
KERNEL_DECLARE(kernel_date_sub);       /* date, INT: wraps */
KERNEL_DECLARE(kernel_date_diff);      /* date, date: INT, wraps */
KERNEL_DECLARE(kernel_add_months);     /* date, INT: date; fails beyond the range */
KERNEL_DECLARE(kernel_ts_add_months);  /* ts, INT: ts; fails beyond the range */
KERNEL_DECLARE(kernel_months_between); /* ts, ts, BOOLEAN (round): DOUBLE */
KERNEL_DECLARE(kernel_last_day);
KERNEL_DECLARE(kernel_next_day);       /* date, STRING; NULL: no day */
KERNEL_DECLARE(kernel_trunc);          /* date, STRING; NULL: no unit */
KERNEL_DECLARE(kernel_date_trunc);     /* STRING, ts; NULL: no unit */
KERNEL_DECLARE(kernel_timestamp_add);  /* STRING (unit), INT, ts */
KERNEL_DECLARE(kernel_timestamp_diff); /* STRING (unit), ts, ts: BIGINT */
/* Whether timestampadd (diff: timestampdiff) knows a unit. */
bool kernel_time_unit(struct str unit, bool diff);

/* Making them. */
KERNEL_DECLARE(kernel_make_date);      /* INT, INT, INT; NULL: no date */
KERNEL_DECLARE(kernel_make_timestamp); /* 5 x INT, DECIMAL(16,6) [, STRING (zone)]; NULL: no time */
KERNEL_DECLARE(kernel_unix_seconds);
KERNEL_DECLARE(kernel_unix_millis);
KERNEL_DECLARE(kernel_seconds_ts);         /* BIGINT; fails when too large */
KERNEL_DECLARE(kernel_seconds_ts_double);  /* DOUBLE; NULL for NaN and infinity */
KERNEL_DECLARE(kernel_seconds_ts_decimal); /* DECIMAL; fails with more than 6 digits of fraction */
KERNEL_DECLARE(kernel_millis_ts);          /* BIGINT; fails when too large */
KERNEL_DECLARE(kernel_truncated_seconds);  /* ts: BIGINT, towards zero (unix_timestamp) */
KERNEL_DECLARE(kernel_from_utc);           /* ts, STRING (zone); fails for unknown zones */
KERNEL_DECLARE(kernel_to_utc);

/* Patterns: expr->prepared is a time_pattern_cache. */
struct time_pattern_cache;
/* NULL without memory. */
struct time_pattern_cache *time_pattern_cache_create(bool parsing);
void time_pattern_cache_free(void *cache);
/* ERR_INVALID, ERR_UNSUPPORTED, ERR_NOMEM. */
int time_pattern_cache_set(struct time_pattern_cache *cache, struct str pattern,
                           struct err *err) MUST_CHECK;
KERNEL_DECLARE(kernel_first_ts);      /* ts, anything: the first */
KERNEL_DECLARE(kernel_parse_ts);      /* STRING, STRING: ts; NULL: no match */
KERNEL_DECLARE(kernel_date_format);   /* ts, STRING: STRING */
KERNEL_DECLARE(kernel_from_unixtime); /* BIGINT (seconds), STRING: STRING */

/* Moves a date by months; false beyond java.time's years. */
bool kernel_days_add_months(int64_t days, int64_t months, int64_t *out);
/* "the result is no TIMESTAMP: too far away" */
int kernel_time_overflow(struct eval *eval);

/* Intervals: months (INT32), micros (INT64), mixed (struct vec_interval). */
enum interval_op { INTERVAL_ADD, INTERVAL_SUBTRACT };
kernel_fn kernel_interval_add(enum interval_op op, enum type_kind kind); /* both of this kind */
kernel_fn kernel_interval_negate(enum type_kind kind);
/* An interval and a BIGINT, DOUBLE or DECIMAL; a mixed one only with a DOUBLE. */
kernel_fn kernel_interval_multiply(enum type_kind interval);
kernel_fn kernel_interval_divide(enum type_kind interval);
/* NULL for mixed intervals: two of one kind as a BIGINT; |x|; -1.0, 0.0 or 1.0. */
kernel_fn kernel_interval_quotient(enum type_kind interval);
kernel_fn kernel_interval_absolute(enum type_kind kind);
kernel_fn kernel_interval_sign(enum type_kind kind);
KERNEL_DECLARE(kernel_ts_add_micros);
KERNEL_DECLARE(kernel_ts_add_mixed);
KERNEL_DECLARE(kernel_date_add_mixed);
KERNEL_DECLARE(kernel_date_difference); /* date, date: micros of whole days */
KERNEL_DECLARE(kernel_ts_difference);   /* ts, ts: micros */
KERNEL_DECLARE(kernel_interval_days);   /* micros: INT, whole days */

KERNEL_DECLARE(kernel_make_interval);    /* 6 x INT, DECIMAL(18,6): mixed; NULL when too large */
KERNEL_DECLARE(kernel_make_dt_interval); /* 3 x INT, DECIMAL(18,6): micros; fails when too large */
KERNEL_DECLARE(kernel_make_ym_interval); /* INT, INT: months; fails when too large */

KERNEL_DECLARE(kernel_months_text);
KERNEL_DECLARE(kernel_micros_text);
KERNEL_DECLARE(kernel_mixed_text);
KERNEL_DECLARE(kernel_text_mixed); /* NULL: no interval */
/* Fail on what is no interval; with `try`: NULL. */
kernel_fn kernel_text_interval(bool try);
/* To an integer: how many of the interval's last field. Fails on what does not fit; as above. */
kernel_fn kernel_interval_number(bool try);
KERNEL_DECLARE(kernel_interval_truncate); /* to the last field of the result's type */
KERNEL_DECLARE(kernel_number_interval);   /* BIGINT: so many of the type's field */

/* EXTRACT from an interval of this kind; NULL: it has no such field. Fields: the letter of the
 * unit, Y, M (month), D, H, m (minute), S; *type is the result's. */
kernel_fn kernel_interval_field(const struct type *interval, char field, const struct type **type);
