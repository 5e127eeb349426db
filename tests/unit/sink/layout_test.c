/* How a file sink spreads rows over files: partition directories, limits, files of several batches.
 */
#include "fixture.h"

#include <stdio.h>
#include <stdlib.h>

#include "fake_store.h"
#include "sink/files.h"
#include "sink/partitions.h"

static struct fixture fixture;
static struct fake_store *fake;
static const struct file_format json = {.kind = FILE_JSON};

static void setup(void)
{
    fixture_init(&fixture);
    fake = fake_store_create(&fixture.loop);
}

static void teardown(void)
{
    cr_expect_eq(fake->open_uploads, 0);
    store_close(&fake->base, NULL, NULL);
    fixture_fini(&fixture);
}

TestSuite(sink_layout, .init = setup, .fini = teardown, .timeout = 60);

static struct sink *make(struct sink_files_options options)
{
    struct sink *sink = NULL;
    struct err err = {0};
    struct sink_config config = {
        .loop = &fixture.loop, .query = STR("q"), .name = STR("s"), .schema = fixture.schema};
    options.path = STR("out");
    options.id8 = STR("01234567");
    options.format = &json;
    cr_assert_eq(sink_files_create(&sink, &config, &options, &fake->base, &err), 0, "%s", err.msg);
    return sink;
}

static void commit(struct sink_batch *batch)
{
    cr_assert_eq(fixture_prepare(&fixture, batch), 0, "%s", fixture_last(&fixture)->message);
    cr_assert_eq(fixture_publish(&fixture, batch), 0, "%s", fixture_last(&fixture)->message);
    fixture.event_count = 0;
}

static void run_for(uint64_t ms)
{
    uint64_t began = uv_now(&fixture.loop);
    while (uv_now(&fixture.loop) < began + ms)
        uv_run(&fixture.loop, UV_RUN_NOWAIT);
}

/* Whether this object was published with exactly this content. */
static bool published(const char *key, const char *content)
{
    for (uint32_t i = 0; i < fake->object_count; i++) {
        if (strcmp(fake->objects[i].key, key) == 0)
            return str_is(buf_str(&fake->objects[i].bytes), content);
    }
    return false;
}

Test(sink_layout, escapes_as_spark_does)
{
    struct buf out = {0};
    partition_escape(&out, STR("a/b:c=d%e#f?g\\h{i[j]k^l*m'n\"o p}q\x7f\n\x01z\xc3\xa9"));
    cr_expect_str_eq(buf_cstr(&out), "a%2Fb%3Ac%3Dd%25e%23f%3Fg%5Ch%7Bi%5Bj%5Dk%5El%2Am%27n%22o "
                                     "p}q%7F%0A%01z\xc3\xa9");
    buf_clear(&out);
    partition_escape(&out, (struct str){"\0x", 2});
    cr_expect_str_eq(buf_cstr(&out), "%00x");
    buf_fini(&out);
}

Test(sink_layout, a_file_per_partition_and_batch)
{
    struct sink_files_options options = {.partition_columns = (uint32_t[]){1},
                                         .partition_count = 1};
    struct sink *sink = make(options);
    struct sink_batch *batch = fixture_filled(&fixture, sink, 7, 9, 3);
    commit(batch);
    cr_expect_eq(fake->object_count, 3);
    cr_expect(published("name=name-9/part-01234567-00000007-q-s-00000.json", "{\"id\":9}\n"));
    cr_expect(published("name=__HIVE_DEFAULT_PARTITION__/part-01234567-00000007-q-s-00000.json",
                        "{\"id\":10}\n"));
    cr_expect(published("name=name-11/part-01234567-00000007-q-s-00000.json", "{\"id\":11}\n"));
    cr_expect_eq(sink_counters(sink)->objects, 3);
    fixture_close_sink(&fixture, sink, SINK_CLOSE_PUBLISH);
}

