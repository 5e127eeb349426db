#include "engine/dedup_impl.h"

#include <stdlib.h>

int dedup_table_create(struct dedup *dedup, struct group_table **out)
{
    return group_table_create(out, &dedup->keys, &dedup->heap, dedup->expiry + sizeof(int64_t),
                              true);
}

int dedup_create(struct dedup **out, const struct type *const *key_types, uint32_t key_count,
                 int64_t delay_us)
{
    struct dedup *dedup = calloc(1, sizeof *dedup);
    if (!dedup)
        return ERR_NOMEM;
    dedup->delay_us = delay_us;
    dedup->due.heap = &dedup->heap;
    dedup->closing_us = INT64_MIN;
    dedup->seal.stage = DEDUP_DONE;
    if (group_keys_init(&dedup->keys, key_types, key_count, true, &dedup->fixed) != 0)
        goto fail;
    dedup->expiry = (dedup->keys.size + 7) & ~(size_t)7;
    if (dedup->expiry == 0)
        dedup->expiry = 8; /* a removed row begins with a link */
    if (dedup_table_create(dedup, &dedup->seen) != 0)
        goto fail;
    *out = dedup;
    return 0;
fail:
    dedup_destroy(dedup);
    return ERR_NOMEM;
}

void dedup_forget(struct dedup *dedup)
{
    state_free(&dedup->heap, dedup->added, dedup->added_room * sizeof *dedup->added);
    dedup->added = NULL;
    dedup->added_count = dedup->added_room = 0;
}

void dedup_destroy(struct dedup *dedup)
{
    if (!dedup)
        return;
    dedup_forget(dedup);
    dedup_moving_fini(dedup);
    group_table_destroy(dedup->seen);
    time_heap_fini(&dedup->due);
    arena_fini(&dedup->fixed);
    arena_fini(&dedup->scratch);
    free(dedup);
}

uint64_t dedup_rows(const struct dedup *dedup)
{
    return group_table_count(dedup->seen);
}

size_t dedup_bytes(const struct dedup *dedup)
{
    return sizeof *dedup + dedup->heap.bytes + dedup->fixed.bytes + dedup->scratch.bytes;
}

/* ---- rows ---- */

static int note_added(struct dedup *dedup, uint32_t id)
{
    uint32_t *added = state_grow(&dedup->heap, dedup->added, dedup->added_count, &dedup->added_room,
                                 sizeof *added);
    if (!added)
        return ERR_NOMEM;
    dedup->added = added;
    dedup->added[dedup->added_count++] = id;
    return 0;
}

int dedup_set_expiry(struct dedup *dedup, uint32_t id, int64_t expiry)
{
    *dedup_expiry_of(dedup, id) = expiry;
    return time_heap_push(&dedup->due, (struct time_entry){.time_us = expiry, .id = id});
}

static int decide(struct dedup *dedup, const struct key_block *keys, uint32_t row, int64_t time,
                  uint8_t *fate)
{
    uint32_t before = group_table_count(dedup->seen);
    uint32_t id = group_table_get(dedup->seen, keys, row);
    if (id == GROUP_NONE)
        return ERR_NOMEM;
    *fate = DEDUP_DUPLICATE;
    if (group_table_count(dedup->seen) == before)
        return 0;
    *fate = DEDUP_FIRST;
    if (dedup_set_expiry(dedup, id, time_add(time, dedup->delay_us)) != 0)
        return ERR_NOMEM;
    return note_added(dedup, id);
}

int dedup_fold(struct dedup *dedup, const struct vec *keys, const struct vec *times, uint32_t rows,
               int64_t late_us, uint8_t *fates, struct state_counts *counts, struct err *err)
{
    struct key_block block;
    REQUIRE(dedup->seal.stage == DEDUP_DONE);
    if (dedup->sealed)
        dedup_forget(dedup);
    dedup->sealed = false;
    arena_reset(&dedup->scratch);
    if (group_keys_prepare(&dedup->keys, keys, rows, &dedup->scratch, &block) != 0)
        return state_nomem(err);
    for (uint32_t i = 0; i < rows; i++) {
        bool null = vec_is_null(times, i);
        if (!null && times->i64[i] <= late_us) {
            fates[i] = DEDUP_LATE;
            counts->late_pairs++;
        } else if (decide(dedup, &block, i, null ? 0 : times->i64[i], &fates[i]) != 0) {
            return state_nomem(err);
        }
    }
    return 0;
}
