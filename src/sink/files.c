#include "sink/files.h"

#include <inttypes.h>
#include <stdlib.h>

#include "sink/parts.h"
#include "sink/sink_impl.h"

/* A batch is a small machine around one store request: files_step looks at what it has (parts to
 * send, an upload, a goal) and starts the next operation; on_request notes the result and steps
 * again. Filling, preparing, publishing and aborting differ in the goal only. */

enum {
    PART_BYTES = 1 << 20,
    ATTEMPTS_MAX = 6,
    RETRY_FIRST_MS = 100,
    RETRY_MS_MAX = 10000,
};

struct files_sink {
    struct sink base;
    struct store *store;
    char *id8;
    size_t part_bytes;
    uint32_t attempts_max;
    uint32_t retry_first_ms;
};

enum goal { GOAL_FILL, GOAL_PREPARE, GOAL_PUBLISH, GOAL_ABORT };

struct files_batch {
    struct sink_batch base;
    enum goal goal;
    struct parts parts;
    struct store_upload *upload;
    bool sealed;
    bool busy;      /* the request runs */
    bool cancelled; /* the operation under way is to end */
    struct store_request request;
    uint64_t request_start_ns;
    uint32_t attempts;    /* of the current step */
    struct err failed;    /* code 0: nothing went wrong for good while filling or preparing */
    struct buf first_key; /* what the upload began with */
    struct buf key;       /* the final name, from prepare on */
    struct sink_output output;
    struct buf upload_id;
};

static void files_step(struct sink_batch *base);

static struct files_batch *files_of(struct sink_batch *batch)
{
    return (struct files_batch *)(void *)batch;
}

static struct files_sink *sink_of(struct files_batch *batch)
{
    return (struct files_sink *)(void *)batch->base.sink;
}

