/* The turn of the loop is app_turn. Start order: the parts of app_open.c, then batches, once the
 * source knows where to begin and what the checkpoint had decided is done. Stop order: batches →
 * sinks → checkpoint → stores, source, timers → HTTP. */
#include <stdlib.h>

#include "app_impl.h"
#include "os/clock.h"
#include "os/failpoint.h"

enum {
    TURN_US_MAX = 5000,       /* a turn gives the loop back after this */
    DRAIN_RECORDS = 4096,     /* between two looks at the clock */
    STOP_MS_MAX = 2000,       /* a running slice may take this long to end on stop */
    SLICE_GAP_MS_MAX = 200,   /* at the live edge slices are not opened more often */
    IDLE_MS_MIN = 1000,       /* watermark.idleTimeout moves watermarks not more often */
    RATE_MEMORY_US = 1000000, /* the reading rate is that of about the last second of reading */
};

static void begin_close(struct app *app);
static void on_turn_timer(uv_timer_t *timer);

void app_fail(struct app *app, const struct err *err)
{
    if (!app->err.code) {
        app->err = *err;
        log_line(app->options.log, LOG_ERROR, "failed", LOG_S("reason", err->msg));
    }
    begin_close(app);
}

/* ---- slices ---- */

static void note_rate(struct app *app, int64_t offsets, int64_t us)
{
    app->rate_offsets += (double)offsets;
    app->rate_us += (double)us;
    if (app->rate_us > RATE_MEMORY_US) {
        app->rate_offsets *= RATE_MEMORY_US / app->rate_us;
        app->rate_us = RATE_MEMORY_US;
    }
}

static double bytes_per_offset(const struct app *app)
{
    uint64_t records = 0, bytes = 0;
    for (uint32_t i = 0; i < app->source->partition_count; i++) {
        records += app->source->partitions[i].records;
        bytes += app->source->partitions[i].bytes;
    }
    return records ? (double)bytes / (double)records + 1 : 0;
}

static struct batch_input look(const struct app *app)
{
    struct slice_limits limits = {
        .bytes_max = (int64_t)mem_slice_bytes_max(&app->memory),
        .bytes_per_offset = bytes_per_offset(app),
        .offsets_per_s = app->rate_us > 0 ? app->rate_offsets / app->rate_us * 1e6 : 0,
        .interval_ms = app->options.available_now ? 0 : app->options.plan->trigger_interval_ms};
    int64_t pending = app->source->ops->pending(app->source); /* first: it looks at the queues */
    return (struct batch_input){.now_ms = clock_wall_ms(),
                                .pending = pending,
                                .limit_reached = app->source->ops->limit_reached(app->source),
                                .held_bytes = app_held_bytes(app),
                                .draining = app_draining(app),
                                .no_data_due = engine_wants_batch(app->engine),
                                .slice_max = slice_offsets_max(&limits)};
}

/* When engine_idle has something to say next; INT64_MAX: never, or not before records come. */
static int64_t idle_due_ms(const struct app *app, int64_t pending)
{
    int64_t timeout_ms = engine_idle_timeout_ms(app->engine);
    if (timeout_ms < 0 || pending > 0 || app->options.available_now || app->machine.slice_open ||
        app->machine.filling->records > 0 || engine_state_rows(app->engine) == 0)
        return INT64_MAX;
    int64_t since_ms = app->last_record_ms ? app->last_record_ms : app->started_ms;
    int64_t due_ms = since_ms + timeout_ms, again_ms = app->last_idle_ms + IDLE_MS_MIN;
    return due_ms > again_ms ? due_ms : again_ms;
}

/* Every partition read to its end and silent: the watermarks follow the wall clock. */
static void follow_clock(struct app *app)
{
    int64_t now_ms = clock_wall_ms();
    if (!app->machine.filling || now_ms < app->last_idle_ms + IDLE_MS_MIN)
        return;
    if (now_ms < idle_due_ms(app, app->source->ops->pending(app->source)))
        return;
    app->last_idle_ms = now_ms;
    engine_idle(app->engine, now_ms);
}

/* At the live edge records trickle in: slices keep a distance, unless a batch waits for its end. */
static bool too_early(const struct app *app, const struct batch_input *input)
{
    bool live = input->pending < input->slice_max && !app->options.available_now &&
                app->machine.next_id > 0 && input->now_ms < app->machine.next_trigger_ms;
    return live && clock_monotonic_us() < app->slice_next_us;
}

