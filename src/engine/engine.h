/* engine.h: what happens to records between source and sinks: decode the value, add the metadata
 * columns, run every query. Pure: records in, blocks of rows out.
 *
 * The source is decoded once, whatever the number of queries. */
#pragma once

#include "plan/plan.h"
#include "vec/record.h"
#include "vec/vec.h"

/* The books of PIPELINE.md 3 for one query: each record read is in exactly one of the others. */
struct books {
    uint64_t read, malformed, filtered, no_event_time, future, deduplicated, late, accepted;
};

/* What one batch did; the caller's memory, zeroed by engine_counts_reset. */
struct engine_counts {
    uint64_t records;    /* read from the source */
    uint64_t malformed;  /* would set _corrupt_record, whatever the mode does with them */
    struct books *books; /* per query */
    uint64_t *rows_out;  /* per query */
};

struct engine;

/* Called for every block of rows a query gives. Block and strings are valid during the call. */
struct engine_hooks {
    void *user;
    int (*rows)(void *user, uint32_t query, const struct block *rows, struct err *err);
};

/* Binds the plan's queries; the plan must outlive the engine. SQL problems of all queries are added
 * to `errors` (in error_arena), then ERR_INVALID; ERR_NOMEM otherwise. */
int engine_create(struct engine **out, const struct plan *plan, struct arena *error_arena,
                  struct plan_errors *errors) MUST_CHECK;
void engine_destroy(struct engine *engine);

/* The columns of a query's rows: a STRUCT. */
const struct type *engine_schema(const struct engine *engine, uint32_t query);

/* Takes the records of one partition through all queries, in order, and adds to `counts`. Fails
 * with ERR_INVALID at a malformed record under FAILFAST (naming its place) or on a query's run-time
 * error, with ERR_NOMEM, or with what the hook returned. */
int engine_process(struct engine *engine, const struct record_block *records,
                   int64_t batch_timestamp_ms, const struct engine_hooks *hooks,
                   struct engine_counts *counts, struct err *err) MUST_CHECK;

/* Memory the engine holds for decoded columns, bytes. */
size_t engine_bytes(const struct engine *engine);

/* ERR_NOMEM without memory; fini on all-zero is legal. */
int engine_counts_init(struct engine_counts *counts, const struct engine *engine) MUST_CHECK;
void engine_counts_fini(struct engine_counts *counts);
void engine_counts_reset(struct engine_counts *counts, const struct engine *engine);

/* read equals the sum of the outcomes. */
bool books_balance(const struct books *books);
void books_add(struct books *total, const struct books *more);
