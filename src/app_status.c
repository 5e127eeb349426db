/* What an app shows: its state, health, /status. */
#include <math.h>
#include <stdlib.h>

#include "app_impl.h"
#include "http/status.h"
#include "os/clock.h"
#include "os/process.h"
#include "version.h"

/* Not ready when records wait uncommitted for more than this many triggers. */
enum { READY_TRIGGERS_MAX = 3, READY_INTERVAL_MS_MIN = 1000 };

/* ---- state ---- */

/* Why the checkpoint holds things up; NULL: it does not. */
static const char *checkpoint_trouble(const struct app *app)
{
    const struct health *health =
        app->checkpoint_store ? store_health(app->checkpoint_store) : NULL;
    if (health && health->failing)
        return health->err.msg;
    const char *waits_for = app->checkpoint ? checkpoint_waits_for(app->checkpoint) : "";
    return waits_for[0] ? waits_for : NULL;
}

enum status_state app_state(const struct app *app, struct str *reason)
{
    *reason = (struct str){NULL, 0};
    if (app->err.code) {
        *reason = str_of(app->err.msg);
        return STATUS_FAILED;
    }
    uint64_t since_ms;
    const struct sink *failing = app_failing_sink(app, &since_ms);
    if (app->stopping || app->stage != APP_RUNNING) {
        *reason = failing ? str_of(sink_health(failing)->err.msg) : *reason;
        return STATUS_STOPPING;
    }
    const char *trouble = checkpoint_trouble(app);
    if (!app->source || app->source->state == SOURCE_STARTING || !app->machine_ready) {
        *reason = failing                                  ? str_of(sink_health(failing)->err.msg)
                  : trouble                                ? str_of(trouble)
                  : app->source && app->source->trouble[0] ? str_of(app->source->trouble)
                                                           : STR("finding partitions and offsets");
        return STATUS_STARTING;
    }
    if (app->source->trouble[0] || !app->source->connected) {
        *reason = str_of(app->source->trouble);
        return STATUS_DEGRADED;
    }
    if (failing || trouble) {
        *reason = failing ? str_of(sink_health(failing)->err.msg) : str_of(trouble);
        return STATUS_DEGRADED;
    }
    for (uint32_t i = 0; i < app->source->partition_count; i++) {
        if (app->source->partitions[i].left_out) {
            *reason = STR("a partition delivers nothing: slices go on without it");
            return STATUS_DEGRADED;
        }
    }
    /* More than what arrives while a slice is read, or than what two triggers may take: the stream
     * is behind. */
    int64_t cap = app->options.plan->kafka.max_offsets_per_trigger;
    int64_t behind = app_behind(app);
    bool slow = app->rate_us > 0 && (double)behind > app->rate_offsets / app->rate_us * 1e6;
    return slow || (cap > 0 && behind > 2 * cap) ? STATUS_CATCHING_UP : STATUS_RUNNING;
}

static bool healthy(void *user, struct buf *reason)
{
    (void)user; /* that this runs shows that the loop turns */
    (void)reason;
    return true;
}

int64_t app_uncommitted_ms(const struct app *app)
{
    int64_t oldest = 0, now_ms = clock_wall_ms();
    for (int s = 0; app->machine_ready && s < 2; s++) {
        int64_t since = app->slots[s].first_record_ms;
        bool live = app->machine.slots[s].stage != BATCH_FREE;
        if (live && since && (!oldest || since < oldest))
            oldest = since;
    }
    return !oldest ? -1 : now_ms > oldest ? now_ms - oldest : 0;
}

static bool ready(void *user, struct buf *reason)
{
    const struct app *app = user;
    struct str text;
    enum status_state state = app_state(app, &text);
    if (state != STATUS_RUNNING && state != STATUS_CATCHING_UP) {
        buf_printf(reason, "%s: %.*s", status_state_name(state), STR_ARG(text));
        return false;
    }
    int64_t interval_ms = app->options.plan->trigger_interval_ms;
    interval_ms = interval_ms < READY_INTERVAL_MS_MIN ? READY_INTERVAL_MS_MIN : interval_ms;
    int64_t age_ms = app_uncommitted_ms(app);
    if (age_ms > READY_TRIGGERS_MAX * interval_ms) {
        buf_printf(reason, "records read %lld s ago are not committed", (long long)age_ms / 1000);
        return false;
    }
    return true;
}

/* ---- /status ---- */

static int by_topic(const void *a, const void *b)
{
    const struct status_offset *x = a, *y = b;
    int topics = str_cmp(x->topic, y->topic);
    return topics ? topics : (x->partition > y->partition) - (x->partition < y->partition);
}

/* Sorted, as one topic's stand together then: partitions found later stand at the end of the
 * source's list. */
