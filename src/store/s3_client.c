#include "store/s3_client.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "store/s3_client_impl.h"

int s3_global_init(struct err *err)
{
    signal(SIGPIPE, SIG_IGN);
    CURLcode code = curl_global_init(CURL_GLOBAL_DEFAULT);
    return code == CURLE_OK
               ? 0
               : err_set(err, ERR_IO, "cannot start libcurl: %s", curl_easy_strerror(code));
}

void s3_global_fini(void)
{
    curl_global_cleanup();
}

uv_loop_t *s3_client_loop(const struct s3_client *client)
{
    return client->loop;
}

void s3_client_describe(const struct s3_client *client, char *out, size_t size)
{
    const struct s3_endpoint *endpoint = &client->endpoint;
    struct buf host = {0};
    s3_host_header(&host, endpoint, endpoint->host);
    snprintf(out, size, "%s://%s%s, region %.*s", endpoint->tls ? "https" : "http", buf_cstr(&host),
             endpoint->path, STR_ARG(client->options.region));
    buf_fini(&host);
}

void s3_client_notice(struct s3_client *client, const char *fmt, ...)
{
    char text[500];
    va_list args;
    if (!client->options.notice)
        return;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    client->options.notice(client->options.notice_user, text);
}

static void list_append(struct s3_list *list, struct s3_call *call, bool first)
{
    call->prev = first ? NULL : list->last;
    call->next = first ? list->first : NULL;
    *(call->prev ? &call->prev->next : &list->first) = call;
    *(call->next ? &call->next->prev : &list->last) = call;
}

static void list_remove(struct s3_list *list, struct s3_call *call)
{
    *(call->prev ? &call->prev->next : &list->first) = call->next;
    *(call->next ? &call->next->prev : &list->last) = call->prev;
    call->next = call->prev = NULL;
}

static void activate(struct s3_client *client, struct s3_call *call)
{
    list_append(&client->active, call, false);
    client->active_count++;
    call->state = S3_CALL_WAITING;
    call->asked_ms = uv_now(client->loop);
    uint64_t due_ms = call->asked_ms + client->options.connect_ms;
    if (!call->due_ms || due_ms < call->due_ms)
        call->due_ms = due_ms;
    s3_call_proceed(call);
}

static void pump(struct s3_client *client)
{
    struct s3_call *call;
    while ((call = client->queue.first) && client->active_count < client->options.connections_max) {
        list_remove(&client->queue, call);
        activate(client, call);
    }
    s3_client_set_due(client);
}

void s3_client_enqueue(struct s3_client *client, struct s3_call *call)
{
    call->due_ms = call->urgent ? uv_now(client->loop) + client->options.abort_ms : 0;
    if (!call->bucket) { /* the token service: what is active waits for it */
        activate(client, call);
        s3_client_set_due(client);
        return;
    }
    call->state = S3_CALL_QUEUED;
    list_append(&client->queue, call, call->urgent);
    pump(client);
}

void s3_client_remove(struct s3_client *client, struct s3_call *call)
{
    if (call->state == S3_CALL_QUEUED) {
        list_remove(&client->queue, call);
    } else {
        list_remove(&client->active, call);
        client->active_count--;
    }
}

void s3_client_resume(struct s3_client *client)
{
    for (struct s3_call *call = client->active.first, *next; call; call = next) {
        next = call->next; /* only the call itself leaves the list meanwhile */
        if (call->state == S3_CALL_WAITING)
            s3_call_proceed(call);
    }
    s3_client_set_due(client);
}

static bool waits(const struct s3_call *call)
{
    return call->due_ms && (call->state == S3_CALL_QUEUED || call->state == S3_CALL_WAITING);
}

static void expire(struct s3_list *list, uint64_t now_ms)
{
    for (struct s3_call *call = list->first, *next; call; call = next) {
        char host[S3_HOST_SIZE], text[400];
        next = call->next;
        if (!waits(call) || call->due_ms > now_ms)
            continue;
        snprintf(text, sizeof text, "%s: no %s in time", s3_call_host(call, host),
                 call->state == S3_CALL_QUEUED ? "free connection" : "credentials or address");
        s3_call_end(call, S3_TRANSPORT_NEVER, text);
    }
}

static void on_due(uv_timer_t *timer)
{
    struct s3_client *client = CONTAINER_OF(timer, struct s3_client, due_timer);
    expire(&client->queue, uv_now(client->loop));
    expire(&client->active, uv_now(client->loop));
    pump(client);
}

void s3_client_set_due(struct s3_client *client)
{
    uint64_t first_ms = UINT64_MAX, now_ms = uv_now(client->loop);
    const struct s3_list *lists[] = {&client->queue, &client->active};
    for (size_t i = 0; i < COUNT_OF(lists); i++) {
        for (struct s3_call *call = lists[i]->first; call; call = call->next) {
            if (waits(call) && call->due_ms < first_ms)
                first_ms = call->due_ms;
        }
    }
    if (first_ms == UINT64_MAX)
        uv_timer_stop(&client->due_timer);
    else
        uv_timer_start(&client->due_timer, on_due, first_ms > now_ms ? first_ms - now_ms : 0, 0);
}

