/* What a batch does: rows go into the outputs of its slot; prepare, decide and publish act on them.
 */
#include <stdlib.h>

#include "app_impl.h"
#include "os/clock.h"
#include "os/failpoint.h"

enum {
    SEAL_GROUPS = 4096, /* of one step of a seal */
    SEAL_US_MAX = 5000, /* of its steps in one turn */
};

int app_slot_init(struct app *app, struct app_slot *slot)
{
    slot->outputs = calloc(app->output_count + 1, sizeof *slot->outputs);
    if (!slot->outputs || engine_counts_init(&slot->counts, app->engine) != 0)
        return ERR_NOMEM;
    for (uint32_t i = 0; i < app->output_count; i++) {
        slot->outputs[i].app = app;
        slot->outputs[i].index = i;
    }
    return 0;
}

void app_slot_fini(struct app_slot *slot)
{
    free(slot->outputs);
    engine_counts_fini(&slot->counts);
    free(slot->start_offsets);
    free(slot->end_offsets);
    free(slot->slices);
    arena_fini(&slot->arena);
    *slot = (struct app_slot){0};
}

/* ---- filling ---- */

static void on_open(void *user, struct batch *batch)
{
    struct app *app = user;
    struct app_slot *slot = &app->slots[batch->slot];
    engine_counts_reset(&slot->counts, app->engine);
    slot->arrival_count = 0;
    slot->first_record_ms = slot->busy_us = 0;
    slot->slice_count = 0;
    slot->saving = false;
    arena_reset(&slot->arena);
    app->filling = slot;
    slot->batch = batch;
    for (uint32_t i = 0; i < app->output_count; i++)
        INVARIANT(!slot->outputs[i].batch);
}

/* An output is opened by its first row, or when a batch is sealed that its query takes part in. */
static int open_output(struct app *app, struct app_slot *slot, uint32_t i, struct err *err)
{
    if (slot->outputs[i].batch)
        return 0;
    return sink_batch_open(app->outputs[i].sink, slot->batch->id, &slot->outputs[i].batch, err);
}

/* `query` may be an extra's: see app_extra_index. */
static int write_rows(struct app *app, uint32_t query, const struct block *rows, struct err *err)
{
    for (uint32_t i = 0; i < app->output_count; i++) {
        if (app->outputs[i].query != query)
            continue;
        int code = open_output(app, app->filling, i, err);
        if (code == 0)
            code = sink_batch_write(app->filling->outputs[i].batch, rows, err);
        if (code)
            return query < app->options.plan->query_count /* the engine says which query */
                       ? err_prefix(err, "sink %.*s", STR_ARG(sink_name(app->outputs[i].sink)))
                       : err_prefix(err, "source %.*s, sink %.*s", STR_ARG(app->options.plan->view),
                                    STR_ARG(sink_name(app->outputs[i].sink)));
    }
    return 0;
}

static int on_rows(void *user, uint32_t query, const struct block *rows, struct err *err)
{
    app_samples_rows(user, query, rows);
    return write_rows(user, query, rows, err);
}

static int on_extra(void *user, enum engine_extra extra, const struct block *rows, struct err *err)
{
    struct app *app = user;
    return write_rows(app, app_extra_index(app, extra), rows, err);
}

/* A block is short compared with the latency to be measured: its first record speaks for it. */
static void note_arrival(struct app_slot *slot, const struct record_block *block)
{
    bool full = slot->arrival_count == ARRIVALS_MAX;
    if (block->records[0].timestamp_ms <= 0)
        return; /* no timestamp */
    struct app_arrival *arrival = &slot->arrivals[slot->arrival_count - full];
    if (!full) {
        *arrival = (struct app_arrival){.timestamp_ms = block->records[0].timestamp_ms};
        slot->arrival_count++;
    }
    arrival->records += block->count;
}

int app_take_records(void *user, const struct record_block *block, struct err *err)
{
    struct app *app = user;
    struct app_slot *slot = app->filling;
    struct engine_hooks hooks = {
        .user = app, .rows = on_rows, .extra = on_extra, .lost = app_samples_lost};
    app->last_record_ms = clock_wall_ms();
    if (!slot->first_record_ms)
        slot->first_record_ms = app->last_record_ms;
    note_arrival(slot, block);
    app->records_read += block->count;
    FAILPOINT("batch.records");
    return engine_process(app->engine, block, app->machine.filling->timestamp_ms, &hooks,
                          &slot->counts, err);
}

static size_t sum_filling(const struct app *app, size_t (*measure)(const struct sink_batch *batch))
{
    size_t sum = 0;
    for (uint32_t i = 0; app->machine_ready && app->filling && i < app->output_count; i++) {
        if (app->filling->outputs[i].batch)
            sum += measure(app->filling->outputs[i].batch);
    }
    return sum;
}

size_t app_held_bytes(const struct app *app)
{
    return sum_filling(app, sink_batch_bytes);
}

bool app_draining(const struct app *app)
{
    return sum_filling(app, sink_batch_draining) > 0;
}

/* ---- sealing ---- */

