/* Reading: order, targets, events in their place, wake-ups, connections that break. */
#include <inttypes.h>
#include <librdkafka/rdkafka.h>
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

TestSuite(consumer, .init = setup, .fini = teardown, .timeout = 30);

static uint32_t assign(int32_t partition, int64_t offset)
{
    struct err err;
    uint32_t handle;
    cr_assert_eq(kafka_consumer_assign(fx.consumer, STR("t"), partition, offset, &handle, &err), 0,
                 "%s", err.msg);
    return handle;
}

static void drain(uint32_t handle, int64_t target, uint32_t max)
{
    struct err err;
    kafka_batch_release(&fx.batch);
    cr_assert_eq(kafka_consumer_drain(fx.consumer, handle, target, max, &fx.batch, &err), 0);
}

struct want_queued {
    uint32_t handle;
    size_t queued;
};

static bool has_queued(struct fixture *f, void *user)
{
    const struct want_queued *want = user;
    struct kafka_partition_state state;
    kafka_consumer_partition_state(f->consumer, want->handle, &state);
    return state.queued >= want->queued;
}

static void until_queued(uint32_t handle, size_t queued)
{
    struct want_queued want = {handle, queued};
    fixture_until(&fx, has_queued, &want);
}

struct reader {
    uint32_t handle;
    int32_t partition;
    int64_t target;
    uint32_t next;
    enum kafka_condition last;
};

static void check_record(const struct reader *reader, const struct record *record)
{
    char text[32];
    snprintf(text, sizeof(text), "%d-%u", reader->partition, reader->next);
    cr_assert_eq(record->offset, reader->next);
    cr_assert(str_is(record->value, text), "found %.*s, not %s", STR_ARG(record->value), text);
    cr_assert(str_is(record->key, text));
    cr_assert_eq(record->timestamp_ms, 1000 + reader->next);
}

/* Reads until the partition says that it ended. */
static bool read_to_end(struct fixture *f, void *user)
{
    struct reader *readers = user;
    bool all = true;
    for (int i = 0; i < PARTITIONS; i++) {
        struct reader *reader = &readers[i];
        if (reader->last == KAFKA_EOF)
            continue;
        drain(reader->handle, reader->target, UINT32_MAX);
        for (uint32_t r = 0; r < f->batch.count; r++, reader->next++)
            check_record(reader, &f->batch.records[r]);
        reader->last = f->batch.condition;
        all = all && reader->last == KAFKA_EOF;
    }
    return all;
}

Test(consumer, reads_every_message_of_each_partition_in_order)
{
    static const uint32_t counts[PARTITIONS] = {5000, 3000, 2000};
    struct reader readers[PARTITIONS];
    for (int32_t p = 0; p < PARTITIONS; p++)
        fixture_produce(&fx, "t", p, 0, counts[p]);
    for (int32_t p = 0; p < PARTITIONS; p++)
        readers[p] = (struct reader){assign(p, 0), p, INT64_MAX, 0, KAFKA_NONE};
    fixture_until(&fx, read_to_end, readers);
    kafka_batch_release(&fx.batch);
    cr_expect(kafka_consumer_connected(fx.consumer));
    cr_expect(kafka_consumer_trouble(fx.consumer) == NULL);
    cr_expect_eq(kafka_consumer_partitions(fx.consumer), PARTITIONS);
    for (int32_t p = 0; p < PARTITIONS; p++) {
        struct kafka_partition_state state;
        kafka_consumer_partition_state(fx.consumer, readers[p].handle, &state);
        cr_expect_eq(readers[p].next, counts[p]);
        cr_expect_eq(state.position, counts[p]);
        cr_expect_eq(state.records, counts[p]);
        cr_expect_eq(state.high, counts[p]);
        cr_expect_eq(state.queued, 0);
        cr_expect_gt(state.bytes, counts[p] * 6);
    }
    cr_expect_eq(kafka_consumer_queued_bytes(fx.consumer), 0);
}

