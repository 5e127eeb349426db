#include "http/server.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "http/route.h"
#include "http/tls.h"

enum {
    REQUEST_BODY_BYTES_MAX = 1024,
    INPUT_BYTES_MAX = 64 * 1024, /* requests waiting on one connection, looked at by the sweep */
    DRAIN_SWEEP_MS = 10,
    BACKLOG = 128,
    /* Of a connection, in the kernel. Left to itself it grows to megabytes for a client that does
     * not read, which is copied within one turn of the loop and counts as nobody's memory. */
    SEND_BUFFER_BYTES = 64 * 1024
};

const struct http_limits http_limits_default = {
    .connections_served = 256,
    .connections_max = 288,
    .requests_max = 10000,
    .request_ms_max = 20 * 1000, /* longer than Prometheus' usual 15 s between scrapes */
    .answer_ms_max = 10 * 1000,
    .sweep_ms = 1000,
    .drain_ms_max = 500,
};

struct connection {
    uv_tcp_t tcp;
    h2o_socket_t *sock; /* h2o owns it; dead once tcp is closing */
    struct http_server *server;
    struct connection *previous, *next;
    struct http_peer peer;
    bool cut;                 /* made room for another: closes soon */
    uint64_t stalled_ms;      /* loop time since which an answer waits for the client; 0: none */
    uint64_t stalled_answers; /* peer.answers at that time */
};

struct http_server {
    uv_loop_t *loop;
    struct http_limits limits;
    uv_tcp_t listener;
    uv_timer_t sweep;
    h2o_globalconf_t config;
    h2o_context_t context;
    h2o_accept_ctx_t accept;
    struct route_handler *routes; /* of config */
    struct connection *connections;
    uint32_t connection_count;
    uint64_t uses; /* struct http_peer */
    uint16_t port;
    bool accept_again; /* no memory for a connection: it waits in the backlog */
    /* Closing: listener and connections → sweep timer → h2o's handles → free. */
    bool closing, listener_closed, sweep_closing;
    uint64_t drain_until_ms; /* loop time */
    uint32_t rounds_left;    /* turns of the loop that h2o's handles still need */
    void (*closed)(void *user);
    void *closed_user;
};

/* ---- the socket ---- */

static int bind_error(struct err *err, const char *host, uint16_t port, int error)
{
    const char *advice = "";
    if (error == EADDRINUSE)
        return err_set(err, ERR_IO,
                       "http.listen %s:%u: address already in use: another process listens there; "
                       "choose another port or 0",
                       host, port);
    if (error == EACCES)
        advice = ": choose a port from 1024 on";
    else if (error == EADDRNOTAVAIL)
        advice = ": it is none of this machine's addresses";
    return err_set(err, ERR_IO, "http.listen %s:%u: %s%s", host, port, strerror(error), advice);
}

static int listen_at(const struct addrinfo *address, int *error)
{
    int fd = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) {
        *error = errno;
        return -1;
    }
    int on = 1;
    int send_bytes = SEND_BUFFER_BYTES;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &send_bytes,
               sizeof send_bytes); /* accepted ones have it too */
    if (bind(fd, address->ai_addr, address->ai_addrlen) == 0 && listen(fd, BACKLOG) == 0)
        return fd;
    *error = errno;
    close(fd);
    return -1;
}

/* A listening socket. Opened before any handle exists, so that a busy port leaves nothing to close
 * on the loop. */
static int open_socket(int *fd, const char *host, uint16_t port, struct err *err)
{
    char service[8], name[256];
    snprintf(service, sizeof service, "%u", port);
    size_t n = strlen(host);
    bool bracketed = n >= 2 && host[0] == '[' && host[n - 1] == ']';
    snprintf(name, sizeof name, "%.*s", (int)(bracketed ? n - 2 : n), host + bracketed);
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE};
    struct addrinfo *addresses = NULL;
    int rc = getaddrinfo(name, service, &hints, &addresses);
    if (rc)
        return err_set(err, ERR_INVALID, "http.listen %s:%u: %s", host, port, gai_strerror(rc));
    int error = 0;
    *fd = -1;
    for (const struct addrinfo *a = addresses; a && *fd < 0 && error != EADDRINUSE; a = a->ai_next)
        *fd = listen_at(a, &error);
    freeaddrinfo(addresses);
    return *fd >= 0 ? 0 : bind_error(err, host, port, error);
}

