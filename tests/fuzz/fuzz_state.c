/* fuzz_state.c: any bytes as the rows of saved state: first those of a snapshot, then those of a
 * delta. What is accepted is used: rows are folded, groups given out, and saved and loaded again.
 *
 * Bytes: what kind of state, of which 128 says that the rest is a file of chunks; output mode; how
 * much is the snapshot (of 255); how many rows are said to be in each; the rest. */
#include <stdlib.h>

#include "engine/dedup.h"
#include "engine/saved.h"
#include "engine/state_bytes.h"
#include "sql/expr.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { KINDS = 7, ROWS = 4 };

/* ---- an aggregate with memory of its own: the bytes of all values ---- */

struct list {
    char *bytes;
    uint64_t count;
};

static void list_add(struct state_heap *heap, struct list *list, char value)
{
    list->bytes = state_realloc(heap, list->bytes, list->count, list->count + 1);
    if (!list->bytes)
        abort();
    list->bytes[list->count++] = value;
}

static int list_update(const struct aggregate_call *call, struct state_heap *heap,
                       char *const *groups, size_t offset, const struct vec *args, uint32_t n,
                       struct err *err)
{
    (void)call, (void)err;
    for (uint32_t i = 0; i < n; i++) {
        if (groups[i])
            list_add(heap, (struct list *)(void *)(groups[i] + offset), (char)args->i64[i]);
    }
    return 0;
}

static int list_merge(const struct aggregate_call *call, struct state_heap *heap, void *into,
                      const void *from, struct err *err)
{
    const struct list *more = from;
    (void)call, (void)err;
    for (uint64_t i = 0; i < more->count; i++)
        list_add(heap, into, more->bytes[i]);
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
        out->str[i] = (struct str){list->bytes, list->count};
    }
    return 0;
}

static void list_free(const struct aggregate_call *call, struct state_heap *heap, void *acc)
{
    struct list *list = acc;
    (void)call;
    state_free(heap, list->bytes, list->count);
}

static void list_encode(const struct aggregate_call *call, const void *acc, struct buf *out)
{
    const struct list *list = acc;
    (void)call;
    buf_append_char(out, (char)list->count);
    buf_append_char(out, (char)(list->count >> 8));
    buf_append(out, list->bytes, list->count & 0xffff);
}

static int list_decode(const struct aggregate_call *call, struct state_heap *heap,
                       struct state_reader *in, void *acc)
{
    uint64_t count = state_read_u8(in);
    count |= (uint64_t)state_read_u8(in) << 8;
    struct str bytes = state_read_bytes(in, count);
    (void)call;
    for (size_t i = 0; i < bytes.n; i++)
        list_add(heap, acc, bytes.p[i]);
    return in->failed ? ERR_CORRUPT : 0;
}

static const struct aggregate_ops list_ops = {list_update, list_merge,  list_result,
                                              list_free,   list_encode, list_decode};
static const struct aggregate list_aggregate = {.name = "list"};

/* ---- what is grouped ---- */

struct shape {
    struct sql_grouping grouping;
    struct aggregate_call call;
    struct expr arg, *args[1];
    const struct type *keys[3];
    struct field struct_fields[2], window_fields[2], fields[5];
    struct type nested, decimal, window, schema;
};

