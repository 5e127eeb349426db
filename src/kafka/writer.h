/* writer.h: sends batches of rows to Kafka, each in one transaction, from a uv loop.
 *
 * librdkafka's transactional calls block; they run on a helper thread of the writer's own. What may
 * pass by itself (no broker, a leader that moves) is tried again without end, until it succeeds or
 * is cancelled; kafka_writer_health says so meanwhile. What reaches a callback is final. */
#pragma once

#include <uv.h>

#include "base/health.h"
#include "base/str.h"
#include "plan/plan.h"

struct kafka_writer;
struct kafka_write;

typedef void (*kafka_write_callback)(struct kafka_write *write);

struct kafka_writer_options {
    /* Names the writer across restarts: transactional.id, and the group that keeps the id of the
     * last batch. A second writer with it fences the first, whose next batch fails. */
    struct str id;
    const struct plan_option *client; /* librdkafka's names; bootstrap.servers is one of them */
    uint32_t client_count;
    /* Whoever uses this id decides by a checkpoint whether it may: being fenced by a process that
     * does not know yet that it may not is no end. Else it is one. */
    bool guarded;
};

/* One operation; the caller's memory, all zero before its first use, untouched until the callback,
 * which comes exactly once, later, on the loop. */
struct kafka_write {
    void *user; /* the caller's */
    int code;   /* the result: 0 or ERR_*, with the message in err */
    struct err err;
    int64_t batch_id; /* committed last; -1: none */

    /* The writer's. */
    struct kafka_writer *writer;
    kafka_write_callback callback;
    struct str rows;
    int64_t wanted_id;
    bool asks, cancelled;
};

/* Strings are copied. No connection is made before the first operation. ERR_INVALID names a bad
 * option; ERR_NOMEM, ERR_IO. */
int kafka_writer_create(struct kafka_writer **out, uv_loop_t *loop,
                        const struct kafka_writer_options *options, struct err *err) MUST_CHECK;

/* Sends rows (kafka_rows.h; the bytes stay untouched until the callback) as one batch. Nothing of
 * it can be read before all of it. A batch whose id (or a later one) is committed already is
 * success without sending; one without rows succeeds and leaves no trace. One operation at a time.
 *
 * ERR_NOT_FOUND: no such topic or partition; ERR_INVALID: a message is too large, or an option is
 * wrong; ERR_IO: not allowed, fenced by another writer of the same id; ERR_CORRUPT: the rows;
 * ERR_CANCELLED. */
void kafka_writer_write(struct kafka_writer *writer, struct kafka_write *write, struct str rows,
                        int64_t batch_id, kafka_write_callback callback, void *user);
/* Asks for the batch committed last under the writer's id, of those whose first row went to
 * `topic`; fences earlier writers first, so that the answer stays true. ERR_NOMEM at once: then
 * nothing was begun. */
int kafka_writer_committed(struct kafka_writer *writer, struct kafka_write *write, struct str topic,
                           kafka_write_callback callback, void *user, struct err *err) MUST_CHECK;
/* Asks an operation to end within about 2 s, with ERR_CANCELLED, or with its result. */
void kafka_writer_cancel(struct kafka_write *write);

const struct health *kafka_writer_health(const struct kafka_writer *writer);
/* Told when `failing` changes, from the loop. One listener. */
void kafka_writer_on_health(struct kafka_writer *writer, void (*changed)(void *user), void *user);

/* Cancels what runs and calls it back, ends the client and the thread, frees the writer, then calls
 * back (later). Takes some seconds when no broker answers. */
void kafka_writer_close(struct kafka_writer *writer, void (*callback)(void *user), void *user);
