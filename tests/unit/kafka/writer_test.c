/* Batches in transactions, against the mock cluster: what fails is done again, once. What only a
 * real broker knows (aborted records, committed offsets) is in tests/system/test_kafka_sink.py. */
#include <criterion/criterion.h>
#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <uv.h>

#include "fixture.h"
#include "format/kafka_rows.h"
#include "kafka/mock.h"
#include "kafka/writer.h"
#include "leaks.h"

/* API keys of the protocol. */
enum { PRODUCE = 0, INIT_PRODUCER_ID = 22, ADD_PARTITIONS = 24, END_TXN = 26, TXN_OFFSETS = 28 };
enum { PARTITION_COUNT = 3, SEEN_MAX = 200000 };

static uv_loop_t loop;
static uv_timer_t tick; /* wakes the loop for deadlines */
static struct kafka_mock *mock;
static struct kafka_writer *writer;
static struct kafka_write write_request;
static struct kafka_rows rows;
static uint32_t callbacks, health_changes;
static bool writer_closed;

static void on_tick(uv_timer_t *timer)
{
    (void)timer;
}

static void on_health(void *user)
{
    (void)user;
    health_changes++;
}

static struct kafka_writer *create(const char *key, const char *value)
{
    struct err err;
    struct plan_option client[] = {
        {.key = STR("bootstrap.servers"), .value = str_of(kafka_mock_bootstrap(mock))},
        {.key = str_of(key), .value = str_of(value)},
    };
    struct kafka_writer_options options = {
        .id = STR("sluice-id-query-sink"), .client = client, .client_count = key ? 2 : 1};
    struct kafka_writer *created;
    cr_assert_eq(kafka_writer_create(&created, &loop, &options, &err), 0, "%s", err.msg);
    kafka_writer_on_health(created, on_health, NULL);
    return created;
}

static void setup(void)
{
    struct err err;
    cr_assert_eq(uv_loop_init(&loop), 0);
    uv_timer_init(&loop, &tick);
    uv_timer_start(&tick, on_tick, 20, 20);
    cr_assert_eq(kafka_mock_create(&mock, "t", PARTITION_COUNT, &err), 0);
    write_request = (struct kafka_write){0};
    callbacks = health_changes = 0;
}

static void on_closed(void *user)
{
    *(bool *)user = true;
}

static void close_writer(struct kafka_writer *closing)
{
    uint64_t deadline = uv_hrtime() + 6000000000;
    writer_closed = false;
    kafka_writer_close(closing, on_closed, &writer_closed);
    while (!writer_closed && uv_hrtime() < deadline)
        uv_run(&loop, UV_RUN_ONCE);
    cr_assert(writer_closed);
}

static void teardown(void)
{
    if (writer)
        close_writer(writer);
    uv_close((uv_handle_t *)&tick, NULL);
    uv_run(&loop, UV_RUN_DEFAULT);
    cr_assert_eq(uv_loop_close(&loop), 0);
    kafka_rows_fini(&rows);
    kafka_mock_destroy(mock);
    leaks_check();
}

TestSuite(writer, .init = setup, .fini = teardown, .timeout = 60);

static struct field value_field = {{"value", 5}, NULL};

/* Adds values "<first>", "<first+1>", ... to `rows`. */
static void add_rows(uint32_t first, uint32_t count, const char *topic)
{
    struct arena arena = {0};
    struct err err;
    value_field.type = type_simple(TYPE_STRING);
    const struct type schema = {.kind = TYPE_STRUCT, .field_count = 1, .fields = &value_field};
    struct str *values = ARENA_ARRAY(&arena, struct str, count);
    for (uint32_t i = 0; i < count; i++) {
        char text[20];
        int n = snprintf(text, sizeof text, "%u", first + i);
        values[i] = arena_str(&arena, (struct str){text, (size_t)n});
    }
    struct vec vec = {.type = value_field.type, .rows = count, .str = values};
    struct block block = {&vec, 1, count};
    cr_assert_eq(kafka_rows_append(&rows, &schema, &block, str_of(topic), &err), 0, "%s", err.msg);
    arena_fini(&arena);
}

static void on_write(struct kafka_write *write)
{
    (void)write;
    callbacks++;
}

static void begin(int64_t batch_id)
{
    kafka_writer_write(writer, &write_request, buf_str(&rows.bytes), batch_id, on_write, NULL);
    cr_assert_eq(callbacks, 0, "never from inside the call");
}

/* Runs the loop for so long, or until the callback. */
static bool run_for(uint64_t ms)
{
    uint64_t deadline = uv_hrtime() + ms * 1000000;
    while (callbacks == 0 && uv_hrtime() < deadline)
        uv_run(&loop, UV_RUN_ONCE);
    return callbacks > 0;
}

static int finish(void)
{
    cr_assert(run_for(30000), "no end; last: %s", kafka_writer_health(writer)->err.msg);
    callbacks = 0;
    return write_request.code;
}

static int send_batch(int64_t batch_id)
{
    begin(batch_id);
    return finish();
}

