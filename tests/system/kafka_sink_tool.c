/* kafka_sink_tool BROKERS ID TOPIC SCHEMA [NAME=VALUE]...: the Kafka sink by hand, for the system
 * tests. TOPIC may be empty; NAME=VALUE are client options. Takes lines on stdin:
 *   row JSON          adds a row to the batch (from_json with SCHEMA)
 *   publish N         publishes it as batch N
 *   cancel N MS       the same, aborted after MS milliseconds
 *   recover N         publishes it as a batch N that another process had prepared
 *   committed TOPIC   asks for the last batch
 * Answers with one line each on stdout: "published N", "recovered N", "failed CODE MESSAGE",
 * "committed N"; and says "health failing MESSAGE" or "health well" in between. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>

#include "format/json_decode.h"
#include "plan/ddl.h"
#include "sink/kafka.h"

enum { OPTIONS_MAX = 20 };

struct tool {
    uv_loop_t loop;
    struct arena arena;
    struct type schema;
    struct json_decoder *decoder;
    struct kafka_writer *writer;
    struct sink *sink;
    struct sink_batch *filling;
    struct kafka_write question;
    uv_timer_t timer; /* until a cancel */
    int64_t batch_id;
    bool waits;
};

static void die(const char *what, const struct err *err)
{
    fprintf(stderr, "kafka_sink_tool: %s: %s\n", what, err ? err->msg : "");
    exit(1);
}

static void on_health(struct sink *sink, void *user)
{
    (void)sink;
    const struct health *health = kafka_writer_health(((struct tool *)user)->writer);
    printf("health %s%s\n", health->failing ? "failing " : "well",
           health->failing ? health->err.msg : "");
}

static void read_schema(struct tool *tool, const char *text)
{
    struct ddl_column *columns;
    struct ddl_error error;
    struct err err = {0};
    uint32_t count;
    if (ddl_parse(&columns, &count, str_of(text), &tool->arena, &error))
        die(error.message, NULL);
    struct field *fields = ARENA_ARRAY(&tool->arena, struct field, count);
    for (uint32_t i = 0; i < count; i++)
        fields[i] = (struct field){columns[i].name, columns[i].type};
    tool->schema = (struct type){.kind = TYPE_STRUCT, .field_count = count, .fields = fields};
    struct json_decode_options options = {.schema = &tool->schema, .corrupt_column = -1};
    if (json_decoder_create(&tool->decoder, &options, &err))
        die("schema", &err);
}

static void open_sink(struct tool *tool, char **argv, int argc)
{
    struct plan_option client[OPTIONS_MAX + 1] = {
        {.key = STR("bootstrap.servers"), .value = str_of(argv[1])}};
    uint32_t count = 1;
    struct err err = {0};
    for (int i = 5; i < argc && count <= OPTIONS_MAX; i++) {
        char *value = strchr(argv[i], '=');
        if (!value)
            die(argv[i], NULL);
        *value++ = '\0';
        client[count++] = (struct plan_option){.key = str_of(argv[i]), .value = str_of(value)};
    }
    struct kafka_writer_options options = {
        .id = str_of(argv[2]), .client = client, .client_count = count};
    if (kafka_writer_create(&tool->writer, &tool->loop, &options, &err))
        die("writer", &err);
    struct sink_config config = {.health_changed = on_health,
                                 .user = tool,
                                 .loop = &tool->loop,
                                 .query = STR("query"),
                                 .name = STR("sink"),
                                 .schema = &tool->schema};
    struct sink_kafka_options sink_options = {.topic = str_of(argv[3])};
    if (sink_kafka_create(&tool->sink, &config, &sink_options, tool->writer, &err))
        die("sink", &err);
}

static void add_row(struct tool *tool, const char *json)
{
    struct arena arena = {0};
    struct record record = {.value = str_of(json)};
    struct block block;
    uint8_t malformed;
    struct err err = {0};
    if (json_decode_block(tool->decoder, &record, 1, 0, &arena, &block, &malformed, &err) ||
        sink_batch_write(tool->filling, &block, &err))
        printf("failed %d %s\n", err.code, err.msg);
    arena_fini(&arena);
}

static void on_aborted(struct sink_batch *batch, int code, const struct err *err, void *user)
{
    struct tool *tool = user;
    (void)batch, (void)code, (void)err;
    tool->waits = false;
}

static void on_cancel(uv_timer_t *timer)
{
    struct tool *tool = timer->data;
    sink_batch_abort(tool->filling, on_aborted, tool);
}

static void on_published(struct sink_batch *batch, int code, const struct err *err, void *user)
{
    struct tool *tool = user;
    uv_timer_stop(&tool->timer);
    if (code)
        printf("failed %d %s\n", code, err->msg);
    else
        printf("published %lld\n", (long long)tool->batch_id);
    if (code && code != ERR_CANCELLED)
        sink_batch_abort(batch, on_aborted, tool);
    else if (code == 0)
        tool->waits = false;
}

