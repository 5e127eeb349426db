/* server.h: the HTTP server on the app's loop: /metrics, /status, /healthz, /readyz and the page /.
 * HTTP/1.1, GET and HEAD only; limits on size, time and connections. The only users of h2o.h are
 * this folder's .c files. */
#pragma once

#include <uv.h>

#include "base/buf.h"
#include "base/err.h"

/* Where answers come from. All are called on the loop, during a request, and must not block. */
struct http_hooks {
    void *user;
    void (*status)(void *user, struct buf *out);     /* appends the JSON of /status */
    void (*metrics)(void *user, struct buf *out);    /* appends the text of /metrics */
    bool (*healthy)(void *user, struct buf *reason); /* false: 503 with the reason (plain text) */
    bool (*ready)(void *user, struct buf *reason);
};

struct http_server;

/* What clients can take. Beyond these, h2o allows 100 headers and about 400 KB of request head, and
 * a request's body may have 1 KB. */
struct http_limits {
    uint32_t connections_served; /* connections above this get 503 ... */
    uint32_t connections_max;    /* ... and above this are closed at once */
    uint32_t request_ms_max; /* from the last answer to the end of the next request; keep-alive */
    uint32_t answer_ms_max;  /* for the client to take an answer */
    uint32_t sweep_ms;       /* how often that is looked at */
    uint32_t drain_ms_max;   /* for answers on their way when the server closes */
};

extern const struct http_limits http_limits_default;

/* Listens on host (an IPv4 address, an IPv6 address in brackets or not, or a name) and port (0: a
 * free one). limits NULL: the defaults. Fails with ERR_IO naming the address when it is taken or
 * not allowed, ERR_INVALID when host is no address, ERR_NOMEM. The process must ignore SIGPIPE: a
 * client may go away while it is being answered. */
int http_server_create(struct http_server **out, uv_loop_t *loop, const char *host, uint16_t port,
                       const struct http_hooks *hooks, const struct http_limits *limits,
                       struct err *err) MUST_CHECK;

/* The port it listens on. */
uint16_t http_server_port(const struct http_server *server);

/* Stops listening, gives answers that are being sent a moment, closes every connection and frees
 * the server. `closed` is called exactly once, from the loop; it may be NULL. The server must not
 * be used again after this call. */
void http_server_close(struct http_server *server, void (*closed)(void *user), void *user);
