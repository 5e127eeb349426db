#include "os/failpoint.h"
#include "store/retry.h"

enum {
    STORE_MAGIC = 0x53544f52,   /* "STOR" */
    REQUEST_MAGIC = 0x53524551, /* "SREQ" while it runs */
    UPLOAD_MAGIC = 0x55504c44,  /* "UPLD" */
    KEY_BYTES_MAX = 1024,       /* S3's limit, kept by every store */
    PAUSE_FIRST_MS = 100,
};

/* Failpoints around what changes a store: before it is asked, and when its success is known here.
 */
static const struct {
    const char *start, *done;
} op_points[] = {
    [STORE_PUT] = {"store.put", "store.put_done"},
    [STORE_PUT_IF_ABSENT] = {"store.put_if_absent", "store.put_if_absent_done"},
    [STORE_DELETE] = {"store.delete", "store.deleted"},
    [STORE_UPLOAD_BEGIN] = {"upload.begin", "upload.begun"},
    [STORE_UPLOAD_RESUME] = {"upload.resume", "upload.resumed"},
    [STORE_UPLOAD_APPEND] = {"upload.append", "upload.appended"},
    [STORE_UPLOAD_SYNC] = {"upload.sync", "upload.synced"},
    [STORE_UPLOAD_SEAL] = {"upload.seal", "upload.sealed"},
    [STORE_UPLOAD_PUBLISH] = {"upload.publish", "upload.published"},
    [STORE_UPLOAD_ABORT] = {"upload.abort", "upload.aborted"},
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
    store->part_bytes_min = 1;
    store->pause_first_ms = PAUSE_FIRST_MS;
    store->get_bytes_max = STORE_GET_BYTES_MAX;
    int code = uv_timer_init(loop, &store->retry_timer);
    INVARIANT(code == 0); /* it never fails */
}

size_t store_part_bytes_min(const struct store *store)
{
    REQUIRE(store->magic == STORE_MAGIC);
    return store->part_bytes_min;
}

const struct health *store_health(const struct store *store)
{
    REQUIRE(store->magic == STORE_MAGIC);
    return &store->health;
}

void store_on_health(struct store *store, void (*changed)(void *user), void *user)
{
    store->health_changed = changed;
    store->health_user = user;
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
    request->attempts = 0;
    request->retry_after_ms = request->due_ms = 0;
    request->operation = NULL;
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
    if (op_points[op].start)
        FAILPOINT(op_points[op].start);
    store->ops->start(store, request);
}

void store_finish_if_idle(struct store *store)
{
    if (!store->closing || store->finishing || store->requests || store->resuming)
        return;
    store->finishing = true;
    store->ops->close(store);
}

static void on_timer_closed(uv_handle_t *handle)
{
    struct store *store = CONTAINER_OF(handle, struct store, retry_timer);
    void (*callback)(void *user) = store->close_callback;
    void *user = store->close_user;
    store->free_store(store);
    if (callback)
        callback(user);
}

void store_closed(struct store *store, void (*free_store)(struct store *store))
{
    while (store->uploads)
        store->ops->free_upload(store->uploads);
    store->free_store = free_store;
    uv_close((uv_handle_t *)&store->retry_timer, on_timer_closed);
}

void store_request_deliver(struct store_request *request)
{
    struct store *store = request->store;
    bool failed_before = request->attempts > 0;
    if (request->code == 0 && op_points[request->op].done)
        FAILPOINT(op_points[request->op].done);
    if (request->prev)
        request->prev->next = request->next;
    else
        store->requests = request->next;
    if (request->next)
        request->next->prev = request->prev;
    request->magic = 0;
    if (request->upload)
        request->upload->busy = false;
    if (request->op == STORE_UPLOAD_ABORT ||
        (request->op == STORE_UPLOAD_PUBLISH && request->code == 0)) {
        store->ops->free_upload(request->upload);
        request->upload = NULL;
    }
    if (failed_before)
        store_retry_ended(store);
    request->callback(request);
    store_finish_if_idle(store); /* not before: the callback may have started another */
}

void store_request_complete(struct store_request *request)
{
    REQUIRE(request->magic == REQUEST_MAGIC && !request->due_ms);
    if (!store_retry_later(request))
        store_request_deliver(request);
}

void store_request_cancel(struct store_request *request)
{
    if (request->magic != REQUEST_MAGIC)
        return;
    atomic_store(&request->cancelled, true);
    if (request->due_ms)
        store_retry_now(request);
    else
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

void store_check(struct store *store, struct store_request *request, store_callback callback,
                 void *user)
{
    object_start(store, request, STORE_CHECK, (struct str){0}, (struct str){0}, callback, user);
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

void store_list_uploads(struct store *store, struct store_request *request, struct str prefix,
                        store_callback callback, void *user)
{
    object_start(store, request, STORE_LIST_UPLOADS, prefix, (struct str){0}, callback, user);
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

void store_upload_resume(struct store *store, struct store_request *request, struct str key,
                         struct str id, struct str tags, uint64_t bytes, bool sealed,
                         store_callback callback, void *user)
{
    request->id = id;
    request->tags = tags;
    request->upload_bytes = bytes;
    request->sealed = sealed;
    object_start(store, request, STORE_UPLOAD_RESUME, key, (struct str){0}, callback, user);
}

struct str store_upload_tags(const struct store_upload *upload)
{
    REQUIRE(upload->magic == UPLOAD_MAGIC);
    return upload->tags;
}

static void upload_start(struct store_upload *upload, struct store_request *request,
                         enum store_op op, struct str bytes, store_callback callback, void *user)
{
    REQUIRE(upload->magic == UPLOAD_MAGIC && !upload->busy);
    upload->busy = true;
    request->key = upload->key;
    request->bytes = bytes;
    request->upload = upload;
    request_start(upload->store, request, op, callback, user);
}

void store_upload_append(struct store_upload *upload, struct store_request *request,
                         struct str bytes, store_callback callback, void *user)
{
    upload_start(upload, request, STORE_UPLOAD_APPEND, bytes, callback, user);
}

void store_upload_sync(struct store_upload *upload, struct store_request *request,
                       store_callback callback, void *user)
{
    upload_start(upload, request, STORE_UPLOAD_SYNC, (struct str){0}, callback, user);
}

void store_upload_seal(struct store_upload *upload, struct store_request *request,
                       store_callback callback, void *user)
{
    upload_start(upload, request, STORE_UPLOAD_SEAL, (struct str){0}, callback, user);
}

void store_upload_publish(struct store_upload *upload, struct store_request *request,
                          store_callback callback, void *user)
{
    upload_start(upload, request, STORE_UPLOAD_PUBLISH, (struct str){0}, callback, user);
}

void store_upload_abort(struct store_upload *upload, struct store_request *request,
                        store_callback callback, void *user)
{
    upload_start(upload, request, STORE_UPLOAD_ABORT, (struct str){0}, callback, user);
}
