#include "kafka/writer.h"

#include <stdlib.h>

#include "kafka/transaction.h"
#include "os/lane.h"

enum { PAUSE_FIRST_MS = 100, PAUSE_MS_MAX = 1000 };

enum work { WORK_STEP, WORK_CANCEL, WORK_DESTROY };

/* One job is with the helper or the timer runs while an operation is active. */
struct kafka_writer {
    uv_loop_t *loop;
    struct lane *lane;
    struct transaction *transaction; /* the helper's while the job runs */
    struct lane_job job;
    enum work work;             /* what the job is to do */
    enum transaction_step step; /* and what came of it */
    bool job_runs;
    uv_timer_t timer; /* the pause before the next attempt */
    uint64_t pause_ms;
    struct kafka_write *active;
    struct health health;
    void (*health_changed)(void *user);
    void *health_user;
    bool closing, closed;
    void (*close_callback)(void *user);
    void *close_user;
};

static void on_job_done(struct lane_job *job, bool cancelled);

/* On the helper. */
static void run_job(struct lane_job *job)
{
    struct kafka_writer *writer = CONTAINER_OF(job, struct kafka_writer, job);
    if (writer->work == WORK_STEP)
        writer->step = transaction_step(writer->transaction);
    else if (writer->work == WORK_CANCEL)
        writer->step = transaction_cancel(writer->transaction);
    else
        transaction_destroy(writer->transaction);
}

static void submit(struct kafka_writer *writer, enum work work)
{
    INVARIANT(!writer->job_runs);
    writer->work = work;
    writer->job = (struct lane_job){.run = run_job, .done = on_job_done};
    writer->job_runs = true;
    lane_submit(writer->lane, &writer->job);
}

static void submit_next(struct kafka_writer *writer)
{
    submit(writer, writer->active->cancelled ? WORK_CANCEL : WORK_STEP);
}

static void set_failing(struct kafka_writer *writer, bool failing)
{
    if (writer->health.failing == failing)
        return;
    writer->health.failing = failing;
    writer->health.since_ms = uv_now(writer->loop);
    if (writer->health_changed)
        writer->health_changed(writer->health_user);
}

static void on_timer_closed(uv_handle_t *handle)
{
    struct kafka_writer *writer = CONTAINER_OF(handle, struct kafka_writer, timer);
    void (*callback)(void *user) = writer->close_callback;
    void *user = writer->close_user;
    free(writer);
    if (callback)
        callback(user);
}

static void on_lane_closed(void *user)
{
    struct kafka_writer *writer = user;
    uv_close((uv_handle_t *)&writer->timer, on_timer_closed);
}

static void close_if_idle(struct kafka_writer *writer)
{
    if (!writer->closing || writer->active || writer->job_runs || writer->closed)
        return;
    writer->closed = true;
    submit(writer, WORK_DESTROY);
}

static void deliver(struct kafka_writer *writer)
{
    struct kafka_write *write = writer->active;
    bool done = writer->step == TRANSACTION_DONE;
    write->err = done ? (struct err){0} : *transaction_error(writer->transaction);
    write->code = write->err.code;
    write->batch_id = transaction_committed(writer->transaction);
    write->writer = NULL;
    writer->active = NULL;
    set_failing(writer, false);
    write->callback(write);
    close_if_idle(writer);
}

static void on_timer(uv_timer_t *timer)
{
    submit_next(CONTAINER_OF(timer, struct kafka_writer, timer));
}

static void wait_and_retry(struct kafka_writer *writer)
{
    writer->health.err = *transaction_error(writer->transaction);
    writer->health.retries++;
    set_failing(writer, true);
    uv_timer_start(&writer->timer, on_timer, writer->pause_ms, 0);
    writer->pause_ms =
        writer->pause_ms * 2 < PAUSE_MS_MAX ? writer->pause_ms * 2 : (uint64_t)PAUSE_MS_MAX;
}

static void on_job_done(struct lane_job *job, bool cancelled)
{
    struct kafka_writer *writer = CONTAINER_OF(job, struct kafka_writer, job);
    (void)cancelled; /* the lane is closed behind the last job only */
    writer->job_runs = false;
    if (writer->work == WORK_DESTROY)
        lane_close(writer->lane, on_lane_closed, writer);
    else if (writer->work == WORK_CANCEL || writer->step == TRANSACTION_DONE ||
             writer->step == TRANSACTION_FAILED)
        deliver(writer);
    else if (writer->step == TRANSACTION_MORE || writer->active->cancelled)
        submit_next(writer);
    else
        wait_and_retry(writer);
}

int kafka_writer_create(struct kafka_writer **out, uv_loop_t *loop,
                        const struct kafka_writer_options *options, struct err *err)
{
    struct kafka_writer *writer = calloc(1, sizeof *writer);
    if (!writer)
        return err_set(err, ERR_NOMEM, "no memory for the Kafka writer");
    int code = transaction_create(&writer->transaction, options, err);
    if (!code)
        code = lane_create(&writer->lane, loop, err);
    if (code) {
        transaction_destroy(writer->transaction);
        free(writer);
        return code;
    }
    writer->loop = loop;
    uv_timer_init(loop, &writer->timer);
    *out = writer;
    return 0;
}

static void start(struct kafka_writer *writer, struct kafka_write *write,
                  kafka_write_callback callback, void *user)
{
    REQUIRE(!writer->active && !writer->closing);
    write->writer = writer;
    write->callback = callback;
    write->user = user;
    write->cancelled = false;
    writer->active = write;
    writer->pause_ms = PAUSE_FIRST_MS;
    submit(writer, WORK_STEP);
}

void kafka_writer_write(struct kafka_writer *writer, struct kafka_write *write, struct str rows,
                        int64_t batch_id, kafka_write_callback callback, void *user)
{
    REQUIRE(!writer->job_runs && batch_id >= 0);
    transaction_send(writer->transaction, rows, batch_id);
    start(writer, write, callback, user);
}

int kafka_writer_committed(struct kafka_writer *writer, struct kafka_write *write, struct str topic,
                           kafka_write_callback callback, void *user, struct err *err)
{
    REQUIRE(!writer->job_runs);
    int code = transaction_ask(writer->transaction, topic, err);
    if (!code)
        start(writer, write, callback, user);
    return code;
}

void kafka_writer_cancel(struct kafka_write *write)
{
    struct kafka_writer *writer = write->writer;
    if (!writer || write->cancelled)
        return;
    write->cancelled = true;
    if (writer->job_runs)
        return; /* its step ends soon */
    uv_timer_stop(&writer->timer);
    submit(writer, WORK_CANCEL);
}

const struct health *kafka_writer_health(const struct kafka_writer *writer)
{
    return &writer->health;
}

void kafka_writer_on_health(struct kafka_writer *writer, void (*changed)(void *user), void *user)
{
    writer->health_changed = changed;
    writer->health_user = user;
}

void kafka_writer_close(struct kafka_writer *writer, void (*callback)(void *user), void *user)
{
    REQUIRE(!writer->closing);
    writer->closing = true;
    writer->close_callback = callback;
    writer->close_user = user;
    if (writer->active)
        kafka_writer_cancel(writer->active);
    close_if_idle(writer);
}
