/* dedup_save.c: dedup keys as bytes and back; docs/state-format.md. */
#include "engine/dedup_impl.h"
#include "engine/state_bytes.h"

void dedup_save_begin(struct dedup *dedup, enum state_extent extent)
{
    dedup->snapshot = extent == STATE_SNAPSHOT;
    dedup->row = 0;
}

int64_t dedup_closing_us(const struct dedup *dedup)
{
    return dedup->closing_us;
}

int dedup_save_step(struct dedup *dedup, struct buf *out, uint32_t *rows, uint32_t *work,
                    bool *done)
{
    uint32_t count = dedup->snapshot ? dedup->seen->rows.used : dedup->added_count;
    for (; *work && dedup->row < count && out->n < SAVED_CHUNK_BYTES; --*work) {
        uint32_t id = dedup->snapshot ? dedup->row : dedup->added[dedup->row];
        int64_t expiry = *dedup_expiry_of(dedup, id);
        dedup->row++;
        if (expiry == INT64_MIN)
            continue; /* it was removed */
        group_keys_encode(&dedup->keys, group_table_row(dedup->seen, id), out);
        state_put_u64(out, (uint64_t)expiry);
        ++*rows;
    }
    *done = dedup->row >= count;
    return out->failed ? ERR_NOMEM : 0;
}

void dedup_load_begin(struct dedup *dedup, enum state_extent extent)
{
    dedup->snapshot = extent == STATE_SNAPSHOT;
}

static int load_rows(struct dedup *dedup, struct state_reader *in, uint32_t n)
{
    struct key_block keys;
    arena_reset(&dedup->scratch);
    int64_t *expiries = ARENA_ARRAY(&dedup->scratch, int64_t, n);
    if (!expiries || group_keys_decode_begin(&dedup->keys, n, &dedup->scratch, &keys) != 0)
        return ERR_NOMEM;
    for (uint32_t i = 0; i < n; i++) {
        if (!group_keys_decode(&dedup->keys, in, &keys, i))
            return ERR_CORRUPT;
        expiries[i] = (int64_t)state_read_u64(in);
        if (in->failed || expiries[i] == INT64_MIN)
            return ERR_CORRUPT;
    }
    if (group_keys_hash(&dedup->keys, &keys, &dedup->scratch) != 0)
        return ERR_NOMEM;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t before = group_table_count(dedup->seen);
        uint32_t id = group_table_get(dedup->seen, &keys, i);
        if (id == GROUP_NONE)
            return ERR_NOMEM;
        if (group_table_count(dedup->seen) == before)
            return ERR_CORRUPT; /* it is there twice */
        if (dedup_set_expiry(dedup, id, expiries[i]) != 0)
            return ERR_NOMEM;
    }
    return 0;
}

int dedup_load_step(struct dedup *dedup, struct state_reader *in, uint32_t *rows, uint32_t *work)
{
    while (*rows && *work) {
        uint32_t n = *rows < STATE_LOAD_ROWS ? *rows : STATE_LOAD_ROWS;
        n = n < *work ? n : *work;
        int code = load_rows(dedup, in, n);
        if (code)
            return code;
        *rows -= n;
        *work -= n;
    }
    return 0;
}
