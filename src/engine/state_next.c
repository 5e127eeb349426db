/* state_next.c: what a seal gives out, block by block, in order. */
#define _GNU_SOURCE /* qsort_r */
#include <stdlib.h>

#include "engine/state_impl.h"

/* ---- sorting ---- */

struct sort_row {
    uint64_t prefix; /* of the first leaf: rows whose prefixes differ are in their order */
    char *row;
};

#define PREFIX_SET (1ULL << 63) /* not NULL */

static uint64_t text_prefix(struct str s)
{
    uint64_t prefix = 0;
    for (size_t i = 0; i < 8; i++)
        prefix = prefix << 8 | (i < s.n ? (uint8_t)s.p[i] : 0);
    return prefix >> 1 | PREFIX_SET;
}

static uint64_t prefix_of(const struct group_keys *keys, const char *row)
{
    const struct key_leaf *leaf = &keys->leaves[0];
    if (leaf->kind == LEAF_TEXT) {
        const char *text;
        memcpy(&text, row + leaf->offset, sizeof text);
        return text ? text_prefix(group_text_read(text)) : 0;
    }
    if (group_keys_is_null(keys, leaf, row))
        return 0;
    int64_t number = 0;
    int32_t small;
    if (leaf->type->kind == TYPE_BIGINT || leaf->type->kind == TYPE_TIMESTAMP) {
        memcpy(&number, row + leaf->offset, sizeof number);
    } else if (leaf->type->kind == TYPE_INT || leaf->type->kind == TYPE_DATE) {
        memcpy(&small, row + leaf->offset, sizeof small);
        number = small;
    }
    return ((uint64_t)number ^ 1ULL << 63) >> 1 | PREFIX_SET;
}

static int compare_rows(const void *a, const void *b, void *user)
{
    const struct sort_row *x = a, *y = b;
    if (x->prefix != y->prefix)
        return x->prefix < y->prefix ? -1 : 1;
    return group_keys_compare(user, x->row, y->row);
}

int state_sort(const struct group_keys *keys, char **rows, size_t count)
{
    if (keys->leaf_count == 0 || count < 2)
        return 0;
    struct sort_row *sorted = calloc(count, sizeof *sorted);
    if (!sorted)
        return ERR_NOMEM;
    for (size_t i = 0; i < count; i++)
        sorted[i] = (struct sort_row){prefix_of(keys, rows[i]), rows[i]};
    qsort_r(sorted, count, sizeof *sorted, compare_rows, (void *)keys);
    for (size_t i = 0; i < count; i++)
        rows[i] = sorted[i].row;
    free(sorted);
    return 0;
}

/* ---- what is given out ---- */

void state_output_fini(struct state *state)
{
    struct state_output *output = &state->output;
    state_free(&state->heap, output->rows, output->row_count * sizeof *output->rows);
    state_free(&state->heap, output->windows, output->window_count * sizeof *output->windows);
    *output = (struct state_output){.pending = output->pending};
}

static bool is_given(const struct state *state, const char *row)
{
    int64_t time;
    bool by_key = state->mode == OUTPUT_APPEND && state->grouping->event_key >= 0;
    return !by_key ||
           (group_keys_time(&state->keys, (uint32_t)state->grouping->event_key, row, &time) &&
            time <= state->closing_us);
}

/* The groups of a window that are given out; counts only when out is NULL. */
static size_t given_rows(const struct state *state, const struct window *window, char **out)
{
    bool some = state->mode == OUTPUT_UPDATE && !window->touched_all;
    uint32_t count = some ? window->touched_count : group_table_count(window->kept);
    size_t n = 0;
    for (uint32_t i = 0; i < count; i++) {
        char *row = group_table_row(window->kept, some ? window->touched[i] : i);
        if (!is_given(state, row))
            continue;
        if (out)
            out[n] = row;
        n++;
    }
    return n;
}

