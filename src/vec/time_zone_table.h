/* time_zone_table.h: the table of time zones that scripts/zones.py makes of the system's zone files
 * (package tzdata) when sluice is built. Only time_zone.c reads it. */
#pragma once

#include <stdint.h>

/* When the yearly change is: the week-th weekday (0: Sunday) of the month, or the last (week 5);
 * `seconds` after midnight by the clock before it, perhaps negative or more than a day. */
struct time_zone_change {
    int8_t month, week, weekday;
    int32_t seconds;
};

struct time_zone_rules {
    uint32_t first, count; /* changes in time_zone_moments and time_zone_offsets */
    int32_t before;        /* the offset before the first change; all offsets in seconds east */
    /* After the last one: changes of each year; with equal start and end there are none. */
    int32_t standard, daylight;
    struct time_zone_change start, end;
};

struct time_zone_name {
    const char *name;
    uint16_t rules;
};

/* Seconds since 1970-01-01T00:00:00Z, ascending inside a zone, and the offsets behind them. */
extern const int64_t time_zone_moments[];
extern const int32_t time_zone_offsets[];
extern const struct time_zone_rules time_zone_rules[];
/* In byte order. */
extern const struct time_zone_name time_zone_names[];
extern const uint32_t time_zone_name_count;
