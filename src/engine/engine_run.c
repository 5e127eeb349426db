/* engine_run.c: one block of records through all stages: decode → transform → watermark → dedup →
 * queries (PIPELINE.md 1 and 3). */
#include <stdlib.h>

#include "engine/engine_impl.h"
#include "format/raw_decode.h"

/* One block on its way. */
struct pass {
    struct engine *engine;
    const struct record_block *records;
    const struct sql_batch_context *context;
    const struct engine_hooks *hooks;
    struct engine_counts *counts;
    struct err *err;
    uint32_t partition;       /* of the engine */
    struct block view;        /* what queries read */
    const uint32_t *origin;   /* view row → record; NULL: the same */
    uint8_t *shared;          /* per record: its outcome before the queries */
    uint8_t *outcomes;        /* per record: its outcome in the query under way */
    const uint32_t *distinct; /* after dedup: the view's rows that stay; NULL: all */
    uint32_t distinct_count;
    uint32_t late; /* view rows that were too late for dedup */
};

/* What became of a record; where it makes several rows, the highest of theirs. */
enum outcome {
    OUTCOME_FILTERED,
    OUTCOME_NO_EVENT_TIME,
    OUTCOME_FUTURE,
    OUTCOME_DEDUPLICATED,
    OUTCOME_LATE,
    OUTCOME_ACCEPTED,
    OUTCOME_MALFORMED,
    OUTCOME_COUNT,
};

static int nomem(struct err *err)
{
    return err_set(err, ERR_NOMEM, "out of memory for a block of records");
}

static int decode(struct pass *pass)
{
    struct engine *engine = pass->engine;
    const struct record_block *records = pass->records;
    memset(engine->malformed, 0, records->count);
    switch (engine->plan->value.format) {
    case FORMAT_JSON:
        return json_decode_block(engine->decoder, records->records, records->count,
                                 pass->context->batch_timestamp_us, &engine->arena, &pass->view,
                                 engine->malformed, pass->err);
    case FORMAT_TEXT:
        return text_decode_block(records->records, records->count, &engine->arena, &pass->view,
                                 pass->err);
    case FORMAT_BINARY:
        return binary_decode_block(records->records, records->count, &engine->arena, &pass->view,
                                   pass->err);
    }
    return ERR_INVALID;
}

static int fail_fast(const struct record_block *records, uint32_t row, struct err *err)
{
    return err_set(err, ERR_INVALID,
                   "malformed record in topic %.*s, partition %d, offset %lld: it does not fit the "
                   "schema, and mode is FAILFAST",
                   STR_ARG(records->topic), records->partition,
                   (long long)records->records[row].offset);
}

static int gather_rows(struct pass *pass, const uint32_t *picks, uint32_t rows)
{
    struct block *block = &pass->view;
    for (uint32_t i = 0; i < block->col_count; i++) {
        struct vec kept;
        if (!block->cols[i].type)
            continue; /* a column nobody uses */
        if (vec_gather(&kept, &block->cols[i], picks, rows, &pass->engine->arena) != 0)
            return nomem(pass->err);
        block->cols[i] = kept;
    }
    block->rows = rows;
    pass->origin = picks;
    return 0;
}

static void show_malformed(const struct pass *pass)
{
    struct engine_lost lost = {ENGINE_MALFORMED, UINT32_MAX, pass->records, 0};
    uint32_t shown = 0;
    for (uint32_t i = 0; pass->hooks->lost && i < pass->records->count; i++) {
        if (!pass->engine->malformed[i])
            continue;
        lost.record = i;
        pass->hooks->lost(pass->hooks->user, &lost);
        if (++shown == ENGINE_LOST_MAX)
            return;
    }
}

