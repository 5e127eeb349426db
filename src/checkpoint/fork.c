#include "checkpoint/fork.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "batch/record.h"
#include "checkpoint/blocking.h"
#include "checkpoint/checkpoint_impl.h"
#include "os/clock.h"
#include "plan/location.h"
#include "store/local.h"

struct forking {
    const struct checkpoint_fork *fork;
    struct blocking blocking;
    struct store *from, *to;
    struct arena arena;
    struct checkpoint_metadata metadata;
    struct commit_record record;
    int64_t oldest, newest;
    int64_t published; /* up to here, as the last owner said; -1: it did not */
    struct err *err;
};

static int in_old(struct forking *f, const char *key, int code)
{
    return code ? err_prefix(f->err, "checkpoint %.*s: %s", STR_ARG(f->fork->from), key) : 0;
}

/* The heartbeat of the old checkpoint's owner, or nothing. */
static void read_beat(struct forking *f, uint64_t epoch, struct buf *out)
{
    char key[KEY_SIZE];
    owner_beat_key(epoch, key);
    buf_clear(out);
    if (blocking_get(&f->blocking, f->from, key, f->err) == 0)
        buf_append_str(out, buf_str(&f->blocking.request.data));
}

static int lock_old(struct forking *f)
{
    struct buf holder = {0};
    int code = store_local_lock(f->from, STR("run --recover-to"), &holder, f->err);
    if (code == ERR_EXISTS)
        err_set(f->err, code, "checkpoint %.*s is in use by %s", STR_ARG(f->fork->from),
                buf_cstr(&holder));
    buf_fini(&holder);
    return code;
}

/* An owner that lives shows it by another heartbeat than `first`. */
static int wait_for_owner(struct forking *f, uint64_t epoch, const char *owner, struct str first)
{
    struct buf beat = {0};
    int code = 0;
    log_line(f->fork->log, LOG_INFO, "the checkpoint has an owner: waiting for its heartbeat",
             LOG_S("owner", owner), LOG_I("seconds", OWNER_STANDSTILL_MS / 1000));
    for (int waited = 0; code == 0 && waited < OWNER_STANDSTILL_MS; waited += OWNER_LOOK_MS) {
        uv_sleep(OWNER_LOOK_MS);
        read_beat(f, epoch, &beat);
        if (!str_eq(first, buf_str(&beat)))
            code = err_set(f->err, ERR_EXISTS, "checkpoint %.*s is in use by %s",
                           STR_ARG(f->fork->from), owner);
    }
    buf_fini(&beat);
    return code;
}

/* Nobody may be at work in the old checkpoint. A damaged owner is waited for. */
static int require_no_owner(struct forking *f)
{
    struct owner_record owner = {0};
    struct buf first = {0};
    char key[KEY_SIZE], text[300] = "an owner that cannot be named";
    bool locks = !plan_location_is_s3(f->fork->from);
    int code = locks ? lock_old(f) : 0;
    if (code == 0)
        code = blocking_list(&f->blocking, f->from, "owner/", f->err);
    uint64_t newest =
        code ? 0 : owner_newest(f->blocking.request.entries, f->blocking.request.entry_count);
    if (code || newest == 0)
        return code;
    read_beat(f, newest, &first);
    owner_key(newest, key);
    if (!owner_beat_is_release(buf_str(&first), &f->published) && !locks) {
        code = in_old(f, key, blocking_get(&f->blocking, f->from, key, f->err));
        bool known =
            code == 0 && owner_decode(&owner, buf_str(&f->blocking.request.data), f->err) == 0;
        if (known)
            owner_print(&owner, text, sizeof text);
        if (code == 0 && !(known && identity_is_gone(&owner.identity)))
            code = wait_for_owner(f, newest, text, buf_str(&first));
    }
    buf_fini(&first);
    return code;
}

static int read_metadata(struct forking *f)
{
    int code = blocking_get(&f->blocking, f->from, "metadata", f->err);
    if (code == 0)
        code = checkpoint_metadata_decode(&f->metadata, buf_str(&f->blocking.request.data),
                                          &f->arena, f->err);
    if (code != ERR_NOT_FOUND && code != ERR_CORRUPT)
        return in_old(f, "metadata", code);
    /* The decisions say all that is needed. */
    f->metadata = (struct checkpoint_metadata){0};
    log_line(f->fork->log, LOG_WARN, "the checkpoint's metadata cannot be read",
             LOG_S("reason", f->err->msg));
    return 0;
}

