/* Which partitions there are, where each begins and ends: asked on the client's helper thread, one
 * question at a time. Every tick looks at what is not known yet and asks for that; an answer that
 * is a failure changes nothing, so the next tick asks again. */
#include <stdlib.h>

#include "source/kafka_source.h"

enum {
    UNKNOWN_TOPIC_MS_MAX = 5000, /* a topic may be about to be created */
    OFFSETS_RETRY_MS = 1000,
    ENDS_REFRESH_MS = 1000,
    PARTITIONS_REFRESH_MS = 5000,
    QUEUES_TOO_SMALL =
        2, /* the client is made again for more than this many times its partitions */
};

static void ask_failed(struct kafka_source *source, const struct err *err)
{
    source->asking = false;
    if (err->code == ERR_INVALID || err->code == ERR_UNSUPPORTED)
        kafka_source_fail(source, err);
    else
        kafka_source_trouble(source, err->msg);
}

/* Whether an answer can be used. */
static bool answered(struct kafka_source *source, const struct kafka_answer *answer)
{
    source->asking = false;
    if (answer->code == 0)
        return source->phase != PHASE_CLOSING;
    if (answer->code == ERR_CANCELLED)
        return false;
    struct err err;
    if (answer->condition == KAFKA_FATAL) {
        err_set(&err, ERR_IO, "kafka: %s", answer->text);
        kafka_source_fail(source, &err);
    } else {
        kafka_source_trouble(source, answer->text);
    }
    return false;
}

/* ---- partitions ---- */

static int find(const struct kafka_source *source, struct str topic, int32_t partition)
{
    for (uint32_t i = 0; i < source->base.partition_count; i++) {
        const struct source_partition *known = &source->base.partitions[i];
        if (known->partition == partition && str_eq(known->topic, topic))
            return (int)i;
    }
    return -1;
}

static bool is_assigned(const struct plan_kafka *plan, const struct kafka_partition_info *info)
{
    if (plan->subscription != SUBSCRIBE_ASSIGN)
        return true;
    for (uint32_t i = 0; i < plan->assigned_count; i++) {
        if (plan->assigned[i].partition == info->partition &&
            str_eq(plan->assigned[i].topic, info->topic))
            return true;
    }
    return false;
}

static void place_in_order(struct kafka_source *source, uint32_t added)
{
    const struct source_partition *all = source->base.partitions;
    uint32_t at = added;
    for (; at > 0; at--) {
        const struct source_partition *before = &all[source->order[at - 1]];
        int order = str_cmp(before->topic, all[added].topic);
        if (order < 0 || (order == 0 && before->partition < all[added].partition))
            break;
        source->order[at] = source->order[at - 1];
    }
    source->order[at] = added;
}

static int add_partition(struct kafka_source *source, const struct kafka_partition_info *info)
{
    uint32_t i = source->base.partition_count;
    if (kafka_source_reserve(source, i + 1) != 0)
        return ERR_NOMEM;
    struct str topic = arena_str(&source->names, info->topic);
    if (!topic.p)
        return ERR_NOMEM;
    bool late = source->base.state == SOURCE_READY;
    source->base.partitions[i] =
        (struct source_partition){.topic = topic, .partition = info->partition};
    source->parts[i] = (struct kafka_part){.stage = PART_START, .late = late};
    source->slices[i] = (struct slice_partition){.left_out = true};
    source->progress = true;
    place_in_order(source, i);
    source->base.partition_count++;
    if (late)
        log_printf(source->options.log, LOG_INFO,
                   "new partition %d of topic %.*s: reading it from "
                   "its beginning",
                   info->partition, STR_ARG(topic));
    return 0;
}

/* A topic that was being read is gone: failOnDataLoss decides. */
static void deleted_topic(struct kafka_source *source, struct str topic)
{
    struct err err = {0};
    for (uint32_t i = 0; i < source->base.partition_count && !err.code; i++) {
        if (!str_eq(source->base.partitions[i].topic, topic) ||
            source->parts[i].stage != PART_READ || source->parts[i].gone)
            continue;
        source->parts[i].gone = true;
        source->slices[i].left_out = true;
        if (kafka_source_lose_data(source, i, "the topic was deleted", &err))
            kafka_source_fail(source, &err);
        source->parts[i].stage = PART_READ;
    }
}

