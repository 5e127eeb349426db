#include "plan/source.h"

#include "plan/kafka_source.h"
#include "plan/sinks.h"
#include "plan/sql_errors.h"
#include "plan/value.h"

enum {
    KEY_NAME,
    KEY_FORMAT,
    KEY_OPTIONS,
    KEY_VALUE,
    KEY_TRANSFORM,
    KEY_WATERMARK,
    KEY_DEDUP,
    KEY_DEAD_LETTER,
    KEY_LATE_ROWS,
    KEY_COUNT
};

static const struct rule_key source_keys[KEY_COUNT] = {
    [KEY_NAME] = {"name", FORM_STRING, true, "a string, the view that queries read FROM"},
    [KEY_FORMAT] = {"format", FORM_STRING, true, "\"kafka\" or \"file\""},
    [KEY_OPTIONS] = {"options", FORM_OBJECT, false, "an object"},
    [KEY_VALUE] = {"value", FORM_OBJECT, true, "an object with the format of the messages"},
    [KEY_TRANSFORM] = {"transform", FORM_STRING | FORM_ARRAY, false,
                       "a query, or an array of its lines"},
    [KEY_WATERMARK] = {"watermark", FORM_OBJECT, false, "an object"},
    [KEY_DEDUP] = {"dropDuplicatesWithinWatermark", FORM_ARRAY, false, "an array of columns"},
    [KEY_DEAD_LETTER] = {"deadLetter", FORM_OBJECT, false, "a sink"},
    [KEY_LATE_ROWS] = {"lateRows", FORM_OBJECT, false, "a sink"},
};

static const struct rule_hint source_hints[] = {
    {"schema", "\"schema\" belongs in \"value\", beside its \"format\"", ERR_INVALID},
    {"trigger", "\"trigger\" belongs to the pipeline, beside \"source\"", ERR_INVALID},
    {"subscribe", "\"subscribe\" belongs in \"options\"", ERR_INVALID},
    {"type", "unknown key \"type\" in the source: did you mean \"format\"?", ERR_INVALID},
    {"dropDuplicates",
     "\"dropDuplicates\" is not supported: it keeps every key for ever; use "
     "\"dropDuplicatesWithinWatermark\"",
     ERR_UNSUPPORTED},
};

static const struct rule_object source_rule = RULE_OBJECT("the source", source_keys, source_hints);

enum { MARK_EVENT_TIME, MARK_DELAY, MARK_FUTURE, MARK_IDLE, MARK_PER_PARTITION, MARK_COUNT };

static const struct rule_key watermark_keys[MARK_COUNT] = {
    [MARK_EVENT_TIME] = {"eventTime", FORM_STRING, true, "the name of a TIMESTAMP column"},
    [MARK_DELAY] = {"delayThreshold", FORM_STRING, true, "an interval like \"1 minute\""},
    [MARK_FUTURE] = {"futureLimit", FORM_STRING, false, "an interval like \"1 hour\""},
    [MARK_IDLE] = {"idleTimeout", FORM_STRING, false, "an interval like \"5 minutes\""},
    [MARK_PER_PARTITION] = {"perPartition", FORM_BOOLEAN, false, "true or false"},
};

static const struct rule_hint watermark_hints[] = {
    {"delay", "unknown key \"delay\" in \"watermark\": did you mean \"delayThreshold\"?",
     ERR_INVALID},
};

static const struct rule_object watermark_rule =
    RULE_OBJECT("\"watermark\"", watermark_keys, watermark_hints);

/* Without a transform, the columns are those of the schema. */
static void check_event_time(struct rules *rules, const struct doc_node *node)
{
    const struct type *schema = rules->plan->value.schema;
    if (!schema || node->broken)
        return;
    for (uint32_t i = 0; i < schema->field_count; i++) {
        const struct field *field = &schema->fields[i];
        if (!str_eq_nocase(field->name, node->text))
            continue;
        if (field->type->kind != TYPE_TIMESTAMP)
            rules_error(rules, node, "\"eventTime\": column %s must be a TIMESTAMP",
                        rules_quote(rules, node->text));
        return;
    }
    if (!str_eq_nocase(node->text, STR("_timestamp")))
        rules_error(rules, node, "\"eventTime\": the schema has no column %s",
                    rules_quote(rules, node->text));
}

