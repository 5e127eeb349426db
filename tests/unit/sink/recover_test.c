/* A process ends anywhere, and another publishes what it had decided: every row once. */
#include "process.h"

#include <stdio.h>
#include <stdlib.h>
#include <zlib.h>
#include <zstd.h>

#include "format/csv_file.h"

static struct fixture fixture;
static struct process process;
static struct record record;
static const struct file_format json = {.kind = FILE_JSON};

static void setup(void)
{
    fixture_init(&fixture);
}

static void teardown(void)
{
    record_fini(&record);
    fixture_fini(&fixture);
}

TestSuite(sink_recover, .init = setup, .fini = teardown, .timeout = 60);

static struct sink_files_options options_of(const struct file_format *format)
{
    return (struct sink_files_options){.format = format,
                                       .path = STR("out"),
                                       .id8 = STR("01234567"),
                                       .recoverable = true,
                                       .part_bytes = 4000,
                                       .encode_bytes = 2000};
}

static void begin(const struct sink_files_options *options)
{
    process_begin(&process, &fixture, options);
}

/* The process is gone, and nothing was tidied up. */
static void crash(struct sink_batch *batch)
{
    if (batch)
        process_leave(&process, batch);
    process_end(&process, SINK_CLOSE_LEAVE);
}

static void expect_file(const char *name, int64_t first, uint32_t count)
{
    struct buf want = {0}, got = {0};
    fixture_expected_json(&want, first, count);
    cr_expect(files_read(&fixture, name, &got), "no %s", name);
    cr_expect(str_eq(buf_str(&want), buf_str(&got)), "%s", name);
    buf_fini(&want);
    buf_fini(&got);
}

/* ---- files of a batch ---- */

Test(sink_recover, publishes_what_was_prepared)
{
    struct sink_files_options options = options_of(&json);
    begin(&options);
    struct sink_batch *batch = process_prepare(&process, 7, 1, 3000, &record);
    cr_expect_eq(record.output_count, 1);
    cr_expect_eq(record.held_count, 0);
    crash(batch);
    cr_expect_eq(files_count(&fixture, false), 0);
    cr_expect_eq(files_count(&fixture, true), 1);
    for (int again = 0; again < 3; again++) {
        begin(&options);
        cr_expect_eq(process_recover(&process, &record, 1), 0, "%s", process.err.msg);
        cr_expect_eq(sink_counters(process.sink)->objects, 1);
        cr_expect_eq(sink_counters(process.sink)->rows, 3000);
        cr_expect_eq(sink_counters(process.sink)->bytes, record.outputs[0].bytes);
        cr_expect_eq(process_recover(&process, &record, 1), 0, "in one process, too");
        crash(NULL);
        cr_expect_eq(files_count(&fixture, true), 0);
        cr_expect_eq(files_count(&fixture, false), 1);
        expect_file("part-01234567-00000007-q-s-00000.json", 1, 3000);
    }
}

Test(sink_recover, goes_on_when_some_files_are_published)
{
    struct sink_files_options options = options_of(&json);
    options.max_records_per_file = 10;
    begin(&options);
    struct sink_batch *batch = process_prepare(&process, 3, 0, 500, &record);
    cr_assert_eq(record.output_count, 50);
    crash(batch);
    begin(&options);
    cr_assert_eq(process_recover(&process, &record, 20), 0);
    crash(NULL);
    cr_expect_eq(files_count(&fixture, false), 20);
    begin(&options);
    process_go_on(&process, &record);
    crash(NULL);
    cr_expect_eq(files_count(&fixture, false), 50);
    cr_expect_eq(files_count(&fixture, true), 0);
    expect_file("part-01234567-00000003-q-s-00049.json", 490, 10);
}

Test(sink_recover, a_file_that_is_gone_is_told_and_the_others_are_published)
{
    struct sink_files_options options = options_of(&json);
    options.max_records_per_file = 10;
    begin(&options);
    crash(process_prepare(&process, 3, 0, 50, &record));
    files_remove_hidden(&fixture);
    begin(&options);
    cr_expect_eq(process_recover(&process, &record, 5), ERR_NOT_FOUND);
    cr_expect(strstr(process.err.msg, "part-01234567-00000003-q-s-0000"), "%s", process.err.msg);
    crash(NULL);
    cr_expect_eq(files_count(&fixture, false), 4);
}

