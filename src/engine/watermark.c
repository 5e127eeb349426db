#include "engine/watermark.h"

#include <stdlib.h>

void watermark_fini(struct watermark *mark)
{
    free(mark->partition_max_us);
    *mark = (struct watermark){0};
}

static int note_partition(struct watermark *mark, uint32_t partition, int64_t max_us)
{
    if (partition >= mark->partition_count) {
        uint32_t count = partition + 1;
        int64_t *grown = realloc(mark->partition_max_us, count * sizeof *grown);
        if (!grown)
            return ERR_NOMEM;
        for (uint32_t i = mark->partition_count; i < count; i++)
            grown[i] = INT64_MIN;
        mark->partition_max_us = grown;
        mark->partition_count = count;
    }
    if (max_us > mark->partition_max_us[partition])
        mark->partition_max_us[partition] = max_us;
    return 0;
}

int watermark_add(struct watermark *mark, uint32_t partition, const struct watermark_times *times)
{
    struct watermark_times *all = &mark->times;
    if (times->count == 0)
        return 0;
    if (mark->per_partition && note_partition(mark, partition, times->max_us) != 0)
        return ERR_NOMEM;
    if (all->count == 0 || times->min_us < all->min_us)
        all->min_us = times->min_us;
    if (all->count == 0 || times->max_us > all->max_us)
        all->max_us = times->max_us;
    all->sum_us += times->sum_us;
    all->count += times->count;
    return 0;
}

static int64_t floor_ms(int64_t us)
{
    return us - ((us % 1000) + 1000) % 1000;
}

void watermark_raise(struct watermark *mark, int64_t time_us)
{
    int64_t reached;
    if (time_us < INT64_MIN + 1000 ||
        __builtin_sub_overflow(floor_ms(time_us), floor_ms(mark->delay_us), &reached))
        return;
    if (reached > mark->closing_us)
        mark->closing_us = reached;
}

/* The slowest of the partitions that have unread data; when all are read, the fastest of all. */
static bool slowest(const struct watermark *mark, const bool *unread, uint32_t partitions,
                    int64_t *time_us)
{
    bool found = false;
    for (uint32_t i = 0; i < partitions; i++) {
        if (!unread[i])
            continue;
        int64_t max_us = i < mark->partition_count ? mark->partition_max_us[i] : INT64_MIN;
        if (!found || max_us < *time_us)
            *time_us = max_us;
        found = true;
    }
    if (found)
        return *time_us != INT64_MIN;
    for (uint32_t i = 0; i < mark->partition_count; i++) {
        if (!found || mark->partition_max_us[i] > *time_us)
            *time_us = mark->partition_max_us[i];
        found |= mark->partition_max_us[i] != INT64_MIN;
    }
    return found;
}

void watermark_seal(struct watermark *mark, const bool *unread, uint32_t partitions)
{
    int64_t time_us = 0;
    mark->late_us = mark->closing_us;
    if (mark->per_partition) {
        if (slowest(mark, unread, partitions, &time_us))
            watermark_raise(mark, time_us);
    } else if (mark->times.count) {
        watermark_raise(mark, mark->times.max_us);
    }
    mark->times = (struct watermark_times){0};
}