static int find_commits(struct forking *f)
{
    bool found = false;
    f->oldest = f->newest = -1;
    int code = blocking_list(&f->blocking, f->from, "commits/", f->err);
    for (uint32_t i = 0; code == 0 && i < f->blocking.request.entry_count; i++) {
        int64_t batch = commit_key_batch(f->blocking.request.entries[i].key);
        if (batch < 0)
            continue;
        f->oldest = f->oldest < 0 || batch < f->oldest ? batch : f->oldest;
        f->newest = batch > f->newest ? batch : f->newest;
        found |= batch == f->fork->batch;
    }
    if (code || found)
        return code;
    if (f->newest < 0)
        return err_set(f->err, ERR_NOT_FOUND, "there is no checkpoint at %.*s with a decided batch",
                       STR_ARG(f->fork->from));
    return err_set(f->err, ERR_NOT_FOUND,
                   "checkpoint %.*s has no batch %" PRId64 ": there are batches %" PRId64
                   " to %" PRId64,
                   STR_ARG(f->fork->from), f->fork->batch, f->oldest, f->newest);
}

static int read_record(struct forking *f, int64_t batch, struct commit_record *out)
{
    char key[COMMIT_KEY_SIZE];
    commit_key(batch, key);
    int code = blocking_get(&f->blocking, f->from, key, f->err);
    if (code == 0)
        code = commit_record_decode(out, buf_str(&f->blocking.request.data), &f->arena, f->err);
    return in_old(f, key, code);
}

/* "s3://lake/x" of "FileSink[s3://lake/x]". */
static struct str bare_place(struct str place)
{
    const char *open = place.n ? memchr(place.p, '[', place.n) : NULL;
    if (!open || place.p[place.n - 1] != ']')
        return place;
    return (struct str){open + 1, place.n - (size_t)(open + 1 - place.p) - 1};
}

static void log_files(const struct forking *f, const struct commit_record *record)
{
    for (uint32_t i = 0; i < record->output_count; i++) {
        const struct record_output *output = &record->outputs[i];
        for (uint32_t k = 0; k < output->file_count && output->batch_id > f->fork->batch; k++) {
            struct buf path = {0};
            struct str place = bare_place(output->place);
            buf_printf(&path, "%.*s/%.*s", STR_ARG(place), STR_ARG(output->files[k].name));
            log_line(f->fork->log, LOG_WARN, "the rows of this file come again",
                     LOG_S("file", buf_cstr(&path)), LOG_I("batch", output->batch_id),
                     LOG_I("rows", (int64_t)output->files[k].rows));
            buf_fini(&path);
        }
    }
}

/* The batches after the chosen one; the last one that decided something must be among them, so that
 * the chosen one is published. */
static int look_at_later(struct forking *f)
{
    bool published = f->record.output_count == 0 || f->published >= f->fork->batch;
    for (int64_t batch = f->fork->batch + 1; batch <= f->newest; batch++) {
        struct commit_record later;
        if (read_record(f, batch, &later) != 0) {
            log_line(f->fork->log, LOG_WARN,
                     "a later batch cannot be read: its files are not known", LOG_I("batch", batch),
                     LOG_S("reason", f->err->msg));
            continue; /* it may be a new owner's first, which proves nothing */
        }
        published |= !later.takeover;
        log_files(f, &later);
    }
    if (published)
        return 0;
    return err_set(f->err, ERR_INVALID,
                   "batch %" PRId64 " is the newest decision of checkpoint %.*s, and may not be "
                   "published: a run without --recover-to does that; to go back, choose a batch "
                   "before it (the oldest is %" PRId64 ")",
                   f->fork->batch, STR_ARG(f->fork->from), f->oldest);
}

static void warn_of_rolled(const struct forking *f)
{
    for (uint32_t i = 0; i < f->record.rolled_count; i++) {
        const struct record_rolled *rolled = &f->record.rolled[i];
        char query[128], sink[128];
        snprintf(query, sizeof query, "%.*s", STR_ARG(rolled->query));
        snprintf(sink, sizeof sink, "%.*s", STR_ARG(rolled->sink));
        log_line(
            f->fork->log, LOG_WARN,
            "this sink had files open over several batches: rows of theirs that no later batch "
            "published are lost",
            LOG_S("query", query), LOG_S("sink", sink));
    }
}

