/* What an app shows: metrics, /status, health. */
#include <stdlib.h>

#include "app_impl.h"
#include "http/status.h"
#include "os/clock.h"
#include "os/process.h"
#include "version.h"

/* Not ready when records wait uncommitted for more than this many triggers. */
enum { READY_TRIGGERS_MAX = 3, READY_INTERVAL_MS_MIN = 5000 };

/* ---- metrics ---- */

int app_metrics_init(struct app *app)
{
    app->metrics = metrics_create();
    if (!app->metrics)
        return ERR_NOMEM;
    metric_set(metrics_series(app->metrics, METRIC_BUILD_INFO, str_of(SLUICE_VERSION)), 1);
    for (uint32_t i = 0; i < app->output_count; i++) {
        struct app_output *output = &app->outputs[i];
        struct str query = app->options.plan->queries[output->query].name;
        struct str sink = sink_name(output->sink);
        output->objects = metrics_series(app->metrics, METRIC_SINK_OBJECTS, query, sink);
        output->bytes = metrics_series(app->metrics, METRIC_SINK_BYTES, query, sink);
        output->retries = metrics_series(app->metrics, METRIC_SINK_RETRIES, query, sink);
    }
    return 0;
}

void app_metrics_fini(struct app *app)
{
    metrics_destroy(app->metrics);
    free(app->partition_series);
}

static double seconds_between(int64_t from_ms, int64_t to_ms)
{
    return to_ms > from_ms ? (double)(to_ms - from_ms) / 1000 : 0;
}

static void observe_phase(struct app *app, struct str phase, double seconds)
{
    metric_observe(metrics_series(app->metrics, METRIC_BATCH_DURATION, phase), seconds);
}

static int keep_offsets(int64_t **kept, const int64_t *offsets, uint32_t n)
{
    int64_t *p = realloc(*kept, (n + 1) * sizeof *p);
    if (!p)
        return ERR_NOMEM;
    *kept = p;
    memcpy(p, offsets, n * sizeof *p);
    return 0;
}

static void note_progress(struct app *app, const struct batch *batch, const struct app_slot *slot,
                          int64_t now_ms)
{
    struct app_progress *last = &app->last;
    double busy_s = (double)slot->busy_us / 1e6 + seconds_between(batch->sealed_ms, now_ms);
    double since_s = app->last_seal_ms ? seconds_between(app->last_seal_ms, batch->sealed_ms) : 0;
    last->batch_id = batch->id;
    last->timestamp_ms = batch->trigger_ms;
    last->records = (int64_t)slot->counts.records;
    last->input_per_s = since_s > 0 ? (double)slot->counts.records / since_s : 0;
    last->processed_per_s = busy_s > 0 ? (double)slot->counts.records / busy_s : 0;
    last->add_batch_ms = slot->busy_us / 1000 + (now_ms - batch->decided_ms) +
                         (batch->prepared_ms - batch->sealed_ms);
    last->wal_commit_ms = batch->decided_ms - batch->prepared_ms;
    last->commit_offsets_ms = 0;
    last->total_ms = slot->busy_us / 1000 + (now_ms - batch->sealed_ms);
    if (keep_offsets(&last->start_offsets, slot->start_offsets, slot->partition_count) != 0 ||
        keep_offsets(&last->end_offsets, slot->end_offsets, slot->partition_count) != 0)
        return;
    last->partition_count = slot->partition_count;
    memcpy(last->rows_out, slot->counts.rows_out,
           app->options.plan->query_count * sizeof *last->rows_out);
    app->last_seal_ms = batch->sealed_ms;
}

