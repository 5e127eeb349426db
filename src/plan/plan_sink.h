/* plan_sink.h: the part of a plan (plan.h) that says where rows go: sinks, and the object store. */
#pragma once

#include "format/file_encoder.h"

/* A name with its place. */
struct plan_name {
    struct str name;
    uint32_t line, column;
};

struct plan_option {
    struct str key, value;
    bool secret;           /* never shown */
    uint32_t line, column; /* of the value */
};

enum plan_sink_format { SINK_CONSOLE, SINK_JSON, SINK_PARQUET, SINK_CSV, SINK_KAFKA };

struct plan_sink {
    struct str name; /* given, or <format><index> */
    enum plan_sink_format format;
    struct str path;        /* file sinks; empty for console (and in a conformance case) */
    bool truncate;          /* console: cut cells */
    int32_t truncate_width; /* console: to this many characters when truncate; default 20 */
    int32_t num_rows;       /* console: rows shown, default 20 */
    /* File sinks. */
    struct file_format file;
    struct plan_name *partition_by; /* names do not depend on case: plan_sink_partition_column */
    uint32_t partition_count;
    struct plan_name *bloom;       /* the places of file.parquet.bloom */
    uint64_t max_records_per_file; /* 0: no limit */
    int64_t roll_interval_ms;      /* 0: files end with their batch */
    uint64_t target_file_bytes;    /* compressed; 0: no target */
    uint32_t max_open_partitions;  /* at a time, of one batch */
    /* Kafka. */
    struct str topic;           /* empty: rows have a column `topic` */
    struct plan_option *client; /* librdkafka's names, without "kafka." */
    uint32_t client_count;
    uint32_t line, column;
};

/* The document's `s3`. Strings are empty where nothing is given. */
struct plan_s3 {
    struct str endpoint; /* URL; empty: AWS's of the region */
    struct str region;
    bool path_style;
    struct str access_key_id, secret_access_key, session_token; /* secrets: never shown */
    struct str ca_file;                                         /* PEM, instead of the system's */
    bool insecure_tls;                                          /* certificates are not verified */
};
