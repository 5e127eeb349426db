#define _GNU_SOURCE /* memmem */

#include "http/route.h"

#include <stdio.h>

#include "http/gzip.h"
#include "http/page.h"
#include "http/token.h"

enum {
    SCRATCH_BYTES_KEPT = 1 << 20, /* more than this is given back after an answer */
    /* Who asks more often than so many times within so long gets the same answer again: a flood of
     * requests shall not cost the stream the making of all of them. */
    FRESH_ANSWERS = 4,
    FRESH_MS = 100,
};

/* What a path gave last, to be given again. */
struct fresh {
    uint64_t began_ms; /* loop time */
    uint32_t answers;  /* made since then */
    struct buf body;
};

struct route_handler {
    h2o_handler_t super;
    struct http_hooks hooks;
    struct http_token token;
    bool failed;        /* no memory for the token: nobody is answered */
    struct buf scratch; /* reused by every answer */
    struct buf packed;
    struct gzip *gzip;
    struct fresh status, metrics, samples;
};

struct answer {
    int status;
    const char *reason;
    const char *content_type;
    struct str body;   /* must live until the answer is sent */
    const char *cache; /* NULL: not to be kept */
    bool no_length;    /* the answer has no body of its own: 304 */
};

#define TEXT_PLAIN "text/plain; charset=utf-8"

static void add_header(h2o_req_t *req, const char *name, const char *value)
{
    h2o_add_header_by_str(&req->pool, &req->res.headers, name, strlen(name), 0, NULL, value,
                          strlen(value));
}

static bool method_is(const h2o_req_t *req, const char *method)
{
    return str_is((struct str){req->method.base, req->method.len}, method);
}

static struct str header_of(const h2o_req_t *req, const h2o_token_t *name)
{
    ssize_t at = h2o_find_header(&req->headers, name, -1);
    if (at < 0)
        return (struct str){NULL, 0};
    return (struct str){req->headers.entries[at].value.base, req->headers.entries[at].value.len};
}

static void send_answer(h2o_req_t *req, struct answer answer)
{
    static h2o_generator_t generator = {NULL, NULL};
    struct http_peer *peer = req->conn->callbacks->get_socket(req->conn)->on_close.data;
    peer->answers++;
    peer->answered_ms = h2o_now(req->conn->ctx->loop);
    if (peer->refused || peer->answers >= peer->requests_max)
        req->http1_is_persistent = 0;
    req->res.status = answer.status;
    req->res.reason = answer.reason;
    req->res.content_length = answer.no_length ? SIZE_MAX : answer.body.n;
    if (answer.content_type)
        add_header(req, "content-type", answer.content_type);
    add_header(req, "cache-control", answer.cache ? answer.cache : "no-store");
    add_header(req, "x-content-type-options", "nosniff");
    h2o_start_response(req, &generator);
    h2o_iovec_t body = {(char *)answer.body.p, answer.body.n};
    /* A body after HEAD would be taken for the next answer. */
    h2o_send(req, &body, method_is(req, "HEAD") || body.len == 0 ? 0 : 1, H2O_SEND_STATE_FINAL);
}

static void send_text(h2o_req_t *req, int status, const char *reason, const char *text)
{
    send_answer(req, (struct answer){.status = status,
                                     .reason = reason,
                                     .content_type = TEXT_PLAIN,
                                     .body = str_of(text)});
}

/* The body as the client can take it, copied: sending may outlast this call. */
static struct str packed_body(struct route_handler *handler, h2o_req_t *req, struct str body)
{
    buf_clear(&handler->packed);
    if (body.n >= GZIP_BYTES_MIN) {
        add_header(req, "vary", "accept-encoding");
        if (gzip_accepted(header_of(req, H2O_TOKEN_ACCEPT_ENCODING)) &&
            gzip_append(&handler->gzip, body, &handler->packed)) {
            add_header(req, "content-encoding", "gzip");
            body = buf_str(&handler->packed);
        }
    }
    h2o_iovec_t copy = h2o_strdup(&req->pool, body.n ? body.p : "", body.n);
    return (struct str){copy.base, copy.len};
}

