/* state_accumulators.c: what is done to all the accumulators of a row. */
#include "engine/state_impl.h"

/* The groups of the rows whose filter is true. */
static char **filter_groups(struct state *state, char *const *groups, const struct vec *filter)
{
    char **kept = arena_alloc(&state->scratch, filter->rows * sizeof *kept);
    for (uint32_t i = 0; kept && i < filter->rows; i++)
        kept[i] = filter->boolean[i] && !vec_is_null(filter, i) ? groups[i] : NULL;
    return kept;
}

int state_update(struct state *state, char *const *groups, size_t base, const struct block *inputs,
                 uint32_t first, struct err *err)
{
    const struct sql_grouping *grouping = state->grouping;
    for (uint32_t a = 0; a < grouping->aggregate_count; a++) {
        const struct aggregate_call *call = &grouping->aggregates[a];
        const struct vec *args = inputs->cols + first;
        char *const *chosen = groups;
        first += call->arg_count;
        if (call->filter) {
            chosen = filter_groups(state, groups, &inputs->cols[first++]);
            if (!chosen)
                return state_nomem(err);
        }
        int code = call->ops->update(call, &state->heap, chosen, base + state->offsets[a], args,
                                     inputs->rows, err);
        if (code)
            return code;
    }
    return 0;
}

int state_merge(struct state *state, char *into, const char *from, struct err *err)
{
    for (uint32_t a = 0; a < state->grouping->aggregate_count; a++) {
        const struct aggregate_call *call = &state->grouping->aggregates[a];
        size_t offset = state->offsets[a];
        int code = call->ops->merge(call, &state->heap, into + offset, from + offset, err);
        if (code)
            return code;
    }
    return 0;
}

void state_move(const struct state *state, char *into, char *from)
{
    memcpy(into, from, state->accumulator_bytes);
    memset(from, 0, state->accumulator_bytes);
}

void state_free_row(struct state *state, char *accumulators)
{
    for (uint32_t a = 0; a < state->grouping->aggregate_count; a++) {
        const struct aggregate_call *call = &state->grouping->aggregates[a];
        if (call->ops->free)
            call->ops->free(call, &state->heap, accumulators + state->offsets[a]);
    }
}

int state_results(struct state *state, char *const *groups, size_t base, uint32_t n,
                  struct arena *arena, struct vec *out, struct err *err)
{
    for (uint32_t a = 0; a < state->grouping->aggregate_count; a++) {
        const struct aggregate_call *call = &state->grouping->aggregates[a];
        int code =
            call->ops->result(call, groups, base + state->offsets[a], n, arena, &out[a], err);
        if (code)
            return code;
    }
    return 0;
}

void state_encode_row(const struct state *state, const char *accumulators, struct buf *out)
{
    for (uint32_t a = 0; a < state->grouping->aggregate_count; a++) {
        const struct aggregate_call *call = &state->grouping->aggregates[a];
        if (call->ops->encode)
            call->ops->encode(call, accumulators + state->offsets[a], out);
        else
            buf_append(out, accumulators + state->offsets[a], call->size);
    }
}

int state_decode_row(struct state *state, struct state_reader *in, char *accumulators)
{
    for (uint32_t a = 0; a < state->grouping->aggregate_count; a++) {
        const struct aggregate_call *call = &state->grouping->aggregates[a];
        char *acc = accumulators + state->offsets[a];
        if (call->ops->encode) {
            int code = call->ops->decode(call, &state->heap, in, acc);
            if (code)
                return code;
            continue;
        }
        struct str bytes = state_read_bytes(in, call->size);
        if (!bytes.p)
            return ERR_CORRUPT;
        memcpy(acc, bytes.p, call->size);
    }
    return in->failed ? ERR_CORRUPT : 0;
}
