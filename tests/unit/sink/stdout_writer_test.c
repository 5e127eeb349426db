/* The writer of standard output on every kind of descriptor. */
#define _GNU_SOURCE
#include "fixture.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <termios.h>
#include <unistd.h>

#include "sink/stdout_writer.h"

static struct fixture fixture;
static struct stdout_writer *writer;
static bool closed;

static void setup(void)
{
    fixture_init(&fixture);
    writer = NULL;
    closed = false;
}

static void on_closed(void *user)
{
    (void)user;
    closed = true;
}

static void close_writer(void)
{
    stdout_writer_close(writer, on_closed, NULL);
    cr_assert_not(closed, "never from inside the call");
    while (!closed)
        uv_run(&fixture.loop, UV_RUN_ONCE);
}

static void teardown(void)
{
    if (writer && !closed)
        close_writer();
    fixture_fini(&fixture);
}

TestSuite(stdout_writer, .init = setup, .fini = teardown, .timeout = 60);

struct result {
    struct stdout_write write;
    int calls, code, order;
    char message[200];
};

static int order;

static void on_written(struct stdout_write *write, int code, const struct err *err)
{
    struct result *result = write->user;
    result->calls++;
    result->code = code;
    result->order = order++;
    snprintf(result->message, sizeof result->message, "%.199s", err->msg);
}

static void open_writer(int fd)
{
    struct err err;
    cr_assert_eq(stdout_writer_create(&writer, &fixture.loop, fd, &err), 0, "%s", err.msg);
}

static void start(struct result *result, struct str bytes)
{
    stdout_writer_write(writer, &result->write, bytes, on_written, result);
    cr_assert_eq(result->calls, 0, "never from inside the call");
}

static int wait_for(struct result *result)
{
    while (result->calls == 0)
        uv_run(&fixture.loop, UV_RUN_ONCE);
    cr_assert_eq(result->calls, 1);
    return result->code;
}

/* Reads what is there now. */
static size_t drain(int fd, char *p, size_t n)
{
    ssize_t got = read(fd, p, n - 1);
    p[got > 0 ? got : 0] = '\0';
    return got > 0 ? (size_t)got : 0;
}

Test(stdout_writer, regular_file)
{
    struct result one = {0}, two = {0};
    char path[100], text[100];
    snprintf(path, sizeof path, "%s/out", fixture.dir);
    int fd = open(path, O_RDWR | O_CREAT | O_APPEND, 0666);
    open_writer(fd);
    start(&one, STR("first "));
    start(&two, STR("second\n"));
    cr_expect_eq(wait_for(&one), 0);
    cr_expect_eq(wait_for(&two), 0);
    lseek(fd, 0, SEEK_SET);
    drain(fd, text, sizeof text);
    cr_expect_str_eq(text, "first second\n");
    close_writer();
    cr_expect_eq(fcntl(fd, F_GETFD), 0, "the descriptor is still the caller's");
    close(fd);
}

Test(stdout_writer, full_disk)
{
    struct result one = {0}, two = {0};
    int fd = open("/dev/full", O_WRONLY);
    open_writer(fd);
    start(&one, STR("text"));
    start(&two, STR("text"));
    cr_expect_eq(wait_for(&one), ERR_IO);
    cr_expect_str_eq(one.message, "standard output: no space left on device");
    cr_expect_eq(wait_for(&two), ERR_IO);
    cr_expect_str_eq(two.message, "standard output: no space left on device");
    close_writer();
    close(fd);
}

Test(stdout_writer, dev_null)
{
    struct result one = {0};
    int fd = open("/dev/null", O_WRONLY);
    open_writer(fd);
    start(&one, STR("text"));
    cr_expect_eq(wait_for(&one), 0);
    close_writer();
    close(fd);
}

Test(stdout_writer, closed_descriptor)
{
    struct err err;
    cr_expect_eq(stdout_writer_create(&writer, &fixture.loop, 999, &err), ERR_IO);
    cr_expect_str_eq(err.msg, "standard output: bad file descriptor");
}

/* stderr may be the same pipe, and its writes must not start to fail. */
Test(stdout_writer, a_pipe_stays_blocking_for_others)
{
    struct result one = {0};
    int fds[2];
    char text[100];
    cr_assert_eq(pipe(fds), 0);
    open_writer(fds[1]);
    cr_expect_not(fcntl(fds[1], F_GETFL) & O_NONBLOCK);
    start(&one, STR("text"));
    cr_expect_eq(wait_for(&one), 0);
    cr_expect_not(fcntl(fds[1], F_GETFL) & O_NONBLOCK);
    drain(fds[0], text, sizeof text);
    cr_expect_str_eq(text, "text");
    close_writer();
    close(fds[0]);
    close(fds[1]);
}

/* Sockets cannot be opened again: the flag is shared, and put back at the end. */
Test(stdout_writer, socket)
{
    struct result one = {0};
    int fds[2];
    char text[100];
    cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    open_writer(fds[1]);
    start(&one, STR("text"));
    cr_expect_eq(wait_for(&one), 0);
    drain(fds[0], text, sizeof text);
    cr_expect_str_eq(text, "text");
    close_writer();
    cr_expect_not(fcntl(fds[1], F_GETFL) & O_NONBLOCK);
    close(fds[0]);
    close(fds[1]);
}

