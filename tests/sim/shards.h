/* shards.h: a job's cases, spread over processes. A process that dies is reported with its case,
 * and another goes on behind it. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum { SIM_SHARDS_MAX = 8 };

/* Runs cases from `first` on, in steps of `step`, until there are no more. */
struct sim_job {
    void (*run)(const struct sim_job *job, uint32_t first, uint32_t step);
    const char *name;
    const void *user;
};

struct sim_tally {
    uint32_t runs, failures;
};

struct sim_tally sim_job_run(const struct sim_job *job, uint32_t shards);

/* In a job: the case begins; it may take so many seconds. */
void sim_case_begin(uint32_t number, unsigned seconds, const char *text);
/* In a job: the case that runs has failed. */
void sim_case_fail(const char *reason);
