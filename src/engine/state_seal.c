/* state_seal.c: the end of a batch: its tables are merged into the state, what is over leaves. */
#include "engine/state_impl.h"

/* Rows of one table into another: merged where the keys are there already, else moved. touched gets
 * their numbers in `into`. */
static int merge_rows(struct state *state, struct group_table *into, struct group_table *from,
                      uint32_t first, uint32_t n, uint32_t *touched, struct err *err)
{
    struct group_batch batch;
    arena_reset(&state->scratch);
    if (group_table_batch(from, NULL, first, n, &state->scratch, &batch) != 0)
        return state_nomem(err);
    for (uint32_t i = 0; i < n; i++) {
        uint32_t before = group_table_count(into), id = group_table_get(into, &batch.keys, i);
        if (id == GROUP_NONE)
            return state_nomem(err);
        char *target = group_table_row(into, id) + state->accumulators;
        char *source = batch.rows[i] + state->accumulators;
        touched[i] = id;
        if (group_table_count(into) > before) {
            state->rows++;
            state_move(state, target, source);
            continue;
        }
        int code = state_merge(state, target, source, err);
        if (code)
            return code;
    }
    return 0;
}

static int merge_window(struct state *state, struct window *window, struct state_counts *counts,
                        struct err *err)
{
    struct group_table *batch = window->batch;
    if (!batch)
        return 0;
    uint32_t count = group_table_count(batch);
    counts->updated += count;
    if (!window->kept) {
        window->kept = batch;
        window->batch = NULL;
        window->touched_all = true;
        state->rows += count;
        return 0;
    }
    window->touched = state_alloc(&state->heap, count * sizeof *window->touched);
    if (!window->touched)
        return state_nomem(err);
    window->touched_count = window->touched_room = count;
    for (uint32_t at = 0; at < count; at += BLOCK_ROWS_MAX) {
        uint32_t n = count - at < BLOCK_ROWS_MAX ? count - at : BLOCK_ROWS_MAX;
        int code = merge_rows(state, window->kept, batch, at, n, window->touched + at, err);
        if (code)
            return code;
    }
    state_table_destroy(state, batch);
    window->batch = NULL;
    return 0;
}

/* A query without keys has its group even if there was no row, and changes it in every batch. */
static int touch_global(struct state *state)
{
    struct window *window = window_get(state, 0, true);
    struct key_block keys;
    if (!window)
        return ERR_NOMEM;
    if (!window->in_batch && window_list_add(state, &state->touched, window) != 0)
        return ERR_NOMEM;
    window->in_batch = true;
    if (!window->batch && state_table_create(state, &window->batch) != 0)
        return ERR_NOMEM;
    if (group_keys_prepare(&state->keys, NULL, 1, &state->scratch, &keys) != 0)
        return ERR_NOMEM;
    return group_table_get(window->batch, &keys, 0) == GROUP_NONE ? ERR_NOMEM : 0;
}

int state_close(struct state *state, int64_t closing_us)
{
    bool timed = state->grouping->window == SQL_WINDOW_TIME;
    while (state->due.count && state->due.entries[0].time_us <= closing_us) {
        struct window *window = state->due.entries[0].item;
        int64_t last_us; /* of the bucket; none when times near the end of INT64 overflow */
        bool whole = timed || (!__builtin_add_overflow(window->start, STATE_EVENT_KEY_BUCKET_US - 1,
                                                       &last_us) &&
                               closing_us >= last_us);
        if (!whole && window->first_key > closing_us)
            break;
        if (window_list_add(state, &state->closing, window) != 0)
            return ERR_NOMEM;
        window->closing = whole;
        if (!whole)
            break; /* the bucket that the watermark is in */
        time_heap_pop(&state->due);
    }
    return 0;
}

int state_seal(struct state *state, int64_t closing_us, struct state_counts *counts,
               struct err *err)
{
    if (state->sealed) {
        int code = state_begin(state, err);
        if (code)
            return code;
    }
    arena_reset(&state->scratch);
    state->sealed = true;
    state->output.pending = true;
    state->closing_us = state->closes ? closing_us : INT64_MIN;
    if (state->sessions)
        return sessions_seal(state, closing_us, counts, err);
    const struct sql_grouping *grouping = state->grouping;
    if (grouping->key_count == 0 && grouping->window == SQL_WINDOW_NONE && touch_global(state) != 0)
        return state_nomem(err);
    for (uint32_t i = 0; i < state->touched.count; i++) {
        int code = merge_window(state, state->touched.items[i], counts, err);
        if (code)
            return code;
    }
    return state->closes && state_close(state, closing_us) != 0 ? state_nomem(err) : 0;
}

