#include "fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kafka/producer.h"

static void on_log(void *user, int level, const char *text)
{
    struct fixture *f = user;
    size_t used = strlen(f->log);
    snprintf(f->log + used, sizeof(f->log) - used, "%d %s\n", level, text);
}

static void on_wake(void *user)
{
    struct fixture *f = user;
    f->wakes++;
}

static void on_closed(void *user)
{
    struct fixture *f = user;
    f->closed = true;
}

static void on_tick(uv_timer_t *timer)
{
    (void)timer;
}

void fixture_init(struct fixture *f, const char *const *options)
{
    struct err err;
    *f = (struct fixture){0};
    cr_assert_eq(uv_loop_init(&f->loop), 0);
    uv_timer_init(&f->loop, &f->tick);
    uv_timer_start(&f->tick, on_tick, 20, 20);
    cr_assert_eq(kafka_mock_create(&f->mock, "t", PARTITIONS, &err), 0);
    struct plan_option client[8] = {
        {.key = STR("bootstrap.servers"), .value = str_of(kafka_mock_bootstrap(f->mock))}};
    uint32_t count = 1;
    for (; options && options[0]; options += 2)
        client[count++] =
            (struct plan_option){.key = str_of(options[0]), .value = str_of(options[1])};
    struct kafka_consumer_options consumer = {
        .client = client,
        .client_count = count,
        .group = "g",
        .queue_bytes_max = 16 << 20,
        .partitions_expected = PARTITIONS,
        .log = on_log,
        .wake = on_wake,
        .user = f,
    };
    cr_assert_eq(kafka_consumer_create(&f->consumer, &f->loop, &consumer, &err), 0, "%s", err.msg);
    cr_assert_eq(kafka_batch_init(&f->batch, 4096, &err), 0);
}

static bool is_closed(struct fixture *f, void *user)
{
    (void)user;
    return f->closed;
}

void fixture_close(struct fixture *f)
{
    kafka_batch_fini(&f->batch);
    kafka_consumer_close(f->consumer, on_closed, f);
    fixture_until(f, is_closed, NULL);
}

void fixture_fini(struct fixture *f)
{
    if (!f->closed)
        fixture_close(f);
    uv_close((uv_handle_t *)&f->tick, NULL);
    uv_run(&f->loop, UV_RUN_DEFAULT);
    cr_assert_eq(uv_loop_close(&f->loop), 0);
    kafka_mock_destroy(f->mock);
}

void fixture_until(struct fixture *f, bool (*done)(struct fixture *f, void *user), void *user)
{
    uint64_t deadline = uv_hrtime() + 10000000000;
    while (!done(f, user)) {
        cr_assert(uv_hrtime() < deadline, "waited too long; log:\n%s", f->log);
        uv_run(&f->loop, UV_RUN_ONCE);
    }
}

static bool has_answers(struct fixture *f, void *user)
{
    return f->answers >= *(uint32_t *)user;
}

void fixture_until_answers(struct fixture *f, uint32_t answers)
{
    fixture_until(f, has_answers, &answers);
}

void fixture_produce(struct fixture *f, const char *topic, int32_t partition, uint32_t first,
                     uint32_t count)
{
    struct err err;
    struct kafka_producer *producer;
    struct plan_option client[] = {
        {.key = STR("bootstrap.servers"), .value = str_of(kafka_mock_bootstrap(f->mock))},
        {.key = STR("batch.num.messages"), .value = STR("100")}, /* what a fetch brings */
    };
    struct kafka_producer_options options = {.client = client, .client_count = 2};
    cr_assert_eq(kafka_producer_create(&producer, topic, &options, &err), 0);
    for (uint32_t i = first; i < first + count; i++) {
        char text[32];
        struct str s = {text, (size_t)snprintf(text, sizeof(text), "%d-%u", partition, i)};
        cr_assert_eq(kafka_producer_send(producer, partition, s, s, 1000 + i, &err), 0);
    }
    cr_assert_eq(kafka_producer_flush(producer, 10000, &err), 0, "%s", err.msg);
    struct kafka_producer_counts counts;
    kafka_producer_counts(producer, &counts);
    cr_assert_eq(counts.delivered, count);
    kafka_producer_destroy(producer);
}

static void take_answer(struct fixture *f, const struct kafka_answer *answer)
{
    f->answers++;
    f->answer = *answer;
    snprintf(f->answer_text, sizeof(f->answer_text), "%s", answer->text);
}

void fixture_on_metadata(void *user, const struct kafka_metadata *metadata)
{
    struct fixture *f = user;
    take_answer(f, &metadata->answer);
    f->partition_count = metadata->partition_count;
    f->trouble_count = metadata->trouble_count;
    f->trouble = metadata->trouble_count ? metadata->troubles[0].condition : KAFKA_NONE;
    f->topics[0] = '\0';
    for (uint32_t i = 0; i < metadata->partition_count; i++) {
        const struct kafka_partition_info *info = &metadata->partitions[i];
        size_t used = strlen(f->topics);
        snprintf(f->topics + used, sizeof(f->topics) - used, "%s%.*s/%d ",
                 info->has_leader ? "" : "!", STR_ARG(info->topic), info->partition);
    }
}

void fixture_on_offsets(void *user, const struct kafka_offsets *offsets)
{
    struct fixture *f = user;
    take_answer(f, &offsets->answer);
    for (uint32_t i = 0; i < offsets->count && i < 16; i++) {
        f->offsets[i] = offsets->items[i].offset;
        f->conditions[i] = offsets->items[i].condition;
    }
}
