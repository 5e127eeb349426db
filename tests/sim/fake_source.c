#include "sim/fake_source.h"

#include <stdio.h>
#include <stdlib.h>

#include "batch/slice.h"
#include "plan/plan.h"

struct fake_source {
    struct source base;
    struct source_partition partitions[SIM_PARTITIONS];
    struct slice_partition slices[SIM_PARTITIONS];
    struct slice_planner planner;
    const struct fake_source_options *options;
    struct source_hooks hooks;
    uv_timer_t timer; /* the next `changed` */
    uint64_t random;
    int64_t there[SIM_PARTITIONS]; /* the end of what has come so far */
    int64_t limit[SIM_PARTITIONS];
    int64_t committed[SIM_PARTITIONS];
    uint32_t next[SIM_PARTITIONS]; /* of the records: the first at or behind the position */
    bool limited, slice_open, told, closing;
    uint32_t slice_at; /* partition */
    int64_t slice_offsets, slice_records;
    void (*closed)(void *user);
    void *closed_user;
};

static struct fake_source *of(struct source *base)
{
    return CONTAINER_OF(base, struct fake_source, base);
}

static uint64_t draw(struct fake_source *source, uint64_t below)
{
    return sim_random(&source->random) % below;
}

static int64_t last_end(const struct fake_source *source, uint32_t i)
{
    const struct sim_partition *p = &source->options->records->partitions[i];
    return source->options->last_life ? p->end : p->first_end;
}

/* ---- what is there ---- */

static void refresh(struct fake_source *source)
{
    for (uint32_t i = 0; i < SIM_PARTITIONS; i++) {
        int64_t end = source->there[i];
        if (source->limited && end > source->limit[i])
            end = source->limit[i];
        source->slices[i].end = end > source->slices[i].position ? end : source->slices[i].position;
        source->partitions[i].position = source->slices[i].position;
        source->partitions[i].end = source->there[i] > source->slices[i].position
                                        ? source->there[i]
                                        : source->slices[i].position;
    }
}

static void on_timer(uv_timer_t *timer);

static void wake(struct fake_source *source)
{
    if (!source->closing && !uv_is_active((uv_handle_t *)&source->timer))
        uv_timer_start(&source->timer, on_timer, 0, 0);
}

/* Some more has come, in some partitions. */
static void grow(struct fake_source *source)
{
    for (uint32_t i = 0; i < SIM_PARTITIONS; i++) {
        int64_t end = last_end(source, i);
        if (source->there[i] < end && draw(source, 3) == 0)
            source->there[i] += 1 + (int64_t)draw(source, 16);
        if (source->there[i] > end)
            source->there[i] = end;
    }
}

static int64_t pending(struct source *base)
{
    struct fake_source *source = of(base);
    bool all = true;
    if (!source->slice_open)
        grow(source);
    refresh(source);
    for (uint32_t i = 0; i < SIM_PARTITIONS; i++)
        all &= source->there[i] == last_end(source, i);
    int64_t n = slice_pending(source->slices, SIM_PARTITIONS);
    if (n == 0 && !all)
        wake(source);
    return n;
}

static bool limit_reached(struct source *base)
{
    const struct fake_source *source = of(base);
    for (uint32_t i = 0; i < SIM_PARTITIONS; i++)
        if (source->slices[i].position < source->limit[i])
            return false;
    return !source->slice_open;
}

static void limit_lift(struct source *base)
{
    of(base)->limited = false;
}

/* ---- slices ---- */

static bool slice_open(struct source *base, int64_t offsets_max, int64_t bytes_max)
{
    struct fake_source *source = of(base);
    (void)bytes_max; /* the records are small */
    refresh(source);
    if (slice_plan(&source->planner, source->slices, SIM_PARTITIONS, offsets_max) == 0)
        return false;
    source->slice_open = true;
    source->slice_at = 0;
    source->slice_offsets = source->slice_records = 0;
    if (source->options->look)
        source->options->look(source->options->user);
    return true;
}

static void move_to(struct fake_source *source, uint32_t i, int64_t position)
{
    source->slice_offsets += position - source->slices[i].position;
    source->slices[i].position = position;
    source->partitions[i].position = position;
}

/* The next records of one partition, some of them. */
static int drain_partition(struct fake_source *source, uint32_t i, uint32_t most, struct err *err)
{
    const struct sim_partition *from = &source->options->records->partitions[i];
    struct record records[32];
    uint32_t room = 1 + (uint32_t)draw(source, COUNT_OF(records));
    struct record_block block = {.topic = source->partitions[i].topic,
                                 .partition = source->partitions[i].partition,
                                 .records = records};
    int64_t target = source->slices[i].target, position = target;
    while (source->next[i] < from->count) {
        const struct sim_record *record = &from->records[source->next[i]];
        if (record->offset >= target)
            break;
        if (block.count == room || block.count == most) {
            position = record->offset;
            break;
        }
        records[block.count++] = (struct record){.value = {record->value, record->bytes},
                                                 .offset = record->offset,
                                                 .timestamp_ms = 1767225600000 + record->offset};
        source->next[i]++;
        source->partitions[i].bytes += record->bytes;
    }
    source->partitions[i].records += block.count;
    source->slice_records += block.count;
    move_to(source, i, position);
    return block.count ? source->hooks.records(source->hooks.user, &block, err) : 0;
}