/* Counts malformed records and does with them what the mode says. */
static int treat_malformed(struct pass *pass)
{
    struct engine *engine = pass->engine;
    const struct record_block *records = pass->records;
    enum plan_json_mode mode = engine->plan->value.mode;
    uint32_t bad = 0, kept = 0;
    for (uint32_t i = 0; i < records->count; i++) {
        if (engine->malformed[i] && mode == JSON_FAILFAST)
            return fail_fast(records, i, pass->err);
        bad += engine->malformed[i];
        engine->picks[kept] = i;
        kept += !engine->malformed[i];
    }
    pass->counts->malformed += bad;
    if (bad)
        show_malformed(pass);
    int code = bad && engine->extra_schema[EXTRA_DEAD_LETTER]
                   ? engine_dead_letters(engine, records, engine->malformed, pass->hooks, pass->err)
                   : 0;
    if (code != 0 || bad == 0 || mode != JSON_DROPMALFORMED)
        return code;
    for (uint32_t i = 0; i < records->count; i++)
        pass->shared[i] = engine->malformed[i] ? OUTCOME_MALFORMED : OUTCOME_FILTERED;
    return gather_rows(pass, engine->picks, kept);
}

static int transform(struct pass *pass)
{
    struct engine *engine = pass->engine;
    struct sql_run run;
    struct block out;
    if (!engine->transform)
        return 0;
    int code = sql_run_begin(&run, engine->transform, &pass->view, pass->context, &engine->arena,
                             pass->err);
    if (code == 0)
        code = sql_run_early(&run);
    if (code == 0)
        code = sql_run_late(&run);
    if (code == 0)
        code = sql_run_items(&run, &out);
    if (code != 0)
        return code == ERR_NOMEM ? code : err_prefix(pass->err, "transform");
    pass->view = out;
    if (!run.picks)
        return 0;
    uint32_t *origin = arena_alloc(&engine->arena, (run.rows + 1) * sizeof *origin);
    if (!origin)
        return nomem(pass->err);
    for (uint32_t i = 0; i < run.rows; i++)
        origin[i] = pass->origin ? pass->origin[run.picks[i]] : run.picks[i];
    pass->origin = origin;
    return 0;
}

static uint32_t record_of(const struct pass *pass, uint32_t view_row)
{
    return pass->origin ? pass->origin[view_row] : view_row;
}

static inline void mark(const struct pass *pass, uint8_t *outcomes, uint32_t view_row,
                        enum outcome outcome)
{
    uint8_t *known = &outcomes[record_of(pass, view_row)];
    if (*known < outcome)
        *known = outcome;
}

static void mark_all(const struct pass *pass, uint8_t *outcomes, const uint32_t *rows, uint32_t n,
                     enum outcome outcome)
{
    for (uint32_t i = 0; i < n; i++)
        mark(pass, outcomes, rows ? rows[i] : i, outcome);
}

/* ---- event time ---- */

static const struct vec *event_times(const struct pass *pass)
{
    int column = pass->engine->view.event_time;
    return column < 0 ? NULL : &pass->view.cols[column];
}

/* Whether a row lies further ahead of its broker timestamp than watermark.futureLimit. */
static bool is_future(const struct pass *pass, const struct vec *times, uint32_t row)
{
    int64_t limit_ms = pass->engine->plan->watermark.future_limit_ms;
    int64_t broker_ms = pass->records->records[record_of(pass, row)].timestamp_ms;
    int64_t limit_us;
    if (limit_ms < 0 || broker_ms < 0 || vec_is_null(times, row))
        return false;
    return !__builtin_add_overflow(broker_ms, limit_ms, &limit_us) &&
           !__builtin_mul_overflow(limit_us, 1000, &limit_us) && times->i64[row] > limit_us;
}

/* Parts n rows (of the view, or all) into those that stay and those of the future. */
static int part_future(struct pass *pass, const uint32_t *rows, uint32_t n, uint32_t **kept,
                       uint32_t *kept_count, uint32_t **future, uint32_t *future_count)
{
    const struct vec *times = event_times(pass);
    *kept = arena_alloc(&pass->engine->arena, (n + 1) * sizeof **kept);
    *future = arena_alloc(&pass->engine->arena, (n + 1) * sizeof **future);
    if (!*kept || !*future)
        return nomem(pass->err);
    *kept_count = *future_count = 0;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t row = rows ? rows[i] : i;
        if (is_future(pass, times, row))
            (*future)[(*future_count)++] = row;
        else
            (*kept)[(*kept_count)++] = i;
    }
    return 0;
}