static void unknown_topic(struct kafka_source *source, const struct kafka_topic_trouble *trouble)
{
    struct err err;
    int64_t now_ms = kafka_source_now_ms();
    if (source->unknown_since_ms == 0)
        source->unknown_since_ms = now_ms;
    err_set(&err, ERR_NOT_FOUND, "topic \"%.*s\" does not exist on %s (waited %d s for it)",
            STR_ARG(trouble->topic), "the brokers of kafka.bootstrap.servers",
            UNKNOWN_TOPIC_MS_MAX / 1000);
    if (now_ms - source->unknown_since_ms >= UNKNOWN_TOPIC_MS_MAX)
        kafka_source_fail(source, &err);
}

/* True when nothing stands against using the answer. */
static bool topics_are_there(struct kafka_source *source, const struct kafka_metadata *metadata)
{
    bool reading = source->base.state == SOURCE_READY;
    for (uint32_t i = 0; i < metadata->trouble_count; i++) {
        const struct kafka_topic_trouble *trouble = &metadata->troubles[i];
        bool unknown = trouble->condition == KAFKA_UNKNOWN_TOPIC;
        if (reading && unknown)
            deleted_topic(source, trouble->topic);
        if (reading)
            continue; /* the other topics are read on */
        if (unknown)
            unknown_topic(source, trouble);
        kafka_source_trouble(source, trouble->text);
        return false;
    }
    for (uint32_t i = 0; i < metadata->partition_count && !reading; i++) {
        const struct kafka_partition_info *info = &metadata->partitions[i];
        if (info->has_leader || !is_assigned(source->plan, info))
            continue;
        char text[300];
        snprintf(text, sizeof text, "topic %.*s, partition %d has no leader", STR_ARG(info->topic),
                 info->partition);
        kafka_source_trouble(source, text);
        return false;
    }
    source->unknown_since_ms = 0;
    return true;
}

static bool assigned_are_there(struct kafka_source *source)
{
    for (uint32_t i = 0; i < source->plan->assigned_count; i++) {
        const struct plan_partition_offset *wanted = &source->plan->assigned[i];
        if (source->plan->subscription != SUBSCRIBE_ASSIGN ||
            find(source, wanted->topic, wanted->partition) >= 0)
            continue;
        struct err err;
        err_set(&err, ERR_NOT_FOUND,
                "assign names partition %d of topic \"%.*s\", which does not "
                "exist",
                wanted->partition, STR_ARG(wanted->topic));
        kafka_source_fail(source, &err);
        return false;
    }
    return true;
}

static bool is_subscribed(const struct kafka_source *source, struct str topic)
{
    for (uint32_t i = 0; i < source->base.partition_count; i++) {
        if (str_eq(source->base.partitions[i].topic, topic))
            return true;
    }
    return false;
}

/* Partitions that an earlier run read and that are not there now: of topics that are not read any
 * more they are forgotten; of others data was lost (the topic was made anew). */
static bool resumed_are_there(struct kafka_source *source)
{
    for (uint32_t i = 0; i < source->options.resume_count; i++) {
        const struct plan_partition_offset *known = &source->options.resume[i];
        struct err err;
        if (find(source, known->topic, known->partition) >= 0)
            continue;
        if (!is_subscribed(source, known->topic)) {
            log_printf(
                source->options.log, LOG_WARN,
                "topic %.*s, partition %d is not read any more: where it was read to, offset "
                "%lld, is forgotten",
                STR_ARG(known->topic), known->partition, (long long)known->offset);
            continue;
        }
        err_set(
            &err, ERR_DATA_LOSS,
            "partition %d of topic %.*s, which was read up to offset %lld, is gone: the topic was "
            "probably made anew; with failOnDataLoss false the stream goes on without it",
            known->partition, STR_ARG(known->topic), (long long)known->offset);
        if (source->plan->fail_on_data_loss) {
            kafka_source_fail(source, &err);
            return false;
        }
        log_line(source->options.log, LOG_WARN, err.msg);
    }
    return true;
}

static void on_resized(void *user)
{
    struct kafka_source *source = user;
    struct err err = {0};
    source->consumer = NULL;
    if (source->phase == PHASE_CLOSING) {
        source->base.ops->close(&source->base, source->closed, source->closed_user);
        return;
    }
    source->phase = PHASE_OFFSETS;
    if (kafka_source_connect(source, source->base.partition_count, &err) != 0)
        kafka_source_fail(source, &err);
}

