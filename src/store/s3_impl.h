/* s3_impl.h: the store in S3, inside: s3.c (results, the store's life), s3_object.c (whole
 * objects), s3_list.c (listings), s3_upload.c (multipart uploads), s3_tags.c (their text). */
#pragma once

#include "store/s3.h"
#include "store/s3_call.h"
#include "store/store_impl.h"

enum { S3_ETAG_SIZE = 128, S3_PARTS_MAX = 10000, S3_PART_BYTES_MIN = 5 * 1024 * 1024 };

struct s3_store {
    struct store base;
    struct s3_client *client;
    struct s3_bucket bucket;
    struct str prefix;  /* "" or with '/' at its end */
    bool no_conditions; /* the server completes no upload under If-None-Match */
    char strings[];     /* bucket and prefix */
};

struct s3_part {
    uint32_t number;         /* ascending; a gap where another process went on */
    char etag[S3_ETAG_SIZE]; /* without quotes */
};
/* In tags: a part is "<bytes>:<etag>", parts are separated by ' '; before one whose number is not
 * the next one stands "@<number>". */
enum {
    S3_TAG_SIZE = 36 + 3 * S3_ETAG_SIZE,
    /* Left out by a process that goes on with an upload: an earlier one that only seemed dead may
     * still send a few parts, under numbers that are nobody's then. */
    S3_NUMBERS_GAP = 64,
};

struct s3_upload {
    struct store_upload base;
    struct s3_part *parts;
    uint32_t count, capacity;
    uint32_t next_number;
    struct buf tags;
    bool sealed;
    bool short_part; /* the last is smaller than parts in the middle may be */
    bool unknown;    /* a completion was sent whose outcome is not known */
    bool resumed;    /* of an earlier process */
    char strings[];  /* key and id */
};

/* Why a publish looks at the object under its key. */
enum s3_look { S3_LOOK_UNKNOWN, S3_LOOK_TAKEN, S3_LOOK_GONE, S3_LOOK_PARTS };

/* One attempt of a request. */
struct s3_operation {
    struct store_request *request;
    struct s3_store *store;
    struct s3_call call;
    struct s3_later later;
    struct buf key;  /* full */
    struct buf body; /* of a completion */
    char number[8];  /* of a part */
    enum s3_look look;
    /* Lists: */
    struct buf token, id_token; /* of the next page */
    struct buf entries;         /* struct store_entry */
    bool failed_memory;
    bool keys_only;    /* uploads: pages are named by keys alone */
    bool whole_bucket; /* uploads: the second look, without prefix */
    uint32_t pages;    /* the same */
};

/* Sets what a call of the operation needs, beside what the caller sets; for each call anew. */
void s3_operation_call(struct s3_operation *operation, const char *method,
                       void (*callback)(struct s3_call *call));
void s3_operation_query(struct s3_operation *operation, const char *name, struct str value);
/* Starts the call, or ends the operation when it was cancelled meanwhile. */
void s3_operation_send(struct s3_operation *operation);
/* The operation's end, from the loop: frees it and completes the request, whose code, err and
 * transient are set. */
void s3_operation_end(struct s3_operation *operation);
/* The same at a later turn: for inside of start. */
void s3_operation_end_later(struct s3_operation *operation);
/* Sets code, err ("cannot <do> s3://bucket/key: <cause>") and transient of the request. */
void s3_operation_fail(struct s3_operation *operation, int code, bool transient, const char *cause);
/* The same from the answer of the call: true when it is a failure. */
bool s3_operation_failed(struct s3_operation *operation);
/* False, and the request failed, when the answer's ETag shows that other bytes arrived. */
bool s3_operation_etag_ok(struct s3_operation *operation);

/* What is appended to tags for a part; there is room for S3_TAG_SIZE bytes more. */
void s3_tags_append(struct buf *tags, uint64_t bytes, const char *etag);
/* Takes the number in front of the first part, if there is one, off tags; false when they are
 * damaged. *number: the one that would be next. */
bool s3_tags_take_number(struct str *tags, uint32_t *number);
/* Takes the first part off tags; false when they are damaged. */
bool s3_tags_take(struct str *tags, uint64_t *bytes, char etag[S3_ETAG_SIZE]);

void s3_object_start(struct s3_operation *operation);
void s3_list_start(struct s3_operation *operation);
void s3_upload_start(struct s3_operation *operation);
void s3_upload_free(struct store_upload *upload);
