/* store_impl.h: what implementations of store.h share: they embed struct store first and fill ops.
 */
#pragma once

#include "store/store.h"

struct store_ops {
    void (*start)(struct store *store, struct store_request *request); /* request->op */
    void (*cancel)(struct store *store, struct store_request *request);
    /* No request runs: frees uploads and the store, then calls close_callback, later. */
    void (*close)(struct store *store);
};

struct store {
    uint32_t magic;
    const struct store_ops *ops;
    uv_loop_t *loop;
    bool names_at_seal;
    struct store_request *requests; /* running */
    struct store_upload *uploads;
    bool closing, finishing;
    void (*close_callback)(void *user);
    void *close_user;
};

void store_init(struct store *store, const struct store_ops *ops, uv_loop_t *loop);
/* Delivers request's result; on the loop, not from inside start. */
void store_request_complete(struct store_request *request);
void store_upload_init(struct store_upload *upload, struct store *store);
/* Takes it off the store's list. */
void store_upload_fini(struct store_upload *upload);
/* ERR_INVALID unless key is a valid name (an empty one is valid as a prefix only). */
int store_key_check(struct str key, bool prefix, struct err *err) MUST_CHECK;
