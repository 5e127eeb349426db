/* app.h: one running pipeline: source, engine, batches, sinks and HTTP on a loop. The app is the
 * only place that wires these modules. The turn of the loop and the stop order are in app.c,
 * the start in app_open.c, what a batch does in app_batch.c, what is shown in app_status.c and
 * app_metrics.c. */
#pragma once

#include <uv.h>

#include "os/log.h"
#include "plan/plan.h"

struct app;

struct local_os;
struct source;
struct source_hooks;
struct plan_partition_offset;
struct notify;

/* A world that tests give an app instead of Kafka and the system's file calls. */
struct app_world {
    const struct local_os *os; /* of local stores */
    /* resume NULL: a new run begins where it likes. */
    int (*open_source)(void *user, struct source **out, uv_loop_t *loop,
                       const struct source_hooks *hooks, const struct plan_partition_offset *resume,
                       uint32_t resume_count, struct err *err);
    void *user;
};

struct app_options {
    const struct plan *plan; /* must outlive the app */
    const struct log *log;   /* likewise */
    int stdout_fd;           /* console sinks write here; usually 1 */
    size_t memory_bytes;     /* the budget of the one memory account */
    bool available_now;      /* read what is there at start, then finish */
    /* > 0: print the queries' rows over that many records from startingOffsets, then finish; the
     * checkpoint is neither read nor written. */
    int64_t preview_records;
    const char *const *reset_queries; /* names of queries whose state is dropped at the start */
    uint32_t reset_query_count;
    bool http_enabled;
    const char *http_host;
    uint16_t http_port;            /* 0: a free one */
    const struct notify *notify;   /* the service manager, told the state; NULL: none */
    const struct app_world *world; /* NULL: the real one */
    /* Called once, on the loop, when everything is closed; exit_code 0 done, 1 failed. */
    void (*finished)(void *user, int exit_code);
    void *user;
};

enum { APP_MEMORY_DEFAULT = 64 << 20, APP_MEMORY_MIN = 16 << 20 };

/* Binds the queries, opens sinks and HTTP, starts the source. ERR_NOMEM. A part that cannot be
 * opened (a busy port, a directory) is logged and finishes the app with exit code 1, like any later
 * failure. */
int app_create(struct app **out, uv_loop_t *loop, const struct app_options *options,
               struct err *err) MUST_CHECK;

/* Seals and commits what is read, then finishes. */
void app_stop(struct app *app);

/* After `finished`. */
void app_destroy(struct app *app);

/* Records read from the source so far; for the demo, which paces its producer by it. */
uint64_t app_records_read(const struct app *app);
