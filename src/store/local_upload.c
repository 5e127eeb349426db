/* An object on its way: its temporary from the first byte to its name. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/local_fs.h"
#include "store/store_impl.h"

struct local_upload {
    struct store_upload base;
    int fd; /* -1 once sealed or lost */
    bool sealed;
    bool missing; /* sealed and resumed, but the temporary is gone: published already? */
    struct local_inode inode; /* from seal on */
    char *temp;               /* key of the temporary */
    char key[];               /* the final one */
};

void local_upload_free(struct store_upload *upload)
{
    struct local_upload *local = (struct local_upload *)(void *)upload;
    store_upload_fini(upload);
    if (local->fd >= 0)
        close(local->fd);
    free(local);
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
static int check_resumed(struct local_call *call, const struct store_request *request,
                         const char *temp, int fd, struct local_inode *inode)
{
    const struct local_os *os = call->root->os;
    struct stat st;
    if (os->fstat(fd, &st))
        return local_fail(call, "go on with", temp, errno);
    *inode = (struct local_inode){st.st_dev, st.st_ino};
    uint64_t bytes = (uint64_t)st.st_size;
    if (!S_ISREG(st.st_mode) || bytes < request->upload_bytes ||
        (request->sealed && bytes != request->upload_bytes))
        return fail_size(call, request, st.st_size);
    if (bytes > request->upload_bytes && os->ftruncate(fd, (off_t)request->upload_bytes))
        return local_fail(call, "cut", temp, errno);
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
        code = check_resumed(call, request, temp, fd, &inode);
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

int local_upload_run(struct local_call *call, const char *key, struct store_request *request)
{
    struct local_upload *upload = (struct local_upload *)(void *)request->upload;
    switch (request->op) {
    case STORE_UPLOAD_BEGIN:
        return upload_begin(call, key, request);
    case STORE_UPLOAD_RESUME:
        return upload_resume(call, key, request);
    case STORE_UPLOAD_APPEND:
        return upload_append(call, upload, request->bytes);
    case STORE_UPLOAD_SYNC:
        return upload_sync(call, upload);
    case STORE_UPLOAD_SEAL:
        return upload_seal(call, upload);
    case STORE_UPLOAD_PUBLISH:
        return upload_publish(call, upload);
    case STORE_UPLOAD_ABORT:
        return upload_abort(call, upload);
    default:
        return err_set(call->err, ERR_UNSUPPORTED, "unknown store operation");
    }
}
