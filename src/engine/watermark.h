/* watermark.h: how far event time has come, for one query (PIPELINE.md 3). All times are
 * microseconds since 1970; watermarks are whole milliseconds. Source: Spark's
 * EventTimeWatermarkExec and WatermarkTracker. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

/* Event times of one batch. */
struct watermark_times {
    uint64_t count;
    int64_t min_us, max_us; /* when count > 0 */
    double sum_us;
};

struct watermark {
    int64_t delay_us;
    int64_t closing_us; /* of the batch that is filling: windows that end by then close with it */
    int64_t late_us;    /* the closing watermark of the batch before: what ends by then is late */
    struct watermark_times times;
    /* perPartition: per partition of the engine the largest event time, INT64_MIN: none yet. */
    bool per_partition;
    int64_t *partition_max_us;
    uint32_t partition_count;
};

static inline void watermark_see(struct watermark_times *times, int64_t time_us)
{
    if (times->count == 0 || time_us < times->min_us)
        times->min_us = time_us;
    if (times->count == 0 || time_us > times->max_us)
        times->max_us = time_us;
    times->sum_us += (double)time_us;
    times->count++;
}

void watermark_fini(struct watermark *mark);

/* Adds what a block of one partition had. ERR_NOMEM. */
int watermark_add(struct watermark *mark, uint32_t partition,
                  const struct watermark_times *times) MUST_CHECK;

/* Moves the closing watermark forward to time_us - delay, in whole milliseconds; never back. */
void watermark_raise(struct watermark *mark, int64_t time_us);

/* Ends the batch: what closed is now late, and the times seen move the closing watermark. unread[p]
 * (for `partitions` of them): partition p has records that are not read yet; only perPartition
 * asks.
 */
void watermark_seal(struct watermark *mark, const bool *unread, uint32_t partitions);