Test(stdout_writer, terminal)
{
    struct result one = {0};
    char text[100];
    int master = posix_openpt(O_RDWR | O_NOCTTY);
    if (master < 0 || grantpt(master) || unlockpt(master))
        cr_skip_test("no pseudo terminal here");
    int fd = open(ptsname(master), O_RDWR | O_NOCTTY);
    cr_assert_geq(fd, 0);
    open_writer(fd);
    start(&one, STR("row 1\nrow 2\n"));
    cr_expect_eq(wait_for(&one), 0);
    cr_expect_not(fcntl(fd, F_GETFL) & O_NONBLOCK);
    drain(master, text, sizeof text);
    cr_expect_str_eq(text, "row 1\r\nrow 2\r\n");
    close_writer();
    close(fd);
    close(master);
}

Test(stdout_writer, no_reader)
{
    struct result one = {0}, two = {0}, three = {0};
    int fds[2];
    signal(SIGPIPE, SIG_DFL);
    cr_assert_eq(pipe(fds), 0);
    open_writer(fds[1]);
    close(fds[0]);
    start(&one, STR("text"));
    start(&two, STR("text"));
    cr_expect_eq(wait_for(&one), ERR_IO);
    cr_expect_str_eq(one.message, "standard output: broken pipe");
    cr_expect_eq(wait_for(&two), ERR_IO);
    start(&three, STR("text"));
    cr_expect_eq(wait_for(&three), ERR_IO);
    cr_expect_str_eq(three.message, "standard output: broken pipe");
    close_writer();
    close(fds[1]);
}

/* A reader that was never there: the pipe cannot be opened again at all. */
Test(stdout_writer, no_reader_from_the_start)
{
    struct result one = {0};
    int fds[2];
    cr_assert_eq(pipe(fds), 0);
    close(fds[0]);
    open_writer(fds[1]);
    start(&one, STR("text"));
    cr_expect_eq(wait_for(&one), ERR_IO);
    cr_expect_str_eq(one.message, "standard output: broken pipe");
    close_writer();
    close(fds[1]);
}

static void open_stuck_pipe(int fds[2], struct result *first, struct str bytes)
{
    cr_assert_eq(pipe(fds), 0);
    fcntl(fds[1], F_SETPIPE_SZ, 4096);
    fcntl(fds[0], F_SETFL, O_NONBLOCK);
    open_writer(fds[1]);
    start(first, bytes);
    uv_run(&fixture.loop, UV_RUN_NOWAIT);
    cr_assert_eq(first->calls, 0);
}

Test(stdout_writer, cancel_of_a_waiting_write)
{
    struct result one = {0}, two = {0}, three = {0};
    int fds[2];
    static char big[10000], text[20000];
    memset(big, 'x', sizeof big);
    open_stuck_pipe(fds, &one, (struct str){big, sizeof big});
    start(&two, STR("cancelled"));
    start(&three, STR("end"));
    stdout_writer_cancel(&two.write);
    cr_expect_eq(two.calls, 0);
    cr_expect_eq(wait_for(&two), ERR_CANCELLED);
    cr_expect_eq(one.calls, 0);
    size_t n = 0;
    while (three.calls == 0) {
        n += drain(fds[0], text + n, sizeof text - n);
        uv_run(&fixture.loop, UV_RUN_NOWAIT);
    }
    n += drain(fds[0], text + n, sizeof text - n);
    cr_expect_eq(wait_for(&one), 0);
    cr_expect_eq(three.code, 0);
    cr_expect_lt(one.order, three.order);
    cr_expect_eq(n, sizeof big + 3);
    cr_expect_str_eq(text + sizeof big, "end");
    close_writer();
    close(fds[0]);
    close(fds[1]);
}

Test(stdout_writer, cancel_of_a_write_that_began)
{
    struct result one = {0}, two = {0};
    int fds[2];
    static char big[10000];
    memset(big, 'x', sizeof big);
    open_stuck_pipe(fds, &one, (struct str){big, sizeof big});
    stdout_writer_cancel(&one.write);
    cr_expect_eq(wait_for(&one), ERR_CANCELLED);
    start(&two, STR("no more"));
    cr_expect_eq(wait_for(&two), ERR_CANCELLED);
    close_writer();
    close(fds[0]);
    close(fds[1]);
}

Test(stdout_writer, close_with_writes_under_way)
{
    struct result one = {0}, two = {0};
    int fds[2];
    static char big[10000];
    memset(big, 'x', sizeof big);
    open_stuck_pipe(fds, &one, (struct str){big, sizeof big});
    start(&two, STR("text"));
    close_writer();
    cr_expect_eq(one.calls, 1);
    cr_expect_eq(one.code, ERR_CANCELLED);
    cr_expect_eq(two.calls, 1);
    cr_expect_eq(two.code, ERR_CANCELLED);
    close(fds[0]);
    close(fds[1]);
}

Test(stdout_writer, close_while_a_file_is_written)
{
    struct result one = {0}, two = {0};
    char path[100];
    snprintf(path, sizeof path, "%s/out", fixture.dir);
    int fd = open(path, O_RDWR | O_CREAT, 0666);
    open_writer(fd);
    start(&one, STR("text"));
    start(&two, STR("text"));
    close_writer();
    cr_expect_eq(one.calls, 1);
    cr_expect_eq(two.calls, 1);
    cr_expect_eq(two.code, ERR_CANCELLED);
    close(fd);
}
