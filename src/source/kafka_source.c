#include "source/kafka_source.h"

#include <stdio.h>
#include <stdlib.h>

#include "os/clock.h"
#include "os/failpoint.h"

enum {
    TICK_MS = 200,
    TROUBLE_LOG_MS = 10000,   /* between two lines about one trouble */
    TROUBLE_AGAIN_MS = 2000,  /* and when it had gone in between */
    PARTITIONS_EXPECTED = 4,  /* before the topics are known */
    DRAIN_RECORDS_MAX = 4096, /* of one call to the client */
};

static struct kafka_source *of(struct source *base)
{
    return CONTAINER_OF(base, struct kafka_source, base);
}

int64_t kafka_source_now_ms(void)
{
    return clock_monotonic_us() / 1000;
}

void kafka_source_fail(struct kafka_source *source, const struct err *err)
{
    if (source->base.state == SOURCE_FAILED)
        return;
    source->base.state = SOURCE_FAILED;
    source->base.err = *err;
    source->hooks.changed(source->hooks.user);
}

void kafka_source_trouble(struct kafka_source *source, const char *text)
{
    char *shown = source->base.trouble;
    bool same = strcmp(shown, text) == 0;
    int64_t now_ms = kafka_source_now_ms();
    int64_t pause_ms = source->trouble_logged ? TROUBLE_LOG_MS : TROUBLE_AGAIN_MS;
    bool due = source->trouble_logged_ms == 0 || now_ms - source->trouble_logged_ms >= pause_ms;
    snprintf(shown, sizeof source->base.trouble, "%s", text);
    /* The words change with every attempt, and a trouble can come and go: seldom is enough. */
    if (*text && due && !(same && source->trouble_logged)) {
        source->trouble_logged = true;
        source->trouble_logged_ms = now_ms;
        log_line(source->options.log, LOG_WARN, "kafka source waits, retrying",
                 LOG_S("reason", text));
    } else if (!*text && source->trouble_logged) {
        source->trouble_logged = false;
        log_line(source->options.log, LOG_INFO, "kafka source goes on");
    }
}

/* ---- partitions ---- */

static bool grow(void *array, size_t size, uint32_t from, uint32_t to)
{
    void **place = array;
    char *p = realloc(*place, size * to);
    if (!p)
        return false;
    memset(p + size * from, 0, size * (to - from));
    *place = p;
    return true;
}

int kafka_source_reserve(struct kafka_source *source, uint32_t n)
{
    if (n <= source->capacity)
        return 0;
    uint32_t from = source->capacity, to = n < 16 ? 16 : n * 2;
    if (!grow(&source->base.partitions, sizeof *source->base.partitions, from, to) ||
        !grow(&source->parts, sizeof *source->parts, from, to) ||
        !grow(&source->slices, sizeof *source->slices, from, to) ||
        !grow(&source->order, sizeof *source->order, from, to) ||
        !grow(&source->commit_offsets, sizeof *source->commit_offsets, from, to))
        return ERR_NOMEM;
    source->capacity = to;
    return 0;
}

static int64_t readable_end(const struct kafka_source *source, uint32_t i)
{
    const struct kafka_part *part = &source->parts[i];
    struct kafka_partition_state state;
    int64_t end = part->known_end;
    kafka_consumer_partition_state(source->consumer, part->handle, &state);
    if (state.high > end)
        end = state.high;
    source->base.partitions[i].end = end;
    if (source->limited && end > part->limit)
        end = part->limit;
    return end;
}

void kafka_source_refresh(struct kafka_source *source)
{
    for (uint32_t i = 0; i < source->base.partition_count; i++) {
        struct slice_partition *slice = &source->slices[i];
        struct source_partition *shown = &source->base.partitions[i];
        bool read = source->parts[i].stage == PART_READ;
        if (read && !source->slice_open && slice->position < source->parts[i].eof)
            slice->position = source->parts[i].eof;
        int64_t end = read ? readable_end(source, i) : slice->position;
        slice->end = end > slice->position ? end : slice->position;
        if (!read)
            slice->left_out = true;
        if (shown->end < slice->position)
            shown->end = slice->position;
        shown->position = slice->position;
        shown->left_out = slice->left_out;
        shown->held = source->slice_open && slice->position >= slice->target;
    }
}

