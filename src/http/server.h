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

/* Listens on host (an IPv4 or IPv6 address, or a name such as localhost) and port (0: a free one).
 * Fails with ERR_IO naming the address when it is taken or not allowed, ERR_INVALID when host is no
 * address, ERR_NOMEM; nothing is left behind then, but the loop must still run once to close
 * handles. */
int http_server_create(struct http_server **out, uv_loop_t *loop, const char *host, uint16_t port,
                       const struct http_hooks *hooks, struct err *err) MUST_CHECK;

/* The port it listens on. */
uint16_t http_server_port(const struct http_server *server);

/* Stops listening, gives answers that are being sent a moment, closes every connection and frees
 * the server. `closed` is called exactly once, from the loop; it may be NULL. The server must not
 * be used again after this call. */
void http_server_close(struct http_server *server, void (*closed)(void *user), void *user);
