/* partition.c: assigning partitions to a consumer and draining their queues. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kafka/consumer_internal.h"
#include "vec/vec.h"

/* A queued message of n bytes holds about n + QUEUED_OVERHEAD bytes of memory in librdkafka 2.0. */
enum { QUEUED_OVERHEAD = 330, TYPICAL_MESSAGE = 150 };

/* --- assignment --- */

static struct kafka_partition *add_slot(struct kafka_consumer *consumer, struct str topic,
                                        int32_t number)
{
    if (consumer->partition_count == consumer->partition_capacity) {
        uint32_t capacity = consumer->partition_capacity ? consumer->partition_capacity * 2 : 8;
        struct kafka_partition *grown = realloc(consumer->partitions, capacity * sizeof(*grown));
        if (!grown)
            return NULL;
        consumer->partitions = grown;
        consumer->partition_capacity = capacity;
    }
    struct kafka_partition *partition = &consumer->partitions[consumer->partition_count];
    *partition = (struct kafka_partition){.partition = number};
    partition->topic = strndup(topic.p, topic.n);
    if (!partition->topic)
        return NULL;
    consumer->partition_count++;
    return partition;
}

/* Assigns from an offset, or with offset -1 takes the assignment back. */
static int change_assignment(struct kafka_consumer *consumer, struct kafka_partition *partition,
                             int64_t offset, struct err *err)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_t *item =
        rd_kafka_topic_partition_list_add(list, partition->topic, partition->partition);
    item->offset = offset;
    rd_kafka_error_t *error = offset >= 0
                                  ? rd_kafka_incremental_assign(consumer->client.rk, list)
                                  : rd_kafka_incremental_unassign(consumer->client.rk, list);
    rd_kafka_topic_partition_list_destroy(list);
    if (!error)
        return 0;
    int code = err_set(err, ERR_IO, "cannot assign partition %" PRId32 " of topic %s: %s",
                       partition->partition, partition->topic, rd_kafka_error_string(error));
    rd_kafka_error_destroy(error);
    return code;
}

int kafka_consumer_assign(struct kafka_consumer *consumer, struct str topic, int32_t partition,
                          int64_t offset, uint32_t *handle, struct err *err)
{
    REQUIRE(offset >= 0 && !consumer->closing);
    struct kafka_partition *added = add_slot(consumer, topic, partition);
    if (!added)
        return err_set(err, ERR_NOMEM, "no memory for partition %" PRId32 " of topic %.*s",
                       partition, STR_ARG(topic));
    added->position = offset;
    added->queue = rd_kafka_queue_get_partition(consumer->client.rk, added->topic, partition);
    if (!added->queue) {
        err_set(err, ERR_INVALID, "partition %" PRId32 " of topic %s cannot be read", partition,
                added->topic);
        goto fail;
    }
    /* Before the assignment: librdkafka forwards a partition's queue to the common one when it
     * starts fetching, unless the application has said otherwise by then. */
    rd_kafka_queue_forward(added->queue, NULL);
    rd_kafka_queue_io_event_enable(added->queue, consumer->pipe[1], "m", 1);
    if (change_assignment(consumer, added, offset, err))
        goto fail;
    *handle = consumer->partition_count - 1;
    return 0;
fail:
    kafka_partition_release(added);
    free(added->topic);
    consumer->partition_count--;
    return err ? err->code : ERR_IO;
}

static void drop_stash(struct kafka_partition *partition)
{
    for (uint32_t i = partition->stash_next; i < partition->stash_count; i++)
        rd_kafka_message_destroy(partition->stash[i]);
    free(partition->stash);
    partition->stash = NULL;
    partition->stash_next = partition->stash_count = 0;
}

void kafka_partition_release(struct kafka_partition *partition)
{
    drop_stash(partition);
    if (!partition->queue)
        return;
    rd_kafka_queue_io_event_enable(partition->queue, -1, NULL, 0);
    rd_kafka_queue_destroy(partition->queue);
    partition->queue = NULL;
}

