#include "engine/dedup.h"

#include <stdlib.h>

#include "engine/group_table.h"
#include "engine/state_bytes.h"
#include "engine/state_impl.h"
#include "engine/time_heap.h"

struct dedup {
    struct state_heap heap;
    struct arena fixed, scratch;
    struct group_keys keys;
    struct group_table *seen; /* a row: the keys, then when they leave (int64, microseconds) */
    size_t expiry;            /* where that is in a row */
    struct time_heap due;
    int64_t delay_us;
    uint32_t *added; /* rows that the batch added */
    uint32_t added_count, added_room;
    int64_t closing_us; /* of the last seal */
    bool sealed;
};

static int create_table(struct dedup *dedup, struct group_table **out)
{
    return group_table_create(out, &dedup->keys, &dedup->heap, dedup->expiry + sizeof(int64_t),
                              true);
}

int dedup_create(struct dedup **out, const struct type *const *key_types, uint32_t key_count,
                 int64_t delay_us)
{
    struct dedup *dedup = calloc(1, sizeof *dedup);
    if (!dedup)
        return ERR_NOMEM;
    dedup->delay_us = delay_us;
    dedup->due.heap = &dedup->heap;
    dedup->closing_us = INT64_MIN;
    if (group_keys_init(&dedup->keys, key_types, key_count, true, &dedup->fixed) != 0)
        goto fail;
    dedup->expiry = (dedup->keys.size + 7) & ~(size_t)7;
    if (dedup->expiry == 0)
        dedup->expiry = 8; /* a removed row begins with a link */
    if (create_table(dedup, &dedup->seen) != 0)
        goto fail;
    *out = dedup;
    return 0;
fail:
    dedup_destroy(dedup);
    return ERR_NOMEM;
}

static void forget_added(struct dedup *dedup)
{
    state_free(&dedup->heap, dedup->added, dedup->added_room * sizeof *dedup->added);
    dedup->added = NULL;
    dedup->added_count = dedup->added_room = 0;
    dedup->sealed = false;
}

void dedup_destroy(struct dedup *dedup)
{
    if (!dedup)
        return;
    forget_added(dedup);
    group_table_destroy(dedup->seen);
    time_heap_fini(&dedup->due);
    arena_fini(&dedup->fixed);
    arena_fini(&dedup->scratch);
    free(dedup);
}

uint64_t dedup_rows(const struct dedup *dedup)
{
    return group_table_count(dedup->seen);
}

size_t dedup_bytes(const struct dedup *dedup)
{
    return sizeof *dedup + dedup->heap.bytes + dedup->fixed.bytes + dedup->scratch.bytes;
}

static int64_t *expiry_of(const struct dedup *dedup, uint32_t id)
{
    return (int64_t *)(void *)(group_table_row(dedup->seen, id) + dedup->expiry);
}

/* ---- rows ---- */

static int note_added(struct dedup *dedup, uint32_t id)
{
    uint32_t *added = state_grow(&dedup->heap, dedup->added, dedup->added_count, &dedup->added_room,
                                 sizeof *added);
    if (!added)
        return ERR_NOMEM;
    dedup->added = added;
    dedup->added[dedup->added_count++] = id;
    return 0;
}

static int set_expiry(struct dedup *dedup, uint32_t id, int64_t expiry)
{
    *expiry_of(dedup, id) = expiry;
    return time_heap_push(&dedup->due, (struct time_entry){.time_us = expiry, .id = id});
}

static int decide(struct dedup *dedup, const struct key_block *keys, uint32_t row, int64_t time,
                  uint8_t *fate)
{
    uint32_t before = group_table_count(dedup->seen);
    uint32_t id = group_table_get(dedup->seen, keys, row);
    if (id == GROUP_NONE)
        return ERR_NOMEM;
    *fate = DEDUP_DUPLICATE;
    if (group_table_count(dedup->seen) == before)
        return 0;
    *fate = DEDUP_FIRST;
    if (set_expiry(dedup, id, time_add(time, dedup->delay_us)) != 0)
        return ERR_NOMEM;
    return note_added(dedup, id);
}

