/* engine_seal.c: the end of a batch, in steps: queries give what their state has for it, watermarks
 * move on. */
#include <stdlib.h>

#include "engine/engine_impl.h"

static bool watermark_moved(const struct watermark *mark)
{
    return mark->closing_us > mark->late_us;
}

/* Spark's operators that ask for a batch without data: aggregations in append and update mode, and
 * dedup, wherever there is a watermark at all. */
bool engine_query_is_timed(const struct engine *engine, uint32_t query)
{
    return engine->view.event_time >= 0 &&
           (engine->dedup || (engine->queries[query].state &&
                              engine->plan->queries[query].output_mode != OUTPUT_COMPLETE));
}

static const struct watermark *query_mark(const struct engine *engine, uint32_t query)
{
    return engine->dedup ? &engine->dedup_mark : &engine->queries[query].mark;
}

bool engine_wants_batch(const struct engine *engine)
{
    for (uint32_t i = 0; i < engine->plan->query_count; i++) {
        if (engine_query_is_timed(engine, i) && watermark_moved(query_mark(engine, i)))
            return true;
    }
    return false;
}

int64_t engine_idle_timeout_ms(const struct engine *engine)
{
    return engine->plan->watermark.given ? engine->plan->watermark.idle_timeout_ms : -1;
}

void engine_idle(struct engine *engine, int64_t now_ms)
{
    int64_t time_ms = now_ms - engine->plan->watermark.idle_timeout_ms;
    watermark_raise(&engine->dedup_mark, time_ms * 1000);
    for (uint32_t i = 0; i < engine->plan->query_count; i++)
        watermark_raise(&engine->queries[i].mark, time_ms * 1000);
}

/* ---- figures ---- */

static void note_figures(struct engine *engine, uint32_t index, struct query_counts *counts)
{
    const struct engine_query *query = &engine->queries[index];
    const struct watermark *mark = query_mark(engine, index);
    const struct watermark_times *times = &mark->times;
    counts->state_rows = query->state ? state_rows(query->state) : 0;
    counts->state_bytes = query->state ? state_bytes(query->state) : 0;
    if (engine->dedup) {
        counts->state_rows += dedup_rows(engine->dedup);
        counts->state_bytes += dedup_bytes(engine->dedup);
    }
    counts->watermark_us = mark->closing_us;
    counts->event_times = times->count;
    counts->event_min_us = times->min_us;
    counts->event_max_us = times->max_us;
    counts->event_avg_us = times->count ? (int64_t)(times->sum_us / (double)times->count) : 0;
}

/* ---- the steps ---- */

/* unread[] by the engine's numbers of partitions. */
static int map_unread(struct engine *engine, const struct engine_partition *partitions,
                      uint32_t count)
{
    struct engine_sealing *sealing = &engine->sealing;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t unused;
        if (engine_origin(engine, partitions[i].topic, partitions[i].partition, &unused) != 0)
            return ERR_NOMEM;
    }
    sealing->unread = calloc(engine->origin_count + 1, sizeof *sealing->unread);
    if (!sealing->unread)
        return ERR_NOMEM;
    sealing->unread_count = engine->origin_count;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t origin;
        if (engine_origin(engine, partitions[i].topic, partitions[i].partition, &origin) != 0)
            return ERR_NOMEM;
        sealing->unread[origin] = partitions[i].unread;
    }
    return 0;
}

int engine_seal_begin(struct engine *engine, bool data, int64_t batch_timestamp_ms,
                      const struct engine_partition *partitions, uint32_t partition_count,
                      struct engine_counts *counts, struct err *err)
{
    struct engine_sealing *sealing = &engine->sealing;
    REQUIRE(!sealing->running && !engine->saving.running && !engine->loading.running);
    *sealing = (struct engine_sealing){.running = true,
                                       .context = {.batch_timestamp_us = batch_timestamp_ms * 1000},
                                       .counts = counts};
    for (uint32_t i = 0; i < engine->plan->query_count; i++) {
        bool moved = engine_query_is_timed(engine, i) && watermark_moved(query_mark(engine, i));
        counts->queries[i].takes_part = data || moved;
    }
    if (engine->plan->watermark.per_partition &&
        map_unread(engine, partitions, partition_count) != 0)
        return err_set(err, ERR_NOMEM, "out of memory");
    return 0;
}

