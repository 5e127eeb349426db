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

struct local_upload {
    struct store_upload base;
    int fd; /* -1 once sealed */
    bool sealed;
    struct local_inode inode; /* from seal on */
    char *temp;               /* key of the temporary */
    char key[];               /* the final one */
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

static int put(struct local_call *call, const char *key, struct str bytes, bool replace)
{
    char temp[LOCAL_PATH_MAX];
    int fd;
    int code = replace ? 0 : local_require_absent(call, key);
    if (code == 0)
        code = local_temp_open(call, key, temp, &fd);
    if (code)
        return code;
    code = put_contents(call, key, temp, fd, bytes, replace);
    close(fd);
    if (code)
        unlinkat(call->root->fd, temp, 0);
    return code;
}

static int upload_begin(struct local_call *call, const char *key, struct store_request *request)
{
    char temp[LOCAL_PATH_MAX];
    int fd;
    int code = local_temp_open(call, key, temp, &fd);
    if (code)
        return code;
    size_t n = strlen(key), temp_n = strlen(temp);
    struct local_upload *upload = calloc(1, sizeof *upload + n + 1 + temp_n + 1);
    if (!upload) {
        close(fd);
        unlinkat(call->root->fd, temp, 0);
        return err_set(call->err, ERR_NOMEM, "out of memory writing %s/%s", call->root->path, key);
    }
    upload->temp = upload->key + n + 1;
    memcpy(upload->key, key, n + 1);
    memcpy(upload->temp, temp, temp_n + 1);
    upload->fd = fd;
    upload->base.key = (struct str){upload->key, n};
    upload->base.id = (struct str){upload->temp, temp_n};
    request->upload = &upload->base;
    return 0;
}

static int upload_append(struct local_call *call, struct local_upload *upload, struct str bytes)
{
    if (upload->fd < 0)
        return err_set(call->err, ERR_INVALID, "%s/%s is sealed", call->root->path, upload->temp);
    return local_write(call, upload->fd, upload->temp, bytes, upload->base.bytes);
}

static int upload_seal(struct local_call *call, struct local_upload *upload)
{
    if (upload->fd < 0)
        return err_set(call->err, ERR_INVALID, "%s/%s is sealed", call->root->path, upload->temp);
    int code = local_sync(call, upload->fd, upload->key, &upload->inode);
    if (code == ERR_CANCELLED)
        return code;
    close(upload->fd);
    upload->fd = -1;
    upload->sealed = code == 0;
    return code;
}

static int upload_publish(struct local_call *call, struct local_upload *upload)
{
    if (!upload->sealed)
        return err_set(call->err, ERR_INVALID, "%s/%s is not sealed", call->root->path,
                       upload->temp);
    return local_publish(call, upload->temp, upload->key, false, &upload->inode);
}

static int upload_abort(struct local_call *call, struct local_upload *upload)
{
    if (upload->fd >= 0)
        close(upload->fd);
    upload->fd = -1;
    return local_remove(call, upload->temp);
}

static bool op_has_key(enum store_op op)
{
    return op == STORE_PUT || op == STORE_PUT_IF_ABSENT || op == STORE_GET || op == STORE_LIST ||
           op == STORE_DELETE || op == STORE_UPLOAD_BEGIN;
}

static int request_run(struct store_request *request, struct local_call *call)
{
    struct local_upload *upload = (struct local_upload *)(void *)request->upload;
    char key[LOCAL_PATH_MAX] = "";
    if (op_has_key(request->op)) {
        int code = store_key_check(request->key, request->op == STORE_LIST, call->err);
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
        return put(call, key, request->bytes, true);
    case STORE_PUT_IF_ABSENT:
        return put(call, key, request->bytes, false);
    case STORE_GET:
        return local_read(call, key, &request->data);
    case STORE_LIST:
        return local_list(call, request->key, &request->arena, &request->entries,
                          &request->entry_count);
    case STORE_DELETE:
        return local_remove(call, key);
    case STORE_UPLOAD_BEGIN:
        return upload_begin(call, key, request);
    case STORE_UPLOAD_APPEND:
        return upload_append(call, upload, request->bytes);
    case STORE_UPLOAD_SEAL:
        return upload_seal(call, upload);
    case STORE_UPLOAD_PUBLISH:
        return upload_publish(call, upload);
    case STORE_UPLOAD_ABORT:
        return upload_abort(call, upload);
    }
    return err_set(call->err, ERR_UNSUPPORTED, "unknown store operation");
}

/* In a worker: the loop leaves the request and its upload alone meanwhile. */
static void request_work(uv_work_t *work)
{
    struct store_request *request = CONTAINER_OF(work, struct store_request, work);
    const struct local_store *store = (const struct local_store *)(void *)request->store;
    struct local_call call = {&store->root, &request->cancelled, &request->err, false};
    request->code = request_run(request, &call);
    /* An abort ends its upload in any case, so it has one attempt. */
    request->transient =
        call.transient && request->code != ERR_CANCELLED && request->op != STORE_UPLOAD_ABORT;
}

static void upload_free(struct store_upload *upload)
{
    struct local_upload *local = (struct local_upload *)(void *)upload;
    store_upload_fini(upload);
    if (local->fd >= 0)
        close(local->fd);
    free(local);
}

static void request_after_work(uv_work_t *work, int status)
{
    struct store_request *request = CONTAINER_OF(work, struct store_request, work);
    if (status == UV_ECANCELED)
        request->code =
            err_set(&request->err, ERR_CANCELLED, "cancelled: %.*s", STR_ARG(request->key));
    bool ok = request->code == 0;
    if (request->op == STORE_UPLOAD_BEGIN && ok)
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

static const struct store_ops local_ops = {local_start, local_cancel, upload_free, local_close};

static int open_root(struct local_root *root, struct err *err)
{
    int number = local_mkdirs(AT_FDCWD, root->path);
    if (number)
        return err_set(err, ERR_IO, "cannot create directory %s: %s", root->path, strerror(number));
    root->fd = open(root->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
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

int store_local_create(struct store **out, uv_loop_t *loop, struct str root, struct err *err)
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
