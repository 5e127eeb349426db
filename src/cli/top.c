#include "cli/top.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "cli/args.h"
#include "cli/http_get.h"
#include "cli/http_get_tls.h"
#include "cli/top_address.h"
#include "cli/top_frame.h"
#include "cli/top_screen.h"
#include "os/clock.h"
#include "plan/listen.h"

enum {
    POLL_MS = 1000,
    ANSWER_MS_MAX = 5000,
    ONCE_COLUMNS = 112, /* of a frame that no terminal shows, unless COLUMNS says more */
    ONCE_ROWS = 1000,
    CTRL_C = 3,
    CTRL_Z = 26,
};

static const int watched[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP, SIGCONT, SIGWINCH};

enum { WATCHED = COUNT_OF(watched) };

struct top {
    const char *address; /* as it was given */
    struct top_address to;
    SSL_CTX *tls; /* NULL: plain http; owned */
    char *token;  /* NULL: none; owned */
    bool once, colour;
    uv_loop_t loop;
    uv_timer_t timer;
    uv_signal_t signals[WATCHED];
    struct http_get get;
    bool asking, quits;
    struct top_screen screen;
    cJSON *status; /* the last answer */
    struct top_history history;
    char trouble[1000]; /* empty: none */
    int64_t trouble_us; /* since when */
    int exit_code;
};

/* ---- drawing ---- */

static void draw(struct top *top)
{
    struct buf frame = {0};
    struct top_canvas canvas = {.out = &frame, .ansi = !top->once, .colour = top->colour};
    struct top_view view = {.address = top->address,
                            .status = top->status,
                            .history = &top->history,
                            .trouble = top->trouble[0] ? top->trouble : NULL,
                            .trouble_s = (double)(clock_monotonic_us() - top->trouble_us) / 1e6,
                            .now_ms = clock_wall_ms(),
                            .keys = !top->once && top->screen.reads_keys};
    if (top->once) {
        const char *columns = getenv("COLUMNS");
        int wanted = columns ? atoi(columns) : 0;
        canvas.columns = wanted >= 20 && wanted <= 1000 ? (size_t)wanted : ONCE_COLUMNS;
        canvas.rows = ONCE_ROWS;
    } else {
        top_screen_size(&canvas.columns, &canvas.rows);
        buf_append_str(&frame, STR("\x1b[H"));
    }
    top_draw(&canvas, &view);
    if (!frame.failed && top->once)
        fwrite(frame.p, 1, frame.n, stdout);
    else if (!frame.failed)
        top_screen_show(buf_str(&frame));
    buf_fini(&frame);
}

/* ---- the end ---- */

static void quit(struct top *top, int exit_code)
{
    if (top->quits)
        return;
    top->quits = true;
    top->exit_code = exit_code;
    if (top->asking)
        http_get_cancel(&top->get);
    uv_close((uv_handle_t *)&top->timer, NULL);
    if (top->once)
        return;
    for (int i = 0; i < WATCHED; i++)
        uv_close((uv_handle_t *)&top->signals[i], NULL);
    top_screen_close(&top->screen);
}

static void suspend(struct top *top)
{
    top_screen_suspend(&top->screen);
    draw(top);
}

static void on_signal(uv_signal_t *handle, int signal)
{
    struct top *top = handle->data;
    if (signal == SIGWINCH || signal == SIGCONT)
        draw(top);
    else if (signal == SIGTSTP)
        suspend(top);
    else
        quit(top, 128 + signal);
}

static void on_key(void *user, char key)
{
    struct top *top = user;
    if (top->quits)
        return;
    if (key == 'q' || key == 'Q' || key == CTRL_C)
        quit(top, 0);
    else if (key == CTRL_Z)
        suspend(top);
}

/* ---- asking ---- */

static void note_trouble(struct top *top, const char *why)
{
    if (!top->trouble[0])
        top->trouble_us = clock_monotonic_us();
    snprintf(top->trouble, sizeof top->trouble, "%s", why);
}

static void take_answer(struct top *top, int code, struct str body)
{
    cJSON *status = code == 200 ? cJSON_ParseWithLength(body.p, body.n) : NULL;
    char why[80];
    if (cJSON_IsObject(status) && cJSON_IsString(cJSON_GetObjectItem(status, "state"))) {
        cJSON_Delete(top->status);
        top->status = status;
        top->trouble[0] = '\0';
        top_history_add(&top->history, status, clock_monotonic_us());
        return;
    }
    cJSON_Delete(status);
    if (code == 401 || code == 403)
        snprintf(why, sizeof why, "it wants a token: --token or SLUICE_TOKEN (%d)", code);
    else if (code != 200)
        snprintf(why, sizeof why, "it answers /status with %d", code);
    else
        snprintf(why, sizeof why, "this is no sluice: its /status has no state");
    note_trouble(top, why);
}

static void on_answer(void *user, int code, struct str body, const struct err *err)
{
    struct top *top = user;
    top->asking = false;
    if (top->quits)
        return;
    if (err->code)
        note_trouble(top, err->msg);
    else
        take_answer(top, code, body);
    if (top->once && top->trouble[0])
        fprintf(stderr, "sluice top: %s: %s\n", top->address, top->trouble);
    else
        draw(top);
    if (top->once)
        quit(top, top->trouble[0] ? 1 : 0);
}

static void on_timer(uv_timer_t *timer)
{
    struct top *top = timer->data;
    struct http_get_request request = {.host = top->to.host,
                                       .port = top->to.port,
                                       .tls = top->tls,
                                       .path = "/status",
                                       .token = top->token,
                                       .timeout_ms = ANSWER_MS_MAX,
                                       .done = on_answer,
                                       .user = top};
    if (top->asking) {
        draw(top); /* the clock goes on */
        return;
    }
    top->asking = true;
    http_get_start(&top->get, &top->loop, &request);
}

