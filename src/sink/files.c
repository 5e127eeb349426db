#include "sink/files.h"

#include <inttypes.h>
#include <stdlib.h>

#include "sink/files_impl.h"

/* The sink keeps the files that are being written, by directory; a batch keeps those that it
 * publishes. Without rolling a file belongs to its batch from the start. With it, rows wait in
 * their batch until that is sealed: what is in a rolled file counts, so a batch that is dropped
 * must not have touched it. An operation of a batch is over when its files say so
 * (files_progress.c). */

enum {
    OPEN_PARTITIONS_MAX = 100,
    CLOSING_FILES_MAX = 32, /* that work beside those that take rows */
};

struct files_sink *files_sink_of(struct sink *sink)
{
    return (struct files_sink *)(void *)sink;
}

struct files_batch *files_batch_of(struct sink_batch *batch)
{
    return (struct files_batch *)(void *)batch;
}

bool files_roll(const struct files_sink *sink)
{
    return sink->options.roll_interval_ms > 0 || sink->options.target_file_bytes > 0;
}

void files_link_last(struct files_sink *sink, struct partition *partition)
{
    partition->open_prev = sink->open_last;
    partition->open_next = NULL;
    if (sink->open_last)
        sink->open_last->open_next = partition;
    else
        sink->open_first = partition;
    sink->open_last = partition;
    sink->open_count++;
}

void files_unlink(struct files_sink *sink, struct partition *partition)
{
    if (partition->open_prev)
        partition->open_prev->open_next = partition->open_next;
    else
        sink->open_first = partition->open_next;
    if (partition->open_next)
        partition->open_next->open_prev = partition->open_prev;
    else
        sink->open_last = partition->open_prev;
    partition->open_prev = partition->open_next = NULL;
    sink->open_count--;
}

/* ---- batches ---- */

int files_open(struct sink *base, int64_t batch_id, struct sink_batch **out, struct err *err)
{
    struct files_sink *sink = files_sink_of(base);
    struct files_batch *batch = calloc(1, sizeof *batch);
    if (!batch)
        return err_set(err, ERR_NOMEM, "out of memory");
    sink_batch_init(&batch->base, base, batch_id);
    batch->next = sink->batches;
    sink->batches = batch;
    *out = &batch->base;
    return 0;
}

int files_add(struct files_batch *batch, struct part_file *file, struct err *err)
{
    if (batch->count == batch->capacity) {
        uint32_t capacity = batch->capacity ? 2 * batch->capacity : 4;
        struct part_file **files = realloc(batch->files, capacity * sizeof(struct part_file *));
        if (!files)
            return err_set(err, ERR_NOMEM, "out of memory for the files of a batch");
        batch->files = files;
        batch->capacity = capacity;
    }
    batch->files[batch->count++] = file;
    return 0;
}

static int make_key(const struct files_sink *sink, const struct partition *partition,
                    int64_t batch_id, struct buf *key)
{
    buf_printf(key, "%.*spart-%s-%08" PRId64 "-%s-%s-%05" PRIu32 ".%s", STR_ARG(partition->path),
               sink->id8, batch_id, sink->base.query, sink->base.name, partition->next_seq,
               file_format_extension(sink->options.format));
    return key->failed ? ERR_NOMEM : 0;
}

struct part_file_config files_config(struct files_sink *sink)
{
    return (struct part_file_config){.slots = &sink->slots,
                                     .loop = sink->base.loop,
                                     .store = sink->store,
                                     .format = sink->options.format,
                                     .schema = &sink->file_schema,
                                     .part_bytes = sink->options.part_bytes,
                                     .encode_bytes = sink->options.encode_bytes,
                                     .savable = files_roll(sink) && sink->options.recoverable,
                                     .changed = files_changed,
                                     .observe = files_observe,
                                     .user = sink};
}

