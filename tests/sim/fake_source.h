/* fake_source.h: a source (source/source.h) over records in memory. What is there grows with every
 * look, by a seed; slices are planned as those of Kafka's are; a slice may have to be waited for.
 */
#pragma once

#include "app.h"
#include "sim/records.h"
#include "source/source.h"

struct fake_source_options {
    const struct sim_records *records;
    uint64_t seed;
    bool last_life;     /* all records; else without those of the last life */
    bool available_now; /* the limit is the end; else what is there at the start */
    /* Called from a timer, once: all that is read is committed. May be NULL. */
    void (*all_committed)(void *user);
    /* Called when a slice opens: to look at what readers see. May be NULL. */
    void (*look)(void *user);
    void *user;
};

/* For struct app_world.open_source; user is the struct fake_source_options, which outlives the
 * source. */
int fake_source_open(void *user, struct source **out, uv_loop_t *loop,
                     const struct source_hooks *hooks, const struct plan_partition_offset *resume,
                     uint32_t resume_count, struct err *err);
