#define _GNU_SOURCE /* renameat2, the strerror_r that returns text */
#include "store/local_fs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/failpoint.h"

enum {
    WRITE_STEP_BYTES = 1 << 20, /* between two looks at `cancelled` */
    READ_STEP_BYTES = 256 << 10,
};

static int system_openat(int dir_fd, const char *path, int flags, mode_t mode)
{
    return openat(dir_fd, path, flags, mode);
}

const struct local_os local_os_system = {system_openat, mkdirat, fstat,     fstatat,
                                         read,          pwrite,  ftruncate, fsync,
                                         renameat2,     linkat,  unlinkat};

/* What may pass: room is made, a disk is mended or mounted again. */
static bool errno_is_transient(int number)
{
    switch (number) {
    case EINTR:
    case EAGAIN:
    case EBUSY:
    case EMFILE:
    case ENFILE:
    case ENOMEM:
    case ENOSPC:
    case EDQUOT:
    case EROFS:
    case EIO:
    case ETIMEDOUT:
    case ESTALE:
        return true;
    default:
        return false;
    }
}

int local_fail(struct local_call *call, const char *doing, const char *key, int number)
{
    char text[128];
    call->transient = errno_is_transient(number);
    return err_set(call->err, number == ENOENT ? ERR_NOT_FOUND : ERR_IO, "cannot %s %s/%s: %s",
                   doing, call->root->path, key, strerror_r(number, text, sizeof text));
}

int local_cancelled(struct local_call *call, const char *key)
{
    return atomic_load(call->cancelled)
               ? err_set(call->err, ERR_CANCELLED, "cancelled: %s/%s", call->root->path, key)
               : 0;
}

static int fail_exists(struct local_call *call, const char *key)
{
    return err_set(call->err, ERR_EXISTS, "%s/%s already exists", call->root->path, key);
}

int local_write(struct local_call *call, int fd, const char *key, struct str bytes, uint64_t offset)
{
    size_t done = 0;
    while (done < bytes.n) {
        if (local_cancelled(call, key))
            return ERR_CANCELLED;
        size_t step = bytes.n - done < WRITE_STEP_BYTES ? bytes.n - done : WRITE_STEP_BYTES;
        ssize_t n = call->root->os->pwrite(fd, bytes.p + done, step, (off_t)(offset + done));
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return local_fail(call, "write", key, n < 0 ? errno : ENOSPC);
        done += (size_t)n;
    }
    FAILPOINT("local.written");
    return 0;
}

int local_sync(struct local_call *call, int fd, const char *key, struct local_inode *inode)
{
    struct stat st;
    if (local_cancelled(call, key))
        return ERR_CANCELLED;
    if (call->root->os->fstat(fd, &st))
        return local_fail(call, "write", key, errno);
    if (call->root->os->fsync(fd)) {
        int code = local_fail(call, "write", key, errno);
        call->transient &= call->anew;
        return code;
    }
    FAILPOINT("local.synced");
    *inode = (struct local_inode){st.st_dev, st.st_ino};
    return 0;
}

/* An errno value, 0 also when there is no such name. */
static int is_inode(const struct local_call *call, const char *key, const struct local_inode *inode,
                    bool *same)
{
    struct stat st;
    bool there = call->root->os->fstatat(call->root->fd, key, &st, AT_SYMLINK_NOFOLLOW) == 0;
    *same = there && st.st_dev == inode->dev && st.st_ino == inode->ino;
    return there || errno == ENOENT || errno == ENOTDIR ? 0 : errno;
}

/* rename that never overwrites, also where the file system has none; an errno value. */
static int rename_new(const struct local_root *root, const char *temp, const char *key)
{
    const struct local_os *os = root->os;
    if (os->renameat2(root->fd, temp, root->fd, key, RENAME_NOREPLACE) == 0)
        return 0;
    if (errno != EINVAL && errno != ENOSYS)
        return errno;
    if (os->linkat(root->fd, temp, root->fd, key, 0))
        return errno;
    return os->unlinkat(root->fd, temp, 0) ? errno : 0;
}

int local_publish(struct local_call *call, const char *temp, const char *key, bool replace,
                  const struct local_inode *inode)
{
    const struct local_root *root = call->root;
    const struct local_os *os = root->os;
    if (local_cancelled(call, key))
        return ERR_CANCELLED;
    int number;
    if (replace)
        number = os->renameat2(root->fd, temp, root->fd, key, 0) ? errno : 0;
    else
        number = rename_new(root, temp, key);
    if (number == EEXIST || number == ENOENT) {
        bool same;
        int unknown = is_inode(call, key, inode, &same);
        if (unknown)
            number = unknown;
        else if (same) /* an earlier attempt got as far as the name */
            number = os->unlinkat(root->fd, temp, 0) && errno != ENOENT ? errno : 0;
    }
    if (number == EEXIST)
        return fail_exists(call, key);
    if (number)
        return local_fail(call, "publish", key, number);
    FAILPOINT("local.renamed");
    number = local_sync_name(call, "make durable the name", key);
    FAILPOINT("local.named");
    return number;
}

