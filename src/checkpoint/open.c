/* How a checkpoint is opened, one request after the other:
 *
 * 1. check the store; prove that its put-if-absent refuses, or, in a directory, remove leftovers
 *
 * 2. look for the owner, wait until it is gone, claim the next epoch
 *
 * 3. read metadata (none: the checkpoint is new), find and read the newest decision
 *
 * 4. takeover: decide an empty batch at the next number (not where a lock guards)
 *
 * From the takeover on an earlier owner that wakes up finds its next decision taken. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "checkpoint/checkpoint_impl.h"
#include "os/clock.h"
#include "os/failpoint.h"

static void on_request(struct store_request *request);

static void fail(struct checkpoint *checkpoint, const char *key, struct err *err)
{
    checkpoint->waits_for[0] = '\0';
    if (key)
        checkpoint_prefix(checkpoint, key, err);
    else
        err_prefix(err, "checkpoint %s", checkpoint->location);
    checkpoint_fail(checkpoint, err);
}

static void fail_memory(struct checkpoint *checkpoint)
{
    struct err err;
    err_set(&err, ERR_NOMEM, "out of memory");
    fail(checkpoint, NULL, &err);
}

static void get(struct checkpoint *checkpoint)
{
    checkpoint->running = true;
    store_get(checkpoint->options.store, &checkpoint->request, str_of(checkpoint->key), on_request,
              checkpoint);
}

static void list(struct checkpoint *checkpoint, const char *prefix)
{
    snprintf(checkpoint->key, sizeof checkpoint->key, "%s", prefix);
    checkpoint->running = true;
    store_list(checkpoint->options.store, &checkpoint->request, str_of(checkpoint->key), on_request,
               checkpoint);
}

static void put_if_absent(struct checkpoint *checkpoint)
{
    checkpoint->running = true;
    store_put_if_absent(checkpoint->options.store, &checkpoint->request, str_of(checkpoint->key),
                        buf_str(&checkpoint->bytes), on_request, checkpoint);
}

/* ---- the probe ---- */

static void begin_probe(struct checkpoint *checkpoint)
{
    snprintf(checkpoint->key, sizeof checkpoint->key, "probe/%s", checkpoint->run_id);
    buf_clear(&checkpoint->bytes);
    buf_printf(&checkpoint->bytes, "%s%s\n", checkpoint->step == OPEN_PROBE ? "first " : "second ",
               checkpoint->run_id);
    put_if_absent(checkpoint);
}

static void end_probe(struct checkpoint *checkpoint)
{
    checkpoint->running = true;
    store_delete(checkpoint->options.store, &checkpoint->request, str_of(checkpoint->key),
                 on_request, checkpoint);
}

static void after_second(struct checkpoint *checkpoint, int code, struct err *err)
{
    if (code == 0) {
        err_set(err, ERR_UNSUPPORTED,
                "this store takes a second object under a name that is taken (If-None-Match is "
                "ignored): it cannot guard a checkpoint; use another store, or a directory");
        fail(checkpoint, NULL, err);
        return;
    }
    checkpoint->step = OPEN_PROBE_REMOVE;
}

/* ---- metadata ---- */

static int read_metadata(struct checkpoint *checkpoint, struct str bytes, struct err *err)
{
    int code = checkpoint_metadata_decode(&checkpoint->metadata, bytes, &checkpoint->arena, err);
    if (code)
        return code;
    snprintf(checkpoint->id, sizeof checkpoint->id, "%s", checkpoint->metadata.id);
    checkpoint->has_metadata = true;
    return 0;
}

/* ---- the owner before ---- */

static void after_owner(struct checkpoint *checkpoint, struct str bytes, struct err *err)
{
    if (owner_decode(&checkpoint->other, bytes, err) != 0) {
        checkpoint_add_hint(err);
        fail(checkpoint, checkpoint->key, err);
        return;
    }
    checkpoint->other_gone = identity_is_gone(&checkpoint->other.identity);
    checkpoint->step = OPEN_HEARTBEAT;
    checkpoint->beat_since_ms = 0;
}

static void fail_owned(struct checkpoint *checkpoint)
{
    struct err err;
    char owner[300];
    owner_print(&checkpoint->other, owner, sizeof owner);
    err_set(&err, ERR_EXISTS, "it is in use by %s", owner);
    fail(checkpoint, NULL, &err);
}

