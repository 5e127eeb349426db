/* fixture.h: a loop, a mock cluster and a consumer on it, and waiting for conditions with a limit.
 */
#pragma once

#include <criterion/criterion.h>
#include <uv.h>

#include "kafka/admin.h"
#include "kafka/mock.h"

enum { PARTITIONS = 3 };

struct fixture {
    uv_loop_t loop;
    uv_timer_t tick; /* keeps uv_run from blocking for good */
    struct kafka_mock *mock;
    struct kafka_consumer *consumer;
    struct kafka_batch batch;
    uint32_t wakes;
    bool closed;
    char log[4096];

    /* the last answers */
    uint32_t answers;
    struct kafka_answer answer;
    char answer_text[600];
    uint32_t partition_count, trouble_count;
    enum kafka_condition trouble;
    char topics[1024]; /* "topic/partition " of each, '!' before one without leader */
    int64_t offsets[16];
    enum kafka_condition conditions[16];
};

/* A mock cluster with topic `t` of PARTITIONS partitions and a consumer with these further options
 * (key, value, ..., NULL). */
void fixture_init(struct fixture *f, const char *const *options);
/* Closes what is open; asserts that the loop closes clean and, under ASan, that nothing leaked. */
void fixture_fini(struct fixture *f);
/* Closes the consumer and waits for it. */
void fixture_close(struct fixture *f);

/* Turns the loop until `done` holds; fails the test after 10 s. */
void fixture_until(struct fixture *f, bool (*done)(struct fixture *f, void *user), void *user);
/* Until that many answers have come. */
void fixture_until_answers(struct fixture *f, uint32_t answers);

/* Messages "<partition>-<number>" from number first on, with the same text as key. */
void fixture_produce(struct fixture *f, const char *topic, int32_t partition, uint32_t first,
                     uint32_t count);

void fixture_on_metadata(void *user, const struct kafka_metadata *metadata);
void fixture_on_offsets(void *user, const struct kafka_offsets *offsets);
