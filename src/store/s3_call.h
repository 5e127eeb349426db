/* s3_call.h: one request to S3 on its way through the client: hashed on a worker, queued for a
 * connection, given keys and an address, signed, sent; sent again at once when the server names
 * the bucket's region or the time. Inside of src/store. */
#pragma once

#include "store/curl_loop.h"
#include "store/s3_answer.h"
#include "store/s3_credentials.h"
#include "store/sigv4.h"

enum { S3_CALL_QUERY_MAX = 5, S3_MD5_BYTES = 16, S3_MD5_BASE64_SIZE = 25 };

/* Something done at the next turn of the loop. */
struct s3_later {
    struct s3_later *next;
    void (*run)(struct s3_later *later);
};

/* A bucket as one store knows it. */
struct s3_bucket {
    struct str name;
    char region[S3_REGION_SIZE]; /* learned from the server; "": the client's */
    char host[S3_HOST_SIZE];     /* the same */
};

enum s3_call_state {
    S3_CALL_IDLE,
    S3_CALL_HASHING,
    S3_CALL_QUEUED,
    S3_CALL_WAITING,
    S3_CALL_RUNNING,
    S3_CALL_ENDED
};

/* All zero before the first use. What is set before s3_call_start stays until the callback. */
struct s3_call {
    struct s3_client *client;
    struct s3_bucket *bucket; /* NULL: `service`, unsigned, and at once */
    const struct s3_endpoint *service;
    const char *method;
    struct str key; /* from the bucket's root, unescaped; empty: the bucket */
    struct sigv4_field query[S3_CALL_QUERY_MAX];
    size_t query_count;
    struct str body;
    bool if_none_match, checksum, object; /* object: the answer's body is no document under 200 */
    uint64_t most;                        /* object: bytes; one with more is not read */
    bool urgent;                          /* before others, all of it within abort_ms */
    void (*callback)(struct s3_call *call);
    /* Valid in the callback. */
    struct s3_answer answer;
    unsigned char md5[S3_MD5_BYTES]; /* of the body */
    /* The client's. */
    enum s3_call_state state;
    bool cancelled, skew_mended;
    uint32_t redirects;
    struct s3_call *next, *prev;
    uint64_t asked_ms, due_ms; /* uv_now */
    struct s3_later later;
    struct curl_transfer transfer;
    struct curl_slist *headers;
    struct curl_slist *resolve;
    uv_work_t work;
    char payload[SIGV4_HEX_SIZE], md5_base64[S3_MD5_BASE64_SIZE];
    char error_text[CURL_ERROR_SIZE];
};

/* The callback comes later, exactly once. */
void s3_call_start(struct s3_call *call);
/* Ends it soon, with S3_TRANSPORT_CANCELLED unless it has ended already. */
void s3_call_cancel(struct s3_call *call);
/* Frees what the answer holds. */
void s3_call_fini(struct s3_call *call);
/* Runs at a later turn, in order. */
void s3_later(struct s3_client *client, struct s3_later *later);
/* The server refused the keys. True when other ones may come. */
bool s3_keys_refused(struct s3_client *client);
/* What messages name: http://host:port, and region. */
void s3_client_describe(const struct s3_client *client, char *out, size_t size);
uv_loop_t *s3_client_loop(const struct s3_client *client);
