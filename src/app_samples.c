/* What a person wants to see of the data: the newest rows of each query, and the newest records
 * that were left out. Copies, few and short: see the limits. Served as /samples. */
#include <stdlib.h>

#include "app_impl.h"
#include "format/json_rows.h"
#include "os/clock.h"

enum {
    ROWS_MAX = 40, /* per query */
    LOST_MAX = 5,  /* malformed ones, and late ones */
    TEXT_BYTES_MAX = 1024,
    SCRATCH_BYTES_KEPT = 64 << 10,
    /* Results that come slowly are all taken, of a flood as many rows as cost next to nothing. */
    WATCHED_MS = 60 * 1000, /* after a look at /samples */
    ROWS_ROUND = 400,       /* taken of a query in a round: */
    ROUND_MS = 100,
    UNWATCHED_ROUND_MS = 5000,
};

struct row_sample {
    int64_t batch_id;
    struct buf json; /* empty: the row was too long ... */
    size_t bytes;    /* ... with this many */
};

struct query_samples {
    struct row_sample rows[ROWS_MAX]; /* a ring */
    uint32_t next, count;
    int64_t batch_id, round_ms;
    uint32_t round_rows; /* taken since round_ms */
};

struct lost_sample {
    const char *reason;
    uint32_t query;
    struct buf topic, value;
    bool null; /* the record has no value */
    size_t value_bytes;
    int32_t partition;
    int64_t offset, timestamp_ms;
};

struct lost_samples {
    struct lost_sample items[LOST_MAX]; /* a ring */
    uint32_t next, count;
};

struct app_samples {
    struct query_samples *queries;
    struct lost_samples malformed, late;
    struct buf scratch;
    int64_t watched_ms;
    uint64_t version;
};

int app_samples_init(struct app *app)
{
    struct app_samples *samples = calloc(1, sizeof *samples);
    if (!samples)
        return ERR_NOMEM;
    app->samples = samples;
    samples->queries = calloc(app->options.plan->query_count, sizeof *samples->queries);
    samples->version = (uint64_t)app->started_ms << 20; /* no other run's */
    return samples->queries ? 0 : ERR_NOMEM;
}

static void fini_lost(struct lost_samples *lost)
{
    for (uint32_t i = 0; i < LOST_MAX; i++) {
        buf_fini(&lost->items[i].topic);
        buf_fini(&lost->items[i].value);
    }
}

void app_samples_fini(struct app *app)
{
    struct app_samples *samples = app->samples;
    if (!samples)
        return;
    for (uint32_t q = 0; samples->queries && q < app->options.plan->query_count; q++) {
        for (uint32_t i = 0; i < ROWS_MAX; i++)
            buf_fini(&samples->queries[q].rows[i].json);
    }
    fini_lost(&samples->malformed);
    fini_lost(&samples->late);
    buf_fini(&samples->scratch);
    free(samples->queries);
    free(samples);
}

/* ---- taking ---- */

static void take_row(struct app_samples *samples, struct query_samples *query,
                     const struct type *schema, const struct block *rows, uint32_t row)
{
    struct row_sample *sample = &query->rows[query->next];
    struct buf *scratch = &samples->scratch;
    buf_clear(scratch);
    json_row_append(scratch, schema, rows, row);
    buf_clear(&sample->json);
    sample->batch_id = query->batch_id;
    sample->bytes = scratch->n;
    if (!scratch->failed && scratch->n <= TEXT_BYTES_MAX)
        buf_append_str(&sample->json, buf_str(scratch));
    if (scratch->capacity > SCRATCH_BYTES_KEPT)
        buf_fini(scratch);
    query->next = (query->next + 1) % ROWS_MAX;
    query->count += query->count < ROWS_MAX;
}

void app_samples_rows(struct app *app, uint32_t index, const struct block *rows)
{
    struct app_samples *samples = app->samples;
    struct query_samples *query = &samples->queries[index];
    int64_t now_ms = clock_wall_ms();
    bool watched = now_ms - samples->watched_ms < WATCHED_MS;
    if (now_ms - query->round_ms >= (watched ? ROUND_MS : UNWATCHED_ROUND_MS)) {
        query->round_ms = now_ms;
        query->round_rows = 0;
    }
    if (query->round_rows >= ROWS_ROUND)
        return;
    int64_t batch_id = app->filling->batch->id;
    bool whole = app->options.plan->queries[index].output_mode == OUTPUT_COMPLETE;
    if (whole && query->batch_id != batch_id)
        query->next = query->count = 0;
    query->batch_id = batch_id;
    samples->version++;
    const struct type *schema = engine_schema(app->engine, index);
    for (uint32_t i = rows->rows > ROWS_MAX ? rows->rows - ROWS_MAX : 0; i < rows->rows; i++) {
        take_row(samples, query, schema, rows, i);
        query->round_rows++;
    }
}