/* Since 1970. */
static int64_t wall_clock_ms(void)
{
    uv_timeval64_t now = {0};
    uv_gettimeofday(&now);
    return now.tv_sec * 1000 + now.tv_usec / 1000;
}

static int open_file(struct files_batch *batch, struct partition *partition, struct err *err)
{
    struct files_sink *sink = files_sink_of(batch->base.sink);
    struct part_file_config config = files_config(sink);
    struct buf key = {0};
    if (partition->seq_batch != batch->base.id) {
        partition->seq_batch = batch->base.id;
        partition->next_seq = 0;
    }
    int code = make_key(sink, partition, batch->base.id, &key);
    code = code ? err_set(err, code, "out of memory")
                : part_file_create(&partition->file, &config, buf_str(&key), err);
    buf_fini(&key);
    partition->rolled = files_roll(sink);
    if (code == 0 && !partition->rolled && (code = files_add(batch, partition->file, err)) != 0) {
        part_file_destroy(partition->file);
        partition->file = NULL;
    }
    if (code)
        return code;
    partition->next_seq++;
    partition->opened_ms = wall_clock_ms();
    files_link_last(sink, partition);
    return 0;
}

/* The file takes no more rows; its batch publishes it. */
static int close_file(struct files_batch *batch, struct partition *partition, struct err *err)
{
    struct files_sink *sink = files_sink_of(batch->base.sink);
    struct part_file *file = partition->file;
    int code = partition->rolled ? files_add(batch, file, err) : 0;
    if (code)
        return code;
    partition->file = NULL;
    files_unlink(sink, partition);
    part_file_finish(file);
    return 0;
}

/* Room for one more open file: the one that has waited longest for rows is closed. */
static int make_room(struct files_batch *batch, struct err *err)
{
    struct files_sink *sink = files_sink_of(batch->base.sink);
    if (sink->open_count < sink->options.max_open_partitions)
        return 0;
    return close_file(batch, sink->open_first, err);
}

static int write_partition(struct files_batch *batch, struct partition *partition,
                           const struct block *rows, const uint32_t *picks, uint32_t count,
                           struct err *err)
{
    struct files_sink *sink = files_sink_of(batch->base.sink);
    uint64_t most = sink->options.max_records_per_file;
    int code = 0;
    /* An earlier process had files roll, this one does not. */
    if (partition->file && partition->rolled && !files_roll(sink))
        code = close_file(batch, partition, err);
    if (partition->file) {
        files_unlink(sink, partition);
        files_link_last(sink, partition);
    }
    while (count > 0 && code == 0) {
        code = partition->file ? 0 : make_room(batch, err);
        if (code == 0 && !partition->file)
            code = open_file(batch, partition, err);
        if (code)
            return code;
        uint64_t has = part_file_rows(partition->file);
        uint64_t room = most ? most - (has < most ? has : most) : count;
        uint32_t n = room < count ? (uint32_t)room : count;
        code = part_file_add(partition->file, rows, picks, n, err);
        if (code == 0 && n == room && most)
            code = close_file(batch, partition, err);
        picks += n;
        count -= n;
    }
    return code;
}

/* The rows as the files have them: without the partition columns. */
static struct block file_rows(const struct files_sink *sink, const struct block *rows,
                              struct arena *arena)
{
    struct block out = {.col_count = sink->file_schema.field_count, .rows = rows->rows};
    out.cols = ARENA_ARRAY(arena, struct vec, out.col_count + 1);
    for (uint32_t c = 0; out.cols && c < out.col_count; c++)
        out.cols[c] = rows->cols[sink->file_columns[c]];
    return out;
}

