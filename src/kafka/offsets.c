/* offsets.c: earliest, latest and by-time offsets, and commits for lag tools (admin.h). */
#include <stdlib.h>

#include "kafka/call.h"

struct offsets_call {
    struct kafka_call call;
    struct kafka_offset *items;
    bool *open; /* no answer yet */
    uint32_t count;
    kafka_offsets_done done;
};

static void offsets_destroy(struct offsets_call *asked)
{
    kafka_call_fini(&asked->call);
    free(asked);
}

static bool stopping(const struct offsets_call *asked)
{
    return lane_stopping(asked->call.consumer->lane);
}

static void answer_item(struct offsets_call *asked, uint32_t i, enum kafka_condition condition)
{
    asked->items[i].condition = condition;
    asked->open[i] = false;
}

/* The open items, or the one at `only`. */
static rd_kafka_topic_partition_list_t *open_list(const struct offsets_call *asked, uint32_t first,
                                                  uint32_t end)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)(end - first));
    for (uint32_t i = first; i < end; i++)
        if (asked->open[i])
            rd_kafka_topic_partition_list_add(list, asked->items[i].topic.p,
                                              asked->items[i].partition)
                ->offset = asked->items[i].offset;
    return list;
}

static void take_answers(struct offsets_call *asked, uint32_t first, uint32_t end,
                         const rd_kafka_topic_partition_list_t *list)
{
    int at = 0; /* the list has the open items in their order */
    for (uint32_t i = first; i < end; i++) {
        if (!asked->open[i])
            continue;
        const rd_kafka_topic_partition_t *item = &list->elems[at++];
        asked->items[i].offset = item->offset < 0 ? OFFSET_LATEST : item->offset;
        answer_item(asked, i, kafka_condition_of(item->err));
    }
}

/* One request per leader. Protocol: ListOffsets takes -1 (latest) and -2 (earliest) as times, and
 * librdkafka passes them on unchanged. */
static rd_kafka_resp_err_t ask(struct offsets_call *asked, uint32_t first, uint32_t end)
{
    rd_kafka_topic_partition_list_t *list = open_list(asked, first, end);
    rd_kafka_resp_err_t error = RD_KAFKA_RESP_ERR_NO_ERROR;
    if (list->cnt > 0)
        error = rd_kafka_offsets_for_times(asked->call.consumer->client.rk, list, CALL_TIMEOUT_MS);
    if (!error)
        take_answers(asked, first, end, list);
    rd_kafka_topic_partition_list_destroy(list);
    return error;
}

static void mark_from_metadata(struct offsets_call *asked, const rd_kafka_metadata_topic_t *topic,
                               uint32_t i)
{
    enum kafka_condition condition = KAFKA_UNKNOWN_TOPIC;
    if (topic->err)
        condition = kafka_condition_of(topic->err);
    for (int p = 0; p < topic->partition_cnt; p++)
        if (topic->partitions[p].id == asked->items[i].partition)
            condition = topic->partitions[p].leader >= 0 ? KAFKA_NONE : KAFKA_TRANSIENT;
    if (condition != KAFKA_NONE)
        answer_item(asked, i, condition);
}

/* Answers the items that cannot be asked: no leader, or not there. */
static rd_kafka_resp_err_t sort_out(struct offsets_call *asked)
{
    for (uint32_t i = 0; i < asked->count; i++) {
        struct str topic = asked->items[i].topic;
        bool seen = !asked->open[i];
        for (uint32_t before = 0; before < i && !seen; before++)
            seen = str_eq(asked->items[before].topic, topic);
        if (seen)
            continue;
        const rd_kafka_metadata_t *metadata;
        rd_kafka_resp_err_t error = kafka_call_topic_metadata(&asked->call, topic.p, &metadata);
        if (error || stopping(asked)) {
            if (!error)
                rd_kafka_metadata_destroy(metadata);
            return error ? error : RD_KAFKA_RESP_ERR__DESTROY;
        }
        for (uint32_t j = i; j < asked->count && metadata->topic_cnt == 1; j++)
            if (str_eq(asked->items[j].topic, topic))
                mark_from_metadata(asked, &metadata->topics[0], j);
        rd_kafka_metadata_destroy(metadata);
    }
    return RD_KAFKA_RESP_ERR_NO_ERROR;
}

