/* mock.h: librdkafka's mock cluster inside this process, for `demo` and the tests.
 *
 * It speaks the protocol on loopback ports but is no broker: it keeps only about 5 MB per
 * partition and drops the oldest beyond that, so pace what is produced by what was consumed. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

struct kafka_mock;

/* One broker with one topic. ERR_NOMEM, ERR_IO. */
int kafka_mock_create(struct kafka_mock **out, const char *topic, int32_t partitions,
                      struct err *err) MUST_CHECK;
/* Blocks for up to a second. Close the clients first. */
void kafka_mock_destroy(struct kafka_mock *mock);

/* For bootstrap.servers; lives as long as the mock. */
const char *kafka_mock_bootstrap(const struct kafka_mock *mock);

/* Another topic. ERR_IO. */
int kafka_mock_topic(struct kafka_mock *mock, const char *topic, int32_t partitions,
                     struct err *err) MUST_CHECK;

/* Drops the connections and refuses new ones, or accepts again. */
void kafka_mock_down(struct kafka_mock *mock, bool down);

/* Takes the leader of a partition away, or gives it back. */
void kafka_mock_leader(struct kafka_mock *mock, const char *topic, int32_t partition, bool present);

/* The next `count` requests of a kind (its API key in Kafka's protocol) fail with this
 * rd_kafka_resp_err_t; RD_KAFKA_RESP_ERR__TRANSPORT drops the connection instead. */
void kafka_mock_fail(struct kafka_mock *mock, int api_key, int error, uint32_t count);
