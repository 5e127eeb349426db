/* engine_load.c: saved state back into an engine, chunk by chunk. */
#include <stdio.h>
#include <stdlib.h>

#include "engine/engine_impl.h"
#include "engine/saved.h"
#include "engine/state_bytes.h"

int engine_load_begin(struct engine *engine, const struct str *reset, uint32_t reset_count,
                      struct err *err)
{
    (void)err;
    REQUIRE(!engine->loading.running && engine_state_rows(engine) == 0);
    engine->loading = (struct engine_loading){
        .running = true, .reset = reset, .reset_count = reset_count, .name = engine->loading.name};
    return 0;
}

static int nomem(struct err *err)
{
    return err_set(err, ERR_NOMEM, "out of memory for the saved state");
}

/* ---- what a section begins with ---- */

static struct str take_text(struct state_reader *in)
{
    return state_read_bytes(in, state_get_number(in, UINT32_MAX));
}

static int take_mark(struct state_reader *in, struct watermark *mark)
{
    int64_t closing_us = (int64_t)state_read_u64(in), late_us = (int64_t)state_read_u64(in);
    uint64_t n = state_get_number(in, UINT32_MAX);
    if (in->failed || n > (uint64_t)(in->end - in->p) / 8)
        return ERR_CORRUPT;
    int64_t *most = n ? calloc(n, sizeof *most) : NULL;
    if (n && !most)
        return ERR_NOMEM;
    for (uint64_t i = 0; i < n; i++)
        most[i] = (int64_t)state_read_u64(in);
    free(mark->partition_max_us);
    mark->partition_max_us = most;
    mark->partition_count = (uint32_t)n;
    mark->closing_us = closing_us;
    mark->late_us = late_us;
    return 0;
}

/* A mark that nobody wants. */
static int skip_mark(struct state_reader *in)
{
    struct watermark mark = {0};
    int code = take_mark(in, &mark);
    watermark_fini(&mark);
    return code;
}

static int take_origins(struct state_reader *in, struct engine *engine)
{
    uint64_t n = state_get_number(in, UINT32_MAX);
    for (uint32_t i = 0; i < n && !in->failed; i++) {
        uint32_t number;
        struct str topic = take_text(in);
        int32_t partition = (int32_t)state_read_u32(in);
        if (in->failed)
            break;
        if (engine_origin(engine, topic, partition, &number) != 0)
            return ERR_NOMEM;
        if (number != i)
            return ERR_CORRUPT;
    }
    return in->failed ? ERR_CORRUPT : 0;
}

static struct str first_line(struct str text)
{
    const char *end = text.n ? memchr(text.p, '\n', text.n) : NULL;
    return (struct str){text.p, end ? (size_t)(end - text.p) : text.n};
}

static struct str after_line(struct str text, struct str line)
{
    size_t n = line.n < text.n ? line.n + 1 : line.n;
    return (struct str){text.p + n, text.n - n};
}

/* Says in which line two fingerprints part. */
static int refuse(struct err *err, const char *whose, struct str was, struct str now)
{
    struct str left = first_line(was), right = first_line(now);
    while (was.n && now.n && str_eq(left, right)) {
        was = after_line(was, left);
        now = after_line(now, right);
        left = first_line(was);
        right = first_line(now);
    }
    struct str none = STR("nothing more");
    left = left.n ? left : none;
    right = right.n ? right : none;
    enum { SHOWN_MAX = 250 };
    return err_set(err, ERR_INVALID,
                   "its state was saved by another %s: was \"%.*s\", now \"%.*s\"", whose,
                   (int)(left.n < SHOWN_MAX ? left.n : SHOWN_MAX), left.p,
                   (int)(right.n < SHOWN_MAX ? right.n : SHOWN_MAX), right.p);
}

static int begin_source(struct engine *engine, struct state_reader *in, struct err *err)
{
    struct engine_loading *loading = &engine->loading;
    int code = take_mark(in, &engine->dedup_mark);
    struct str fingerprint = take_text(in);
    if (code == 0 && !in->failed && !str_eq(fingerprint, buf_str(&engine->fingerprint))) {
        refuse(err, "source", fingerprint, buf_str(&engine->fingerprint));
        err_prefix(err, "source %.*s", STR_ARG(engine->plan->view));
        size_t n = strlen(err->msg);
        snprintf(err->msg + n, sizeof err->msg - n, "; use a new checkpointLocation");
        return ERR_INVALID;
    }
    if (code == 0)
        code = take_origins(in, engine);
    if (code)
        return code;
    if (loading->extent == STATE_SNAPSHOT && engine->dedup && engine->loaded) {
        dedup_destroy(engine->dedup);
        engine->dedup = NULL;
        code = dedup_create(&engine->dedup, engine->dedup_types, engine->plan->dedup_count,
                            engine->dedup_mark.delay_us);
    }
    if (code == 0 && engine->dedup)
        dedup_load_begin(engine->dedup, (enum state_extent)loading->extent);
    engine->loaded = true;
    engine->fresh = false;
    return code;
}