Test(sink_recover, no_rows_nothing_to_do)
{
    struct sink_files_options options = options_of(&json);
    begin(&options);
    struct sink_batch *batch = process_prepare(&process, 3, 0, 0, &record);
    crash(batch);
    begin(&options);
    process_go_on(&process, &record);
    crash(NULL);
    cr_expect_eq(files_count(&fixture, false) + files_count(&fixture, true), 0);
}

/* ---- what was not decided ---- */

Test(sink_recover, a_sweep_removes_what_nobody_decided)
{
    struct sink_files_options options = options_of(&json);
    struct sink_config other = {
        .loop = &fixture.loop, .query = STR("q"), .name = STR("s2"), .schema = fixture.schema};
    struct sink *second;
    struct err err;
    begin(&options);
    cr_assert_eq(sink_files_create(&second, &other, &options, process.store, &err), 0);
    struct sink_batch *theirs = fixture_filled(&fixture, second, 4, 1, 10);
    cr_assert_eq(fixture_prepare(&fixture, theirs), 0);
    process_leave(&process, theirs);
    fixture_close_sink(&fixture, second, SINK_CLOSE_LEAVE);
    options.id8 = STR("76543210");
    cr_assert_eq(sink_files_create(&second, &other, &options, process.store, &err), 0);
    theirs = fixture_filled(&fixture, second, 4, 1, 10);
    cr_assert_eq(fixture_prepare(&fixture, theirs), 0);
    process_leave(&process, theirs);
    fixture_close_sink(&fixture, second, SINK_CLOSE_LEAVE);
    options.id8 = STR("01234567");
    process_publish(&process, process_prepare(&process, 3, 1, 10, &record));
    crash(process_prepare(&process, 4, 11, 2000, NULL));
    cr_expect_eq(files_count(&fixture, true), 3);
    begin(&options);
    process_go_on(&process, &record);
    cr_expect_eq(files_count(&fixture, true), 2, "those of others stay");
    process_publish(&process, process_prepare(&process, 4, 101, 20, &record));
    crash(NULL);
    expect_file("part-01234567-00000003-q-s-00000.json", 1, 10);
    expect_file("part-01234567-00000004-q-s-00000.json", 101, 20);
}

/* The next process need not sweep first. */
Test(sink_recover, a_batch_is_done_again_beside_what_is_left_of_it)
{
    struct sink_files_options options = options_of(&json);
    begin(&options);
    crash(process_prepare(&process, 4, 11, 2000, NULL));
    begin(&options);
    struct sink_batch *batch = process_prepare(&process, 4, 101, 20, &record);
    cr_expect_eq(files_count(&fixture, true), 2);
    process_publish(&process, batch);
    crash(NULL);
    expect_file("part-01234567-00000004-q-s-00000.json", 101, 20);
    begin(&options);
    process_go_on(&process, &record);
    crash(NULL);
    cr_expect_eq(files_count(&fixture, true), 0);
    cr_expect_eq(files_count(&fixture, false), 1);
}

/* ---- rolled files ---- */

static void unpack(const struct buf *packed, enum file_compression compression, struct buf *out)
{
    size_t room = 16 << 20;
    cr_assert(buf_reserve(out, room));
    if (compression == COMPRESSION_ZSTD) {
        out->n = ZSTD_decompress(out->p, room, packed->p, packed->n);
        cr_assert(!ZSTD_isError(out->n));
        return;
    }
    z_stream stream = {.next_in = (Bytef *)packed->p, .avail_in = (uInt)packed->n};
    cr_assert_eq(inflateInit2(&stream, 15 + 16), Z_OK);
    while (stream.avail_in > 0) {
        stream.next_out = (Bytef *)out->p + out->n;
        stream.avail_out = (uInt)(room - out->n);
        cr_assert_eq(inflate(&stream, Z_FINISH), Z_STREAM_END);
        out->n = room - stream.avail_out;
        inflateReset(&stream);
    }
    inflateEnd(&stream);
}

/* The file as one encoder writes it without a break. */
static void encode(const struct file_format *format, int64_t first, uint32_t count, struct buf *out)
{
    struct file_encoder *encoder;
    struct err err;
    cr_assert_eq(file_encoder_create(&encoder, format, fixture.schema, &err), 0);
    for (uint32_t at = 0; at < count; at += 1000) {
        struct block rows =
            fixture_rows(&fixture, first + at, count - at < 1000 ? count - at : 1000);
        cr_assert_eq(file_encoder_write(encoder, &rows, out, &err), 0);
    }
    cr_assert_eq(file_encoder_finish(encoder, out, &err), 0);
    file_encoder_destroy(encoder);
}

