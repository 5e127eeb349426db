#include "cli/http_get.h"

#include <stdio.h>

#include "cli/http_answer.h"
#include "cli/http_get_tls.h"

enum { ANSWER_BYTES_MAX = 16 << 20 };

static void release(struct http_get *get)
{
    if (--get->pending > 0)
        return;
    uv_freeaddrinfo(get->addresses);
    get->addresses = NULL;
    struct buf in = get->in, body = get->body;
    SSL_free(get->tls);
    buf_fini(&get->ask);
    buf_fini(&get->out);
    get->in = get->body = (struct buf){0}; /* the callback may start the next */
    get->request.done(get->request.user, get->code, buf_str(&body), &get->err);
    buf_fini(&in);
    buf_fini(&body);
}

static void on_closed(uv_handle_t *handle)
{
    release(handle->data);
}

/* get->err and get->code say how it ended. */
static void finish(struct http_get *get)
{
    if (get->finished)
        return;
    get->finished = true;
    if (get->resolving)
        uv_cancel((uv_req_t *)&get->resolve);
    if (get->tcp_open)
        uv_close((uv_handle_t *)&get->tcp, on_closed);
    get->tcp_open = false;
    uv_close((uv_handle_t *)&get->timer, on_closed);
}

static void fail(struct http_get *get, const char *why)
{
    if (!get->finished)
        err_set(&get->err, ERR_IO, "%s", why);
    finish(get);
}

/* Once connected: a server that wants TLS closes, or says what is no HTTP. */
static void fail_talking(struct http_get *get, const char *why)
{
    char text[200];
    snprintf(text, sizeof text, "%s%s", why, get->tls ? "" : " (does it speak https?)");
    fail(get, text);
}

static void look(struct http_get *get, bool ended)
{
    enum http_answer_state state =
        http_answer_parse(buf_str(&get->in), ended, &get->code, &get->body);
    if (get->in.failed || get->body.failed) {
        fail(get, "out of memory");
        return;
    }
    switch (state) {
    case HTTP_ANSWER_MORE:
        if (get->in.n > ANSWER_BYTES_MAX)
            fail(get, "the answer is too large");
        break;
    case HTTP_ANSWER_BAD:
        fail_talking(get, get->in.n == 0 ? "the server closes the connection"
                                         : "this is no HTTP server");
        break;
    case HTTP_ANSWER_DONE:
        finish(get);
    }
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
    struct http_get *get = handle->data;
    (void)suggested;
    *buf = uv_buf_init(get->chunk, sizeof get->chunk);
}

/* ---- bytes to and from the server ---- */

static void on_written(uv_write_t *write, int status);

/* One write at a time: what comes meanwhile waits. */
static void send_out(struct http_get *get)
{
    if (get->writing || get->finished)
        return;
    if (get->tls)
        http_get_tls_output(get->tls, &get->out);
    if (get->out.failed)
        fail(get, "out of memory");
    if (get->out.n == 0 || get->finished)
        return;
    uv_buf_t bytes = uv_buf_init(get->out.p, (unsigned)get->out.n);
    get->write.data = get;
    int code = uv_write(&get->write, (uv_stream_t *)&get->tcp, &bytes, 1, on_written);
    get->pending += code == 0;
    get->writing = code == 0;
    if (code)
        fail_talking(get, uv_strerror(code));
}

static void on_written(uv_write_t *write, int status)
{
    struct http_get *get = write->data;
    get->writing = false;
    buf_clear(&get->out);
    if (status && !get->finished)
        fail_talking(get, uv_strerror(status));
    send_out(get);
    release(get);
}

/* Bytes of the server, and whether it has closed. */
static void take(struct http_get *get, struct str bytes, bool ended)
{
    struct err err = {0};
    bool said_all = false;
    if (!get->tls)
        buf_append(&get->in, bytes.p, bytes.n);
    else if (http_get_tls_turn(get->tls, bytes, &get->ask, &get->in, &said_all, &err))
        fail(get, err.msg);
    send_out(get);
    if (!get->finished && (bytes.n || ended))
        look(get, ended || said_all);
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
    struct http_get *get = stream->data;
    (void)buf;
    if (get->finished || n == 0)
        return;
    if (n >= 0 || n == UV_EOF)
        take(get, (struct str){get->chunk, n > 0 ? (size_t)n : 0}, n == UV_EOF);
    else
        fail_talking(get, uv_strerror((int)n));
}

