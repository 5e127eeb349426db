#include "cli/run.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "checkpoint/fork.h"
#include "cli/load.h"
#include "cli/recovery.h"
#include "os/notify.h"
#include "os/random_id.h"
#include "plan/checkpoint.h"
#include "plan/listen.h"

/* ---- running ---- */

struct runner {
    uv_loop_t loop;
    uv_signal_t terminate, interrupt;
    struct app *app;
    const struct run_companion *companion;
    const struct log *log;
    bool signalled;
    int exit_code;
};

static void on_finished(void *user, int exit_code)
{
    struct runner *runner = user;
    runner->exit_code = exit_code;
    uv_close((uv_handle_t *)&runner->terminate, NULL);
    uv_close((uv_handle_t *)&runner->interrupt, NULL);
    if (runner->companion)
        runner->companion->stop(runner->companion->user);
}

static void on_signal(uv_signal_t *handle, int signal)
{
    struct runner *runner = handle->data;
    (void)signal;
    if (runner->signalled) {
        log_line(runner->log, LOG_WARN, "second signal: exiting at once");
        _exit(1);
    }
    runner->signalled = true;
    app_stop(runner->app);
}

static void watch_signal(struct runner *runner, uv_signal_t *handle, int signal)
{
    uv_signal_init(&runner->loop, handle);
    handle->data = runner;
    uv_signal_start(handle, on_signal, signal);
}

int run_app(struct app_options *options, const struct run_companion *companion)
{
    struct runner runner = {.log = options->log, .exit_code = 1};
    struct notify notify;
    struct err err = {0};
    uv_loop_init(&runner.loop);
    notify_open(&notify);
    options->notify = &notify;
    options->finished = on_finished;
    options->user = &runner;
    watch_signal(&runner, &runner.terminate, SIGTERM);
    watch_signal(&runner, &runner.interrupt, SIGINT);
    if (app_create(&runner.app, &runner.loop, options, &err) != 0) {
        log_line(options->log, LOG_ERROR, "failed", LOG_S("reason", err.msg));
        on_finished(&runner, 1);
    } else if (companion) {
        runner.companion = companion;
        companion->start(companion->user, &runner.loop, runner.app);
    }
    uv_run(&runner.loop, UV_RUN_DEFAULT);
    app_destroy(runner.app);
    notify_close(&notify);
    int open = uv_loop_close(&runner.loop);
    if (open != 0) {
        log_line(options->log, LOG_ERROR, "handles were left open on the loop",
                 LOG_S("reason", uv_strerror(open)));
        return 1;
    }
    return runner.exit_code;
}

/* ---- options ---- */

bool run_split_address(const char *command, const char *address, char *host, size_t size,
                       uint16_t *port)
{
    struct str name = {NULL, 0};
    const char *wrong = listen_parse(str_of(address), &name, port);
    if (!wrong && name.n >= size)
        wrong = "the address is too long";
    if (wrong)
        fprintf(stderr, "%s: --http %s: %s\n", command, address, wrong);
    else
        snprintf(host, size, "%.*s", STR_ARG(name));
    return !wrong;
}

bool run_check_listener(const char *command, const struct app_options *options,
                        const struct run_options *common)
{
    const struct plan *plan = options->plan;
    if (!options->http_enabled || listen_is_loopback(str_of(options->http_host)))
        return true;
    if (!plan->http_token.n && !common->http_insecure) {
        fprintf(stderr,
                "%s: http would listen on %s, where other machines can read it: give http.token in "
                "the pipeline, or --http-insecure\n",
                command, options->http_host);
        return false;
    }
    if (plan->http_token.n && !plan->http_certificate.n)
        log_line(options->log, LOG_WARN,
                 "http.token crosses the network readable by others: give http.tls, or put a proxy "
                 "with TLS in front");
    return true;
}

/* A terminal that moves its cursor: a progress line can be redrawn. */
static bool draws(int fd)
{
    const char *term = getenv("TERM");
    return isatty(fd) && term && term[0] && strcmp(term, "dumb") != 0;
}