/* Opens a slice if the batch has room and something is pending. */
static bool open_slice(struct app *app, const struct batch_input *input)
{
    int64_t max = batch_slice_offsets_max(&app->machine, input);
    if (max <= 0 || input->pending == 0 || too_early(app, input))
        return false;
    if (!app->source->ops->slice_open(app->source, max, (int64_t)mem_slice_bytes_max(&app->memory)))
        return false;
    int64_t gap_ms = app->options.plan->trigger_interval_ms / 50;
    gap_ms = gap_ms > SLICE_GAP_MS_MAX ? SLICE_GAP_MS_MAX : gap_ms;
    app->slice_opened_us = clock_monotonic_us();
    app->slice_next_us = app->slice_opened_us + gap_ms * 1000;
    batch_slice_opened(&app->machine, input->now_ms);
    return true;
}

/* False when nothing more can be had now, or reading failed. */
static bool drain(struct app *app)
{
    struct source_progress progress;
    struct err err = {0};
    int64_t began_us = clock_monotonic_us();
    int code = app->source->ops->drain(app->source, DRAIN_RECORDS, &progress, &err);
    int64_t now_us = clock_monotonic_us();
    app->filling->busy_us += now_us - began_us;
    if (code) {
        batch_machine_fail(&app->machine, &err);
        return false;
    }
    if (!progress.slice_closed)
        return progress.more;
    note_rate(app, progress.offsets, now_us - app->slice_opened_us);
    FAILPOINT("batch.slice");
    batch_slice_closed(&app->machine, progress.offsets, progress.records);
    if (app_note_slice(app) != 0) {
        err_set(&err, ERR_NOMEM, "out of memory for the slices of a batch");
        batch_machine_fail(&app->machine, &err);
    }
    return true;
}

/* ---- the turn ---- */

static void start_machine(struct app *app)
{
    const struct plan *plan = app->options.plan;
    struct batch_config config = {.interval_ms =
                                      app->options.available_now ? 0 : plan->trigger_interval_ms,
                                  .available_now = app->options.available_now,
                                  .offsets_per_trigger = plan->kafka.max_offsets_per_trigger,
                                  .preview_offsets = app->options.preview_records,
                                  .bytes_max = mem_batch_bytes_max(&app->memory)};
    if (app->checkpoint) {
        const struct commit_record *record = checkpoint_record(app->checkpoint);
        config.next_id = checkpoint_next_batch(app->checkpoint);
        config.resumed = record && record->partition_count > 0;
    }
    app->machine_ready = true;
    if (config.resumed && !config.available_now)
        app->source->ops->limit_lift(app->source);
    if (config.preview_offsets > 0 && !config.available_now)
        app->source->ops->limit_lift(app->source); /* a preview takes what comes, too */
    batch_machine_init(&app->machine, &config, &app_batch_ops, app, clock_wall_ms());
    app_tell_manager(app);
}

/* When to look again without being woken. */
static void set_timer(struct app *app, const struct batch_input *input)
{
    int64_t at_ms = batch_next_turn_ms(&app->machine);
    int64_t gap_ms = (app->slice_next_us - clock_monotonic_us()) / 1000 + 1;
    if (input->pending > 0 && !app->machine.slice_open && gap_ms > 0 &&
        input->now_ms + gap_ms < at_ms && too_early(app, input))
        at_ms = input->now_ms + gap_ms;
    int64_t idle_ms = app->machine.filling ? idle_due_ms(app, input->pending) : INT64_MAX;
    at_ms = idle_ms < at_ms ? idle_ms : at_ms;
    uv_timer_stop(&app->turn_timer);
    if (at_ms == INT64_MAX)
        return;
    /* Never at once: a timer that restarts itself with 0 keeps libuv from polling. */
    int64_t wait_ms = at_ms - input->now_ms;
    uv_timer_start(&app->turn_timer, on_turn_timer, wait_ms > 0 ? (uint64_t)wait_ms : 1, 0);
}

/* Batches move as far as they can, the open slice is drained, the next one opened, until there is
 * nothing to do or the turn has taken its time. */
