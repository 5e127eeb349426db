/* blocking.h: store requests for commands that have nothing else to do: each runs the loop until it
 * is answered. */
#pragma once

#include "store/place.h"

struct blocking {
    uv_loop_t *loop;
    struct store_places places;
    struct store_request request;
    bool answered;
};

void blocking_init(struct blocking *blocking, uv_loop_t *loop, const struct plan_s3 *s3);
/* Opens a place and checks it. must_exist: ERR_NOT_FOUND for a directory that is not there, instead
 * of making it. */
int blocking_open(struct blocking *blocking, struct str place, bool must_exist, struct store **out,
                  struct err *err) MUST_CHECK;
/* The object is in blocking->request.data until the next call. */
int blocking_get(struct blocking *blocking, struct store *store, const char *key,
                 struct err *err) MUST_CHECK;
/* In blocking->request.entries until the next call. */
int blocking_list(struct blocking *blocking, struct store *store, const char *prefix,
                  struct err *err) MUST_CHECK;
int blocking_put(struct blocking *blocking, struct store *store, const char *key, struct str bytes,
                 bool if_absent, struct err *err) MUST_CHECK;
/* NULL is legal. */
void blocking_close(struct blocking *blocking, struct store *store);
void blocking_fini(struct blocking *blocking);
