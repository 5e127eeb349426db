/* Questions to the cluster. */
#include <stdio.h>
#include <string.h>

#include "fixture.h"
#include "leaks.h"

static struct fixture fx;

static void setup(void)
{
    fixture_init(&fx, NULL);
}

static void teardown(void)
{
    fixture_fini(&fx);
    leaks_check();
}

TestSuite(admin, .init = setup, .fini = teardown, .timeout = 30);

static void ask_topics(const struct str *topics, uint32_t count)
{
    struct err err;
    uint32_t answers = fx.answers;
    cr_assert_eq(kafka_admin_topics(fx.consumer, topics, count, fixture_on_metadata, &fx, &err), 0);
    fixture_until_answers(&fx, answers + 1);
}

static void ask_pattern(const char *pattern)
{
    struct err err;
    uint32_t answers = fx.answers;
    cr_assert_eq(kafka_admin_pattern(fx.consumer, str_of(pattern), fixture_on_metadata, &fx, &err),
                 0);
    fixture_until_answers(&fx, answers + 1);
}

static void ask_offsets(const struct kafka_offset *items, uint32_t count)
{
    struct err err;
    uint32_t answers = fx.answers;
    cr_assert_eq(kafka_admin_offsets(fx.consumer, items, count, fixture_on_offsets, &fx, &err), 0);
    fixture_until_answers(&fx, answers + 1);
}

Test(admin, lists_partitions_by_topic_and_number)
{
    struct err err;
    cr_assert_eq(kafka_mock_topic(fx.mock, "another", 2, &err), 0);
    ask_topics((struct str[]){STR("t"), STR("another")}, 2);
    cr_expect_eq(fx.answer.code, 0, "%s", fx.answer_text);
    cr_expect_str_eq(fx.topics, "another/0 another/1 t/0 t/1 t/2 ");
    cr_expect_eq(fx.trouble_count, 0);
}

Test(admin, shows_a_partition_without_leader)
{
    kafka_mock_leader(fx.mock, "t", 1, false);
    ask_topics((struct str[]){STR("t")}, 1);
    cr_expect_str_eq(fx.topics, "t/0 !t/1 t/2 ");
}

Test(admin, a_pattern_matches_whole_names_and_no_internal_topics)
{
    struct err err;
    cr_assert_eq(kafka_mock_topic(fx.mock, "tx", 1, &err), 0);
    cr_assert_eq(kafka_mock_topic(fx.mock, "txt", 1, &err), 0);
    cr_assert_eq(kafka_mock_topic(fx.mock, "__consumer_offsets", 1, &err), 0);
    ask_pattern("t|tx");
    cr_expect_str_eq(fx.topics, "t/0 t/1 t/2 tx/0 ");
    ask_pattern(".*x.*");
    cr_expect_str_eq(fx.topics, "tx/0 txt/0 ");
    ask_pattern(".*");
    cr_expect(strstr(fx.topics, "__consumer") == NULL, "%s", fx.topics);
    ask_pattern("nothing");
    cr_expect_eq(fx.answer.code, 0);
    cr_expect_eq(fx.partition_count, 0);
}

Test(admin, a_pattern_that_does_not_compile_is_refused)
{
    struct err err;
    cr_expect_eq(kafka_pattern_check(STR("a("), &err), ERR_INVALID);
    cr_expect(strstr(err.msg, "byte 2") != NULL, "%s", err.msg);
    cr_expect_eq(kafka_pattern_check(STR("a(b)?"), &err), 0);
    cr_expect_eq(kafka_admin_pattern(fx.consumer, STR("["), fixture_on_metadata, &fx, &err),
                 ERR_INVALID);
}

