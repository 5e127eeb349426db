/* sink_csv.c: the options of Spark's CSV writer (CSVOptions and CSVExprUtils of Spark 3.5). */
#include "plan/sink_files.h"

enum {
    CSV_HEADER = FILE_OPTION_COUNT,
    CSV_SEP,
    CSV_DELIMITER,
    CSV_QUOTE,
    CSV_ESCAPE,
    CSV_NULL_VALUE,
    CSV_EMPTY_VALUE,
    CSV_QUOTE_ALL,
    CSV_ESCAPE_QUOTES,
    CSV_IGNORE_LEADING,
    CSV_IGNORE_TRAILING,
    CSV_DATE_FORMAT,
    CSV_TIMESTAMP_FORMAT,
    CSV_LINE_SEP,
    CSV_ESCAPE_ESCAPE,
    CSV_COMMENT,
    CSV_COUNT
};

#define FLAG(name)                                                                                 \
    {                                                                                              \
        name, FORM_BOOLEAN, false, "true or false"                                                 \
    }
#define TEXT(name, expected)                                                                       \
    {                                                                                              \
        name, FORM_SCALAR, false, expected                                                         \
    }

static const struct rule_key csv_keys[CSV_COUNT] = {
    FILE_OPTIONS,
    [CSV_HEADER] = FLAG("header"),
    [CSV_SEP] = TEXT("sep", "the text between columns"),
    [CSV_DELIMITER] = TEXT("delimiter", "the text between columns"),
    [CSV_QUOTE] = TEXT("quote", "one character"),
    [CSV_ESCAPE] = TEXT("escape", "one character"),
    [CSV_NULL_VALUE] = TEXT("nullValue", "a string"),
    [CSV_EMPTY_VALUE] = TEXT("emptyValue", "a string"),
    [CSV_QUOTE_ALL] = FLAG("quoteAll"),
    [CSV_ESCAPE_QUOTES] = FLAG("escapeQuotes"),
    [CSV_IGNORE_LEADING] = FLAG("ignoreLeadingWhiteSpace"),
    [CSV_IGNORE_TRAILING] = FLAG("ignoreTrailingWhiteSpace"),
    [CSV_DATE_FORMAT] = TEXT("dateFormat", "a datetime pattern like \"dd/MM/yyyy\""),
    [CSV_TIMESTAMP_FORMAT] =
        TEXT("timestampFormat", "a datetime pattern like \"dd/MM/yyyy HH:mm:ss\""),
    [CSV_LINE_SEP] = TEXT("lineSep", "the end of a line"),
    [CSV_ESCAPE_ESCAPE] = TEXT("charToEscapeQuoteEscaping", "one character"),
    [CSV_COMMENT] = TEXT("comment", "one character"),
};

#define NOT_YET(name)                                                                              \
    {                                                                                              \
        name, "option \"" name "\" of the CSV sink is not supported yet", ERR_UNSUPPORTED          \
    }
#define READER(name)                                                                               \
    {                                                                                              \
        name, "option \"" name "\" is of Spark's CSV reader: leave it out", ERR_INVALID            \
    }

static const struct rule_hint csv_hints[] = {
    FILE_HINTS,
    NOT_YET("encoding"),
    NOT_YET("charset"),
    NOT_YET("timestampNTZFormat"),
    NOT_YET("timeZone"),
    NOT_YET("locale"),
    READER("inferSchema"),
    READER("multiLine"),
    READER("samplingRatio"),
    READER("enforceSchema"),
    READER("nanValue"),
    READER("positiveInf"),
    READER("negativeInf"),
    READER("maxColumns"),
    READER("maxCharsPerColumn"),
    READER("columnNameOfCorruptRecord"),
};

static const struct rule_object csv_rule =
    RULE_OBJECT("the options of a CSV sink", csv_keys, csv_hints);

/* The character that a backslash and `c` stand for in a separator, or -1. */
static int unescape(char c)
{
    static const char letters[] = "trbf\"'\\", meanings[] = "\t\r\b\f\"'\\";
    const char *at = c ? strchr(letters, c) : NULL;
    return at ? meanings[at - letters] : -1;
}

/* A separator with its escapes replaced, of which Spark has \t \r \b \f \" \' and \\. */
static void read_separator(struct rules *rules, const struct doc_node *node, const char *name,
                           struct csv_options *csv)
{
    struct str text = node->text;
    char *out = arena_alloc(rules->arena, text.n + 1);
    size_t n = 0;
    if (!out)
        rules->out_of_memory = true;
    if (!out || node->broken)
        return;
    if (text.n == 0) {
        rules_error(rules, node, "\"%s\" is empty: Delimiter cannot be empty string", name);
        return;
    }
    for (size_t i = 0; i < text.n; i++) {
        int c = (unsigned char)text.p[i];
        if (c == '\\' && i + 1 == text.n) {
            rules_error_in(rules, node, i,
                           "\"%s\": a single backslash begins an escape: write two for a backslash",
                           name);
            return;
        }
        if (c == '\\') {
            c = unescape(text.p[++i]);
            if (c < 0) {
                rules_error_in(rules, node, i - 1,
                               "\"%s\": unsupported special character for delimiter: %s", name,
                               rules_quote(rules, text));
                return;
            }
        }
        out[n++] = (char)c;
    }
    csv->separator = (struct str){out, n};
    if (n && (memchr(out, '\n', n) || memchr(out, '\r', n)))
        rules_error(rules, node, "\"%s\" must not hold the end of a line", name);
}