static void begin_query(struct engine *engine, uint32_t index)
{
    struct state *state = engine->queries[index].state;
    struct query_counts *counts = &engine->sealing.counts->queries[index];
    if (counts->takes_part)
        state_seal_begin(state, query_mark(engine, index)->closing_us, &counts->state);
    else
        state_pass_begin(state);
}

/* What the query's groups become. */
static int give_rows(struct engine *engine, uint32_t index, const struct block *groups,
                     const struct engine_hooks *hooks, struct err *err)
{
    struct block rows;
    struct engine_sealing *sealing = &engine->sealing;
    int code = sql_query_outputs(engine->queries[index].sql, groups, &sealing->context,
                                 &engine->arena, &rows, err);
    if (code != 0)
        return code;
    sealing->counts->queries[index].rows_out += rows.rows;
    return rows.rows ? hooks->rows(hooks->user, index, &rows, err) : 0;
}

/* Some of a query's seal; after a block of rows the step is over. */
static int seal_query(struct engine *engine, uint32_t *work, const struct engine_hooks *hooks,
                      struct err *err)
{
    struct engine_sealing *sealing = &engine->sealing;
    uint32_t index = sealing->query;
    struct engine_query *query = &engine->queries[index];
    struct block groups = {0};
    bool done = !query->state;
    if (query->state && !sealing->begun)
        begin_query(engine, index);
    sealing->begun = true;
    arena_reset(&engine->arena);
    int code =
        query->state ? state_seal_step(query->state, work, &engine->arena, &groups, &done, err) : 0;
    if (code == 0 && groups.rows) {
        code = give_rows(engine, index, &groups, hooks, err);
        *work = 0;
    }
    if (done) {
        sealing->query++;
        sealing->begun = false;
    }
    return code == 0 ? 0
                     : err_prefix(err, "query %.*s", STR_ARG(engine->plan->queries[index].name));
}

static int seal_dedup(struct engine *engine, uint32_t *work, struct err *err)
{
    struct engine_sealing *sealing = &engine->sealing;
    bool done = !engine->dedup;
    if (engine->dedup && !sealing->begun)
        dedup_seal_begin(engine->dedup, engine->dedup_mark.closing_us, &sealing->dedup_counts);
    sealing->begun = true;
    if (engine->dedup && dedup_seal_step(engine->dedup, work, &done) != 0)
        return err_set(err, ERR_NOMEM, "out of memory for the keys of dedup");
    if (done)
        sealing->query++;
    return 0;
}

/* All is merged and given: figures, and the watermarks of the next batch. */
static void finish(struct engine *engine)
{
    struct engine_sealing *sealing = &engine->sealing;
    uint32_t n = engine->plan->query_count;
    for (uint32_t i = 0; i < n; i++) {
        sealing->counts->queries[i].state.updated += sealing->dedup_counts.updated;
        note_figures(engine, i, &sealing->counts->queries[i]);
    }
    watermark_seal(&engine->dedup_mark, sealing->unread, sealing->unread_count);
    for (uint32_t i = 0; i < n; i++)
        watermark_seal(&engine->queries[i].mark, sealing->unread, sealing->unread_count);
    free(sealing->unread);
    *sealing = (struct engine_sealing){0};
    arena_reset(&engine->arena);
}

int engine_seal_step(struct engine *engine, uint32_t work, const struct engine_hooks *hooks,
                     bool *done, struct err *err)
{
    struct engine_sealing *sealing = &engine->sealing;
    uint32_t n = engine->plan->query_count;
    REQUIRE(sealing->running);
    *done = false;
    while (work > 0 && sealing->query <= n) {
        int code = sealing->query < n ? seal_query(engine, &work, hooks, err)
                                      : seal_dedup(engine, &work, err);
        if (code)
            return code;
    }
    *done = sealing->query > n;
    if (*done)
        finish(engine);
    return 0;
}

int engine_seal(struct engine *engine, bool data, int64_t batch_timestamp_ms,
                const struct engine_partition *partitions, uint32_t partition_count,
                const struct engine_hooks *hooks, struct engine_counts *counts, struct err *err)
{
    bool done = false;
    int code = engine_seal_begin(engine, data, batch_timestamp_ms, partitions, partition_count,
                                 counts, err);
    while (code == 0 && !done)
        code = engine_seal_step(engine, UINT32_MAX, hooks, &done, err);
    return code;
}
