#include "http/route.h"

#include "http/page.h"

/* More than this is given back after an answer. */
enum { SCRATCH_BYTES_KEPT = 1 << 20 };

struct route_handler {
    h2o_handler_t super;
    struct http_hooks hooks;
    struct buf scratch; /* reused by every answer */
};

struct answer {
    int status;
    const char *reason;
    const char *content_type;
    struct str body; /* must live until the answer is sent */
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

static void send_answer(h2o_req_t *req, struct answer answer)
{
    static h2o_generator_t generator = {NULL, NULL};
    struct http_peer *peer = req->conn->callbacks->get_socket(req->conn)->on_close.data;
    peer->answers++;
    if (peer->refused)
        req->http1_is_persistent = 0;
    req->res.status = answer.status;
    req->res.reason = answer.reason;
    req->res.content_length = answer.body.n;
    add_header(req, "content-type", answer.content_type);
    add_header(req, "cache-control", "no-store");
    add_header(req, "x-content-type-options", "nosniff");
    h2o_start_response(req, &generator);
    h2o_iovec_t body = {(char *)answer.body.p, answer.body.n};
    /* A body after HEAD would be taken for the next answer. */
    h2o_send(req, &body, method_is(req, "HEAD") || body.len == 0 ? 0 : 1, H2O_SEND_STATE_FINAL);
}

static void send_text(h2o_req_t *req, int status, const char *reason, const char *text)
{
    send_answer(req, (struct answer){status, reason, TEXT_PLAIN, str_of(text)});
}

/* Sends what a hook wrote: the scratch is copied, because sending may outlast this call. */
static void send_scratch(struct route_handler *handler, h2o_req_t *req, int status,
                         const char *reason, const char *content_type)
{
    struct buf *scratch = &handler->scratch;
    if (scratch->failed) {
        send_text(req, 500, "Internal Server Error", "out of memory\n");
    } else {
        h2o_iovec_t copy = h2o_strdup(&req->pool, scratch->p ? scratch->p : "", scratch->n);
        send_answer(req, (struct answer){status, reason, content_type, {copy.base, copy.len}});
    }
    if (scratch->capacity > SCRATCH_BYTES_KEPT)
        buf_fini(scratch);
}

static void route_page(struct route_handler *handler, h2o_req_t *req)
{
    (void)handler;
    add_header(req, "content-security-policy", http_page_policy);
    add_header(req, "referrer-policy", "no-referrer");
    send_answer(
        req, (struct answer){200, "OK", "text/html; charset=utf-8", {http_page, http_page_size}});
}

static void route_status(struct route_handler *handler, h2o_req_t *req)
{
    handler->hooks.status(handler->hooks.user, &handler->scratch);
    send_scratch(handler, req, 200, "OK", "application/json");
}

static void route_metrics(struct route_handler *handler, h2o_req_t *req)
{
    handler->hooks.metrics(handler->hooks.user, &handler->scratch);
    send_scratch(handler, req, 200, "OK", "text/plain; version=0.0.4; charset=utf-8");
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
    send_scratch(handler, req, 503, "Service Unavailable", TEXT_PLAIN);
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
    {"/metrics", "counters for Prometheus", route_metrics},
    {"/healthz", "200 while the process works", route_healthz},
    {"/readyz", "200 while data flows, else 503 with the reason", route_readyz},
};

static void send_not_found(struct route_handler *handler, h2o_req_t *req)
{
    buf_append_str(&handler->scratch, STR("not found; there is:\n"));
    for (size_t i = 0; i < COUNT_OF(routes); i++)
        buf_printf(&handler->scratch, "%-9s %s\n", routes[i].path, routes[i].about);
    send_scratch(handler, req, 404, "Not Found", TEXT_PLAIN);
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
    if (!method_is(req, "GET") && !method_is(req, "HEAD")) {
        add_header(req, "allow", "GET, HEAD");
        send_text(req, 405, "Method Not Allowed", "only GET and HEAD\n");
        return 0;
    }
    struct str path = {req->path_normalized.base, req->path_normalized.len};
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
    buf_fini(&((struct route_handler *)self)->scratch);
}

void http_route_register(h2o_pathconf_t *path, const struct http_hooks *hooks)
{
    struct route_handler *handler =
        (struct route_handler *)h2o_create_handler(path, sizeof *handler);
    handler->super.on_req = on_request;
    handler->super.dispose = on_dispose;
    handler->hooks = *hooks;
    handler->scratch = (struct buf){0};
}
