/* What the files of a file sink report, and its closing. */
#include <stdlib.h>

#include "sink/files_impl.h"

void files_observe(void *user, double seconds)
{
    const struct files_sink *sink = user;
    if (sink->base.observe)
        sink->base.observe(sink->base.observe_user, seconds);
}

void files_health_changed(void *user)
{
    struct files_sink *sink = user;
    if (sink->base.health_changed)
        sink->base.health_changed(&sink->base, sink->base.user);
}

const struct health *files_health(const struct sink *base)
{
    return store_health(((const struct files_sink *)(const void *)base)->store);
}

/* ---- a batch ---- */

/* Its files report nothing more: the sink forgets the batch, which may outlive it. */
static void forget(struct files_batch *batch)
{
    struct files_batch **link = &files_sink_of(batch->base.sink)->batches;
    while (*link != batch)
        link = &(*link)->next;
    *link = batch->next;
}

static void finish(struct files_batch *batch, const struct err *err)
{
    batch->base.err = *err;
    bool published = batch->base.stage == SINK_PUBLISHING && err->code == 0;
    if (published)
        files_forget_held(files_sink_of(batch->base.sink));
    if (published || batch->base.stage == SINK_ABORTING)
        forget(batch);
    sink_batch_done(&batch->base, err->code);
}

int files_note_outputs(struct files_batch *batch)
{
    batch->outputs = calloc(batch->count + 1, sizeof *batch->outputs);
    if (!batch->outputs)
        return ERR_NOMEM;
    for (uint32_t i = 0; i < batch->count; i++) {
        const struct part_file *file = batch->files[i];
        batch->outputs[i] = (struct record_file){.name = part_file_key(file),
                                                 .upload_id = part_file_upload_id(file),
                                                 .tags = part_file_tags(file),
                                                 .rows = part_file_rows(file),
                                                 .bytes = part_file_bytes(file)};
        batch->base.bytes_out += batch->outputs[i].bytes;
    }
    batch->base.outputs = batch->outputs;
    batch->base.output_count = batch->count;
    return 0;
}

/* The first file in a stage, or NULL. */
static const struct part_file *any(const struct files_batch *batch, enum part_file_stage stage)
{
    for (uint32_t i = 0; i < batch->count; i++) {
        if (part_file_stage(batch->files[i]) == stage)
            return batch->files[i];
    }
    return NULL;
}

/* The same for a rolled file that stays open. */
static const struct part_file *open_failed(const struct files_sink *sink)
{
    for (const struct partition *p = sink->open_first; p; p = p->open_next) {
        if (p->rolled && part_file_stage(p->file) == PART_FILE_FAILED)
            return p->file;
    }
    return NULL;
}

static bool open_saves(const struct files_sink *sink)
{
    for (const struct partition *p = sink->open_first; p; p = p->open_next) {
        if (part_file_saves(p->file))
            return true;
    }
    return false;
}

/* A failure is told at once: the abort that follows ends what still runs. */
static void update_prepare(struct files_batch *batch)
{
    struct files_sink *sink = files_sink_of(batch->base.sink);
    const struct part_file *failed = any(batch, PART_FILE_FAILED);
    if (!failed && sink->options.recoverable)
        failed = open_failed(sink);
    INVARIANT(!any(batch, PART_FILE_OPEN));
    if (failed || batch->failed.code) {
        finish(batch, batch->failed.code ? &batch->failed : part_file_error(failed));
    } else if (!any(batch, PART_FILE_FINISHING) && !open_saves(sink)) {
        if (files_close_full(batch)) {
            update_prepare(batch);
            return;
        }
        struct err err = {0};
        if (files_note_outputs(batch) != 0 || files_note_held(batch) != 0)
            err_set(&err, ERR_NOMEM, "out of memory for the files of a batch");
        finish(batch, &err);
    }
}

static void update_publish(struct files_batch *batch)
{
    if (any(batch, PART_FILE_PUBLISHING))
        return;
    if (batch->failed.code) { /* the record's files could not be made */
        finish(batch, &batch->failed);
        return;
    }
    const struct part_file *left = any(batch, PART_FILE_SEALED);
    finish(batch, left ? part_file_error(left) : &(struct err){0});
}

