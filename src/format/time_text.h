/* time_text.h: dates and timestamps in files: by the patterns of dateFormat and timestampFormat, or
 * in the form Spark's CSV and JSON writers give them without. */
#pragma once

#include "base/buf.h"
#include "base/err.h"

struct time_pattern;

/* All zero: without patterns. */
struct time_text {
    struct time_pattern *date, *timestamp; /* NULL: not given */
};

/* A format whose p is NULL is not given. ERR_INVALID names the option, ERR_UNSUPPORTED, ERR_NOMEM.
 * After a failure there is nothing to free. */
int time_text_init(struct time_text *text, struct str date_format, struct str timestamp_format,
                   struct err *err) MUST_CHECK;
void time_text_fini(struct time_text *text);

void time_text_date(const struct time_text *text, int32_t days, struct buf *out);
void time_text_timestamp(const struct time_text *text, int64_t micros, struct buf *out);