static void make_shape(struct shape *shape, uint8_t kind)
{
    static const int64_t second = 1000000;
    *shape = (struct shape){.arg = {.type = type_simple(TYPE_BIGINT)}};
    struct sql_grouping *grouping = &shape->grouping;
    shape->struct_fields[0] = (struct field){STR("a"), type_simple(TYPE_DOUBLE)};
    shape->struct_fields[1] = (struct field){STR("b"), type_simple(TYPE_STRING)};
    shape->nested = (struct type){TYPE_STRUCT, 0, 0, 2, shape->struct_fields, NULL};
    shape->decimal = (struct type){TYPE_DECIMAL, 38, 2, 0, NULL, NULL};
    shape->window_fields[0] = (struct field){STR("start"), type_simple(TYPE_TIMESTAMP)};
    shape->window_fields[1] = (struct field){STR("end"), type_simple(TYPE_TIMESTAMP)};
    shape->window = (struct type){TYPE_STRUCT, 0, 0, 2, shape->window_fields, NULL};
    shape->keys[0] = kind % 2 ? &shape->nested : type_simple(TYPE_STRING);
    shape->keys[1] = kind == 4 ? type_simple(TYPE_TIMESTAMP) : &shape->decimal;
    shape->keys[2] = type_simple(kind == 3 ? TYPE_VOID : TYPE_BOOLEAN);
    shape->args[0] = &shape->arg;
    shape->call = (struct aggregate_call){.aggregate = &list_aggregate,
                                          .arg_count = 1,
                                          .args = shape->args,
                                          .result = type_simple(TYPE_BINARY),
                                          .size = sizeof(struct list),
                                          .ops = &list_ops};
    *grouping = (struct sql_grouping){.key_count = kind == 0   ? 0
                                                   : kind == 5 ? 1
                                                               : 3,
                                      .key_types = shape->keys,
                                      .event_key = kind == 4 ? 1 : -1,
                                      .watermarked = kind >= 2,
                                      .aggregate_count = 1,
                                      .aggregates = &shape->call,
                                      .group_schema = &shape->schema};
    if (kind == 2 || kind == 3) {
        grouping->window = SQL_WINDOW_TIME;
        grouping->size_us = 10 * second;
        grouping->slide_us = (kind == 3 ? 4 : 10) * second;
    } else if (kind == 5) {
        grouping->window = SQL_WINDOW_SESSION;
    }
    shape->fields[0] = (struct field){STR("window"), &shape->window};
    shape->schema = (struct type){TYPE_STRUCT, 0, 0, 1, shape->fields, NULL};
}

/* ---- saved state ---- */

enum { STEP = 3 }; /* groups: so that steps end everywhere */

/* A heap copy of its size, so that reading past it is seen. */
static char *copy_of(struct str bytes)
{
    char *copy = malloc(bytes.n ? bytes.n : 1);
    if (!copy)
        abort();
    if (bytes.n)
        memcpy(copy, bytes.p, bytes.n);
    return copy;
}

static void run_seal(struct state *state)
{
    struct arena arena = {0};
    struct block groups;
    struct err err;
    for (bool done = false; !done;) {
        uint32_t work = STEP;
        arena_reset(&arena);
        if (state_seal_step(state, &work, &arena, &groups, &done, &err) != 0)
            abort();
    }
    arena_fini(&arena);
}

static int read_state(struct state *state, enum state_extent extent, struct str content,
                      uint32_t rows)
{
    char *copy = copy_of(content);
    struct state_reader in = {copy, copy + content.n, false};
    int code = 0;
    state_load_begin(state, extent);
    while (rows && code == 0) {
        uint32_t work = STEP;
        code = state_load_step(state, &in, &rows, &work);
    }
    free(copy);
    if (code == 0 && extent == STATE_DELTA) {
        state_load_close(state, 5000000);
        run_seal(state);
    }
    return code;
}

static void run_dedup_seal(struct dedup *dedup)
{
    for (bool done = false; !done;) {
        uint32_t work = STEP;
        if (dedup_seal_step(dedup, &work, &done) != 0)
            abort();
    }
}

static void use_dedup(struct str snapshot, struct str delta, uint32_t rows)
{
    const struct type *types[] = {type_simple(TYPE_DOUBLE), type_simple(TYPE_STRING)};
    struct dedup *dedup;
    struct state_counts counts = {0};
    if (dedup_create(&dedup, types, 2, 1000000) != 0)
        abort();
    for (int i = 0; i < 2; i++) {
        struct str content = i ? delta : snapshot;
        char *copy = copy_of(content);
        struct state_reader in = {copy, copy + content.n, false};
        uint32_t left = rows, work = UINT32_MAX;
        dedup_load_begin(dedup, i ? STATE_DELTA : STATE_SNAPSHOT);
        int code = dedup_load_step(dedup, &in, &left, &work);
        free(copy);
        if (code != 0)
            break;
        dedup_load_close(dedup, 4000000);
        run_dedup_seal(dedup);
        dedup_seal_begin(dedup, 5000000, &counts);
        run_dedup_seal(dedup);
    }
    dedup_destroy(dedup);
}

