/* session_shrink.c: after a crowd of sessions left, the others move together. */
#include "engine/session_impl.h"

enum { SHRINK_ROWS_MIN = 1024, SHRINK_PART = 4 };

/* The new home of sessions and keys. */
struct moving {
    struct state *state;
    struct group_table *keys;
    struct group_rows rows;
    struct time_heap due;
    uint32_t *key_ids; /* by old number */
};

static bool is_sparse(const struct group_rows *rows)
{
    return rows->used > 0 && (rows->live == 0 || (rows->used > SHRINK_ROWS_MIN &&
                                                  rows->live < rows->used / SHRINK_PART));
}

static int move_session(struct moving *moving, uint32_t *link, uint32_t old, uint32_t key)
{
    uint32_t id = group_rows_add(&moving->rows);
    if (id == GROUP_NONE)
        return ERR_NOMEM;
    struct session *to = (struct session *)(void *)group_rows_at(&moving->rows, id);
    memcpy(to, session_at(moving->state->sessions, old), moving->rows.row_size);
    to->key = key;
    to->due = to->end;
    *link = id + 1;
    struct time_entry due = {.time_us = to->end, .id = id};
    return moving->state->closes ? time_heap_push(&moving->due, due) : 0;
}

/* The key and its list; the old list stays as it is. */
static int move_key(struct moving *moving, uint32_t old, uint32_t key)
{
    struct sessions *sessions = moving->state->sessions;
    char *row = group_table_row(moving->keys, key);
    uint32_t *link = &((struct session_key *)(void *)(row + sessions->key_tail))->first;
    moving->key_ids[old] = key;
    for (uint32_t next = session_key_at(sessions, old)->first; next;) {
        uint32_t id = next - 1;
        next = session_at(sessions, id)->next;
        if (move_session(moving, link, id, key) != 0)
            return ERR_NOMEM;
        link = &((struct session *)(void *)group_rows_at(&moving->rows, *link - 1))->next;
    }
    *link = 0;
    return 0;
}

static int move_block(struct moving *moving, const uint32_t *ids, uint32_t n)
{
    struct state *state = moving->state;
    struct group_batch batch;
    arena_reset(&state->scratch);
    if (group_table_batch(state->sessions->keys, ids, 0, n, &state->scratch, &batch) != 0)
        return ERR_NOMEM;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t key = group_table_get(moving->keys, &batch.keys, i);
        if (key == GROUP_NONE || move_key(moving, ids[i], key) != 0)
            return ERR_NOMEM;
    }
    return 0;
}

static int move_all(struct moving *moving, uint32_t *ids)
{
    struct sessions *sessions = moving->state->sessions;
    uint32_t count = group_table_count(sessions->keys);
    group_table_ids(sessions->keys, ids);
    for (uint32_t at = 0; at < count; at += BLOCK_ROWS_MAX) {
        uint32_t n = count - at < BLOCK_ROWS_MAX ? count - at : BLOCK_ROWS_MAX;
        if (move_block(moving, ids + at, n) != 0)
            return ERR_NOMEM;
    }
    return 0;
}

int session_shrink(struct state *state)
{
    struct sessions *sessions = state->sessions;
    bool stale = sessions->due.count > SHRINK_ROWS_MIN &&
                 sessions->due.count / SHRINK_PART > sessions->rows.live;
    if (!stale && !is_sparse(&sessions->rows) && !is_sparse(&sessions->keys->rows))
        return 0;
    struct moving moving = {.state = state, .due = {.heap = &state->heap}};
    size_t ids_bytes = group_table_count(sessions->keys) * sizeof(uint32_t);
    size_t key_ids_bytes = sessions->keys->rows.used * sizeof(uint32_t);
    uint32_t *ids = state_alloc(&state->heap, ids_bytes);
    moving.key_ids = state_alloc(&state->heap, key_ids_bytes);
    group_rows_init(&moving.rows, &state->heap, sessions->rows.row_size);
    int code = ids && moving.key_ids ? 0 : ERR_NOMEM;
    if (code == 0)
        code = group_table_create(&moving.keys, &state->keys, &state->heap,
                                  sessions->keys->rows.row_size, true);
    if (code == 0)
        code = move_all(&moving, ids);
    if (code == 0) { /* what hangs on the sessions has moved with them */
        struct group_table *keys = sessions->keys;
        struct group_rows rows = sessions->rows;
        struct time_heap due = sessions->due;
        sessions->keys = moving.keys;
        sessions->rows = moving.rows;
        sessions->due = moving.due;
        for (uint32_t i = 0; i < sessions->touched_count; i++)
            sessions->touched[i] = moving.key_ids[sessions->touched[i]];
        moving.keys = keys;
        moving.rows = rows;
        moving.due = due;
    }
    group_table_destroy(moving.keys);
    group_rows_fini(&moving.rows);
    time_heap_fini(&moving.due);
    state_free(&state->heap, moving.key_ids, key_ids_bytes);
    state_free(&state->heap, ids, ids_bytes);
    return code;
}