static void app_turn(struct app *app)
{
    if (app->stage != APP_RUNNING || !app->source)
        return; /* before the sources are open the checkpoint is waited for */
    if (app->source->state == SOURCE_FAILED) {
        app_fail(app, &app->source->err);
        return;
    }
    if (!app_recovered(app))
        app_recover_turn(app);
    if (app->stage != APP_RUNNING)
        return;
    if (app->source->state == SOURCE_READY && !app->machine_ready && app->checks == 0 &&
        app_recovered(app) && app_begun(app))
        start_machine(app);
    if (!app->machine_ready)
        return;
    follow_clock(app);
    int64_t until_us = clock_monotonic_us() + TURN_US_MAX;
    bool more = true;
    struct batch_input input;
    while (true) {
        input = look(app);
        batch_machine_run(&app->machine, &input);
        if (app->machine.err.code || app->machine.finished)
            break;
        more = clock_monotonic_us() < until_us;
        input = look(app);
        if (!more || (!app->machine.slice_open && !open_slice(app, &input)))
            break;
        if (!drain(app))
            break;
    }
    if (app->machine.err.code)
        app_fail(app, &app->machine.err);
    else if (app->machine.finished)
        begin_close(app);
    else if (!more)
        app_turn_soon(app);
    else
        set_timer(app, &input);
}

static void on_idle(uv_idle_t *idle)
{
    uv_idle_stop(idle);
    app_turn(idle->data);
}

void app_turn_soon(struct app *app)
{
    if (app->stage == APP_RUNNING)
        uv_idle_start(&app->idle, on_idle);
}

static void on_turn_timer(uv_timer_t *timer)
{
    app_turn(timer->data);
}

void app_source_changed(void *user)
{
    app_turn_soon(user);
}

/* ---- measuring the loop ---- */

static void on_prepare_handle(uv_prepare_t *prepare)
{
    struct app *app = prepare->data;
    int64_t now_us = clock_monotonic_us();
    uint64_t idle_ns = uv_metrics_idle_time(app->loop);
    double turn_s = (double)(now_us - app->turn_began_us) / 1e6;
    double waited_s = (double)(idle_ns - app->turn_idle_ns) / 1e9;
    if (app->turn_began_us && turn_s - waited_s > app->stall_max_s)
        app->stall_max_s = turn_s - waited_s;
    app->turn_began_us = now_us;
    app->turn_idle_ns = idle_ns;
}

static void on_second(uv_timer_t *timer)
{
    struct app *app = timer->data;
    metric_observe(metrics_series(app->metrics, METRIC_LOOP_STALL), app->stall_max_s);
    app->stall_max_s = 0;
    app_pace_tick(app);
    app_tell_second(app);
}

/* ---- stopping ---- */

static void on_stop_timer(uv_timer_t *timer)
{
    struct app *app = timer->data;
    if (app->machine_ready && app->machine.slice_open)
        batch_machine_abandon(&app->machine);
    app_turn_soon(app);
}

void app_stop(struct app *app)
{
    if (app->stopping || app->stage != APP_RUNNING)
        return;
    app->stopping = true;
    log_line(app->options.log, LOG_INFO, "stopping");
    app_tell_manager(app);
    if (!app->machine_ready) {
        begin_close(app);
        return;
    }
    batch_machine_stop(&app->machine);
    uv_timer_start(&app->stop_timer, on_stop_timer, STOP_MS_MAX, 0);
    app_turn_soon(app);
}

void app_closed_one(void *user)
{
    struct app *app = user;
    app->closing--;
    app_close_step(app);
}

static void on_handle_closed(uv_handle_t *handle)
{
    app_closed_one(handle->data);
}

static void begin_close(struct app *app)
{
    if (app->stage != APP_RUNNING)
        return;
    app->stage = APP_ABORTING;
    app_tell_manager(app);
    uv_idle_stop(&app->idle);
    uv_timer_stop(&app->turn_timer);
    if (app->recovery.busy) {
        app->closing++; /* on_recovered */
        sink_cancel(app->recovery.busy);
    }
    if (app->save_ticket.batch) { /* sinks keep what is being staged: first that must end */
        app->closing++;
        checkpoint_cancel(app->checkpoint);
    } else {
        app_abort_slots(app);
    }
    app_close_step(app);
}

static void close_handle(struct app *app, uv_handle_t *handle)
{
    app->closing++;
    uv_close(handle, on_handle_closed);
}

