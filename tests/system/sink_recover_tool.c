/* sink_recover_tool BUCKET: a file sink in S3 through the ends of processes, against a real server:
 * every row once. Exit 1 at the first thing that is not as it should be; tests/system
 * /test_sink_recover.py runs it. Environment as that of s3_contract. */
#include "../unit/s3/world.h"

#include "sink/files.h"

enum { BATCH_ROWS = 240000, BLOCK_ROWS = 3000 }; /* more than a part of S3 */

static struct field fields[2] = {{STR("id"), NULL}, {STR("name"), NULL}};
static const struct type schema = {.kind = TYPE_STRUCT, .field_count = 2, .fields = fields};
static const struct file_format format = {.kind = FILE_JSON};

/* What a process has, and the record that outlives it. */
struct state {
    struct world world;
    struct sink *sink;
    struct err err;
    bool done;
    struct arena memory;
    struct record_file output;
    struct record_held held;
    uint32_t outputs, helds;
};

static void on_batch(struct sink_batch *batch, int code, const struct err *err, void *user)
{
    struct state *state = user;
    (void)batch, (void)code;
    state->err = *err;
    state->done = true;
}

static void on_sink(struct sink *sink, int code, const struct err *err, void *user)
{
    (void)sink;
    on_batch(NULL, code, err, user);
}

static void on_closed(void *user, int code, const struct err *err)
{
    on_batch(NULL, code, err, user);
}

static int wait_done(struct state *state)
{
    while (!state->done)
        uv_run(&state->world.loop, UV_RUN_ONCE);
    state->done = false;
    return state->err.code;
}

#define MUST(state) EXPECT(wait_done(state) == 0, "%s", (state)->err.msg)

static void open_sink(struct state *state, const char *name, bool rolls)
{
    struct sink_config config = {
        .loop = &state->world.loop, .query = STR("q"), .name = str_of(name), .schema = &schema};
    struct sink_files_options options = {.path = STR("out"),
                                         .id8 = STR("01234567"),
                                         .format = &format,
                                         .recoverable = true,
                                         .roll_interval_ms = rolls ? 3600 * 1000 : 0};
    EXPECT(sink_files_create(&state->sink, &config, &options, state->world.store, &state->err) == 0,
           "%s", state->err.msg);
}

static void close_sink(struct state *state, enum sink_close_mode mode)
{
    sink_close(state->sink, mode, on_closed, state);
    MUST(state);
    world_reopen(&state->world); /* uploads are forgotten */
}

static void write_rows(struct sink_batch *batch, int64_t first)
{
    struct arena memory = {0};
    struct vec cols[2];
    struct err err;
    char text[40];
    struct block rows = {cols, 2, BLOCK_ROWS};
    for (int c = 0; c < 2; c++)
        EXPECT(vec_init(&cols[c], fields[c].type, BLOCK_ROWS, &memory) == 0, "memory");
    for (uint32_t i = 0; i < BLOCK_ROWS; i++) {
        int n = snprintf(text, sizeof text, "name-%lld", (long long)first + i);
        cols[0].i64[i] = first + i;
        cols[1].str[i] = arena_str(&memory, (struct str){text, (size_t)n});
    }
    EXPECT(sink_batch_write(batch, &rows, &err) == 0, "%s", err.msg);
    arena_fini(&memory);
}

static struct sink_batch *prepare(struct state *state, int64_t id, int64_t first)
{
    struct sink_batch *batch;
    EXPECT(sink_batch_open(state->sink, id, &batch, &state->err) == 0, "%s", state->err.msg);
    for (int64_t at = 0; at < BATCH_ROWS; at += BLOCK_ROWS)
        write_rows(batch, first + at);
    sink_batch_prepare(batch, on_batch, state);
    MUST(state);
    return batch;
}