/* The port, and whether only this machine can reach it; 0: not known. */
static uint16_t socket_port(int fd, bool *loopback)
{
    struct sockaddr_storage address;
    socklen_t size = sizeof address;
    *loopback = false;
    if (getsockname(fd, (struct sockaddr *)&address, &size))
        return 0;
    if (address.ss_family == AF_INET6) {
        const struct sockaddr_in6 *ipv6 = (struct sockaddr_in6 *)&address;
        *loopback = IN6_IS_ADDR_LOOPBACK(&ipv6->sin6_addr);
        return ntohs(ipv6->sin6_port);
    }
    const struct sockaddr_in *ipv4 = (struct sockaddr_in *)&address;
    *loopback = ntohl(ipv4->sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
    return ntohs(ipv4->sin_port);
}

/* ---- connections ---- */

static void continue_close(struct http_server *server);

static void on_connection_closed(uv_handle_t *handle)
{
    struct connection *connection = CONTAINER_OF(handle, struct connection, tcp);
    struct http_server *server = connection->server;
    if (connection->previous)
        connection->previous->next = connection->next;
    else
        server->connections = connection->next;
    if (connection->next)
        connection->next->previous = connection->previous;
    server->connection_count--;
    free(connection);
    if (server->closing)
        continue_close(server);
}

/* Ends a connection from outside: h2o, which owns it, sees an end of file or a failed write and
 * closes it. */
static void cut_connection(struct connection *connection)
{
    uv_os_fd_t fd;
    if (uv_fileno((uv_handle_t *)&connection->tcp, &fd) == 0)
        shutdown(fd, SHUT_RDWR);
}

/* Many connections must not keep a probe out, however often they ask: the one whose last answer is
 * longest ago makes room. The newest is the last to go, so it has its answer before that. */
static bool make_room(struct http_server *server)
{
    struct connection *oldest = NULL;
    for (struct connection *c = server->connections; c; c = c->next) {
        if (!c->sock || c->cut || uv_is_closing((uv_handle_t *)&c->tcp) ||
            h2o_socket_is_writing(c->sock))
            continue;
        if (!oldest || c->peer.used < oldest->peer.used)
            oldest = c;
    }
    if (!oldest)
        return false;
    oldest->cut = true;
    cut_connection(oldest);
    return true;
}

static void accept_connection(struct http_server *server)
{
    struct connection *connection = calloc(1, sizeof *connection);
    server->accept_again = !connection;
    if (!connection)
        return;
    connection->server = server;
    connection->peer.used = ++server->uses;
    connection->peer.uses = &server->uses;
    connection->peer.requests_max = server->limits.requests_max;
    connection->next = server->connections;
    if (connection->next)
        connection->next->previous = connection;
    server->connections = connection;
    server->connection_count++;
    uint32_t count = server->connection_count;
    bool room = count <= server->limits.connections_served || make_room(server);
    uv_tcp_init(server->loop, &connection->tcp); /* cannot fail without a socket */
    if (uv_accept((uv_stream_t *)&server->listener, (uv_stream_t *)&connection->tcp) ||
        (!room && count > server->limits.connections_max)) {
        uv_close((uv_handle_t *)&connection->tcp, on_connection_closed);
        return;
    }
    uv_tcp_nodelay(&connection->tcp, 1);
    connection->peer.refused = !room;
    connection->sock = h2o_uv_socket_create((uv_stream_t *)&connection->tcp, on_connection_closed);
    connection->sock->on_close.data = &connection->peer;
    h2o_accept(&server->accept, connection->sock);
}

static void on_connection(uv_stream_t *listener, int status)
{
    if (status == 0)
        accept_connection(CONTAINER_OF(listener, struct http_server, listener));
}

/* Whether the client has not taken its answer for too long. */
static bool connection_stalled(struct connection *connection, uint64_t now_ms)
{
    if (!h2o_socket_is_writing(connection->sock)) {
        connection->stalled_ms = 0;
        return false;
    }
    if (!connection->stalled_ms || connection->stalled_answers != connection->peer.answers) {
        connection->stalled_ms = now_ms;
        connection->stalled_answers = connection->peer.answers;
    }
    return now_ms - connection->stalled_ms >= connection->server->limits.answer_ms_max;
}

static void on_sweep(uv_timer_t *timer)
{
    struct http_server *server = CONTAINER_OF(timer, struct http_server, sweep);
    uint64_t now_ms = uv_now(server->loop);
    for (struct connection *c = server->connections; c; c = c->next) {
        if (uv_is_closing((uv_handle_t *)&c->tcp))
            continue;
        bool cut = connection_stalled(c, now_ms) || c->sock->input->size > INPUT_BYTES_MAX;
        if (server->closing)
            cut = !h2o_socket_is_writing(c->sock) || now_ms >= server->drain_until_ms;
        if (cut)
            cut_connection(c);
    }
    http_route_sweep(server->routes);
    if (server->accept_again && !server->closing)
        accept_connection(server);
}

/* ---- start ---- */

static int configure(struct http_server *server, const struct http_options *options,
                     const struct http_hooks *hooks, bool loopback)
{
    struct http_route_options route = {
        .hooks = hooks, .token = options->token, .own_hosts_only = loopback && !options->token};
    h2o_config_init(&server->config);
    server->config.server_name = h2o_iovec_init(H2O_STRLIT("sluice"));
    server->config.http1.upgrade_to_http2 = 0;
    server->config.http1.req_timeout = server->limits.request_ms_max;
    server->config.max_request_entity_size = REQUEST_BODY_BYTES_MAX;
    h2o_hostconf_t *host =
        h2o_config_register_host(&server->config, h2o_iovec_init(H2O_STRLIT("default")), 65535);
    h2o_pathconf_t *path = h2o_config_register_path(host, "/", 0);
    int code = http_route_register(&server->routes, path, &route);
    path->error_log.emit_request_errors = 0;
    h2o_context_init(&server->context, server->loop, &server->config);
    server->accept.ctx = &server->context;
    server->accept.hosts = server->config.hosts;
    return code;
}

/* The server's memory, and what may fail before there is a handle on the loop. */
static int make_server(struct http_server **out, const struct http_options *options,
                       struct err *err)
{
    struct http_server *server = calloc(1, sizeof *server);
    *out = server;
    if (!server)
        return err_set(err, ERR_NOMEM, "http: out of memory");
    server->limits = options->limits ? *options->limits : http_limits_default;
    if (!options->certificate)
        return 0;
    int code = http_tls_create(&server->accept.ssl_ctx, options->certificate, options->key, err);
    if (code)
        free(server);
    return code;
}

int http_server_create(struct http_server **out, uv_loop_t *loop,
                       const struct http_options *options, const struct http_hooks *hooks,
                       struct err *err)
{
    const char *host = options->host;
    uint16_t port = options->port;
    struct http_server *server;
    int fd;
    *out = NULL;
    int rc = open_socket(&fd, host, port, err);
    if (rc)
        return rc;
    rc = make_server(&server, options, err);
    if (rc) {
        close(fd);
        return rc;
    }
    server->loop = loop;
    bool loopback;
    server->port = socket_port(fd, &loopback);
    int configured = configure(server, options, hooks, loopback);
    uv_timer_init(loop, &server->sweep);
    uv_timer_start(&server->sweep, on_sweep, server->limits.sweep_ms, server->limits.sweep_ms);
    uv_tcp_init(loop, &server->listener);
    rc = uv_tcp_open(&server->listener, fd);
    if (rc)
        close(fd);
    else
        rc = uv_listen((uv_stream_t *)&server->listener, BACKLOG, on_connection);
    if (rc || configured) {
        http_server_close(server, NULL, NULL);
        return configured
                   ? err_set(err, ERR_NOMEM, "http: out of memory")
                   : err_set(err, ERR_IO, "http.listen %s:%u: %s", host, port, uv_strerror(rc));
    }
    *out = server;
    return 0;
}

uint16_t http_server_port(const struct http_server *server)
{
    return server->port;
}

/* ---- end ---- */

static void on_round(uv_handle_t *handle)
{
    struct http_server *server = CONTAINER_OF(handle, struct http_server, sweep);
    if (--server->rounds_left > 0) {
        uv_timer_init(server->loop, &server->sweep);
        uv_close((uv_handle_t *)&server->sweep, on_round);
        return;
    }
    void (*closed)(void *user) = server->closed;
    void *user = server->closed_user;
    h2o_config_dispose(&server->config);
    http_tls_destroy(server->accept.ssl_ctx);
    free(server);
    if (closed)
        closed(user);
}

/* h2o_context_dispose closes its handles and then turns context.loop once, which libuv does not
 * allow inside a callback: give it an empty loop to turn. The handles know their own loop. */
static void dispose_context(struct http_server *server)
{
    uv_loop_t empty;
    bool have_empty = uv_loop_init(&empty) == 0;
    if (have_empty)
        server->context.loop = &empty;
    h2o_context_dispose(&server->context);
    if (have_empty) {
        int rc = uv_loop_close(&empty);
        INVARIANT(rc == 0);
    }
}

static void on_sweep_closed(uv_handle_t *handle)
{
    struct http_server *server = CONTAINER_OF(handle, struct http_server, sweep);
    dispose_context(server);
    /* libuv calls the close callbacks of one turn newest first; by the end of the second turn all
     * of h2o's have run, which live inside `context`. */
    server->rounds_left = 2;
    uv_timer_init(server->loop, &server->sweep);
    uv_close((uv_handle_t *)&server->sweep, on_round);
}

static void continue_close(struct http_server *server)
{
    if (!server->listener_closed || server->connection_count > 0 || server->sweep_closing)
        return;
    server->sweep_closing = true;
    uv_close((uv_handle_t *)&server->sweep, on_sweep_closed);
}

static void on_listener_closed(uv_handle_t *handle)
{
    struct http_server *server = CONTAINER_OF(handle, struct http_server, listener);
    server->listener_closed = true;
    continue_close(server);
}

void http_server_close(struct http_server *server, void (*closed)(void *user), void *user)
{
    REQUIRE(!server->closing);
    server->closing = true;
    server->closed = closed;
    server->closed_user = user;
    server->context.shutdown_requested = 1; /* answers from here on say "Connection: close" */
    server->drain_until_ms = uv_now(server->loop) + server->limits.drain_ms_max;
    uv_close((uv_handle_t *)&server->listener, on_listener_closed);
    uv_timer_start(&server->sweep, on_sweep, 0, DRAIN_SWEEP_MS);
}
