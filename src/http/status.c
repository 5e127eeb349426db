#include "http/status.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <stdio.h>
#include <time.h>

#include "base/utf8.h"

/* A cJSON tree being built. Every add_ function notes a failed allocation in `failed`; further
 * calls are harmless then, as cJSON takes NULL everywhere. */
struct writer {
    bool failed;
    struct buf text; /* one string on its way */
    struct printed_offsets {
        const struct status_offset *items; /* NULL: none yet */
        struct buf text;
    } start, end, latest; /* of the query before */
};

static void note(struct writer *w, const cJSON *item)
{
    if (!item)
        w->failed = true;
}

static cJSON *add_object(struct writer *w, cJSON *parent, const char *name)
{
    cJSON *object = cJSON_AddObjectToObject(parent, name);
    note(w, object);
    return object;
}

static cJSON *add_array(struct writer *w, cJSON *parent, const char *name)
{
    cJSON *array = cJSON_AddArrayToObject(parent, name);
    note(w, array);
    return array;
}

static cJSON *append_object(struct writer *w, cJSON *array)
{
    cJSON *object = cJSON_CreateObject();
    note(w, object);
    if (object && !cJSON_AddItemToArray(array, object)) {
        cJSON_Delete(object);
        object = NULL;
    }
    return object;
}

static void add_null(struct writer *w, cJSON *object, const char *name)
{
    note(w, cJSON_AddNullToObject(object, name));
}

static void add_bool(struct writer *w, cJSON *object, const char *name, bool value)
{
    note(w, cJSON_AddBoolToObject(object, name, value));
}

/* cJSON keeps numbers as doubles: 64 bits go in as text. */
static void add_int(struct writer *w, cJSON *object, const char *name, int64_t value)
{
    char text[24];
    snprintf(text, sizeof text, "%lld", (long long)value);
    note(w, cJSON_AddRawToObject(object, name, text));
}

static void add_count(struct writer *w, cJSON *object, const char *name, uint64_t value)
{
    char text[24];
    snprintf(text, sizeof text, "%llu", (unsigned long long)value);
    note(w, cJSON_AddRawToObject(object, name, text));
}

static void add_known_int(struct writer *w, cJSON *object, const char *name, int64_t value)
{
    if (value == STATUS_UNKNOWN)
        add_null(w, object, name);
    else
        add_int(w, object, name, value);
}

static void add_double(struct writer *w, cJSON *object, const char *name, double value)
{
    if (isfinite(value))
        note(w, cJSON_AddNumberToObject(object, name, value));
    else
        add_null(w, object, name);
}

static void add_string(struct writer *w, cJSON *object, const char *name, struct str value)
{
    buf_clear(&w->text);
    for (size_t i = 0, n; i < value.n; i += n + 1) {
        const char *nul = memchr(value.p + i, '\0', value.n - i);
        n = nul ? (size_t)(nul - value.p) - i : value.n - i;
        utf8_append_clean(&w->text, (struct str){value.p + i, n});
        if (nul)
            buf_append_str(&w->text, STR("\xef\xbf\xbd"));
    }
    const char *text = buf_cstr(&w->text);
    w->failed |= w->text.failed;
    note(w, cJSON_AddStringToObject(object, name, text));
}

static void add_known_string(struct writer *w, cJSON *object, const char *name, struct str value)
{
    if (value.n)
        add_string(w, object, name, value);
    else
        add_null(w, object, name);
}

/* ISO-8601 with milliseconds and Z. */
static void add_time(struct writer *w, cJSON *object, const char *name, int64_t ms)
{
    int64_t second = ms / 1000 - (ms % 1000 < 0);
    time_t clock = (time_t)second;
    struct tm tm;
    char text[64];
    if (ms == STATUS_UNKNOWN || !gmtime_r(&clock, &tm)) {
        add_null(w, object, name);
        return;
    }
    snprintf(text, sizeof text, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", tm.tm_year + 1900,
             tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec,
             (int)(ms - second * 1000));
    note(w, cJSON_AddStringToObject(object, name, text));
}

