/* session_shrink.c: after a crowd of sessions left, the others move together: first the keys, then
 * their sessions. Until all is moved the old ones stay as they are. */
#include "engine/session_impl.h"

enum { SHRINK_ROWS_MIN = 1024, SHRINK_PART = 4 };

static bool is_sparse(const struct group_rows *rows)
{
    return rows->used > 0 && (rows->live == 0 || (rows->used > SHRINK_ROWS_MIN &&
                                                  rows->live < rows->used / SHRINK_PART));
}

static bool is_due(const struct sessions *sessions)
{
    bool stale = sessions->due.count > SHRINK_ROWS_MIN &&
                 sessions->due.count / SHRINK_PART > sessions->rows.live;
    return stale || is_sparse(&sessions->rows) || is_sparse(&sessions->keys->rows);
}

static int begin(struct state *state)
{
    struct sessions *sessions = state->sessions;
    struct session_moving *moving = &sessions->moving;
    *moving = (struct session_moving){.due = {.heap = &state->heap},
                                      .key_ids_bytes =
                                          sessions->keys->rows.used * sizeof *moving->key_ids};
    moving->key_ids = state_alloc(&state->heap, moving->key_ids_bytes);
    group_rows_init(&moving->rows, &state->heap, sessions->rows.row_size);
    if (!moving->key_ids)
        return ERR_NOMEM;
    return group_table_create(&moving->keys, &state->keys, &state->heap,
                              sessions->keys->rows.row_size, true);
}

/* What hangs on sessions is there once, and not freed here. */
void session_moving_fini(struct state *state)
{
    struct session_moving *moving = &state->sessions->moving;
    if (!moving->keys && !moving->key_ids)
        return;
    group_table_destroy(moving->keys);
    group_rows_fini(&moving->rows);
    time_heap_fini(&moving->due);
    state_free(&state->heap, moving->key_ids, moving->key_ids_bytes);
    *moving = (struct session_moving){0};
}

/* Some keys. */
static int move_keys(struct state *state, uint32_t *work)
{
    struct sessions *sessions = state->sessions;
    struct session_moving *moving = &sessions->moving;
    struct group_batch batch;
    uint32_t n = 0, most = *work < BLOCK_ROWS_MAX ? *work : BLOCK_ROWS_MAX;
    arena_reset(&state->scratch);
    uint32_t *ids = ARENA_ARRAY(&state->scratch, uint32_t, most);
    if (!ids)
        return ERR_NOMEM;
    for (; *work && n < most && moving->key < sessions->keys->rows.used; --*work, moving->key++) {
        if (session_key_lives(sessions, moving->key))
            ids[n++] = moving->key;
    }
    if (group_table_batch(sessions->keys, ids, 0, n, &state->scratch, &batch) != 0)
        return ERR_NOMEM;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t key = group_table_get(moving->keys, &batch.keys, i);
        if (key == GROUP_NONE)
            return ERR_NOMEM;
        moving->key_ids[ids[i]] = key;
    }
    return 0;
}

static struct session *moved_at(const struct session_moving *moving, uint32_t id)
{
    return (struct session *)(void *)group_rows_at(&moving->rows, id);
}

/* One session of the key under way, behind those that have moved. */
static int move_session(struct state *state)
{
    struct sessions *sessions = state->sessions;
    struct session_moving *moving = &sessions->moving;
    uint32_t key = moving->key_ids[moving->owner], id = group_rows_add(&moving->rows);
    if (id == GROUP_NONE)
        return ERR_NOMEM;
    struct session *to = moved_at(moving, id), *from = session_at(sessions, moving->old - 1);
    memcpy(to, from, moving->rows.row_size);
    moving->old = from->next;
    to->key = key;
    to->due = to->end;
    to->next = 0;
    char *row = group_table_row(moving->keys, key);
    if (moving->last)
        moved_at(moving, moving->last - 1)->next = id + 1;
    else
        ((struct session_key *)(void *)(row + sessions->key_tail))->first = id + 1;
    moving->last = id + 1;
    struct time_entry due = {.time_us = to->end, .id = id};
    return state->closes ? time_heap_push(&moving->due, due) : 0;
}

/* Some sessions; *over: there are no more. */
static int move_sessions(struct state *state, uint32_t *work, bool *over)
{
    struct sessions *sessions = state->sessions;
    struct session_moving *moving = &sessions->moving;
    uint32_t count = sessions->keys->rows.used;
    for (; *work && moving->owner < count; --*work) {
        if (moving->last == 0)
            moving->old = session_key_at(sessions, moving->owner)->first;
        if (moving->old && move_session(state) != 0)
            return ERR_NOMEM;
        if (moving->old == 0) {
            moving->owner++;
            moving->last = 0;
        }
    }
    *over = moving->owner == count;
    return 0;
}

static void change_places(struct sessions *sessions)
{
    struct session_moving *moving = &sessions->moving;
    struct group_table *keys = sessions->keys;
    struct group_rows rows = sessions->rows;
    struct time_heap due = sessions->due;
    sessions->keys = moving->keys;
    sessions->rows = moving->rows;
    sessions->due = moving->due;
    moving->keys = keys;
    moving->rows = rows;
    moving->due = due;
    moving->done = true;
}

/* The old ones; true: not done yet. */
static bool free_old(struct state *state, uint32_t *work)
{
    enum { CHUNK_WORK = 64 };
    struct session_moving *moving = &state->sessions->moving;
    while (*work && group_rows_free_chunk(&moving->rows))
        state_spend(work, CHUNK_WORK);
    if (*work == 0 || (moving->keys && group_table_destroy_step(moving->keys, work)))
        return true;
    moving->keys = NULL;
    session_moving_fini(state);
    return false;
}

int sessions_shrink(struct state *state, struct state_step *step)
{
    struct sessions *sessions = state->sessions;
    struct session_moving *moving = &sessions->moving;
    if (!moving->keys && !is_due(sessions)) {
        step->over = true;
        return 0;
    }
    if (!moving->keys && begin(state) != 0)
        return ERR_NOMEM;
    while (*step->work && !moving->done && moving->key < sessions->keys->rows.used) {
        if (move_keys(state, step->work) != 0)
            return ERR_NOMEM;
    }
    if (!moving->done && *step->work) {
        bool over = false;
        if (move_sessions(state, step->work, &over) != 0)
            return ERR_NOMEM;
        if (over)
            change_places(sessions);
    }
    for (; moving->done && *step->work && moving->touched < sessions->touched_count;
         --*step->work) {
        uint32_t *key = &sessions->touched[moving->touched++];
        *key = moving->key_ids[*key];
    }
    if (moving->done && *step->work && !free_old(state, step->work))
        step->over = true;
    return 0;
}
