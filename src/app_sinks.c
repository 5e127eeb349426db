/* The outputs of an app: opening the sinks with their stores, whether those can be reached,
 * closing.
 */
#include <stdlib.h>

#include "app_impl.h"
#include "plan/sinks_check.h"
#include "sink/console.h"
#include "sink/files.h"
#include "sink/kafka.h"

/* ---- opening ---- */

static int open_console(struct app *app, struct app_output *output, const struct plan_sink *plan,
                        const struct sink_config *config, struct err *err)
{
    struct sink_console_options options = {.num_rows = plan->num_rows,
                                           .truncate_width =
                                               plan->truncate ? (uint32_t)plan->truncate_width : 0};
    if (app->options.preview_records > 0)
        options.num_rows = app->options.preview_records;
    if (!app->writer) {
        int code = stdout_writer_create(&app->writer, app->loop, app->options.stdout_fd, err);
        if (code)
            return code;
    }
    return sink_console_create(&output->sink, config, &options, app->writer, err);
}

int app_prefix_sink(const struct app *app, uint32_t output, struct err *err)
{
    const struct app_output *of = &app->outputs[output];
    return err_prefix(err, "%s %.*s, sink %.*s",
                      of->query < app->options.plan->query_count ? "query" : "source",
                      STR_ARG(sink_query(of->sink)), STR_ARG(sink_name(of->sink)));
}

static void on_checked(struct store_request *request)
{
    struct app_output *output = request->user;
    struct app *app = output->app;
    app->checks--;
    if (request->code == 0 || request->code == ERR_CANCELLED || app->stage != APP_RUNNING) {
        app_turn_soon(app);
        return;
    }
    app_prefix_sink(app, (uint32_t)(output - app->outputs), &request->err);
    app_fail(app, &request->err);
}

static int open_store(struct app *app, struct app_output *output, struct str path, struct err *err)
{
    int code = store_at(&app->places, path, &output->store, err);
    if (code)
        return code;
    app->checks++;
    store_check(output->store, &output->check, on_checked, output);
    return 0;
}

static int open_files(struct app *app, struct app_output *output, const struct plan_sink *plan,
                      const struct sink_config *config, struct err *err)
{
    uint32_t *columns = calloc(plan->partition_count + 1, sizeof *columns);
    if (!columns)
        return err_set(err, ERR_NOMEM, "out of memory");
    for (uint32_t i = 0; i < plan->partition_count; i++) {
        int column = plan_sink_partition_column(plan, i, config->schema);
        INVARIANT(column >= 0); /* checked when the queries were bound */
        columns[i] = (uint32_t)column;
    }
    struct sink_files_options options = {
        .path = plan->path,
        .id8 = {app->id, 8},
        .format = &plan->file,
        .partition_columns = columns,
        .partition_count = plan->partition_count,
        .max_records_per_file = plan->max_records_per_file,
        .max_open_partitions = plan->max_open_partitions,
        .roll_interval_ms = plan->roll_interval_ms,
        .target_file_bytes = plan->target_file_bytes,
        .recoverable = app->checkpoint != NULL,
        .held_bytes_max = mem_batch_bytes_max(&app->memory) / 2,
    };
    int code = open_store(app, output, plan->path, err);
    if (code == 0)
        code = sink_files_create(&output->sink, config, &options, output->store, err);
    free(columns);
    return code;
}

/* transactional.id, and so the group that knows which batch is in Kafka. */
static int open_kafka(struct app *app, struct app_output *output, const struct plan_sink *plan,
                      const struct sink_config *config, struct err *err)
{
    struct sink_kafka_options options = {.topic = plan->topic};
    struct buf id = {0};
    buf_printf(&id, "sluice-%s-%.*s-%.*s", app->id, STR_ARG(config->query), STR_ARG(config->name));
    struct kafka_writer_options writer = {.id = buf_str(&id),
                                          .client = plan->client,
                                          .client_count = plan->client_count,
                                          .guarded = app->checkpoint != NULL};
    int code = id.failed ? err_set(err, ERR_NOMEM, "out of memory")
                         : kafka_writer_create(&output->kafka, app->loop, &writer, err);
    buf_fini(&id);
    return code ? code : sink_kafka_create(&output->sink, config, &options, output->kafka, err);
}

uint32_t app_extra_index(const struct app *app, enum engine_extra extra)
{
    return app->options.plan->query_count + (uint32_t)extra;
}

struct str app_output_query(const struct app *app, uint32_t query)
{
    const struct plan *plan = app->options.plan;
    return query < plan->query_count ? plan->queries[query].name : plan->view;
}

static const struct type *output_schema(const struct app *app, uint32_t query)
{
    uint32_t n = app->options.plan->query_count;
    return query < n ? engine_schema(app->engine, query)
                     : engine_extra_schema(app->engine, (enum engine_extra)(query - n));
}

static void on_drained(void *user)
{
    app_turn_soon(user);
}

static void on_health_changed(struct sink *sink, void *user);

