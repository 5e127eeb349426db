#include "state_fixture.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/state_bytes.h"
#include "sql/expr.h"

/* ---- aggregates ---- */

struct list {
    int64_t *items;
    uint64_t count; /* the room is the count rounded up to a power of two */
};

static size_t list_room(uint64_t count)
{
    size_t room = 1;
    while (room < count)
        room *= 2;
    return count ? room * sizeof(int64_t) : 0;
}

static void list_add(struct state_heap *heap, struct list *list, int64_t value)
{
    size_t old = list_room(list->count), new = list_room(list->count + 1);
    if (new != old)
        list->items = state_realloc(heap, list->items, old, new);
    list->items[list->count++] = value;
}

static int list_update(const struct aggregate_call *call, struct state_heap *heap,
                       char *const *groups, size_t offset, const struct vec *args, uint32_t n,
                       struct err *err)
{
    (void)call, (void)err;
    for (uint32_t i = 0; i < n; i++) {
        if (groups[i] && !vec_is_null(args, i))
            list_add(heap, (struct list *)(void *)(groups[i] + offset), args->i64[i]);
    }
    return 0;
}

static int list_merge(const struct aggregate_call *call, struct state_heap *heap, void *into,
                      const void *from, struct err *err)
{
    const struct list *more = from;
    (void)call, (void)err;
    for (uint64_t i = 0; i < more->count; i++)
        list_add(heap, into, more->items[i]);
    return 0;
}

static int list_result(const struct aggregate_call *call, char *const *groups, size_t offset,
                       uint32_t n, struct arena *arena, struct vec *out, struct err *err)
{
    (void)err;
    if (vec_init(out, call->result, n, arena) != 0)
        return ERR_NOMEM;
    for (uint32_t i = 0; i < n; i++) {
        const struct list *list = (const struct list *)(const void *)(groups[i] + offset);
        struct buf text = {0};
        for (uint64_t k = 0; k < list->count; k++)
            buf_printf(&text, "%s%lld", k ? "," : "", (long long)list->items[k]);
        out->str[i] = arena_str(arena, buf_str(&text));
        buf_fini(&text);
    }
    return 0;
}

static void list_free(const struct aggregate_call *call, struct state_heap *heap, void *acc)
{
    struct list *list = acc;
    (void)call;
    state_free(heap, list->items, list_room(list->count));
}

static void list_encode(const struct aggregate_call *call, const void *acc, struct buf *out)
{
    const struct list *list = acc;
    (void)call;
    for (int i = 0; i < 4; i++)
        buf_append_char(out, (char)(list->count >> (8 * i)));
    for (uint64_t k = 0; k < list->count; k++) {
        for (int i = 0; i < 8; i++)
            buf_append_char(out, (char)((uint64_t)list->items[k] >> (8 * i)));
    }
}

static int list_decode(const struct aggregate_call *call, struct state_heap *heap,
                       struct state_reader *in, void *acc)
{
    uint32_t count = state_read_u32(in);
    (void)call;
    for (uint32_t i = 0; i < count && !in->failed; i++)
        list_add(heap, acc, (int64_t)state_read_u64(in));
    return in->failed ? ERR_CORRUPT : 0;
}

static int count_update(const struct aggregate_call *call, struct state_heap *heap,
                        char *const *groups, size_t offset, const struct vec *args, uint32_t n,
                        struct err *err)
{
    (void)call, (void)heap, (void)args, (void)err;
    for (uint32_t i = 0; i < n; i++) {
        if (groups[i])
            ++*(int64_t *)(void *)(groups[i] + offset);
    }
    return 0;
}

static int count_merge(const struct aggregate_call *call, struct state_heap *heap, void *into,
                       const void *from, struct err *err)
{
    (void)call, (void)heap, (void)err;
    *(int64_t *)into += *(const int64_t *)from;
    return 0;
}