static int drain(struct source *base, uint32_t records_max, struct source_progress *progress,
                 struct err *err)
{
    struct fake_source *source = of(base);
    int64_t stop_at = source->slice_records + records_max;
    *progress = (struct source_progress){0};
    while (source->slice_at < SIM_PARTITIONS) {
        uint32_t i = source->slice_at;
        if (source->slices[i].position >= source->slices[i].target) {
            source->slice_at++;
            continue;
        }
        if (draw(source, 4) == 0) { /* the rest is on its way */
            wake(source);
            return 0;
        }
        int code = drain_partition(source, i, (uint32_t)(stop_at - source->slice_records), err);
        if (code)
            return code;
        if (source->slice_records >= stop_at) {
            progress->more = true;
            return 0;
        }
    }
    source->slice_open = false;
    *progress = (struct source_progress){
        .slice_closed = true, .offsets = source->slice_offsets, .records = source->slice_records};
    refresh(source);
    return 0;
}

/* ---- life ---- */

static void committed(struct source *base, const int64_t *offsets, uint32_t count)
{
    struct fake_source *source = of(base);
    for (uint32_t i = 0; i < count; i++)
        source->committed[i] = offsets[i];
    wake(source);
}

static size_t queued_bytes(struct source *base)
{
    (void)base;
    return 0;
}

static void start(struct fake_source *source)
{
    for (uint32_t i = 0; i < SIM_PARTITIONS; i++) {
        source->partitions[i].resolved = true;
        source->there[i] = source->slices[i].position;
    }
    grow(source);
    for (uint32_t i = 0; i < SIM_PARTITIONS; i++)
        source->limit[i] = source->options->available_now ? last_end(source, i) : source->there[i];
    source->base.state = SOURCE_READY;
}

/* All records: what lies behind the last one makes no batch. */
static bool all_committed(const struct fake_source *source)
{
    for (uint32_t i = 0; i < SIM_PARTITIONS; i++) {
        const struct sim_partition *from = &source->options->records->partitions[i];
        uint32_t count = source->options->last_life ? from->count : from->first_count;
        if (source->committed[i] <= from->records[count - 1].offset)
            return false;
    }
    return true;
}

static void on_timer(uv_timer_t *timer)
{
    struct fake_source *source = timer->data;
    if (source->base.state == SOURCE_STARTING)
        start(source);
    if (source->options->all_committed && !source->told && all_committed(source)) {
        source->told = true;
        source->options->all_committed(source->options->user);
    }
    source->hooks.changed(source->hooks.user);
}

static void on_closed(uv_handle_t *handle)
{
    struct fake_source *source = handle->data;
    void (*closed)(void *) = source->closed;
    void *user = source->closed_user;
    free(source);
    closed(user);
}

static void close_source(struct source *base, void (*closed)(void *user), void *user)
{
    struct fake_source *source = of(base);
    source->closing = true;
    source->closed = closed;
    source->closed_user = user;
    uv_close((uv_handle_t *)&source->timer, on_closed);
}

static const struct source_ops fake_source_ops = {
    .pending = pending,
    .limit_reached = limit_reached,
    .limit_lift = limit_lift,
    .slice_open = slice_open,
    .drain = drain,
    .committed = committed,
    .queued_bytes = queued_bytes,
    .close = close_source,
};

/* Where partition i begins. */
static void begin_at(struct fake_source *source, uint32_t i, int64_t position)
{
    const struct sim_partition *from = &source->options->records->partitions[i];
    source->slices[i].position = source->slices[i].end = position;
    while (source->next[i] < from->count && from->records[source->next[i]].offset < position)
        source->next[i]++;
    source->partitions[i].start = source->partitions[i].position = position;
    source->committed[i] = position;
}

int fake_source_open(void *user, struct source **out, uv_loop_t *loop,
                     const struct source_hooks *hooks, const struct plan_partition_offset *resume,
                     uint32_t resume_count, struct err *err)
{
    struct fake_source *source = calloc(1, sizeof *source);
    if (!source)
        return err_set(err, ERR_NOMEM, "out of memory for the source");
    source->options = user;
    source->random = source->options->seed * 2654435761U + 1;
    source->hooks = *hooks;
    source->limited = true;
    source->base.ops = &fake_source_ops;
    source->base.connected = true;
    source->base.partitions = source->partitions;
    source->base.partition_count = SIM_PARTITIONS;
    snprintf(source->base.description, sizeof source->base.description, "KafkaV2[Subscribe[t]]");
    for (uint32_t i = 0; i < SIM_PARTITIONS; i++) {
        int64_t position = 0;
        for (uint32_t r = 0; r < resume_count; r++)
            if (resume[r].partition == (int32_t)i)
                position = resume[r].offset;
        source->partitions[i].topic = STR("t");
        source->partitions[i].partition = (int32_t)i;
        begin_at(source, i, position);
    }
    uv_timer_init(loop, &source->timer);
    source->timer.data = source;
    wake(source);
    *out = &source->base;
    return 0;
}
