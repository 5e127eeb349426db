/* engine_seal.c: the end of a batch: queries give what their state has for it, watermarks move on;
 * and all of it as bytes. */
#include <stdlib.h>

#include "engine/engine_impl.h"
#include "engine/state_bytes.h"

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

/* ---- giving rows ---- */

struct seal {
    struct engine *engine;
    struct sql_batch_context context;
    const struct engine_hooks *hooks;
    struct engine_counts *counts;
    struct err *err;
};

static int give_rows(struct seal *seal, uint32_t index)
{
    struct engine *engine = seal->engine;
    struct engine_query *query = &engine->queries[index];
    for (;;) {
        struct block groups, rows;
        arena_reset(&engine->arena);
        int code = state_next(query->state, &engine->arena, &groups, seal->err);
        if (code != 0 || groups.rows == 0)
            return code;
        code = sql_query_outputs(query->sql, &groups, &seal->context, &engine->arena, &rows,
                                 seal->err);
        if (code != 0)
            return code;
        seal->counts->queries[index].rows_out += rows.rows;
        code = rows.rows ? seal->hooks->rows(seal->hooks->user, index, &rows, seal->err) : 0;
        if (code != 0)
            return code;
    }
}

static int seal_query(struct seal *seal, uint32_t index)
{
    struct engine *engine = seal->engine;
    struct engine_query *query = &engine->queries[index];
    struct query_counts *counts = &seal->counts->queries[index];
    counts->takes_part = true;
    if (!query->state)
        return 0;
    int code =
        state_seal(query->state, query_mark(engine, index)->closing_us, &counts->state, seal->err);
    if (code == 0)
        code = give_rows(seal, index);
    return code == 0
               ? 0
               : err_prefix(seal->err, "query %.*s", STR_ARG(engine->plan->queries[index].name));
}

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

/* unread[] by the engine's numbers of partitions. */
static int map_unread(struct engine *engine, const struct engine_partition *partitions,
                      uint32_t count, bool **unread)
{
    for (uint32_t i = 0; i < count; i++) {
        uint32_t unused;
        if (engine_origin(engine, partitions[i].topic, partitions[i].partition, &unused) != 0)
            return ERR_NOMEM;
    }
    *unread = ARENA_ARRAY(&engine->arena, bool, engine->origin_count);
    if (!*unread)
        return ERR_NOMEM;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t origin;
        if (engine_origin(engine, partitions[i].topic, partitions[i].partition, &origin) != 0)
            return ERR_NOMEM;
        (*unread)[origin] = partitions[i].unread;
    }
    return 0;
}

int engine_seal(struct engine *engine, bool data, int64_t batch_timestamp_ms,
                const struct engine_partition *partitions, uint32_t partition_count,
                const struct engine_hooks *hooks, struct engine_counts *counts, struct err *err)
{
    struct seal seal = {.engine = engine,
                        .context = {.batch_timestamp_us = batch_timestamp_ms * 1000},
                        .hooks = hooks,
                        .counts = counts,
                        .err = err};
    uint32_t n = engine->plan->query_count;
    bool *unread = NULL;
    int code = 0;
    for (uint32_t i = 0; i < n && code == 0; i++) {
        bool moved = engine_query_is_timed(engine, i) && watermark_moved(query_mark(engine, i));
        if (data || moved)
            code = seal_query(&seal, i);
    }
    struct state_counts dedup = {0};
    if (code == 0 && engine->dedup)
        code = dedup_seal(engine->dedup, engine->dedup_mark.closing_us, &dedup);
    for (uint32_t i = 0; i < n; i++)
        counts->queries[i].state.updated += dedup.updated;
    for (uint32_t i = 0; i < n && code == 0; i++)
        note_figures(engine, i, &counts->queries[i]);
    arena_reset(&engine->arena);
    if (code == 0 && engine->plan->watermark.per_partition &&
        map_unread(engine, partitions, partition_count, &unread) != 0)
        code = err_set(err, ERR_NOMEM, "out of memory");
    if (code != 0)
        return code;
    watermark_seal(&engine->dedup_mark, unread, unread ? engine->origin_count : 0);
    for (uint32_t i = 0; i < n; i++)
        watermark_seal(&engine->queries[i].mark, unread, unread ? engine->origin_count : 0);
    return 0;
}

/* ---- as bytes ---- */

enum { ENCODING_VERSION = 1 };

static void put_bytes(struct buf *out, struct str bytes)
{
    state_put_u64(out, bytes.n);
    buf_append_str(out, bytes);
}

static void put_mark(struct buf *out, const struct watermark *mark)
{
    state_put_u64(out, (uint64_t)mark->closing_us);
    state_put_u64(out, (uint64_t)mark->late_us);
    state_put_u32(out, mark->partition_count);
    for (uint32_t i = 0; i < mark->partition_count; i++)
        state_put_u64(out, (uint64_t)mark->partition_max_us[i]);
}

int engine_encode(const struct engine *engine, enum state_extent extent, struct buf *out)
{
    struct buf part = {0};
    int code = 0;
    state_put_u32(out, ENCODING_VERSION);
    state_put_u32(out, engine->origin_count);
    for (uint32_t i = 0; i < engine->origin_count; i++) {
        put_bytes(out, engine->origins[i].topic);
        state_put_u32(out, (uint32_t)engine->origins[i].partition);
    }
    put_mark(out, &engine->dedup_mark);
    if (engine->dedup)
        code = dedup_encode(engine->dedup, extent, &part);
    put_bytes(out, buf_str(&part));
    state_put_u32(out, engine->plan->query_count);
    for (uint32_t i = 0; i < engine->plan->query_count && code == 0; i++) {
        const struct engine_query *query = &engine->queries[i];
        put_mark(out, &query->mark);
        buf_clear(&part);
        if (query->state)
            code = state_encode(query->state, extent, &part);
        put_bytes(out, buf_str(&part));
    }
    bool failed = part.failed || out->failed;
    buf_fini(&part);
    return code != 0 ? code : failed ? ERR_NOMEM : 0;
}

