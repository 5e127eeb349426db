/* session_join.c: the batch's sessions joined with those of the state. */
#include "engine/session_impl.h"

int sessions_forget(struct state *state, struct state_step *step)
{
    struct sessions *sessions = state->sessions;
    state_free(&state->heap, sessions->touched, sessions->touched_room * sizeof *sessions->touched);
    sessions->touched = NULL;
    sessions->touched_count = sessions->touched_room = 0;
    step->over = true;
    return 0;
}

static struct session_part part_of(const struct sessions *sessions, char *row)
{
    struct session_part part = {.row = row};
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

static void append(struct sessions *sessions, uint32_t id)
{
    struct session_join *join = &sessions->join;
    if (join->last)
        session_at(sessions, join->last - 1)->next = id + 1;
    else
        join->first = id + 1;
    session_at(sessions, id)->next = 0;
    join->last = id + 1;
    join->count++;
}

static int absorb(struct state *state, int64_t end, const char *accumulators,
                  const struct lows *lows, struct err *err)
{
    struct sessions *sessions = state->sessions;
    struct session *last = session_at(sessions, sessions->join.last - 1);
    if (end > last->end)
        last->end = end;
    if (lows_merge(&last->lows, &state->heap, lows) != 0)
        return ERR_NOMEM;
    return state_merge(state, session_accumulators(last), accumulators, err);
}

static bool joins(const struct sessions *sessions, int64_t start)
{
    uint32_t last = sessions->join.last;
    return last && start <= session_at(sessions, last - 1)->end;
}

static int take_old(struct state *state, struct err *err)
{
    struct sessions *sessions = state->sessions;
    struct session_join *join = &sessions->join;
    uint32_t id = join->old - 1;
    struct session *session = session_at(sessions, id);
    join->old = session->next;
    if (!joins(sessions, session->start)) {
        append(sessions, id);
        return 0;
    }
    int code = absorb(state, session->end, session_accumulators(session), &session->lows, err);
    session_remove(state, id);
    return code;
}

static int take_part(struct state *state, struct err *err)
{
    struct sessions *sessions = state->sessions;
    struct session_join *join = &sessions->join;
    struct session_part part = join->part;
    char *accumulators = part.row + sessions->batch_accumulators;
    struct lows *lows = session_batch_lows(sessions, part.row);
    join->part = (struct session_part){0};
    if (joins(sessions, part.start))
        return absorb(state, part.end, accumulators, lows, err);
    uint32_t id = session_add(state, join->key, part.start, part.end);
    if (id == GROUP_NONE)
        return ERR_NOMEM;
    struct session *session = session_at(sessions, id);
    state_move(state, session_accumulators(session), accumulators);
    session->lows = *lows;
    *lows = (struct lows){0};
    append(sessions, id);
    return 0;
}

static void open_key(struct sessions *sessions)
{
    struct session_join *join = &sessions->join;
    join->open = true;
    join->key = key_of(sessions, join->part.row);
    join->old = session_key_at(sessions, join->key)->first;
    join->first = join->last = join->count = 0;
    sessions->touched[sessions->touched_count++] = join->key;
}

static void close_key(struct state *state)
{
    struct session_join *join = &state->sessions->join;
    session_key_at(state->sessions, join->key)->first = join->first;
    state->seal.counts->updated += join->count; /* all of the key's, as in Spark */
    join->open = false;
}

/* The rows of the batch are in the order of key, start and end. Each round does one thing. */
static int join_rows(struct state *state, struct state_step *step, bool *over)
{
    struct sessions *sessions = state->sessions;
    struct session_join *join = &sessions->join;
    int code = 0;
    for (; *step->work && code == 0; --*step->work) {
        if (!join->part.row) {
            char *row = row_sort_take(&join->rows);
            if (row)
                join->part = part_of(sessions, row);
        }
        bool more = join->part.row && join->open && key_of(sessions, join->part.row) == join->key;
        if (join->open && !more) {
            if (join->old)
                code = take_old(state, step->err);
            else
                close_key(state);
        } else if (!join->part.row) {
            *over = true;
            return 0;
        } else if (!join->open) {
            open_key(sessions);
        } else if (join->old && session_at(sessions, join->old - 1)->start <= join->part.start) {
            code = take_old(state, step->err);
        } else {
            code = take_part(state, step->err);
        }
    }
    return code;
}

static int list_rows(struct state *state, uint32_t *work)
{
    struct sessions *sessions = state->sessions;
    struct session_join *join = &sessions->join;
    uint32_t count = group_table_count(sessions->batch);
    if (!join->begun) {
        join->begun = true;
        row_sort_init(&join->rows, &state->heap, group_order(&sessions->batch_keys));
        sessions->touched = state_alloc(&state->heap, count * sizeof *sessions->touched);
        if (!sessions->touched)
            return ERR_NOMEM;
        sessions->touched_room = count;
    }
    for (; *work && join->listed < count; --*work) {
        char *row = group_table_row(sessions->batch, join->listed++);
        if (row_sort_add(&join->rows, row) != 0)
            return ERR_NOMEM;
    }
    join->ordered = join->listed == count;
    return join->ordered ? row_sort_end(&join->rows) : 0;
}

int sessions_merge(struct state *state, struct state_step *step)
{
    struct sessions *sessions = state->sessions;
    struct session_join *join = &sessions->join;
    if (sessions->batch && !join->ordered && list_rows(state, step->work) != 0)
        return ERR_NOMEM;
    if (sessions->batch && join->ordered) {
        bool over = false;
        int code = join_rows(state, step, &over);
        if (code || !over)
            return code;
        row_sort_fini(&join->rows);
        *join = (struct session_join){0};
        state->seal.end = (struct table_end){.table = sessions->batch,
                                             .lows = sessions->batch_lows,
                                             .accumulators = sessions->batch_accumulators};
        sessions->batch = NULL;
    }
    step->over = !sessions->batch && !table_end_step(state, &state->seal.end, step->work);
    return 0;
}
