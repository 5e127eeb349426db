/* What may go: decisions but for the last ones, state that none of those needs, staged objects of
 * published batches, owners of long ago. In the background, one request at a time; decisions go
 * first, so that none that is left misses its state. */
#include <stdio.h>
#include <stdlib.h>

#include "checkpoint/checkpoint_impl.h"
#include "os/failpoint.h"

enum {
    BATCHES_KEPT = 100, /* Spark's spark.sql.streaming.minBatchesToRetain */
    OWNERS_KEPT = 10,
};

static void next_step(struct checkpoint *checkpoint);

static void free_garbage(struct checkpoint *checkpoint)
{
    arena_fini(&checkpoint->garbage_arena);
    free(checkpoint->garbage);
    checkpoint->garbage = NULL;
    checkpoint->garbage_count = 0;
}

void trim_fini(struct checkpoint *checkpoint)
{
    free_garbage(checkpoint);
}

/* Without memory the object stays for another time. */
static void add_garbage(struct checkpoint *checkpoint, struct str key)
{
    struct str *more =
        realloc(checkpoint->garbage, (checkpoint->garbage_count + 1) * sizeof *checkpoint->garbage);
    if (!more)
        return;
    checkpoint->garbage = more;
    struct str copy = arena_str(&checkpoint->garbage_arena, key);
    if (copy.p)
        more[checkpoint->garbage_count++] = copy;
}

/* The number behind a prefix, up to a dot or the end; -1: none. */
static int64_t number_behind(struct str key, struct str prefix)
{
    int64_t number;
    if (!str_starts_with(key, prefix))
        return -1;
    struct str rest = {key.p + prefix.n, key.n - prefix.n};
    const char *dot = rest.n ? memchr(rest.p, '.', rest.n) : NULL;
    if (dot)
        rest.n = (size_t)(dot - rest.p);
    return str_to_i64(rest, &number) && number >= 0 ? number : -1;
}

/* Oldest first: what is left has no gaps. */
static int compare_commits(const void *a, const void *b)
{
    int64_t x = commit_key_batch(*(const struct str *)a),
            y = commit_key_batch(*(const struct str *)b);
    return x < y ? -1 : x > y;
}

static void take_commits(struct checkpoint *checkpoint, const struct store_request *request)
{
    int64_t oldest = -1, keep_from = checkpoint->next_batch - BATCHES_KEPT;
    for (uint32_t i = 0; i < request->entry_count; i++) {
        int64_t batch = commit_key_batch(request->entries[i].key);
        if (batch < 0)
            continue;
        if (batch < keep_from)
            add_garbage(checkpoint, request->entries[i].key);
        else if (oldest < 0 || batch < oldest)
            oldest = batch;
    }
    if (checkpoint->garbage_count)
        qsort(checkpoint->garbage, checkpoint->garbage_count, sizeof *checkpoint->garbage,
              compare_commits);
    checkpoint->trim_oldest = oldest;
    checkpoint->trim_step = oldest < 0 ? TRIM_STAGED : TRIM_OLDEST;
}

/* State before the first file of the oldest decision's is needed by nobody. */
static int take_oldest(struct checkpoint *checkpoint, struct str bytes, struct err *err)
{
    struct commit_record record;
    struct arena arena = {0};
    int code = commit_record_decode(&record, bytes, &arena, err);
    checkpoint->trim_state_before = code == 0 && record.state_count
                                        ? number_behind(record.state[0].key, STR("state/"))
                                        : checkpoint->trim_oldest;
    arena_fini(&arena);
    checkpoint->trim_step = TRIM_STATE;
    return code;
}

static bool is_rolled(const struct checkpoint *checkpoint, struct str key)
{
    for (uint32_t i = 0; i < checkpoint->rolled_count; i++) {
        if (str_eq(checkpoint->rolled[i], key))
            return true;
    }
    return false;
}

