/* load.c: fills a topic with lab messages, so many per partition, as fast as librdkafka takes them.
 *
 *     bench_load BROKERS TOPIC COUNT[,COUNT]... [SPAN_SECONDS]
 *
 * Event time advances with the offset alike in all partitions: message i of n of a partition lies
 * at i/n of the whole span (a second for a thousand messages, unless it is given), whatever the
 * partition's size. The same arguments give the same bytes.
 * A topic that does not exist is left to the broker to create. */
#include <inttypes.h>
#include <librdkafka/rdkafka.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { PARTITIONS_MAX = 64, MESSAGE_MAX = 256 };
static const int64_t start_s = 1766739600; /* 2025-12-26 09:00:00 UTC */
static const int64_t messages_per_second = 1000;

struct load {
    rd_kafka_t *rk;
    rd_kafka_topic_t *topic;
    int partitions;
    int64_t counts[PARTITIONS_MAX];
    int64_t sent[PARTITIONS_MAX];
    int64_t total;
    int64_t span_s; /* of event time */
    uint64_t random;
    int64_t failed;
};

static void delivered(rd_kafka_t *rk, const rd_kafka_message_t *message, void *opaque)
{
    (void)rk;
    struct load *load = opaque;
    load->failed += message->err != RD_KAFKA_RESP_ERR_NO_ERROR;
}

static int load_connect(struct load *load, const char *brokers, const char *topic)
{
    static const char *const settings[][2] = {
        {"linger.ms", "20"},
        {"batch.num.messages", "10000"},
        {"queue.buffering.max.messages", "1000000"},
        {"queue.buffering.max.kbytes", "131072"},
    };
    char text[512];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_conf_set_opaque(conf, load);
    rd_kafka_conf_set_dr_msg_cb(conf, delivered);
    if (rd_kafka_conf_set(conf, "bootstrap.servers", brokers, text, sizeof text)) {
        goto fail;
    }
    for (size_t i = 0; i < sizeof settings / sizeof settings[0]; i++) {
        if (rd_kafka_conf_set(conf, settings[i][0], settings[i][1], text, sizeof text)) {
            goto fail;
        }
    }
    load->rk = rd_kafka_new(RD_KAFKA_PRODUCER, conf, text, sizeof text);
    if (!load->rk) {
        goto fail;
    }
    load->topic = rd_kafka_topic_new(load->rk, topic, NULL);
    return load->topic ? 0 : -1;
fail:
    fprintf(stderr, "bench_load: %s\n", text);
    return -1;
}

static uint32_t next_random(struct load *load, uint32_t below)
{
    load->random ^= load->random << 13; /* xorshift64, Marsaglia 2003 */
    load->random ^= load->random >> 7;
    load->random ^= load->random << 17;
    return (uint32_t)((load->random >> 32) % below);
}

static int64_t send_one(struct load *load, int partition, int64_t number)
{
    static const char *const types[] = {"purchase", "withdrawal", "transfer"};
    static const char *const places[] = {"store", "online"};
    double fraction = (double)load->sent[partition] / (double)load->counts[partition];
    time_t at = start_s + (int64_t)(fraction * (double)load->span_s);
    struct tm tm;
    gmtime_r(&at, &tm);
    char key[32], value[MESSAGE_MAX];
    int key_length = snprintf(key, sizeof key, "user_%" PRIu32, next_random(load, 100));
    int length = snprintf(value, sizeof value,
                          "{\"transaction_id\": \"txn_%07" PRId64 "\", \"user_id\": \"%s\", "
                          "\"amount\": %" PRIu32 ".%02" PRIu32 ", \"type\": \"%s\", "
                          "\"timestamp\": \"%04d-%02d-%02d %02d:%02d:%02d\", \"location\": \"%s\"}",
                          number, key, 5 + next_random(load, 995), next_random(load, 100),
                          types[next_random(load, 3)], tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday,
                          tm.tm_hour, tm.tm_min, tm.tm_sec, places[next_random(load, 2)]);
    while (rd_kafka_produce(load->topic, partition, RD_KAFKA_MSG_F_COPY, value, (size_t)length, key,
                            (size_t)key_length, NULL)) {
        if (rd_kafka_last_error() != RD_KAFKA_RESP_ERR__QUEUE_FULL) {
            fprintf(stderr, "bench_load: %s\n", rd_kafka_err2str(rd_kafka_last_error()));
            return -1;
        }
        rd_kafka_poll(load->rk, 100); /* delivery reports make room */
    }
    load->sent[partition]++;
    return length;
}

/* Asking for a topic is what makes a broker create it; its partitions follow a little later. */
static int load_await_topic(struct load *load)
{
    for (int attempt = 0; attempt < 60; attempt++) {
        const struct rd_kafka_metadata *found = NULL;
        bool there = false;
        if (!rd_kafka_metadata(load->rk, 0, load->topic, &found, 10000)) {
            there = found->topic_cnt == 1 && !found->topics[0].err &&
                    found->topics[0].partition_cnt >= load->partitions;
            rd_kafka_metadata_destroy(found);
        }
        if (there) {
            return 0;
        }
        rd_kafka_poll(load->rk, 250);
    }
    fprintf(stderr, "bench_load: the topic does not have %d partitions\n", load->partitions);
    return -1;
}

/* Sends to all partitions in step: each gets its share of every thousandth of the whole. */
static int64_t load_run(struct load *load)
{
    int64_t bytes = 0, number = 0;
    for (int64_t step = 1; step <= 1000; step++) {
        for (int p = 0; p < load->partitions; p++) {
            int64_t target = load->counts[p] * step / 1000;
            while (load->sent[p] < target) {
                int64_t length = send_one(load, p, number++);
                if (length < 0) {
                    return -1;
                }
                bytes += length;
            }
        }
        rd_kafka_poll(load->rk, 0);
    }
    rd_kafka_resp_err_t err = rd_kafka_flush(load->rk, 120000);
    if (err || load->failed > 0) {
        fprintf(stderr, "bench_load: %" PRId64 " messages failed, %d not sent\n", load->failed,
                rd_kafka_outq_len(load->rk));
        return -1;
    }
    return bytes;
}

int main(int argc, char **argv)
{
    if (argc != 4 && argc != 5) {
        fprintf(stderr, "usage: bench_load BROKERS TOPIC COUNT[,COUNT]... [SPAN_SECONDS]\n");
        return 2;
    }
    struct load load = {.random = 88172645463325252ULL};
    char *save = NULL;
    for (char *part = strtok_r(argv[3], ",", &save); part && load.partitions < PARTITIONS_MAX;
         part = strtok_r(NULL, ",", &save)) {
        load.counts[load.partitions] = strtoll(part, NULL, 10);
        load.total += load.counts[load.partitions++];
    }
    load.span_s = argc == 5 ? strtoll(argv[4], NULL, 10) : load.total / messages_per_second;
    int64_t bytes =
        load_connect(&load, argv[1], argv[2]) || load_await_topic(&load) ? -1 : load_run(&load);
    if (load.topic) {
        rd_kafka_topic_destroy(load.topic);
    }
    if (load.rk) {
        rd_kafka_destroy(load.rk);
    }
    if (bytes < 0) {
        return 1;
    }
    printf("%" PRId64 " messages, %" PRId64 " bytes\n", load.total, bytes);
    return 0;
}