/* The query is in the plan, and nobody asked to reset it. */
static bool find_query(const struct engine *engine, struct str name, uint32_t *out)
{
    for (uint32_t i = 0; i < engine->loading.reset_count; i++) {
        if (str_eq(engine->loading.reset[i], name))
            return false;
    }
    for (uint32_t i = 0; i < engine->plan->query_count; i++) {
        *out = i;
        if (str_eq(engine->plan->queries[i].name, name))
            return true;
    }
    return false;
}

static void refuse_query(struct engine *engine, uint32_t index, struct str was)
{
    struct engine_query *query = &engine->queries[index];
    struct str name = engine->plan->queries[index].name;
    struct err *err = &query->refused;
    refuse(err, "query", was, buf_str(&query->fingerprint));
    err_prefix(err, "query %.*s", STR_ARG(name));
    size_t n = strlen(err->msg);
    snprintf(err->msg + n, sizeof err->msg - n,
             "; start with --reset-query %.*s to drop this state, or use a new checkpointLocation",
             STR_ARG(name));
}

/* Everything again: what was loaded before is of no use. */
static int clear_query(struct engine *engine, uint32_t index)
{
    struct engine_query *query = &engine->queries[index];
    if (!query->state || !query->loaded)
        return 0;
    state_destroy(query->state);
    query->state = NULL;
    return state_create(&query->state, sql_query_grouping(query->sql),
                        engine->plan->queries[index].output_mode);
}

/* Another query's state is refused in the end, unless later a new one begins: then what was there
 * had been reset. */
static int begin_query(struct engine *engine, struct str name, struct state_reader *in)
{
    struct engine_loading *loading = &engine->loading;
    bool whole = loading->extent == STATE_SNAPSHOT;
    loading->skipped = !find_query(engine, name, &loading->query);
    if (loading->skipped)
        return 0;
    struct engine_query *query = &engine->queries[loading->query];
    struct state_reader head = *in;
    int code = skip_mark(&head);
    struct str fingerprint = take_text(&head);
    if (code || head.failed)
        return code ? code : ERR_CORRUPT;
    if (!str_eq(fingerprint, buf_str(&query->fingerprint))) {
        refuse_query(engine, loading->query, fingerprint);
        loading->skipped = true;
        return 0;
    }
    loading->skipped = !whole && query->refused.code;
    if (loading->skipped)
        return 0;
    if (!whole && !query->loaded)
        return ERR_NOT_FOUND;
    query->refused = (struct err){0};
    code = take_mark(in, &query->mark);
    take_text(in);
    if (code == 0 && whole)
        code = clear_query(engine, loading->query);
    if (code == 0 && query->state)
        state_load_begin(query->state, (enum state_extent)loading->extent);
    query->loaded = true;
    query->fresh = false;
    return code;
}

/* ---- chunks ---- */

static int begin_section(struct engine *engine, const struct saved_chunk *chunk,
                         struct state_reader *in, struct err *err)
{
    struct engine_loading *loading = &engine->loading;
    loading->inside = true;
    loading->source = chunk->kind == SAVED_SOURCE;
    loading->skipped = false;
    loading->extent = chunk->extent;
    loading->rows = 0;
    buf_clear(&loading->name);
    buf_append_str(&loading->name, chunk->name);
    if (loading->name.failed)
        return ERR_NOMEM;
    if (loading->source && chunk->extent == STATE_DELTA && !engine->loaded)
        return ERR_NOT_FOUND;
    return loading->source ? begin_source(engine, in, err) : begin_query(engine, chunk->name, in);
}

static int fail(struct engine *engine, int code, struct err *err)
{
    const struct engine_loading *loading = &engine->loading;
    if (code == ERR_NOMEM)
        return nomem(err);
    if (code == ERR_CORRUPT)
        return saved_damaged(err, loading->begin, "has a content that is no state");
    if (code == ERR_NOT_FOUND)
        return err_set(err, ERR_CORRUPT,
                       "the saved state has no beginning: the chunk at byte %zu says what changed "
                       "since a snapshot of %s %.*s, which was not read before it",
                       loading->begin, loading->source ? "source" : "query",
                       STR_ARG(buf_str(&loading->name)));
    return code; /* it has said why */
}

/* Whether the chunk is the one that comes next. */
static int check_order(struct engine *engine, const struct saved_chunk *chunk, struct err *err)
{
    const struct engine_loading *loading = &engine->loading;
    if (chunk->number != loading->number)
        return err_set(err, ERR_CORRUPT,
                       "the saved state is incomplete: the chunk at byte %zu is number %llu, but "
                       "number %llu should come here",
                       loading->begin, (unsigned long long)chunk->number,
                       (unsigned long long)loading->number);
    bool begins = chunk->flags & SAVED_BEGINS, source = chunk->kind == SAVED_SOURCE;
    bool same = loading->inside && source == loading->source && chunk->extent == loading->extent &&
                str_eq(chunk->name, buf_str(&loading->name));
    if (begins == loading->inside || (!begins && !same) ||
        (begins && source != (chunk->number == 0)))
        return saved_damaged(err, loading->begin, "is of another section");
    return 0;
}