static int open_new(struct forking *f)
{
    int code = blocking_open(&f->blocking, f->fork->to, false, &f->to, f->err);
    if (code)
        return err_prefix(f->err, "checkpoint %.*s", STR_ARG(f->fork->to));
    code = blocking_get(&f->blocking, f->to, "metadata", f->err);
    if (code == 0)
        return err_set(f->err, ERR_EXISTS,
                       "there is a checkpoint at %.*s already: if an earlier --recover-to made it, "
                       "put it into the pipeline as checkpointLocation; else choose another place",
                       STR_ARG(f->fork->to));
    if (code != ERR_NOT_FOUND)
        return code;
    code = blocking_list(&f->blocking, f->to, "commits/", f->err);
    for (uint32_t i = 0; code == 0 && i < f->blocking.request.entry_count; i++) {
        if (commit_key_batch(f->blocking.request.entries[i].key) != f->fork->batch)
            code = err_set(f->err, ERR_EXISTS,
                           "%.*s has decisions of other batches, of an attempt that failed: choose "
                           "another place",
                           STR_ARG(f->fork->to));
    }
    return code;
}

static int copy_state(struct forking *f)
{
    for (uint32_t i = 0; i < f->record.state_count; i++) {
        const struct record_object *object = &f->record.state[i];
        struct buf data = {0};
        int code = blocking_get(&f->blocking, f->from, object->key.p, f->err);
        if (code == 0) {
            data = f->blocking.request.data;
            f->blocking.request.data = (struct buf){0};
        }
        if (code == 0)
            code = record_object_check(object, buf_str(&data), f->err);
        if (code == ERR_CORRUPT)
            strncat(f->err->msg, ": choose an earlier batch",
                    sizeof f->err->msg - strlen(f->err->msg) - 1);
        code = in_old(f, object->key.p, code);
        if (code == 0)
            code = blocking_put(&f->blocking, f->to, object->key.p, buf_str(&data), false, f->err);
        buf_fini(&data);
        if (code)
            return code;
    }
    return 0;
}

/* Metadata last: before it is there, there is no checkpoint. */
static int write_new(struct forking *f)
{
    char key[COMMIT_KEY_SIZE];
    struct buf bytes = {0};
    struct commit_record record = f->record;
    struct checkpoint_metadata metadata = f->metadata;
    record.checkpoint_id = str_of(f->fork->new_id);
    record.epoch = 0;
    record.output_count = record.rolled_count = 0;
    metadata.created_ms = clock_wall_ms();
    if (metadata.start_count == 0) { /* the old one's cannot be read */
        metadata.starts = record.partitions;
        metadata.start_count = record.partition_count;
    }
    snprintf(metadata.id, sizeof metadata.id, "%s", f->fork->new_id);
    commit_key(record.batch_id, key);
    int code = commit_record_encode(&record, &bytes);
    if (code == 0)
        code = blocking_put(&f->blocking, f->to, key, buf_str(&bytes), false, f->err);
    buf_clear(&bytes);
    if (code == 0)
        code = checkpoint_metadata_encode(&metadata, &bytes);
    if (code == 0)
        code = blocking_put(&f->blocking, f->to, "metadata", buf_str(&bytes), true, f->err);
    buf_fini(&bytes);
    return code;
}

int checkpoint_fork(uv_loop_t *loop, const struct checkpoint_fork *fork, struct err *err)
{
    struct forking f = {.fork = fork, .published = -1, .err = err};
    *err = (struct err){0};
    blocking_init(&f.blocking, loop, fork->s3);
    int code = blocking_open(&f.blocking, fork->from, true, &f.from, err);
    if (code == 0)
        code = read_metadata(&f);
    if (code == 0)
        code = require_no_owner(&f);
    if (code == 0)
        code = find_commits(&f);
    if (code == 0)
        code = read_record(&f, fork->batch, &f.record);
    if (code == 0)
        code = open_new(&f);
    if (code == 0)
        code = look_at_later(&f);
    if (code == 0)
        code = copy_state(&f);
    if (code == 0)
        code = write_new(&f);
    if (code == 0)
        warn_of_rolled(&f);
    if (code && !err->code)
        err_set(err, code, "out of memory");
    blocking_close(&f.blocking, f.from);
    blocking_close(&f.blocking, f.to);
    blocking_fini(&f.blocking);
    arena_fini(&f.arena);
    return code;
}