static int64_t pending(struct source *base)
{
    struct kafka_source *source = of(base);
    kafka_watch_heads(source);
    kafka_source_refresh(source);
    return slice_pending(source->slices, source->base.partition_count);
}

static bool limit_reached(struct source *base)
{
    struct kafka_source *source = of(base);
    for (uint32_t i = 0; i < source->base.partition_count; i++) {
        const struct kafka_part *part = &source->parts[i];
        /* One that cannot deliver does not hold up batch 0; availableNow waits for it. */
        bool waits = !source->slices[i].left_out || source->options.available_now;
        if (!part->late && waits && source->slices[i].position < part->limit)
            return false;
    }
    return !source->slice_open;
}

static void limit_lift(struct source *base)
{
    of(base)->limited = false;
}

/* ---- slices ---- */

static bool slice_open(struct source *base, int64_t offsets_max, int64_t bytes_max)
{
    struct kafka_source *source = of(base);
    REQUIRE(!source->slice_open);
    kafka_source_refresh(source);
    if (slice_plan(&source->planner, source->slices, source->base.partition_count, offsets_max) ==
        0)
        return false;
    source->slice_open = true;
    source->slice_at = 0;
    source->slice_offsets = source->slice_records = source->slice_bytes = 0;
    source->slice_bytes_max = bytes_max;
    source->turn_of = UINT32_MAX;
    return true;
}

static void move_to(struct kafka_source *source, uint32_t i, int64_t position)
{
    source->slice_offsets += position - source->slices[i].position;
    source->slices[i].position = position;
}

void kafka_source_end_target(struct kafka_source *source, uint32_t i)
{
    struct slice_partition *slice = &source->slices[i];
    slice->target = slice->position;
}

int kafka_source_lose_data(struct kafka_source *source, uint32_t i, const char *what,
                           struct err *err)
{
    struct source_partition *partition = &source->base.partitions[i];
    long long offset = (long long)source->slices[i].position;
    if (source->plan->fail_on_data_loss)
        return err_set(err, ERR_DATA_LOSS,
                       "topic %.*s, partition %d: %s at offset %lld; some data may have been lost. "
                       "Set failOnDataLoss to false to go on with what is there",
                       STR_ARG(partition->topic), partition->partition, what, offset);
    log_printf(
        source->options.log, LOG_WARN,
        "topic %.*s, partition %d: %s at offset %lld; some data may have been lost, going on "
        "with what is there (failOnDataLoss is false)",
        STR_ARG(partition->topic), partition->partition, what, offset);
    source->parts[i].stage = PART_LOST;
    kafka_source_end_target(source, i);
    return 0;
}

int kafka_source_condition(struct kafka_source *source, uint32_t i, struct err *err)
{
    const struct kafka_batch *batch = &source->batch;
    const struct source_partition *partition = &source->base.partitions[i];
    switch (batch->condition) {
    case KAFKA_NONE:
        return 0;
    case KAFKA_EOF:
        /* The end as it was when the client looked; the target says that more has come since. One
         * that lies at or behind the target (markers, compaction) has moved the position there. */
        return 0;
    case KAFKA_OUT_OF_RANGE:
        return kafka_source_lose_data(source, i, "the offset is out of range", err);
    case KAFKA_UNKNOWN_TOPIC:
        return kafka_source_lose_data(source, i, "the partition is gone", err);
    case KAFKA_TRANSIENT:
    case KAFKA_DENIED:
        kafka_source_trouble(source, batch->text);
        return 0;
    case KAFKA_CORRUPT:
    case KAFKA_FATAL:
        break;
    }
    return err_set(err, ERR_IO, "topic %.*s, partition %d, offset %lld: %s",
                   STR_ARG(partition->topic), partition->partition,
                   (long long)source->slices[i].position, batch->text);
}