static int open_sink(struct app *app, uint32_t query, const struct plan_sink *plan, struct err *err)
{
    struct app_output *output = &app->outputs[app->output_count++];
    struct sink_config config = {.loop = app->loop,
                                 .drained = on_drained,
                                 .health_changed = on_health_changed,
                                 .user = app,
                                 .query = app_output_query(app, query),
                                 .name = plan->name,
                                 .schema = output_schema(app, query)};
    output->app = app;
    output->query = query;
    int code = plan->format == SINK_CONSOLE ? open_console(app, output, plan, &config, err)
               : plan->format == SINK_KAFKA ? open_kafka(app, output, plan, &config, err)
                                            : open_files(app, output, plan, &config, err);
    return code ? err_prefix(err, "%s%.*s, sink %.*s",
                             query < app->options.plan->query_count ? "query " : "source ",
                             STR_ARG(config.query), STR_ARG(config.name))
                : 0;
}

static int open_extras(struct app *app, struct err *err)
{
    const struct plan *plan = app->options.plan;
    int code = 0;
    if (plan->dead_letter)
        code = open_sink(app, app_extra_index(app, EXTRA_DEAD_LETTER), plan->dead_letter, err);
    if (code == 0 && plan->late_rows)
        code = open_sink(app, app_extra_index(app, EXTRA_LATE_ROWS), plan->late_rows, err);
    return code;
}

/* A preview prints every query once, whatever its sinks. */
int app_open_sinks(struct app *app, struct err *err)
{
    const struct plan *plan = app->options.plan;
    const struct plan_sink preview = {
        .name = STR("preview"), .format = SINK_CONSOLE, .truncate = true, .truncate_width = 20};
    uint32_t total = EXTRA_COUNT;
    for (uint32_t q = 0; q < plan->query_count; q++)
        total += plan->queries[q].sink_count + 1;
    app->outputs = calloc(total + 1, sizeof *app->outputs);
    if (!app->outputs)
        return err_set(err, ERR_NOMEM, "out of memory for the sinks");
    for (uint32_t q = 0; q < plan->query_count; q++) {
        const struct plan_query *query = &plan->queries[q];
        bool previews = app->options.preview_records > 0;
        int code = previews ? open_sink(app, q, &preview, err) : 0;
        for (uint32_t i = 0; i < query->sink_count && !previews && !code; i++)
            code = open_sink(app, q, &query->sinks[i], err);
        if (code)
            return code;
    }
    return app->options.preview_records > 0 ? 0 : open_extras(app, err);
}

/* ---- health ---- */

const struct sink *app_failing_sink(const struct app *app, uint64_t *since_ms)
{
    const struct sink *found = NULL;
    for (uint32_t i = 0; i < app->output_count; i++) {
        const struct sink *sink = app->outputs[i].sink;
        const struct health *health = sink ? sink_health(sink) : NULL;
        if (!health || !health->failing || (found && health->since_ms >= *since_ms))
            continue;
        found = sink;
        *since_ms = health->since_ms;
    }
    return found;
}

/* One line when it begins and one when it ends, not one per attempt. */
static void on_health_changed(struct sink *sink, void *user)
{
    const struct app *app = user;
    const struct health *health = sink_health(sink);
    char query[128], name[128];
    snprintf(query, sizeof query, "%.*s", STR_ARG(sink_query(sink)));
    snprintf(name, sizeof name, "%.*s", STR_ARG(sink_name(sink)));
    if (health->failing)
        log_line(app->options.log, LOG_WARN, "a sink cannot write: it keeps trying",
                 LOG_S("query", query), LOG_S("sink", name), LOG_S("reason", health->err.msg));
    else
        log_line(app->options.log, LOG_INFO, "a sink writes again", LOG_S("query", query),
                 LOG_S("sink", name), LOG_I("retries", (int64_t)health->retries));
}

/* ---- closing ---- */

static void on_sink_closed(void *user, int code, const struct err *err)
{
    struct app_output *output = user;
    struct app *app = output->app;
    output->sink = NULL;
    if (code && !app->err.code)
        app->err = *err;
    if (code)
        log_line(app->options.log, LOG_ERROR, "rows of a rolled file could not be published",
                 LOG_S("reason", err->msg));
    app_closed_one(app);
}

void app_close_sinks(struct app *app)
{
    enum sink_close_mode mode = app->checkpoint      ? SINK_CLOSE_LEAVE
                                : app->err.code == 0 ? SINK_CLOSE_PUBLISH
                                                     : SINK_CLOSE_DISCARD;
    for (uint32_t i = 0; i < app->output_count; i++) {
        if (!app->outputs[i].sink)
            continue;
        app->closing++;
        sink_close(app->outputs[i].sink, mode, on_sink_closed, &app->outputs[i]);
    }
}

static void on_place_closed(void *user)
{
    struct app_output *output = user;
    store_request_fini(&output->check);
    app_closed_one(output->app);
}

void app_close_stores(struct app *app)
{
    for (uint32_t i = 0; i < app->output_count; i++) {
        struct app_output *output = &app->outputs[i];
        app->closing += (output->store != NULL) + (output->kafka != NULL);
        if (output->store)
            store_close(output->store, on_place_closed, output);
        if (output->kafka)
            kafka_writer_close(output->kafka, on_place_closed, output);
    }
    app_close_checkpoint_store(app);
    if (app->writer) {
        app->closing++;
        stdout_writer_close(app->writer, app_closed_one, app);
    }
}
