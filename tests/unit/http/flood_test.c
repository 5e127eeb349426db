/* What many clients together can cost: the making of answers, memory, a place to be served. */
#include <criterion/criterion.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fixture.h"
#include "leaks.h"

#define GET(path) "GET " path " HTTP/1.1\r\nHost: localhost\r\n\r\n"

static struct fixture fixture;

static void setup(void)
{
    fixture_init(&fixture);
}

TestSuite(http_flood, .init = setup, .fini = leaks_check, .timeout = 60);

static int status_of(struct fixture *f, int fd, const char *request)
{
    struct response r = {0};
    CLIENT_CHECK(f, client_send(fd, request) && client_receive(fd, false, &r));
    free(r.body);
    return r.status;
}

static int ask_status(struct fixture *f, const char *request)
{
    int fd = client_connect(f), status = status_of(f, fd, request);
    close(fd);
    return status;
}

/* ---- what answers cost ---- */

/* Asks until there was a new answer three times: in between, making takes a twentieth. */
static void ask_often(struct fixture *f)
{
    uint64_t began = uv_hrtime();
    int asked = 0, fd = client_connect(f);
    while (f->statuses < 3 && !f->failure) {
        CLIENT_CHECK(f, status_of(f, fd, GET("/status")) == 200);
        asked++;
    }
    uint64_t pause_ms = f->making_ms ? 20 * f->making_ms : 25;
    CLIENT_CHECK(f, uv_hrtime() - began >= 2 * pause_ms * 1000000);
    CLIENT_CHECK(f, asked > 3);
    close(fd);
}

Test(http_flood, cheap_answers_are_given_again)
{
    fixture_run(&fixture, ask_often);
}

Test(http_flood, dear_answers_are_given_again)
{
    fixture.making_ms = 20;
    fixture.status_bytes = 2 << 20;
    fixture_run(&fixture, ask_often);
}

/* The tag of an answer is that of its body, however often the body changes meanwhile. */
static void ask_for_samples(struct fixture *f)
{
    int changes = 0, fd = client_connect(f);
    unsigned long long last = 0;
    while (changes < 3 && !f->failure) {
        struct response r;
        char etag[64];
        unsigned long long version = 0;
        CLIENT_CHECK(f, client_send(fd, GET("/samples")) && client_receive(fd, false, &r));
        CLIENT_CHECK(f, sscanf(r.body, "{\"version\":%llu}", &version) == 1);
        snprintf(etag, sizeof etag, "ETag: W/\"%llx\"", version);
        CLIENT_CHECK(f, response_has(&r, etag));
        free(r.body);
        changes += version != last;
        last = version;
        f->version++;
    }
    close(fd);
}

Test(http_flood, an_old_answer_has_its_old_tag)
{
    fixture.making_ms = 2;
    fixture_run(&fixture, ask_for_samples);
}

/* ---- memory ---- */

static size_t resident_bytes(void)
{
    long pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    int got = file ? fscanf(file, "%*d %ld", &pages) : 0;
    if (file)
        fclose(file);
    return got == 1 ? (size_t)pages * (size_t)sysconf(_SC_PAGESIZE) : 0;
}

static void take_nothing(struct fixture *f)
{
    enum { CLIENTS = 100 };
    int fds[CLIENTS];
    char byte;
    size_t before = resident_bytes();
    for (int i = 0; i < CLIENTS; i++) {
        fds[i] = client_connect(f);
        CLIENT_CHECK(f, client_send(fds[i], GET("/metrics")));
    }
    for (int i = 0; i < CLIENTS; i++)
        CLIENT_CHECK(f, recv(fds[i], &byte, 1, MSG_PEEK) == 1);
    CLIENT_CHECK(f, ask_status(f, GET("/healthz")) == 200);
    CLIENT_CHECK(f, before && resident_bytes() < before + 20 * f->metrics_bytes);
    for (int i = 0; i < CLIENTS; i++)
        close(fds[i]);
}

Test(http_flood, slow_clients_share_what_they_are_sent)
{
    fixture.metrics_bytes = 4 << 20;
    fixture_run(&fixture, take_nothing);
}

/* The server's end of a connection: this process has both. -1: not there. */
static int other_end(int fd)
{
    struct sockaddr_in own, peer;
    socklen_t size = sizeof own;
    if (getsockname(fd, (struct sockaddr *)&own, &size))
        return -1;
    for (int other = 0; other < 1024; other++) {
        size = sizeof peer;
        if (other != fd && getpeername(other, (struct sockaddr *)&peer, &size) == 0 &&
            peer.sin_family == AF_INET && peer.sin_port == own.sin_port)
            return other;
    }
    return -1;
}