Test(consumer, stops_at_the_target_and_holds_the_rest)
{
    fixture_produce(&fx, "t", 0, 0, 100);
    uint32_t handle = assign(0, 10);
    until_queued(handle, 90);
    size_t queued = kafka_consumer_queued_bytes(fx.consumer);
    cr_expect_gt(queued, 90 * 4);

    drain(handle, 60, 20);
    cr_expect_eq(fx.batch.count, 20);
    cr_expect_eq(fx.batch.records[0].offset, 10);
    cr_expect_not(fx.batch.at_target);
    cr_expect(fx.batch.more);

    drain(handle, 60, UINT32_MAX);
    cr_expect_eq(fx.batch.count, 30);
    cr_expect_eq(fx.batch.next_offset, 60);
    cr_expect(fx.batch.at_target);

    drain(handle, 60, UINT32_MAX);
    cr_expect_eq(fx.batch.count, 0);
    cr_expect(fx.batch.at_target);
    until_queued(handle, 40); /* still there */

    drain(handle, 61, UINT32_MAX);
    cr_expect_eq(fx.batch.count, 1);
    cr_expect_eq(fx.batch.records[0].offset, 60);
}

/* What came until something other than a message did. */
struct tally {
    uint32_t handle, count;
    int64_t first;
    enum kafka_condition condition;
};

static bool has_condition(struct fixture *f, void *user)
{
    struct tally *tally = user;
    drain(tally->handle, INT64_MAX, UINT32_MAX);
    if (f->batch.count && tally->count == 0)
        tally->first = f->batch.records[0].offset;
    tally->count += f->batch.count;
    tally->condition = f->batch.condition;
    return tally->condition != KAFKA_NONE;
}

static struct tally read_until_condition(uint32_t handle)
{
    struct tally tally = {.handle = handle};
    fixture_until(&fx, has_condition, &tally);
    return tally;
}

/* Assigns an empty partition and reads its end, after which its queue is empty. */
static uint32_t assign_empty(int32_t partition)
{
    uint32_t handle = assign(partition, 0);
    struct tally tally = read_until_condition(handle);
    cr_assert_eq(tally.condition, KAFKA_EOF);
    cr_assert_eq(tally.count, 0);
    return handle;
}

Test(consumer, tells_the_end_between_the_messages_around_it)
{
    uint32_t handle = assign_empty(0);
    fixture_produce(&fx, "t", 0, 0, 5);
    until_queued(handle, 6);
    fixture_produce(&fx, "t", 0, 5, 5);
    until_queued(handle, 12);

    drain(handle, INT64_MAX, UINT32_MAX);
    cr_expect_eq(fx.batch.count, 5);
    cr_expect_eq(fx.batch.condition, KAFKA_EOF);
    cr_expect_eq(fx.batch.next_offset, 5);
    cr_expect(fx.batch.more);
    /* What was taken from the queue behind the event is not lost, nor out of order. */
    drain(handle, INT64_MAX, 2);
    cr_expect_eq(fx.batch.count, 2);
    cr_expect_eq(fx.batch.records[0].offset, 5);
    cr_expect_eq(fx.batch.condition, KAFKA_NONE);
    cr_expect(fx.batch.more);
    drain(handle, INT64_MAX, UINT32_MAX);
    cr_expect_eq(fx.batch.count, 3);
    cr_expect_eq(fx.batch.records[0].offset, 7);
    cr_expect_eq(fx.batch.condition, KAFKA_EOF);
    cr_expect_eq(fx.batch.next_offset, 10);
}

static bool was_woken(struct fixture *f, void *user)
{
    return f->wakes > *(uint32_t *)user;
}

Test(consumer, wakes_the_loop_when_messages_come)
{
    uint32_t handle = assign_empty(0);
    drain(handle, INT64_MAX, UINT32_MAX); /* finds nothing, which arms the wake-up */
    uv_run(&fx.loop, UV_RUN_NOWAIT);
    for (uint32_t i = 0; i < 3; i++) {
        uint32_t wakes = fx.wakes;
        fixture_produce(&fx, "t", 0, i, 1);
        fixture_until(&fx, was_woken, &wakes);
        struct tally tally = read_until_condition(handle);
        cr_expect_eq(tally.count, 1);
        cr_expect_eq(tally.first, i);
        cr_expect_eq(tally.condition, KAFKA_EOF);
        drain(handle, INT64_MAX, UINT32_MAX);
        uv_run(&fx.loop, UV_RUN_NOWAIT);
    }
}

