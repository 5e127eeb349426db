#include "kafka/producer.h"

#include <stdlib.h>
#include <time.h>

#include "kafka/client.h"

struct kafka_producer {
    struct kafka_client client;
    rd_kafka_topic_t *topic;
    uint64_t sent, failed;
    struct kafka_trouble failure; /* the first failed delivery */
};

static rd_kafka_conf_t *make_conf(const struct kafka_producer_options *options, struct err *err)
{
    static const struct kafka_setting defaults[] = {
        {"client.id", "sluice-produce"},
        {"acks", "all"},
        {"partitioner", "murmur2_random"},
        {"compression.codec", "lz4"},
        {"linger.ms", "5"},
        {"batch.size", "1000000"},
        {"batch.num.messages", "100000"},
        {"queue.buffering.max.messages", "1000000"},
        {"queue.buffering.max.kbytes", "131072"},
        {"message.timeout.ms", "30000"},
        {"reconnect.backoff.max.ms", "2000"},
        {"topic.metadata.propagation.max.ms", "10000"},
        {"allow.auto.create.topics", "true"},
        {"log.connection.close", "false"},
        {"log.thread.name", "false"},
    };
    static const struct kafka_setting owned[] = {
        /* Reports of millions of successes would cost as much as sending. */
        {"delivery.report.only.error", "true"},
    };
    return kafka_conf_create(defaults, COUNT_OF(defaults), options->client, options->client_count,
                             owned, COUNT_OF(owned), err);
}

int kafka_producer_create(struct kafka_producer **out, const char *topic,
                          const struct kafka_producer_options *options, struct err *err)
{
    struct kafka_producer *producer = calloc(1, sizeof(*producer));
    if (!producer)
        return err_set(err, ERR_NOMEM, "no memory for the Kafka producer");
    producer->client.log = options->log;
    producer->client.user = options->user;
    producer->client.wake_fd = -1;
    rd_kafka_conf_t *conf = make_conf(options, err);
    if (!conf ||
        kafka_client_init(&producer->client, RD_KAFKA_PRODUCER, conf, RD_KAFKA_EVENT_DR, err)) {
        free(producer);
        return err ? err->code : ERR_INVALID;
    }
    producer->topic = rd_kafka_topic_new(producer->client.rk, topic, NULL);
    if (!producer->topic) {
        int code = err_set(err, ERR_INVALID, "topic \"%s\": %s", topic,
                           rd_kafka_err2str(rd_kafka_last_error()));
        kafka_producer_destroy(producer);
        return code;
    }
    *out = producer;
    return 0;
}

void kafka_producer_destroy(struct kafka_producer *producer)
{
    if (!producer)
        return;
    rd_kafka_purge(producer->client.rk, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
    kafka_producer_poll(producer, 0);
    if (producer->topic)
        rd_kafka_topic_destroy(producer->topic);
    kafka_client_detach(&producer->client);
    if (!kafka_client_destroy(&producer->client))
        return; /* its memory stays, too */
    kafka_client_fini(&producer->client);
    free(producer);
}

int kafka_producer_send(struct kafka_producer *producer, int32_t partition, struct str key,
                        struct str value, int64_t timestamp_ms, struct err *err)
{
    /* Without a timestamp of its own the message goes through the cheaper door. */
    rd_kafka_resp_err_t error = RD_KAFKA_RESP_ERR_NO_ERROR;
    if (timestamp_ms <= 0) {
        if (rd_kafka_produce(producer->topic, partition, RD_KAFKA_MSG_F_COPY, (void *)value.p,
                             value.n, key.p, key.n, NULL))
            error = rd_kafka_last_error();
    } else {
        error = rd_kafka_producev(
            producer->client.rk, RD_KAFKA_V_RKT(producer->topic), RD_KAFKA_V_PARTITION(partition),
            RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_VALUE((void *)value.p, value.n),
            RD_KAFKA_V_KEY(key.p, key.n), RD_KAFKA_V_TIMESTAMP(timestamp_ms), RD_KAFKA_V_END);
    }
    if (!error) {
        producer->sent++;
        return 0;
    }
    if (error == RD_KAFKA_RESP_ERR__QUEUE_FULL)
        return err_set(err, ERR_AGAIN, "the producer's queue is full");
    const char *topic = rd_kafka_topic_name(producer->topic);
    if (kafka_condition_of(error) == KAFKA_UNKNOWN_TOPIC)
        return err_set(err, ERR_NOT_FOUND, "topic \"%s\" does not exist and cannot be created",
                       topic);
    return err_set(err, ERR_IO, "cannot send to topic \"%s\": %s", topic, rd_kafka_err2str(error));
}

static void on_failed_deliveries(struct kafka_producer *producer, rd_kafka_event_t *event)
{
    const rd_kafka_message_t *message;
    while ((message = rd_kafka_event_message_next(event))) {
        if (!message->err)
            continue;
        if (producer->failed++ == 0)
            kafka_trouble_set(&producer->failure, kafka_condition_of(message->err),
                              rd_kafka_err2str(message->err));
    }
}

void kafka_producer_poll(struct kafka_producer *producer, int wait_ms)
{
    rd_kafka_event_t *event;
    for (int i = 0; i < 1000 && (event = rd_kafka_queue_poll(producer->client.events, wait_ms));
         i++) {
        if (rd_kafka_event_type(event) == RD_KAFKA_EVENT_DR)
            on_failed_deliveries(producer, event);
        else
            kafka_client_on_event(&producer->client, event);
        rd_kafka_event_destroy(event);
        wait_ms = 0;
    }
}

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int kafka_producer_flush(struct kafka_producer *producer, int timeout_ms, struct err *err)
{
    int64_t deadline = now_ms() + timeout_ms;
    for (;;) {
        kafka_producer_poll(producer, 0);
        if (rd_kafka_outq_len(producer->client.rk) == 0)
            break;
        int64_t left = deadline - now_ms();
        if (left <= 0)
            return err_set(err, ERR_AGAIN, "%d messages are not delivered after %d ms",
                           rd_kafka_outq_len(producer->client.rk), timeout_ms);
        /* In slices, because failures wait in the queue that kafka_producer_poll serves. */
        rd_kafka_flush(producer->client.rk, left < 20 ? (int)left : 20);
    }
    if (producer->failed)
        return err_set(err, ERR_IO, "delivery failed: %s", producer->failure.text);
    return 0;
}

void kafka_producer_counts(const struct kafka_producer *producer, struct kafka_producer_counts *out)
{
    uint64_t queued = (uint64_t)rd_kafka_outq_len(producer->client.rk);
    uint64_t open = producer->sent - producer->failed;
    if (queued > open)
        queued = open; /* log lines count as well until they are polled */
    *out = (struct kafka_producer_counts){
        .sent = producer->sent,
        .failed = producer->failed,
        .queued = queued,
        .delivered = open - queued,
    };
}

const struct kafka_trouble *kafka_producer_failure(const struct kafka_producer *producer)
{
    return producer->failed ? &producer->failure : NULL;
}

const struct kafka_trouble *kafka_producer_trouble(const struct kafka_producer *producer)
{
    return kafka_client_trouble(&producer->client);
}

bool kafka_producer_connected(const struct kafka_producer *producer)
{
    return kafka_client_connected(&producer->client);
}
