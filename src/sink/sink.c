#include "sink/sink_impl.h"

#include <stdlib.h>

/* filling → preparing → prepared → publishing → published (gone)
 *               ↓ failure     ↑________↓ failure
 *             failed                                 abort: from any stage (gone) */

enum { SINK_MAGIC = 0x53494e4b, BATCH_MAGIC = 0x53424154 };

int sink_init(struct sink *sink, const struct sink_ops *ops, const struct sink_config *config,
              char *description, struct err *err)
{
    sink->magic = SINK_MAGIC;
    sink->ops = ops;
    sink->loop = config->loop;
    sink->schema = config->schema;
    sink->drained = config->drained;
    sink->health_changed = config->health_changed;
    sink->user = config->user;
    sink->query = str_copy(config->query);
    sink->name = str_copy(config->name);
    sink->description = description;
    if (!sink->query || !sink->name || !description)
        return err_set(err, ERR_NOMEM, "out of memory");
    return 0;
}

void sink_fini(struct sink *sink)
{
    free(sink->query);
    free(sink->name);
    free(sink->description);
    sink->magic = 0;
}

void sink_close(struct sink *sink, enum sink_close_mode mode, sink_close_callback callback,
                void *user)
{
    REQUIRE(sink->magic == SINK_MAGIC && sink->batch_count == 0 && !sink->close_callback);
    REQUIRE(!sink->task.active);
    sink->close_callback = callback;
    sink->close_user = user;
    sink->ops->close(sink, mode);
}

void sink_closed(struct sink *sink, void (*destroy)(struct sink *sink), const struct err *err)
{
    sink_close_callback callback = sink->close_callback;
    void *user = sink->close_user;
    struct err copy = *err;
    destroy(sink);
    callback(user, copy.code, &copy);
}

const struct health *sink_health(const struct sink *sink)
{
    return sink->ops->health ? sink->ops->health(sink) : NULL;
}

size_t sink_bytes(const struct sink *sink)
{
    return sink->ops->held ? sink->ops->held(sink) : 0;
}

uint32_t sink_uploads(const struct sink *sink)
{
    return sink->ops->uploads ? sink->ops->uploads(sink) : 0;
}

struct str sink_name(const struct sink *sink)
{
    return str_of(sink->name);
}

struct str sink_query(const struct sink *sink)
{
    return str_of(sink->query);
}

struct str sink_description(const struct sink *sink)
{
    return str_of(sink->description);
}

const struct sink_counters *sink_counters(const struct sink *sink)
{
    return &sink->counters;
}

void sink_observe_uploads(struct sink *sink, void (*observe)(void *user, double seconds),
                          void *user)
{
    sink->observe = observe;
    sink->observe_user = user;
}

int sink_batch_open(struct sink *sink, int64_t batch_id, struct sink_batch **out, struct err *err)
{
    REQUIRE(sink->magic == SINK_MAGIC && !sink->task.active);
    int code = sink->ops->open(sink, batch_id, out, err);
    if (code)
        return code;
    REQUIRE((*out)->magic == BATCH_MAGIC);
    return 0;
}

void sink_batch_init(struct sink_batch *batch, struct sink *sink, int64_t id)
{
    batch->magic = BATCH_MAGIC;
    batch->sink = sink;
    batch->stage = SINK_FILLING;
    batch->id = id;
    int code = uv_timer_init(sink->loop, &batch->timer);
    INVARIANT(code == 0); /* it never fails */
    sink->batch_count++;
}

int sink_batch_write(struct sink_batch *batch, const struct block *rows, struct err *err)
{
    REQUIRE(batch->magic == BATCH_MAGIC && batch->stage == SINK_FILLING && !batch->running);
    int code = batch->sink->ops->write(batch, rows, err);
    if (code)
        return code;
    batch->rows += rows->rows;
    return 0;
}

size_t sink_batch_bytes(const struct sink_batch *batch)
{
    REQUIRE(batch->magic == BATCH_MAGIC);
    return batch->sink->ops->bytes(batch);
}

size_t sink_batch_draining(const struct sink_batch *batch)
{
    REQUIRE(batch->magic == BATCH_MAGIC);
    return batch->sink->ops->draining ? batch->sink->ops->draining(batch) : 0;
}

uint64_t sink_batch_rows(const struct sink_batch *batch)
{
    REQUIRE(batch->magic == BATCH_MAGIC);
    return batch->rows;
}

const struct record_file *sink_batch_outputs(const struct sink_batch *batch, uint32_t *count)
{
    REQUIRE(batch->magic == BATCH_MAGIC);
    *count = batch->output_count;
    return batch->outputs;
}

struct str sink_batch_staged(const struct sink_batch *batch)
{
    REQUIRE(batch->magic == BATCH_MAGIC);
    return batch->sink->ops->staged ? batch->sink->ops->staged(batch) : STR("");
}

const struct record_held *sink_batch_held(const struct sink_batch *batch, uint32_t *count)
{
    REQUIRE(batch->magic == BATCH_MAGIC);
    *count = 0;
    return batch->sink->ops->held_files ? batch->sink->ops->held_files(batch, count) : NULL;
}

