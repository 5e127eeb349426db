/* Groups by window: random batches against the model, order, memory, offsets. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "state_model.h"

enum { ROWS_MAX = 40, PARTITIONS = 3 };

struct play {
    struct test_grouping grouping;
    enum plan_output_mode mode;
    struct state *state, *follower; /* follower: made by deltas alone */
    struct model *model;
    uint64_t seed;
    int64_t clock_us, late_us, closing_us;
    int64_t next_offset[PARTITIONS];
    int64_t serial;
    uint32_t work;  /* of a step */
    struct buf out; /* all that was given out */
};

static struct test_row random_row(struct play *play)
{
    uint64_t *seed = &play->seed;
    int64_t time = play->clock_us + (int64_t)test_random(seed, 60) * 500000 - 15000000;
    int64_t gap = (int64_t)test_random(seed, 9) * 1000000 - 1000000;
    struct test_row row = {.has_time = test_random(seed, 20) > 0,
                           .has_end = test_random(seed, 20) > 0,
                           .has_value = test_random(seed, 10) > 0,
                           .filter = test_random(seed, 4) > 0,
                           .time = time,
                           .end = time + (test_random(seed, 3) ? 4000000 : gap),
                           .value = play->serial++};
    for (int k = 0; k < 3; k++)
        row.keys[k] = test_random(seed, test_random(seed, 2) ? 4 : 30);
    return row;
}

static void fold_some(struct play *play)
{
    struct test_row rows[ROWS_MAX];
    int64_t offsets[ROWS_MAX];
    uint8_t fates[ROWS_MAX], wanted[ROWS_MAX];
    uint32_t n = test_random(&play->seed, ROWS_MAX + 1);
    uint32_t partition = test_random(&play->seed, PARTITIONS);
    struct state_counts counts = {0}, expected = {0};
    struct arena arena = {0};
    struct err err = {0};
    for (uint32_t i = 0; i < n; i++) {
        rows[i] = random_row(play);
        offsets[i] = play->next_offset[partition] += 1 + test_random(&play->seed, 3);
    }
    struct block block = test_block(&play->grouping, rows, n, &arena);
    struct state_origin origin = {partition, offsets};
    cr_assert_eq(
        state_fold(play->state, &block, NULL, &origin, play->late_us, fates, &counts, &err), 0,
        "%s", err.msg);
    model_fold(play->model, rows, n, partition, offsets, play->late_us, wanted, &expected);
    for (uint32_t i = 0; i < n; i++)
        cr_assert_eq(fates[i], wanted[i], "row %u: %d, not %d", i, fates[i], wanted[i]);
    cr_assert_eq(counts.late_pairs, expected.late_pairs);
    arena_fini(&arena);
}

static void seal(struct play *play)
{
    struct buf got = {0}, wanted = {0};
    struct state_counts counts = {0}, expected = {0};
    test_seal(play->state, play->closing_us, play->work, &counts, &got);
    buf_append_str(&play->out, buf_str(&got));
    model_seal(play->model, play->closing_us, &expected, &wanted);
    char *a = test_sorted(&got), *b = test_sorted(&wanted);
    cr_assert_str_eq(a, b);
    free(a);
    free(b);
    cr_assert_eq(counts.updated, expected.updated, "%llu updated, not %llu",
                 (unsigned long long)counts.updated, (unsigned long long)expected.updated);
    cr_assert_eq(state_rows(play->state), play->model->count);
    for (uint32_t p = 0; p < PARTITIONS; p++)
        cr_assert_eq(state_low_offset(play->state, p), model_low(play->model, p));
    buf_fini(&got);
    buf_fini(&wanted);
}

static void expect_same(const struct state *a, const struct state *b)
{
    cr_assert_eq(state_rows(a), state_rows(b));
    for (uint32_t p = 0; p < PARTITIONS; p++)
        cr_assert_eq(state_low_offset(a, p), state_low_offset(b, p));
}