/* Whether each of the values 0..count-1 is in topic t, and nothing else. With `once` no value may
 * be there twice; the mock shows aborted records, too, and keeps what is produced again. */
static void expect_all(uint32_t count, bool once)
{
    static uint8_t seen[SEEN_MAX];
    char text[200];
    uint32_t messages = 0, ends = 0, repeated = 0;
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_conf_set(conf, "bootstrap.servers", kafka_mock_bootstrap(mock), NULL, 0);
    rd_kafka_conf_set(conf, "group.id", "reader", NULL, 0);
    rd_kafka_conf_set(conf, "enable.partition.eof", "true", NULL, 0);
    rd_kafka_t *rk = rd_kafka_new(RD_KAFKA_CONSUMER, conf, text, sizeof text);
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(PARTITION_COUNT);
    for (int i = 0; i < PARTITION_COUNT; i++)
        rd_kafka_topic_partition_list_add(list, "t", i)->offset = 0;
    rd_kafka_assign(rk, list);
    rd_kafka_topic_partition_list_destroy(list);
    memset(seen, 0, sizeof seen);
    while (ends < PARTITION_COUNT) {
        rd_kafka_message_t *message = rd_kafka_consumer_poll(rk, 10000);
        cr_assert(message, "nothing comes");
        if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
            ends++;
        } else {
            cr_assert_eq(message->err, 0, "%s", rd_kafka_message_errstr(message));
            int n =
                snprintf(text, sizeof text, "%.*s", (int)message->len, (char *)message->payload);
            int64_t value = -1;
            cr_assert(str_to_i64((struct str){text, (size_t)n}, &value) && value < count);
            repeated += seen[value];
            messages += !seen[value];
            seen[value] = 1;
        }
        rd_kafka_message_destroy(message);
    }
    rd_kafka_consumer_close(rk);
    rd_kafka_destroy(rk);
    cr_expect_eq(messages, count);
    cr_expect(!once || repeated == 0, "%u repeated", repeated);
}

static void expect_each_once(uint32_t count)
{
    expect_all(count, true);
}

Test(writer, sends_batches)
{
    writer = create(NULL, NULL);
    add_rows(0, 1000, "t");
    cr_expect_eq(send_batch(0), 0, "%s", write_request.err.msg);
    kafka_rows_fini(&rows);
    add_rows(1000, 1, "t");
    cr_expect_eq(send_batch(1), 0, "%s", write_request.err.msg);
    cr_expect_eq(write_request.batch_id, 1);
    expect_each_once(1001);
    cr_expect_eq(kafka_writer_health(writer)->retries, 0);
    cr_expect_eq(health_changes, 0);
}

Test(writer, sends_no_batch_again)
{
    writer = create(NULL, NULL);
    add_rows(0, 10, "t");
    cr_expect_eq(send_batch(5), 0, "%s", write_request.err.msg);
    cr_expect_eq(send_batch(5), 0);
    cr_expect_eq(send_batch(4), 0);
    cr_expect_eq(write_request.batch_id, 5);
    expect_each_once(10);
}

Test(writer, needs_no_broker_for_no_rows)
{
    writer = create(NULL, NULL);
    kafka_mock_down(mock, true);
    cr_expect_eq(send_batch(0), 0);
}

Test(writer, goes_on_when_its_queue_is_full)
{
    writer = create("queue.buffering.max.messages", "100");
    add_rows(0, 20000, "t");
    cr_expect_eq(send_batch(0), 0, "%s", write_request.err.msg);
    expect_each_once(20000);
    cr_expect_eq(kafka_writer_health(writer)->retries, 0);
}

Test(writer, sends_again_what_was_aborted)
{
    writer = create(NULL, NULL);
    add_rows(0, 100, "t");
    kafka_mock_fail(mock, TXN_OFFSETS, RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS, 2);
    kafka_mock_fail(mock, ADD_PARTITIONS, RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE, 2);
    kafka_mock_fail(mock, PRODUCE, RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION, 2);
    kafka_mock_fail(mock, END_TXN, RD_KAFKA_RESP_ERR_CONCURRENT_TRANSACTIONS, 2);
    cr_expect_eq(send_batch(0), 0, "%s", write_request.err.msg);
    expect_all(100, false);
}

Test(writer, waits_for_the_broker)
{
    writer = create(NULL, NULL);
    kafka_mock_down(mock, true);
    add_rows(0, 100, "t");
    begin(0);
    cr_expect(!run_for(2500));
    const struct health *health = kafka_writer_health(writer);
    cr_expect(health->failing && health->retries > 0 && health->since_ms > 0);
    cr_expect(strstr(health->err.msg, "refused"), "%s", health->err.msg);
    cr_expect_eq(health_changes, 1);
    kafka_mock_down(mock, false);
    cr_expect_eq(finish(), 0, "%s", write_request.err.msg);
    cr_expect_eq(health_changes, 2);
    cr_expect(!health->failing);
    expect_each_once(100);
}

