#include "engine/state_impl.h"

#include <stdlib.h>

int state_nomem(struct err *err)
{
    return err_set(err, ERR_NOMEM, "out of memory for the query's state");
}

static int init_layout(struct state *state)
{
    const struct sql_grouping *grouping = state->grouping;
    int code = group_keys_init(&state->keys, grouping->key_types, grouping->key_count, false,
                               &state->fixed);
    if (code)
        return code;
    state->accumulators = state_align(state->keys.size);
    state->offsets = ARENA_ARRAY(&state->fixed, size_t, grouping->aggregate_count);
    if (!state->offsets)
        return ERR_NOMEM;
    for (uint32_t a = 0; a < grouping->aggregate_count; a++) {
        state->offsets[a] = state->accumulator_bytes;
        state->accumulator_bytes += state_align(grouping->aggregates[a].size);
        state->hangs |= grouping->aggregates[a].ops->free != NULL;
    }
    return 0;
}

int state_create(struct state **out, const struct sql_grouping *grouping,
                 enum plan_output_mode mode)
{
    struct state *state = calloc(1, sizeof *state);
    if (!state)
        return ERR_NOMEM;
    state->grouping = grouping;
    state->mode = mode;
    state->closes = grouping->watermarked && mode != OUTPUT_COMPLETE;
    state->due.heap = &state->heap;
    state->closing_us = INT64_MIN;
    state->seal.stage = STAGE_DONE;
    int code = init_layout(state);
    if (code == 0 && grouping->window == SQL_WINDOW_SESSION)
        code = sessions_create(state);
    if (code) {
        state_destroy(state);
        return code;
    }
    *out = state;
    return 0;
}

void state_destroy(struct state *state)
{
    if (!state)
        return;
    state_output_fini(state);
    table_end_fini(state, &state->seal.end);
    sessions_destroy(state);
    state_cut_fini(state);
    windows_fini(state);
    arena_fini(&state->fixed);
    arena_fini(&state->scratch);
    free(state);
}

uint64_t state_rows(const struct state *state)
{
    return state->rows;
}

size_t state_bytes(const struct state *state)
{
    return sizeof *state + state->heap.bytes + state->fixed.bytes + state->scratch.bytes;
}

int64_t state_closing_us(const struct state *state)
{
    return state->closing_us;
}

static int64_t lower(int64_t low, const struct window *window, uint32_t partition)
{
    int64_t own = lows_of(&window->lows, partition);
    return own >= 0 && (low < 0 || own < low) ? own : low;
}

int64_t state_low_offset(const struct state *state, uint32_t partition)
{
    if (state->sessions)
        return sessions_low_offset(state, partition);
    int64_t low = state->endless ? lower(-1, state->endless, partition) : -1;
    for (uint32_t i = 0; i < state->windows.slot_count; i++) {
        if (state->windows.slots[i])
            low = lower(low, state->windows.slots[i], partition);
    }
    return low;
}
