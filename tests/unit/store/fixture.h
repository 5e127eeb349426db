/* fixture.h: a loop, an empty directory and a local store in it. */
#pragma once

#include <criterion/criterion.h>
#include <uv.h>

#include "store/local.h"
#include "store/local_fs.h"

struct fixture {
    uv_loop_t loop;
    char dir[64];
    struct store *store;       /* root: dir/root */
    const struct local_os *os; /* of the next store that is opened; NULL: the system's */
    bool closed;               /* the store's close was called back */
};

void fixture_init(struct fixture *fixture);
/* Closes the store unless a test did, checks that the loop closes with 0, removes the directory and
 * aborts on a leak. */
void fixture_fini(struct fixture *fixture);
/* Closes the store and waits. */
void fixture_close_store(struct fixture *fixture);
/* Opens it again, as another process would. */
void fixture_open_store(struct fixture *fixture);
/* A directory and all below it. */
void fixture_remove(const char *dir);
/* The absolute path of a name in the store's root; static memory, overwritten by the fourth call
 * after. */
const char *fixture_path(const struct fixture *fixture, const char *name);
/* Whether the file has exactly these bytes. */
bool fixture_file_is(const struct fixture *fixture, const char *name, struct str bytes);
/* Names below a directory of the root, hidden ones too, not its subdirectories. */
uint32_t fixture_count_files(const struct fixture *fixture, const char *dir, bool hidden_only);

/* A request that counts its callbacks. */
struct probe {
    struct store_request request;
    uint32_t calls;
};

void probe_callback(struct store_request *request);
/* Runs the loop until the request was called back (once) and returns its code. */
int probe_wait(struct fixture *fixture, struct probe *probe);

int fixture_put(struct fixture *fixture, struct probe *probe, const char *key, struct str bytes);
int fixture_put_if_absent(struct fixture *fixture, struct probe *probe, const char *key,
                          struct str bytes);
int fixture_get(struct fixture *fixture, struct probe *probe, const char *key);
int fixture_delete(struct fixture *fixture, struct probe *probe, const char *key);
int fixture_list(struct fixture *fixture, struct probe *probe, const char *prefix);
int fixture_list_uploads(struct fixture *fixture, struct probe *probe, const char *prefix);
int fixture_begin(struct fixture *fixture, struct probe *probe, const char *key,
                  struct store_upload **upload);
int fixture_resume(struct fixture *fixture, struct probe *probe, const char *key, const char *id,
                   uint64_t bytes, bool sealed, struct store_upload **upload);
int fixture_sync(struct fixture *fixture, struct probe *probe, struct store_upload *upload);
int fixture_append(struct fixture *fixture, struct probe *probe, struct store_upload *upload,
                   struct str bytes);
int fixture_seal(struct fixture *fixture, struct probe *probe, struct store_upload *upload);
int fixture_publish(struct fixture *fixture, struct probe *probe, struct store_upload *upload);
int fixture_abort(struct fixture *fixture, struct probe *probe, struct store_upload *upload);