static int hand_on(struct kafka_source *source, uint32_t i, struct err *err)
{
    const struct kafka_batch *batch = &source->batch;
    struct source_partition *partition = &source->base.partitions[i];
    if (batch->count == 0)
        return 0;
    struct record_block block = {.topic = partition->topic,
                                 .partition = partition->partition,
                                 .records = batch->records,
                                 .count = batch->count};
    if (source->hooks.headers) {
        arena_reset(&source->headers);
        if (kafka_batch_headers(batch, &source->headers, &block) != 0)
            return err_set(err, ERR_NOMEM, "out of memory for headers of messages");
    }
    FAILPOINT("source.fetched");
    partition->records += batch->count;
    partition->bytes += batch->bytes;
    source->slice_records += batch->count;
    source->slice_bytes += (int64_t)batch->bytes;
    source->parts[i].progress_ms = kafka_source_now_ms();
    if (source->slices[i].left_out) {
        source->slices[i].left_out = false;
        log_printf(source->options.log, LOG_INFO, "topic %.*s, partition %d delivers again",
                   STR_ARG(partition->topic), partition->partition);
    }
    return source->hooks.records(source->hooks.user, &block, err);
}

/* The client says once where a partition ends at the moment, and that may lie behind the last
 * record. */
void kafka_source_note_end(struct kafka_source *source, uint32_t i)
{
    struct kafka_part *part = &source->parts[i];
    if (source->batch.condition != KAFKA_EOF)
        return;
    part->eof = source->batch.next_offset;
    part->known_end = part->eof > part->known_end ? part->eof : part->known_end;
}

/* One call to the client. *waits: nothing is there now; the client will wake us. */
static int drain_partition(struct kafka_source *source, uint32_t i, uint32_t records_max,
                           bool *waits, struct err *err)
{
    struct kafka_batch *batch = &source->batch;
    struct slice_partition *slice = &source->slices[i];
    int code = kafka_consumer_drain(source->consumer, source->parts[i].handle, slice->target,
                                    records_max, batch, err);
    if (code == 0)
        code = hand_on(source, i, err);
    if (code == 0) {
        bool reached = batch->at_target || batch->next_offset >= slice->target;
        move_to(source, i, reached ? slice->target : batch->next_offset);
        kafka_source_note_end(source, i);
        code = kafka_source_condition(source, i, err);
    }
    *waits = batch->count == 0 && batch->condition == KAFKA_NONE && !batch->more;
    kafka_batch_release(batch);
    return code;
}

/* Records to take at once: no more than fit the slice's bytes, by the mean size so far. */
static uint32_t records_that_fit(const struct kafka_source *source, uint32_t i, uint32_t max)
{
    enum { FIRST_RECORDS = 64 }; /* of a partition whose messages have no known size */
    const struct source_partition *partition = &source->base.partitions[i];
    if (partition->records == 0)
        return max < FIRST_RECORDS ? max : FIRST_RECORDS;
    int64_t mean = (int64_t)(partition->bytes / partition->records) + 1;
    int64_t fit = (source->slice_bytes_max - source->slice_bytes) / mean;
    return fit < 1 ? 1 : fit < (int64_t)max ? (uint32_t)fit : max;
}

/* Messages larger than those before fill the slice's bytes before its offsets: it ends here. */
static void end_full_slice(struct kafka_source *source)
{
    if (source->slice_bytes < source->slice_bytes_max)
        return;
    for (uint32_t i = 0; i < source->base.partition_count; i++)
        kafka_source_end_target(source, i);
}