/* NULL, '' and the text that stands for both are one directory: one file, not three of one name. */
Test(sink_layout, names_that_are_alike_share_a_file)
{
    struct sink_files_options options = {.partition_columns = (uint32_t[]){1},
                                         .partition_count = 1};
    struct sink *sink = make(options);
    struct sink_batch *batch = fixture_filled(&fixture, sink, 1, 10, 1);
    struct block rows = fixture_rows(&fixture, 1, 4);
    struct err err = {0};
    rows.cols[1].str[0] = STR("");
    rows.cols[1].str[1] = STR("__HIVE_DEFAULT_PARTITION__");
    rows.cols[1].str[2] = STR("\xff");
    rows.cols[1].str[3] = STR("\xef\xbf\xbd"); /* what replaces it */
    cr_assert_eq(sink_batch_write(batch, &rows, &err), 0);
    commit(batch);
    cr_expect_eq(fake->object_count, 2);
    cr_expect(published("name=__HIVE_DEFAULT_PARTITION__/part-01234567-00000001-q-s-00000.json",
                        "{\"id\":10}\n{\"id\":1}\n{\"id\":2}\n"));
    cr_expect(published("name=\xef\xbf\xbd/part-01234567-00000001-q-s-00000.json",
                        "{\"id\":3}\n{\"id\":4}\n"));
    fixture_close_sink(&fixture, sink, SINK_CLOSE_PUBLISH);
}

Test(sink_layout, records_per_file)
{
    struct sink *sink = make((struct sink_files_options){.max_records_per_file = 2});
    struct sink_batch *batch = fixture_filled(&fixture, sink, 0, 1, 3);
    struct block rows = fixture_rows(&fixture, 4, 2);
    struct err err = {0};
    cr_assert_eq(sink_batch_write(batch, &rows, &err), 0);
    commit(batch);
    cr_expect_eq(fake->object_count, 3);
    cr_expect(published("part-01234567-00000000-q-s-00000.json",
                        "{\"id\":1,\"name\":\"name-1\"}\n{\"id\":2,\"name\":\"name-2\"}\n"));
    cr_expect(published("part-01234567-00000000-q-s-00001.json",
                        "{\"id\":3,\"name\":\"name-3\"}\n{\"id\":4,\"name\":\"name-4\"}\n"));
    cr_expect(
        published("part-01234567-00000000-q-s-00002.json", "{\"id\":5,\"name\":\"name-5\"}\n"));
    fixture_close_sink(&fixture, sink, SINK_CLOSE_PUBLISH);
}

/* With room for two, the file that has waited longest for rows makes place. */
Test(sink_layout, open_partitions_are_bounded)
{
    struct sink_files_options options = {
        .partition_columns = (uint32_t[]){1}, .partition_count = 1, .max_open_partitions = 2};
    struct sink *sink = make(options);
    struct sink_batch *batch = fixture_filled(&fixture, sink, 0, 1, 3);
    struct block rows = fixture_rows(&fixture, 1, 1);
    struct err err = {0};
    cr_assert_eq(sink_batch_write(batch, &rows, &err), 0);
    commit(batch);
    cr_expect_eq(fake->object_count, 4);
    cr_expect(published("name=name-1/part-01234567-00000000-q-s-00000.json", "{\"id\":1}\n"));
    cr_expect(published("name=name-1/part-01234567-00000000-q-s-00001.json", "{\"id\":1}\n"));
    cr_expect(published("name=name-3/part-01234567-00000000-q-s-00000.json", "{\"id\":3}\n"));
    fixture_close_sink(&fixture, sink, SINK_CLOSE_PUBLISH);
}

Test(sink_layout, a_rolled_file_takes_batches_until_its_size)
{
    struct sink *sink = make((struct sink_files_options){.target_file_bytes = 60});
    commit(fixture_filled(&fixture, sink, 3, 1, 2)); /* 50 bytes */
    cr_expect_eq(fake->object_count, 0, "the file goes on");
    cr_expect_eq(sink_counters(sink)->objects, 0);
    cr_expect_gt(sink_bytes(sink), 0);
    run_for(20); /* encoded by then */
    commit(fixture_filled(&fixture, sink, 4, 3, 1));
    cr_expect_eq(fake->object_count, 1);
    cr_expect(published("part-01234567-00000003-q-s-00000.json",
                        "{\"id\":1,\"name\":\"name-1\"}\n{\"id\":2,\"name\":\"name-2\"}\n"
                        "{\"id\":3,\"name\":\"name-3\"}\n"));
    commit(fixture_filled(&fixture, sink, 5, 4, 4));
    cr_expect_eq(fake->object_count, 2);
    cr_expect(strcmp(fake->objects[1].key, "part-01234567-00000005-q-s-00000.json") == 0);
    cr_expect_eq(fixture_close_sink(&fixture, sink, SINK_CLOSE_PUBLISH), 0);
}

