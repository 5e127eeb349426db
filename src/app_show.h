/* app_show.h: what an app shows of itself: metrics (app_metrics.c), state and /status
 * (app_status.c). */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "batch/batch.h"
#include "http/server.h"

struct app;
struct app_slot;

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

/* app_status.c */
extern const struct http_hooks app_http_hooks;
/* {"topic":{"0":1}} of these offsets, one per source partition. */
void app_print_offsets(const struct app *app, const int64_t *offsets, uint32_t count,
                       struct buf *out);
