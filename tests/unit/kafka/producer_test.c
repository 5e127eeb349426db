/* Sending: back pressure, failures, counts. */
#include "fixture.h"
#include "kafka/producer.h"
#include "leaks.h"

static struct kafka_mock *mock;
static struct kafka_producer *producer;

static void create(const char *key, const char *value)
{
    struct err err;
    struct plan_option client[] = {
        {.key = STR("bootstrap.servers"), .value = str_of(kafka_mock_bootstrap(mock))},
        {.key = str_of(key), .value = str_of(value)},
    };
    struct kafka_producer_options options = {.client = client, .client_count = key ? 2 : 1};
    cr_assert_eq(kafka_producer_create(&producer, "t", &options, &err), 0, "%s", err.msg);
}

static void setup(void)
{
    struct err err;
    cr_assert_eq(kafka_mock_create(&mock, "t", 3, &err), 0);
}

static void teardown(void)
{
    kafka_producer_destroy(producer);
    kafka_mock_destroy(mock);
    leaks_check();
}

TestSuite(producer, .init = setup, .fini = teardown, .timeout = 30);

Test(producer, counts_what_the_broker_took)
{
    struct err err;
    struct kafka_producer_counts counts;
    create(NULL, NULL);
    for (int i = 0; i < 1000; i++)
        cr_assert_eq(kafka_producer_send(producer, -1, STR("k"), STR("v"), 0, &err), 0);
    cr_assert_eq(kafka_producer_flush(producer, 10000, &err), 0);
    kafka_producer_counts(producer, &counts);
    cr_expect_eq(counts.sent, 1000);
    cr_expect_eq(counts.delivered, 1000);
    cr_expect_eq(counts.queued, 0);
    cr_expect(kafka_producer_connected(producer));
    cr_expect(kafka_producer_failure(producer) == NULL);
}

Test(producer, says_when_its_queue_is_full)
{
    struct err err;
    int rc = 0;
    create("queue.buffering.max.messages", "10");
    kafka_mock_down(mock, true);
    for (int i = 0; i < 11 && rc == 0; i++)
        rc = kafka_producer_send(producer, -1, STR("k"), STR("v"), 0, &err);
    cr_expect_eq(rc, ERR_AGAIN);
    cr_expect_eq(kafka_producer_flush(producer, 50, &err), ERR_AGAIN);
}

Test(producer, keeps_the_first_failure)
{
    struct err err;
    struct kafka_producer_counts counts;
    create("message.timeout.ms", "200");
    kafka_mock_down(mock, true);
    cr_assert_eq(kafka_producer_send(producer, 0, STR("k"), STR("v"), 0, &err), 0);
    cr_expect_eq(kafka_producer_flush(producer, 10000, &err), ERR_IO);
    kafka_producer_counts(producer, &counts);
    cr_expect_eq(counts.failed, 1);
    cr_expect_eq(counts.delivered, 0);
    cr_assert(kafka_producer_failure(producer) != NULL);
    cr_expect_eq(kafka_producer_failure(producer)->condition, KAFKA_TRANSIENT);
}