static void offsets_run(struct lane_job *job)
{
    static const char what[] = "asking for offsets";
    struct offsets_call *asked = CONTAINER_OF(job, struct offsets_call, call.job);
    rd_kafka_resp_err_t error = ask(asked, 0, asked->count);
    if (!error)
        return;
    /* librdkafka gives one error for all when one partition has no leader: leave those out. */
    if (stopping(asked) || (error = sort_out(asked))) {
        kafka_call_fail(&asked->call, error, what);
        return;
    }
    error = ask(asked, 0, asked->count);
    for (uint32_t i = 0; error && i < asked->count; i++) {
        if (!asked->open[i])
            continue;
        if (kafka_call_is_connection_error(error) || stopping(asked)) {
            kafka_call_fail(&asked->call, error, what);
            return;
        }
        rd_kafka_resp_err_t alone = ask(asked, i, i + 1);
        if (alone)
            answer_item(asked, i, kafka_condition_of(alone));
    }
}

static void commit_run(struct lane_job *job)
{
    struct offsets_call *asked = CONTAINER_OF(job, struct offsets_call, call.job);
    rd_kafka_t *rk = asked->call.consumer->client.rk;
    rd_kafka_resp_err_t error = RD_KAFKA_RESP_ERR__TIMED_OUT;
    rd_kafka_topic_partition_list_t *list = open_list(asked, 0, asked->count);
    /* Its own queue: the synchronous call has no time-out. */
    rd_kafka_queue_t *queue = rd_kafka_queue_new(rk);
    rd_kafka_event_t *event = NULL;
    if (!(error = rd_kafka_commit_queue(rk, list, queue, NULL, NULL))) {
        event = rd_kafka_queue_poll(queue, CALL_TIMEOUT_MS);
        error = event ? rd_kafka_event_error(event) : RD_KAFKA_RESP_ERR__TIMED_OUT;
    }
    if (error)
        kafka_call_fail(&asked->call, error, "committing offsets of the group");
    const rd_kafka_topic_partition_list_t *result =
        event ? rd_kafka_event_topic_partition_list(event) : NULL;
    for (uint32_t i = 0; !error && result && i < asked->count && (int)i < result->cnt; i++)
        asked->items[i].condition = kafka_condition_of(result->elems[i].err);
    if (event)
        rd_kafka_event_destroy(event);
    rd_kafka_queue_destroy(queue);
    rd_kafka_topic_partition_list_destroy(list);
}

static void offsets_done(struct lane_job *job, bool cancelled)
{
    struct offsets_call *asked = CONTAINER_OF(job, struct offsets_call, call.job);
    kafka_call_finish(&asked->call, cancelled);
    struct kafka_offsets offsets = {
        .answer = asked->call.answer,
        .items = asked->items,
        .count = asked->count,
    };
    asked->done(asked->call.user, &offsets);
    offsets_destroy(asked);
}

static int submit(struct kafka_consumer *consumer, const struct kafka_offset *items, uint32_t count,
                  void (*run)(struct lane_job *), kafka_offsets_done done, void *user,
                  struct err *err)
{
    REQUIRE(!consumer->closing);
    struct offsets_call *asked = calloc(1, sizeof(*asked));
    if (!asked)
        goto fail;
    kafka_call_init(&asked->call, consumer, user);
    asked->call.job = (struct lane_job){.run = run, .done = offsets_done};
    asked->done = done;
    asked->count = count;
    asked->items = ARENA_ARRAY(&asked->call.arena, struct kafka_offset, count);
    asked->open = ARENA_ARRAY(&asked->call.arena, bool, count);
    if (!asked->items || !asked->open)
        goto fail;
    for (uint32_t i = 0; i < count; i++) {
        asked->items[i] = items[i];
        asked->items[i].condition = KAFKA_NONE;
        asked->items[i].topic = arena_str(&asked->call.arena, items[i].topic);
        asked->open[i] = true;
        if (!asked->items[i].topic.p)
            goto fail;
    }
    lane_submit(consumer->lane, &asked->call.job);
    return 0;
fail:
    if (asked)
        offsets_destroy(asked);
    return err_set(err, ERR_NOMEM, "no memory to ask for offsets");
}

int kafka_admin_offsets(struct kafka_consumer *consumer, const struct kafka_offset *items,
                        uint32_t count, kafka_offsets_done done, void *user, struct err *err)
{
    return submit(consumer, items, count, offsets_run, done, user, err);
}

int kafka_admin_commit(struct kafka_consumer *consumer, const struct kafka_offset *items,
                       uint32_t count, kafka_offsets_done done, void *user, struct err *err)
{
    return submit(consumer, items, count, commit_run, done, user, err);
}
