/* session_save.c: sessions as bytes, an entry per key (or several, when it has many); and back. */
#include "engine/session_impl.h"
#include "engine/state_bytes.h"

enum { ENTRY_SESSIONS = 64 };

/* The next key that has something to save; *end: there is none. */
static uint32_t next_key(struct state *state, bool *end)
{
    const struct sessions *sessions = state->sessions;
    bool all = state->saving.extent == STATE_SNAPSHOT;
    uint32_t count = all ? sessions->keys->rows.used : sessions->touched_count;
    uint32_t at = state->saving.item++;
    *end = at >= count;
    if (*end)
        return GROUP_NONE;
    uint32_t key = all ? at : sessions->touched[at];
    return session_key_lives(sessions, key) ? key : GROUP_NONE;
}

/* Some sessions of the key of saving->next. */
static void save_entry(struct state *state, bool more, struct buf *out, uint32_t *rows)
{
    const struct sessions *sessions = state->sessions;
    struct state_saving *saving = &state->saving;
    uint32_t count = 0, key = session_at(sessions, saving->next - 1)->key;
    for (uint32_t next = saving->next; next && count < ENTRY_SESSIONS; count++)
        next = session_at(sessions, next - 1)->next;
    group_keys_encode(&state->keys, group_table_row(sessions->keys, key), out);
    buf_append_char(out, more);
    state_put_number(out, count);
    for (uint32_t i = 0; i < count; i++) {
        struct session *session = session_at(sessions, saving->next - 1);
        state_put_u64(out, (uint64_t)session->start);
        state_put_u64(out, (uint64_t)session->end);
        lows_encode(&session->lows, out);
        state_encode_row(state, session_accumulators(session), out);
        saving->next = session->next;
    }
    *rows += count;
}

int sessions_save_step(struct state *state, struct buf *out, uint32_t *rows, uint32_t *work,
                       bool *done)
{
    enum { BYTES_PER_WORK = 256 };
    struct state_saving *saving = &state->saving;
    while (*work && out->n < SAVED_CHUNK_BYTES && !out->failed) {
        size_t before = out->n;
        bool more = saving->next != 0;
        if (!more) {
            uint32_t key = next_key(state, done);
            if (*done)
                break;
            saving->next = key == GROUP_NONE ? 0 : session_key_at(state->sessions, key)->first;
        }
        if (saving->next)
            save_entry(state, more, out, rows);
        state_spend(work, 1 + (out->n - before) / BYTES_PER_WORK);
    }
    return out->failed ? ERR_NOMEM : 0;
}

/* ---- back ---- */

static int load_session(struct state *state, struct state_reader *in, uint32_t key)
{
    struct sessions *sessions = state->sessions;
    uint32_t *last = &state->loading.last;
    struct session *before = *last ? session_at(sessions, *last - 1) : NULL;
    int64_t start = (int64_t)state_read_u64(in), end = (int64_t)state_read_u64(in);
    if (in->failed || end <= start || (before && start <= before->end))
        return ERR_CORRUPT;
    uint32_t id = session_add(state, key, start, end);
    if (id == GROUP_NONE)
        return ERR_NOMEM;
    if (before)
        before->next = id + 1;
    else
        session_key_at(sessions, key)->first = id + 1;
    *last = id + 1;
    struct session *session = session_at(sessions, id);
    int code = lows_decode(&session->lows, &state->heap, in);
    return code ? code : state_decode_row(state, in, session_accumulators(session));
}

/* The key's row, without what it had before unless the entry goes on with it. */
static int open_entry(struct state *state, struct state_reader *in, uint32_t *work)
{
    struct sessions *sessions = state->sessions;
    struct state_loading *loading = &state->loading;
    struct key_block keys;
    arena_reset(&state->scratch);
    if (group_keys_decode_begin(&state->keys, 1, &state->scratch, &keys) != 0)
        return ERR_NOMEM;
    if (!group_keys_decode(&state->keys, in, &keys, 0))
        return ERR_CORRUPT;
    uint8_t more = state_read_u8(in);
    if (group_keys_hash(&state->keys, &keys, &state->scratch) != 0)
        return ERR_NOMEM;
    uint32_t key = group_table_get(sessions->keys, &keys, 0);
    if (key == GROUP_NONE)
        return ERR_NOMEM;
    if (in->failed || more > 1 || (more && key != loading->key))
        return ERR_CORRUPT;
    loading->key = key;
    if (more)
        return 0;
    loading->last = 0;
    if (loading->snapshot && session_key_lives(sessions, key))
        return ERR_CORRUPT; /* it is there twice */
    for (uint32_t next = session_key_at(sessions, key)->first; next; state_spend(work, 1)) {
        uint32_t id = next - 1;
        next = session_at(sessions, id)->next;
        session_remove(state, id);
    }
    session_key_at(sessions, key)->first = 0;
    return 0;
}

int sessions_load_step(struct state *state, struct state_reader *in, uint32_t *rows, uint32_t *work)
{
    while (*rows && *work) {
        int code = open_entry(state, in, work);
        uint64_t count = code ? 0 : state_get_number(in, ENTRY_SESSIONS);
        if (code == 0 && (count == 0 || count > *rows))
            code = ERR_CORRUPT;
        for (uint64_t i = 0; i < count && code == 0; i++)
            code = load_session(state, in, state->loading.key);
        if (code)
            return code;
        *rows -= (uint32_t)count;
        state_spend(work, count + 1);
    }
    return 0;
}
