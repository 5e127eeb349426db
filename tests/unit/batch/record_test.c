/* A checkpoint's records as bytes: they come back as they were, and each kind of damage has its
 * message. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "batch/envelope.h"
#include "batch/record.h"

static const struct record_partition partitions[] = {{STR("tx"), 0, 5, INT64_MAX - 1},
                                                     {STR("a \"topic\""), 7, -1, 0}};
static const struct str slices[] = {STR("10 -1"), STR("12 0")};
static const struct record_object state[] = {{STR("state/4.1.snapshot"), 100, 0xffffffff},
                                             {STR("state/5.2.delta"), 7, 0}};
static const struct record_file files[] = {
    {STR("type=x%3Ay/part-1.parquet"), STR("upload"), STR("1:ab,2:cd"), 10, 1ULL << 40},
    {STR("\xc3\xbc.json"), STR(""), STR(""), 0, 0}};
static const struct record_output outputs[] = {{.query = STR("q"),
                                                .sink = STR("lake"),
                                                .place = STR("FileSink[s3://lake/q]"),
                                                .batch_id = 5,
                                                .rows = 10,
                                                .files = files,
                                                .file_count = 2},
                                               {.query = STR("q"),
                                                .sink = STR("kafka1"),
                                                .place = STR("KafkaSink[t]"),
                                                .batch_id = 4,
                                                .rows = 3,
                                                .staged = {STR("staged/5.2.q.kafka1"), 33, 1}}};
static const struct record_rolled rolled[] = {
    {STR("q"), STR("lake"), STR("FileSink[x]"), {STR("staged/5.2.q.lake.rolled"), 9, 2}}};
static const struct record_query queries[] = {{.name = STR("q"),
                                               .fingerprint = STR("key a STRING\n"),
                                               .watermark_us = -1,
                                               .read = 9,
                                               .late = 2,
                                               .accepted = 7}};

static struct commit_record sample(void)
{
    return (struct commit_record){.batch_id = 5,
                                  .epoch = 2,
                                  .checkpoint_id = STR("id"),
                                  .run_id = STR("run"),
                                  .takeover = true,
                                  .timestamp_ms = 1,
                                  .decided_ms = 2,
                                  .reason = STR("trigger"),
                                  .records = 9,
                                  .partitions = partitions,
                                  .partition_count = 2,
                                  .slices = slices,
                                  .slice_count = 2,
                                  .state = state,
                                  .state_count = 2,
                                  .snapshot_count = 1,
                                  .outputs = outputs,
                                  .output_count = 2,
                                  .rolled = rolled,
                                  .rolled_count = 1,
                                  .source_fingerprint = STR(""),
                                  .queries = queries,
                                  .query_count = 1};
}

static struct buf encoded(void)
{
    struct commit_record record = sample();
    struct buf out = {0};
    cr_assert_eq(commit_record_encode(&record, &out), 0);
    return out;
}

Test(record, comes_back_as_it_was)
{
    struct buf bytes = encoded(), again = {0};
    struct arena arena = {0};
    struct commit_record back;
    struct err err;
    cr_assert_eq(commit_record_decode(&back, buf_str(&bytes), &arena, &err), 0, "%s", err.msg);
    cr_assert_eq(commit_record_encode(&back, &again), 0);
    cr_assert(str_eq(buf_str(&bytes), buf_str(&again)), "%s\n%s", buf_cstr(&bytes),
              buf_cstr(&again));
    cr_expect_eq(back.partitions[0].end, INT64_MAX - 1);
    cr_expect_eq(back.state[0].crc, 0xffffffff);
    cr_expect_eq(back.outputs[0].files[0].bytes, 1ULL << 40);
    cr_expect_eq(back.outputs[1].staged.bytes, 33);
    cr_expect_eq(back.outputs[0].staged.key.n, 0);
    cr_expect_eq(back.queries[0].late, 2);
    buf_fini(&bytes);
    buf_fini(&again);
    arena_fini(&arena);
}

Test(record, every_flipped_bit_and_every_cut_is_an_error)
{
    struct buf bytes = encoded();
    struct commit_record back;
    struct err err;
    for (size_t i = 0; i < bytes.n; i++) {
        struct arena arena = {0};
        cr_assert_eq(commit_record_decode(&back, (struct str){bytes.p, i}, &arena, &err),
                     ERR_CORRUPT, "cut at %zu", i);
        for (int bit = 0; bit < 8; bit++) {
            bytes.p[i] ^= (char)(1 << bit);
            int code = commit_record_decode(&back, buf_str(&bytes), &arena, &err);
            bool digits = code == 0; /* crc32c=0A is 0a */
            cr_assert(code == ERR_CORRUPT || digits, "byte %zu bit %d", i, bit);
            cr_assert(!digits || i < 60, "byte %zu bit %d", i, bit);
            bytes.p[i] ^= (char)(1 << bit);
        }
        arena_fini(&arena);
    }
    buf_fini(&bytes);
}