static int observe(struct pass *pass, struct watermark *mark, const uint32_t *rows, uint32_t n)
{
    const struct vec *times = event_times(pass);
    struct watermark_times seen = {0};
    for (uint32_t i = 0; i < n; i++) {
        uint32_t row = rows ? rows[i] : i;
        if (!vec_is_null(times, row))
            watermark_see(&seen, times->i64[row]);
    }
    return watermark_add(mark, pass->partition, &seen) == 0 ? 0 : nomem(pass->err);
}

/* ---- dedup ---- */

static int late_rows(struct pass *pass, uint32_t query, const char *reason, int64_t watermark_us,
                     const uint32_t *rows, uint32_t n)
{
    for (uint32_t i = 0; pass->hooks->lost && i < n && i < ENGINE_LOST_MAX; i++) {
        struct engine_lost lost = {reason, query, pass->records, record_of(pass, rows[i])};
        pass->hooks->lost(pass->hooks->user, &lost);
    }
    if (n == 0 || !pass->engine->extra_schema[EXTRA_LATE_ROWS])
        return 0;
    return engine_late_rows(pass->engine, query, reason, watermark_us, &pass->view, rows, n,
                            pass->hooks, pass->err);
}

/* The same rows were dropped for every query. */
static int late_rows_for_all(struct pass *pass, const char *reason, const uint32_t *rows,
                             uint32_t n)
{
    int code = 0;
    for (uint32_t q = 0; q < pass->engine->plan->query_count && code == 0; q++)
        code = late_rows(pass, q, reason, pass->engine->dedup_mark.late_us, rows, n);
    return code;
}

/* Splits the kept rows by what dedup says of them; late ones go to lateRows. */
static int sort_duplicates(struct pass *pass, uint32_t *rows, uint32_t n, const uint8_t *fates)
{
    uint32_t *late = arena_alloc(&pass->engine->arena, (n + 1) * sizeof *late);
    if (!late)
        return nomem(pass->err);
    pass->distinct = rows;
    for (uint32_t i = 0; i < n; i++) {
        if (fates[i] == DEDUP_LATE)
            late[pass->late++] = rows[i];
        else if (fates[i] == DEDUP_DUPLICATE)
            mark(pass, pass->shared, rows[i], OUTCOME_DEDUPLICATED);
        else
            rows[pass->distinct_count++] = rows[i];
    }
    mark_all(pass, pass->shared, late, pass->late, OUTCOME_LATE);
    return late_rows_for_all(pass, "late", late, pass->late);
}

static int run_dedup(struct pass *pass)
{
    struct engine *engine = pass->engine;
    struct watermark *watermark = &engine->dedup_mark;
    uint32_t n = engine->plan->dedup_count, *rows, *future;
    struct vec *keys = ARENA_ARRAY(&engine->arena, struct vec, n + 1);
    uint32_t count, future_count;
    if (!engine->dedup)
        return 0;
    if (!keys)
        return nomem(pass->err);
    int code = part_future(pass, NULL, pass->view.rows, &rows, &count, &future, &future_count);
    if (code == 0)
        code = late_rows_for_all(pass, "future", future, future_count);
    if (code == 0)
        code = observe(pass, watermark, rows, count);
    if (code != 0)
        return code;
    mark_all(pass, pass->shared, future, future_count, OUTCOME_FUTURE);
    for (uint32_t i = 0; i <= n; i++) {
        uint32_t column = i < n ? engine->dedup_columns[i] : (uint32_t)engine->view.event_time;
        if (vec_gather(&keys[i], &pass->view.cols[column], rows, count, &engine->arena) != 0)
            return nomem(pass->err);
    }
    struct state_counts counts = {0};
    code = dedup_fold(engine->dedup, keys, &keys[n], count, watermark->late_us, engine->fates,
                      &counts, pass->err);
    for (uint32_t q = 0; q < engine->plan->query_count; q++)
        pass->counts->queries[q].state.late_pairs += counts.late_pairs;
    return code == 0 ? sort_duplicates(pass, rows, count, engine->fates) : code;
}

/* ---- one query ---- */

/* Rows of one record, which are beside one another: the row of the view, and what is told of it. */
struct fate {
    uint32_t row;
    bool late, accepted;
};

