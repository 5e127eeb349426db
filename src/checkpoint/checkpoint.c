/* Life of a checkpoint, and objects on their way into the store. */
#include "checkpoint/checkpoint_impl.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/crc32c.h"
#include "os/clock.h"
#include "os/failpoint.h"

void checkpoint_changed(struct checkpoint *checkpoint)
{
    if (!checkpoint->closing)
        checkpoint->options.changed(checkpoint->options.user);
}

int checkpoint_prefix(const struct checkpoint *checkpoint, const char *key, struct err *err)
{
    return err_prefix(err, "checkpoint %s: %s", checkpoint->location, key);
}

void checkpoint_fail(struct checkpoint *checkpoint, const struct err *err)
{
    if (checkpoint->stage == CHECKPOINT_FAILED)
        return;
    checkpoint->stage = CHECKPOINT_FAILED;
    checkpoint->err = *err;
    checkpoint_changed(checkpoint);
}

void checkpoint_finish(struct checkpoint *checkpoint, int code, const struct err *err)
{
    checkpoint_callback callback = checkpoint->callback;
    void *user = checkpoint->user;
    checkpoint->callback = NULL;
    if (callback)
        callback(user, code, err);
}

/* ---- life ---- */

static void on_wait_timer(uv_timer_t *timer)
{
    checkpoint_open_step(timer->data);
}