static int count_result(const struct aggregate_call *call, char *const *groups, size_t offset,
                        uint32_t n, struct arena *arena, struct vec *out, struct err *err)
{
    (void)err;
    if (vec_init(out, call->result, n, arena) != 0)
        return ERR_NOMEM;
    for (uint32_t i = 0; i < n; i++)
        out->i64[i] = *(const int64_t *)(const void *)(groups[i] + offset);
    return 0;
}

static const struct aggregate_ops list_ops = {list_update, list_merge,  list_result,
                                              list_free,   list_encode, list_decode};
static const struct aggregate_ops count_ops = {
    .update = count_update, .merge = count_merge, .result = count_result};
static const struct aggregate list_aggregate = {.name = "test_list"};
static const struct aggregate count_aggregate = {.name = "test_count"};
static struct expr arg_expr, filter_expr, *list_args[] = {&arg_expr};

/* ---- groupings ---- */

static void add_key(struct test_grouping *grouping, const struct type *type)
{
    grouping->key_types[grouping->sql.key_count++] = type;
}

static void make_types(struct test_grouping *g)
{
    g->window_fields[0] = (struct field){STR("start"), type_simple(TYPE_TIMESTAMP)};
    g->window_fields[1] = (struct field){STR("end"), type_simple(TYPE_TIMESTAMP)};
    g->window_type =
        (struct type){.kind = TYPE_STRUCT, .field_count = 2, .fields = g->window_fields};
    g->inner_fields[0] = (struct field){STR("c"), type_simple(TYPE_DOUBLE)};
    g->inner_fields[1] = (struct field){STR("d"), type_simple(TYPE_BOOLEAN)};
    g->inner_type = (struct type){.kind = TYPE_STRUCT, .field_count = 2, .fields = g->inner_fields};
    g->outer_fields[0] = (struct field){STR("a"), type_simple(TYPE_STRING)};
    g->outer_fields[1] = (struct field){STR("b"), &g->inner_type};
    g->outer_type = (struct type){.kind = TYPE_STRUCT, .field_count = 2, .fields = g->outer_fields};
    g->decimal_type = (struct type){.kind = TYPE_DECIMAL, .precision = 38, .scale = 2};
}

static void make_keys(struct test_grouping *g, enum test_kind kind)
{
    struct sql_grouping *sql = &g->sql;
    switch (kind) {
    case TEST_KEYS:
        add_key(g, type_simple(TYPE_STRING));
        add_key(g, type_simple(TYPE_INT));
        break;
    case TEST_TUMBLING:
    case TEST_SESSION:
        add_key(g, type_simple(TYPE_STRING));
        break;
    case TEST_SLIDING:
        add_key(g, type_simple(TYPE_DOUBLE));
        break;
    case TEST_EVENT_KEY:
        add_key(g, type_simple(TYPE_STRING));
        add_key(g, type_simple(TYPE_TIMESTAMP));
        sql->event_key = 1;
        break;
    case TEST_NESTED:
        add_key(g, &g->outer_type);
        add_key(g, &g->decimal_type);
        add_key(g, type_simple(TYPE_VOID));
        break;
    default:
        break;
    }
}

static void make_schema(struct test_grouping *g)
{
    uint32_t n = 0;
    if (g->sql.window != SQL_WINDOW_NONE)
        g->fields[n++] = (struct field){STR("window"), &g->window_type};
    for (uint32_t i = 0; i < g->sql.key_count; i++)
        g->fields[n++] = (struct field){STR("key"), g->key_types[i]};
    for (uint32_t a = 0; a < g->sql.aggregate_count; a++)
        g->fields[n++] = (struct field){STR("result"), g->calls[a].result};
    g->schema = (struct type){.kind = TYPE_STRUCT, .field_count = n, .fields = g->fields};
    g->sql.group_schema = &g->schema;
}