/* A batch begins where the one before ended: in the other slot, or where the run began. */
static int fix_offsets(struct app *app, struct app_slot *slot)
{
    const struct app_slot *before = slot == &app->slots[0] ? &app->slots[1] : &app->slots[0];
    uint32_t n = app->source->partition_count;
    int64_t *starts = realloc(slot->start_offsets, (n + 1) * sizeof *starts);
    if (starts)
        slot->start_offsets = starts;
    int64_t *ends = realloc(slot->end_offsets, (n + 1) * sizeof *ends);
    if (ends)
        slot->end_offsets = ends;
    if (!starts || !ends)
        return ERR_NOMEM;
    slot->partition_count = n;
    for (uint32_t i = 0; i < n; i++) {
        const struct source_partition *partition = &app->source->partitions[i];
        bool known = i < before->partition_count && before->end_offsets[i] >= 0;
        starts[i] = known ? before->end_offsets[i] : partition->resolved ? partition->start : -1;
        ends[i] = partition->resolved ? partition->position : -1;
    }
    return 0;
}

/* Which partitions have records that are not read yet. */
static struct engine_partition *unread_partitions(const struct app *app)
{
    uint32_t n = app->source->partition_count;
    struct engine_partition *out = calloc(n + 1, sizeof *out);
    for (uint32_t i = 0; out && i < n; i++) {
        const struct source_partition *p = &app->source->partitions[i];
        out[i] = (struct engine_partition){p->topic, p->partition, p->position < p->end};
    }
    return out;
}

/* Queries with state give their rows from now on, step by step. */
static int seal_queries(struct app *app, struct app_slot *slot, const struct batch *batch,
                        struct err *err)
{
    struct engine_partition *partitions = unread_partitions(app);
    if (!partitions)
        return err_set(err, ERR_NOMEM, "out of memory");
    int code = engine_seal_begin(app->engine, batch->reason != SEAL_NO_DATA, batch->timestamp_ms,
                                 partitions, app->source->partition_count, &slot->counts, err);
    free(partitions);
    return code;
}

/* Outputs of queries that take part exist from here on. */
static int open_outputs(struct app *app, struct app_slot *slot, struct err *err)
{
    for (uint32_t i = 0; i < app->output_count; i++) {
        uint32_t query = app->outputs[i].query;
        bool takes_part =
            query < app->options.plan->query_count && slot->counts.queries[query].takes_part;
        int code = takes_part ? open_output(app, slot, i, err) : 0;
        if (code)
            return code;
    }
    return 0;
}

static void on_seal(void *user, struct batch *batch)
{
    struct app *app = user;
    struct app_slot *slot = &app->slots[batch->slot];
    struct err err = {0};
    FAILPOINT("batch.seal");
    int code = app->checkpoint ? app_begin_save(app) : 0;
    if (code == 0)
        code = fix_offsets(app, slot);
    code = code ? err_set(&err, code, "out of memory for the offsets of a batch")
                : seal_queries(app, slot, batch, &err);
    if (code)
        batch_machine_fail(&app->machine, &err);
}

static void end_seal(struct app *app, struct app_slot *slot, const struct batch *batch)
{
    struct buf text = {0};
    FAILPOINT("batch.sealed");
    slot->sealed_us = clock_monotonic_us();
    if (!app->options.available_now)
        app->source->ops->limit_lift(app->source);
    if (app->options.preview_records > batch->offsets && batch->reason == SEAL_MEMORY)
        log_line(app->options.log, LOG_WARN, "the preview ends here: its rows fill their memory",
                 LOG_I("records", batch->records));
    for (uint32_t i = 0; i < app->options.plan->query_count; i++)
        INVARIANT(books_balance(&slot->counts.queries[i].books));
    if (app->options.log->level == LOG_DEBUG) {
        app_print_offsets(app, slot->end_offsets, slot->partition_count, &text);
        log_line(app->options.log, LOG_DEBUG, "sealed", LOG_I("batch", batch->id),
                 LOG_RAW("endOffsets", buf_cstr(&text)), LOG_I("records", batch->records),
                 LOG_I("slices", batch->slices),
                 LOG_S("reason", batch_seal_reason_name(batch->reason)));
        buf_fini(&text);
    }
}

/* One step: rows of the queries, then their state as bytes. */
static int seal_some(struct app *app, struct app_slot *slot, bool *done, struct err *err)
{
    struct engine_hooks hooks = {
        .user = app, .rows = on_rows, .extra = on_extra, .lost = app_samples_lost};
    bool ended = false;
    if (slot->saving)
        return app_save_step(app, done, err);
    int code = engine_seal_step(app->engine, SEAL_GROUPS, &hooks, &ended, err);
    if (code == 0 && ended)
        code = open_outputs(app, slot, err);
    if (code == 0 && ended && app_saves_state(app)) {
        slot->saving = true;
        code = app_save_begin(app);
        return code ? err_set(err, code, "out of memory for the saved state") : 0;
    }
    *done = ended;
    return code;
}

