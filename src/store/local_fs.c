#define _GNU_SOURCE /* renameat2, the strerror_r that returns text */
#include "store/local_fs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    WRITE_STEP_BYTES = 1 << 20, /* between two looks at `cancelled` */
    READ_STEP_BYTES = 256 << 10,
    TEMP_NAME_BYTES_MAX = 200, /* of the key's last segment kept in the temporary's name */
    TEMP_ATTEMPTS_MAX = 10,
};

static bool errno_is_transient(int number)
{
    switch (number) {
    case EINTR:
    case EAGAIN:
    case EBUSY:
    case EMFILE:
    case ENFILE:
    case ENOMEM:
    case ENOSPC: /* somebody may make room */
    case EDQUOT:
    case ETIMEDOUT:
    case ESTALE:
        return true;
    default:
        return false;
    }
}

static int fail(struct local_call *call, const char *doing, const char *key, int number)
{
    char text[128];
    call->transient = errno_is_transient(number);
    return err_set(call->err, number == ENOENT ? ERR_NOT_FOUND : ERR_IO, "cannot %s %s/%s: %s",
                   doing, call->root->path, key, strerror_r(number, text, sizeof text));
}

static int fail_for_good(struct local_call *call, const char *doing, const char *key, int number)
{
    int code = fail(call, doing, key, number);
    call->transient = false;
    return code;
}

static int fail_cancelled(struct local_call *call, const char *key)
{
    return err_set(call->err, ERR_CANCELLED, "cancelled: %s/%s", call->root->path, key);
}

static int fail_exists(struct local_call *call, const char *key)
{
    return err_set(call->err, ERR_EXISTS, "%s/%s already exists", call->root->path, key);
}

