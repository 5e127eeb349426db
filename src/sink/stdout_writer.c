#include "sink/stdout_writer.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* One write is active at a time, the others queue. Once broken, the writer starts no more and the
 * queue is called back from the idle handle, so that no callback comes from inside a call. */
struct stdout_writer {
    uv_loop_t *loop;
    int fd;           /* the caller's; written to directly when not a stream */
    bool is_stream;   /* pipe, terminal, socket */
    bool restore;     /* O_NONBLOCK was set on the caller's file description */
    uv_pipe_t stream; /* on a descriptor of its own */
    uv_idle_t kick;
    uv_write_t stream_request;
    uv_fs_t file_request;
    struct stdout_write *active, *first, *last;
    size_t active_done; /* bytes of the active write that are out (files) */
    struct err broken;  /* code 0: works */
    bool stream_closed, closing, finishing;
    void (*close_callback)(void *user);
    void *close_user;
};

static void start_next(struct stdout_writer *writer);
static void on_kick(uv_idle_t *idle);

static void break_writer(struct stdout_writer *writer, int code, int uv_code)
{
    if (!writer->broken.code)
        err_set(&writer->broken, code, "standard output: %s", uv_strerror(uv_code));
}

static void free_writer(uv_handle_t *handle)
{
    struct stdout_writer *writer = handle->data;
    void (*callback)(void *user) = writer->close_callback;
    void *user = writer->close_user;
    if (writer->restore) {
        int flags = fcntl(writer->fd, F_GETFL);
        if (flags >= 0)
            fcntl(writer->fd, F_SETFL, flags & ~O_NONBLOCK);
    }
    free(writer);
    if (callback)
        callback(user);
}

static void finish_if_idle(struct stdout_writer *writer)
{
    if (!writer->closing || writer->finishing || writer->active || writer->first ||
        (writer->is_stream && !writer->stream_closed))
        return;
    writer->finishing = true;
    uv_close((uv_handle_t *)&writer->kick, free_writer);
}

static void on_stream_closed(uv_handle_t *handle)
{
    struct stdout_writer *writer = handle->data;
    writer->stream_closed = true;
    finish_if_idle(writer);
}

static void close_stream(struct stdout_writer *writer)
{
    if (writer->is_stream && !uv_is_closing((uv_handle_t *)&writer->stream))
        uv_close((uv_handle_t *)&writer->stream, on_stream_closed);
}

/* Ends the active write with a libuv code and goes on. */
static void active_end(struct stdout_writer *writer, int uv_code)
{
    struct stdout_write *write = writer->active;
    struct err err = {0};
    writer->active = NULL;
    if (uv_code == UV_ECANCELED)
        err_set(&err, ERR_CANCELLED, "standard output: the write was cancelled");
    else if (uv_code)
        err_set(&err, ERR_IO, "standard output: %s", uv_strerror(uv_code));
    if (uv_code && (uv_code != UV_ECANCELED || writer->is_stream || writer->active_done > 0))
        break_writer(writer, err.code, uv_code);
    write->writer = NULL;
    write->callback(write, err.code, &err);
    start_next(writer);
    finish_if_idle(writer);
}

static void on_stream_written(uv_write_t *request, int status)
{
    active_end(request->data, status);
}

static void on_file_written(uv_fs_t *request);

static int file_write(struct stdout_writer *writer)
{
    struct str bytes = writer->active->bytes;
    uv_buf_t rest = {.base = (char *)bytes.p + writer->active_done,
                     .len = bytes.n - writer->active_done};
    writer->file_request.data = writer;
    return uv_fs_write(writer->loop, &writer->file_request, writer->fd, &rest, 1, -1,
                       on_file_written);
}

static void on_file_written(uv_fs_t *request)
{
    struct stdout_writer *writer = request->data;
    ssize_t n = request->result;
    uv_fs_req_cleanup(request);
    if (n >= 0) {
        writer->active_done += (size_t)n;
        if (writer->active_done == writer->active->bytes.n) {
            active_end(writer, 0);
            return;
        }
        n = n == 0 ? UV_ENOSPC : writer->active->cancelled ? UV_ECANCELED : file_write(writer);
    } else if (n == UV_EINTR) {
        n = file_write(writer);
    }
    if (n < 0)
        active_end(writer, (int)n);
}

static void start_next(struct stdout_writer *writer)
{
    if (writer->active || !writer->first)
        return;
    if (writer->broken.code || writer->first->cancelled) {
        uv_idle_start(&writer->kick, on_kick);
        return;
    }
    struct stdout_write *write = writer->first;
    writer->first = write->next;
    if (!writer->first)
        writer->last = NULL;
    writer->active = write;
    writer->active_done = 0;
    int code;
    if (writer->is_stream) {
        uv_buf_t bytes = {.base = (char *)write->bytes.p, .len = write->bytes.n};
        writer->stream_request.data = writer;
        code = uv_write(&writer->stream_request, (uv_stream_t *)&writer->stream, &bytes, 1,
                        on_stream_written);
    } else {
        code = file_write(writer);
    }
    if (code) { /* back to the queue, whose end comes from the idle handle */
        writer->active = NULL;
        write->next = writer->first;
        writer->first = write;
        if (!writer->last)
            writer->last = write;
        break_writer(writer, ERR_IO, code);
        uv_idle_start(&writer->kick, on_kick);
    }
}

