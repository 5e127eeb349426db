#define _GNU_SOURCE /* strcasestr */

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fixture.h"
#include "leaks.h"

#define GET(path)  "GET " path " HTTP/1.1\r\nHost: localhost\r\n\r\n"
#define HEAD(path) "HEAD " path " HTTP/1.1\r\nHost: localhost\r\n\r\n"

static struct fixture fixture;

static void setup(void)
{
    fixture_init(&fixture);
}

TestSuite(http, .init = setup, .fini = leaks_check, .timeout = 60);

/* ---- what is answered ---- */

static void ask_every_route(struct fixture *f)
{
    static const struct {
        const char *request, *type, *body;
    } routes[] = {
        {GET("/status"), "Content-Type: application/json", "{\"name\":\"test\"}\n"},
        {GET("/status?pretty=1"), "Content-Type: application/json", "{\"name\":\"test\"}\n"},
        {GET("/samples"), "Content-Type: application/json", "{\"version\":0}\n"},
        {GET("/metrics"), "Content-Type: text/plain; version=0.0.4; charset=utf-8", "####"},
        {GET("/healthz"), "Content-Type: text/plain; charset=utf-8", "ok\n"},
        {GET("/readyz"), "Content-Type: text/plain; charset=utf-8", "ok\n"},
        {GET("/"), "Content-Type: text/html; charset=utf-8", "<!doctype html>\n"},
    };
    for (size_t i = 0; i < sizeof routes / sizeof routes[0]; i++) {
        struct response r;
        CLIENT_CHECK(f, client_ask(f, routes[i].request, &r));
        CLIENT_CHECK(f, r.status == 200);
        CLIENT_CHECK(f, response_has(&r, routes[i].type));
        bool kept = strstr(routes[i].type, "html"); /* it holds no data */
        CLIENT_CHECK(
            f, response_has(&r, kept ? "Cache-Control: no-cache" : "Cache-Control: no-store"));
        CLIENT_CHECK(f, response_has(&r, "X-Content-Type-Options: nosniff"));
        CLIENT_CHECK(f, r.body && strncmp(r.body, routes[i].body, strlen(routes[i].body)) == 0);
        CLIENT_CHECK(f, !strcasestr(r.head, "access-control"));
        bool page = strstr(routes[i].type, "html");
        CLIENT_CHECK(f, page == !!strcasestr(r.head, "content-security-policy: default-src 'none'; "
                                                     "script-src 'sha256-"));
        free(r.body);
    }
}

Test(http, every_route)
{
    fixture_run(&fixture, ask_every_route);
}

static void ask_head(struct fixture *f)
{
    static const char *const requests[] = {HEAD("/metrics"), HEAD("/"), HEAD("/nothing"),
                                           HEAD("/readyz")};
    int fd = client_connect(f);
    for (size_t i = 0; i < 4; i++) {
        struct response r;
        CLIENT_CHECK(f, client_send(fd, requests[i]) && client_receive(fd, true, &r));
        CLIENT_CHECK(f, !response_has(&r, "Content-Length: 0"));
        free(r.body);
        /* A body of HEAD's answer would be read as this one's head. */
        CLIENT_CHECK(f, client_send(fd, GET("/healthz")) && client_receive(fd, false, &r));
        CLIENT_CHECK(f, r.status == 200 && strcmp(r.body, "ok\n") == 0);
        free(r.body);
    }
    close(fd);
}

Test(http, head_has_no_body)
{
    fixture_run(&fixture, ask_head);
}

