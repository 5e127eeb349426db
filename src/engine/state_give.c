/* state_give.c: what a seal gives out, block by block, in order. */
#include "engine/state_impl.h"

/* ---- orders ---- */

#define PREFIX_SET (1ULL << 63) /* not NULL */

static uint64_t text_prefix(struct str s)
{
    uint64_t prefix = 0;
    for (size_t i = 0; i < 8; i++)
        prefix = prefix << 8 | (i < s.n ? (uint8_t)s.p[i] : 0);
    return prefix >> 1 | PREFIX_SET;
}

/* Of the first leaf. */
static uint64_t group_prefix(const void *user, const char *row)
{
    const struct group_keys *keys = user;
    if (keys->leaf_count == 0)
        return 0;
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

static int group_compare(const void *user, const char *a, const char *b)
{
    return group_keys_compare(user, a, b);
}

struct row_order group_order(const struct group_keys *keys)
{
    return (struct row_order){keys, group_prefix, group_compare};
}

/* Windows by start, the endless one first. */
static uint64_t window_prefix(const void *user, const char *row)
{
    const struct window *window = (const struct window *)(const void *)row;
    (void)user;
    return window->endless ? 0 : ((uint64_t)window->start ^ 1ULL << 63) >> 1 | PREFIX_SET;
}

static int window_compare(const void *user, const char *a, const char *b)
{
    const struct window *x = (const struct window *)(const void *)a;
    const struct window *y = (const struct window *)(const void *)b;
    (void)user;
    return (x->start > y->start) - (x->start < y->start);
}

/* ---- which windows ---- */

int state_output_init(struct state *state)
{
    struct state_output *output = &state->output;
    output->block = state_alloc(&state->heap, BLOCK_ROWS_MAX * sizeof *output->block);
    output->starts = state_alloc(&state->heap, BLOCK_ROWS_MAX * sizeof *output->starts);
    return output->block && output->starts ? 0 : ERR_NOMEM;
}

void state_output_fini(struct state *state)
{
    struct state_output *output = &state->output;
    row_sort_fini(&output->windows);
    row_sort_fini(&output->rows);
    state_free(&state->heap, output->block, BLOCK_ROWS_MAX * sizeof *output->block);
    state_free(&state->heap, output->starts, BLOCK_ROWS_MAX * sizeof *output->starts);
    *output = (struct state_output){0};
}

/* The next window that is given out, or may be. */
static struct window *next_window(const struct state *state, uint32_t *item, bool *end)
{
    const struct window_map *map = &state->windows;
    const struct window_list *list =
        state->mode == OUTPUT_UPDATE ? &state->touched : &state->closing;
    bool all = state->mode == OUTPUT_COMPLETE;
    uint32_t at = (*item)++, count = all ? map->slot_count + 1 : list->count;
    *end = at >= count;
    if (*end)
        return NULL;
    return !all ? list->items[at] : at < map->slot_count ? map->slots[at] : state->endless;
}

int windows_list(struct state *state, struct state_step *step)
{
    struct state_output *output = &state->output;
    if (!output->block) {
        row_sort_init(&output->windows, &state->heap,
                      (struct row_order){NULL, window_prefix, window_compare});
        if (state_output_init(state) != 0)
            return ERR_NOMEM;
    }
    for (; *step->work; --*step->work) {
        bool end;
        struct window *window = next_window(state, &state->seal.item, &end);
        if (window && row_sort_add(&output->windows, (char *)window) != 0)
            return ERR_NOMEM;
        if (end) {
            step->over = true;
            return row_sort_end(&output->windows);
        }
    }
    return 0;
}

/* ---- their rows ---- */

static bool is_given(const struct state *state, const char *row)
{
    int64_t time;
    bool by_key = state->mode == OUTPUT_APPEND && state->grouping->event_key >= 0;
    return !by_key ||
           (group_keys_time(&state->keys, (uint32_t)state->grouping->event_key, row, &time) &&
            time <= state->closing_us);
}

/* The next row of the window under way; NULL: it has no more. */
static char *window_row(struct state *state)
{
    struct state_output *output = &state->output;
    const struct window *window = output->window;
    bool some = state->mode == OUTPUT_UPDATE && !window->touched_all;
    uint32_t count = some ? window->touched_count : group_table_count(window->kept);
    if (output->row >= count)
        return NULL;
    uint32_t at = output->row++;
    return group_table_row(window->kept, some ? window->touched[at] : at);
}

/* Rows of the window under way, and of an event key, which may stand behind other keys, those of
 * all windows. */
static int list_rows(struct state *state, uint32_t *work)
{
    struct state_output *output = &state->output;
    for (; *work; --*work) {
        char *row = window_row(state);
        if (row) {
            if (is_given(state, row) && row_sort_add(&output->rows, row) != 0)
                return ERR_NOMEM;
            continue;
        }
        output->window = NULL;
        output->row = 0;
        if (state->grouping->event_key >= 0)
            output->window = (struct window *)(void *)row_sort_take(&output->windows);
        if (output->window)
            continue;
        output->taking = true;
        return row_sort_end(&output->rows);
    }
    return 0;
}

/* Into the block under way. */
static void take_rows(struct state *state, uint32_t *work)
{
    struct state_output *output = &state->output;
    for (; *work && output->count < BLOCK_ROWS_MAX; --*work) {
        char *row = row_sort_take(&output->rows);
        if (!row) {
            row_sort_fini(&output->rows);
            output->taking = false;
            return;
        }
        output->block[output->count] = row;
        output->starts[output->count++] = output->start;
    }
}

static bool open_window(struct state *state)
{
    struct state_output *output = &state->output;
    output->window = (struct window *)(void *)row_sort_take(&output->windows);
    if (!output->window)
        return false;
    output->row = 0;
    output->start = output->window->start;
    row_sort_init(&output->rows, &state->heap, group_order(&state->keys));
    return true;
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

static int make_block(struct state *state, struct state_step *step)
{
    const struct sql_grouping *grouping = state->grouping;
    struct state_output *output = &state->output;
    struct arena *arena = step->arena;
    bool windowed = grouping->window == SQL_WINDOW_TIME;
    uint32_t n = output->count,
             columns = windowed + grouping->key_count + grouping->aggregate_count;
    *step->groups = (struct block){.col_count = columns, .rows = n};
    struct vec *cols = step->groups->cols = ARENA_ARRAY(arena, struct vec, columns);
    if (!cols || (windowed && window_column(state, output->starts, n, arena, &cols[0]) != 0) ||
        group_keys_load(&state->keys, output->block, n, arena, cols + windowed) != 0)
        return ERR_NOMEM;
    output->count = 0;
    return state_results(state, output->block, state->accumulators, n, arena,
                         cols + windowed + grouping->key_count, step->err);
}

int windows_give(struct state *state, struct state_step *step)
{
    struct state_output *output = &state->output;
    while (*step->work) {
        int code = 0;
        if (output->count == BLOCK_ROWS_MAX)
            return make_block(state, step);
        if (output->taking) {
            take_rows(state, step->work);
        } else if (output->window) {
            code = list_rows(state, step->work);
        } else if (!open_window(state)) {
            if (output->count)
                return make_block(state, step);
            state_output_fini(state);
            step->over = true;
            return 0;
        }
        if (code)
            return code;
    }
    return 0;
}
