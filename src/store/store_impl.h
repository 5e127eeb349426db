/* store_impl.h: what implementations of store.h share: they embed struct store first and fill ops.
 */
#pragma once

#include "store/store.h"

struct store_ops {
    /* One attempt of request->op; ends with store_request_complete, for which code, err, and on a
     * failure transient and retry_after_ms, are set. */
    void (*start)(struct store *store, struct store_request *request);
    void (*cancel)(struct store *store, struct store_request *request);
    /* The end of an upload: published, aborted (also in vain), or forgotten by a close. */
    void (*free_upload)(struct store_upload *upload);
    /* No request runs: frees the store, then calls close_callback, later. */
    void (*close)(struct store *store);
};

struct store {
    uint32_t magic;
    const struct store_ops *ops;
    uv_loop_t *loop;
    size_t part_bytes_min;
    uint64_t get_bytes_max;         /* STORE_GET_BYTES_MAX, but in tests */
    uint32_t pause_first_ms;        /* before the first retry: 100, but in tests */
    struct store_request *requests; /* running */
    struct store_upload *uploads;
    uv_timer_t retry_timer;
    uint64_t retry_due_ms;  /* uv_now: when it fires; 0: it does not run */
    uint32_t failing_count; /* requests with failed attempts */
    struct health health;
    void (*health_changed)(void *user);
    void *health_user;
    uint64_t random; /* of the pauses */
    bool closing, finishing;
    bool resuming; /* the retry timer starts requests */
    void (*free_store)(struct store *store);
    void (*close_callback)(void *user);
    void *close_user;
};

void store_init(struct store *store, const struct store_ops *ops, uv_loop_t *loop);
/* Ends an attempt: delivers the result, or waits and starts again when it is transient; on the
 * loop, not from inside start. */
void store_request_complete(struct store_request *request);
/* In ops->close, last: calls back when the store's own handle is closed; `free_store` frees the
 * memory. */
void store_closed(struct store *store, void (*free_store)(struct store *store));
void store_upload_init(struct store_upload *upload, struct store *store);
/* Takes it off the store's list. */
void store_upload_fini(struct store_upload *upload);
/* ERR_INVALID unless key is a valid name (an empty one is valid as a prefix only). */
int store_key_check(struct str key, bool prefix, struct err *err) MUST_CHECK;