Test(sink_layout, a_rolled_file_is_closed_by_age)
{
    struct sink *sink = make((struct sink_files_options){.roll_interval_ms = 30});
    commit(fixture_filled(&fixture, sink, 0, 1, 1));
    cr_expect_eq(fake->object_count, 0);
    run_for(40);
    commit(fixture_filled(&fixture, sink, 1, 2, 0)); /* a batch without rows closes it too */
    cr_expect_eq(fake->object_count, 1);
    cr_expect(
        published("part-01234567-00000000-q-s-00000.json", "{\"id\":1,\"name\":\"name-1\"}\n"));
    cr_expect_eq(fixture_close_sink(&fixture, sink, SINK_CLOSE_PUBLISH), 0);
}

/* What a dropped batch wrote is in no file, and it takes nothing of earlier batches with it. */
Test(sink_layout, a_dropped_batch_leaves_rolled_files_alone)
{
    struct sink *sink =
        make((struct sink_files_options){.target_file_bytes = 1 << 20, .max_records_per_file = 5});
    commit(fixture_filled(&fixture, sink, 0, 1, 2));
    struct sink_batch *dropped = fixture_filled(&fixture, sink, 1, 101, 4);
    cr_expect_gt(sink_batch_bytes(dropped), 0);
    cr_expect_eq(fixture_abort(&fixture, dropped), 0);
    fixture.event_count = 0;
    commit(fixture_filled(&fixture, sink, 1, 3, 1));
    cr_expect_eq(fixture_close_sink(&fixture, sink, SINK_CLOSE_PUBLISH), 0);
    cr_expect_eq(fake->object_count, 1);
    cr_expect(published("part-01234567-00000000-q-s-00000.json",
                        "{\"id\":1,\"name\":\"name-1\"}\n{\"id\":2,\"name\":\"name-2\"}\n"
                        "{\"id\":3,\"name\":\"name-3\"}\n"));
}

/* An aborted batch has nothing to do with another one that fills. */
Test(sink_layout, a_prepared_batch_is_dropped_while_the_next_fills)
{
    struct sink *sink = make((struct sink_files_options){0});
    struct sink_batch *one = fixture_filled(&fixture, sink, 0, 1, 1);
    cr_assert_eq(fixture_prepare(&fixture, one), 0);
    struct sink_batch *two = fixture_filled(&fixture, sink, 1, 2, 1);
    cr_expect_eq(fixture_abort(&fixture, one), 0);
    fixture.event_count = 0;
    commit(two);
    cr_expect(
        published("part-01234567-00000001-q-s-00000.json", "{\"id\":2,\"name\":\"name-2\"}\n"));
    fixture_close_sink(&fixture, sink, SINK_CLOSE_PUBLISH);
}

Test(sink_layout, closing_publishes_rolled_files_or_removes_them)
{
    for (int keep = 0; keep < 2; keep++) {
        struct sink *sink = make((struct sink_files_options){.target_file_bytes = 1 << 20});
        commit(fixture_filled(&fixture, sink, keep, 1, 1));
        cr_expect_eq(
            fixture_close_sink(&fixture, sink, keep ? SINK_CLOSE_PUBLISH : SINK_CLOSE_DISCARD), 0);
        cr_expect_eq(fake->object_count, keep);
    }
}

Test(sink_layout, a_rolled_file_that_cannot_be_published_is_told)
{
    struct sink *sink = make((struct sink_files_options){.target_file_bytes = 1 << 20});
    commit(fixture_filled(&fixture, sink, 0, 1, 1));
    fake->fail_op = STORE_UPLOAD_PUBLISH;
    fake->fail_count = 1;
    fake->fail_code = ERR_IO;
    cr_expect_eq(fixture_close_sink(&fixture, sink, SINK_CLOSE_PUBLISH), ERR_IO);
}

/* Rolled files of many partitions may not fill the memory that batches need. */
Test(sink_layout, memory_closes_rolled_files)
{
    struct sink_files_options options = {.partition_columns = (uint32_t[]){1},
                                         .partition_count = 1,
                                         .target_file_bytes = 1 << 20,
                                         .held_bytes_max = 30000};
    struct sink *sink = make(options);
    commit(fixture_filled(&fixture, sink, 0, 1, 3));
    cr_expect_eq(fake->object_count, 0);
    commit(fixture_filled(&fixture, sink, 1, 11, 8));
    cr_expect_gt(fake->object_count, 0);
    cr_expect_leq(sink_bytes(sink), 30000);
    cr_expect_eq(fixture_close_sink(&fixture, sink, SINK_CLOSE_PUBLISH), 0);
    cr_expect_eq(fake->object_count, 11);
}