/* Any bytes as a file of chunks. */
static void use_chunks(struct str bytes)
{
    char *copy = copy_of(bytes);
    struct saved_chunk chunk;
    struct err err;
    for (size_t at = 0; at < bytes.n; at += chunk.bytes) {
        if (saved_chunk_read((struct str){copy, bytes.n}, at, &chunk, &err) != 0)
            break;
        if (chunk.bytes == 0 || chunk.content > chunk.bytes)
            abort();
    }
    free(copy);
}

static struct block make_block(const struct shape *shape, struct arena *arena)
{
    const struct sql_grouping *grouping = &shape->grouping;
    uint32_t times = grouping->window == SQL_WINDOW_SESSION ? 2 : grouping->window;
    struct block block = {.col_count = times + grouping->key_count + 1, .rows = ROWS};
    block.cols = ARENA_ARRAY(arena, struct vec, block.col_count);
    for (uint32_t c = 0; c < block.col_count; c++) {
        bool key = c >= times && c < times + grouping->key_count;
        const struct type *type = key         ? grouping->key_types[c - times]
                                  : c < times ? type_simple(TYPE_TIMESTAMP)
                                              : type_simple(TYPE_BIGINT);
        if (vec_init_null(&block.cols[c], type, ROWS, arena) != 0)
            abort();
        for (uint32_t i = 0; !key && i < ROWS; i++) {
            block.cols[c].i64[i] = (int64_t)(i * 3 + c * 4) * 1000000;
            block.cols[c].valid[0] |= 1ULL << i;
        }
    }
    return block;
}

/* A batch of rows, and all that is given out. */
static void use_state(const struct shape *shape, enum plan_output_mode mode, struct state *state,
                      int64_t closing_us)
{
    static const int64_t offsets[ROWS] = {5, 6, 7, 8};
    struct arena arena = {0};
    struct state_counts counts = {0};
    struct err err;
    uint8_t fates[ROWS];
    struct block block = make_block(shape, &arena);
    struct state_origin origin = {1, offsets};
    struct buf whole = {0};
    struct state *other;
    bool done = false;
    if (state_fold(state, &block, NULL, &origin, 0, fates, &counts, &err) != 0)
        abort();
    state_seal_begin(state, closing_us, &counts);
    run_seal(state);
    uint32_t rows = 0;
    state_save_begin(state, STATE_SNAPSHOT);
    buf_append(&whole, "head", 4);
    while (!done) {
        uint32_t work = STEP;
        if (whole.n >= SAVED_CHUNK_BYTES ||
            state_save_step(state, &whole, &rows, &work, &done) != 0)
            abort();
    }
    if (state_create(&other, &shape->grouping, mode) != 0 ||
        read_state(other, STATE_SNAPSHOT, (struct str){whole.p + 4, whole.n - 4}, rows) != 0 ||
        state_rows(other) != state_rows(state))
        abort();
    state_destroy(other);
    buf_fini(&whole);
    arena_fini(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const enum plan_output_mode modes[] = {OUTPUT_APPEND, OUTPUT_UPDATE, OUTPUT_COMPLETE};
    if (size < 4)
        return 0;
    uint8_t kind = data[0] % 128 % KINDS;
    const char *content = (const char *)data + 4;
    size_t first = (size - 4) * data[2] / 255;
    struct str snapshot = {content, first}, delta = {content + first, size - 4 - first};
    if (data[0] >= 128) {
        use_chunks((struct str){content, size - 4});
        return 0;
    }
    if (kind == KINDS - 1) {
        use_dedup(snapshot, delta, data[3]);
        return 0;
    }
    struct shape shape;
    struct state *state, *other;
    enum plan_output_mode mode = modes[data[1] % 3];
    make_shape(&shape, kind);
    if (state_create(&state, &shape.grouping, mode) != 0 ||
        state_create(&other, &shape.grouping, mode) != 0)
        abort();
    if (read_state(state, STATE_SNAPSHOT, snapshot, data[3]) == 0) {
        use_state(&shape, mode, state, 12000000);
        if (read_state(other, STATE_DELTA, delta, data[3]) == 0)
            use_state(&shape, mode, other, INT64_MAX);
    }
    state_destroy(state);
    state_destroy(other);
    return 0;
}
