#include "kafka/consumer.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "kafka/consumer_internal.h"
#include "vec/vec.h"

enum { FETCH_BYTES_MAX = 2 << 20, MESSAGE_BYTES_MAX = 1000000 };

static size_t clamp(size_t value, size_t low, size_t high)
{
    return value < low ? low : value > high ? high : value;
}

static bool has_option(const struct kafka_consumer_options *options, const char *name)
{
    for (uint32_t i = 0; i < options->client_count; i++)
        if (str_is(options->client[i].key, name))
            return true;
    return false;
}

/* The queue and fetch sizes for a share of memory. The client counts payload bytes only, small
 * messages cost more in bookkeeping than in payload, and a fetch may overshoot the bound: hence the
 * fractions. */
struct sizes {
    char queue_kbytes[24], fetch_bytes[24], fetch_bytes_all[24];
};

static void make_sizes(const struct kafka_consumer_options *options, struct sizes *out)
{
    size_t partitions = options->partitions_expected ? options->partitions_expected : 1;
    size_t share = options->queue_bytes_max / partitions;
    size_t fetch = clamp(share / 32, 64 << 10, FETCH_BYTES_MAX);
    size_t fetch_all = clamp(options->queue_bytes_max / 4, MESSAGE_BYTES_MAX, 50 << 20);
    snprintf(out->queue_kbytes, sizeof(out->queue_kbytes), "%zu",
             clamp(share / 8 >> 10, 64, 65536));
    snprintf(out->fetch_bytes, sizeof(out->fetch_bytes), "%zu", fetch);
    snprintf(out->fetch_bytes_all, sizeof(out->fetch_bytes_all), "%zu", fetch_all);
}

static rd_kafka_conf_t *make_conf(const struct kafka_consumer_options *options, struct err *err)
{
    static const struct kafka_setting owned[] = {
        {"auto.offset.reset", "error"},
        {"enable.auto.commit", "false"},
        {"enable.auto.offset.store", "false"},
        {"enable.partition.eof", "true"},
    };
    struct sizes sizes;
    make_sizes(options, &sizes);
    const struct kafka_setting defaults[] = {
        {"client.id", "sluice"},
        {"queued.max.messages.kbytes", sizes.queue_kbytes},
        {"fetch.message.max.bytes", sizes.fetch_bytes},
        {"fetch.max.bytes", sizes.fetch_bytes_all},
        {"queued.min.messages", "1000000"}, /* the bytes are what bounds the queue */
        /* One fetch is in flight per broker: while it waits at the end of some partitions, others
         * that have just been drained wait for it. */
        {"fetch.wait.max.ms", "10"},
        {"fetch.error.backoff.ms", "100"}, /* real errors only: see wake_brokers */
        {"reconnect.backoff.ms", "100"},
        {"reconnect.backoff.max.ms", "2000"},
        {"topic.metadata.propagation.max.ms", "5000"},
        {"allow.auto.create.topics", "false"},
        {"log.connection.close", "false"},
        {"log.thread.name", "false"},
        /* Last: left out when the user has one. */
        {"group.id", options->group},
    };
    size_t count = COUNT_OF(defaults) - (has_option(options, "group.id") ? 1 : 0);
    return kafka_conf_create(defaults, count, options->client, options->client_count, owned,
                             COUNT_OF(owned), err);
}

static void serve_events(struct kafka_consumer *consumer)
{
    rd_kafka_event_t *event;
    /* Bounded, so that a flood of log lines cannot hold the loop. */
    for (int i = 0; i < 200 && (event = rd_kafka_queue_poll(consumer->client.events, 0)); i++) {
        kafka_client_on_event(&consumer->client, event);
        rd_kafka_event_destroy(event);
    }
}

void kafka_consumer_kick(struct kafka_consumer *consumer)
{
    ssize_t ignored = write(consumer->pipe[1], "k", 1); /* a full pipe wakes as well */
    (void)ignored;
}

static void on_readable(uv_poll_t *handle, int status, int events)
{
    (void)status;
    (void)events;
    struct kafka_consumer *consumer = handle->data;
    char bytes[512];
    ssize_t n;
    do {
        n = read(consumer->pipe[0], bytes, sizeof(bytes));
    } while (n == (ssize_t)sizeof(bytes) || (n < 0 && errno == EINTR));
    if (consumer->closing)
        return;
    serve_events(consumer);
    if (rd_kafka_queue_length(consumer->client.events) > 0)
        kafka_consumer_kick(consumer);
    consumer->wake(consumer->user);
}

static int start_poll(struct kafka_consumer *consumer, uv_loop_t *loop, struct err *err)
{
    consumer->poll.data = consumer;
    int rc = uv_poll_init(loop, &consumer->poll, consumer->pipe[0]);
    if (rc == 0)
        rc = uv_poll_start(&consumer->poll, UV_READABLE, on_readable);
    return rc ? err_set(err, ERR_IO, "cannot watch the Kafka client: %s", uv_strerror(rc)) : 0;
}