static int files_open(struct sink *sink, struct sink_batch **out, struct err *err)
{
    const struct files_sink *files = (const struct files_sink *)(void *)sink;
    struct files_batch *batch = calloc(1, sizeof *batch);
    if (!batch)
        return err_set(err, ERR_NOMEM, "out of memory");
    batch->parts.part_bytes = files->part_bytes;
    /* The temporary has no batch id yet, but it says whose it is. */
    buf_printf(&batch->first_key, "part-%s-%s-%s.json", files->id8, sink->query, sink->name);
    if (batch->first_key.failed) {
        buf_fini(&batch->first_key);
        free(batch);
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    sink_batch_init(&batch->base, sink);
    *out = &batch->base;
    return 0;
}

static void fail_memory(struct files_batch *batch)
{
    if (!batch->failed.code)
        err_set(&batch->failed, ERR_NOMEM, "out of memory for encoded rows");
}

static int files_write(struct sink_batch *base, const struct block *rows, struct err *err)
{
    struct files_batch *batch = files_of(base);
    if (!batch->failed.code && !parts_add_json(&batch->parts, base->sink->schema, rows))
        fail_memory(batch);
    if (!batch->failed.code) {
        files_step(base);
        return 0;
    }
    if (err)
        *err = batch->failed;
    return batch->failed.code;
}

static size_t files_bytes(const struct sink_batch *base)
{
    const struct files_batch *batch = (const struct files_batch *)(const void *)base;
    return parts_bytes(&batch->parts);
}

static void note_outputs(struct files_batch *batch)
{
    if (!batch->sealed)
        return;
    batch->output = (struct sink_output){.name = buf_str(&batch->key),
                                         .upload_id = buf_str(&batch->upload_id),
                                         .rows = batch->base.rows,
                                         .bytes = batch->upload->bytes};
    batch->base.outputs = &batch->output;
    batch->base.output_count = 1;
    batch->base.bytes_out = batch->output.bytes;
}

/* Notes a success. */
static void request_succeeded(struct files_batch *batch)
{
    struct store_request *request = &batch->request;
    switch (request->op) {
    case STORE_UPLOAD_BEGIN:
        batch->upload = request->upload;
        buf_append_str(&batch->upload_id, batch->upload->id);
        if (batch->upload_id.failed)
            fail_memory(batch);
        break;
    case STORE_UPLOAD_APPEND:
        parts_drop_first(&batch->parts, batch->goal == GOAL_FILL);
        break;
    case STORE_UPLOAD_SEAL:
        batch->sealed = true;
        note_outputs(batch);
        break;
    case STORE_UPLOAD_PUBLISH:
        batch->upload = NULL;
        break;
    default:
        batch->upload = NULL; /* aborted */
        break;
    }
}

/* Whether the failed step is due again after a pause. */
static bool retry_later(struct files_batch *batch)
{
    const struct files_sink *sink = sink_of(batch);
    if (!batch->request.transient || batch->cancelled || batch->attempts + 1 >= sink->attempts_max)
        return false;
    uint64_t delay_ms = (uint64_t)sink->retry_first_ms << batch->attempts;
    if (delay_ms > RETRY_MS_MAX)
        delay_ms = RETRY_MS_MAX;
    batch->attempts++;
    batch->base.sink->counters.retries++;
    sink_batch_delay(&batch->base, delay_ms, files_step);
    return true;
}

static void request_failed(struct files_batch *batch)
{
    struct err *err = &batch->request.err;
    if (batch->attempts)
        err_prefix(err, "after %" PRIu32 " attempts", batch->attempts + 1);
    batch->attempts = 0;
    if (batch->goal == GOAL_PUBLISH) { /* may be tried again */
        batch->base.err = *err;
        sink_batch_done(&batch->base, err->code);
    } else if (batch->request.op == STORE_UPLOAD_ABORT) {
        batch->upload = NULL;
        batch->base.err = *err;
        sink_batch_done(&batch->base, err->code);
    } else {
        if (!batch->failed.code)
            batch->failed = *err;
        files_step(&batch->base);
    }
}

static void on_request(struct store_request *request)
{
    struct files_batch *batch = request->user;
    struct sink *sink = batch->base.sink;
    batch->busy = false;
    if (sink->observe && request->code == 0 && request->op != STORE_UPLOAD_ABORT)
        sink->observe(sink->observe_user, (double)(uv_hrtime() - batch->request_start_ns) / 1e9);
    if (request->code == 0) {
        batch->attempts = 0;
        request_succeeded(batch);
        files_step(&batch->base);
    } else if (!retry_later(batch)) {
        request_failed(batch);
    }
}

static void make_final_key(struct files_batch *batch)
{
    const struct sink *sink = batch->base.sink;
    buf_printf(&batch->key, "part-%s-%08" PRId64 "-%s-%s-%05d.json", sink_of(batch)->id8,
               batch->base.id, sink->query, sink->name, 0);
    if (batch->key.failed)
        fail_memory(batch);
}

static void begin_request(struct files_batch *batch)
{
    batch->busy = true;
    batch->request_start_ns = uv_hrtime();
}

/* Starts the next store operation that the parts on their way, or a seal, need; false: none. */
static bool send_next(struct files_batch *batch)
{
    struct store *store = sink_of(batch)->store;
    bool seal = batch->goal == GOAL_PREPARE && batch->upload && !batch->sealed;
    if (!batch->parts.first && !seal)
        return false;
    begin_request(batch);
    if (!batch->upload)
        store_upload_begin(store, &batch->request, buf_str(&batch->first_key), on_request, batch);
    else if (batch->parts.first)
        store_upload_append(batch->upload, &batch->request, buf_str(&batch->parts.first->bytes),
                            on_request, batch);
    else
        store_upload_seal(batch->upload, &batch->request, buf_str(&batch->key), on_request, batch);
    return true;
}

static void step_prepare(struct files_batch *batch)
{
    if (!batch->failed.code && batch->cancelled && !batch->sealed)
        err_set(&batch->failed, ERR_CANCELLED, "the write was cancelled");
    if (batch->failed.code) {
        batch->base.err = batch->failed;
        sink_batch_done(&batch->base, batch->failed.code);
    } else if (!send_next(batch)) {
        sink_batch_done(&batch->base, 0);
    }
}

static void step_publish(struct files_batch *batch)
{
    if (!batch->upload) { /* published, or there were no rows */
        sink_batch_done(&batch->base, 0);
    } else if (batch->cancelled) {
        err_set(&batch->base.err, ERR_CANCELLED, "the publication was cancelled");
        sink_batch_done(&batch->base, ERR_CANCELLED);
    } else {
        begin_request(batch);
        store_upload_publish(batch->upload, &batch->request, buf_str(&batch->key), on_request,
                             batch);
    }
}

static void step_abort(struct files_batch *batch)
{
    if (!batch->upload) {
        sink_batch_done(&batch->base, 0);
        return;
    }
    begin_request(batch);
    store_upload_abort(batch->upload, &batch->request, on_request, batch);
}

static void files_step(struct sink_batch *base)
{
    struct files_batch *batch = files_of(base);
    if (batch->busy || base->resume)
        return;
    switch (batch->goal) {
    case GOAL_FILL:
        if (!batch->failed.code)
            send_next(batch);
        break;
    case GOAL_PREPARE:
        step_prepare(batch);
        break;
    case GOAL_PUBLISH:
        step_publish(batch);
        break;
    case GOAL_ABORT:
        step_abort(batch);
        break;
    }
}

static void files_prepare(struct sink_batch *base)
{
    struct files_batch *batch = files_of(base);
    batch->goal = GOAL_PREPARE;
    if (!batch->failed.code && !parts_cut(&batch->parts))
        fail_memory(batch);
    if (!batch->failed.code)
        make_final_key(batch);
    files_step(base);
}

static void files_publish(struct sink_batch *base)
{
    struct files_batch *batch = files_of(base);
    batch->goal = GOAL_PUBLISH;
    files_step(base);
}

/* Ends what runs or waits; the step that follows sees `cancelled` or the goal. */
static void stop_current(struct files_batch *batch)
{
    if (batch->busy)
        store_request_cancel(&batch->request);
    else if (sink_batch_delay_stop(&batch->base))
        files_step(&batch->base);
}

static void files_cancel(struct sink_batch *base)
{
    struct files_batch *batch = files_of(base);
    batch->cancelled = true;
    stop_current(batch);
}

static void files_abort(struct sink_batch *base)
{
    struct files_batch *batch = files_of(base);
    batch->goal = GOAL_ABORT;
    batch->cancelled = true;
    if (!batch->busy && !base->resume)
        files_step(base);
    else
        stop_current(batch);
}

static void files_free_batch(struct sink_batch *base)
{
    struct files_batch *batch = files_of(base);
    parts_fini(&batch->parts);
    buf_fini(&batch->first_key);
    buf_fini(&batch->key);
    buf_fini(&batch->upload_id);
    store_request_fini(&batch->request);
    free(batch);
}

static void files_destroy(struct sink *sink)
{
    struct files_sink *files = (struct files_sink *)(void *)sink;
    free(files->id8);
    sink_fini(sink);
    free(files);
}

static const struct sink_ops files_ops = {
    .open = files_open,
    .write = files_write,
    .bytes = files_bytes,
    .prepare = files_prepare,
    .publish = files_publish,
    .cancel = files_cancel,
    .abort = files_abort,
    .free_batch = files_free_batch,
    .destroy = files_destroy,
};

int sink_files_create(struct sink **out, const struct sink_config *config,
                      const struct sink_files_options *options, struct store *store,
                      struct err *err)
{
    if (!store_names_at_seal(store))
        return err_set(err, ERR_UNSUPPORTED, "this store cannot name a file when it is sealed");
    struct files_sink *files = calloc(1, sizeof *files);
    if (!files)
        return err_set(err, ERR_NOMEM, "out of memory");
    struct buf description = {0}, id8 = {0};
    buf_printf(&description, "FileSink[%.*s]", STR_ARG(options->path));
    buf_append_str(&id8, options->id8);
    files->id8 = buf_take_cstr(&id8);
    int code = sink_init(&files->base, &files_ops, config, buf_take_cstr(&description), err);
    if (code == 0 && !files->id8)
        code = err_set(err, ERR_NOMEM, "out of memory");
    if (code) {
        files_destroy(&files->base);
        return code;
    }
    files->store = store;
    files->part_bytes = options->part_bytes ? options->part_bytes : PART_BYTES;
    files->attempts_max = options->attempts_max ? options->attempts_max : ATTEMPTS_MAX;
    files->retry_first_ms = options->retry_first_ms ? options->retry_first_ms : RETRY_FIRST_MS;
    *out = &files->base;
    return 0;
}
