#include "checkpoint/blocking.h"

#include "plan/location.h"

void blocking_init(struct blocking *blocking, uv_loop_t *loop, const struct plan_s3 *s3)
{
    *blocking = (struct blocking){.loop = loop, .places = {.loop = loop, .s3 = s3}};
}

/* Without uv_stop a turn that has the answer from a timer would still wait for other events. */
static void end_turn(struct blocking *blocking)
{
    blocking->answered = true;
    uv_stop(blocking->loop);
}

static void on_answer(struct store_request *request)
{
    end_turn(request->user);
}

static int await(struct blocking *blocking, struct err *err)
{
    while (!blocking->answered)
        uv_run(blocking->loop, UV_RUN_ONCE);
    blocking->answered = false;
    *err = blocking->request.err;
    return blocking->request.code;
}

static int require_directory(struct blocking *blocking, struct str place, struct err *err)
{
    uv_fs_t fs;
    struct buf path = {0};
    buf_append_str(&path, place);
    int code = uv_fs_stat(blocking->loop, &fs, buf_cstr(&path), NULL);
    uv_fs_req_cleanup(&fs);
    buf_fini(&path);
    return code ? err_set(err, ERR_NOT_FOUND, "there is no checkpoint at %.*s: %s", STR_ARG(place),
                          uv_strerror(code))
                : 0;
}

int blocking_open(struct blocking *blocking, struct str place, bool must_exist, struct store **out,
                  struct err *err)
{
    int code =
        must_exist && !plan_location_is_s3(place) ? require_directory(blocking, place, err) : 0;
    if (code == 0)
        code = store_at(&blocking->places, place, out, err);
    if (code)
        return code;
    store_check(*out, &blocking->request, on_answer, blocking);
    code = await(blocking, err);
    if (code) {
        blocking_close(blocking, *out);
        *out = NULL;
    }
    return code;
}

int blocking_get(struct blocking *blocking, struct store *store, const char *key, struct err *err)
{
    store_get(store, &blocking->request, str_of(key), on_answer, blocking);
    return await(blocking, err);
}

int blocking_list(struct blocking *blocking, struct store *store, const char *prefix,
                  struct err *err)
{
    store_list(store, &blocking->request, str_of(prefix), on_answer, blocking);
    return await(blocking, err);
}

int blocking_put(struct blocking *blocking, struct store *store, const char *key, struct str bytes,
                 bool if_absent, struct err *err)
{
    if (if_absent)
        store_put_if_absent(store, &blocking->request, str_of(key), bytes, on_answer, blocking);
    else
        store_put(store, &blocking->request, str_of(key), bytes, on_answer, blocking);
    return await(blocking, err);
}

static void on_closed(void *user)
{
    end_turn(user);
}

static void await_closed(struct blocking *blocking)
{
    while (!blocking->answered)
        uv_run(blocking->loop, UV_RUN_ONCE);
    blocking->answered = false;
}

void blocking_close(struct blocking *blocking, struct store *store)
{
    if (!store)
        return;
    store_close(store, on_closed, blocking);
    await_closed(blocking);
}

void blocking_fini(struct blocking *blocking)
{
    store_request_fini(&blocking->request);
    store_places_close(&blocking->places, on_closed, blocking);
    await_closed(blocking);
}
