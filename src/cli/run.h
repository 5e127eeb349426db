/* run.h: `sluice run`, and running an app until it finishes or a signal ends it. */
#pragma once

#include <uv.h>

#include "app.h"

/* argv[0] is "run". Returns the exit code. */
int cli_run(int argc, char **argv);

/* The options every command that runs a pipeline has. */
struct run_options {
    const char *http;   /* ADDR:PORT, or NULL */
    bool http_insecure; /* serve other machines without a token */
    int64_t memory_bytes;
    const char *log_format, *log_level;
};

#define RUN_LOG_LEVELS      "debug|info|warn|error"
#define RUN_LOG_FORMAT_HELP "default text on a terminal, else json"

/* Sets log and what it remembers from the options and checks the memory; prints a usage problem to
 * stderr: ERR_INVALID. */
int run_options_apply(const struct run_options *options, const char *command, struct log *log,
                      struct log_memory *memory) MUST_CHECK;
/* Splits ADDR:PORT (the address may be in brackets) into host (of size bytes) and port; prints a
 * usage problem to stderr and returns false. */
bool run_split_address(const char *command, const char *address, char *host, size_t size,
                       uint16_t *port);

/* Whether HTTP may listen there: other machines must know a token. Prints a usage problem to stderr
 * and returns false. */
bool run_check_listener(const char *command, const struct app_options *options,
                        const struct run_options *common);

/* What runs beside an app on its loop (the demo's producer). */
struct run_companion {
    void *user;
    void (*start)(void *user, uv_loop_t *loop, struct app *app);
    void (*stop)(void *user); /* the app has finished; close handles */
};

/* Runs the app on a loop of its own; SIGTERM and SIGINT stop it, a second one exits at once.
 * Returns the exit code. companion may be NULL. */
int run_app(struct app_options *options, const struct run_companion *companion);
