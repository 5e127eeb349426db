/* offsets.h: Kafka's partitions in Spark's JSON: assign {"t":[0,1]}, startingOffsets
 * {"t":{"0":23,"1":-2}}; as an object, or as a string that holds the JSON. */
#pragma once

#include "plan/rules.h"

/* Both lists come out sorted by topic and partition. False when there was an error. */
bool offsets_parse_assign(struct rules *rules, struct doc_node *node,
                          struct plan_partition_offset **out, uint32_t *out_count);
bool offsets_parse_starting(struct rules *rules, struct doc_node *node,
                            struct plan_partition_offset **out, uint32_t *out_count);

/* Checks that starting offsets are given for exactly what is read: every assigned partition, or
 * some partition of every subscribed topic. `topics` are sorted. */
void offsets_check_cover(struct rules *rules, const struct doc_node *node,
                         const struct plan_kafka *kafka);