static void count_query(struct app *app, uint32_t i, const struct app_slot *slot)
{
    static const char *const outcomes[] = {"read",   "malformed",    "filtered", "no_event_time",
                                           "future", "deduplicated", "late",     "accepted"};
    struct str query = app->options.plan->queries[i].name;
    const struct books *books = &slot->counts.books[i];
    const uint64_t values[] = {books->read,          books->malformed, books->filtered,
                               books->no_event_time, books->future,    books->deduplicated,
                               books->late,          books->accepted};
    for (size_t k = 0; k < COUNT_OF(outcomes); k++)
        metric_add(metrics_series(app->metrics, METRIC_QUERY_RECORDS, query, str_of(outcomes[k])),
                   (double)values[k]);
    metric_add(metrics_series(app->metrics, METRIC_QUERY_OUTPUT_ROWS, query),
               (double)slot->counts.rows_out[i]);
    metric_add(metrics_series(app->metrics, METRIC_QUERY_LATE_ROWS, query), 0);
    books_add(&app->books[i], books);
    app->rows_out_total[i] += slot->counts.rows_out[i];
}

void app_metrics_committed(struct app *app, const struct batch *batch, const struct app_slot *slot)
{
    int64_t now_ms = clock_wall_ms();
    struct metric_series *latency = metrics_series(app->metrics, METRIC_END_TO_END_LATENCY);
    metric_set(metrics_series(app->metrics, METRIC_BATCH_ID), (double)batch->id);
    metric_add(metrics_series(app->metrics, METRIC_BATCHES), 1);
    metric_set(metrics_series(app->metrics, METRIC_LAST_COMMIT_TIMESTAMP), (double)now_ms / 1000);
    metric_observe(metrics_series(app->metrics, METRIC_TRIGGER_DELAY),
                   seconds_between(batch->trigger_ms, batch->sealed_ms));
    observe_phase(app, STR("seal"), (double)slot->busy_us / 1e6);
    observe_phase(app, STR("prepare"), seconds_between(batch->sealed_ms, batch->prepared_ms));
    observe_phase(app, STR("decide"), seconds_between(batch->prepared_ms, batch->decided_ms));
    observe_phase(app, STR("publish"), seconds_between(batch->decided_ms, now_ms));
    observe_phase(app, STR("total"),
                  (double)slot->busy_us / 1e6 + seconds_between(batch->sealed_ms, now_ms));
    for (uint32_t i = 0; i < slot->arrival_count; i++)
        metric_observe_times(latency, seconds_between(slot->arrivals[i].timestamp_ms, now_ms),
                             slot->arrivals[i].records);
    metric_add(metrics_series(app->metrics, METRIC_SOURCE_MALFORMED, STR("json")),
               (double)slot->counts.malformed);
    for (uint32_t i = 0; i < app->options.plan->query_count; i++)
        count_query(app, i, slot);
    note_progress(app, batch, slot, now_ms);
    app->batches++;
}

/* Series of partitions, made when a partition is first seen. */
static void set_partitions(struct app *app)
{
    uint32_t n = app->source ? app->source->partition_count : 0;
    if (n > app->partition_series_count) {
        struct metric_series **series = realloc(app->partition_series, 3 * n * sizeof(void *));
        if (!series)
            return;
        app->partition_series = series;
        for (uint32_t i = app->partition_series_count; i < n; i++) {
            const struct source_partition *p = &app->source->partitions[i];
            series[3 * i] = metrics_partition_series(app->metrics, METRIC_SOURCE_RECORDS, p->topic,
                                                     p->partition);
            series[3 * i + 1] =
                metrics_partition_series(app->metrics, METRIC_SOURCE_BYTES, p->topic, p->partition);
            series[3 * i + 2] =
                metrics_partition_series(app->metrics, METRIC_SOURCE_LAG, p->topic, p->partition);
        }
        app->partition_series_count = n;
    }
    for (uint32_t i = 0; i < n && i < app->partition_series_count; i++) {
        const struct source_partition *p = &app->source->partitions[i];
        metric_set(app->partition_series[3 * i], (double)p->records);
        metric_set(app->partition_series[3 * i + 1], (double)p->bytes);
        metric_set(app->partition_series[3 * i + 2], (double)(p->end - p->position));
    }
}