/* One file of batches 0..9 in five processes; each dies behind an undecided batch. */
static void roll_through_restarts(const struct file_format *format)
{
    struct sink_files_options options = options_of(format);
    struct buf got = {0}, want = {0}, text = {0};
    char name[100];
    options.roll_interval_ms = 12 * 3600 * 1000;
    for (int64_t id = 0; id < 10; id += 2) {
        begin(&options);
        if (id > 0)
            process_go_on(&process, &record);
        cr_expect_leq(files_count(&fixture, true), id > 0, "none while a record has all of it");
        cr_expect_eq(sink_bytes(process.sink) > 0, id > 0);
        for (int64_t k = id; k < id + 2; k++) {
            struct sink_batch *batch = process_prepare(&process, k, k * 700, 700, &record);
            cr_assert_eq(record.held_count, 1);
            cr_expect_eq(record.output_count, 0);
            cr_expect_eq(record.held[0].rows, (uint64_t)k * 700 + 700);
            process_publish(&process, batch);
        }
        crash(process_prepare(&process, id + 2, 1000000, 1500, NULL));
    }
    begin(&options);
    process_go_on(&process, &record);
    process_end(&process, SINK_CLOSE_PUBLISH);
    snprintf(name, sizeof name, "part-01234567-00000000-q-s-00000.%s",
             file_format_extension(format));
    cr_assert(files_read(&fixture, name, &got));
    if (format->kind == FILE_PARQUET) {
        encode(format, 0, 7000, &want);
        cr_expect(str_eq(buf_str(&got), buf_str(&want)));
    } else {
        struct file_format plain = *format;
        plain.compression = COMPRESSION_NONE;
        encode(&plain, 0, 7000, &want);
        unpack(&got, format->compression, &text);
        cr_expect(str_eq(buf_str(&text), buf_str(&want)));
    }
    cr_expect_eq(files_count(&fixture, true), 0);
    buf_fini(&got);
    buf_fini(&want);
    buf_fini(&text);
}

Test(sink_recover, a_rolled_parquet_file_goes_on)
{
    static const struct file_format format = {.kind = FILE_PARQUET,
                                              .compression = COMPRESSION_SNAPPY,
                                              .parquet = {.row_group_bytes = 20000}};
    roll_through_restarts(&format);
}

Test(sink_recover, a_rolled_json_gz_file_goes_on)
{
    static const struct file_format format = {.kind = FILE_JSON, .compression = COMPRESSION_GZIP};
    roll_through_restarts(&format);
}

Test(sink_recover, a_rolled_csv_zst_file_goes_on)
{
    struct file_format format = {
        .kind = FILE_CSV, .compression = COMPRESSION_ZSTD, .csv = csv_options_default()};
    format.csv.header = true;
    roll_through_restarts(&format);
}

static void wait_until(int64_t wall_clock_ms)
{
    uv_timeval64_t now;
    do {
        uv_gettimeofday(&now);
    } while (now.tv_sec * 1000 + now.tv_usec / 1000 < wall_clock_ms);
}

/* A batch decides that files end, and the process dies before they are published. */
Test(sink_recover, a_rolled_file_ends_with_a_batch_of_another_process)
{
    struct sink_files_options options = options_of(&json);
    options.target_file_bytes = 60000;
    options.partition_columns = (uint32_t[]){1};
    options.partition_count = 1;
    options.roll_interval_ms = 12 * 3600 * 1000;
    begin(&options);
    struct sink_batch *batch = process_prepare(&process, 0, 0, 30, &record);
    cr_expect_eq(record.held_count, 28, "a file per name, and one without");
    process_publish(&process, batch);
    crash(NULL);
    options.roll_interval_ms = 1;
    wait_until(record.held[27].opened_ms + 1);
    begin(&options);
    process_go_on(&process, &record);
    cr_expect_eq(files_count(&fixture, false), 0);
    batch = process_prepare(&process, 1, 30, 1, &record); /* row 30 has no name */
    cr_expect_eq(record.output_count, 28, "%u", record.output_count);
    cr_expect_eq(record.held_count, 0, "%u", record.held_count);
    crash(batch);
    begin(&options);
    process_go_on(&process, &record);
    crash(NULL);
    cr_expect_eq(files_count(&fixture, true), 0);
    cr_expect_eq(files_count(&fixture, false), 28);
    struct buf got = {0};
    cr_expect(files_read(
        &fixture, "name=__HIVE_DEFAULT_PARTITION__/part-01234567-00000000-q-s-00000.json", &got));
    cr_expect(str_is(buf_str(&got), "{\"id\":0}\n{\"id\":10}\n{\"id\":20}\n{\"id\":30}\n"), "%s",
              buf_cstr(&got));
    buf_fini(&got);
}

