#include "engine/engine.h"

#include <stdlib.h>

#include "engine/engine_impl.h"

static int create_decoder(struct engine *engine)
{
    const struct plan_value *value = &engine->plan->value;
    if (value->format != FORMAT_JSON)
        return 0;
    /* Columns that no query reads are checked, not kept: whether a record is malformed is decided
     * by the whole schema. */
    struct json_decode_options options = {.schema = value->schema,
                                          .corrupt_column = value->corrupt_column,
                                          .timestamp_format = value->timestamp_format,
                                          .date_format = value->date_format,
                                          .wanted = engine->scope.used};
    return json_decoder_create(&engine->decoder, &options, NULL);
}

int engine_create(struct engine **out, const struct plan *plan, struct arena *error_arena,
                  struct plan_errors *errors)
{
    struct engine *engine = calloc(1, sizeof *engine);
    if (!engine)
        return ERR_NOMEM;
    engine->plan = plan;
    engine->dedup_mark.delay_us = plan->watermark.delay_ms * 1000;
    engine->dedup_mark.per_partition = plan->watermark.per_partition;
    uint32_t problems = plan_errors_found(errors);
    int code = scope_init(&engine->scope, plan);
    if (code)
        goto fail;
    code = ERR_NOMEM;
    engine->queries = calloc(plan->query_count, sizeof *engine->queries);
    engine->malformed = calloc(BLOCK_ROWS_MAX, sizeof *engine->malformed);
    engine->fates = calloc(BLOCK_ROWS_MAX, sizeof *engine->fates);
    engine->picks = calloc(BLOCK_ROWS_MAX, sizeof *engine->picks);
    if (!engine->queries || !engine->malformed || !engine->fates || !engine->picks)
        goto fail;
    code = engine_bind(engine, error_arena, errors);
    if (code == 0 && plan_errors_found(errors) > problems)
        code = ERR_INVALID;
    if (code == 0)
        code = create_decoder(engine);
    if (code == 0)
        code = engine_fingerprints(engine);
    if (code == 0 && (engine->arena.failed || engine->types.failed))
        code = ERR_NOMEM;
    if (code)
        goto fail;
    *out = engine;
    return 0;
fail:
    engine_destroy(engine);
    return code;
}

void engine_destroy(struct engine *engine)
{
    if (!engine)
        return;
    for (uint32_t i = 0; engine->queries && i < engine->plan->query_count; i++) {
        state_destroy(engine->queries[i].state);
        sql_query_destroy(engine->queries[i].sql);
        watermark_fini(&engine->queries[i].mark);
        buf_fini(&engine->queries[i].fingerprint);
    }
    for (uint32_t i = 0; i < engine->origin_count; i++)
        free((char *)(uintptr_t)engine->origins[i].topic.p);
    free(engine->origins);
    free(engine->queries);
    dedup_destroy(engine->dedup);
    free(engine->dedup_columns);
    watermark_fini(&engine->dedup_mark);
    sql_query_destroy(engine->transform);
    free(engine->view_columns);
    json_decoder_destroy(engine->decoder);
    scope_fini(&engine->scope);
    arena_fini(&engine->arena);
    arena_fini(&engine->types);
    buf_fini(&engine->fingerprint);
    buf_fini(&engine->saving.chunk);
    buf_fini(&engine->loading.name);
    free(engine->sealing.unread);
    free(engine->malformed);
    free(engine->fates);
    free(engine->picks);
    free(engine);
}

bool engine_reads_headers(const struct engine *engine)
{
    return scope_reads_headers(&engine->scope);
}

const struct type *engine_schema(const struct engine *engine, uint32_t query)
{
    return sql_query_schema(engine->queries[query].sql);
}

const struct type *engine_extra_schema(const struct engine *engine, enum engine_extra extra)
{
    return engine->extra_schema[extra];
}

size_t engine_bytes(const struct engine *engine)
{
    return engine->arena.bytes;
}

size_t engine_state_bytes(const struct engine *engine)
{
    size_t bytes = engine->dedup ? dedup_bytes(engine->dedup) : 0;
    for (uint32_t i = 0; i < engine->plan->query_count; i++)
        bytes += engine->queries[i].state ? state_bytes(engine->queries[i].state) : 0;
    return bytes;
}

uint64_t engine_state_rows(const struct engine *engine)
{
    uint64_t rows = engine->dedup ? dedup_rows(engine->dedup) : 0;
    for (uint32_t i = 0; i < engine->plan->query_count; i++)
        rows += engine->queries[i].state ? state_rows(engine->queries[i].state) : 0;
    return rows;
}

bool engine_keeps_state(const struct engine *engine, uint32_t query)
{
    return engine->dedup || engine->queries[query].state;
}

int engine_origin(struct engine *engine, struct str topic, int32_t partition, uint32_t *out)
{
    for (uint32_t i = 0; i < engine->origin_count; i++) {
        const struct engine_origin *origin = &engine->origins[i];
        *out = i;
        if (origin->partition == partition && str_eq(origin->topic, topic))
            return 0;
    }
    struct engine_origin *grown =
        realloc(engine->origins, (engine->origin_count + 1) * sizeof *grown);
    if (!grown)
        return ERR_NOMEM;
    engine->origins = grown;
    char *name = malloc(topic.n + 1);
    if (!name)
        return ERR_NOMEM;
    if (topic.n)
        memcpy(name, topic.p, topic.n);
    *out = engine->origin_count;
    grown[engine->origin_count++] = (struct engine_origin){{name, topic.n}, partition};
    return 0;
}

int64_t engine_low_offset(const struct engine *engine, struct str topic, int32_t partition)
{
    int64_t low = -1;
    for (uint32_t i = 0; i < engine->origin_count; i++) {
        const struct engine_origin *origin = &engine->origins[i];
        if (origin->partition != partition || !str_eq(origin->topic, topic))
            continue;
        for (uint32_t q = 0; q < engine->plan->query_count; q++) {
            const struct state *state = engine->queries[q].state;
            int64_t offset = state ? state_low_offset(state, i) : -1;
            low = offset >= 0 && (low < 0 || offset < low) ? offset : low;
        }
    }
    return low;
}

/* ---- counts ---- */

int engine_counts_init(struct engine_counts *counts, const struct engine *engine)
{
    *counts = (struct engine_counts){
        .queries = calloc(engine->plan->query_count, sizeof(struct query_counts))};
    return counts->queries ? 0 : ERR_NOMEM;
}

void engine_counts_fini(struct engine_counts *counts)
{
    free(counts->queries);
    *counts = (struct engine_counts){0};
}

void engine_counts_reset(struct engine_counts *counts, const struct engine *engine)
{
    counts->records = counts->malformed = 0;
    memset(counts->queries, 0, engine->plan->query_count * sizeof *counts->queries);
}

bool books_balance(const struct books *books)
{
    return books->read == books->malformed + books->filtered + books->no_event_time +
                              books->future + books->deduplicated + books->late + books->accepted;
}

void books_add(struct books *total, const struct books *more)
{
    total->read += more->read;
    total->malformed += more->malformed;
    total->filtered += more->filtered;
    total->no_event_time += more->no_event_time;
    total->future += more->future;
    total->deduplicated += more->deduplicated;
    total->late += more->late;
    total->accepted += more->accepted;
}