/* Takes one write off the queue that is cancelled, or any when the writer is broken. */
static struct stdout_write *take_refused(struct stdout_writer *writer)
{
    struct stdout_write **link = &writer->first, *before = NULL;
    while (*link && !(*link)->cancelled && !writer->broken.code) {
        before = *link;
        link = &before->next;
    }
    struct stdout_write *write = *link;
    if (write) {
        *link = write->next;
        if (writer->last == write)
            writer->last = before;
    }
    return write;
}

static void on_kick(uv_idle_t *idle)
{
    struct stdout_writer *writer = idle->data;
    struct stdout_write *write;
    uv_idle_stop(idle);
    while ((write = take_refused(writer))) {
        struct err err = writer->broken;
        if (write->cancelled || !err.code)
            err_set(&err, ERR_CANCELLED, "standard output: the write was cancelled");
        write->writer = NULL;
        write->callback(write, err.code, &err);
    }
    start_next(writer);
    finish_if_idle(writer);
}

void stdout_writer_write(struct stdout_writer *writer, struct stdout_write *write, struct str bytes,
                         stdout_write_callback callback, void *user)
{
    REQUIRE(!writer->finishing && !write->writer);
    *write =
        (struct stdout_write){.user = user, .writer = writer, .bytes = bytes, .callback = callback};
    if (writer->last)
        writer->last->next = write;
    else
        writer->first = write;
    writer->last = write;
    start_next(writer);
}

void stdout_writer_cancel(struct stdout_write *write)
{
    struct stdout_writer *writer = write->writer;
    if (!writer || write->cancelled)
        return;
    write->cancelled = true;
    if (writer->active != write)
        uv_idle_start(&writer->kick, on_kick);
    else if (writer->is_stream)
        close_stream(writer); /* ends the write with ECANCELED, which breaks the writer */
    else
        uv_cancel((uv_req_t *)&writer->file_request);
}

void stdout_writer_close(struct stdout_writer *writer, void (*callback)(void *user), void *user)
{
    REQUIRE(!writer->closing);
    writer->closing = true;
    writer->close_callback = callback;
    writer->close_user = user;
    break_writer(writer, ERR_CANCELLED, UV_ECANCELED);
    if (writer->active)
        stdout_writer_cancel(writer->active);
    close_stream(writer);
    if (writer->first)
        uv_idle_start(&writer->kick, on_kick);
    finish_if_idle(writer);
}

/* A file description of our own where the system can open the same pipe or terminal again, because
 * O_NONBLOCK belongs to the description and stderr may share it; else a duplicate. */
static int own_descriptor(struct stdout_writer *writer)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/self/fd/%d", writer->fd);
    int own = open(path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (own >= 0)
        return own;
    int flags = fcntl(writer->fd, F_GETFL);
    writer->restore = flags >= 0 && !(flags & O_NONBLOCK);
    return fcntl(writer->fd, F_DUPFD_CLOEXEC, 0);
}

static void ignore_sigpipe(void)
{
    struct sigaction action;
    if (sigaction(SIGPIPE, NULL, &action) == 0 && action.sa_handler == SIG_DFL) {
        action = (struct sigaction){.sa_handler = SIG_IGN};
        sigaction(SIGPIPE, &action, NULL);
    }
}

static int open_stream(struct stdout_writer *writer, struct err *err)
{
    int code = uv_pipe_init(writer->loop, &writer->stream, 0);
    INVARIANT(code == 0); /* it never fails */
    writer->stream.data = writer;
    int own = own_descriptor(writer);
    if (own < 0)
        return err_set(err, ERR_IO, "standard output: %s",
                       uv_strerror(uv_translate_sys_error(errno)));
    code = uv_pipe_open(&writer->stream, own);
    if (code) {
        close(own);
        return err_set(err, ERR_IO, "standard output: %s", uv_strerror(code));
    }
    return 0;
}

int stdout_writer_create(struct stdout_writer **out, uv_loop_t *loop, int fd, struct err *err)
{
    struct stat st;
    if (fstat(fd, &st))
        return err_set(err, ERR_IO, "standard output: %s",
                       uv_strerror(uv_translate_sys_error(errno)));
    struct stdout_writer *writer = calloc(1, sizeof *writer);
    if (!writer)
        return err_set(err, ERR_NOMEM, "out of memory");
    ignore_sigpipe();
    writer->loop = loop;
    writer->fd = fd;
    writer->is_stream = S_ISFIFO(st.st_mode) || S_ISSOCK(st.st_mode) || isatty(fd);
    uv_idle_init(loop, &writer->kick);
    writer->kick.data = writer;
    int code = writer->is_stream ? open_stream(writer, err) : 0;
    if (code) { /* the handles are the loop's until they are closed */
        writer->closing = true;
        close_stream(writer);
        finish_if_idle(writer);
        return code;
    }
    *out = writer;
    return 0;
}
