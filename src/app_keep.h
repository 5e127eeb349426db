/* app_keep.h: an app and its checkpoint: what a batch leaves there (app_checkpoint.c), and what
 * comes before the first batch (app_recover.c). */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "batch/batch.h"
#include "plan/plan.h"
#include "sink/sink.h"

struct app;

/* Before the first batch (app_recover.c). */
enum recover_step {
    RECOVER_STATE,
    RECOVER_OUTPUTS,
    RECOVER_ROLLED,
    RECOVER_SWEEP,
    RECOVER_DONE,
};

struct app_recovery {
    enum recover_step step;
    uint32_t at;           /* of the record's files, outputs; of the sinks */
    bool reading, loading; /* an object is read, state is loaded */
    struct sink *busy;     /* it recovers, restores or sweeps */
    bool loads;
    struct buf data; /* the object */
    size_t used;     /* of it */
    /* What a sink is given. */
    struct sink_recovery given;
    struct arena arena;
    struct str *reset; /* queries whose state is not loaded */
    uint32_t reset_count;
};

/* app_checkpoint.c */
int app_open_checkpoint(struct app *app, struct err *err) MUST_CHECK;
/* Whether batches save state at all. */
bool app_saves_state(const struct app *app);
/* A batch seals. ERR_NOMEM. */
int app_begin_save(struct app *app) MUST_CHECK;
/* Encodes the state of the batch that seals, in steps. ERR_NOMEM. */
int app_save_begin(struct app *app) MUST_CHECK;
int app_save_step(struct app *app, bool *done, struct err *err) MUST_CHECK;
/* Enough of it is on its way: a turn comes when there is room. */
bool app_save_waits(const struct app *app);
void app_prepare_checkpoint(struct app *app, struct batch *batch);
void app_decide(struct app *app, struct batch *batch);
/* A slice was closed. ERR_NOMEM. */
int app_note_slice(struct app *app) MUST_CHECK;
/* app->closing counts the callbacks of these. */
void app_close_checkpoint(struct app *app);
void app_close_checkpoint_store(struct app *app);

/* app_recover.c */
bool app_recovered(const struct app *app);
void app_recover_turn(struct app *app);
int app_resume_offsets(struct app *app, const struct plan_partition_offset **out,
                       uint32_t *count) MUST_CHECK;
/* A new checkpoint's starting offsets are durable; begins to make them so. */
bool app_begun(struct app *app);