/* Fsyncs the directory that holds key; an errno value. */
static int sync_parent(int at_fd, const char *key)
{
    char dir[LOCAL_PATH_MAX];
    const char *slash = strrchr(key, '/');
    size_t n = slash ? (size_t)(slash - key) : 0;
    memcpy(dir, key, n);
    dir[n] = '\0';
    const char *name = n ? dir : slash ? "/" : ".";
    int fd = openat(at_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return errno;
    int number = fsync(fd) ? errno : 0;
    if (number == EINVAL) /* a file system whose directories need no fsync */
        number = 0;
    close(fd);
    return number;
}

int local_mkdirs(int at_fd, const char *path)
{
    char dir[LOCAL_PATH_MAX];
    size_t n = strlen(path);
    if (n >= sizeof dir)
        return ENAMETOOLONG;
    for (size_t i = 1; i <= n; i++) {
        if (i < n && path[i] != '/')
            continue;
        memcpy(dir, path, i);
        dir[i] = '\0';
        if (mkdirat(at_fd, dir, 0777) == 0) {
            int number = sync_parent(at_fd, dir);
            if (number)
                return number;
        } else if (errno != EEXIST) {
            return errno;
        }
    }
    return 0;
}

/* The temporary's name: hidden, beside the key, unlike any other. */
static void temp_name(char temp[LOCAL_PATH_MAX], const char *key)
{
    uint64_t random = 0;
    if (getrandom(&random, sizeof random, 0) != (ssize_t)sizeof random)
        random = (uint64_t)getpid() << 32 ^ (uint64_t)(uintptr_t)temp;
    const char *slash = strrchr(key, '/');
    const char *name = slash ? slash + 1 : key;
    snprintf(temp, LOCAL_PATH_MAX, "%.*s.%.*s.tmp-%016llx", (int)(name - key), key,
             TEMP_NAME_BYTES_MAX, name, (unsigned long long)random);
}

static int make_parent(int at_fd, const char *key)
{
    char dir[LOCAL_PATH_MAX];
    const char *slash = strrchr(key, '/');
    if (!slash)
        return ENOENT; /* the root itself is gone */
    memcpy(dir, key, (size_t)(slash - key));
    dir[slash - key] = '\0';
    return local_mkdirs(at_fd, dir);
}

int local_temp_open(struct local_call *call, const char *key, char temp[LOCAL_PATH_MAX], int *fd)
{
    int number = 0;
    for (int attempt = 0; attempt < TEMP_ATTEMPTS_MAX; attempt++) {
        if (atomic_load(call->cancelled))
            return fail_cancelled(call, key);
        temp_name(temp, key);
        *fd = openat(call->root->fd, temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (*fd >= 0)
            return 0;
        number = errno;
        if (number == ENOENT) {
            number = make_parent(call->root->fd, key);
            if (number)
                break;
        } else if (number != EEXIST && number != EINTR) {
            break;
        }
    }
    int code = fail(call, "create", key, number);
    return code == ERR_NOT_FOUND ? (call->err->code = ERR_IO) : code;
}

int local_write(struct local_call *call, int fd, const char *key, struct str bytes, uint64_t offset)
{
    size_t done = 0;
    while (done < bytes.n) {
        if (atomic_load(call->cancelled))
            return fail_cancelled(call, key);
        size_t step = bytes.n - done < WRITE_STEP_BYTES ? bytes.n - done : WRITE_STEP_BYTES;
        ssize_t n = pwrite(fd, bytes.p + done, step, (off_t)(offset + done));
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return fail(call, "write", key, n < 0 ? errno : ENOSPC);
        done += (size_t)n;
    }
    return 0;
}

int local_sync(struct local_call *call, int fd, const char *key, struct local_inode *inode)
{
    struct stat st;
    if (atomic_load(call->cancelled))
        return fail_cancelled(call, key);
    if (fsync(fd) || fstat(fd, &st))
        return fail_for_good(call, "write", key, errno);
    *inode = (struct local_inode){st.st_dev, st.st_ino};
    return 0;
}

static bool is_inode(const struct local_call *call, const char *key,
                     const struct local_inode *inode)
{
    struct stat st;
    return fstatat(call->root->fd, key, &st, AT_SYMLINK_NOFOLLOW) == 0 && st.st_dev == inode->dev &&
           st.st_ino == inode->ino;
}

/* rename that never overwrites, also where the file system has none; an errno value. */
static int rename_new(int at_fd, const char *temp, const char *key)
{
    if (renameat2(at_fd, temp, at_fd, key, RENAME_NOREPLACE) == 0)
        return 0;
    if (errno != EINVAL && errno != ENOSYS)
        return errno;
    if (linkat(at_fd, temp, at_fd, key, 0))
        return errno;
    return unlinkat(at_fd, temp, 0) ? errno : 0;
}

int local_publish(struct local_call *call, const char *temp, const char *key, bool replace,
                  const struct local_inode *inode)
{
    int at_fd = call->root->fd;
    if (atomic_load(call->cancelled))
        return fail_cancelled(call, key);
    int number;
    if (replace)
        number = renameat(at_fd, temp, at_fd, key) ? errno : 0;
    else
        number = rename_new(at_fd, temp, key);
    if ((number == EEXIST || number == ENOENT) && is_inode(call, key, inode)) {
        /* An earlier attempt got as far as the name. */
        number = unlinkat(at_fd, temp, 0) && errno != ENOENT ? errno : 0;
    }
    if (number == EEXIST)
        return fail_exists(call, key);
    if (number)
        return fail(call, "publish", key, number);
    number = sync_parent(at_fd, key);
    return number ? fail_for_good(call, "make durable the name", key, number) : 0;
}

int local_require_absent(struct local_call *call, const char *key)
{
    if (faccessat(call->root->fd, key, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
        return fail_exists(call, key);
    return 0; /* what else is wrong shows when it is written */
}

int local_remove(struct local_call *call, const char *key)
{
    if (unlinkat(call->root->fd, key, 0)) {
        if (errno == ENOENT || errno == ENOTDIR)
            return 0;
        return fail(call, "remove", key, errno);
    }
    int number = sync_parent(call->root->fd, key);
    return number && number != ENOENT ? fail_for_good(call, "remove", key, number) : 0;
}

static int read_all(struct local_call *call, int fd, const char *key, struct buf *out)
{
    struct stat st;
    if (fstat(fd, &st))
        return fail(call, "read", key, errno);
    if (!S_ISREG(st.st_mode))
        return fail(call, "read", key, S_ISDIR(st.st_mode) ? EISDIR : EINVAL);
    size_t step = (size_t)st.st_size + 1; /* one more, to see the end without another growth */
    for (;;) {
        if (atomic_load(call->cancelled))
            return fail_cancelled(call, key);
        if (!buf_reserve(out, step))
            return err_set(call->err, ERR_NOMEM, "out of memory reading %s/%s", call->root->path,
                           key);
        size_t room = out->capacity - out->n;
        ssize_t n = read(fd, out->p + out->n, room < WRITE_STEP_BYTES ? room : WRITE_STEP_BYTES);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return fail(call, "read", key, errno);
        if (n == 0)
            return 0;
        out->n += (size_t)n;
        step = out->capacity > out->n ? out->capacity - out->n : READ_STEP_BYTES;
    }
}

int local_read(struct local_call *call, const char *key, struct buf *out)
{
    if (atomic_load(call->cancelled))
        return fail_cancelled(call, key);
    int fd = openat(call->root->fd, key, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return fail(call, "read", key, errno == ENOTDIR ? ENOENT : errno);
    int code = read_all(call, fd, key, out);
    close(fd);
    return code;
}
