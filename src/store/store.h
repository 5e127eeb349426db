/* store.h: the contract of an object store, through which file sinks and the checkpoint write.
 *
 * Keys are names relative to the store's root with '/' between segments; segments that are empty or
 * begin with '.' are refused (the store keeps its unfinished objects under such names). An object
 * is seen whole or not at all, and is durable once its operation has completed.
 *
 * Every operation is asynchronous on the store's loop. A request is the caller's memory; it, the
 * key and the bytes it was given stay untouched until its callback, which comes exactly once, later
 * (never from inside the call that started it), on the loop, also after a cancel and on close. In
 * the callback the request may be started again.
 *
 * What may pass by itself (a lost connection, 503, 409, a full, broken or read-only disk, too many
 * open files) is tried again inside the store, with growing pauses and without end, until it
 * succeeds or is cancelled; store_health says so meanwhile. What reaches a callback is final.
 * STORE_CHECK alone reports what a wrong configuration causes (credentials, bucket) instead of
 * waiting for it to change. */
#pragma once

#include <stdatomic.h>
#include <uv.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/health.h"

struct store_request;
typedef void (*store_callback)(struct store_request *request);
enum store_op {
    STORE_CHECK,
    STORE_PUT,
    STORE_PUT_IF_ABSENT,
    STORE_GET,
    STORE_LIST,
    STORE_LIST_UPLOADS,
    STORE_DELETE,
    STORE_UPLOAD_BEGIN,
    STORE_UPLOAD_RESUME,
    STORE_UPLOAD_APPEND,
    STORE_UPLOAD_SYNC,
    STORE_UPLOAD_SEAL,
    STORE_UPLOAD_PUBLISH,
    STORE_UPLOAD_ABORT
};

struct store_entry {
    struct str key;
    uint64_t bytes; /* of an unfinished one in S3: 0, not known */
    struct str id;  /* of an unfinished one; else empty */
};

/* An object on its way: begun or resumed, appended to, sealed (durable, invisible), published or
 * aborted. */
struct store_upload {
    uint32_t magic;
    struct store *store;
    struct store_upload *next, *prev;
    struct str key; /* the final one; the store's memory */
    struct str id;  /* names the unfinished object: local, the temporary's key; S3, the upload id */
    uint64_t bytes; /* appended so far */
    struct str tags; /* store_upload_tags */
    bool busy;       /* one operation at a time */
};

/* All zero before its first use; store_request_fini after the last. */
struct store_request {
    /* Results, valid from the callback to the next start. */
    int code;                          /* 0 or ERR_*; err has the message */
    struct err err;                    /* names the object and the system's reason */
    struct buf data;                   /* get: the object; the caller may take it */
    const struct store_entry *entries; /* list: by key, in byte order */
    uint32_t entry_count;
    struct store_upload *upload; /* begin, resume: the upload, owned by the store until its end */
    void *user;                  /* the caller's */
    /* The store's. */
    uint32_t magic;
    enum store_op op;
    struct store *store;
    struct store_request *next, *prev;
    store_callback callback;
    struct str key, bytes;
    struct str id, tags;     /* resume: */
    uint64_t upload_bytes;   /* the same */
    bool sealed;             /* the same */
    struct arena arena;      /* entries */
    atomic_bool cancelled;   /* also read by workers */
    bool transient;          /* failed, but the same call may succeed later */
    uint32_t attempts;       /* that failed */
    uint64_t retry_after_ms; /* the least pause the server asked for; 0: none */
    uint64_t due_ms;         /* uv_now: when it is tried again; 0: it runs */
    uv_work_t work;
    void *operation; /* an implementation's own, while it runs */
};

void store_request_fini(struct store_request *request);
/* Asks an operation, if it runs, to end soon: with ERR_CANCELLED (it may or may not have happened),
 * or with its result. */
void store_request_cancel(struct store_request *request);

/* Looks whether the store can be used: that the bucket is there and the credentials are good.
 * Permanent failures are reported at once; a store that cannot be reached is waited for. */
void store_check(struct store *store, struct store_request *request, store_callback callback,
                 void *user);
/* Writes a whole object, replacing any there is. */
void store_put(struct store *store, struct store_request *request, struct str key, struct str bytes,
               store_callback callback, void *user);
/* Writes a whole object unless the key is taken: then ERR_EXISTS. Atomic among all writers. When an
 * attempt has failed, so that it may have succeeded all the same, and the next one finds the key
 * taken, the object is read: equal bytes are its own, which is success. So writers that must be
 * told apart write different bytes. Whether a store guards keys at all shows when two different
 * texts are put under one: the second must be ERR_EXISTS. */
