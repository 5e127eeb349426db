/* http_get.h: one GET over HTTP or HTTPS on a connection of its own. */
#pragma once

#include <openssl/types.h>
#include <uv.h>

#include "base/buf.h"
#include "base/err.h"

struct http_get;

/* err->code != 0: no answer, and why. Else code is the status; the body lives as long as the call.
 */
typedef void (*http_get_callback)(void *user, int code, struct str body, const struct err *err);

struct http_get_request {
    const char *host; /* a name or an address; must outlive the request, as the others */
    uint16_t port;
    const char *path;
    const char *token; /* of a bearer; NULL: none */
    SSL_CTX *tls;      /* of http_get_tls.h; NULL: plain HTTP */
    uint64_t timeout_ms;
    http_get_callback done; /* exactly once, later; then *get may be used again */
    void *user;
};

/* The caller's memory; nothing of it is for the caller. */
struct http_get {
    struct http_get_request request;
    uv_loop_t *loop;
    uv_tcp_t tcp;
    uv_timer_t timer;
    uv_getaddrinfo_t resolve;
    uv_connect_t connect;
    uv_write_t write;
    struct addrinfo *addresses, *address; /* found; the one that is tried */
    struct buf ask, out;                  /* the request; bytes to send */
    struct buf in, body;                  /* the answer; of it */
    SSL *tls;
    char chunk[16384];
    struct err err;
    int code;
    int pending; /* handles open and requests not called back */
    bool tcp_open, resolving, writing, finished;
};

void http_get_start(struct http_get *get, uv_loop_t *loop, const struct http_get_request *request);
/* Ends with ERR_CANCELLED, unless it has ended. */
void http_get_cancel(struct http_get *get);
