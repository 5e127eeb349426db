/* state_fixture.h: groupings with aggregates of the test's own, blocks of rows, and states as text.
 *
 * Aggregates: a count, whose accumulator has no codec of its own, and a list of the values in the
 * order they came, on the heap, with a filter: every mistake of order, merging or moving shows. */
#pragma once

#include "engine/state.h"

enum test_kind {
    TEST_GLOBAL,
    TEST_KEYS,      /* STRING, INT */
    TEST_TUMBLING,  /* 10 s; STRING */
    TEST_SLIDING,   /* 12 s every 5 s from 2 s; DOUBLE */
    TEST_EVENT_KEY, /* STRING, the event time */
    TEST_SESSION,   /* STRING */
    TEST_NESTED,    /* 10 s; STRUCT<a: STRING, b: STRUCT<c: DOUBLE, d: BOOLEAN>>, DECIMAL, VOID */
    TEST_BARE,      /* 10 s and no key */
    TEST_KIND_COUNT
};

struct test_grouping {
    struct sql_grouping sql;
    struct aggregate_call calls[2];
    const struct type *key_types[3];
    struct field fields[8];
    struct type schema;
    struct field window_fields[2], inner_fields[2], outer_fields[2];
    struct type window_type, inner_type, outer_type, decimal_type;
    struct expr *arg, *filter;
};

/* A row before it is columns. */
struct test_row {
    bool has_time, has_end, has_value, filter;
    int64_t time, end; /* microseconds; end: sessions */
    uint32_t keys[3];  /* which of the values a key can have */
    int64_t value;
};

void test_grouping_init(struct test_grouping *grouping, enum test_kind kind, bool watermarked);

/* The columns of sql_run_inputs. */
struct block test_block(const struct test_grouping *grouping, const struct test_row *rows,
                        uint32_t n, struct arena *arena);
/* The columns of the keys. */
struct vec *test_keys(const struct test_grouping *grouping, const struct test_row *rows, uint32_t n,
                      struct arena *arena);

/* Appends a value as text. normal: of doubles, what a group shows. */
void test_print(const struct vec *vec, uint32_t row, bool normal, struct buf *out);

/* Seals in steps of `work`; appends all that is given out: a line per group, in its order. Checks
 * that blocks are full. */
void test_seal(struct state *state, int64_t closing_us, uint32_t work, struct state_counts *counts,
               struct buf *out);
/* The lines sorted. */
char *test_sorted(const struct buf *lines);

/* What was saved: the contents of chunks. */
struct test_saved {
    enum state_extent extent;
    int64_t closing_us;
    struct buf chunks[64];
    uint32_t rows[64];
    uint32_t count;
};

void test_save(struct state *state, enum state_extent extent, uint32_t work,
               struct test_saved *out);
int test_load(struct state *state, const struct test_saved *saved, uint32_t work);
bool test_saved_equal(const struct test_saved *a, const struct test_saved *b);
void test_saved_fini(struct test_saved *saved);

/* A random number below n. */
uint32_t test_random(uint64_t *seed, uint32_t n);