static int write_rows(struct files_batch *batch, const struct block *rows, struct err *err)
{
    struct files_sink *sink = files_sink_of(batch->base.sink);
    struct partition_rows *groups = NULL;
    uint32_t count = 0;
    arena_reset(&sink->scratch);
    struct block columns = file_rows(sink, rows, &sink->scratch);
    int code = partitions_split(&sink->partitions, rows, &sink->scratch, &groups, &count);
    if (!columns.cols || code)
        return err_set(err, ERR_NOMEM, "out of memory for the rows of a batch");
    for (uint32_t i = 0; i < count && code == 0; i++)
        code = write_partition(batch, groups[i].partition, &columns, groups[i].picks,
                               groups[i].count, err);
    return code;
}

static int files_write(struct sink_batch *base, const struct block *rows, struct err *err)
{
    struct files_batch *batch = files_batch_of(base);
    if (!batch->failed.code && !files_roll(files_sink_of(base->sink)))
        write_rows(batch, rows, &batch->failed);
    else if (!batch->failed.code && row_queue_add(&batch->rolled, rows, NULL, rows->rows) != 0)
        err_set(&batch->failed, ERR_NOMEM, "out of memory for the rows of a batch");
    if (batch->failed.code && err)
        *err = batch->failed;
    return batch->failed.code;
}

/* A rolled file is in no batch while it is open. */
static size_t sum_open(const struct files_sink *sink)
{
    size_t sum = 0;
    for (const struct partition *p = sink->open_first; p; p = p->open_next)
        sum += part_file_memory(p->file);
    return sum;
}

static size_t sum_batch(const struct files_batch *batch,
                        size_t (*measure)(const struct part_file *file))
{
    size_t sum = 0;
    for (uint32_t i = batch->sealed_count; i < batch->count; i++)
        sum += measure(batch->files[i]);
    return sum;
}

static size_t files_bytes(const struct sink_batch *base)
{
    const struct files_batch *batch = (const struct files_batch *)(const void *)base;
    size_t sealed = batch->sealed_count ? part_file_memory(batch->files[0]) : 0;
    return row_queue_bytes(&batch->rolled) + batch->sealed_count * sealed +
           sum_batch(batch, part_file_memory);
}

static size_t files_draining(const struct sink_batch *base)
{
    return sum_batch((const struct files_batch *)(const void *)base, part_file_draining);
}

static size_t files_held(const struct sink *base)
{
    const struct files_sink *sink = (const struct files_sink *)(const void *)base;
    size_t sum = 0;
    for (const struct partition *p = sink->open_first; p; p = p->open_next)
        sum += p->rolled ? part_file_memory(p->file) : 0;
    return sum;
}

static uint32_t files_uploads(const struct sink *base)
{
    const struct files_sink *sink = (const struct files_sink *)(const void *)base;
    uint32_t count = 0;
    for (const struct files_batch *batch = sink->batches; batch; batch = batch->next) {
        for (uint32_t i = 0; i < batch->count; i++)
            count += part_file_is_uploading(batch->files[i]);
    }
    for (const struct partition *p = sink->open_first; p; p = p->open_next)
        count += p->rolled && part_file_is_uploading(p->file);
    return count;
}

static const struct record_held *files_held_files(const struct sink_batch *base, uint32_t *count)
{
    const struct files_batch *batch = (const struct files_batch *)(const void *)base;
    *count = batch->held_count;
    return batch->held;
}

/* ---- prepare, publish, abort ---- */

static bool is_full(const struct files_sink *sink, const struct partition *partition)
{
    uint64_t target = sink->options.target_file_bytes;
    return target && part_file_bytes(partition->file) >= target;
}

static bool is_due(const struct files_sink *sink, const struct partition *partition)
{
    const struct sink_files_options *options = &sink->options;
    if (!files_roll(sink) || part_file_stage(partition->file) == PART_FILE_FAILED)
        return true;
    int64_t age_ms = wall_clock_ms() - partition->opened_ms;
    return (options->roll_interval_ms && age_ms >= options->roll_interval_ms) ||
           (!options->recoverable && is_full(sink, partition));
}

/* Rolled files may not fill the memory that batches need: the largest are closed before their time.
 */