static struct status_offsets offsets_of(const struct app *app, const int64_t *offsets,
                                        uint32_t count, struct arena *arena)
{
    const struct source_partition *all = app->source->partitions;
    struct status_offset *items = ARENA_ARRAY(arena, struct status_offset, count + 1);
    uint32_t n = 0;
    if (!items || !offsets)
        return (struct status_offsets){NULL, 0};
    for (uint32_t i = 0; i < count; i++) {
        if (offsets[i] >= 0)
            items[n++] = (struct status_offset){all[i].topic, all[i].partition, offsets[i]};
    }
    qsort(items, n, sizeof *items, by_topic);
    return (struct status_offsets){items, n};
}

void app_print_offsets(const struct app *app, const int64_t *offsets, uint32_t count,
                       struct buf *out)
{
    struct arena arena = {0};
    struct status_offsets list = offsets_of(app, offsets, count, &arena);
    status_print_offsets(&list, out);
    arena_fini(&arena);
}

static struct status_offsets ends_of(const struct app *app, struct arena *arena)
{
    int64_t *ends = ARENA_ARRAY(arena, int64_t, app->source->partition_count + 1);
    for (uint32_t i = 0; ends && i < app->source->partition_count; i++)
        ends[i] = app->source->partitions[i].resolved ? app->source->partitions[i].end : -1;
    return offsets_of(app, ends, app->source->partition_count, arena);
}

static size_t sum_slots(const struct app *app, uint32_t output,
                        size_t (*measure)(const struct sink_batch *batch))
{
    size_t sum = 0;
    for (int s = 0; s < 2; s++) {
        const struct sink_batch *batch =
            app->slots[s].outputs ? app->slots[s].outputs[output].batch : NULL;
        sum += batch ? measure(batch) : 0;
    }
    return sum;
}

/* Of a query, or of the source: those behind the queries. */
static const struct status_sink *sinks_of(const struct app *app, uint32_t query, uint32_t *count,
                                          struct arena *arena)
{
    uint32_t queries = app->options.plan->query_count;
    struct status_sink *sinks = ARENA_ARRAY(arena, struct status_sink, app->output_count + 1);
    *count = 0;
    for (uint32_t i = 0; sinks && i < app->output_count; i++) {
        const struct sink *sink = app->outputs[i].sink;
        uint32_t of = app->outputs[i].query;
        if (!sink || (of < queries ? of : queries) != query)
            continue;
        const struct health *health = sink_health(sink);
        bool failing = health && health->failing;
        sinks[(*count)++] = (struct status_sink){
            .name = sink_name(sink),
            .description = sink_description(sink),
            .output_rows = of >= queries  ? -1
                           : app->batches ? (int64_t)app->last.queries[query].rows_out
                                          : 0,
            .objects = sink_counters(sink)->objects,
            .bytes = sink_counters(sink)->bytes,
            .held_bytes = sink_bytes(sink) + sum_slots(app, i, sink_batch_bytes),
            .uploads = sink_uploads(sink),
            .uploading_bytes = sum_slots(app, i, sink_batch_draining),
            .retries = health ? health->retries : 0,
            .failing = failing,
            .error = failing ? str_of(health->err.msg) : (struct str){0}};
    }
    return sinks;
}

static struct status_event_time event_time(const struct app *app, uint32_t query)
{
    struct status_event_time out = {STATUS_UNKNOWN, STATUS_UNKNOWN, STATUS_UNKNOWN, STATUS_UNKNOWN};
    const struct query_counts *counts = &app->last.queries[query];
    if (app->batches == 0 || !app->options.plan->watermark.given)
        return out;
    out.watermark_ms = counts->watermark_us / 1000;
    if (counts->event_times == 0)
        return out;
    out.avg_ms = counts->event_avg_us / 1000;
    out.max_ms = counts->event_max_us / 1000;
    out.min_ms = counts->event_min_us / 1000;
    return out;
}

static void fill_state(const struct app *app, uint32_t query, struct status_query *out,
                       struct arena *arena)
{
    const struct query_counts *counts = &app->last.queries[query];
    struct status_state_operator *state = ARENA_NEW(arena, struct status_state_operator);
    if (!state || app->batches == 0 || !engine_keeps_state(app->engine, query))
        return;
    *state = (struct status_state_operator){.rows_total = (int64_t)counts->state_rows,
                                            .rows_updated = (int64_t)counts->state.updated,
                                            .rows_dropped_by_watermark =
                                                (int64_t)counts->state.late_pairs,
                                            .memory_used_bytes = (int64_t)counts->state_bytes};
    out->state_operators = state;
    out->state_operator_count = 1;
}

/* The same for all queries, which read the same partitions. */
static struct status_query_source query_source(const struct app *app, struct arena *arena)
{
    const struct app_progress *last = &app->last;
    return (struct status_query_source){
        .description = str_of(app->source->description),
        .start = offsets_of(app, last->start_offsets, last->partition_count, arena),
        .end = offsets_of(app, last->end_offsets, last->partition_count, arena),
        .latest = ends_of(app, arena)};
}

