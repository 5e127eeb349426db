/* shards.h: a job's cases, spread over processes. A process that dies is reported with its case,
 * and another goes on behind it. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum { SIM_SHARDS_MAX = 8 };

/* Which cases a process runs: the shard's part of all, from `first` on. */
struct sim_part {
    uint32_t shard, shards, first;
};

struct sim_job {
    void (*run)(const struct sim_job *job, const struct sim_part *part);
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
