#include "cli/print_sink.h"

#include "plan/location.h"
#include "plan/sink_files.h"

static void print_console(struct buf *out, const struct plan_sink *sink)
{
    if (sink->truncate)
        buf_printf(out, ", %d rows, cells cut to %d characters", sink->num_rows,
                   sink->truncate_width);
    else
        buf_printf(out, ", %d rows, whole cells", sink->num_rows);
}

static void print_rolling(struct buf *out, const struct plan_sink *sink)
{
    const char *word = ", files go on over batches";
    if (sink->roll_interval_ms) {
        buf_printf(out, "%s for %lld ms", word, (long long)sink->roll_interval_ms);
        word = " or";
    }
    if (sink->target_file_bytes)
        buf_printf(out, "%s up to %llu bytes", word, (unsigned long long)sink->target_file_bytes);
    if (sink->max_records_per_file)
        buf_printf(out, ", at most %llu rows a file",
                   (unsigned long long)sink->max_records_per_file);
}

static void print_file(struct buf *out, const struct plan_sink *sink)
{
    static const char *const codecs[] = {[COMPRESSION_NONE] = "not compressed",
                                         [COMPRESSION_SNAPPY] = "snappy",
                                         [COMPRESSION_GZIP] = "gzip",
                                         [COMPRESSION_ZSTD] = "zstd",
                                         [COMPRESSION_LZ4_RAW] = "lz4_raw"};
    if (sink->path.n)
        buf_printf(out, " to %.*s", STR_ARG(sink->path));
    buf_printf(out, ", %s", codecs[sink->file.compression]);
    for (uint32_t i = 0; i < sink->partition_count; i++)
        buf_printf(out, "%s %.*s", i ? "," : ", partitioned by",
                   STR_ARG(sink->partition_by[i].name));
    if (sink->partition_count)
        buf_printf(out, " (at most %u at a time)", sink->max_open_partitions);
    print_rolling(out, sink);
    for (uint32_t i = 0; i < sink->file.parquet.bloom_count; i++)
        buf_printf(out, "%s %.*s", i ? "," : ", bloom filters for",
                   STR_ARG(sink->file.parquet.bloom[i]));
}

static void print_kafka(struct buf *out, const struct plan_sink *sink)
{
    if (sink->topic.n)
        buf_printf(out, " to topic %.*s", STR_ARG(sink->topic));
    else
        buf_append_str(out, STR(" to the topic in column topic"));
    for (uint32_t i = 0; i < sink->client_count; i++) {
        if (str_is(sink->client[i].key, "bootstrap.servers"))
            buf_printf(out, " at %.*s", STR_ARG(sink->client[i].value));
    }
}

void print_sink(struct buf *out, const char *what, const struct plan_sink *sink)
{
    buf_printf(out, "  %s %.*s: %s", what, STR_ARG(sink->name),
               plan_sink_format_name(sink->format));
    if (sink->format == SINK_CONSOLE)
        print_console(out, sink);
    else if (sink->format == SINK_KAFKA)
        print_kafka(out, sink);
    else
        print_file(out, sink);
    buf_append_char(out, '\n');
}

static bool is_in_s3(const struct plan_sink *sink)
{
    return sink && plan_location_is_s3(sink->path);
}

static bool uses_s3(const struct plan *plan)
{
    bool found = is_in_s3(plan->dead_letter) || is_in_s3(plan->late_rows) ||
                 plan_location_is_s3(plan->checkpoint);
    for (uint32_t q = 0; q < plan->query_count; q++) {
        for (uint32_t i = 0; i < plan->queries[q].sink_count; i++)
            found |= is_in_s3(&plan->queries[q].sinks[i]);
    }
    return found;
}

void print_s3(struct buf *out, const struct plan *plan)
{
    const struct plan_s3 *s3 = &plan->s3;
    if (!uses_s3(plan))
        return;
    buf_append_str(out, STR("s3: "));
    buf_append_str(out, s3->endpoint.n ? s3->endpoint : STR("AWS"));
    if (s3->region.n)
        buf_printf(out, ", region %.*s", STR_ARG(s3->region));
    buf_append_str(out, s3->path_style ? STR(", bucket in the path") : STR(", bucket in the host"));
    buf_append_str(out, s3->access_key_id.n ? STR(", keys of the document\n")
                                            : STR(", keys of the environment\n"));
    if (s3->insecure_tls)
        buf_append_str(out, STR("  warning: verifyTls is false: anybody can pass for the store\n"));
}