static void take_entries(struct checkpoint *checkpoint, const struct store_request *request,
                         struct str prefix, int64_t before)
{
    for (uint32_t i = 0; i < request->entry_count; i++) {
        struct str key = request->entries[i].key;
        int64_t number = number_behind(key, prefix);
        if (number >= 0 && number < before && !is_rolled(checkpoint, key))
            add_garbage(checkpoint, key);
    }
    checkpoint->trim_step++;
}

static void end(struct checkpoint *checkpoint, const struct err *err)
{
    free_garbage(checkpoint);
    if (err && !checkpoint->trim_warned) {
        checkpoint->trim_warned = true;
        log_line(checkpoint->options.log, LOG_WARN,
                 "old files of the checkpoint could not be removed", LOG_S("reason", err->msg));
    }
}

static void on_request(struct store_request *request)
{
    struct checkpoint *checkpoint = request->user;
    struct err err = request->err;
    int code = request->code;
    checkpoint->trim_running = false;
    if (code == 0 && checkpoint->trim_step == TRIM_COMMITS)
        take_commits(checkpoint, request);
    else if (code == 0 && checkpoint->trim_step == TRIM_OLDEST)
        code = take_oldest(checkpoint, buf_str(&request->data), &err);
    else if (code == 0 && checkpoint->trim_step == TRIM_STATE)
        take_entries(checkpoint, request, STR("state/"), checkpoint->trim_state_before);
    else if (code == 0 && checkpoint->trim_step == TRIM_STAGED)
        take_entries(checkpoint, request, STR("staged/"), checkpoint->next_batch - 1);
    else if (code == 0 && checkpoint->trim_step == TRIM_OWNERS)
        take_entries(checkpoint, request, STR("owner/"), (int64_t)checkpoint->epoch - OWNERS_KEPT);
    else if (code == 0)
        checkpoint->trim_at++;
    if (code || checkpoint->closing)
        end(checkpoint, code && code != ERR_CANCELLED ? &err : NULL);
    else
        next_step(checkpoint);
    checkpoint_idle(checkpoint);
}

static void list(struct checkpoint *checkpoint, const char *prefix)
{
    checkpoint->trim_running = true;
    snprintf(checkpoint->trim_key, sizeof checkpoint->trim_key, "%s", prefix);
    store_list(checkpoint->options.store, &checkpoint->trim, str_of(checkpoint->trim_key),
               on_request, checkpoint);
}

static void next_step(struct checkpoint *checkpoint)
{
    char key[COMMIT_KEY_SIZE];
    switch (checkpoint->trim_step) {
    case TRIM_COMMITS:
        list(checkpoint, "commits/");
        return;
    case TRIM_OLDEST:
        commit_key(checkpoint->trim_oldest, key);
        snprintf(checkpoint->trim_key, sizeof checkpoint->trim_key, "%s", key);
        checkpoint->trim_running = true;
        store_get(checkpoint->options.store, &checkpoint->trim, str_of(checkpoint->trim_key),
                  on_request, checkpoint);
        return;
    case TRIM_STATE:
        list(checkpoint, "state/");
        return;
    case TRIM_STAGED:
        list(checkpoint, "staged/");
        return;
    case TRIM_OWNERS:
        list(checkpoint, "owner/");
        return;
    case TRIM_DELETE:
        break;
    }
    if (checkpoint->trim_at == checkpoint->garbage_count) {
        end(checkpoint, NULL);
        return;
    }
    checkpoint->trim_running = true;
    FAILPOINT("trim.delete");
    store_delete(checkpoint->options.store, &checkpoint->trim,
                 checkpoint->garbage[checkpoint->trim_at], on_request, checkpoint);
}

void checkpoint_published(struct checkpoint *checkpoint)
{
    checkpoint->published = checkpoint->next_batch - 1;
    if (checkpoint->trim_running || checkpoint->closing || ++checkpoint->since_trim < TRIM_EVERY)
        return;
    checkpoint->since_trim = 0;
    checkpoint->trim_step = TRIM_COMMITS;
    checkpoint->trim_at = 0;
    next_step(checkpoint);
}
