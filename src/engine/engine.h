/* engine.h: what happens to records between source and sinks: decode the value, add the metadata
 * columns, transform, watermark, dedup, run every query, keep state. Pure: records in, blocks of
 * rows out.
 *
 * The source is decoded once, whatever the number of queries. */
#pragma once

#include "engine/state.h"
#include "plan/plan.h"
#include "vec/record.h"
#include "vec/vec.h"

/* The books of PIPELINE.md 3 for one query: each record read is in exactly one of the others. */
struct books {
    uint64_t read, malformed, filtered, no_event_time, future, deduplicated, late, accepted;
};

/* What one batch did for one query. */
struct query_counts {
    struct books books;
    uint64_t rows_out;
    uint64_t late_records; /* late in any window: the rows of lateRows with reason "late" */
    bool takes_part;       /* in this batch; known from the seal on */
    struct state_counts state;
    /* Known from the seal on; figures of Spark's StreamingQueryProgress. */
    uint64_t state_rows;
    size_t state_bytes;
    int64_t watermark_us; /* the closing watermark of this batch */
    uint64_t event_times; /* how many there were; 0: the next three mean nothing */
    int64_t event_min_us, event_max_us, event_avg_us;
};

/* What one batch did; the caller's memory, zeroed by engine_counts_reset. */
struct engine_counts {
    uint64_t records;   /* read from the source */
    uint64_t malformed; /* would set _corrupt_record, whatever the mode does with them */
    struct query_counts *queries;
};

struct engine;

/* Rows that are not a query's: source.deadLetter and source.lateRows. */
enum engine_extra { EXTRA_DEAD_LETTER, EXTRA_LATE_ROWS, EXTRA_COUNT };

/* Records that are left out, to be shown to a person: a few of each block. */
struct engine_lost {
    const char *reason; /* "malformed", "late", "future" */
    uint32_t query;     /* UINT32_MAX: of all */
    const struct record_block *records;
    uint32_t record; /* its index there */
};
enum { ENGINE_LOST_MAX = 3 };

/* Called for every block of rows. Block and strings are valid during the call. */
struct engine_hooks {
    void *user;
    int (*rows)(void *user, uint32_t query, const struct block *rows, struct err *err);
    /* Only for the extras that the plan has. */
    int (*extra)(void *user, enum engine_extra extra, const struct block *rows, struct err *err);
    /* At most ENGINE_LOST_MAX times for each reason and query of a block, whether or not the plan
     * has the extras; may be NULL. */
    void (*lost)(void *user, const struct engine_lost *lost);
};

/* Binds the plan's queries; the plan must outlive the engine. SQL problems of all queries are added
 * to `errors` (in error_arena), then ERR_INVALID; ERR_NOMEM otherwise. */
int engine_create(struct engine **out, const struct plan *plan, struct arena *error_arena,
                  struct plan_errors *errors) MUST_CHECK;
void engine_destroy(struct engine *engine);

/* Whether blocks of records must come with headers: something reads _headers. */
bool engine_reads_headers(const struct engine *engine);

/* The `reason` of dead letters, and of the metric that counts them. */
#define ENGINE_MALFORMED "malformed"

/* The columns of a query's rows, and of an extra's: a STRUCT. */
const struct type *engine_schema(const struct engine *engine, uint32_t query);
const struct type *engine_extra_schema(const struct engine *engine, enum engine_extra extra);
/* For `validate`: the columns decoded, transform, watermark and dedup; a query's conditions, keys,
 * aggregates, and what state it keeps until when. Indented lines. ERR_NOMEM. */
int engine_explain_source(const struct engine *engine, struct buf *out) MUST_CHECK;
int engine_explain_query(const struct engine *engine, uint32_t query, struct buf *out) MUST_CHECK;

/* A sentence about what is given and has no effect, of the source or of a query; NULL: none. */
const char *engine_source_warning(const struct engine *engine);
const char *engine_query_warning(const struct engine *engine, uint32_t query);

/* Takes the records of one partition through all queries, in order, and adds to `counts`. Fails
 * with ERR_INVALID at a malformed record under FAILFAST (naming its place) or on a query's run-time
 * error, with ERR_NOMEM, or with what the hook returned. */
int engine_process(struct engine *engine, const struct record_block *records,
                   int64_t batch_timestamp_ms, const struct engine_hooks *hooks,
                   struct engine_counts *counts, struct err *err) MUST_CHECK;

/* A partition of the source, as engine_seal is told about it. */
struct engine_partition {
    struct str topic;
    int32_t partition;
    bool unread; /* has records that are known and not read yet */
};

/* Ends the batch: every query that takes part (with `data` all of them, else those for which a
 * watermark moved) gives its rows and its state moves on; then the watermarks do. `partitions` is
 * asked only for watermark.perPartition, and only here. This begins it: takes_part is known then;
 * `counts` must stay until it is done. ERR_NOMEM. */
int engine_seal_begin(struct engine *engine, bool data, int64_t batch_timestamp_ms,
                      const struct engine_partition *partitions, uint32_t partition_count,
                      struct engine_counts *counts, struct err *err) MUST_CHECK;
