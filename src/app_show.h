/* app_show.h: what an app shows of itself: metrics (app_metrics.c), state and /status
 * (app_status.c), how fast it reads (app_pace.c), its newest rows (app_samples.c). */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "batch/batch.h"
#include "engine/engine.h"
#include "http/server.h"
#include "http/status.h"

struct app;
struct app_slot;
struct app_samples;

/* app_metrics.c */
int app_metrics_init(struct app *app) MUST_CHECK;
void app_metrics_fini(struct app *app);
/* The outputs are open. */
void app_metrics_outputs(struct app *app);
void app_metrics_checkpoint(struct app *app);
void app_metrics_committed(struct app *app, const struct batch *batch, const struct app_slot *slot);
/* The text of /metrics (struct http_hooks). */
void app_print_metrics(void *user, struct buf *out);
/* Brings the memory account up to date. */
void app_update_memory(struct app *app);
/* Back pressure holds the whole source. */
bool app_source_held(const struct app *app);
/* 0 when `to` is not later. */
double app_seconds_between(int64_t from_ms, int64_t to_ms);

/* The last look at the source; app_pace.c. */
struct app_pace {
    int64_t at_us; /* monotonic; 0: none yet */
    uint32_t partitions;
    int64_t position, end;          /* sums over the partitions */
    uint64_t records;               /* read so far */
    double read_per_s, added_per_s; /* negative: not known yet */
};

/* Offsets between where the source is and its end. */
int64_t app_behind(const struct app *app);
/* Once a second. */
void app_pace_tick(struct app *app);

/* app_samples.c */
int app_samples_init(struct app *app) MUST_CHECK; /* after the engine */
void app_samples_fini(struct app *app);
/* Rows of a query; records left out (struct engine_hooks). */
void app_samples_rows(struct app *app, uint32_t query, const struct block *rows);
void app_samples_lost(void *user, const struct engine_lost *lost);
/* /samples (struct http_hooks). */
void app_print_samples(void *user, struct buf *out);
uint64_t app_samples_version(void *user);

/* app_status.c */
/* reason: why; empty: nothing to say. It lives as long as the app does not move. */
enum status_state app_state(const struct app *app, struct str *reason);
/* How long ago the oldest record that is not committed was read; -1: there is none. */
int64_t app_uncommitted_ms(const struct app *app);
extern const struct http_hooks app_http_hooks;
/* {"topic":{"0":1}} of these offsets, one per source partition. */
void app_print_offsets(const struct app *app, const int64_t *offsets, uint32_t count,
                       struct buf *out);
