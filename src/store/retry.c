/* What may pass is tried again: requests that wait stay in the store's list with a due time, and
 * one timer wakes the first of them. */
#include "store/retry.h"

enum {
    PAUSE_MS_MAX = 10000,
    PAUSE_DOUBLINGS_MAX = 10,
    ABORT_ATTEMPTS_MAX = 3, /* nobody shall wait long for what is only tidied up */
};

/* xorshift: the pauses of several processes shall differ, nothing more. */
static uint64_t next_random(struct store *store)
{
    uint64_t x = store->random ? store->random : uv_hrtime() | 1;
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    return store->random = x;
}

/* Doubling, between a half and the whole of it by chance; never less than the server asked for. */
static uint64_t pause_ms(struct store *store, const struct store_request *request)
{
    uint32_t doublings =
        request->attempts < PAUSE_DOUBLINGS_MAX ? request->attempts : PAUSE_DOUBLINGS_MAX;
    uint64_t most = (uint64_t)store->pause_first_ms << doublings;
    if (most > PAUSE_MS_MAX)
        most = PAUSE_MS_MAX;
    uint64_t pause = most / 2 + next_random(store) % (most / 2 + 1);
    return pause > request->retry_after_ms ? pause : request->retry_after_ms;
}

static void set_failing(struct store *store)
{
    bool failing = store->failing_count > 0;
    if (failing == store->health.failing)
        return;
    store->health.failing = failing;
    store->health.since_ms = uv_now(store->loop);
    if (store->health_changed)
        store->health_changed(store->health_user);
}

static void on_timer(uv_timer_t *timer);

/* The timer is due no later than `due_ms`. */
static void wake_at(struct store *store, uint64_t due_ms)
{
    uint64_t now_ms = uv_now(store->loop);
    if (store->retry_due_ms && store->retry_due_ms <= due_ms)
        return;
    store->retry_due_ms = due_ms;
    uv_timer_start(&store->retry_timer, on_timer, due_ms > now_ms ? due_ms - now_ms : 0, 0);
}

static void resume(struct store *store, struct store_request *request)
{
    request->due_ms = 0;
    if (atomic_load(&request->cancelled)) {
        request->code = err_set(&request->err, ERR_CANCELLED, "cancelled while it waited: %s",
                                store->health.err.msg);
        store_request_deliver(request);
    } else {
        request->code = 0;
        request->err = (struct err){0};
        buf_clear(&request->data);
        store->ops->start(store, request);
    }
}

/* Requests leave the list only when they are delivered, which is never from inside a call: `next`
 * stays good while one is resumed. */
static void on_timer(uv_timer_t *timer)
{
    struct store *store = CONTAINER_OF(timer, struct store, retry_timer);
    uint64_t now_ms = uv_now(store->loop), first_ms = UINT64_MAX;
    store->retry_due_ms = 0;
    store->resuming = true; /* callbacks may close the store: not under our feet */
    for (struct store_request *request = store->requests, *next; request; request = next) {
        next = request->next;
        if (request->due_ms && request->due_ms <= now_ms)
            resume(store, request);
        else if (request->due_ms && request->due_ms < first_ms)
            first_ms = request->due_ms;
    }
    store->resuming = false;
    if (first_ms != UINT64_MAX)
        wake_at(store, first_ms);
    store_finish_if_idle(store);
}

bool store_retry_later(struct store_request *request)
{
    struct store *store = request->store;
    if (request->code == 0 || !request->transient || store->closing ||
        atomic_load(&request->cancelled) ||
        (request->op == STORE_UPLOAD_ABORT && request->attempts + 1 >= ABORT_ATTEMPTS_MAX))
        return false;
    store->health.err = request->err;
    store->health.retries++;
    request->due_ms = uv_now(store->loop) + pause_ms(store, request) + 1;
    store->failing_count += request->attempts++ == 0;
    set_failing(store);
    wake_at(store, request->due_ms);
    return true;
}

void store_retry_now(struct store_request *request)
{
    request->due_ms = 1;
    wake_at(request->store, 1);
}

void store_retry_ended(struct store *store)
{
    store->failing_count--;
    set_failing(store);
}