static void begin(struct http_get *get)
{
    if (get->request.tls)
        get->tls = http_get_tls_new(get->request.tls, get->request.host);
    if (get->request.tls && !get->tls) {
        fail(get, "out of memory");
        return;
    }
    if (get->tls)
        take(get, (struct str){NULL, 0}, false);
    else
        buf_append_str(&get->out, buf_str(&get->ask));
    send_out(get);
    int code = get->finished ? 0 : uv_read_start((uv_stream_t *)&get->tcp, on_alloc, on_read);
    if (code)
        fail(get, uv_strerror(code));
}

/* ---- connecting: to one address after the other ---- */

static void try_address(struct http_get *get);

static void on_retry(uv_handle_t *handle)
{
    struct http_get *get = handle->data;
    if (!get->finished)
        try_address(get);
    release(get);
}

static void on_connected(uv_connect_t *connect, int status)
{
    struct http_get *get = connect->data;
    if (!get->finished && status == 0) {
        begin(get);
    } else if (!get->finished && get->address) {
        get->tcp_open = false;
        uv_close((uv_handle_t *)&get->tcp, on_retry);
    } else if (!get->finished) {
        fail(get, uv_strerror(status));
    }
    release(get);
}

/* Connects to get->address and moves on to the next. */
static void try_address(struct http_get *get)
{
    struct addrinfo *address = get->address;
    get->address = address->ai_next;
    uv_tcp_init(get->loop, &get->tcp);
    get->tcp.data = get->connect.data = get;
    get->tcp_open = true;
    get->pending++; /* the handle */
    int code = uv_tcp_connect(&get->connect, &get->tcp, address->ai_addr, on_connected);
    get->pending += code == 0;
    if (code)
        fail(get, uv_strerror(code));
}

static void on_resolved(uv_getaddrinfo_t *resolve, int status, struct addrinfo *addresses)
{
    struct http_get *get = resolve->data;
    get->resolving = false;
    get->addresses = get->address = addresses;
    if (!get->finished && status)
        fail(get, uv_strerror(status));
    else if (!get->finished)
        try_address(get);
    release(get);
}

/* ---- ---- */

static void on_timeout(uv_timer_t *timer)
{
    fail(timer->data, "no answer in time");
}

static void print_request(struct http_get *get)
{
    const struct http_get_request *request = &get->request;
    bool ipv6 = strchr(request->host, ':');
    buf_printf(&get->ask, "GET %s HTTP/1.1\r\nHost: %s%s%s:%u\r\n", request->path, ipv6 ? "[" : "",
               request->host, ipv6 ? "]" : "", request->port);
    if (request->token)
        buf_printf(&get->ask, "Authorization: Bearer %s\r\n", request->token);
    buf_append_str(&get->ask, STR("Connection: close\r\n\r\n"));
}

void http_get_start(struct http_get *get, uv_loop_t *loop, const struct http_get_request *request)
{
    char port[8];
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
    *get = (struct http_get){.request = *request, .loop = loop, .pending = 1};
    print_request(get);
    uv_timer_init(loop, &get->timer);
    get->timer.data = get->resolve.data = get;
    uv_timer_start(&get->timer, on_timeout, request->timeout_ms, 0);
    snprintf(port, sizeof port, "%u", request->port);
    int code = uv_getaddrinfo(loop, &get->resolve, on_resolved, request->host, port, &hints);
    get->pending += code == 0;
    get->resolving = code == 0;
    if (code || get->ask.failed)
        fail(get, code ? uv_strerror(code) : "out of memory");
}

void http_get_cancel(struct http_get *get)
{
    if (get->finished || get->pending == 0)
        return;
    err_set(&get->err, ERR_CANCELLED, "cancelled");
    finish(get);
}
