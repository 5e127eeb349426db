#include "batch/slice.h"

#include <math.h>

#include "base/check.h"

enum { FIRST_SLICE_OFFSETS = 1000, BYTES_PER_OFFSET_GUESS = 1024, STOP_MS_MAX = 1000 };

int64_t slice_pending(const struct slice_partition *partitions, uint32_t n)
{
    int64_t pending = 0;
    for (uint32_t i = 0; i < n; i++) {
        if (!partitions[i].left_out)
            pending += partitions[i].end - partitions[i].position;
    }
    return pending;
}

/* Distances are taken from the sweep's base, so that large offsets cost no precision. */
static double sweep_size(const struct slice_partition *p)
{
    return (double)(p->sweep_end - p->base) - p->owed;
}

static double fair_distance(const struct slice_partition *p, double progress)
{
    return p->owed + progress * sweep_size(p);
}

static bool sweep_holds(const struct slice_partition *p)
{
    return p->left_out ? !p->in_sweep : p->in_sweep && p->sweep_end == p->end;
}

/* Begins a new sweep where ends moved or partitions came and went: every partition keeps the part
 * of an offset that rounding owes it. A gap or a shrunk target may have put it elsewhere by more
 * than that; then its real position counts. */
static void begin_sweep(struct slice_planner *planner, struct slice_partition *partitions,
                        uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        struct slice_partition *p = &partitions[i];
        double owed = 0;
        if (p->in_sweep && planner->progress < 1)
            owed = fair_distance(p, planner->progress) - (double)(p->position - p->base);
        bool rounded = owed >= 0 && owed <= 2 && owed <= (double)(p->end - p->position);
        p->base = p->position;
        p->owed = rounded ? owed : 0;
        p->sweep_end = p->end;
        p->in_sweep = !p->left_out;
    }
    planner->progress = 0;
}

/* The least progress at which some partition gets its next offset. */
static double progress_of_next_offset(const struct slice_partition *partitions, uint32_t n)
{
    double least = 1;
    for (uint32_t i = 0; i < n; i++) {
        const struct slice_partition *p = &partitions[i];
        if (p->left_out || p->position >= p->end)
            continue;
        double needed = ((double)(p->position + 1 - p->base) - p->owed) / sweep_size(p);
        if (needed < least)
            least = needed;
    }
    return least;
}

static int64_t set_targets(struct slice_partition *partitions, uint32_t n, double progress)
{
    int64_t planned = 0;
    for (uint32_t i = 0; i < n; i++) {
        struct slice_partition *p = &partitions[i];
        p->target = p->position;
        if (p->left_out)
            continue;
        int64_t target = p->end;
        /* The small addition keeps floor() from losing an offset to a rounding of the product. */
        if (progress < 1)
            target = p->base + (int64_t)floor(fair_distance(p, progress) + 1e-6);
        target = target > p->end ? p->end : target;
        if (target > p->position)
            p->target = target;
        planned += p->target - p->position;
    }
    return planned;
}

/* Whole offsets can add up to a few more than the cap: those who got one give it back. */
static int64_t keep_cap(struct slice_partition *partitions, uint32_t n, int64_t planned,
                        int64_t max)
{
    for (uint32_t i = n; planned > max; i = i ? i - 1 : n) {
        if (i < n && partitions[i].target > partitions[i].position) {
            partitions[i].target--;
            planned--;
        }
    }
    return planned;
}

int64_t slice_plan(struct slice_planner *planner, struct slice_partition *partitions, uint32_t n,
                   int64_t offsets_max)
{
    REQUIRE(offsets_max > 0);
    bool holds = true;
    double total = 0;
    for (uint32_t i = 0; i < n; i++) {
        INVARIANT(partitions[i].end >= partitions[i].position);
        holds = holds && sweep_holds(&partitions[i]);
    }
    int64_t pending = slice_pending(partitions, n);
    if (!holds || planner->progress >= 1)
        begin_sweep(planner, partitions, n);
    if (pending == 0) {
        set_targets(partitions, n, 0);
        return 0;
    }
    for (uint32_t i = 0; i < n; i++)
        total += partitions[i].left_out ? 0 : sweep_size(&partitions[i]);
    double progress = planner->progress + (double)offsets_max / total;
    if (pending <= offsets_max || progress > 1)
        progress = 1;
    if (set_targets(partitions, n, progress) == 0)
        progress = progress_of_next_offset(partitions, n);
    planner->progress = progress;
    return keep_cap(partitions, n, set_targets(partitions, n, progress), offsets_max);
}

int64_t slice_offsets_max(const struct slice_limits *limits)
{
    double bytes = limits->bytes_per_offset > 0 ? limits->bytes_per_offset : BYTES_PER_OFFSET_GUESS;
    /* A little less than fits: a slice that ends by its bytes is not quite even. */
    double max = (double)limits->bytes_max * 0.9 / bytes;
    if (limits->offsets_per_s > 0) {
        int64_t window_ms = STOP_MS_MAX;
        if (limits->interval_ms > 0 && limits->interval_ms / 10 < window_ms)
            window_ms = limits->interval_ms / 10;
        double rate_max = limits->offsets_per_s * (double)window_ms / 1000;
        max = rate_max < max ? rate_max : max;
    } else if (max > FIRST_SLICE_OFFSETS) {
        max = FIRST_SLICE_OFFSETS;
    }
    return max < 1 ? 1 : (int64_t)max;
}
