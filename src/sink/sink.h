/* sink.h: the contract of a sink in the batch protocol: fill → seal → prepare → decide → publish.
 *
 * Two batches exist at a time, one filling and one committing, so the work is done on a batch of a
 * sink. Prepare, publish and abort are asynchronous: their callback comes exactly once, on the loop
 * and never from inside the call. Transient failures are repeated inside (store.h), without end;
 * what reaches a callback is final for that call. */
#pragma once

#include <uv.h>

#include "base/health.h"
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

/* What a prepared batch publishes, for the commit record. */
struct sink_output {
    struct str name;      /* final key, relative to the sink's path */
    struct str upload_id; /* of the unfinished object; empty for console */
    uint64_t rows, bytes;
};

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

/* Ends a sink; no batch may be left. What it holds between batches (rolled files) is published when
 * `keep`, else removed; then it is freed and the callback told how that went, perhaps from inside
 * the call. */
typedef void (*sink_close_callback)(void *user, int code, const struct err *err);
void sink_close(struct sink *sink, bool keep, sink_close_callback callback, void *user);
struct str sink_name(const struct sink *sink);
struct str sink_query(const struct sink *sink);
/* For /status: "ConsoleSink", "FileSink[path]". */
struct str sink_description(const struct sink *sink);
const struct sink_counters *sink_counters(const struct sink *sink);
/* Whether its destination can be reached; NULL: nothing stands in between (console). */
const struct health *sink_health(const struct sink *sink);
/* Memory of what it holds between batches. */
size_t sink_bytes(const struct sink *sink);
/* Told the duration of every store operation that writes; for sluice_sink_upload_seconds. */
void sink_observe_uploads(struct sink *sink, void (*observe)(void *user, double seconds),
                          void *user);

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
/* Removes what was written, at any time. A prepare or publish under way is called back first, with
 * ERR_CANCELLED or, when it was too late, its result. After the callback the batch is gone. */
void sink_batch_abort(struct sink_batch *batch, sink_callback callback, void *user);

/* Of a prepared batch, until it is gone. A batch without rows has no files; one whose rows are in a
 * rolled file that goes on has none either. */
const struct sink_output *sink_batch_outputs(const struct sink_batch *batch, uint32_t *count);