int dedup_fold(struct dedup *dedup, const struct vec *keys, const struct vec *times, uint32_t rows,
               int64_t late_us, uint8_t *fates, struct state_counts *counts, struct err *err)
{
    struct key_block block;
    if (dedup->sealed)
        forget_added(dedup);
    arena_reset(&dedup->scratch);
    if (group_keys_prepare(&dedup->keys, keys, rows, &dedup->scratch, &block) != 0)
        return state_nomem(err);
    for (uint32_t i = 0; i < rows; i++) {
        bool null = vec_is_null(times, i);
        if (!null && times->i64[i] <= late_us) {
            fates[i] = DEDUP_LATE;
            counts->late_pairs++;
        } else if (decide(dedup, &block, i, null ? 0 : times->i64[i], &fates[i]) != 0) {
            return state_nomem(err);
        }
    }
    return 0;
}

/* ---- what leaves ---- */

/* Takes up to n rows out whose time is over; *done when there are no more. */
static int evict_some(struct dedup *dedup, int64_t closing_us, uint32_t n, bool *done)
{
    struct group_batch batch;
    uint32_t count = 0;
    arena_reset(&dedup->scratch);
    uint32_t *ids = ARENA_ARRAY(&dedup->scratch, uint32_t, n);
    if (!ids)
        return ERR_NOMEM;
    while (count < n && dedup->due.count && dedup->due.entries[0].time_us <= closing_us)
        ids[count++] = (uint32_t)time_heap_pop(&dedup->due).id;
    *done = count < n;
    if (group_table_batch(dedup->seen, ids, 0, count, &dedup->scratch, &batch) != 0)
        return ERR_NOMEM;
    for (uint32_t i = 0; i < count; i++) {
        *expiry_of(dedup, ids[i]) = INT64_MIN; /* for drop_added */
        group_table_remove(dedup->seen, ids[i], batch.keys.hashes[i]);
    }
    return 0;
}

/* Rows that were added and have left again need not be saved. */
static void drop_added(struct dedup *dedup, int64_t closing_us)
{
    uint32_t left = 0;
    for (uint32_t i = 0; i < dedup->added_count; i++) {
        if (*expiry_of(dedup, dedup->added[i]) > closing_us)
            dedup->added[left++] = dedup->added[i];
    }
    dedup->added_count = left;
}

/* n rows into another table; numbers: where they are there, by their old number. */
static int move_rows(struct dedup *dedup, struct group_table *into, const uint32_t *ids, uint32_t n,
                     uint32_t *numbers)
{
    struct group_batch batch;
    arena_reset(&dedup->scratch);
    if (group_table_batch(dedup->seen, ids, 0, n, &dedup->scratch, &batch) != 0)
        return ERR_NOMEM;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t id = group_table_get(into, &batch.keys, i);
        if (id == GROUP_NONE)
            return ERR_NOMEM;
        numbers[ids[i]] = id;
        memcpy(group_table_row(into, id) + dedup->expiry, batch.rows[i] + dedup->expiry,
               sizeof(int64_t));
    }
    return 0;
}

static int move_all(struct dedup *dedup, uint32_t *ids, uint32_t *numbers)
{
    struct group_table *into, *old = dedup->seen;
    uint32_t count = group_table_count(old);
    int code = create_table(dedup, &into);
    if (code)
        return code;
    group_table_ids(old, ids);
    for (uint32_t at = 0; at < count && code == 0; at += BLOCK_ROWS_MAX) {
        uint32_t n = count - at < BLOCK_ROWS_MAX ? count - at : BLOCK_ROWS_MAX;
        code = move_rows(dedup, into, ids + at, n, numbers);
    }
    if (code == 0) {
        for (size_t i = 0; i < dedup->due.count; i++)
            dedup->due.entries[i].id = numbers[dedup->due.entries[i].id];
        for (uint32_t i = 0; i < dedup->added_count; i++)
            dedup->added[i] = numbers[dedup->added[i]];
        dedup->seen = into;
        into = old;
    }
    group_table_destroy(into);
    return code;
}

