/* app_tell.h: what an app tells by itself (app_tell.c): batches in the log, progress on the
 * terminal, its state to the service manager. */
#pragma once

#include "app.h"
#include "http/status.h"
#include "os/notify.h"

/* Catching up on a backlog: sampled once a second. */
struct app_backlog {
    bool active, told, rated;           /* now; ever; the rates below mean something */
    int quiet;                          /* seconds without, while active */
    int64_t base;                       /* sum of the positions where it began */
    int64_t sampled_us;                 /* monotonic; 0: never */
    uint64_t records;                   /* read, at the last sample */
    int64_t behind;                     /* offsets, at the last sample */
    double records_per_s, gained_per_s; /* read; by which it shrinks, may be negative */
};

/* Committed batches the log has not told of yet. */
struct app_batch_line {
    uint32_t batches;
    int64_t id; /* of the last */
    int64_t records, rows;
    int64_t duration_ms; /* of the longest */
    int64_t told_us;     /* monotonic: the last line */
};

/* A batch is about to be published, perhaps on the terminal. */
void app_tell_publish(struct app *app);
/* A batch was committed: app->last is it. */
void app_tell_batch(struct app *app);
/* Once a second. */
void app_tell_second(struct app *app);
/* The state has changed: the service manager shall know. */
void app_tell_manager(struct app *app);
/* Everything is closed. */
void app_tell_end(struct app *app);
/* False: the app is not catching up. */
bool app_progress_of(const struct app *app, struct status_progress *out);
