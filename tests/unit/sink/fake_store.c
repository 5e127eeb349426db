#include "fake_store.h"

#include <stdio.h>
#include <stdlib.h>

struct fake_upload {
    struct store_upload base;
    struct buf bytes, key;
};

static struct fake_upload *upload_of(struct store_request *request)
{
    return (struct fake_upload *)(void *)request->upload;
}

static void free_upload(struct store_upload *base)
{
    struct fake_upload *upload = (struct fake_upload *)(void *)base;
    struct fake_store *fake = (struct fake_store *)(void *)base->store;
    store_upload_fini(&upload->base);
    buf_fini(&upload->bytes);
    buf_fini(&upload->key);
    free(upload);
    fake->open_uploads--;
}

static void succeed(struct fake_store *fake, struct store_request *request)
{
    struct fake_upload *upload = upload_of(request);
    fake->ops[request->op]++;
    if (request->op == STORE_UPLOAD_BEGIN || request->op == STORE_UPLOAD_RESUME) {
        bool resumed = request->op == STORE_UPLOAD_RESUME;
        upload = calloc(1, sizeof *upload);
        upload->base.id = STR("fake-id");
        upload->base.bytes = resumed ? request->upload_bytes : 0;
        buf_append_str(&upload->key, request->key);
        upload->base.key = buf_str(&upload->key);
        store_upload_init(&upload->base, &fake->base);
        request->upload = &upload->base;
        fake->open_uploads++;
    } else if (request->op == STORE_UPLOAD_APPEND) {
        buf_append_str(&upload->bytes, request->bytes);
        upload->base.bytes += request->bytes.n;
    } else if (request->op == STORE_UPLOAD_PUBLISH) {
        struct fake_object *object = &fake->objects[fake->object_count++];
        snprintf(object->key, sizeof object->key, "%.*s", STR_ARG(request->key));
        object->bytes = upload->bytes;
        upload->bytes = (struct buf){0};
    }
}

static bool is_held(const struct fake_store *fake, const struct store_request *request)
{
    return (int)request->op == fake->hold_op && !atomic_load(&request->cancelled);
}

static void complete(struct fake_store *fake, struct store_request *request)
{
    bool cancelled = atomic_load(&request->cancelled) && request->op != STORE_UPLOAD_ABORT &&
                     !fake->cancel_comes_too_late;
    if (cancelled) {
        request->code = err_set(&request->err, ERR_CANCELLED, "cancelled");
    } else if (fake->fail_count && request->op == fake->fail_op) {
        fake->fail_count--;
        request->code = err_set(&request->err, fake->fail_code, "the fake store failed");
        request->transient = fake->fail_transient;
    } else {
        succeed(fake, request);
    }
    store_request_complete(request);
}

static void on_timer(uv_timer_t *timer)
{
    struct fake_store *fake = timer->data;
    struct store_request *request = fake->base.requests;
    while (request && (is_held(fake, request) || request->due_ms))
        request = request->next;
    if (!request)
        return;
    complete(fake, request);
    uv_timer_start(timer, on_timer, 0, 0);
}

static void fake_start(struct store *store, struct store_request *request)
{
    struct fake_store *fake = (struct fake_store *)(void *)store;
    fake->tried[request->op]++;
    uv_timer_start(&fake->timer, on_timer, 0, 0);
}

static void fake_cancel(struct store *store, struct store_request *request)
{
    (void)request;
    uv_timer_start(&((struct fake_store *)(void *)store)->timer, on_timer, 0, 0);
}

static void free_store(struct store *store)
{
    struct fake_store *fake = (struct fake_store *)(void *)store;
    for (uint32_t i = 0; i < fake->object_count; i++)
        buf_fini(&fake->objects[i].bytes);
    free(fake);
}

static void on_closed(uv_handle_t *handle)
{
    struct fake_store *fake = handle->data;
    store_closed(&fake->base, free_store);
}

static void fake_close(struct store *store)
{
    uv_close((uv_handle_t *)&((struct fake_store *)(void *)store)->timer, on_closed);
}

static const struct store_ops fake_ops = {fake_start, fake_cancel, free_upload, fake_close};

struct fake_store *fake_store_create(uv_loop_t *loop)
{
    struct fake_store *fake = calloc(1, sizeof *fake);
    store_init(&fake->base, &fake_ops, loop);
    fake->hold_op = -1;
    uv_timer_init(loop, &fake->timer);
    fake->timer.data = fake;
    return fake;
}

bool fake_store_holds(const struct fake_store *fake)
{
    for (const struct store_request *request = fake->base.requests; request;
         request = request->next)
        if (is_held(fake, request))
            return true;
    return false;
}

void fake_store_release(struct fake_store *fake)
{
    fake->hold_op = -1;
    uv_timer_start(&fake->timer, on_timer, 0, 0);
}
