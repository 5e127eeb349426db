/* What an app does before its first batch when its checkpoint has a decision: load the state,
 * publish what was decided and perhaps not published, take up rolled files, remove what nobody
 * decided. One thing after the other; the source finds its partitions meanwhile. */
#include <inttypes.h>
#include <stdlib.h>

#include "app_impl.h"
#include "os/clock.h"
#include "os/failpoint.h"

enum {
    LOAD_GROUPS = 4096, /* of one step */
    TURN_US_MAX = 5000,
};

static void next(struct app *app);

static void fail(struct app *app, const struct err *err)
{
    app->recovery.step = RECOVER_DONE;
    app_fail(app, err);
}

/* ---- state ---- */

static void fail_state(struct app *app, struct err *err)
{
    checkpoint_add_hint(err);
    fail(app, err);
}

static void load_step(struct app *app)
{
    struct app_recovery *recovery = &app->recovery;
    struct err err = {0};
    int64_t until_us = clock_monotonic_us() + TURN_US_MAX;
    int code = 0;
    while (code == 0 && recovery->used < recovery->data.n && clock_monotonic_us() < until_us)
        code = engine_load_step(app->engine, buf_str(&recovery->data), &recovery->used, LOAD_GROUPS,
                                &err);
    if (code) {
        const struct commit_record *record = checkpoint_record(app->checkpoint);
        err_prefix(&err, "checkpoint %.*s: %.*s", STR_ARG(app->options.plan->checkpoint),
                   STR_ARG(record->state[recovery->at].key));
        fail_state(app, &err);
        return;
    }
    if (recovery->used < recovery->data.n) {
        app_turn_soon(app);
        return;
    }
    recovery->loading = false;
    recovery->at++;
    next(app);
}

static void on_state(void *user, int code, const struct err *err)
{
    struct app *app = user;
    struct err copy = *err;
    app->recovery.reading = false;
    if (app->stage != APP_RUNNING)
        return;
    if (code) {
        fail_state(app, &copy);
        return;
    }
    app->recovery.loading = true;
    app->recovery.used = 0;
    load_step(app);
}

static const struct record_query *find_query(const struct commit_record *record, struct str name)
{
    for (uint32_t i = 0; i < record->query_count; i++) {
        if (str_eq(record->queries[i].name, name))
            return &record->queries[i];
    }
    return NULL;
}

/* Besides those the user names, queries that were not there, or had no state, at the newest
 * decision begin anew: what older files have of them is of another time. */
static int list_resets(struct app *app, const struct commit_record *record)
{
    const struct plan *plan = app->options.plan;
    struct app_recovery *recovery = &app->recovery;
    uint32_t n = app->options.reset_query_count;
    recovery->reset = calloc(n + plan->query_count + 1, sizeof *recovery->reset);
    if (!recovery->reset)
        return ERR_NOMEM;
    for (uint32_t i = 0; i < n; i++)
        recovery->reset[recovery->reset_count++] = str_of(app->options.reset_queries[i]);
    for (uint32_t i = 0; i < plan->query_count; i++) {
        const struct record_query *query = find_query(record, plan->queries[i].name);
        if (!query || (query->fingerprint.n == 0 && engine_keeps_state(app->engine, i)))
            recovery->reset[recovery->reset_count++] = plan->queries[i].name;
    }
    return 0;
}

static bool begin_state(struct app *app)
{
    struct app_recovery *recovery = &app->recovery;
    const struct commit_record *record = checkpoint_record(app->checkpoint);
    struct err err = {0};
    int code = 0;
    if (recovery->at == 0) {
        recovery->loads = app_saves_state(app) && record->state_count > 0;
        if (recovery->loads)
            code = list_resets(app, record);
        code = code ? err_set(&err, code, "out of memory")
               : recovery->loads
                   ? engine_load_begin(app->engine, recovery->reset, recovery->reset_count, &err)
                   : 0;
    }
    if (code == 0 && recovery->loads && recovery->at < record->state_count) {
        recovery->reading = true;
        FAILPOINT("recover.state");
        checkpoint_read(app->checkpoint, &record->state[recovery->at], &recovery->data, on_state,
                        app);
        return true;
    }
    if (code == 0 && recovery->loads)
        code = engine_load_end(app->engine, &err);
    if (code) {
        fail_state(app, &err);
        return true;
    }
    return false;
}

/* ---- outputs ---- */

static struct app_output *find_output(struct app *app, struct str query, struct str sink,
                                      struct str place)
{
    for (uint32_t i = 0; i < app->output_count; i++) {
        const struct sink *of = app->outputs[i].sink;
        if (str_eq(sink_query(of), query) && str_eq(sink_name(of), sink) &&
            str_eq(sink_description(of), place))
            return &app->outputs[i];
    }
    return NULL;
}

