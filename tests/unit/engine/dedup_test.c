/* dropDuplicatesWithinWatermark as Spark did it in recordings, and against a model. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>

#include "engine/dedup.h"
#include "state_fixture.h"

struct play {
    struct test_grouping grouping; /* for its keys */
    struct dedup *dedup;
    struct state_counts counts;
    uint32_t work; /* of a step; 0: some */
};

static void start(struct play *play, enum test_kind kind, int64_t delay_us)
{
    *play = (struct play){0};
    test_grouping_init(&play->grouping, kind, true);
    cr_assert_eq(dedup_create(&play->dedup, play->grouping.sql.key_types,
                              play->grouping.sql.key_count, delay_us),
                 0);
}

static void fold(struct play *play, const struct test_row *rows, uint32_t n, int64_t late_us,
                 uint8_t *fates)
{
    struct arena arena = {0};
    struct err err = {0};
    struct vec times;
    struct vec *keys = test_keys(&play->grouping, rows, n, &arena);
    cr_assert_eq(vec_init(&times, type_simple(TYPE_TIMESTAMP), n, &arena), 0);
    cr_assert_eq(vec_ensure_valid(&times, &arena), 0);
    for (uint32_t i = 0; i < n; i++) {
        times.i64[i] = rows[i].time;
        if (!rows[i].has_time)
            vec_set_null(&times, i);
    }
    cr_assert_eq(dedup_fold(play->dedup, keys, &times, n, late_us, fates, &play->counts, &err), 0);
    arena_fini(&arena);
}

/* Seconds; below 0: NULL. */
static struct test_row row(int64_t time, uint32_t key)
{
    return (struct test_row){
        .has_time = time >= 0, .time = time * 1000000, .keys = {key, key, key}};
}

static void seal(struct play *play, int64_t closing_us)
{
    bool done = false;
    dedup_seal_begin(play->dedup, closing_us, &play->counts);
    while (!done) {
        uint32_t work = play->work ? play->work : 1000;
        cr_assert_eq(dedup_seal_step(play->dedup, &work, &done), 0);
    }
}

static void expect_batch(struct play *play, const struct test_row *rows, uint32_t n, int64_t late_s,
                         int64_t closing_s, const char *wanted, uint64_t left)
{
    static const char letters[] = {
        [DEDUP_FIRST] = 'f', [DEDUP_DUPLICATE] = 'd', [DEDUP_LATE] = 'l'};
    uint8_t fates[16];
    char got[17] = {0};
    fold(play, rows, n, late_s * 1000000, fates);
    for (uint32_t i = 0; i < n; i++)
        got[i] = letters[fates[i]];
    cr_assert_str_eq(got, wanted);
    seal(play, closing_s * 1000000);
    cr_assert_eq(dedup_rows(play->dedup), left);
}

#define BATCH(play, late_s, closing_s, wanted, left, ...)                                          \
    do {                                                                                           \
        struct test_row rows[] = {__VA_ARGS__};                                                    \
        expect_batch((play), rows, COUNT_OF(rows), (late_s), (closing_s), (wanted), (left));       \
    } while (0)

/* Times are those of the recording plus 1000 s, which lie behind NULL's 1970. */
Test(dedup, as_recorded)
{
    struct play play;
    start(&play, TEST_TUMBLING, 10000000);
    BATCH(&play, 0, 0, "fdff", 3, row(1010, 2), row(1020, 2), row(-1, 3), row(1005, 4));
    BATCH(&play, 0, 1010, "dfd", 3, row(1030, 2), row(1001, 5), row(-1, 3));
    BATCH(&play, 1010, 1020, "dfff", 1, row(1040, 2), row(1020, 6), row(-1, 3), row(-1, 7));
    BATCH(&play, 1020, 1030, "ff", 2, row(1100, 8), row(1021, 2));
    BATCH(&play, 1030, 1090, "ddf", 1, row(1095, 2), row(1101, 2), row(-1, 7));
    BATCH(&play, 1090, 1091, "lf", 2, row(1090, 9), row(1095, 2));
    cr_assert_eq(play.counts.late_pairs, 1);
    cr_assert_eq(play.counts.updated, 11);
    dedup_destroy(play.dedup);
}

/* Unlike groups: 0.0 and -0.0 differ, all NaN are one; NULL is a key. */
Test(dedup, keys)
{
    struct play play;
    start(&play, TEST_SLIDING, 10000000);
    BATCH(&play, 0, 0, "ffffdddd", 4, row(1, 0), row(1, 1), row(1, 8), row(1, 6), row(1, 7),
          row(1, 8), row(1, 1), row(1, 0));
    dedup_destroy(play.dedup);
}

/* ---- against a list ---- */

struct seen {
    uint32_t key;
    int64_t expiry;
};

struct model {
    struct seen seen[20000];
    uint32_t count;
};

static uint8_t model_row(struct model *model, const struct test_row *in, int64_t delay_us,
                         int64_t late_us)
{
    int64_t time = in->has_time ? in->time : 0;
    if (in->has_time && time <= late_us)
        return DEDUP_LATE;
    for (uint32_t i = 0; i < model->count; i++) {
        if (model->seen[i].key == in->keys[0])
            return DEDUP_DUPLICATE;
    }
    model->seen[model->count++] = (struct seen){in->keys[0], time + delay_us};
    return DEDUP_FIRST;
}

static void model_seal(struct model *model, int64_t closing_us)
{
    uint32_t left = 0;
    for (uint32_t i = 0; i < model->count; i++) {
        if (model->seen[i].expiry > closing_us)
            model->seen[left++] = model->seen[i];
    }
    model->count = left;
}

struct saved {
    struct buf bytes;
    uint32_t rows;
};