static int drain(struct source *base, uint32_t records_max, struct source_progress *progress,
                 struct err *err)
{
    struct kafka_source *source = of(base);
    *progress = (struct source_progress){0};
    REQUIRE(source->slice_open);
    bool waits = false;
    int64_t stop_at = source->slice_records + records_max;
    while (source->slice_at < source->base.partition_count && !waits && !progress->more) {
        uint32_t i = source->order[source->slice_at];
        if (source->slices[i].position >= source->slices[i].target) {
            source->slice_at++;
            continue;
        }
        if (source->turn_of != i) {
            source->turn_of = i;
            source->parts[i].progress_ms = kafka_source_now_ms();
        }
        int64_t room = stop_at - source->slice_records;
        uint32_t max = room < DRAIN_RECORDS_MAX ? (uint32_t)room : DRAIN_RECORDS_MAX;
        int code = drain_partition(source, i, records_that_fit(source, i, max), &waits, err);
        if (code)
            return code;
        end_full_slice(source);
        progress->more = source->slice_records >= stop_at;
    }
    if (source->slice_at == source->base.partition_count) {
        source->slice_open = false;
        source->heads_due = true;
        *progress = (struct source_progress){.slice_closed = true,
                                             .offsets = source->slice_offsets,
                                             .records = source->slice_records};
        kafka_source_refresh(source);
    }
    return 0;
}

/* ---- the client ---- */

static void on_wake(void *user)
{
    struct kafka_source *source = user;
    source->heads_due = true;
    if (source->base.state == SOURCE_READY)
        source->hooks.changed(source->hooks.user);
}

static void on_client_log(void *user, int level, const char *text)
{
    struct kafka_source *source = user;
    /* What the client says of lost connections is reported once, as trouble. */
    enum log_level mapped = level <= 2 ? LOG_WARN : LOG_DEBUG;
    log_line(source->options.log, mapped, "kafka client", LOG_S("text", text));
}

/* ---- life ---- */

int kafka_source_connect(struct kafka_source *source, uint32_t partitions, struct err *err)
{
    char group[300];
    snprintf(group, sizeof group, "%.*s", STR_ARG(source->options.plan->name));
    struct kafka_consumer_options options = {.client = source->plan->client,
                                             .client_count = source->plan->client_count,
                                             .group = group,
                                             .queue_bytes_max = source->options.queue_bytes_max,
                                             .partitions_expected = partitions,
                                             .log = on_client_log,
                                             .wake = on_wake,
                                             .user = source};
    source->sized_for = partitions;
    return kafka_consumer_create(&source->consumer, source->loop, &options, err);
}

static void on_committed(void *user, const struct kafka_offsets *offsets);

static void send_commit(struct kafka_source *source)
{
    uint32_t n = source->base.partition_count;
    if (!source->commit_wanted || source->commit_running || n == 0)
        return;
    source->commit_wanted = false;
    struct kafka_offset *items = calloc(n, sizeof *items);
    struct err err = {0};
    uint32_t count = 0;
    for (uint32_t i = 0; items && i < n; i++) {
        if (source->commit_offsets[i] >= 0)
            items[count++] =
                (struct kafka_offset){.topic = source->base.partitions[i].topic,
                                      .partition = source->base.partitions[i].partition,
                                      .offset = source->commit_offsets[i]};
    }
    FAILPOINT("source.commit");
    if (count > 0)
        source->commit_running =
            kafka_admin_commit(source->consumer, items, count, on_committed, source, &err) == 0;
    free(items);
}

static void finish_close(void *user)
{
    struct kafka_source *source = user;
    void (*closed)(void *) = source->closed;
    void *closed_user = source->closed_user;
    kafka_batch_fini(&source->batch);
    arena_fini(&source->names);
    arena_fini(&source->headers);
    free(source->base.partitions);
    free(source->parts);
    free(source->slices);
    free(source->order);
    free(source->commit_offsets);
    free(source);
    closed(closed_user);
}

static void on_timer_closed(uv_handle_t *handle)
{
    struct kafka_source *source = handle->data;
    if (source->consumer)
        kafka_consumer_close(source->consumer, finish_close, source);
    else
        finish_close(source);
}