static void update_abort(struct files_batch *batch)
{
    struct err err = {0};
    for (uint32_t i = 0; i < batch->count; i++) {
        enum part_file_stage stage = part_file_stage(batch->files[i]);
        if (stage != PART_FILE_ENDED && stage != PART_FILE_PUBLISHED)
            return;
        const struct err *why = part_file_error(batch->files[i]);
        if (stage == PART_FILE_ENDED && why->code && !err.code)
            err = *why;
    }
    finish(batch, &err);
}

/* Moves the sealed files to the front, so that nobody has to look at them again and again. */
static void sort_sealed(struct files_batch *batch)
{
    for (uint32_t i = batch->sealed_count; i < batch->count; i++) {
        struct part_file *file = batch->files[i];
        if (part_file_stage(file) != PART_FILE_SEALED)
            continue;
        batch->files[i] = batch->files[batch->sealed_count];
        batch->files[batch->sealed_count++] = file;
    }
}

void files_update(struct files_batch *batch)
{
    sink_batch_delay_stop(&batch->base);
    sort_sealed(batch);
    if (!batch->base.running)
        return;
    if (batch->base.stage == SINK_PREPARING)
        update_prepare(batch);
    else if (batch->base.stage == SINK_PUBLISHING)
        update_publish(batch);
    else if (batch->base.stage == SINK_ABORTING)
        update_abort(batch);
}

/* ---- closing ---- */

static void note_close_error(struct files_sink *sink, const struct part_file *file)
{
    if (!sink->close_err.code && part_file_error(file)->code)
        sink->close_err = *part_file_error(file);
}

/* Moves one file towards its end; true when it is there. */
static bool close_step(struct files_sink *sink, struct part_file *file)
{
    if (sink->close_mode == SINK_CLOSE_LEAVE)
        part_file_leave(file);
    switch (part_file_stage(file)) {
    case PART_FILE_OPEN:
        if (sink->close_mode == SINK_CLOSE_PUBLISH)
            part_file_finish(file);
        else
            part_file_abort(file);
        break;
    case PART_FILE_SEALED:
        if (sink->close_mode == SINK_CLOSE_PUBLISH && !part_file_error(file)->code) {
            sink->base.counters.bytes += part_file_bytes(file);
            part_file_publish(file);
            break;
        }
        note_close_error(sink, file);
        part_file_abort(file);
        break;
    case PART_FILE_FAILED:
        note_close_error(sink, file);
        part_file_abort(file);
        break;
    default:
        break;
    }
    enum part_file_stage stage = part_file_stage(file);
    return stage == PART_FILE_PUBLISHED || stage == PART_FILE_ENDED;
}

static void closing_step(struct files_sink *sink)
{
    for (struct partition *p = sink->open_first, *next; p; p = next) {
        next = p->open_next;
        if (!close_step(sink, p->file))
            continue;
        sink->base.counters.objects += part_file_stage(p->file) == PART_FILE_PUBLISHED;
        part_file_destroy(p->file);
        p->file = NULL;
        files_unlink(sink, p);
    }
    if (sink->open_count == 0) {
        sink->closing = false;
        store_on_health(sink->store, NULL, NULL);
        sink_closed(&sink->base, files_destroy, &sink->close_err);
    }
}

void files_close(struct sink *base, enum sink_close_mode mode)
{
    struct files_sink *sink = files_sink_of(base);
    sink->closing = true;
    sink->close_mode = mode;
    closing_step(sink);
}

/* ---- events ---- */

static void update_now(struct sink_batch *batch)
{
    files_update(files_batch_of(batch));
}

/* Once for all files that report in a turn of the loop: a batch may have thousands. */
static void update_soon(struct files_batch *batch)
{
    if (!batch->base.resume && !batch->base.done && !batch->base.closing)
        sink_batch_delay(&batch->base, 0, update_now);
}

void files_changed(struct part_file *file, void *user)
{
    struct files_sink *sink = user;
    (void)file;
    if (sink->closing) {
        closing_step(sink);
        return;
    }
    if (sink->restoring)
        files_restore_step(sink);
    for (struct files_batch *batch = sink->batches; batch; batch = batch->next)
        update_soon(batch);
    if (sink->base.drained)
        sink->base.drained(sink->base.user);
}