void status_print_offsets(const struct status_offsets *offsets, struct buf *out)
{
    struct writer w = {0};
    cJSON *topics = cJSON_CreateObject(), *partitions = NULL;
    note(&w, topics);
    for (uint32_t i = 0; i < offsets->count; i++) {
        const struct status_offset *item = &offsets->items[i];
        char partition[16];
        if (!partitions || !str_eq(item->topic, offsets->items[i - 1].topic)) {
            buf_clear(&w.text);
            utf8_append_clean(&w.text, item->topic);
            partitions = add_object(&w, topics, buf_cstr(&w.text));
        }
        snprintf(partition, sizeof partition, "%d", (int)item->partition);
        add_known_int(&w, partitions, partition, item->offset);
    }
    char *text = cJSON_PrintUnformatted(topics);
    buf_append_str(out, str_of(text));
    out->failed |= !text || w.failed || w.text.failed;
    cJSON_free(text);
    cJSON_Delete(topics);
    buf_fini(&w.text);
}

/* Queries share these lists, which may be long: each is printed once. */
static void add_offsets(struct writer *w, cJSON *object, const char *name,
                        const struct status_offsets *offsets, struct printed_offsets *printed)
{
    if (!offsets->items) {
        add_null(w, object, name);
        return;
    }
    if (printed->items != offsets->items) {
        buf_clear(&printed->text);
        status_print_offsets(offsets, &printed->text);
        w->failed |= printed->text.failed;
    }
    printed->items = offsets->items;
    note(w, cJSON_AddRawToObject(object, name, buf_cstr(&printed->text)));
}

static void add_duration(struct writer *w, cJSON *query, const struct status_duration *duration)
{
    cJSON *object = add_object(w, query, "durationMs");
    add_int(w, object, "latestOffset", duration->latest_offset);
    add_int(w, object, "getBatch", duration->get_batch);
    add_int(w, object, "queryPlanning", duration->query_planning);
    add_int(w, object, "walCommit", duration->wal_commit);
    add_int(w, object, "addBatch", duration->add_batch);
    add_int(w, object, "commitOffsets", duration->commit_offsets);
    add_int(w, object, "triggerExecution", duration->trigger_execution);
}

static void add_event_time(struct writer *w, cJSON *query, const struct status_event_time *times)
{
    cJSON *object = add_object(w, query, "eventTime");
    if (times->avg_ms != STATUS_UNKNOWN)
        add_time(w, object, "avg", times->avg_ms);
    if (times->max_ms != STATUS_UNKNOWN)
        add_time(w, object, "max", times->max_ms);
    if (times->min_ms != STATUS_UNKNOWN)
        add_time(w, object, "min", times->min_ms);
    if (times->watermark_ms != STATUS_UNKNOWN)
        add_time(w, object, "watermark", times->watermark_ms);
}

static void add_state_operators(struct writer *w, cJSON *object, const struct status_query *query)
{
    cJSON *array = add_array(w, object, "stateOperators");
    for (uint32_t i = 0; i < query->state_operator_count; i++) {
        const struct status_state_operator *op = &query->state_operators[i];
        cJSON *item = append_object(w, array);
        add_int(w, item, "numRowsTotal", op->rows_total);
        add_int(w, item, "numRowsUpdated", op->rows_updated);
        add_int(w, item, "numRowsDroppedByWatermark", op->rows_dropped_by_watermark);
        add_int(w, item, "memoryUsedBytes", op->memory_used_bytes);
    }
}

static void add_query_source(struct writer *w, cJSON *object,
                             const struct status_query_source *source)
{
    cJSON *item = append_object(w, add_array(w, object, "sources"));
    add_string(w, item, "description", source->description);
    add_offsets(w, item, "startOffset", &source->start, &w->start);
    add_offsets(w, item, "endOffset", &source->end, &w->end);
    add_offsets(w, item, "latestOffset", &source->latest, &w->latest);
}