void store_put_if_absent(struct store *store, struct store_request *request, struct str key,
                         struct str bytes, store_callback callback, void *user);
enum { STORE_GET_BYTES_MAX = 1 << 30 };
/* Reads a whole object into request->data; ERR_NOT_FOUND; ERR_NOMEM when it has more than
 * STORE_GET_BYTES_MAX bytes. */
void store_get(struct store *store, struct store_request *request, struct str key,
               store_callback callback, void *user);
/* Every object whose key begins with prefix (may be empty); unfinished ones are left out. What it
 * shows is durable, also where the process that wrote it was killed on the way. */
void store_list(struct store *store, struct store_request *request, struct str prefix,
                store_callback callback, void *user);
/* Unfinished uploads whose key begins with prefix: by key, with id. One is removed by a resume with
 * its key, id and bytes, no tags, sealed; and an abort. Who else writes there must be known: the
 * uploads of living processes are among them, in a directory also their puts. Final errors, since
 * nothing depends on it: no permission, or no such operation (ERR_UNSUPPORTED). */
void store_list_uploads(struct store *store, struct store_request *request, struct str prefix,
                        store_callback callback, void *user);
/* Removes an object; that there is none is success. */
void store_delete(struct store *store, struct store_request *request, struct str key,
                  store_callback callback, void *user);

/* Every append but the last of an upload must have at least this many bytes (S3: 5 MiB; local: 1).
 */
size_t store_part_bytes_min(const struct store *store);
/* Begins an upload of the object `key`; result in request->upload. */
void store_upload_begin(struct store *store, struct store_request *request, struct str key,
                        store_callback callback, void *user);
/* What another process needs to go on with an upload beside key, id and bytes: printable ASCII on
 * one line, may be empty. The store's memory until the upload's next operation. */
struct str store_upload_tags(const struct store_upload *upload);
/* Goes on with an upload of an earlier process, which is no longer at it; result in
 * request->upload, as after begin, or as after seal when `sealed`. key, id, tags and bytes are
 * those of the upload when it was sealed, or, not sealed, when a store_upload_sync had ended; what
 * was appended later is forgotten.
 *
 * ERR_CORRUPT: they do not fit each other, or less than `bytes` is there. ERR_NOT_FOUND: not
 * sealed, and gone (a store in S3 notices that at the next append or publish). A sealed one that is
 * gone is no error here: it may be published already. */
void store_upload_resume(struct store *store, struct store_request *request, struct str key,
                         struct str id, struct str tags, uint64_t bytes, bool sealed,
                         store_callback callback, void *user);
/* One operation of an upload at a time; completion is the back pressure. */
void store_upload_append(struct store_upload *upload, struct store_request *request,
                         struct str bytes, store_callback callback, void *user);
/* Makes all bytes so far durable, so that the upload can be resumed behind them. A failure is the
 * upload's end, as that of a seal. */
void store_upload_sync(struct store_upload *upload, struct store_request *request,
                       store_callback callback, void *user);
/* Makes all bytes durable under an invisible name. When it failed, the upload can only be aborted:
 * what the disk lost is not known. */
void store_upload_seal(struct store_upload *upload, struct store_request *request,
                       store_callback callback, void *user);
/* The object appears whole under its key. Never overwrites: ERR_EXISTS when the key is another
 * object's. Success ends the upload (the pointer is gone); otherwise it can be repeated, also after
 * a failure whose outcome is unknown.
 *
 * One that was published already, also by an earlier process, is success: local, when the object is
 * the sealed file, or the temporary is gone and the object has its size; S3, when size and ETag
 * are the upload's. ERR_NOT_FOUND: neither the unfinished upload nor an object is there. */
void store_upload_publish(struct store_upload *upload, struct store_request *request,
                          store_callback callback, void *user);
/* Removes what was written; ends the upload whatever the result. That it is gone is success. */
void store_upload_abort(struct store_upload *upload, struct store_request *request,
                        store_callback callback, void *user);

/* Over all its requests. */
const struct health *store_health(const struct store *store);
/* Told when `failing` changes, from the loop. One listener. */
void store_on_health(struct store *store, void (*changed)(void *user), void *user);

/* Cancels what runs, waits for it, frees the store, then calls back (user may be NULL). Uploads
 * that were neither published nor aborted are forgotten: what they wrote stays, their pointers are
 * gone. */
void store_close(struct store *store, void (*callback)(void *user), void *user);