static void set_process(struct app *app)
{
    struct process_sample sample;
    if (process_sample(&sample, NULL) != 0)
        return;
    metric_set(metrics_series(app->metrics, METRIC_PROCESS_RESIDENT_MEMORY),
               (double)sample.resident_bytes);
    metric_set(metrics_series(app->metrics, METRIC_PROCESS_CPU), sample.cpu_seconds);
    metric_set(metrics_series(app->metrics, METRIC_PROCESS_OPEN_FDS), (double)sample.open_fds);
    metric_set(metrics_series(app->metrics, METRIC_PROCESS_START_TIME), sample.start_time_seconds);
}

static struct batch_input no_input(const struct app *app)
{
    return (struct batch_input){.now_ms = clock_wall_ms(), .held_bytes = app_held_bytes(app)};
}

static bool source_held(const struct app *app)
{
    struct batch_input input = no_input(app);
    return app->machine_ready && batch_held(&app->machine, &input);
}

static void update_memory(struct app *app)
{
    size_t output = 0;
    for (int s = 0; s < 2; s++) {
        for (uint32_t i = 0; app->slots[s].outputs && i < app->output_count; i++) {
            if (app->slots[s].outputs[i].batch)
                output += sink_batch_bytes(app->slots[s].outputs[i].batch);
        }
    }
    mem_set(&app->memory, MEM_OUTPUT, output);
    mem_set(&app->memory, MEM_COLUMNS, app->engine ? engine_bytes(app->engine) : 0);
    mem_set(&app->memory, MEM_KAFKA, app->source ? app->source->ops->queued_bytes(app->source) : 0);
}

static void print_metrics(void *user, struct buf *out)
{
    struct app *app = user;
    update_memory(app);
    set_partitions(app);
    set_process(app);
    metric_set(metrics_series(app->metrics, METRIC_SOURCE_HELD), source_held(app));
    metric_set(metrics_series(app->metrics, METRIC_SOURCE_CONNECTED),
               app->source && app->source->connected);
    for (int use = 0; use < MEM_USE_COUNT; use++)
        metric_set(metrics_series(app->metrics, METRIC_MEMORY, str_of(mem_use_names[use])),
                   (double)app->memory.used[use]);
    for (uint32_t i = 0; i < app->output_count && app->stage == APP_RUNNING; i++) {
        const struct sink_counters *counters = sink_counters(app->outputs[i].sink);
        metric_set(app->outputs[i].objects, (double)counters->objects);
        metric_set(app->outputs[i].bytes, (double)counters->bytes);
        metric_set(app->outputs[i].retries, (double)counters->retries);
    }
    metrics_print(app->metrics, out);
}

/* ---- state ---- */

static enum status_state state_of(const struct app *app, struct str *reason)
{
    *reason = (struct str){NULL, 0};
    if (app->err.code) {
        *reason = str_of(app->err.msg);
        return STATUS_FAILED;
    }
    if (app->stopping || app->stage != APP_RUNNING)
        return STATUS_STOPPING;
    if (!app->source || app->source->state == SOURCE_STARTING || !app->machine_ready) {
        *reason = app->source && app->source->trouble[0] ? str_of(app->source->trouble)
                                                         : STR("finding partitions and offsets");
        return STATUS_STARTING;
    }
    if (app->source->trouble[0] || !app->source->connected) {
        *reason = str_of(app->source->trouble);
        return STATUS_DEGRADED;
    }
    int64_t behind = 0;
    for (uint32_t i = 0; i < app->source->partition_count; i++) {
        const struct source_partition *p = &app->source->partitions[i];
        behind += p->end - p->position;
        if (p->left_out) {
            *reason = STR("a partition delivers nothing: slices go on without it");
            return STATUS_DEGRADED;
        }
    }
    /* More than what arrives while a slice is read: the stream is behind. */
    return app->rate_us > 0 && (double)behind > app->rate_offsets / app->rate_us * 1e6
               ? STATUS_CATCHING_UP
               : STATUS_RUNNING;
}

static bool healthy(void *user, struct buf *reason)
{
    (void)user; /* that this runs shows that the loop turns */
    (void)reason;
    return true;
}

