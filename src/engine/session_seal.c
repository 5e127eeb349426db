/* session_seal.c: the batch's sessions joined with those of the state, what closes, what is given
 * out. */
#define _GNU_SOURCE /* qsort_r */
#include <stdlib.h>

#include "engine/session_impl.h"

/* ---- joining ---- */

/* One key's sessions while they are joined. */
struct join {
    struct state *state;
    uint32_t key;
    uint32_t old;   /* the rest of the key's old sessions: number + 1 */
    uint32_t first; /* the new list, and its last session so far: number + 1 */
    uint32_t last;
    uint32_t count;
    struct err *err;
};

/* Row of the batch: its key, start and end. */
struct part {
    char *row;
    int64_t start, end;
};

static struct part part_of(const struct sessions *sessions, char *row)
{
    struct part part = {.row = row};
    group_keys_time(&sessions->batch_keys, 1, row, &part.start);
    group_keys_time(&sessions->batch_keys, 2, row, &part.end);
    return part;
}

static uint32_t key_of(const struct sessions *sessions, const char *row)
{
    uint32_t key;
    memcpy(&key, row + sessions->batch_keys.leaves[0].offset, sizeof key);
    return key;
}

static void append(struct join *join, uint32_t id)
{
    struct sessions *sessions = join->state->sessions;
    if (join->last)
        session_at(sessions, join->last - 1)->next = id + 1;
    else
        join->first = id + 1;
    session_at(sessions, id)->next = 0;
    join->last = id + 1;
    join->count++;
}

static int absorb(struct join *join, int64_t end, const char *accumulators, const struct lows *lows)
{
    struct state *state = join->state;
    struct session *last = session_at(state->sessions, join->last - 1);
    if (end > last->end)
        last->end = end;
    if (lows_merge(&last->lows, &state->heap, lows) != 0)
        return state_nomem(join->err);
    return state_merge(state, session_accumulators(last), accumulators, join->err);
}

static bool joins(const struct join *join, int64_t start)
{
    return join->last && start <= session_at(join->state->sessions, join->last - 1)->end;
}

static int take_old(struct join *join)
{
    struct sessions *sessions = join->state->sessions;
    uint32_t id = join->old - 1;
    struct session *session = session_at(sessions, id);
    join->old = session->next;
    if (!joins(join, session->start)) {
        append(join, id);
        return 0;
    }
    int code = absorb(join, session->end, session_accumulators(session), &session->lows);
    session_remove(join->state, id);
    return code;
}

static int take_part(struct join *join, struct part part)
{
    struct state *state = join->state;
    struct sessions *sessions = state->sessions;
    char *accumulators = part.row + sessions->batch_accumulators;
    struct lows *lows = session_batch_lows(sessions, part.row);
    if (joins(join, part.start))
        return absorb(join, part.end, accumulators, lows);
    uint32_t id = session_add(state, join->key, part.start, part.end);
    if (id == GROUP_NONE)
        return state_nomem(join->err);
    struct session *session = session_at(sessions, id);
    state_move(state, session_accumulators(session), accumulators);
    session->lows = *lows;
    *lows = (struct lows){0};
    append(join, id);
    return 0;
}

/* All parts of one key, sorted. */
static int join_key(struct join *join, char *const *rows, size_t count)
{
    struct sessions *sessions = join->state->sessions;
    int code = 0;
    join->old = session_key_at(sessions, join->key)->first;
    for (size_t i = 0; i < count && code == 0; i++) {
        struct part part = part_of(sessions, rows[i]);
        while (code == 0 && join->old && session_at(sessions, join->old - 1)->start <= part.start)
            code = take_old(join);
        if (code == 0)
            code = take_part(join, part);
    }
    while (code == 0 && join->old)
        code = take_old(join);
    session_key_at(sessions, join->key)->first = join->first;
    return code;
}

static int join_rows(struct state *state, char *const *rows, size_t count,
                     struct state_counts *counts, struct err *err)
{
    struct sessions *sessions = state->sessions;
    for (size_t at = 0, end; at < count; at = end) {
        struct join join = {.state = state, .key = key_of(sessions, rows[at]), .err = err};
        for (end = at + 1; end < count && key_of(sessions, rows[end]) == join.key;)
            end++;
        sessions->touched[sessions->touched_count++] = join.key;
        int code = join_key(&join, rows + at, end - at);
        counts->updated += join.count; /* all of the key's, as in Spark */
        if (code)
            return code;
    }
    return 0;
}

