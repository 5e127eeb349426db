/* bare_consumer.c: the yardstick of scripts/bench: librdkafka's batch API and nothing else.
 *
 *     bench_bare BROKERS TOPIC PARTITIONS COUNT [NAME=VALUE]...
 *
 * Reads COUNT messages from the start of all partitions, counts messages and bytes, and prints
 * "MESSAGES BYTES SECONDS": the time from the creation of the consumer to the last message. */
#include <inttypes.h>
#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { BATCH = 10000 };

static double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static rd_kafka_t *connect_consumer(const char *brokers, char **settings, int count)
{
    char text[512];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    if (rd_kafka_conf_set(conf, "bootstrap.servers", brokers, text, sizeof text) ||
        rd_kafka_conf_set(conf, "group.id", "bench-bare", text, sizeof text) ||
        rd_kafka_conf_set(conf, "enable.auto.commit", "false", text, sizeof text)) {
        goto fail;
    }
    for (int i = 0; i < count; i++) {
        char *equals = strchr(settings[i], '=');
        if (!equals) {
            snprintf(text, sizeof text, "%s is not NAME=VALUE", settings[i]);
            goto fail;
        }
        *equals = '\0';
        if (rd_kafka_conf_set(conf, settings[i], equals + 1, text, sizeof text)) {
            goto fail;
        }
    }
    rd_kafka_t *rk = rd_kafka_new(RD_KAFKA_CONSUMER, conf, text, sizeof text);
    if (rk) {
        return rk;
    }
fail:
    fprintf(stderr, "bench_bare: %s\n", text);
    return NULL;
}

static void assign_all(rd_kafka_t *rk, const char *topic, int partitions)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(partitions);
    for (int p = 0; p < partitions; p++) {
        rd_kafka_topic_partition_list_add(list, topic, p)->offset = 0;
    }
    rd_kafka_assign(rk, list);
    rd_kafka_topic_partition_list_destroy(list);
}

int main(int argc, char **argv)
{
    if (argc < 5) {
        fprintf(stderr, "usage: bench_bare BROKERS TOPIC PARTITIONS COUNT [NAME=VALUE]...\n");
        return 2;
    }
    int64_t wanted = strtoll(argv[4], NULL, 10), messages = 0, bytes = 0;
    double started = now_s(), seen = started;
    rd_kafka_t *rk = connect_consumer(argv[1], argv + 5, argc - 5);
    if (!rk) {
        return 1;
    }
    assign_all(rk, argv[2], (int)strtol(argv[3], NULL, 10));
    rd_kafka_queue_t *queue = rd_kafka_queue_get_consumer(rk);
    static rd_kafka_message_t *batch[BATCH];
    while (messages < wanted && now_s() - seen < 30) {
        ssize_t count = rd_kafka_consume_batch_queue(queue, 1000, batch, BATCH);
        for (ssize_t i = 0; i < count; i++) {
            if (!batch[i]->err) {
                messages++;
                bytes += (int64_t)batch[i]->len;
            }
            rd_kafka_message_destroy(batch[i]);
        }
        seen = count > 0 ? now_s() : seen;
    }
    double took = now_s() - started;
    rd_kafka_queue_destroy(queue);
    rd_kafka_consumer_close(rk);
    rd_kafka_destroy(rk);
    printf("%" PRId64 " %" PRId64 " %.3f\n", messages, bytes, took);
    return messages == wanted ? 0 : 1;
}
