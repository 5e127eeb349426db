/* session_close.c: sessions whose time is over leave, and keys without sessions. */
#include "engine/session_impl.h"

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

/* The session of an entry that is due. */
static int close_session(struct state *state, struct time_entry entry)
{
    struct sessions *sessions = state->sessions;
    struct session *session = session_at(sessions, (uint32_t)entry.id);
    bool current = session->key != GROUP_NONE && session->due == entry.time_us;
    if (!current || session->closing)
        return 0; /* of a session that was joined with an earlier one */
    if (session->end > state->seal.closing_us) {
        session->due = entry.time_us = session->end;
        return time_heap_push(&sessions->due, entry);
    }
    session->closing = true;
    return closing_add(state, (uint32_t)entry.id);
}

int sessions_close(struct state *state, struct state_step *step)
{
    enum { CLOSE_WORK = 4 }; /* a heap of all sessions is stirred */
    struct time_heap *due = &state->sessions->due;
    while (state->closes && due->count && due->entries[0].time_us <= state->seal.closing_us) {
        if (*step->work == 0)
            return 0;
        state_spend(step->work, CLOSE_WORK);
        if (close_session(state, time_heap_pop(due)) != 0)
            return ERR_NOMEM;
    }
    step->over = true;
    return 0;
}

/* ---- after the groups were read ---- */

/* Takes a closing session out of its key's list: the first there, as sessions close in order. */
static void unlink_session(struct state *state, uint32_t id)
{
    struct sessions *sessions = state->sessions;
    uint32_t key = session_at(sessions, id)->key;
    uint32_t *link = &session_key_at(sessions, key)->first;
    while (*link != id + 1)
        link = &session_at(sessions, *link - 1)->next;
    *link = session_at(sessions, id)->next;
    session_remove(state, id);
    if (!session_key_lives(sessions, key))
        sessions->closing[sessions->leaving.dead++] = key; /* the list's begin has keys then */
}

static int remove_keys(struct state *state, const uint32_t *keys, uint32_t n)
{
    struct group_table *table = state->sessions->keys;
    struct group_batch batch;
    arena_reset(&state->scratch);
    if (group_table_batch(table, keys, 0, n, &state->scratch, &batch) != 0)
        return ERR_NOMEM;
    for (uint32_t i = 0; i < n; i++)
        group_table_remove(table, keys[i], batch.keys.hashes[i]);
    return 0;
}

/* Changed keys that leave need not be saved; false: not done yet. */
static bool drop_touched(struct state *state, uint32_t *work)
{
    struct sessions *sessions = state->sessions;
    struct state_seal *seal = &state->seal;
    for (; *work && seal->item < sessions->touched_count; --*work) {
        uint32_t key = sessions->touched[seal->item++];
        if (session_key_lives(sessions, key))
            sessions->touched[seal->left++] = key;
    }
    if (seal->item < sessions->touched_count)
        return false;
    sessions->touched_count = seal->item = seal->left;
    return true;
}

int sessions_leave(struct state *state, struct state_step *step)
{
    struct sessions *sessions = state->sessions;
    struct session_leaving *leaving = &sessions->leaving;
    for (; *step->work && leaving->sessions < sessions->closing_count; --*step->work)
        unlink_session(state, sessions->closing[leaving->sessions++]);
    if (leaving->sessions < sessions->closing_count)
        return 0;
    if (sessions->closing_count && !drop_touched(state, step->work))
        return 0;
    while (*step->work && leaving->keys < leaving->dead) {
        uint32_t n = leaving->dead - leaving->keys;
        n = n < BLOCK_ROWS_MAX ? n : BLOCK_ROWS_MAX;
        n = n < *step->work ? n : *step->work;
        if (remove_keys(state, sessions->closing + leaving->keys, n) != 0)
            return ERR_NOMEM;
        leaving->keys += n;
        state_spend(step->work, n);
    }
    if (leaving->keys < leaving->dead)
        return 0;
    state_free(&state->heap, sessions->closing, sessions->closing_room * sizeof *sessions->closing);
    sessions->closing = NULL;
    sessions->closing_count = sessions->closing_room = 0;
    *leaving = (struct session_leaving){0};
    step->over = true;
    return 0;
}
