#include "batch/record.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/crc32c.h"
#include "batch/envelope.h"
#include "batch/record_json.h"

enum { COMMIT_VERSION = 1 };

static const char kind[] = "commit";

/* ---- writing ---- */

static void put_partitions(struct buf *out, const struct commit_record *record)
{
    record_put_key(out, "offsets");
    record_put_open(out, '[');
    for (uint32_t i = 0; i < record->partition_count; i++) {
        const struct record_partition *p = &record->partitions[i];
        record_put_open(out, '{');
        record_put_str(out, "topic", p->topic);
        record_put_int(out, "partition", p->partition);
        record_put_int(out, "start", p->start);
        record_put_int(out, "end", p->end);
        record_put_close(out, '}');
    }
    record_put_close(out, ']');
    record_put_key(out, "slices");
    record_put_open(out, '[');
    for (uint32_t i = 0; i < record->slice_count; i++)
        record_put_item(out, record->slices[i]);
    record_put_close(out, ']');
}

static void put_object(struct buf *out, const char *key, const struct record_object *object)
{
    if (object->key.n == 0)
        return;
    if (key)
        record_put_key(out, key);
    record_put_open(out, '{');
    record_put_str(out, "key", object->key);
    record_put_int(out, "bytes", (int64_t)object->bytes);
    record_put_int(out, "crc32c", object->crc);
    record_put_close(out, '}');
}

static void put_state(struct buf *out, const struct commit_record *record)
{
    record_put_key(out, "state");
    record_put_open(out, '[');
    for (uint32_t i = 0; i < record->state_count; i++)
        put_object(out, NULL, &record->state[i]);
    record_put_close(out, ']');
    record_put_int(out, "snapshotFiles", record->snapshot_count);
}

static void put_place(struct buf *out, struct str query, struct str sink, struct str place)
{
    record_put_str(out, "query", query);
    record_put_str(out, "sink", sink);
    record_put_str(out, "place", place);
}

static void put_file(struct buf *out, const struct record_file *file)
{
    record_put_open(out, '{');
    record_put_str(out, "name", file->name);
    record_put_int(out, "rows", (int64_t)file->rows);
    record_put_int(out, "bytes", (int64_t)file->bytes);
    record_put_str(out, "uploadId", file->upload_id);
    record_put_str(out, "parts", file->tags);
    record_put_close(out, '}');
}

static void put_outputs(struct buf *out, const struct commit_record *record)
{
    record_put_key(out, "outputs");
    record_put_open(out, '[');
    for (uint32_t i = 0; i < record->output_count; i++) {
        const struct record_output *output = &record->outputs[i];
        record_put_open(out, '{');
        put_place(out, output->query, output->sink, output->place);
        record_put_int(out, "batchId", output->batch_id);
        record_put_int(out, "rows", (int64_t)output->rows);
        record_put_key(out, "files");
        record_put_open(out, '[');
        for (uint32_t k = 0; k < output->file_count; k++)
            put_file(out, &output->files[k]);
        record_put_close(out, ']');
        put_object(out, "staged", &output->staged);
        record_put_close(out, '}');
    }
    record_put_close(out, ']');
    record_put_key(out, "rolled");
    record_put_open(out, '[');
    for (uint32_t i = 0; i < record->rolled_count; i++) {
        const struct record_rolled *rolled = &record->rolled[i];
        record_put_open(out, '{');
        put_place(out, rolled->query, rolled->sink, rolled->place);
        put_object(out, "object", &rolled->object);
        record_put_close(out, '}');
    }
    record_put_close(out, ']');
}

/* The books under the names of sluice_query_records_total's outcomes. */
static const struct {
    const char *name;
    size_t offset;
} books[] = {
#define BOOK(name, member)                                                                         \
    {                                                                                              \
        name, offsetof(struct record_query, member)                                                \
    }
    BOOK("read", read),         BOOK("malformed", malformed),
    BOOK("filtered", filtered), BOOK("no_event_time", no_event_time),
    BOOK("future", future),     BOOK("deduplicated", deduplicated),
    BOOK("late", late),         BOOK("accepted", accepted),
#undef BOOK
};

enum { BOOK_COUNT = sizeof books / sizeof *books };

