/* time_pattern_impl.h: the compiled form of a pattern, shared by the files of time_pattern.h. */
#pragma once

#include "vec/time_pattern.h"

/* java.time.temporal.ChronoField, as far as patterns name them. */
enum pattern_field {
    FIELD_ERA,
    FIELD_YEAR_OF_ERA,
    FIELD_YEAR,
    FIELD_MONTH,
    FIELD_DAY,
    FIELD_DAY_OF_YEAR,
    FIELD_DAY_OF_WEEK, /* 1: Monday */
    FIELD_WEEK_DAY_IN_MONTH,
    FIELD_QUARTER,
    FIELD_HALF_DAY, /* 0: AM */
    FIELD_HOUR,     /* 0..23 */
    FIELD_CLOCK_HOUR,
    FIELD_HOUR_OF_HALF, /* 0..11 */
    FIELD_CLOCK_HOUR_OF_HALF,
    FIELD_MINUTE,
    FIELD_SECOND,
    FIELD_NANO,
    FIELD_OFFSET, /* seconds east */
    FIELD_COUNT
};

enum pattern_kind {
    PATTERN_LITERAL,  /* text */
    PATTERN_NUMBER,   /* field, sign, min and max digits */
    PATTERN_REDUCED,  /* two digits of the years 2000 to 2099 */
    PATTERN_TEXT,     /* field, full */
    PATTERN_FRACTION, /* of a second: min and max digits */
    PATTERN_OFFSET,   /* min: enum offset_form; text: what stands for zero */
    PATTERN_GMT,      /* GMT+8, full: GMT+08:00 */
    PATTERN_ZONE,     /* a zone's id; formatting: text */
    PATTERN_OPTIONAL, /* the elements up to `end` */
};

enum pattern_sign { SIGN_NORMAL, SIGN_NOT_NEGATIVE, SIGN_EXCEEDS_PAD };

/* Minutes and seconds in lower case are written when they are not 0. */
enum offset_form { OFFSET_HHmm, OFFSET_HHMM, OFFSET_HH_MM, OFFSET_HHMMss, OFFSET_HH_MM_ss };

struct pattern_element {
    uint8_t kind, field, sign;
    bool full;
    uint8_t min, max;   /* digits */
    uint8_t subsequent; /* digits of the fixed numbers directly behind it */
    uint16_t end;       /* PATTERN_OPTIONAL: the first element behind it */
    struct str text;
};

struct time_pattern {
    char *copy; /* the pattern's text: literals point into it */
    struct pattern_element *elements;
    uint16_t count, capacity;
};

enum { PATTERN_YEAR_DIGITS = 19, PATTERN_NESTING_MAX = 20, PATTERN_BYTES_MAX = 1000 };

/* The name of a value of ERA, MONTH, DAY_OF_WEEK, HALF_DAY or QUARTER; n == 0: there is none. */
struct str pattern_name(enum pattern_field field, bool full, int64_t value);