static void fail_missing(struct app *app, int64_t batch, struct str query, struct str sink,
                         struct str place, const char *what)
{
    struct err err;
    err_set(&err, ERR_INVALID,
            "checkpoint %.*s: batch %" PRId64 " %s of query %.*s, sink %.*s (%.*s), which the "
            "pipeline does not have now: put it back for one run that decides a batch and ends "
            "by SIGTERM, without rollInterval and targetFileSize, so that no file stays open",
            STR_ARG(app->options.plan->checkpoint), batch, what, STR_ARG(query), STR_ARG(sink),
            STR_ARG(place));
    fail(app, &err);
}

static void on_recovered(struct sink *sink, int code, const struct err *err, void *user)
{
    struct app_output *output = user;
    struct app *app = output->app;
    struct err copy = *err;
    (void)sink;
    app->recovery.busy = NULL;
    if (app->stage != APP_RUNNING) {
        app_closed_one(app);
        return;
    }
    if (code) {
        app_prefix_sink(app, (uint32_t)(output - app->outputs), &copy);
        if (code == ERR_NOT_FOUND)
            checkpoint_add_hint(&copy);
        fail(app, &copy);
        return;
    }
    FAILPOINT("recover.published");
    buf_clear(&app->recovery.data);
    app->recovery.at++;
    next(app);
}

static const struct record_output *output_at(const struct app *app)
{
    return &checkpoint_record(app->checkpoint)->outputs[app->recovery.at];
}

static void fail_memory(struct app *app)
{
    struct err err;
    err_set(&err, ERR_NOMEM, "out of memory");
    fail(app, &err);
}

static void give_output(struct app *app, struct app_output *output)
{
    const struct record_output *from = output_at(app);
    app->recovery.given = (struct sink_recovery){.batch_id = from->batch_id,
                                                 .rows = from->rows,
                                                 .outputs = from->files,
                                                 .output_count = from->file_count,
                                                 .staged = buf_str(&app->recovery.data)};
    FAILPOINT("recover.publish");
    app->recovery.busy = output->sink;
    sink_recover(output->sink, &app->recovery.given, on_recovered, output);
}

static void on_staged(void *user, int code, const struct err *err)
{
    struct app *app = user;
    struct err copy = *err;
    app->recovery.reading = false;
    if (app->stage != APP_RUNNING)
        return;
    const struct record_output *from = output_at(app);
    if (code)
        fail_state(app, &copy);
    else
        give_output(app, find_output(app, from->query, from->sink, from->place));
}

static bool begin_output(struct app *app)
{
    const struct commit_record *record = checkpoint_record(app->checkpoint);
    int64_t published = checkpoint_published_through(app->checkpoint);
    while (app->recovery.at < record->output_count &&
           (output_at(app)->batch_id <= published ||
            (output_at(app)->file_count == 0 && output_at(app)->staged.key.n == 0)))
        app->recovery.at++;
    if (app->recovery.at == record->output_count)
        return false;
    const struct record_output *from = output_at(app);
    struct app_output *output = find_output(app, from->query, from->sink, from->place);
    if (!output) {
        fail_missing(app, from->batch_id, from->query, from->sink, from->place, "decided rows");
    } else if (from->staged.key.n) {
        app->recovery.reading = true;
        checkpoint_read(app->checkpoint, &from->staged, &app->recovery.data, on_staged, app);
    } else {
        buf_clear(&app->recovery.data);
        give_output(app, output);
    }
    return true;
}

/* ---- rolled files ---- */

static int give_rolled(struct app *app, const struct record_rolled *from, struct err *err)
{
    struct app_output *output = find_output(app, from->query, from->sink, from->place);
    struct arena *arena = &app->recovery.arena;
    const struct record_held *held;
    uint32_t count;
    arena_reset(arena);
    int code = held_files_decode(&held, &count, buf_str(&app->recovery.data), arena, err);
    if (code)
        return err_prefix(err, "checkpoint %.*s: %.*s", STR_ARG(app->options.plan->checkpoint),
                          STR_ARG(from->object.key));
    buf_clear(&output->held_key);
    buf_append_str(&output->held_key, from->object.key);
    if (output->held_key.failed)
        return err_set(err, ERR_NOMEM, "out of memory");
    output->held = from->object;
    output->held.key = buf_str(&output->held_key);
    app->recovery.busy = output->sink;
    sink_restore_held(output->sink, held, count, on_recovered, output);
    return 0;
}

static void on_rolled(void *user, int code, const struct err *err)
{
    struct app *app = user;
    struct err copy = *err;
    app->recovery.reading = false;
    if (app->stage != APP_RUNNING)
        return;
    if (code == 0)
        code =
            give_rolled(app, &checkpoint_record(app->checkpoint)->rolled[app->recovery.at], &copy);
    if (code)
        fail_state(app, &copy);
}

static bool begin_rolled(struct app *app)
{
    const struct commit_record *record = checkpoint_record(app->checkpoint);
    if (app->recovery.at == record->rolled_count)
        return false;
    const struct record_rolled *from = &record->rolled[app->recovery.at];
    if (!find_output(app, from->query, from->sink, from->place)) {
        fail_missing(app, record->batch_id, from->query, from->sink, from->place,
                     "has unfinished files");
        return true;
    }
    app->recovery.reading = true;
    FAILPOINT("recover.rolled");
    checkpoint_read(app->checkpoint, &from->object, &app->recovery.data, on_rolled, app);
    return true;
}

