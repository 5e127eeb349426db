/* producer.h: sends messages in large batches, for `produce` and `demo`. One thread at a time. */
#pragma once

#include "kafka/condition.h"
#include "plan/plan.h"

struct kafka_producer;

struct kafka_producer_options {
    const struct plan_option *client; /* librdkafka's names; bootstrap.servers is one of them */
    uint32_t client_count;
    /* A line from the client, from inside kafka_producer_poll or _flush; may be NULL. */
    void (*log)(void *user, int level, const char *text);
    void *user;
};

struct kafka_producer_counts {
    uint64_t sent;      /* accepted by kafka_producer_send */
    uint64_t delivered; /* acknowledged by the broker */
    uint64_t failed;    /* given up */
    uint64_t queued;    /* neither yet */
};

/* Messages go to `topic`, partitioned by key as Java's client does (murmur2), acks=all, lz4. A
 * missing topic is created where the broker allows it. ERR_INVALID names a bad option. */
int kafka_producer_create(struct kafka_producer **out, const char *topic,
                          const struct kafka_producer_options *options, struct err *err) MUST_CHECK;
/* Ends the client; what is still queued is dropped. Takes a moment, also with the broker down. */
void kafka_producer_destroy(struct kafka_producer *producer);

/* Queues a message (copied), to the partition its key names, or to `partition` if that is not -1.
 * ERR_AGAIN: the queue is full, call kafka_producer_poll; ERR_NOT_FOUND: no such topic, and the
 * broker does not create it; else the client's error. */
int kafka_producer_send(struct kafka_producer *producer, int32_t partition, struct str key,
                        struct str value, int64_t timestamp_ms, struct err *err) MUST_CHECK;

/* Serves delivery reports, waiting up to wait_ms for one. Call it at least every few ms. */
void kafka_producer_poll(struct kafka_producer *producer, int wait_ms);

/* Waits until nothing is queued. ERR_AGAIN: time ran out; ERR_IO: a delivery failed. */
int kafka_producer_flush(struct kafka_producer *producer, int timeout_ms,
                         struct err *err) MUST_CHECK;

void kafka_producer_counts(const struct kafka_producer *producer,
                           struct kafka_producer_counts *out);

/* The first delivery failure, or NULL. */
const struct kafka_trouble *kafka_producer_failure(const struct kafka_producer *producer);

/* The last trouble with brokers, or NULL when there was none since a connection was up. */
const struct kafka_trouble *kafka_producer_trouble(const struct kafka_producer *producer);

/* Whether a connection to a broker is up. */
bool kafka_producer_connected(const struct kafka_producer *producer);
