#include "cli/top_screen.h"

#include <errno.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* The other screen, without a cursor, without wrapping; and back. */
#define ENTER "\x1b[?1049h\x1b[?25l\x1b[?7l\x1b[2J"
#define LEAVE "\x1b[0m\x1b[?7h\x1b[?25h\x1b[?1049l"

static void write_out(struct str text)
{
    while (text.n > 0) {
        ssize_t n = write(STDOUT_FILENO, text.p, text.n);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return; /* the terminal is gone: a signal says so */
        text = (struct str){text.p + n, text.n - (size_t)n};
    }
}

/* Only what a signal handler may call: libuv says that uv_tty_reset_mode may be. */
static void on_fatal(int signal)
{
    write_out(STR(LEAVE));
    uv_tty_reset_mode();
    raise(signal); /* the default again: SA_RESETHAND */
}

static void restore_when_fatal(void)
{
    static const int signals[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGSYS};
    struct sigaction action = {.sa_handler = on_fatal, .sa_flags = (int)SA_RESETHAND};
    sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < COUNT_OF(signals); i++)
        sigaction(signals[i], &action, NULL);
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
    struct top_screen *screen = handle->data;
    (void)suggested;
    *buf = uv_buf_init(screen->pressed, sizeof screen->pressed);
}

static void on_keys(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
    struct top_screen *screen = stream->data;
    (void)buf;
    for (ssize_t i = 0; i < n; i++)
        screen->key(screen->user, screen->pressed[i]);
    if (n < 0)
        uv_read_stop(stream);
}

void top_screen_open(struct top_screen *screen, uv_loop_t *loop, void (*key)(void *user, char key),
                     void *user)
{
    *screen = (struct top_screen){.loop = loop, .key = key, .user = user};
    restore_when_fatal();
    if (isatty(STDIN_FILENO) && uv_tty_init(loop, &screen->keys, STDIN_FILENO, 0) == 0) {
        screen->reads_keys = true;
        screen->keys.data = screen;
        uv_tty_set_mode(&screen->keys, UV_TTY_MODE_RAW);
        uv_read_start((uv_stream_t *)&screen->keys, on_alloc, on_keys);
    }
    write_out(STR(ENTER));
}

void top_screen_size(size_t *columns, size_t *rows)
{
    struct winsize size = {0};
    bool known = ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col && size.ws_row;
    *columns = known ? size.ws_col : 80;
    *rows = known ? size.ws_row : 24;
}

void top_screen_show(struct str frame)
{
    write_out(frame);
}

void top_screen_suspend(struct top_screen *screen)
{
    write_out(STR(LEAVE));
    if (screen->reads_keys)
        uv_tty_set_mode(&screen->keys, UV_TTY_MODE_NORMAL);
    kill(0, SIGSTOP); /* the whole job, as the terminal would */
    if (screen->reads_keys)
        uv_tty_set_mode(&screen->keys, UV_TTY_MODE_RAW);
    write_out(STR(ENTER));
}

void top_screen_close(struct top_screen *screen)
{
    write_out(STR(LEAVE));
    uv_tty_reset_mode();
    if (screen->reads_keys)
        uv_close((uv_handle_t *)&screen->keys, NULL);
    screen->reads_keys = false;
}