static void add_sink_array(struct writer *w, cJSON *object, const struct status_sink *sinks,
                           uint32_t count)
{
    cJSON *array = add_array(w, object, "sinks");
    for (uint32_t i = 0; i < count; i++) {
        cJSON *item = append_object(w, array);
        add_string(w, item, "name", sinks[i].name);
        add_string(w, item, "description", sinks[i].description);
        add_int(w, item, "numOutputRows", sinks[i].output_rows);
        add_count(w, item, "objects", sinks[i].objects);
        add_count(w, item, "bytes", sinks[i].bytes);
        add_count(w, item, "heldBytes", sinks[i].held_bytes);
        add_count(w, item, "uploads", sinks[i].uploads);
        add_count(w, item, "uploadingBytes", sinks[i].uploading_bytes);
        add_count(w, item, "retries", sinks[i].retries);
        add_bool(w, item, "failing", sinks[i].failing);
        add_known_string(w, item, "error", sinks[i].error);
    }
}

static void add_sinks(struct writer *w, cJSON *object, const struct status_query *query)
{
    if (query->sink_count == 0) {
        add_null(w, object, "sink");
    } else {
        cJSON *first = add_object(w, object, "sink");
        add_string(w, first, "description", query->sinks[0].description);
        add_int(w, first, "numOutputRows", query->sinks[0].output_rows);
    }
    add_sink_array(w, object, query->sinks, query->sink_count);
}

static void add_totals(struct writer *w, cJSON *object, const struct status_query *query)
{
    const struct status_books *books = &query->books;
    cJSON *totals = add_object(w, object, "totals");
    add_count(w, totals, "read", books->read);
    add_count(w, totals, "malformed", books->malformed);
    add_count(w, totals, "filtered", books->filtered);
    add_count(w, totals, "noEventTime", books->no_event_time);
    add_count(w, totals, "future", books->future);
    add_count(w, totals, "deduplicated", books->deduplicated);
    add_count(w, totals, "late", books->late);
    add_count(w, totals, "accepted", books->accepted);
    add_count(w, totals, "outputRows", query->output_rows_total);
}

static void append_query(struct writer *w, cJSON *array, const struct status_query *query)
{
    cJSON *object = append_object(w, array);
    add_string(w, object, "name", query->name);
    add_string(w, object, "outputMode", query->output_mode);
    add_known_int(w, object, "batchId", query->batch_id);
    add_time(w, object, "timestamp", query->timestamp_ms);
    add_int(w, object, "numInputRows", query->input_rows);
    add_double(w, object, "inputRowsPerSecond", query->input_rows_per_second);
    add_double(w, object, "processedRowsPerSecond", query->processed_rows_per_second);
    add_duration(w, object, &query->duration);
    add_event_time(w, object, &query->event_time);
    add_state_operators(w, object, query);
    add_query_source(w, object, &query->source);
    add_sinks(w, object, query);
    add_totals(w, object, query);
}

static void append_source(struct writer *w, cJSON *array, const struct status_source *source)
{
    cJSON *object = append_object(w, array);
    add_string(w, object, "name", source->name);
    add_string(w, object, "description", source->description);
    add_bool(w, object, "connected", source->connected);
    add_bool(w, object, "held", source->held);
    add_known_string(w, object, "error", source->error);
    add_count(w, object, "malformed", source->malformed);
    cJSON *partitions = add_array(w, object, "partitions");
    for (uint32_t i = 0; i < source->partition_count; i++) {
        const struct status_partition *partition = &source->partitions[i];
        cJSON *item = append_object(w, partitions);
        add_string(w, item, "topic", partition->topic);
        add_int(w, item, "partition", partition->partition);
        add_known_int(w, item, "position", partition->position);
        add_known_int(w, item, "end", partition->end);
        add_known_int(w, item, "lag", partition->lag);
        add_bool(w, item, "held", partition->held);
        add_bool(w, item, "leftOut", partition->left_out);
    }
    add_sink_array(w, object, source->sinks, source->sink_count);
}