/* What the state made of the rows of one place in the view, which follow one another. Returns the
 * first row behind them. */
static uint32_t join_fates(const struct sql_run *run, const uint8_t *fates, uint32_t i,
                           struct fate *fate)
{
    *fate = (struct fate){.row = run->picks ? run->picks[i] : i};
    do {
        fate->late |= fates[i] == STATE_LATE_SOME || fates[i] == STATE_LATE;
        fate->accepted |= fates[i] == STATE_ACCEPTED || fates[i] == STATE_LATE_SOME;
        i++;
    } while (i < run->rows && run->picks && run->picks[i] == fate->row);
    return i;
}

/* Rows that the state dropped: into the books, and to lateRows. */
static int count_fates(struct pass *pass, uint32_t query, const struct sql_run *run)
{
    uint32_t *late = arena_alloc(&pass->engine->arena, (run->rows + 1) * sizeof *late), n = 0;
    struct fate fate;
    if (!late)
        return nomem(pass->err);
    for (uint32_t i = 0; i < run->rows;) {
        i = join_fates(run, pass->engine->fates, i, &fate);
        late[n] = fate.row;
        n += fate.late;
        mark(pass, pass->outcomes, fate.row,
             fate.accepted ? OUTCOME_ACCEPTED
             : fate.late   ? OUTCOME_LATE
                           : OUTCOME_NO_EVENT_TIME);
    }
    pass->counts->queries[query].late_records += n;
    return late_rows(pass, query, "late", pass->engine->queries[query].mark.late_us, late, n);
}

/* Rows that were made one per window, or none: those of a window are marked higher afterwards. */
static void mark_without_window(const struct pass *pass, const struct sql_run *before,
                                const struct sql_run *run)
{
    if (run->picks != before->picks || run->rows != before->rows)
        mark_all(pass, pass->outcomes, before->picks, before->rows, OUTCOME_NO_EVENT_TIME);
}

static int fold(struct pass *pass, uint32_t index, struct sql_run *run)
{
    struct engine_query *query = &pass->engine->queries[index];
    const struct record *records = pass->records->records;
    struct block inputs;
    const struct sql_run before = *run;
    int code = sql_run_inputs(run, &inputs);
    if (code != 0)
        return code;
    mark_without_window(pass, &before, run);
    int64_t *offsets = arena_alloc(&pass->engine->arena, (run->rows + 1) * sizeof *offsets);
    if (!offsets)
        return nomem(pass->err);
    for (uint32_t i = 0; i < run->rows; i++)
        offsets[i] = records[record_of(pass, run->picks ? run->picks[i] : i)].offset;
    struct state_origin origin = {.partition = pass->partition, .offsets = offsets};
    code = state_fold(query->state, &inputs, run->windows, &origin, query->mark.late_us,
                      pass->engine->fates, &pass->counts->queries[index].state, pass->err);
    return code == 0 ? count_fates(pass, index, run) : code;
}

static int project(struct pass *pass, uint32_t index, struct sql_run *run)
{
    struct block rows;
    const struct sql_run before = *run;
    int code = sql_run_items(run, &rows);
    if (code != 0)
        return code;
    mark_without_window(pass, &before, run);
    mark_all(pass, pass->outcomes, run->picks, run->rows, OUTCOME_ACCEPTED);
    pass->counts->queries[index].rows_out += rows.rows;
    return rows.rows ? pass->hooks->rows(pass->hooks->user, index, &rows, pass->err) : 0;
}

/* Drops rows of the future and shows the rest to the watermark. Dedup has done both before. */
static int watermark_stage(struct pass *pass, uint32_t index, struct sql_run *run)
{
    struct engine_query *query = &pass->engine->queries[index];
    uint32_t *kept, *future, kept_count, future_count;
    if (!event_times(pass) || pass->engine->dedup || run->rows == 0)
        return 0;
    if (pass->engine->plan->watermark.future_limit_ms >= 0) {
        int code =
            part_future(pass, run->picks, run->rows, &kept, &kept_count, &future, &future_count);
        if (code == 0)
            code = late_rows(pass, index, "future", query->mark.late_us, future, future_count);
        if (code == 0 && future_count)
            code = sql_run_keep(run, kept, kept_count);
        if (code != 0)
            return code;
        mark_all(pass, pass->outcomes, future, future_count, OUTCOME_FUTURE);
    }
    return observe(pass, &query->mark, run->picks, run->rows);
}