static void send_body(struct route_handler *handler, h2o_req_t *req, const struct buf *body,
                      struct answer answer)
{
    if (body->failed) {
        send_text(req, 500, "Internal Server Error", "out of memory\n");
        return;
    }
    answer.body = packed_body(handler, req, buf_str(body));
    send_answer(req, answer);
}

static void send_scratch(struct route_handler *handler, h2o_req_t *req, int status,
                         const char *reason)
{
    send_body(handler, req, &handler->scratch,
              (struct answer){.status = status, .reason = reason, .content_type = TEXT_PLAIN});
    if (handler->scratch.capacity > SCRATCH_BYTES_KEPT)
        buf_fini(&handler->scratch);
}

/* What a hook writes, or wrote a moment ago. */
static void send_fresh(struct route_handler *handler, h2o_req_t *req, struct fresh *fresh,
                       void (*write)(void *user, struct buf *out), const char *content_type)
{
    uint64_t now_ms = h2o_now(req->conn->ctx->loop);
    if (now_ms - fresh->began_ms >= FRESH_MS) {
        fresh->began_ms = now_ms;
        fresh->answers = 0;
    }
    if (fresh->answers < FRESH_ANSWERS || fresh->body.failed) {
        fresh->answers++;
        buf_clear(&fresh->body);
        write(handler->hooks.user, &fresh->body);
    }
    send_body(handler, req, &fresh->body,
              (struct answer){.status = 200, .reason = "OK", .content_type = content_type});
    if (fresh->body.capacity > SCRATCH_BYTES_KEPT) {
        buf_fini(&fresh->body);
        fresh->answers = 0;
    }
}

/* ---- the paths ---- */

/* Sends 304 if the client has this already. */
static bool send_not_modified(h2o_req_t *req, const char *etag)
{
    struct str known = header_of(req, H2O_TOKEN_IF_NONE_MATCH);
    add_header(req, "etag", etag);
    if (!known.p || (!str_is(known, "*") && !memmem(known.p, known.n, etag, strlen(etag))))
        return false;
    send_answer(
        req, (struct answer){
                 .status = 304, .reason = "Not Modified", .cache = "no-cache", .no_length = true});
    return true;
}

static void route_page(struct route_handler *handler, h2o_req_t *req)
{
    struct answer answer = {.status = 200,
                            .reason = "OK",
                            .content_type = "text/html; charset=utf-8",
                            .body = {http_page, http_page_size},
                            .cache = "no-cache"};
    (void)handler;
    add_header(req, "content-security-policy", http_page_policy);
    add_header(req, "referrer-policy", "no-referrer");
    add_header(req, "vary", "accept-encoding");
    if (send_not_modified(req, http_page_etag))
        return;
    if (gzip_accepted(header_of(req, H2O_TOKEN_ACCEPT_ENCODING))) {
        add_header(req, "content-encoding", "gzip");
        answer.body = (struct str){http_page_gzip, http_page_gzip_size};
    }
    send_answer(req, answer);
}

static void route_status(struct route_handler *handler, h2o_req_t *req)
{
    send_fresh(handler, req, &handler->status, handler->hooks.status, "application/json");
}

static void route_metrics(struct route_handler *handler, h2o_req_t *req)
{
    send_fresh(handler, req, &handler->metrics, handler->hooks.metrics,
               "text/plain; version=0.0.4; charset=utf-8");
}

static void route_samples(struct route_handler *handler, h2o_req_t *req)
{
    char *etag = h2o_mem_alloc_pool(&req->pool, 32);
    snprintf(etag, 32, "W/\"%llx\"",
             (unsigned long long)handler->hooks.samples_version(handler->hooks.user));
    if (!send_not_modified(req, etag))
        send_fresh(handler, req, &handler->samples, handler->hooks.samples, "application/json");
}

static void send_check(struct route_handler *handler, h2o_req_t *req,
                       bool (*check)(void *user, struct buf *reason))
{
    if (check(handler->hooks.user, &handler->scratch)) {
        send_text(req, 200, "OK", "ok\n");
        return;
    }
    if (handler->scratch.n == 0 || handler->scratch.p[handler->scratch.n - 1] != '\n')
        buf_append_char(&handler->scratch, '\n');
    send_scratch(handler, req, 503, "Service Unavailable");
}

