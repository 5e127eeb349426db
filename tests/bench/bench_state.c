/* bench_state.c: what the state of the lab query costs, without decoding: rows/s of the fold
 * (window of a minute, two string keys, five aggregates, few groups), then time and bytes per group
 * for many.
 *
 *     bench_state [GROUPS [ROUNDS]]
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "engine/state.h"

static const char sql[] =
    "SELECT window, type, location, count(*) AS n, sum(amount) AS total, avg(amount) AS mean, "
    "min(amount) AS low, max(amount) AS high FROM tx GROUP BY window(timestamp, '1 minute'), type, "
    "location";

/* Of the processor: others may be busy too. */
static double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void check(int code, const struct err *err)
{
    if (code == 0)
        return;
    fprintf(stderr, "bench_state: %d %s\n", code, err->msg);
    exit(1);
}

/* What stands behind a block's strings. */
struct texts {
    char bytes[BLOCK_ROWS_MAX][24];
};

static void make_rows(struct block *block, struct vec cols[5], struct texts *texts, uint32_t first,
                      uint32_t groups, int64_t *clock_us)
{
    static const char *const types[] = {"purchase", "withdrawal", "transfer"};
    static unsigned seed = 1;
    for (uint32_t i = 0; i < BLOCK_ROWS_MAX; i++) {
        unsigned r = (unsigned)rand_r(&seed);
        cols[0].i64[i] = *clock_us += groups ? 0 : 1000;
        cols[1].str[i] = str_of(types[r % 3]);
        if (groups) {
            int n = snprintf(texts->bytes[i], sizeof texts->bytes[i], "user_%u", first + i);
            cols[1].str[i] = (struct str){texts->bytes[i], (size_t)n};
        }
        cols[2].str[i] = str_of((groups ? i : r) & 64 ? "store" : "online");
        cols[3].f64[i] = (double)(r % 100000) / 100;
    }
    block->rows = BLOCK_ROWS_MAX;
}

static void make_block(struct block *block, struct vec *cols, struct arena *arena)
{
    static const enum type_kind kinds[] = {TYPE_TIMESTAMP, TYPE_STRING, TYPE_STRING, TYPE_DOUBLE};
    struct err err = {.msg = "no memory"};
    for (size_t i = 0; i < COUNT_OF(kinds); i++)
        check(vec_init(&cols[i], type_simple(kinds[i]), BLOCK_ROWS_MAX, arena), &err);
    for (size_t i = 4; i < 7; i++) /* the argument of each aggregate */
        cols[i] = cols[3];
    *block = (struct block){.cols = cols, .col_count = 7};
}

static struct sql_query *make_query(void)
{
    static const struct sql_column columns[] = {{STR("timestamp"), NULL, false},
                                                {STR("type"), NULL, false},
                                                {STR("location"), NULL, false},
                                                {STR("amount"), NULL, false}};
    static struct sql_column typed[4];
    static const enum type_kind kinds[] = {TYPE_TIMESTAMP, TYPE_STRING, TYPE_STRING, TYPE_DOUBLE};
    for (int i = 0; i < 4; i++) {
        typed[i] = columns[i];
        typed[i].type = type_simple(kinds[i]);
    }
    struct sql_scope scope = {.view = STR("tx"), .columns = typed, .count = 4, .event_time = 0};
    struct sql_query *query;
    struct sql_error error;
    struct sql_errors errors = {&error, 1, 0};
    if (sql_query_create(&query, str_of(sql), &scope, &errors) != 0) {
        fprintf(stderr, "bench_state: %s\n", error.message);
        exit(1);
    }
    return query;
}

static void drain(struct state *state, int64_t closing_us)
{
    struct arena arena = {0};
    struct block groups;
    struct err err = {0};
    struct state_counts counts = {0};
    check(state_seal(state, closing_us, &counts, &err), &err);
    do {
        arena_reset(&arena);
        check(state_next(state, &arena, &groups, &err), &err);
    } while (groups.rows);
    arena_fini(&arena);
}

