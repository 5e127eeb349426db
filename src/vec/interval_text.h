/* interval_text.h: Spark's interval strings: "10 seconds", "INTERVAL 1 minute 30 seconds". The
 * grammar is that of Spark 3.5's IntervalUtils.stringToInterval. */
#pragma once

#include "vec/vec.h"

/* Parses an interval with its units apart. On failure returns a sentence that says what is wrong
 * (static storage), and *at is the byte in `text` it is about; NULL on success. */
const char *interval_text_parse(struct str text, struct vec_interval *out, size_t *at) MUST_CHECK;

/* The length in microseconds, a day having 24 hours; false with months, or when it is too long. */
bool interval_fixed_us(const struct vec_interval *interval, int64_t *us);