/* The other's heartbeat, or nothing. Starts the timer when it is to be looked at again. */
static void after_beat(struct checkpoint *checkpoint, struct str beat)
{
    int64_t now_ms = clock_monotonic_us() / 1000;
    char seen[sizeof checkpoint->last_beat];
    char owner[300];
    int64_t published;
    snprintf(seen, sizeof seen, "%.*s", STR_ARG(beat));
    bool is_release = owner_beat_is_release(beat, &published);
    if (is_release || checkpoint->other_gone || checkpoint->options.locked)
        checkpoint->step = OPEN_CLAIM;
    if (published > checkpoint->published)
        checkpoint->published = published;
    if (checkpoint->step == OPEN_CLAIM)
        return;
    if (checkpoint->beat_since_ms == 0) {
        checkpoint->beat_since_ms = now_ms;
        snprintf(checkpoint->last_beat, sizeof checkpoint->last_beat, "%s", seen);
        owner_print(&checkpoint->other, owner, sizeof owner);
        snprintf(checkpoint->waits_for, sizeof checkpoint->waits_for,
                 "whether its owner, %s, still lives: its heartbeat must stand still for %d s",
                 owner, OWNER_STANDSTILL_MS / 1000);
        log_line(checkpoint->options.log, LOG_INFO,
                 "the checkpoint has an owner: waiting for its heartbeat", LOG_S("owner", owner),
                 LOG_I("seconds", OWNER_STANDSTILL_MS / 1000));
        checkpoint_changed(checkpoint);
    } else if (strcmp(seen, checkpoint->last_beat) != 0) {
        fail_owned(checkpoint);
    } else if (now_ms - checkpoint->beat_since_ms >= OWNER_STANDSTILL_MS) {
        checkpoint->step = OPEN_CLAIM;
    }
}

static void after_owners(struct checkpoint *checkpoint, const struct store_request *request)
{
    uint64_t newest = owner_newest(request->entries, request->entry_count);
    checkpoint->epoch = newest + 1;
    checkpoint->other.epoch = newest;
    owner_key(newest, checkpoint->key);
    checkpoint->step = newest == 0                  ? OPEN_CLAIM
                       : checkpoint->options.locked ? OPEN_HEARTBEAT
                                                    : OPEN_OWNER;
}

static void claim(struct checkpoint *checkpoint)
{
    checkpoint->waits_for[0] = '\0';
    owner_key(checkpoint->epoch, checkpoint->key);
    buf_clear(&checkpoint->bytes);
    if (owner_encode(checkpoint, &checkpoint->bytes) != 0) {
        fail_memory(checkpoint);
        return;
    }
    FAILPOINT("owner.claim");
    put_if_absent(checkpoint);
}

/* Somebody was faster: look again who it is. */
static void after_claim(struct checkpoint *checkpoint, int code)
{
    if (code == ERR_EXISTS) {
        checkpoint->step = OPEN_OWNERS;
        return;
    }
    FAILPOINT("owner.claimed");
    owner_begin_beats(checkpoint);
    checkpoint->step = OPEN_METADATA;
}

/* ---- the newest decision ---- */

static void after_commits(struct checkpoint *checkpoint, const struct store_request *request)
{
    int64_t newest = -1;
    struct err err = {0};
    for (uint32_t i = 0; i < request->entry_count; i++) {
        int64_t batch = commit_key_batch(request->entries[i].key);
        newest = batch > newest ? batch : newest;
    }
    if (newest >= 0 && !checkpoint->has_metadata)
        err_set(&err, ERR_CORRUPT, "metadata: it is missing, but there are decisions");
    else if (checkpoint->published > newest)
        err_set(&err, ERR_CORRUPT, "commits/%" PRId64 " is missing: that batch was published",
                checkpoint->published);
    if (err.code) {
        checkpoint_add_hint(&err);
        fail(checkpoint, NULL, &err);
        return;
    }
    checkpoint->next_batch = newest + 1;
    checkpoint->step = newest >= 0 ? OPEN_RECORD : OPEN_TAKEOVER;
    if (newest >= 0)
        commit_key(newest, checkpoint->key);
}

static int take_chain(struct checkpoint *checkpoint)
{
    const struct commit_record *record = &checkpoint->record;
    chain_fini(&checkpoint->chain);
    return chain_add_all(&checkpoint->chain, record->state, record->state_count,
                         record->snapshot_count);
}

