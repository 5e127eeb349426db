/* kafka_options.h: options `kafka.X` of a document: X is librdkafka's name. */
#pragma once

#include "plan/kafka_table.h"
#include "plan/rules.h"

/* Checks that X (without "kafka.") is a property that a source (KAFKA_CONSUMER) or sink
 * (KAFKA_PRODUCER) may set, and, if check_value, that the value suits it. */
bool plan_kafka_option_check(struct rules *rules, const struct doc_node *node, struct str name,
                             enum kafka_scope scope, bool check_value);

/* Settings of a client as they are read; `options` has room for all. */
struct kafka_client {
    struct plan_option *options;
    uint32_t count;
    bool has_brokers; /* kafka.bootstrap.servers is given */
};

/* Whether the name of an option begins with "kafka.". */
bool plan_is_kafka_option(struct str key);
/* Checks such an option and adds it; in a conformance case only its name is checked. */
void plan_kafka_client_read(struct rules *rules, const struct doc_node *node,
                            enum kafka_scope scope, struct kafka_client *client);

/* Whether the value must never be shown; true also for unknown names that sound like it. */
bool plan_kafka_option_is_secret(struct str name);

/* host[:port], comma-separated. */
bool plan_kafka_brokers_check(struct rules *rules, const struct doc_node *node);
/* A topic's name; `offset` is where it stands in the string. */
bool plan_kafka_topic_check(struct rules *rules, const struct doc_node *node, size_t offset,
                            struct str topic);
/* Obvious mistakes in a regular expression: brackets, what a quantifier stands on. */
bool plan_kafka_pattern_check(struct rules *rules, const struct doc_node *node);