static void expect_message(struct str bytes, const char *message)
{
    struct str content;
    struct err err = {0};
    cr_expect_eq(envelope_open(bytes, "commit", 1, NULL, &content, &err), ERR_CORRUPT);
    cr_expect_str_eq(err.msg, message);
}

Test(record, what_is_wrong_with_an_envelope_is_told_apart)
{
    struct buf good = {0}, newer = {0}, other = {0};
    envelope_append(&good, "commit", 1, STR("content"));
    envelope_append(&newer, "commit", 2, STR("content"));
    envelope_append(&other, "owner", 1, STR("content"));
    expect_message(STR(""), "it is empty");
    expect_message(STR("{\"json\":1}"),
                   "this is no commit record of sluice: it does not begin with one's first line");
    expect_message(STR("sluice comm"), "it is cut short: 11 bytes are left");
    expect_message((struct str){good.p, good.n - 3}, "it is cut short: 4 of 7 bytes are there");
    expect_message(buf_str(&newer), "it is of version 2, written by a newer sluice; this one reads "
                                    "up to version 1");
    expect_message(buf_str(&other),
                   "this is no commit record of sluice: it does not begin with one's first line");
    good.p[good.n - 1] ^= 1;
    struct str content;
    struct err err;
    cr_expect_eq(envelope_open(buf_str(&good), "commit", 1, NULL, &content, &err), ERR_CORRUPT);
    cr_expect(strstr(err.msg, "its checksum is"), "%s", err.msg);
    buf_append_char(&good, 'x');
    expect_message(buf_str(&good), "it is damaged: 8 bytes where 7 should be");
    buf_fini(&good);
    buf_fini(&newer);
    buf_fini(&other);
}

Test(record, a_record_with_a_member_missing_says_which)
{
    struct buf bytes = {0};
    struct arena arena = {0};
    struct commit_record back;
    struct err err;
    envelope_append(&bytes, "commit", 1, STR("{\"batchId\":\"7\"}"));
    cr_expect_eq(commit_record_decode(&back, buf_str(&bytes), &arena, &err), ERR_CORRUPT);
    cr_expect_str_eq(err.msg, "its content is not in order at byte 11: \"batchId\" is a string, a "
                              "number is expected");
    buf_fini(&bytes);
    arena_fini(&arena);
}

Test(record, keys_name_batches)
{
    char key[COMMIT_KEY_SIZE];
    commit_key(12, key);
    cr_expect_str_eq(key, "commits/12");
    cr_expect_eq(commit_key_batch(str_of(key)), 12);
    static const char *const none[] = {"commits/",   "commits/x", "commits/-1", "commits/01",
                                       "commits/1x", "state/1",   "commits/1/2"};
    for (size_t i = 0; i < COUNT_OF(none); i++)
        cr_expect_eq(commit_key_batch(str_of(none[i])), -1, "%s", none[i]);
}

Test(record, held_files_come_back_and_damage_is_seen)
{
    static const struct record_held held[] = {
        {STR("a/b.parquet"), STR("id"), STR("tags"), 3, 4, 5, STR("any\0bytes\n")},
        {STR("c.json"), STR(""), STR(""), 0, 0, -5, STR("")},
        {STR("d.json"), STR(""), STR(""), 1, 1, 1, STR("z")}};
    struct buf bytes = {0};
    struct arena arena = {0};
    const struct record_held *back;
    uint32_t count;
    struct err err;
    cr_assert_eq(held_files_encode(held, 3, &bytes), 0);
    cr_assert_eq(held_files_decode(&back, &count, buf_str(&bytes), &arena, &err), 0, "%s", err.msg);
    cr_assert_eq(count, 3);
    cr_expect(str_eq(back[0].state, held[0].state));
    cr_expect(str_eq(back[2].state, held[2].state));
    cr_expect_eq(back[1].opened_ms, -5);
    cr_expect(str_eq(back[0].tags, held[0].tags));
    for (size_t i = 0; i < bytes.n; i++)
        cr_assert_eq(held_files_decode(&back, &count, (struct str){bytes.p, i}, &arena, &err),
                     ERR_CORRUPT);
    buf_fini(&bytes);
    arena_fini(&arena);
}
