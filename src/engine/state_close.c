/* state_close.c: windows (or buckets of an event key) whose time is over leave. */
#include "engine/state_impl.h"

/* Whether the first window that is due leaves as a whole, or at least some of it (*some). */
static bool leaves(const struct state *state, int64_t closing_us, bool *some)
{
    const struct window *window = state->due.entries[0].item;
    int64_t last_us; /* of the bucket; none when times near the end of INT64 overflow */
    bool whole = state->grouping->window == SQL_WINDOW_TIME ||
                 (!__builtin_add_overflow(window->start, STATE_EVENT_KEY_BUCKET_US - 1, &last_us) &&
                  closing_us >= last_us);
    *some = whole || window->first_key <= closing_us;
    return whole;
}

int windows_close(struct state *state, struct state_step *step)
{
    int64_t closing_us = state->seal.closing_us;
    step->over = true;
    while (state->closes && state->due.count && state->due.entries[0].time_us <= closing_us) {
        struct window *window = state->due.entries[0].item;
        bool some, whole = leaves(state, closing_us, &some);
        if (!some)
            break;
        if (*step->work == 0) {
            step->over = false;
            break;
        }
        state_spend(step->work, 4);
        if (window_list_add(state, &state->closing, window) != 0)
            return ERR_NOMEM;
        window->closing = whole;
        if (!whole)
            break; /* the bucket that the watermark is in */
        time_heap_pop(&state->due);
    }
    return 0;
}

/* ---- the bucket that the watermark is in: what is up to it leaves ---- */

static int keep_rows(struct state *state, uint32_t n)
{
    struct state_cut *cut = &state->cut;
    struct group_batch batch;
    arena_reset(&state->scratch);
    if (group_table_batch(cut->window->kept, NULL, cut->row, n, &state->scratch, &batch) != 0)
        return ERR_NOMEM;
    const int64_t *times = batch.cols[state->grouping->event_key].i64;
    for (uint32_t i = 0; i < n; i++) {
        cut->ids[cut->row + i] = GROUP_NONE;
        if (times[i] <= state->closing_us)
            continue;
        uint32_t id = group_table_get(cut->table, &batch.keys, i);
        if (id == GROUP_NONE)
            return ERR_NOMEM;
        cut->ids[cut->row + i] = id;
        if (times[i] < cut->first_key)
            cut->first_key = times[i];
        state_move(state, group_table_row(cut->table, id) + state->accumulators,
                   batch.rows[i] + state->accumulators);
    }
    cut->row += n;
    return 0;
}

static int cut_begin(struct state *state, struct window *window)
{
    struct state_cut *cut = &state->cut;
    *cut = (struct state_cut){.first_key = INT64_MAX,
                              .ids_bytes = group_table_count(window->kept) * sizeof *cut->ids};
    cut->ids = state_alloc(&state->heap, cut->ids_bytes);
    if (!cut->ids || state_table_create(state, &cut->table) != 0)
        return ERR_NOMEM;
    cut->window = window;
    return 0;
}

void state_cut_fini(struct state *state)
{
    struct state_cut *cut = &state->cut;
    state_table_destroy(state, cut->table);
    state_free(&state->heap, cut->ids, cut->ids_bytes);
    *cut = (struct state_cut){0};
}

/* Numbers of changed rows become those in the new table; false: not done yet. */
static bool renumber_touched(struct state_cut *cut, uint32_t *work)
{
    struct window *window = cut->window;
    for (; *work && cut->touched < window->touched_count; --*work) {
        uint32_t id = cut->ids[window->touched[cut->touched++]];
        if (id != GROUP_NONE)
            window->touched[cut->touched_left++] = id;
    }
    return cut->touched == window->touched_count;
}

/* All rows are decided about. */
static void cut_end(struct state *state)
{
    struct state_cut *cut = &state->cut;
    struct window *window = cut->window;
    state->rows -= group_table_count(window->kept) - group_table_count(cut->table);
    table_end_begin(&state->seal.end, state, window->kept);
    window->kept = cut->table;
    window->first_key = cut->first_key;
    window->touched_count = cut->touched_left;
    window->closing = group_table_count(window->kept) == 0;
    if (window->closing)
        time_heap_pop(&state->due); /* windows_close left it there, first of all */
    cut->table = NULL;
    state_cut_fini(state);
}

int windows_cut(struct state *state, struct state_step *step)
{
    struct state_cut *cut = &state->cut;
    struct state_seal *seal = &state->seal;
    struct window *last =
        state->closing.count ? state->closing.items[state->closing.count - 1] : NULL;
    if (!cut->window && seal->item == 0 && last && !last->closing) {
        seal->item = 1; /* once */
        int code = cut_begin(state, last);
        if (code)
            return code;
    }
    while (cut->window && *step->work) {
        uint32_t rest = group_table_count(cut->window->kept) - cut->row;
        uint32_t n = rest < BLOCK_ROWS_MAX ? rest : BLOCK_ROWS_MAX;
        n = n < *step->work ? n : *step->work;
        if (n > 0 && keep_rows(state, n) != 0)
            return ERR_NOMEM;
        state_spend(step->work, n);
        if (n == rest && *step->work && renumber_touched(cut, step->work))
            cut_end(state);
    }
    step->over = !cut->window && !table_end_step(state, &seal->end, step->work);
    return 0;
}

/* ---- what closed ---- */

/* Changed windows that leave need not be saved; false: not done yet. */
static bool drop_touched(struct state *state, uint32_t *work)
{
    struct state_seal *seal = &state->seal;
    struct window_list *touched = &state->touched;
    for (; *work && seal->item < touched->count; --*work) {
        struct window *window = touched->items[seal->item++];
        if (!window->closing)
            touched->items[seal->left++] = window;
    }
    if (seal->item < touched->count)
        return false;
    touched->count = seal->left;
    seal->item = touched->count;
    if (touched->count == 0)
        window_list_fini(state, touched);
    return true;
}

int windows_leave(struct state *state, struct state_step *step)
{
    struct state_seal *seal = &state->seal;
    struct window_list *closing = &state->closing;
    if (closing->count && !drop_touched(state, step->work))
        return 0;
    while (*step->work && closing->count) {
        struct window *window = closing->items[closing->count - 1];
        if (window->closing && window->kept) {
            state->rows -= group_table_count(window->kept);
            table_end_begin(&seal->end, state, window->kept);
            window->kept = NULL;
        }
        if (table_end_step(state, &seal->end, step->work))
            return 0;
        closing->count--;
        if (window->closing)
            window_remove(state, window);
        state_spend(step->work, 4);
    }
    if (closing->count)
        return 0;
    window_list_fini(state, closing);
    step->over = true;
    return 0;
}
