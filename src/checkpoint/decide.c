/* The first write of a new checkpoint, and the decision of a batch. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "checkpoint/checkpoint_impl.h"
#include "os/clock.h"
#include "os/failpoint.h"

static void on_request(struct store_request *request);

/* ---- metadata ---- */

static void on_metadata(struct store_request *request)
{
    struct checkpoint *checkpoint = request->user;
    struct err err = request->err;
    checkpoint->running = false;
    if (request->code)
        checkpoint_prefix(checkpoint, checkpoint->key, &err);
    FAILPOINT("metadata.written");
    checkpoint_finish(checkpoint, request->code, &err);
    checkpoint_idle(checkpoint);
}

int checkpoint_begin(struct checkpoint *checkpoint, const struct record_partition *starts,
                     uint32_t count, checkpoint_callback callback, void *user)
{
    REQUIRE(!checkpoint->running && !checkpoint->callback && !checkpoint->has_metadata);
    struct checkpoint_metadata metadata = {
        .created_ms = clock_wall_ms(), .starts = starts, .start_count = count};
    snprintf(metadata.id, sizeof metadata.id, "%s", checkpoint->id);
    buf_clear(&checkpoint->bytes);
    if (checkpoint_metadata_encode(&metadata, &checkpoint->bytes) != 0)
        return ERR_NOMEM;
    checkpoint->callback = callback;
    checkpoint->user = user;
    checkpoint->running = true;
    snprintf(checkpoint->key, sizeof checkpoint->key, "metadata");
    FAILPOINT("metadata.write");
    store_put_if_absent(checkpoint->options.store, &checkpoint->request, str_of(checkpoint->key),
                        buf_str(&checkpoint->bytes), on_metadata, checkpoint);
    return 0;
}

/* ---- the decision ---- */

static void finish(struct checkpoint *checkpoint, int code, struct err *err)
{
    checkpoint->deciding = NULL;
    if (code)
        err_prefix(err, "checkpoint %s", checkpoint->location);
    checkpoint_finish(checkpoint, code, err);
    checkpoint_idle(checkpoint);
}

static void get(struct checkpoint *checkpoint, enum decide_step step)
{
    checkpoint->decide_step = step;
    checkpoint->running = true;
    store_get(checkpoint->options.store, &checkpoint->request, str_of(checkpoint->key), on_request,
              checkpoint);
}

/* Whether there is a newer owner: by the newest of all, since those in between may be gone. */
static void look(struct checkpoint *checkpoint, enum decide_step step)
{
    checkpoint->decide_step = step;
    snprintf(checkpoint->key, sizeof checkpoint->key, "owner/");
    checkpoint->running = true;
    store_list(checkpoint->options.store, &checkpoint->request, str_of(checkpoint->key), on_request,
               checkpoint);
}

static void put(struct checkpoint *checkpoint)
{
    checkpoint->decide_step = DECIDE_PUT;
    commit_key(checkpoint->next_batch, checkpoint->key);
    checkpoint->running = true;
    FAILPOINT("decide.put");
    store_put_if_absent(checkpoint->options.store, &checkpoint->request, str_of(checkpoint->key),
                        buf_str(&checkpoint->bytes), on_request, checkpoint);
}

int checkpoint_keep_rolled(struct checkpoint *checkpoint, const struct commit_record *record)
{
    struct arena arena = {0};
    struct str *keys = ARENA_ARRAY(&arena, struct str, record->rolled_count + 1);
    for (uint32_t i = 0; keys && i < record->rolled_count; i++)
        keys[i] = arena_str(&arena, record->rolled[i].object.key);
    if (arena.failed) {
        arena_fini(&arena);
        return ERR_NOMEM;
    }
    arena_fini(&checkpoint->rolled_arena);
    checkpoint->rolled_arena = arena;
    checkpoint->rolled = keys;
    checkpoint->rolled_count = record->rolled_count;
    return 0;
}

static void decided(struct checkpoint *checkpoint)
{
    struct err err = {0};
    FAILPOINT("decide.done");
    checkpoint->next_batch++;
    if (checkpoint->saving_state) {
        chain_fini(&checkpoint->chain);
        checkpoint->chain = checkpoint->next_chain;
        checkpoint->next_chain = (struct state_chain){0};
        checkpoint->saving_state = false;
    }
    int code = checkpoint_keep_rolled(checkpoint, checkpoint->deciding);
    if (code)
        err_set(&err, code, "out of memory");
    checkpoint->figures.batch_bytes = checkpoint->saved_bytes;
    checkpoint->figures.batch_seconds = (double)(clock_monotonic_us() - checkpoint->began_us) / 1e6;
    checkpoint->figures.decided_ms = checkpoint->deciding->decided_ms;
    checkpoint->figures.state_bytes = 0;
    for (uint32_t i = 0; i < checkpoint->chain.count; i++)
        checkpoint->figures.state_bytes += checkpoint->chain.items[i].bytes;
    finish(checkpoint, code, &err);
}

