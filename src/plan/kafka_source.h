/* kafka_source.h: the options of a Kafka source (Spark's names). */
#pragma once

#include "plan/rules.h"

/* Fills rules->plan->kafka. `options` may be NULL (then only in a conformance case). */
void plan_kafka_read(struct rules *rules, const struct doc_node *source, struct doc_node *options);
