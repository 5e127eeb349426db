/* world.h: a loop, a client and a store of a real server, for s3_contract. Operations run to their
 * end. What should not be ends the process with a message. */
#pragma once

#include <stdio.h>
#include <stdlib.h>

#include "store/s3.h"

#define EXPECT(cond, ...)                                                                          \
    do {                                                                                           \
        if (!(cond)) {                                                                             \
            fprintf(stderr, "%s:%d: not %s: ", __FILE__, __LINE__, #cond);                         \
            fprintf(stderr, __VA_ARGS__);                                                          \
            fprintf(stderr, "\n");                                                                 \
            exit(1);                                                                               \
        }                                                                                          \
    } while (0)

struct world {
    uv_loop_t loop;
    struct s3_client *client;
    struct store *store;
    struct store_request request;
    struct s3_options options;
    const char *bucket;
    char prefix[64]; /* of its own */
    uint32_t notices;
    char last_notice[500];
    uint64_t tick_ns, longest_turn_ns;
};

struct scenario {
    const char *name;
    void (*run)(struct world *world); /* after world_init */
};
extern const struct scenario trouble_scenarios[];  /* trouble.c; the last has no name */
extern const struct scenario recovery_scenarios[]; /* recovery.c; the same */

/* S3_ENDPOINT and the credentials come from the environment; the bucket is made when it is missing.
 */
void world_init(struct world *world, const char *bucket);
/* Without client and store yet: options can be changed before world_open. */
void world_prepare(struct world *world, const char *bucket);
void world_open(struct world *world);
/* Closes all; the loop must be empty then. */
void world_fini(struct world *world);
void world_close_store(struct world *world);
/* Closes the store and opens it again: uploads are forgotten. */
void world_reopen(struct world *world);
/* Makes the bucket, and what else a request without the contract does: the status and the body. */
long world_raw(struct world *world, const char *method, const char *key, const char *query,
               const char *value, struct buf *body);
/* Runs the loop until the request's callback has come; returns its code. */
int world_wait(struct world *world, struct store_request *request);
void world_started(struct store_request *request); /* the callback to give to operations */

int world_check(struct world *world);
int world_put(struct world *world, const char *key, struct str bytes);
int world_put_if_absent(struct world *world, const char *key, struct str bytes);
int world_get(struct world *world, const char *key); /* into request.data */
int world_delete(struct world *world, const char *key);
int world_list(struct world *world, const char *prefix);
int world_begin(struct world *world, const char *key, struct store_upload **out);
int world_list_uploads(struct world *world, const char *prefix);
int world_resume(struct world *world, const char *key, struct str id, struct str tags,
                 uint64_t bytes, bool sealed, struct store_upload **out);
int world_append(struct world *world, struct store_upload *upload, struct str bytes);
int world_sync(struct world *world, struct store_upload *upload);
int world_seal(struct world *world, struct store_upload *upload);
int world_publish(struct world *world, struct store_upload *upload);
int world_abort(struct world *world, struct store_upload *upload);
/* Begins, appends the pieces and seals. */
struct store_upload *world_upload(struct world *world, const char *key, struct str bytes,
                                  size_t piece);
/* Bytes that differ with the seed; the caller frees. */
struct str world_bytes(size_t n, uint32_t seed);