static void close_parts(struct app *app)
{
    app->stage = APP_CLOSING;
    app->closing++; /* this call */
    app_close_stores(app);
    if (app->source) {
        struct source *source = app->source;
        app->source = NULL; /* /status may be asked for meanwhile */
        app->closing++;
        source->ops->close(source, app_closed_one, app);
    }
    close_handle(app, (uv_handle_t *)&app->idle);
    close_handle(app, (uv_handle_t *)&app->turn_timer);
    close_handle(app, (uv_handle_t *)&app->stop_timer);
    close_handle(app, (uv_handle_t *)&app->prepare);
    close_handle(app, (uv_handle_t *)&app->second_timer);
    app_closed_one(app);
}

void app_close_step(struct app *app)
{
    if (app->closing > 0)
        return;
    if (app->stage == APP_ABORTING) {
        app->stage = APP_CLOSING_SINKS;
        app->closing++; /* this call */
        app_close_sinks(app);
        app_closed_one(app);
    } else if (app->stage == APP_CLOSING_SINKS) {
        app->stage = APP_CLOSING_CHECKPOINT;
        app->closing++; /* this call */
        app_close_checkpoint(app);
        app_closed_one(app);
    } else if (app->stage == APP_CLOSING_CHECKPOINT) {
        close_parts(app);
    } else if (app->stage == APP_CLOSING) {
        app->stage = APP_CLOSING_HTTP;
        app->closing++;
        app->closing++;
        store_places_close(&app->places, app_closed_one, app);
        if (app->http)
            http_server_close(app->http, app_closed_one, app);
        else
            app_closed_one(app);
    } else if (app->stage == APP_CLOSING_HTTP) {
        app->stage = APP_CLOSED;
        app_tell_end(app);
        app->options.finished(app->options.user, app->err.code ? 1 : 0);
    }
}

/* ---- life ---- */

static void init_handles(struct app *app)
{
    uv_loop_configure(app->loop, UV_METRICS_IDLE_TIME);
    uv_idle_init(app->loop, &app->idle);
    uv_timer_init(app->loop, &app->turn_timer);
    uv_timer_init(app->loop, &app->stop_timer);
    uv_timer_init(app->loop, &app->second_timer);
    uv_prepare_init(app->loop, &app->prepare);
    app->idle.data = app->turn_timer.data = app->stop_timer.data = app;
    app->second_timer.data = app->prepare.data = app;
    uv_timer_start(&app->second_timer, on_second, 1000, 1000);
    uv_prepare_start(&app->prepare, on_prepare_handle);
}

static void on_notice(void *user, const char *text)
{
    const struct app *app = user;
    log_line(app->options.log, LOG_INFO, text);
}

int app_create(struct app **out, uv_loop_t *loop, const struct app_options *options,
               struct err *err)
{
    struct app *app = calloc(1, sizeof *app);
    if (!app)
        return err_set(err, ERR_NOMEM, "out of memory");
    app->options = *options;
    app->loop = loop;
    app->memory.budget = options->memory_bytes;
    app->started_ms = clock_wall_ms();
    random_id(app->id);
    random_id(app->run_id);
    app->places = (struct store_places){.loop = loop,
                                        .s3 = &options->plan->s3,
                                        .os = options->world ? options->world->os : NULL,
                                        .notice = on_notice,
                                        .user = app};
    init_handles(app);
    *out = app;
    if (app_open_parts(app, err) != 0)
        app_fail(app, err); /* closes by itself and finishes with the failure */
    return 0;
}

void app_destroy(struct app *app)
{
    if (!app)
        return;
    INVARIANT(app->stage == APP_CLOSED);
    app_slot_fini(&app->slots[0]);
    app_slot_fini(&app->slots[1]);
    engine_destroy(app->engine);
    app_metrics_fini(app);
    app_samples_fini(app);
    for (uint32_t i = 0; i < app->output_count; i++)
        buf_fini(&app->outputs[i].held_key), buf_fini(&app->outputs[i].held_bytes);
    free(app->outputs);
    for (uint32_t i = 0; app->fingerprints && i <= app->options.plan->query_count; i++)
        free((void *)(uintptr_t)app->fingerprints[i].p);
    free(app->fingerprints);
    buf_fini(&app->recovery.data);
    arena_fini(&app->recovery.arena);
    free(app->recovery.reset);
    free(app->resume);
    free(app->books);
    free(app->rows_out_total);
    free(app->last.queries);
    free(app->last.start_offsets);
    free(app->last.end_offsets);
    free(app);
}

uint64_t app_records_read(const struct app *app)
{
    return app->records_read;
}