static void on_prepared(struct sink_batch *batch, int code, const struct err *err, void *user)
{
    if (code)
        die("prepare", err);
    sink_batch_publish(batch, on_published, user);
}

static void wait_for_answer(struct tool *tool)
{
    while (tool->waits)
        uv_run(&tool->loop, UV_RUN_ONCE);
}

static void open_batch(struct tool *tool, int64_t id)
{
    struct err err = {0};
    tool->batch_id = id;
    if (sink_batch_open(tool->sink, id, &tool->filling, &err))
        die("batch", &err);
}

static void publish(struct tool *tool, uint64_t cancel_ms)
{
    tool->waits = true;
    if (cancel_ms)
        uv_timer_start(&tool->timer, on_cancel, cancel_ms, 0);
    sink_batch_prepare(tool->filling, on_prepared, tool);
    wait_for_answer(tool);
}

static void on_staged(struct sink_batch *batch, int code, const struct err *err, void *user)
{
    (void)batch;
    if (code)
        die("prepare", err);
    ((struct tool *)user)->waits = false;
    uv_stop(&((struct tool *)user)->loop); /* a turn must not wait for more */
}

static void on_recovered(struct sink *sink, int code, const struct err *err, void *user)
{
    struct tool *tool = user;
    (void)sink;
    if (code)
        printf("failed %d %s\n", code, err->msg);
    else
        printf("recovered %lld\n", (long long)tool->batch_id);
    tool->waits = false;
}

static void recover(struct tool *tool)
{
    struct buf staged = {0};
    tool->waits = true;
    sink_batch_prepare(tool->filling, on_staged, tool);
    wait_for_answer(tool);
    buf_append_str(&staged, sink_batch_staged(tool->filling));
    tool->waits = true;
    sink_batch_abort(tool->filling, on_aborted, tool);
    wait_for_answer(tool);
    const struct sink_recovery recovery = {.batch_id = tool->batch_id, .staged = buf_str(&staged)};
    tool->waits = true;
    sink_recover(tool->sink, &recovery, on_recovered, tool);
    wait_for_answer(tool);
    buf_fini(&staged);
}

static void fill(struct tool *tool, int64_t id, struct buf *rows)
{
    open_batch(tool, id);
    for (char *p = rows->p; p && p < rows->p + rows->n; p += strlen(p) + 1)
        add_row(tool, p);
    buf_clear(rows);
}

static void on_answer(struct kafka_write *write)
{
    struct tool *tool = write->user;
    if (write->code)
        printf("failed %d %s\n", write->code, write->err.msg);
    else
        printf("committed %lld\n", (long long)write->batch_id);
    tool->waits = false;
}

/* The rows of a batch come before its number is known: they are kept as lines until then. */
static void run(struct tool *tool, char *line, struct buf *rows)
{
    struct err err = {0};
    long long id;
    unsigned long long cancel_ms = 0;
    if (strncmp(line, "row ", 4) == 0) {
        buf_append(rows, line + 4, strlen(line + 4) + 1);
    } else if (sscanf(line, "publish %lld", &id) == 1 ||
               sscanf(line, "cancel %lld %llu", &id, &cancel_ms) == 2) {
        fill(tool, id, rows);
        publish(tool, cancel_ms);
    } else if (sscanf(line, "recover %lld", &id) == 1) {
        fill(tool, id, rows);
        recover(tool);
    } else if (strncmp(line, "committed ", 10) == 0) {
        tool->waits = true;
        if (kafka_writer_committed(tool->writer, &tool->question, str_of(line + 10), on_answer,
                                   tool, &err))
            die("committed", &err);
        wait_for_answer(tool);
    } else {
        die(line, NULL);
    }
}

static void on_sink_closed(void *user, int code, const struct err *err)
{
    (void)user, (void)code, (void)err;
}

int main(int argc, char **argv)
{
    struct tool tool = {0};
    struct buf rows = {0};
    char *line = NULL;
    size_t capacity = 0;
    ssize_t n;
    if (argc < 5)
        die("usage: kafka_sink_tool BROKERS ID TOPIC SCHEMA [NAME=VALUE]...", NULL);
    setvbuf(stdout, NULL, _IOLBF, 0);
    uv_loop_init(&tool.loop);
    uv_timer_init(&tool.loop, &tool.timer);
    tool.timer.data = &tool;
    read_schema(&tool, argv[4]);
    open_sink(&tool, argv, argc);
    while ((n = getline(&line, &capacity, stdin)) > 0) {
        line[strcspn(line, "\n")] = '\0';
        run(&tool, line, &rows);
    }
    sink_close(tool.sink, SINK_CLOSE_DISCARD, on_sink_closed, NULL);
    kafka_writer_close(tool.writer, NULL, NULL);
    uv_close((uv_handle_t *)&tool.timer, NULL);
    uv_run(&tool.loop, UV_RUN_DEFAULT);
    json_decoder_destroy(tool.decoder);
    arena_fini(&tool.arena);
    buf_fini(&rows);
    free(line);
    return uv_loop_close(&tool.loop) == 0 ? 0 : 1;
}
