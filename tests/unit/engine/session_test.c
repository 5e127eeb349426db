/* Sessions as Spark joined them in recordings: rows of key "a" or "b" with a gap of their own. */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "state_fixture.h"

struct play {
    struct test_grouping grouping;
    struct state *state;
    struct state_counts counts;
};

static void start(struct play *play, enum plan_output_mode mode)
{
    *play = (struct play){0};
    test_grouping_init(&play->grouping, TEST_SESSION, true);
    cr_assert_eq(state_create(&play->state, &play->grouping.sql, mode), 0);
}

/* Seconds from..to of key 2 ("a") or 3 ("ab"). */
static struct test_row row(int64_t from, int64_t to, uint32_t key, int64_t value)
{
    return (struct test_row){.has_time = true,
                             .has_end = true,
                             .has_value = true,
                             .filter = true,
                             .time = from * 1000000,
                             .end = to * 1000000,
                             .keys = {key},
                             .value = value};
}

static void fold(struct play *play, const struct test_row *rows, uint32_t n, int64_t late_s,
                 uint8_t *fates)
{
    struct arena arena = {0};
    struct err err = {0};
    uint8_t own[64];
    struct block block = test_block(&play->grouping, rows, n, &arena);
    cr_assert_eq(state_fold(play->state, &block, NULL, NULL, late_s * 1000000, fates ? fates : own,
                            &play->counts, &err),
                 0, "%s", err.msg);
    arena_fini(&arena);
}

static void expect(struct play *play, int64_t closing_s, uint64_t updated, uint64_t rows,
                   const char *lines)
{
    struct buf out = {0};
    play->counts.updated = 0;
    test_seal(play->state, closing_s * 1000000, 3, &play->counts, &out);
    cr_assert_str_eq(buf_cstr(&out), lines);
    cr_assert_eq(play->counts.updated, updated);
    cr_assert_eq(state_rows(play->state), rows);
    buf_fini(&out);
}

#define FOLD(play, late_s, ...)                                                                    \
    do {                                                                                           \
        struct test_row rows[] = {__VA_ARGS__};                                                    \
        fold((play), rows, COUNT_OF(rows), (late_s), NULL);                                        \
    } while (0)

/* The recorded stream: gap 10 s, delay 10 s, keys a and b. */
Test(session, append_as_recorded)
{
    struct play play;
    start(&play, OUTPUT_APPEND);
    FOLD(&play, 0, row(10, 20, 2, 1), row(30, 40, 2, 2), row(12, 22, 3, 3));
    expect(&play, 0, 3, 3, "");
    FOLD(&play, 0, row(22, 32, 2, 4)); /* joins [30, 40); [10, 20) closes */
    expect(&play, 20, 2, 2, "{10000000;20000000;} 'a' 1 '1'\n");
    FOLD(&play, 20, row(20, 30, 2, 5), row(40, 50, 3, 51));
    expect(&play, 20, 3, 3, "");
    FOLD(&play, 20, row(50, 60, 2, 6), row(53, 63, 2, 7), row(60, 70, 2, 70), row(52, 62, 2, 71));
    expect(&play, 30, 2, 3, "{12000000;22000000;} 'ab' 1 '3'\n");
    FOLD(&play, 30, row(5, 15, 2, 8), row(200, 210, 4, 9));
    expect(&play, 50, 1, 2,
           "{20000000;40000000;} 'a' 3 '5,4,2'\n{40000000;50000000;} 'ab' 1 '51'\n");
    cr_assert_eq(play.counts.late_pairs, 1);
    FOLD(&play, 50, row(6, 16, 4, 10), row(195, 205, 4, 11), row(205, 215, 4, 12));
    expect(&play, 190, 1, 1, "{50000000;70000000;} 'a' 4 '6,71,7,70'\n");
    FOLD(&play, 190, row(300, 310, 4, 13));
    expect(&play, 195, 2, 2, "");
    expect(&play, 290, 0, 1, "{195000000;215000000;} 'abc' 3 '11,9,12'\n");
    state_destroy(play.state);
}