void test_grouping_init(struct test_grouping *g, enum test_kind kind, bool watermarked)
{
    *g = (struct test_grouping){0};
    struct sql_grouping *sql = &g->sql;
    sql->event_key = -1;
    sql->watermarked = watermarked && kind != TEST_GLOBAL && kind != TEST_KEYS;
    sql->key_types = g->key_types;
    make_types(g);
    make_keys(g, kind);
    if (kind == TEST_SESSION)
        sql->window = SQL_WINDOW_SESSION;
    if (kind == TEST_TUMBLING || kind == TEST_NESTED || kind == TEST_BARE) {
        sql->window = SQL_WINDOW_TIME;
        sql->size_us = sql->slide_us = 10000000;
    }
    if (kind == TEST_SLIDING) {
        sql->window = SQL_WINDOW_TIME;
        sql->size_us = 12000000;
        sql->slide_us = 5000000;
        sql->start_us = 2000000;
    }
    arg_expr.type = type_simple(TYPE_BIGINT);
    filter_expr.type = type_simple(TYPE_BOOLEAN);
    g->calls[0] = (struct aggregate_call){.aggregate = &count_aggregate,
                                          .result = type_simple(TYPE_BIGINT),
                                          .size = 16,
                                          .ops = &count_ops};
    g->calls[1] = (struct aggregate_call){.aggregate = &list_aggregate,
                                          .arg_count = 1,
                                          .args = list_args,
                                          .filter = &filter_expr,
                                          .result = type_simple(TYPE_STRING),
                                          .size = 16,
                                          .ops = &list_ops};
    sql->aggregates = g->calls;
    sql->aggregate_count = 2;
    make_schema(g);
}

/* ---- blocks ---- */

static void put_string(struct vec *vec, uint32_t row, uint32_t pick, struct arena *arena)
{
    static const char *const texts[] = {"",          "a",      "ab",       "abc",
                                        "abcd",      "abcdx",  "purchase", "purchasf",
                                        "purchases", "online", "store",    "transferred money"};
    struct buf text = {0};
    if (pick == 0) {
        vec_set_null(vec, row);
        vec->str[row] = (struct str){NULL, 0};
        return;
    }
    if (pick <= COUNT_OF(texts))
        buf_printf(&text, "%s", texts[pick - 1]);
    else
        buf_append_repeat(&text, (char)('a' + pick % 3), 100 + pick);
    if (pick > 1000)
        buf_printf(&text, "%u", pick);
    vec->str[row] = arena_str(arena, buf_str(&text));
    buf_fini(&text);
}

static void put_key(struct vec *vec, uint32_t row, uint32_t pick, const struct test_row *in,
                    struct arena *arena)
{
    static const double doubles[] = {0.0, -0.0, 1.5, -1e300, 7, 8};
    bool null = pick == 0;
    switch (vec->type->kind) {
    case TYPE_STRING:
        put_string(vec, row, pick, arena);
        return;
    case TYPE_INT:
        vec->i32[row] = (int32_t)pick - 5;
        break;
    case TYPE_DOUBLE:
        vec->f64[row] = pick % 8 == 6   ? (double)NAN
                        : pick % 8 == 7 ? -(double)NAN
                                        : doubles[pick % 8 % COUNT_OF(doubles)];
        break;
    case TYPE_TIMESTAMP:
        vec->i64[row] = in->time;
        null = !in->has_time;
        break;
    case TYPE_DECIMAL:
        vec->decimal[row] = ((__int128)pick << 70) - 3;
        break;
    case TYPE_BOOLEAN:
        vec->boolean[row] = pick % 2;
        break;
    case TYPE_STRUCT: /* what is inside a NULL one is anything */
        put_key(&vec->children[0], row, pick % 4 + (null ? 2 : 0), in, arena);
        put_key(&vec->children[1], row, pick / 2, in, arena);
        break;
    default:
        return;
    }
    if (null)
        vec_set_null(vec, row);
}

static void make_vec(struct vec *vec, const struct type *type, uint32_t n, struct arena *arena)
{
    cr_assert_eq(vec_init(vec, type, n, arena), 0);
    cr_assert_eq(vec_ensure_valid(vec, arena), 0);
    for (uint32_t i = 0; i < type->field_count; i++)
        make_vec(&vec->children[i], type->fields[i].type, n, arena);
}

