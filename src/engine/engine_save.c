/* engine_save.c: all state as chunks: a section for the source, then one for each query. */
#include "engine/engine_impl.h"
#include "engine/saved.h"
#include "engine/state_bytes.h"

void engine_save_begin(struct engine *engine, enum state_extent extent)
{
    REQUIRE(!engine->sealing.running && !engine->saving.running);
    struct buf chunk = engine->saving.chunk;
    buf_clear(&chunk);
    engine->saving = (struct engine_saving){.running = true, .extent = extent, .chunk = chunk};
}

static void put_mark(struct buf *out, const struct watermark *mark)
{
    state_put_u64(out, (uint64_t)mark->closing_us);
    state_put_u64(out, (uint64_t)mark->late_us);
    state_put_number(out, mark->partition_count);
    for (uint32_t i = 0; i < mark->partition_count; i++)
        state_put_u64(out, (uint64_t)mark->partition_max_us[i]);
}

static void put_text(struct buf *out, struct str text)
{
    state_put_number(out, text.n);
    buf_append_str(out, text);
}

static void put_origins(struct buf *out, const struct engine *engine)
{
    state_put_number(out, engine->origin_count);
    for (uint32_t i = 0; i < engine->origin_count; i++) {
        put_text(out, engine->origins[i].topic);
        state_put_u32(out, (uint32_t)engine->origins[i].partition);
    }
}

/* The query whose section is under way; NULL: it is the source's. */
static struct engine_query *current(struct engine *engine)
{
    uint32_t section = engine->saving.section;
    return section ? &engine->queries[section - 1] : NULL;
}

/* All of a section when it is the first that is saved of it. */
static enum state_extent section_extent(struct engine *engine)
{
    const struct engine_query *query = current(engine);
    bool fresh = query ? query->fresh : engine->fresh;
    return fresh ? STATE_SNAPSHOT : engine->saving.extent;
}

/* What every section begins with. */
static void begin_section(struct engine *engine)
{
    struct engine_query *query = current(engine);
    struct engine_saving *saving = &engine->saving;
    enum state_extent extent = section_extent(engine);
    saving->rows = 0;
    put_mark(&saving->chunk, query ? &query->mark : &engine->dedup_mark);
    put_text(&saving->chunk, buf_str(query ? &query->fingerprint : &engine->fingerprint));
    if (!query)
        put_origins(&saving->chunk, engine);
    if (query && query->state)
        state_save_begin(query->state, extent);
    if (!query && engine->dedup)
        dedup_save_begin(engine->dedup, extent);
}

static void begin_chunk(struct engine *engine)
{
    const struct engine_query *query = current(engine);
    struct engine_saving *saving = &engine->saving;
    const struct plan *plan = engine->plan;
    struct saved_chunk chunk = {.kind = query ? SAVED_QUERY : SAVED_SOURCE,
                                .extent = (uint8_t)section_extent(engine),
                                .number = saving->number++,
                                .name =
                                    query ? plan->queries[saving->section - 1].name : plan->view};
    buf_clear(&saving->chunk);
    saved_chunk_begin(&saving->chunk, &chunk);
    saving->chunk_rows = 0;
    saving->flags = saving->begun ? 0 : SAVED_BEGINS;
    if (!saving->begun)
        begin_section(engine);
    saving->begun = saving->open = true;
}

static void end_chunk(struct engine *engine, struct buf *out)
{
    struct engine_saving *saving = &engine->saving;
    saved_chunk_end(&saving->chunk, saving->flags, saving->chunk_rows);
    if (saving->chunk.failed)
        out->failed = true;
    buf_append_str(out, buf_str(&saving->chunk));
    saving->open = false;
}

static void end_section(struct engine *engine)
{
    struct engine_query *query = current(engine);
    struct engine_saving *saving = &engine->saving;
    int64_t closing_us = query && query->state     ? state_closing_us(query->state)
                         : !query && engine->dedup ? dedup_closing_us(engine->dedup)
                                                   : INT64_MIN;
    state_put_u64(&saving->chunk, saving->rows);
    state_put_u64(&saving->chunk, (uint64_t)closing_us);
    *(query ? &query->fresh : &engine->fresh) = false;
    saving->flags |= SAVED_ENDS;
    if (saving->section++ == engine->plan->query_count)
        saving->flags |= SAVED_LAST;
    saving->begun = false;
}

/* Some rows of the section; *over: those were all. */
static int save_rows(struct engine *engine, uint32_t *work, bool *over)
{
    struct engine_query *query = current(engine);
    struct engine_saving *saving = &engine->saving;
    uint32_t before = saving->chunk_rows;
    int code = 0;
    *over = true;
    if (query && query->state)
        code = state_save_step(query->state, &saving->chunk, &saving->chunk_rows, work, over);
    else if (!query && engine->dedup)
        code = dedup_save_step(engine->dedup, &saving->chunk, &saving->chunk_rows, work, over);
    saving->rows += saving->chunk_rows - before;
    return code;
}

int engine_save_step(struct engine *engine, uint32_t work, struct buf *out, bool *done)
{
    enum { SECTION_WORK = 64 };
    struct engine_saving *saving = &engine->saving;
    *done = false;
    while (work > 0 && saving->section <= engine->plan->query_count) {
        bool over;
        if (!saving->open) {
            begin_chunk(engine);
            state_spend(&work, SECTION_WORK);
        }
        int code = save_rows(engine, &work, &over);
        if (code)
            return code;
        if (over)
            end_section(engine);
        if (over || saving->chunk.n >= SAVED_CHUNK_BYTES)
            end_chunk(engine, out);
    }
    if (saving->section > engine->plan->query_count) {
        *done = true;
        saving->running = false;
        buf_fini(&saving->chunk);
    }
    return out->failed ? ERR_NOMEM : 0;
}
