#include "store/store_impl.h"

#include <stdlib.h>

enum {
    STORE_MAGIC = 0x53544f52,   /* "STOR" */
    REQUEST_MAGIC = 0x53524551, /* "SREQ" while it runs */
    UPLOAD_MAGIC = 0x55504c44,  /* "UPLD" */
    KEY_BYTES_MAX = 1024,       /* S3's limit, kept by every store */
};

int store_key_check(struct str key, bool prefix, struct err *err)
{
    const char *problem = NULL;
    if (key.n == 0 && !prefix)
        problem = "it is empty";
    else if (key.n > KEY_BYTES_MAX)
        problem = "it is longer than 1024 bytes";
    else if (key.n && memchr(key.p, '\0', key.n))
        problem = "it has a NUL byte";
    for (size_t start = 0, i = 0; !problem && key.n && i <= key.n; i++) {
        if (i < key.n && key.p[i] != '/')
            continue;
        bool last = i == key.n;
        if (i == start && !(prefix && last))
            problem = start == 0 ? "it begins with '/'" : "it has an empty segment";
        else if (i > start && key.p[start] == '.')
            problem = "a segment begins with '.'";
        start = i + 1;
    }
    if (!problem)
        return 0;
    int shown = key.n > 200 ? 200 : (int)key.n;
    return err_set(err, ERR_INVALID, "invalid object name \"%.*s\": %s", shown, key.p ? key.p : "",
                   problem);
}

void store_init(struct store *store, const struct store_ops *ops, uv_loop_t *loop)
{
    store->magic = STORE_MAGIC;
    store->ops = ops;
    store->loop = loop;
}

bool store_names_at_seal(const struct store *store)
{
    REQUIRE(store->magic == STORE_MAGIC);
    return store->names_at_seal;
}

void store_upload_init(struct store_upload *upload, struct store *store)
{
    upload->magic = UPLOAD_MAGIC;
    upload->store = store;
    upload->prev = NULL;
    upload->next = store->uploads;
    if (store->uploads)
        store->uploads->prev = upload;
    store->uploads = upload;
}

void store_upload_fini(struct store_upload *upload)
{
    REQUIRE(upload->magic == UPLOAD_MAGIC);
    if (upload->prev)
        upload->prev->next = upload->next;
    else
        upload->store->uploads = upload->next;
    if (upload->next)
        upload->next->prev = upload->prev;
    upload->magic = 0;
}

void store_request_fini(struct store_request *request)
{
    REQUIRE(request->magic != REQUEST_MAGIC);
    buf_fini(&request->data);
    arena_fini(&request->arena);
}

static void request_start(struct store *store, struct store_request *request, enum store_op op,
                          store_callback callback, void *user)
{
    REQUIRE(store->magic == STORE_MAGIC && !store->finishing);
    REQUIRE(request->magic != REQUEST_MAGIC);
    request->magic = REQUEST_MAGIC;
    request->op = op;
    request->store = store;
    request->callback = callback;
    request->user = user;
    request->code = 0;
    request->err = (struct err){0};
    request->transient = false;
    request->entries = NULL;
    request->entry_count = 0;
    buf_clear(&request->data);
    arena_reset(&request->arena);
    /* A closing store still calls back, with ERR_CANCELLED. */
    atomic_store(&request->cancelled, store->closing && op != STORE_UPLOAD_ABORT);
    request->prev = NULL;
    request->next = store->requests;
    if (store->requests)
        store->requests->prev = request;
    store->requests = request;
    store->ops->start(store, request);
}

static void store_finish_if_idle(struct store *store)
{
    if (!store->closing || store->finishing || store->requests)
        return;
    store->finishing = true;
    store->ops->close(store);
}

void store_request_complete(struct store_request *request)
{
    REQUIRE(request->magic == REQUEST_MAGIC);
    struct store *store = request->store;
    if (request->prev)
        request->prev->next = request->next;
    else
        store->requests = request->next;
    if (request->next)
        request->next->prev = request->prev;
    request->magic = 0;
    if (request->upload)
        request->upload->busy = false;
    request->callback(request);
    store_finish_if_idle(store); /* not before: the callback may have started another */
}

void store_request_cancel(struct store_request *request)
{
    if (request->magic != REQUEST_MAGIC)
        return;
    atomic_store(&request->cancelled, true);
    request->store->ops->cancel(request->store, request);
}

void store_close(struct store *store, void (*callback)(void *user), void *user)
{
    REQUIRE(store->magic == STORE_MAGIC && !store->closing);
    store->closing = true;
    store->close_callback = callback;
    store->close_user = user;
    for (struct store_request *request = store->requests; request; request = request->next)
        store_request_cancel(request);
    store_finish_if_idle(store);
}

static void object_start(struct store *store, struct store_request *request, enum store_op op,
                         struct str key, struct str bytes, store_callback callback, void *user)
{
    request->key = key;
    request->bytes = bytes;
    request->upload = NULL;
    request_start(store, request, op, callback, user);
}

void store_put(struct store *store, struct store_request *request, struct str key, struct str bytes,
               store_callback callback, void *user)
{
    object_start(store, request, STORE_PUT, key, bytes, callback, user);
}

void store_put_if_absent(struct store *store, struct store_request *request, struct str key,
                         struct str bytes, store_callback callback, void *user)
{
    object_start(store, request, STORE_PUT_IF_ABSENT, key, bytes, callback, user);
}

void store_get(struct store *store, struct store_request *request, struct str key,
               store_callback callback, void *user)
{
    object_start(store, request, STORE_GET, key, (struct str){0}, callback, user);
}

void store_list(struct store *store, struct store_request *request, struct str prefix,
                store_callback callback, void *user)
{
    object_start(store, request, STORE_LIST, prefix, (struct str){0}, callback, user);
}

void store_delete(struct store *store, struct store_request *request, struct str key,
                  store_callback callback, void *user)
{
    object_start(store, request, STORE_DELETE, key, (struct str){0}, callback, user);
}

void store_upload_begin(struct store *store, struct store_request *request, struct str key,
                        store_callback callback, void *user)
{
    object_start(store, request, STORE_UPLOAD_BEGIN, key, (struct str){0}, callback, user);
}

static void upload_start(struct store_upload *upload, struct store_request *request,
                         enum store_op op, struct str key, struct str bytes,
                         store_callback callback, void *user)
{
    REQUIRE(upload->magic == UPLOAD_MAGIC && !upload->busy);
    upload->busy = true;
    request->key = key;
    request->bytes = bytes;
    request->upload = upload;
    request_start(upload->store, request, op, callback, user);
}

void store_upload_append(struct store_upload *upload, struct store_request *request,
                         struct str bytes, store_callback callback, void *user)
{
    upload_start(upload, request, STORE_UPLOAD_APPEND, (struct str){0}, bytes, callback, user);
}

void store_upload_seal(struct store_upload *upload, struct store_request *request, struct str key,
                       store_callback callback, void *user)
{
    upload_start(upload, request, STORE_UPLOAD_SEAL, key, (struct str){0}, callback, user);
}

void store_upload_publish(struct store_upload *upload, struct store_request *request,
                          struct str key, store_callback callback, void *user)
{
    upload_start(upload, request, STORE_UPLOAD_PUBLISH, key, (struct str){0}, callback, user);
}

void store_upload_abort(struct store_upload *upload, struct store_request *request,
                        store_callback callback, void *user)
{
    upload_start(upload, request, STORE_UPLOAD_ABORT, (struct str){0}, (struct str){0}, callback,
                 user);
}
