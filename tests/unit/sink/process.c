#define _GNU_SOURCE
#include "process.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

void process_begin(struct process *process, struct fixture *fixture,
                   const struct sink_files_options *options)
{
    struct err err;
    struct sink_config config = {
        .loop = &fixture->loop, .query = STR("q"), .name = STR("s"), .schema = fixture->schema};
    *process = (struct process){.fixture = fixture};
    cr_assert_eq(store_local_create(&process->store, &fixture->loop, str_of(fixture->dir), &err),
                 0);
    cr_assert_eq(sink_files_create(&process->sink, &config, options, process->store, &err), 0, "%s",
                 err.msg);
}

void process_end(struct process *process, enum sink_close_mode mode)
{
    cr_assert_eq(fixture_close_sink(process->fixture, process->sink, mode), 0);
    store_close(process->store, NULL, NULL);
    uv_run(&process->fixture->loop, UV_RUN_DEFAULT);
}

static void keep(struct record *record, const struct sink_batch *batch, int64_t id)
{
    struct arena *memory = &record->memory;
    record_fini(record);
    const struct record_file *outputs = sink_batch_outputs(batch, &record->output_count);
    const struct record_held *held = sink_batch_held(batch, &record->held_count);
    record->batch_id = id;
    record->rows = sink_batch_rows(batch);
    record->outputs = ARENA_ARRAY(memory, struct record_file, record->output_count + 1);
    record->held = ARENA_ARRAY(memory, struct record_held, record->held_count + 1);
    for (uint32_t i = 0; i < record->output_count; i++) {
        struct record_file *to = &record->outputs[i];
        *to = outputs[i];
        to->name = arena_str(memory, to->name);
        to->upload_id = arena_str(memory, to->upload_id);
        to->tags = arena_str(memory, to->tags);
    }
    for (uint32_t i = 0; i < record->held_count; i++) {
        struct record_held *to = &record->held[i];
        *to = held[i];
        to->name = arena_str(memory, to->name);
        to->upload_id = arena_str(memory, to->upload_id);
        to->tags = arena_str(memory, to->tags);
        to->state = arena_str(memory, to->state);
    }
}

void record_fini(struct record *record)
{
    arena_fini(&record->memory);
    *record = (struct record){0};
}

struct sink_batch *process_prepare(struct process *process, int64_t id, int64_t first,
                                   uint32_t count, struct record *record)
{
    struct sink_batch *batch = fixture_filled(process->fixture, process->sink, id, first, count);
    cr_assert_eq(fixture_prepare(process->fixture, batch), 0, "%s",
                 fixture_last(process->fixture)->message);
    process->fixture->event_count = 0;
    if (record)
        keep(record, batch, id);
    return batch;
}

void process_publish(struct process *process, struct sink_batch *batch)
{
    cr_assert_eq(fixture_publish(process->fixture, batch), 0, "%s",
                 fixture_last(process->fixture)->message);
    process->fixture->event_count = 0;
}

void process_leave(struct process *process, struct sink_batch *batch)
{
    struct fixture_user user = {process->fixture};
    process->fixture->event_count = 0;
    sink_batch_leave(batch, fixture_callback, &user);
    fixture_wait(process->fixture, 1);
    cr_assert_eq(fixture_last(process->fixture)->code, 0);
    process->fixture->event_count = 0;
}

static void on_done(struct sink *sink, int code, const struct err *err, void *user)
{
    struct process *process = user;
    cr_assert(sink == process->sink && code == err->code && !process->done);
    process->err = *err;
    process->done = true;
}

static int wait_done(struct process *process)
{
    cr_assert(!process->done, "never from inside the call");
    while (!process->done)
        uv_run(&process->fixture->loop, UV_RUN_ONCE);
    process->done = false;
    return process->err.code;
}

int process_recover(struct process *process, const struct record *record, uint32_t output_count)
{
    struct sink_recovery recovery = {.batch_id = record->batch_id,
                                     .rows = record->rows,
                                     .outputs = record->outputs,
                                     .output_count = output_count};
    sink_recover(process->sink, &recovery, on_done, process);
    return wait_done(process);
}

int process_restore(struct process *process, const struct record *record)
{
    sink_restore_held(process->sink, record->held, record->held_count, on_done, process);
    return wait_done(process);
}

int process_sweep(struct process *process)
{
    sink_sweep(process->sink, INT64_MAX, on_done, process);
    return wait_done(process);
}

void process_go_on(struct process *process, const struct record *record)
{
    cr_assert_eq(process_recover(process, record, record->output_count), 0, "%s", process->err.msg);
    cr_assert_eq(process_restore(process, record), 0, "%s", process->err.msg);
    cr_assert_eq(process_sweep(process), 0, "%s", process->err.msg);
}

/* ---- files ---- */

enum { PATHS_MAX = 2000, PATH_BYTES = 300 };

struct paths {
    uint32_t count;
    char path[PATHS_MAX][PATH_BYTES];
};

static struct paths found; /* by nftw, which has no argument for its caller */

static int note(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
    (void)st, (void)ftw;
    if (flag == FTW_F) {
        cr_assert(found.count < PATHS_MAX && strlen(path) < PATH_BYTES);
        strcpy(found.path[found.count++], path);
    }
    return 0;
}

static int order(const void *a, const void *b)
{
    return strcmp(a, b);
}

static bool is_hidden(const char *path)
{
    return strstr(path, "/.") != NULL;
}

static void find(const struct fixture *fixture)
{
    found.count = 0;
    nftw(fixture->dir, note, 16, FTW_PHYS);
    qsort(found.path, found.count, PATH_BYTES, order);
}

uint32_t files_count(const struct fixture *fixture, bool hidden)
{
    uint32_t count = 0;
    find(fixture);
    for (uint32_t i = 0; i < found.count; i++)
        count += is_hidden(found.path[i]) == hidden;
    return count;
}

static bool append_file(const char *path, struct buf *out)
{
    char part[4096];
    size_t n;
    FILE *file = fopen(path, "rb");
    if (!file)
        return false;
    while ((n = fread(part, 1, sizeof part, file)) > 0)
        buf_append(out, part, n);
    fclose(file);
    return true;
}

bool files_read(const struct fixture *fixture, const char *name, struct buf *out)
{
    char path[PATH_BYTES];
    snprintf(path, sizeof path, "%s/%s", fixture->dir, name);
    return append_file(path, out);
}

void files_read_all(const struct fixture *fixture, struct buf *out)
{
    find(fixture);
    for (uint32_t i = 0; i < found.count; i++) {
        const char *id8 = strstr(found.path[i], "part-");
        if (is_hidden(found.path[i]) || !id8)
            continue;
        buf_printf(out, "%s:", id8 + strlen("part-01234567"));
        append_file(found.path[i], out);
    }
}

void files_remove_hidden(const struct fixture *fixture)
{
    find(fixture);
    for (uint32_t i = 0; i < found.count; i++) {
        if (is_hidden(found.path[i])) {
            cr_assert_eq(unlink(found.path[i]), 0);
            return;
        }
    }
    cr_assert_fail("no hidden file");
}
