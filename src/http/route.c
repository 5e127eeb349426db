#include "http/route.h"

#include <stdio.h>

#include "http/field.h"
#include "http/kept.h"
#include "http/page.h"
#include "http/token.h"

enum { ETAG_BYTES_MAX = 32 };

struct route_handler {
    h2o_handler_t super;
    struct http_hooks hooks;
    struct http_token token;
    bool failed;         /* no memory for the token: nobody is answered */
    bool own_hosts_only; /* which names may stand in Host (struct http_route_options) */
    struct buf scratch;  /* reused by every answer */
    struct gzip *gzip;
    struct kept status, metrics, samples;
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

/* The lines of a header that is a list, as one; n == 0: there is none. */
static struct str list_of(h2o_req_t *req, const h2o_token_t *name)
{
    h2o_iovec_t list = {NULL, 0};
    for (ssize_t at = -1; (at = h2o_find_header(&req->headers, name, at)) >= 0;) {
        h2o_iovec_t line = req->headers.entries[at].value;
        list =
            list.len ? h2o_concat(&req->pool, list, h2o_iovec_init(H2O_STRLIT(",")), line) : line;
    }
    return (struct str){list.base, list.len};
}

static void send_answer(h2o_req_t *req, struct answer answer)
{
    static h2o_generator_t generator = {NULL, NULL};
    struct http_peer *peer = req->conn->callbacks->get_socket(req->conn)->on_close.data;
    peer->answers++;
    /* Who asks for what there is not, or what it may not have, waits as one who does not ask. */
    if (answer.status < 400 || answer.status >= 500)
        peer->used = ++*peer->uses;
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

static void send_no_memory(h2o_req_t *req)
{
    send_text(req, 500, "Internal Server Error", "out of memory\n");
}

/* What was written to the scratch, copied: sending may outlast this call. */
static void send_scratch(struct route_handler *handler, h2o_req_t *req, int status,
                         const char *reason)
{
    if (handler->scratch.failed) {
        send_no_memory(req);
        return;
    }
    h2o_iovec_t copy = h2o_strdup(&req->pool, handler->scratch.p, handler->scratch.n);
    send_answer(req, (struct answer){.status = status,
                                     .reason = reason,
                                     .content_type = TEXT_PLAIN,
                                     .body = {copy.base, copy.len}});
}

/* The body as the client can take it; the request holds it until it is sent. NULL: no memory. */
static void send_kept(struct route_handler *handler, h2o_req_t *req, struct body *body,
                      const char *content_type)
{
    struct answer answer = {.status = 200, .reason = "OK", .content_type = content_type};
    if (!body) {
        send_no_memory(req);
        return;
    }
    h2o_mem_link_shared(&req->pool, body);
    answer.body = buf_str(&body->text);
    if (answer.body.n >= GZIP_BYTES_MIN) {
        add_header(req, "vary", "accept-encoding");
        struct str packed = {NULL, 0};
        if (field_accepts_gzip(list_of(req, H2O_TOKEN_ACCEPT_ENCODING)))
            packed = kept_packed(body, &handler->gzip);
        if (packed.n) {
            add_header(req, "content-encoding", "gzip");
            answer.body = packed;
        }
    }
    send_answer(req, answer);
}

/* ---- the paths ---- */

static bool client_has(h2o_req_t *req, const char *etag)
{
    return field_has_etag(list_of(req, H2O_TOKEN_IF_NONE_MATCH), str_of(etag));
}

static void send_not_modified(h2o_req_t *req)
{
    send_answer(
        req, (struct answer){
                 .status = 304, .reason = "Not Modified", .cache = "no-cache", .no_length = true});
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
    add_header(req, "etag", http_page_etag);
    if (client_has(req, http_page_etag)) {
        send_not_modified(req);
        return;
    }
    if (field_accepts_gzip(list_of(req, H2O_TOKEN_ACCEPT_ENCODING))) {
        add_header(req, "content-encoding", "gzip");
        answer.body = (struct str){http_page_gzip, http_page_gzip_size};
    }
    send_answer(req, answer);
}

static void route_status(struct route_handler *handler, h2o_req_t *req)
{
    struct http_hooks *hooks = &handler->hooks;
    struct body *body = kept_get(&handler->status, hooks->status, hooks->user, 0);
    send_kept(handler, req, body, "application/json");
}

static void route_metrics(struct route_handler *handler, h2o_req_t *req)
{
    struct http_hooks *hooks = &handler->hooks;
    struct body *body = kept_get(&handler->metrics, hooks->metrics, hooks->user, 0);
    send_kept(handler, req, body, "text/plain; version=0.0.4; charset=utf-8");
}

static char *samples_etag(h2o_req_t *req, uint64_t version)
{
    char *etag = h2o_mem_alloc_pool(&req->pool, ETAG_BYTES_MAX);
    snprintf(etag, ETAG_BYTES_MAX, "W/\"%llx\"", (unsigned long long)version);
    return etag;
}

/* The tag is that of the body, which may be an older one than there could be. */
static void route_samples(struct route_handler *handler, h2o_req_t *req)
{
    struct http_hooks *hooks = &handler->hooks;
    struct body *body = NULL;
    uint64_t version = hooks->samples_version(hooks->user);
    char *etag = samples_etag(req, version);
    bool known = client_has(req, etag);
    if (!known) {
        body = kept_get(&handler->samples, hooks->samples, hooks->user, version);
        etag = samples_etag(req, body ? body->version : version);
        known = client_has(req, etag);
    }
    add_header(req, "etag", etag);
    if (known)
        send_not_modified(req);
    else
        send_kept(handler, req, body, "application/json");
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

/* ---- who is answered ---- */

/* A request may name the server in its target: "GET http://host/path". What is there counts, not
 * Host (RFC 9112 3.2.2). h2o takes all of it for a path. */
static void resolve_target(h2o_req_t *req)
{
    h2o_url_t url;
    if ((req->path.len && req->path.base[0] == '/') ||
        h2o_url_parse(req->path.base, req->path.len, &url))
        return;
    req->authority = url.authority;
    req->path_normalized = h2o_url_normalize_path(&req->pool, url.path.base, url.path.len,
                                                  &req->query_at, &req->norm_indexes);
}

/* Clients of HTTP/1.0 need not say whom they ask; h2o then puts the name of its own configuration
 * there. */
static bool host_allowed(const struct route_handler *handler, const h2o_req_t *req)
{
    if (req->version < 0x101 && req->authority.base == req->hostconf->authority.hostport.base)
        return true;
    return !handler->own_hosts_only ||
           field_is_own_host((struct str){req->authority.base, req->authority.len});
}

/* Two values: somebody else than the client may have put one there. */
static bool token_allows(const struct route_handler *handler, const h2o_req_t *req, bool *given)
{
    ssize_t at = h2o_find_header(&req->headers, H2O_TOKEN_AUTHORIZATION, -1);
    struct str value = {NULL, 0};
    *given = at >= 0;
    if (*given)
        value =
            (struct str){req->headers.entries[at].value.base, req->headers.entries[at].value.len};
    return (!*given || h2o_find_header(&req->headers, H2O_TOKEN_AUTHORIZATION, at) < 0) &&
           http_token_allows(&handler->token, value);
}

static void tell_unauthorized(const struct route_handler *handler, h2o_req_t *req, bool given)
{
    struct sockaddr_storage address;
    char client[NI_MAXHOST] = "";
    socklen_t size = req->conn->callbacks->get_peername(req->conn, (struct sockaddr *)&address);
    if (size == 0 ||
        h2o_socket_getnumerichost((struct sockaddr *)&address, size, client) == SIZE_MAX)
        client[0] = '\0';
    handler->hooks.unauthorized(handler->hooks.user, given ? client : NULL);
}

/* Probes come without a token; they learn nothing but that the process works. */
static bool may_read(const struct route_handler *handler, h2o_req_t *req, struct str path)
{
    bool given;
    if (handler->failed)
        return false;
    if (str_is(path, "/healthz") || token_allows(handler, req, &given))
        return true;
    tell_unauthorized(handler, req, given);
    return false;
}

/* Answers what gets no further than this. */
static bool turn_away(struct route_handler *handler, h2o_req_t *req, struct str path)
{
    const struct http_peer *peer = req->conn->callbacks->get_socket(req->conn)->on_close.data;
    if (peer->refused && !str_is(path, "/healthz")) {
        add_header(req, "retry-after", "1");
        send_text(req, 503, "Service Unavailable", "too many connections\n");
    } else if (!host_allowed(handler, req)) {
        send_text(req, 421, "Misdirected Request",
                  "without http.token this answers to localhost and to addresses, not to the name "
                  "in Host\n");
    } else if (!may_read(handler, req, path)) {
        add_header(req, "www-authenticate", "Bearer realm=\"sluice\"");
        add_header(req, "www-authenticate", "Basic realm=\"sluice\", charset=\"UTF-8\"");
        send_text(req, 401, "Unauthorized",
                  "a token is needed: Authorization: Bearer TOKEN; in a browser it is the password "
                  "of the user sluice\n");
    } else if (!method_is(req, "GET") && !method_is(req, "HEAD")) {
        add_header(req, "allow", "GET, HEAD");
        send_text(req, 405, "Method Not Allowed", "only GET and HEAD\n");
    } else {
        return false;
    }
    return true;
}

static int on_request(h2o_handler_t *self, h2o_req_t *req)
{
    struct route_handler *handler = (struct route_handler *)self;
    buf_clear(&handler->scratch);
    /* Where a body ends (two lengths, a length and chunks), and what follows CONNECT, somebody
     * between client and server may see otherwise: nothing behind it is taken for a request. */
    if (req->entity.base || method_is(req, "CONNECT"))
        req->http1_is_persistent = 0;
    resolve_target(req);
    struct str path = {req->path_normalized.base, req->path_normalized.len};
    if (turn_away(handler, req, path))
        return 0;
    for (size_t i = 0; i < COUNT_OF(routes); i++) {
        if (str_is(path, routes[i].path)) {
            routes[i].answer(handler, req);
            return 0;
        }
    }
    send_not_found(handler, req);
    return 0;
}

/* ---- the handler ---- */

static void on_dispose(h2o_handler_t *self)
{
    struct route_handler *handler = (struct route_handler *)self;
    buf_fini(&handler->scratch);
    kept_fini(&handler->status);
    kept_fini(&handler->metrics);
    kept_fini(&handler->samples);
    gzip_destroy(handler->gzip);
    http_token_fini(&handler->token);
}

int http_route_register(struct route_handler **out, h2o_pathconf_t *path,
                        const struct http_route_options *options)
{
    struct route_handler *handler =
        (struct route_handler *)h2o_create_handler(path, sizeof *handler);
    /* h2o zeroes its own part only. */
    memset((char *)handler + sizeof handler->super, 0, sizeof *handler - sizeof handler->super);
    handler->super.on_req = on_request;
    handler->super.dispose = on_dispose;
    handler->hooks = *options->hooks;
    handler->own_hosts_only = options->own_hosts_only;
    handler->failed = http_token_init(&handler->token, options->token) != 0;
    *out = handler;
    return handler->failed ? ERR_NOMEM : 0;
}

void http_route_sweep(struct route_handler *handler)
{
    kept_sweep(&handler->status);
    kept_sweep(&handler->metrics);
    kept_sweep(&handler->samples);
}
