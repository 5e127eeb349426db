#include "checkpoint/inspect.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "batch/record.h"
#include "checkpoint/blocking.h"
#include "checkpoint/checkpoint_impl.h"
#include "engine/engine.h"

struct inspection {
    struct blocking blocking;
    struct store *store;
    struct str location;
    struct buf *out;
    struct err *err;
    struct arena arena;
    uint32_t problems, checked;
    int64_t *batches; /* ascending */
    uint32_t batch_count;
    int64_t published; /* up to here, as the last owner said; -1: it did not */
};

static void print_time(struct buf *out, int64_t ms)
{
    time_t seconds = (time_t)(ms / 1000);
    struct tm tm;
    char text[40] = "?";
    if (gmtime_r(&seconds, &tm))
        strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &tm);
    buf_printf(out, "%s", text);
}

static void problem(struct inspection *in, const char *key, const char *what)
{
    in->problems++;
    buf_printf(in->out, "NOT IN ORDER %s: %s\n", key, what);
}

/* ---- metadata, owners ---- */

static int show_metadata(struct inspection *in)
{
    struct checkpoint_metadata metadata;
    int code = blocking_get(&in->blocking, in->store, "metadata", in->err);
    if (code == ERR_NOT_FOUND && in->batch_count == 0)
        return err_set(in->err, code, "there is no checkpoint at %.*s", STR_ARG(in->location));
    buf_printf(in->out, "checkpoint %.*s\n", STR_ARG(in->location));
    if (code == 0)
        code = checkpoint_metadata_decode(&metadata, buf_str(&in->blocking.request.data),
                                          &in->arena, in->err);
    if (code && code != ERR_NOT_FOUND && code != ERR_CORRUPT)
        return err_prefix(in->err, "%.*s/metadata", STR_ARG(in->location));
    if (code) {
        problem(in, "metadata", code == ERR_NOT_FOUND ? "it is missing" : in->err->msg);
        return 0;
    }
    buf_printf(in->out, "  id       %s\n  created  ", metadata.id);
    print_time(in->out, metadata.created_ms);
    for (uint32_t i = 0; i < metadata.start_count; i++)
        buf_printf(in->out, "\n  %s %.*s/%d at offset %" PRId64, i ? "        " : "began at",
                   STR_ARG(metadata.starts[i].topic), metadata.starts[i].partition,
                   metadata.starts[i].start);
    buf_append_char(in->out, '\n');
    return 0;
}

static int show_owner(struct inspection *in)
{
    struct owner_record owner;
    char key[KEY_SIZE], text[300];
    int code = blocking_list(&in->blocking, in->store, "owner/", in->err);
    if (code)
        return code;
    uint64_t newest = owner_newest(in->blocking.request.entries, in->blocking.request.entry_count);
    if (newest == 0)
        return 0;
    owner_key(newest, key);
    code = blocking_get(&in->blocking, in->store, key, in->err);
    if (code == 0 && owner_decode(&owner, buf_str(&in->blocking.request.data), in->err) == 0) {
        owner_print(&owner, text, sizeof text);
        buf_printf(in->out, "  owner    %s%s\n", text,
                   identity_is_gone(&owner.identity) ? ", gone" : "");
    } else {
        problem(in, key, in->err->msg);
    }
    owner_beat_key(newest, key);
    if (blocking_get(&in->blocking, in->store, key, in->err) == 0)
        owner_beat_is_release(buf_str(&in->blocking.request.data), &in->published);
    return 0;
}

/* ---- decisions ---- */

static int compare_batches(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return x < y ? -1 : x > y;
}

static int list_batches(struct inspection *in)
{
    int code = blocking_list(&in->blocking, in->store, "commits/", in->err);
    if (code)
        return code;
    const struct store_request *request = &in->blocking.request;
    in->batches = calloc(request->entry_count + 1, sizeof *in->batches);
    if (!in->batches)
        return err_set(in->err, ERR_NOMEM, "out of memory");
    for (uint32_t i = 0; i < request->entry_count; i++) {
        int64_t batch = commit_key_batch(request->entries[i].key);
        if (batch >= 0)
            in->batches[in->batch_count++] = batch;
    }
    qsort(in->batches, in->batch_count, sizeof *in->batches, compare_batches);
    return 0;
}

