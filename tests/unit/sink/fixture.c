#define _GNU_SOURCE
#include "fixture.h"
#include "leaks.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

void fixture_init(struct fixture *fixture)
{
    *fixture = (struct fixture){0};
    cr_assert_eq(uv_loop_init(&fixture->loop), 0);
    strcpy(fixture->dir, "/tmp/sluice-sink-XXXXXX");
    cr_assert(mkdtemp(fixture->dir));
    struct field *fields = ARENA_ARRAY(&fixture->arena, struct field, 2);
    struct type *schema = ARENA_NEW(&fixture->arena, struct type);
    fields[0] = (struct field){STR("id"), type_simple(TYPE_BIGINT)};
    fields[1] = (struct field){STR("name"), type_simple(TYPE_STRING)};
    *schema = (struct type){.kind = TYPE_STRUCT, .field_count = 2, .fields = fields};
    fixture->schema = schema;
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
    (void)st, (void)flag, (void)ftw;
    return remove(path);
}

void fixture_fini(struct fixture *fixture)
{
    cr_assert_eq(uv_run(&fixture->loop, UV_RUN_DEFAULT), 0);
    cr_assert_eq(uv_loop_close(&fixture->loop), 0);
    arena_fini(&fixture->arena);
    nftw(fixture->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    leaks_check();
}

struct block fixture_rows(struct fixture *fixture, int64_t first, uint32_t count)
{
    struct vec *cols = ARENA_ARRAY(&fixture->arena, struct vec, 2);
    char text[40];
    for (int i = 0; i < 2; i++)
        cr_assert_eq(vec_init(&cols[i], fixture->schema->fields[i].type, count, &fixture->arena),
                     0);
    cr_assert_eq(vec_ensure_valid(&cols[1], &fixture->arena), 0);
    for (uint32_t i = 0; i < count; i++) {
        int n = snprintf(text, sizeof text, "name-%lld", (long long)first + i);
        cols[0].i64[i] = first + i;
        cols[1].str[i] = arena_str(&fixture->arena, (struct str){text, (size_t)n});
        if ((first + i) % 10 == 0)
            vec_set_null(&cols[1], i);
    }
    return (struct block){.cols = cols, .col_count = 2, .rows = count};
}

void fixture_expected_json(struct buf *out, int64_t first, uint32_t count)
{
    for (int64_t id = first; id < first + count; id++) {
        if (id % 10 == 0)
            buf_printf(out, "{\"id\":%lld}\n", (long long)id);
        else
            buf_printf(out, "{\"id\":%lld,\"name\":\"name-%lld\"}\n", (long long)id, (long long)id);
    }
}

void fixture_callback(struct sink_batch *batch, int code, const struct err *err, void *user)
{
    struct fixture *fixture = ((struct fixture_user *)user)->fixture;
    cr_assert_lt(fixture->event_count, EVENTS_MAX);
    struct event *event = &fixture->events[fixture->event_count++];
    uint32_t count, used = 0;
    const struct record_file *outputs = sink_batch_outputs(batch, &count);
    event->user = user;
    event->code = code;
    snprintf(event->message, sizeof event->message, "%.299s", err->msg);
    for (uint32_t i = 0; i < count; i++)
        used += (uint32_t)snprintf(event->outputs + used, sizeof event->outputs - used,
                                   "%.*s %llu %llu;", STR_ARG(outputs[i].name),
                                   (unsigned long long)outputs[i].rows,
                                   (unsigned long long)outputs[i].bytes);
}

void fixture_wait(struct fixture *fixture, uint32_t n)
{
    while (fixture->event_count < n)
        uv_run(&fixture->loop, UV_RUN_ONCE);
    cr_assert_eq(fixture->event_count, n);
}

struct sink_batch *fixture_filled(struct fixture *fixture, struct sink *sink, int64_t id,
                                  int64_t first, uint32_t count)
{
    struct sink_batch *batch;
    struct err err = {0};
    struct block rows = fixture_rows(fixture, first, count);
    cr_assert_eq(sink_batch_open(sink, id, &batch, &err), 0, "%s", err.msg);
    if (count)
        cr_assert_eq(sink_batch_write(batch, &rows, &err), 0, "%s", err.msg);
    return batch;
}

static int wait_next(struct fixture *fixture, uint32_t before)
{
    cr_assert_eq(fixture->event_count, before, "never from inside the call");
    fixture_wait(fixture, before + 1);
    return fixture_last(fixture)->code;
}

int fixture_prepare(struct fixture *fixture, struct sink_batch *batch)
{
    struct fixture_user user = {fixture};
    uint32_t before = fixture->event_count;
    sink_batch_prepare(batch, fixture_callback, &user);
    return wait_next(fixture, before);
}

int fixture_publish(struct fixture *fixture, struct sink_batch *batch)
{
    struct fixture_user user = {fixture};
    uint32_t before = fixture->event_count;
    sink_batch_publish(batch, fixture_callback, &user);
    return wait_next(fixture, before);
}

int fixture_abort(struct fixture *fixture, struct sink_batch *batch)
{
    struct fixture_user user = {fixture};
    uint32_t before = fixture->event_count;
    sink_batch_abort(batch, fixture_callback, &user);
    return wait_next(fixture, before);
}

const struct event *fixture_last(const struct fixture *fixture)
{
    cr_assert_gt(fixture->event_count, 0);
    return &fixture->events[fixture->event_count - 1];
}

static void on_closed(void *user, int code, const struct err *err)
{
    struct event *event = user;
    event->user = user;
    event->code = code;
    snprintf(event->message, sizeof event->message, "%.299s", err->msg);
}

int fixture_close_sink(struct fixture *fixture, struct sink *sink, enum sink_close_mode mode)
{
    struct event event = {0};
    if (!sink)
        return 0;
    sink_close(sink, mode, on_closed, &event);
    while (!event.user)
        uv_run(&fixture->loop, UV_RUN_ONCE);
    return event.code;
}
