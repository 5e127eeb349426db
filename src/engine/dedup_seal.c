/* dedup_seal.c: keys whose time is over leave, in steps. */
#include "engine/dedup_impl.h"

void dedup_moving_fini(struct dedup *dedup)
{
    struct dedup_seal *seal = &dedup->seal;
    group_table_destroy(seal->table);
    state_free(&dedup->heap, seal->numbers, seal->numbers_bytes);
    seal->table = NULL;
    seal->numbers = NULL;
}

static void begin(struct dedup *dedup, int64_t closing_us)
{
    REQUIRE(dedup->seal.stage == DEDUP_DONE);
    bool idle = dedup->due.count == 0 || dedup->due.entries[0].time_us > closing_us;
    dedup->closing_us = closing_us;
    dedup->seal =
        (struct dedup_seal){.stage = idle ? DEDUP_DONE : DEDUP_EVICT, .closing_us = closing_us};
}

void dedup_seal_begin(struct dedup *dedup, int64_t closing_us, struct state_counts *counts)
{
    if (dedup->sealed)
        dedup_forget(dedup);
    counts->updated += dedup->added_count;
    dedup->sealed = true;
    begin(dedup, closing_us);
}

void dedup_load_close(struct dedup *dedup, int64_t closing_us)
{
    begin(dedup, closing_us);
}

static bool is_over(const struct dedup *dedup)
{
    return dedup->due.count == 0 || dedup->due.entries[0].time_us > dedup->seal.closing_us;
}

/* Some rows whose time is over. */
static int evict(struct dedup *dedup, uint32_t *work, bool *over)
{
    enum { EVICT_WORK = 2 };
    struct group_batch batch;
    uint32_t count = 0, most = *work / EVICT_WORK + 1;
    most = most < BLOCK_ROWS_MAX ? most : BLOCK_ROWS_MAX;
    arena_reset(&dedup->scratch);
    uint32_t *ids = ARENA_ARRAY(&dedup->scratch, uint32_t, most);
    if (!ids)
        return ERR_NOMEM;
    while (count < most && !is_over(dedup))
        ids[count++] = (uint32_t)time_heap_pop(&dedup->due).id;
    if (group_table_batch(dedup->seen, ids, 0, count, &dedup->scratch, &batch) != 0)
        return ERR_NOMEM;
    for (uint32_t i = 0; i < count; i++) {
        *dedup_expiry_of(dedup, ids[i]) = INT64_MIN;
        group_table_remove(dedup->seen, ids[i], batch.keys.hashes[i]);
    }
    state_spend(work, (uint64_t)count * EVICT_WORK);
    *over = is_over(dedup);
    return 0;
}

static int drop_added(struct dedup *dedup, uint32_t *work, bool *over)
{
    struct dedup_seal *seal = &dedup->seal;
    for (; *work && seal->item < dedup->added_count; --*work) {
        uint32_t id = dedup->added[seal->item++];
        if (*dedup_expiry_of(dedup, id) != INT64_MIN)
            dedup->added[seal->left++] = id;
    }
    *over = seal->item == dedup->added_count;
    if (*over)
        dedup->added_count = seal->left;
    return 0;
}

/* ---- after a crowd left ---- */

static bool is_sparse(const struct dedup *dedup)
{
    enum { ROWS_MIN = 1024, PART = 4 };
    uint32_t used = dedup->seen->rows.used, live = dedup->seen->rows.live;
    return used > 0 && (live == 0 || (used > ROWS_MIN && live < used / PART));
}

/* n rows into the new table. */
static int move_rows(struct dedup *dedup, const uint32_t *ids, uint32_t n)
{
    struct dedup_seal *seal = &dedup->seal;
    struct group_batch batch;
    if (group_table_batch(dedup->seen, ids, 0, n, &dedup->scratch, &batch) != 0)
        return ERR_NOMEM;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t id = group_table_get(seal->table, &batch.keys, i);
        if (id == GROUP_NONE)
            return ERR_NOMEM;
        seal->numbers[ids[i]] = id;
        memcpy(group_table_row(seal->table, id) + dedup->expiry, batch.rows[i] + dedup->expiry,
               sizeof(int64_t));
    }
    return 0;
}

static int move(struct dedup *dedup, uint32_t *work, bool *over)
{
    struct dedup_seal *seal = &dedup->seal;
    uint32_t used = dedup->seen->rows.used, n = 0;
    *over = !seal->table && !is_sparse(dedup);
    if (*over)
        return 0;
    if (!seal->table) {
        seal->numbers_bytes = used * sizeof *seal->numbers;
        seal->numbers = state_alloc(&dedup->heap, seal->numbers_bytes);
        if (!seal->numbers || dedup_table_create(dedup, &seal->table) != 0)
            return ERR_NOMEM;
    }
    uint32_t most = *work < BLOCK_ROWS_MAX ? *work : BLOCK_ROWS_MAX;
    arena_reset(&dedup->scratch);
    uint32_t *ids = ARENA_ARRAY(&dedup->scratch, uint32_t, most);
    if (!ids)
        return ERR_NOMEM;
    for (; *work && n < most && seal->item < used; --*work, seal->item++) {
        if (*dedup_expiry_of(dedup, (uint32_t)seal->item) != INT64_MIN)
            ids[n++] = (uint32_t)seal->item;
    }
    if (move_rows(dedup, ids, n) != 0)
        return ERR_NOMEM;
    *over = seal->item == used;
    if (*over) {
        struct group_table *old = dedup->seen;
        dedup->seen = seal->table;
        seal->table = old;
    }
    return 0;
}

static int number_due(struct dedup *dedup, uint32_t *work, bool *over)
{
    struct dedup_seal *seal = &dedup->seal;
    for (; *work && seal->numbers && seal->item < dedup->due.count; --*work) {
        struct time_entry *entry = &dedup->due.entries[seal->item++];
        entry->id = seal->numbers[entry->id];
    }
    *over = !seal->numbers || seal->item == dedup->due.count;
    return 0;
}

static int number_added(struct dedup *dedup, uint32_t *work, bool *over)
{
    struct dedup_seal *seal = &dedup->seal;
    for (; *work && seal->numbers && seal->item < dedup->added_count; --*work) {
        uint32_t *id = &dedup->added[seal->item++];
        *id = seal->numbers[*id];
    }
    *over = !seal->numbers || seal->item == dedup->added_count;
    return 0;
}

static int free_old(struct dedup *dedup, uint32_t *work, bool *over)
{
    struct dedup_seal *seal = &dedup->seal;
    *over = !seal->table || !group_table_destroy_step(seal->table, work);
    if (*over) {
        seal->table = NULL;
        dedup_moving_fini(dedup);
    }
    return 0;
}

int dedup_seal_step(struct dedup *dedup, uint32_t *work, bool *done)
{
    static int (*const stages[])(struct dedup * dedup, uint32_t * work, bool *over) = {
        [DEDUP_EVICT] = evict,       [DEDUP_DROP] = drop_added,       [DEDUP_MOVE] = move,
        [DEDUP_NUMBER] = number_due, [DEDUP_RENUMBER] = number_added, [DEDUP_FREE] = free_old,
    };
    struct dedup_seal *seal = &dedup->seal;
    while (*work && seal->stage != DEDUP_DONE) {
        bool over = false;
        int code = stages[seal->stage](dedup, work, &over);
        if (code)
            return code;
        if (over) {
            seal->stage++;
            seal->item = seal->left = 0;
        }
    }
    *done = seal->stage == DEDUP_DONE;
    if (*done)
        arena_fini(&dedup->scratch);
    return 0;
}
