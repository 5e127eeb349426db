/* The Kafka source against the mock cluster: where it begins, the order of records, targets, new
 * ends, failures. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <uv.h>

#include "kafka/mock.h"
#include "kafka/producer.h"
#include "source/kafka_source.h"

enum { PARTITIONS = 3, WAIT_MS_MAX = 20000 };

struct world {
    uv_loop_t loop;
    struct kafka_mock *mock;
    struct kafka_producer *producer;
    struct plan plan;
    struct plan_option brokers;
    struct str topic;
    struct log log;
    struct source *source;
    struct err err;
    int changes;
    bool closed;
    int64_t bytes_max;
    /* Of the last slice. */
    int64_t records;
    int32_t last_partition;
    int64_t last_offset;
    bool disordered;
};

static void on_changed(void *user)
{
    struct world *w = user;
    w->changes++;
}

/* Inside a slice: by partition, then offset. */
static int on_records(void *user, const struct record_block *block, struct err *err)
{
    struct world *w = user;
    (void)err;
    for (uint32_t i = 0; i < block->count; i++) {
        int64_t offset = block->records[i].offset;
        bool later = block->partition > w->last_partition ||
                     (block->partition == w->last_partition && offset > w->last_offset);
        w->disordered |= !later;
        w->last_partition = block->partition;
        w->last_offset = offset;
    }
    w->records += block->count;
    return 0;
}

static void on_closed(void *user)
{
    ((struct world *)user)->closed = true;
}

static void on_deadline(uv_timer_t *timer)
{
    (void)timer;
    cr_assert_fail("the condition did not come");
}

/* Turns the loop until the condition holds. */
#define WAIT(w, condition)                                                                         \
    do {                                                                                           \
        uv_timer_t deadline;                                                                       \
        uv_timer_init(&(w)->loop, &deadline);                                                      \
        uv_timer_start(&deadline, on_deadline, WAIT_MS_MAX, 0);                                    \
        while (!(condition))                                                                       \
            uv_run(&(w)->loop, UV_RUN_ONCE);                                                       \
        uv_close((uv_handle_t *)&deadline, NULL);                                                  \
        uv_run(&(w)->loop, UV_RUN_NOWAIT);                                                         \
    } while (0)

static void open_world(struct world *w, enum plan_starting starting)
{
    *w = (struct world){
        .topic = STR("t"), .bytes_max = INT64_MAX, .log = {.level = LOG_ERROR, .fd = 2}};
    uv_loop_init(&w->loop);
    cr_assert_eq(kafka_mock_create(&w->mock, "t", PARTITIONS, &w->err), 0, "%s", w->err.msg);
    w->brokers = (struct plan_option){.key = STR("bootstrap.servers"),
                                      .value = str_of(kafka_mock_bootstrap(w->mock))};
    struct kafka_producer_options options = {.client = &w->brokers, .client_count = 1};
    cr_assert_eq(kafka_producer_create(&w->producer, "t", &options, &w->err), 0, "%s", w->err.msg);
    w->plan.name = STR("test");
    w->plan.kafka = (struct plan_kafka){.topics = &w->topic,
                                        .topic_count = 1,
                                        .starting = starting,
                                        .fail_on_data_loss = true,
                                        .client = &w->brokers,
                                        .client_count = 1};
}

static void produce(struct world *w, int32_t partition, int n)
{
    char value[32];
    for (int i = 0; i < n; i++) {
        snprintf(value, sizeof value, "value %d", i);
        while (kafka_producer_send(w->producer, partition, (struct str){NULL, 0}, str_of(value),
                                   1766783778123, &w->err) == ERR_AGAIN)
            kafka_producer_poll(w->producer, 10);
    }
    cr_assert_eq(kafka_producer_flush(w->producer, WAIT_MS_MAX, &w->err), 0, "%s", w->err.msg);
}

static void open_source(struct world *w)
{
    struct kafka_source_options options = {
        .plan = &w->plan, .log = &w->log, .queue_bytes_max = 8 << 20};
    struct source_hooks hooks = {.user = w, .changed = on_changed, .records = on_records};
    cr_assert_eq(kafka_source_create(&w->source, &w->loop, &options, &hooks, &w->err), 0, "%s",
                 w->err.msg);
}

static void close_world(struct world *w)
{
    w->source->ops->close(w->source, on_closed, w);
    WAIT(w, w->closed);
    kafka_producer_destroy(w->producer);
    kafka_mock_destroy(w->mock);
    cr_assert_eq(uv_loop_close(&w->loop), 0);
}

/* Reads one slice to its end; the offsets it covered. */
static int64_t read_slice(struct world *w, int64_t offsets_max)
{
    struct source_progress progress = {0};
    w->records = 0;
    w->last_partition = -1;
    w->disordered = false;
    WAIT(w, w->source->ops->pending(w->source) > 0);
    cr_assert(w->source->ops->slice_open(w->source, offsets_max, w->bytes_max));
    while (!progress.slice_closed) {
        cr_assert_eq(w->source->ops->drain(w->source, 100, &progress, &w->err), 0, "%s",
                     w->err.msg);
        if (!progress.slice_closed && !progress.more)
            uv_run(&w->loop, UV_RUN_ONCE);
    }
    cr_assert_not(w->disordered);
    cr_assert_eq(w->records, progress.records);
    return progress.offsets;
}

