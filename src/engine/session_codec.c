/* session_codec.c: sessions as bytes: keys in blocks, then each key's sessions. */
#define _GNU_SOURCE /* qsort_r */
#include <stdlib.h>

#include "engine/session_impl.h"
#include "engine/state_bytes.h"

static void encode_key(const struct state *state, uint32_t key, struct buf *out)
{
    const struct sessions *sessions = state->sessions;
    uint32_t count = 0, first = session_key_at(sessions, key)->first;
    for (uint32_t next = first; next; next = session_at(sessions, next - 1)->next)
        count++;
    state_put_number(out, count);
    for (uint32_t next = first; next;) {
        struct session *session = session_at(sessions, next - 1);
        state_put_u64(out, (uint64_t)session->start);
        state_put_u64(out, (uint64_t)session->end);
        lows_encode(&session->lows, out);
        state_encode_row(state, session_accumulators(session), out);
        next = session->next;
    }
}

/* Key rows and their numbers. */
struct numbered {
    const char *row;
    uint32_t id;
};

static int compare_numbered(const void *a, const void *b, void *user)
{
    const struct numbered *x = a, *y = b;
    return group_keys_compare(user, x->row, y->row);
}

int sessions_encode(const struct state *state, enum state_extent extent, struct buf *out,
                    struct arena *arena)
{
    const struct sessions *sessions = state->sessions;
    bool delta = extent == STATE_DELTA;
    uint32_t count = delta ? sessions->touched_count : group_table_count(sessions->keys);
    uint32_t *ids = ARENA_ARRAY(arena, uint32_t, count);
    struct numbered *keys = ARENA_ARRAY(arena, struct numbered, count);
    if (!ids || !keys)
        return ERR_NOMEM;
    if (!delta)
        group_table_ids(sessions->keys, ids);
    else if (count)
        memcpy(ids, sessions->touched, count * sizeof *ids);
    for (uint32_t i = 0; i < count; i++)
        keys[i] = (struct numbered){group_table_row(sessions->keys, ids[i]), ids[i]};
    if (count)
        qsort_r(keys, count, sizeof *keys, compare_numbered, (void *)&state->keys);
    state_put_number(out, count);
    for (uint32_t at = 0; at < count; at += BLOCK_ROWS_MAX) {
        uint32_t end = count - at < BLOCK_ROWS_MAX ? count : at + BLOCK_ROWS_MAX;
        for (uint32_t i = at; i < end; i++)
            group_keys_encode(&state->keys, keys[i].row, out);
        for (uint32_t i = at; i < end; i++)
            encode_key(state, keys[i].id, out);
    }
    return 0;
}

/* ---- back ---- */

static int decode_session(struct state *state, struct state_reader *in, uint32_t key,
                          struct session **last)
{
    struct sessions *sessions = state->sessions;
    int64_t start = (int64_t)state_read_u64(in), end = (int64_t)state_read_u64(in);
    if (in->failed || end <= start || (*last && start <= (*last)->end))
        return ERR_CORRUPT;
    uint32_t id = session_add(state, key, start, end);
    if (id == GROUP_NONE)
        return ERR_NOMEM;
    struct session *session = session_at(sessions, id);
    if (*last)
        (*last)->next = id + 1;
    else
        session_key_at(sessions, key)->first = id + 1;
    *last = session;
    int code = lows_decode(&session->lows, &state->heap, in);
    return code ? code : state_decode_row(state, in, session_accumulators(session));
}

/* What the key had before is replaced. */
static int decode_key(struct state *state, struct state_reader *in, uint32_t key)
{
    struct sessions *sessions = state->sessions;
    struct session *last = NULL;
    uint64_t count = state_get_number(in, UINT32_MAX);
    if (count == 0)
        return ERR_CORRUPT; /* such a key is not kept */
    for (uint32_t next = session_key_at(sessions, key)->first; next;) {
        uint32_t id = next - 1;
        next = session_at(sessions, id)->next;
        session_remove(state, id);
    }
    session_key_at(sessions, key)->first = 0;
    int code = 0;
    for (uint64_t i = 0; i < count && code == 0; i++)
        code = decode_session(state, in, key, &last);
    return code;
}

/* *last: the row of the key before; keys come in order, so none is there twice. */
static int decode_block(struct state *state, struct state_reader *in, uint32_t n, const char **last)
{
    struct group_table *table = state->sessions->keys;
    struct key_block keys;
    arena_reset(&state->scratch);
    uint32_t *ids = ARENA_ARRAY(&state->scratch, uint32_t, n);
    if (!ids)
        return ERR_NOMEM;
    int code = group_keys_decode(&state->keys, in, n, &state->scratch, &keys);
    for (uint32_t i = 0; i < n && code == 0; i++) {
        ids[i] = group_table_get(table, &keys, i);
        if (ids[i] == GROUP_NONE)
            return ERR_NOMEM;
        const char *row = group_table_row(table, ids[i]);
        if (*last && group_keys_compare(&state->keys, *last, row) >= 0)
            return ERR_CORRUPT;
        *last = row;
    }
    for (uint32_t i = 0; i < n && code == 0; i++)
        code = decode_key(state, in, ids[i]);
    return code;
}

int sessions_decode(struct state *state, struct state_reader *in)
{
    const char *last = NULL;
    uint64_t count = state_get_number(in, UINT32_MAX - 2);
    int code = in->failed ? ERR_CORRUPT : 0;
    for (uint64_t done = 0; done < count && code == 0; done += BLOCK_ROWS_MAX) {
        uint64_t n = count - done < BLOCK_ROWS_MAX ? count - done : BLOCK_ROWS_MAX;
        code = decode_block(state, in, (uint32_t)n, &last);
    }
    return code;
}