/* ---- after the groups were read ---- */

/* Where a bucket's rows went when those up to the closing time left. */
struct survivors {
    struct group_table *table;
    uint32_t *ids; /* by old number; GROUP_NONE: left */
    int64_t first_key;
};

static int keep_rows(struct state *state, const struct group_table *old, uint32_t first, uint32_t n,
                     struct survivors *survivors)
{
    struct group_batch batch;
    arena_reset(&state->scratch);
    if (group_table_batch(old, NULL, first, n, &state->scratch, &batch) != 0)
        return ERR_NOMEM;
    const int64_t *times = batch.cols[state->grouping->event_key].i64;
    for (uint32_t i = 0; i < n; i++) {
        survivors->ids[first + i] = GROUP_NONE;
        if (times[i] <= state->closing_us)
            continue;
        uint32_t id = group_table_get(survivors->table, &batch.keys, i);
        if (id == GROUP_NONE)
            return ERR_NOMEM;
        survivors->ids[first + i] = id;
        if (times[i] < survivors->first_key)
            survivors->first_key = times[i];
        state_move(state, group_table_row(survivors->table, id) + state->accumulators,
                   batch.rows[i] + state->accumulators);
    }
    return 0;
}

static void renumber_touched(struct window *window, const uint32_t *ids)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < window->touched_count; i++) {
        if (ids[window->touched[i]] != GROUP_NONE)
            window->touched[n++] = ids[window->touched[i]];
    }
    window->touched_count = n;
}

/* The bucket that the watermark is in: what is up to it leaves. */
static int cut_bucket(struct state *state, struct window *window)
{
    struct group_table *old = window->kept;
    uint32_t count = group_table_count(old);
    size_t ids_bytes = count * sizeof(uint32_t);
    struct survivors survivors = {.first_key = INT64_MAX};
    int code = ERR_NOMEM;
    survivors.ids = state_alloc(&state->heap, ids_bytes);
    if (!survivors.ids || state_table_create(state, &survivors.table) != 0)
        goto fail;
    for (uint32_t at = 0; at < count; at += BLOCK_ROWS_MAX) {
        uint32_t n = count - at < BLOCK_ROWS_MAX ? count - at : BLOCK_ROWS_MAX;
        if (keep_rows(state, old, at, n, &survivors) != 0)
            goto fail;
    }
    state->rows -= count - group_table_count(survivors.table);
    window->kept = survivors.table;
    window->first_key = survivors.first_key;
    renumber_touched(window, survivors.ids);
    window->closing = group_table_count(window->kept) == 0;
    survivors.table = old; /* to be freed */
    code = 0;
fail:
    state_table_destroy(state, survivors.table);
    state_free(&state->heap, survivors.ids, ids_bytes);
    return code;
}

static int finish_windows(struct state *state, struct err *err)
{
    for (uint32_t i = 0; i < state->closing.count; i++) {
        struct window *window = state->closing.items[i];
        if (window->closing)
            continue;
        if (cut_bucket(state, window) != 0)
            return state_nomem(err);
        if (window->closing)
            time_heap_pop(&state->due); /* state_close left it there, first of all */
    }
    uint32_t left = 0;
    for (uint32_t i = 0; i < state->touched.count; i++) {
        if (!state->touched.items[i]->closing)
            state->touched.items[left++] = state->touched.items[i];
    }
    state->touched.count = left;
    for (uint32_t i = 0; i < state->closing.count; i++) {
        struct window *window = state->closing.items[i];
        if (!window->closing)
            continue;
        state->rows -= group_table_count(window->kept);
        window_remove(state, window);
    }
    window_list_fini(state, &state->closing);
    return 0;
}

int state_finish(struct state *state, struct err *err)
{
    state_output_fini(state);
    state->output.pending = false;
    int code = state->sessions ? sessions_finish(state, err) : finish_windows(state, err);
    arena_fini(&state->scratch);
    return code;
}

int state_begin(struct state *state, struct err *err)
{
    int code = state->output.pending ? state_finish(state, err) : 0;
    if (code)
        return code;
    for (uint32_t i = 0; i < state->touched.count; i++) {
        struct window *window = state->touched.items[i];
        state_free(&state->heap, window->touched, window->touched_room * sizeof *window->touched);
        window->touched = NULL;
        window->touched_count = window->touched_room = 0;
        window->touched_all = window->in_batch = false;
    }
    window_list_fini(state, &state->touched);
    if (state->sessions)
        sessions_begin(state);
    state->sealed = false;
    return 0;
}
