/* Opens the parts of an app, in this order: engine (binds the queries), books and metrics, HTTP;
 * the checkpoint, which gives the id; then sinks and source. What is open when a later part fails
 * is closed as after a run. */
#include <stdlib.h>

#include "app_impl.h"
#include "source/kafka_source.h"

static void observe_upload(void *user, double seconds)
{
    struct app *app = user;
    metric_observe(metrics_series(app->metrics, METRIC_SINK_UPLOAD), seconds);
}

/* NULL when the text is empty, or without memory. */
static const char *c_string(struct arena *arena, struct str text)
{
    char *copy = text.n ? arena_alloc(arena, text.n + 1) : NULL;
    if (copy) {
        memcpy(copy, text.p, text.n);
        copy[text.n] = '\0';
    }
    return copy;
}

static int open_http(struct app *app, struct err *err)
{
    struct http_hooks hooks = app_http_hooks;
    if (!app->options.http_enabled)
        return 0;
    hooks.user = app;
    const struct plan *plan = app->options.plan;
    struct arena arena = {0}; /* of C strings */
    struct http_options options = {.host = app->options.http_host,
                                   .port = app->options.http_port,
                                   .token = c_string(&arena, plan->http_token),
                                   .certificate = c_string(&arena, plan->http_certificate),
                                   .key = c_string(&arena, plan->http_key)};
    bool complete = !options.token == !plan->http_token.n &&
                    !options.certificate == !plan->http_certificate.n &&
                    !options.key == !plan->http_key.n;
    int code = complete ? http_server_create(&app->http, app->loop, &options, &hooks, err)
                        : err_set(err, ERR_NOMEM, "out of memory");
    arena_fini(&arena);
    if (code == 0)
        log_printf(app->options.log, LOG_INFO,
                   strchr(options.host, ':') ? "%s listening on [%s]:%u" : "%s listening on %s:%u",
                   plan->http_certificate.n ? "https" : "http", options.host,
                   http_server_port(app->http));
    return code;
}

static int open_source(struct app *app, struct err *err)
{
    struct kafka_source_options options = {.plan = app->options.plan,
                                           .log = app->options.log,
                                           .queue_bytes_max = mem_kafka_bytes_max(&app->memory),
                                           .available_now = app->options.available_now};
    const struct commit_record *record =
        app->checkpoint ? checkpoint_record(app->checkpoint) : NULL;
    options.resumed = app->checkpoint && (checkpoint_metadata(app->checkpoint) ||
                                          (record && record->partition_count > 0));
    if (options.resumed && app_resume_offsets(app, &options.resume, &options.resume_count) != 0)
        return err_set(err, ERR_NOMEM, "out of memory");
    struct source_hooks hooks = {.user = app,
                                 .headers = engine_reads_headers(app->engine),
                                 .changed = app_source_changed,
                                 .records = app_take_records};
    const struct app_world *world = app->options.world;
    if (world)
        return world->open_source(world->user, &app->source, app->loop, &hooks, options.resume,
                                  options.resume_count, err);
    return kafka_source_create(&app->source, app->loop, &options, &hooks, err);
}

static int init_books(struct app *app)
{
    uint32_t n = app->options.plan->query_count;
    app->books = calloc(n, sizeof *app->books);
    app->rows_out_total = calloc(n, sizeof *app->rows_out_total);
    app->last.queries = calloc(n, sizeof *app->last.queries);
    return app->books && app->rows_out_total && app->last.queries ? 0 : ERR_NOMEM;
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

/* What `validate` warns of. */
static void log_warnings(const struct app *app)
{
    const struct plan *plan = app->options.plan;
    const char *warning = engine_source_warning(app->engine);
    if (warning)
        log_line(app->options.log, LOG_WARN, warning);
    for (uint32_t i = 0; i < plan->query_count; i++) {
        char name[128];
        warning = engine_query_warning(app->engine, i);
        snprintf(name, sizeof name, "%.*s", STR_ARG(plan->queries[i].name));
        if (warning)
            log_line(app->options.log, LOG_WARN, warning, LOG_S("query", name));
    }
}

static int print_fingerprints(struct app *app)
{
    uint32_t n = app->options.plan->query_count;
    app->fingerprints = calloc(n + 1, sizeof *app->fingerprints);
    if (!app->fingerprints)
        return ERR_NOMEM;
    for (uint32_t i = 0; i <= n; i++) {
        struct buf text = {0};
        int code = i < n ? engine_query_fingerprint(app->engine, i, &text)
                         : engine_source_fingerprint(app->engine, &text);
        size_t length = text.n;
        app->fingerprints[i] = (struct str){buf_take_cstr(&text), length};
        if (code || !app->fingerprints[i].p)
            return ERR_NOMEM;
    }
    return 0;
}

int app_open_parts(struct app *app, struct err *err)
{
    int code = bind_engine(app, err);
    if (code)
        return code;
    log_warnings(app);
    if (init_books(app) != 0 || app_metrics_init(app) != 0 || print_fingerprints(app) != 0 ||
        app_samples_init(app) != 0)
        return err_set(err, ERR_NOMEM, "out of memory");
    code = open_http(app, err);
    if (code)
        return code;
    bool keeps = app->options.plan->checkpoint.n > 0 && app->options.preview_records == 0;
    return keeps ? app_open_checkpoint(app, err) : app_open_rest(app, err);
}

int app_open_rest(struct app *app, struct err *err)
{
    app->opened = true;
    int code = app_open_sinks(app, err);
    if (code)
        return code;
    if (app_slot_init(app, &app->slots[0]) != 0 || app_slot_init(app, &app->slots[1]) != 0)
        return err_set(err, ERR_NOMEM, "out of memory");
    app_metrics_outputs(app);
    for (uint32_t i = 0; i < app->output_count; i++)
        sink_observe_uploads(app->outputs[i].sink, observe_upload, app);
    return open_source(app, err);
}