static void put_queries(struct buf *out, const struct commit_record *record)
{
    record_put_str(out, "sourceFingerprint", record->source_fingerprint);
    record_put_key(out, "queries");
    record_put_open(out, '[');
    for (uint32_t i = 0; i < record->query_count; i++) {
        const struct record_query *query = &record->queries[i];
        record_put_open(out, '{');
        record_put_str(out, "name", query->name);
        record_put_str(out, "fingerprint", query->fingerprint);
        record_put_int(out, "watermarkUs", query->watermark_us);
        for (size_t k = 0; k < BOOK_COUNT; k++) {
            uint64_t value;
            memcpy(&value, (const char *)query + books[k].offset, sizeof value);
            record_put_int(out, books[k].name, (int64_t)value);
        }
        record_put_close(out, '}');
    }
    record_put_close(out, ']');
}

int commit_record_encode(const struct commit_record *record, struct buf *out)
{
    struct buf text = {0};
    record_put_open(&text, '{');
    record_put_int(&text, "batchId", record->batch_id);
    record_put_int(&text, "epoch", (int64_t)record->epoch);
    record_put_str(&text, "checkpointId", record->checkpoint_id);
    record_put_str(&text, "runId", record->run_id);
    record_put_bool(&text, "takeover", record->takeover);
    record_put_int(&text, "timestampMs", record->timestamp_ms);
    record_put_int(&text, "decidedMs", record->decided_ms);
    record_put_str(&text, "reason", record->reason);
    record_put_int(&text, "records", (int64_t)record->records);
    put_partitions(&text, record);
    put_state(&text, record);
    put_outputs(&text, record);
    put_queries(&text, record);
    record_put_close(&text, '}');
    buf_append_char(&text, '\n');
    if (!text.failed)
        envelope_append(out, kind, COMMIT_VERSION, buf_str(&text));
    bool failed = text.failed || out->failed;
    buf_fini(&text);
    return failed ? ERR_NOMEM : 0;
}

/* ---- reading ---- */

static void get_object(struct record_reader *in, const struct doc_node *from,
                       struct record_object *out)
{
    int64_t crc = record_get_int(in, from, "crc32c");
    out->key = record_get_str(in, from, "key");
    out->bytes = (uint64_t)record_get_int(in, from, "bytes");
    out->crc = (uint32_t)crc;
    if (crc < 0 || crc > UINT32_MAX)
        record_fail(in, from, "crc32c is no 32-bit number");
}

static void get_partition(struct record_reader *in, const struct doc_node *from, void *to)
{
    struct record_partition *out = to;
    out->topic = record_get_str(in, from, "topic");
    out->partition = (int32_t)record_get_int(in, from, "partition");
    out->start = record_get_int(in, from, "start");
    out->end = record_get_int(in, from, "end");
}

static void get_slice(struct record_reader *in, const struct doc_node *from, void *to)
{
    *(struct str *)to = record_take_str(in, from);
}

static void get_state(struct record_reader *in, const struct doc_node *from, void *to)
{
    get_object(in, from, to);
}

static void get_file(struct record_reader *in, const struct doc_node *from, void *to)
{
    struct record_file *out = to;
    out->name = record_get_str(in, from, "name");
    out->rows = (uint64_t)record_get_int(in, from, "rows");
    out->bytes = (uint64_t)record_get_int(in, from, "bytes");
    out->upload_id = record_get_str(in, from, "uploadId");
    out->tags = record_get_str(in, from, "parts");
}

static void get_output(struct record_reader *in, const struct doc_node *from, void *to)
{
    struct record_output *out = to;
    out->query = record_get_str(in, from, "query");
    out->sink = record_get_str(in, from, "sink");
    out->place = record_get_str(in, from, "place");
    out->batch_id = record_get_int(in, from, "batchId");
    out->rows = (uint64_t)record_get_int(in, from, "rows");
    out->files =
        record_get_array(in, from, "files", sizeof *out->files, get_file, &out->file_count);
    if (doc_member(from, STR("staged")))
        get_object(in, record_get_object(in, from, "staged"), &out->staged);
}

