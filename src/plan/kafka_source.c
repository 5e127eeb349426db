#include "plan/kafka_source.h"

#include <stdlib.h>

#include "plan/kafka_options.h"
#include "plan/offsets.h"

enum { TOPICS_MAX = 10000 };

enum option {
    OPTION_SUBSCRIBE,
    OPTION_PATTERN,
    OPTION_ASSIGN,
    OPTION_STARTING_OFFSETS,
    OPTION_STARTING_TIMESTAMP,
    OPTION_TIMESTAMP_STRATEGY,
    OPTION_MAX_OFFSETS,
    OPTION_FAIL_ON_LOSS,
    OPTION_COUNT
};

static const struct rule_key option_keys[OPTION_COUNT] = {
    [OPTION_SUBSCRIBE] = {"subscribe", FORM_STRING, false, "topics, separated by commas"},
    [OPTION_PATTERN] = {"subscribePattern", FORM_STRING, false, "a regular expression"},
    [OPTION_ASSIGN] = {"assign", FORM_STRING | FORM_OBJECT, false, "JSON like {\"topic\":[0,1]}"},
    [OPTION_STARTING_OFFSETS] = {"startingOffsets", FORM_STRING | FORM_OBJECT, false,
                                 "\"earliest\", \"latest\" or JSON like {\"topic\":{\"0\":23}}"},
    [OPTION_STARTING_TIMESTAMP] = {"startingTimestamp", FORM_INTEGER, false,
                                   "milliseconds since 1970"},
    [OPTION_TIMESTAMP_STRATEGY] = {"startingOffsetsByTimestampStrategy", FORM_STRING, false,
                                   "\"error\" or \"latest\""},
    [OPTION_MAX_OFFSETS] = {"maxOffsetsPerTrigger", FORM_INTEGER, false, "a whole number from 1"},
    [OPTION_FAIL_ON_LOSS] = {"failOnDataLoss", FORM_BOOLEAN, false, "true or false"},
};

#define NOT_YET(name, text)                                                                        \
    {                                                                                              \
        name, "source option \"" name "\" is not supported yet" text, ERR_UNSUPPORTED              \
    }
#define NEVER(name, text)                                                                          \
    {                                                                                              \
        name, "source option \"" name "\" " text, ERR_INVALID                                      \
    }

static const struct rule_hint option_hints[] = {
    NOT_YET("startingOffsetsByTimestamp", ": \"startingTimestamp\" is one time for all partitions"),
    NOT_YET("minOffsetsPerTrigger", ": the trigger's interval decides when a batch ends"),
    NOT_YET("maxTriggerDelay", ": it belongs to \"minOffsetsPerTrigger\""),
    NEVER("includeHeaders", "is not needed: headers are the column \"_headers\""),
    NEVER("minPartitions", "splits the work of a cluster; sluice reads all partitions in one "
                           "process: leave it out"),
    NEVER("groupIdPrefix", "is for Spark's generated group ids; set \"kafka.group.id\" instead"),
    NEVER("kafkaConsumer.pollTimeoutMs", "is for Spark's executors: leave it out"),
    NEVER("fetchOffset.numRetries", "is not needed: sluice retries until the broker is back"),
    NEVER("fetchOffset.retryIntervalMs", "is not needed: set \"kafka.reconnect.backoff.ms\""),
    NEVER("endingOffsets", "is not valid in a stream: use the trigger {\"availableNow\": true}"),
    NEVER("endingTimestamp", "is not valid in a stream: use the trigger {\"availableNow\": true}"),
    NEVER("endingOffsetsByTimestamp",
          "is not valid in a stream: use the trigger {\"availableNow\": true}"),
    NEVER("bootstrap.servers", "lacks its prefix: write \"kafka.bootstrap.servers\""),
    NEVER("topic", "belongs to a sink: write \"subscribe\""),
    NEVER("topics", "is not Spark's name: write \"subscribe\""),
};

static const struct rule_object options_rule =
    RULE_OBJECT("the options of a Kafka source", option_keys, option_hints);

/* The options of one source while they are read. */
struct reading {
    struct rules *rules;
    struct plan_kafka *kafka;
    struct doc_node *found[OPTION_COUNT];
    struct kafka_client client;
};

