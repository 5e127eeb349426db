/* sink.h: the contract of a sink in the batch protocol: fill → seal → prepare → decide → publish.
 *
 * A prepared batch can be published by another process, when this one is gone: from what
 * sink_batch_outputs, sink_batch_staged and sink_batch_held say, which belongs into the record that
 * decides the batch. The other process recovers, restores and sweeps, in this order, before its
 * first batch.
 *
 * Two batches exist at a time, one filling and one committing, so the work is done on a batch of a
 * sink. Prepare, publish and abort are asynchronous: their callback comes exactly once, on the loop
 * and never from inside the call. Transient failures are repeated inside (store.h), without end;
 * what reaches a callback is final for that call. */
#pragma once

#include <uv.h>

#include "base/health.h"
#include "batch/record.h"
#include "vec/vec.h"

struct sink;
struct sink_batch;

/* code 0 or ERR_* with the message in err (never NULL). */
typedef void (*sink_callback)(struct sink_batch *batch, int code, const struct err *err,
                              void *user);

/* Totals of published batches, for /metrics and /status. */
struct sink_counters {
    uint64_t objects; /* files */
    uint64_t bytes;
    uint64_t rows;
};

/* What a commit record says of a batch of this sink. */
struct sink_recovery {
    int64_t batch_id;
    uint64_t rows; /* sink_batch_rows, for the counters */
    const struct record_file *outputs;
    uint32_t output_count;
    struct str staged; /* sink_batch_staged */
};

/* Of what is asked of the whole sink. Exactly once, on the loop and never from inside the call;
 * code 0 or ERR_* with the message in err (never NULL). */
typedef void (*sink_done_callback)(struct sink *sink, int code, const struct err *err, void *user);

/* What all kinds of sinks are told. Strings are copied; the schema outlives the sink. */
struct sink_config {
    uv_loop_t *loop;
    /* Told that memory was freed (sink_batch_bytes), and that sink_health changed; may be NULL. */
    void (*drained)(void *user);
    void (*health_changed)(struct sink *sink, void *user);
    void *user;
    struct str query;          /* for deadLetter and lateRows: the source's name */
    struct str name;           /* the sink's */
    const struct type *schema; /* STRUCT: the query's rows */
};

/* What becomes of the rolled files that a sink holds between batches. */
enum sink_close_mode {
    SINK_CLOSE_DISCARD, /* without a checkpoint: the stream does not end well */
    SINK_CLOSE_PUBLISH, /* without a checkpoint: it does */
    SINK_CLOSE_LEAVE,   /* with one: nothing is touched, the record has them */
};

/* Ends a sink; no batch may be left, nor a recovery, restoration or sweep under way. It is freed
 * and the callback told how that went, perhaps from inside the call. */
typedef void (*sink_close_callback)(void *user, int code, const struct err *err);
void sink_close(struct sink *sink, enum sink_close_mode mode, sink_close_callback callback,
                void *user);
struct str sink_name(const struct sink *sink);
struct str sink_query(const struct sink *sink);
/* For /status: "ConsoleSink", "FileSink[path]". */
struct str sink_description(const struct sink *sink);
const struct sink_counters *sink_counters(const struct sink *sink);
/* Whether its destination can be reached; NULL: nothing stands in between (console). */
const struct health *sink_health(const struct sink *sink);
/* Memory of what it holds between batches. */
size_t sink_bytes(const struct sink *sink);
/* Files that are begun in the store and not visible yet, rolled ones too. */
uint32_t sink_uploads(const struct sink *sink);
/* Told the duration of every store operation that writes; for sluice_sink_upload_seconds. */
void sink_observe_uploads(struct sink *sink, void (*observe)(void *user, double seconds),
                          void *user);

