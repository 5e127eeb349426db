/* interval.h: Spark's interval strings: "10 seconds", "INTERVAL 1 minute 30 seconds". The grammar
 * is that of Spark 3.5's IntervalUtils.stringToInterval. */
#pragma once

#include <stdint.h>

#include "base/check.h"
#include "base/str.h"

/* Parses a length of time into whole milliseconds (the rest is cut off, as Spark does). A month has
 * month_days days; 0: there must be none. May be negative. On failure returns a sentence that says
 * what is wrong (static storage), and *at is the byte in `text` it is about; NULL on success. */
const char *plan_interval_parse(struct str text, int32_t month_days, int64_t *out_ms,
                                size_t *at) MUST_CHECK;
