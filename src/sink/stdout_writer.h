/* stdout_writer.h: the one ordered way to standard output, which may be a slow terminal, a pipe or
 * a file. Never blocks the loop: pipes, terminals and sockets through libuv's streams (on a file
 * description of its own, so that stderr on the same pipe stays blocking), others in the pool. */
#pragma once

#include <uv.h>

#include "base/err.h"
#include "base/str.h"

struct stdout_writer;
struct stdout_write;

typedef void (*stdout_write_callback)(struct stdout_write *write, int code, const struct err *err);

/* The caller's memory, all zero before its first use; it and the bytes stay untouched until the
 * callback, which comes exactly once, later, on the loop. */
struct stdout_write {
    void *user; /* the caller's */

    /* The writer's. */
    struct stdout_writer *writer;
    struct stdout_write *next;
    struct str bytes;
    stdout_write_callback callback;
    bool cancelled;
};

/* fd stays open and the caller's (1, or any in tests). Sets SIGPIPE to be ignored if it would end
 * the process: a closed reader is an ordinary error of a write. ERR_NOMEM, ERR_IO. */
int stdout_writer_create(struct stdout_writer **out, uv_loop_t *loop, int fd,
                         struct err *err) MUST_CHECK;
/* Writes all bytes, in the order of the calls. After a failure every later write fails alike:
 * "standard output: broken pipe". */
void stdout_writer_write(struct stdout_writer *writer, struct stdout_write *write, struct str bytes,
                         stdout_write_callback callback, void *user);
/* Asks a write to end soon with ERR_CANCELLED. If it has begun, the writer ends with it and refuses
 * what follows: a half printed table cannot be continued. */
void stdout_writer_cancel(struct stdout_write *write);
/* Cancels what is not written, frees the writer, then calls back (later). */
void stdout_writer_close(struct stdout_writer *writer, void (*callback)(void *user), void *user);