Test(consumer, reports_an_offset_out_of_range_and_reads_on_after_a_seek)
{
    struct err err;
    fixture_produce(&fx, "t", 0, 0, 10);
    uint32_t handle = assign(0, 1000);
    cr_expect_eq(read_until_condition(handle).condition, KAFKA_OUT_OF_RANGE);
    cr_expect(fx.batch.text[0] != '\0');
    cr_assert_eq(kafka_consumer_seek(fx.consumer, handle, 4, &err), 0);
    struct tally tally = read_until_condition(handle);
    cr_expect_eq(tally.condition, KAFKA_EOF);
    cr_expect_eq(tally.count, 6);
    cr_expect_eq(tally.first, 4);
}

Test(consumer, seeks_back_over_what_is_queued)
{
    struct err err;
    fixture_produce(&fx, "t", 0, 0, 50);
    uint32_t handle = assign(0, 0);
    until_queued(handle, 51);
    drain(handle, INT64_MAX, 10);
    kafka_batch_release(&fx.batch);
    cr_assert_eq(kafka_consumer_seek(fx.consumer, handle, 5, &err), 0);
    struct tally tally = read_until_condition(handle);
    cr_expect_eq(tally.first, 5);
    cr_expect_eq(tally.count, 45);
}

static void setup_small_queue(void)
{
    static const char *const options[] = {"queued.max.messages.kbytes", "16",
                                          "fetch.message.max.bytes", "4096", NULL};
    fixture_init(&fx, options);
}

TestSuite(full_queue, .init = setup_small_queue, .fini = teardown, .timeout = 30);

/* librdkafka itself would look at a drained queue once a second. */
Test(full_queue, is_filled_again_at_once_when_it_was_drained)
{
    enum { ROUNDS = 6, FULL = 1000 }; /* 16 KiB of values are some 2,700 messages */
    fixture_produce(&fx, "t", 0, 0, 50000);
    uint32_t handle = assign(0, 0);
    until_queued(handle, FULL);
    uint64_t start = uv_hrtime();
    for (int i = 0; i < ROUNDS; i++) {
        until_queued(handle, FULL);
        do
            drain(handle, INT64_MAX, UINT32_MAX);
        while (fx.batch.more);
    }
    cr_expect_lt(uv_hrtime() - start, 3000000000, "fetching stalls");
}

static bool has_trouble(struct fixture *f, void *user)
{
    (void)user;
    return !kafka_consumer_connected(f->consumer) && kafka_consumer_trouble(f->consumer);
}

Test(consumer, notices_a_broker_that_goes_and_comes_back)
{
    fixture_produce(&fx, "t", 0, 0, 10);
    uint32_t handle = assign(0, 0);
    cr_expect_eq(read_until_condition(handle).count, 10);
    cr_expect(kafka_consumer_connected(fx.consumer));
    kafka_mock_down(fx.mock, true);
    fixture_until(&fx, has_trouble, NULL);
    cr_expect_eq(kafka_consumer_trouble(fx.consumer)->condition, KAFKA_TRANSIENT);
    cr_expect(fx.log[0] != '\0');
    kafka_mock_down(fx.mock, false);
    fixture_produce(&fx, "t", 0, 10, 5);
    struct tally tally = read_until_condition(handle);
    cr_expect_eq(tally.condition, KAFKA_EOF);
    cr_expect_eq(tally.count, 5);
    cr_expect(kafka_consumer_connected(fx.consumer));
    cr_expect(kafka_consumer_trouble(fx.consumer) == NULL);
}

Test(consumer, closes_quickly_with_the_broker_down)
{
    struct err err;
    uint32_t handle = assign(0, 0);
    until_queued(handle, 1);
    kafka_mock_down(fx.mock, true);
    fixture_until(&fx, has_trouble, NULL);
    struct str topic = STR("t");
    for (int i = 0; i < 3; i++)
        cr_assert_eq(kafka_admin_topics(fx.consumer, &topic, 1, fixture_on_metadata, &fx, &err), 0);
    uint64_t start = uv_hrtime();
    fixture_close(&fx);
    cr_expect_lt(uv_hrtime() - start, 3000000000);
    cr_expect_eq(fx.answers, 3);
    cr_expect_eq(fx.answer.code, ERR_CANCELLED);
}

