/* fixture.h: a server on a free port whose client runs in a thread on plain sockets. */
#pragma once

#include <criterion/criterion.h>
#include <stdatomic.h>
#include <uv.h>

#include "http/server.h"

struct fixture {
    /* Set before fixture_run, if at all. */
    struct http_limits limits;
    const char *unhealthy, *unready; /* reasons; NULL: well */
    size_t metrics_bytes;            /* how much /metrics gives */
    size_t status_bytes;             /* white space that /status gives besides */
    unsigned making_ms;              /* how long /status and /samples take to make */
    bool out_of_memory;              /* the hooks fail */
    const char *host, *token, *certificate, *key;
    /* For the client. */
    uint16_t port;
    atomic_bool close_now; /* the server is to be closed while the client is still there */
    atomic_ullong version; /* of /samples */
    atomic_int statuses;   /* how often /status was made */
    atomic_int unauthorized, wrong_tokens;
    const char *failure; /* what a CLIENT_CHECK found */
    /* Inside. */
    uv_loop_t loop;
    struct http_server *server;
    uv_async_t wake;
    uv_thread_t thread;
    void (*client)(struct fixture *fixture);
    atomic_int closed; /* calls of the close callback */
};

/* In the client's thread, where Criterion's assertions are of no use. */
#define CLIENT_TEXT(x) #x
#define CLIENT_LINE(x) CLIENT_TEXT(x)
#define CLIENT_CHECK(fixture, cond)                                                                \
    do {                                                                                           \
        if (!(cond) && !(fixture)->failure)                                                        \
            (fixture)->failure = __FILE__ ":" CLIENT_LINE(__LINE__) ": " #cond;                    \
    } while (0)

void fixture_init(struct fixture *fixture);
/* Runs the server until the client has returned (or asked to close), closes it and checks that the
 * loop can be closed and the client found no failure. */
void fixture_run(struct fixture *fixture, void (*client)(struct fixture *fixture));
/* From the client: closes the server now. */
void fixture_close_server(struct fixture *fixture);

struct response {
    int status;
    char head[4096]; /* status line and headers */
    char *body;
    size_t body_bytes;
};

/* A connected socket with a time limit of 10 s on every operation; -1 on failure. */
int client_connect(const struct fixture *fixture);
bool client_send(int fd, const char *text);
bool client_send_bytes(int fd, const void *bytes, size_t n);
/* One answer by its Content-Length; without_body for HEAD. The last body must be freed. */
bool client_receive(int fd, bool without_body, struct response *response);
/* Sends text on a new connection and receives one answer. */
bool client_ask(const struct fixture *fixture, const char *text, struct response *response);
/* The same, and the answer has this status. */
void client_expect(struct fixture *fixture, const char *text, int status,
                   struct response *response);
/* Whether the other side closes (or resets) within the time limit; what comes before is dropped. */
bool client_sees_close(int fd);
/* Whether a header line like "Allow: GET, HEAD" is there; names without case. */
bool response_has(const struct response *response, const char *header);