/* The bound on queued bytes is split over the partitions when the client is made. */
static void use_partitions(struct kafka_source *source)
{
    source->phase = PHASE_OFFSETS;
    if (source->base.partition_count <= QUEUES_TOO_SMALL * source->sized_for)
        return;
    struct kafka_consumer *small = source->consumer;
    source->phase = PHASE_RESIZING;
    source->consumer = NULL;
    kafka_consumer_close(small, on_resized, source);
}

static void on_partitions(void *user, const struct kafka_metadata *metadata)
{
    struct kafka_source *source = user;
    if (!answered(source, &metadata->answer) || !topics_are_there(source, metadata))
        return;
    struct err err = {0};
    for (uint32_t i = 0; i < metadata->partition_count && !err.code; i++) {
        const struct kafka_partition_info *info = &metadata->partitions[i];
        if (is_assigned(source->plan, info) && find(source, info->topic, info->partition) < 0 &&
            add_partition(source, info) != 0)
            err_set(&err, ERR_NOMEM, "out of memory for %u partitions", metadata->partition_count);
    }
    if (err.code)
        kafka_source_fail(source, &err);
    else if (source->phase == PHASE_PARTITIONS && assigned_are_there(source) &&
             resumed_are_there(source))
        use_partitions(source);
    kafka_start_tick(source);
}

static void ask_partitions(struct kafka_source *source)
{
    const struct plan_kafka *plan = source->plan;
    struct err err = {0};
    struct str *topics = plan->topics;
    uint32_t count = plan->topic_count;
    source->asking = true;
    source->partitions_asked_ms = kafka_source_now_ms();
    if (plan->subscription == SUBSCRIBE_PATTERN) {
        if (kafka_admin_pattern(source->consumer, plan->topics[0], on_partitions, source, &err) !=
            0)
            ask_failed(source, &err);
        return;
    }
    if (plan->subscription == SUBSCRIBE_ASSIGN) {
        count = 0;
        topics = calloc(plan->assigned_count, sizeof *topics);
        for (uint32_t i = 0; topics && i < plan->assigned_count; i++) {
            if (i == 0 || !str_eq(plan->assigned[i].topic, topics[count - 1]))
                topics[count++] = plan->assigned[i].topic;
        }
    }
    if (kafka_admin_topics(source->consumer, topics, count, on_partitions, source, &err) != 0)
        ask_failed(source, &err);
    if (topics != plan->topics)
        free(topics);
}

/* ---- where partitions begin ---- */

static const struct plan_partition_offset *find_offset(const struct plan_partition_offset *offsets,
                                                       uint32_t count,
                                                       const struct source_partition *partition)
{
    for (uint32_t k = 0; k < count; k++) {
        const struct plan_partition_offset *given = &offsets[k];
        if (given->partition == partition->partition && str_eq(given->topic, partition->topic))
            return given;
    }
    return NULL;
}

/* What to ask for a partition's start: an offset that needs no question, OFFSET_LATEST (its end
 * will be asked anyway), OFFSET_EARLIEST, or a time. Fails the source when startingOffsets leaves
 * it out. */
static bool start_wish(struct kafka_source *source, uint32_t i, int64_t *wish, bool *is_time)
{
    const struct plan_kafka *plan = source->plan;
    const struct source_partition *partition = &source->base.partitions[i];
    *is_time = false;
    if (source->options.resumed && source->parts[i].stage != PART_LOST) {
        const struct plan_partition_offset *known =
            find_offset(source->options.resume, source->options.resume_count, partition);
        *wish = known ? known->offset : OFFSET_EARLIEST;
    } else if (source->parts[i].late || source->parts[i].stage == PART_LOST ||
               plan->starting == START_EARLIEST) {
        *wish = OFFSET_EARLIEST;
    } else if (plan->starting == START_LATEST) {
        *wish = OFFSET_LATEST;
    } else if (plan->starting == START_TIMESTAMP) {
        *wish = plan->starting_timestamp_ms;
        *is_time = true;
    } else {
        const struct plan_partition_offset *given =
            find_offset(plan->starting_offsets, plan->starting_offset_count, partition);
        struct err err;
        if (!given) {
            err_set(&err, ERR_INVALID,
                    "startingOffsets must name every partition (-1 is latest, -2 "
                    "earliest): partition %d of topic %.*s is missing",
                    partition->partition, STR_ARG(partition->topic));
            kafka_source_fail(source, &err);
            return false;
        }
        *wish = given->offset;
    }
    return true;
}

