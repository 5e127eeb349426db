/* How a file sink goes on where an earlier process ended: it publishes what was decided, opens the
 * rolled files again, and removes what is left over. */
#include <stdlib.h>

#include "sink/files_impl.h"

static int no_memory(struct err *err)
{
    return err_set(err, ERR_NOMEM, "out of memory for the files of a commit record");
}

/* ---- recovery ---- */

static int recover_file(struct files_batch *batch, const struct record_file *output,
                        struct err *err)
{
    struct part_file_config config = files_config(files_sink_of(batch->base.sink));
    struct part_file_record record = {.key = output->name,
                                      .upload_id = output->upload_id,
                                      .tags = output->tags,
                                      .rows = output->rows,
                                      .bytes = output->bytes};
    struct part_file *file;
    int code = part_file_create_sealed(&file, &config, &record, err);
    if (code == 0 && (code = files_add(batch, file, err)) != 0)
        part_file_destroy(file);
    return code;
}

/* A batch that came to nothing: no operation of it ran. */
static void drop(struct files_batch *batch)
{
    for (uint32_t i = 0; i < batch->count; i++)
        part_file_leave(batch->files[i]);
}

int files_recover(struct sink *base, const struct sink_recovery *recovery, struct sink_batch **out,
                  struct err *err)
{
    int code = files_open(base, recovery->batch_id, out, err);
    if (code)
        return code;
    struct files_batch *batch = files_batch_of(*out);
    for (uint32_t i = 0; i < recovery->output_count && !batch->failed.code; i++)
        recover_file(batch, &recovery->outputs[i], &batch->failed);
    batch->sealed_count = batch->count;
    if (!batch->failed.code && files_note_outputs(batch) != 0)
        no_memory(&batch->failed);
    if (batch->failed.code)
        drop(batch);
    return 0;
}

/* ---- rolled files ---- */

int files_note_held(struct files_batch *batch)
{
    const struct files_sink *sink = files_sink_of(batch->base.sink);
    if (!sink->options.recoverable || sink->open_count == 0)
        return 0;
    batch->held = calloc(sink->open_count, sizeof *batch->held);
    if (!batch->held)
        return ERR_NOMEM;
    for (const struct partition *p = sink->open_first; p; p = p->open_next) {
        if (!p->rolled)
            continue; /* of the batch that fills */
        struct part_file_record record = part_file_record(p->file);
        batch->held[batch->held_count++] = (struct record_held){.name = record.key,
                                                                .upload_id = record.upload_id,
                                                                .tags = record.tags,
                                                                .rows = record.rows,
                                                                .bytes = record.bytes,
                                                                .opened_ms = p->opened_ms,
                                                                .state = record.state};
    }
    return 0;
}

void files_forget_held(struct files_sink *sink)
{
    for (struct partition *p = sink->open_first; p; p = p->open_next)
        part_file_forget_record(p->file);
}

static int restore_file(struct files_sink *sink, const struct record_held *held, struct err *err)
{
    struct part_file_config config = files_config(sink);
    struct part_file_record record = {.key = held->name,
                                      .upload_id = held->upload_id,
                                      .tags = held->tags,
                                      .state = held->state,
                                      .rows = held->rows,
                                      .bytes = held->bytes};
    struct part_file *file;
    struct str path = held->name, key;
    int code = part_file_restore(&file, &config, &record, &key, err);
    if (code)
        return code;
    while (path.n > 0 && path.p[path.n - 1] != '/')
        path.n--;
    struct partition *partition = partitions_get(&sink->partitions, path, key);
    if (!partition || partition->file)
        code = partition ? err_set(err, ERR_CORRUPT, "two rolled files of one directory: %.*s",
                                   STR_ARG(held->name))
                         : no_memory(err);
    if (code) {
        part_file_destroy(file);
        return code;
    }
    partition->file = file;
    partition->rolled = true;
    partition->opened_ms = held->opened_ms;
    files_link_last(sink, partition);
    part_file_start(file);
    return 0;
}

void files_restore_step(struct files_sink *sink)
{
    for (const struct partition *p = sink->open_first; p && !sink->restore_err.code;
         p = p->open_next) {
        if (part_file_stage(p->file) == PART_FILE_FAILED) {
            sink->restore_err = *part_file_error(p->file);
            files_cancel_task(&sink->base);
        }
    }
    for (const struct partition *p = sink->open_first; p; p = p->open_next) {
        if (part_file_stage(p->file) == PART_FILE_RESTORING)
            return;
    }
    sink->restoring = false;
    sink_task_done(&sink->base, &sink->restore_err);
}

void files_restore(struct sink *base, const struct record_held *held, uint32_t count)
{
    struct files_sink *sink = files_sink_of(base);
    sink->restoring = true;
    for (uint32_t i = 0; i < count && !sink->restore_err.code; i++)
        restore_file(sink, &held[i], &sink->restore_err);
    if (sink->restore_err.code)
        files_cancel_task(base);
    files_restore_step(sink);
}

/* ---- the sweep ---- */