/* The one character of a string, 0 when it is empty, -1 when it has more. Spark counts UTF-16. */
static int64_t one_character(struct str text)
{
    size_t n = text.n ? doc_utf8_length(text) : 0;
    const unsigned char *p = (const unsigned char *)text.p;
    if (n != text.n || n > 3)
        return -1;
    switch (n) {
    case 0:
        return 0;
    case 1:
        return p[0];
    case 2:
        return (p[0] & 0x1F) << 6 | (p[1] & 0x3F);
    default:
        return (p[0] & 0x0F) << 12 | (p[1] & 0x3F) << 6 | (p[2] & 0x3F);
    }
}

static void read_character(struct rules *rules, const struct doc_node *node, const char *name,
                           uint32_t *out)
{
    if (!node || node->broken)
        return;
    int64_t c = one_character(node->text);
    if (c < 0)
        rules_error(rules, node, "\"%s\" cannot be more than one character, found %s", name,
                    rules_quote(rules, node->text));
    else if (c == '\n' || c == '\r')
        rules_error(rules, node, "\"%s\" must not be the end of a line", name);
    else
        *out = (uint32_t)c;
}

/* Quote, escape and separator must be told from each other. */
static void read_special(struct rules *rules, struct doc_node **found, struct csv_options *csv)
{
    struct doc_node *separator = found[CSV_SEP] ? found[CSV_SEP] : found[CSV_DELIMITER];
    if (found[CSV_SEP] && found[CSV_DELIMITER])
        rules_error_key(rules, found[CSV_DELIMITER], ERR_INVALID,
                        "\"delimiter\" is another name of \"sep\": give one of them");
    if (separator)
        read_separator(rules, separator, found[CSV_SEP] ? "sep" : "delimiter", csv);
    read_character(rules, found[CSV_QUOTE], "quote", &csv->quote);
    read_character(rules, found[CSV_ESCAPE], "escape", &csv->escape);
    if (found[CSV_ESCAPE] && !found[CSV_ESCAPE]->broken && found[CSV_ESCAPE]->text.n == 0)
        rules_unsupported(rules, found[CSV_ESCAPE],
                          "an empty \"escape\" is not supported: expected one character");
    if (csv->quote && csv->separator.n == 1 && csv->quote == (unsigned char)csv->separator.p[0])
        rules_error(rules, found[CSV_QUOTE] ? found[CSV_QUOTE] : separator,
                    "\"quote\" and \"sep\" must not be the same character");
}

static void read_flag(const struct doc_node *node, bool *out)
{
    if (node)
        *out = rules_boolean(node);
}

void plan_sink_csv_read(struct rules *rules, struct doc_node *options, struct plan_sink *sink,
                        struct doc_node **found)
{
    struct doc_node *all[CSV_COUNT];
    struct csv_options *csv = &sink->file.csv;
    bool ignore_leading = true, ignore_trailing = true;
    rules_options(rules, options, &csv_rule, NULL, NULL, all);
    memcpy(found, all, FILE_OPTION_COUNT * sizeof *found);
    read_flag(all[CSV_HEADER], &csv->header);
    read_flag(all[CSV_QUOTE_ALL], &csv->quote_all);
    read_flag(all[CSV_ESCAPE_QUOTES], &csv->escape_quotes);
    read_flag(all[CSV_IGNORE_LEADING], &ignore_leading);
    read_flag(all[CSV_IGNORE_TRAILING], &ignore_trailing);
    csv->keep_leading_space = !ignore_leading;
    csv->keep_trailing_space = !ignore_trailing;
    read_special(rules, all, csv);
    read_character(rules, all[CSV_ESCAPE_ESCAPE], "charToEscapeQuoteEscaping", &csv->escape_escape);
    read_character(rules, all[CSV_COMMENT], "comment", &csv->comment);
    if (all[CSV_LINE_SEP])
        csv->line_separator = plan_sink_line_separator(rules, all[CSV_LINE_SEP]);
    if (csv->line_separator.n > 2)
        rules_error(rules, all[CSV_LINE_SEP], "'lineSep' can contain only 1 character");
    if (all[CSV_NULL_VALUE])
        csv->null_value = all[CSV_NULL_VALUE]->text;
    if (all[CSV_EMPTY_VALUE])
        csv->empty_value = all[CSV_EMPTY_VALUE]->text;
    csv->date_format = rules_time_pattern(rules, all[CSV_DATE_FORMAT], false);
    csv->timestamp_format = rules_time_pattern(rules, all[CSV_TIMESTAMP_FORMAT], false);
}
