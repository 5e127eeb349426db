/* bench_state.c: what the state of the lab query costs, without decoding: rows/s of the fold
 * (window of a minute, two string keys, few groups), then for many groups: time and bytes per
 * group, the longest step of a seal, what is saved and how long that takes.
 *
 *     bench_state [GROUPS [ROUNDS]]
 */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "engine/state.h"
#include "engine/state_bytes.h"

static const char sql[] =
    "SELECT window, type, location, count(*) AS n, sum(amount) AS total, avg(amount) AS mean "
    "FROM tx GROUP BY window(timestamp, '1 minute'), type, "
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
    for (size_t i = 4; i < 5; i++) /* the argument of each aggregate */
        cols[i] = cols[3];
    *block = (struct block){.cols = cols, .col_count = 5};
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

enum { STEP_WORK = 4096 };

/* The longest step, in seconds. */
static double drain(struct state *state, int64_t closing_us)
{
    struct arena arena = {0};
    struct block groups;
    struct err err = {0};
    struct state_counts counts = {0};
    bool done = false;
    double longest = 0;
    state_seal_begin(state, closing_us, &counts);
    while (!done) {
        uint32_t work = STEP_WORK;
        double begin = now_s();
        arena_reset(&arena);
        check(state_seal_step(state, &work, &arena, &groups, &done, &err), &err);
        double took = now_s() - begin;
        longest = took > longest ? took : longest;
    }
    arena_fini(&arena);
    return longest;
}

/* What was saved: contents of chunks, as a checkpoint would have them in files. */
struct saved {
    struct buf *chunks;
    uint32_t *rows;
    uint32_t count;
    size_t bytes;
    double seconds, longest;
};

static struct saved save(struct state *state, enum state_extent extent)
{
    struct saved saved = {0};
    struct err err = {.msg = "no memory"};
    struct buf chunk = {0};
    uint32_t rows = 0;
    bool done = false;
    double began = now_s();
    state_save_begin(state, extent);
    while (!done) {
        uint32_t work = STEP_WORK;
        double begin = now_s();
        if (chunk.n == 0)
            buf_append(&chunk, "head", 4);
        check(state_save_step(state, &chunk, &rows, &work, &done), &err);
        if (done || chunk.n >= SAVED_CHUNK_BYTES) {
            saved.chunks = realloc(saved.chunks, (saved.count + 1) * sizeof *saved.chunks);
            saved.rows = realloc(saved.rows, (saved.count + 1) * sizeof *saved.rows);
            saved.chunks[saved.count] = chunk;
            saved.rows[saved.count++] = rows;
            saved.bytes += chunk.n;
            chunk = (struct buf){0};
            rows = 0;
        }
        double took = now_s() - begin;
        saved.longest = took > saved.longest ? took : saved.longest;
    }
    saved.seconds = now_s() - began;
    return saved;
}

static void load(struct state *state, struct saved *saved)
{
    struct err err = {.msg = "damaged"};
    double longest = 0, began = now_s();
    state_load_begin(state, STATE_SNAPSHOT);
    for (uint32_t i = 0; i < saved->count; i++) {
        struct buf *chunk = &saved->chunks[i];
        struct state_reader in = {chunk->p + 4, chunk->p + chunk->n, false};
        while (saved->rows[i]) {
            uint32_t work = STEP_WORK;
            double begin = now_s();
            check(state_load_step(state, &in, &saved->rows[i], &work), &err);
            double took = now_s() - begin;
            longest = took > longest ? took : longest;
        }
    }
    printf("loaded: %.2f s, longest step %.2f ms, %.1f bytes per group\n", now_s() - began,
           longest * 1e3, (double)state_bytes(state) / (double)state_rows(state));
}

static void saved_fini(struct saved *saved)
{
    for (uint32_t i = 0; i < saved->count; i++)
        buf_fini(&saved->chunks[i]);
    free(saved->chunks);
    free(saved->rows);
}

static void bench_fold(const struct sql_grouping *grouping, uint32_t rounds)
{
    struct arena arena = {0};
    struct vec cols[5];
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

/* Rows of `groups` groups from `first` on, each once. */
static double fold_groups(struct state *state, struct block *block, struct texts *texts,
                          uint32_t first, uint32_t groups)
{
    struct err err = {0};
    struct state_counts counts = {0};
    uint8_t fates[BLOCK_ROWS_MAX];
    int64_t clock_us = 1700000000000000;
    double spent = 0;
    for (uint32_t at = 0; at < groups; at += BLOCK_ROWS_MAX) {
        make_rows(block, block->cols, texts, first + at, UINT32_MAX, &clock_us);
        double begin = now_s();
        check(state_fold(state, block, NULL, NULL, 0, fates, &counts, &err), &err);
        spent += now_s() - begin;
    }
    return spent;
}

static void bench_groups(const struct sql_grouping *grouping, uint32_t groups)
{
    struct arena arena = {0};
    struct vec cols[5];
    struct block block;
    struct texts *texts = calloc(1, sizeof *texts);
    struct state *state, *copy;
    struct err err = {0};
    check(state_create(&state, grouping, OUTPUT_APPEND), &err);
    check(state_create(&copy, grouping, OUTPUT_APPEND), &err);
    make_block(&block, cols, &arena);
    double fold = fold_groups(state, &block, texts, 0, groups), begin = now_s();
    double longest = drain(state, 0), n = (double)state_rows(state);
    printf("%.0f groups: fold %.0f ns per group, seal %.2f s, longest step %.2f ms, %.1f bytes per "
           "group\n",
           n, fold / n * 1e9, now_s() - begin, longest * 1e3, (double)state_bytes(state) / n);
    fold = fold_groups(state, &block, texts, groups / 4, groups / 2);
    begin = now_s();
    longest = drain(state, 0);
    printf("half of them again: seal %.2f s, longest step %.2f ms\n", now_s() - begin,
           longest * 1e3);
    struct saved whole = save(state, STATE_SNAPSHOT);
    printf("snapshot: %.2f s, longest step %.2f ms, %zu bytes, %.1f per group\n", whole.seconds,
           whole.longest * 1e3, whole.bytes, (double)whole.bytes / n);
    fold_groups(state, &block, texts, groups / 2, groups / 100);
    begin = now_s();
    longest = drain(state, 0);
    double sealed = now_s() - begin;
    struct saved delta = save(state, STATE_DELTA);
    printf("1 %% touched: seal %.4f s, delta %.4f s, longest step %.2f ms, %zu bytes\n", sealed,
           delta.seconds, delta.longest * 1e3, delta.bytes);
    load(copy, &whole);
    begin = now_s();
    longest = drain(state, INT64_MAX);
    printf("all given out and freed: %.2f s, longest step %.2f ms, %zu bytes left\n",
           now_s() - begin, longest * 1e3, state_bytes(state));
    saved_fini(&whole);
    saved_fini(&delta);
    state_destroy(state);
    state_destroy(copy);
    arena_fini(&arena);
    free(texts);
}

int main(int argc, char **argv)
{
    uint32_t groups = argc > 1 ? (uint32_t)atoi(argv[1]) : 1000000;
    uint32_t rounds = argc > 2 ? (uint32_t)atoi(argv[2]) : 2000;
    mallopt(M_MMAP_THRESHOLD, 256 << 10); /* as in main.c */
    struct sql_query *query = make_query();
    bench_fold(sql_query_grouping(query), rounds);
    bench_groups(sql_query_grouping(query), groups);
    sql_query_destroy(query);
    return 0;
}
