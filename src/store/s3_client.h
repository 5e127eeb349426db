/* s3_client.h: what stores in S3 share in a process: the endpoint, credentials, connections.
 *
 * Requests go straight to the endpoint over HTTP/1.1: proxies of the environment are not used, and
 * redirects are followed only when they name the bucket's region. */
#pragma once

#include <uv.h>

#include "store/s3_dns.h"
#include "store/store.h"

struct s3_client;

/* Views are copied. Zero means the default, given in parentheses. */
struct s3_options {
    struct str endpoint; /* http[s]://host[:port][/path]; empty: AWS of the region */
    struct str region;   /* AWS_REGION, AWS_DEFAULT_REGION, us-east-1 */
    /* Both or none; without them the environment is asked: AWS_ACCESS_KEY_ID and
     * AWS_SECRET_ACCESS_KEY (AWS_SESSION_TOKEN); AWS_WEB_IDENTITY_TOKEN_FILE and AWS_ROLE_ARN;
     * AWS_SHARED_CREDENTIALS_FILE (~/.aws/credentials) with AWS_PROFILE. */
    struct str access_key_id, secret_access_key, session_token;
    struct str ca_file; /* PEM, instead of the system's authorities */
    bool path_style;    /* the bucket in the path, not in the host */
    bool insecure_tls;  /* certificates are not verified */
    /* The environment: the value of a variable or NULL. May be NULL: none. Asked only while the
     * client is made. */
    const char *(*lookup)(void *user, const char *name);
    void *lookup_user;
    /* Told what the client did by itself (another region, the clock), from the loop; may be NULL.
     */
    void (*notice)(void *user, const char *text);
    void *notice_user;
    uint32_t connections_max;      /* parallel requests (8) */
    uint32_t connect_ms;           /* resolver, TCP and TLS (10 s) */
    uint32_t request_ms;           /* one request (60 s), more by its bytes: */
    uint32_t bytes_per_second_min; /* 64 KiB; objects that are read have 10 times request_ms */
    uint32_t low_speed_bytes;      /* slower than so many bytes a second (1 KiB) ... */
    uint32_t low_speed_seconds;    /* ... for so long (20 s) ends a request */
    uint32_t abort_ms;             /* all of an abort: it holds up the end of a process (5 s) */
    s3_getaddrinfo getaddrinfo;    /* NULL: the system's */
};

/* libcurl's state of the process: once, before the first client and while there is one thread. It
 * also makes SIGPIPE ignored, which TLS connections raise. ERR_IO. */
int s3_global_init(struct err *err) MUST_CHECK;
void s3_global_fini(void);

/* Does not touch the network. ERR_INVALID: wrong options; ERR_NOMEM, ERR_IO. */
int s3_client_create(struct s3_client **out, uv_loop_t *loop, const struct s3_options *options,
                     struct err *err) MUST_CHECK;
/* After all its stores have been closed. Calls back from the loop (callback may be NULL). */
void s3_client_close(struct s3_client *client, void (*callback)(void *user), void *user);
