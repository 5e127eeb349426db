/* s3_client_impl.h: the client's inside: s3_client.c (life, queue), s3_call.c (one request),
 * s3_keys.c (credentials). */
#pragma once

#include "store/s3_call.h"

struct s3_list {
    struct s3_call *first, *last;
};

enum s3_keys_state { S3_KEYS_KNOWN, S3_KEYS_RUNNING, S3_KEYS_FAILED };

/* Keys that are read again when they grow old. */
struct s3_refresh {
    struct s3_source source;
    struct s3_keys keys;
    bool have, running, stale;
    uint64_t loaded_ms, failed_ms; /* uv_now */
    int64_t lifetime_ms;           /* of keys that expire */
    struct err err;                /* of the last failure */
    bool transient;
    uv_work_t work;
    struct buf file; /* what a worker read */
    struct buf form;
    struct err file_err;
    struct s3_call call;
};

struct s3_client {
    uv_loop_t *loop;
    struct s3_endpoint endpoint;
    struct arena arena; /* the options' strings */
    struct s3_options options;
    struct s3_dns *dns;
    struct curl_loop *curl;
    struct s3_refresh refresh;
    struct s3_list queue, active;
    uint32_t active_count;
    int64_t clock_offset_ms; /* the server's clock minus ours */
    struct s3_later *later_first, **later_end;
    uv_timer_t later_timer, due_timer;
    uint32_t handles; /* timers not closed yet */
    bool closing, dismantling, running_later;
    void (*callback)(void *user);
    void *user;
};

/* s3_client.c */
void s3_client_enqueue(struct s3_client *client, struct s3_call *call);
/* The call left the active list or the queue. */
void s3_client_remove(struct s3_client *client, struct s3_call *call);
/* Keys or addresses came: looks at the calls that wait. */
void s3_client_resume(struct s3_client *client);
void s3_client_set_due(struct s3_client *client);
void s3_client_finish_if_idle(struct s3_client *client);
void s3_client_notice(struct s3_client *client, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* s3_call.c: goes on with a call that is active: waits for keys and address, or sends. */
void s3_call_proceed(struct s3_call *call);
/* Ends a call that is not with curl; reason may be NULL when the answer has it. */
void s3_call_end(struct s3_call *call, enum s3_transport transport, const char *reason);

/* s3_send.c: signs and makes the transfer. NULL or why not. */
const char *s3_send(struct s3_call *call, struct str addresses);
void s3_send_fini(struct s3_call *call);
const char *s3_call_host(const struct s3_call *call, char out[S3_HOST_SIZE]);
const struct s3_endpoint *s3_call_endpoint(const struct s3_call *call);

/* s3_keys.c: as s3_dns_get: FAILED only for a refresh that failed after asked_ms. */
enum s3_keys_state s3_keys_get(struct s3_client *client, uint64_t asked_ms);
void s3_keys_cancel(struct s3_client *client);