/* False: it is not in order, which was said. */
static bool read_batch(struct inspection *in, int64_t batch, struct commit_record *record)
{
    char key[COMMIT_KEY_SIZE];
    commit_key(batch, key);
    int code = blocking_get(&in->blocking, in->store, key, in->err);
    if (code == 0)
        code =
            commit_record_decode(record, buf_str(&in->blocking.request.data), &in->arena, in->err);
    if (code)
        problem(in, key, in->err->msg);
    return code == 0;
}

static void show_line(struct inspection *in, const struct commit_record *record)
{
    uint64_t state = 0, files = 0, rows = 0;
    for (uint32_t i = 0; i < record->state_count; i++)
        state += record->state[i].bytes;
    for (uint32_t i = 0; i < record->output_count; i++) {
        files += record->outputs[i].file_count;
        rows += record->outputs[i].rows;
    }
    buf_printf(in->out, "%9" PRId64 "  ", record->batch_id);
    print_time(in->out, record->decided_ms);
    buf_printf(in->out,
               "  %5" PRIu64 "  %-8.*s  %10" PRIu64 "  %9" PRIu64 "  %5" PRIu64 "  %3u  %" PRIu64
               "\n",
               record->epoch, STR_ARG(record->reason), record->records, rows, files,
               record->state_count, state);
}

static void show_newest(struct inspection *in, const struct commit_record *record)
{
    buf_printf(in->out, "newest: batch %" PRId64 "\n", record->batch_id);
    for (uint32_t i = 0; i < record->partition_count; i++)
        buf_printf(in->out, "  offset   %.*s/%d at %" PRId64 "\n",
                   STR_ARG(record->partitions[i].topic), record->partitions[i].partition,
                   record->partitions[i].end);
    for (uint32_t i = 0; i < record->query_count; i++) {
        buf_printf(in->out, "  query    %.*s, watermark ", STR_ARG(record->queries[i].name));
        print_time(in->out, record->queries[i].watermark_us / 1000);
        buf_append_char(in->out, '\n');
    }
    for (uint32_t i = 0; i < record->output_count; i++) {
        const struct record_output *output = &record->outputs[i];
        buf_printf(
            in->out,
            "  output   of batch %" PRId64 ": %.*s, %.*s to %.*s: %" PRIu64 " rows, %u files%s\n",
            output->batch_id, STR_ARG(output->query), STR_ARG(output->sink), STR_ARG(output->place),
            output->rows, output->file_count, output->staged.key.n ? ", staged" : "");
    }
    for (uint32_t i = 0; i < record->rolled_count; i++)
        buf_printf(in->out, "  open     files of %.*s, %.*s in %.*s\n",
                   STR_ARG(record->rolled[i].query), STR_ARG(record->rolled[i].sink),
                   STR_ARG(record->rolled[i].place));
}

/* ---- verifying ---- */

static void ignore(void *user, const struct saved_section *section)
{
    (void)user, (void)section;
}

static bool check_object(struct inspection *in, const struct record_object *object, bool state)
{
    int code = blocking_get(&in->blocking, in->store, object->key.p, in->err);
    const struct str bytes = buf_str(&in->blocking.request.data);
    in->checked++;
    if (code == 0)
        code = record_object_check(object, bytes, in->err);
    if (code == 0 && state)
        code = engine_saved_describe(bytes, ignore, NULL, in->err);
    if (code)
        problem(in, object->key.p, code == ERR_NOT_FOUND ? "it is missing" : in->err->msg);
    return code == 0;
}

/* Checks what of the record's state the one before did not have; returns how many files, from the
 * first, are in order. `before`: that of the record before. */
