/* Saved state: what is refused and with which words. Round trips are in state_test.c. */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "base/crc32c.h"
#include "engine/dedup.h"
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
static struct buf saved(enum test_kind kind, enum state_extent extent)
{
    struct test_grouping grouping;
    struct state *state = make(&grouping, kind);
    struct test_row rows[40];
    struct arena arena = {0};
    struct err err = {0};
    struct state_counts counts = {0};
    struct buf out = {0};
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
    cr_assert_eq(state_seal(state, 7000000, &counts, &err), 0);
    test_drain(state, &out);
    buf_clear(&out);
    cr_assert_eq(state_encode(state, extent, &out), 0);
    state_destroy(state);
    arena_fini(&arena);
    return out;
}

static int decode(enum test_kind kind, struct str bytes, struct err *err)
{
    struct test_grouping grouping;
    struct state *state = make(&grouping, kind);
    char *copy = malloc(bytes.n ? bytes.n : 1); /* of its exact size, for the sanitizers */
    memcpy(copy, bytes.p ? bytes.p : "", bytes.n);
    int code = state_decode(state, (struct str){copy, bytes.n}, err);
    free(copy);
    state_destroy(state);
    return code;
}

static void fix_checksum(struct str bytes)
{
    uint32_t sum = crc32c(0, (struct str){bytes.p, bytes.n - 4});
    for (size_t i = 0; i < 4; i++)
        ((char *)bytes.p)[bytes.n - 4 + i] = (char)(sum >> (8 * i));
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

Test(codec, every_cut_and_every_changed_byte_is_noticed)
{
    for (size_t k = 0; k < COUNT_OF(kinds); k++) {
        struct buf bytes = saved(kinds[k], k % 2 ? STATE_DELTA : STATE_SNAPSHOT);
        struct err err;
        cr_assert_eq(decode(kinds[k], buf_str(&bytes), &err), 0);
        for (size_t n = 0; n < bytes.n; n++) {
            cr_assert_eq(decode(kinds[k], (struct str){bytes.p, n}, &err), ERR_CORRUPT);
            bytes.p[n] ^= 4;
            cr_assert_eq(decode(kinds[k], buf_str(&bytes), &err), ERR_CORRUPT);
            bytes.p[n] ^= 4;
        }
        buf_fini(&bytes);
    }
}

/* What a checksum cannot see must not harm either. */
Test(codec, forged_bytes_do_no_harm)
{
    uint64_t seed = 5;
    for (size_t k = 0; k < COUNT_OF(kinds); k++) {
        struct buf bytes = saved(kinds[k], k % 2 ? STATE_DELTA : STATE_SNAPSHOT);
        struct err err;
        for (int i = 0; i < 3000; i++) {
            struct buf forged = {0};
            buf_append_str(&forged, buf_str(&bytes));
            for (uint32_t changes = 1 + test_random(&seed, 3); changes > 0; changes--)
                forged.p[12 + test_random(&seed, (uint32_t)forged.n - 16)] ^=
                    (char)(1 << test_random(&seed, 8));
            fix_checksum(buf_str(&forged));
            int code = decode(kinds[k], buf_str(&forged), &err);
            cr_assert(code == 0 || code == ERR_CORRUPT);
            buf_fini(&forged);
        }
        buf_fini(&bytes);
    }
}

Test(codec, says_what_is_wrong)
{
    struct err err;
    struct buf bytes = saved(TEST_TUMBLING, STATE_SNAPSHOT);
    cr_assert_eq(decode(TEST_SESSION, buf_str(&bytes), &err), ERR_CORRUPT);
    cr_assert_str_eq(
        err.msg, "the saved state is of another query: it keeps \"window(10000000, 10000000, 0) "
                 "keys(STRING) test_count() test_list(BIGINT)\", this one keeps "
                 "\"session_window keys(STRING) test_count() test_list(BIGINT)\"");
    cr_assert_eq(decode(TEST_TUMBLING, STR("not a state at all"), &err), ERR_CORRUPT);
    cr_assert_str_eq(err.msg, "these bytes are not a saved state of sluice");
    bytes.p[8] = 2;
    fix_checksum(buf_str(&bytes));
    cr_assert_eq(decode(TEST_TUMBLING, buf_str(&bytes), &err), ERR_CORRUPT);
    cr_assert_str_eq(err.msg, "the saved state has format 2, this version of sluice reads up to 1: "
                              "it was made by a newer one, or is damaged");
    bytes.p[8] = 1;
    bytes.p[30] ^= 1;
    cr_assert_eq(decode(TEST_TUMBLING, buf_str(&bytes), &err), ERR_CORRUPT);
    cr_assert_str_eq(err.msg, "the saved state is damaged: its checksum is wrong");
    buf_fini(&bytes);
}

Test(codec, dedup_and_groups_are_told_apart)
{
    struct err err;
    struct dedup *dedup;
    const struct type *types[] = {type_simple(TYPE_STRING)};
    struct buf bytes = saved(TEST_KEYS, STATE_SNAPSHOT), own = {0};
    cr_assert_eq(dedup_create(&dedup, types, 1, 0), 0);
    cr_assert_eq(dedup_decode(dedup, buf_str(&bytes), &err), ERR_CORRUPT);
    cr_assert_eq(dedup_encode(dedup, STATE_SNAPSHOT, &own), 0);
    cr_assert_eq(dedup_decode(dedup, buf_str(&own), &err), 0);
    cr_assert_eq(decode(TEST_KEYS, buf_str(&own), &err), ERR_CORRUPT);
    dedup_destroy(dedup);
    buf_fini(&bytes);
    buf_fini(&own);
}

Test(codec, a_state_takes_another_snapshot)
{
    for (size_t k = 0; k < COUNT_OF(kinds); k++) {
        struct test_grouping grouping;
        struct state *state = make(&grouping, kinds[k]);
        struct buf bytes = saved(kinds[k], STATE_SNAPSHOT), again = {0};
        struct err err;
        for (int i = 0; i < 3; i++)
            cr_assert_eq(state_decode(state, buf_str(&bytes), &err), 0);
        cr_assert_eq(state_encode(state, STATE_SNAPSHOT, &again), 0);
        cr_assert(str_eq(buf_str(&bytes), buf_str(&again)));
        buf_fini(&bytes);
        buf_fini(&again);
        state_destroy(state);
    }
}
