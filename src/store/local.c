#include "store/local.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "store/local_fs.h"
#include "store/store_impl.h"

struct local_store {
    struct store base;
    struct local_root root;
    uv_work_t close_work;
};

static int put_contents(struct local_call *call, const char *key, const char *temp, int fd,
                        struct str bytes, bool replace)
{
    struct local_inode inode;
    int code = local_write(call, fd, key, bytes, 0);
    if (code == 0)
        code = local_sync(call, fd, key, &inode);
    return code ? code : local_publish(call, temp, key, replace, &inode);
}

static int put(struct local_call *call, const char *key, const struct store_request *request)
{
    char temp[LOCAL_PATH_MAX];
    bool replace = request->op == STORE_PUT;
    int fd, code = 0;
    call->anew = true;
    /* An earlier attempt may have taken the name: then its bytes are written once more, because
     * it is not known what of it is durable. */
    if (!replace && request->attempts)
        code = local_compare(call, key, request->bytes, &replace);
    if (!replace && code == 0)
        code = local_require_absent(call, key);
    if (code == 0)
        code = local_temp_open(call, key, temp, &fd);
    if (code)
        return code;
    code = put_contents(call, key, temp, fd, request->bytes, replace);
    close(fd);
    if (code)
        call->root->os->unlinkat(call->root->fd, temp, 0);
    return code;
}

static bool op_has_key(enum store_op op)
{
    return op >= STORE_PUT && op <= STORE_UPLOAD_RESUME;
}

static int request_run(struct store_request *request, struct local_call *call)
{
    char key[LOCAL_PATH_MAX] = "";
    if (op_has_key(request->op)) {
        bool prefix = request->op == STORE_LIST || request->op == STORE_LIST_UPLOADS;
        int code = store_key_check(request->key, prefix, call->err);
        if (code)
            return code;
        if (request->key.n)
            memcpy(key, request->key.p, request->key.n);
        key[request->key.n] = '\0';
    }
    switch (request->op) {
    case STORE_CHECK:
        return 0; /* its directory was made and found writable when the store was */
    case STORE_PUT:
    case STORE_PUT_IF_ABSENT:
        return put(call, key, request);
    case STORE_GET:
        return local_read(call, key, request->store->get_bytes_max, &request->data);
    case STORE_LIST:
    case STORE_LIST_UPLOADS:
        arena_reset(&request->arena); /* of an earlier attempt */
        return local_list(call, request->key, request->op == STORE_LIST_UPLOADS, &request->arena,
                          &request->entries, &request->entry_count);
    case STORE_DELETE:
        return local_remove(call, key);
    default:
        return local_upload_run(call, key, request);
    }
}

/* In a worker: the loop leaves the request and its upload alone meanwhile. */
static void request_work(uv_work_t *work)
{
    struct store_request *request = CONTAINER_OF(work, struct store_request, work);
    struct local_store *store = (struct local_store *)(void *)request->store;
    struct local_call call = {
        .root = &store->root, .cancelled = &request->cancelled, .err = &request->err};
    request->code = request_run(request, &call);
    request->transient = call.transient && request->code != ERR_CANCELLED;
}

static void request_after_work(uv_work_t *work, int status)
{
    struct store_request *request = CONTAINER_OF(work, struct store_request, work);
    if (status == UV_ECANCELED)
        request->code =
            err_set(&request->err, ERR_CANCELLED, "cancelled: %.*s", STR_ARG(request->key));
    bool ok = request->code == 0;
    if ((request->op == STORE_UPLOAD_BEGIN || request->op == STORE_UPLOAD_RESUME) && ok)
        store_upload_init(request->upload, request->store);
    else if (request->op == STORE_UPLOAD_APPEND && ok)
        request->upload->bytes += request->bytes.n;
    store_request_complete(request);
}

static void local_start(struct store *store, struct store_request *request)
{
    int code = uv_queue_work(store->loop, &request->work, request_work, request_after_work);
    INVARIANT(code == 0); /* it fails only without a callback */
}

static void local_cancel(struct store *store, struct store_request *request)
{
    (void)store;
    /* An abort is the way to leave nothing behind: it always runs. */
    if (request->op != STORE_UPLOAD_ABORT)
        uv_cancel((uv_req_t *)&request->work);
}

static void close_work(uv_work_t *work)
{
    struct local_store *store = CONTAINER_OF(work, struct local_store, close_work);
    if (store->root.lock_fd >= 0)
        close(store->root.lock_fd);
    close(store->root.fd);
}

static void free_store(struct store *base)
{
    struct local_store *store = (struct local_store *)(void *)base;
    free(store->root.path);
    free(store);
}

static void close_after_work(uv_work_t *work, int status)
{
    struct local_store *store = CONTAINER_OF(work, struct local_store, close_work);
    (void)status;
    store_closed(&store->base, free_store);
}

static void local_close(struct store *store)
{
    struct local_store *local = (struct local_store *)(void *)store;
    int code = uv_queue_work(store->loop, &local->close_work, close_work, close_after_work);
    INVARIANT(code == 0);
}

static const struct store_ops local_ops = {local_start, local_cancel, local_upload_free,
                                           local_close};

static int open_root(struct local_root *root, struct err *err)
{
    int number = local_mkdirs(root->os, AT_FDCWD, root->path);
    if (number)
        return err_set(err, ERR_IO, "cannot create directory %s: %s", root->path, strerror(number));
    root->fd = root->os->openat(AT_FDCWD, root->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
    if (root->fd < 0)
        return err_set(err, ERR_IO, "cannot open directory %s: %s", root->path, strerror(errno));
    if (faccessat(root->fd, ".", W_OK | X_OK, AT_EACCESS)) {
        number = errno;
        close(root->fd);
        return err_set(err, ERR_IO, "cannot write to directory %s: %s", root->path,
                       strerror(number));
    }
    return 0;
}

int local_store_create(struct store **out, uv_loop_t *loop, struct str root,
                       const struct local_os *os, struct err *err)
{
    struct local_store *store = calloc(1, sizeof *store);
    char *path = malloc(root.n + 2);
    if (!store || !path) {
        free(store);
        free(path);
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    while (root.n > 1 && root.p[root.n - 1] == '/')
        root.n--;
    memcpy(path, root.n ? root.p : ".", root.n ? root.n : 1);
    path[root.n ? root.n : 1] = '\0';
    store->root.path = path;
    store->root.os = os;
    store->root.lock_fd = -1;
    int code = open_root(&store->root, err);
    if (code) {
        free(path);
        free(store);
        return code;
    }
    store_init(&store->base, &local_ops, loop);
    *out = &store->base;
    return 0;
}

int store_local_create(struct store **out, uv_loop_t *loop, struct str root, struct err *err)
{
    return local_store_create(out, loop, root, &local_os_system, err);
}

int store_local_lock(struct store *store, struct str text, struct buf *holder, struct err *err)
{
    struct local_store *local = (struct local_store *)(void *)store;
    REQUIRE(store->ops == &local_ops && local->root.lock_fd < 0);
    return local_lock(&local->root, text, holder, err);
}
