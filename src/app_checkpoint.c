/* An app's checkpoint: opening it, and what it keeps of a batch. Without one nothing of this runs,
 * and a decision is this process's memory. */
#include <stdlib.h>

#include "app_impl.h"
#include "os/clock.h"
#include "os/failpoint.h"
#include "os/identity.h"
#include "plan/location.h"
#include "store/local.h"

enum {
    SAVE_GROUPS = 4096,         /* of one step */
    SLICES_BYTES_MAX = 2 << 20, /* of a batch; the record has no more of them */
};

/* ---- opening ---- */

static void on_changed(void *user)
{
    struct app *app = user;
    if (!app->checkpoint)
        return;
    if (checkpoint_stage(app->checkpoint) == CHECKPOINT_FAILED) {
        app_fail(app, checkpoint_error(app->checkpoint));
    } else if (checkpoint_stage(app->checkpoint) == CHECKPOINT_OPEN && !app->opened) {
        struct err err = {0};
        snprintf(app->id, sizeof app->id, "%s", checkpoint_id(app->checkpoint));
        if (app_open_rest(app, &err) != 0)
            app_fail(app, &err);
    }
    app_turn_soon(app);
}

static void on_health(void *user)
{
    struct app *app = user;
    const struct health *health = store_health(app->checkpoint_store);
    if (health->failing)
        log_line(app->options.log, LOG_WARN,
                 "the checkpoint cannot be read or written: it keeps trying",
                 LOG_S("reason", health->err.msg));
    else
        log_line(app->options.log, LOG_INFO, "the checkpoint works again");
}

/* In a directory a lock sees to it that there is one owner; its text is for the other's message. */
static int lock_place(struct app *app, struct err *err)
{
    struct identity identity;
    char self[200];
    struct buf holder = {0};
    identity_self(&identity);
    snprintf(self, sizeof self, "process %lld on host %s (run %s)", (long long)identity.pid,
             identity.host, app->run_id);
    int code = store_local_lock(app->checkpoint_store, str_of(self), &holder, err);
    if (code == ERR_EXISTS)
        err_set(err, code, "it is in use by %s",
                holder.n ? buf_cstr(&holder) : "a process that has not said who it is");
    buf_fini(&holder);
    return code;
}

int app_open_checkpoint(struct app *app, struct err *err)
{
    struct str place = app->options.plan->checkpoint;
    bool s3 = plan_location_is_s3(place);
    int code = store_at(&app->places, place, &app->checkpoint_store, err);
    if (code == 0 && !s3)
        code = lock_place(app, err);
    if (code)
        return err_prefix(err, "checkpoint %.*s", STR_ARG(place));
    store_on_health(app->checkpoint_store, on_health, app);
    struct checkpoint_options options = {.log = app->options.log,
                                         .location = place,
                                         .store = app->checkpoint_store,
                                         .locked = !s3,
                                         .new_id = app->id,
                                         .run_id = app->run_id,
                                         .changed = on_changed,
                                         .user = app};
    return checkpoint_create(&app->checkpoint, app->loop, &options, err);
}

/* ---- a batch ---- */

bool app_saves_state(const struct app *app)
{
    bool keeps = app->options.plan->watermark.given;
    for (uint32_t i = 0; i < app->options.plan->query_count; i++)
        keeps |= engine_keeps_state(app->engine, i);
    return app->checkpoint && keeps;
}

int app_begin_save(struct app *app)
{
    checkpoint_batch_begin(app->checkpoint);
    if (app_saves_state(app))
        return 0;
    return checkpoint_state_begin(app->checkpoint, true); /* and nothing in it: old state ends */
}

int app_save_begin(struct app *app)
{
    bool snapshot = checkpoint_wants_snapshot(app->checkpoint);
    engine_save_begin(app->engine, snapshot ? STATE_SNAPSHOT : STATE_DELTA);
    return checkpoint_state_begin(app->checkpoint, snapshot);
}

bool app_save_waits(const struct app *app)
{
    return checkpoint_state_full(app->checkpoint);
}

int app_save_step(struct app *app, bool *done, struct err *err)
{
    FAILPOINT("state.encode");
    if (engine_save_step(app->engine, SAVE_GROUPS, checkpoint_state_buf(app->checkpoint), done) !=
        0)
        return err_set(err, ERR_NOMEM, "out of memory for the saved state");
    return checkpoint_state_push(app->checkpoint, *done, err);
}

/* ---- the record ---- */

/* What is filled in of one record lives as long as the batch. */
struct writing {
    struct app *app;
    struct app_slot *slot;
    struct arena *arena;
    struct commit_record *record;
};