struct vec *test_keys(const struct test_grouping *g, const struct test_row *rows, uint32_t n,
                      struct arena *arena)
{
    struct vec *keys = ARENA_ARRAY(arena, struct vec, g->sql.key_count);
    for (uint32_t k = 0; k < g->sql.key_count; k++) {
        make_vec(&keys[k], g->key_types[k], n, arena);
        for (uint32_t i = 0; i < n; i++)
            put_key(&keys[k], i, rows[i].keys[k], &rows[i], arena);
    }
    return keys;
}

static void put_time(struct vec *vec, uint32_t row, bool has, int64_t time)
{
    vec->i64[row] = time;
    if (!has)
        vec_set_null(vec, row);
}

struct block test_block(const struct test_grouping *g, const struct test_row *rows, uint32_t n,
                        struct arena *arena)
{
    uint32_t times = g->sql.window == SQL_WINDOW_SESSION ? 2 : g->sql.window == SQL_WINDOW_TIME;
    struct block block = {.col_count = times + g->sql.key_count + 2, .rows = n};
    block.cols = ARENA_ARRAY(arena, struct vec, block.col_count);
    for (uint32_t t = 0; t < times; t++)
        make_vec(&block.cols[t], type_simple(TYPE_TIMESTAMP), n, arena);
    struct vec *keys = test_keys(g, rows, n, arena);
    memcpy(block.cols + times, keys, g->sql.key_count * sizeof *keys);
    struct vec *value = &block.cols[times + g->sql.key_count], *filter = value + 1;
    make_vec(value, type_simple(TYPE_BIGINT), n, arena);
    make_vec(filter, type_simple(TYPE_BOOLEAN), n, arena);
    for (uint32_t i = 0; i < n; i++) {
        if (times > 0)
            put_time(&block.cols[0], i, rows[i].has_time, rows[i].time);
        if (times > 1)
            put_time(&block.cols[1], i, rows[i].has_end, rows[i].end);
        put_time(value, i, rows[i].has_value, rows[i].value);
        filter->boolean[i] = rows[i].filter;
    }
    return block;
}

/* ---- text ---- */

void test_print(const struct vec *vec, uint32_t row, bool normal, struct buf *out)
{
    double d;
    if (vec_is_null(vec, row)) {
        buf_append_char(out, '~');
        return;
    }
    switch (vec->type->kind) {
    case TYPE_STRING:
        buf_printf(out, "'%.*s'", STR_ARG(vec->str[row]));
        break;
    case TYPE_INT:
        buf_printf(out, "%d", vec->i32[row]);
        break;
    case TYPE_DOUBLE:
        d = vec->f64[row];
        if (isnan(d))
            buf_printf(out, "%s", normal || !signbit(d) ? "NaN" : "-NaN");
        else
            buf_printf(out, "%g", normal && d == 0 ? 0.0 : d);
        break;
    case TYPE_DECIMAL:
        buf_printf(out, "%llx:%llx", (long long)(vec->decimal[row] >> 64),
                   (long long)vec->decimal[row]);
        break;
    case TYPE_BOOLEAN:
        buf_printf(out, "%d", vec->boolean[row]);
        break;
    case TYPE_STRUCT:
        buf_append_char(out, '{');
        for (uint32_t i = 0; i < vec->type->field_count; i++) {
            test_print(&vec->children[i], row, normal, out);
            buf_append_char(out, ';');
        }
        buf_append_char(out, '}');
        break;
    default:
        buf_printf(out, "%lld", (long long)vec->i64[row]);
    }
}

