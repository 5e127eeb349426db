/* inspect.h: what `sluice checkpoint show|verify` prints. Blocks. */
#pragma once

#include <uv.h>

#include "base/buf.h"
#include "base/err.h"
#include "plan/plan.h"

/* Reads the checkpoint at `location` and changes nothing. show: what it holds. verify: besides,
 * every file that a decision names is read and checked; each that is not in order is a line, and
 * the result ERR_CORRUPT. Appends to `out`, also before a failure. ERR_NOT_FOUND: no checkpoint. */
int checkpoint_inspect(uv_loop_t *loop, struct str location, const struct plan_s3 *s3, bool verify,
                       struct buf *out, struct err *err) MUST_CHECK;
