/* session.c: making sessions, folding rows, figures. */
#include "engine/session_impl.h"

static const struct type *const *batch_key_types(struct arena *arena)
{
    const struct type **types = ARENA_ARRAY(arena, const struct type *, 3);
    if (types) {
        types[0] = type_simple(TYPE_INT);
        types[1] = types[2] = type_simple(TYPE_TIMESTAMP);
    }
    return types;
}

int sessions_create(struct state *state)
{
    struct sessions *sessions = ARENA_NEW(&state->fixed, struct sessions);
    const struct type *const *types = batch_key_types(&state->fixed);
    if (!sessions || !types)
        return ERR_NOMEM;
    sessions->due.heap = &state->heap;
    sessions->key_tail = (state->keys.size + 3) & ~(size_t)3;
    group_rows_init(&sessions->rows, &state->heap, SESSION_ACCUMULATORS + state->accumulator_bytes);
    if (group_keys_init(&sessions->batch_keys, types, 3, false, &state->fixed) != 0 ||
        group_table_create(&sessions->keys, &state->keys, &state->heap,
                           sessions->key_tail + sizeof(struct session_key), true) != 0)
        return ERR_NOMEM;
    sessions->batch_lows = (sessions->batch_keys.size + 7) & ~(size_t)7;
    sessions->batch_accumulators = state_align(sessions->batch_lows + sizeof(struct lows));
    state->sessions = sessions;
    return 0;
}

void sessions_destroy(struct state *state)
{
    struct sessions *sessions = state->sessions;
    if (!sessions)
        return;
    struct table_end batch = {.table = sessions->batch,
                              .lows = sessions->batch_lows,
                              .accumulators = sessions->batch_accumulators};
    table_end_fini(state, &batch);
    row_sort_fini(&sessions->join.rows);
    session_moving_fini(state);
    for (uint32_t i = 0; i < sessions->rows.used; i++) {
        if (session_at(sessions, i)->key != GROUP_NONE)
            session_remove(state, i);
    }
    state_free(&state->heap, sessions->touched, sessions->touched_room * sizeof *sessions->touched);
    state_free(&state->heap, sessions->closing, sessions->closing_room * sizeof *sessions->closing);
    group_rows_fini(&sessions->rows);
    group_table_destroy(sessions->keys);
    time_heap_fini(&sessions->due);
    state->sessions = NULL;
}

uint32_t session_add(struct state *state, uint32_t key, int64_t start, int64_t end)
{
    struct sessions *sessions = state->sessions;
    uint32_t id = group_rows_add(&sessions->rows);
    if (id == GROUP_NONE)
        return GROUP_NONE;
    struct session *session = session_at(sessions, id);
    session->start = start;
    session->end = session->due = end;
    session->key = key;
    state->rows++;
    if (state->closes &&
        time_heap_push(&sessions->due, (struct time_entry){.time_us = end, .id = id}) != 0)
        return GROUP_NONE;
    return id;
}

void session_remove(struct state *state, uint32_t id)
{
    struct session *session = session_at(state->sessions, id);
    state_free_row(state, session_accumulators(session));
    lows_fini(&session->lows, &state->heap);
    session->key = GROUP_NONE;
    group_rows_remove(&state->sessions->rows, id);
    state->rows--;
}

/* ---- rows ---- */

/* Rows that are in a session; the fates of the others are set. */
static uint32_t accept_rows(struct state *state, const struct block *inputs, int64_t late_us,
                            uint8_t *fates, uint32_t *picks, struct state_counts *counts)
{
    const struct vec *start = &inputs->cols[0], *end = &inputs->cols[1];
    bool can_be_late = state->grouping->watermarked; /* in complete mode too, as in Spark */
    uint32_t n = 0;
    for (uint32_t i = 0; i < inputs->rows; i++) {
        if (vec_is_null(start, i) || vec_is_null(end, i) || end->i64[i] <= start->i64[i]) {
            fates[i] = STATE_NO_EVENT_TIME;
        } else if (can_be_late && end->i64[i] <= late_us) {
            fates[i] = STATE_LATE;
            counts->late_pairs++;
        } else {
            fates[i] = STATE_ACCEPTED;
            picks[n++] = i;
        }
    }
    return n;
}

