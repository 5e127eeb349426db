/* state.h: what an aggregating query keeps between batches: groups by window, sessions.
 *
 * The rows of a batch are folded into a table of the batch's own, one per window; sealing the batch
 * merges it into the state, as Spark merges a batch's partial aggregates: floating point results
 * depend on it. Then the groups are given out block by block, and windows that closed are freed.
 * All of this is done in steps, as is saving: what is there may be large, and nobody waits. Until
 * the next fold, what the batch changed can be saved. */
#pragma once

#include "plan/plan.h"
#include "sql/aggregate.h"
#include "sql/query.h"

struct state;

/* What became of a row. */
enum state_fate {
    STATE_ACCEPTED,
    STATE_NO_EVENT_TIME, /* windows: its time is NULL; sessions also: no gap, or none above 0 */
    STATE_LATE_SOME,     /* sliding windows: late in some, accepted in others */
    STATE_LATE,          /* late in all its windows */
};

/* What one fold or seal did; added to, never reset. */
struct state_counts {
    uint64_t late_pairs; /* (row, window) pairs dropped: numRowsDroppedByWatermark */
    /* Groups that the batch touched: numRowsUpdated, known at the seal. Sessions: all those of the
     * keys it touched, as Spark counts them. */
    uint64_t updated;
};

/* Counts work down that was done. */
static inline void state_spend(uint32_t *work, uint64_t cost)
{
    *work -= *work < cost ? *work : (uint32_t)cost;
}

/* Where rows come from: for each open window the lowest offset per partition that fed it is kept.
 * Partitions are the caller's small numbers. offsets[i] is row i's, ascending. */
struct state_origin {
    uint32_t partition;
    const int64_t *offsets;
};

/* The grouping belongs to the query, which must outlive the state. ERR_NOMEM. */
int state_create(struct state **out, const struct sql_grouping *grouping,
                 enum plan_output_mode mode) MUST_CHECK;
void state_destroy(struct state *state);

/* Folds the rows of one block (sql_run_inputs) into the batch; windows: sql_run.windows. Rows are
 * late when their window's or session's end, or their event key, is <= late_us; nothing is when the
 * grouping is not watermarked or, but for sessions (as in Spark), in complete mode. fates[i] is set
 * for every row. Keys and strings are copied; origin NULL: nobody will ask for offsets. */
int state_fold(struct state *state, const struct block *inputs, const uint32_t *windows,
               const struct state_origin *origin, int64_t late_us, uint8_t *fates,
               struct state_counts *counts, struct err *err) MUST_CHECK;

/* Ends the batch, as state_seal_step does it: merges (the state's accumulator first, then the
 * batch's, as Spark), and decides what is given out: append: groups that close, update: groups the
 * batch touched, complete: all. Groups whose end is <= closing_us close and leave (not in complete
 * mode, nor when not watermarked). A query without keys has its one group from the first seal on.
 * `counts` must stay until it is done. */
void state_seal_begin(struct state *state, int64_t closing_us, struct state_counts *counts);
/* Instead, when the query has no part in a batch, which had no rows: forgets what the batch before
 * changed. */
void state_pass_begin(struct state *state);
/* Goes on until *work, which is counted down, is about 0, a block is full, or all is *done. The
 * groups (rows 0: none this time; blocks are full but for the last) come in the order of window
 * start (sessions: and end), then keys (NULL first, NaN last). Strings are views into the state,
 * valid until the next call. No fold before it is done. After an error the state is fit only to be
 * destroyed. */
int state_seal_step(struct state *state, uint32_t *work, struct arena *arena, struct block *groups,
                    bool *done, struct err *err) MUST_CHECK;

uint64_t state_rows(const struct state *state); /* numRowsTotal: groups or sessions kept */
size_t state_bytes(const struct state *state);  /* memoryUsedBytes: all memory it holds */

/* The lowest offset of a partition that fed an open window or session (an event key: the groups of
 * one second), or -1: nothing in the state needs it. Looks at all of them. */
int64_t state_low_offset(const struct state *state, uint32_t partition);

enum state_extent {
    STATE_SNAPSHOT, /* everything */
    STATE_DELTA,    /* what the last sealed batch changed: groups as they are now, what left */
};

/* What the state is made of, as bytes for the chunks of saved.h: docs/state-format.md. Between a
 * seal that is done and the next fold. */
void state_save_begin(struct state *state, enum state_extent extent);
/* Appends to the chunk whose content is in `out`, until about SAVED_CHUNK_BYTES are in it, *work is
 * about 0 or all is *done; *rows counts the groups. ERR_NOMEM. */
int state_save_step(struct state *state, struct buf *out, uint32_t *rows, uint32_t *work,
                    bool *done) MUST_CHECK;
/* Up to where windows had closed when the batch was sealed; INT64_MIN: nothing closes. */
int64_t state_closing_us(const struct state *state);

/* Loads: a snapshot into an empty state, then deltas. */
void state_load_begin(struct state *state, enum state_extent extent);
/* Reads on in a chunk that has *rows more groups, until *work is about 0. ERR_CORRUPT, ERR_NOMEM:
 * the state is fit only to be destroyed. */
int state_load_step(struct state *state, struct state_reader *in, uint32_t *rows,
                    uint32_t *work) MUST_CHECK;
/* After a delta: what closed by then leaves, as state_seal_step does it (without groups). */
void state_load_close(struct state *state, int64_t closing_us);