static void on_later(uv_timer_t *timer)
{
    struct s3_client *client = CONTAINER_OF(timer, struct s3_client, later_timer);
    struct s3_later *later = client->later_first;
    client->later_first = NULL;
    client->later_end = &client->later_first;
    client->running_later = true; /* callbacks may close the client: not under our feet */
    for (struct s3_later *next; later; later = next) {
        next = later->next;
        later->run(later);
    }
    client->running_later = false;
    pump(client);
    s3_client_finish_if_idle(client);
}

void s3_later(struct s3_client *client, struct s3_later *later)
{
    later->next = NULL;
    *client->later_end = later;
    client->later_end = &later->next;
    uv_timer_start(&client->later_timer, on_later, 0, 0);
}

static struct str keep(struct s3_client *client, struct str s, bool *failed)
{
    struct str copy = arena_str(&client->arena, s);
    *failed |= !copy.p;
    return copy.p ? copy : (struct str){0};
}

static struct str region_of(const struct s3_options *options)
{
    static const char *const names[] = {"AWS_REGION", "AWS_DEFAULT_REGION"};
    struct str region = options->region;
    for (size_t i = 0; !region.n && options->lookup && i < COUNT_OF(names); i++)
        region = str_of(options->lookup(options->lookup_user, names[i]));
    return region.n ? region : STR("us-east-1");
}

static void set_default(uint32_t *value, uint32_t other)
{
    if (!*value)
        *value = other;
}

static int copy_options(struct s3_client *client, const struct s3_options *options, struct err *err)
{
    bool failed = false;
    struct s3_options *own = &client->options;
    *own = *options;
    own->endpoint = own->access_key_id = own->secret_access_key = own->session_token =
        (struct str){0}; /* kept elsewhere */
    own->lookup = NULL;
    own->region = keep(client, region_of(options), &failed);
    if (options->ca_file.n)
        own->ca_file = keep(client, options->ca_file, &failed);
    set_default(&own->connections_max, 8);
    set_default(&own->connect_ms, 10000);
    set_default(&own->request_ms, 60000);
    set_default(&own->bytes_per_second_min, 65536);
    set_default(&own->low_speed_bytes, 1024);
    set_default(&own->low_speed_seconds, 20);
    set_default(&own->abort_ms, 5000);
    if (failed)
        return err_set(err, ERR_NOMEM, "out of memory");
    return s3_endpoint_parse(&client->endpoint, options->endpoint, own->region, err);
}

static void on_names_changed(void *user)
{
    s3_client_resume(user);
}

int s3_client_create(struct s3_client **out, uv_loop_t *loop, const struct s3_options *options,
                     struct err *err)
{
    struct s3_client *client = calloc(1, sizeof *client);
    if (!client)
        return err_set(err, ERR_NOMEM, "out of memory");
    client->loop = loop;
    client->later_end = &client->later_first;
    int code = copy_options(client, options, err);
    if (code)
        goto fail;
    code = s3_source_init(&client->refresh.source, options, client->options.region, err);
    if (code)
        goto fail;
    if (client->refresh.source.kind == S3_SOURCE_FIXED) {
        client->refresh.keys = client->refresh.source.keys; /* moved */
        client->refresh.source.keys = (struct s3_keys){0};
    }
    code = curl_loop_create(&client->curl, loop, client->options.connections_max, err);
    if (code)
        goto fail_source;
    code = s3_dns_create(&client->dns, loop, options->getaddrinfo, on_names_changed, client, err);
    if (code)
        goto fail_curl;
    code = uv_timer_init(loop, &client->later_timer);
    INVARIANT(code == 0); /* it never fails */
    code = uv_timer_init(loop, &client->due_timer);
    INVARIANT(code == 0);
    *out = client;
    return 0;
fail_curl:
    curl_loop_discard(client->curl);
fail_source:
    s3_keys_fini(&client->refresh.keys);
    s3_source_fini(&client->refresh.source);
fail:
    arena_fini(&client->arena);
    free(client);
    return code;
}

static void on_timer_closed(uv_handle_t *handle)
{
    struct s3_client *client = handle->data;
    if (--client->handles)
        return;
    void (*callback)(void *user) = client->callback;
    void *user = client->user;
    s3_source_fini(&client->refresh.source);
    s3_keys_fini(&client->refresh.keys);
    buf_fini(&client->refresh.file);
    buf_fini(&client->refresh.form);
    s3_call_fini(&client->refresh.call);
    arena_fini(&client->arena);
    free(client);
    if (callback)
        callback(user);
}

static void on_curl_closed(void *user)
{
    struct s3_client *client = user;
    client->handles = 2;
    client->later_timer.data = client->due_timer.data = client;
    uv_close((uv_handle_t *)&client->later_timer, on_timer_closed);
    uv_close((uv_handle_t *)&client->due_timer, on_timer_closed);
}

static void on_dns_closed(void *user)
{
    struct s3_client *client = user;
    curl_loop_close(client->curl, on_curl_closed, client);
}

void s3_client_finish_if_idle(struct s3_client *client)
{
    if (!client->closing || client->dismantling || client->running_later || client->later_first ||
        client->active.first || client->queue.first || client->refresh.running)
        return;
    client->dismantling = true;
    s3_dns_close(client->dns, on_dns_closed, client);
}

void s3_client_close(struct s3_client *client, void (*callback)(void *user), void *user)
{
    REQUIRE(!client->closing);
    client->closing = true;
    client->callback = callback;
    client->user = user;
    s3_keys_cancel(client);
    s3_client_finish_if_idle(client);
}