static bool read_record(struct checkpoint *checkpoint, struct str bytes, struct err *err)
{
    int code = commit_record_decode(&checkpoint->record, bytes, &checkpoint->arena, err);
    if (code == 0 && checkpoint->record.epoch > checkpoint->epoch) {
        owner_key(checkpoint->record.epoch, checkpoint->key);
        checkpoint->step = OPEN_NEWER;
        return false;
    }
    if (code == 0 && checkpoint->has_metadata &&
        !str_is(checkpoint->record.checkpoint_id, checkpoint->id))
        code = err_set(err, ERR_CORRUPT, "it belongs to another checkpoint (%.*s)",
                       STR_ARG(checkpoint->record.checkpoint_id));
    if (code == 0)
        code = take_chain(checkpoint);
    if (code == 0)
        code = checkpoint_keep_rolled(checkpoint, &checkpoint->record);
    if (code) {
        checkpoint_add_hint(err);
        fail(checkpoint, checkpoint->key, err);
        return false;
    }
    checkpoint->has_record = true;
    checkpoint->figures.decided_ms = checkpoint->record.decided_ms;
    checkpoint->next_batch = checkpoint->record.batch_id + 1;
    return true;
}

/* The newest decision is of a later epoch than ours: of an owner that came while this one opened.
 */
static void after_newer(struct checkpoint *checkpoint, int code, struct str bytes)
{
    struct owner_record other;
    struct err err;
    char text[300];
    if (code == ERR_NOT_FOUND) {
        err_set(&err, ERR_CORRUPT, "it is missing, but batch %" PRId64 " was decided by it",
                checkpoint->record.batch_id);
        checkpoint_add_hint(&err);
    } else if (owner_decode(&other, bytes, &err) == 0) {
        owner_print(&other, text, sizeof text);
        err_set(&err, ERR_EXISTS, "this process was replaced by %s", text);
        fail(checkpoint, NULL, &err);
        return;
    }
    fail(checkpoint, checkpoint->key, &err);
}

/* ---- the takeover ---- */

/* An empty batch: all is as the record before left it, by a new owner. Before there is metadata,
 * that guards: an owner decides nothing before it has put it. */
static void take_over(struct checkpoint *checkpoint)
{
    struct commit_record record = checkpoint->record;
    if (checkpoint->options.locked || !checkpoint->has_metadata || checkpoint->epoch == 1) {
        checkpoint->step = OPEN_DONE;
        return;
    }
    record.batch_id = checkpoint->next_batch;
    record.epoch = checkpoint->epoch;
    record.checkpoint_id = str_of(checkpoint->id);
    record.run_id = str_of(checkpoint->run_id);
    record.takeover = true;
    record.records = 0;
    record.slice_count = 0;
    record.decided_ms = clock_wall_ms();
    record.reason = STR("takeover");
    struct record_partition *partitions =
        ARENA_ARRAY(&checkpoint->arena, struct record_partition, record.partition_count + 1);
    for (uint32_t i = 0; partitions && i < record.partition_count; i++) {
        partitions[i] = record.partitions[i];
        partitions[i].start = partitions[i].end;
    }
    record.partitions = partitions;
    buf_clear(&checkpoint->bytes);
    commit_key(record.batch_id, checkpoint->key);
    if (!partitions || commit_record_encode(&record, &checkpoint->bytes) != 0) {
        fail_memory(checkpoint);
        return;
    }
    FAILPOINT("takeover.decide");
    put_if_absent(checkpoint);
}

static void after_takeover(struct checkpoint *checkpoint, int code, struct err *err)
{
    if (code == ERR_EXISTS) {
        checkpoint->step = OPEN_TAKEN;
        return;
    }
    FAILPOINT("takeover.decided");
    if (read_record(checkpoint, buf_str(&checkpoint->bytes), err))
        checkpoint->step = OPEN_DONE;
}

/* ---- steps ---- */

static void done(struct checkpoint *checkpoint)
{
    checkpoint->stage = CHECKPOINT_OPEN;
    checkpoint_changed(checkpoint);
}