static struct saved save(struct dedup *dedup, enum state_extent extent, uint32_t work)
{
    struct saved out = {0};
    bool done = false;
    dedup_save_begin(dedup, extent);
    while (!done) {
        struct buf chunk = {0}; /* all of them are one here */
        uint32_t left = work;
        cr_assert_eq(dedup_save_step(dedup, &chunk, &out.rows, &left, &done), 0);
        buf_append_str(&out.bytes, buf_str(&chunk));
        buf_fini(&chunk);
    }
    return out;
}

static int load(struct dedup *dedup, enum state_extent extent, struct saved saved, uint32_t work)
{
    struct state_reader in = {saved.bytes.p, saved.bytes.p + saved.bytes.n, false};
    int code = 0;
    dedup_load_begin(dedup, extent);
    while (saved.rows && code == 0) {
        uint32_t left = work;
        code = dedup_load_step(dedup, &in, &saved.rows, &left);
    }
    return code == 0 && in.p != in.end ? ERR_CORRUPT : code;
}

/* A dedup made of the snapshot, and one that follows by deltas, have as much; the test goes on with
 * one of them. */
static void restart(struct play *play, struct dedup **follower, uint64_t *random)
{
    struct saved whole = save(play->dedup, STATE_SNAPSHOT, play->work);
    struct saved delta = save(play->dedup, STATE_DELTA, play->work);
    struct dedup *copy, *old = play->dedup;
    bool done = false;
    cr_assert_eq(dedup_create(&copy, play->grouping.sql.key_types, 1, 5000000), 0);
    cr_assert_eq(load(copy, STATE_SNAPSHOT, whole, play->work), 0);
    cr_assert_eq(load(*follower, STATE_DELTA, delta, play->work), 0);
    dedup_load_close(*follower, dedup_closing_us(old));
    while (!done) {
        uint32_t left = play->work;
        cr_assert_eq(dedup_seal_step(*follower, &left, &done), 0);
    }
    cr_assert_eq(dedup_rows(copy), dedup_rows(old));
    cr_assert_eq(dedup_rows(*follower), dedup_rows(old));
    if (whole.rows) /* twice is damage */
        cr_assert_eq(load(copy, STATE_SNAPSHOT, whole, play->work), ERR_CORRUPT);
    dedup_destroy(copy);
    cr_assert_eq(dedup_create(&copy, play->grouping.sql.key_types, 1, 5000000), 0);
    cr_assert_eq(load(copy, STATE_SNAPSHOT, whole, play->work), 0);
    if (test_random(random, 2)) {
        play->dedup = copy;
        copy = old;
    } else {
        play->dedup = *follower;
        *follower = copy;
        copy = old;
    }
    dedup_destroy(copy);
    buf_fini(&whole.bytes);
    buf_fini(&delta.bytes);
}

static struct test_row random_row(uint64_t *seed, int64_t clock_s)
{
    uint32_t pick = test_random(seed, 400);
    struct test_row in = row(clock_s + test_random(seed, 20) - 10, pick < 20 ? pick : pick + 1000);
    in.has_time = test_random(seed, 30) > 0;
    return in;
}

Test(dedup, is_what_the_model_is)
{
    for (uint64_t seed = 1; seed <= 5; seed++) {
        struct play play;
        struct model *model = calloc(1, sizeof *model);
        struct dedup *follower;
        uint64_t random = seed;
        int64_t clock_s = 100, late_us = 0, closing_us = 0;
        static const uint32_t works[] = {1, 7, 4096, UINT32_MAX};
        start(&play, TEST_TUMBLING, 5000000);
        play.work = works[seed % 4];
        cr_assert_eq(dedup_create(&follower, play.grouping.sql.key_types, 1, 5000000), 0);
        for (int batch = 0; batch < 60; batch++) {
            struct test_row rows[200];
            uint8_t fates[200];
            uint32_t n = batch % 13 ? test_random(&random, 200) : 0;
            for (uint32_t i = 0; i < n; i++)
                rows[i] = random_row(&random, clock_s);
            fold(&play, rows, n, late_us, fates);
            for (uint32_t i = 0; i < n; i++)
                cr_assert_eq(fates[i], model_row(model, &rows[i], 5000000, late_us));
            seal(&play, closing_us);
            model_seal(model, closing_us);
            cr_assert_eq(dedup_rows(play.dedup), model->count);
            restart(&play, &follower, &random);
            clock_s += test_random(&random, 6);
            late_us = closing_us;
            closing_us = (clock_s - 8) * 1000000;
        }
        dedup_destroy(follower);
        dedup_destroy(play.dedup);
        free(model);
    }
}

Test(dedup, memory_comes_back)
{
    struct play play;
    static struct test_row rows[BLOCK_ROWS_MAX];
    static uint8_t fates[BLOCK_ROWS_MAX];
    size_t base = 0;
    start(&play, TEST_TUMBLING, 10000000);
    for (uint32_t round = 0; round < 4; round++) {
        for (uint32_t at = 0; at < 8192; at += BLOCK_ROWS_MAX) {
            for (uint32_t i = 0; i < BLOCK_ROWS_MAX; i++)
                rows[i] = row(1000 * (round + 1) + (i + at == 77 ? 5000 : 0), 1001 + at + i);
            fold(&play, rows, BLOCK_ROWS_MAX, 0, fates);
        }
        size_t full = dedup_bytes(play.dedup);
        seal(&play, (1000 * (int64_t)(round + 1) + 10) * 1000000);
        cr_assert_eq(dedup_rows(play.dedup), 1);
        fold(&play, rows, 0, 0, fates);
        seal(&play, 0);
        base = round ? base : dedup_bytes(play.dedup);
        cr_assert_eq(dedup_bytes(play.dedup), base);
        cr_assert(full > 100 * base);
    }
    dedup_destroy(play.dedup);
}