static void read_option(struct reading *reading, struct doc_node *node)
{
    struct rules *rules = reading->rules;
    if (plan_is_kafka_option(node->key)) {
        plan_kafka_client_read(rules, node, KAFKA_CONSUMER, &reading->client);
        return;
    }
    size_t i = 0;
    while (i < OPTION_COUNT && !str_eq_nocase(node->key, str_of(option_keys[i].name)))
        i++;
    if (i == OPTION_COUNT) {
        rules_unknown_key(rules, node, &options_rule);
    } else if (reading->found[i] && !str_eq(reading->found[i]->key, node->key)) {
        rules_error_key(rules, node, ERR_INVALID,
                        "option %s is \"%.*s\" once more: case does not matter",
                        rules_quote(rules, node->key), STR_ARG(reading->found[i]->key));
    } else if (!reading->found[i] && !rules->conformance_case) {
        reading->found[i] = node;
    }
}

static int compare_topics(const void *a, const void *b)
{
    return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

/* Sorted and without repetitions, as a set. */
static void read_topics(struct reading *reading, const struct doc_node *node)
{
    struct rules *rules = reading->rules;
    struct plan_kafka *kafka = reading->kafka;
    size_t count = 1, n = 0;
    for (size_t i = 0; i < node->text.n; i++)
        count += node->text.p[i] == ',';
    if (count > TOPICS_MAX) {
        rules_error(rules, node, "\"subscribe\" names too many topics: at most 10000");
        return;
    }
    kafka->topics = RULES_ARRAY(rules, struct str, count);
    for (size_t start = 0; start <= node->text.n && kafka->topics;) {
        size_t end = start;
        while (end < node->text.n && node->text.p[end] != ',')
            end++;
        struct str topic = str_trim((struct str){node->text.p + start, end - start});
        if (topic.n && plan_kafka_topic_check(rules, node, (size_t)(topic.p - node->text.p), topic))
            kafka->topics[n++] = topic;
        start = end + 1;
    }
    if (str_trim(node->text).n == 0)
        rules_error(rules, node, "\"subscribe\" is empty: expected topics, separated by commas");
    if (n)
        qsort(kafka->topics, n, sizeof *kafka->topics, compare_topics);
    for (size_t i = 0; i < n; i++) {
        if (i == 0 || !str_eq(kafka->topics[i], kafka->topics[kafka->topic_count - 1]))
            kafka->topics[kafka->topic_count++] = kafka->topics[i];
    }
}

static void read_pattern(struct reading *reading, const struct doc_node *node)
{
    struct plan_kafka *kafka = reading->kafka;
    if (!plan_kafka_pattern_check(reading->rules, node))
        return;
    kafka->topics = RULES_ARRAY(reading->rules, struct str, 1);
    if (kafka->topics)
        kafka->topics[kafka->topic_count++] = node->text;
}

/* True when what is read is known, so that starting offsets can be compared with it. */
static bool read_subscription(struct reading *reading, const struct doc_node *options)
{
    struct rules *rules = reading->rules;
    struct plan_kafka *kafka = reading->kafka;
    struct doc_node *node = NULL;
    int given = 0;
    for (int i = OPTION_SUBSCRIBE; i <= OPTION_ASSIGN; i++) {
        if (!reading->found[i])
            continue;
        if (given++)
            rules_error_key(rules, reading->found[i], ERR_INVALID,
                            "only one of \"subscribe\", \"subscribePattern\" and \"assign\" can be "
                            "given for a Kafka source");
        else
            node = reading->found[i];
    }
    if (!node) {
        rules_error(rules, options,
                    "one of \"subscribe\", \"subscribePattern\" and \"assign\" must be given for a "
                    "Kafka source");
        return false;
    }
    enum option option = node == reading->found[OPTION_SUBSCRIBE] ? OPTION_SUBSCRIBE
                         : node == reading->found[OPTION_PATTERN] ? OPTION_PATTERN
                                                                  : OPTION_ASSIGN;
    const struct rule_key *key = &option_keys[option];
    if (!rules_form(rules, node, key->name, key->forms, key->expected))
        return false;
    if (option == OPTION_ASSIGN) {
        kafka->subscription = SUBSCRIBE_ASSIGN;
        return offsets_parse_assign(rules, node, &kafka->assigned, &kafka->assigned_count) &&
               given == 1;
    }
    kafka->subscription = option == OPTION_SUBSCRIBE ? SUBSCRIBE_TOPICS : SUBSCRIBE_PATTERN;
    if (option == OPTION_SUBSCRIBE)
        read_topics(reading, node);
    else
        read_pattern(reading, node);
    return kafka->topic_count > 0 && given == 1;
}

static void read_starting(struct reading *reading, struct doc_node *node, bool subscribed)
{
    struct rules *rules = reading->rules;
    struct plan_kafka *kafka = reading->kafka;
    struct str word = node->kind == DOC_STRING ? str_trim(node->text) : (struct str){NULL, 0};
    if (str_eq_nocase(word, STR("earliest"))) {
        kafka->starting = START_EARLIEST;
    } else if (str_eq_nocase(word, STR("latest"))) {
        kafka->starting = START_LATEST;
    } else if (node->kind == DOC_STRING && (word.n == 0 || word.p[0] != '{')) {
        static const char *const words[] = {"earliest", "latest"};
        rules_error(rules, node,
                    "\"startingOffsets\" must be \"earliest\", \"latest\" or JSON like "
                    "{\"topic\":{\"0\":23,\"1\":-2}}, not %s%s",
                    rules_quote(rules, node->text), rules_did_you_mean(rules, word, words, 2));
    } else {
        kafka->starting = START_OFFSETS;
        if (offsets_parse_starting(rules, node, &kafka->starting_offsets,
                                   &kafka->starting_offset_count) &&
            subscribed)
            offsets_check_cover(rules, node, kafka);
    }
}

/* The found option when it has its form. */
static struct doc_node *take_option(struct reading *reading, enum option option)
{
    struct doc_node *node = reading->found[option];
    const struct rule_key *key = &option_keys[option];
    return node && rules_form(reading->rules, node, key->name, key->forms, key->expected) ? node
                                                                                          : NULL;
}

static void read_rest(struct reading *reading)
{
    static const char *const strategies[] = {"error", "latest"};
    struct rules *rules = reading->rules;
    struct plan_kafka *kafka = reading->kafka;
    struct doc_node *node = take_option(reading, OPTION_STARTING_TIMESTAMP);
    /* As in Spark it goes before startingOffsets. */
    if (node && rules_integer(rules, node, 0, INT64_MAX, &kafka->starting_timestamp_ms))
        kafka->starting = START_TIMESTAMP;
    node = take_option(reading, OPTION_TIMESTAMP_STRATEGY);
    if (node)
        kafka->starting_timestamp_or_latest =
            rules_enum(rules, node, option_keys[OPTION_TIMESTAMP_STRATEGY].name, strategies, 2) ==
            1;
    node = take_option(reading, OPTION_MAX_OFFSETS);
    if (node)
        rules_integer(rules, node, 1, INT64_MAX, &kafka->max_offsets_per_trigger);
    node = take_option(reading, OPTION_FAIL_ON_LOSS);
    if (node)
        kafka->fail_on_data_loss = rules_boolean(node);
}

void plan_kafka_read(struct rules *rules, const struct doc_node *source, struct doc_node *options)
{
    struct reading reading = {.rules = rules, .kafka = &rules->plan->kafka};
    reading.kafka->fail_on_data_loss = true;
    if (!options) {
        if (!rules->conformance_case && !doc_member(source, STR("options")))
            rules_error(rules, source,
                        "the source lacks \"options\": expected at least "
                        "\"kafka.bootstrap.servers\" and \"subscribe\"");
        return;
    }
    reading.client.options = RULES_ARRAY(rules, struct plan_option, options->count);
    if (!reading.client.options)
        return;
    for (struct doc_node *node = options->first; node; node = node->next)
        read_option(&reading, node);
    reading.kafka->client = reading.client.options;
    reading.kafka->client_count = reading.client.count;
    if (rules->conformance_case)
        return;
    if (!reading.client.has_brokers && !doc_member(options, STR("kafka.bootstrap.servers")))
        rules_error(rules, options,
                    "\"kafka.bootstrap.servers\" must be given for a Kafka source: expected "
                    "host:port");
    bool subscribed = read_subscription(&reading, options);
    struct doc_node *starting = take_option(&reading, OPTION_STARTING_OFFSETS);
    if (starting)
        read_starting(&reading, starting, subscribed);
    read_rest(&reading);
}
