#include "plan/sinks.h"

#include <stdio.h>

#include "plan/sink_files.h"
#include "plan/sink_kafka.h"

enum { KEY_NAME, KEY_FORMAT, KEY_PATH, KEY_PARTITION_BY, KEY_OPTIONS, KEY_COUNT };

static const struct rule_key sink_keys[KEY_COUNT] = {
    [KEY_NAME] = {"name", FORM_STRING, false, "a string"},
    [KEY_FORMAT] = {"format", FORM_STRING, true, "console, json, parquet, csv or kafka"},
    [KEY_PATH] = {"path", FORM_STRING, false, "a directory or s3://bucket/prefix"},
    [KEY_PARTITION_BY] = {"partitionBy", FORM_ARRAY, false, "an array of columns"},
    [KEY_OPTIONS] = {"options", FORM_OBJECT, false, "an object"},
};

static const struct rule_hint sink_hints[] = {
    {"outputMode", "\"outputMode\" belongs to the query, beside \"sinks\"", ERR_INVALID},
    {"mode", "\"mode\" belongs to the query, as \"outputMode\"", ERR_INVALID},
    {"trigger", "\"trigger\" belongs to the pipeline: all sinks share it", ERR_INVALID},
    {"checkpointLocation", "\"checkpointLocation\" belongs to the pipeline: all sinks share it",
     ERR_INVALID},
    {"type", "unknown key \"type\" in a sink: did you mean \"format\"?", ERR_INVALID},
};

static const struct rule_object sink_rule = RULE_OBJECT("a sink", sink_keys, sink_hints);

static const char *const format_names[] = {
    [SINK_CONSOLE] = "console", [SINK_JSON] = "json",   [SINK_PARQUET] = "parquet",
    [SINK_CSV] = "csv",         [SINK_KAFKA] = "kafka",
};

const char *plan_sink_format_name(enum plan_sink_format format)
{
    return format_names[format];
}

enum { CONSOLE_TRUNCATE, CONSOLE_NUM_ROWS, CONSOLE_COUNT };

static const struct rule_key console_keys[CONSOLE_COUNT] = {
    [CONSOLE_TRUNCATE] = {"truncate", FORM_BOOLEAN | FORM_INTEGER, false,
                          "true, false or a width in characters"},
    [CONSOLE_NUM_ROWS] = {"numRows", FORM_INTEGER, false, "a number of rows"},
};

static const struct rule_hint console_hints[] = {
    {"vertical", "console option \"vertical\" is not supported yet", ERR_UNSUPPORTED},
};

static const struct rule_object console_rule =
    RULE_OBJECT("the options of a console sink", console_keys, console_hints);

static void read_console(struct rules *rules, struct doc_node **keys, struct plan_sink *sink)
{
    struct doc_node *found[CONSOLE_COUNT] = {NULL};
    int64_t number;
    for (int i = KEY_PATH; i <= KEY_PARTITION_BY; i++) {
        if (keys[i])
            rules_error_key(rules, keys[i], ERR_INVALID, "a console sink has no \"%s\"",
                            sink_keys[i].name);
    }
    if (keys[KEY_OPTIONS])
        rules_options(rules, keys[KEY_OPTIONS], &console_rule, NULL, NULL, found);
    struct doc_node *truncate = found[CONSOLE_TRUNCATE];
    if (truncate && str_to_i64(str_trim(truncate->text), &number)) {
        if (rules_integer(rules, truncate, 0, INT32_MAX, &number)) {
            sink->truncate = number > 0;
            sink->truncate_width = number > 0 ? (int32_t)number : 20;
        }
    } else if (truncate) {
        sink->truncate = rules_boolean(truncate);
    }
    if (found[CONSOLE_NUM_ROWS] &&
        rules_integer(rules, found[CONSOLE_NUM_ROWS], INT32_MIN, INT32_MAX, &number))
        sink->num_rows = (int32_t)number;
}

