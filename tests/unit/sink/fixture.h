/* fixture.h: a loop, rows to write, and callbacks that are recorded in order. */
#pragma once

#include <criterion/criterion.h>
#include <uv.h>

#include "sink/sink.h"

enum { EVENTS_MAX = 16 };

/* A callback of a batch as it came. */
struct event {
    const void *user;
    int code;
    char message[300];
    char outputs[300]; /* "name rows bytes;" for each */
};

struct fixture {
    uv_loop_t loop;
    char dir[64]; /* empty directory */
    struct arena arena;
    const struct type *schema; /* id BIGINT, name STRING */
    struct event events[EVENTS_MAX];
    uint32_t event_count;
};

void fixture_init(struct fixture *fixture);
/* Checks that the loop closes with 0, removes the directory, aborts on a leak. */
void fixture_fini(struct fixture *fixture);
/* Rows first..first+count-1: {"id":i,"name":"name-i"}; row ids divisible by 10 have a NULL name. */
struct block fixture_rows(struct fixture *fixture, int64_t first, uint32_t count);
/* The same rows as JSON lines, appended. */
void fixture_expected_json(struct buf *out, int64_t first, uint32_t count);
/* A sink_callback; `user` shows up in the event, and must be a struct fixture_user. */
void fixture_callback(struct sink_batch *batch, int code, const struct err *err, void *user);

struct fixture_user {
    struct fixture *fixture;
};

/* Runs the loop until there are n events in all. */
void fixture_wait(struct fixture *fixture, uint32_t n);
/* Opens batch `id` and writes count rows from first. */
struct sink_batch *fixture_filled(struct fixture *fixture, struct sink *sink, int64_t id,
                                  int64_t first, uint32_t count);
/* Each of these waits and returns the code. */
int fixture_prepare(struct fixture *fixture, struct sink_batch *batch);
int fixture_publish(struct fixture *fixture, struct sink_batch *batch);
int fixture_abort(struct fixture *fixture, struct sink_batch *batch);
/* Closes the sink (NULL is legal), waits and returns the code. */
int fixture_close_sink(struct fixture *fixture, struct sink *sink, enum sink_close_mode mode);
/* The last event. */
const struct event *fixture_last(const struct fixture *fixture);