int run_options_apply(const struct run_options *options, const char *command, struct log *log,
                      struct log_memory *memory)
{
    *memory = (struct log_memory){0};
    *log = (struct log){.level = LOG_INFO,
                        .format = isatty(STDERR_FILENO) ? LOG_TEXT : LOG_JSON,
                        .fd = STDERR_FILENO,
                        .memory = memory};
    if (options->log_level && !log_level_parse(options->log_level, &log->level)) {
        fprintf(stderr, "%s: --log-level %s: expected debug, info, warn or error\n", command,
                options->log_level);
        return ERR_INVALID;
    }
    if (options->log_format && strcmp(options->log_format, "json") == 0) {
        log->format = LOG_JSON;
    } else if (options->log_format && strcmp(options->log_format, "text") == 0) {
        log->format = LOG_TEXT;
    } else if (options->log_format) {
        fprintf(stderr, "%s: --log-format %s: expected text or json\n", command,
                options->log_format);
        return ERR_INVALID;
    }
    memory->terminal = log->format == LOG_TEXT && draws(STDERR_FILENO);
    if (options->memory_bytes < APP_MEMORY_MIN) {
        fprintf(stderr, "%s: --memory: expected at least %dm\n", command, APP_MEMORY_MIN >> 20);
        return ERR_INVALID;
    }
    return 0;
}

/* ---- the command ---- */

static const char run_epilogue[] =
    "Examples:\n"
    "  sluice run examples/transactions.json\n"
    "  sluice run p.json --set source.options.startingOffsets=earliest --available-now\n"
    "  sluice run p.json --preview 20            print some rows, commit nothing\n"
    "  sluice run p.json --recover-to 41=s3://lake/_checkpoints/new\n"
    "\n"
    "Rows of console sinks go to stdout, logs to stderr. SIGTERM or Ctrl-C commits what is read\n"
    "and exits 0; a second one exits at once. Exit codes: 0 done, 1 failed, 2 invalid.\n"
    "\n"
    "With a checkpointLocation a run goes on where the last one ended; startingOffsets are for "
    "the\n"
    "first. --preview reads from startingOffsets and never touches the checkpoint.\n";

struct run_args {
    struct run_options common;
    bool available_now;
    int64_t preview;
    struct recovery recovery;
    struct arg_list overrides;
};

/* --recover-to: makes the new checkpoint, which this run goes on with. */
static int fork_checkpoint(const struct run_args *args, struct plan *plan, const struct log *log)
{
    char id[RANDOM_ID_SIZE], place[1024];
    uv_loop_t loop;
    struct err err;
    random_id(id);
    struct checkpoint_fork fork = {.from = plan->checkpoint,
                                   .to = args->recovery.location,
                                   .s3 = &plan->s3,
                                   .batch = args->recovery.batch,
                                   .new_id = id,
                                   .log = log};
    uv_loop_init(&loop);
    int code = checkpoint_fork(&loop, &fork, &err);
    uv_run(&loop, UV_RUN_DEFAULT);
    int open = uv_loop_close(&loop);
    INVARIANT(open == 0);
    if (code) {
        log_line(log, LOG_ERROR, "failed", LOG_S("reason", err.msg));
        return 1;
    }
    plan->checkpoint = args->recovery.location;
    snprintf(place, sizeof place, "%.*s", STR_ARG(plan->checkpoint));
    log_line(log, LOG_WARN,
             "goes on in a new checkpoint: put it into the pipeline as checkpointLocation",
             LOG_S("checkpointLocation", place), LOG_I("batch", args->recovery.batch));
    return 0;
}