static struct state *make_empty(const struct play *play)
{
    struct state *state;
    cr_assert_eq(state_create(&state, &play->grouping.sql, play->mode), 0);
    return state;
}

/* The same through bytes: one state is made of the snapshot, another follows by deltas. Often the
 * test goes on with one of these, which then must give what the model gives. */
static void restart(struct play *play)
{
    struct test_saved whole, delta, again;
    struct state *copy = make_empty(play), *old = play->state;
    test_save(old, STATE_SNAPSHOT, play->work, &whole);
    test_save(old, STATE_SNAPSHOT, UINT32_MAX, &again);
    test_save(old, STATE_DELTA, play->work, &delta);
    cr_assert(test_saved_equal(&whole, &again));
    cr_assert_eq(test_load(copy, &whole, play->work), 0);
    cr_assert_eq(test_load(play->follower, &delta, play->work), 0);
    expect_same(copy, old);
    expect_same(play->follower, old);
    switch (test_random(&play->seed, 4)) {
    case 0:
        play->state = copy;
        copy = old;
        break;
    case 1:
        play->state = play->follower;
        play->follower = copy;
        copy = old;
        break;
    default:
        break;
    }
    state_destroy(copy);
    test_saved_fini(&whole);
    test_saved_fini(&again);
    test_saved_fini(&delta);
}

/* All that was given out, in its order. */
static struct buf play_batches(enum test_kind kind, enum plan_output_mode mode, uint64_t seed,
                               bool watermarked, uint32_t work)
{
    struct play play = {.mode = mode, .seed = seed, .clock_us = 40000000, .work = work};
    test_grouping_init(&play.grouping, kind, watermarked);
    play.model = calloc(1, sizeof *play.model);
    play.model->grouping = &play.grouping;
    play.model->kind = kind;
    play.model->mode = mode;
    play.state = make_empty(&play);
    play.follower = make_empty(&play);
    for (int batch = 0; batch < 25; batch++) {
        for (uint32_t i = test_random(&play.seed, 4); i > 0; i--)
            fold_some(&play);
        seal(&play);
        restart(&play);
        play.clock_us += (int64_t)test_random(&play.seed, 8) * 1000000;
        play.late_us = play.closing_us;
        int64_t mark = play.clock_us - 5000000 + (int64_t)test_random(&play.seed, 3000) * 1000;
        play.closing_us = mark > play.closing_us ? mark : play.closing_us;
    }
    play.late_us = play.closing_us;
    play.closing_us += 1000000000;
    seal(&play);
    state_destroy(play.state);
    state_destroy(play.follower);
    model_fini(play.model);
    free(play.model);
    return play.out;
}

static void play_in_steps(enum test_kind kind, enum plan_output_mode mode, uint64_t seed)
{
    static const uint32_t works[] = {1, 7, 4096};
    uint32_t work = works[seed % COUNT_OF(works)];
    struct buf whole = play_batches(kind, mode, seed, seed % 4 != 0, UINT32_MAX);
    struct buf again = play_batches(kind, mode, seed, seed % 4 != 0, work);
    cr_assert(str_eq(buf_str(&whole), buf_str(&again)), "steps of %u give other rows", work);
    buf_fini(&whole);
    buf_fini(&again);
}

Test(state, is_what_the_model_is)
{
    for (int kind = 0; kind < TEST_KIND_COUNT; kind++) {
        for (int mode = OUTPUT_APPEND; mode <= OUTPUT_COMPLETE; mode++) {
            if (kind == TEST_SESSION && mode == OUTPUT_UPDATE)
                continue;
            for (uint64_t seed = 1; seed <= 3; seed++)
                play_in_steps((enum test_kind)kind, (enum plan_output_mode)mode,
                              seed * 977 + (uint64_t)kind * 31);
        }
    }
}

/* ---- one thing at a time ---- */

