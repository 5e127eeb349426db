/* app_impl.h: the inside of an app, shared by the files app*.c. */
#pragma once

#include "app.h"
#include "app_keep.h"
#include "app_show.h"
#include "app_tell.h"
#include "base/mem.h"
#include "base/metric.h"
#include "batch/batch.h"
#include "batch/slice.h"
#include "checkpoint/checkpoint.h"
#include "engine/engine.h"
#include "http/server.h"
#include "os/random_id.h"
#include "sink/sink.h"
#include "sink/stdout_writer.h"
#include "source/source.h"
#include "store/place.h"

enum app_stage {
    APP_RUNNING,
    APP_ABORTING, /* batches */
    APP_CLOSING_SINKS,
    APP_CLOSING_CHECKPOINT,
    APP_CLOSING,
    APP_CLOSING_HTTP,
    APP_CLOSED,
};

/* One sink of one query, or of the source (app_extra_index). */
struct app_output {
    struct app *app;
    uint32_t query;
    struct sink *sink;
    struct store *store;        /* of a file sink */
    struct kafka_writer *kafka; /* of a Kafka sink */
    struct store_request check; /* at the start: can it be used? */
    struct metric_series *objects, *bytes, *retries, *failing;
    struct record_object held; /* rolled files, as the checkpoint has them; key empty: none */
    struct buf held_key, held_bytes;
};

struct app_slot_output {
    struct sink_batch *batch; /* NULL: not open */
    struct batch_ticket ticket;
    struct record_object staged; /* rows in the checkpoint; key empty: none */
    struct app *app;
    uint32_t index; /* of its sink in app->outputs */
};

/* When records came, for the latency from broker to committed output. */
struct app_arrival {
    int64_t timestamp_ms;
    uint64_t records;
};

enum { ARRIVALS_MAX = 256 };

/* The app's part of a batch. */
struct app_slot {
    const struct batch *batch;
    struct app_slot_output *outputs; /* per app_output */
    struct engine_counts counts;
    struct app_arrival arrivals[ARRIVALS_MAX];
    uint32_t arrival_count;
    int64_t first_record_ms;                    /* wall clock; 0: no record yet */
    int64_t busy_us;                            /* spent reading, decoding, evaluating */
    int64_t sealed_us, prepared_us, decided_us; /* monotonic: when each stage ended */
    int64_t *start_offsets, *end_offsets; /* per source partition, from seal on; -1: not known */
    uint32_t partition_count;
    bool saving; /* the queries are sealed: their state is being encoded */
    /* With a checkpoint: */
    struct arena arena; /* of what the record names */
    struct str *slices; /* commit_record.slices */
    uint32_t slice_count, slice_room;
    struct commit_record record;
};

/* What /status shows of the last committed batch. */
struct app_progress {
    int64_t batch_id, timestamp_ms, records;
    int64_t committed_ms; /* wall clock; 0: none yet */
    double input_per_s, processed_per_s;
    int64_t add_batch_ms, wal_commit_ms, commit_offsets_ms, total_ms;
    int64_t *start_offsets, *end_offsets; /* per partition */
    uint32_t partition_count;
    struct query_counts *queries; /* per query */
};

struct app {
    struct app_options options;
    uv_loop_t *loop;
    enum app_stage stage;
    struct err err;
    int closing; /* callbacks awaited in this stage of closing */
    char id[RANDOM_ID_SIZE], run_id[RANDOM_ID_SIZE];
    int64_t started_ms; /* wall clock */

    struct engine *engine;
    struct source *source;
    struct http_server *http;
    struct stdout_writer *writer;
    struct app_output *outputs;
    uint32_t output_count;
    struct store_places places;
    uint32_t checks; /* of stores that have not answered yet */

    struct store *checkpoint_store;
    struct checkpoint *checkpoint; /* NULL: a decision is this process's memory */
    struct batch_ticket save_ticket;
    struct err stage_err;     /* of staging the batch that decides */
    struct str *fingerprints; /* per query, then the source's; owned */
    struct app_recovery recovery;
    struct plan_partition_offset *resume;       /* where the source goes on */
    enum { NOT_BEGUN, BEGINNING, BEGUN } begun; /* a new checkpoint's metadata is written */
    bool opened;                                /* app_open_rest was called */

    struct batch_machine machine;
    bool machine_ready; /* the source knew where to begin */
    bool stopping;
    struct app_slot slots[2];
    struct app_slot *filling;
    struct app_progress last;
    int64_t last_seal_ms;
    uint64_t records_read, batches;
    uint64_t malformed;       /* records of committed batches */
    struct books *books;      /* per query, of committed batches */
    uint64_t *rows_out_total; /* per query */

    struct app_pace pace;
    struct app_samples *samples;

    struct mem_account memory;
    bool state_warned;                    /* that state passed the budget */
    int64_t last_record_ms, last_idle_ms; /* wall clock; engine_idle */
    double rate_offsets, rate_us;         /* decaying sums: the current reading rate */
    struct app_backlog backlog;
    struct app_batch_line batch_line;
    bool told_ready; /* to the service manager */
    int64_t slice_opened_us, slice_next_us;

    uv_idle_t idle;        /* another turn at once */
    uv_timer_t turn_timer; /* another turn at a time */
    uv_timer_t stop_timer; /* a slice that does not end is given up */
    uv_prepare_t prepare;  /* measures turns */
    uv_timer_t second_timer;
    int64_t turn_began_us;
    uint64_t turn_idle_ns;
    double stall_max_s;

    struct metrics *metrics;
    struct metric_series **partition_series; /* records, bytes, lag per partition */
    uint32_t partition_series_count;
};

/* app.c */
void app_turn_soon(struct app *app);
/* Ends the app with this error, unless there is one already. */
void app_fail(struct app *app, const struct err *err);
/* One of the callbacks that app->closing counts. */
void app_closed_one(void *app);
/* The source has something new (struct source_hooks). */
void app_source_changed(void *user);

/* app_sinks.c */
/* The index that stands for an extra where queries are numbered: behind them. */
uint32_t app_extra_index(const struct app *app, enum engine_extra extra);
/* The query's name, for extras the source's. */
struct str app_output_query(const struct app *app, uint32_t query);
int app_open_sinks(struct app *app, struct err *err) MUST_CHECK;
/* "query Q, sink S: " before an error of this output. */
int app_prefix_sink(const struct app *app, uint32_t output, struct err *err);
/* The sink that has been failing for longest, and since when (uv_now); NULL: none. */
const struct sink *app_failing_sink(const struct app *app, uint64_t *since_ms);
/* app->closing counts the callbacks of these. */
void app_close_sinks(struct app *app);
void app_close_stores(struct app *app); /* and writers */

/* app_open.c */
int app_open_parts(struct app *app, struct err *err) MUST_CHECK;
/* What waits for the checkpoint, if there is one. */
int app_open_rest(struct app *app, struct err *err) MUST_CHECK;

/* app_batch.c */
extern const struct batch_ops app_batch_ops;
int app_slot_init(struct app *app, struct app_slot *slot) MUST_CHECK;
void app_slot_fini(struct app_slot *slot);
/* Takes records of the source into the filling batch (struct source_hooks). */
int app_take_records(void *user, const struct record_block *block, struct err *err);
size_t app_held_bytes(const struct app *app);
/* Some of it leaves by itself. */
bool app_draining(const struct app *app);
/* Aborts whatever batches of sinks are open; app->closing counts the callbacks. */
void app_abort_slot(struct app *app, struct app_slot *slot);
void app_abort_slots(struct app *app);
/* What is next in closing, once app->closing is 0. */
void app_close_step(struct app *app);
