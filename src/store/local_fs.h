/* local_fs.h: the file system steps of the local store. They block: for workers only.
 *
 * Every function returns 0 or ERR_* with call->err filled ("cannot write /root/key: reason").
 *
 * What is durable when: a file after local_sync; a name after local_sync_name, which fsyncs its
 * directory, and the directories above it until all of them are known to be durable. An fsync of a
 * file that failed is never repeated on that file: the kernel may have dropped what it could not
 * write. Either the whole operation is done anew with another file (local_call.anew), or it fails.
 * Directories are metadata, which file systems journal: their fsync is repeated. */
#pragma once

#include <stdatomic.h>
#include <sys/types.h>

#include "store/store.h"

struct stat;
enum {
    LOCAL_PATH_MAX = 1024 + 64, /* a key, plus what makes a temporary's name */
    LOCAL_DIRS_KNOWN = 512,
};

/* The system's calls the store makes, as in their manual pages; tests put others in their place. */
struct local_os {
    int (*openat)(int dir_fd, const char *path, int flags, mode_t mode);
    int (*mkdirat)(int dir_fd, const char *path, mode_t mode);
    int (*fstat)(int fd, struct stat *st);
    int (*fstatat)(int dir_fd, const char *path, struct stat *st, int flags);
    ssize_t (*read)(int fd, void *bytes, size_t n);
    ssize_t (*pwrite)(int fd, const void *bytes, size_t n, off_t offset);
    int (*ftruncate)(int fd, off_t bytes);
    int (*fsync)(int fd);
    int (*renameat2)(int dir_fd, const char *from, int other_fd, const char *to, unsigned flags);
    int (*linkat)(int dir_fd, const char *from, int other_fd, const char *to, int flags);
    int (*unlinkat)(int dir_fd, const char *path, int flags);
};
extern const struct local_os local_os_system;

struct local_root {
    const struct local_os *os;
    int fd;      /* O_DIRECTORY */
    int lock_fd; /* -1: not locked */
    char *path;  /* for messages */
    /* Hashes of directories whose names are durable, each in the slot of its hash; a cache. */
    atomic_uint_least64_t durable[LOCAL_DIRS_KNOWN];
};

/* One operation: where, and how it ends. */
struct local_call {
    struct local_root *root;
    const atomic_bool *cancelled;
    struct err *err;
    bool anew;      /* a later attempt does all steps again, with another file */
    bool transient; /* out: the failure may pass */
};

/* Which file: still the same after a rename. */
struct local_inode {
    dev_t dev;
    ino_t ino;
};

/* As store_local_create, over other system calls. `os` stays until the store is closed. */
int local_store_create(struct store **out, uv_loop_t *loop, struct str root,
                       const struct local_os *os, struct err *err) MUST_CHECK;

/* An operation of an upload; begin and resume set request->upload, which is not in the store's list
 * yet. */
int local_upload_run(struct local_call *call, const char *key, struct store_request *request);
void local_upload_free(struct store_upload *upload);

/* Creates directories like mkdir -p, each made durable. errno value, 0 when all is well. */
int local_mkdirs(const struct local_os *os, int at_fd, const char *path);
/* The directory that holds key ("" of the root); its length. */
size_t local_parent(const char *key, char dir[LOCAL_PATH_MAX]);
/* Creates and opens the temporary of key, with its directories; temp takes its name. */
int local_temp_open(struct local_call *call, const char *key, char temp[LOCAL_PATH_MAX], int *fd);
/* Of the last segment of a temporary's name, the bytes behind the first that are the object's
 * (which is cut off at 233 bytes); 0: the name is no temporary's. */
size_t local_temp_name(struct str name);
/* Whether `temp` can be the name of a temporary of key. */
bool local_temp_fits(struct str temp, struct str key);
/* Writes at an offset, so that repeating it does no harm. key is for messages. */
int local_write(struct local_call *call, int fd, const char *key, struct str bytes,
                uint64_t offset);
/* fsync; which file it is. */
int local_sync(struct local_call *call, int fd, const char *key, struct local_inode *inode);
/* Makes the name `key` durable, or that it is gone. */
int local_sync_name(struct local_call *call, const char *doing, const char *key);
/* Renames temp to key and makes that durable. Unless `replace`, a key that is taken is ERR_EXISTS;
 * that the file `inode` already has the name is success. */
int local_publish(struct local_call *call, const char *temp, const char *key, bool replace,
                  const struct local_inode *inode);
/* For an upload whose temporary is gone: 0 when there is an object of that size, made durable. */
int local_published(struct local_call *call, const char *temp, const char *key, uint64_t bytes);
/* ERR_EXISTS if there is anything called key. */
int local_require_absent(struct local_call *call, const char *key);
/* For a put-if-absent that may have succeeded before: *same when there is an object of these bytes;
 * ERR_EXISTS when there is another. */
int local_compare(struct local_call *call, const char *key, struct str bytes, bool *same);
/* Removes a file and makes that durable; one that is not there is success. */
int local_remove(struct local_call *call, const char *key);
/* ERR_NOMEM when the object has more than `most` bytes. */
int local_read(struct local_call *call, const char *key, uint64_t most, struct buf *out);
/* Files below the root whose key begins with prefix, sorted; names with a leading dot, symbolic
 * links and special files are left out. `unfinished`: temporaries instead, by their final key. */
int local_list(struct local_call *call, struct str prefix, bool unfinished, struct arena *arena,
               const struct store_entry **entries, uint32_t *count);

/* As store_local_lock. */
int local_lock(struct local_root *root, struct str text, struct buf *holder,
               struct err *err) MUST_CHECK;

/* ERR_CANCELLED, or 0. */
int local_cancelled(struct local_call *call, const char *key);
/* Fills call->err and call->transient from an errno value; ENOENT is ERR_NOT_FOUND, all else
 * ERR_IO. */
int local_fail(struct local_call *call, const char *doing, const char *key, int number);