int kafka_consumer_seek(struct kafka_consumer *consumer, uint32_t handle, int64_t offset,
                        struct err *err)
{
    REQUIRE(handle < consumer->partition_count && offset >= 0 && !consumer->closing);
    struct kafka_partition *partition = &consumer->partitions[handle];
    drop_stash(partition);
    int rc = change_assignment(consumer, partition, -1, err);
    if (rc == 0)
        rc = change_assignment(consumer, partition, offset, err);
    if (rc)
        return rc;
    partition->position = offset;
    /* Messages of before the seek may keep the queue from becoming empty, and thus from waking. */
    kafka_consumer_kick(consumer);
    return 0;
}

uint32_t kafka_consumer_partitions(const struct kafka_consumer *consumer)
{
    return consumer->partition_count;
}

/* --- draining --- */

/* Up to `max` messages and events in order: the stash first, then the queue. */
static uint32_t take(struct kafka_consumer *consumer, struct kafka_partition *partition,
                     uint32_t max)
{
    rd_kafka_message_t **out = (rd_kafka_message_t **)consumer->scratch;
    uint32_t n = 0;
    while (n < max && partition->stash_next < partition->stash_count)
        out[n++] = partition->stash[partition->stash_next++];
    if (partition->stash_next == partition->stash_count)
        drop_stash(partition);
    if (n < max && !partition->stash) {
        ssize_t got = rd_kafka_consume_batch_queue(partition->queue, 0, out + n, max - n);
        n += got > 0 ? (uint32_t)got : 0;
    }
    return n;
}

/* Keeps what was taken and cannot be handed out yet, before what the stash still has. */
static int put_back(struct kafka_partition *partition, rd_kafka_message_t **messages, uint32_t n,
                    struct err *err)
{
    uint32_t rest = partition->stash_count - partition->stash_next;
    rd_kafka_message_t **stash = malloc((n + rest) * sizeof(*stash));
    if (!stash) {
        for (uint32_t i = 0; i < n; i++)
            rd_kafka_message_destroy(messages[i]);
        return err_set(err, ERR_NOMEM, "no memory for %" PRIu32 " messages", n);
    }
    memcpy(stash, messages, n * sizeof(*stash));
    if (rest)
        memcpy(stash + n, partition->stash + partition->stash_next, rest * sizeof(*stash));
    free(partition->stash);
    partition->stash = stash;
    partition->stash_next = 0;
    partition->stash_count = n + rest;
    return 0;
}

static void add_record(struct kafka_batch *batch, rd_kafka_message_t *message)
{
    struct record *record = &batch->records[batch->count];
    batch->messages[batch->count++] = message;
    record->value = (struct str){message->payload, message->payload ? message->len : 0};
    record->key = (struct str){message->key, message->key ? message->key_len : 0};
    record->offset = message->offset;
    record->timestamp_ms = rd_kafka_message_timestamp(message, NULL);
    batch->bytes += record->value.n + record->key.n;
}

static void set_condition(struct kafka_partition *partition, struct kafka_batch *batch,
                          rd_kafka_message_t *event)
{
    batch->condition = kafka_condition_of(event->err);
    const char *text = rd_kafka_message_errstr(event);
    snprintf(batch->text, sizeof(batch->text), "%s", text ? text : "");
    /* What lies between the last message and the end (transaction markers, compacted away) will
     * never come as messages. The end may lie past the target; it is told once only, so the
     * position follows it there. */
    if (batch->condition == KAFKA_EOF && event->offset > partition->position)
        partition->position = event->offset;
    rd_kafka_message_destroy(event);
}

/* Hands out messages up to the target or the first event; the number used up. */
static uint32_t hand_out(struct kafka_consumer *consumer, struct kafka_partition *partition,
                         int64_t target, uint32_t n, struct kafka_batch *batch)
{
    uint32_t i = 0;
    for (; i < n; i++) {
        rd_kafka_message_t *message = consumer->scratch[i];
        if (message->err) {
            set_condition(partition, batch, message);
            return i + 1;
        }
        if (message->offset >= target) {
            /* Nothing lies between the last message and this one. */
            if (partition->position < target)
                partition->position = target;
            return i;
        }
        add_record(batch, message);
        partition->position = message->offset + 1;
    }
    return i;
}