void checkpoint_open_step(struct checkpoint *checkpoint)
{
    if (checkpoint->stage != CHECKPOINT_OPENING || checkpoint->running || checkpoint->closing)
        return;
    switch (checkpoint->step) {
    case OPEN_CHECK:
        checkpoint->running = true;
        store_check(checkpoint->options.store, &checkpoint->request, on_request, checkpoint);
        break;
    case OPEN_SWEEP:
        checkpoint->step = OPEN_OWNERS;
        checkpoint_sweep(checkpoint);
        break;
    case OPEN_PROBE:
    case OPEN_PROBE_AGAIN:
        begin_probe(checkpoint);
        break;
    case OPEN_PROBE_REMOVE:
        end_probe(checkpoint);
        break;
    case OPEN_METADATA:
        snprintf(checkpoint->key, sizeof checkpoint->key, "metadata");
        get(checkpoint);
        break;
    case OPEN_OWNERS:
        list(checkpoint, "owner/");
        break;
    case OPEN_OWNER:
    case OPEN_RECORD:
    case OPEN_TAKEN:
    case OPEN_NEWER:
        get(checkpoint);
        break;
    case OPEN_HEARTBEAT:
        owner_beat_key(checkpoint->other.epoch, checkpoint->key);
        get(checkpoint);
        break;
    case OPEN_CLAIM:
        claim(checkpoint);
        break;
    case OPEN_COMMITS:
        list(checkpoint, "commits/");
        break;
    case OPEN_TAKEOVER:
        take_over(checkpoint);
        if (checkpoint->step == OPEN_DONE)
            done(checkpoint);
        break;
    case OPEN_DONE:
        done(checkpoint);
        break;
    }
}

/* What an answer means; the next step is set, or the checkpoint has failed. */
static void take_answer(struct checkpoint *checkpoint, const struct store_request *request)
{
    int code = request->code;
    struct err err = request->err;
    struct str data = buf_str(&request->data);
    switch (checkpoint->step) {
    case OPEN_CHECK:
        checkpoint->step = checkpoint->options.locked ? OPEN_SWEEP : OPEN_PROBE;
        break;
    case OPEN_PROBE:
        checkpoint->step = OPEN_PROBE_AGAIN;
        break;
    case OPEN_PROBE_AGAIN:
        after_second(checkpoint, code, &err);
        break;
    case OPEN_PROBE_REMOVE:
        checkpoint->step = OPEN_OWNERS;
        break;
    case OPEN_METADATA:
        checkpoint->step = OPEN_COMMITS;
        if (code == 0 && read_metadata(checkpoint, data, &err) != 0) {
            checkpoint_add_hint(&err);
            fail(checkpoint, checkpoint->key, &err);
        }
        break;
    case OPEN_OWNERS:
        after_owners(checkpoint, request);
        break;
    case OPEN_OWNER:
        after_owner(checkpoint, data, &err);
        break;
    case OPEN_HEARTBEAT:
        after_beat(checkpoint, code == 0 ? data : (struct str){"", 0});
        break;
    case OPEN_CLAIM:
        after_claim(checkpoint, code);
        break;
    case OPEN_COMMITS:
        after_commits(checkpoint, request);
        break;
    case OPEN_RECORD:
    case OPEN_TAKEN:
        if (read_record(checkpoint, data, &err))
            checkpoint->step = OPEN_TAKEOVER;
        break;
    case OPEN_NEWER:
        after_newer(checkpoint, code, data);
        break;
    case OPEN_TAKEOVER:
        after_takeover(checkpoint, code, &err);
        break;
    case OPEN_SWEEP:
    case OPEN_DONE:
        break;
    }
}

static bool is_answer(enum open_step step, int code)
{
    return code == 0 ||
           (code == ERR_NOT_FOUND &&
            (step == OPEN_METADATA || step == OPEN_HEARTBEAT || step == OPEN_NEWER)) ||
           (code == ERR_EXISTS &&
            (step == OPEN_PROBE_AGAIN || step == OPEN_CLAIM || step == OPEN_TAKEOVER));
}

static void on_wait_timer(uv_timer_t *timer)
{
    checkpoint_open_step(timer->data);
}

static void on_request(struct store_request *request)
{
    struct checkpoint *checkpoint = request->user;
    checkpoint->running = false;
    if (checkpoint->closing) {
        checkpoint_idle(checkpoint);
        return;
    }
    if (!is_answer(checkpoint->step, request->code)) {
        struct err err = request->err;
        fail(checkpoint, NULL, &err);
        return;
    }
    bool looked = checkpoint->step == OPEN_HEARTBEAT;
    take_answer(checkpoint, request);
    if (checkpoint->stage != CHECKPOINT_OPENING)
        return;
    if (looked && checkpoint->step == OPEN_HEARTBEAT)
        uv_timer_start(&checkpoint->timer, on_wait_timer, OWNER_LOOK_MS, 0);
    else
        checkpoint_open_step(checkpoint);
}
