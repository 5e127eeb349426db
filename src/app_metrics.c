/* The metrics of an app: counted when a batch is committed, sampled when /metrics is asked for. */
#include <math.h>
#include <stdlib.h>

#include "app_impl.h"
#include "os/clock.h"
#include "os/process.h"
#include "version.h"

int app_metrics_init(struct app *app)
{
    app->metrics = metrics_create();
    if (!app->metrics)
        return ERR_NOMEM;
    metric_set(metrics_series(app->metrics, METRIC_BUILD_INFO, str_of(SLUICE_VERSION)), 1);
    metrics_series(app->metrics, METRIC_HTTP_UNAUTHORIZED); /* 0 is news, too */
    return 0;
}

void app_metrics_outputs(struct app *app)
{
    for (uint32_t i = 0; i < app->output_count; i++) {
        struct app_output *output = &app->outputs[i];
        struct str query = app_output_query(app, output->query);
        struct str sink = sink_name(output->sink);
        output->objects = metrics_series(app->metrics, METRIC_SINK_OBJECTS, query, sink);
        output->bytes = metrics_series(app->metrics, METRIC_SINK_BYTES, query, sink);
        output->retries = metrics_series(app->metrics, METRIC_SINK_RETRIES, query, sink);
        output->failing = metrics_series(app->metrics, METRIC_SINK_FAILING, query, sink);
    }
}

void app_metrics_checkpoint(struct app *app)
{
    struct checkpoint_figures figures = checkpoint_figures(app->checkpoint);
    metric_set(metrics_series(app->metrics, METRIC_CHECKPOINT_BYTES), (double)figures.batch_bytes);
    metric_observe(metrics_series(app->metrics, METRIC_CHECKPOINT_SECONDS), figures.batch_seconds);
}

void app_metrics_fini(struct app *app)
{
    metrics_destroy(app->metrics);
    free(app->partition_series);
}

double app_seconds_between(int64_t from_ms, int64_t to_ms)
{
    return to_ms > from_ms ? ((double)to_ms - (double)from_ms) / 1000 : 0;
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
    double busy_s = (double)slot->busy_us / 1e6 + app_seconds_between(batch->sealed_ms, now_ms);
    double since_s =
        app->last_seal_ms ? app_seconds_between(app->last_seal_ms, batch->sealed_ms) : 0;
    last->batch_id = batch->id;
    last->committed_ms = now_ms;
    last->timestamp_ms = batch->timestamp_ms;
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
    memcpy(last->queries, slot->counts.queries,
           app->options.plan->query_count * sizeof *last->queries);
    app->last_seal_ms = batch->sealed_ms;
}

static void count_query(struct app *app, uint32_t i, const struct app_slot *slot)
{
    static const char *const outcomes[] = {"read",   "malformed",    "filtered", "no_event_time",
                                           "future", "deduplicated", "late",     "accepted"};
    struct str query = app->options.plan->queries[i].name;
    const struct query_counts *counts = &slot->counts.queries[i];
    const struct books *books = &counts->books;
    const uint64_t values[] = {books->read,          books->malformed, books->filtered,
                               books->no_event_time, books->future,    books->deduplicated,
                               books->late,          books->accepted};
    for (size_t k = 0; k < COUNT_OF(outcomes); k++)
        metric_add(metrics_series(app->metrics, METRIC_QUERY_RECORDS, query, str_of(outcomes[k])),
                   (double)values[k]);
    metric_add(metrics_series(app->metrics, METRIC_QUERY_OUTPUT_ROWS, query),
               (double)counts->rows_out);
    metric_add(metrics_series(app->metrics, METRIC_QUERY_LATE_ROWS, query),
               (double)counts->late_records);
    metric_set(metrics_series(app->metrics, METRIC_STATE_ROWS, query), (double)counts->state_rows);
    metric_set(metrics_series(app->metrics, METRIC_STATE_BYTES, query),
               (double)counts->state_bytes);
    if (app->options.plan->watermark.given)
        metric_set(metrics_series(app->metrics, METRIC_WATERMARK_TIMESTAMP, query),
                   (double)counts->watermark_us / 1e6);
    if (counts->event_times)
        metric_set(metrics_series(app->metrics, METRIC_EVENT_TIME_LAG, query),
                   (double)clock_wall_ms() / 1e3 - (double)counts->event_max_us / 1e6);
    books_add(&app->books[i], books);
    app->rows_out_total[i] += counts->rows_out;
}

/* Nothing bounds state, so at least nobody shall be surprised. */
static void warn_of_state(struct app *app)
{
    size_t bytes = engine_state_bytes(app->engine);
    if (app->state_warned || bytes <= app->memory.budget)
        return;
    app->state_warned = true;
    log_line(app->options.log, LOG_WARN,
             "the state of the queries alone is larger than --memory, which does not limit it",
             LOG_I("stateBytes", (int64_t)bytes), LOG_I("memory", (int64_t)app->memory.budget));
}