void test_seal(struct state *state, int64_t closing_us, uint32_t work, struct state_counts *counts,
               struct buf *out)
{
    struct arena arena = {0};
    struct block groups;
    struct err err = {0};
    bool last = false, done = false;
    state_seal_begin(state, closing_us, counts);
    while (!done) {
        uint32_t left = work;
        cr_assert_eq(state_seal_step(state, &left, &arena, &groups, &done, &err), 0, "%s", err.msg);
        cr_assert(left < work || groups.rows || done);
        cr_assert(groups.rows == 0 || (!last && groups.rows <= BLOCK_ROWS_MAX));
        last |= groups.rows > 0 && groups.rows < BLOCK_ROWS_MAX;
        for (uint32_t i = 0; i < groups.rows; i++) {
            for (uint32_t k = 0; k < groups.col_count; k++) {
                test_print(&groups.cols[k], i, false, out);
                buf_append_char(out, k + 1 < groups.col_count ? ' ' : '\n');
            }
        }
        arena_reset(&arena);
    }
    arena_fini(&arena);
}

/* ---- bytes ---- */

void test_save(struct state *state, enum state_extent extent, uint32_t work, struct test_saved *out)
{
    bool done = false;
    *out = (struct test_saved){.extent = extent, .closing_us = state_closing_us(state)};
    state_save_begin(state, extent);
    while (!done) {
        struct buf *chunk = &out->chunks[out->count];
        buf_append(chunk, "head", 4); /* as in a real chunk, nothing begins at 0 */
        while (!done && chunk->n < SAVED_CHUNK_BYTES) {
            uint32_t left = work;
            cr_assert_eq(state_save_step(state, chunk, &out->rows[out->count], &left, &done), 0);
        }
        out->count++;
    }
}

static int load_chunk(struct state *state, const struct buf *chunk, uint32_t rows, uint32_t work)
{
    char *copy = malloc(chunk->n); /* of its exact size, for the sanitizers */
    memcpy(copy, chunk->p, chunk->n);
    struct state_reader in = {copy + 4, copy + chunk->n, false};
    int code = 0;
    while (rows > 0 && code == 0) {
        uint32_t left = work;
        code = state_load_step(state, &in, &rows, &left);
    }
    code = code == 0 && in.p != in.end ? ERR_CORRUPT : code;
    free(copy);
    return code;
}

int test_load(struct state *state, const struct test_saved *saved, uint32_t work)
{
    struct arena arena = {0};
    struct block none;
    struct err err = {0};
    bool done = saved->extent == STATE_SNAPSHOT;
    int code = 0;
    state_load_begin(state, saved->extent);
    for (uint32_t i = 0; i < saved->count && code == 0; i++)
        code = load_chunk(state, &saved->chunks[i], saved->rows[i], work);
    if (code == 0 && !done)
        state_load_close(state, saved->closing_us);
    while (code == 0 && !done) {
        uint32_t left = work;
        code = state_seal_step(state, &left, &arena, &none, &done, &err);
        cr_assert_eq(none.rows, 0);
    }
    return code;
}

bool test_saved_equal(const struct test_saved *a, const struct test_saved *b)
{
    bool equal = a->count == b->count && a->closing_us == b->closing_us;
    for (uint32_t i = 0; equal && i < a->count; i++)
        equal = a->rows[i] == b->rows[i] && str_eq(buf_str(&a->chunks[i]), buf_str(&b->chunks[i]));
    return equal;
}

void test_saved_fini(struct test_saved *saved)
{
    for (uint32_t i = 0; i < saved->count; i++)
        buf_fini(&saved->chunks[i]);
    *saved = (struct test_saved){0};
}

/* ---- lines ---- */

static int compare_lines(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

char *test_sorted(const struct buf *lines)
{
    size_t count = 0;
    char *text = calloc(1, lines->n + 1), *sorted = calloc(1, lines->n + 2), *save = NULL;
    memcpy(text, lines->n ? lines->p : "", lines->n);
    char **all = calloc(lines->n + 1, sizeof *all);
    for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
        all[count++] = line;
    qsort(all, count, sizeof *all, compare_lines);
    char *end = sorted;
    for (size_t i = 0; i < count; i++)
        end += sprintf(end, "%s\n", all[i]);
    free(all);
    free(text);
    return sorted;
}

uint32_t test_random(uint64_t *seed, uint32_t n)
{
    *seed = *seed * 6364136223846793005ULL + 1442695040888963407ULL;
    return (uint32_t)((*seed >> 33) % n);
}