/* Nothing leaves, but what is late is dropped. */
Test(session, complete_as_recorded)
{
    struct play play;
    start(&play, OUTPUT_COMPLETE);
    FOLD(&play, 0, row(10, 20, 2, 1), row(30, 40, 2, 2), row(12, 22, 3, 3));
    expect(&play, 0, 3, 3,
           "{10000000;20000000;} 'a' 1 '1'\n{12000000;22000000;} 'ab' 1 '3'\n"
           "{30000000;40000000;} 'a' 1 '2'\n");
    FOLD(&play, 0, row(22, 32, 2, 4));
    expect(&play, 20, 2, 3,
           "{10000000;20000000;} 'a' 1 '1'\n{12000000;22000000;} 'ab' 1 '3'\n"
           "{22000000;40000000;} 'a' 2 '4,2'\n");
    FOLD(&play, 20, row(5, 15, 2, 8), row(20, 30, 2, 5)); /* touches both */
    expect(&play, 20, 1, 2,
           "{10000000;40000000;} 'a' 4 '1,5,4,2'\n{12000000;22000000;} 'ab' 1 '3'\n");
    cr_assert_eq(play.counts.late_pairs, 1);
    state_destroy(play.state);
}

Test(session, rows_without_a_session)
{
    struct play play;
    uint8_t fates[6];
    start(&play, OUTPUT_APPEND);
    struct test_row rows[] = {row(15, 15, 2, 1), row(15, 14, 2, 2), row(15, 20, 2, 3),
                              row(15, 20, 2, 4), row(15, 20, 2, 5), row(1, 4, 2, 6)};
    rows[2].has_time = false;
    rows[3].has_end = false;
    fold(&play, rows, 6, 4, fates);
    static const uint8_t wanted[] = {STATE_NO_EVENT_TIME, STATE_NO_EVENT_TIME, STATE_NO_EVENT_TIME,
                                     STATE_NO_EVENT_TIME, STATE_ACCEPTED,      STATE_LATE};
    cr_assert_arr_eq(fates, wanted, 6);
    expect(&play, 20, 1, 0, "{15000000;20000000;} 'a' 1 '5'\n");
    state_destroy(play.state);
}

/* A gap of each row's own: a long one joins what a short one would not. */
Test(session, gaps_differ)
{
    struct play play;
    start(&play, OUTPUT_APPEND);
    FOLD(&play, 0, row(10, 15, 2, 1), row(15, 75, 2, 6), row(20, 21, 2, 7));
    expect(&play, 0, 1, 1, "");
    FOLD(&play, 0, row(76, 77, 2, 9), row(74, 76, 2, 10));
    expect(&play, 10, 1, 1, "");
    expect(&play, 76, 0, 1, "");
    expect(&play, 77, 0, 0, "{10000000;77000000;} 'a' 5 '1,6,7,10,9'\n");
    state_destroy(play.state);
}

/* Keys and sessions come and go: memory follows what is left. */
Test(session, memory_follows_a_crowd)
{
    struct play play;
    enum { KEYS = 20000 };
    static struct test_row rows[BLOCK_ROWS_MAX];
    static uint8_t fates[BLOCK_ROWS_MAX];
    start(&play, OUTPUT_APPEND);
    for (uint32_t at = 0; at < KEYS;) {
        uint32_t n = 0;
        for (; n < BLOCK_ROWS_MAX && at < KEYS; n++, at++)
            rows[n] = row(100, at % 1000 ? 110 : 1000, 1001 + at, at);
        fold(&play, rows, n, 0, fates);
    }
    struct buf out = {0};
    test_seal(play.state, 0, 1000, &play.counts, &out);
    size_t full = state_bytes(play.state);
    test_seal(play.state, 500000000, 1000, &play.counts, &out);
    cr_assert_eq(state_rows(play.state), 20);
    cr_assert(state_bytes(play.state) < full / 100, "%zu of %zu bytes left",
              state_bytes(play.state), full);
    buf_clear(&out);
    fold(&play, rows, 1, 0, fates); /* those that moved are found */
    struct test_row late = row(999, 1001, 1001, 7);
    fold(&play, &late, 1, 0, fates);
    test_seal(play.state, 1000000000, 1000, &play.counts, &out);
    cr_assert_eq(state_rows(play.state), 1);
    buf_fini(&out);
    state_destroy(play.state);
}