/* An aborted batch had closed a file that has rows of a decided one. */
Test(sink_recover, an_abort_leaves_what_the_record_has)
{
    struct sink_files_options options = options_of(&json);
    options.target_file_bytes = 30000;
    begin(&options);
    process_publish(&process, process_prepare(&process, 0, 0, 300, &record));
    cr_expect_gt(record.held[0].bytes, 0);
    struct sink_batch *batch = process_prepare(&process, 1, 300, 1000, NULL);
    uint32_t outputs;
    sink_batch_outputs(batch, &outputs);
    cr_expect_eq(outputs, 1);
    cr_expect_eq(fixture_abort(&fixture, batch), 0);
    fixture.event_count = 0;
    crash(NULL);
    begin(&options);
    process_go_on(&process, &record);
    process_publish(&process, process_prepare(&process, 1, 300, 1000, &record));
    crash(NULL);
    expect_file("part-01234567-00000000-q-s-00000.json", 0, 1300);
    cr_expect_eq(files_count(&fixture, true), 0);
}

/* The user took rolling out of the document. */
Test(sink_recover, files_that_rolled_end_where_none_roll)
{
    struct sink_files_options options = options_of(&json);
    options.target_file_bytes = 1 << 20;
    begin(&options);
    process_publish(&process, process_prepare(&process, 0, 0, 10, &record));
    crash(NULL);
    options.target_file_bytes = 0;
    begin(&options);
    process_go_on(&process, &record);
    struct sink_batch *batch = process_prepare(&process, 1, 10, 10, &record);
    cr_expect_eq(record.output_count, 2);
    crash(batch);
    begin(&options);
    process_go_on(&process, &record);
    crash(NULL);
    expect_file("part-01234567-00000000-q-s-00000.json", 0, 10);
    expect_file("part-01234567-00000001-q-s-00000.json", 10, 10);
}

Test(sink_recover, the_record_of_a_large_file_is_small)
{
    struct sink_files_options options = options_of(&json);
    options.target_file_bytes = 1 << 30;
    options.part_bytes = 0;
    begin(&options);
    for (int64_t id = 0; id < 5; id++) {
        struct sink_batch *batch;
        struct err err;
        cr_assert_eq(sink_batch_open(process.sink, id, &batch, &err), 0);
        for (int64_t k = 0; k < 10; k++) {
            struct block rows = fixture_rows(&fixture, (id * 10 + k) * 4000, 4000);
            cr_assert_eq(sink_batch_write(batch, &rows, &err), 0);
        }
        cr_assert_eq(fixture_prepare(&fixture, batch), 0);
        uint32_t count;
        const struct record_held *held = sink_batch_held(batch, &count);
        cr_assert_eq(count, 1);
        cr_expect_lt(held->state.n, (1 << 20) + 1000);
        cr_expect_geq(held->bytes + (1 << 20), (uint64_t)(id + 1) * 40000 * 30);
        cr_expect_eq(held->rows, (uint64_t)(id + 1) * 40000);
        process_publish(&process, batch);
    }
    crash(NULL);
}

Test(sink_recover, a_damaged_record_is_refused)
{
    struct sink_files_options options = options_of(&json);
    options.target_file_bytes = 1 << 20;
    begin(&options);
    process_publish(&process, process_prepare(&process, 0, 0, 200, &record));
    crash(NULL);
    struct str state = record.held[0].state;
    char *p = (char *)state.p;
    for (size_t i = 0; i < state.n; i += 1 + i / 4) {
        p[i] ^= 16;
        begin(&options);
        cr_expect_eq(process_restore(&process, &record), ERR_CORRUPT, "byte %zu", i);
        cr_expect(strstr(process.err.msg, "00000-q-s-00000.json"), "%s", process.err.msg);
        crash(NULL);
        p[i] ^= 16;
    }
    record.held[0].bytes += 1; /* not what the state was made for */
    begin(&options);
    cr_expect_eq(process_restore(&process, &record), ERR_CORRUPT);
    crash(NULL);
    record.held[0].bytes -= 1;
    files_remove_hidden(&fixture);
    begin(&options);
    cr_expect_eq(process_restore(&process, &record), ERR_NOT_FOUND);
    crash(NULL);
}