static int join_batch(struct state *state, struct state_counts *counts, struct err *err)
{
    struct sessions *sessions = state->sessions;
    uint32_t count = group_table_count(sessions->batch);
    size_t bytes = count * sizeof(char *);
    char **rows = state_alloc(&state->heap, bytes);
    sessions->touched = state_alloc(&state->heap, count * sizeof *sessions->touched);
    if (sessions->touched)
        sessions->touched_room = count;
    int code = rows && sessions->touched ? 0 : ERR_NOMEM;
    for (uint32_t i = 0; code == 0 && i < count; i++)
        rows[i] = group_table_row(sessions->batch, i);
    if (code == 0)
        code = state_sort(&sessions->batch_keys, rows, count);
    code = code ? state_nomem(err) : join_rows(state, rows, count, counts, err);
    state_free(&state->heap, rows, bytes);
    return code;
}

/* ---- closing ---- */

static int closing_add(struct state *state, uint32_t id)
{
    struct sessions *sessions = state->sessions;
    uint32_t *closing = state_grow(&state->heap, sessions->closing, sessions->closing_count,
                                   &sessions->closing_room, sizeof *closing);
    if (!closing)
        return ERR_NOMEM;
    sessions->closing = closing;
    sessions->closing[sessions->closing_count++] = id;
    return 0;
}

int session_close(struct state *state, int64_t closing_us)
{
    struct sessions *sessions = state->sessions;
    struct time_heap *due = &sessions->due;
    while (due->count && due->entries[0].time_us <= closing_us) {
        struct time_entry entry = time_heap_pop(due);
        struct session *session = session_at(sessions, (uint32_t)entry.id);
        bool current = session->key != GROUP_NONE && session->due == entry.time_us;
        if (!current || session->closing)
            continue; /* of a session that was joined with an earlier one */
        if (session->end > closing_us) {
            session->due = entry.time_us = session->end;
            if (time_heap_push(due, entry) != 0)
                return ERR_NOMEM;
            continue;
        }
        session->closing = true;
        if (closing_add(state, (uint32_t)entry.id) != 0)
            return ERR_NOMEM;
    }
    return 0;
}

int sessions_seal(struct state *state, int64_t closing_us, struct state_counts *counts,
                  struct err *err)
{
    struct sessions *sessions = state->sessions;
    if (sessions->batch) {
        int code = join_batch(state, counts, err);
        if (code)
            return code;
        session_batch_destroy(state);
    }
    return state->closes && session_close(state, closing_us) != 0 ? state_nomem(err) : 0;
}

/* ---- after the groups were read ---- */

static bool is_alive(const struct sessions *sessions, uint32_t key)
{
    return session_key_at(sessions, key)->first != 0;
}

int session_remove_keys(struct state *state, const uint32_t *keys, uint32_t count)
{
    struct group_table *table = state->sessions->keys;
    for (uint32_t at = 0; at < count; at += BLOCK_ROWS_MAX) {
        uint32_t n = count - at < BLOCK_ROWS_MAX ? count - at : BLOCK_ROWS_MAX;
        struct group_batch batch;
        arena_reset(&state->scratch);
        if (group_table_batch(table, keys + at, 0, n, &state->scratch, &batch) != 0)
            return ERR_NOMEM;
        for (uint32_t i = 0; i < n; i++)
            group_table_remove(table, keys[at + i], batch.keys.hashes[i]);
    }
    return 0;
}

/* Takes closing sessions out of a key's list. */
static void unlink_closing(struct state *state, uint32_t key)
{
    struct sessions *sessions = state->sessions;
    uint32_t *link = &session_key_at(sessions, key)->first;
    while (*link) {
        uint32_t id = *link - 1;
        struct session *session = session_at(sessions, id);
        if (!session->closing) {
            link = &session->next;
            continue;
        }
        *link = session->next;
        session_remove(state, id);
    }
}

