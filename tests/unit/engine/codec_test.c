/* Saved state: damage that a checksum did not see, and the checksum. Round trips are in
 * state_test.c, chunks and words in saved_test.c. */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "base/crc32c.h"
#include "state_fixture.h"

static const enum test_kind kinds[] = {TEST_GLOBAL,    TEST_KEYS,    TEST_TUMBLING, TEST_SLIDING,
                                       TEST_EVENT_KEY, TEST_SESSION, TEST_NESTED,   TEST_BARE};

static struct state *make(struct test_grouping *grouping, enum test_kind kind)
{
    struct state *state;
    test_grouping_init(grouping, kind, true);
    cr_assert_eq(state_create(&state, &grouping->sql, OUTPUT_APPEND), 0);
    return state;
}

/* A state with some groups, as bytes. */
static void save_some(enum test_kind kind, enum state_extent extent, struct test_saved *out)
{
    struct test_grouping grouping;
    struct state *state = make(&grouping, kind);
    struct test_row rows[40];
    struct arena arena = {0};
    struct err err = {0};
    struct state_counts counts = {0};
    struct buf lines = {0};
    uint8_t fates[40];
    int64_t offsets[40];
    for (uint32_t i = 0; i < 40; i++) {
        int64_t time = i * 1500000;
        rows[i] =
            (struct test_row){true, true, true, true, time, time + 1000000, {i % 14, i % 9}, i};
        offsets[i] = i + 100;
    }
    struct block block = test_block(&grouping, rows, 40, &arena);
    for (uint32_t p = 0; p < 3; p++)
        cr_assert_eq(state_fold(state, &block, NULL, &(struct state_origin){p, offsets}, 0, fates,
                                &counts, &err),
                     0);
    test_seal(state, 7000000, 50, &counts, &lines);
    buf_fini(&lines);
    test_save(state, extent, 50, out);
    cr_assert_eq(out->count, 1);
    state_destroy(state);
    arena_fini(&arena);
}

static int load(enum test_kind kind, const struct test_saved *saved)
{
    struct test_grouping grouping;
    struct state *state = make(&grouping, kind);
    int code = test_load(state, saved, 30);
    state_destroy(state);
    return code;
}

Test(codec, checksum_is_crc32c)
{
    cr_assert_eq(crc32c(0, STR("123456789")), 0xe3069283);
    cr_assert_eq(crc32c(crc32c(0, STR("12345")), STR("6789")), 0xe3069283);
    cr_assert_eq(crc32c(0, (struct str){0}), 0);
}

/* RFC 3720 B.4: 32 bytes of zeros, of ones, ascending. */
Test(codec, checksum_of_the_rfc)
{
    char zeros[32] = {0}, ones[32], up[32];
    memset(ones, 0xff, sizeof ones);
    for (int i = 0; i < 32; i++)
        up[i] = (char)i;
    cr_assert_eq(crc32c(0, (struct str){zeros, 32}), 0x8a9136aa);
    cr_assert_eq(crc32c(0, (struct str){ones, 32}), 0x62a8ab43);
    cr_assert_eq(crc32c(0, (struct str){up, 32}), 0x46dd794e);
}

Test(codec, every_cut_is_noticed)
{
    for (size_t k = 0; k < COUNT_OF(kinds); k++) {
        struct test_saved saved;
        save_some(kinds[k], k % 2 ? STATE_DELTA : STATE_SNAPSHOT, &saved);
        cr_assert_eq(load(kinds[k], &saved), 0);
        size_t whole = saved.chunks[0].n;
        for (saved.chunks[0].n = 4; saved.chunks[0].n < whole; saved.chunks[0].n++)
            cr_assert_eq(load(kinds[k], &saved), ERR_CORRUPT);
        saved.rows[0]--;
        cr_assert_eq(load(kinds[k], &saved), ERR_CORRUPT);
        test_saved_fini(&saved);
    }
}

/* What a checksum cannot see must not harm. */
Test(codec, forged_bytes_do_no_harm)
{
    uint64_t seed = 5;
    for (size_t k = 0; k < COUNT_OF(kinds); k++) {
        struct test_saved saved;
        save_some(kinds[k], k % 2 ? STATE_DELTA : STATE_SNAPSHOT, &saved);
        struct buf *chunk = &saved.chunks[0];
        for (int i = 0; i < 3000; i++) {
            char old[3];
            uint32_t at[3], changes = 1 + test_random(&seed, 3);
            for (uint32_t c = 0; c < changes; c++) {
                at[c] = 4 + test_random(&seed, (uint32_t)chunk->n - 4);
                old[c] = chunk->p[at[c]];
                chunk->p[at[c]] ^= (char)(1 << test_random(&seed, 8));
            }
            int code = load(kinds[k], &saved);
            cr_assert(code == 0 || code == ERR_CORRUPT);
            while (changes-- > 0)
                chunk->p[at[changes]] = old[changes];
        }
        cr_assert_eq(load(kinds[k], &saved), 0);
        test_saved_fini(&saved);
    }
}

/* A group that is there twice is damage in a snapshot; a delta may replace it. */
Test(codec, a_snapshot_has_no_group_twice)
{
    for (size_t k = 0; k < COUNT_OF(kinds); k++) {
        for (int extent = STATE_SNAPSHOT; extent <= STATE_DELTA; extent++) {
            struct test_saved saved;
            save_some(kinds[k], (enum state_extent)extent, &saved);
            buf_append_str(&saved.chunks[1], buf_str(&saved.chunks[0]));
            saved.rows[1] = saved.rows[0];
            saved.count = 2;
            cr_assert_eq(load(kinds[k], &saved), extent == STATE_DELTA ? 0 : ERR_CORRUPT);
            test_saved_fini(&saved);
        }
    }
}
