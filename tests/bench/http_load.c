/* http_load.c: asks a server on 127.0.0.1 at a steady rate over many connections, or as fast as it
 * can.
 *
 *   http_load PORT RATE CONNECTIONS SECONDS PATH...
 *
 * RATE 0: each connection asks again as soon as it has its answer. Otherwise request k is due at
 * k / RATE seconds, whether or not the ones before are answered, and its latency counts from then.
 * Prints one line of JSON. */
#define _GNU_SOURCE /* memmem */

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { HEAD_MAX = 4096, LATENCIES_MAX = 1 << 20 };

struct connection {
    int fd;
    bool busy;
    int64_t due_ns;
    char head[HEAD_MAX];
    size_t head_bytes;
    size_t body_left;
    bool in_body, closes;
};

struct load {
    int port, epoll;
    double rate;
    int count;
    struct connection *connections;
    char **paths;
    int path_count;
    uint64_t asked, answered, failed;
    int64_t *latencies_ns;
};

static int64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static bool open_connection(struct load *load, struct connection *c)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)load->port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
    if (c->fd > 0)
        close(c->fd);
    *c = (struct connection){.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    if (connect(c->fd, (struct sockaddr *)&address, sizeof address) != 0)
        return false;
    fcntl(c->fd, F_SETFL, O_NONBLOCK);
    epoll_ctl(load->epoll, EPOLL_CTL_ADD, c->fd, &event);
    return true;
}

static void ask(struct load *load, struct connection *c, int64_t due_ns)
{
    char text[512];
    int n = snprintf(text, sizeof text, "GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n",
                     load->paths[load->asked % (uint64_t)load->path_count]);
    load->asked++;
    c->busy = true;
    c->due_ns = due_ns;
    c->head_bytes = 0;
    c->in_body = c->closes = false;
    if (send(c->fd, text, (size_t)n, MSG_NOSIGNAL) == n)
        return;
    load->failed++;
    if (!open_connection(load, c))
        c->busy = true; /* given up */
}

static void take_head(struct load *load, struct connection *c)
{
    char *end = memmem(c->head, c->head_bytes, "\r\n\r\n", 4);
    if (!end)
        return;
    *end = '\0';
    char *length = strcasestr(c->head, "\r\ncontent-length: ");
    size_t body = length ? strtoul(length + 18, NULL, 10) : 0;
    size_t have = c->head_bytes - (size_t)(end + 4 - c->head);
    load->failed += strncmp(c->head, "HTTP/1.1 200", 12) != 0;
    c->closes = strcasestr(c->head, "\r\nconnection: close") != NULL;
    c->in_body = true;
    c->body_left = body > have ? body - have : 0;
}

/* False when the connection is over. */
static bool take(struct load *load, struct connection *c)
{
    static char drop[1 << 16];
    bool in_body = c->in_body;
    char *to = in_body ? drop : c->head + c->head_bytes;
    size_t room = in_body ? sizeof drop : HEAD_MAX - 1 - c->head_bytes;
    ssize_t got = recv(c->fd, to, room, 0);
    if (got < 0 && errno == EAGAIN)
        return true;
    if (got <= 0)
        return false;
    if (in_body) {
        c->body_left -= (size_t)got < c->body_left ? (size_t)got : c->body_left;
    } else {
        c->head_bytes += (size_t)got;
        c->head[c->head_bytes] = '\0';
        take_head(load, c);
    }
    return true;
}

static void on_readable(struct load *load, struct connection *c)
{
    if (!take(load, c)) {
        load->failed += c->busy;
        open_connection(load, c);
        return;
    }
    if (!c->in_body || c->body_left > 0 || !c->busy)
        return;
    load->latencies_ns[load->answered++ % LATENCIES_MAX] = now_ns() - c->due_ns;
    c->busy = false;
    if (c->closes)
        open_connection(load, c);
}

/* Hands out what is due; returns how long nothing will be, in ms. */
static int ask_due(struct load *load, int64_t began_ns, int *next)
{
    int64_t now = now_ns();
    for (int tries = 0; tries < load->count; tries++, *next = (*next + 1) % load->count) {
        struct connection *c = &load->connections[*next];
        int64_t due =
            load->rate > 0 ? began_ns + (int64_t)((double)load->asked * 1e9 / load->rate) : now;
        if (due > now)
            return (int)((due - now) / 1000000) + 1; /* never 0: that would burn a core */
        if (!c->busy)
            ask(load, c, due);
    }
    return 100;
}

static int compare(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static void report(struct load *load, double seconds)
{
    uint64_t n = load->answered < LATENCIES_MAX ? load->answered : LATENCIES_MAX;
    qsort(load->latencies_ns, n, sizeof(int64_t), compare);
    double p50 = n ? (double)load->latencies_ns[n / 2] / 1e6 : 0;
    double p99 = n ? (double)load->latencies_ns[n * 99 / 100] / 1e6 : 0;
    double most = n ? (double)load->latencies_ns[n - 1] / 1e6 : 0;
    printf("{\"answered\":%llu,\"failed\":%llu,\"perSecond\":%.1f,\"p50Ms\":%.3f,\"p99Ms\":%.3f,"
           "\"maxMs\":%.3f}\n",
           (unsigned long long)load->answered, (unsigned long long)load->failed,
           (double)load->answered / seconds, p50, p99, most);
}

int main(int argc, char **argv)
{
    struct load load = {.epoll = epoll_create1(EPOLL_CLOEXEC)};
    struct epoll_event events[256];
    if (argc < 6) {
        fprintf(stderr, "usage: http_load PORT RATE CONNECTIONS SECONDS PATH...\n");
        return 2;
    }
    load.port = atoi(argv[1]);
    load.rate = atof(argv[2]);
    load.count = atoi(argv[3]);
    double seconds = atof(argv[4]);
    load.paths = argv + 5;
    load.path_count = argc - 5;
    load.connections = calloc((size_t)load.count, sizeof *load.connections);
    load.latencies_ns = calloc(LATENCIES_MAX, sizeof *load.latencies_ns);
    for (int i = 0; i < load.count; i++) {
        if (!open_connection(&load, &load.connections[i])) {
            fprintf(stderr, "http_load: cannot connect to port %d\n", load.port);
            return 1;
        }
    }
    int64_t began_ns = now_ns(), end_ns = began_ns + (int64_t)(seconds * 1e9);
    int next = 0;
    while (now_ns() < end_ns) {
        int wait_ms = ask_due(&load, began_ns, &next);
        int n = epoll_wait(load.epoll, events, 256, wait_ms);
        for (int i = 0; i < n; i++)
            on_readable(&load, events[i].data.ptr);
    }
    report(&load, (double)(now_ns() - began_ns) / 1e9);
    return 0;
}
