#include "plan/sink_files.h"

#include "format/csv_file.h"
#include "plan/location.h"

enum {
    PARTITION_COLUMNS_MAX = 100,
    ROLL_MS_MAX = 12 * 3600000,
    OPEN_PARTITIONS_DEFAULT = 100,
    OPEN_PARTITIONS_MAX = 10000,
};

/* ---- options ---- */

struct codec {
    const char *name;
    enum file_compression compression;
};

static const struct codec text_codecs[] = {
    {"none", COMPRESSION_NONE},
    {"uncompressed", COMPRESSION_NONE},
    {"gzip", COMPRESSION_GZIP},
    {"zstd", COMPRESSION_ZSTD},
};

static const struct codec parquet_codecs[] = {
    {"none", COMPRESSION_NONE},     {"uncompressed", COMPRESSION_NONE},
    {"snappy", COMPRESSION_SNAPPY}, {"gzip", COMPRESSION_GZIP},
    {"zstd", COMPRESSION_ZSTD},     {"lz4_raw", COMPRESSION_LZ4_RAW},
};

static const char text_words[] = "none, uncompressed, gzip or zstd";
static const char parquet_words[] = "none, uncompressed, snappy, gzip, zstd or lz4_raw";

/* Spark knows these for one format or the other. */
static bool is_foreign_codec(struct str name)
{
    static const char *const names[] = {"bzip2", "deflate", "lz4", "snappy", "lzo", "brotli"};
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        if (str_eq_nocase(name, str_of(names[i])))
            return true;
    }
    return false;
}

static void read_compression(struct rules *rules, const struct doc_node *node,
                             struct plan_sink *sink)
{
    bool parquet = sink->format == SINK_PARQUET;
    const struct codec *codecs = parquet ? parquet_codecs : text_codecs;
    size_t count = parquet ? COUNT_OF(parquet_codecs) : COUNT_OF(text_codecs);
    const char *names[COUNT_OF(parquet_codecs)];
    for (size_t i = 0; i < count; i++) {
        names[i] = codecs[i].name;
        if (!str_eq_nocase(node->text, str_of(codecs[i].name)))
            continue;
        sink->file.compression = codecs[i].compression;
        return;
    }
    const char *words = parquet ? parquet_words : text_words;
    if (is_foreign_codec(node->text))
        rules_unsupported(rules, node, "compression %s is not supported for %s: use %s",
                          rules_quote(rules, node->text), plan_sink_format_name(sink->format),
                          words);
    else
        rules_error(rules, node, "\"compression\" must be %s, not %s%s", words,
                    rules_quote(rules, node->text),
                    rules_did_you_mean(rules, node->text, names, count));
}

static void read_roll_interval(struct rules *rules, const struct doc_node *node,
                               struct plan_sink *sink)
{
    int64_t ms;
    if (!rules_interval(rules, node, &ms))
        return;
    if (ms > ROLL_MS_MAX)
        rules_error(
            rules, node,
            "\"rollInterval\" must be at most 12 hours: so long is the upload of such a file "
            "unfinished, and stores remove unfinished uploads after a time, some after a "
            "day");
    else if (ms == 0)
        rules_error(rules, node,
                    "\"rollInterval\" must be longer than 0: leave it out, and files end with "
                    "their batch");
    else
        sink->roll_interval_ms = ms;
}

static void read_shared(struct rules *rules, struct doc_node **found, struct plan_sink *sink)
{
    int64_t number;
    if (found[FILE_COMPRESSION])
        read_compression(rules, found[FILE_COMPRESSION], sink);
    /* Spark takes 0 and less for no limit. */
    if (found[FILE_MAX_RECORDS] &&
        rules_integer(rules, found[FILE_MAX_RECORDS], INT64_MIN, INT64_MAX, &number))
        sink->max_records_per_file = number > 0 ? (uint64_t)number : 0;
    if (found[FILE_ROLL_INTERVAL])
        read_roll_interval(rules, found[FILE_ROLL_INTERVAL], sink);
    if (found[FILE_TARGET_SIZE] &&
        rules_size(rules, found[FILE_TARGET_SIZE], "targetFileSize", 1, INT64_MAX, &number))
        sink->target_file_bytes = (uint64_t)number;
    if (found[FILE_MAX_OPEN] &&
        rules_integer(rules, found[FILE_MAX_OPEN], 1, OPEN_PARTITIONS_MAX, &number))
        sink->max_open_partitions = (uint32_t)number;
}

static void read_options(struct rules *rules, struct doc_node *options, struct plan_sink *sink)
{
    struct doc_node *found[FILE_OPTION_COUNT] = {NULL};
    if (sink->format == SINK_CSV)
        plan_sink_csv_read(rules, options, sink, found);
    else if (sink->format == SINK_PARQUET)
        plan_sink_parquet_read(rules, options, sink, found);
    else
        plan_sink_json_read(rules, options, sink, found);
    read_shared(rules, found, sink);
}

/* ---- columns ---- */

/* Whether the column is there already; that is reported. */
static bool is_repeated(struct rules *rules, const struct doc_node *node,
                        const struct plan_sink *sink)
{
    for (uint32_t i = 0; i < sink->partition_count; i++) {
        if (!str_eq_nocase(sink->partition_by[i].name, node->text))
            continue;
        rules_error(rules, node,
                    "\"partitionBy\" names column %s once more (names do not depend on case)",
                    rules_quote(rules, node->text));
        return true;
    }
    return false;
}

static void read_partition_by(struct rules *rules, struct doc_node *node, struct plan_sink *sink)
{
    if (!rules_string_array(rules, node, "partitionBy"))
        return;
    if (node->count == 0)
        rules_error(rules, node,
                    "\"partitionBy\" is empty: expected at least one column, or leave it out");
    if (node->count > PARTITION_COLUMNS_MAX) {
        rules_error(rules, node, "\"partitionBy\" has too many columns: at most 100");
        return;
    }
    sink->partition_by = RULES_ARRAY(rules, struct plan_name, node->count);
    for (struct doc_node *item = node->first; sink->partition_by && item; item = item->next) {
        struct plan_where where = doc_where(item);
        if (!is_repeated(rules, item, sink))
            sink->partition_by[sink->partition_count++] =
                (struct plan_name){item->text, where.line, where.column};
    }
}

/* ---- the sink ---- */

void plan_sink_files_defaults(struct plan_sink *sink)
{
    static const enum file_kind kinds[] = {
        [SINK_JSON] = FILE_JSON, [SINK_PARQUET] = FILE_PARQUET, [SINK_CSV] = FILE_CSV};
    sink->file = (struct file_format){
        .kind = kinds[sink->format],
        .compression = sink->format == SINK_PARQUET ? COMPRESSION_SNAPPY : COMPRESSION_NONE,
        .csv = csv_options_default()};
    sink->max_open_partitions = OPEN_PARTITIONS_DEFAULT;
}

void plan_sink_files_read(struct rules *rules, const struct sink_nodes *nodes,
                          struct plan_sink *sink)
{
    if (nodes->path) {
        plan_location_check(rules, nodes->path, "path");
        sink->path = nodes->path->text;
    } else if (!doc_member(nodes->sink, STR("path"))) {
        rules_error(rules, nodes->sink,
                    "a %s sink lacks \"path\": expected a directory or s3://bucket/prefix",
                    plan_sink_format_name(sink->format));
    }
    if (nodes->partition_by)
        read_partition_by(rules, nodes->partition_by, sink);
    if (nodes->options)
        read_options(rules, nodes->options, sink);
}
