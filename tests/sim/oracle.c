#define _GNU_SOURCE /* memmem */
#include "sim/oracle.h"

#include <cJSON.h>
#include <ctype.h>
#include <stdlib.h>
#include <time.h>
#include <zstd.h>

/* The first thing that is wrong is enough. */
#define WRONG(wrong, ...) ((wrong)->n ? (void)0 : buf_printf((wrong), __VA_ARGS__))

enum { PLACES = SIM_OUTPUTS_MAX + 2, LATE = SIM_OUTPUTS_MAX, DEAD };

void sim_oracle_look(struct sim_files *files, const char *root, const struct sim_pipeline *pipeline)
{
    for (uint32_t i = 0; pipeline->outputs[i]; i++)
        sim_files_read(files, root, pipeline->outputs[i]);
    sim_files_read(files, root, "late");
    sim_files_read(files, root, "dead");
}

void sim_oracle_kept(const struct sim_files *before, const struct sim_files *now, struct buf *wrong)
{
    for (uint32_t i = 0; i < before->count; i++) {
        const struct sim_file *was = &before->items[i], *is = sim_files_find(now, was->path);
        if (!is)
            WRONG(wrong, "%s was seen and is gone", was->path);
        else if (!str_eq(buf_str(&was->bytes), buf_str(&is->bytes)))
            WRONG(wrong, "%s was seen and has changed", was->path);
    }
}

/* ---- whole files ---- */

static bool ends_with(const char *path, const char *end)
{
    size_t n = strlen(path), m = strlen(end);
    return n >= m && strcmp(path + n - m, end) == 0;
}

/* The rows as text, decompressed; false: they are not whole. */
static bool unpack(const struct sim_file *file, struct buf *out)
{
    if (!ends_with(file->path, ".zst")) {
        buf_append_str(out, buf_str(&file->bytes));
        return !out->failed;
    }
    ZSTD_DStream *stream = ZSTD_createDStream();
    ZSTD_inBuffer in = {file->bytes.p, file->bytes.n, 0};
    size_t left = 1;
    while (stream && in.pos < in.size && !ZSTD_isError(left)) {
        char part[4096];
        ZSTD_outBuffer to = {part, sizeof part, 0};
        left = ZSTD_decompressStream(stream, &to, &in);
        buf_append(out, part, to.pos);
    }
    ZSTD_freeDStream(stream);
    return left == 0 && !out->failed;
}

static bool is_whole_parquet(struct str bytes)
{
    if (bytes.n < 12 || memcmp(bytes.p, "PAR1", 4) != 0 ||
        memcmp(bytes.p + bytes.n - 4, "PAR1", 4) != 0)
        return false;
    uint32_t footer;
    memcpy(&footer, bytes.p + bytes.n - 8, 4);
    return footer > 0 && footer <= bytes.n - 12;
}

/* Each line an object. */
static bool is_whole_json(struct str text)
{
    while (text.n) {
        const char *end = memchr(text.p, '\n', text.n), *parsed = NULL;
        cJSON *row =
            end ? cJSON_ParseWithLengthOpts(text.p, (size_t)(end - text.p), &parsed, false) : NULL;
        bool ok = cJSON_IsObject(row) && parsed == end;
        cJSON_Delete(row);
        if (!ok)
            return false;
        text.n -= (size_t)(end + 1 - text.p);
        text.p = end + 1;
    }
    return true;
}

void sim_oracle_whole(const struct sim_files *files, struct buf *wrong)
{
    for (uint32_t i = 0; i < files->count; i++) {
        const struct sim_file *file = &files->items[i];
        struct buf text = {0};
        bool ok = unpack(file, &text) && text.n > 0;
        if (ok && ends_with(file->path, ".parquet"))
            ok = is_whole_parquet(buf_str(&text));
        else if (ok && ends_with(file->path, ".csv"))
            ok = text.p[text.n - 1] == '\n';
        else if (ok)
            ok = is_whole_json(buf_str(&text));
        buf_fini(&text);
        if (!ok)
            WRONG(wrong, "%s is not whole", file->path);
    }
}

