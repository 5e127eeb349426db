/* time_pattern.h: datetime patterns ("yyyy-MM-dd HH:mm:ss") as Spark 3.5 reads them: the letters of
 * java.time's DateTimeFormatterBuilder.appendPattern without those Spark refuses, English names,
 * STRICT resolution, parsing without regard to case. Sources: DateTimeFormatterHelper,
 * TimestampFormatter and java.time.format of JDK 17. */
#pragma once

#include "base/err.h"
#include "base/str.h"

struct time_pattern;

/* Compiles a pattern for parsing or for formatting, which allow different letters. ERR_INVALID for
 * a pattern that Spark refuses, ERR_UNSUPPORTED for one that is not built (zone names in z and v
 * when parsing), ERR_NOMEM. */
int time_pattern_create(struct time_pattern **out, struct str pattern, bool parsing,
                        struct err *err) MUST_CHECK;
void time_pattern_destroy(struct time_pattern *pattern);

/* The whole text as a moment, microseconds since 1970-01-01T00:00:00Z; what the pattern does not
 * name is that of 1970-01-01 00:00:00 UTC. False: the text does not match, or is no time. */
bool time_pattern_parse(const struct time_pattern *pattern, struct str text, int64_t *micros);

/* Bytes that time_pattern_format writes at most. */
size_t time_pattern_text_max(const struct time_pattern *pattern);
/* Writes the moment in UTC, without a NUL, and returns the length. */
size_t time_pattern_format(const struct time_pattern *pattern, int64_t micros, char *out);