static void operation_begin(struct sink_batch *batch, enum sink_stage stage, sink_callback callback,
                            void *user)
{
    REQUIRE(callback && !batch->running && !batch->done && !batch->closing);
    REQUIRE(!batch->abort_callback);
    batch->stage = stage;
    batch->running = true;
    batch->callback = callback;
    batch->user = user;
    batch->code = 0;
    batch->err = (struct err){0};
}

void sink_batch_prepare(struct sink_batch *batch, sink_callback callback, void *user)
{
    REQUIRE(batch->magic == BATCH_MAGIC && batch->stage == SINK_FILLING);
    operation_begin(batch, SINK_PREPARING, callback, user);
    batch->sink->ops->prepare(batch);
}

void sink_batch_publish(struct sink_batch *batch, sink_callback callback, void *user)
{
    REQUIRE(batch->magic == BATCH_MAGIC && batch->stage == SINK_PREPARED);
    operation_begin(batch, SINK_PUBLISHING, callback, user);
    batch->sink->ops->publish(batch);
}

static void abort_begin(struct sink_batch *batch)
{
    batch->stage = SINK_ABORTING;
    batch->running = true;
    batch->callback = NULL;
    batch->code = 0;
    batch->err = (struct err){0};
    batch->sink->ops->abort(batch);
}

void sink_batch_abort(struct sink_batch *batch, sink_callback callback, void *user)
{
    REQUIRE(batch->magic == BATCH_MAGIC && !batch->abort_callback && callback);
    batch->abort_callback = callback;
    batch->abort_user = user;
    if (batch->running)
        batch->sink->ops->cancel(batch);
    else if (!batch->done && !batch->closing)
        abort_begin(batch);
    /* else: the result that is due goes out first */
}

void sink_batch_leave(struct sink_batch *batch, sink_callback callback, void *user)
{
    batch->leaves = true;
    sink_batch_abort(batch, callback, user);
}

static void on_closed(uv_handle_t *handle)
{
    struct sink_batch *batch = CONTAINER_OF(handle, struct sink_batch, timer);
    struct sink *sink = batch->sink;
    const struct sink_ops *ops = sink->ops;
    bool aborted = batch->stage == SINK_ABORTING;
    struct err none = {0};
    sink->batch_count--; /* first: the owner may destroy the sink in the callback */
    if (batch->callback)
        batch->callback(batch, batch->code, &batch->err, batch->user);
    if (batch->abort_callback)
        batch->abort_callback(batch, aborted ? batch->code : 0, aborted ? &batch->err : &none,
                              batch->abort_user);
    batch->magic = 0;
    ops->free_batch(batch);
}

static void batch_close(struct sink_batch *batch)
{
    batch->closing = true;
    uv_close((uv_handle_t *)&batch->timer, on_closed);
}

/* Hands out the result of a prepare or of a publish that failed; the batch lives on. */
static void deliver(struct sink_batch *batch, enum sink_stage stage)
{
    sink_callback callback = batch->callback;
    bool abort_wanted = batch->abort_callback != NULL;
    batch->stage = stage;
    batch->callback = NULL;
    callback(batch, batch->code, &batch->err, batch->user);
    if (abort_wanted) /* else the callback may have begun one itself */
        abort_begin(batch);
}

static void deliver_any(struct sink_batch *batch)
{
    batch->done = false;
    if (batch->stage == SINK_PREPARING) {
        deliver(batch, batch->code ? SINK_FAILED : SINK_PREPARED);
    } else if (batch->stage == SINK_PUBLISHING && batch->code) {
        deliver(batch, SINK_PREPARED);
    } else if (batch->stage == SINK_PUBLISHING) {
        struct sink_counters *counters = &batch->sink->counters;
        batch->stage = SINK_PUBLISHED;
        counters->objects += batch->output_count;
        counters->bytes += batch->bytes_out;
        counters->rows += batch->rows;
        batch_close(batch);
    } else {
        INVARIANT(batch->stage == SINK_ABORTING);
        batch_close(batch);
    }
}

static void on_timer(uv_timer_t *timer)
{
    struct sink_batch *batch = CONTAINER_OF(timer, struct sink_batch, timer);
    void (*resume)(struct sink_batch * batch) = batch->resume;
    batch->resume = NULL;
    if (resume)
        resume(batch);
    else
        deliver_any(batch);
}

void sink_batch_done(struct sink_batch *batch, int code)
{
    INVARIANT(batch->running && !batch->resume);
    batch->running = false;
    batch->done = true;
    batch->code = code;
    if (code && !batch->err.code)
        err_set(&batch->err, code, "failed");
    uv_timer_start(&batch->timer, on_timer, 0, 0);
}

void sink_batch_delay(struct sink_batch *batch, uint64_t delay_ms,
                      void (*resume)(struct sink_batch *batch))
{
    INVARIANT(!batch->resume && !batch->done);
    batch->resume = resume;
    uv_timer_start(&batch->timer, on_timer, delay_ms, 0);
}

bool sink_batch_delay_stop(struct sink_batch *batch)
{
    if (!batch->resume)
        return false;
    batch->resume = NULL;
    uv_timer_stop(&batch->timer);
    return true;
}
