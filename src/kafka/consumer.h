/* consumer.h: partitions read from Kafka on a uv loop, each through its own queue.
 *
 * A partition is drained only when its owner asks, so one that is at its target is held simply by
 * not draining it; librdkafka goes on prefetching into its queue up to a bound. Everything here is
 * for the loop's thread, and nothing blocks; what would block is in admin.h. */
#pragma once

#include <uv.h>

#include "kafka/condition.h"
#include "kafka/message.h"
#include "plan/plan.h"

struct kafka_consumer;

struct kafka_consumer_options {
    const struct plan_option *client; /* librdkafka's names; win over all but what sluice owns */
    uint32_t client_count;
    const char *group;            /* group.id, unless the client options have one */
    size_t queue_bytes_max;       /* messages waiting in all partitions' queues together */
    uint32_t partitions_expected; /* the bound is split over these; see ..._assign */
    /* A line from the client. level: syslog's, 3 error, 4 warning, 6 info, 7 debug. */
    void (*log)(void *user, int level, const char *text);
    /* On the loop: some partition has messages, or the state changed. Called for the step from
     * nothing to something only: who drains partially or held a partition comes back by himself. */
    void (*wake)(void *user);
    void *user;
};

/* Starts the client; does not wait for a broker. ERR_INVALID names a bad option (librdkafka's
 * words); ERR_NOMEM, ERR_IO. Options that are sluice's own are ignored in `client`: plan refuses
 * them. The strings are copied. */
int kafka_consumer_create(struct kafka_consumer **out, uv_loop_t *loop,
                          const struct kafka_consumer_options *options, struct err *err) MUST_CHECK;

typedef void (*kafka_closed)(void *user);
/* Cancels admin calls (their callbacks come with ERR_CANCELLED), stops fetching, ends the client
 * on the helper thread and calls `closed` on the loop; takes about as long as the running call on
 * the helper, 2 s at most, also with the broker down. Every batch must have been released. */
void kafka_consumer_close(struct kafka_consumer *consumer, kafka_closed closed, void *user);

/* Reads a partition from `offset` (0 or more; resolve earliest and latest with admin.h). *handle
 * numbers partitions from 0 in the order they were added. The bound on queued bytes per partition
 * is fixed at creation as queue_bytes_max / partitions_expected: with more partitions than
 * expected the total may exceed it in proportion (kafka_consumer_queued_bytes tells). */
int kafka_consumer_assign(struct kafka_consumer *consumer, struct str topic, int32_t partition,
                          int64_t offset, uint32_t *handle, struct err *err) MUST_CHECK;
/* Reads on from another offset; what was queued is dropped. */
int kafka_consumer_seek(struct kafka_consumer *consumer, uint32_t handle, int64_t offset,
                        struct err *err) MUST_CHECK;
uint32_t kafka_consumer_partitions(const struct kafka_consumer *consumer);

/* Moves waiting messages with offset < target into the batch, in offset order, at most its capacity
 * and at most `records_max`; then batch->condition says what followed them, if anything did.
 * Messages at or past the target stay for the next call. Nothing waiting: count 0, KAFKA_NONE. The
 * batch must be empty (released). ERR_NOMEM: messages were lost, end the run. */
int kafka_consumer_drain(struct kafka_consumer *consumer, uint32_t handle, int64_t target,
                         uint32_t records_max, struct kafka_batch *batch,
                         struct err *err) MUST_CHECK;

struct kafka_partition_state {
    struct str topic; /* lives as long as the consumer */
    int32_t partition;
    int64_t position;  /* offset after the last drained message or end of partition */
    int64_t low, high; /* watermarks as the last fetch saw them, -1 unknown; high is the last stable
                        * offset under read_committed. Stale when nothing is fetched (admin.h). */
    uint64_t records, bytes; /* drained so far; bytes of keys and values */
    size_t queued;           /* messages waiting */
};
void kafka_consumer_partition_state(const struct kafka_consumer *consumer, uint32_t handle,
                                    struct kafka_partition_state *out);

/* Bytes in all queues together, estimated from queue lengths and mean message sizes. */
size_t kafka_consumer_queued_bytes(const struct kafka_consumer *consumer);

/* Whether a connection to at least one broker is up. */
bool kafka_consumer_connected(const struct kafka_consumer *consumer);

/* The last trouble with brokers (down, name not found, TLS, authentication), or NULL when none is
 * known since a connection was up. KAFKA_DENIED and KAFKA_FATAL need a person. Until the next turn
 * of the loop. */
const struct kafka_trouble *kafka_consumer_trouble(const struct kafka_consumer *consumer);