static struct state *make(struct test_grouping *grouping, enum test_kind kind,
                          enum plan_output_mode mode)
{
    struct state *state;
    test_grouping_init(grouping, kind, true);
    cr_assert_eq(state_create(&state, &grouping->sql, mode), 0);
    return state;
}

static void fold(struct state *state, const struct test_grouping *grouping,
                 const struct test_row *rows, uint32_t n, int64_t late_us)
{
    struct arena arena = {0};
    struct state_counts counts = {0};
    struct err err = {0};
    uint8_t fates[BLOCK_ROWS_MAX];
    struct block block = test_block(grouping, rows, n, &arena);
    cr_assert_eq(state_fold(state, &block, NULL, NULL, late_us, fates, &counts, &err), 0, "%s",
                 err.msg);
    arena_fini(&arena);
}

static char *seal_text(struct state *state, int64_t closing_us)
{
    struct buf out = {0};
    struct state_counts counts = {0};
    test_seal(state, closing_us, 100, &counts, &out);
    return out.n ? buf_take_cstr(&out) : strdup("");
}

static struct test_row row_at(int64_t seconds, uint32_t key, int64_t value)
{
    return (struct test_row){.has_time = true,
                             .has_value = true,
                             .filter = true,
                             .time = seconds * 1000000,
                             .keys = {key, key, key},
                             .value = value};
}

Test(state, gives_groups_by_window_then_key)
{
    struct test_grouping grouping;
    struct state *state = make(&grouping, TEST_SLIDING, OUTPUT_COMPLETE);
    struct test_row rows[] = {row_at(20, 6, 1), row_at(20, 4, 2), row_at(3, 3, 3),
                              row_at(20, 2, 4), row_at(20, 0, 5), row_at(20, 1, 6)};
    fold(state, &grouping, rows, COUNT_OF(rows), 0);
    char *text = seal_text(state, 0);
    cr_assert_str_eq(text, "{-8000000;4000000;} -1e+300 1 '3'\n{-3000000;9000000;} -1e+300 1 '3'\n"
                           "{2000000;14000000;} -1e+300 1 '3'\n"
                           "{12000000;24000000;} ~ 1 '5'\n{12000000;24000000;} 0 1 '6'\n"
                           "{12000000;24000000;} 1.5 1 '4'\n{12000000;24000000;} 7 1 '2'\n"
                           "{12000000;24000000;} NaN 1 '1'\n"
                           "{17000000;29000000;} ~ 1 '5'\n{17000000;29000000;} 0 1 '6'\n"
                           "{17000000;29000000;} 1.5 1 '4'\n{17000000;29000000;} 7 1 '2'\n"
                           "{17000000;29000000;} NaN 1 '1'\n");
    free(text);
    state_destroy(state);
}

Test(state, gives_event_keys_in_the_order_of_the_keys)
{
    struct test_grouping grouping;
    struct state *state = make(&grouping, TEST_EVENT_KEY, OUTPUT_APPEND);
    struct test_row rows[] = {row_at(20, 3, 1), row_at(10, 4, 2), row_at(30, 2, 3),
                              row_at(10, 2, 4)};
    rows[2].has_time = false;
    fold(state, &grouping, rows, COUNT_OF(rows), 0);
    char *text = seal_text(state, 20000000);
    cr_assert_str_eq(text, "'a' 10000000 1 '4'\n'ab' 20000000 1 '1'\n'abc' 10000000 1 '2'\n");
    free(text);
    cr_assert_eq(state_rows(state), 1); /* the NULL stays */
    state_destroy(state);
}

Test(state, global_group_is_there_without_rows)
{
    struct test_grouping grouping;
    struct state *state = make(&grouping, TEST_GLOBAL, OUTPUT_UPDATE);
    struct state_counts counts = {0};
    for (int i = 0; i < 3; i++) {
        struct buf out = {0};
        test_seal(state, 0, 5000, &counts, &out);
        cr_assert_str_eq(buf_cstr(&out), "0 ''\n");
        buf_fini(&out);
    }
    cr_assert_eq(counts.updated, 3);
    cr_assert_eq(state_rows(state), 1);
    state_destroy(state);
}

