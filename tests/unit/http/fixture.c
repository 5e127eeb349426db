#define _GNU_SOURCE /* strcasestr */

#include "fixture.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

static void be_busy(const struct fixture *fixture)
{
    uint64_t began = uv_hrtime();
    while (uv_hrtime() - began < fixture->making_ms * 1000000ull)
        ;
}

static void give_status(void *user, struct buf *out)
{
    ((struct fixture *)user)->statuses++;
    be_busy(user);
    out->failed = ((struct fixture *)user)->out_of_memory;
    buf_append_str(out, STR("{\"name\":\"test\"}\n"));
    buf_append_repeat(out, ' ', ((struct fixture *)user)->status_bytes);
}

static void give_metrics(void *user, struct buf *out)
{
    buf_append_repeat(out, '#', ((struct fixture *)user)->metrics_bytes);
}

static void give_samples(void *user, struct buf *out)
{
    be_busy(user);
    buf_printf(out, "{\"version\":%llu}\n", (unsigned long long)((struct fixture *)user)->version);
}

static uint64_t give_version(void *user)
{
    return ((struct fixture *)user)->version;
}

static bool give_reason(const char *reason, struct buf *out)
{
    if (reason)
        buf_append_str(out, str_of(reason));
    return !reason;
}

static bool check_healthy(void *user, struct buf *reason)
{
    return give_reason(((struct fixture *)user)->unhealthy, reason);
}

static bool check_ready(void *user, struct buf *reason)
{
    return give_reason(((struct fixture *)user)->unready, reason);
}

static void count_unauthorized(void *user, const char *client)
{
    struct fixture *fixture = user;
    fixture->unauthorized++;
    fixture->wrong_tokens += client && strcmp(client, "127.0.0.1") == 0;
}

static void on_closed(void *user)
{
    ((struct fixture *)user)->closed++;
}

static void on_wake(uv_async_t *wake)
{
    struct fixture *fixture = wake->data;
    if (fixture->server)
        http_server_close(fixture->server, on_closed, fixture);
    fixture->server = NULL;
    if (!uv_is_closing((uv_handle_t *)wake))
        uv_close((uv_handle_t *)wake, NULL);
}

void fixture_close_server(struct fixture *fixture)
{
    fixture->close_now = true;
    uv_async_send(&fixture->wake);
}

static void run_client(void *arg)
{
    struct fixture *fixture = arg;
    fixture->client(fixture);
    if (!fixture->close_now)
        uv_async_send(&fixture->wake);
}

void fixture_init(struct fixture *fixture)
{
    *fixture =
        (struct fixture){.limits = http_limits_default, .metrics_bytes = 100, .host = "127.0.0.1"};
    signal(SIGPIPE, SIG_IGN);
}

void fixture_run(struct fixture *fixture, void (*client)(struct fixture *fixture))
{
    struct http_hooks hooks = {fixture,      give_status,   give_metrics, give_samples,
                               give_version, check_healthy, check_ready,  count_unauthorized};
    struct http_options options = {.host = fixture->host,
                                   .token = fixture->token,
                                   .certificate = fixture->certificate,
                                   .key = fixture->key,
                                   .limits = &fixture->limits};
    struct err err = {0};
    fixture->client = client;
    cr_assert_eq(uv_loop_init(&fixture->loop), 0);
    cr_assert_eq(http_server_create(&fixture->server, &fixture->loop, &options, &hooks, &err), 0,
                 "%s", err.msg);
    fixture->port = http_server_port(fixture->server);
    cr_assert_neq(fixture->port, 0);
    uv_async_init(&fixture->loop, &fixture->wake, on_wake);
    fixture->wake.data = fixture;
    cr_assert_eq(uv_thread_create(&fixture->thread, run_client, fixture), 0);
    cr_expect_eq(uv_run(&fixture->loop, UV_RUN_DEFAULT), 0);
    uv_thread_join(&fixture->thread);
    cr_expect_eq(fixture->closed, 1);
    cr_expect_eq(uv_loop_close(&fixture->loop), 0);
    cr_expect_null(fixture->failure, "%s", fixture->failure);
}

int client_connect(const struct fixture *fixture)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons(fixture->port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct timeval limit = {.tv_sec = 10};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof address) == 0)
        return fd;
    close(fd);
    return -1;
}

bool client_send_bytes(int fd, const void *bytes, size_t n)
{
    for (size_t done = 0; done < n;) {
        ssize_t sent = send(fd, (const char *)bytes + done, n - done, MSG_NOSIGNAL);
        if (sent <= 0)
            return false;
        done += (size_t)sent;
    }
    return true;
}

bool client_send(int fd, const char *text)
{
    return client_send_bytes(fd, text, strlen(text));
}

bool response_has(const struct response *response, const char *header)
{
    size_t n = strlen(header);
    for (const char *line = strstr(response->head, "\r\n"); line; line = strstr(line, "\r\n")) {
        line += 2;
        if (strncasecmp(line, header, n) == 0 && line[n] == '\r')
            return true;
    }
    return false;
}

static size_t content_length(const struct response *response)
{
    const char *line = strcasestr(response->head, "\r\ncontent-length: ");
    return line ? strtoull(line + sizeof "\r\ncontent-length: " - 1, NULL, 10) : 0;
}

bool client_receive(int fd, bool without_body, struct response *response)
{
    size_t n = 0;
    *response = (struct response){0};
    /* Byte by byte, so that nothing of the next answer is taken. */
    while (n < 4 || memcmp(response->head + n - 4, "\r\n\r\n", 4) != 0) {
        if (n + 1 == sizeof response->head || recv(fd, response->head + n, 1, 0) != 1)
            return false;
        n++;
    }
    if (sscanf(response->head, "HTTP/1.1 %d", &response->status) != 1)
        return false;
    response->body_bytes = without_body ? 0 : content_length(response);
    response->body = calloc(1, response->body_bytes + 1);
    for (size_t done = 0; done < response->body_bytes;) {
        ssize_t got = recv(fd, response->body + done, response->body_bytes - done, 0);
        if (got <= 0)
            return false;
        done += (size_t)got;
    }
    return true;
}

bool client_ask(const struct fixture *fixture, const char *text, struct response *response)
{
    *response = (struct response){0};
    int fd = client_connect(fixture);
    bool ok = fd >= 0 && client_send(fd, text) && client_receive(fd, false, response);
    close(fd);
    return ok;
}

void client_expect(struct fixture *fixture, const char *text, int status, struct response *response)
{
    CLIENT_CHECK(fixture, client_ask(fixture, text, response));
    if (response->status != status)
        fprintf(stderr, "%d instead of %d: %s\n", response->status, status, text);
    CLIENT_CHECK(fixture, response->status == status);
}

bool client_sees_close(int fd)
{
    char drop[4096];
    ssize_t got;
    while ((got = recv(fd, drop, sizeof drop, 0)) > 0)
        ;
    return got == 0 || (errno != EAGAIN && errno != EWOULDBLOCK);
}
