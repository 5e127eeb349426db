#include "cli/http_get.h"

#include <stdio.h>

#include "cli/http_answer.h"

enum { ANSWER_BYTES_MAX = 16 << 20 };

static void release(struct http_get *get)
{
    if (--get->pending > 0)
        return;
    uv_freeaddrinfo(get->addresses);
    get->addresses = NULL;
    struct buf in = get->in, body = get->body;
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
        fail(get, get->in.n == 0 ? "the server closes the connection" : "this is no HTTP server");
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

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
    struct http_get *get = stream->data;
    (void)buf;
    if (get->finished || n == 0)
        return;
    if (n > 0)
        buf_append(&get->in, get->chunk, (size_t)n);
    if (n >= 0 || n == UV_EOF)
        look(get, n == UV_EOF);
    else
        fail(get, uv_strerror((int)n));
}

static void on_written(uv_write_t *write, int status)
{
    struct http_get *get = write->data;
    if (status && !get->finished)
        fail(get, uv_strerror(status));
    release(get);
}

static void send_request(struct http_get *get)
{
    uv_buf_t bytes = uv_buf_init(get->out.p, (unsigned)get->out.n);
    get->write.data = get;
    int code = uv_write(&get->write, (uv_stream_t *)&get->tcp, &bytes, 1, on_written);
    get->pending += code == 0;
    code = code ? code : uv_read_start((uv_stream_t *)&get->tcp, on_alloc, on_read);
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
        send_request(get);
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
    buf_printf(&get->out, "GET %s HTTP/1.1\r\nHost: %s%s%s:%u\r\n", request->path, ipv6 ? "[" : "",
               request->host, ipv6 ? "]" : "", request->port);
    if (request->token)
        buf_printf(&get->out, "Authorization: Bearer %s\r\n", request->token);
    buf_append_str(&get->out, STR("Connection: close\r\n\r\n"));
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
    if (code || get->out.failed)
        fail(get, code ? uv_strerror(code) : "out of memory");
}

void http_get_cancel(struct http_get *get)
{
    if (get->finished || get->pending == 0)
        return;
    err_set(&get->err, ERR_CANCELLED, "cancelled");
    finish(get);
}