static void get_rolled(struct record_reader *in, const struct doc_node *from, void *to)
{
    struct record_rolled *out = to;
    out->query = record_get_str(in, from, "query");
    out->sink = record_get_str(in, from, "sink");
    out->place = record_get_str(in, from, "place");
    get_object(in, record_get_object(in, from, "object"), &out->object);
}

static void get_query(struct record_reader *in, const struct doc_node *from, void *to)
{
    struct record_query *out = to;
    out->name = record_get_str(in, from, "name");
    out->fingerprint = record_get_str(in, from, "fingerprint");
    out->watermark_us = record_get_int(in, from, "watermarkUs");
    for (size_t k = 0; k < BOOK_COUNT; k++) {
        uint64_t value = (uint64_t)record_get_int(in, from, books[k].name);
        memcpy((char *)out + books[k].offset, &value, sizeof value);
    }
}

static void get_record(struct record_reader *in, const struct doc_node *from,
                       struct commit_record *out)
{
    out->batch_id = record_get_int(in, from, "batchId");
    out->epoch = (uint64_t)record_get_int(in, from, "epoch");
    out->checkpoint_id = record_get_str(in, from, "checkpointId");
    out->run_id = record_get_str(in, from, "runId");
    out->takeover = record_get_bool(in, from, "takeover");
    out->timestamp_ms = record_get_int(in, from, "timestampMs");
    out->decided_ms = record_get_int(in, from, "decidedMs");
    out->reason = record_get_str(in, from, "reason");
    out->records = (uint64_t)record_get_int(in, from, "records");
    out->partitions = record_get_array(in, from, "offsets", sizeof *out->partitions, get_partition,
                                       &out->partition_count);
    out->slices =
        record_get_array(in, from, "slices", sizeof *out->slices, get_slice, &out->slice_count);
    out->state =
        record_get_array(in, from, "state", sizeof *out->state, get_state, &out->state_count);
    out->snapshot_count = (uint32_t)record_get_int(in, from, "snapshotFiles");
    out->outputs =
        record_get_array(in, from, "outputs", sizeof *out->outputs, get_output, &out->output_count);
    out->rolled =
        record_get_array(in, from, "rolled", sizeof *out->rolled, get_rolled, &out->rolled_count);
    out->source_fingerprint = record_get_str(in, from, "sourceFingerprint");
    out->queries =
        record_get_array(in, from, "queries", sizeof *out->queries, get_query, &out->query_count);
    if (!in->err->code && (out->batch_id < 0 || out->snapshot_count > out->state_count))
        record_fail(in, from, "its numbers do not fit together");
}

int commit_record_decode(struct commit_record *out, struct str bytes, struct arena *arena,
                         struct err *err)
{
    struct record_reader in;
    struct str text;
    *out = (struct commit_record){0};
    int code = envelope_open(bytes, kind, COMMIT_VERSION, NULL, &text, err);
    if (code)
        return code;
    const struct doc_node *top = record_read(&in, text, arena, err);
    if (top)
        get_record(&in, top, out);
    return record_read_end(&in);
}

/* ---- objects ---- */

int record_object_check(const struct record_object *object, struct str bytes, struct err *err)
{
    if (bytes.n != object->bytes)
        return err_set(err, ERR_CORRUPT, "it is damaged: %zu bytes where %" PRIu64 " should be",
                       bytes.n, object->bytes);
    if (crc32c(0, bytes) != object->crc)
        return err_set(err, ERR_CORRUPT, "it is damaged: its checksum is not %08x", object->crc);
    return 0;
}

/* ---- keys ---- */

void commit_key(int64_t batch_id, char out[COMMIT_KEY_SIZE])
{
    snprintf(out, COMMIT_KEY_SIZE, "commits/%" PRId64, batch_id);
}

int64_t commit_key_batch(struct str key)
{
    int64_t batch;
    struct str prefix = STR("commits/");
    if (!str_starts_with(key, prefix))
        return -1;
    struct str number = {key.p + prefix.n, key.n - prefix.n};
    if (number.n == 0 || number.p[0] < '0' || number.p[0] > '9' ||
        (number.n > 1 && number.p[0] == '0') || !str_to_i64(number, &batch))
        return -1;
    return batch;
}
