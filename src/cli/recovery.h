/* recovery.h: the options of `sluice run` about a checkpoint that is there. Pure. */
#pragma once

#include "cli/args.h"
#include "plan/plan.h"

struct recovery {
    const char *to;        /* BATCH=LOCATION as given; NULL: not */
    struct arg_list reset; /* names of queries */
    /* By recovery_parse; views into `to`. */
    int64_t batch; /* -1: not */
    struct str location;
};

/* Fills batch and location. ERR_INVALID: no batch from 0 and '=', or no location. */
int recovery_parse(struct recovery *recovery, struct err *err) MUST_CHECK;

/* Whether the options fit the plan: there is a checkpoint, no preview, the queries exist, and a new
 * checkpoint can be where it is to be. ERR_INVALID says what is wrong; ERR_NOMEM. */
int recovery_check(const struct recovery *recovery, const struct plan *plan, bool preview,
                   struct err *err) MUST_CHECK;
