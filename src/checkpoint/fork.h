/* fork.h: a new checkpoint that goes on from a batch of another one (`run --recover-to`). Blocks.
 */
#pragma once

#include <uv.h>

#include "os/log.h"
#include "plan/plan.h"

struct checkpoint_fork {
    struct str from, to; /* locations */
    const struct plan_s3 *s3;
    int64_t batch;
    const char *new_id; /* of the new checkpoint */
    const struct log *log;
};

/* Copies state and offsets of the batch into the new location, under a new id; the old checkpoint
 * stays as it is. Files that its later batches published are logged, as their rows come again.
 *
 * ERR_NOT_FOUND: there is no such batch (the message says which there are); ERR_EXISTS: there is a
 * checkpoint at `to`; ERR_INVALID: the batch may not be published yet; ERR_CORRUPT. What was copied
 * before a failure is no checkpoint, and is overwritten by the next attempt. */
int checkpoint_fork(uv_loop_t *loop, const struct checkpoint_fork *fork,
                    struct err *err) MUST_CHECK;
