/* sink_files.h: sinks that write files: path, partition columns, and the options of JSON, CSV and
 * Parquet under Spark's names. */
#pragma once

#include "plan/rules.h"

/* The values of a sink's keys; NULL: not given, or of a wrong form (then that was reported). */
struct sink_nodes {
    struct doc_node *sink; /* the whole */
    struct doc_node *path, *partition_by, *options;
};

/* Fills what belongs to files; sink->format is known. */
void plan_sink_files_read(struct rules *rules, const struct sink_nodes *nodes,
                          struct plan_sink *sink);

/* The sink's file format with Spark's defaults. */
void plan_sink_files_defaults(struct plan_sink *sink);

static inline bool plan_sink_writes_files(const struct plan_sink *sink)
{
    return sink->format != SINK_CONSOLE && sink->format != SINK_KAFKA;
}

/* The word of the document: "console", "json", ... */
const char *plan_sink_format_name(enum plan_sink_format format);

/* The options all file sinks share stand first in their tables. */
enum {
    FILE_COMPRESSION,
    FILE_MAX_RECORDS,
    FILE_ROLL_INTERVAL,
    FILE_TARGET_SIZE,
    FILE_MAX_OPEN,
    FILE_OPTION_COUNT
};

#define FILE_OPTIONS                                                                               \
    [FILE_COMPRESSION] = {"compression", FORM_STRING, false, "the name of a codec"},               \
    [FILE_MAX_RECORDS] = {"maxRecordsPerFile", FORM_INTEGER, false, "a number of rows"},           \
    [FILE_ROLL_INTERVAL] = {"rollInterval", FORM_STRING, false,                                    \
                            "an interval of at most 12 hours"},                                    \
    [FILE_TARGET_SIZE] = {"targetFileSize", FORM_SCALAR, false, "a size like \"128MB\""},          \
    [FILE_MAX_OPEN] = {"maxOpenPartitions", FORM_INTEGER, false, "a whole number from 1 to 10000"}

#define FILE_HINTS                                                                                 \
    {"path", "\"path\" stands beside \"format\", not in \"options\"", ERR_INVALID},                \
        {"partitionBy", "\"partitionBy\" stands beside \"format\", not in \"options\"",            \
         ERR_INVALID},                                                                             \
        {"codec", "option \"codec\" is called \"compression\" here", ERR_INVALID},                 \
        {"mode", "\"mode\" belongs to the query, as \"outputMode\"", ERR_INVALID},                 \
    {                                                                                              \
        "checkpointLocation",                                                                      \
            "\"checkpointLocation\" belongs to the pipeline: all sinks share it", ERR_INVALID      \
    }

/* What ends a line; an empty one is an error. */
struct str plan_sink_line_separator(struct rules *rules, const struct doc_node *node);
/* The options of the formats, in sink_csv.c, sink_json.c and sink_parquet.c; they read the shared
 * ones into `found` (FILE_OPTION_COUNT long). */
void plan_sink_csv_read(struct rules *rules, struct doc_node *options, struct plan_sink *sink,
                        struct doc_node **found);
void plan_sink_json_read(struct rules *rules, struct doc_node *options, struct plan_sink *sink,
                         struct doc_node **found);
void plan_sink_parquet_read(struct rules *rules, struct doc_node *options, struct plan_sink *sink,
                            struct doc_node **found);