/* One upload after the other is resumed and aborted. */
struct files_sweep {
    struct files_sink *sink;
    struct store_request list, request;
    struct store_request *running;
    uint32_t next; /* of list.entries */
    int64_t batch_max;
    bool cancelled;
    struct err err; /* the first failure */
};

static bool take_text(struct str *text, struct str wanted)
{
    if (!str_starts_with(*text, wanted))
        return false;
    *text = (struct str){text->p + wanted.n, text->n - wanted.n};
    return true;
}

static bool take_digits(struct str *text, int64_t *number)
{
    size_t n = 0;
    while (n < text->n && text->p[n] >= '0' && text->p[n] <= '9')
        n++;
    bool ok = str_to_i64((struct str){text->p, n}, number);
    *text = (struct str){text->p + n, text->n - n};
    return n > 0 && ok;
}

/* Whether a key is a name that this sink gives (files.h), of a batch up to batch_max. */
static bool is_ours(const struct files_sink *sink, struct str key, int64_t batch_max)
{
    int64_t batch, seq;
    for (size_t i = key.n; i-- > 0;) {
        if (key.p[i] != '/')
            continue;
        key = (struct str){key.p + i + 1, key.n - i - 1};
        break;
    }
    return take_text(&key, STR("part-")) && take_text(&key, str_of(sink->id8)) &&
           take_text(&key, STR("-")) && take_digits(&key, &batch) && batch <= batch_max &&
           take_text(&key, STR("-")) && take_text(&key, str_of(sink->base.query)) &&
           take_text(&key, STR("-")) && take_text(&key, str_of(sink->base.name)) &&
           take_text(&key, STR("-")) && take_digits(&key, &seq) && take_text(&key, STR("."));
}

/* A rolled file that was restored. Where another owner may be at work, whatever has its name. */
static bool is_open(const struct files_sink *sink, const struct store_entry *entry, bool alone)
{
    for (const struct partition *p = sink->open_first; p; p = p->open_next) {
        if (str_eq(part_file_key(p->file), entry->key) &&
            (!alone || str_eq(part_file_upload_id(p->file), entry->id)))
            return true;
    }
    return false;
}

static void sweep_next(struct files_sweep *sweep);

static void note_failure(struct files_sweep *sweep, const struct store_request *request)
{
    sweep->running = NULL;
    if (request->code && !sweep->err.code)
        sweep->err = request->err;
}

static void on_aborted(struct store_request *request)
{
    struct files_sweep *sweep = request->user;
    note_failure(sweep, request);
    sweep_next(sweep);
}

static void on_resumed(struct store_request *request)
{
    struct files_sweep *sweep = request->user;
    note_failure(sweep, request);
    if (request->code) {
        sweep_next(sweep);
        return;
    }
    sweep->running = request;
    store_upload_abort(request->upload, request, on_aborted, sweep);
}

static void sweep_end(struct files_sweep *sweep)
{
    struct files_sink *sink = sweep->sink;
    struct err err = sweep->err;
    store_request_fini(&sweep->list);
    store_request_fini(&sweep->request);
    free(sweep);
    sink->sweep = NULL;
    sink_task_done(&sink->base, &err);
}

static void sweep_next(struct files_sweep *sweep)
{
    struct files_sink *sink = sweep->sink;
    while (sweep->next < sweep->list.entry_count && !sweep->cancelled) {
        const struct store_entry *entry = &sweep->list.entries[sweep->next++];
        if (!is_ours(sink, entry->key, sweep->batch_max) ||
            is_open(sink, entry, sweep->batch_max == INT64_MAX))
            continue;
        sweep->running = &sweep->request;
        store_upload_resume(sink->store, &sweep->request, entry->key, entry->id, STR(""),
                            entry->bytes, true, on_resumed, sweep);
        return;
    }
    if (sweep->cancelled && !sweep->err.code)
        err_set(&sweep->err, ERR_CANCELLED, "the removal of unfinished files was cancelled");
    sweep_end(sweep);
}

static void on_listed(struct store_request *request)
{
    struct files_sweep *sweep = request->user;
    note_failure(sweep, request);
    if (request->code)
        sweep_end(sweep);
    else
        sweep_next(sweep);
}

void files_sweep(struct sink *base, int64_t batch_max)
{
    struct files_sink *sink = files_sink_of(base);
    struct files_sweep *sweep = calloc(1, sizeof *sweep);
    struct err err = {0};
    if (!sweep) {
        no_memory(&err);
        sink_task_done(base, &err);
        return;
    }
    sink->sweep = sweep;
    sweep->sink = sink;
    sweep->batch_max = batch_max;
    sweep->running = &sweep->list;
    store_list_uploads(sink->store, &sweep->list, STR(""), on_listed, sweep);
}

void files_cancel_task(struct sink *base)
{
    struct files_sink *sink = files_sink_of(base);
    if (sink->sweep) {
        sink->sweep->cancelled = true;
        if (sink->sweep->running)
            store_request_cancel(sink->sweep->running);
    }
    for (struct partition *p = sink->open_first; p && sink->restoring; p = p->open_next)
        part_file_cancel(p->file);
}
