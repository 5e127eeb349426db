#include "plan/sinks.h"

#include <stdio.h>

enum { KEY_NAME, KEY_FORMAT, KEY_PATH, KEY_PARTITION_BY, KEY_OPTIONS, KEY_COUNT };

static const struct rule_key sink_keys[KEY_COUNT] = {
    [KEY_NAME] = {"name", FORM_STRING, false, "a string"},
    [KEY_FORMAT] = {"format", FORM_STRING, true, "console, json, parquet, csv or kafka"},
    [KEY_PATH] = {"path", FORM_STRING, false, "a directory"},
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

enum { FILE_COMPRESSION, FILE_ROLL_INTERVAL, FILE_TARGET_SIZE, FILE_COUNT };

static const struct rule_key json_keys[FILE_COUNT] = {
    [FILE_COMPRESSION] = {"compression", FORM_STRING, false, "none"},
    [FILE_ROLL_INTERVAL] = {"rollInterval", FORM_STRING, false, "an interval of at most 12 hours"},
    [FILE_TARGET_SIZE] = {"targetFileSize", FORM_SCALAR, false, "a size in bytes"},
};

#define NOT_YET(name)                                                                              \
    {                                                                                              \
        name, "option \"" name "\" of the JSON sink is not supported yet", ERR_UNSUPPORTED         \
    }

static const struct rule_hint json_hints[] = {
    {"path", "\"path\" stands beside \"format\", not in \"options\"", ERR_INVALID},
    NOT_YET("dateFormat"),
    NOT_YET("timestampFormat"),
    NOT_YET("timestampNTZFormat"),
    NOT_YET("timeZone"),
    NOT_YET("encoding"),
    NOT_YET("lineSep"),
    NOT_YET("ignoreNullFields"),
};

static const struct rule_object json_rule =
    RULE_OBJECT("the options of a JSON sink", json_keys, json_hints);

/* The members of an options object under names that do not depend on case. */
static void find_options(struct rules *rules, struct doc_node *options,
                         const struct rule_object *rule, struct doc_node **found)
{
    for (struct doc_node *node = options->first; node; node = node->next) {
        size_t i = 0;
        while (i < rule->key_count && !str_eq_nocase(node->key, str_of(rule->keys[i].name)))
            i++;
        if (i == rule->key_count)
            rules_unknown_key(rules, node, rule);
        else if (found[i] && !str_eq(found[i]->key, node->key))
            rules_error_key(rules, node, ERR_INVALID,
                            "option %s is \"%.*s\" once more: case does not matter",
                            rules_quote(rules, node->key), STR_ARG(found[i]->key));
        else if (!found[i])
            found[i] = node;
    }
    for (size_t i = 0; i < rule->key_count; i++) {
        const struct rule_key *key = &rule->keys[i];
        if (found[i] && !rules_form(rules, found[i], key->name, key->forms, key->expected))
            found[i] = NULL;
    }
}

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
        find_options(rules, keys[KEY_OPTIONS], &console_rule, found);
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

/* A directory here, or S3 later. */
static void check_path(struct rules *rules, const struct doc_node *path)
{
    struct str text = path->text;
    size_t colon = 0;
    if (!rules_not_empty(rules, path, "path"))
        return;
    while (colon < text.n && ((text.p[colon] | 32) >= 'a' && (text.p[colon] | 32) <= 'z'))
        colon++;
    colon += colon < text.n && colon == 1 && text.p[1] == '3';
    if (str_starts_with(text, STR("s3://")))
        rules_unsupported(rules, path, "a \"path\" in S3 is not supported yet");
    else if (str_starts_with(text, STR("s3a://")) || str_starts_with(text, STR("s3n://")))
        rules_error(rules, path, "\"path\" must start with s3://, not %.6s", text.p);
    else if (memchr(text.p, '\0', text.n))
        rules_error(rules, path, "\"path\" must not contain the character U+0000");
    else if (colon > 0 && colon + 2 < text.n && memcmp(text.p + colon, "://", 3) == 0)
        rules_error(rules, path, "\"path\" must be a directory or start with s3://, not %s",
                    rules_quote(rules, text));
}

static void check_compression(struct rules *rules, const struct doc_node *node)
{
    static const char *const codecs[] = {"none",   "uncompressed", "gzip",  "zstd",
                                         "snappy", "lz4",          "bzip2", "deflate"};
    int codec = rules_enum(rules, node, "compression", codecs, COUNT_OF(codecs));
    if (codec > 1)
        rules_unsupported(rules, node, "compression \"%s\" is not supported yet: use none",
                          codecs[codec]);
}

static void check_json_options(struct rules *rules, struct doc_node *options)
{
    struct doc_node *found[FILE_COUNT] = {NULL};
    int64_t interval_ms;
    find_options(rules, options, &json_rule, found);
    if (found[FILE_COMPRESSION])
        check_compression(rules, found[FILE_COMPRESSION]);
    struct doc_node *roll = found[FILE_ROLL_INTERVAL];
    if (roll && rules_interval(rules, roll, &interval_ms)) {
        if (interval_ms > 12 * 3600000)
            rules_error(rules, roll, "\"rollInterval\" must be at most 12 hours");
        else
            rules_error_key(rules, roll, ERR_UNSUPPORTED, "\"rollInterval\" is not supported yet");
    }
    if (found[FILE_TARGET_SIZE])
        rules_error_key(rules, found[FILE_TARGET_SIZE], ERR_UNSUPPORTED,
                        "\"targetFileSize\" is not supported yet");
}

static void keep_options(struct rules *rules, const struct doc_node *options,
                         struct plan_sink *sink)
{
    sink->options = RULES_ARRAY(rules, struct plan_option, options->count);
    for (const struct doc_node *node = options->first; node && sink->options; node = node->next) {
        struct plan_where where = doc_where(node);
        sink->options[sink->option_count++] = (struct plan_option){
            .key = node->key, .value = node->text, .line = where.line, .column = where.column};
    }
}

/* A sink that writes files. `extra`: deadLetter or lateRows, which stand under no output mode. */
static void read_file(struct rules *rules, struct doc_node *node, struct doc_node **keys,
                      struct plan_sink *sink)
{
    const char *format = format_names[sink->format];
    if (keys[KEY_PATH]) {
        check_path(rules, keys[KEY_PATH]);
        sink->path = keys[KEY_PATH]->text;
    } else if (!doc_member(node, STR("path"))) {
        rules_error(rules, node, "a %s sink lacks \"path\": expected a directory", format);
    }
    bool columns =
        !keys[KEY_PARTITION_BY] || rules_string_array(rules, keys[KEY_PARTITION_BY], "partitionBy");
    if (sink->format != SINK_JSON) {
        rules_unsupported(rules, keys[KEY_FORMAT], "sink format \"%s\" is not supported yet",
                          format);
        return;
    }
    if (keys[KEY_PARTITION_BY] && columns)
        rules_error_key(rules, keys[KEY_PARTITION_BY], ERR_UNSUPPORTED,
                        "\"partitionBy\" is not supported yet");
    if (keys[KEY_OPTIONS]) {
        check_json_options(rules, keys[KEY_OPTIONS]);
        keep_options(rules, keys[KEY_OPTIONS], sink);
    }
}

static void read_kafka(struct rules *rules, struct doc_node *node, struct doc_node **keys)
{
    if (!keys[KEY_OPTIONS] && !doc_member(node, STR("options")))
        rules_error(rules, node,
                    "a kafka sink lacks \"options\": expected at least "
                    "\"kafka.bootstrap.servers\"");
    for (int i = KEY_PATH; i <= KEY_PARTITION_BY; i++) {
        if (keys[i])
            rules_error_key(rules, keys[i], ERR_INVALID, "a kafka sink has no \"%s\"",
                            sink_keys[i].name);
    }
    rules_unsupported(rules, keys[KEY_FORMAT], "sink format \"kafka\" is not supported yet");
}

static void check_scalars(struct rules *rules, const struct doc_node *options)
{
    for (const struct doc_node *node = options->first; node; node = node->next) {
        if (node->kind == DOC_NULL || node->kind == DOC_ARRAY || node->kind == DOC_OBJECT)
            rules_error(rules, node, "option %s must be a string, number or boolean, not %s",
                        rules_quote(rules, node->key), doc_kind_name(node->kind));
    }
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
    return format >= 0;
}

static void check_output_mode(struct rules *rules, const struct doc_node *format,
                              enum plan_output_mode mode, const struct plan_sink *sink)
{
    bool file =
        sink->format == SINK_JSON || sink->format == SINK_PARQUET || sink->format == SINK_CSV;
    if (file && mode != OUTPUT_APPEND)
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
    if (keys[KEY_OPTIONS] && sink->format != SINK_CONSOLE && sink->format != SINK_JSON)
        check_scalars(rules, keys[KEY_OPTIONS]);
    if (sink->format == SINK_CONSOLE)
        read_console(rules, keys, sink);
    else if (rules->conformance_case)
        sink->path = keys[KEY_PATH] ? keys[KEY_PATH]->text : sink->path;
    else if (sink->format == SINK_KAFKA)
        read_kafka(rules, node, keys);
    else
        read_file(rules, node, keys, sink);
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

void plan_sink_read_extra(struct rules *rules, struct doc_node *node, const char *name)
{
    struct doc_node *keys[KEY_COUNT];
    struct plan_sink sink;
    if (read_common(rules, node, keys, &sink) && !rules->conformance_case) {
        if (sink.format == SINK_CONSOLE)
            read_console(rules, keys, &sink);
        else if (sink.format != SINK_KAFKA && !keys[KEY_PATH] && !doc_member(node, STR("path")))
            rules_error(rules, node, "a %s sink lacks \"path\": expected a directory",
                        format_names[sink.format]);
    }
    rules_error_key(rules, node, ERR_UNSUPPORTED, "\"%s\" is not supported yet", name);
}
