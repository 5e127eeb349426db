/* route.h: what answers a request: the endpoints as an h2o handler. Inside src/http only. */
#pragma once

#include <h2o.h>

#include "http/server.h"

/* What the server and the handler share of one connection; h2o's socket carries it in
 * on_close.data. */
struct http_peer {
    uint64_t answers;     /* given so far */
    uint64_t answered_ms; /* loop time of the last one */
    uint64_t requests_max;
    bool refused; /* over the limit of connections: every answer is 503 and closes */
};

/* Makes every path of `path` answer through `hooks`, to those who know the token (NULL: to
 * everybody). h2o frees the handler with the configuration. ERR_NOMEM: nobody is answered. */
int http_route_register(h2o_pathconf_t *path, const struct http_hooks *hooks,
                        const char *token) MUST_CHECK;