static int put_partitions(struct writing *w)
{
    uint32_t n = w->slot->partition_count;
    struct record_partition *out = ARENA_ARRAY(w->arena, struct record_partition, n + 1);
    if (!out)
        return ERR_NOMEM;
    for (uint32_t i = 0; i < n; i++) {
        const struct source_partition *p = &w->app->source->partitions[i];
        if (w->slot->end_offsets[i] < 0)
            continue; /* nothing is known of it yet: it begins at earliest */
        out[w->record->partition_count++] = (struct record_partition){
            p->topic, p->partition, w->slot->start_offsets[i], w->slot->end_offsets[i]};
    }
    w->record->partitions = out;
    w->record->slices = w->slot->slices;
    w->record->slice_count = w->slot->slice_count;
    return 0;
}

static int put_outputs(struct writing *w)
{
    const struct app *app = w->app;
    struct record_output *out = ARENA_ARRAY(w->arena, struct record_output, app->output_count + 1);
    struct record_rolled *rolled =
        ARENA_ARRAY(w->arena, struct record_rolled, app->output_count + 1);
    if (!out || !rolled)
        return ERR_NOMEM;
    w->record->outputs = out;
    w->record->rolled = rolled;
    for (uint32_t i = 0; i < app->output_count; i++) {
        const struct app_slot_output *of = &w->slot->outputs[i];
        const struct app_output *output = &app->outputs[i];
        const struct sink *sink = output->sink;
        if (output->held.key.n)
            rolled[w->record->rolled_count++] = (struct record_rolled){
                sink_query(sink), sink_name(sink), sink_description(sink), output->held};
        if (!of->batch)
            continue;
        struct record_output *put = &out[w->record->output_count++];
        *put = (struct record_output){.query = sink_query(sink),
                                      .sink = sink_name(sink),
                                      .place = sink_description(sink),
                                      .batch_id = w->slot->batch->id,
                                      .rows = sink_batch_rows(of->batch),
                                      .staged = of->staged};
        put->files = sink_batch_outputs(of->batch, &put->file_count);
    }
    return 0;
}

static int put_queries(struct writing *w)
{
    const struct plan *plan = w->app->options.plan;
    struct record_query *out = ARENA_ARRAY(w->arena, struct record_query, plan->query_count + 1);
    if (!out)
        return ERR_NOMEM;
    for (uint32_t i = 0; i < plan->query_count; i++) {
        const struct query_counts *counts = &w->slot->counts.queries[i];
        const struct books *books = &counts->books;
        out[i] = (struct record_query){.name = plan->queries[i].name,
                                       .fingerprint = w->app->fingerprints[i],
                                       .watermark_us = counts->watermark_us,
                                       .read = books->read,
                                       .malformed = books->malformed,
                                       .filtered = books->filtered,
                                       .no_event_time = books->no_event_time,
                                       .future = books->future,
                                       .deduplicated = books->deduplicated,
                                       .late = books->late,
                                       .accepted = books->accepted};
    }
    w->record->queries = out;
    w->record->query_count = plan->query_count;
    w->record->source_fingerprint = w->app->fingerprints[plan->query_count];
    return 0;
}

static int fill_record(struct app *app, struct app_slot *slot, struct commit_record *record)
{
    struct writing w = {app, slot, &slot->arena, record};
    *record = (struct commit_record){.timestamp_ms = slot->batch->timestamp_ms,
                                     .reason = str_of(batch_seal_reason_name(slot->batch->reason)),
                                     .records = slot->counts.records};
    if (put_partitions(&w) != 0 || put_outputs(&w) != 0 || put_queries(&w) != 0)
        return ERR_NOMEM;
    return 0;
}

/* ---- prepare and decide ---- */

/* A part of saving the batch ended. */
static void join(struct app *app, int code, const struct err *err)
{
    batch_ticket_join(&app->machine, &app->save_ticket, code ? err : NULL);
    if (app->stage == APP_RUNNING) {
        app_turn_soon(app);
        return;
    }
    app_abort_slots(app); /* the end of the app waited for this */
    app_closed_one(app);
}

static void on_saved(void *user, int code, const struct err *err)
{
    join(user, code, err);
}

void app_prepare_checkpoint(struct app *app, struct batch *batch)
{
    batch_ticket_take(&app->save_ticket, batch, "checkpoint");
    checkpoint_await_saved(app->checkpoint, on_saved, app);
}

