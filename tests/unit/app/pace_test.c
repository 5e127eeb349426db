/* How fast an app reads, of sources that are only numbers. */
#include <criterion/criterion.h>
#include <math.h>

#include "app_impl.h"
#include "os/clock.h"

static struct source_partition partitions[2];
static struct source source;
static struct app app;

static void setup(void)
{
    partitions[0] = partitions[1] = (struct source_partition){.resolved = true};
    source = (struct source){.partitions = partitions, .partition_count = 2};
    app = (struct app){.source = &source, .rate_offsets = 1000, .rate_us = 1000000};
}

TestSuite(app_pace, .init = setup);

static void read_to(int64_t position, int64_t end)
{
    for (int i = 0; i < 2; i++) {
        partitions[i].records += (uint64_t)(position - partitions[i].position);
        partitions[i].position = position;
        partitions[i].end = end;
    }
}

/* As if the last look had been a second ago. */
static void tick(void)
{
    if (app.pace.at_us)
        app.pace.at_us = clock_monotonic_us() - 1000000;
    app_pace_tick(&app);
}

static bool near(double value, double wanted)
{
    return fabs(value - wanted) <= 0.02 * fabs(wanted);
}

Test(app_pace, nothing_is_known_at_first)
{
    read_to(0, 0);
    tick();
    cr_expect(app.pace.read_per_s < 0 && app.pace.added_per_s < 0);
    cr_expect_eq(app_behind(&app), 0);
}

Test(app_pace, rates_are_those_of_all_partitions)
{
    read_to(0, 50000);
    tick();
    read_to(5000, 50500);
    tick();
    cr_expect(near(app.pace.read_per_s, 10000), "%f", app.pace.read_per_s);
    cr_expect(near(app.pace.added_per_s, 1000), "%f", app.pace.added_per_s);
    cr_expect_eq(app_behind(&app), 2 * 45500);
    read_to(5000, 50500);
    tick();
    cr_expect(near(app.pace.read_per_s, 7000), "the newest second counts a share");
}

Test(app_pace, a_new_partition_is_no_burst)
{
    source.partition_count = 1;
    read_to(100, 100);
    tick();
    read_to(200, 200);
    tick();
    double before = app.pace.added_per_s;
    partitions[1] = (struct source_partition){.resolved = true, .position = 900000, .end = 900000};
    source.partition_count = 2;
    tick();
    cr_expect_float_eq(app.pace.added_per_s, before, 1e-9);
    partitions[1].resolved = false;
    tick();
    cr_expect_float_eq(app.pace.added_per_s, before, 1e-9, "not known: nothing changes");
}
