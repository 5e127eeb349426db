#include "engine/engine.h"

#include <stdlib.h>
#include <strings.h>

#include "engine/scope.h"
#include "format/json_decode.h"
#include "format/raw_decode.h"
#include "plan/sql_errors.h"
#include "sql/query.h"

struct engine {
    const struct plan *plan;
    struct scope scope;
    struct json_decoder *decoder; /* NULL unless the value is JSON */
    struct sql_query **queries;
    struct arena arena; /* of the block under way */
    uint8_t *malformed; /* BLOCK_ROWS_MAX flags of the block under way */
    uint32_t *picks;    /* BLOCK_ROWS_MAX rows that stay */
};

static int bind_query(struct engine *engine, uint32_t index, struct arena *error_arena,
                      struct plan_errors *errors)
{
    const struct plan_query *query = &engine->plan->queries[index];
    struct sql_error error;
    int code =
        sql_query_create(&engine->queries[index], query->sql.text, &engine->scope.sql, &error);
    if (code == ERR_INVALID || code == ERR_UNSUPPORTED) {
        plan_sql_error(errors, error_arena, query, error.line, error.column, code, error.message);
        return 0;
    }
    return code;
}

static int compare_nocase(const void *a, const void *b)
{
    struct str x = *(const struct str *)a, y = *(const struct str *)b;
    size_t n = x.n < y.n ? x.n : y.n;
    int order = n ? strncasecmp(x.p, y.p, n) : 0;
    return order ? order : (x.n > y.n) - (x.n < y.n);
}

/* A file cannot hold two columns of one name; names differ by more than case. */
static int check_file_columns(const struct engine *engine, uint32_t index,
                              const struct plan_sink *sink, struct arena *error_arena,
                              struct plan_errors *errors)
{
    const struct type *schema = sql_query_schema(engine->queries[index]);
    struct str *names = ARENA_ARRAY(error_arena, struct str, schema->field_count);
    if (!names)
        return ERR_NOMEM;
    for (uint32_t i = 0; i < schema->field_count; i++)
        names[i] = schema->fields[i].name;
    qsort(names, schema->field_count, sizeof *names, compare_nocase);
    for (uint32_t i = 1; i < schema->field_count; i++) {
        if (!str_eq_nocase(names[i], names[i - 1]))
            continue;
        plan_error_add(errors, error_arena, sink->line, sink->column, ERR_INVALID,
                       "sink \"%.*s\" writes files, but the query has two columns named \"%.*s\": "
                       "give one another name with AS",
                       STR_ARG(sink->name), STR_ARG(names[i]));
        return 0;
    }
    return 0;
}

static int check_sinks(const struct engine *engine, uint32_t index, struct arena *error_arena,
                       struct plan_errors *errors)
{
    const struct plan_query *query = &engine->plan->queries[index];
    int code = 0;
    for (uint32_t i = 0; i < query->sink_count && code == 0; i++) {
        if (query->sinks[i].format != SINK_CONSOLE && query->sinks[i].path.n > 0)
            code = check_file_columns(engine, index, &query->sinks[i], error_arena, errors);
    }
    return code;
}

