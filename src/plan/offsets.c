#include "plan/offsets.h"

#include <stdlib.h>

#include "plan/env.h"
#include "plan/kafka_options.h"

/* The object itself, or the one whose JSON the string holds; NULL after an error. */
static struct doc_node *open_json(struct rules *rules, struct doc_node *node, const char *name,
                                  const char *example)
{
    struct doc_node *object = node;
    if (node->broken)
        return NULL;
    if (node->kind == DOC_STRING) {
        struct doc_source *source = RULES_ARRAY(rules, struct doc_source, 1);
        struct doc_error error;
        if (!source)
            return NULL;
        *source = (struct doc_source){.column = 1, .inside = node};
        int code = doc_parse(&object, node->text, source, rules->arena, &error);
        rules->out_of_memory |= code == ERR_NOMEM;
        if (code == ERR_INVALID)
            rules_error_in(rules, node, error.offset, "\"%s\" must be JSON like %s: %s", name,
                           example, error.message);
        if (code)
            return NULL;
    }
    if (object->kind != DOC_OBJECT || object->count == 0) {
        rules_error(rules, object, "\"%s\" must be JSON like %s", name, example);
        return NULL;
    }
    env_check_duplicates(rules, object);
    return object;
}

static uint32_t count_members(const struct doc_node *object)
{
    uint32_t n = 0;
    for (const struct doc_node *topic = object->first; topic; topic = topic->next)
        n += topic->count;
    return n;
}

/* A topic's name is a key: the error stands there. */
static bool check_topic_key(struct rules *rules, const struct doc_node *member)
{
    struct doc_node as_value = {.kind = DOC_NULL,
                                .source = member->key_source,
                                .offset = member->key_offset,
                                .line = member->key_line,
                                .column = member->key_column};
    return plan_kafka_topic_check(rules, &as_value, 0, member->key);
}

static int compare_partitions(const void *a, const void *b)
{
    const struct plan_partition_offset *left = a, *right = b;
    int order = str_cmp(left->topic, right->topic);
    return order ? order
                 : (left->partition > right->partition) - (left->partition < right->partition);
}

static bool sort_partitions(struct rules *rules, const struct doc_node *node,
                            struct plan_partition_offset *items, uint32_t n)
{
    if (n)
        qsort(items, n, sizeof *items, compare_partitions);
    for (uint32_t i = 1; i < n; i++) {
        if (compare_partitions(&items[i - 1], &items[i]) == 0) {
            rules_error(rules, node, "partition %d of topic \"%.*s\" is given twice",
                        items[i].partition, STR_ARG(items[i].topic));
            return false;
        }
    }
    return true;
}

static bool parse_assigned_topic(struct rules *rules, const struct doc_node *topic,
                                 struct plan_partition_offset *out, uint32_t *count)
{
    bool ok = check_topic_key(rules, topic);
    if (topic->kind != DOC_ARRAY || topic->count == 0) {
        rules_error(rules, topic, "expected an array of partitions, like [0, 1]");
        return false;
    }
    for (const struct doc_node *item = topic->first; item; item = item->next) {
        int64_t partition = 0;
        if (!rules_form(rules, item, "partition", FORM_INTEGER, "a number from 0") ||
            !rules_integer(rules, item, 0, INT32_MAX, &partition))
            ok = false;
        out[(*count)++] = (struct plan_partition_offset){topic->key, (int32_t)partition, 0};
    }
    return ok;
}

bool offsets_parse_assign(struct rules *rules, struct doc_node *node,
                          struct plan_partition_offset **out, uint32_t *out_count)
{
    struct doc_node *object = open_json(rules, node, "assign", "{\"topic\":[0,1]}");
    if (!object)
        return false;
    *out = RULES_ARRAY(rules, struct plan_partition_offset, count_members(object));
    bool ok = *out != NULL;
    uint32_t count = 0;
    for (const struct doc_node *topic = object->first; topic && *out; topic = topic->next)
        ok &= parse_assigned_topic(rules, topic, *out, &count);
    *out_count = count;
    return ok && sort_partitions(rules, node, *out, count);
}

