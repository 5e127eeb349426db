/* route.h: what answers a request: the endpoints as an h2o handler. Inside src/http only. */
#pragma once

#include <h2o.h>

#include "http/server.h"

/* What the server and the handler share of one connection; h2o's socket carries it in
 * on_close.data. */
struct http_peer {
    uint64_t answers; /* given so far */
    uint64_t requests_max;
    /* Which connections were of use last: a number from the server's count of such moments, taken
     * when it is accepted and by each answer that is no 4xx. */
    uint64_t used, *uses;
    bool refused; /* over the limit of connections: only /healthz is answered, and each closes */
};

struct http_route_options {
    const struct http_hooks *hooks;
    const char *token; /* NULL: everybody may read */
    /* Answer only to addresses and "localhost" in Host. A page from elsewhere can give its own name
     * this machine's address (DNS rebinding), and would then read with the reader's browser. */
    bool own_hosts_only;
};

struct route_handler;

/* Makes every path of `path` answer. Nothing of the options is kept. h2o frees the handler with the
 * configuration. ERR_NOMEM: nobody is answered. */
int http_route_register(struct route_handler **out, h2o_pathconf_t *path,
                        const struct http_route_options *options) MUST_CHECK;
/* Now and then: frees texts that nobody asks for. */
void http_route_sweep(struct route_handler *handler);