static int run_loaded(const struct run_args *args, struct plan *plan, const struct log *log)
{
    char host[256];
    snprintf(host, sizeof host, "%.*s", STR_ARG(plan->http_host));
    struct app_options options = {.plan = plan,
                                  .log = log,
                                  .stdout_fd = STDOUT_FILENO,
                                  .memory_bytes = (size_t)args->common.memory_bytes,
                                  .available_now = args->available_now || plan->available_now,
                                  .preview_records = args->preview,
                                  .reset_queries = args->recovery.reset.items,
                                  .reset_query_count = args->recovery.reset.count,
                                  .http_enabled = plan->http_enabled,
                                  .http_host = host,
                                  .http_port = plan->http_port};
    if (args->common.http) {
        options.http_enabled = true;
        if (!run_split_address("sluice run", args->common.http, host, sizeof host,
                               &options.http_port))
            return 2;
    }
    if (!run_check_listener("sluice run", &options, &args->common))
        return 2;
    const char *warning = plan_checkpoint_warning(plan);
    if (warning && args->preview == 0)
        log_line(log, LOG_WARN, warning);
    if (args->recovery.batch >= 0 && fork_checkpoint(args, plan, log) != 0)
        return 1;
    return run_app(&options, NULL);
}

int cli_run(int argc, char **argv)
{
    struct run_args args = {.common = {.memory_bytes = APP_MEMORY_DEFAULT}};
    const struct arg_option table[] = {
        {"--available-now", ARG_FLAG, &args.available_now, NULL,
         "read what is there at start, then exit", NULL},
        {"--preview", ARG_COUNT, &args.preview, "N",
         "print the rows of N records from startingOffsets, commit nothing, exit", NULL},
        {"--recover-to", ARG_STRING, &args.recovery.to, "BATCH=LOCATION",
         "go on from a batch of the checkpoint in a new one; the old one stays", NULL},
        {"--reset-query", ARG_LIST, &args.recovery.reset, "NAME",
         "drop this query's state; may be repeated", NULL},
        {"--set", ARG_LIST, &args.overrides, "PATH=VALUE", "replace one value of the document",
         NULL},
        {"--http", ARG_STRING, &args.common.http, "ADDR:PORT", "where to serve HTTP; port 0: any",
         NULL},
        {"--http-insecure", ARG_FLAG, &args.common.http_insecure, NULL,
         "serve HTTP to other machines without http.token", NULL},
        {"--memory", ARG_SIZE, &args.common.memory_bytes, "SIZE",
         "memory budget of all but state (default 64m, at least 16m)", NULL},
        {"--log-format", ARG_STRING, &args.common.log_format, "text|json", RUN_LOG_FORMAT_HELP,
         NULL},
        {"--log-level", ARG_STRING, &args.common.log_level, RUN_LOG_LEVELS,
         "the least that is told (default info)", NULL},
    };
    const struct arg_spec spec = {.command = "sluice run",
                                  .summary = "Runs a pipeline until it is stopped.",
                                  .operand = "PIPELINE",
                                  .operands_min = 1,
                                  .operands_max = 1,
                                  .options = table,
                                  .option_count = COUNT_OF(table),
                                  .epilogue = run_epilogue};
    struct arg_list operands = {0};
    struct plan *plan = NULL;
    struct log log;
    struct log_memory memory;
    struct err err = {0};
    int exit_code = 2;
    int code = args_parse(&spec, argc, argv, &operands, &err);
    if (code == ARGS_HELP) {
        exit_code = 0;
    } else if (code) {
        exit_code = args_usage_error(&spec, &err);
    } else if (recovery_parse(&args.recovery, &err) != 0) {
        exit_code = args_usage_error(&spec, &err);
    } else if (run_options_apply(&args.common, "sluice run", &log, &memory) == 0) {
        struct load_options load = {.file = operands.items[0], .overrides = &args.overrides};
        int loaded = load_plan(&plan, NULL, &load);
        load_hide_values(&args.overrides);
        if (loaded == 0 && recovery_check(&args.recovery, plan, args.preview > 0, &err) != 0)
            fprintf(stderr, "sluice run: %s\n", err.msg);
        else if (loaded == 0)
            exit_code = run_loaded(&args, plan, &log);
    }
    plan_destroy(plan);
    arg_list_fini(&operands);
    arg_list_fini(&args.overrides);
    arg_list_fini(&args.recovery.reset);
    return exit_code;
}