/* The parts all sinks share. False when the format is not known. */
static bool read_common(struct rules *rules, struct doc_node *node, struct doc_node **keys,
                        struct plan_sink *sink)
{
    struct plan_where where = doc_where(node);
    *sink = (struct plan_sink){.truncate = true,
                               .truncate_width = 20,
                               .num_rows = 20,
                               .line = where.line,
                               .column = where.column};
    if (!rules_object(rules, node, &sink_rule, keys))
        return false;
    if (keys[KEY_NAME] && rules_name(rules, keys[KEY_NAME], "the sink's name"))
        sink->name = keys[KEY_NAME]->text;
    if (!keys[KEY_FORMAT])
        return false;
    int format =
        rules_enum(rules, keys[KEY_FORMAT], "format", format_names, COUNT_OF(format_names));
    sink->format = format < 0 ? SINK_CONSOLE : (enum plan_sink_format)format;
    if (plan_sink_writes_files(sink))
        plan_sink_files_defaults(sink);
    return format >= 0;
}

static void check_output_mode(struct rules *rules, const struct doc_node *format,
                              enum plan_output_mode mode, const struct plan_sink *sink)
{
    if (plan_sink_writes_files(sink) && mode != OUTPUT_APPEND)
        rules_error(rules, format, "Data source %s does not support %s output mode",
                    format_names[sink->format], mode == OUTPUT_UPDATE ? "Update" : "Complete");
}

static void set_default_name(struct rules *rules, struct plan_sink *sink, uint32_t index)
{
    char name[32];
    snprintf(name, sizeof name, "%s%u", format_names[sink->format], index);
    sink->name = arena_str(rules->arena, str_of(name));
    rules->out_of_memory |= sink->name.p == NULL;
}

static void read_by_format(struct rules *rules, struct doc_node *node, struct doc_node **keys,
                           struct plan_sink *sink)
{
    const struct sink_nodes nodes = {.sink = node,
                                     .path = keys[KEY_PATH],
                                     .partition_by = keys[KEY_PARTITION_BY],
                                     .options = keys[KEY_OPTIONS]};
    if (sink->format == SINK_CONSOLE)
        read_console(rules, keys, sink);
    else if (rules->conformance_case) /* such a sink is not made */
        sink->path = keys[KEY_PATH] ? keys[KEY_PATH]->text : sink->path;
    else if (sink->format == SINK_KAFKA)
        plan_sink_kafka_read(rules, &nodes, sink);
    else
        plan_sink_files_read(rules, &nodes, sink);
}

void plan_sink_read(struct rules *rules, struct doc_node *node, uint32_t index,
                    enum plan_output_mode mode, struct plan_sink *sink)
{
    struct doc_node *keys[KEY_COUNT];
    if (!read_common(rules, node, keys, sink))
        return;
    if (sink->name.n == 0)
        set_default_name(rules, sink, index);
    if (!rules->conformance_case)
        check_output_mode(rules, keys[KEY_FORMAT], mode, sink);
    read_by_format(rules, node, keys, sink);
}

struct plan_sink *plan_sink_read_extra(struct rules *rules, struct doc_node *node, const char *name)
{
    struct doc_node *keys[KEY_COUNT];
    struct plan_sink *sink = RULES_ARRAY(rules, struct plan_sink, 1);
    if (!sink || !read_common(rules, node, keys, sink))
        return NULL;
    if (keys[KEY_NAME])
        rules_error_key(rules, keys[KEY_NAME], ERR_INVALID,
                        "\"%s\" has no \"name\": it is called %s", name, name);
    sink->name = str_of(name);
    if (sink->format == SINK_KAFKA && !rules->conformance_case)
        rules_error(rules, keys[KEY_FORMAT],
                    "\"%s\" cannot go to Kafka, where of its columns at most key and value would "
                    "arrive: use json, csv, parquet or console",
                    name);
    else
        read_by_format(rules, node, keys, sink);
    return sink;
}