static void free_consumer(struct kafka_consumer *consumer)
{
    if (consumer->pipe[0] >= 0) {
        close(consumer->pipe[0]);
        close(consumer->pipe[1]);
    }
    for (uint32_t i = 0; i < consumer->partition_count; i++)
        free(consumer->partitions[i].topic);
    free(consumer->partitions);
    free(consumer->scratch);
    free(consumer);
}

/* All but the loop's handles. */
static int start_client(struct kafka_consumer *consumer,
                        const struct kafka_consumer_options *options, struct err *err)
{
    consumer->scratch = calloc(BLOCK_ROWS_MAX, sizeof(*consumer->scratch));
    if (!consumer->scratch)
        return err_set(err, ERR_NOMEM, "no memory for the Kafka client");
    int rc = uv_pipe(consumer->pipe, UV_NONBLOCK_PIPE, UV_NONBLOCK_PIPE);
    if (rc)
        return err_set(err, ERR_IO, "no pipe for the Kafka client: %s", uv_strerror(rc));
    rd_kafka_conf_t *conf = make_conf(options, err);
    if (!conf)
        return ERR_INVALID;
    consumer->client.wake_fd = consumer->pipe[1];
    rc = kafka_client_init(&consumer->client, RD_KAFKA_CONSUMER, conf, RD_KAFKA_EVENT_OFFSET_COMMIT,
                           err);
    if (rc)
        return rc;
    char *kbytes = kafka_client_property(&consumer->client, "queued.max.messages.kbytes");
    consumer->queue_limit = kbytes ? strtoull(kbytes, NULL, 10) << 10 : 0;
    free(kbytes);
    return 0;
}

int kafka_consumer_create(struct kafka_consumer **out, uv_loop_t *loop,
                          const struct kafka_consumer_options *options, struct err *err)
{
    struct err local = {0};
    struct kafka_consumer *consumer = calloc(1, sizeof(*consumer));
    if (!consumer)
        return err_set(err, ERR_NOMEM, "no memory for the Kafka client");
    consumer->pipe[0] = consumer->pipe[1] = -1;
    consumer->wake = options->wake;
    consumer->user = options->user;
    consumer->client.log = options->log;
    consumer->client.user = options->user;
    if (start_client(consumer, options, &local))
        goto fail;
    if (lane_create(&consumer->lane, loop, &local))
        goto fail_client;
    if (start_poll(consumer, loop, &local))
        goto fail_lane; /* last: a handle the loop knows could not be freed at once */
    rd_kafka_queue_io_event_enable(consumer->client.events, consumer->pipe[1], "e", 1);
    kafka_consumer_kick(consumer); /* for what was logged before the queue was watched */
    *out = consumer;
    return 0;
fail_lane:
    lane_close(consumer->lane, NULL, NULL);
fail_client:
    kafka_client_detach(&consumer->client);
    if (!kafka_client_destroy(&consumer->client))
        return err_set(err, local.code, "%s", local.msg); /* its memory stays */
    kafka_client_fini(&consumer->client);
fail:
    free_consumer(consumer);
    return err_set(err, local.code, "%s", local.msg);
}

static void close_step_lane(void *user)
{
    struct kafka_consumer *consumer = user;
    kafka_closed closed = consumer->closed;
    void *closed_user = consumer->closed_user;
    if (!consumer->left_behind)
        free_consumer(consumer);
    if (closed)
        closed(closed_user);
}

static void close_step_poll(uv_handle_t *handle)
{
    struct kafka_consumer *consumer = handle->data;
    lane_close(consumer->lane, close_step_lane, consumer);
}

static void destroy_run(struct lane_job *job)
{
    struct kafka_consumer *consumer = CONTAINER_OF(job, struct kafka_consumer, destroy);
    consumer->left_behind = !kafka_client_destroy(&consumer->client);
}

static void destroy_done(struct lane_job *job, bool cancelled)
{
    struct kafka_consumer *consumer = CONTAINER_OF(job, struct kafka_consumer, destroy);
    INVARIANT(!cancelled);
    if (!consumer->left_behind)
        kafka_client_fini(&consumer->client);
    uv_close((uv_handle_t *)&consumer->poll, close_step_poll);
}

/* Cancelled calls → the client destroyed by the helper → poll handle → helper thread → free. */
void kafka_consumer_close(struct kafka_consumer *consumer, kafka_closed closed, void *user)
{
    REQUIRE(!consumer->closing && consumer->outstanding == 0);
    consumer->closing = true;
    consumer->closed = closed;
    consumer->closed_user = user;
    uv_poll_stop(&consumer->poll);
    for (uint32_t i = 0; i < consumer->partition_count; i++)
        kafka_partition_release(&consumer->partitions[i]);
    serve_events(consumer);
    kafka_client_detach(&consumer->client);
    lane_cancel(consumer->lane);
    consumer->destroy = (struct lane_job){.run = destroy_run, .done = destroy_done};
    lane_submit(consumer->lane, &consumer->destroy);
}

bool kafka_consumer_connected(const struct kafka_consumer *consumer)
{
    return kafka_client_connected(&consumer->client);
}

const struct kafka_trouble *kafka_consumer_trouble(const struct kafka_consumer *consumer)
{
    return kafka_client_trouble(&consumer->client);
}