static void set_start(struct kafka_source *source, uint32_t i, int64_t offset)
{
    source->progress = true;
    source->slices[i].position = offset; /* OFFSET_LATEST: until the end is known */
    source->parts[i].stage = PART_END;
}

/* A position that is gone: on at the first offset that is there, or at the end if it lies behind.
 */
static void recover(struct kafka_source *source, uint32_t i, int64_t earliest)
{
    source->progress = true;
    if (source->slices[i].position < earliest)
        source->slices[i].position = earliest;
    source->parts[i].stage = PART_END;
}

static void on_starts(void *user, const struct kafka_offsets *offsets)
{
    struct kafka_source *source = user;
    if (!answered(source, &offsets->answer))
        return;
    bool by_time = source->plan->starting == START_TIMESTAMP && !source->options.resumed;
    for (uint32_t k = 0; k < offsets->count; k++) {
        const struct kafka_offset *item = &offsets->items[k];
        int i = find(source, item->topic, item->partition);
        if (i < 0)
            continue;
        struct kafka_part *part = &source->parts[i];
        if (item->condition != KAFKA_NONE) {
            kafka_source_trouble(source, "a partition's offsets cannot be had now");
        } else if (part->stage == PART_LOST) {
            recover(source, (uint32_t)i, item->offset);
        } else if (item->offset == OFFSET_LATEST && by_time && !part->late &&
                   !source->plan->starting_timestamp_or_latest) {
            struct err err;
            err_set(&err, ERR_INVALID,
                    "no record at or after startingTimestamp %lld in topic %.*s, "
                    "partition %d; startingOffsetsByTimestampStrategy \"latest\" would begin at "
                    "its end",
                    (long long)source->plan->starting_timestamp_ms, STR_ARG(item->topic),
                    item->partition);
            kafka_source_fail(source, &err);
            return;
        } else {
            set_start(source, (uint32_t)i, item->offset);
        }
    }
    kafka_start_tick(source);
}

/* ---- where they end ---- */

static void begin_reading(struct kafka_source *source, uint32_t i)
{
    struct kafka_part *part = &source->parts[i];
    struct slice_partition *slice = &source->slices[i];
    struct source_partition *shown = &source->base.partitions[i];
    struct err err = {0};
    int code;
    if (slice->position > part->known_end) {
        /* After data loss this is known already; at the start it is found here. */
        if (!part->assigned &&
            kafka_source_lose_data(source, i, "nothing is there any more", &err) != 0) {
            kafka_source_fail(source, &err);
            return;
        }
        slice->position = part->known_end;
    }
    if (slice->position == OFFSET_LATEST)
        slice->position = part->known_end;
    if (part->assigned)
        code = kafka_consumer_seek(source->consumer, part->handle, slice->position, &err);
    else
        code = kafka_consumer_assign(source->consumer, shown->topic, shown->partition,
                                     slice->position, &part->handle, &err);
    if (code) {
        kafka_source_fail(source, &err);
        return;
    }
    if (!part->assigned)
        shown->start = slice->position;
    if (!part->assigned)
        part->limit = part->late ? 0 : part->known_end;
    else if (part->limit > part->known_end)
        part->limit = part->known_end;
    shown->position = slice->position;
    shown->end = part->known_end;
    part->assigned = true;
    part->eof = 0;
    part->stage = PART_READ;
    source->progress = true;
    shown->resolved = true;
    slice->target = slice->position;
    slice->left_out = false;
    slice->in_sweep = false;
}

static void on_ends(void *user, const struct kafka_offsets *offsets)
{
    struct kafka_source *source = user;
    if (!answered(source, &offsets->answer))
        return;
    for (uint32_t k = 0; k < offsets->count; k++) {
        const struct kafka_offset *item = &offsets->items[k];
        int i = find(source, item->topic, item->partition);
        if (i < 0 || item->condition != KAFKA_NONE)
            continue;
        if (item->offset > source->parts[i].known_end || source->parts[i].stage == PART_END)
            source->parts[i].known_end = item->offset;
        if (source->parts[i].stage == PART_END)
            begin_reading(source, (uint32_t)i);
    }
    kafka_start_tick(source);
    if (source->base.state == SOURCE_READY)
        source->hooks.changed(source->hooks.user);
}

