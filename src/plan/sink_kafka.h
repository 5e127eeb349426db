/* sink_kafka.h: sinks that write to Kafka. */
#pragma once

#include "plan/sink_files.h"

/* Fills topic and client. */
void plan_sink_kafka_read(struct rules *rules, const struct sink_nodes *nodes,
                          struct plan_sink *sink);
