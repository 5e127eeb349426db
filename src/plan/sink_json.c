/* sink_json.c: the options of Spark's JSON writer (JSONOptions of Spark 3.5). */
#include "plan/sink_files.h"

enum {
    JSON_IGNORE_NULLS = FILE_OPTION_COUNT,
    JSON_DATE_FORMAT,
    JSON_TIMESTAMP_FORMAT,
    JSON_LINE_SEP,
    JSON_COUNT
};

static const struct rule_key json_keys[JSON_COUNT] = {
    FILE_OPTIONS,
    [JSON_IGNORE_NULLS] = {"ignoreNullFields", FORM_BOOLEAN, false, "true or false"},
    [JSON_DATE_FORMAT] = {"dateFormat", FORM_SCALAR, false,
                          "a datetime pattern like \"dd/MM/yyyy\""},
    [JSON_TIMESTAMP_FORMAT] = {"timestampFormat", FORM_SCALAR, false,
                               "a datetime pattern like \"dd/MM/yyyy HH:mm:ss\""},
    [JSON_LINE_SEP] = {"lineSep", FORM_SCALAR, false, "the end of a line"},
};

#define NOT_YET(name)                                                                              \
    {                                                                                              \
        name, "option \"" name "\" of the JSON sink is not supported yet", ERR_UNSUPPORTED         \
    }

static const struct rule_hint json_hints[] = {
    FILE_HINTS,          NOT_YET("timestampNTZFormat"),
    NOT_YET("timeZone"), NOT_YET("locale"),
    NOT_YET("encoding"), NOT_YET("charset"),
    NOT_YET("pretty"),   NOT_YET("writeNonAsciiCharacterAsCodePoint"),
};

static const struct rule_object json_rule =
    RULE_OBJECT("the options of a JSON sink", json_keys, json_hints);

struct str plan_sink_line_separator(struct rules *rules, const struct doc_node *node)
{
    if (!node->broken && node->text.n == 0)
        rules_error(rules, node, "'lineSep' cannot be an empty string");
    return node->text;
}

void plan_sink_json_read(struct rules *rules, struct doc_node *options, struct plan_sink *sink,
                         struct doc_node **found)
{
    struct doc_node *all[JSON_COUNT];
    struct json_options *json = &sink->file.json;
    rules_options(rules, options, &json_rule, NULL, NULL, all);
    memcpy(found, all, FILE_OPTION_COUNT * sizeof *found);
    json->write_nulls = all[JSON_IGNORE_NULLS] && !rules_boolean(all[JSON_IGNORE_NULLS]);
    json->date_format = rules_time_pattern(rules, all[JSON_DATE_FORMAT], false);
    json->timestamp_format = rules_time_pattern(rules, all[JSON_TIMESTAMP_FORMAT], false);
    if (all[JSON_LINE_SEP])
        json->line_separator = plan_sink_line_separator(rules, all[JSON_LINE_SEP]);
}