Test(writer, survives_a_broker_that_goes_in_the_middle)
{
    writer = create("queue.buffering.max.messages", "1000");
    add_rows(0, 100000, "t");
    begin(0);
    cr_assert(!run_for(30));
    kafka_mock_fail(mock, PRODUCE, RD_KAFKA_RESP_ERR__TRANSPORT, 2);
    kafka_mock_down(mock, true);
    cr_assert(!run_for(1500));
    cr_expect(kafka_writer_health(writer)->failing);
    kafka_mock_down(mock, false);
    cr_expect_eq(finish(), 0, "%s", write_request.err.msg);
    expect_all(100000, false);
}

static void expect_cancelled_soon(void)
{
    uint64_t start = uv_hrtime();
    kafka_writer_cancel(&write_request);
    cr_assert_eq(callbacks, 0, "never from inside the call");
    cr_expect_eq(finish(), ERR_CANCELLED);
    cr_expect_lt(uv_hrtime() - start, 2500000000);
}

Test(writer, cancels_while_it_waits)
{
    writer = create(NULL, NULL);
    kafka_mock_down(mock, true);
    add_rows(0, 100, "t");
    begin(0);
    cr_expect(!run_for(1500));
    expect_cancelled_soon();
    kafka_mock_down(mock, false);
    cr_expect_eq(send_batch(0), 0, "%s", write_request.err.msg);
    expect_each_once(100);
}

Test(writer, cancels_in_the_middle_of_a_transaction)
{
    writer = create(NULL, NULL);
    add_rows(0, 100, "t");
    cr_expect_eq(send_batch(0), 0, "%s", write_request.err.msg);
    kafka_rows_fini(&rows);
    add_rows(100, 100, "t");
    kafka_mock_down(mock, true);
    begin(1);
    cr_expect(!run_for(1000));
    expect_cancelled_soon();
    kafka_mock_down(mock, false);
    cr_expect_eq(send_batch(1), 0, "%s", write_request.err.msg);
    expect_each_once(200);
}

Test(writer, closes_while_it_waits)
{
    writer = create(NULL, NULL);
    kafka_mock_down(mock, true);
    add_rows(0, 100, "t");
    begin(0);
    cr_expect(!run_for(700));
    close_writer(writer);
    writer = NULL;
    cr_expect_eq(callbacks, 1);
    cr_expect_eq(write_request.code, ERR_CANCELLED);
}

Test(writer, ends_when_it_is_fenced)
{
    writer = create(NULL, NULL);
    add_rows(0, 10, "t");
    cr_expect_eq(send_batch(0), 0, "%s", write_request.err.msg);
    kafka_mock_fail(mock, END_TXN, RD_KAFKA_RESP_ERR_PRODUCER_FENCED, 1);
    cr_expect_eq(send_batch(1), ERR_IO);
    cr_expect(strstr(write_request.err.msg, "fenced"), "%s", write_request.err.msg);
    cr_expect(!kafka_writer_health(writer)->failing);
}

Test(writer, refuses_what_is_too_large)
{
    writer = create("message.max.bytes", "1000");
    add_rows(0, 10, "t");
    char *large = calloc(1, 2001);
    memset(large, 'x', 2000);
    struct vec vec = {.type = value_field.type, .rows = 1, .str = &(struct str){large, 2000}};
    struct block block = {&vec, 1, 1};
    const struct type schema = {.kind = TYPE_STRUCT, .field_count = 1, .fields = &value_field};
    struct err err;
    cr_assert_eq(kafka_rows_append(&rows, &schema, &block, STR("t"), &err), 0);
    free(large);
    cr_expect_eq(send_batch(0), ERR_INVALID);
    cr_expect(strstr(write_request.err.msg, "2000 bytes") &&
                  strstr(write_request.err.msg, "message.max.bytes (1000)"),
              "%s", write_request.err.msg);
    kafka_rows_fini(&rows);
    add_rows(0, 10, "t");
    cr_expect_eq(send_batch(0), 0, "%s", write_request.err.msg);
}

Test(writer, says_what_cannot_be)
{
    writer = create(NULL, NULL);
    kafka_mock_fail(mock, PRODUCE, RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED, 1);
    add_rows(0, 10, "t");
    cr_expect_eq(send_batch(0), ERR_IO);
    cr_expect(strstr(write_request.err.msg, "authorization"), "%s", write_request.err.msg);
}

/* Without a search for leaks: the configuration of a client that did not start stays (client.c). */
Test(writer_options, are_refused, .init = setup)
{
    struct err err;
    struct plan_option client[] = {{.key = STR("acks"), .value = STR("1")},
                                   {.key = STR("no.such"), .value = STR("1")}};
    struct kafka_writer_options options = {.id = STR("x"), .client = client, .client_count = 1};
#if !defined(__SANITIZE_ADDRESS__) /* a client that does not start leaks (client.c) */
    cr_expect_eq(kafka_writer_create(&writer, &loop, &options, &err), ERR_INVALID);
    cr_expect(strstr(err.msg, "acks"), "%s", err.msg);
#endif
    options.client = client + 1;
    cr_expect_eq(kafka_writer_create(&writer, &loop, &options, &err), ERR_INVALID);
    cr_expect(strstr(err.msg, "no.such"), "%s", err.msg);
    writer = NULL;
}
