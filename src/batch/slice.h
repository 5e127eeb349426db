/* slice.h: the plan of a slice: how far each partition is read next. Pure: offsets in, targets out.
 *
 * A backlog is read evenly (PIPELINE.md 3): every target is the same fraction of its partition's
 * backlog, whatever the sizes. The planner keeps the exact, fractional place each partition should
 * be at, so that rounding never adds up: after any number of slices a partition is within one
 * offset of its fair place. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct slice_partition {
    int64_t position; /* next offset to read */
    int64_t end;      /* offset behind the last that may be read; at least position */
    bool left_out;    /* cannot deliver now: takes no part, does not hold up the others */
    int64_t target;   /* out: read up to here, exclusive; position <= target <= end */

    /* The planner's own: where the sweep that is under way began (a whole offset and the part of
     * one the partition was owed then) and where it ends. */
    int64_t base;
    double owed;
    int64_t sweep_end;
    bool in_sweep;
};

struct slice_planner {
    double progress; /* 0..1: the fraction of every backlog that is planned so far */
};

/* Offsets known to be unread in the partitions that take part. */
int64_t slice_pending(const struct slice_partition *partitions, uint32_t n);

/* Sets every target so that together they take at most offsets_max (at least 1) offsets, and at
 * least one when any is pending. Returns the number of offsets planned, 0 when nothing is pending.
 * All zero is a valid new planner and a valid new partition (but for its offsets). */
int64_t slice_plan(struct slice_planner *planner, struct slice_partition *partitions, uint32_t n,
                   int64_t offsets_max);

/* What limits the size of a slice besides a batch's own cap. */
struct slice_limits {
    int64_t bytes_max;       /* a tenth of the memory budget */
    double bytes_per_offset; /* average so far; 0: not known yet */
    double offsets_per_s;    /* current reading rate; 0: not known yet */
    int64_t interval_ms;     /* trigger interval; 0: none */
};

/* Offsets a slice may take: as many as fit the memory share, and no more than are read in a tenth
 * of the interval or in one second, so that triggers and stops find a slice boundary soon. */
int64_t slice_offsets_max(const struct slice_limits *limits);
