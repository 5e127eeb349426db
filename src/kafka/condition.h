/* condition.h: what can be wrong with a broker, topic or partition, sorted by what to do about it.
 */
#pragma once

#include <stdbool.h>

enum kafka_condition {
    KAFKA_NONE,          /* nothing to report */
    KAFKA_EOF,           /* the end of the partition was reached */
    KAFKA_TRANSIENT,     /* broker down, leader moving, time-out: the client retries by itself */
    KAFKA_OUT_OF_RANGE,  /* the offset is not there (any more): failOnDataLoss decides */
    KAFKA_UNKNOWN_TOPIC, /* no such topic or partition */
    KAFKA_DENIED,  /* authentication, authorization or TLS: somebody has to change something */
    KAFKA_CORRUPT, /* a message could not be read (checksum, compression, transaction) */
    KAFKA_FATAL,   /* this client instance cannot go on, or the request is wrong */
};

/* From rd_kafka_resp_err_t. */
enum kafka_condition kafka_condition_of(int rdkafka_error);

struct kafka_trouble {
    enum kafka_condition condition;
    char text[400]; /* the client's words, one line */
};