static void look_at_buffer(struct fixture *f)
{
    int bytes = 0, fd = client_connect(f);
    socklen_t size = sizeof bytes;
    CLIENT_CHECK(f, status_of(f, fd, GET("/healthz")) == 200);
    CLIENT_CHECK(f, getsockopt(other_end(fd), SOL_SOCKET, SO_SNDBUF, &bytes, &size) == 0);
    CLIENT_CHECK(f, bytes == 2 * 64 * 1024); /* Linux doubles it for its own needs */
    close(fd);
}

Test(http_flood, the_kernel_takes_little_for_a_client)
{
    fixture_run(&fixture, look_at_buffer);
}

/* ---- a place to be served ---- */

static void keep_busy(struct fixture *f)
{
    enum { BUSY = 8 };
    int fds[BUSY];
    for (int i = 0; i < BUSY; i++)
        fds[i] = client_connect(f);
    for (int i = 0; i < 5 * BUSY; i++)
        CLIENT_CHECK(f, status_of(f, fds[i % BUSY], GET("/status")) == 200);
    CLIENT_CHECK(f, ask_status(f, GET("/readyz")) == 200);
    CLIENT_CHECK(f, client_sees_close(fds[0])); /* whose answer is longest ago */
    for (int i = 1; i < BUSY; i++)
        CLIENT_CHECK(f, status_of(f, fds[i], GET("/status")) == 200);
    for (int i = 0; i < BUSY; i++)
        close(fds[i]);
}

Test(http_flood, busy_connections_make_room)
{
    fixture.limits.connections_served = 8;
    fixture.limits.connections_max = 10;
    fixture_run(&fixture, keep_busy);
}

static void ask_in_vain(struct fixture *f)
{
    static const char *const requests[] = {GET("/status"), GET("/no"),
                                           "PUT /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"};
    int vain = client_connect(f), fd = client_connect(f);
    CLIENT_CHECK(f, status_of(f, vain, GET("/status")) == 401); /* it is accepted */
    CLIENT_CHECK(f, status_of(f, fd, GET("/healthz")) == 200);
    for (int i = 0; i < 300; i++)
        CLIENT_CHECK(f, status_of(f, vain, requests[i % 3]) / 100 == 4);
    CLIENT_CHECK(f, ask_status(f, GET("/healthz")) == 200);
    CLIENT_CHECK(f, client_sees_close(vain));
    CLIENT_CHECK(f, status_of(f, fd, GET("/healthz")) == 200);
    close(vain);
    close(fd);
}

Test(http_flood, who_asks_in_vain_goes_first)
{
    fixture.limits.connections_served = 2;
    fixture.token = "0123456789abcdef";
    fixture_run(&fixture, ask_in_vain);
}

/* Nobody can make room: all are taking answers. */
static void take_all_places(struct fixture *f)
{
    int fds[4];
    char byte;
    struct response r;
    for (int i = 0; i < 2; i++) {
        fds[i] = client_connect(f);
        CLIENT_CHECK(f, client_send(fds[i], GET("/metrics")));
        CLIENT_CHECK(f, recv(fds[i], &byte, 1, MSG_PEEK) == 1);
    }
    for (int i = 0; i < 2; i++) {
        fds[2] = client_connect(f);
        CLIENT_CHECK(f, client_send(fds[2], i ? GET("/readyz") : GET("/healthz")));
        CLIENT_CHECK(f, client_receive(fds[2], false, &r));
        CLIENT_CHECK(f, r.status == (i ? 503 : 200) && response_has(&r, "Connection: close"));
        CLIENT_CHECK(f, response_has(&r, "Retry-After: 1") == (i == 1));
        free(r.body);
        CLIENT_CHECK(f, client_sees_close(fds[2]));
        close(fds[2]);
    }
    /* One that waits makes room there, too; when none does, the next is closed without a word. */
    int waiting = client_connect(f);
    fds[2] = client_connect(f);
    CLIENT_CHECK(f, client_send(fds[2], GET("/metrics")));
    CLIENT_CHECK(f, recv(fds[2], &byte, 1, MSG_PEEK) == 1);
    CLIENT_CHECK(f, client_sees_close(waiting));
    fds[3] = client_connect(f);
    CLIENT_CHECK(f, client_sees_close(fds[3]));
    close(waiting);
    for (int i = 0; i < 4; i++)
        close(fds[i]);
}

Test(http_flood, connections_are_limited)
{
    fixture.metrics_bytes = 32 << 20;
    fixture.limits.connections_served = 2;
    fixture.limits.connections_max = 3;
    fixture_run(&fixture, take_all_places);
}