static int64_t oldest_uncommitted_ms(const struct app *app)
{
    int64_t oldest = 0;
    for (int s = 0; app->machine_ready && s < 2; s++) {
        int64_t since = app->slots[s].first_record_ms;
        bool live = app->machine.slots[s].stage != BATCH_FREE;
        if (live && since && (!oldest || since < oldest))
            oldest = since;
    }
    return oldest;
}

static bool ready(void *user, struct buf *reason)
{
    const struct app *app = user;
    struct str text;
    enum status_state state = state_of(app, &text);
    if (state != STATUS_RUNNING && state != STATUS_CATCHING_UP) {
        buf_printf(reason, "%s: %.*s", status_state_name(state), STR_ARG(text));
        return false;
    }
    int64_t interval_ms = app->options.plan->trigger_interval_ms;
    interval_ms = interval_ms < READY_INTERVAL_MS_MIN ? READY_INTERVAL_MS_MIN : interval_ms;
    int64_t oldest_ms = oldest_uncommitted_ms(app);
    int64_t age_ms = oldest_ms ? clock_wall_ms() - oldest_ms : 0;
    if (age_ms > READY_TRIGGERS_MAX * interval_ms) {
        buf_printf(reason, "records read %lld s ago are not committed", (long long)age_ms / 1000);
        return false;
    }
    return true;
}

/* ---- /status ---- */

void app_print_offsets(const struct app *app, const int64_t *offsets, uint32_t count,
                       struct buf *out)
{
    const struct source_partition *all = app->source->partitions;
    struct str topic = {NULL, 0};
    buf_append_char(out, '{');
    /* Partitions found later stand at the end: a topic's first one collects all of it. */
    for (uint32_t i = 0; i < count; i++) {
        bool seen = false;
        for (uint32_t k = 0; k < i && !seen; k++)
            seen = str_eq(all[k].topic, all[i].topic);
        if (seen)
            continue;
        buf_printf(out, "%s\"%.*s\":{", topic.p ? "," : "", STR_ARG(all[i].topic));
        topic = all[i].topic;
        const char *comma = "";
        for (uint32_t k = i; k < count; k++) {
            if (!str_eq(all[k].topic, topic))
                continue;
            buf_printf(out, "%s\"%d\":%lld", comma, all[k].partition, (long long)offsets[k]);
            comma = ",";
        }
        buf_append_char(out, '}');
    }
    buf_append_char(out, '}');
}

static struct status_offsets offsets_of(const struct app *app, const int64_t *offsets,
                                        uint32_t count, struct arena *arena)
{
    struct status_offset *items = ARENA_ARRAY(arena, struct status_offset, count + 1);
    if (!items || !offsets)
        return (struct status_offsets){NULL, 0};
    for (uint32_t i = 0; i < count; i++)
        items[i] = (struct status_offset){.topic = app->source->partitions[i].topic,
                                          .partition = app->source->partitions[i].partition,
                                          .offset = offsets[i]};
    return (struct status_offsets){items, count};
}

static struct status_offsets ends_of(const struct app *app, struct arena *arena)
{
    int64_t *ends = ARENA_ARRAY(arena, int64_t, app->source->partition_count + 1);
    for (uint32_t i = 0; ends && i < app->source->partition_count; i++)
        ends[i] = app->source->partitions[i].end;
    return offsets_of(app, ends, app->source->partition_count, arena);
}

static void fill_query_sinks(const struct app *app, uint32_t query, struct status_query *out,
                             struct arena *arena)
{
    struct status_sink *sinks = ARENA_ARRAY(arena, struct status_sink, app->output_count + 1);
    for (uint32_t i = 0; sinks && app->stage == APP_RUNNING && i < app->output_count; i++) {
        if (app->outputs[i].query != query)
            continue;
        sinks[out->sink_count++] = (struct status_sink){
            .name = sink_name(app->outputs[i].sink),
            .description = sink_description(app->outputs[i].sink),
            .output_rows = app->batches ? (int64_t)app->last.rows_out[query] : 0};
    }
    out->sinks = sinks;
}

