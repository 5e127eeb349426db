/* batch.h: THE state machine of a micro-batch (PIPELINE.md 3 and 5). Pure: time and what the source
 * knows come in as arguments, what is to be done goes out through batch_ops.
 *
 * Read as if it could wait, one batch is
 *
 *     await fill:    open outputs; while not batch_seal_reason(): slice by slice, rows into outputs
 *     await free:    until the batch before is published        (the source is held meanwhile)
 *     await seal:    queries give their rows, their state is encoded, in steps  (held meanwhile)
 *     await prepare: all outputs written, but invisible         (joins a ticket per piece of work)
 *     await decide:  the one record that makes it count         (commits/<batch>)
 *     await publish: outputs made visible                       (joins one ticket per output)
 *     done:          report offsets and metrics; the slot is free
 *
 * Two batches exist: one filling, one from seal to done. When the filling one is full and the other
 * is not done, or what fills it is on its way to a store, batch_slice_offsets_max() is 0: back
 * pressure is this state, not a heuristic. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

enum batch_stage {
    BATCH_FREE,
    BATCH_FILLING,
    BATCH_SEALING,
    BATCH_PREPARING,
    BATCH_DECIDING,
    BATCH_PUBLISHING,
};

enum batch_seal_reason {
    SEAL_NOT,
    SEAL_FIRST,   /* the first batch of all: the end offsets at start are reached */
    SEAL_TRIGGER, /* the trigger is due and there are records */
    SEAL_CAP,     /* maxOffsetsPerTrigger is reached and no trigger needs to be waited for */
    SEAL_MEMORY,  /* its share of the memory budget is full */
    SEAL_END,     /* availableNow: everything there was at start is read */
    SEAL_STOP,    /* the process is to stop */
    SEAL_NO_DATA, /* a watermark moved, and no record came since: a batch without data */
};

struct batch {
    enum batch_stage stage;
    uint32_t slot; /* 0 or 1: names the caller's own part of the batch */
    int64_t id;    /* from open on: the batch before is sealed by then */
    uint32_t slices;
    int64_t offsets; /* that its closed slices cover */
    int64_t records; /* in its closed slices */
    enum batch_seal_reason reason;
    /* current_timestamp(): when the trigger it waits for is due; without an interval, and for batch
     * the first, when its first slice was opened. 0 before. */
    int64_t timestamp_ms;
    int64_t trigger_ms;                         /* when the trigger that sealed it was due */
    int64_t due_ms;                             /* wall clock, when it was to be sealed */
    int64_t sealed_ms, prepared_ms, decided_ms; /* wall clock, when each stage ended */
    uint32_t tickets;                           /* handed out in this stage and not yet joined */
    bool trigger_slice; /* the last slice before a due trigger's seal was opened */
    bool started;       /* the stage's operation has been asked for */
};

/* One piece of parallel work inside a stage ("upload lake", "state"). The holder's memory. */
struct batch_ticket {
    struct batch *batch;
    const char *name;
};

struct batch_machine;

/* What the machine asks for. prepare, decide and publish take one ticket per piece of work before
 * they return and join each exactly once, at any time, also at once. None may fail by return. */
struct batch_ops {
    void (*open)(void *user, struct batch *batch);
    /* The batch takes no more records. Then steps until one says that all is done; after a step
     * that says it is not, the caller brings the next turn. Failures: batch_machine_fail. */
    void (*seal)(void *user, struct batch *batch);
    bool (*seal_step)(void *user, struct batch *batch);
    void (*prepare)(void *user, struct batch *batch);
    void (*decide)(void *user, struct batch *batch);
    void (*publish)(void *user, struct batch *batch);
    void (*done)(void *user, struct batch *batch);
    void (*abandon)(void *user, struct batch *batch); /* unsealed rows are dropped */
};

struct batch_config {
    int64_t interval_ms; /* processingTime; 0: as fast as possible */
    bool available_now;
    int64_t offsets_per_trigger; /* maxOffsetsPerTrigger; 0: no cap */
    int64_t preview_offsets;     /* > 0: one batch of this many offsets, then finished */
    size_t bytes_max;            /* the outputs of one batch may hold this much memory */
    int64_t next_id;             /* of the first batch of this machine */
    bool resumed;                /* records were decided before: no batch is the first of all */
};

/* What the caller knows at a turn. */
struct batch_input {
    int64_t now_ms;     /* wall clock */
    int64_t pending;    /* offsets known to be unread, up to the limits that hold now */
    bool limit_reached; /* first batch, availableNow: all end offsets fixed at start are reached */
    size_t held_bytes;  /* memory the filling batch's outputs hold */
    bool draining;      /* some of it is on its way out: to wait is better than to seal */
    bool no_data_due;   /* a batch without data has something to do */
    int64_t slice_max;  /* offsets the next slice may take (slice_offsets_max) */
};

struct batch_machine {
    struct batch_config config;
    const struct batch_ops *ops;
    void *user;
    struct batch slots[2];
    struct batch *filling;    /* NULL while the one before is sealing */
    struct batch *committing; /* NULL: free */
    int64_t next_id;
    int64_t next_trigger_ms;
    int64_t cap_used; /* offsets of this trigger in batches that were sealed by memory */
    bool first;       /* the batch that fills is the first of all */
    bool slice_open;
    bool stopping, finished;
    struct err err; /* code != 0: failed; nothing moves any more */
};

void batch_machine_init(struct batch_machine *machine, const struct batch_config *config,
                        const struct batch_ops *ops, void *user, int64_t now_ms);

/* Moves every batch as far as it can go with what the caller knows: at most one is sealed. Call it
 * at every turn of the loop, and once more soon after a seal. */
void batch_machine_run(struct batch_machine *machine, const struct batch_input *input);

/* Offsets the next slice may take: 0 while one is open, while a batch seals, while the filling one
 * is full (see held) or when it is about to be sealed. */
int64_t batch_slice_offsets_max(const struct batch_machine *machine,
                                const struct batch_input *input);
/* The filling batch may take no more before the other is done, or before memory of its own outputs
 * has reached their store: the whole source is held. */
bool batch_held(const struct batch_machine *machine, const struct batch_input *input);
void batch_slice_opened(struct batch_machine *machine, int64_t now_ms);
void batch_slice_closed(struct batch_machine *machine, int64_t offsets, int64_t records);

/* Wall clock of the next turn that time alone makes necessary; INT64_MAX: none, also while a slice
 * is open or a batch commits, as their ends bring a turn. */
int64_t batch_next_turn_ms(const struct batch_machine *machine);

void batch_ticket_take(struct batch_ticket *ticket, struct batch *batch, const char *name);
/* Joins a piece of work; a failure (err->code != 0) fails the machine. */
void batch_ticket_join(struct batch_machine *machine, struct batch_ticket *ticket,
                       const struct err *err);

/* Seals what is read as soon as no slice is open and commits it; then `finished` is set. */
void batch_machine_stop(struct batch_machine *machine);
/* After a stop whose slice does not end: drops what is not sealed; it is read again next time. */
void batch_machine_abandon(struct batch_machine *machine);
/* Ends the machine with an error from outside (source, decoding, evaluation). */
void batch_machine_fail(struct batch_machine *machine, const struct err *err);

const char *batch_seal_reason_name(enum batch_seal_reason reason);