/* After a crowd left, the others move together. */
static int shrink(struct dedup *dedup)
{
    enum { ROWS_MIN = 1024, PART = 4 };
    uint32_t used = dedup->seen->rows.used, live = dedup->seen->rows.live;
    if (used == 0 || (live > 0 && (used <= ROWS_MIN || live >= used / PART)))
        return 0;
    size_t numbers_bytes = used * sizeof(uint32_t), ids_bytes = live * sizeof(uint32_t);
    uint32_t *numbers = state_alloc(&dedup->heap, numbers_bytes);
    uint32_t *ids = state_alloc(&dedup->heap, ids_bytes);
    int code = numbers && ids ? move_all(dedup, ids, numbers) : ERR_NOMEM;
    state_free(&dedup->heap, numbers, numbers_bytes);
    state_free(&dedup->heap, ids, ids_bytes);
    return code;
}

static int evict(struct dedup *dedup, int64_t closing_us)
{
    bool done = dedup->due.count == 0 || dedup->due.entries[0].time_us > closing_us;
    if (done)
        return 0;
    while (!done) {
        if (evict_some(dedup, closing_us, BLOCK_ROWS_MAX, &done) != 0)
            return ERR_NOMEM;
    }
    drop_added(dedup, closing_us);
    return shrink(dedup);
}

int dedup_seal(struct dedup *dedup, int64_t closing_us, struct state_counts *counts)
{
    if (dedup->sealed)
        forget_added(dedup);
    counts->updated += dedup->added_count;
    dedup->sealed = true;
    dedup->closing_us = closing_us;
    int code = evict(dedup, closing_us);
    arena_fini(&dedup->scratch);
    return code;
}

/* ---- bytes ---- */

static void print_schema(const struct dedup *dedup, struct buf *out)
{
    buf_printf(out, "dedup(");
    for (uint32_t i = 0; i < dedup->keys.key_count; i++) {
        buf_printf(out, "%s", i ? ", " : "");
        type_print(dedup->keys.types[i], out);
    }
    buf_append_char(out, ')');
}

static int encode_rows(const struct dedup *dedup, char **rows, uint32_t count, struct buf *out)
{
    if (state_sort(&dedup->keys, rows, count) != 0)
        return ERR_NOMEM;
    state_put_number(out, count);
    for (uint32_t at = 0; at < count; at += BLOCK_ROWS_MAX) {
        uint32_t end = count - at < BLOCK_ROWS_MAX ? count : at + BLOCK_ROWS_MAX;
        for (uint32_t i = at; i < end; i++)
            group_keys_encode(&dedup->keys, rows[i], out);
        for (uint32_t i = at; i < end; i++) {
            int64_t expiry;
            memcpy(&expiry, rows[i] + dedup->expiry, sizeof expiry);
            state_put_u64(out, (uint64_t)expiry);
        }
    }
    return 0;
}

static int encode_content(const struct dedup *dedup, enum state_extent extent, struct buf *out)
{
    bool delta = extent == STATE_DELTA;
    uint32_t count = delta ? dedup->added_count : group_table_count(dedup->seen);
    struct arena arena = {0};
    uint32_t *ids = ARENA_ARRAY(&arena, uint32_t, count);
    char **rows = ARENA_ARRAY(&arena, char *, count);
    int code = ids && rows ? 0 : ERR_NOMEM;
    if (code == 0 && !delta)
        group_table_ids(dedup->seen, ids);
    for (uint32_t i = 0; i < count && code == 0; i++)
        rows[i] = group_table_row(dedup->seen, delta ? dedup->added[i] : ids[i]);
    if (code == 0)
        code = encode_rows(dedup, rows, count, out);
    arena_fini(&arena);
    return code;
}