static void fill_query(const struct app *app, uint32_t i, struct status_query *out,
                       struct arena *arena)
{
    static const char *const modes[] = {"append", "update", "complete"};
    const struct plan_query *query = &app->options.plan->queries[i];
    const struct app_progress *last = &app->last;
    const struct books *books = &app->books[i];
    bool any = app->batches > 0;
    *out = (struct status_query){.name = query->name,
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
                                 .event_time = event_time(app, i),
                                 .books = {books->read, books->malformed, books->filtered,
                                           books->no_event_time, books->future, books->deduplicated,
                                           books->late, books->accepted},
                                 .output_rows_total = app->rows_out_total[i]};
    fill_state(app, i, out, arena);
    out->sinks = sinks_of(app, i, &out->sink_count, arena);
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
                                  .held = app_source_held(app),
                                  .malformed = app->malformed,
                                  .error = str_of(app->source->trouble),
                                  .partitions = partitions,
                                  .partition_count = partitions ? n : 0};
    out->sinks = sinks_of(app, app->options.plan->query_count, &out->sink_count, arena);
}

static void fill_pace(struct app *app, struct status *out, struct buf *not_ready)
{
    int64_t age_ms = app_uncommitted_ms(app);
    out->ready = ready(app, not_ready);
    out->not_ready = buf_str(not_ready);
    out->uncommitted_seconds = age_ms < 0 ? NAN : (double)age_ms / 1000;
    out->committed_ms = app->last.committed_ms ? app->last.committed_ms : STATUS_UNKNOWN;
    out->behind = app->pace.at_us ? app_behind(app) : STATUS_UNKNOWN;
    bool known = app->pace.at_us && app->pace.read_per_s >= 0;
    out->read_per_second = known ? app->pace.read_per_s : NAN;
    out->added_per_second = known ? app->pace.added_per_s : NAN;
}

static void print_status(void *user, struct buf *out)
{
    struct app *app = user;
    const struct plan *plan = app->options.plan;
    struct arena arena = {0};
    struct status_query *queries = ARENA_ARRAY(&arena, struct status_query, plan->query_count + 1);
    struct status_source source;
    struct process_sample sample = {0};
    struct status_checkpoint checkpoint;
    struct status_progress progress;
    struct str reason;
    bool sampled = process_sample(&sample, NULL) == 0;
    enum status_state state = app_state(app, &reason);
    app_update_memory(app);
    struct status status = {.name = plan->name,
                            .version = STR(SLUICE_VERSION),
                            .id = str_of(app->id),
                            .run_id = str_of(app->run_id),
                            .state = state,
                            .reason = reason,
                            .uptime_seconds = app_seconds_between(app->started_ms, clock_wall_ms()),
                            .trigger_interval_ms = app->options.available_now
                                                       ? STATUS_UNKNOWN
                                                       : plan->trigger_interval_ms,
                            .resident_bytes = sampled ? sample.resident_bytes : 0,
                            .progress = app_progress_of(app, &progress) ? &progress : NULL,
                            .memory = &app->memory,
                            .queries = queries};
    if (app->source && queries) {
        struct status_query_source read = query_source(app, &arena);
        for (uint32_t i = 0; i < plan->query_count; i++) {
            fill_query(app, i, &queries[i], &arena);
            queries[i].source = read;
        }
        status.query_count = plan->query_count;
        fill_source(app, &source, &arena);
        status.sources = &source;
        status.source_count = 1;
    }
    if (app->checkpoint) {
        struct checkpoint_figures figures = checkpoint_figures(app->checkpoint);
        checkpoint = (struct status_checkpoint){
            .location = plan->checkpoint,
            .batch_id =
                figures.decided_ms ? checkpoint_next_batch(app->checkpoint) - 1 : STATUS_UNKNOWN,
            .bytes = (int64_t)figures.batch_bytes,
            .committed_ms = figures.decided_ms ? figures.decided_ms : STATUS_UNKNOWN};
        status.checkpoint = &checkpoint;
    }
    struct buf not_ready = {0};
    fill_pace(app, &status, &not_ready);
    status_print(&status, out);
    buf_fini(&not_ready);
    arena_fini(&arena);
}

static void count_unauthorized(void *user, const char *client)
{
    struct app *app = user;
    metric_add(metrics_series(app->metrics, METRIC_HTTP_UNAUTHORIZED), 1);
    if (client)
        log_line(app->options.log, LOG_WARN, "http request with a wrong token",
                 LOG_S("client", client));
}

const struct http_hooks app_http_hooks = {
    .status = print_status,
    .metrics = app_print_metrics,
    .samples = app_print_samples,
    .samples_version = app_samples_version,
    .healthy = healthy,
    .ready = ready,
    .unauthorized = count_unauthorized,
};
