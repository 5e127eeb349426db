/* consumer_internal.h: what consumer.c and the admin calls share. Private to src/kafka. */
#pragma once

#include "kafka/client.h"
#include "kafka/consumer.h"
#include "os/lane.h"

struct kafka_partition {
    char *topic;
    int32_t partition;
    rd_kafka_queue_t *queue;
    int64_t position;
    uint64_t records, bytes;
    /* Taken from the queue but not handed out: what came after a condition or a target. */
    rd_kafka_message_t **stash;
    uint32_t stash_next, stash_count;
};

struct kafka_consumer {
    struct kafka_client client;
    struct lane *lane; /* runs the blocking calls */
    uv_poll_t poll;    /* the pipe's reading end */
    int pipe[2];
    void (*wake)(void *user);
    void *user;
    struct kafka_partition *partitions;
    uint32_t partition_count, partition_capacity;
    void **scratch;       /* BLOCK_ROWS_MAX messages */
    uint64_t queue_limit; /* payload bytes at which librdkafka stops fetching a partition */
    uint64_t drained;     /* payload bytes since the brokers were woken */
    uint32_t outstanding; /* messages in unreleased batches */
    struct lane_job destroy;
    bool left_behind; /* the client did not end: its memory stays */
    bool closing;
    kafka_closed closed;
    void *closed_user;
};

/* Calls on_readable at the loop's next turn, as if messages had come. */
void kafka_consumer_kick(struct kafka_consumer *consumer);

/* Gives the queue and the stashed messages back to the client. */
void kafka_partition_release(struct kafka_partition *partition);
