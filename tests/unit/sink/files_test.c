/* The JSON lines sink on a real directory: names, content, overlapping batches, nothing left. */
#include "fixture.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#include "sink/files.h"
#include "store/local.h"

static struct fixture fixture;
static struct store *store;
static struct sink *sink;

static void setup(void)
{
    struct err err;
    fixture_init(&fixture);
    struct sink_config config = {.loop = &fixture.loop,
                                 .query = STR("by_type"),
                                 .name = STR("lake"),
                                 .schema = fixture.schema};
    static const struct file_format format = {.kind = FILE_JSON};
    struct sink_files_options options = {.format = &format,
                                         .path = STR("/data/out"),
                                         .id8 = STR("0a1b2c3d"),
                                         .part_bytes = 4000,
                                         .encode_bytes = 1000};
    cr_assert_eq(store_local_create(&store, &fixture.loop, str_of(fixture.dir), &err), 0);
    cr_assert_eq(sink_files_create(&sink, &config, &options, store, &err), 0);
}

static void teardown(void)
{
    fixture_close_sink(&fixture, sink, SINK_CLOSE_DISCARD);
    store_close(store, NULL, NULL);
    fixture_fini(&fixture);
}

TestSuite(sink_files, .init = setup, .fini = teardown, .timeout = 60);

static uint32_t count_files(bool hidden)
{
    DIR *dir = opendir(fixture.dir);
    uint32_t count = 0;
    cr_assert(dir);
    for (const struct dirent *entry; (entry = readdir(dir));)
        count += entry->d_type == DT_REG && (entry->d_name[0] == '.') == hidden;
    closedir(dir);
    return count;
}

static bool file_has_rows(const char *name, int64_t first, uint32_t count)
{
    struct buf expected = {0}, actual = {0};
    char path[300], part[4096];
    size_t n;
    snprintf(path, sizeof path, "%s/%s", fixture.dir, name);
    FILE *file = fopen(path, "rb");
    if (!file)
        return false;
    while ((n = fread(part, 1, sizeof part, file)) > 0)
        buf_append(&actual, part, n);
    fclose(file);
    fixture_expected_json(&expected, first, count);
    bool same = str_eq(buf_str(&expected), buf_str(&actual));
    buf_fini(&expected);
    buf_fini(&actual);
    return same;
}

Test(sink_files, says_what_it_is)
{
    cr_expect(str_is(sink_name(sink), "lake"));
    cr_expect(str_is(sink_query(sink), "by_type"));
    cr_expect(str_is(sink_description(sink), "FileSink[/data/out]"));
}

Test(sink_files, one_file_per_batch)
{
    struct sink_batch *batch = fixture_filled(&fixture, sink, 42, 5, 3);
    cr_expect_eq(sink_batch_rows(batch), 3);
    cr_assert_eq(fixture_prepare(&fixture, batch), 0, "%s", fixture_last(&fixture)->message);
    cr_expect_str_eq(fixture_last(&fixture)->outputs,
                     "part-0a1b2c3d-00000042-by_type-lake-00000.json 3 75;");
    cr_expect_eq(count_files(false), 0);
    cr_expect_eq(count_files(true), 1);
    cr_expect_eq(sink_counters(sink)->objects, 0);
    cr_expect_eq(sink_uploads(sink), 1);
    cr_assert_eq(fixture_publish(&fixture, batch), 0);
    cr_expect_eq(sink_uploads(sink), 0);
    cr_expect_str_eq(fixture_last(&fixture)->outputs,
                     "part-0a1b2c3d-00000042-by_type-lake-00000.json 3 75;");
    cr_expect(file_has_rows("part-0a1b2c3d-00000042-by_type-lake-00000.json", 5, 3));
    cr_expect_eq(count_files(true), 0);
    cr_expect_eq(count_files(false), 1);
    cr_expect_eq(sink_counters(sink)->objects, 1);
    cr_expect_eq(sink_counters(sink)->rows, 3);
    cr_expect_eq(sink_counters(sink)->bytes, 75);
}

Test(sink_files, no_rows_no_file)
{
    struct sink_batch *batch = fixture_filled(&fixture, sink, 1, 0, 0);
    struct block none = fixture_rows(&fixture, 0, 0);
    struct err err;
    cr_assert_eq(sink_batch_write(batch, &none, &err), 0);
    cr_assert_eq(fixture_prepare(&fixture, batch), 0);
    cr_assert_eq(fixture_publish(&fixture, batch), 0);
    cr_expect_str_eq(fixture_last(&fixture)->outputs, "");
    cr_expect_eq(count_files(false) + count_files(true), 0);
    cr_expect_eq(sink_counters(sink)->objects, 0);
}