static int list_windows(struct state *state)
{
    struct state_output *output = &state->output;
    struct arena arena = {0};
    uint32_t count = 0;
    struct window **windows = state->closing.items;
    if (state->mode == OUTPUT_COMPLETE) {
        windows = windows_sorted(state, &arena, &count);
        if (!windows)
            return ERR_NOMEM;
    } else {
        const struct window_list *list =
            state->mode == OUTPUT_UPDATE ? &state->touched : &state->closing;
        windows = list->items;
        count = list->count;
    }
    int code = 0;
    if (count) {
        output->windows = state_alloc(&state->heap, count * sizeof *windows);
        code = output->windows ? 0 : ERR_NOMEM;
    }
    if (code == 0 && count) {
        memcpy(output->windows, windows, count * sizeof *windows);
        output->window_count = count;
        window_sort(output->windows, count);
    }
    arena_fini(&arena);
    return code;
}

/* The rows of the next window; of an event key, which may stand behind other keys, those of all. */
static int load_rows(struct state *state)
{
    struct state_output *output = &state->output;
    uint32_t first = output->window_at;
    uint32_t end = state->grouping->event_key >= 0 ? output->window_count : first + 1;
    size_t count = 0;
    state_free(&state->heap, output->rows, output->row_count * sizeof *output->rows);
    output->rows = NULL;
    output->row_count = output->row_at = 0;
    for (uint32_t i = first; i < end; i++)
        count += given_rows(state, output->windows[i], NULL);
    output->window_at = end;
    output->start = output->windows[first]->start;
    if (count == 0)
        return 0;
    output->rows = state_alloc(&state->heap, count * sizeof *output->rows);
    if (!output->rows)
        return ERR_NOMEM;
    output->row_count = count;
    for (uint32_t i = first, at = 0; i < end; i++)
        at += (uint32_t)given_rows(state, output->windows[i], output->rows + at);
    return state_sort(&state->keys, output->rows, count);
}

/* Up to a block of rows, with the starts of their windows. */
static int take_rows(struct state *state, char **rows, int64_t *starts, uint32_t *count)
{
    struct state_output *output = &state->output;
    uint32_t n = 0;
    while (n < BLOCK_ROWS_MAX) {
        if (output->row_at == output->row_count) {
            if (output->window_at == output->window_count)
                break;
            if (load_rows(state) != 0)
                return ERR_NOMEM;
            continue;
        }
        rows[n] = output->rows[output->row_at++];
        starts[n++] = output->start;
    }
    *count = n;
    return 0;
}

static int window_column(const struct state *state, const int64_t *starts, uint32_t n,
                         struct arena *arena, struct vec *out)
{
    if (vec_init(out, state->grouping->group_schema->fields[0].type, n, arena) != 0)
        return ERR_NOMEM;
    for (uint32_t i = 0; i < n; i++) {
        out->children[0].i64[i] = starts[i];
        out->children[1].i64[i] = time_add(starts[i], state->grouping->size_us);
    }
    return 0;
}

static int make_block(struct state *state, char *const *rows, const int64_t *starts, uint32_t n,
                      struct arena *arena, struct block *groups, struct err *err)
{
    const struct sql_grouping *grouping = state->grouping;
    bool windowed = grouping->window == SQL_WINDOW_TIME;
    uint32_t columns = windowed + grouping->key_count + grouping->aggregate_count;
    *groups = (struct block){.col_count = columns, .rows = n};
    groups->cols = ARENA_ARRAY(arena, struct vec, columns);
    if (!groups->cols)
        return state_nomem(err);
    if (windowed && window_column(state, starts, n, arena, &groups->cols[0]) != 0)
        return state_nomem(err);
    struct vec *keys = groups->cols + windowed;
    if (group_keys_load(&state->keys, rows, n, arena, keys) != 0)
        return state_nomem(err);
    return state_results(state, rows, state->accumulators, n, arena, keys + grouping->key_count,
                         err);
}

int state_next(struct state *state, struct arena *arena, struct block *groups, struct err *err)
{
    *groups = (struct block){0};
    if (!state->output.pending)
        return 0;
    if (state->sessions)
        return sessions_next(state, arena, groups, err);
    if (!state->output.windows && list_windows(state) != 0)
        return state_nomem(err);
    char **rows = ARENA_ARRAY(arena, char *, BLOCK_ROWS_MAX);
    int64_t *starts = ARENA_ARRAY(arena, int64_t, BLOCK_ROWS_MAX);
    uint32_t n = 0;
    if (!rows || !starts || take_rows(state, rows, starts, &n) != 0)
        return state_nomem(err);
    if (n == 0)
        return state_finish(state, err);
    return make_block(state, rows, starts, n, arena, groups, err);
}