static void close_when_idle(struct kafka_source *source)
{
    if (source->phase == PHASE_CLOSING && !source->commit_running &&
        !uv_is_closing((uv_handle_t *)&source->timer))
        uv_close((uv_handle_t *)&source->timer, on_timer_closed);
}

static void on_committed(void *user, const struct kafka_offsets *offsets)
{
    struct kafka_source *source = user;
    source->commit_running = false;
    FAILPOINT("source.committed");
    if (offsets->answer.code && offsets->answer.code != ERR_CANCELLED)
        log_line(source->options.log, LOG_WARN,
                 "committing the group's offsets failed; only lag tools miss them",
                 LOG_S("reason", offsets->answer.text));
    else
        send_commit(source);
    close_when_idle(source);
}

static void committed(struct source *base, const int64_t *offsets, uint32_t count)
{
    struct kafka_source *source = of(base);
    for (uint32_t i = 0; i < source->base.partition_count; i++)
        source->commit_offsets[i] = i < count ? offsets[i] : -1;
    source->commit_wanted = true;
    send_commit(source);
}

static size_t queued_bytes(struct source *base)
{
    struct kafka_source *source = of(base);
    return source->consumer ? kafka_consumer_queued_bytes(source->consumer) : 0;
}

static void close_source(struct source *base, void (*closed)(void *user), void *user)
{
    struct kafka_source *source = of(base);
    bool resizing = source->phase == PHASE_RESIZING;
    source->closed = closed;
    source->closed_user = user;
    source->phase = PHASE_CLOSING;
    if (!resizing) /* else the end of the resizing closes */
        close_when_idle(source);
}

static const struct source_ops kafka_source_ops = {
    .pending = pending,
    .limit_reached = limit_reached,
    .limit_lift = limit_lift,
    .slice_open = slice_open,
    .drain = drain,
    .committed = committed,
    .queued_bytes = queued_bytes,
    .close = close_source,
};

static void describe(struct kafka_source *source)
{
    const struct plan_kafka *plan = source->plan;
    struct buf text = {0};
    if (plan->subscription == SUBSCRIBE_ASSIGN) {
        buf_append_str(&text, STR("KafkaV2[Assign["));
        for (uint32_t i = 0; i < plan->assigned_count; i++)
            buf_printf(&text, "%s%.*s-%d", i ? ", " : "", STR_ARG(plan->assigned[i].topic),
                       plan->assigned[i].partition);
    } else {
        buf_printf(&text, "KafkaV2[%s[",
                   plan->subscription == SUBSCRIBE_PATTERN ? "SubscribePattern" : "Subscribe");
        for (uint32_t i = 0; i < plan->topic_count; i++)
            buf_printf(&text, "%s%.*s", i ? ", " : "", STR_ARG(plan->topics[i]));
    }
    buf_append_str(&text, STR("]]"));
    snprintf(source->base.description, sizeof source->base.description, "%s", buf_cstr(&text));
    buf_fini(&text);
}

int kafka_source_create(struct source **out, uv_loop_t *loop,
                        const struct kafka_source_options *options,
                        const struct source_hooks *hooks, struct err *err)
{
    struct kafka_source *source = calloc(1, sizeof *source);
    if (!source)
        return err_set(err, ERR_NOMEM, "out of memory for the source");
    source->base.ops = &kafka_source_ops;
    source->loop = loop;
    source->options = *options;
    source->plan = &options->plan->kafka;
    source->hooks = *hooks;
    source->limited = true;
    source->created_ms = kafka_source_now_ms();
    describe(source);
    int code = kafka_batch_init(&source->batch, DRAIN_RECORDS_MAX, err);
    if (code == 0)
        code = kafka_source_connect(source, PARTITIONS_EXPECTED, err);
    if (code) {
        kafka_batch_fini(&source->batch);
        free(source);
        return code;
    }
    uv_timer_init(loop, &source->timer);
    source->timer.data = source;
    uv_timer_start(&source->timer, kafka_watch_tick, 0, TICK_MS);
    *out = &source->base;
    return 0;
}
