#include "plan/kafka_options.h"

#include <stdio.h>
#include <stdlib.h>

static const struct kafka_property *find_property(struct str name)
{
    for (size_t i = 0; i < plan_kafka_property_count; i++) {
        if (str_is(name, plan_kafka_properties[i].name))
            return &plan_kafka_properties[i];
    }
    return NULL;
}

/* The refusal of a name for one of the two; else any of it, so that it is not taken for unknown. */
static const struct kafka_refusal *find_refusal(const struct kafka_refusal *refusals, size_t n,
                                                struct str name, enum kafka_scope scope)
{
    const struct kafka_refusal *found = NULL;
    for (size_t i = 0; i < n; i++) {
        if (!str_is(name, refusals[i].name))
            continue;
        found = &refusals[i];
        if (found->scope & scope)
            return found;
    }
    return found;
}

static void report_other_side(struct rules *rules, const struct doc_node *node, struct str name,
                              enum kafka_scope scope)
{
    rules_error_key(rules, node, ERR_INVALID, "\"kafka.%.*s\" is an option of a %s, not of a %s",
                    STR_ARG(name), scope == KAFKA_CONSUMER ? "producer" : "consumer",
                    scope == KAFKA_CONSUMER ? "source" : "sink");
}

/* Whether the name is refused, and reported. */
static bool report_refused(struct rules *rules, const struct doc_node *node, struct str name,
                           enum kafka_scope scope)
{
    const struct kafka_property *property = find_property(name);
    const struct kafka_refusal *engine =
        find_refusal(plan_kafka_engine_names, plan_kafka_engine_name_count, name, scope);
    const struct kafka_refusal *java =
        find_refusal(plan_kafka_java_names, plan_kafka_java_name_count, name, scope);
    if (engine && engine->scope & scope) {
        rules_error_key(rules, node, ERR_INVALID, "Kafka option \"%.*s\" is not supported: %s",
                        STR_ARG(name), engine->sentence);
        return true;
    }
    if (java && java->scope & scope) {
        rules_error_key(rules, node, ERR_INVALID, "\"kafka.%.*s\" is a name of the Java client: %s",
                        STR_ARG(name), java->sentence);
        return true;
    }
    if ((engine || java) && !(property && property->scope & scope)) {
        report_other_side(rules, node, name, scope);
        return true;
    }
    return false;
}

static bool contains(struct str s, const char *word)
{
    struct str part = str_of(word);
    for (size_t i = 0; i + part.n <= s.n; i++) {
        if (str_eq_nocase((struct str){s.p + i, part.n}, part))
            return true;
    }
    return false;
}

bool plan_kafka_option_is_secret(struct str name)
{
    const struct kafka_property *property = find_property(name);
    if (property)
        return property->kind == KAFKA_SECRET;
    return contains(name, "passw") || contains(name, "secret") || contains(name, "token") ||
           contains(name, "jaas") || contains(name, "key.pem") || contains(name, "keystore.key");
}

static void report_unknown(struct rules *rules, const struct doc_node *node, struct str name)
{
    enum { NAMES_MAX = 256 };
    const char *names[NAMES_MAX];
    REQUIRE(plan_kafka_property_count <= NAMES_MAX);
    size_t n = 0;
    for (size_t i = 0; i < plan_kafka_property_count; i++) {
        if (plan_kafka_properties[i].kind != KAFKA_POINTER)
            names[n++] = plan_kafka_properties[i].name;
    }
    const char *near = plan_errors_full(rules->errors) ? NULL : str_suggest(name, names, n);
    if (near)
        rules_error_key(rules, node, ERR_INVALID, "unknown option %s: did you mean \"kafka.%s\"?",
                        rules_quote(rules, node->key), near);
    else
        rules_error_key(rules, node, ERR_INVALID,
                        "unknown option %s: expected \"kafka.\" and a property of librdkafka 2.0.2",
                        rules_quote(rules, node->key));
}

static bool word_is_listed(struct str word, const char *words)
{
    for (const char *p = words; *p;) {
        size_t n = strcspn(p, ",");
        if (str_eq_nocase(word, (struct str){p, n}))
            return true;
        p += n + (p[n] ? 2 : 0);
    }
    return false;
}

static bool check_number(struct rules *rules, const struct doc_node *node,
                         const struct kafka_property *property)
{
    char text[64], *end = text;
    double number = 0;
    struct str trimmed = str_trim(node->text);
    if (trimmed.n && trimmed.n < sizeof text && trimmed.p[0] != 'n' && trimmed.p[0] != 'i') {
        memcpy(text, trimmed.p, trimmed.n);
        text[trimmed.n] = '\0';
        number = strtod(text, &end);
    }
    if (end != text && *end == '\0' && number >= (double)property->min &&
        number <= (double)property->max)
        return true;
    rules_error(rules, node, "\"kafka.%s\" must be a number from %lld to %lld, not %s",
                property->name, (long long)property->min, (long long)property->max,
                rules_quote(rules, node->text));
    return false;
}

static bool check_value_of(struct rules *rules, const struct doc_node *node,
                           const struct kafka_property *property)
{
    switch (property->kind) {
    case KAFKA_INTEGER:
        return check_number(rules, node, property);
    case KAFKA_BOOLEAN:
        if (word_is_listed(node->text, "true, false"))
            return true;
        rules_error(rules, node, "\"kafka.%s\" must be true or false, not %s", property->name,
                    rules_quote(rules, node->text));
        return false;
    case KAFKA_WORD:
        if (word_is_listed(node->text, property->words))
            return true;
        rules_error(rules, node, "\"kafka.%s\" must be one of %s, not %s", property->name,
                    property->words, rules_quote(rules, node->text));
        return false;
    default:
        return true;
    }
}

