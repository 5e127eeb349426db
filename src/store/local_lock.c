#define _GNU_SOURCE /* the strerror_r that returns text */
#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include "store/local_fs.h"

enum { HOLDER_BYTES_MAX = 1000 };

static int fail(const struct local_root *root, struct err *err, int number)
{
    char text[128];
    return err_set(err, ERR_IO, "cannot lock %s/.lock: %s", root->path,
                   strerror_r(number, text, sizeof text));
}

static int read_holder(const struct local_root *root, int fd, struct buf *holder, struct err *err)
{
    char text[HOLDER_BYTES_MAX];
    ssize_t n = pread(fd, text, sizeof text, 0);
    buf_clear(holder);
    buf_append(holder, text, n > 0 ? (size_t)n : 0);
    return err_set(err, ERR_EXISTS, "another process uses %s", root->path);
}

int local_lock(struct local_root *root, struct str text, struct buf *holder, struct err *err)
{
    int fd = openat(root->fd, ".lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666);
    if (fd < 0)
        return fail(root, err, errno);
    int number = 0;
    do {
        number = flock(fd, LOCK_EX | LOCK_NB) ? errno : 0;
    } while (number == EINTR);
    if (number) {
        int code =
            number == EWOULDBLOCK ? read_holder(root, fd, holder, err) : fail(root, err, number);
        close(fd);
        return code;
    }
    /* The text is for people: on a full disk the lock holds without it. */
    bool cut = ftruncate(fd, 0) == 0;
    if (cut && pwrite(fd, text.p, text.n < HOLDER_BYTES_MAX ? text.n : HOLDER_BYTES_MAX, 0) < 0)
        errno = 0;
    root->lock_fd = fd;
    return 0;
}
