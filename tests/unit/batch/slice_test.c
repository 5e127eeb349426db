#include <criterion/criterion.h>
#include <math.h>

#include "batch/slice.h"

enum { N_MAX = 64 };

static int64_t planned(const struct slice_partition *p, uint32_t n)
{
    int64_t sum = 0;
    for (uint32_t i = 0; i < n; i++) {
        cr_assert(p[i].target >= p[i].position && p[i].target <= p[i].end);
        sum += p[i].target - p[i].position;
    }
    return sum;
}

static void reach(struct slice_partition *p, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        p[i].position = p[i].target;
}

Test(slice, nothing_pending_plans_nothing)
{
    struct slice_planner planner = {0};
    struct slice_partition p[2] = {{.position = 5, .end = 5}, {.position = 7, .end = 7}};
    cr_assert_eq(slice_plan(&planner, p, 2, 100), 0);
    cr_assert_eq(p[0].target, 5);
    cr_assert_eq(p[1].target, 7);
}

Test(slice, all_fits_in_one)
{
    struct slice_planner planner = {0};
    struct slice_partition p[2] = {{.position = 5, .end = 25}, {.position = 7, .end = 17}};
    cr_assert_eq(slice_plan(&planner, p, 2, 30), 30);
    cr_assert_eq(p[0].target, 25);
    cr_assert_eq(p[1].target, 17);
}

/* Backlogs of very unequal size: at every slice all have been read to the same fraction, within one
 * offset of each. */
static void read_evenly(const int64_t *sizes, uint32_t n, int64_t max, bool grows)
{
    struct slice_planner planner = {0};
    struct slice_partition p[N_MAX] = {0};
    for (uint32_t i = 0; i < n; i++) {
        p[i].position = 1000000000000 + i;
        p[i].end = p[i].position + sizes[i];
    }
    int slices = 0;
    while (slice_pending(p, n) > 0) {
        int64_t got = slice_plan(&planner, p, n, max);
        cr_assert(got > 0 && got <= max, "planned %lld of %lld", (long long)got, (long long)max);
        cr_assert_eq(planned(p, n), got);
        reach(p, n);
        double least = 2, most = -1, slack = 0;
        for (uint32_t i = 0; i < n; i++) {
            double done = (double)(p[i].position - (1000000000000 + (int64_t)i));
            double fraction = done / (double)sizes[i];
            least = fmin(least, fraction);
            most = fmax(most, fraction);
            slack = fmax(slack, 2.5 / (double)sizes[i]);
        }
        if (!grows)
            cr_assert(most - least <= slack, "slice %d: %g to %g", slices, least, most);
        if (grows && slices < 50) {
            for (uint32_t i = 0; i < n; i++)
                p[i].end += 3;
        }
        cr_assert(++slices < 2000000);
    }
}

Test(slice, even_partitions)
{
    read_evenly((const int64_t[]){1666667, 1666667, 1666666}, 3, 41000, false);
}

Test(slice, very_unequal_partitions)
{
    read_evenly((const int64_t[]){4400000, 590000, 10000}, 3, 997, false);
    read_evenly((const int64_t[]){4990000, 9990, 10}, 3, 40000, false);
}

Test(slice, fewer_offsets_than_partitions)
{
    int64_t sizes[N_MAX];
    for (int i = 0; i < N_MAX; i++)
        sizes[i] = 40;
    read_evenly(sizes, N_MAX, 1, false);
    read_evenly(sizes, N_MAX, 7, false);
}

Test(slice, growing_ends_still_get_everywhere)
{
    read_evenly((const int64_t[]){100000, 500, 20}, 3, 100, true);
}

/* A small backlog beside a large one whose end moves all the time: what rounding owes is kept. */
Test(slice, moving_ends_do_not_starve_a_small_partition)
{
    struct slice_planner planner = {0};
    struct slice_partition p[2] = {{.position = 0, .end = 1000000}, {.position = 0, .end = 1000}};
    for (int i = 0; i < 500; i++) {
        slice_plan(&planner, p, 2, 100);
        reach(p, 2);
        p[0].end += 1;
    }
    double large = (double)p[0].position / 1000500, small = (double)p[1].position / 1000;
    cr_assert(fabs(large - small) < 0.005, "%g and %g", large, small);
}

Test(slice, a_partition_left_out_takes_no_part_and_comes_back)
{
    struct slice_planner planner = {0};
    struct slice_partition p[2] = {{.position = 0, .end = 100, .left_out = true},
                                   {.position = 0, .end = 100}};
    cr_assert_eq(slice_pending(p, 2), 100);
    cr_assert_eq(slice_plan(&planner, p, 2, 50), 50);
    cr_assert_eq(p[0].target, 0);
    cr_assert_eq(p[1].target, 50);
    reach(p, 2);
    p[0].left_out = false;
    cr_assert_eq(slice_plan(&planner, p, 2, 75), 75);
    cr_assert_eq(p[0].target, 50);
    cr_assert_eq(p[1].target, 75);
}

/* A gap shrinks a target: the position is behind where the sweep put it, and the end came down. */
Test(slice, shrunk_end)
{
    struct slice_planner planner = {0};
    struct slice_partition p[2] = {{.position = 0, .end = 100}, {.position = 0, .end = 100}};
    slice_plan(&planner, p, 2, 100);
    p[0].position = 50;
    p[1].position = 40;
    p[1].end = 40;
    cr_assert_eq(slice_plan(&planner, p, 2, 25), 25);
    cr_assert_eq(p[0].target, 75);
    cr_assert_eq(p[1].target, 40);
}

Test(slice, limits)
{
    struct slice_limits first = {.bytes_max = 6400000};
    cr_assert_eq(slice_offsets_max(&first), 1000);
    struct slice_limits memory = {
        .bytes_max = 6400000, .bytes_per_offset = 160, .offsets_per_s = 1e7};
    cr_assert_eq(slice_offsets_max(&memory), 36000);
    struct slice_limits slow = {
        .bytes_max = 6400000, .bytes_per_offset = 160, .offsets_per_s = 50, .interval_ms = 10000};
    cr_assert_eq(slice_offsets_max(&slow), 50);
    slow.interval_ms = 2000;
    cr_assert_eq(slice_offsets_max(&slow), 10);
    slow.offsets_per_s = 0.01;
    cr_assert_eq(slice_offsets_max(&slow), 1);
}