Test(admin, answers_earliest_and_latest_offsets)
{
    fixture_produce(&fx, "t", 0, 0, 7);
    fixture_produce(&fx, "t", 2, 0, 9);
    struct kafka_offset items[] = {
        {.topic = STR("t"), .partition = 2, .offset = OFFSET_LATEST},
        {.topic = STR("t"), .partition = 0, .offset = OFFSET_LATEST},
        {.topic = STR("t"), .partition = 1, .offset = OFFSET_EARLIEST},
    };
    ask_offsets(items, 3);
    cr_expect_eq(fx.answer.code, 0, "%s", fx.answer_text);
    cr_expect_eq(fx.offsets[0], 9);
    cr_expect_eq(fx.offsets[1], 7);
    cr_expect_eq(fx.offsets[2], 0);
    for (int i = 0; i < 3; i++)
        cr_expect_eq(fx.conditions[i], KAFKA_NONE);
}

Test(admin, a_partition_without_leader_does_not_hold_up_the_others)
{
    fixture_produce(&fx, "t", 0, 0, 7);
    kafka_mock_leader(fx.mock, "t", 1, false);
    struct kafka_offset items[] = {
        {.topic = STR("t"), .partition = 0, .offset = OFFSET_LATEST},
        {.topic = STR("t"), .partition = 1, .offset = OFFSET_LATEST},
        {.topic = STR("t"), .partition = 7, .offset = OFFSET_LATEST},
    };
    ask_offsets(items, 3);
    cr_expect_eq(fx.answer.code, 0, "%s", fx.answer_text);
    cr_expect_eq(fx.offsets[0], 7);
    cr_expect_eq(fx.conditions[0], KAFKA_NONE);
    cr_expect_eq(fx.conditions[1], KAFKA_TRANSIENT);
    cr_expect_eq(fx.conditions[2], KAFKA_UNKNOWN_TOPIC);
}

Test(admin, commits_offsets_of_the_group)
{
    struct err err;
    struct kafka_offset items[] = {
        {.topic = STR("t"), .partition = 0, .offset = 5},
        {.topic = STR("t"), .partition = 1, .offset = 6},
    };
    cr_assert_eq(kafka_admin_commit(fx.consumer, items, 2, fixture_on_offsets, &fx, &err), 0);
    fixture_until_answers(&fx, 1);
    cr_expect_eq(fx.answer.code, 0, "%s", fx.answer_text);
    cr_expect_eq(fx.conditions[0], KAFKA_NONE);
    cr_expect_eq(fx.offsets[1], 6);
}

static bool is_down(struct fixture *f, void *user)
{
    (void)user;
    return kafka_consumer_trouble(f->consumer) != NULL;
}

Test(admin, a_broker_that_is_down_is_a_transient_failure)
{
    struct err err;
    struct kafka_offset item = {.topic = STR("t"), .partition = 0, .offset = OFFSET_LATEST};
    ask_topics((struct str[]){STR("t")}, 1);
    kafka_mock_down(fx.mock, true);
    fixture_until(&fx, is_down, NULL);
    ask_topics((struct str[]){STR("t")}, 1);
    cr_expect_eq(fx.answer.code, ERR_IO);
    cr_expect_eq(fx.answer.condition, KAFKA_TRANSIENT);
    ask_offsets(&item, 1);
    cr_expect_eq(fx.answer.code, ERR_IO);
    cr_expect_eq(fx.answer.condition, KAFKA_TRANSIENT);
    uint32_t answers = fx.answers;
    cr_assert_eq(kafka_admin_commit(fx.consumer, &item, 1, fixture_on_offsets, &fx, &err), 0);
    fixture_until_answers(&fx, answers + 1);
    cr_expect_eq(fx.answer.code, ERR_IO);
    /* And back. */
    kafka_mock_down(fx.mock, false);
    uint64_t deadline = uv_hrtime() + 10000000000;
    do
        ask_topics((struct str[]){STR("t")}, 1);
    while (fx.answer.code && uv_hrtime() < deadline);
    cr_expect_eq(fx.answer.code, 0, "%s", fx.answer_text);
}