/* Batch 1 commits while batch 2 fills; both send parts meanwhile. */
Test(sink_files, two_batches_overlap)
{
    struct fixture_user user = {&fixture};
    struct err err;
    struct sink_batch *one = fixture_filled(&fixture, sink, 1, 0, 4000);
    sink_batch_prepare(one, fixture_callback, &user);
    struct sink_batch *two = fixture_filled(&fixture, sink, 2, 4000, 1000);
    for (int i = 0; i < 5; i++) {
        struct block rows = fixture_rows(&fixture, 5000 + i * 700, 700);
        cr_assert_eq(sink_batch_write(two, &rows, &err), 0);
        uv_run(&fixture.loop, UV_RUN_NOWAIT);
    }
    fixture_wait(&fixture, 1);
    cr_expect_eq(fixture_publish(&fixture, one), 0);
    cr_expect_eq(count_files(false), 1);
    cr_expect_eq(fixture_prepare(&fixture, two), 0);
    cr_expect_eq(fixture_publish(&fixture, two), 0);
    cr_expect(file_has_rows("part-0a1b2c3d-00000001-by_type-lake-00000.json", 0, 4000));
    cr_expect(file_has_rows("part-0a1b2c3d-00000002-by_type-lake-00000.json", 4000, 4500));
    cr_expect_eq(count_files(true), 0);
}

Test(sink_files, memory_shrinks_as_parts_are_stored)
{
    struct sink_batch *batch = fixture_filled(&fixture, sink, 1, 1, 4000);
    size_t full = sink_batch_bytes(batch);
    cr_expect_gt(full, 100000);
    while (sink_batch_bytes(batch) > 20000)
        uv_run(&fixture.loop, UV_RUN_ONCE);
    cr_expect_eq(count_files(false), 0);
    cr_assert_eq(fixture_prepare(&fixture, batch), 0);
    cr_expect_lt(sink_batch_bytes(batch), 10000);
    cr_expect_eq(fixture_abort(&fixture, batch), 0);
    cr_expect_eq(count_files(true), 0);
}

Test(sink_files, abort_leaves_nothing_at_any_stage)
{
    struct sink_batch *batch = fixture_filled(&fixture, sink, 3, 1, 1);
    cr_expect_eq(fixture_abort(&fixture, batch), 0); /* nothing sent yet */
    batch = fixture_filled(&fixture, sink, 3, 1, 2000);
    cr_expect_eq(fixture_abort(&fixture, batch), 0); /* a begin is under way */
    batch = fixture_filled(&fixture, sink, 3, 1, 2000);
    while (count_files(true) == 0)
        uv_run(&fixture.loop, UV_RUN_ONCE);
    cr_expect_eq(fixture_abort(&fixture, batch), 0); /* parts are under way */
    batch = fixture_filled(&fixture, sink, 3, 1, 2000);
    cr_assert_eq(fixture_prepare(&fixture, batch), 0);
    cr_expect_eq(fixture_abort(&fixture, batch), 0); /* prepared */
    cr_expect_eq(count_files(false) + count_files(true), 0);
    cr_expect_eq(sink_counters(sink)->objects, 0);
}

Test(sink_files, never_replaces_a_published_file)
{
    struct sink_batch *batch = fixture_filled(&fixture, sink, 3, 1, 1);
    cr_assert_eq(fixture_prepare(&fixture, batch), 0);
    cr_assert_eq(fixture_publish(&fixture, batch), 0);
    batch = fixture_filled(&fixture, sink, 3, 2, 2);
    cr_assert_eq(fixture_prepare(&fixture, batch), 0);
    cr_expect_eq(fixture_publish(&fixture, batch), ERR_EXISTS);
    cr_expect(strstr(fixture_last(&fixture)->message,
                     "/part-0a1b2c3d-00000003-by_type-lake-00000.json already exists"));
    cr_expect_eq(fixture_abort(&fixture, batch), 0);
    cr_expect(file_has_rows("part-0a1b2c3d-00000003-by_type-lake-00000.json", 1, 1));
    cr_expect_eq(count_files(true), 0);
}