/* The rows' keys as those of the batch's table: the row in `keys`, start, end. Rows that are in no
 * session get anything. */
static int batch_block(struct state *state, const struct block *inputs, const uint32_t *picks,
                       uint32_t n, struct key_block *out)
{
    struct sessions *sessions = state->sessions;
    struct arena *arena = &state->scratch;
    struct key_block keys;
    struct vec cols[3] = {{0}, inputs->cols[0], inputs->cols[1]};
    if (vec_init(&cols[0], type_simple(TYPE_INT), inputs->rows, arena) != 0 ||
        group_keys_prepare(&state->keys, inputs->cols + 2, inputs->rows, arena, &keys) != 0)
        return ERR_NOMEM;
    memset(cols[0].i32, 0, inputs->rows * sizeof *cols[0].i32);
    for (uint32_t i = 0; i < n; i++) {
        uint32_t id = group_table_get(sessions->keys, &keys, picks[i]);
        if (id == GROUP_NONE)
            return ERR_NOMEM;
        cols[0].i32[picks[i]] = (int32_t)id;
    }
    return group_keys_prepare(&sessions->batch_keys, cols, inputs->rows, arena, out);
}

static int find_groups(struct state *state, const struct key_block *keys, const uint32_t *picks,
                       uint32_t n, const struct state_origin *origin, char **groups)
{
    struct sessions *sessions = state->sessions;
    size_t row_size = sessions->batch_accumulators + state->accumulator_bytes;
    if (!sessions->batch && group_table_create(&sessions->batch, &sessions->batch_keys,
                                               &state->heap, row_size, false) != 0)
        return ERR_NOMEM;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t id = group_table_get(sessions->batch, keys, picks[i]);
        if (id == GROUP_NONE)
            return ERR_NOMEM;
        char *row = group_table_row(sessions->batch, id);
        groups[picks[i]] = row;
        if (!origin)
            continue;
        struct low low = {origin->partition, origin->offsets[picks[i]]};
        if (lows_add(session_batch_lows(sessions, row), &state->heap, low) != 0)
            return ERR_NOMEM;
    }
    return 0;
}

int sessions_fold(struct state *state, const struct block *inputs,
                  const struct state_origin *origin, int64_t late_us, uint8_t *fates,
                  struct state_counts *counts, struct err *err)
{
    struct arena *arena = &state->scratch;
    uint32_t *picks = ARENA_ARRAY(arena, uint32_t, inputs->rows);
    char **groups = ARENA_ARRAY(arena, char *, inputs->rows);
    if (!picks || !groups)
        return state_nomem(err);
    uint32_t n = accept_rows(state, inputs, late_us, fates, picks, counts);
    struct key_block keys;
    if (n == 0)
        return 0;
    if (batch_block(state, inputs, picks, n, &keys) != 0 ||
        find_groups(state, &keys, picks, n, origin, groups) != 0)
        return state_nomem(err);
    return state_update(state, groups, state->sessions->batch_accumulators, inputs,
                        2 + state->grouping->key_count, err);
}

/* ---- figures ---- */

int64_t sessions_low_offset(const struct state *state, uint32_t partition)
{
    const struct sessions *sessions = state->sessions;
    int64_t low = -1;
    for (uint32_t i = 0; i < sessions->rows.used; i++) {
        const struct session *session = session_at(sessions, i);
        int64_t own = session->key == GROUP_NONE ? -1 : lows_of(&session->lows, partition);
        if (own >= 0 && (low < 0 || own < low))
            low = own;
    }
    return low;
}