/* Whether librdkafka may have stopped fetching because this queue was full, judged with a margin,
 * as the bytes are an estimate; then it must be told that there is room again, at the latest when
 * the caller may stop draining. */
static void wake_brokers(struct kafka_consumer *consumer, const struct kafka_partition *partition,
                         const struct kafka_batch *batch)
{
    if (batch->count == 0)
        return;
    uint64_t left = rd_kafka_queue_length(partition->queue) * (batch->bytes / batch->count);
    consumer->drained += batch->bytes;
    if (left + consumer->drained < consumer->queue_limit / 4)
        return;
    if (left > 0 && consumer->drained < consumer->queue_limit / 8 && batch->more)
        return;
    consumer->drained = 0;
    kafka_client_wake_brokers(&consumer->client);
}

int kafka_consumer_drain(struct kafka_consumer *consumer, uint32_t handle, int64_t target,
                         uint32_t records_max, struct kafka_batch *batch, struct err *err)
{
    REQUIRE(handle < consumer->partition_count && batch->count == 0 && !consumer->closing);
    struct kafka_partition *partition = &consumer->partitions[handle];
    kafka_batch_release(batch);
    uint32_t max = records_max < batch->capacity ? records_max : batch->capacity;
    int rc = 0;
    if (max > 0) {
        /* Without gaps this takes nothing past the target. At the target it still takes one, which
         * may be an event: an end of partition left at the head would keep the queue from waking.
         */
        int64_t room = target - partition->position;
        if (room < (int64_t)max)
            max = room > 0 ? (uint32_t)room : 1;
        uint32_t n = take(consumer, partition, max);
        uint32_t used = hand_out(consumer, partition, target, n, batch);
        if (used < n)
            rc =
                put_back(partition, (rd_kafka_message_t **)consumer->scratch + used, n - used, err);
        batch->more = n == max || partition->stash;
        partition->records += batch->count;
        partition->bytes += batch->bytes;
        consumer->outstanding += batch->count;
        batch->outstanding = &consumer->outstanding;
        wake_brokers(consumer, partition, batch);
    }
    batch->next_offset = partition->position;
    batch->at_target = partition->position >= target;
    return rc;
}

/* --- state --- */

static size_t queued_messages(const struct kafka_partition *partition)
{
    size_t stashed = partition->stash_count - partition->stash_next;
    return (partition->queue ? rd_kafka_queue_length(partition->queue) : 0) + stashed;
}

void kafka_consumer_partition_state(const struct kafka_consumer *consumer, uint32_t handle,
                                    struct kafka_partition_state *out)
{
    REQUIRE(handle < consumer->partition_count);
    const struct kafka_partition *partition = &consumer->partitions[handle];
    int64_t low = -1, high = -1;
    if (!consumer->closing && rd_kafka_get_watermark_offsets(consumer->client.rk, partition->topic,
                                                             partition->partition, &low, &high))
        low = high = -1;
    *out = (struct kafka_partition_state){
        .topic = str_of(partition->topic),
        .partition = partition->partition,
        .position = partition->position,
        .low = low < 0 ? -1 : low,
        .high = high < 0 ? -1 : high,
        .records = partition->records,
        .bytes = partition->bytes,
        .queued = queued_messages(partition),
    };
}

size_t kafka_consumer_queued_bytes(const struct kafka_consumer *consumer)
{
    uint64_t total = 0;
    for (uint32_t i = 0; i < consumer->partition_count; i++) {
        const struct kafka_partition *partition = &consumer->partitions[i];
        uint64_t mean =
            partition->records ? partition->bytes / partition->records : TYPICAL_MESSAGE;
        total += queued_messages(partition) * (mean + QUEUED_OVERHEAD);
    }
    return (size_t)total;
}
