/* local_fs.h: the file system steps of the local store. They block: for workers only.
 *
 * Every function returns 0 or ERR_* with call->err filled ("cannot write /root/key: reason"). */
#pragma once

#include <stdatomic.h>
#include <sys/types.h>

#include "store/store.h"

enum { LOCAL_PATH_MAX = 1024 + 64 }; /* a key, plus what makes a temporary's name */

struct local_root {
    int fd;     /* O_DIRECTORY */
    char *path; /* for messages */
};

/* One operation: where, and how it ends. */
struct local_call {
    const struct local_root *root;
    const atomic_bool *cancelled;
    struct err *err;
    bool transient; /* out: the failure may pass */
};

/* Which file: still the same after a rename. */
struct local_inode {
    dev_t dev;
    ino_t ino;
};

/* Creates directories like mkdir -p, each made durable. errno value, 0 when all is well. */
int local_mkdirs(int at_fd, const char *path);
/* Creates and opens the temporary of key, with its directories; temp takes its name. */
int local_temp_open(struct local_call *call, const char *key, char temp[LOCAL_PATH_MAX], int *fd);
/* Writes at an offset, so that repeating it does no harm. key is for messages. */
int local_write(struct local_call *call, int fd, const char *key, struct str bytes,
                uint64_t offset);
/* fsync; its failure is never transient. */
int local_sync(struct local_call *call, int fd, const char *key, struct local_inode *inode);
/* Renames temp to key and fsyncs the directory. Unless `replace`, a key that is taken is
 * ERR_EXISTS; that the file `inode` already has the name is success. */
int local_publish(struct local_call *call, const char *temp, const char *key, bool replace,
                  const struct local_inode *inode);
/* ERR_EXISTS if there is anything called key. */
int local_require_absent(struct local_call *call, const char *key);
/* Removes a file and makes that durable; one that is not there is success. */
int local_remove(struct local_call *call, const char *key);
int local_read(struct local_call *call, const char *key, struct buf *out);
/* Files below the root whose key begins with prefix, sorted; names with a leading dot, symbolic
 * links and special files are left out. */
int local_list(struct local_call *call, struct str prefix, struct arena *arena,
               const struct store_entry **entries, uint32_t *count);
