#include "cli/demo.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "cli/args.h"
#include "cli/load.h"
#include "cli/run.h"
#include "kafka/lab.h"
#include "kafka/mock.h"
#include "kafka/producer.h"
#include "os/clock.h"

enum {
    DEMO_PARTITIONS = 3,
    DEMO_TICK_MS = 10,
    DEMO_USERS = 100,
    /* The mock cluster keeps about 5 MB per partition and drops the oldest beyond that. */
    DEMO_AHEAD_MAX = 20000,
};

static const char demo_topic[] = "real-time-transactions";

/* The producer on the app's loop. */
struct demo {
    const char *http, *dir;
    double rate;         /* messages per second */
    int64_t duration_ms; /* 0: until stopped */
    struct kafka_mock *mock;
    struct kafka_producer *producer;
    struct lab lab;
    struct app *app;
    uv_timer_t tick, end;
    int64_t began_us;
    uint64_t sent;
};

static bool send_one(struct demo *demo)
{
    struct lab_message message;
    struct lab before = demo->lab;
    int64_t now_ms = clock_wall_ms();
    lab_next(&demo->lab, now_ms, &message);
    if (kafka_producer_send(demo->producer, -1, (struct str){message.key, message.key_bytes},
                            (struct str){message.value, message.value_bytes}, now_ms, NULL) == 0)
        return true;
    demo->lab = before; /* the queue is full: the same message comes next time */
    return false;
}

static void on_tick(uv_timer_t *timer)
{
    struct demo *demo = timer->data;
    double elapsed_s = (double)(clock_monotonic_us() - demo->began_us) / 1e6;
    uint64_t due = (uint64_t)(elapsed_s * demo->rate) + 1;
    uint64_t room = app_records_read(demo->app) + DEMO_AHEAD_MAX;
    while (demo->sent < due && demo->sent < room && send_one(demo))
        demo->sent++;
    kafka_producer_poll(demo->producer, 0);
}

static void on_end(uv_timer_t *timer)
{
    struct demo *demo = timer->data;
    app_stop(demo->app);
}

static void start(void *user, uv_loop_t *loop, struct app *app)
{
    struct demo *demo = user;
    demo->app = app;
    demo->began_us = clock_monotonic_us();
    uv_timer_init(loop, &demo->tick);
    uv_timer_init(loop, &demo->end);
    demo->tick.data = demo->end.data = demo;
    uv_timer_start(&demo->tick, on_tick, 0, DEMO_TICK_MS);
    if (demo->duration_ms > 0)
        uv_timer_start(&demo->end, on_end, (uint64_t)demo->duration_ms, 0);
}

static void stop(void *user)
{
    struct demo *demo = user;
    uv_close((uv_handle_t *)&demo->tick, NULL);
    uv_close((uv_handle_t *)&demo->end, NULL);
}

/* ---- its pipeline ---- */

static void append_json_string(struct buf *out, const char *text)
{
    buf_append_char(out, '"');
    for (; *text; text++) {
        if (*text == '"' || *text == '\\')
            buf_append_char(out, '\\');
        if (*text == '$')
            buf_append_char(out, '$');
        buf_append_char(out, *text);
    }
    buf_append_char(out, '"');
}

static void print_document(const struct demo *demo, struct buf *out)
{
    buf_printf(out,
               "{ \"name\": \"demo\",\n"
               "  \"source\": { \"name\": \"tx\", \"format\": \"kafka\",\n"
               "    \"options\": { \"kafka.bootstrap.servers\": \"%s\", \"subscribe\": \"%s\",\n"
               "                 \"startingOffsets\": \"earliest\" },\n"
               "    \"value\": { \"format\": \"json\", \"schema\": \"transaction_id STRING, "
               "user_id STRING, amount DOUBLE, type STRING, timestamp TIMESTAMP, location STRING\" "
               "} },\n"
               "  \"trigger\": { \"processingTime\": \"2 seconds\" },\n"
               "  \"queries\": [ { \"name\": \"all\", \"sql\": \"SELECT * FROM tx\", \"sinks\": [\n"
               "    { \"format\": \"console\", \"options\": { \"truncate\": false } }",
               kafka_mock_bootstrap(demo->mock), demo_topic);
    if (demo->dir) {
        buf_append_str(out, STR(",\n    { \"format\": \"json\", \"path\": "));
        append_json_string(out, demo->dir);
        buf_append_str(out, STR(" }"));
    }
    buf_append_str(out, STR(" ] } ] }\n"));
}

