/* state.h: what an aggregating query keeps between batches: groups by window, sessions.
 *
 * The rows of a batch are folded into a table of the batch's own, one per window; sealing the batch
 * merges it into the state, as Spark merges a batch's partial aggregates: floating point results
 * depend on it. What the seal gives out is then read block by block, and windows that closed are
 * freed. Until the next fold, state_encode can save what the batch changed. */
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

/* Ends the batch: merges (the state's accumulator first, then the batch's, as Spark), and decides
 * what is given out: append: groups that close, update: groups the batch touched, complete: all.
 * Groups whose end is <= closing_us close and leave (not in complete mode, nor when not
 * watermarked). A query without keys has its one group from the first seal on. */
int state_seal(struct state *state, int64_t closing_us, struct state_counts *counts,
               struct err *err) MUST_CHECK;
/* The next groups that the seal gives out (at most BLOCK_ROWS_MAX), in the order of window start
 * (sessions: and end), then keys (NULL first, NaN last); 0 rows: that was all, and what closed is
 * freed. What was not read before the next fold or seal is not given. Strings are views into the
 * state, valid until the next call. */
int state_next(struct state *state, struct arena *arena, struct block *groups,
               struct err *err) MUST_CHECK;

uint64_t state_rows(const struct state *state); /* numRowsTotal: groups or sessions kept */
size_t state_bytes(const struct state *state);  /* memoryUsedBytes: all memory it holds */

/* The lowest offset of a partition that fed an open window or session (an event key: the groups of
 * one second), or -1: nothing in the state needs it. Looks at all of them. */
int64_t state_low_offset(const struct state *state, uint32_t partition);

enum state_extent {
    STATE_SNAPSHOT, /* everything */
    STATE_DELTA,    /* what the last sealed batch changed: groups as they are now, what left */
};

/* Between a seal that was read to its end and the next fold. Format: docs/state-format.md;
 * versioned, independent of the machine's byte order, the same state always gives the same bytes.
 */
int state_encode(const struct state *state, enum state_extent extent, struct buf *out) MUST_CHECK;
/* A snapshot replaces the content, a delta continues the one it was made after (read twice it does
 * no harm: a query that takes no part in a batch may save the last one's again). ERR_CORRUPT, with
 * a message that says whether the bytes are damaged, newer or of another query, leaves the state
 * fit only to be destroyed. */
int state_decode(struct state *state, struct str bytes, struct err *err) MUST_CHECK;