static void route_healthz(struct route_handler *handler, h2o_req_t *req)
{
    send_check(handler, req, handler->hooks.healthy);
}

static void route_readyz(struct route_handler *handler, h2o_req_t *req)
{
    send_check(handler, req, handler->hooks.ready);
}

static const struct route {
    const char *path;
    const char *about;
    void (*answer)(struct route_handler *handler, h2o_req_t *req);
} routes[] = {
    {"/", "live page", route_page},
    {"/status", "everything about the run, JSON", route_status},
    {"/samples", "the newest rows, JSON", route_samples},
    {"/metrics", "counters for Prometheus", route_metrics},
    {"/healthz", "200 while the process works", route_healthz},
    {"/readyz", "200 while data flows, else 503 with the reason", route_readyz},
};

static void send_not_found(struct route_handler *handler, h2o_req_t *req)
{
    buf_append_str(&handler->scratch, STR("not found; there is:\n"));
    for (size_t i = 0; i < COUNT_OF(routes); i++)
        buf_printf(&handler->scratch, "%-9s %s\n", routes[i].path, routes[i].about);
    send_scratch(handler, req, 404, "Not Found");
}

/* Probes come without a token; they learn nothing but that the process works. */
static bool may_read(const struct route_handler *handler, const h2o_req_t *req, struct str path)
{
    return !handler->failed &&
           (str_is(path, "/healthz") ||
            http_token_allows(&handler->token, header_of(req, H2O_TOKEN_AUTHORIZATION)));
}

static int on_request(h2o_handler_t *self, h2o_req_t *req)
{
    struct route_handler *handler = (struct route_handler *)self;
    const struct http_peer *peer = req->conn->callbacks->get_socket(req->conn)->on_close.data;
    buf_clear(&handler->scratch);
    if (peer->refused) {
        add_header(req, "retry-after", "1");
        send_text(req, 503, "Service Unavailable", "too many connections\n");
        return 0;
    }
    struct str path = {req->path_normalized.base, req->path_normalized.len};
    if (!may_read(handler, req, path)) {
        add_header(req, "www-authenticate", "Bearer realm=\"sluice\"");
        add_header(req, "www-authenticate", "Basic realm=\"sluice\", charset=\"UTF-8\"");
        send_text(req, 401, "Unauthorized",
                  "a token is needed: Authorization: Bearer TOKEN; in a browser it is the password "
                  "of the user sluice\n");
        return 0;
    }
    if (!method_is(req, "GET") && !method_is(req, "HEAD")) {
        add_header(req, "allow", "GET, HEAD");
        send_text(req, 405, "Method Not Allowed", "only GET and HEAD\n");
        return 0;
    }
    for (size_t i = 0; i < COUNT_OF(routes); i++) {
        if (str_is(path, routes[i].path)) {
            routes[i].answer(handler, req);
            return 0;
        }
    }
    send_not_found(handler, req);
    return 0;
}

static void on_dispose(h2o_handler_t *self)
{
    struct route_handler *handler = (struct route_handler *)self;
    buf_fini(&handler->scratch);
    buf_fini(&handler->packed);
    buf_fini(&handler->status.body);
    buf_fini(&handler->metrics.body);
    buf_fini(&handler->samples.body);
    gzip_destroy(handler->gzip);
    http_token_fini(&handler->token);
}

int http_route_register(h2o_pathconf_t *path, const struct http_hooks *hooks, const char *token)
{
    struct route_handler *handler =
        (struct route_handler *)h2o_create_handler(path, sizeof *handler);
    /* h2o zeroes its own part only. */
    memset((char *)handler + sizeof handler->super, 0, sizeof *handler - sizeof handler->super);
    handler->super.on_req = on_request;
    handler->super.dispose = on_dispose;
    handler->hooks = *hooks;
    handler->failed = http_token_init(&handler->token, token) != 0;
    return handler->failed ? ERR_NOMEM : 0;
}
