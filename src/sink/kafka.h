/* kafka.h: rows as messages of Kafka topics, as Spark's Kafka sink sends them: a batch is one
 * transaction. Takes every output mode alike: what the query gives is sent.
 *
 * A batch is kept encoded (format/kafka_rows.h) until it is published; a batch without rows
 * publishes nothing. A batch the writer's group has committed already is not sent again. */
#pragma once

#include "kafka/writer.h"
#include "sink/sink.h"

struct sink_kafka_options {
    struct str topic; /* of all rows; empty: each row's column names it */
};

/* The writer outlives the sink, and is the sink's alone. ERR_INVALID as kafka_rows_check;
 * ERR_NOMEM. */
int sink_kafka_create(struct sink **out, const struct sink_config *config,
                      const struct sink_kafka_options *options, struct kafka_writer *writer,
                      struct err *err) MUST_CHECK;
