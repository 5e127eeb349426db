#include "plan/sink_kafka.h"

#include "plan/kafka_options.h"

enum { OPTION_TOPIC, OPTION_HEADERS, OPTION_COUNT };

static const struct rule_key kafka_keys[OPTION_COUNT] = {
    [OPTION_TOPIC] = {"topic", FORM_STRING, false, "the name of a topic"},
    [OPTION_HEADERS] = {"includeHeaders", FORM_BOOLEAN, false, "true or false"},
};

static const struct rule_hint kafka_hints[] = {
    {"topics", "a Kafka sink writes to one \"topic\"; for several give the rows a column \"topic\"",
     ERR_INVALID},
    {"subscribe", "\"subscribe\" belongs to a source: write \"topic\"", ERR_INVALID},
    {"bootstrap.servers",
     "\"bootstrap.servers\" lacks its prefix: write "
     "\"kafka.bootstrap.servers\"",
     ERR_INVALID},
    {"checkpointLocation", "\"checkpointLocation\" belongs to the pipeline: all sinks share it",
     ERR_INVALID},
};

static const struct rule_object kafka_rule =
    RULE_OBJECT("the options of a Kafka sink", kafka_keys, kafka_hints);

/* ---- what transactions need of the client's settings ---- */

#define IDEMPOTENCE "transactions need an idempotent producer"

/* A number a setting must stay within, or the one word it must have. */
static const struct need {
    const char *name;
    const char *word;
    int64_t min, max;
    const char *expected;
} needs[] = {
    {"enable.idempotence", "true", 0, 0, "true"},
    {"max.in.flight", NULL, 1, 5, "from 1 to 5"},
    {"max.in.flight.requests.per.connection", NULL, 1, 5, "from 1 to 5"},
    {"retries", NULL, 1, INT32_MAX, "at least 1"},
    {"message.send.max.retries", NULL, 1, INT32_MAX, "at least 1"},
    {"queuing.strategy", "fifo", 0, 0, "fifo"},
};

static void check_need(struct rules *rules, const struct doc_node *node)
{
    struct str name = {node->key.p + 6, node->key.n - 6};
    for (size_t i = 0; i < COUNT_OF(needs); i++) {
        const struct need *need = &needs[i];
        int64_t number;
        if (!str_is(name, need->name))
            continue;
        bool good = need->word ? str_eq_nocase(node->text, str_of(need->word))
                               : str_to_i64(str_trim(node->text), &number) && number >= need->min &&
                                     number <= need->max;
        if (!good)
            rules_error(rules, node, "\"kafka.%s\" must be %s, as " IDEMPOTENCE, need->name,
                        need->expected);
    }
}

/* The last value of one of two names of a setting. */
static int64_t find_number(const struct kafka_client *client, const char *name, const char *other,
                           int64_t otherwise)
{
    for (uint32_t i = 0; i < client->count; i++) {
        const struct plan_option *option = &client->options[i];
        if (str_is(option->key, name) || str_is(option->key, other))
            (void)str_to_i64(str_trim(option->value), &otherwise);
    }
    return otherwise;
}

/* As the client does when it is made. */
static void check_timeouts(struct rules *rules, const struct doc_node *options,
                           const struct kafka_client *client)
{
    enum { TRANSACTION_TIMEOUT_MS = 60000 };
    int64_t transaction = find_number(client, "transaction.timeout.ms", "transaction.timeout.ms",
                                      TRANSACTION_TIMEOUT_MS);
    int64_t message = find_number(client, "message.timeout.ms", "delivery.timeout.ms", 0);
    const struct doc_node *node = doc_member(options, STR("kafka.delivery.timeout.ms"));
    node = node ? node : doc_member(options, STR("kafka.message.timeout.ms"));
    if (node && message > transaction)
        rules_error(rules, node,
                    "%s must not be above \"kafka.transaction.timeout.ms\", %lld: messages are "
                    "delivered within their transaction",
                    rules_quote(rules, node->key), (long long)transaction);
}

/* ---- the sink ---- */

struct reading {
    struct rules *rules;
    struct kafka_client client;
};

static bool take_client_option(void *user, struct doc_node *node)
{
    struct reading *reading = user;
    if (!plan_is_kafka_option(node->key))
        return false;
    uint32_t before = reading->client.count;
    plan_kafka_client_read(reading->rules, node, KAFKA_PRODUCER, &reading->client);
    if (reading->client.count > before)
        check_need(reading->rules, node);
    return true;
}

static void read_options(struct rules *rules, struct doc_node *options, struct plan_sink *sink)
{
    struct doc_node *found[OPTION_COUNT];
    struct reading reading = {.rules = rules};
    reading.client.options = RULES_ARRAY(rules, struct plan_option, options->count);
    if (!reading.client.options)
        return;
    rules_options(rules, options, &kafka_rule, take_client_option, &reading, found);
    sink->client = reading.client.options;
    sink->client_count = reading.client.count;
    check_timeouts(rules, options, &reading.client);
    if (!reading.client.has_brokers && !doc_member(options, STR("kafka.bootstrap.servers")))
        rules_error(rules, options,
                    "\"kafka.bootstrap.servers\" must be given for a Kafka sink: expected "
                    "host:port");
    struct doc_node *topic = found[OPTION_TOPIC];
    if (topic && plan_kafka_topic_check(rules, topic, 0, topic->text))
        sink->topic = topic->text;
}

void plan_sink_kafka_read(struct rules *rules, const struct sink_nodes *nodes,
                          struct plan_sink *sink)
{
    if (nodes->path)
        rules_error_key(rules, nodes->path, ERR_INVALID, "a kafka sink has no \"path\"");
    if (nodes->partition_by)
        rules_error_key(rules, nodes->partition_by, ERR_INVALID,
                        "a kafka sink has no \"partitionBy\"");
    if (nodes->options)
        read_options(rules, nodes->options, sink);
    else if (!doc_member(nodes->sink, STR("options")))
        rules_error(rules, nodes->sink,
                    "a kafka sink lacks \"options\": expected at least "
                    "\"kafka.bootstrap.servers\"");
}