int checkpoint_create(struct checkpoint **out, uv_loop_t *loop,
                      const struct checkpoint_options *options, struct err *err)
{
    struct checkpoint *checkpoint = calloc(1, sizeof *checkpoint);
    if (!checkpoint)
        return err_set(err, ERR_NOMEM, "out of memory");
    checkpoint->location = str_copy(options->location);
    if (!checkpoint->location) {
        free(checkpoint);
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    checkpoint->options = *options;
    checkpoint->loop = loop;
    checkpoint->published = -1;
    checkpoint->since_trim = TRIM_EVERY - 1; /* runs may be short */
    snprintf(checkpoint->id, sizeof checkpoint->id, "%s", options->new_id);
    snprintf(checkpoint->run_id, sizeof checkpoint->run_id, "%s", options->run_id);
    identity_self(&checkpoint->identity);
    uv_timer_init(loop, &checkpoint->timer);
    checkpoint->timer.data = checkpoint;
    uv_timer_start(&checkpoint->timer, on_wait_timer, 0, 0);
    *out = checkpoint;
    return 0;
}

static void destroy(struct checkpoint *checkpoint)
{
    trim_fini(checkpoint);
    arena_fini(&checkpoint->rolled_arena);
    chain_fini(&checkpoint->chain);
    chain_fini(&checkpoint->next_chain);
    store_request_fini(&checkpoint->request);
    store_request_fini(&checkpoint->beat);
    store_request_fini(&checkpoint->trim);
    buf_fini(&checkpoint->bytes);
    buf_fini(&checkpoint->beat_bytes);
    buf_fini(&checkpoint->state);
    arena_fini(&checkpoint->arena);
    arena_fini(&checkpoint->batch_arena);
    free(checkpoint->location);
    free(checkpoint);
}

static void on_timer_closed(uv_handle_t *handle)
{
    struct checkpoint *checkpoint = handle->data;
    void (*closed)(void *user) = checkpoint->closed;
    void *user = checkpoint->closed_user;
    destroy(checkpoint);
    closed(user);
}

/* Something ended: when nothing runs any more, a closing checkpoint gives its ownership back, then
 * is gone. */
void checkpoint_idle(struct checkpoint *checkpoint)
{
    if (!checkpoint->closing || checkpoint->running || checkpoint->beat_running ||
        checkpoint->trim_running || checkpoint->saves || checkpoint->timer_closed)
        return;
    if (!checkpoint->releasing && checkpoint->stage == CHECKPOINT_OPEN && !checkpoint->replaced) {
        checkpoint->releasing = true;
        owner_release(checkpoint);
        return;
    }
    checkpoint->timer_closed = true;
    uv_close((uv_handle_t *)&checkpoint->timer, on_timer_closed);
}

static void cancel_saves(struct checkpoint *checkpoint)
{
    for (struct checkpoint_save *save = checkpoint->saves; save; save = save->next)
        store_request_cancel(&save->request);
}

void checkpoint_close(struct checkpoint *checkpoint, void (*closed)(void *user), void *user)
{
    REQUIRE(!checkpoint->closing);
    checkpoint->closing = true;
    checkpoint->closed = closed;
    checkpoint->closed_user = user;
    uv_timer_stop(&checkpoint->timer);
    if (checkpoint->running)
        store_request_cancel(&checkpoint->request);
    if (checkpoint->beat_running)
        store_request_cancel(&checkpoint->beat);
    if (checkpoint->trim_running)
        store_request_cancel(&checkpoint->trim);
    cancel_saves(checkpoint);
    checkpoint_idle(checkpoint);
}

enum checkpoint_stage checkpoint_stage(const struct checkpoint *checkpoint)
{
    return checkpoint->stage;
}

const struct err *checkpoint_error(const struct checkpoint *checkpoint)
{
    return &checkpoint->err;
}

const char *checkpoint_waits_for(const struct checkpoint *checkpoint)
{
    return checkpoint->waits_for;
}

const char *checkpoint_id(const struct checkpoint *checkpoint)
{
    return checkpoint->id;
}

bool checkpoint_is_locked(const struct checkpoint *checkpoint)
{
    return checkpoint->options.locked;
}

uint64_t checkpoint_epoch(const struct checkpoint *checkpoint)
{
    return checkpoint->epoch;
}

const struct checkpoint_metadata *checkpoint_metadata(const struct checkpoint *checkpoint)
{
    return checkpoint->has_metadata ? &checkpoint->metadata : NULL;
}

const struct commit_record *checkpoint_record(const struct checkpoint *checkpoint)
{
    return checkpoint->has_record ? &checkpoint->record : NULL;
}

void checkpoint_add_hint(struct err *err)
{
    static const char hint[] = "; nothing was changed: `sluice checkpoint verify` says from which "
                               "batch --recover-to BATCH=NEW_LOCATION can go on";
    if (err->code == ERR_CORRUPT || err->code == ERR_NOT_FOUND)
        strncat(err->msg, hint, sizeof err->msg - strlen(err->msg) - 1);
}

int64_t checkpoint_published_through(const struct checkpoint *checkpoint)
{
    return checkpoint->published;
}

int64_t checkpoint_next_batch(const struct checkpoint *checkpoint)
{
    return checkpoint->next_batch;
}

struct checkpoint_figures checkpoint_figures(const struct checkpoint *checkpoint)
{
    return checkpoint->figures;
}

/* ---- reading ---- */

static void on_read(struct store_request *request)
{
    struct checkpoint *checkpoint = request->user;
    const struct record_object *object = &checkpoint->reading;
    struct err err = request->err;
    int code = request->code;
    checkpoint->running = false;
    if (code == ERR_NOT_FOUND)
        err_set(&err, code, "it is missing");
    if (code == 0)
        code = record_object_check(object, buf_str(&request->data), &err);
    if (code) {
        checkpoint_prefix(checkpoint, checkpoint->key, &err);
    } else {
        buf_fini(checkpoint->read_to);
        *checkpoint->read_to = request->data;
        request->data = (struct buf){0};
    }
    checkpoint_finish(checkpoint, code, &err);
    checkpoint_idle(checkpoint);
}

void checkpoint_read(struct checkpoint *checkpoint, const struct record_object *object,
                     struct buf *data, checkpoint_callback callback, void *user)
{
    REQUIRE(!checkpoint->running && !checkpoint->callback);
    checkpoint->callback = callback;
    checkpoint->user = user;
    checkpoint->reading = *object;
    checkpoint->read_to = data;
    snprintf(checkpoint->key, sizeof checkpoint->key, "%.*s", STR_ARG(object->key));
    checkpoint->running = true;
    store_get(checkpoint->options.store, &checkpoint->request, str_of(checkpoint->key), on_read,
              checkpoint);
}

/* ---- saving ---- */

static void drop_save(struct checkpoint_save *save)
{
    struct checkpoint_save **link = &save->checkpoint->saves;
    while (*link != save)
        link = &(*link)->next;
    *link = save->next;
    store_request_fini(&save->request);
    buf_fini(&save->own);
    free(save->key);
    free(save);
}

void checkpoint_cancel(struct checkpoint *checkpoint)
{
    checkpoint->cancelled = true;
    if (checkpoint->deciding && checkpoint->running)
        store_request_cancel(&checkpoint->request);
    cancel_saves(checkpoint);
}

static void tell_saved(struct checkpoint *checkpoint)
{
    checkpoint_callback saved = checkpoint->saved;
    if (!saved || checkpoint->saves)
        return;
    checkpoint->saved = NULL;
    saved(checkpoint->saved_user, checkpoint->save_err.code, &checkpoint->save_err);
}

static void on_saved(struct store_request *request)
{
    struct checkpoint_save *save = request->user;
    struct checkpoint *checkpoint = save->checkpoint;
    if (request->code && !checkpoint->save_err.code) {
        checkpoint->save_err = request->err;
        checkpoint_prefix(checkpoint, save->key, &checkpoint->save_err);
    }
    if (save->own.p)
        checkpoint->state_running--;
    FAILPOINT("checkpoint.saved");
    bool failed = request->code != 0;
    drop_save(save);
    if (failed)
        cancel_saves(checkpoint);
    tell_saved(checkpoint);
    checkpoint_changed(checkpoint);
    checkpoint_idle(checkpoint);
}

int checkpoint_save(struct checkpoint *checkpoint, const char *key, struct buf *own,
                    struct str bytes, struct record_object *out)
{
    struct checkpoint_save *save = calloc(1, sizeof *save);
    if (!save)
        return ERR_NOMEM;
    save->key = str_copy(str_of(key));
    if (!save->key) {
        free(save);
        return ERR_NOMEM;
    }
    save->checkpoint = checkpoint;
    if (own) {
        save->own = *own;
        *own = (struct buf){0};
        bytes = buf_str(&save->own);
        checkpoint->state_running++;
    }
    *out =
        (struct record_object){.key = str_of(save->key), .bytes = bytes.n, .crc = crc32c(0, bytes)};
    checkpoint->saved_bytes += bytes.n;
    save->next = checkpoint->saves;
    checkpoint->saves = save;
    FAILPOINT("checkpoint.save");
    store_put(checkpoint->options.store, &save->request, str_of(save->key), bytes, on_saved, save);
    return 0;
}

void checkpoint_await_saved(struct checkpoint *checkpoint, checkpoint_callback callback, void *user)
{
    REQUIRE(!checkpoint->saved);
    checkpoint->saved = callback;
    checkpoint->saved_user = user;
    if (!checkpoint->saves)
        tell_saved(checkpoint);
}
