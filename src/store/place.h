/* place.h: stores by where they are, as a pipeline's document names places: a directory, or
 * s3://bucket/prefix with the document's object store. All stores in S3 share one client. */
#pragma once

#include "plan/plan.h"
#include "store/store.h"

struct s3_client;
struct local_os;

/* All zero but for the first members. */
struct store_places {
    uv_loop_t *loop;
    const struct plan_s3 *s3;  /* outlives the client */
    const struct local_os *os; /* NULL: the system's calls */
    /* Told what a user may want to know (where keys come from); may be NULL. */
    void (*notice)(void *user, const char *text);
    void *user;

    struct s3_client *client; /* NULL: no store in S3 was asked for */
    void (*closed)(void *user);
    void *closed_user;
};

/* ERR_INVALID for a bad place; what store_local_create and store_s3_create say. */
int store_at(struct store_places *places, struct str place, struct store **out,
             struct err *err) MUST_CHECK;
/* After its stores; calls back later, or at once when there is no client. */
void store_places_close(struct store_places *places, void (*closed)(void *user), void *user);