/* ---- leftovers ---- */

static void on_swept(struct sink *sink, int code, const struct err *err, void *user)
{
    struct app_output *output = user;
    struct app *app = output->app;
    (void)sink;
    if (code && code != ERR_CANCELLED)
        log_line(app->options.log, LOG_WARN,
                 "unfinished uploads of an earlier process could not be removed",
                 LOG_S("reason", err->msg));
    on_recovered(sink, 0, &(struct err){0}, user);
}

static bool begin_sweep(struct app *app)
{
    if (app->recovery.at == app->output_count)
        return false;
    struct app_output *output = &app->outputs[app->recovery.at];
    app->recovery.busy = output->sink;
    FAILPOINT("recover.sweep");
    /* With a lock nobody else is here; else later owners are above this owner's takeover. */
    const struct commit_record *record = checkpoint_record(app->checkpoint);
    int64_t batch_max = checkpoint_is_locked(app->checkpoint) ? INT64_MAX
                        : record                              ? record->batch_id
                                                              : -1;
    sink_sweep(output->sink, batch_max, on_swept, output);
    return true;
}

/* ---- steps ---- */

static void finish(struct app *app)
{
    const struct commit_record *record = checkpoint_record(app->checkpoint);
    buf_fini(&app->recovery.data);
    if (!record)
        return;
    checkpoint_published(app->checkpoint);
    log_line(app->options.log, LOG_INFO, "goes on from the checkpoint",
             LOG_I("batch", record->batch_id), LOG_I("epoch", checkpoint_epoch(app->checkpoint)),
             LOG_I("stateRows", (int64_t)engine_state_rows(app->engine)));
    FAILPOINT("recover.done");
}

static void next(struct app *app)
{
    struct app_recovery *recovery = &app->recovery;
    bool (*const begin[])(struct app * app) = {
        [RECOVER_STATE] = begin_state,
        [RECOVER_OUTPUTS] = begin_output,
        [RECOVER_ROLLED] = begin_rolled,
        [RECOVER_SWEEP] = begin_sweep,
    };
    if (!checkpoint_record(app->checkpoint) && recovery->step < RECOVER_SWEEP)
        recovery->step = RECOVER_SWEEP;
    while (recovery->step < RECOVER_DONE && app->stage == APP_RUNNING) {
        if (begin[recovery->step](app))
            return;
        recovery->step++;
        recovery->at = 0;
    }
    if (app->stage == APP_RUNNING)
        finish(app);
    app_turn_soon(app);
}

bool app_recovered(const struct app *app)
{
    return !app->checkpoint || app->recovery.step == RECOVER_DONE;
}

void app_recover_turn(struct app *app)
{
    struct app_recovery *recovery = &app->recovery;
    if (recovery->step == RECOVER_DONE || recovery->reading || recovery->busy || app->checks > 0)
        return;
    if (recovery->loading)
        load_step(app);
    else
        next(app);
}

/* ---- the source ---- */

/* Where partitions go on: of the record, else of metadata. */
int app_resume_offsets(struct app *app, const struct plan_partition_offset **out, uint32_t *count)
{
    const struct commit_record *record = checkpoint_record(app->checkpoint);
    const struct checkpoint_metadata *metadata = checkpoint_metadata(app->checkpoint);
    bool decided = record && record->partition_count > 0;
    const struct record_partition *from = decided    ? record->partitions
                                          : metadata ? metadata->starts
                                                     : NULL;
    *count = decided ? record->partition_count : metadata ? metadata->start_count : 0;
    app->resume = calloc(*count + 1, sizeof *app->resume);
    if (!app->resume)
        return ERR_NOMEM;
    for (uint32_t i = 0; i < *count; i++)
        app->resume[i] = (struct plan_partition_offset){from[i].topic, from[i].partition,
                                                        decided ? from[i].end : from[i].start};
    *out = app->resume;
    return 0;
}

static void on_begun(void *user, int code, const struct err *err)
{
    struct app *app = user;
    app->begun = BEGUN;
    if (app->stage != APP_RUNNING)
        return;
    if (code)
        app_fail(app, err);
    app_turn_soon(app);
}

/* The starting offsets of a new checkpoint are durable. */
bool app_begun(struct app *app)
{
    if (!app->checkpoint || checkpoint_metadata(app->checkpoint) || app->begun == BEGUN)
        return true;
    if (app->begun == BEGINNING)
        return false;
    uint32_t n = app->source->partition_count;
    struct record_partition *starts = calloc(n + 1, sizeof *starts);
    uint32_t count = 0;
    for (uint32_t i = 0; starts && i < n; i++) {
        const struct source_partition *p = &app->source->partitions[i];
        if (p->resolved)
            starts[count++] = (struct record_partition){p->topic, p->partition, p->start, p->start};
    }
    app->begun = BEGINNING;
    if (!starts || checkpoint_begin(app->checkpoint, starts, count, on_begun, app) != 0)
        fail_memory(app);
    free(starts);
    return false;
}