static uint32_t check_state(struct inspection *in, const struct commit_record *records, uint32_t i,
                            uint32_t before)
{
    bool good = true;
    uint32_t n = 0;
    for (uint32_t k = 0; k < records[i].state_count; k++) {
        bool seen = i > 0 && k < records[i - 1].state_count &&
                    str_eq(records[i - 1].state[k].key, records[i].state[k].key);
        good &= seen ? k < before : check_object(in, &records[i].state[k], true);
        n += good;
    }
    return n;
}

/* A batch is surely published when a later one was decided that is not a new owner's first. */
static bool is_published(const struct inspection *in, const struct commit_record *records,
                         uint32_t count, uint32_t i)
{
    bool published = records[i].output_count == 0 || records[i].batch_id <= in->published;
    for (uint32_t k = i + 1; k < count; k++)
        published |= !records[k].takeover;
    return published;
}

/* Numbers that no decision has, between the oldest and the newest. */
static void check_gaps(struct inspection *in)
{
    for (uint32_t i = 1; i < in->batch_count; i++) {
        int64_t first = in->batches[i - 1] + 1, last = in->batches[i] - 1;
        char key[COMMIT_KEY_SIZE], what[100] = "it is missing";
        if (first > last)
            continue;
        commit_key(first, key);
        if (first < last)
            snprintf(what, sizeof what, "it is missing, and so are those up to %" PRId64, last);
        problem(in, key, what);
    }
}

/* Of all batches the state, each file once; of the newest what is staged, too. */
static void verify(struct inspection *in, const struct commit_record *records, uint32_t count)
{
    uint32_t in_order = 0;
    int64_t last_good = -1;
    check_gaps(in);
    for (uint32_t i = 0; i < count; i++) {
        in_order = check_state(in, records, i, in_order);
        if (in_order == records[i].state_count && is_published(in, records, count, i))
            last_good = records[i].batch_id;
    }
    if (last_good >= 0)
        buf_printf(in->out, "last batch for --recover-to: %" PRId64 "\n", last_good);
    else
        buf_printf(in->out, "there is no batch for --recover-to: only a new location is left\n");
    const struct commit_record *newest = count ? &records[count - 1] : NULL;
    for (uint32_t i = 0; newest && i < newest->rolled_count; i++)
        check_object(in, &newest->rolled[i].object, false);
    for (uint32_t i = 0; newest && i < newest->output_count; i++) {
        if (newest->outputs[i].staged.key.n)
            check_object(in, &newest->outputs[i].staged, false);
    }
}

static int inspect(struct inspection *in, bool verifies)
{
    int code = list_batches(in);
    if (code == 0)
        code = show_metadata(in);
    if (code == 0)
        code = show_owner(in);
    if (code)
        return code;
    struct commit_record *records = calloc(in->batch_count + 1, sizeof *records);
    uint32_t count = 0;
    if (!records)
        return err_set(in->err, ERR_NOMEM, "out of memory");
    buf_printf(in->out, "    batch  decided               epoch  reason       records       rows  "
                        "files  state files and bytes\n");
    for (uint32_t i = 0; i < in->batch_count; i++) {
        if (read_batch(in, in->batches[i], &records[count]))
            show_line(in, &records[count++]);
    }
    if (count)
        show_newest(in, &records[count - 1]);
    if (verifies)
        verify(in, records, count);
    free(records);
    if (verifies)
        buf_printf(in->out, "verified: %u batches, %u other files, %u not in order\n",
                   in->batch_count, in->checked, in->problems);
    return in->problems ? err_set(in->err, ERR_CORRUPT, "%.*s: %u files are not in order",
                                  STR_ARG(in->location), in->problems)
                        : 0;
}

int checkpoint_inspect(uv_loop_t *loop, struct str location, const struct plan_s3 *s3, bool verify,
                       struct buf *out, struct err *err)
{
    struct inspection in = {.location = location, .out = out, .err = err, .published = -1};
    *err = (struct err){0};
    blocking_init(&in.blocking, loop, s3);
    int code = blocking_open(&in.blocking, location, true, &in.store, err);
    if (code == 0)
        code = inspect(&in, verify);
    blocking_close(&in.blocking, in.store);
    blocking_fini(&in.blocking);
    arena_fini(&in.arena);
    free(in.batches);
    return code;
}