/* Each record of the block is in one of the books. */
static void keep_books(const struct pass *pass, struct books *books)
{
    uint64_t counts[OUTCOME_COUNT] = {0};
    for (uint32_t i = 0; i < pass->records->count; i++)
        counts[pass->outcomes[i]]++;
    books->read += pass->records->count;
    books->malformed += counts[OUTCOME_MALFORMED];
    books->filtered += counts[OUTCOME_FILTERED];
    books->no_event_time += counts[OUTCOME_NO_EVENT_TIME];
    books->future += counts[OUTCOME_FUTURE];
    books->deduplicated += counts[OUTCOME_DEDUPLICATED];
    books->late += counts[OUTCOME_LATE];
    books->accepted += counts[OUTCOME_ACCEPTED];
}

static int run_query(struct pass *pass, uint32_t index)
{
    struct engine_query *query = &pass->engine->queries[index];
    struct sql_run run;
    memcpy(pass->outcomes, pass->shared, pass->records->count);
    pass->counts->queries[index].late_records += pass->late;
    int code = sql_run_begin(&run, query->sql, &pass->view, pass->context, &pass->engine->arena,
                             pass->err);
    if (code == 0 && pass->distinct)
        code = sql_run_keep(&run, pass->distinct, pass->distinct_count);
    if (code == 0)
        code = sql_run_early(&run);
    if (code == 0)
        code = watermark_stage(pass, index, &run);
    if (code == 0)
        code = sql_run_late(&run);
    if (code == 0)
        code = query->state ? fold(pass, index, &run) : project(pass, index, &run);
    if (code == 0)
        keep_books(pass, &pass->counts->queries[index].books);
    return code;
}

static int run_queries(struct pass *pass)
{
    for (uint32_t i = 0; i < pass->engine->plan->query_count; i++) {
        int code = run_query(pass, i);
        if (code != 0)
            return err_prefix(pass->err, "query %.*s",
                              STR_ARG(pass->engine->plan->queries[i].name));
    }
    return 0;
}

static int process(struct engine *engine, const struct record_block *records,
                   const struct sql_batch_context *context, const struct engine_hooks *hooks,
                   struct engine_counts *counts, struct err *err)
{
    struct pass pass = {.engine = engine,
                        .records = records,
                        .context = context,
                        .hooks = hooks,
                        .counts = counts,
                        .err = err};
    arena_reset(&engine->arena);
    pass.shared = arena_calloc(&engine->arena, records->count, 1);
    pass.outcomes = arena_alloc(&engine->arena, records->count);
    if (!pass.shared || !pass.outcomes ||
        engine_origin(engine, records->topic, records->partition, &pass.partition) != 0)
        return nomem(err);
    int code = decode(&pass);
    if (code == 0 && scope_add_metadata(&engine->scope, records, &pass.view, &engine->arena) != 0)
        code = nomem(err);
    if (code == 0)
        code = treat_malformed(&pass);
    if (code != 0)
        return code;
    counts->records += records->count;
    code = transform(&pass);
    if (code == 0)
        code = run_dedup(&pass);
    return code == 0 ? run_queries(&pass) : code;
}

int engine_process(struct engine *engine, const struct record_block *records,
                   int64_t batch_timestamp_ms, const struct engine_hooks *hooks,
                   struct engine_counts *counts, struct err *err)
{
    REQUIRE(records->count <= BLOCK_ROWS_MAX);
    struct sql_batch_context context = {.batch_timestamp_us = batch_timestamp_ms * 1000};
    uint32_t most = BLOCK_ROWS_MAX / engine->fanout;
    int code = 0;
    for (uint32_t i = 0; i < records->count && code == 0; i += most) {
        struct record_block part = *records;
        part.records += i;
        part.count = records->count - i < most ? records->count - i : most;
        if (part.header_starts)
            part.header_starts += i;
        code = process(engine, &part, &context, hooks, counts, err);
    }
    return code;
}
