/* sink_parquet.c: the options of the Parquet writer, under parquet-mr's names, which Spark passes
 * on. */
#include "plan/sink_files.h"

enum {
    PARQUET_BLOCK_SIZE = FILE_OPTION_COUNT,
    PARQUET_PAGE_SIZE,
    PARQUET_DICTIONARY,
    PARQUET_COUNT
};

/* Smaller ones are mistakes: their metadata would be most of the file. */
enum { BLOCK_BYTES_MIN = 64 << 10, PAGE_BYTES_MIN = 256 };

static const struct rule_key parquet_keys[PARQUET_COUNT] = {
    FILE_OPTIONS,
    [PARQUET_BLOCK_SIZE] = {"parquet.block.size", FORM_SCALAR, false, "a size like \"128MB\""},
    [PARQUET_PAGE_SIZE] = {"parquet.page.size", FORM_SCALAR, false, "a size like \"1MB\""},
    [PARQUET_DICTIONARY] = {"parquet.enable.dictionary", FORM_BOOLEAN, false, "true or false"},
};

#define NOT_YET(name)                                                                              \
    {                                                                                              \
        name, "option \"" name "\" of the Parquet sink is not supported yet", ERR_UNSUPPORTED      \
    }

#define BLOOM "parquet.bloom.filter.enabled"

static const struct rule_hint parquet_hints[] = {
    FILE_HINTS,
    {BLOOM,
     "bloom filters for all columns are not supported: name a column, as in "
     "\"" BLOOM "#user_id\"",
     ERR_UNSUPPORTED},
    {"parquet.compression", "option \"parquet.compression\" is called \"compression\" here",
     ERR_INVALID},
    {"mergeSchema", "option \"mergeSchema\" is of Spark's Parquet reader: leave it out",
     ERR_INVALID},
    NOT_YET("parquet.bloom.filter.expected.ndv"),
    NOT_YET("parquet.bloom.filter.fpp"),
    NOT_YET("parquet.bloom.filter.max.bytes"),
    NOT_YET("parquet.bloom.filter.adaptive.enabled"),
    NOT_YET("parquet.dictionary.page.size"),
    NOT_YET("parquet.writer.version"),
    NOT_YET("parquet.page.row.count.limit"),
    NOT_YET("parquet.page.write-checksum.enabled"),
    NOT_YET("parquet.columnindex.truncate.length"),
    NOT_YET("parquet.statistics.truncate.length"),
};

static const struct rule_object parquet_rule =
    RULE_OBJECT("the options of a Parquet sink", parquet_keys, parquet_hints);

/* The sink while its options are read. */
struct reading {
    struct rules *rules;
    struct plan_sink *sink;
    struct str *bloom;
};

/* Names the option before '#', so that what is said about it fits. */
static bool report_per_column(struct reading *reading, const struct doc_node *node,
                              struct str option)
{
    struct rules *rules = reading->rules;
    for (size_t i = 0; i < COUNT_OF(parquet_hints); i++) {
        const struct rule_hint *hint = &parquet_hints[i];
        if (hint->code != ERR_UNSUPPORTED || !str_eq_nocase(option, str_of(hint->name)))
            continue;
        rules_error_key(rules, node, ERR_UNSUPPORTED, "%s", hint->sentence);
        return true;
    }
    if (!str_eq_nocase(option, str_of(parquet_keys[PARQUET_DICTIONARY].name)))
        return false;
    rules_error_key(rules, node, ERR_UNSUPPORTED,
                    "\"parquet.enable.dictionary\" for single columns is not supported yet");
    return true;
}

/* option#column */
static bool take_per_column(void *user, struct doc_node *node)
{
    struct reading *reading = user;
    struct rules *rules = reading->rules;
    struct plan_sink *sink = reading->sink;
    const char *hash = node->key.n ? memchr(node->key.p, '#', node->key.n) : NULL;
    if (!hash)
        return false;
    struct str option = {node->key.p, (size_t)(hash - node->key.p)};
    struct str column = {hash + 1, node->key.n - option.n - 1};
    if (!str_eq_nocase(option, STR(BLOOM)))
        return report_per_column(reading, node, option);
    if (!rules_form(rules, node, BLOOM "#...", FORM_BOOLEAN, "true or false"))
        return true;
    if (column.n == 0) {
        rules_error_key(rules, node, ERR_INVALID,
                        "\"" BLOOM "#\" lacks the name of a column behind '#'");
    } else if (rules_boolean(node)) {
        struct plan_where where = doc_where_key(node);
        sink->bloom[sink->file.parquet.bloom_count] =
            (struct plan_name){column, where.line, where.column};
        reading->bloom[sink->file.parquet.bloom_count++] = column;
    }
    return true;
}

void plan_sink_parquet_read(struct rules *rules, struct doc_node *options, struct plan_sink *sink,
                            struct doc_node **found)
{
    struct doc_node *all[PARQUET_COUNT];
    struct parquet_options *parquet = &sink->file.parquet;
    struct reading reading = {.rules = rules, .sink = sink};
    int64_t bytes;
    reading.bloom = RULES_ARRAY(rules, struct str, options->count);
    sink->bloom = RULES_ARRAY(rules, struct plan_name, options->count);
    if (!reading.bloom || !sink->bloom)
        return;
    parquet->bloom = reading.bloom;
    rules_options(rules, options, &parquet_rule, take_per_column, &reading, all);
    memcpy(found, all, FILE_OPTION_COUNT * sizeof *found);
    if (all[PARQUET_BLOCK_SIZE] && rules_size(rules, all[PARQUET_BLOCK_SIZE], "parquet.block.size",
                                              BLOCK_BYTES_MIN, INT32_MAX, &bytes))
        parquet->row_group_bytes = (size_t)bytes;
    if (all[PARQUET_PAGE_SIZE] && rules_size(rules, all[PARQUET_PAGE_SIZE], "parquet.page.size",
                                             PAGE_BYTES_MIN, INT32_MAX, &bytes))
        parquet->page_bytes = (size_t)bytes;
    if (all[PARQUET_DICTIONARY])
        parquet->no_dictionary = !rules_boolean(all[PARQUET_DICTIONARY]);
}
