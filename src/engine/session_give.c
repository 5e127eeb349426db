/* session_give.c: the sessions that a seal gives out. */
#include "engine/session_impl.h"

static const struct session *as_session(const char *row)
{
    return (const struct session *)(const void *)row;
}

static uint64_t session_prefix(const void *user, const char *row)
{
    (void)user;
    return (uint64_t)as_session(row)->start ^ 1ULL << 63;
}

static int session_compare(const void *user, const char *a, const char *b)
{
    const struct session *x = as_session(a), *y = as_session(b);
    const struct state *state = user;
    const struct group_table *keys = state->sessions->keys;
    if (x->end != y->end)
        return x->end < y->end ? -1 : 1;
    return group_keys_compare(&state->keys, group_table_row(keys, x->key),
                              group_table_row(keys, y->key));
}

int sessions_list(struct state *state, struct state_step *step)
{
    struct sessions *sessions = state->sessions;
    struct state_output *output = &state->output;
    uint32_t *at = &state->seal.item;
    bool all = state->mode == OUTPUT_COMPLETE;
    uint32_t count = all ? sessions->rows.used : sessions->closing_count;
    if (!output->block) {
        row_sort_init(&output->rows, &state->heap,
                      (struct row_order){state, session_prefix, session_compare});
        if (state_output_init(state) != 0)
            return ERR_NOMEM;
    }
    for (; *step->work && *at < count; --*step->work) {
        uint32_t id = all ? *at : sessions->closing[*at];
        struct session *session = session_at(sessions, id);
        ++*at;
        if (session->key != GROUP_NONE && row_sort_add(&output->rows, (char *)session) != 0)
            return ERR_NOMEM;
    }
    if (*at < count)
        return 0;
    step->over = true;
    return row_sort_end(&output->rows);
}

static int fill_columns(struct state *state, char *const *rows, uint32_t n, struct arena *arena,
                        struct vec *cols)
{
    char **keys = ARENA_ARRAY(arena, char *, n);
    if (!keys || vec_init(&cols[0], state->grouping->group_schema->fields[0].type, n, arena) != 0)
        return ERR_NOMEM;
    for (uint32_t i = 0; i < n; i++) {
        const struct session *session = as_session(rows[i]);
        cols[0].children[0].i64[i] = session->start;
        cols[0].children[1].i64[i] = session->end;
        keys[i] = group_table_row(state->sessions->keys, session->key);
    }
    return group_keys_load(&state->keys, keys, n, arena, cols + 1);
}

static int make_block(struct state *state, struct state_step *step)
{
    const struct sql_grouping *grouping = state->grouping;
    struct state_output *output = &state->output;
    uint32_t n = output->count, columns = 1 + grouping->key_count + grouping->aggregate_count;
    *step->groups = (struct block){.col_count = columns, .rows = n};
    struct vec *cols = step->groups->cols = ARENA_ARRAY(step->arena, struct vec, columns);
    if (!cols || fill_columns(state, output->block, n, step->arena, cols) != 0)
        return ERR_NOMEM;
    output->count = 0;
    return state_results(state, output->block, SESSION_ACCUMULATORS, n, step->arena,
                         cols + 1 + grouping->key_count, step->err);
}

int sessions_give(struct state *state, struct state_step *step)
{
    struct state_output *output = &state->output;
    for (; *step->work && output->count < BLOCK_ROWS_MAX; --*step->work) {
        char *row = row_sort_take(&output->rows);
        if (row) {
            output->block[output->count++] = row;
            continue;
        }
        if (output->count)
            return make_block(state, step);
        state_output_fini(state);
        step->over = true;
        return 0;
    }
    return output->count == BLOCK_ROWS_MAX ? make_block(state, step) : 0;
}
