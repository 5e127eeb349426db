/* fuzz_state.c: any bytes as the content of a saved state behind a right header and checksum: first
 * a snapshot, then a delta. What is accepted is used: rows are folded, groups given out.
 *
 * Bytes: what kind of state; output mode; how much is the snapshot (of 255); the rest. A snapshot
 * that is accepted is the one that the state gives again. */
#include <stdlib.h>

#include "base/crc32c.h"
#include "engine/dedup.h"
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

/* The content behind the header of an empty state, with its checksum; a heap copy of its size. */
static struct str forge(const struct buf *empty, size_t empty_content, struct str content)
{
    struct buf out = {0};
    buf_append(&out, empty->p, empty->n - empty_content - 4);
    buf_append_str(&out, content);
    uint32_t sum = crc32c(0, buf_str(&out));
    for (int i = 0; i < 4; i++)
        buf_append_char(&out, (char)(sum >> (8 * i)));
    char *copy = malloc(out.n);
    if (!copy || out.failed)
        abort();
    memcpy(copy, out.p, out.n);
    struct str bytes = {copy, out.n};
    buf_fini(&out);
    return bytes;
}

enum { EMPTY_SNAPSHOT = 1, EMPTY_DELTA = 9 /* bytes of content */ };

static int read_state(struct state *state, enum state_extent extent, struct str content)
{
    struct buf empty = {0}, again = {0};
    struct err err;
    if (state_encode(state, extent, &empty) != 0)
        abort();
    /* Both are made from what is there only when that is nothing. */
    struct str bytes = forge(&empty, extent == STATE_DELTA ? EMPTY_DELTA : EMPTY_SNAPSHOT, content);
    int code = state_decode(state, bytes, &err);
    if (code == 0 && extent == STATE_SNAPSHOT &&
        (state_encode(state, extent, &again) != 0 || !str_eq(buf_str(&again), bytes)))
        abort();
    free((char *)bytes.p);
    buf_fini(&empty);
    buf_fini(&again);
    return code;
}

static void use_dedup(struct str snapshot, struct str delta)
{
    static const enum state_extent extents[] = {STATE_SNAPSHOT, STATE_DELTA};
    const struct type *types[] = {type_simple(TYPE_DOUBLE), type_simple(TYPE_STRING)};
    struct dedup *dedup;
    struct state_counts counts = {0};
    struct err err;
    if (dedup_create(&dedup, types, 2, 1000000) != 0)
        abort();
    for (int i = 0; i < 2; i++) {
        struct buf empty = {0};
        struct dedup *none;
        if (dedup_create(&none, types, 2, 0) != 0 || dedup_encode(none, extents[i], &empty) != 0)
            abort();
        struct str bytes = forge(&empty, i ? EMPTY_DELTA : EMPTY_SNAPSHOT, i ? delta : snapshot);
        int code = dedup_decode(dedup, bytes, &err);
        dedup_destroy(none);
        free((char *)bytes.p);
        buf_fini(&empty);
        if (code != 0)
            break;
        if (dedup_seal(dedup, 5000000, &counts) != 0)
            abort();
    }
    dedup_destroy(dedup);
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
static void use_state(const struct shape *shape, struct state *state, int64_t closing_us)
{
    static const int64_t offsets[ROWS] = {5, 6, 7, 8};
    struct arena arena = {0};
    struct state_counts counts = {0};
    struct err err;
    uint8_t fates[ROWS];
    struct block block = make_block(shape, &arena), groups;
    struct state_origin origin = {1, offsets};
    struct buf delta = {0};
    if (state_fold(state, &block, NULL, &origin, 0, fates, &counts, &err) != 0 ||
        state_seal(state, closing_us, &counts, &err) != 0)
        abort();
    do {
        if (state_next(state, &arena, &groups, &err) != 0)
            abort();
    } while (groups.rows);
    if (state_encode(state, STATE_DELTA, &delta) != 0 ||
        state_decode(state, buf_str(&delta), &err) != 0)
        abort();
    buf_fini(&delta);
    arena_fini(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const enum plan_output_mode modes[] = {OUTPUT_APPEND, OUTPUT_UPDATE, OUTPUT_COMPLETE};
    if (size < 3)
        return 0;
    uint8_t kind = data[0] % KINDS;
    const char *content = (const char *)data + 3;
    size_t first = (size - 3) * data[2] / 255;
    struct str snapshot = {content, first}, delta = {content + first, size - 3 - first};
    if (kind == KINDS - 1) {
        use_dedup(snapshot, delta);
        return 0;
    }
    struct shape shape;
    struct state *state, *other;
    make_shape(&shape, kind);
    if (state_create(&state, &shape.grouping, modes[data[1] % 3]) != 0 ||
        state_create(&other, &shape.grouping, modes[data[1] % 3]) != 0)
        abort();
    if (read_state(state, STATE_SNAPSHOT, snapshot) == 0) {
        use_state(&shape, state, 12000000);
        if (read_state(other, STATE_DELTA, delta) == 0)
            use_state(&shape, other, INT64_MAX);
    }
    state_destroy(state);
    state_destroy(other);
    return 0;
}