/* Goes on for about `work` groups (at least 1; 4096 are a few milliseconds), with one call of a
 * hook at most; *done: the batch is sealed. Nothing but reading is allowed before that. The rows,
 * their order and their blocks do not depend on `work`. Fails as engine_process; the engine is
 * then fit only to be destroyed. */
int engine_seal_step(struct engine *engine, uint32_t work, const struct engine_hooks *hooks,
                     bool *done, struct err *err) MUST_CHECK;
/* All of it at once. */
int engine_seal(struct engine *engine, bool data, int64_t batch_timestamp_ms,
                const struct engine_partition *partitions, uint32_t partition_count,
                const struct engine_hooks *hooks, struct engine_counts *counts,
                struct err *err) MUST_CHECK;

/* Every partition is read to its end and has been silent for watermark.idleTimeout: the watermarks
 * follow the wall clock. Between records of a batch. */
void engine_idle(struct engine *engine, int64_t now_ms);
/* The timeout, or -1: watermark.idleTimeout is not given. */
int64_t engine_idle_timeout_ms(const struct engine *engine);

/* Whether a batch without data is due: some query with watermarked state saw its watermark move. */
bool engine_wants_batch(const struct engine *engine);

/* Memory the engine holds for decoded columns; for state. Bytes. */
size_t engine_bytes(const struct engine *engine);
size_t engine_state_bytes(const struct engine *engine);
/* Groups, sessions and keys kept, of all queries. */
uint64_t engine_state_rows(const struct engine *engine);
bool engine_keeps_state(const struct engine *engine, uint32_t query);

/* The lowest offset of a partition that open windows or sessions still hold, or -1. */
int64_t engine_low_offset(const struct engine *engine, struct str topic, int32_t partition);

/* ---- saved state: docs/state-format.md ---- */

/* All state (watermarks, dedup, groups) as bytes: everything, or what the last sealed batch
 * changed. Between a seal and the next record or seal; none may come before the saving is done. */
void engine_save_begin(struct engine *engine, enum state_extent extent);
/* Goes on for about `work` groups and appends whole chunks (about 256 KiB, or as little as there
 * is) to `out`, perhaps none yet; *done: that was the last one. The bytes do not depend on `work`.
 * Several files may hold what one saving gave, cut between calls. ERR_NOMEM. */
int engine_save_step(struct engine *engine, uint32_t work, struct buf *out, bool *done) MUST_CHECK;

/* Loads what was saved, into an engine that has seen no record: first the snapshot's files, then
 * those of each delta, all in their order. Queries named in `reset`, which must stay until
 * engine_load_end, start anew, as do those of which nothing was saved; what was saved of a query
 * that the plan does not have is left out. ERR_NOMEM. */
int engine_load_begin(struct engine *engine, const struct str *reset, uint32_t reset_count,
                      struct err *err) MUST_CHECK;
/* Goes on with a file for about `work` groups. *used: bytes read so far, 0 before the first call,
 * file.n when the file is done; the next call is with the same bytes (they may have moved), or
 * with the next file. ERR_CORRUPT: the bytes are damaged, cut off, foreign or of a newer version,
 * with the place in the file. ERR_INVALID: another query or source saved them (engine_*_fingerprint
 * differs). After an error the engine is fit only to be destroyed. */
int engine_load_step(struct engine *engine, struct str file, size_t *used, uint32_t work,
                     struct err *err) MUST_CHECK;
/* ERR_CORRUPT: the end is missing. */
int engine_load_end(struct engine *engine, struct err *err) MUST_CHECK;

/* What may not change as long as the state is kept: lines of text, nothing without state.
 * ERR_NOMEM. */
int engine_query_fingerprint(const struct engine *engine, uint32_t query,
                             struct buf *out) MUST_CHECK;
int engine_source_fingerprint(const struct engine *engine, struct buf *out) MUST_CHECK;

/* What one file of saved state has of the source or of a query. */
struct saved_section {
    struct str query; /* p NULL: the source */
    enum state_extent extent;
    uint64_t rows; /* groups, sessions or dedup keys, in this file */
    uint64_t bytes;
    bool begins, ends;    /* in this file */
    int64_t watermark_us; /* when it begins here: up to where windows had closed */
};

/* Walks through a file without an engine, checks it, and tells of each of its sections. Strings are
 * views into the file. ERR_CORRUPT. */
int engine_saved_describe(struct str file,
                          void (*section)(void *user, const struct saved_section *section),
                          void *user, struct err *err) MUST_CHECK;

/* ERR_NOMEM without memory; fini on all-zero is legal. */
int engine_counts_init(struct engine_counts *counts, const struct engine *engine) MUST_CHECK;
void engine_counts_fini(struct engine_counts *counts);
void engine_counts_reset(struct engine_counts *counts, const struct engine *engine);

/* read equals the sum of the outcomes. */
bool books_balance(const struct books *books);
void books_add(struct books *total, const struct books *more);