/* A clean end between batches, too. */
Test(sink_recover, an_end_leaves_rolled_files)
{
    struct sink_files_options options = options_of(&json);
    options.roll_interval_ms = 3600 * 1000;
    begin(&options);
    process_publish(&process, process_prepare(&process, 0, 0, 100, &record));
    process_end(&process, SINK_CLOSE_LEAVE);
    cr_expect_eq(files_count(&fixture, false), 0);
    begin(&options);
    process_go_on(&process, &record);
    process_publish(&process, process_prepare(&process, 1, 100, 1, &record));
    process_end(&process, SINK_CLOSE_PUBLISH);
    expect_file("part-01234567-00000000-q-s-00000.json", 0, 101);
}

/* ---- the same rows give the same files ---- */

struct blocker {
    uv_work_t work;
    uint32_t until; /* jobs of the pool that are over */
};

static void block(uv_work_t *work)
{
    struct timespec pause = {.tv_nsec = CONTAINER_OF(work, struct blocker, work)->until * 1000};
    nanosleep(&pause, NULL);
}

static void unblocked(uv_work_t *work, int status)
{
    (void)status;
    free(CONTAINER_OF(work, struct blocker, work));
}

/* Keeps all threads of the pool busy for a while, so that jobs wait behind. */
static void delay_jobs(uint32_t microseconds)
{
    for (int i = 0; i < 4; i++) {
        struct blocker *blocker = calloc(1, sizeof *blocker);
        blocker->until = microseconds;
        uv_queue_work(&fixture.loop, &blocker->work, block, unblocked);
    }
}

/* Three batches of the same rows in blocks of up to `most`; with `delays` between them. */
static void run(const struct sink_files_options *options, uint32_t most, bool delays,
                struct buf *out)
{
    begin(options);
    for (int64_t id = 0; id < 3; id++) {
        struct sink_batch *batch;
        struct err err;
        cr_assert_eq(sink_batch_open(process.sink, id, &batch, &err), 0);
        for (uint32_t at = 0, n; at < 9000; at += n) {
            n = 1 + (uint32_t)rand() % most;
            n = n < 9000 - at ? n : 9000 - at;
            struct block rows = fixture_rows(&fixture, id * 9000 + at, n);
            if (delays && rand() % 3 == 0)
                delay_jobs((uint32_t)rand() % 3000);
            cr_assert_eq(sink_batch_write(batch, &rows, &err), 0);
            for (int turns = rand() % 4; turns > 0; turns--)
                uv_run(&fixture.loop, UV_RUN_NOWAIT);
        }
        if (delays)
            delay_jobs(2000);
        cr_assert_eq(fixture_prepare(&fixture, batch), 0);
        process_publish(&process, batch);
    }
    process_end(&process, SINK_CLOSE_PUBLISH);
    files_read_all(&fixture, out);
}

static void expect_one_content(struct sink_files_options options)
{
    static const char *const ids[] = {"00000000", "11111111", "22222222", "33333333"};
    struct buf first = {0};
    char command[200];
    for (uint32_t i = 0; i < COUNT_OF(ids); i++) {
        struct buf content = {0};
        options.id8 = str_of(ids[i]);
        run(&options, i % 2 ? 4096 : 700, i > 1, &content);
        if (i == 0)
            first = content;
        else
            cr_expect(str_eq(buf_str(&first), buf_str(&content)), "%s, run %u",
                      file_format_extension(options.format), i);
        if (i > 0)
            buf_fini(&content);
        snprintf(command, sizeof command, "rm -rf %s/*", fixture.dir);
        cr_assert_eq(system(command), 0);
    }
    cr_expect_gt(first.n, 10000);
    buf_fini(&first);
}

static const struct file_format formats[] = {
    {.kind = FILE_JSON, .compression = COMPRESSION_GZIP},
    {.kind = FILE_JSON, .compression = COMPRESSION_ZSTD},
    {.kind = FILE_PARQUET,
     .compression = COMPRESSION_ZSTD,
     .parquet = {.row_group_bytes = 30000, .page_bytes = 3000}},
};

Test(sink_recover, files_do_not_depend_on_timing)
{
    for (uint32_t i = 0; i < COUNT_OF(formats); i++)
        expect_one_content(options_of(&formats[i]));
}

Test(sink_recover, rolled_files_do_not_depend_on_timing)
{
    for (uint32_t i = 0; i < COUNT_OF(formats); i++) {
        struct sink_files_options options = options_of(&formats[i]);
        options.target_file_bytes = 40000;
        options.max_records_per_file = 20000;
        expect_one_content(options);
    }
}