static int open_chunk(struct engine *engine, struct str file, size_t *used, struct err *err)
{
    struct engine_loading *loading = &engine->loading;
    struct saved_chunk chunk;
    loading->begin = *used;
    int code = saved_chunk_read(file, *used, &chunk, err);
    if (code == 0)
        code = check_order(engine, &chunk, err);
    if (code)
        return code;
    size_t end = *used + chunk.bytes;
    struct state_reader in = {file.p + *used + chunk.content, file.p + end - 4, false};
    code = chunk.flags & SAVED_BEGINS ? begin_section(engine, &chunk, &in, err) : 0;
    if (code)
        return fail(engine, code, err);
    loading->number = chunk.flags & SAVED_LAST ? 0 : chunk.number + 1;
    loading->open = true;
    loading->closing = false;
    loading->end = end;
    loading->flags = chunk.flags;
    loading->rows_left = chunk.rows;
    loading->rows += chunk.rows;
    *used = loading->skipped ? end - 4 : (size_t)(in.p - file.p);
    if (loading->skipped)
        loading->rows_left = 0;
    return 0;
}

static struct state *loading_state(struct engine *engine)
{
    return engine->loading.source ? NULL : engine->queries[engine->loading.query].state;
}

static int load_rows(struct engine *engine, struct state_reader *in, uint32_t *work)
{
    struct engine_loading *loading = &engine->loading;
    struct state *state = loading_state(engine);
    if (state)
        return state_load_step(state, in, &loading->rows_left, work);
    return loading->source && engine->dedup
               ? dedup_load_step(engine->dedup, in, &loading->rows_left, work)
               : ERR_CORRUPT;
}

/* Behind the last rows of a section: how many they were, and up to when things closed. */
static int end_section(struct engine *engine, struct state_reader *in)
{
    struct engine_loading *loading = &engine->loading;
    struct state *state = loading_state(engine);
    uint64_t rows = state_read_u64(in);
    int64_t closing_us = (int64_t)state_read_u64(in);
    if (in->failed || rows != loading->rows)
        return ERR_CORRUPT;
    if (loading->extent == STATE_SNAPSHOT)
        return 0;
    if (state)
        state_load_close(state, closing_us);
    else if (loading->source && engine->dedup)
        dedup_load_close(engine->dedup, closing_us);
    loading->closing = state || (loading->source && engine->dedup);
    return 0;
}

static int close_some(struct engine *engine, uint32_t *work, struct err *err)
{
    struct engine_loading *loading = &engine->loading;
    struct state *state = loading_state(engine);
    struct block none;
    bool done;
    int code = state ? state_seal_step(state, work, &engine->arena, &none, &done, err)
                     : dedup_seal_step(engine->dedup, work, &done);
    loading->closing = !done;
    return code;
}

/* Some of the chunk under way. */
static int load_chunk(struct engine *engine, struct str file, size_t *used, uint32_t *work,
                      struct err *err)
{
    struct engine_loading *loading = &engine->loading;
    struct state_reader in = {file.p + *used, file.p + loading->end - 4, false};
    int code = 0;
    if (loading->closing)
        code = close_some(engine, work, err);
    else if (loading->rows_left)
        code = load_rows(engine, &in, work);
    else if (loading->flags & SAVED_ENDS && !loading->skipped)
        code = end_section(engine, &in);
    *used = (size_t)(in.p - file.p);
    bool ended = loading->rows_left == 0 && !loading->closing &&
                 (!(loading->flags & SAVED_ENDS) || in.p == in.end);
    if (code || !ended)
        return code;
    if (in.p != in.end)
        return ERR_CORRUPT;
    *used = loading->end;
    loading->open = false;
    if (loading->flags & SAVED_ENDS)
        loading->inside = false;
    return 0;
}

int engine_load_step(struct engine *engine, struct str file, size_t *used, uint32_t work,
                     struct err *err)
{
    enum { CHUNK_WORK = 256 }; /* its checksum */
    struct engine_loading *loading = &engine->loading;
    REQUIRE(loading->running && *used <= file.n);
    while (work > 0 && *used < file.n) {
        if (!loading->open) {
            int code = open_chunk(engine, file, used, err);
            if (code)
                return code;
            state_spend(&work, CHUNK_WORK);
            continue;
        }
        int code = load_chunk(engine, file, used, &work, err);
        if (code)
            return fail(engine, code, err);
    }
    return 0;
}

int engine_load_end(struct engine *engine, struct err *err)
{
    struct engine_loading *loading = &engine->loading;
    loading->running = false;
    buf_fini(&loading->name);
    arena_reset(&engine->arena);
    if (loading->number != 0 || loading->open)
        return err_set(err, ERR_CORRUPT,
                       "the saved state is incomplete: its chunk number %llu is missing",
                       (unsigned long long)loading->number);
    for (uint32_t i = 0; i < engine->plan->query_count; i++) {
        if (engine->queries[i].refused.code) {
            *err = engine->queries[i].refused;
            return err->code;
        }
    }
    return 0;
}
