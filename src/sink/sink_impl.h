/* sink_impl.h: what the kinds of sinks share: they embed struct sink and struct sink_batch first.
 *
 * sink.c keeps the stages and delivers callbacks; a kind does the work of one operation at a time
 * and ends it with sink_batch_done, from anywhere, also from inside the call that began it. */
#pragma once

#include "base/buf.h"
#include "sink/sink.h"

struct sink_ops {
    int (*open)(struct sink *sink, int64_t batch_id, struct sink_batch **out, struct err *err);
    int (*write)(struct sink_batch *batch, const struct block *rows, struct err *err);
    size_t (*bytes)(const struct sink_batch *batch);
    size_t (*draining)(const struct sink_batch *batch); /* NULL: nothing drains */
    void (*prepare)(struct sink_batch *batch);
    void (*publish)(struct sink_batch *batch);
    /* The prepare or publish that runs shall end soon, with ERR_CANCELLED or its result. */
    void (*cancel)(struct sink_batch *batch);
    void (*abort)(struct sink_batch *batch);                 /* no other operation runs */
    void (*free_batch)(struct sink_batch *batch);            /* the sink may be gone already */
    const struct health *(*health)(const struct sink *sink); /* NULL: none */
    size_t (*held)(const struct sink *sink);                 /* NULL: nothing */
    uint32_t (*uploads)(const struct sink *sink);            /* NULL: none ever */
    /* A batch as it is behind its prepare, to be published. Something is there to publish. */
    int (*recover)(struct sink *sink, const struct sink_recovery *recovery, struct sink_batch **out,
                   struct err *err);
    struct str (*staged)(const struct sink_batch *batch); /* NULL: nothing ever */
    const struct record_held *(*held_files)(const struct sink_batch *batch,
                                            uint32_t *count); /* NULL: none, as the next three */
    /* Each ends with sink_task_done, from anywhere. */
    void (*restore)(struct sink *sink, const struct record_held *held, uint32_t count);
    void (*sweep)(struct sink *sink, int64_t batch_max);
    void (*cancel_task)(struct sink *sink); /* restore or sweep */
    /* Ends with sink_closed, perhaps at once. */
    void (*close)(struct sink *sink, enum sink_close_mode mode);
};

/* What is asked of the whole sink: one at a time. */
struct sink_task {
    bool active;
    struct sink_batch *batch; /* the one that is recovered, or NULL */
    sink_done_callback callback;
    void *user;
    struct err err;
    uv_timer_t timer; /* delivers the result */
};

struct sink {
    uint32_t magic;
    const struct sink_ops *ops;
    uv_loop_t *loop;
    const struct type *schema;
    char *query, *name, *description;
    struct sink_counters counters;
    void (*observe)(void *user, double seconds);
    void *observe_user;
    uint32_t batch_count;
    void (*drained)(void *user);
    void (*health_changed)(struct sink *sink, void *user);
    void *user;
    sink_close_callback close_callback;
    void *close_user;
    struct sink_task task;
};

enum sink_stage {
    SINK_FILLING,
    SINK_PREPARING,
    SINK_PREPARED,
    SINK_PUBLISHING,
    SINK_PUBLISHED,
    SINK_ABORTING,
    SINK_FAILED, /* to be aborted */
};

struct sink_batch {
    uint32_t magic;
    struct sink *sink;
    enum sink_stage stage;
    int64_t id;
    uint64_t rows;
    uint64_t bytes_out; /* what it publishes, for the counters */
    const struct record_file *outputs;
    uint32_t output_count;

    bool running; /* an operation was begun and is not done */
    bool done;    /* its result waits to be delivered */
    bool closing; /* the timer closes; then the batch is gone */
    bool leaves;  /* what an abort would remove */
    int code;
    struct err err;
    sink_callback callback, abort_callback;
    void *user, *abort_user;
    uv_timer_t timer;
    void (*resume)(struct sink_batch *batch); /* set during sink_batch_delay */
};

/* Copies the strings; description is taken (heap; NULL is ERR_NOMEM). The sink is zeroed memory.
 * After a failure sink_fini is due. */
int sink_init(struct sink *sink, const struct sink_ops *ops, const struct sink_config *config,
              char *description, struct err *err) MUST_CHECK;
void sink_fini(struct sink *sink);
/* Last in ops->close: frees the sink's own memory with `destroy` and calls back. */
void sink_closed(struct sink *sink, void (*destroy)(struct sink *sink), const struct err *err);
/* Ends ops->restore or ops->sweep. */
void sink_task_done(struct sink *sink, const struct err *err);
/* In ops->open and ops->recover; cannot fail. */
void sink_batch_init(struct sink_batch *batch, struct sink *sink, int64_t id);
/* Ends the operation; for a code other than 0 batch->err has the message. */
void sink_batch_done(struct sink_batch *batch, int code);
/* Calls resume after delay_ms, once; one at a time, only while no result is due. */
void sink_batch_delay(struct sink_batch *batch, uint64_t delay_ms,
                      void (*resume)(struct sink_batch *batch));
/* Takes the delay back; whether there was one. */
bool sink_batch_delay_stop(struct sink_batch *batch);