int local_published(struct local_call *call, const char *temp, const char *key, uint64_t bytes)
{
    struct stat st;
    const struct local_root *root = call->root;
    if (local_cancelled(call, key))
        return ERR_CANCELLED;
    int number = root->os->fstatat(root->fd, key, &st, AT_SYMLINK_NOFOLLOW) ? errno : 0;
    if (number == ENOENT || number == ENOTDIR)
        return err_set(call->err, ERR_NOT_FOUND,
                       "cannot publish %s/%s: the unfinished file %s is gone (somebody removed "
                       "it), and there is no such object",
                       root->path, key, temp);
    if (number)
        return local_fail(call, "publish", key, number);
    if (!S_ISREG(st.st_mode) || (uint64_t)st.st_size != bytes)
        return err_set(call->err, ERR_EXISTS,
                       "cannot publish %s/%s: the unfinished file %s is gone (somebody removed "
                       "it), and another object has the name",
                       root->path, key, temp);
    return local_sync_name(call, "make durable the name", key);
}

int local_require_absent(struct local_call *call, const char *key)
{
    struct stat st;
    const struct local_root *root = call->root;
    if (root->os->fstatat(root->fd, key, &st, AT_SYMLINK_NOFOLLOW) == 0)
        return fail_exists(call, key);
    return 0; /* what else is wrong shows when it is written */
}

int local_compare(struct local_call *call, const char *key, struct str bytes, bool *same)
{
    struct buf found = {0};
    struct stat st;
    const struct local_root *root = call->root;
    *same = false;
    if (root->os->fstatat(root->fd, key, &st, AT_SYMLINK_NOFOLLOW))
        return errno == ENOENT || errno == ENOTDIR ? 0 : local_fail(call, "read", key, errno);
    if (!S_ISREG(st.st_mode) || (uint64_t)st.st_size != bytes.n)
        return fail_exists(call, key);
    int code = local_read(call, key, UINT64_MAX, &found);
    *same = code == 0 && str_eq(buf_str(&found), bytes);
    buf_fini(&found);
    if (code)
        return code == ERR_NOT_FOUND ? 0 : code;
    return *same ? 0 : fail_exists(call, key);
}

int local_remove(struct local_call *call, const char *key)
{
    const struct local_root *root = call->root;
    char dir[LOCAL_PATH_MAX];
    struct stat st;
    if (root->os->unlinkat(root->fd, key, 0) && errno != ENOENT) {
        if (errno == ENOTDIR)
            return 0;
        return local_fail(call, "remove", key, errno);
    }
    FAILPOINT("local.removed");
    /* Also when it was gone: who removed it may not have come so far. */
    if (local_parent(key, dir) && root->os->fstatat(root->fd, dir, &st, 0) && errno == ENOENT)
        return 0;
    return local_sync_name(call, "remove", key);
}

static int fail_large(struct local_call *call, const char *key, uint64_t most)
{
    return err_set(call->err, ERR_NOMEM, "cannot read %s/%s: it has more than %llu bytes",
                   call->root->path, key, (unsigned long long)most);
}

static int read_all(struct local_call *call, int fd, const char *key, uint64_t most,
                    struct buf *out)
{
    struct stat st;
    if (call->root->os->fstat(fd, &st))
        return local_fail(call, "read", key, errno);
    if (!S_ISREG(st.st_mode))
        return local_fail(call, "read", key, S_ISDIR(st.st_mode) ? EISDIR : EINVAL);
    if ((uint64_t)st.st_size > most)
        return fail_large(call, key, most);
    size_t step = (size_t)st.st_size + 1; /* one more, to see the end without another growth */
    for (;;) {
        if (local_cancelled(call, key))
            return ERR_CANCELLED;
        if (!buf_reserve(out, step))
            return err_set(call->err, ERR_NOMEM, "out of memory reading %s/%s", call->root->path,
                           key);
        size_t room = out->capacity - out->n;
        ssize_t n = call->root->os->read(fd, out->p + out->n,
                                         room < WRITE_STEP_BYTES ? room : WRITE_STEP_BYTES);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return local_fail(call, "read", key, errno);
        if (n == 0)
            return 0;
        out->n += (size_t)n;
        if (out->n > most) /* it grows */
            return fail_large(call, key, most);
        step = out->capacity > out->n ? out->capacity - out->n : READ_STEP_BYTES;
    }
}

int local_read(struct local_call *call, const char *key, uint64_t most, struct buf *out)
{
    const struct local_root *root = call->root;
    if (local_cancelled(call, key))
        return ERR_CANCELLED;
    int fd = root->os->openat(root->fd, key, O_RDONLY | O_CLOEXEC | O_NONBLOCK, 0);
    if (fd < 0)
        return local_fail(call, "read", key, errno == ENOTDIR ? ENOENT : errno);
    int code = read_all(call, fd, key, most, out);
    close(fd);
    return code;
}