static bool on_seal_step(void *user, struct batch *batch)
{
    struct app *app = user;
    struct app_slot *slot = &app->slots[batch->slot];
    struct err err = {0};
    bool done = false;
    int code = 0;
    int64_t began_us = clock_monotonic_us(), now_us = began_us;
    while (code == 0 && !done && now_us - began_us < SEAL_US_MAX &&
           !(slot->saving && app_save_waits(app))) {
        code = seal_some(app, slot, &done, &err);
        now_us = clock_monotonic_us();
    }
    slot->busy_us += now_us - began_us;
    if (code)
        batch_machine_fail(&app->machine, &err);
    else if (done)
        end_seal(app, slot, batch);
    if (done || !slot->saving || !app_save_waits(app))
        app_turn_soon(app);
    return done;
}

/* ---- committing ---- */

/* One output is prepared or published: join its ticket and let the batch go on. */
static void on_joined(struct sink_batch *batch, int code, const struct err *err, void *user)
{
    struct app_slot_output *output = user;
    struct app *app = output->app;
    struct err failed = code ? *err : (struct err){0};
    (void)batch;
    if (code)
        app_prefix_sink(app, output->index, &failed);
    batch_ticket_join(&app->machine, &output->ticket, code ? &failed : NULL);
    app_turn_soon(app);
}

static void on_published(struct sink_batch *batch, int code, const struct err *err, void *user)
{
    struct app_slot_output *output = user;
    if (code == 0)
        output->batch = NULL; /* the sink has freed it */
    FAILPOINT("sink.published");
    on_joined(batch, code, err, user);
}

static void on_prepare(void *user, struct batch *batch)
{
    struct app *app = user;
    for (uint32_t i = 0; i < app->output_count; i++) {
        struct app_slot_output *output = &app->slots[batch->slot].outputs[i];
        if (!output->batch)
            continue;
        batch_ticket_take(&output->ticket, batch, "prepare");
        sink_batch_prepare(output->batch, on_joined, output);
    }
    if (app->checkpoint)
        app_prepare_checkpoint(app, batch);
}

/* Without a checkpoint the decision is this process's memory. */
static void on_decide(void *user, struct batch *batch)
{
    struct app *app = user;
    app->slots[batch->slot].prepared_us = clock_monotonic_us();
    FAILPOINT("batch.prepared");
    if (app->checkpoint)
        app_decide(app, batch);
}

static void on_publish(void *user, struct batch *batch)
{
    struct app *app = user;
    app->slots[batch->slot].decided_us = clock_monotonic_us();
    FAILPOINT("batch.publish");
    app_tell_publish(app);
    for (uint32_t i = 0; i < app->output_count; i++) {
        struct app_slot_output *output = &app->slots[batch->slot].outputs[i];
        if (!output->batch)
            continue;
        batch_ticket_take(&output->ticket, batch, "publish");
        sink_batch_publish(output->batch, on_published, output);
    }
}

static void on_done(void *user, struct batch *batch)
{
    struct app *app = user;
    struct app_slot *slot = &app->slots[batch->slot];
    FAILPOINT("batch.published");
    app_metrics_committed(app, batch, slot);
    if (app->checkpoint)
        checkpoint_published(app->checkpoint);
    if (app->options.preview_records == 0)
        app->source->ops->committed(app->source, slot->end_offsets, slot->partition_count);
    app_tell_batch(app);
}

static void on_abandon(void *user, struct batch *batch)
{
    struct app *app = user;
    log_line(app->options.log, LOG_WARN,
             "the running slice does not end: what is not sealed will be read again",
             LOG_I("records", (int64_t)app->slots[batch->slot].counts.records));
    app_abort_slot(app, &app->slots[batch->slot]);
}

const struct batch_ops app_batch_ops = {
    .open = on_open,
    .seal = on_seal,
    .seal_step = on_seal_step,
    .prepare = on_prepare,
    .decide = on_decide,
    .publish = on_publish,
    .done = on_done,
    .abandon = on_abandon,
};

/* ---- aborting ---- */

static void on_aborted(struct sink_batch *batch, int code, const struct err *err, void *user)
{
    struct app *app = user;
    (void)batch;
    if (code)
        log_line(app->options.log, LOG_WARN, "an unpublished output could not be removed",
                 LOG_S("reason", err->msg));
    app->closing--;
    app_close_step(app);
}

void app_abort_slots(struct app *app)
{
    app_abort_slot(app, &app->slots[0]);
    app_abort_slot(app, &app->slots[1]);
}

/* What is decided, or may be, is left for the next process. */
void app_abort_slot(struct app *app, struct app_slot *slot)
{
    bool decided = app->checkpoint && slot->batch &&
                   (slot->batch->stage == BATCH_DECIDING || slot->batch->stage == BATCH_PUBLISHING);
    for (uint32_t i = 0; slot->outputs && i < app->output_count; i++) {
        struct sink_batch *batch = slot->outputs[i].batch;
        if (!batch)
            continue;
        slot->outputs[i].batch = NULL;
        app->closing++;
        if (decided)
            sink_batch_leave(batch, on_aborted, app);
        else
            sink_batch_abort(batch, on_aborted, app);
    }
}