static void ask_wrong_things(struct fixture *f)
{
    struct response r;
    CLIENT_CHECK(f, client_ask(f, GET("/metric"), &r));
    CLIENT_CHECK(f, r.status == 404 && strstr(r.body, "/metrics") && strstr(r.body, "/readyz"));
    free(r.body);
    CLIENT_CHECK(f, client_ask(f, GET("/status/"), &r));
    CLIENT_CHECK(f, r.status == 404);
    free(r.body);
    CLIENT_CHECK(
        f, client_ask(f, "POST /status HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\nabc",
                      &r));
    CLIENT_CHECK(f, r.status == 405 && response_has(&r, "Allow: GET, HEAD"));
    free(r.body);
    CLIENT_CHECK(f, client_ask(f, "DELETE / HTTP/1.0\r\n\r\n", &r));
    CLIENT_CHECK(f, r.status == 405);
    free(r.body);
    CLIENT_CHECK(
        f,
        client_ask(f, "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9999999\r\n\r\n", &r));
    CLIENT_CHECK(f, r.status == 413);
    free(r.body);
    /* No way into HTTP/2. */
    CLIENT_CHECK(f, client_ask(f,
                               "GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade, "
                               "HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n\r\n",
                               &r));
    CLIENT_CHECK(f, r.status == 200);
    free(r.body);
    CLIENT_CHECK(f, client_ask(f, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", &r));
    CLIENT_CHECK(f, r.status == 400);
    free(r.body);
}

Test(http, wrong_requests)
{
    fixture_run(&fixture, ask_wrong_things);
}

/* ---- whom it answers ---- */

static void ask_by_names(struct fixture *f)
{
    static const struct {
        const char *request;
        int status; /* where only this machine's names count */
    } cases[] = {
        {"GET /status HTTP/1.1\r\nHost: example.com\r\n\r\n", 421},
        {"GET / HTTP/1.1\r\nHost: localhost.example.com:8080\r\n\r\n", 421},
        {"GET /healthz HTTP/1.0\r\nHost: example.com\r\n\r\n", 421},
        {"GET /status HTTP/1.1\r\nHost:\r\n\r\n", 421},
        {"GET /status HTTP/1.1\r\n\r\n", 421},
        {"GET http://example.com/status HTTP/1.1\r\nHost: localhost\r\n\r\n", 421},
        {"GET /status HTTP/1.0\r\n\r\n", 200},
        {"GET /status HTTP/1.1\r\nHost: 127.0.0.1:9090\r\n\r\n", 200},
        {"GET /status HTTP/1.1\r\nHost: [::1]:9090\r\n\r\n", 200},
        {"GET /status HTTP/1.1\r\nHost: a.localhost\r\n\r\n", 200},
        {"GET http://127.0.0.1:80/status HTTP/1.1\r\nHost: example.com\r\n\r\n", 200},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct response r;
        int status = f->host[0] == '0' ? 200 : cases[i].status;
        client_expect(f, cases[i].request, status, &r);
        free(r.body);
    }
}

Test(http, names_of_this_machine)
{
    fixture_run(&fixture, ask_by_names);
}

Test(http, any_name_where_others_may_ask)
{
    fixture.host = "0.0.0.0";
    fixture_run(&fixture, ask_by_names);
}

/* A target that names the server, too: RFC 9112 3.2.2. */
static void ask_absolutely(struct fixture *f)
{
    static const struct {
        const char *request;
        int status;
    } cases[] = {
        {GET("http://localhost/healthz"), 200},
        {GET("http://localhost:1/healthz?x=/y"), 200},
        {GET("https://localhost/status"), 200},
        {GET("http://localhost"), 200},
        {GET("http://localhost/x/../status"), 200},
        {GET("http://localhost/nothing"), 404},
        {GET("file:///status"), 404},
        {GET("*"), 404},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct response r;
        client_expect(f, cases[i].request, cases[i].status, &r);
        free(r.body);
    }
}

Test(http, absolute_targets)
{
    fixture_run(&fixture, ask_absolutely);
}

/* Nothing behind a body is a request: proxies may see its end elsewhere. */
static void send_bodies(struct fixture *f)
{
    static const char *const heads[] = {
        "GET /status HTTP/1.1\r\nContent-Length: 3\r\n",
        "POST /status HTTP/1.1\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n",
        "GET /status HTTP/1.1\r\nTransfer-Encoding: chunked\r\n",
        "GET /status HTTP/1.1\r\nContent-Length: 0\r\nContent-Length: 40\r\n",
        "GET /status HTTP/1.1\r\nConnection: keep-alive\r\nContent-Length: 0\r\n",
        "CONNECT localhost:80 HTTP/1.1\r\n",
    };
    for (size_t i = 0; i < sizeof heads / sizeof heads[0]; i++) {
        struct response r;
        int fd = client_connect(f);
        CLIENT_CHECK(f, client_send(fd, heads[i]) &&
                            client_send(fd, "Host: localhost\r\n\r\n0\r\n\r\n" GET("/healthz")));
        CLIENT_CHECK(f, client_receive(fd, false, &r));
        CLIENT_CHECK(f, response_has(&r, "Connection: close"));
        free(r.body);
        char more[16];
        bool nothing = recv(fd, more, sizeof more, 0) <= 0;
        if (!nothing)
            fprintf(stderr, "an answer to what follows %s\n", heads[i]);
        CLIENT_CHECK(f, nothing);
        close(fd);
    }
}

Test(http, nothing_follows_a_body)
{
    fixture_run(&fixture, send_bodies);
}

/* ---- what it says when it is not well ---- */

static void ask_checks(struct fixture *f)
{
    struct response r;
    CLIENT_CHECK(f, client_ask(f, GET("/healthz"), &r));
    CLIENT_CHECK(f, r.status == 503 && strcmp(r.body, "the loop stood still\n") == 0);
    free(r.body);
    CLIENT_CHECK(f, client_ask(f, GET("/readyz"), &r));
    CLIENT_CHECK(f, r.status == 503 && strcmp(r.body, "no broker\n") == 0);
    free(r.body);
    CLIENT_CHECK(f, client_ask(f, GET("/status"), &r));
    CLIENT_CHECK(f, r.status == 500 && strcmp(r.body, "out of memory\n") == 0);
    free(r.body);
}

Test(http, unwell_says_why)
{
    fixture.unhealthy = "the loop stood still\n";
    fixture.unready = "no broker";
    fixture.out_of_memory = true;
    fixture_run(&fixture, ask_checks);
}

static void send_pipelined(struct fixture *f)
{
    static const int expected[] = {200, 404, 200, 405};
    int fd = client_connect(f);
    CLIENT_CHECK(f, client_send(fd, GET("/status") GET("/no") GET(
                                        "/metrics") "PUT / HTTP/1.1\r\nHost: localhost\r\n\r\n"));
    for (int i = 0; i < 4; i++) {
        struct response r;
        CLIENT_CHECK(f, client_receive(fd, false, &r));
        CLIENT_CHECK(f, r.status == expected[i]);
        free(r.body);
    }
    close(fd);
}

Test(http, pipelined_requests)
{
    fixture_run(&fixture, send_pipelined);
}

static void send_garbage(struct fixture *f)
{
    unsigned random = 1;
    for (int round = 0; round < 300; round++) {
        char bytes[300];
        for (size_t i = 0; i < sizeof bytes; i++) {
            random = random * 1664525 + 1013904223;
            bytes[i] = (char)(random >> 24);
        }
        static const char head[] = "GET /status HTTP/1.1\r\nHost: ";
        if (round % 3 == 0)
            memcpy(bytes, head, sizeof head - 1);
        int fd = client_connect(f);
        client_send_bytes(fd, bytes, (size_t)(round % 10) * 30);
        close(fd); /* some close with a request half sent */
    }
    struct response r;
    CLIENT_CHECK(f, client_ask(f, "\x16\x03\x01\x02\x01 no request\r\n\r\n", &r));
    CLIENT_CHECK(f, r.status == 400);
    free(r.body);
    CLIENT_CHECK(f, client_ask(f, GET("/healthz"), &r));
    CLIENT_CHECK(f, r.status == 200);
    free(r.body);
}

Test(http, survives_garbage)
{
    fixture_run(&fixture, send_garbage);
}

static void read_all(struct fixture *f)
{
    struct response r;
    CLIENT_CHECK(f, client_ask(f, GET("/metrics"), &r));
    CLIENT_CHECK(f, r.body_bytes == f->metrics_bytes && r.body[f->metrics_bytes - 1] == '#');
    free(r.body);
}

Test(http, large_answer_arrives_whole)
{
    fixture.metrics_bytes = 20 << 20;
    fixture_run(&fixture, read_all);
}

/* ---- limits ---- */

static void send_slowly(struct fixture *f)
{
    int idle = client_connect(f), half = client_connect(f), body = client_connect(f);
    CLIENT_CHECK(f, client_send(half, "GET / HTTP/1.1\r\nHos"));
    CLIENT_CHECK(f, client_send(body, "POST / HTTP/1.1\r\nContent-Length: 10\r\n\r\nab"));
    CLIENT_CHECK(f, client_sees_close(idle) && client_sees_close(half) && client_sees_close(body));
    close(idle);
    close(half);
    close(body);
}

Test(http, slow_request_is_cut)
{
    fixture.limits.request_ms_max = 100;
    fixture_run(&fixture, send_slowly);
}

static void take_nothing(struct fixture *f)
{
    int fd = client_connect(f);
    struct response r;
    CLIENT_CHECK(f, client_send(fd, GET("/metrics")));
    /* The answer does not fit the socket's buffers. The server's side is gone once the connection
     * is no longer counted: a new one is served where only one is allowed. */
    for (int tries = 0; tries < 1000; tries++) {
        bool ok = client_ask(f, GET("/readyz"), &r);
        free(r.body);
        if (ok && r.status == 200)
            break;
        CLIENT_CHECK(f, tries < 999);
        usleep(5000);
    }
    CLIENT_CHECK(f, client_sees_close(fd));
    close(fd);
}

Test(http, client_that_takes_nothing_is_cut)
{
    fixture.metrics_bytes = 32 << 20;
    fixture.limits.answer_ms_max = 100;
    fixture.limits.sweep_ms = 20;
    fixture.limits.connections_served = 1;
    fixture_run(&fixture, take_nothing);
}

static void send_much(struct fixture *f)
{
    int fd = client_connect(f);
    char header[1000];
    memset(header, 'a', sizeof header);
    memcpy(header, "X: ", 3);
    CLIENT_CHECK(f, client_send(fd, "GET / HTTP/1.1\r\n"));
    for (int i = 0; i < 90 && client_send_bytes(fd, header, sizeof header); i++)
        client_send(fd, "\r\n");
    CLIENT_CHECK(f, client_sees_close(fd));
    close(fd);
}

Test(http, oversized_request_is_cut)
{
    fixture.limits.sweep_ms = 20;
    fixture_run(&fixture, send_much);
}

static void send_large_heads(struct fixture *f)
{
    static const int sizes_kib[] = {400, 416};
    for (size_t i = 0; i < 2; i++) {
        struct response r;
        struct buf request = {0};
        buf_append_str(&request, STR("GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: "));
        buf_append_repeat(&request, 'a', (size_t)sizes_kib[i] * 1024);
        buf_append_str(&request, STR("\r\n\r\n"));
        /* The answer to a larger one is lost if the connection ends before all of it was sent. */
        CLIENT_CHECK(f, client_ask(f, buf_cstr(&request), &r) || sizes_kib[i] > 408);
        CLIENT_CHECK(f, (r.status == 200) == (sizes_kib[i] < 408));
        free(r.body);
        buf_fini(&request);
    }
}

Test(http, heads_up_to_the_limit_of_docs_http_md)
{
    fixture.limits.sweep_ms = 60 * 1000; /* it would cut one that arrives slowly */
    fixture_run(&fixture, send_large_heads);
}

/* ---- closing ---- */

static void close_under_load(struct fixture *f)
{
    struct response r;
    int idle = client_connect(f), half = client_connect(f), unread = client_connect(f);
    CLIENT_CHECK(f, client_send(idle, GET("/healthz")) && client_receive(idle, false, &r));
    free(r.body);
    CLIENT_CHECK(f, client_send(half, "GET / HT"));
    CLIENT_CHECK(f, client_send(unread, GET("/metrics")));
    /* Once one byte is here the answer is on its way. */
    char byte;
    CLIENT_CHECK(f, recv(unread, &byte, 1, MSG_PEEK) == 1);
    fixture_close_server(f);
    CLIENT_CHECK(f, client_sees_close(idle) && client_sees_close(half));
    /* Nobody takes the other answer: only the time limit ends it. */
    for (int tries = 0; tries < 1000 && f->closed == 0; tries++)
        usleep(5000);
    CLIENT_CHECK(f, f->closed == 1);
    close(idle);
    close(half);
    close(unread);
}

Test(http, close_with_open_connections)
{
    fixture.metrics_bytes = 32 << 20;
    fixture.limits.drain_ms_max = 100;
    fixture_run(&fixture, close_under_load);
}

static void close_while_reading(struct fixture *f)
{
    struct response r;
    char byte;
    int fd = client_connect(f);
    CLIENT_CHECK(f, client_send(fd, GET("/metrics")));
    CLIENT_CHECK(f, recv(fd, &byte, 1, MSG_PEEK) == 1);
    fixture_close_server(f);
    CLIENT_CHECK(f, client_receive(fd, false, &r));
    CLIENT_CHECK(f, r.body_bytes == f->metrics_bytes && r.body[f->metrics_bytes - 1] == '#');
    CLIENT_CHECK(f, client_sees_close(fd));
    free(r.body);
    close(fd);
}

Test(http, close_lets_an_answer_finish)
{
    fixture.metrics_bytes = 32 << 20;
    fixture.limits.drain_ms_max = 30 * 1000;
    fixture_run(&fixture, close_while_reading);
}

static void do_nothing(struct fixture *f)
{
    (void)f;
}

Test(http, close_without_any_request)
{
    fixture_run(&fixture, do_nothing);
}

static void on_closed(void *user)
{
    ++*(int *)user;
}

Test(http, close_before_the_loop_ran)
{
    struct http_server *server;
    struct http_hooks hooks = {0};
    struct http_options options = {.host = "127.0.0.1"};
    struct err err;
    uv_loop_t loop;
    int closed = 0;
    cr_assert_eq(uv_loop_init(&loop), 0);
    cr_assert_eq(http_server_create(&server, &loop, &options, &hooks, &err), 0);
    http_server_close(server, on_closed, &closed);
    cr_expect_eq(closed, 0, "not from inside the call");
    uv_run(&loop, UV_RUN_DEFAULT);
    cr_expect_eq(closed, 1);
    cr_expect_eq(uv_loop_close(&loop), 0);
}

/* ---- where it cannot listen ---- */

static int try_listen(const char *host, uint16_t port, struct err *err)
{
    struct http_server *server = NULL;
    struct http_hooks hooks = {0};
    uv_loop_t loop;
    cr_assert_eq(uv_loop_init(&loop), 0);
    struct http_options options = {.host = host, .port = port};
    int rc = http_server_create(&server, &loop, &options, &hooks, err);
    if (!rc)
        http_server_close(server, NULL, NULL);
    else
        cr_expect_null(server);
    uv_run(&loop, UV_RUN_DEFAULT);
    cr_expect_eq(uv_loop_close(&loop), 0);
    return rc;
}

static void take_busy_port(struct fixture *f)
{
    char expected[200];
    struct err err = {0};
    snprintf(expected, sizeof expected,
             "http.listen 127.0.0.1:%u: address already in use: another process listens there; "
             "choose another port or 0",
             f->port);
    CLIENT_CHECK(f, try_listen("127.0.0.1", f->port, &err) == ERR_IO);
    CLIENT_CHECK(f, strcmp(err.msg, expected) == 0);
}

Test(http, busy_port_is_named)
{
    fixture_run(&fixture, take_busy_port);
}

Test(http, wrong_addresses)
{
    struct err err = {0};
    cr_expect_eq(try_listen("not an address", 0, &err), ERR_INVALID);
    cr_expect(strstr(err.msg, "http.listen not an address:0: "), "%s", err.msg);
    cr_expect_eq(try_listen("192.0.2.1", 0, &err), ERR_IO);
    cr_expect(strstr(err.msg, "none of this machine's addresses"), "%s", err.msg);
}

Test(http, names_and_ipv6)
{
    struct err err = {0};
    cr_expect_eq(try_listen("localhost", 0, &err), 0, "%s", err.msg);
    int fd = socket(AF_INET6, SOCK_STREAM, 0);
    struct sockaddr_in6 loopback = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    bool have_ipv6 = fd >= 0 && bind(fd, (struct sockaddr *)&loopback, sizeof loopback) == 0;
    close(fd);
    if (have_ipv6) {
        cr_expect_eq(try_listen("[::1]", 0, &err), 0, "%s", err.msg);
        cr_expect_eq(try_listen("::1", 0, &err), 0, "%s", err.msg);
    }
}
