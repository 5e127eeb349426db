/* state_load.c: groups from bytes. */
#include "engine/session_impl.h"
#include "engine/state_bytes.h"

void state_load_begin(struct state *state, enum state_extent extent)
{
    state->loading =
        (struct state_loading){.snapshot = extent == STATE_SNAPSHOT, .key = GROUP_NONE};
}

/* Whether the query has such a window. */
static bool is_possible(const struct state *state, int64_t start, bool endless)
{
    if (state->grouping->window == SQL_WINDOW_TIME)
        return !endless;
    return endless ? start == 0 : state->grouping->event_key >= 0;
}

static int open_piece(struct state *state, struct state_reader *in, uint32_t rows)
{
    uint8_t endless = state_read_u8(in);
    int64_t start = (int64_t)state_read_u64(in);
    if (in->failed || endless > 1 || !is_possible(state, start, endless))
        return ERR_CORRUPT;
    struct window *window = window_get(state, start, endless);
    if (!window || (!window->kept && state_table_create(state, &window->kept) != 0))
        return ERR_NOMEM;
    lows_fini(&window->lows, &state->heap);
    int code = lows_decode(&window->lows, &state->heap, in);
    if (code)
        return code;
    state->loading.window = window;
    state->loading.left = state_read_u32(in);
    bool fits = !in->failed && state->loading.left > 0 && state->loading.left <= rows;
    return fits ? 0 : ERR_CORRUPT;
}

/* A group that was read into the table: new, or instead of what a delta replaces. */
static int place_group(struct state *state, const struct key_block *keys, uint32_t i, char *read)
{
    struct window *window = state->loading.window;
    uint32_t before = group_table_count(window->kept);
    uint32_t id = group_table_get(window->kept, keys, i);
    if (id == GROUP_NONE)
        return ERR_NOMEM;
    char *row = group_table_row(window->kept, id), *accumulators = row + state->accumulators;
    if (group_table_count(window->kept) > before)
        state->rows++;
    else if (state->loading.snapshot)
        return ERR_CORRUPT; /* it is there twice */
    else
        state_free_row(state, accumulators);
    state_move(state, accumulators, read);
    int64_t time;
    int event_key = state->grouping->event_key;
    if (event_key >= 0 && group_keys_time(&state->keys, (uint32_t)event_key, row, &time) &&
        time < window->first_key)
        window->first_key = time;
    return 0;
}

static int read_groups(struct state *state, struct state_reader *in, uint32_t n, char *read,
                       struct key_block *keys)
{
    for (uint32_t i = 0; i < n; i++) {
        if (!group_keys_decode(&state->keys, in, keys, i))
            return ERR_CORRUPT;
        int code = state_decode_row(state, in, read + i * state->accumulator_bytes);
        if (code)
            return code;
    }
    return group_keys_hash(&state->keys, keys, &state->scratch);
}

/* Keys, and accumulators apart, which go to their rows when all keys are known. */
static int load_groups(struct state *state, struct state_reader *in, uint32_t n)
{
    struct key_block keys;
    arena_reset(&state->scratch);
    char *read = arena_calloc(&state->scratch, n, state->accumulator_bytes);
    if (!read || group_keys_decode_begin(&state->keys, n, &state->scratch, &keys) != 0)
        return ERR_NOMEM;
    int code = read_groups(state, in, n, read, &keys);
    for (uint32_t i = 0; i < n && code == 0; i++)
        code = place_group(state, &keys, i, read + i * state->accumulator_bytes);
    for (uint32_t i = 0; i < n && code != 0; i++)
        state_free_row(state, read + i * state->accumulator_bytes); /* what moved is zeros here */
    return code;
}

int state_load_step(struct state *state, struct state_reader *in, uint32_t *rows, uint32_t *work)
{
    struct state_loading *loading = &state->loading;
    if (state->sessions)
        return sessions_load_step(state, in, rows, work);
    while (*rows && *work) {
        int code = loading->left ? 0 : open_piece(state, in, *rows);
        if (code)
            return code;
        const char *before = in->p;
        uint32_t n = loading->left < STATE_LOAD_ROWS ? loading->left : STATE_LOAD_ROWS;
        n = n < *work ? n : *work;
        code = load_groups(state, in, n);
        if (code)
            return code;
        loading->left -= n;
        *rows -= n;
        state_spend(work, n * 2ULL + (uint64_t)(in->p - before) / 256);
    }
    return 0;
}
