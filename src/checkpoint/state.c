/* The state's files: a snapshot, or a delta behind those that are there. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "checkpoint/checkpoint_impl.h"
#include "os/clock.h"
#include "os/failpoint.h"

enum {
    FILE_BYTES = 8 << 20,       /* a state file is cut when it has this much */
    FILES_ON_THEIR_WAY = 2,     /* at most: they are in memory */
    DELTA_COST = 4096,          /* what a file costs a restart besides its bytes */
    DELTA_COST_MIN = 128 << 10, /* deltas that cost less than this ask for no snapshot */
    DELTAS_MAX = 1000,
};

void chain_fini(struct state_chain *chain)
{
    for (uint32_t i = 0; i < chain->count; i++)
        free((void *)(uintptr_t)chain->items[i].key.p);
    free(chain->items);
    *chain = (struct state_chain){0};
}

static int chain_add(struct state_chain *chain, const struct record_object *object, bool snapshot)
{
    if (chain->count == chain->capacity) {
        uint32_t capacity = chain->capacity ? 2 * chain->capacity : 16;
        struct record_object *items = realloc(chain->items, capacity * sizeof *items);
        if (!items)
            return ERR_NOMEM;
        chain->items = items;
        chain->capacity = capacity;
    }
    const char *copy = str_copy(object->key);
    if (!copy)
        return ERR_NOMEM;
    chain->items[chain->count] = *object;
    chain->items[chain->count++].key.p = copy;
    if (snapshot) {
        chain->snapshot_count++;
        chain->snapshot_bytes += object->bytes;
    } else {
        chain->delta_cost += object->bytes + DELTA_COST;
    }
    return 0;
}

int chain_add_all(struct state_chain *chain, const struct record_object *items, uint32_t count,
                  uint32_t snapshot_count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (chain_add(chain, &items[i], i < snapshot_count) != 0)
            return ERR_NOMEM;
    }
    return 0;
}

bool checkpoint_wants_snapshot(const struct checkpoint *checkpoint)
{
    const struct state_chain *chain = &checkpoint->chain;
    uint64_t most = chain->snapshot_bytes > DELTA_COST_MIN ? chain->snapshot_bytes : DELTA_COST_MIN;
    return chain->snapshot_count == 0 || chain->delta_cost >= most ||
           chain->count - chain->snapshot_count >= DELTAS_MAX;
}

void checkpoint_batch_begin(struct checkpoint *checkpoint)
{
    REQUIRE(!checkpoint->saves);
    checkpoint->save_err = (struct err){0};
    arena_reset(&checkpoint->batch_arena);
    checkpoint->saved_bytes = 0;
    checkpoint->began_us = clock_monotonic_us();
    checkpoint->saving_state = checkpoint->cancelled = false;
}

int checkpoint_state_begin(struct checkpoint *checkpoint, bool snapshot)
{
    const struct state_chain *chain = &checkpoint->chain;
    chain_fini(&checkpoint->next_chain);
    buf_clear(&checkpoint->state);
    checkpoint->saving_state = true;
    checkpoint->snapshot = snapshot;
    checkpoint->file_number = 0;
    return snapshot ? 0 /* a delta stands behind what is there */
                    : chain_add_all(&checkpoint->next_chain, chain->items, chain->count,
                                    chain->snapshot_count);
}

struct buf *checkpoint_state_buf(struct checkpoint *checkpoint)
{
    return &checkpoint->state;
}

bool checkpoint_state_full(const struct checkpoint *checkpoint)
{
    return checkpoint->state_running >= FILES_ON_THEIR_WAY;
}

static int push_file(struct checkpoint *checkpoint)
{
    char key[KEY_SIZE], number[16] = "";
    struct record_object object;
    if (checkpoint->file_number > 0)
        snprintf(number, sizeof number, ".%u", checkpoint->file_number);
    checkpoint->file_number++;
    snprintf(key, sizeof key, "state/%" PRId64 ".%" PRIu64 ".%s%s", checkpoint->next_batch,
             checkpoint->epoch, checkpoint->snapshot ? "snapshot" : "delta", number);
    if (checkpoint_save(checkpoint, key, &checkpoint->state, (struct str){0}, &object) != 0)
        return ERR_NOMEM;
    return chain_add(&checkpoint->next_chain, &object, checkpoint->snapshot);
}

int checkpoint_state_push(struct checkpoint *checkpoint, bool end, struct err *err)
{
    int code = checkpoint->state.failed ? ERR_NOMEM : 0;
    if (code == 0 && checkpoint->state.n && (end || checkpoint->state.n >= FILE_BYTES))
        code = push_file(checkpoint);
    return code ? err_set(err, code, "out of memory for the state's files") : 0;
}

int checkpoint_stage_object(struct checkpoint *checkpoint, struct str query, struct str sink,
                            struct str bytes, const char *kind, struct record_object *out,
                            struct err *err)
{
    char key[KEY_SIZE + 256];
    int n =
        snprintf(key, sizeof key, "staged/%" PRId64 ".%" PRIu64 ".%.*s.%.*s%s",
                 checkpoint->next_batch, checkpoint->epoch, STR_ARG(query), STR_ARG(sink), kind);
    if (n >= (int)sizeof key)
        return err_set(err, ERR_INVALID, "the names of query and sink are too long");
    FAILPOINT("staged.save");
    struct str kept = arena_str(&checkpoint->batch_arena, str_of(key));
    int code = kept.p ? checkpoint_save(checkpoint, key, NULL, bytes, out) : ERR_NOMEM;
    out->key = kept;
    return code ? err_set(err, code, "out of memory for staged rows") : 0;
}
