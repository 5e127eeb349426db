/* state_merge.c: what the batch before changed is forgotten, and the batch's tables are merged into
 * the state. */
#include "engine/state_impl.h"

enum { ROW_WORK = 2 }; /* a new row of a table that has just grown costs a page of memory */

int windows_forget(struct state *state, struct state_step *step)
{
    struct window_list *touched = &state->touched;
    for (; *step->work && touched->count; --*step->work) {
        struct window *window = touched->items[--touched->count];
        state_free(&state->heap, window->touched, window->touched_room * sizeof *window->touched);
        window->touched = NULL;
        window->touched_count = window->touched_room = 0;
        window->touched_all = false;
    }
    if (touched->count)
        return 0;
    window_list_fini(state, touched);
    step->over = true;
    return 0;
}

/* Rows of one table into another: merged where the keys are there already, else moved. touched gets
 * their numbers in `into`. */
static int merge_rows(struct state *state, struct group_table *into, struct group_table *from,
                      uint32_t first, uint32_t n, uint32_t *touched, struct err *err)
{
    struct group_batch batch;
    arena_reset(&state->scratch);
    if (group_table_batch(from, NULL, first, n, &state->scratch, &batch) != 0)
        return ERR_NOMEM;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t before = group_table_count(into), id = group_table_get(into, &batch.keys, i);
        if (id == GROUP_NONE)
            return ERR_NOMEM;
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

/* A query without keys has its group even if there was no row, and changes it in every batch. */
static int touch_global(struct state *state)
{
    struct window *window = window_get(state, 0, true);
    struct key_block keys;
    if (!window)
        return ERR_NOMEM;
    if (!window->in_batch && window_list_add(state, &state->filling, window) != 0)
        return ERR_NOMEM;
    window->in_batch = true;
    if (!window->batch && state_table_create(state, &window->batch) != 0)
        return ERR_NOMEM;
    arena_reset(&state->scratch);
    if (group_keys_prepare(&state->keys, NULL, 1, &state->scratch, &keys) != 0)
        return ERR_NOMEM;
    return group_table_get(window->batch, &keys, 0) == GROUP_NONE ? ERR_NOMEM : 0;
}

/* The window is new: its table becomes the state's; else room for the numbers of what changes. */
static int begin_window(struct state *state, struct window *window)
{
    uint32_t count = group_table_count(window->batch);
    state->seal.counts->updated += count;
    if (!window->kept) {
        window->kept = window->batch;
        window->batch = NULL;
        window->touched_all = true;
        state->rows += count;
        return 0;
    }
    window->touched = state_alloc(&state->heap, count * sizeof *window->touched);
    if (!window->touched)
        return ERR_NOMEM;
    window->touched_count = window->touched_room = count;
    return 0;
}

/* Some of the window's work; *over: that was all. */
static int merge_window(struct state *state, struct window *window, struct state_step *step,
                        bool *over)
{
    struct state_seal *seal = &state->seal;
    if (window->batch && !window->touched && begin_window(state, window) != 0)
        return ERR_NOMEM;
    while (window->batch && *step->work) {
        uint32_t rest = group_table_count(window->batch) - seal->row;
        if (rest == 0) {
            table_end_begin(&seal->end, state, window->batch);
            window->batch = NULL;
            break;
        }
        uint32_t n = rest < BLOCK_ROWS_MAX ? rest : BLOCK_ROWS_MAX;
        n = n < *step->work / ROW_WORK + 1 ? n : *step->work / ROW_WORK + 1;
        int code = merge_rows(state, window->kept, window->batch, seal->row, n,
                              window->touched + seal->row, step->err);
        if (code)
            return code;
        seal->row += n;
        state_spend(step->work, (uint64_t)n * ROW_WORK);
    }
    *over = !window->batch && !table_end_step(state, &seal->end, step->work);
    state_spend(step->work, *over); /* a window without much to merge is some work, too */
    return 0;
}

int windows_merge(struct state *state, struct state_step *step)
{
    const struct sql_grouping *grouping = state->grouping;
    struct state_seal *seal = &state->seal;
    bool global = grouping->key_count == 0 && grouping->window == SQL_WINDOW_NONE;
    if (global && seal->item == 0 && seal->row == 0 && touch_global(state) != 0)
        return ERR_NOMEM;
    while (*step->work && seal->item < state->filling.count) {
        struct window *window = state->filling.items[seal->item];
        bool over = false;
        int code = merge_window(state, window, step, &over);
        if (code)
            return code;
        if (!over)
            continue;
        window->in_batch = false;
        seal->item++;
        seal->row = 0;
    }
    if (seal->item < state->filling.count)
        return 0;
    struct window_list none = state->touched; /* it is empty */
    state->touched = state->filling;
    state->filling = none;
    step->over = true;
    return 0;
}
