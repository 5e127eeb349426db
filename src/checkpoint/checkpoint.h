/* checkpoint.h: the place where a pipeline's progress is kept (PIPELINE.md 5), through a store:
 *
 *     metadata                       its id, the offsets it began at
 *     owner/<epoch>, .heartbeat      who may decide
 *     state/<batch>.<epoch>.snapshot|.delta[.<n>]
 *     staged/<batch>.<epoch>.<query>.<sink>
 *     commits/<batch>                the decisions (batch/record.h)
 *
 * One batch is saved at a time: its state and what sinks stage are put while it prepares, then it
 * is decided. All on the loop; callbacks come later, never from inside the call. */
#pragma once

#include "batch/record.h"
#include "checkpoint/metadata.h"
#include "os/log.h"
#include "store/store.h"

struct checkpoint;

enum checkpoint_stage {
    CHECKPOINT_OPENING,
    CHECKPOINT_OPEN,
    CHECKPOINT_FAILED, /* err says why; also when another owner took over */
};

struct checkpoint_options {
    const struct log *log;
    struct str location; /* for messages; copied */
    struct store *store; /* rooted there; outlives the checkpoint */
    /* A lock of the store guards it already: no heartbeat, no takeover decision. */
    bool locked;
    const char *new_id; /* for a checkpoint that does not exist yet */
    const char *run_id;
    /* The stage changed, or room was made (checkpoint_state_full). */
    void (*changed)(void *user);
    void *user;
};

/* Begins to open: claims the next epoch and reads the newest decision. ERR_NOMEM. */
int checkpoint_create(struct checkpoint **out, uv_loop_t *loop,
                      const struct checkpoint_options *options, struct err *err) MUST_CHECK;
/* Ends what runs, gives the ownership back, frees it, then calls back, later. */
void checkpoint_close(struct checkpoint *checkpoint, void (*closed)(void *user), void *user);

enum checkpoint_stage checkpoint_stage(const struct checkpoint *checkpoint);
const struct err *checkpoint_error(const struct checkpoint *checkpoint);
/* What it waits for while opening, a sentence; empty: nothing. */
const char *checkpoint_waits_for(const struct checkpoint *checkpoint);

/* Adds the way out to an error that says what is damaged or missing. */
void checkpoint_add_hint(struct err *err);

/* ---- from OPEN on ---- */

/* Its id, also before metadata is written. */
const char *checkpoint_id(const struct checkpoint *checkpoint);
uint64_t checkpoint_epoch(const struct checkpoint *checkpoint);
bool checkpoint_is_locked(const struct checkpoint *checkpoint);
/* NULL: it is new, checkpoint_begin is due. */
const struct checkpoint_metadata *checkpoint_metadata(const struct checkpoint *checkpoint);
/* The newest decision, of this or an earlier process; NULL: there is none yet. */
const struct commit_record *checkpoint_record(const struct checkpoint *checkpoint);
/* Up to which batch all is known to be published: an earlier owner said so when it ended; -1:
 * nothing is known. */
int64_t checkpoint_published_through(const struct checkpoint *checkpoint);
/* The batch to be decided next. */
int64_t checkpoint_next_batch(const struct checkpoint *checkpoint);

typedef void (*checkpoint_callback)(void *user, int code, const struct err *err);

/* Makes a new checkpoint's starting offsets durable (.start of each). ERR_NOMEM: nothing began. */
int checkpoint_begin(struct checkpoint *checkpoint, const struct record_partition *starts,
                     uint32_t count, checkpoint_callback callback, void *user) MUST_CHECK;

/* Reads an object that the record names and checks its size and checksum; the bytes are in *data
 * (the caller's, appended to) when the callback comes. One at a time. */
void checkpoint_read(struct checkpoint *checkpoint, const struct record_object *object,
                     struct buf *data, checkpoint_callback callback, void *user);

/* ---- saving a batch: state and staged objects, then the decision ---- */

/* Whether the deltas since the last snapshot have added up so that a new one is due. */
bool checkpoint_wants_snapshot(const struct checkpoint *checkpoint);
/* Begins to save batch checkpoint_next_batch. */
void checkpoint_batch_begin(struct checkpoint *checkpoint);
/* Begins its state; a batch for which this is not called leaves the state as it was. ERR_NOMEM. */
int checkpoint_state_begin(struct checkpoint *checkpoint, bool snapshot) MUST_CHECK;
/* Where whole chunks are appended, while not full. */
struct buf *checkpoint_state_buf(struct checkpoint *checkpoint);
/* Takes what was appended on its way when it is enough for a file, or the `end`. ERR_NOMEM. */
int checkpoint_state_push(struct checkpoint *checkpoint, bool end, struct err *err) MUST_CHECK;
/* Enough is on its way: append no more before `changed`. */
bool checkpoint_state_full(const struct checkpoint *checkpoint);

/* Puts bytes that a sink stages for the batch; they stay untouched until all is saved. The object
 * is filled in at once, its key lives until the next batch begins. kind: "" or a suffix that tells
 * two objects of one sink apart. ERR_NOMEM. */
int checkpoint_stage_object(struct checkpoint *checkpoint, struct str query, struct str sink,
                            struct str bytes, const char *kind, struct record_object *out,
                            struct err *err) MUST_CHECK;

/* Called back once when all that was pushed and staged for the batch is durable. */
void checkpoint_await_saved(struct checkpoint *checkpoint, checkpoint_callback callback,
                            void *user);

/* THE decision: puts the record under its key if that is free. Batch, epoch, ids, decided_ms and
 * state are filled in here. Fails with ERR_EXISTS, naming the new owner, when this process was
 * replaced: nothing may be published then. ERR_NOMEM at once: nothing began. */
int checkpoint_decide(struct checkpoint *checkpoint, struct commit_record *record,
                      checkpoint_callback callback, void *user) MUST_CHECK;
/* What is being saved or decided shall end soon, with ERR_CANCELLED or its result: whether a
 * decision was made may not be known then. Bytes that were given are free after the callback. */
void checkpoint_cancel(struct checkpoint *checkpoint);
/* All decided batches are published: what only older ones needed may go, in the background. */
void checkpoint_published(struct checkpoint *checkpoint);

/* ---- figures ---- */

struct checkpoint_figures {
    uint64_t state_bytes; /* of the snapshot and the deltas in use */
    uint64_t batch_bytes; /* all that the last decided batch put: state, staged, record */
    double batch_seconds; /* from checkpoint_batch_begin to the decision */
    int64_t decided_ms;   /* of the newest decision, also of an earlier process; 0: none */
};
struct checkpoint_figures checkpoint_figures(const struct checkpoint *checkpoint);