/* ---- decisions ---- */

static int by_number(const void *a, const void *b)
{
    const struct sim_file *first = a, *second = b;
    int one = atoi(strrchr(first->path, '/') + 1), other = atoi(strrchr(second->path, '/') + 1);
    return (one > other) - (one < other);
}

/* The records behind their first lines, in order. */
static cJSON *read_decisions(const char *root, struct buf *wrong)
{
    struct sim_files files = {0};
    cJSON *all = cJSON_CreateArray();
    sim_files_read(&files, root, "checkpoint/commits");
    if (files.count)
        qsort(files.items, files.count, sizeof *files.items, by_number);
    for (uint32_t i = 0; i < files.count; i++) {
        const struct buf *bytes = &files.items[i].bytes;
        const char *line = bytes->n ? memchr(bytes->p, '\n', bytes->n) : NULL;
        cJSON *record =
            line ? cJSON_ParseWithLength(line, bytes->n - (size_t)(line - bytes->p)) : NULL;
        if (!record || atoi(strrchr(files.items[i].path, '/') + 1) != (int)i)
            WRONG(wrong, "%s is damaged or out of order", files.items[i].path);
        cJSON_AddItemToArray(all, record ? record : cJSON_CreateObject());
    }
    sim_files_fini(&files);
    return all;
}

/* The path below the root of a file that a decision names. */
static void name_of(struct buf *path, const char *root, const cJSON *output, const cJSON *file)
{
    const char *place = cJSON_GetStringValue(cJSON_GetObjectItem(output, "place"));
    const char *name = cJSON_GetStringValue(cJSON_GetObjectItem(file, "name"));
    size_t skip = strlen("FileSink[") + strlen(root) + 1;
    buf_clear(path);
    if (place && name && strlen(place) > skip)
        buf_printf(path, "%.*s/%s", (int)(strlen(place) - skip - 1), place + skip, name);
}

struct naming {
    const char *root;
    const struct sim_files *files;
    bool *named; /* per file */
    struct buf *wrong;
};

/* What one decision names: must it be there? */
static void check_named(const struct naming *n, const cJSON *record, bool must)
{
    struct buf path = {0};
    const cJSON *output, *file;
    cJSON_ArrayForEach(output, cJSON_GetObjectItem(record, "outputs"))
    {
        cJSON_ArrayForEach(file, cJSON_GetObjectItem(output, "files"))
        {
            name_of(&path, n->root, output, file);
            const struct sim_file *found = sim_files_find(n->files, buf_cstr(&path));
            double bytes = cJSON_GetNumberValue(cJSON_GetObjectItem(file, "bytes"));
            if (!found && must)
                WRONG(n->wrong, "%s of a decision is not there", buf_cstr(&path));
            if (found && (double)found->bytes.n != bytes)
                WRONG(n->wrong, "%s has %zu bytes where the decision says %.0f", buf_cstr(&path),
                      found->bytes.n, bytes);
            if (found)
                n->named[found - n->files->items] = true;
        }
    }
    buf_fini(&path);
}

static double number_at(const cJSON *offsets, int i, const char *name)
{
    return cJSON_GetNumberValue(cJSON_GetObjectItem(cJSON_GetArrayItem(offsets, i), name));
}

/* Each begins where the one before ended. */
static void check_ranges(const cJSON *all, struct buf *wrong)
{
    const cJSON *record, *before = NULL;
    cJSON_ArrayForEach(record, all)
    {
        const cJSON *now = cJSON_GetObjectItem(record, "offsets");
        for (int i = 0; before && i < SIM_PARTITIONS; i++)
            if (number_at(before, i, "end") != number_at(now, i, "start"))
                WRONG(wrong, "a batch of partition %d begins at %.0f, the one before ended at %.0f",
                      i, number_at(now, i, "start"), number_at(before, i, "end"));
        before = now;
    }
}