static void bench_fold(const struct sql_grouping *grouping, uint32_t rounds)
{
    struct arena arena = {0};
    struct vec cols[7];
    struct block block;
    struct texts *texts = calloc(1, sizeof *texts);
    struct state *state;
    struct err err = {0};
    struct state_counts counts = {0};
    uint8_t fates[BLOCK_ROWS_MAX];
    int64_t clock_us = 1700000000000000, offsets[BLOCK_ROWS_MAX] = {0};
    double spent = 0;
    check(state_create(&state, grouping, OUTPUT_APPEND), &err);
    make_block(&block, cols, &arena);
    for (uint32_t i = 0; i < rounds; i++) {
        make_rows(&block, cols, texts, 0, 0, &clock_us);
        double begin = now_s();
        struct state_origin origin = {0, offsets};
        check(state_fold(state, &block, NULL, &origin, 0, fates, &counts, &err), &err);
        if (i % 64 == 63)
            drain(state, clock_us - 60000000);
        spent += now_s() - begin;
    }
    double rows = (double)rounds * BLOCK_ROWS_MAX;
    printf("fold, few groups: %.1f M rows/s, %.1f ns per row\n", rows / spent / 1e6,
           spent / rows * 1e9);
    state_destroy(state);
    arena_fini(&arena);
    free(texts);
}

static void bench_groups(const struct sql_grouping *grouping, uint32_t groups)
{
    struct arena arena = {0};
    struct vec cols[7];
    struct block block;
    struct texts *texts = calloc(1, sizeof *texts);
    struct state *state;
    struct err err = {0};
    struct state_counts counts = {0};
    uint8_t fates[BLOCK_ROWS_MAX];
    int64_t clock_us = 1700000000000000;
    check(state_create(&state, grouping, OUTPUT_APPEND), &err);
    make_block(&block, cols, &arena);
    for (int round = 0; round < 2; round++) {
        double fold = 0, worst = 0, begin;
        for (uint32_t at = 0; at < groups; at += BLOCK_ROWS_MAX) {
            make_rows(&block, cols, texts, at, groups, &clock_us);
            begin = now_s();
            check(state_fold(state, &block, NULL, NULL, 0, fates, &counts, &err), &err);
            double took = now_s() - begin;
            fold += took;
            worst = took > worst ? took : worst;
        }
        begin = now_s();
        drain(state, 0);
        double sealed = now_s() - begin;
        double n = (double)state_rows(state);
        printf(
            "%.0f groups, batch %d: fold %.0f ns per group (longest block %.2f ms), seal %.0f ns "
            "per group, %.1f bytes per group\n",
            n, round + 1, fold / n * 1e9, worst * 1e3, sealed / n * 1e9,
            (double)state_bytes(state) / n);
    }
    struct buf out = {0};
    double n = (double)state_rows(state), begin = now_s();
    check(state_encode(state, STATE_SNAPSHOT, &out), &err);
    printf("snapshot: %.0f ns and %.1f bytes per group\n", (now_s() - begin) / n * 1e9,
           (double)out.n / n);
    begin = now_s();
    check(state_decode(state, buf_str(&out), &err), &err);
    printf("read back: %.0f ns per group\n", (now_s() - begin) / n * 1e9);
    begin = now_s();
    drain(state, INT64_MAX);
    printf("all given out and freed: %.0f ns per group, %zu bytes left\n",
           (now_s() - begin) / n * 1e9, state_bytes(state));
    buf_fini(&out);
    state_destroy(state);
    arena_fini(&arena);
    free(texts);
}

int main(int argc, char **argv)
{
    uint32_t groups = argc > 1 ? (uint32_t)atoi(argv[1]) : 1000000;
    uint32_t rounds = argc > 2 ? (uint32_t)atoi(argv[2]) : 2000;
    struct sql_query *query = make_query();
    bench_fold(sql_query_grouping(query), rounds);
    bench_groups(sql_query_grouping(query), groups);
    sql_query_destroy(query);
    return 0;
}
