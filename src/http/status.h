/* status.h: what /status shows, as a plain snapshot that the app fills, and its JSON. Field names
 * are those of PIPELINE.md 7 and of Spark's StreamingQueryProgress; the schema is
 * docs/status.schema.json. Nothing here is owned: pointers live as long as the snapshot. */
#pragma once

#include "base/buf.h"
#include "base/mem.h"

/* A point in time, rate, offset or batch id that is not known (yet): printed as null. */
#define STATUS_UNKNOWN INT64_MIN

enum status_state {
    STATUS_STARTING,
    STATUS_RUNNING,
    STATUS_CATCHING_UP,
    STATUS_DEGRADED,
    STATUS_STOPPING,
    STATUS_FAILED
};

/* Times are milliseconds since the Unix epoch, or STATUS_UNKNOWN. */

struct status_offset {
    struct str topic;
    int32_t partition;
    int64_t offset;
};

/* Printed as {"topic":{"0":1}}; items == NULL as null. Any order; one topic's items together. Who
 * has the same items has the same count. */
struct status_offsets {
    const struct status_offset *items;
    uint32_t count;
};

struct status_duration { /* milliseconds, of the query's last batch */
    int64_t latest_offset, get_batch, query_planning, wal_commit, add_batch, commit_offsets;
    int64_t trigger_execution; /* the whole batch */
};

struct status_event_time { /* of the last batch; an unknown one is left out, as in Spark */
    int64_t avg_ms, max_ms, min_ms, watermark_ms;
};

struct status_state_operator {
    int64_t rows_total, rows_updated, rows_dropped_by_watermark, memory_used_bytes;
};

struct status_query_source {
    struct str description;
    struct status_offsets start, end, latest;
};

struct status_sink {
    struct str name, description;
    int64_t output_rows;      /* of the last batch; -1 as Spark where a sink cannot tell */
    uint64_t objects, bytes;  /* published since the start of the run */
    uint64_t held_bytes;      /* memory of rows that are not published yet */
    uint64_t uploads;         /* files begun in the store that nobody can see yet */
    uint64_t uploading_bytes; /* of the batches under way, on their way to the store */
    uint64_t retries;
    bool failing;     /* operations wait to be tried again */
    struct str error; /* why; empty: null */
};

/* The books since the start of the run: read is the sum of the others. */
struct status_books {
    uint64_t read, malformed, filtered, no_event_time, future, deduplicated, late, accepted;
};

struct status_query { /* progress of the last batch the query took part in */
    struct str name, output_mode;
    int64_t batch_id;     /* STATUS_UNKNOWN before the first */
    int64_t timestamp_ms; /* when its trigger fired */
    int64_t input_rows;
    double input_rows_per_second, processed_rows_per_second; /* not finite: printed as null */
    struct status_duration duration;
    struct status_event_time event_time;
    const struct status_state_operator *state_operators;
    uint32_t state_operator_count;
    struct status_query_source source;
    const struct status_sink *sinks;
    uint32_t sink_count;
    struct status_books books;
    uint64_t output_rows_total; /* since the start of the run */
};

struct status_partition {
    struct str topic;
    int32_t partition;
    int64_t position, end, lag; /* offsets of the next record and the end; records */
    bool held;                  /* at its target: not drained */
    bool left_out;              /* cannot deliver: the slice goes on without it */
};

struct status_source {
    struct str name, description;
    bool connected, held; /* held: back pressure holds the whole source */
    uint64_t malformed;   /* records of committed batches, since the start of the run */
    struct str error;     /* the last problem while not connected; empty: null */
    const struct status_partition *partitions;
    uint32_t partition_count;
    const struct status_sink *sinks; /* deadLetter, lateRows */
    uint32_t sink_count;
};

struct status_checkpoint {
    struct str location;
    int64_t batch_id, bytes, committed_ms; /* of the last commit */
};

struct status_progress {       /* on a backlog */
    double percent;            /* of what there was when it began, and came since */
    double records_per_second; /* read; not finite: printed as null, as of the next */
    double eta_seconds;        /* until nothing is left, at the rates of now */
};

struct status {
    struct str name, version;
    struct str id, run_id; /* UUIDs */
    enum status_state state;
    struct str reason; /* why it is degraded, failed, starting ...; empty: null */
    double uptime_seconds;
    bool ready;                 /* as /readyz says */
    struct str not_ready;       /* why not; empty: null */
    double uncommitted_seconds; /* age of the oldest record that is read and not committed; NAN */
    int64_t committed_ms;       /* of the last batch */
    /* How the source is read, of about the last five seconds; records. NAN: not known. */
    double read_per_second, added_per_second;
    int64_t behind;
    int64_t trigger_interval_ms;            /* STATUS_UNKNOWN for availableNow */
    const struct status_progress *progress; /* NULL: not catching up */
    int64_t resident_bytes;
    const struct mem_account *memory; /* NULL: no account */
    const struct status_query *queries;
    uint32_t query_count;
    const struct status_source *sources;
    uint32_t source_count;
    const struct status_checkpoint *checkpoint; /* NULL: no recovery */
};

const char *status_state_name(enum status_state state);

/* Appends the JSON document and a newline; out->failed without memory. Bytes that are not UTF-8 are
 * shown as U+FFFD. */
void status_print(const struct status *status, struct buf *out);
/* {"topic":{"0":1}}, appended. Without memory the buffer has failed. */
void status_print_offsets(const struct status_offsets *offsets, struct buf *out);