bool plan_kafka_option_check(struct rules *rules, const struct doc_node *node, struct str name,
                             enum kafka_scope scope, bool check_value)
{
    if (report_refused(rules, node, name, scope))
        return false;
    const struct kafka_property *property = find_property(name);
    if (!property) {
        report_unknown(rules, node, name);
        return false;
    }
    if (property->kind == KAFKA_POINTER) {
        rules_error_key(rules, node, ERR_INVALID,
                        "\"kafka.%s\" cannot be set in a document: it is not a text",
                        property->name);
        return false;
    }
    if (!(property->scope & scope)) {
        report_other_side(rules, node, name, scope);
        return false;
    }
    return !check_value || check_value_of(rules, node, property);
}

bool plan_is_kafka_option(struct str key)
{
    return key.n >= 6 && str_eq_nocase((struct str){key.p, 6}, STR("kafka."));
}

void plan_kafka_client_read(struct rules *rules, const struct doc_node *node,
                            enum kafka_scope scope, struct kafka_client *client)
{
    struct str name = {node->key.p + 6, node->key.n - 6};
    if (!plan_kafka_option_check(rules, node, name, scope, false) || rules->conformance_case)
        return;
    if (node->kind == DOC_NULL || node->kind == DOC_ARRAY || node->kind == DOC_OBJECT) {
        rules_error(rules, node, "\"kafka.%.*s\" must be a string, number or boolean, not %s",
                    STR_ARG(name), doc_kind_name(node->kind));
        return;
    }
    if (node->broken || !plan_kafka_option_check(rules, node, name, scope, true))
        return;
    bool is_brokers = str_is(name, "bootstrap.servers");
    client->has_brokers |= is_brokers;
    if (is_brokers && !plan_kafka_brokers_check(rules, node))
        return;
    struct plan_where where = doc_where(node);
    client->options[client->count++] =
        (struct plan_option){.key = name,
                             .value = node->text,
                             .secret = plan_kafka_option_is_secret(name),
                             .line = where.line,
                             .column = where.column};
}

static bool port_is_good(struct str entry)
{
    size_t colon = entry.n;
    while (colon > 0 && entry.p[colon - 1] != ':' && entry.p[colon - 1] != ']')
        colon--;
    if (colon == 0 || entry.p[colon - 1] == ']')
        return true; /* no port */
    int64_t port;
    return entry.p[colon] != '-' && entry.p[colon] != '+' &&
           str_to_i64((struct str){entry.p + colon, entry.n - colon}, &port) && port > 0 &&
           port < 65536;
}

bool plan_kafka_brokers_check(struct rules *rules, const struct doc_node *node)
{
    struct str text = node->text;
    for (size_t start = 0; start <= text.n;) {
        size_t end = start;
        while (end < text.n && text.p[end] != ',')
            end++;
        struct str entry = str_trim((struct str){text.p + start, end - start});
        if (entry.n == 0 || entry.p[entry.n - 1] == ':' || entry.p[0] == ':' ||
            !port_is_good(entry)) {
            rules_error_in(rules, node, start,
                           "\"kafka.bootstrap.servers\" must be host:port, separated by commas, "
                           "not %s",
                           rules_quote(rules, text));
            return false;
        }
        start = end + 1;
    }
    return !node->broken;
}

bool plan_kafka_topic_check(struct rules *rules, const struct doc_node *node, size_t offset,
                            struct str topic)
{
    bool ok = topic.n > 0 && topic.n <= 249 && !str_is(topic, ".") && !str_is(topic, "..");
    for (size_t i = 0; ok && i < topic.n; i++) {
        char c = topic.p[i];
        ok = ((c | 32) >= 'a' && (c | 32) <= 'z') || (c >= '0' && c <= '9') || c == '.' ||
             c == '_' || c == '-';
    }
    if (!ok)
        rules_error_in(rules, node, offset,
                       "%s is not a topic's name: expected 1 to 249 of a-z, A-Z, 0-9, '.', '_' "
                       "and '-'",
                       rules_quote(rules, topic));
    return ok && !node->broken;
}

bool plan_kafka_pattern_check(struct rules *rules, const struct doc_node *node)
{
    struct str text = node->text;
    const char *problem = text.n ? NULL : "it is empty";
    size_t open = 0, at = 0;
    bool in_class = false, can_repeat = false;
    for (size_t i = 0; i < text.n && !problem; i++) {
        char c = text.p[i];
        at = i;
        if (c == '\\') {
            problem = ++i == text.n ? "nothing follows the last backslash" : NULL;
            can_repeat = true;
        } else if (in_class) {
            in_class = c != ']';
            can_repeat = true;
        } else if (c == '[') {
            in_class = true;
            i += i + 1 < text.n && text.p[i + 1] == '^';
            i += i + 1 < text.n && text.p[i + 1] == ']';
        } else if (c == '(') {
            open++;
            can_repeat = false;
            i += i + 1 < text.n && text.p[i + 1] == '?';
        } else if (c == ')') {
            problem = open-- == 0 ? "')' without '('" : NULL;
            can_repeat = true;
        } else if (c == '*' || c == '+' || c == '?') {
            problem = can_repeat ? NULL : "there is nothing before it to repeat";
        } else {
            can_repeat = c != '|' && c != '^';
        }
    }
    if (!problem && (in_class || open))
        problem = in_class ? "'[' is never closed" : "'(' is never closed";
    if (problem)
        rules_error_in(rules, node, at, "\"subscribePattern\" is not a regular expression: %s",
                       problem);
    return !problem && !node->broken;
}