static bool limit_memory(struct files_batch *batch)
{
    struct files_sink *sink = files_sink_of(batch->base.sink);
    bool closed = false;
    size_t most = sink->options.held_bytes_max;
    while (most && !batch->failed.code && sum_open(sink) > most) {
        struct partition *largest = sink->open_first;
        for (struct partition *p = largest; p; p = p->open_next) {
            if (part_file_memory(p->file) > part_file_memory(largest->file))
                largest = p;
        }
        closed |= close_file(batch, largest, &batch->failed) == 0;
    }
    return closed;
}

bool files_close_full(struct files_batch *batch)
{
    struct files_sink *sink = files_sink_of(batch->base.sink);
    bool closed = false;
    if (!sink->options.recoverable || !files_roll(sink))
        return false; /* what is open is the next batch's */
    for (struct partition *p = sink->open_first, *next; p && !batch->failed.code; p = next) {
        next = p->open_next;
        if (is_full(sink, p))
            closed |= close_file(batch, p, &batch->failed) == 0;
    }
    closed |= limit_memory(batch);
    return closed || batch->failed.code;
}

static void files_prepare(struct sink_batch *base)
{
    struct files_batch *batch = files_batch_of(base);
    struct files_sink *sink = files_sink_of(base->sink);
    for (struct row_run *run = batch->rolled.first; run && !batch->failed.code; run = run->next)
        write_rows(batch, &run->rows, &batch->failed);
    row_queue_fini(&batch->rolled);
    for (struct partition *p = sink->open_first, *next; p && !batch->failed.code; p = next) {
        next = p->open_next;
        if (is_due(sink, p))
            close_file(batch, p, &batch->failed);
        else if (!sink->options.recoverable)
            part_file_flush(p->file);
    }
    if (!sink->options.recoverable)
        limit_memory(batch);
    for (struct partition *p = sink->open_first; p && !batch->failed.code; p = p->open_next) {
        if (sink->options.recoverable)
            part_file_save(p->file, p->key);
    }
    partitions_shrink(&sink->partitions);
    files_update(batch);
}

static void files_publish(struct sink_batch *base)
{
    struct files_batch *batch = files_batch_of(base);
    for (uint32_t i = 0; i < batch->count; i++) {
        if (part_file_stage(batch->files[i]) == PART_FILE_SEALED)
            part_file_publish(batch->files[i]);
    }
    files_update(batch);
}

static void files_cancel(struct sink_batch *base)
{
    struct files_batch *batch = files_batch_of(base);
    const struct files_sink *sink = files_sink_of(base->sink);
    for (uint32_t i = 0; i < batch->count; i++)
        part_file_cancel(batch->files[i]);
    for (struct partition *p = sink->open_first; p; p = p->open_next) {
        if (part_file_saves(p->file)) /* for this batch: one is prepared at a time */
            part_file_cancel(p->file);
    }
    files_update(batch);
}

static bool has_file(const struct files_batch *batch, const struct part_file *file)
{
    for (uint32_t i = 0; i < batch->count; i++) {
        if (batch->files[i] == file)
            return true;
    }
    return false;
}

static void files_abort(struct sink_batch *base)
{
    struct files_batch *batch = files_batch_of(base);
    struct files_sink *sink = files_sink_of(base->sink);
    for (struct partition *p = sink->open_first, *next; p; p = next) {
        next = p->open_next;
        if (!has_file(batch, p->file))
            continue; /* another batch's, or rolled */
        p->file = NULL;
        files_unlink(sink, p);
    }
    for (uint32_t i = 0; i < batch->count; i++) {
        if (base->leaves || part_file_recorded(batch->files[i]))
            part_file_leave(batch->files[i]); /* a record has rows of earlier batches in it */
        else
            part_file_abort(batch->files[i]);
    }
    files_update(batch);
}