void app_metrics_committed(struct app *app, const struct batch *batch, const struct app_slot *slot)
{
    int64_t now_ms = clock_wall_ms();
    struct metric_series *latency = metrics_series(app->metrics, METRIC_END_TO_END_LATENCY);
    metric_set(metrics_series(app->metrics, METRIC_BATCH_ID), (double)batch->id);
    metric_add(metrics_series(app->metrics, METRIC_BATCHES), 1);
    metric_set(metrics_series(app->metrics, METRIC_LAST_COMMIT_TIMESTAMP), (double)now_ms / 1000);
    metric_observe(metrics_series(app->metrics, METRIC_TRIGGER_DELAY),
                   app_seconds_between(batch->trigger_ms, batch->due_ms));
    int64_t now_us = clock_monotonic_us();
    observe_phase(app, STR("seal"), (double)slot->busy_us / 1e6);
    observe_phase(app, STR("prepare"), (double)(slot->prepared_us - slot->sealed_us) / 1e6);
    observe_phase(app, STR("decide"), (double)(slot->decided_us - slot->prepared_us) / 1e6);
    observe_phase(app, STR("publish"), (double)(now_us - slot->decided_us) / 1e6);
    observe_phase(app, STR("total"), (double)(slot->busy_us + now_us - slot->sealed_us) / 1e6);
    for (uint32_t i = 0; i < slot->arrival_count; i++)
        metric_observe_times(latency, app_seconds_between(slot->arrivals[i].timestamp_ms, now_ms),
                             slot->arrivals[i].records);
    metric_add(metrics_series(app->metrics, METRIC_SOURCE_MALFORMED, STR(ENGINE_MALFORMED)),
               (double)slot->counts.malformed);
    app->malformed += slot->counts.malformed;
    for (uint32_t i = 0; i < app->options.plan->query_count; i++)
        count_query(app, i, slot);
    note_progress(app, batch, slot, now_ms);
    warn_of_state(app);
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
    return (struct batch_input){.now_ms = clock_wall_ms(),
                                .held_bytes = app_held_bytes(app),
                                .draining = app_draining(app)};
}

bool app_source_held(const struct app *app)
{
    struct batch_input input = no_input(app);
    return app->machine_ready && batch_held(&app->machine, &input);
}

void app_update_memory(struct app *app)
{
    size_t output = 0;
    for (int s = 0; s < 2; s++) {
        for (uint32_t i = 0; app->slots[s].outputs && i < app->output_count; i++) {
            if (app->slots[s].outputs[i].batch)
                output += sink_batch_bytes(app->slots[s].outputs[i].batch);
        }
    }
    for (uint32_t i = 0; i < app->output_count; i++)
        output += app->outputs[i].sink ? sink_bytes(app->outputs[i].sink) : 0;
    mem_set(&app->memory, MEM_OUTPUT, output);
    mem_set(&app->memory, MEM_COLUMNS, app->engine ? engine_bytes(app->engine) : 0);
    mem_set(&app->memory, MEM_STATE, app->engine ? engine_state_bytes(app->engine) : 0);
    mem_set(&app->memory, MEM_KAFKA, app->source ? app->source->ops->queued_bytes(app->source) : 0);
}

void app_print_metrics(void *user, struct buf *out)
{
    struct app *app = user;
    app_update_memory(app);
    set_partitions(app);
    set_process(app);
    metric_set(metrics_series(app->metrics, METRIC_SOURCE_HELD), app_source_held(app));
    metric_set(metrics_series(app->metrics, METRIC_SOURCE_CONNECTED),
               app->source && app->source->connected);
    metric_set(metrics_series(app->metrics, METRIC_UNCOMMITTED_AGE),
               fmax(0, (double)app_uncommitted_ms(app) / 1000));
    for (int use = 0; use < MEM_USE_COUNT; use++)
        metric_set(metrics_series(app->metrics, METRIC_MEMORY, str_of(mem_use_names[use])),
                   (double)app->memory.used[use]);
    for (uint32_t i = 0; i < app->output_count; i++) {
        if (!app->outputs[i].sink)
            continue;
        const struct sink_counters *counters = sink_counters(app->outputs[i].sink);
        metric_set(app->outputs[i].objects, (double)counters->objects);
        metric_set(app->outputs[i].bytes, (double)counters->bytes);
        const struct health *health = sink_health(app->outputs[i].sink);
        metric_set(app->outputs[i].retries, health ? (double)health->retries : 0);
        metric_set(app->outputs[i].failing, health && health->failing);
    }
    metrics_print(app->metrics, out);
}
