/* kept.h: a text that costs something to make: made now and then, and given to all who ask in
 * between, so that no number of requests costs the stream more than a small share of its thread.
 * Inside src/http only. */
#pragma once

#include <h2o.h>

#include "http/gzip.h"

/* What a hook wrote, and the same as gzip once somebody took it so. It is h2o's shared memory: the
 * requests that are sending it hold it, so a client that is slow to take it costs no copy. */
struct body {
    struct buf text, packed;
    bool pack_tried;
    uint64_t version;  /* what was asked for (kept_get) */
    struct kept *kept; /* outlives it */
};

/* The last body of a path. All zero is a good start. */
struct kept {
    struct body *body; /* NULL: none */
    int64_t made_us;   /* monotonic; the end of the last making */
    int64_t cost_us;   /* how long that took; 0: never made */
    int64_t asked_us;  /* when it was last asked for */
    uint32_t alive;    /* bodies that somebody still holds */
};

/* The body to give now: the last one if that is young, else a new one that `write` makes and that
 * gets this version. NULL: there was no memory for it. */
struct body *kept_get(struct kept *kept, void (*write)(void *user, struct buf *out), void *user,
                      uint64_t version);
/* The body as gzip; n == 0: it is not to be had so. */
struct str kept_packed(struct body *body, struct gzip **gzip);
/* Now and then: frees a body that nobody has asked for of late. */
void kept_sweep(struct kept *kept);
void kept_fini(struct kept *kept);