static int create_decoder(struct engine *engine)
{
    const struct plan_value *value = &engine->plan->value;
    if (value->format != FORMAT_JSON)
        return 0;
    /* Columns that no query reads are checked, not kept: whether a record is malformed is decided
     * by the whole schema. */
    struct json_decode_options options = {.schema = value->schema,
                                          .corrupt_column = value->corrupt_column,
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
    uint32_t problems = errors->count;
    int code = scope_init(&engine->scope, plan);
    if (code)
        goto fail;
    code = ERR_NOMEM;
    engine->queries = calloc(plan->query_count, sizeof(struct sql_query *));
    engine->malformed = calloc(BLOCK_ROWS_MAX, sizeof *engine->malformed);
    engine->picks = calloc(BLOCK_ROWS_MAX, sizeof *engine->picks);
    if (!engine->queries || !engine->malformed || !engine->picks)
        goto fail;
    for (uint32_t i = 0; i < plan->query_count; i++) {
        code = bind_query(engine, i, error_arena, errors);
        if (code == 0 && engine->queries[i])
            code = check_sinks(engine, i, error_arena, errors);
        if (code)
            goto fail;
    }
    code = errors->count > problems ? ERR_INVALID : 0;
    if (code)
        goto fail;
    scope_mark_used(&engine->scope, engine->queries, plan->query_count);
    code = create_decoder(engine);
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
    for (uint32_t i = 0; engine->queries && i < engine->plan->query_count; i++)
        sql_query_destroy(engine->queries[i]);
    free(engine->queries);
    json_decoder_destroy(engine->decoder);
    scope_fini(&engine->scope);
    arena_fini(&engine->arena);
    free(engine->malformed);
    free(engine->picks);
    free(engine);
}

const struct type *engine_schema(const struct engine *engine, uint32_t query)
{
    return sql_query_schema(engine->queries[query]);
}

size_t engine_bytes(const struct engine *engine)
{
    return engine->arena.bytes;
}

/* ---- one block ---- */

static int decode(struct engine *engine, const struct record_block *records, struct block *out,
                  struct err *err)
{
    memset(engine->malformed, 0, records->count);
    switch (engine->plan->value.format) {
    case FORMAT_JSON:
        return json_decode_block(engine->decoder, records->records, records->count, &engine->arena,
                                 out, engine->malformed, err);
    case FORMAT_TEXT:
        return text_decode_block(records->records, records->count, &engine->arena, out, err);
    case FORMAT_BINARY:
        return binary_decode_block(records->records, records->count, &engine->arena, out, err);
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

/* Counts malformed records and does with them what the mode says. *rows is the number that stay;
 * when fewer than all, engine->picks says which. */
static int treat_malformed(struct engine *engine, const struct record_block *records,
                           struct engine_counts *counts, uint32_t *rows, struct err *err)
{
    enum plan_json_mode mode = engine->plan->value.mode;
    uint32_t bad = 0, kept = 0;
    for (uint32_t i = 0; i < records->count; i++) {
        if (engine->malformed[i] && mode == JSON_FAILFAST)
            return fail_fast(records, i, err);
        bad += engine->malformed[i];
        engine->picks[kept] = i;
        kept += !engine->malformed[i];
    }
    counts->malformed += bad;
    *rows = mode == JSON_DROPMALFORMED ? kept : records->count;
    return 0;
}

static int drop_rows(struct engine *engine, struct block *block, uint32_t rows)
{
    for (uint32_t i = 0; i < block->col_count; i++) {
        struct vec kept;
        if (!block->cols[i].type)
            continue; /* a column nobody uses */
        if (vec_gather(&kept, &block->cols[i], engine->picks, rows, &engine->arena) != 0)
            return ERR_NOMEM;
        block->cols[i] = kept;
    }
    block->rows = rows;
    return 0;
}

static int run_queries(struct engine *engine, const struct block *in, uint32_t read,
                       const struct sql_batch_context *context, const struct engine_hooks *hooks,
                       struct engine_counts *counts, struct err *err)
{
    for (uint32_t i = 0; i < engine->plan->query_count; i++) {
        struct block rows;
        int code = sql_query_run(engine->queries[i], in, context, &engine->arena, &rows, err);
        if (code)
            return err_prefix(err, "query %.*s", STR_ARG(engine->plan->queries[i].name));
        struct books *books = &counts->books[i];
        books->read += read;
        books->malformed += read - in->rows;
        books->filtered += in->rows - rows.rows;
        books->accepted += rows.rows;
        counts->rows_out[i] += rows.rows;
        code = rows.rows ? hooks->rows(hooks->user, i, &rows, err) : 0;
        if (code)
            return code;
    }
    return 0;
}

int engine_process(struct engine *engine, const struct record_block *records,
                   int64_t batch_timestamp_ms, const struct engine_hooks *hooks,
                   struct engine_counts *counts, struct err *err)
{
    REQUIRE(records->count <= BLOCK_ROWS_MAX);
    struct sql_batch_context context = {.batch_timestamp_us = batch_timestamp_ms * 1000};
    struct block block;
    uint32_t rows = records->count;
    arena_reset(&engine->arena);
    int code = decode(engine, records, &block, err);
    if (code)
        return code;
    code = treat_malformed(engine, records, counts, &rows, err);
    if (code)
        return code;
    if (scope_add_metadata(&engine->scope, records, &block, &engine->arena) != 0)
        return err_set(err, ERR_NOMEM, "out of memory for a block of records");
    if (rows < records->count && drop_rows(engine, &block, rows) != 0)
        return err_set(err, ERR_NOMEM, "out of memory for a block of records");
    counts->records += records->count;
    return run_queries(engine, &block, records->count, &context, hooks, counts, err);
}

/* ---- counts ---- */

int engine_counts_init(struct engine_counts *counts, const struct engine *engine)
{
    uint32_t n = engine->plan->query_count;
    *counts = (struct engine_counts){.books = calloc(n, sizeof(struct books)),
                                     .rows_out = calloc(n, sizeof(uint64_t))};
    if (counts->books && counts->rows_out)
        return 0;
    engine_counts_fini(counts);
    return ERR_NOMEM;
}

void engine_counts_fini(struct engine_counts *counts)
{
    free(counts->books);
    free(counts->rows_out);
    *counts = (struct engine_counts){0};
}

void engine_counts_reset(struct engine_counts *counts, const struct engine *engine)
{
    uint32_t n = engine->plan->query_count;
    counts->records = counts->malformed = 0;
    memset(counts->books, 0, n * sizeof *counts->books);
    memset(counts->rows_out, 0, n * sizeof *counts->rows_out);
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