static void fill_query(const struct app *app, uint32_t i, struct status_query *out,
                       struct arena *arena)
{
    static const char *const modes[] = {"append", "update", "complete"};
    const struct plan_query *query = &app->options.plan->queries[i];
    const struct app_progress *last = &app->last;
    const struct books *books = &app->books[i];
    bool any = app->batches > 0;
    *out = (struct status_query){
        .name = query->name,
        .output_mode = str_of(modes[query->output_mode]),
        .batch_id = any ? last->batch_id : STATUS_UNKNOWN,
        .timestamp_ms = any ? last->timestamp_ms : STATUS_UNKNOWN,
        .input_rows = last->records,
        .input_rows_per_second = last->input_per_s,
        .processed_rows_per_second = last->processed_per_s,
        .duration = {.add_batch = last->add_batch_ms,
                     .wal_commit = last->wal_commit_ms,
                     .commit_offsets = last->commit_offsets_ms,
                     .trigger_execution = last->total_ms},
        .event_time = {STATUS_UNKNOWN, STATUS_UNKNOWN, STATUS_UNKNOWN, STATUS_UNKNOWN},
        .books = {books->read, books->malformed, books->filtered, books->no_event_time,
                  books->future, books->deduplicated, books->late, books->accepted},
        .output_rows_total = app->rows_out_total[i]};
    fill_query_sinks(app, i, out, arena);
    out->source.description = str_of(app->source->description);
    out->source.start = offsets_of(app, last->start_offsets, last->partition_count, arena);
    out->source.end = offsets_of(app, last->end_offsets, last->partition_count, arena);
    out->source.latest = ends_of(app, arena);
}

static void fill_source(const struct app *app, struct status_source *out, struct arena *arena)
{
    uint32_t n = app->source->partition_count;
    struct status_partition *partitions = ARENA_ARRAY(arena, struct status_partition, n + 1);
    for (uint32_t i = 0; partitions && i < n; i++) {
        const struct source_partition *p = &app->source->partitions[i];
        partitions[i] = (struct status_partition){.topic = p->topic,
                                                  .partition = p->partition,
                                                  .position = p->position,
                                                  .end = p->end,
                                                  .lag = p->end - p->position,
                                                  .held = p->held,
                                                  .left_out = p->left_out};
    }
    *out = (struct status_source){.name = app->options.plan->view,
                                  .description = str_of(app->source->description),
                                  .connected = app->source->connected,
                                  .held = source_held(app),
                                  .error = str_of(app->source->trouble),
                                  .partitions = partitions,
                                  .partition_count = partitions ? n : 0};
}

static void print_status(void *user, struct buf *out)
{
    struct app *app = user;
    const struct plan *plan = app->options.plan;
    struct arena arena = {0};
    struct status_query *queries = ARENA_ARRAY(&arena, struct status_query, plan->query_count + 1);
    struct status_source source;
    struct process_sample sample = {0};
    struct str reason;
    bool sampled = process_sample(&sample, NULL) == 0;
    enum status_state state = state_of(app, &reason);
    update_memory(app);
    struct status status = {.name = plan->name,
                            .version = STR(SLUICE_VERSION),
                            .id = str_of(app->id),
                            .run_id = str_of(app->run_id),
                            .state = state,
                            .reason = reason,
                            .uptime_seconds = seconds_between(app->started_ms, clock_wall_ms()),
                            .trigger_interval_ms = app->options.available_now
                                                       ? STATUS_UNKNOWN
                                                       : plan->trigger_interval_ms,
                            .resident_bytes = sampled ? sample.resident_bytes : 0,
                            .memory = &app->memory,
                            .queries = queries};
    if (app->source && queries) {
        for (uint32_t i = 0; i < plan->query_count; i++)
            fill_query(app, i, &queries[i], &arena);
        status.query_count = plan->query_count;
        fill_source(app, &source, &arena);
        status.sources = &source;
        status.source_count = 1;
    }
    status_print(&status, out);
    arena_fini(&arena);
}

const struct http_hooks app_http_hooks = {
    .status = print_status,
    .metrics = print_metrics,
    .healthy = healthy,
    .ready = ready,
};
