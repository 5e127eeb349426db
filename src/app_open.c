/* Opens the parts of an app, in this order: engine (binds the queries), sinks, books and metrics,
 * HTTP, source. What is open when a later part fails is closed as after a run. */
#include <stdlib.h>

#include "app_impl.h"
#include "sink/console.h"
#include "sink/files.h"
#include "source/kafka_source.h"
#include "store/local.h"

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

static int open_files(struct app *app, struct app_output *output, const struct plan_sink *plan,
                      const struct sink_config *config, struct err *err)
{
    struct sink_files_options options = {.path = plan->path, .id8 = {app->id, 8}};
    int code = store_local_create(&output->store, app->loop, plan->path, err);
    if (code)
        return code;
    return sink_files_create(&output->sink, config, &options, output->store, err);
}

static int open_sink(struct app *app, uint32_t query, const struct plan_sink *plan, struct err *err)
{
    struct app_output *output = &app->outputs[app->output_count++];
    struct sink_config config = {.loop = app->loop,
                                 .query = app->options.plan->queries[query].name,
                                 .name = plan->name,
                                 .schema = engine_schema(app->engine, query)};
    output->query = query;
    int code = plan->format == SINK_CONSOLE ? open_console(app, output, plan, &config, err)
                                            : open_files(app, output, plan, &config, err);
    return code ? err_prefix(err, "query %.*s, sink %.*s", STR_ARG(config.query),
                             STR_ARG(config.name))
                : 0;
}

/* A preview prints every query once, whatever its sinks. */
static int open_sinks(struct app *app, struct err *err)
{
    const struct plan *plan = app->options.plan;
    const struct plan_sink preview = {
        .name = STR("preview"), .format = SINK_CONSOLE, .truncate = true, .truncate_width = 20};
    uint32_t total = 0;
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
    return 0;
}

static void observe_upload(void *user, double seconds)
{
    struct app *app = user;
    metric_observe(metrics_series(app->metrics, METRIC_SINK_UPLOAD), seconds);
}

static int open_http(struct app *app, struct err *err)
{
    struct http_hooks hooks = app_http_hooks;
    if (!app->options.http_enabled)
        return 0;
    hooks.user = app;
    int code = http_server_create(&app->http, app->loop, app->options.http_host,
                                  app->options.http_port, &hooks, NULL, err);
    if (code == 0)
        log_printf(app->options.log, LOG_INFO,
                   strchr(app->options.http_host, ':') ? "http listening on [%s]:%u"
                                                       : "http listening on %s:%u",
                   app->options.http_host, http_server_port(app->http));
    return code;
}

static int open_source(struct app *app, struct err *err)
{
    struct kafka_source_options options = {.plan = app->options.plan,
                                           .log = app->options.log,
                                           .queue_bytes_max = mem_kafka_bytes_max(&app->memory),
                                           .available_now = app->options.available_now};
    struct source_hooks hooks = {
        .user = app, .changed = app_source_changed, .records = app_take_records};
    return kafka_source_create(&app->source, app->loop, &options, &hooks, err);
}

static int init_books(struct app *app)
{
    uint32_t n = app->options.plan->query_count;
    app->books = calloc(n, sizeof *app->books);
    app->rows_out_total = calloc(n, sizeof *app->rows_out_total);
    app->last.rows_out = calloc(n, sizeof *app->last.rows_out);
    return app->books && app->rows_out_total && app->last.rows_out ? 0 : ERR_NOMEM;
}

static int bind_engine(struct app *app, struct err *err)
{
    struct arena arena = {0};
    struct plan_errors errors = {0};
    int code = engine_create(&app->engine, app->options.plan, &arena, &errors);
    if (code == ERR_INVALID && errors.count)
        err_set(err, code, "%.*s", STR_ARG(errors.items[0].message));
    else if (code)
        err_set(err, code, "out of memory for the queries");
    arena_fini(&arena);
    return code;
}

int app_open_parts(struct app *app, struct err *err)
{
    int code = bind_engine(app, err);
    if (code == 0)
        code = open_sinks(app, err);
    if (code)
        return code;
    if (app_slot_init(app, &app->slots[0]) != 0 || app_slot_init(app, &app->slots[1]) != 0 ||
        init_books(app) != 0 || app_metrics_init(app) != 0)
        return err_set(err, ERR_NOMEM, "out of memory");
    for (uint32_t i = 0; i < app->output_count; i++)
        sink_observe_uploads(app->outputs[i].sink, observe_upload, app);
    code = open_http(app, err);
    return code ? code : open_source(app, err);
}