Test(consumer, closes_with_messages_waiting_and_stashed)
{
    uint32_t handle = assign_empty(0);
    assign(1, 0);
    fixture_produce(&fx, "t", 0, 0, 5);
    until_queued(handle, 6);
    fixture_produce(&fx, "t", 0, 5, 500);
    until_queued(handle, 506);
    drain(handle, INT64_MAX, UINT32_MAX); /* ends at the event: the rest is stashed */
    cr_expect_eq(fx.batch.count, 5);
}

static void produce_with_headers(void)
{
    char text[300];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_conf_set(conf, "bootstrap.servers", kafka_mock_bootstrap(fx.mock), NULL, 0);
    rd_kafka_t *rk = rd_kafka_new(RD_KAFKA_PRODUCER, conf, text, sizeof(text));
    cr_assert(rk != NULL);
    cr_assert_eq(rd_kafka_producev(rk, RD_KAFKA_V_TOPIC("t"), RD_KAFKA_V_PARTITION(0),
                                   RD_KAFKA_V_VALUE((void *)"v", 1),
                                   RD_KAFKA_V_HEADER("a", "one", 3),
                                   RD_KAFKA_V_HEADER("b", NULL, 0), RD_KAFKA_V_END),
                 0);
    cr_assert_eq(rd_kafka_producev(rk, RD_KAFKA_V_TOPIC("t"), RD_KAFKA_V_PARTITION(0),
                                   RD_KAFKA_V_KEY("k", 1), RD_KAFKA_V_END),
                 0);
    cr_assert_eq(rd_kafka_flush(rk, 10000), 0);
    rd_kafka_destroy(rk);
}

Test(consumer, shows_headers_and_null_keys_and_values)
{
    struct arena arena = {0};
    struct record_block block = {0};
    produce_with_headers();
    uint32_t handle = assign(0, 0);
    until_queued(handle, 4); /* a marker of the start, two messages, the end */
    drain(handle, INT64_MAX, UINT32_MAX);
    cr_assert_eq(fx.batch.count, 2);
    cr_expect(fx.batch.records[0].key.p == NULL);
    cr_expect(str_is(fx.batch.records[0].value, "v"));
    cr_expect(str_is(fx.batch.records[1].key, "k"));
    cr_expect(fx.batch.records[1].value.p == NULL);
    cr_expect_eq(kafka_batch_timestamp_type(&fx.batch, 0), KAFKA_TIMESTAMP_CREATE);
    cr_assert_eq(kafka_batch_headers(&fx.batch, &arena, &block), 0);
    cr_assert_eq(block.header_starts[0], 0);
    cr_assert_eq(block.header_starts[1], 2);
    cr_assert_eq(block.header_starts[2], 2);
    cr_expect(str_is(block.headers[0].key, "a"));
    cr_expect(str_is(block.headers[0].value, "one"));
    cr_expect(block.headers[1].value.p == NULL);
    arena_fini(&arena);
}

static int try_option(const char *key, const char *value, bool secret, struct err *err)
{
    struct kafka_consumer *consumer;
    struct plan_option option = {.key = str_of(key), .value = str_of(value), .secret = secret};
    struct kafka_consumer_options options = {.client = &option, .client_count = 1, .group = "g"};
    return kafka_consumer_create(&consumer, &fx.loop, &options, err);
}

Test(consumer, names_an_option_that_is_wrong)
{
    struct err err;
    cr_expect_eq(try_option("no.such.thing", "1", false, &err), ERR_INVALID);
    cr_expect(strstr(err.msg, "kafka.no.such.thing") != NULL, "%s", err.msg);
    cr_expect_eq(try_option("fetch.min.bytes", "often", false, &err), ERR_INVALID);
    cr_expect(strstr(err.msg, "kafka.fetch.min.bytes") != NULL, "%s", err.msg);
    cr_expect_eq(try_option("security.protocol", "hush-hush", true, &err), ERR_INVALID);
    cr_expect(strstr(err.msg, "hush-hush") == NULL, "%s", err.msg);
}