static bool parse_starting_topic(struct rules *rules, const struct doc_node *topic,
                                 struct plan_partition_offset *out, uint32_t *count)
{
    bool ok = check_topic_key(rules, topic);
    if (topic->kind != DOC_OBJECT || topic->count == 0) {
        rules_error(rules, topic, "expected an offset per partition, like {\"0\":23,\"1\":-2}");
        return false;
    }
    env_check_duplicates(rules, (struct doc_node *)topic);
    for (const struct doc_node *item = topic->first; item; item = item->next) {
        int64_t partition = 0, offset = 0;
        if (!str_to_i64(item->key, &partition) || partition < 0 || partition > INT32_MAX) {
            rules_error_key(rules, item, ERR_INVALID, "expected a partition's number, not %s",
                            rules_quote(rules, item->key));
            ok = false;
        }
        if (!rules_form(rules, item, "offset", FORM_INTEGER,
                        "an offset, or -2 (earliest) or -1 (latest)") ||
            !rules_integer(rules, item, OFFSET_EARLIEST, INT64_MAX, &offset))
            ok = false;
        out[(*count)++] = (struct plan_partition_offset){topic->key, (int32_t)partition, offset};
    }
    return ok;
}

bool offsets_parse_starting(struct rules *rules, struct doc_node *node,
                            struct plan_partition_offset **out, uint32_t *out_count)
{
    struct doc_node *object =
        open_json(rules, node, "startingOffsets",
                  "{\"topic\":{\"0\":23,\"1\":-2}}, or \"earliest\" or \"latest\"");
    if (!object)
        return false;
    *out = RULES_ARRAY(rules, struct plan_partition_offset, count_members(object));
    bool ok = *out != NULL;
    uint32_t count = 0;
    for (const struct doc_node *topic = object->first; topic && *out; topic = topic->next)
        ok &= parse_starting_topic(rules, topic, *out, &count);
    *out_count = count;
    return ok && sort_partitions(rules, node, *out, count);
}

static int compare_topic(const void *key, const void *item)
{
    return str_cmp(*(const struct str *)key, ((const struct plan_partition_offset *)item)->topic);
}

static int compare_names(const void *a, const void *b)
{
    return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

static void check_topics(struct rules *rules, const struct doc_node *node,
                         const struct plan_kafka *kafka)
{
    const struct plan_partition_offset *items = kafka->starting_offsets;
    uint32_t n = kafka->starting_offset_count;
    for (uint32_t i = 0; i < kafka->topic_count; i++) {
        if (!bsearch(&kafka->topics[i], items, n, sizeof *items, compare_topic))
            rules_error(rules, node,
                        "\"startingOffsets\" lacks topic \"%.*s\": expected offsets for every "
                        "partition that is read (-2 is earliest, -1 latest)",
                        STR_ARG(kafka->topics[i]));
    }
    for (uint32_t i = 0; i < n; i++) {
        bool seen = i > 0 && str_eq(items[i].topic, items[i - 1].topic);
        if (!seen && !bsearch(&items[i].topic, kafka->topics, kafka->topic_count,
                              sizeof *kafka->topics, compare_names))
            rules_error(rules, node,
                        "\"startingOffsets\" names topic \"%.*s\", which is not in \"subscribe\"",
                        STR_ARG(items[i].topic));
    }
}

static void check_partitions(struct rules *rules, const struct doc_node *node,
                             const struct plan_kafka *kafka)
{
    uint32_t i = 0, j = 0;
    while (i < kafka->assigned_count || j < kafka->starting_offset_count) {
        const struct plan_partition_offset *assigned = &kafka->assigned[i];
        const struct plan_partition_offset *start = &kafka->starting_offsets[j];
        int order = i == kafka->assigned_count          ? 1
                    : j == kafka->starting_offset_count ? -1
                                                        : compare_partitions(assigned, start);
        if (order < 0)
            rules_error(rules, node,
                        "\"startingOffsets\" lacks partition %d of \"%.*s\", which is assigned "
                        "(-2 is earliest, -1 latest)",
                        assigned->partition, STR_ARG(assigned->topic));
        else if (order > 0)
            rules_error(rules, node,
                        "\"startingOffsets\" names partition %d of \"%.*s\", which is not assigned",
                        start->partition, STR_ARG(start->topic));
        i += order <= 0;
        j += order >= 0;
    }
}

void offsets_check_cover(struct rules *rules, const struct doc_node *node,
                         const struct plan_kafka *kafka)
{
    if (kafka->subscription == SUBSCRIBE_TOPICS)
        check_topics(rules, node, kafka);
    else if (kafka->subscription == SUBSCRIBE_ASSIGN)
        check_partitions(rules, node, kafka);
}
