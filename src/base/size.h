/* size.h: sizes as people write them: "65536", "128m", "64 MiB", "1.5GB". */
#pragma once

#include "base/str.h"

/* The decimal number without sign or exponent at the start; *rest is what follows it. */
bool size_take_decimal(struct str text, double *number, struct str *rest);
/* A number, perhaps with a fraction, and a unit in any case: b, k, kb, kib, m, mb, mib, g, gb, gib,
 * all of 1024 (as Spark's), or none for bytes; spaces may stand between them. False when it is not
 * that, below 1 byte or above 9e15. */
bool size_parse(struct str text, int64_t *bytes);