int dedup_encode(const struct dedup *dedup, enum state_extent extent, struct buf *out)
{
    struct buf schema = {0};
    size_t start = out->n;
    print_schema(dedup, &schema);
    state_frame_begin(out, &(struct state_frame){.kind = FRAME_DEDUP,
                                                 .extent = (uint8_t)extent,
                                                 .schema = buf_str(&schema)});
    if (extent == STATE_DELTA)
        state_put_u64(out, (uint64_t)(dedup->sealed ? dedup->closing_us : INT64_MIN));
    int code = encode_content(dedup, extent, out);
    state_frame_end(out, start);
    if (schema.failed || out->failed)
        code = ERR_NOMEM;
    buf_fini(&schema);
    return code;
}

/* Keys, then their times. *last: the row before, as keys come in order. A key may be there already:
 * a delta that is read twice changes nothing. */
static int decode_rows(struct dedup *dedup, struct state_reader *in, uint32_t n, const char **last)
{
    struct key_block keys;
    arena_reset(&dedup->scratch);
    uint32_t *ids = ARENA_ARRAY(&dedup->scratch, uint32_t, n);
    bool *fresh = ARENA_ARRAY(&dedup->scratch, bool, n);
    if (!ids || !fresh)
        return ERR_NOMEM;
    int code = group_keys_decode(&dedup->keys, in, n, &dedup->scratch, &keys);
    for (uint32_t i = 0; i < n && code == 0; i++) {
        uint32_t before = group_table_count(dedup->seen);
        ids[i] = group_table_get(dedup->seen, &keys, i);
        if (ids[i] == GROUP_NONE)
            return ERR_NOMEM;
        const char *row = group_table_row(dedup->seen, ids[i]);
        if (*last && group_keys_compare(&dedup->keys, *last, row) >= 0)
            return ERR_CORRUPT;
        *last = row;
        fresh[i] = group_table_count(dedup->seen) > before;
    }
    for (uint32_t i = 0; i < n && code == 0; i++) {
        int64_t expiry = (int64_t)state_read_u64(in);
        if (in->failed || (!fresh[i] && *expiry_of(dedup, ids[i]) != expiry))
            return ERR_CORRUPT;
        code = fresh[i] ? set_expiry(dedup, ids[i], expiry) : 0;
    }
    return code;
}

static int decode_content(struct dedup *dedup, struct state_reader *in, bool snapshot)
{
    const char *last = NULL;
    int64_t closing_us = snapshot ? INT64_MIN : (int64_t)state_read_u64(in);
    int code = in->failed ? ERR_CORRUPT : 0;
    uint64_t count = state_get_number(in, UINT32_MAX - 2);
    for (uint64_t done = 0; done < count && code == 0; done += BLOCK_ROWS_MAX) {
        uint64_t n = count - done < BLOCK_ROWS_MAX ? count - done : BLOCK_ROWS_MAX;
        code = decode_rows(dedup, in, (uint32_t)n, &last);
    }
    if (code == 0 && (in->failed || in->p != in->end))
        code = ERR_CORRUPT;
    return code ? code : evict(dedup, closing_us);
}

static int clear(struct dedup *dedup)
{
    group_table_destroy(dedup->seen);
    dedup->seen = NULL;
    time_heap_fini(&dedup->due);
    return create_table(dedup, &dedup->seen);
}

int dedup_decode(struct dedup *dedup, struct str bytes, struct err *err)
{
    struct buf schema = {0};
    struct state_reader content;
    print_schema(dedup, &schema);
    struct state_frame frame = {.kind = FRAME_DEDUP, .schema = buf_str(&schema)};
    int code = schema.failed ? state_nomem(err) : state_frame_open(&frame, bytes, &content, err);
    buf_fini(&schema);
    if (code)
        return code;
    forget_added(dedup);
    bool snapshot = frame.extent == STATE_SNAPSHOT;
    code = snapshot ? clear(dedup) : 0;
    if (code == 0)
        code = decode_content(dedup, &content, snapshot);
    if (code == ERR_CORRUPT)
        return err_set(err, code, "the saved state is damaged: its content is not a state");
    return code ? state_nomem(err) : 0;
}