void sim_oracle_decisions(const char *root, const struct sim_files *files, bool all,
                          struct buf *wrong)
{
    cJSON *records = read_decisions(root, wrong);
    struct naming n = {root, files, calloc(files->count + 1, 1), wrong};
    int count = cJSON_GetArraySize(records), at = 0;
    const cJSON *record;
    cJSON_ArrayForEach(record, records)
    {
        check_named(&n, record, all || ++at < count);
    }
    for (uint32_t i = 0; i < files->count; i++)
        if (!n.named[i])
            WRONG(wrong, "%s is in no decision", files->items[i].path);
    check_ranges(records, wrong);
    free(n.named);
    cJSON_Delete(records);
}

void sim_oracle_covered(const char *root, const struct sim_records *records, struct buf *wrong)
{
    cJSON *all = read_decisions(root, wrong);
    int count = cJSON_GetArraySize(all);
    const cJSON *record, *last = cJSON_GetObjectItem(cJSON_GetArrayItem(all, count - 1), "offsets");
    double sum = 0;
    cJSON_ArrayForEach(record, all)
    {
        sum += cJSON_GetNumberValue(cJSON_GetObjectItem(record, "records"));
    }
    if (sum != records->total)
        WRONG(wrong, "the decisions have %.0f records of %u", sum, records->total);
    for (int i = 0; i < SIM_PARTITIONS; i++) {
        const struct sim_partition *p = &records->partitions[i];
        if (number_at(last, i, "end") <= (double)p->records[p->count - 1].offset)
            WRONG(wrong, "partition %d was read up to %.0f only", i, number_at(last, i, "end"));
    }
    cJSON_Delete(all);
}

/* ---- rows ---- */

struct counts {
    uint32_t of[PLACES][SIM_IDS_MAX];
};

/* Ids as they stand in rows: in Parquet behind their length as PLAIN has it, so that statistics do
 * not count. */
static void count_ids(struct str text, bool parquet, uint32_t *counts, struct buf *wrong)
{
    static const char plain_length[] = {SIM_ID_BYTES, 0, 0, 0};
    const char *p = text.p, *end = str_end(text);
    while (p && (p = memmem(p, (size_t)(end - p), "id-", 3))) {
        const char *id = p;
        p += 3;
        if (end - id < SIM_ID_BYTES || !isdigit((unsigned char)id[3]))
            continue;
        if (parquet && (id - text.p < 4 || memcmp(id - 4, plain_length, 4) != 0))
            continue;
        uint32_t number = (uint32_t)atoi(p);
        if (number < SIM_IDS_MAX)
            counts[number]++;
        else
            WRONG(wrong, "id %u was never sent", number);
    }
}

static uint32_t place_of(const struct sim_pipeline *pipeline, const char *path)
{
    for (uint32_t i = 0; pipeline->outputs[i]; i++) {
        size_t n = strlen(pipeline->outputs[i]);
        if (strncmp(path, pipeline->outputs[i], n) == 0 && path[n] == '/')
            return i;
    }
    return strncmp(path, "late/", 5) == 0 ? LATE : DEAD;
}

static void check_counts(const struct sim_pipeline *pipeline, const struct sim_records *records,
                         const struct counts *counts, struct buf *wrong)
{
    for (uint32_t id = 0; id < records->id_count; id++) {
        const struct sim_id *of = &records->ids[id];
        uint32_t late = counts->of[LATE][id], dead = counts->of[DEAD][id];
        if (dead != (of->malformed ? of->copies : 0))
            WRONG(wrong, "id %u is %u times in dead letters", id, dead);
        for (uint32_t i = 0; pipeline->outputs[i]; i++) {
            uint32_t n = counts->of[i][id];
            bool ok = pipeline->law == SIM_EACH_ONCE      ? n == (of->malformed ? 0 : 1)
                      : pipeline->law == SIM_ONCE_OR_LATE ? n + late == 1
                      : n == 1                            ? late < of->copies
                                                          : n == 0 && late == of->copies;
            if (!ok)
                WRONG(wrong, "id %u, sent %u times, is %u times in %s and %u times in lateRows", id,
                      of->copies, n, pipeline->outputs[i], late);
        }
    }
}