static void take_text(struct buf *out, struct str text)
{
    buf_clear(out);
    buf_append_str(out, (struct str){text.p, text.n > TEXT_BYTES_MAX ? TEXT_BYTES_MAX : text.n});
}

void app_samples_lost(void *user, const struct engine_lost *lost)
{
    struct app *app = user;
    bool malformed = strcmp(lost->reason, ENGINE_MALFORMED) == 0;
    struct lost_samples *ring = malformed ? &app->samples->malformed : &app->samples->late;
    struct lost_sample *sample = &ring->items[ring->next];
    const struct record *record = &lost->records->records[lost->record];
    sample->reason = lost->reason;
    sample->query = lost->query;
    sample->null = !record->value.p;
    sample->value_bytes = record->value.n;
    sample->partition = lost->records->partition;
    sample->offset = record->offset;
    sample->timestamp_ms = record->timestamp_ms;
    take_text(&sample->topic, lost->records->topic);
    take_text(&sample->value, record->value);
    ring->next = (ring->next + 1) % LOST_MAX;
    ring->count += ring->count < LOST_MAX;
    app->samples->version++;
}

/* ---- showing ---- */

static void print_columns(struct buf *out, const struct type *schema)
{
    struct buf type = {0};
    buf_append_str(out, STR("\"columns\":["));
    for (uint32_t i = 0; i < schema->field_count; i++) {
        buf_clear(&type);
        type_print(schema->fields[i].type, &type);
        buf_append_str(out, i ? STR(",{\"name\":") : STR("{\"name\":"));
        json_string_append(out, schema->fields[i].name);
        buf_append_str(out, STR(",\"type\":"));
        json_string_append(out, buf_str(&type));
        buf_append_char(out, '}');
    }
    buf_append_char(out, ']');
    out->failed |= type.failed;
    buf_fini(&type);
}

/* Oldest first. */
static void print_query(const struct app *app, uint32_t index, struct buf *out)
{
    const struct query_samples *query = &app->samples->queries[index];
    buf_append_str(out, STR("{\"name\":"));
    json_string_append(out, app->options.plan->queries[index].name);
    buf_append_char(out, ',');
    print_columns(out, engine_schema(app->engine, index));
    buf_append_str(out, STR(",\"rows\":["));
    for (uint32_t i = 0; i < query->count; i++) {
        const struct row_sample *sample =
            &query->rows[(query->next + ROWS_MAX - query->count + i) % ROWS_MAX];
        buf_printf(out, "%s{\"batchId\":%lld,\"bytes\":%zu,\"row\":", i ? "," : "",
                   (long long)sample->batch_id, sample->bytes);
        buf_append_str(out, sample->json.n ? buf_str(&sample->json) : STR("null"));
        buf_append_char(out, '}');
    }
    buf_append_str(out, STR("]}"));
}

static void print_lost(const struct app *app, const struct lost_samples *lost, struct buf *out)
{
    buf_append_char(out, '[');
    for (uint32_t i = 0; i < lost->count; i++) {
        const struct lost_sample *sample =
            &lost->items[(lost->next + LOST_MAX - lost->count + i) % LOST_MAX];
        buf_printf(out, "%s{\"reason\":\"%s\",\"query\":", i ? "," : "", sample->reason);
        if (sample->query == UINT32_MAX)
            buf_append_str(out, STR("null"));
        else
            json_string_append(out, app->options.plan->queries[sample->query].name);
        buf_append_str(out, STR(",\"topic\":"));
        json_string_append(out, buf_str(&sample->topic));
        buf_printf(out, ",\"partition\":%d,\"offset\":%lld,\"timestampMs\":%lld,\"bytes\":%zu,",
                   sample->partition, (long long)sample->offset, (long long)sample->timestamp_ms,
                   sample->value_bytes);
        buf_append_str(out, STR("\"value\":"));
        if (sample->null)
            buf_append_str(out, STR("null"));
        else
            json_string_append(out, buf_str(&sample->value));
        buf_append_char(out, '}');
    }
    buf_append_char(out, ']');
}

void app_print_samples(void *user, struct buf *out)
{
    struct app *app = user;
    app->samples->watched_ms = clock_wall_ms();
    buf_append_str(out, STR("{\"runId\":"));
    json_string_append(out, str_of(app->run_id));
    buf_append_str(out, STR(",\"queries\":["));
    for (uint32_t i = 0; i < app->options.plan->query_count; i++) {
        if (i)
            buf_append_char(out, ',');
        print_query(app, i, out);
    }
    buf_append_str(out, STR("],\"malformed\":"));
    print_lost(app, &app->samples->malformed, out);
    buf_append_str(out, STR(",\"late\":"));
    print_lost(app, &app->samples->late, out);
    buf_append_str(out, STR("}\n"));
}

uint64_t app_samples_version(void *user)
{
    struct app *app = user;
    app->samples->watched_ms = clock_wall_ms();
    return app->samples->version;
}
