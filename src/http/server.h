/* server.h: the HTTP server on the app's loop: /metrics, /status, /samples, /healthz, /readyz and
 * the page /. HTTP/1.1, GET and HEAD only; limits on size, time and connections; perhaps a token
 * and TLS. Nothing can be changed through it. The only users of h2o.h are this folder's .c files.
 */
#pragma once

#include <uv.h>

#include "base/buf.h"
#include "base/err.h"

/* Where answers come from. All are called on the loop, during a request, and must not block. */
struct http_hooks {
    void *user;
    void (*status)(void *user, struct buf *out);     /* appends the JSON of /status */
    void (*metrics)(void *user, struct buf *out);    /* appends the text of /metrics */
    void (*samples)(void *user, struct buf *out);    /* appends the JSON of /samples */
    uint64_t (*samples_version)(void *user);         /* differs when that text would */
    bool (*healthy)(void *user, struct buf *reason); /* false: 503 with the reason (plain text) */
    bool (*ready)(void *user, struct buf *reason);
    /* A request got 401. client: the address that a wrong token came from; NULL: it had none. */
    void (*unauthorized)(void *user, const char *client);
};

struct http_server;

/* What clients can take; docs/http.md has what h2o and constants bound besides. */
struct http_limits {
    /* Above this the connection that has waited longest goes. If all are taking answers, a new one
     * gets 503, except for /healthz, ... */
    uint32_t connections_served;
    uint32_t connections_max; /* ... and above this is closed at once */
    uint32_t requests_max;    /* of one connection: then it is closed */
    uint32_t request_ms_max;  /* from the last answer to the end of the next request; keep-alive */
    uint32_t answer_ms_max;   /* for the client to take an answer */
    uint32_t sweep_ms;        /* how often that is looked at */
    uint32_t drain_ms_max;    /* for answers on their way when the server closes */
};

extern const struct http_limits http_limits_default;

struct http_options {
    const char *host; /* an IPv4 address, an IPv6 address in brackets or not, or a name */
    uint16_t port;    /* 0: a free one */
    /* NULL: anybody may read. Else every path but /healthz wants "Authorization: Bearer TOKEN", or
     * for browsers the password of the user "sluice". */
    const char *token;
    const char *certificate, *key;    /* PEM files: TLS; NULL: plain HTTP */
    const struct http_limits *limits; /* NULL: the defaults */
};

/* Listens. Nothing of the options is kept. Fails with ERR_IO naming the address when it is taken or
 * not allowed, ERR_INVALID when host is no address or a PEM file is wrong, ERR_NOMEM. The process
 * must ignore SIGPIPE: a client may go away while it is being answered. */
int http_server_create(struct http_server **out, uv_loop_t *loop,
                       const struct http_options *options, const struct http_hooks *hooks,
                       struct err *err) MUST_CHECK;

/* The port it listens on. */
uint16_t http_server_port(const struct http_server *server);

/* Stops listening, gives answers that are being sent a moment, closes every connection and frees
 * the server. `closed` is called exactly once, from the loop; it may be NULL. The server must not
 * be used again after this call. */
void http_server_close(struct http_server *server, void (*closed)(void *user), void *user);