Test(kafka_source, reads_a_backlog_evenly_and_in_order)
{
    struct world w;
    const int sizes[PARTITIONS] = {3000, 600, 30};
    open_world(&w, START_EARLIEST);
    for (int p = 0; p < PARTITIONS; p++)
        produce(&w, p, sizes[p]);
    open_source(&w);
    WAIT(&w, w.source->state == SOURCE_READY);
    int64_t left = 3630;
    while (left > 0) {
        int64_t got = read_slice(&w, 100);
        cr_assert(got > 0 && got <= 100);
        left -= got;
        for (int p = 0; p < PARTITIONS; p++) {
            double fair = (double)sizes[p] * (double)(3630 - left) / 3630;
            cr_assert(fabs((double)w.source->partitions[p].position - fair) <= 2);
        }
    }
    cr_assert(w.source->ops->limit_reached(w.source));
    cr_assert_eq(w.source->ops->pending(w.source), 0);
    close_world(&w);
}

Test(kafka_source, a_slice_ends_when_its_bytes_are_full)
{
    struct world w;
    open_world(&w, START_EARLIEST);
    produce(&w, 0, 500);
    open_source(&w);
    WAIT(&w, w.source->state == SOURCE_READY);
    w.bytes_max = 1000; /* a value has 7 to 9 bytes */
    int64_t left = 500;
    for (int slices = 0; left > 0; slices++) {
        int64_t got = read_slice(&w, 1000);
        cr_assert(got > 0 && got <= 150);
        left -= got;
    }
    close_world(&w);
}

Test(kafka_source, latest_begins_at_the_end_and_wakes_for_what_comes)
{
    struct world w;
    open_world(&w, START_LATEST);
    produce(&w, 1, 50);
    open_source(&w);
    WAIT(&w, w.source->state == SOURCE_READY);
    cr_assert_eq(w.source->partitions[1].position, 50);
    cr_assert(w.source->ops->limit_reached(w.source));
    w.source->ops->limit_lift(w.source);
    for (int round = 0; round < 5; round++) {
        w.changes = 0;
        produce(&w, round % PARTITIONS, 7);
        WAIT(&w, w.changes > 0);
        cr_assert_eq(read_slice(&w, 1000), 7);
        cr_assert_eq(w.records, 7);
    }
    close_world(&w);
}

Test(kafka_source, the_limit_holds_until_it_is_lifted)
{
    struct world w;
    open_world(&w, START_EARLIEST);
    produce(&w, 0, 10);
    open_source(&w);
    WAIT(&w, w.source->state == SOURCE_READY);
    produce(&w, 0, 5);
    cr_assert_eq(read_slice(&w, 1000), 10);
    cr_assert(w.source->ops->limit_reached(w.source));
    cr_assert_eq(w.source->ops->pending(w.source), 0);
    w.source->ops->limit_lift(w.source);
    cr_assert_eq(read_slice(&w, 1000), 5);
    close_world(&w);
}

Test(kafka_source, offsets_must_name_every_partition)
{
    struct world w;
    struct plan_partition_offset offsets[] = {{STR("t"), 0, OFFSET_EARLIEST}, {STR("t"), 2, 3}};
    open_world(&w, START_OFFSETS);
    w.plan.kafka.starting_offsets = offsets;
    w.plan.kafka.starting_offset_count = 2;
    open_source(&w);
    WAIT(&w, w.source->state == SOURCE_FAILED);
    cr_assert(strstr(w.source->err.msg, "partition 1"), "%s", w.source->err.msg);
    close_world(&w);
}

Test(kafka_source, an_offset_behind_the_end)
{
    struct world w;
    struct plan_partition_offset offsets[] = {
        {STR("t"), 0, OFFSET_EARLIEST}, {STR("t"), 1, OFFSET_LATEST}, {STR("t"), 2, 99}};
    open_world(&w, START_OFFSETS);
    w.plan.kafka.starting_offsets = offsets;
    w.plan.kafka.starting_offset_count = 3;
    open_source(&w);
    WAIT(&w, w.source->state != SOURCE_STARTING);
    cr_assert_eq(w.source->err.code, ERR_DATA_LOSS);
    close_world(&w);
}

Test(kafka_source, without_fail_on_data_loss_it_goes_on)
{
    struct world w;
    struct plan_partition_offset offsets[] = {
        {STR("t"), 0, OFFSET_EARLIEST}, {STR("t"), 1, OFFSET_LATEST}, {STR("t"), 2, 99}};
    open_world(&w, START_OFFSETS);
    w.plan.kafka.starting_offsets = offsets;
    w.plan.kafka.starting_offset_count = 3;
    w.plan.kafka.fail_on_data_loss = false;
    produce(&w, 2, 4);
    open_source(&w);
    WAIT(&w, w.source->state != SOURCE_STARTING);
    cr_assert_eq(w.source->state, SOURCE_READY, "%s", w.source->err.msg);
    cr_assert_eq(w.source->partitions[2].position, 4);
    close_world(&w);
}

Test(kafka_source, a_broker_that_goes_away_and_comes_back)
{
    struct world w;
    open_world(&w, START_EARLIEST);
    produce(&w, 0, 10);
    open_source(&w);
    WAIT(&w, w.source->state == SOURCE_READY);
    cr_assert_eq(read_slice(&w, 1000), 10);
    w.source->ops->limit_lift(w.source);
    kafka_mock_down(w.mock, true);
    WAIT(&w, !w.source->connected);
    cr_assert(w.source->trouble[0]);
    kafka_mock_down(w.mock, false);
    WAIT(&w, w.source->connected);
    produce(&w, 0, 20);
    cr_assert_eq(read_slice(&w, 1000), 20);
    close_world(&w);
}

Test(kafka_source, closes_while_starting)
{
    struct world w;
    open_world(&w, START_EARLIEST);
    kafka_mock_down(w.mock, true);
    open_source(&w);
    uv_run(&w.loop, UV_RUN_ONCE);
    close_world(&w);
}
