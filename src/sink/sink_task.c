/* What is asked of a whole sink when a process begins: recovery, restoration and sweep. */
#include "sink/sink_impl.h"

static void task_begin(struct sink *sink, sink_done_callback callback, void *user)
{
    struct sink_task *task = &sink->task;
    REQUIRE(callback && !task->active && sink->batch_count == 0);
    *task = (struct sink_task){.active = true, .callback = callback, .user = user};
    int code = uv_timer_init(sink->loop, &task->timer);
    INVARIANT(code == 0); /* it never fails */
}

static void on_closed(uv_handle_t *handle)
{
    struct sink *sink = CONTAINER_OF(handle, struct sink, task.timer);
    struct err err = sink->task.err; /* the callback may begin the next task, or close the sink */
    sink->task.active = false;
    sink->task.callback(sink, err.code, &err, sink->task.user);
}

static void on_timer(uv_timer_t *timer)
{
    uv_close((uv_handle_t *)timer, on_closed);
}

void sink_task_done(struct sink *sink, const struct err *err)
{
    INVARIANT(sink->task.active);
    sink->task.err = *err;
    uv_timer_start(&sink->task.timer, on_timer, 0, 0);
}

static void on_left(struct sink_batch *batch, int code, const struct err *err, void *user)
{
    struct sink *sink = user;
    struct err why = sink->task.err;
    (void)batch, (void)code, (void)err;
    sink_task_done(sink, &why);
}

static void on_recovered(struct sink_batch *batch, int code, const struct err *err, void *user)
{
    struct sink *sink = user;
    sink->task.batch = NULL;
    if (code == 0) {
        sink_task_done(sink, err);
        return;
    }
    sink->task.err = *err;
    sink_batch_leave(batch, on_left, sink);
}

void sink_recover(struct sink *sink, const struct sink_recovery *recovery,
                  sink_done_callback callback, void *user)
{
    struct err err = {0};
    struct sink_batch *batch;
    task_begin(sink, callback, user);
    if (recovery->output_count == 0 && recovery->staged.n == 0) {
        sink->counters.rows += recovery->rows; /* in rolled files that go on */
        sink_task_done(sink, &err);
        return;
    }
    if (sink->ops->recover(sink, recovery, &batch, &err) != 0) {
        sink_task_done(sink, &err);
        return;
    }
    batch->stage = SINK_PREPARED;
    batch->rows = recovery->rows;
    sink->task.batch = batch;
    sink_batch_publish(batch, on_recovered, sink);
}

void sink_restore_held(struct sink *sink, const struct record_held *held, uint32_t count,
                       sink_done_callback callback, void *user)
{
    struct err err = {0};
    task_begin(sink, callback, user);
    if (count == 0) {
        sink_task_done(sink, &err);
    } else if (!sink->ops->restore) {
        err_set(&err, ERR_CORRUPT, "%s holds no files between batches", sink->description);
        sink_task_done(sink, &err);
    } else {
        sink->ops->restore(sink, held, count);
    }
}

void sink_sweep(struct sink *sink, int64_t batch_max, sink_done_callback callback, void *user)
{
    task_begin(sink, callback, user);
    if (sink->ops->sweep)
        sink->ops->sweep(sink, batch_max);
    else
        sink_task_done(sink, &(struct err){0});
}

void sink_cancel(struct sink *sink)
{
    struct sink_batch *batch = sink->task.batch;
    if (!sink->task.active)
        return;
    if (batch && batch->running)
        batch->sink->ops->cancel(batch);
    else if (!batch && sink->ops->cancel_task)
        sink->ops->cancel_task(sink);
}
