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

/* Row of the batch: its key, start and end. */
struct session_part {
    char *row; /* NULL: none */
    int64_t start, end;
};

/* One key's sessions while they are joined. */
struct session_join {
    bool begun;   /* the batch's rows are being listed, or are in order */
    bool ordered; /* they are */
    uint32_t listed;
    struct row_sort rows;
    struct session_part part; /* the next of them */
    bool open;                /* a key is under way */
    uint32_t key;
    uint32_t old;   /* the rest of the key's old sessions: number + 1 */
    uint32_t first; /* the new list, and its last session so far: number + 1 */
    uint32_t last;
    uint32_t count;
};

/* How far sessions that closed have left. */
struct session_leaving {
    uint32_t sessions; /* of `closing` that are out */
    uint32_t dead;     /* keys without sessions, which then are the begin of `closing` */
    uint32_t keys;     /* of these that are out */
};

/* The new home of sessions and keys: see session_shrink.c. */
struct session_moving {
    struct group_table *keys; /* NULL: nothing moves */
    struct group_rows rows;
    struct time_heap due;
    uint32_t *key_ids; /* by old number */
    size_t key_ids_bytes;
    uint32_t key;   /* the next old one to be moved */
    uint32_t owner; /* the next whose sessions are moved */
    uint32_t old;   /* the next of these: number + 1, 0: none */
    uint32_t last;  /* the last that has moved: number + 1 */
    uint32_t touched;
    bool done; /* what is here are the old ones, to be freed */
};

struct sessions {
    struct group_table *keys;
    struct group_rows rows;       /* struct session + accumulators */
    struct time_heap due;         /* by end; only when sessions close */
    struct group_keys batch_keys; /* key's row, start, end */
    struct group_table *batch;    /* the batch under way: keys, struct lows, accumulators */
    size_t key_tail;              /* where struct session_key is */
    size_t batch_lows, batch_accumulators; /* where these are in a row of `batch` */
    uint32_t *touched; /* rows of `keys` whose sessions the sealed batch changed */
    uint32_t touched_count, touched_room;
    uint32_t *closing; /* sessions that leave when they have been read; then keys that do */
    uint32_t closing_count, closing_room;
    struct session_join join;
    struct session_leaving leaving;
    struct session_moving moving;
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
/* Whether a row of `keys` is a key: those that were removed have no session. */
static inline bool session_key_lives(const struct sessions *sessions, uint32_t key)
{
    return session_key_at(sessions, key)->first != 0;
}

void session_moving_fini(struct state *state);