/* The put may have been under way for so long that others took over, decided, and removed this
 * batch's record as an old one: then it is no decision. */
static void after_put(struct checkpoint *checkpoint)
{
    if (checkpoint->options.locked)
        decided(checkpoint);
    else
        look(checkpoint, DECIDE_LOOK_AGAIN);
}

/* Our own bytes: an earlier attempt had succeeded. Otherwise somebody else decides now. */
static void after_compare(struct checkpoint *checkpoint, struct str found)
{
    struct commit_record record;
    struct arena arena = {0};
    struct err err;
    if (str_eq(found, buf_str(&checkpoint->bytes))) {
        after_put(checkpoint);
        return;
    }
    int code = commit_record_decode(&record, found, &arena, &err);
    uint64_t epoch = code == 0 ? record.epoch : 0;
    arena_fini(&arena);
    if (code || epoch <= checkpoint->epoch) {
        err_set(&err, ERR_CORRUPT, "%s holds what this process did not write", checkpoint->key);
        finish(checkpoint, ERR_CORRUPT, &err);
        return;
    }
    owner_key(epoch, checkpoint->key);
    get(checkpoint, DECIDE_NAME);
}

static void fail_replaced(struct checkpoint *checkpoint, struct str owner)
{
    struct err err;
    owner_fail_replaced(checkpoint, owner, &err);
    finish(checkpoint, ERR_EXISTS, &err);
}

static void after_look(struct checkpoint *checkpoint, const struct store_request *request)
{
    uint64_t newest = owner_newest(request->entries, request->entry_count);
    if (newest > checkpoint->epoch) {
        owner_key(newest, checkpoint->key);
        get(checkpoint, DECIDE_NAME);
    } else if (checkpoint->decide_step == DECIDE_LOOK && checkpoint->cancelled) {
        struct err err;
        err_set(&err, ERR_CANCELLED, "the decision of a batch was cancelled");
        finish(checkpoint, ERR_CANCELLED, &err);
    } else if (checkpoint->decide_step == DECIDE_LOOK) {
        put(checkpoint);
    } else {
        decided(checkpoint);
    }
}

static void on_request(struct store_request *request)
{
    struct checkpoint *checkpoint = request->user;
    struct err err = request->err;
    struct str data = buf_str(&request->data);
    int code = request->code;
    checkpoint->running = false;
    if (code == ERR_EXISTS && checkpoint->decide_step == DECIDE_PUT) {
        get(checkpoint, DECIDE_COMPARE);
    } else if (checkpoint->decide_step == DECIDE_NAME) {
        fail_replaced(checkpoint, code == 0 ? data : (struct str){"", 0});
    } else if (code) {
        finish(checkpoint, code, &err);
    } else if (checkpoint->decide_step == DECIDE_PUT) {
        after_put(checkpoint);
    } else if (checkpoint->decide_step != DECIDE_COMPARE) {
        after_look(checkpoint, request);
    } else {
        after_compare(checkpoint, data);
    }
}

int checkpoint_decide(struct checkpoint *checkpoint, struct commit_record *record,
                      checkpoint_callback callback, void *user)
{
    REQUIRE(!checkpoint->running && !checkpoint->callback && !checkpoint->saves);
    const struct state_chain *chain =
        checkpoint->saving_state ? &checkpoint->next_chain : &checkpoint->chain;
    record->batch_id = checkpoint->next_batch;
    record->epoch = checkpoint->epoch;
    record->checkpoint_id = str_of(checkpoint->id);
    record->run_id = str_of(checkpoint->run_id);
    record->decided_ms = clock_wall_ms();
    record->state = chain->items;
    record->state_count = chain->count;
    record->snapshot_count = chain->snapshot_count;
    buf_clear(&checkpoint->bytes);
    if (commit_record_encode(record, &checkpoint->bytes) != 0)
        return ERR_NOMEM;
    checkpoint->callback = callback;
    checkpoint->user = user;
    checkpoint->deciding = record;
    checkpoint->saved_bytes += checkpoint->bytes.n;
    FAILPOINT("decide.look");
    if (checkpoint->options.locked)
        put(checkpoint);
    else
        look(checkpoint, DECIDE_LOOK);
    return 0;
}
