/* plan.h: a pipeline document after parsing and checking: an immutable plan, and the errors of one
 * that is not valid. The document is PIPELINE.md 1. Pure: text and environment come in as
 * arguments. */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "plan/plan_sink.h"

/* What the environment knows: returns the value of a variable or NULL. */
typedef const char *(*plan_getenv)(void *user, const char *name);

/* Lines and columns count from 1; columns count code points. */
struct plan_where {
    struct str place; /* empty: the document's file; else for example `--set source.name` */
    uint32_t line, column;
};

/* One problem. */
struct plan_error {
    uint32_t line, column;
    struct str place;   /* empty: the document's file; else what stands in its place */
    struct str message; /* one sentence: what is wrong, what was expected, perhaps a suggestion */
    struct str excerpt; /* for SQL: the query's line and a second line with a caret; else empty */
    int code;           /* ERR_INVALID or ERR_UNSUPPORTED ("not supported yet") */
};

enum { PLAN_ERRORS_MAX = 100 };

/* In the order of the document, then of the overrides. All zero is a valid empty list. */
struct plan_errors {
    struct plan_error *items;
    uint32_t count, capacity;
    uint32_t left_out; /* beyond PLAN_ERRORS_MAX, or without memory */
};

/* How many there were. */
static inline uint32_t plan_errors_found(const struct plan_errors *errors)
{
    return errors->count + errors->left_out;
}

struct doc_node;

enum plan_format { FORMAT_JSON, FORMAT_TEXT, FORMAT_BINARY };
enum plan_json_mode { JSON_PERMISSIVE, JSON_FAILFAST, JSON_DROPMALFORMED };
enum plan_output_mode { OUTPUT_APPEND, OUTPUT_UPDATE, OUTPUT_COMPLETE };

/* A starting offset: OFFSET_EARLIEST, OFFSET_LATEST or an offset from 0. */
enum { OFFSET_EARLIEST = -2, OFFSET_LATEST = -1 };

struct plan_partition_offset {
    struct str topic;
    int32_t partition;
    int64_t offset;
};

enum plan_starting { START_LATEST, START_EARLIEST, START_OFFSETS, START_TIMESTAMP };
enum plan_subscription { SUBSCRIBE_TOPICS, SUBSCRIBE_PATTERN, SUBSCRIBE_ASSIGN };

struct plan_kafka {
    enum plan_subscription subscription;
    struct str *topics; /* SUBSCRIBE_TOPICS: names; SUBSCRIBE_PATTERN: one regular expression */
    uint32_t topic_count;
    struct plan_partition_offset *assigned; /* SUBSCRIBE_ASSIGN: offset unused */
    uint32_t assigned_count;
    enum plan_starting starting;
    struct plan_partition_offset *starting_offsets; /* START_OFFSETS */
    uint32_t starting_offset_count;
    int64_t starting_timestamp_ms; /* START_TIMESTAMP */
    bool
        starting_timestamp_or_latest; /* startingOffsetsByTimestampStrategy = latest (else error) */
    int64_t max_offsets_per_trigger;  /* 0: no limit */
    bool fail_on_data_loss;
    struct plan_option *client; /* librdkafka's names, without "kafka." */
    uint32_t client_count;
};

struct plan_value {
    enum plan_format format;
    const struct type *schema; /* STRUCT; for text and binary: one column `value` */
    enum plan_json_mode mode;
    int corrupt_column; /* index in schema of columnNameOfCorruptRecord, or -1 */
    struct str timestamp_format, date_format; /* datetime patterns; p NULL: not given */
};

struct plan_sql {
    struct str text; /* lines joined by \n */
    /* Where line i of the text begins in the document, for messages; from JSON string starts. */
    uint32_t *line_numbers, *column_numbers;
    uint32_t line_count;
    const struct doc_node **line_strings; /* the JSON string that line i is in (doc.h), and its */
    size_t *line_offsets;                 /* first byte in that string's value; sql_errors.h */
};

/* source.watermark; beyond Spark's two: limits, off (-1, false) unless given. */
struct plan_watermark {
    bool given;
    struct str event_time; /* a column of the view that queries read */
    int64_t delay_ms;
    int64_t future_limit_ms, idle_timeout_ms;
    bool per_partition;
    uint32_t line, column; /* of eventTime */
};

struct plan_query {
    struct str name;
    struct plan_sql sql;
    enum plan_output_mode output_mode;
    struct plan_sink *sinks;
    uint32_t sink_count;
    uint32_t line, column;
    uint32_t mode_line, mode_column; /* of outputMode, or of the query */
};

struct plan {
    struct arena arena; /* everything below lives here */
    struct str file;    /* as given, for messages */
    struct str name;
    struct str view; /* source.name */
    struct plan_kafka kafka;
    struct plan_value value;
    struct plan_sql transform; /* text.p NULL: none */
    struct plan_watermark watermark;
    struct plan_name *dedup; /* dropDuplicatesWithinWatermark */
    uint32_t dedup_count;
    struct plan_sink *dead_letter, *late_rows; /* NULL: none */
    struct plan_query *queries;
    uint32_t query_count;
    bool available_now;
    int64_t trigger_interval_ms; /* 0: as fast as possible */
    struct str checkpoint;       /* checkpointLocation; empty: none */
    struct plan_s3 s3;
    bool http_enabled;
    struct str http_host;
    uint16_t http_port;                    /* 0: a free one */
    struct str http_token;                 /* empty: none */
    struct str http_certificate, http_key; /* files; empty: no TLS */
};

struct plan_override {
    struct str path;  /* the part of --set before the first '=' */
    struct str value; /* JSON if it parses, else a string */
};

struct plan_input {
    struct str file; /* name, for messages */
    struct str text;
    const struct plan_override *overrides;
    uint32_t override_count;
    plan_getenv getenv;
    void *getenv_user;
    /* As `sluice test` reads a case: source options, trigger, checkpoint and sinks other than
     * console are not needed, a sink may lack its path and stand under any output mode. */
    bool conformance_case;
    /* On ERR_INVALID, give what could be read as *out all the same, so that the SQL can be checked
     * too and all errors be shown at once. Only queries with a text are in it; NULL when there is
     * none, or when the columns are not known. */
    bool keep_invalid;
};

/* Parses and checks everything but the SQL. Returns 0 and *out (plan_destroy frees it), or
 * ERR_INVALID with every problem in `errors`, in the order of the document. `errors` lives in
 * `error_arena`. */
int plan_create(struct plan **out, const struct plan_input *input, struct arena *error_arena,
                struct plan_errors *errors) MUST_CHECK;
void plan_destroy(struct plan *plan);
bool plan_has_query(const struct plan *plan, struct str name);

/* Adds one error at its place in the order; for later checks that report in the same list. */
void plan_error_add(struct plan_errors *errors, struct arena *arena, uint32_t line, uint32_t column,
                    int code, const char *fmt, ...) PRINTF_LIKE(6, 7);

/* Appends every error as "file:line:column: error: message" with its excerpt, then a count. */
void plan_errors_print(const struct plan_errors *errors, struct str file, struct buf *out);