static struct str take_bytes(struct state_reader *in)
{
    uint64_t n = state_read_u64(in);
    if (n > (uint64_t)(in->end - in->p)) {
        in->failed = true;
        n = 0;
    }
    return state_read_bytes(in, (size_t)n);
}

static int take_mark(struct state_reader *in, struct watermark *mark)
{
    mark->closing_us = (int64_t)state_read_u64(in);
    mark->late_us = (int64_t)state_read_u64(in);
    uint32_t n = state_read_u32(in);
    if (n > (uint64_t)(in->end - in->p) / 8) {
        in->failed = true;
        return 0;
    }
    free(mark->partition_max_us);
    mark->partition_count = 0;
    mark->partition_max_us = n ? calloc(n, sizeof *mark->partition_max_us) : NULL;
    if (n && !mark->partition_max_us)
        return ERR_NOMEM;
    mark->partition_count = n;
    for (uint32_t i = 0; i < n; i++)
        mark->partition_max_us[i] = (int64_t)state_read_u64(in);
    return 0;
}

static int take_origins(struct state_reader *in, struct engine *engine)
{
    uint32_t n = state_read_u32(in), number;
    for (uint32_t i = 0; i < n && !in->failed; i++) {
        struct str topic = take_bytes(in);
        int32_t partition = (int32_t)state_read_u32(in);
        if (!in->failed && engine_origin(engine, topic, partition, &number) != 0)
            return ERR_NOMEM;
        in->failed |= !in->failed && number != i;
    }
    return 0;
}

static int take_query(struct state_reader *in, struct engine_query *query, struct err *err)
{
    int code = take_mark(in, &query->mark);
    struct str bytes = take_bytes(in);
    if (code != 0 || in->failed)
        return code;
    in->failed |= !query->state != (bytes.n == 0);
    return query->state && !in->failed ? state_decode(query->state, bytes, err) : 0;
}

int engine_decode(struct engine *engine, struct str bytes, struct err *err)
{
    struct state_reader in = {.p = bytes.p, .end = str_end(bytes)};
    if (state_read_u32(&in) != ENCODING_VERSION)
        return err_set(err, ERR_CORRUPT, "the saved state is damaged or of another version");
    int code = take_origins(&in, engine);
    if (code == 0)
        code = take_mark(&in, &engine->dedup_mark);
    struct str dedup = take_bytes(&in);
    if (code == 0 && !in.failed && engine->dedup)
        code = dedup_decode(engine->dedup, dedup, err);
    if (state_read_u32(&in) != engine->plan->query_count)
        in.failed = true;
    for (uint32_t i = 0; i < engine->plan->query_count && code == 0 && !in.failed; i++)
        code = take_query(&in, &engine->queries[i], err);
    if (code == ERR_NOMEM)
        return err_set(err, ERR_NOMEM, "out of memory for the saved state");
    if (code == 0 && (in.failed || in.p != in.end))
        return err_set(err, ERR_CORRUPT, "the saved state is damaged");
    return code;
}

int engine_seal_begin(struct engine *engine, bool data, int64_t batch_timestamp_ms,
                      const struct engine_partition *partitions, uint32_t partition_count,
                      struct engine_counts *counts, struct err *err)
{
    (void)err;
    engine->sealing =
        (struct engine_sealing){data, batch_timestamp_ms, partitions, partition_count, counts};
    return 0;
}

int engine_seal_step(struct engine *engine, uint32_t work, const struct engine_hooks *hooks,
                     bool *done, struct err *err)
{
    const struct engine_sealing *s = &engine->sealing;
    (void)work;
    *done = true;
    return engine_seal(engine, s->data, s->batch_timestamp_ms, s->partitions, s->partition_count,
                       hooks, s->counts, err);
}

void engine_save_begin(struct engine *engine, enum state_extent extent)
{
    engine->saving = extent;
}

int engine_save_step(struct engine *engine, uint32_t work, struct buf *out, bool *done)
{
    (void)work;
    *done = true;
    return engine_encode(engine, engine->saving, out);
}

int engine_load_begin(struct engine *engine, const struct str *reset, uint32_t reset_count,
                      struct err *err)
{
    (void)engine, (void)reset, (void)reset_count, (void)err;
    return 0;
}

int engine_load_step(struct engine *engine, struct str file, size_t *used, uint32_t work,
                     struct err *err)
{
    (void)work;
    *used = file.n;
    return engine_decode(engine, file, err);
}

int engine_load_end(struct engine *engine, struct err *err)
{
    (void)engine, (void)err;
    return 0;
}

int engine_query_fingerprint(const struct engine *engine, uint32_t query, struct buf *out)
{
    (void)engine, (void)query, (void)out;
    return 0;
}

int engine_source_fingerprint(const struct engine *engine, struct buf *out)
{
    (void)engine, (void)out;
    return 0;
}

int engine_saved_describe(struct str file,
                          void (*section)(void *user, const struct saved_section *section),
                          void *user, struct err *err)
{
    (void)file, (void)section, (void)user, (void)err;
    return 0;
}
