#include "plan/value.h"

#include <stdlib.h>

#include "plan/ddl.h"

enum {
    KEY_FORMAT,
    KEY_SCHEMA,
    KEY_MODE,
    KEY_CORRUPT,
    KEY_TIMESTAMP_FORMAT,
    KEY_DATE_FORMAT,
    KEY_COUNT
};

static const struct rule_key keys[KEY_COUNT] = {
    [KEY_FORMAT] = {"format", FORM_STRING, true, "\"json\", \"text\" or \"binary\""},
    [KEY_SCHEMA] = {"schema", FORM_STRING, false, "columns like \"id STRING, amount DOUBLE\""},
    [KEY_MODE] = {"mode", FORM_STRING, false, "PERMISSIVE, FAILFAST or DROPMALFORMED"},
    [KEY_CORRUPT] = {"columnNameOfCorruptRecord", FORM_STRING, false, "the name of a column"},
    [KEY_TIMESTAMP_FORMAT] = {"timestampFormat", FORM_STRING, false,
                              "a datetime pattern like \"dd/MM/yyyy HH:mm:ss\""},
    [KEY_DATE_FORMAT] = {"dateFormat", FORM_STRING, false,
                         "a datetime pattern like \"dd/MM/yyyy\""},
};

#define NOT_YET(name)                                                                              \
    {                                                                                              \
        name, "option \"" name "\" of the JSON reader is not supported yet", ERR_UNSUPPORTED       \
    }

static const struct rule_hint hints[] = {
    NOT_YET("timestampNTZFormat"),
    NOT_YET("enableDateTimeParsingFallback"),
    NOT_YET("primitivesAsString"),
    NOT_YET("prefersDecimal"),
    NOT_YET("allowComments"),
    NOT_YET("allowUnquotedFieldNames"),
    NOT_YET("allowSingleQuotes"),
    NOT_YET("allowNumericLeadingZeros"),
    NOT_YET("allowBackslashEscapingAnyCharacter"),
    NOT_YET("allowUnquotedControlChars"),
    NOT_YET("allowNonNumericNumbers"),
    NOT_YET("multiLine"),
    NOT_YET("lineSep"),
    NOT_YET("encoding"),
    NOT_YET("charset"),
    NOT_YET("locale"),
    NOT_YET("timeZone"),
    NOT_YET("samplingRatio"),
    NOT_YET("dropFieldIfAllNull"),
};

static const struct rule_object value_rule = RULE_OBJECT("\"value\"", keys, hints);

static const char *const metadata_columns[] = {"_key",    "_topic",     "_partition",
                                               "_offset", "_timestamp", "_headers"};

static char fold(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c | 32) : c;
}

static int compare_nocase(const void *a, const void *b)
{
    const struct ddl_column *left = *(const struct ddl_column *const *)a;
    const struct ddl_column *right = *(const struct ddl_column *const *)b;
    for (size_t i = 0; i < left->name.n && i < right->name.n; i++) {
        char x = fold(left->name.p[i]), y = fold(right->name.p[i]);
        if (x != y)
            return x < y ? -1 : 1;
    }
    if (left->name.n != right->name.n)
        return left->name.n < right->name.n ? -1 : 1;
    return (left->name_offset > right->name_offset) - (left->name_offset < right->name_offset);
}

static void check_duplicates(struct rules *rules, const struct doc_node *schema,
                             const struct ddl_column *columns, uint32_t count)
{
    const struct ddl_column **sorted = RULES_ARRAY(rules, const struct ddl_column *, count);
    if (!sorted)
        return;
    for (uint32_t i = 0; i < count; i++)
        sorted[i] = &columns[i];
    qsort(sorted, count, sizeof *sorted, compare_nocase);
    for (uint32_t i = 1; i < count; i++) {
        if (str_eq_nocase(sorted[i - 1]->name, sorted[i]->name))
            rules_error_in(rules, schema, sorted[i]->name_offset,
                           "schema: duplicate column %s (names do not depend on case)",
                           rules_quote(rules, sorted[i]->name));
    }
}

static void check_columns(struct rules *rules, const struct doc_node *schema,
                          const struct ddl_column *columns, uint32_t count)
{
    check_duplicates(rules, schema, columns, count);
    for (uint32_t i = 0; i < count; i++) {
        for (size_t j = 0; j < COUNT_OF(metadata_columns); j++) {
            if (str_eq_nocase(columns[i].name, str_of(metadata_columns[j])))
                rules_error_in(rules, schema, columns[i].name_offset,
                               "schema: \"%s\" is the name of a metadata column of the source",
                               metadata_columns[j]);
        }
    }
}