static void add_checkpoint(struct writer *w, cJSON *root,
                           const struct status_checkpoint *checkpoint)
{
    if (!checkpoint) {
        add_null(w, root, "checkpoint");
        return;
    }
    cJSON *object = add_object(w, root, "checkpoint");
    add_string(w, object, "location", checkpoint->location);
    add_known_int(w, object, "batchId", checkpoint->batch_id);
    add_known_int(w, object, "bytes", checkpoint->bytes);
    add_time(w, object, "committedAt", checkpoint->committed_ms);
}

static void add_memory(struct writer *w, cJSON *root, const struct status *status)
{
    cJSON *object = add_object(w, root, "memory");
    add_int(w, object, "residentBytes", status->resident_bytes);
    if (!status->memory) {
        add_null(w, object, "budgetBytes");
        add_null(w, object, "usedBytes");
        return;
    }
    add_count(w, object, "budgetBytes", status->memory->budget);
    cJSON *used = add_object(w, object, "usedBytes");
    for (int use = 0; use < MEM_USE_COUNT; use++)
        add_count(w, used, mem_use_names[use], status->memory->used[use]);
}

const char *status_state_name(enum status_state state)
{
    static const char *const names[] = {
        [STATUS_STARTING] = "starting",       [STATUS_RUNNING] = "running",
        [STATUS_CATCHING_UP] = "catching_up", [STATUS_DEGRADED] = "degraded",
        [STATUS_STOPPING] = "stopping",       [STATUS_FAILED] = "failed",
    };
    REQUIRE((unsigned)state < COUNT_OF(names));
    return names[state];
}

static void add_progress(struct writer *w, cJSON *root, const struct status_progress *progress)
{
    if (!progress) {
        add_null(w, root, "progress");
        return;
    }
    cJSON *object = add_object(w, root, "progress");
    add_double(w, object, "percent", progress->percent);
    add_double(w, object, "recordsPerSecond", progress->records_per_second);
    add_double(w, object, "etaSeconds", progress->eta_seconds);
}

static void add_run(struct writer *w, cJSON *root, const struct status *status)
{
    add_string(w, root, "name", status->name);
    add_string(w, root, "version", status->version);
    add_string(w, root, "id", status->id);
    add_string(w, root, "runId", status->run_id);
    add_string(w, root, "state", str_of(status_state_name(status->state)));
    add_known_string(w, root, "reason", status->reason);
    add_double(w, root, "uptimeSeconds", status->uptime_seconds);
    add_known_int(w, root, "triggerIntervalMs", status->trigger_interval_ms);
    add_bool(w, root, "ready", status->ready);
    add_known_string(w, root, "notReady", status->not_ready);
    add_double(w, root, "uncommittedSeconds", status->uncommitted_seconds);
    add_time(w, root, "lastCommit", status->committed_ms);
    add_progress(w, root, status->progress);
}

static void add_pace(struct writer *w, cJSON *root, const struct status *status)
{
    cJSON *object = add_object(w, root, "pace");
    add_double(w, object, "readPerSecond", status->read_per_second);
    add_double(w, object, "addedPerSecond", status->added_per_second);
    add_known_int(w, object, "behind", status->behind);
}

void status_print(const struct status *status, struct buf *out)
{
    struct writer w = {0};
    cJSON *root = cJSON_CreateObject();
    note(&w, root);
    add_run(&w, root, status);
    add_pace(&w, root, status);
    cJSON *queries = add_array(&w, root, "queries");
    for (uint32_t i = 0; i < status->query_count; i++)
        append_query(&w, queries, &status->queries[i]);
    cJSON *sources = add_array(&w, root, "sources");
    for (uint32_t i = 0; i < status->source_count; i++)
        append_source(&w, sources, &status->sources[i]);
    add_checkpoint(&w, root, status->checkpoint);
    add_memory(&w, root, status);
    char *text = w.failed ? NULL : cJSON_PrintUnformatted(root);
    if (text)
        buf_append_str(out, str_of(text));
    else
        out->failed = true;
    buf_append_char(out, '\n');
    cJSON_free(text);
    cJSON_Delete(root);
    buf_fini(&w.text);
    buf_fini(&w.start.text);
    buf_fini(&w.end.text);
    buf_fini(&w.latest.text);
}
