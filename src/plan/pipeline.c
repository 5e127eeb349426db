#include "plan/pipeline.h"

#include "plan/checkpoint.h"
#include "plan/http.h"
#include "plan/queries.h"
#include "plan/s3.h"
#include "plan/source.h"

enum {
    KEY_NAME,
    KEY_SOURCE,
    KEY_TRIGGER,
    KEY_QUERIES,
    KEY_CHECKPOINT,
    KEY_S3,
    KEY_HTTP,
    KEY_COUNT
};

static const struct rule_key pipeline_keys[KEY_COUNT] = {
    [KEY_NAME] = {"name", FORM_STRING, true, "a string"},
    [KEY_SOURCE] = {"source", FORM_OBJECT, true, "an object"},
    [KEY_TRIGGER] = {"trigger", FORM_OBJECT, false, "an object"},
    [KEY_QUERIES] = {"queries", FORM_ARRAY, true, "an array of queries"},
    [KEY_CHECKPOINT] = {"checkpointLocation", FORM_STRING, false,
                        "a directory or an s3:// location"},
    [KEY_S3] = {"s3", FORM_OBJECT, false, "an object"},
    [KEY_HTTP] = {"http", FORM_OBJECT | FORM_BOOLEAN, false,
                  "{\"listen\": \"host:port\"} or false"},
};

static const struct rule_hint pipeline_hints[] = {
    {"query", "unknown key \"query\" in the pipeline: \"queries\" is an array of them",
     ERR_INVALID},
    {"sources", "unknown key \"sources\" in the pipeline: there is one \"source\"", ERR_INVALID},
    {"sinks", "\"sinks\" belongs to a query", ERR_INVALID},
    {"checkpoint",
     "unknown key \"checkpoint\" in the pipeline: did you mean "
     "\"checkpointLocation\"?",
     ERR_INVALID},
};

static const struct rule_object pipeline_rule =
    RULE_OBJECT("the pipeline", pipeline_keys, pipeline_hints);

enum { TRIGGER_PROCESSING_TIME, TRIGGER_AVAILABLE_NOW, TRIGGER_COUNT };

static const struct rule_key trigger_keys[TRIGGER_COUNT] = {
    [TRIGGER_PROCESSING_TIME] = {"processingTime", FORM_STRING, false,
                                 "an interval like \"10 seconds\""},
    [TRIGGER_AVAILABLE_NOW] = {"availableNow", FORM_BOOLEAN, false, "true"},
};

static const struct rule_hint trigger_hints[] = {
    {"once", "trigger \"once\" is not supported: use {\"availableNow\": true}", ERR_INVALID},
    {"continuous", "trigger \"continuous\" is not supported: use a short \"processingTime\"",
     ERR_UNSUPPORTED},
    {"interval", "unknown key \"interval\" in \"trigger\": did you mean \"processingTime\"?",
     ERR_INVALID},
};

static const struct rule_object trigger_rule =
    RULE_OBJECT("\"trigger\"", trigger_keys, trigger_hints);

static void read_trigger(struct rules *rules, struct doc_node *node)
{
    struct plan *plan = rules->plan;
    struct doc_node *found[TRIGGER_COUNT];
    if (!rules_object(rules, node, &trigger_rule, found) || rules->conformance_case)
        return;
    struct doc_node *interval = found[TRIGGER_PROCESSING_TIME];
    struct doc_node *now = found[TRIGGER_AVAILABLE_NOW];
    bool both = doc_member(node, STR("processingTime")) && doc_member(node, STR("availableNow"));
    if (both || node->count == 0)
        rules_error(rules, node,
                    "\"trigger\" must have exactly one of \"processingTime\" and \"availableNow\"");
    if (interval)
        rules_interval(rules, interval, &plan->trigger_interval_ms);
    if (now && !rules_boolean(now))
        rules_error(rules, now,
                    "\"availableNow\" must be true; for a stream without end use "
                    "\"processingTime\"");
    plan->available_now = now && rules_boolean(now);
}

void plan_pipeline_read(struct rules *rules, struct doc_node *root)
{
    struct doc_node *found[KEY_COUNT];
    struct plan *plan = rules->plan;
    if (!rules_object(rules, root, &pipeline_rule, found))
        return;
    if (found[KEY_NAME] && rules_name(rules, found[KEY_NAME], "the pipeline's name"))
        plan->name = found[KEY_NAME]->text;
    if (found[KEY_SOURCE])
        plan_source_read(rules, found[KEY_SOURCE]);
    if (found[KEY_TRIGGER])
        read_trigger(rules, found[KEY_TRIGGER]);
    if (found[KEY_QUERIES])
        plan_queries_read(rules, found[KEY_QUERIES]);
    if (found[KEY_CHECKPOINT] && !rules->conformance_case)
        plan_checkpoint_read(rules, found[KEY_CHECKPOINT]);
    plan_s3_read(rules, found[KEY_S3]);
    plan_http_read(rules, found[KEY_HTTP]);
}