static const struct type *make_struct(struct rules *rules, const struct ddl_column *columns,
                                      uint32_t count)
{
    struct type *type = RULES_ARRAY(rules, struct type, 1);
    struct field *fields = RULES_ARRAY(rules, struct field, count);
    if (!type || !fields)
        return NULL;
    for (uint32_t i = 0; i < count; i++)
        fields[i] = (struct field){columns[i].name, columns[i].type};
    *type = (struct type){.kind = TYPE_STRUCT, .field_count = count, .fields = fields};
    return type;
}

static void read_schema(struct rules *rules, struct doc_node *node)
{
    struct ddl_column *columns;
    uint32_t count;
    struct ddl_error error;
    if (node->broken)
        return;
    int code = ddl_parse(&columns, &count, node->text, rules->arena, &error);
    if (code == ERR_NOMEM) {
        rules->out_of_memory = true;
    } else if (code) {
        plan_error_add_full(rules->errors, rules->error_arena, doc_where_in(node, error.offset),
                            code, (struct str){NULL, 0}, "%s", error.message);
    } else {
        /* Queries over columns that cannot be had would only repeat what is wrong with them. */
        uint32_t before = rules->errors->count;
        check_columns(rules, node, columns, count);
        if (rules->errors->count == before)
            rules->plan->value.schema = make_struct(rules, columns, count);
    }
}

/* The corrupt record column, which must be a STRING. As in Spark it need not be in the schema. */
static void read_corrupt_column(struct rules *rules, const struct doc_node *node,
                                const struct doc_node *schema_node)
{
    struct plan_value *value = &rules->plan->value;
    const struct type *schema = value->schema;
    if (!schema || (node && node->broken))
        return;
    struct str name = node ? node->text : STR("_corrupt_record");
    value->corrupt_column = type_field_index(schema, name);
    if (value->corrupt_column >= 0 &&
        schema->fields[value->corrupt_column].type->kind != TYPE_STRING) {
        rules_error(rules, node ? node : schema_node,
                    "the column for corrupt records, %s, must be STRING", rules_quote(rules, name));
        value->corrupt_column = -1;
    }
}

static void read_json(struct rules *rules, struct doc_node *node, struct doc_node **found)
{
    static const char *const modes[] = {"PERMISSIVE", "FAILFAST", "DROPMALFORMED"};
    if (found[KEY_SCHEMA])
        read_schema(rules, found[KEY_SCHEMA]);
    else if (!doc_member(node, STR("schema")))
        rules_error(rules, node, "\"value\" lacks \"schema\": expected %s",
                    keys[KEY_SCHEMA].expected);
    if (found[KEY_MODE]) {
        int mode = rules_enum(rules, found[KEY_MODE], "mode", modes, COUNT_OF(modes));
        rules->plan->value.mode = mode < 0 ? JSON_PERMISSIVE : (enum plan_json_mode)mode;
    }
    read_corrupt_column(rules, found[KEY_CORRUPT], found[KEY_SCHEMA]);
    rules->plan->value.timestamp_format =
        rules_time_pattern(rules, found[KEY_TIMESTAMP_FORMAT], true);
    rules->plan->value.date_format = rules_time_pattern(rules, found[KEY_DATE_FORMAT], true);
}

/* text and binary: one column. */
static void read_raw(struct rules *rules, struct doc_node **found, enum type_kind kind)
{
    static const char *const format_names[] = {"json", "text", "binary"};
    for (int i = KEY_SCHEMA; i < KEY_COUNT; i++) {
        if (found[i])
            rules_error_key(rules, found[i], ERR_INVALID,
                            "\"%s\" belongs to format \"json\": format \"%s\" gives one column, "
                            "value %s",
                            keys[i].name, format_names[rules->plan->value.format],
                            kind == TYPE_STRING ? "STRING" : "BINARY");
    }
    const struct ddl_column column = {.name = STR("value"), .type = type_simple(kind)};
    rules->plan->value.schema = make_struct(rules, &column, 1);
}

void plan_value_read(struct rules *rules, struct doc_node *node)
{
    static const char *const formats[] = {"json", "text", "binary"};
    struct doc_node *found[KEY_COUNT];
    rules->plan->value.corrupt_column = -1;
    if (!rules_object(rules, node, &value_rule, found))
        return;
    int format = -1;
    if (found[KEY_FORMAT])
        format = rules_enum(rules, found[KEY_FORMAT], "format", formats, COUNT_OF(formats));
    if (format >= 0)
        rules->plan->value.format = (enum plan_format)format;
    if (format == FORMAT_TEXT || format == FORMAT_BINARY)
        read_raw(rules, found, format == FORMAT_TEXT ? TYPE_STRING : TYPE_BINARY);
    else if (format == FORMAT_JSON || found[KEY_SCHEMA])
        read_json(rules, node, found);
}