static void read_watermark(struct rules *rules, struct doc_node *node, bool transformed)
{
    struct doc_node *found[MARK_COUNT];
    struct plan_watermark *mark = &rules->plan->watermark;
    if (!rules_object(rules, node, &watermark_rule, found))
        return;
    *mark = (struct plan_watermark){.future_limit_ms = -1, .idle_timeout_ms = -1};
    if (found[MARK_EVENT_TIME]) {
        struct plan_where where = doc_where(found[MARK_EVENT_TIME]);
        mark->event_time = found[MARK_EVENT_TIME]->text;
        mark->line = where.line;
        mark->column = where.column;
        if (!transformed)
            check_event_time(rules, found[MARK_EVENT_TIME]);
    }
    mark->given = found[MARK_EVENT_TIME] && found[MARK_DELAY];
    if (found[MARK_DELAY])
        rules_delay(rules, found[MARK_DELAY], &mark->delay_ms);
    if (found[MARK_FUTURE] && !rules_interval(rules, found[MARK_FUTURE], &mark->future_limit_ms))
        mark->future_limit_ms = -1;
    if (found[MARK_IDLE] && !rules_interval(rules, found[MARK_IDLE], &mark->idle_timeout_ms))
        mark->idle_timeout_ms = -1;
    mark->per_partition = found[MARK_PER_PARTITION] && rules_boolean(found[MARK_PER_PARTITION]);
}

static void read_transform(struct rules *rules, struct doc_node *node)
{
    if (node->kind == DOC_ARRAY && !rules_string_array(rules, node, "transform"))
        return;
    if (node->broken)
        return;
    if (node->kind == DOC_STRING ? str_trim(node->text).n == 0 : node->count == 0)
        rules_error(rules, node,
                    "\"transform\" is empty: expected a query like SELECT * FROM source");
    else if (plan_sql_init(&rules->plan->transform, node, rules->arena))
        rules->out_of_memory = true;
}

static void read_dedup(struct rules *rules, struct doc_node *node)
{
    struct plan *plan = rules->plan;
    if (!rules_string_array(rules, node, "dropDuplicatesWithinWatermark"))
        return;
    if (node->count == 0)
        rules_error(rules, node,
                    "\"dropDuplicatesWithinWatermark\" is empty: expected at least one column");
    plan->dedup = RULES_ARRAY(rules, struct plan_name, node->count);
    for (struct doc_node *item = node->first; plan->dedup && item; item = item->next) {
        struct plan_where where = doc_where(item);
        plan->dedup[plan->dedup_count++] = (struct plan_name){item->text, where.line, where.column};
    }
}

static void read_stages(struct rules *rules, struct doc_node *node, struct doc_node **found)
{
    struct plan *plan = rules->plan;
    if (found[KEY_TRANSFORM])
        read_transform(rules, found[KEY_TRANSFORM]);
    if (found[KEY_WATERMARK])
        read_watermark(rules, found[KEY_WATERMARK], found[KEY_TRANSFORM] != NULL);
    if (found[KEY_DEDUP]) {
        if (!doc_member(node, STR("watermark")))
            rules_error_key(rules, found[KEY_DEDUP], ERR_INVALID,
                            "dropDuplicatesWithinWatermark is not supported on streaming "
                            "DataFrames/DataSets without watermark");
        read_dedup(rules, found[KEY_DEDUP]);
    }
    if (found[KEY_DEAD_LETTER])
        plan->dead_letter = plan_sink_read_extra(rules, found[KEY_DEAD_LETTER], "deadLetter");
    if (found[KEY_LATE_ROWS])
        plan->late_rows = plan_sink_read_extra(rules, found[KEY_LATE_ROWS], "lateRows");
}

void plan_source_read(struct rules *rules, struct doc_node *node)
{
    static const char *const formats[] = {"kafka", "file"};
    struct doc_node *found[KEY_COUNT];
    if (!rules_object(rules, node, &source_rule, found))
        return;
    if (found[KEY_NAME] && rules_name(rules, found[KEY_NAME], "the source's name"))
        rules->plan->view = found[KEY_NAME]->text;
    int format = -1;
    if (found[KEY_FORMAT])
        format = rules_enum(rules, found[KEY_FORMAT], "format", formats, COUNT_OF(formats));
    if (format == 0)
        plan_kafka_read(rules, node, found[KEY_OPTIONS]);
    else if (format == 1)
        rules_unsupported(rules, found[KEY_FORMAT], "source format \"file\" is not supported yet");
    if (found[KEY_VALUE])
        plan_value_read(rules, found[KEY_VALUE]);
    read_stages(rules, node, found);
}