Test(state, memory_comes_back_when_windows_close)
{
    static const enum test_kind kinds[] = {TEST_TUMBLING, TEST_SESSION, TEST_EVENT_KEY};
    for (size_t k = 0; k < COUNT_OF(kinds); k++) {
        struct test_grouping grouping;
        struct state *state = make(&grouping, kinds[k], OUTPUT_APPEND);
        size_t base = 0;
        for (int64_t round = 0; round < 3; round++) {
            static struct test_row rows[BLOCK_ROWS_MAX];
            for (uint32_t i = 0; i < 10000;) {
                uint32_t n = 0;
                for (; n < BLOCK_ROWS_MAX && i < 10000; n++, i++) {
                    rows[n] = row_at((round * 10000 + i) * 30, 1001 + i, i);
                    rows[n].has_end = true;
                    rows[n].end = rows[n].time + 5000000;
                }
                fold(state, &grouping, rows, n, 0);
            }
            size_t full = state_bytes(state);
            free(seal_text(state, (round + 1) * 10000 * 30 * 1000000));
            cr_assert_eq(state_rows(state), 0);
            free(seal_text(state, 0)); /* what the batch changed is forgotten */
            base = round ? base : state_bytes(state);
            cr_assert_eq(state_bytes(state), base, "kind %d: %zu bytes, not %zu", kinds[k],
                         state_bytes(state), base);
            cr_assert(full > base + 10000 * 100);
        }
        state_destroy(state);
    }
}

Test(state, times_at_the_ends_of_their_range)
{
    for (int kind = TEST_TUMBLING; kind < TEST_KIND_COUNT; kind++) {
        for (int mode = OUTPUT_APPEND; mode <= OUTPUT_COMPLETE; mode++) {
            struct test_grouping grouping;
            struct state *state =
                make(&grouping, (enum test_kind)kind, (enum plan_output_mode)mode);
            struct test_row rows[] = {row_at(0, 1, 1), row_at(0, 1, 2), row_at(0, 1, 3)};
            rows[0].time = INT64_MIN;
            rows[1].time = INT64_MAX;
            for (int i = 0; i < 3; i++) {
                rows[i].has_end = true;
                rows[i].end = INT64_MAX;
            }
            fold(state, &grouping, rows, 3, INT64_MIN);
            free(seal_text(state, 0));
            fold(state, &grouping, rows, 3, 0);
            free(seal_text(state, INT64_MAX));
            state_destroy(state);
        }
    }
}

Test(state, many_groups_in_one_window)
{
    struct test_grouping grouping;
    struct state *state = make(&grouping, TEST_KEYS, OUTPUT_UPDATE);
    static struct test_row rows[BLOCK_ROWS_MAX];
    for (uint32_t round = 0; round < 2; round++) {
        for (uint32_t at = 0; at < 200000; at += BLOCK_ROWS_MAX) {
            for (uint32_t i = 0; i < BLOCK_ROWS_MAX; i++) {
                rows[i] = row_at(0, 1, 1);
                rows[i].keys[1] = at + i;
            }
            fold(state, &grouping, rows, BLOCK_ROWS_MAX, 0);
        }
        struct buf out = {0};
        struct state_counts counts = {0};
        test_seal(state, 0, 5000, &counts, &out);
        cr_assert_eq(counts.updated, 200704);
        cr_assert_eq(state_rows(state), 200704);
        cr_assert(strncmp(buf_cstr(&out), round ? "'' ~ 2 '1,1'\n'' -4 2 '1,1'\n" : "'' ~ 1 '1'\n",
                          round ? 26 : 11) == 0);
        buf_fini(&out);
    }
    state_destroy(state);
}
