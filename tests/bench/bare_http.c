/* bare_http.c: h2o with nothing behind it, on a libuv loop as in src/http: /status and /metrics
 * answer so many bytes. What an HTTP client costs a machine where the stream is not the server.
 *
 *   bare_http BYTES        prints its port, runs until it is ended */
#include <h2o.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

struct server {
    uv_loop_t loop;
    uv_tcp_t listener;
    h2o_globalconf_t config;
    h2o_context_t context;
    h2o_accept_ctx_t accept;
};

struct handler {
    h2o_handler_t super;
    h2o_iovec_t body;
};

static int on_request(h2o_handler_t *self, h2o_req_t *req)
{
    static h2o_generator_t generator = {NULL, NULL};
    struct handler *handler = (struct handler *)self;
    req->res.status = 200;
    req->res.reason = "OK";
    req->res.content_length = handler->body.len;
    h2o_add_header_by_str(&req->pool, &req->res.headers, H2O_STRLIT("content-type"), 0, NULL,
                          H2O_STRLIT("text/plain"));
    h2o_start_response(req, &generator);
    h2o_iovec_t body = h2o_strdup(&req->pool, handler->body.base, handler->body.len);
    h2o_send(req, &body, 1, H2O_SEND_STATE_FINAL);
    return 0;
}

static void on_closed(uv_handle_t *handle)
{
    free(handle);
}

static void on_connection(uv_stream_t *listener, int status)
{
    struct server *server = listener->data;
    uv_tcp_t *tcp = status == 0 ? malloc(sizeof *tcp) : NULL;
    if (!tcp)
        return;
    uv_tcp_init(&server->loop, tcp);
    if (uv_accept(listener, (uv_stream_t *)tcp) != 0) {
        uv_close((uv_handle_t *)tcp, on_closed);
        return;
    }
    uv_tcp_nodelay(tcp, 1);
    h2o_accept(&server->accept, h2o_uv_socket_create((uv_stream_t *)tcp, on_closed));
}

int main(int argc, char **argv)
{
    static struct server server;
    struct sockaddr_in address;
    int size = sizeof address;
    if (argc != 2) {
        fprintf(stderr, "usage: bare_http BYTES\n");
        return 2;
    }
    signal(SIGPIPE, SIG_IGN);
    uv_loop_init(&server.loop);
    h2o_config_init(&server.config);
    h2o_hostconf_t *host =
        h2o_config_register_host(&server.config, h2o_iovec_init(H2O_STRLIT("default")), 65535);
    h2o_pathconf_t *path = h2o_config_register_path(host, "/", 0);
    struct handler *handler = (struct handler *)h2o_create_handler(path, sizeof *handler);
    handler->super.on_req = on_request;
    handler->body.len = strtoul(argv[1], NULL, 10);
    handler->body.base = malloc(handler->body.len + 1);
    memset(handler->body.base, 'x', handler->body.len);
    h2o_context_init(&server.context, &server.loop, &server.config);
    server.accept.ctx = &server.context;
    server.accept.hosts = server.config.hosts;
    uv_tcp_init(&server.loop, &server.listener);
    server.listener.data = &server;
    uv_ip4_addr("127.0.0.1", 0, &address);
    if (uv_tcp_bind(&server.listener, (struct sockaddr *)&address, 0) != 0 ||
        uv_listen((uv_stream_t *)&server.listener, 128, on_connection) != 0)
        return 1;
    uv_tcp_getsockname(&server.listener, (struct sockaddr *)&address, &size);
    printf("%d\n", ntohs(address.sin_port));
    fflush(stdout);
    return uv_run(&server.loop, UV_RUN_DEFAULT);
}