/* Publishes a decided batch of another process; also one that is published already, or in part: no
 * row appears twice, but for a console, which prints again. What it is given stays untouched until
 * the callback. Its code is as that of sink_batch_publish, and ERR_NOT_FOUND when a file is gone
 * without a trace; what a failure leaves unpublished stays as it is. One of these three calls at a
 * time, before any batch is opened. */
void sink_recover(struct sink *sink, const struct sink_recovery *recovery,
                  sink_done_callback callback, void *user);
/* Opens the rolled files of the newest commit record again, after its recovery; none (count 0) is
 * legal for every sink. What it is given stays untouched until the callback. ERR_CORRUPT when a
 * state is damaged, newer, or of other columns or another format, or the store has less than it
 * should; ERR_NOT_FOUND when a file is gone. After a failure the sink can only be closed, with
 * SINK_CLOSE_LEAVE. */
void sink_restore_held(struct sink *sink, const struct record_held *held, uint32_t count,
                       sink_done_callback callback, void *user);
/* Removes what dead processes left unfinished under this sink's names, after recovery and
 * restoration: of batches up to batch_max, the takeover's, as a later owner's are above it. A
 * failure leaves some of it there and is no reason to stop. No batch is open until the callback. */
void sink_sweep(struct sink *sink, int64_t batch_max, sink_done_callback callback, void *user);
/* What runs of the three shall end soon, with ERR_CANCELLED or its result. */
void sink_cancel(struct sink *sink);

/* A new batch that fills, which will be sealed as batch_id. ERR_NOMEM. */
int sink_batch_open(struct sink *sink, int64_t batch_id, struct sink_batch **out,
                    struct err *err) MUST_CHECK;
/* Adds rows; takes nothing of the block's memory. Fails with ERR_NOMEM, or with what went wrong in
 * the background since the last call; such a batch can only be aborted. Filling only. */
int sink_batch_write(struct sink_batch *batch, const struct block *rows,
                     struct err *err) MUST_CHECK;
/* Memory held, for the account; it shrinks as parts reach the store. */
size_t sink_batch_bytes(const struct sink_batch *batch);
/* How much of it leaves by itself, soon, before the batch is sealed. */
size_t sink_batch_draining(const struct sink_batch *batch);
/* Rows written so far. */
uint64_t sink_batch_rows(const struct sink_batch *batch);

/* The batch is sealed: everything is written, durable and invisible when it succeeds; when it fails
 * the batch can only be aborted. */
void sink_batch_prepare(struct sink_batch *batch, sink_callback callback, void *user);
/* Makes a prepared batch visible. After the callback of a success the batch is gone; after a
 * failure it may be published again or aborted. Batches of one sink are published one at a time. */
void sink_batch_publish(struct sink_batch *batch, sink_callback callback, void *user);
/* Removes what was written, at any time, but leaves rolled files that a record has. (Rows that a
 * prepare has put into rolled files stay in them: then the sink can only be closed.) A prepare or
 * publish under way is called back first, with ERR_CANCELLED or, when it was too late, its result.
 * After the callback the batch is gone. */
void sink_batch_abort(struct sink_batch *batch, sink_callback callback, void *user);

/* The same, but what was written stays as it is, for the process that will recover the batch or
 * sweep it away. For a batch that is decided, or may be. */
void sink_batch_leave(struct sink_batch *batch, sink_callback callback, void *user);

/* Of a prepared batch, until it is gone. A batch without rows has no files; one whose rows are in a
 * rolled file that goes on has none either. */
const struct record_file *sink_batch_outputs(const struct sink_batch *batch, uint32_t *count);
/* What a prepared batch of a sink without files publishes (Kafka: encoded rows; console: text), to
 * be kept with the record; empty: nothing. The batch's memory. */
struct str sink_batch_staged(const struct sink_batch *batch);
/* The rolled files that stay open, all of them, also those without rows of this batch. Of a
 * prepared batch, until it is gone; only of sinks made to be recovered (sink_files_options). */
const struct record_held *sink_batch_held(const struct sink_batch *batch, uint32_t *count);
