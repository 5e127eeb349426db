/* What no record tells: partitions that deliver nothing, errors between slices, the connection.
 * Looked at with every tick of the timer. */
#include "source/kafka_source.h"

enum {
    STALL_MS_MAX = 5000, /* a partition that delivers nothing for so long is left out */
    CONNECT_MS = 1000,   /* before this, not being connected is no news */
};

/* A partition whose turn it is and that delivers nothing while others could is left out. With no
 * broker at all there is nothing to choose: the slice waits. */
static void watch_stall(struct kafka_source *source)
{
    if (!source->slice_open || source->slice_at >= source->base.partition_count)
        return;
    uint32_t i = source->order[source->slice_at];
    int64_t now_ms = kafka_source_now_ms();
    if (source->turn_of != i || !source->base.connected) {
        source->parts[i].progress_ms = now_ms;
        return;
    }
    if (now_ms - source->parts[i].progress_ms < STALL_MS_MAX)
        return;
    const struct source_partition *partition = &source->base.partitions[i];
    log_printf(source->options.log, LOG_WARN,
               "topic %.*s, partition %d delivers nothing at offset %lld: slices go on without it "
               "until it does",
               STR_ARG(partition->topic), partition->partition,
               (long long)source->slices[i].position);
    source->slices[i].left_out = true;
    kafka_source_end_target(source, i);
    source->hooks.changed(source->hooks.user);
}

static void watch_left_out(struct kafka_source *source)
{
    for (uint32_t i = 0; i < source->base.partition_count; i++) {
        struct kafka_partition_state state;
        if (source->parts[i].stage != PART_READ || !source->slices[i].left_out)
            continue;
        kafka_consumer_partition_state(source->consumer, source->parts[i].handle, &state);
        if (state.queued == 0)
            continue;
        source->slices[i].left_out = false;
        source->hooks.changed(source->hooks.user);
    }
}

/* Between slices nobody drains; an error or an end may stand at the head of a queue all the same,
 * and would keep it from waking us. */
void kafka_watch_heads(struct kafka_source *source)
{
    if (source->slice_open || !source->heads_due)
        return;
    source->heads_due = false;
    for (uint32_t i = 0; i < source->base.partition_count; i++) {
        struct err err = {0};
        if (source->parts[i].stage != PART_READ)
            continue;
        int code = kafka_consumer_drain(source->consumer, source->parts[i].handle,
                                        source->slices[i].position, 1, &source->batch, &err);
        INVARIANT(source->batch.count == 0);
        kafka_source_note_end(source, i);
        if (code == 0 && source->batch.condition != KAFKA_EOF)
            code = kafka_source_condition(source, i, &err);
        kafka_batch_release(&source->batch);
        if (code)
            kafka_source_fail(source, &err);
    }
}

static void watch_connection(struct kafka_source *source)
{
    bool connected = kafka_consumer_connected(source->consumer);
    const struct kafka_trouble *trouble = kafka_consumer_trouble(source->consumer);
    if (connected != source->base.connected) {
        source->base.connected = connected;
        if (connected)
            log_line(source->options.log, LOG_INFO, "kafka connected");
        source->hooks.changed(source->hooks.user);
    }
    if (!connected && (trouble || kafka_source_now_ms() - source->created_ms > CONNECT_MS))
        kafka_source_trouble(source, trouble ? trouble->text : "no connection to a broker yet");
    if (connected && source->base.state == SOURCE_READY)
        kafka_source_trouble(source, trouble ? trouble->text : "");
}

void kafka_watch_tick(uv_timer_t *timer)
{
    struct kafka_source *source = timer->data;
    if (source->base.state == SOURCE_FAILED || !source->consumer)
        return;
    watch_connection(source);
    if (source->base.state == SOURCE_READY) {
        watch_stall(source);
        watch_left_out(source);
        source->heads_due = true;
        if (source->base.ops->pending(&source->base) > 0)
            source->hooks.changed(source->hooks.user);
    }
    kafka_start_tick(source);
}