static void files_free_batch(struct sink_batch *base)
{
    struct files_batch *batch = files_batch_of(base);
    for (uint32_t i = 0; i < batch->count; i++)
        part_file_destroy(batch->files[i]);
    row_queue_fini(&batch->rolled);
    free(batch->files);
    free(batch->outputs);
    free(batch->held);
    free(batch);
}

static const struct sink_ops files_ops = {
    .open = files_open,
    .write = files_write,
    .bytes = files_bytes,
    .draining = files_draining,
    .prepare = files_prepare,
    .publish = files_publish,
    .cancel = files_cancel,
    .abort = files_abort,
    .free_batch = files_free_batch,
    .health = files_health,
    .held = files_held,
    .uploads = files_uploads,
    .recover = files_recover,
    .held_files = files_held_files,
    .restore = files_restore,
    .sweep = files_sweep,
    .cancel_task = files_cancel_task,
    .close = files_close,
};

/* ---- life ---- */

static int split_columns(struct files_sink *sink, const struct sink_files_options *options,
                         struct err *err)
{
    const struct type *schema = sink->base.schema;
    struct field *fields = calloc(schema->field_count + 1, sizeof *fields);
    sink->file_columns = calloc(schema->field_count + 1, sizeof(uint32_t));
    sink->partition_columns = calloc(options->partition_count + 1, sizeof(uint32_t));
    sink->file_schema = (struct type){.kind = TYPE_STRUCT, .fields = fields};
    if (!fields || !sink->file_columns || !sink->partition_columns)
        return err_set(err, ERR_NOMEM, "out of memory");
    for (uint32_t i = 0; i < options->partition_count; i++)
        sink->partition_columns[i] = options->partition_columns[i];
    for (uint32_t c = 0; c < schema->field_count; c++) {
        bool partitions = false;
        for (uint32_t i = 0; i < options->partition_count; i++)
            partitions |= sink->partition_columns[i] == c;
        if (!partitions) {
            sink->file_columns[sink->file_schema.field_count] = c;
            fields[sink->file_schema.field_count++] = schema->fields[c];
        }
    }
    partitions_init(&sink->partitions, schema, sink->partition_columns, options->partition_count);
    return file_format_check(options->format, &sink->file_schema, err);
}

void files_destroy(struct sink *base)
{
    struct files_sink *sink = files_sink_of(base);
    partitions_fini(&sink->partitions);
    part_file_slots_fini(&sink->slots);
    arena_fini(&sink->scratch);
    free((void *)(uintptr_t)sink->file_schema.fields);
    free(sink->file_columns);
    free(sink->partition_columns);
    free(sink->id8);
    sink_fini(base);
    free(sink);
}

int sink_files_create(struct sink **out, const struct sink_config *config,
                      const struct sink_files_options *options, struct store *store,
                      struct err *err)
{
    struct files_sink *sink = calloc(1, sizeof *sink);
    if (!sink)
        return err_set(err, ERR_NOMEM, "out of memory");
    struct buf description = {0};
    buf_printf(&description, "FileSink[%.*s]", STR_ARG(options->path));
    sink->id8 = str_copy(options->id8);
    sink->store = store;
    sink->options = *options;
    if (!sink->options.max_open_partitions)
        sink->options.max_open_partitions = OPEN_PARTITIONS_MAX;
    int code = sink_init(&sink->base, &files_ops, config, buf_take_cstr(&description), err);
    if (part_file_slots_init(&sink->slots, sink->options.max_open_partitions + CLOSING_FILES_MAX))
        code = code ? code : err_set(err, ERR_NOMEM, "out of memory");
    if (code == 0)
        code = sink->id8 ? split_columns(sink, options, err)
                         : err_set(err, ERR_NOMEM, "out of memory");
    if (code) {
        files_destroy(&sink->base);
        return code;
    }
    store_on_health(store, files_health_changed, sink);
    *out = &sink->base;
    return 0;
}
