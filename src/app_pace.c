/* How fast an app reads, how fast its source grows, and how far behind it is. */
#include "app_impl.h"
#include "os/clock.h"

/* Rates are those of about the last five seconds. */
static const double new_share = 0.3;

static void mix(double *rate, double sample)
{
    *rate = *rate < 0 ? sample : *rate + new_share * (sample - *rate);
}

int64_t app_behind(const struct app *app)
{
    int64_t behind = 0;
    for (uint32_t i = 0; app->source && i < app->source->partition_count; i++)
        behind += app->source->partitions[i].end - app->source->partitions[i].position;
    return behind;
}

/* Sums over all partitions; false while some are not known. */
static bool look(const struct app *app, struct app_pace *sums)
{
    *sums = (struct app_pace){.partitions = app->source ? app->source->partition_count : 0};
    for (uint32_t i = 0; i < sums->partitions; i++) {
        const struct source_partition *p = &app->source->partitions[i];
        if (!p->resolved)
            return false;
        sums->position += p->position;
        sums->end += p->end;
        sums->records += p->records;
    }
    return sums->partitions > 0;
}

void app_pace_tick(struct app *app)
{
    struct app_pace *pace = &app->pace, now;
    int64_t now_us = clock_monotonic_us();
    if (!look(app, &now))
        return;
    double seconds = (double)(now_us - pace->at_us) / 1e6;
    bool comparable = pace->at_us && pace->partitions == now.partitions && seconds > 0.1;
    if (comparable) {
        mix(&pace->read_per_s, (double)(now.records - pace->records) / seconds);
        mix(&pace->added_per_s, (double)(now.end - pace->end) / seconds);
    } else if (!pace->at_us) {
        pace->read_per_s = pace->added_per_s = -1;
    }
    pace->at_us = now_us;
    pace->partitions = now.partitions;
    pace->position = now.position;
    pace->end = now.end;
    pace->records = now.records;
}