int sessions_finish(struct state *state, struct err *err)
{
    struct sessions *sessions = state->sessions;
    size_t closing_bytes = sessions->closing_room * sizeof *sessions->closing;
    uint32_t *closing = sessions->closing, dead = 0, left = 0;
    for (uint32_t i = 0; i < sessions->closing_count; i++) {
        struct session *session = session_at(sessions, closing[i]);
        if (session->key == GROUP_NONE)
            continue; /* left with another of its key */
        uint32_t key = session->key;
        unlink_closing(state, key);
        if (!is_alive(sessions, key))
            closing[dead++] = key; /* from here on the list has keys */
    }
    for (uint32_t i = 0; i < sessions->touched_count; i++) {
        if (is_alive(sessions, sessions->touched[i]))
            sessions->touched[left++] = sessions->touched[i];
    }
    sessions->touched_count = left;
    int code = session_remove_keys(state, closing, dead);
    state_free(&state->heap, closing, closing_bytes);
    sessions->closing = NULL;
    sessions->closing_count = sessions->closing_room = 0;
    if (code == 0)
        code = session_shrink(state);
    return code ? state_nomem(err) : 0;
}

void sessions_begin(struct state *state)
{
    struct sessions *sessions = state->sessions;
    state_free(&state->heap, sessions->touched, sessions->touched_room * sizeof *sessions->touched);
    sessions->touched = NULL;
    sessions->touched_count = sessions->touched_room = 0;
}

/* ---- what is given out ---- */

static int compare_sessions(const void *a, const void *b, void *user)
{
    const struct session *x = *(struct session *const *)a, *y = *(struct session *const *)b;
    const struct state *state = user;
    const struct group_table *keys = state->sessions->keys;
    if (x->start != y->start)
        return x->start < y->start ? -1 : 1;
    if (x->end != y->end)
        return x->end < y->end ? -1 : 1;
    return group_keys_compare(&state->keys, group_table_row(keys, x->key),
                              group_table_row(keys, y->key));
}

static int list_sessions(struct state *state)
{
    struct sessions *sessions = state->sessions;
    struct state_output *output = &state->output;
    bool all = state->mode == OUTPUT_COMPLETE;
    uint32_t count = all ? sessions->rows.live : sessions->closing_count, n = 0;
    if (count == 0)
        return 0;
    output->rows = state_alloc(&state->heap, count * sizeof *output->rows);
    if (!output->rows)
        return ERR_NOMEM;
    output->row_count = count;
    for (uint32_t i = 0; !all && i < count; i++)
        output->rows[n++] = (char *)session_at(sessions, sessions->closing[i]);
    for (uint32_t i = 0; all && i < sessions->rows.used; i++) {
        struct session *session = session_at(sessions, i);
        if (session->key != GROUP_NONE)
            output->rows[n++] = (char *)session;
    }
    qsort_r(output->rows, n, sizeof *output->rows, compare_sessions, state);
    return 0;
}

static int fill_columns(struct state *state, char *const *rows, uint32_t n, struct arena *arena,
                        struct vec *cols)
{
    char **keys = ARENA_ARRAY(arena, char *, n);
    if (!keys || vec_init(&cols[0], state->grouping->group_schema->fields[0].type, n, arena) != 0)
        return ERR_NOMEM;
    for (uint32_t i = 0; i < n; i++) {
        const struct session *session = (const struct session *)(const void *)rows[i];
        cols[0].children[0].i64[i] = session->start;
        cols[0].children[1].i64[i] = session->end;
        keys[i] = group_table_row(state->sessions->keys, session->key);
    }
    return group_keys_load(&state->keys, keys, n, arena, cols + 1);
}

int sessions_next(struct state *state, struct arena *arena, struct block *groups, struct err *err)
{
    struct state_output *output = &state->output;
    const struct sql_grouping *grouping = state->grouping;
    if (!output->rows && list_sessions(state) != 0)
        return state_nomem(err);
    size_t rest = output->row_count - output->row_at;
    uint32_t n = rest < BLOCK_ROWS_MAX ? (uint32_t)rest : BLOCK_ROWS_MAX;
    if (n == 0)
        return state_finish(state, err);
    char **rows = output->rows + output->row_at;
    output->row_at += n;
    uint32_t columns = 1 + grouping->key_count + grouping->aggregate_count;
    *groups = (struct block){.col_count = columns, .rows = n};
    groups->cols = ARENA_ARRAY(arena, struct vec, columns);
    if (!groups->cols || fill_columns(state, rows, n, arena, groups->cols) != 0)
        return state_nomem(err);
    return state_results(state, rows, SESSION_ACCUMULATORS, n, arena,
                         groups->cols + 1 + grouping->key_count, err);
}
