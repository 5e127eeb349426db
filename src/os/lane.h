/* lane.h: one helper thread that runs blocking calls in order, for callers on a uv loop.
 *
 * librdkafka's metadata, watermark and close calls block for their whole timeout while a broker is
 * down. They run here: never on the loop, and never in libuv's pool, which they would starve. */
#pragma once

#include <stdbool.h>
#include <uv.h>

#include "base/err.h"

struct lane;

/* One piece of work; embed it in what it works on. It belongs to the lane from lane_submit until
 * `done` is called, and `done` may free it. */
struct lane_job {
    /* On the lane's thread. Each blocking call in it lasts 2 s at most, and a job of several such
     * calls asks lane_stopping between them. */
    void (*run)(struct lane_job *job);
    /* On the loop, exactly once for every submitted job, in the order of submission. `cancelled`:
     * the lane was closed before `run` began. */
    void (*done)(struct lane_job *job, bool cancelled);
    struct lane_job *next; /* the lane's own */
    bool cancelled;        /* the lane's own */
};

/* Called on the loop when the thread has ended and the lane's memory is gone. */
typedef void (*lane_closed)(void *user);

/* Starts the thread. The loop must run for `done` to be called. ERR_NOMEM, ERR_IO. */
int lane_create(struct lane **out, uv_loop_t *loop, struct err *err) MUST_CHECK;

/* Loop thread only; not after lane_close. `done` is never called from inside. */
void lane_submit(struct lane *lane, struct lane_job *job);

/* Cancels the jobs that have not started: their `done` is called later with `cancelled`. The lane
 * stays open, so that a last job (destroying what the others used) can be submitted after it. */
void lane_cancel(struct lane *lane);

/* Jobs that were submitted and whose `done` has not been called yet. Loop thread. */
size_t lane_pending(const struct lane *lane);

/* Whether lane_close or lane_cancel was called after the running job began. Any thread. */
bool lane_stopping(const struct lane *lane);

/* Cancels what has not started, waits (without blocking the loop) for the running job, ends the
 * thread, calls every `done` that is due and then `closed`; frees the lane. lane may be NULL, then
 * `closed` is called at once. */
void lane_close(struct lane *lane, lane_closed closed, void *user);