/* ---- what to ask next ---- */

/* Asks for the partitions in this stage (or for all ends); false when there are none. */
static bool ask_offsets(struct kafka_source *source, enum kafka_part_stage stage,
                        kafka_offsets_done done)
{
    uint32_t n = source->base.partition_count, count = 0;
    struct kafka_offset *items = calloc(n + 1, sizeof *items);
    struct err err = {0};
    for (uint32_t i = 0; items && i < n; i++) {
        int64_t wish = OFFSET_LATEST;
        bool is_time = false;
        if (source->parts[i].stage != stage)
            continue;
        if (done == on_starts && !start_wish(source, i, &wish, &is_time))
            break;
        if (done == on_starts && !is_time && wish != OFFSET_EARLIEST) {
            set_start(source, i, wish);
            continue;
        }
        items[count++] = (struct kafka_offset){.topic = source->base.partitions[i].topic,
                                               .partition = source->base.partitions[i].partition,
                                               .offset = wish};
    }
    if (count > 0 && source->base.state != SOURCE_FAILED) {
        source->asking = true;
        if (kafka_admin_offsets(source->consumer, items, count, done, source, &err) != 0)
            ask_failed(source, &err);
    }
    free(items);
    return count > 0;
}

static void become_ready(struct kafka_source *source)
{
    source->phase = PHASE_RUNNING;
    source->base.state = SOURCE_READY;
    source->base.connected = true;
    kafka_source_trouble(source, "");
    log_line(source->options.log, LOG_INFO, "kafka source assigned",
             LOG_I("partitions", source->base.partition_count));
    if (source->base.partition_count == 0)
        log_line(source->options.log, LOG_WARN, "no topic matches subscribePattern yet");
    source->hooks.changed(source->hooks.user);
}

static void refresh(struct kafka_source *source)
{
    int64_t now_ms = kafka_source_now_ms();
    bool fixed = source->options.available_now || source->plan->subscription == SUBSCRIBE_ASSIGN;
    if (!fixed && now_ms - source->partitions_asked_ms >= PARTITIONS_REFRESH_MS) {
        ask_partitions(source);
        return;
    }
    /* The client's own watermark is fresh where it fetches, and stale where a partition is held. */
    bool behind = slice_pending(source->slices, source->base.partition_count) > 0;
    if (behind && now_ms - source->ends_asked_ms >= ENDS_REFRESH_MS) {
        source->ends_asked_ms = now_ms;
        ask_offsets(source, PART_READ, on_ends);
    }
}

static bool unresolved(const struct kafka_source *source)
{
    for (uint32_t i = 0; i < source->base.partition_count; i++) {
        if (source->parts[i].stage != PART_READ)
            return true;
    }
    return false;
}

/* Partitions whose offsets cannot be had are asked for once a second; the others are not kept from
 * being refreshed meanwhile. */
static bool ask_unresolved(struct kafka_source *source)
{
    int64_t now_ms = kafka_source_now_ms();
    if (!source->progress && now_ms - source->offsets_asked_ms < OFFSETS_RETRY_MS)
        return false;
    source->progress = false;
    source->offsets_asked_ms = now_ms;
    return ask_offsets(source, PART_START, on_starts) ||
           ask_offsets(source, PART_LOST, on_starts) || ask_offsets(source, PART_END, on_ends) ||
           source->base.state == SOURCE_FAILED;
}

void kafka_start_tick(struct kafka_source *source)
{
    if (source->asking || source->base.state == SOURCE_FAILED || !source->consumer)
        return;
    if (source->phase == PHASE_PARTITIONS) {
        ask_partitions(source);
        return;
    }
    if (source->phase != PHASE_OFFSETS && source->phase != PHASE_RUNNING)
        return;
    if (unresolved(source) && ask_unresolved(source))
        return;
    if (source->phase == PHASE_RUNNING)
        refresh(source);
    else if (!unresolved(source) && source->base.state != SOURCE_FAILED)
        become_ready(source);
}