static int run_top(struct top *top)
{
    uv_loop_init(&top->loop);
    uv_timer_init(&top->loop, &top->timer);
    top->timer.data = top;
    for (int i = 0; i < WATCHED && !top->once; i++) {
        uv_signal_init(&top->loop, &top->signals[i]);
        top->signals[i].data = top;
        uv_signal_start(&top->signals[i], on_signal, watched[i]);
    }
    if (!top->once) {
        top_screen_open(&top->screen, &top->loop, on_key, top);
        draw(top);
    }
    uv_timer_start(&top->timer, on_timer, 0, POLL_MS);
    uv_run(&top->loop, UV_RUN_DEFAULT);
    cJSON_Delete(top->status);
    int open = uv_loop_close(&top->loop);
    if (open)
        fprintf(stderr, "sluice top: handles were left open on the loop: %s\n", uv_strerror(open));
    return open ? 1 : top->exit_code;
}

/* ---- the command ---- */

/* Nobody on the way may read a token, unless the user says so. */
static int check_token_is_safe(const struct top *top, bool insecure, struct err *err)
{
    if (!top->token || top->to.tls || insecure || listen_is_loopback(str_of(top->to.host)))
        return 0;
    return err_set(err, ERR_INVALID,
                   "the token would be readable on the way to %s: ask https://, or say --insecure",
                   top->to.host);
}

static int read_tls(struct top *top, const char *ca_file, struct err *err)
{
    if (ca_file && !top->to.tls)
        return err_set(err, ERR_INVALID, "--ca is for an address with https://");
    if (!top->to.tls)
        return 0;
    top->tls = http_get_tls_context(ca_file, err);
    return top->tls ? 0 : err->code;
}

/* Takes a copy of the token and hides that of the command line from the list of processes. */
static int read_token(struct top *top, const char *given, struct err *err)
{
    const char *token = given ? given : getenv("SLUICE_TOKEN");
    if (!token || !token[0])
        return 0;
    for (const char *p = token; *p; p++)
        if (*p <= 0x20 || *p == 0x7f)
            return err_set(err, ERR_INVALID, "the token has a character that no token has");
    top->token = strdup(token);
    if (!top->token)
        return err_set(err, ERR_NOMEM, "out of memory");
    if (given)
        memset((char *)(uintptr_t)given, '*', strlen(given));
    return 0;
}

struct top_arguments {
    const char *token, *ca_file;
    bool insecure;
    struct arg_list operands;
};

static int check(struct top *top, const struct top_arguments *given, struct err *err)
{
    top->address = given->operands.count ? given->operands.items[0] : LISTEN_DEFAULT;
    int code = top_address_parse(top->address, &top->to, err);
    if (code == 0)
        code = read_token(top, given->token, err);
    if (code == 0)
        code = check_token_is_safe(top, given->insecure, err);
    if (code == 0)
        code = read_tls(top, given->ca_file, err);
    if (code == 0 && !top->once && !isatty(STDOUT_FILENO))
        code = err_set(err, ERR_INVALID, "standard output is no terminal: --once prints one frame");
    const char *no_colour = getenv("NO_COLOR");
    top->colour = !top->once && !(no_colour && no_colour[0]);
    return code;
}

static const char epilogue[] =
    "Asks a running sluice (its --http address, 127.0.0.1:8080 without ADDR) every second and\n"
    "shows its state, source, queries and sinks. q or Ctrl-C quits. WMARK is the age of a\n"
    "watermark; with + it is ahead of the clock.\n"
    "\n"
    "https:// before ADDR speaks TLS; the server's certificate must be for ADDR, by an authority\n"
    "of the system or of --ca. A token goes over plain http only to this machine, or elsewhere\n"
    "with --insecure.\n"
    "\n"
    "Examples:\n"
    "  sluice top\n"
    "  sluice top stream.example:8080\n"
    "  sluice top https://stream.example:8443 --ca ca.pem\n"
    "  sluice top --once | grep lag\n"
    "\n"
    "Exit codes: 0 quit, 1 no answer (--once), 2 wrong usage, 128+N ended by signal N.\n";

int cli_top(int argc, char **argv)
{
    struct top *top = calloc(1, sizeof *top);
    struct top_arguments given = {0};
    if (!top) {
        fputs("sluice top: out of memory\n", stderr);
        return 1;
    }
    const struct arg_option table[] = {
        {"--once", ARG_FLAG, &top->once, NULL, "print one frame without colours, then exit", NULL},
        {"--token", ARG_STRING, &given.token, "TOKEN",
         "bearer token of the server (default: SLUICE_TOKEN)", NULL},
        {"--ca", ARG_STRING, &given.ca_file, "FILE",
         "PEM file of authorities to trust instead of the system's, for https", NULL},
        {"--insecure", ARG_FLAG, &given.insecure, NULL,
         "send the token over plain http to another machine", NULL},
    };
    const struct arg_spec spec = {.command = "sluice top",
                                  .summary = "Shows a running sluice in the terminal.",
                                  .operand = "[ADDR:PORT]",
                                  .operands_max = 1,
                                  .options = table,
                                  .option_count = COUNT_OF(table),
                                  .epilogue = epilogue};
    struct err err = {0};
    int exit_code = 0;
    int code = args_parse(&spec, argc, argv, &given.operands, &err);
    if (code == 0)
        code = check(top, &given, &err);
    if (code == 0)
        exit_code = run_top(top);
    else if (code != ARGS_HELP)
        exit_code = args_usage_error(&spec, &err);
    arg_list_fini(&given.operands);
    SSL_CTX_free(top->tls);
    free(top->token);
    free(top);
    return exit_code;
}
