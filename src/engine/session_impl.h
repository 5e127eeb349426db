/* session_impl.h: what session*.c share.
 *
 * As in Spark's session aggregation, the rows of a batch are first folded by (key, start, end);
 * sealing merges these, in the order of start and end, with the sessions that the key has: a
 * session of the state comes before one of the batch that starts with it, and one that starts at or
 * before the end of the one before joins it. */
#pragma once

#include "engine/state_impl.h"

/* A session's row; its accumulators follow. */
struct session {
    int64_t start, end; /* microseconds */
    int64_t due;        /* the time of its entry in `due`: its end when that was made */
    uint32_t next;      /* the key's next session by start: number + 1, 0: none */
    uint32_t key;       /* row in `keys`; GROUP_NONE: the row is free */
    struct lows lows;
    bool closing;
};

/* What stands behind the keys of a row of `keys`. */
struct session_key {
    uint32_t first; /* its first session: number + 1, 0: none */
};

struct sessions {
    struct group_table *keys;
    struct group_rows rows;       /* struct session + accumulators */
    struct time_heap due;         /* by end; only when sessions close */
    struct group_keys batch_keys; /* key's row, start, end */
    struct group_table *batch;    /* the batch under way: keys, struct lows, accumulators */
    size_t key_tail;              /* where struct session_key is */
    size_t batch_lows, batch_accumulators; /* where these are in a row of `batch` */
    uint32_t *touched; /* rows of `keys` whose sessions the sealed batch changed, ascending */
    uint32_t touched_count, touched_room;
    uint32_t *closing; /* sessions that leave when they have been read */
    uint32_t closing_count, closing_room;
};

enum { SESSION_ACCUMULATORS = (sizeof(struct session) + 7) / 8 * 8 };

static inline struct session *session_at(const struct sessions *sessions, uint32_t id)
{
    return (struct session *)(void *)group_rows_at(&sessions->rows, id);
}

static inline char *session_accumulators(struct session *session)
{
    return (char *)session + SESSION_ACCUMULATORS;
}

static inline struct session_key *session_key_at(const struct sessions *sessions, uint32_t key)
{
    char *row = group_table_row(sessions->keys, key);
    return (struct session_key *)(void *)(row + sessions->key_tail);
}

static inline struct lows *session_batch_lows(const struct sessions *sessions, char *row)
{
    return (struct lows *)(void *)(row + sessions->batch_lows);
}

/* A session that no key has yet; GROUP_NONE without memory. */
uint32_t session_add(struct state *state, uint32_t key, int64_t start, int64_t end);
/* Frees it; the key's list must not have it. */
void session_remove(struct state *state, uint32_t id);
/* Frees the batch's table. */
void session_batch_destroy(struct state *state);
/* Takes keys without sessions out. ERR_NOMEM. */
int session_remove_keys(struct state *state, const uint32_t *keys, uint32_t count) MUST_CHECK;
/* Makes all smaller when few rows of what was allocated are used. ERR_NOMEM. */
int session_shrink(struct state *state) MUST_CHECK;
/* Sessions whose end is <= closing_us go on the list `closing`. ERR_NOMEM. */
int session_close(struct state *state, int64_t closing_us) MUST_CHECK;
