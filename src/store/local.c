#include "store/local.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
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
    int fd; /* -1 once sealed or lost */
    bool sealed;
    bool missing; /* sealed and resumed, but the temporary is gone: published already? */
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

/* fd passes to the upload, also when there is no memory for it. */
static struct local_upload *upload_new(struct local_call *call, const char *key, struct str temp,
                                       int fd)
{
    size_t n = strlen(key);
    struct local_upload *upload = calloc(1, sizeof *upload + n + 1 + temp.n + 1);
    if (!upload) {
        if (fd >= 0)
            close(fd);
        err_set(call->err, ERR_NOMEM, "out of memory writing %s/%s", call->root->path, key);
        return NULL;
    }
    upload->temp = upload->key + n + 1;
    memcpy(upload->key, key, n + 1);
    memcpy(upload->temp, temp.p, temp.n);
    upload->fd = fd;
    upload->base.key = (struct str){upload->key, n};
    upload->base.id = (struct str){upload->temp, temp.n};
    return upload;
}

static int upload_begin(struct local_call *call, const char *key, struct store_request *request)
{
    char temp[LOCAL_PATH_MAX];
    int fd;
    int code = local_temp_open(call, key, temp, &fd);
    if (code)
        return code;
    struct local_upload *upload = upload_new(call, key, str_of(temp), fd);
    if (!upload) {
        call->root->os->unlinkat(call->root->fd, temp, 0);
        return ERR_NOMEM;
    }
    request->upload = &upload->base;
    return 0;
}

static int fail_size(struct local_call *call, const struct store_request *request, off_t bytes)
{
    return err_set(call->err, ERR_CORRUPT,
                   "cannot go on with %s/%.*s: it has %lld bytes where %llu were recorded",
                   call->root->path, STR_ARG(request->id), (long long)bytes,
                   (unsigned long long)request->upload_bytes);
}

/* What was written behind the recorded bytes is of a batch that was not decided. */
static int check_resumed(struct local_call *call, const struct store_request *request, int fd,
                         struct local_inode *inode)
{
    const struct local_os *os = call->root->os;
    struct stat st;
    if (os->fstat(fd, &st))
        return local_fail(call, "go on with", request->id.p, errno);
    *inode = (struct local_inode){st.st_dev, st.st_ino};
    uint64_t bytes = (uint64_t)st.st_size;
    if (!S_ISREG(st.st_mode) || bytes < request->upload_bytes ||
        (request->sealed && bytes != request->upload_bytes))
        return fail_size(call, request, st.st_size);
    if (bytes > request->upload_bytes && os->ftruncate(fd, (off_t)request->upload_bytes))
        return local_fail(call, "cut", request->id.p, errno);
    return 0;
}

static int upload_resume(struct local_call *call, const char *key, struct store_request *request)
{
    const struct local_root *root = call->root;
    char temp[LOCAL_PATH_MAX];
    struct local_inode inode = {0};
    if (!local_temp_fits(request->id, request->key))
        return err_set(call->err, ERR_CORRUPT,
                       "cannot go on with %s/%s: \"%.*s\" names no unfinished file of it",
                       root->path, key, STR_ARG(request->id));
    snprintf(temp, sizeof temp, "%.*s", STR_ARG(request->id));
    int flags = (request->sealed ? O_RDONLY : O_WRONLY) | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;
    int fd = root->os->openat(root->fd, temp, flags, 0);
    bool missing = fd < 0 && (errno == ENOENT || errno == ENOTDIR) && request->sealed;
    int code = fd < 0 && !missing ? local_fail(call, "go on with", temp, errno) : 0;
    if (fd >= 0)
        code = check_resumed(call, request, fd, &inode);
    if (fd >= 0 && (code || request->sealed)) {
        close(fd);
        fd = -1;
    }
    struct local_upload *upload = code ? NULL : upload_new(call, key, str_of(temp), fd);
    if (!upload)
        return code ? code : ERR_NOMEM;
    upload->base.bytes = request->upload_bytes;
    upload->sealed = request->sealed;
    upload->missing = missing;
    upload->inode = inode;
    request->upload = &upload->base;
    return 0;
}

static int require_open(struct local_call *call, const struct local_upload *upload)
{
    if (upload->fd >= 0)
        return 0;
    if (upload->sealed)
        return err_set(call->err, ERR_INVALID, "%s/%s is sealed", call->root->path, upload->temp);
    return err_set(call->err, ERR_IO, "%s/%s is lost: the disk failed to write it",
                   call->root->path, upload->temp);
}

static int upload_append(struct local_call *call, struct local_upload *upload, struct str bytes)
{
    int code = require_open(call, upload);
    return code ? code : local_write(call, upload->fd, upload->temp, bytes, upload->base.bytes);
}

/* What the disk did not take is gone from the kernel too: such a file is not gone on with. */
static int upload_sync(struct local_call *call, struct local_upload *upload)
{
    int code = require_open(call, upload);
    if (code)
        return code;
    code = local_sync(call, upload->fd, upload->key, &upload->inode);
    if (code == 0)
        code = local_sync_name(call, "make durable the name", upload->temp);
    if (code && code != ERR_CANCELLED && !call->transient) {
        close(upload->fd);
        upload->fd = -1;
    }
    return code;
}

static int upload_seal(struct local_call *call, struct local_upload *upload)
{
    int code = upload_sync(call, upload);
    if (code)
        return code;
    close(upload->fd);
    upload->fd = -1;
    upload->sealed = true;
    return 0;
}

static int upload_publish(struct local_call *call, struct local_upload *upload)
{
    if (!upload->sealed)
        return err_set(call->err, ERR_INVALID, "%s/%s is not sealed", call->root->path,
                       upload->temp);
    if (upload->missing)
        return local_published(call, upload->temp, upload->key, upload->base.bytes);
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
    return op >= STORE_PUT && op <= STORE_UPLOAD_RESUME;
}

static int request_run(struct store_request *request, struct local_call *call)
{
    struct local_upload *upload = (struct local_upload *)(void *)request->upload;
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
    case STORE_UPLOAD_BEGIN:
        return upload_begin(call, key, request);
    case STORE_UPLOAD_RESUME:
        return upload_resume(call, key, request);
    case STORE_UPLOAD_SYNC:
        return upload_sync(call, upload);
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
    struct local_store *store = (struct local_store *)(void *)request->store;
    struct local_call call = {
        .root = &store->root, .cancelled = &request->cancelled, .err = &request->err};
    request->code = request_run(request, &call);
    request->transient = call.transient && request->code != ERR_CANCELLED;
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

static const struct store_ops local_ops = {local_start, local_cancel, upload_free, local_close};

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
