/* time_zone.h: time zones by their names, as java.time.ZoneId and ZoneRules have them. The rules of
 * regions (Europe/Amsterdam) are those of the tzdata package sluice was built with. */
#pragma once

#include "base/str.h"

struct time_zone_rules;

/* All zero is UTC. */
struct time_zone {
    int32_t offset;                      /* seconds east of UTC, at most 18 hours; without rules */
    const struct time_zone_rules *rules; /* NULL: the offset is fixed */
};

/* What Spark's functions take as a time zone (ZoneId.of with SHORT_IDS): Z, +h, +hh[[:]mm[[:]ss]],
 * UTC, GMT or UT with or without an offset, a region, a three letter name such as PST. White space
 * is wrong. False: there is no such zone. */
bool time_zone_find(struct str name, struct time_zone *zone);

/* The region with exactly this name. */
bool time_zone_region(struct str name, struct time_zone *zone);
/* The longest name of a region that s begins with, without regard to case; 0: none. */
size_t time_zone_prefix(struct str s, struct time_zone *zone);
/* ZoneOffset.of: Z, +h, +hh, +hhmm, +hh:mm, +hhmmss, +hh:mm:ss. */
bool time_zone_parse_offset(struct str s, int32_t *seconds);

/* The offset, in seconds east, at a moment in seconds since 1970-01-01T00:00:00Z. */
int32_t time_zone_offset_at(const struct time_zone *zone, int64_t utc);
/* The moment at which the clock shows `local`, in seconds since 1970. Where the clock is set back
 * the earlier of the two, where it skips this time as much later as it skips
 * (ZonedDateTime.ofLocal). */
int64_t time_zone_to_utc(const struct time_zone *zone, int64_t local);