static int64_t time_of(const cJSON *window, const char *name)
{
    struct tm tm = {0};
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItem(window, name));
    return text && strptime(text, "%Y-%m-%dT%H:%M:%S", &tm) ? (int64_t)timegm(&tm) : -1;
}

static int by_time(const void *a, const void *b)
{
    int64_t one = *(const int64_t *)a, other = *(const int64_t *)b;
    return (one > other) - (one < other);
}

/* start and end by the event times of a group, sorted. */
static bool bounds_hold(const cJSON *row, const int64_t *times, uint32_t n)
{
    const cJSON *window = cJSON_GetObjectItem(row, "window");
    if (window) {
        int64_t start = time_of(window, "start");
        return start % WINDOW_S == 0 && time_of(window, "end") == start + WINDOW_S &&
               times[0] >= start && times[n - 1] < start + WINDOW_S;
    }
    window = cJSON_GetObjectItem(row, "session_window");
    for (uint32_t i = 1; i < n; i++)
        if (times[i] - times[i - 1] >= SESSION_GAP_S)
            return false;
    return time_of(window, "start") == times[0] &&
           time_of(window, "end") == times[n - 1] + SESSION_GAP_S;
}

/* A group agrees with the ids it says are in it. */
static bool group_holds(const cJSON *row, const struct sim_records *records)
{
    int64_t times[SIM_IDS_MAX];
    uint32_t n = 0;
    double total = 0;
    const cJSON *id;
    cJSON_ArrayForEach(id, cJSON_GetObjectItem(row, "ids"))
    {
        const char *text = cJSON_GetStringValue(id);
        int number = text && strncmp(text, "id-", 3) == 0 ? atoi(text + 3) : -1;
        if (number < 0)
            return true; /* a group of flush records */
        times[n++] = records->ids[number].ts_s;
        total += (double)records->ids[number].v;
    }
    if (n)
        qsort(times, n, sizeof *times, by_time);
    return n > 0 && cJSON_GetNumberValue(cJSON_GetObjectItem(row, "n")) == n &&
           cJSON_GetNumberValue(cJSON_GetObjectItem(row, "total")) == total &&
           bounds_hold(row, times, n);
}

static void check_groups(struct str text, const struct sim_records *records, struct buf *wrong)
{
    while (text.n) {
        size_t n = (size_t)((const char *)memchr(text.p, '\n', text.n) - text.p);
        cJSON *row = cJSON_ParseWithLength(text.p, n);
        if (!group_holds(row, records))
            WRONG(wrong, "a wrong row: %.*s", (int)n, text.p);
        cJSON_Delete(row);
        text.p += n + 1;
        text.n -= n + 1;
    }
}

void sim_oracle_rows(const struct sim_files *files, const struct sim_pipeline *pipeline,
                     const struct sim_records *records, struct buf *wrong)
{
    struct counts counts = {0};
    sim_oracle_whole(files, wrong);
    for (uint32_t i = 0; i < files->count && wrong->n == 0; i++) {
        const char *path = files->items[i].path;
        struct buf text = {0};
        uint32_t place = place_of(pipeline, path);
        unpack(&files->items[i], &text);
        count_ids(buf_str(&text), ends_with(path, ".parquet"), counts.of[place], wrong);
        if (pipeline->law == SIM_ONCE_OR_LATE && place < LATE)
            check_groups(buf_str(&text), records, wrong);
        buf_fini(&text);
    }
    check_counts(pipeline, records, &counts, wrong);
}