static void keep(struct state *state, const struct sink_batch *batch)
{
    struct arena *memory = &state->memory;
    const struct record_file *outputs = sink_batch_outputs(batch, &state->outputs);
    const struct record_held *helds = sink_batch_held(batch, &state->helds);
    EXPECT(state->outputs + state->helds == 1, "%u %u", state->outputs, state->helds);
    if (state->outputs) {
        state->output = *outputs;
        state->output.name = arena_str(memory, outputs->name);
        state->output.upload_id = arena_str(memory, outputs->upload_id);
        state->output.tags = arena_str(memory, outputs->tags);
        return;
    }
    state->held = *helds;
    state->held.name = arena_str(memory, helds->name);
    state->held.upload_id = arena_str(memory, helds->upload_id);
    state->held.tags = arena_str(memory, helds->tags);
    state->held.state = arena_str(memory, helds->state);
    EXPECT(state->held.state.n < 5 << 20, "%zu", state->held.state.n);
}

static void leave(struct state *state, struct sink_batch *batch)
{
    sink_batch_leave(batch, on_batch, state);
    MUST(state);
    close_sink(state, SINK_CLOSE_LEAVE);
}

static void go_on(struct state *state, int64_t id)
{
    const struct sink_recovery recovery = {
        .batch_id = id, .outputs = &state->output, .output_count = state->outputs};
    sink_recover(state->sink, &recovery, on_sink, state);
    MUST(state);
    sink_restore_held(state->sink, &state->held, state->helds, on_sink, state);
    MUST(state);
    sink_sweep(state->sink, INT64_MAX, on_sink, state);
    MUST(state);
}

static void expect_object(struct state *state, const char *key, int64_t count)
{
    struct world *world = &state->world;
    EXPECT(world_get(world, key) == 0, "%s", world->request.err.msg);
    struct str rest = buf_str(&world->request.data);
    for (int64_t id = 0; id < count; id++) {
        char line[100];
        int n = snprintf(line, sizeof line, "{\"id\":%lld,\"name\":\"name-%lld\"}\n", (long long)id,
                         (long long)id);
        EXPECT(str_starts_with(rest, (struct str){line, (size_t)n}), "%s at row %lld", key,
               (long long)id);
        rest = (struct str){rest.p + n, rest.n - (size_t)n};
    }
    EXPECT(rest.n == 0, "%s: %zu bytes more", key, rest.n);
}

static uint32_t count_uploads(struct state *state)
{
    EXPECT(world_list_uploads(&state->world, "") == 0, "%s", state->world.request.err.msg);
    return state->world.request.entry_count;
}

/* A file of a batch: prepared by one process, published by another, and once more by a third. */
static void batch_file(struct state *state)
{
    open_sink(state, "one", false);
    struct sink_batch *batch = prepare(state, 4, 0);
    keep(state, batch);
    leave(state, batch);
    for (int i = 0; i < 2; i++) {
        open_sink(state, "one", false);
        go_on(state, 4);
        close_sink(state, SINK_CLOSE_LEAVE);
        expect_object(state, "part-01234567-00000004-q-one-00000.json", BATCH_ROWS);
    }
    EXPECT(count_uploads(state) == 0, "uploads are left");
}

/* A file of three batches in three processes, each of which dies behind an undecided batch. */
static void rolled_file(struct state *state)
{
    state->outputs = 0;
    for (int64_t id = 0; id < 3; id++) {
        open_sink(state, "roll", true);
        if (id > 0)
            go_on(state, id - 1);
        EXPECT(count_uploads(state) == (id > 0), "uploads that nobody has");
        struct sink_batch *batch = prepare(state, id, id * BATCH_ROWS);
        keep(state, batch);
        sink_batch_publish(batch, on_batch, state);
        MUST(state);
        leave(state, prepare(state, id + 1, 1000000000));
    }
    open_sink(state, "roll", true);
    go_on(state, 2);
    close_sink(state, SINK_CLOSE_PUBLISH);
    expect_object(state, "part-01234567-00000000-q-roll-00000.json", 3 * BATCH_ROWS);
    EXPECT(count_uploads(state) == 0, "uploads are left");
}

int main(int argc, char **argv)
{
    static struct state state;
    fields[0].type = type_simple(TYPE_BIGINT);
    fields[1].type = type_simple(TYPE_STRING);
    EXPECT(argc == 2, "usage: sink_recover_tool BUCKET");
    EXPECT(s3_global_init(&state.err) == 0, "%s", state.err.msg);
    world_init(&state.world, argv[1]);
    batch_file(&state);
    rolled_file(&state);
    world_fini(&state.world);
    s3_global_fini();
    arena_fini(&state.memory);
    return 0;
}