static int run_pipeline(struct demo *demo, const struct run_options *common, const struct log *log)
{
    struct run_companion companion = {.user = demo, .start = start, .stop = stop};
    struct load_options load = {.file = "demo"};
    struct plan *plan = NULL;
    struct buf document = {0};
    char host[256];
    uint16_t port;
    if (!run_split_address("sluice demo", demo->http, host, sizeof host, &port))
        return 2;
    print_document(demo, &document);
    if (load_plan_text(&plan, NULL, buf_str(&document), &load) != 0) {
        buf_fini(&document);
        return 1;
    }
    struct app_options options = {.plan = plan,
                                  .log = log,
                                  .stdout_fd = STDOUT_FILENO,
                                  .memory_bytes = (size_t)common->memory_bytes,
                                  .http_enabled = true,
                                  .http_host = host,
                                  .http_port = port};
    bool allowed = run_check_listener("sluice demo", &options, common);
    int exit_code = allowed ? run_app(&options, &companion) : 2;
    plan_destroy(plan);
    buf_fini(&document);
    return exit_code;
}

static int run_demo(struct demo *demo, const struct run_options *common, const struct log *log)
{
    struct err err = {0};
    int exit_code = 1;
    int code = kafka_mock_create(&demo->mock, demo_topic, DEMO_PARTITIONS, &err);
    if (code == 0) {
        /* The mock cluster gives out one of the producer's batches per fetch: few and large ones
         * let the consumer keep up. */
        const struct plan_option client[] = {
            {.key = STR("bootstrap.servers"), .value = str_of(kafka_mock_bootstrap(demo->mock))},
            {.key = STR("linger.ms"), .value = STR("100")},
        };
        struct kafka_producer_options options = {.client = client,
                                                 .client_count = COUNT_OF(client)};
        code = kafka_producer_create(&demo->producer, demo_topic, &options, &err);
    }
    if (code)
        log_line(log, LOG_ERROR, "failed", LOG_S("reason", err.msg));
    else
        exit_code = run_pipeline(demo, common, log);
    kafka_producer_destroy(demo->producer);
    kafka_mock_destroy(demo->mock);
    return exit_code;
}

static const char demo_epilogue[] =
    "Starts an in-process Kafka, sends made-up transactions into it, and runs\n"
    "SELECT * FROM tx over them: a batch on the console every 2 seconds.\n"
    "\n"
    "Examples:\n"
    "  sluice demo\n"
    "  sluice demo --rate 10000 --duration 30s > /dev/null\n"
    "  sluice demo --dir /tmp/demo --http 127.0.0.1:0\n"
    "  curl -s localhost:8080/status            in another terminal\n";

int cli_demo(int argc, char **argv)
{
    struct demo demo = {.http = "127.0.0.1:8080", .rate = 5};
    struct run_options common = {.memory_bytes = APP_MEMORY_DEFAULT};
    const struct arg_option table[] = {
        {"--rate", ARG_RATE, &demo.rate, "N", "messages per second (default 5)", NULL},
        {"--dir", ARG_STRING, &demo.dir, "DIR", "also write JSON lines files there", NULL},
        {"--http", ARG_STRING, &demo.http, "ADDR:PORT",
         "where to serve HTTP (default 127.0.0.1:8080; port 0: any)", NULL},
        {"--http-insecure", ARG_FLAG, &common.http_insecure, NULL,
         "allow an address that other machines reach", NULL},
        {"--duration", ARG_DURATION, &demo.duration_ms, "TIME", "stop after this long, as 30s",
         NULL},
        {"--memory", ARG_SIZE, &common.memory_bytes, "SIZE", "memory budget (default 64m)", NULL},
        {"--log-format", ARG_STRING, &common.log_format, "text|json", RUN_LOG_FORMAT_HELP, NULL},
        {"--log-level", ARG_STRING, &common.log_level, RUN_LOG_LEVELS,
         "the least that is told (default info)", NULL},
    };
    const struct arg_spec spec = {.command = "sluice demo",
                                  .summary = "Runs a whole pipeline without any server.",
                                  .options = table,
                                  .option_count = COUNT_OF(table),
                                  .epilogue = demo_epilogue};
    struct log log;
    struct log_memory memory;
    struct err err = {0};
    int code = args_parse(&spec, argc, argv, NULL, &err);
    if (code == ARGS_HELP)
        return 0;
    if (code)
        return args_usage_error(&spec, &err);
    if (run_options_apply(&common, "sluice demo", &log, &memory) != 0)
        return 2;
    lab_init(&demo.lab, (uint64_t)clock_wall_ms(), DEMO_USERS);
    return run_demo(&demo, &common, &log);
}