/* Rolled files that stay open: what the next process needs to go on with them. */
static int stage_held(struct app *app, struct app_slot_output *of, struct err *err)
{
    struct app_output *output = &app->outputs[of->index];
    uint32_t count;
    const struct record_held *held = sink_batch_held(of->batch, &count);
    output->held = (struct record_object){0};
    if (count == 0)
        return 0;
    buf_clear(&output->held_bytes);
    if (held_files_encode(held, count, &output->held_bytes) != 0)
        return err_set(err, ERR_NOMEM, "out of memory for rolled files");
    int code =
        checkpoint_stage_object(app->checkpoint, sink_query(output->sink), sink_name(output->sink),
                                buf_str(&output->held_bytes), ".rolled", &output->held, err);
    buf_clear(&output->held_key);
    buf_append_str(&output->held_key, output->held.key);
    output->held.key = buf_str(&output->held_key);
    if (code == 0 && output->held_key.failed)
        code = err_set(err, ERR_NOMEM, "out of memory for rolled files");
    return code;
}

static int stage(struct app *app, struct app_slot_output *of, struct err *err)
{
    struct app_output *output = &app->outputs[of->index];
    struct str staged = sink_batch_staged(of->batch);
    of->staged = (struct record_object){0};
    int code = staged.n
                   ? checkpoint_stage_object(app->checkpoint, sink_query(output->sink),
                                             sink_name(output->sink), staged, "", &of->staged, err)
                   : 0;
    return code ? code : stage_held(app, of, err);
}

static void on_decided(void *user, int code, const struct err *err)
{
    struct app *app = user;
    if (code == 0)
        app_metrics_checkpoint(app);
    join(app, code, err);
}

static void decide(struct app *app, struct app_slot *slot)
{
    struct err err;
    if (fill_record(app, slot, &slot->record) == 0 &&
        checkpoint_decide(app->checkpoint, &slot->record, on_decided, app) == 0)
        return;
    err_set(&err, ERR_NOMEM, "out of memory for the record of a batch");
    join(app, ERR_NOMEM, &err);
}

/* Staged objects are durable: now the record may name them, unless the app ends: then the outputs
 * are left already, and a record would not name them. */
static void on_staged(void *user, int code, const struct err *err)
{
    struct app *app = user;
    if (!code && app->stage_err.code) {
        code = app->stage_err.code;
        err = &app->stage_err;
    }
    if (code || app->stage != APP_RUNNING)
        join(app, code, err);
    else
        decide(app, &app->slots[app->machine.committing->slot]);
}

void app_decide(struct app *app, struct batch *batch)
{
    struct app_slot *slot = &app->slots[batch->slot];
    int code = 0;
    app->stage_err = (struct err){0};
    batch_ticket_take(&app->save_ticket, batch, "decide");
    for (uint32_t i = 0; i < app->output_count && code == 0; i++) {
        if (slot->outputs[i].batch)
            code = stage(app, &slot->outputs[i], &app->stage_err);
    }
    /* Also after a failure: what is on its way is the sinks' memory. */
    checkpoint_await_saved(app->checkpoint, on_staged, app);
}

/* ---- slices ---- */

/* Notes where a slice ended. */
int app_note_slice(struct app *app)
{
    struct app_slot *slot = app->filling;
    struct buf text = {0};
    if (!app->checkpoint || slot->arena.bytes > SLICES_BYTES_MAX)
        return 0;
    for (uint32_t i = 0; i < app->source->partition_count; i++) {
        const struct source_partition *p = &app->source->partitions[i];
        buf_printf(&text, i ? " %lld" : "%lld", (long long)(p->resolved ? p->position : -1));
    }
    if (slot->slice_count == slot->slice_room) {
        uint32_t room = slot->slice_room ? 2 * slot->slice_room : 64;
        struct str *more = realloc(slot->slices, room * sizeof *more);
        if (more) {
            slot->slices = more;
            slot->slice_room = room;
        }
    }
    struct str kept = arena_str(&slot->arena, buf_str(&text));
    bool failed = text.failed || !kept.p || slot->slice_count == slot->slice_room;
    buf_fini(&text);
    if (failed)
        return ERR_NOMEM;
    slot->slices[slot->slice_count++] = kept;
    return 0;
}

/* ---- closing ---- */

static void on_closed(void *user)
{
    struct app *app = user;
    app->checkpoint = NULL;
    app_closed_one(app);
}

void app_close_checkpoint(struct app *app)
{
    if (!app->checkpoint)
        return;
    app->closing++;
    checkpoint_close(app->checkpoint, on_closed, app);
}

static void on_store_closed(void *user)
{
    struct app *app = user;
    app->checkpoint_store = NULL;
    app_closed_one(app);
}

void app_close_checkpoint_store(struct app *app)
{
    if (!app->checkpoint_store)
        return;
    app->closing++;
    store_close(app->checkpoint_store, on_store_closed, app);
}
