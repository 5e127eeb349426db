#include "kafka/mock.h"

#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

struct kafka_mock {
    rd_kafka_t *rk; /* only carries the cluster */
    rd_kafka_mock_cluster_t *cluster;
};

static void no_log(const rd_kafka_t *rk, int level, const char *facility, const char *text)
{
    (void)rk;
    (void)level;
    (void)facility;
    (void)text;
}

/* The cluster's thread takes an interrupted poll for its end, so no signal may reach it: it
 * inherits the mask of the thread that makes it. */
static rd_kafka_mock_cluster_t *new_cluster(rd_kafka_t *rk)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    rd_kafka_mock_cluster_t *cluster = rd_kafka_mock_cluster_new(rk, 1);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return cluster;
}

int kafka_mock_create(struct kafka_mock **out, const char *topic, int32_t partitions,
                      struct err *err)
{
    char text[300] = "";
    struct kafka_mock *mock = calloc(1, sizeof(*mock));
    if (!mock)
        return err_set(err, ERR_NOMEM, "no memory for the mock cluster");
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_conf_set_log_cb(conf, no_log);
    mock->rk = rd_kafka_new(RD_KAFKA_PRODUCER, conf, text, sizeof(text));
    if (!mock->rk) {
        rd_kafka_conf_destroy(conf);
        goto fail;
    }
    mock->cluster = new_cluster(mock->rk);
    if (!mock->cluster)
        goto fail;
    if (kafka_mock_topic(mock, topic, partitions, err)) {
        kafka_mock_destroy(mock);
        return ERR_IO;
    }
    *out = mock;
    return 0;
fail:
    kafka_mock_destroy(mock);
    return err_set(err, ERR_IO, "the mock cluster does not start%s%s", *text ? ": " : "", text);
}

void kafka_mock_destroy(struct kafka_mock *mock)
{
    if (!mock)
        return;
    if (mock->cluster)
        rd_kafka_mock_cluster_destroy(mock->cluster);
    if (mock->rk)
        rd_kafka_destroy(mock->rk);
    free(mock);
}

const char *kafka_mock_bootstrap(const struct kafka_mock *mock)
{
    return rd_kafka_mock_cluster_bootstraps(mock->cluster);
}

int kafka_mock_topic(struct kafka_mock *mock, const char *topic, int32_t partitions,
                     struct err *err)
{
    rd_kafka_resp_err_t error = rd_kafka_mock_topic_create(mock->cluster, topic, partitions, 1);
    return error ? err_set(err, ERR_IO, "topic %s in the mock cluster: %s", topic,
                           rd_kafka_err2str(error))
                 : 0;
}

void kafka_mock_down(struct kafka_mock *mock, bool down)
{
    if (down)
        rd_kafka_mock_broker_set_down(mock->cluster, 1);
    else
        rd_kafka_mock_broker_set_up(mock->cluster, 1);
}

void kafka_mock_leader(struct kafka_mock *mock, const char *topic, int32_t partition, bool present)
{
    rd_kafka_mock_partition_set_leader(mock->cluster, topic, partition, present ? 1 : -1);
}

void kafka_mock_fail(struct kafka_mock *mock, int api_key, int error, uint32_t count)
{
    rd_kafka_resp_err_t code = (rd_kafka_resp_err_t)error;
    for (uint32_t i = 0; i < count; i++)
        rd_kafka_mock_push_request_errors_array(mock->cluster, (int16_t)api_key, 1, &code);
}
