/* A call as a transfer of curl's: address, headers, signature, limits, what comes back. */
#include <stdio.h>

#include "base/crc32c.h"
#include "os/clock.h"
#include "store/s3_client_impl.h"

enum {
    /* Smaller bodies are sent at once. Larger ones wait for 100 Continue, shortly: a server that
     * refuses (503, a redirect, credentials) says so before megabytes are sent to it, and its
     * answer is not lost in the reset of a connection it will not read from. */
    EXPECT_BYTES_MIN = 1024 * 1024,
    EXPECT_MS = 500,
    DOCUMENT_BYTES_MAX = 16 * 1024 * 1024,
    GET_DEADLINES = 10,
};

const struct s3_endpoint *s3_call_endpoint(const struct s3_call *call)
{
    return call->bucket ? &call->client->endpoint : call->service;
}

static bool bucket_in_host(const struct s3_call *call)
{
    return call->bucket && s3_bucket_in_host(s3_call_endpoint(call), call->bucket->name,
                                             call->client->options.path_style);
}

const char *s3_call_host(const struct s3_call *call, char out[S3_HOST_SIZE])
{
    const char *host = s3_call_endpoint(call)->host;
    if (call->bucket && call->bucket->host[0])
        host = call->bucket->host;
    if (bucket_in_host(call))
        snprintf(out, S3_HOST_SIZE, "%.*s.%.190s", STR_ARG(call->bucket->name), host);
    else
        snprintf(out, S3_HOST_SIZE, "%s", host);
    return out;
}

static size_t on_header(char *bytes, size_t size, size_t n, void *user)
{
    struct s3_call *call = user;
    s3_answer_header(&call->answer, (struct str){bytes, size * n}, clock_wall_ms());
    return size * n;
}

static size_t on_body(char *bytes, size_t size, size_t n, void *user)
{
    struct s3_call *call = user;
    struct s3_answer *answer = &call->answer;
    long status = 0;
    curl_easy_getinfo(call->transfer.easy, CURLINFO_RESPONSE_CODE, &status);
    bool object = call->object && status < 300; /* not an error's document */
    uint64_t most = object ? call->most : DOCUMENT_BYTES_MAX;
    uint64_t length = answer->content_length > 0 ? (uint64_t)answer->content_length : 0;
    if (length > most || answer->body.n + size * n > most) {
        answer->too_large = object;
        return 0; /* curl ends the transfer */
    }
    if (answer->body.n == 0 && length)
        buf_reserve(&answer->body, (size_t)length); /* the system gives it when it is filled */
    if (call->checksum)
        answer->body_crc32c = crc32c(answer->body_crc32c, (struct str){bytes, size * n});
    buf_append(&answer->body, bytes, size * n);
    return answer->body.failed ? 0 : size * n;
}

/* All of a request but its body. */
struct head {
    struct buf host, path, url, authorization, line;
    char date[SIGV4_DATE_SIZE];
    struct sigv4_field headers[8];
    size_t header_count;
};

static void head_fini(struct head *head)
{
    buf_fini(&head->host);
    buf_fini(&head->path);
    buf_fini(&head->url);
    buf_fini(&head->authorization);
    buf_fini(&head->line);
}

static void add(struct head *head, const char *name, struct str value)
{
    INVARIANT(head->header_count < COUNT_OF(head->headers));
    head->headers[head->header_count++] = (struct sigv4_field){str_of(name), value};
}

static void head_address(struct head *head, struct s3_call *call)
{
    const struct s3_endpoint *endpoint = s3_call_endpoint(call);
    char host[S3_HOST_SIZE];
    s3_host_header(&head->host, endpoint, s3_call_host(call, host));
    buf_append_str(&head->path, str_of(endpoint->path));
    buf_append_char(&head->path, '/');
    if (call->bucket && !bucket_in_host(call)) {
        buf_append_str(&head->path, call->bucket->name);
        buf_append_str(&head->path, call->key.n ? STR("/") : STR(""));
    }
    buf_append_str(&head->path, call->key);
    buf_printf(&head->url, "%s://%s", endpoint->tls ? "https" : "http", buf_cstr(&head->host));
    sigv4_escape(&head->url, buf_str(&head->path), true);
    if (call->query_count)
        buf_append_char(&head->url, '?');
    sigv4_query(&head->url, call->query, call->query_count);
}

static void head_sign(struct head *head, struct s3_call *call)
{
    struct s3_client *client = call->client;
    const struct s3_keys *keys = &client->refresh.keys;
    const char *learned = call->bucket->region;
    sigv4_date(clock_wall_ms() + client->clock_offset_ms, head->date);
    add(head, "host", buf_str(&head->host));
    add(head, "x-amz-content-sha256", str_of(call->payload));
    add(head, "x-amz-date", str_of(head->date));
    if (keys->session_token.n)
        add(head, "x-amz-security-token", buf_str(&keys->session_token));
    if (call->body.n || strcmp(call->method, "PUT") == 0)
        add(head, "content-md5", str_of(call->md5_base64));
    if (call->if_none_match)
        add(head, "if-none-match", STR("*"));
    if (call->checksum)
        add(head, "x-amz-checksum-mode", STR("ENABLED"));
    struct sigv4_key key = {buf_str(&keys->access_key_id), buf_str(&keys->secret_access_key),
                            learned[0] ? str_of(learned) : client->options.region, STR("s3")};
    struct sigv4_request request = {str_of(call->method), buf_str(&head->path), call->query,
                                    head->headers,        call->query_count,    head->header_count,
                                    str_of(call->payload)};
    sigv4_authorization(&head->authorization, &key, &request, head->date);
    add(head, "authorization", buf_str(&head->authorization));
}

static bool append_line(struct curl_slist **list, const char *line)
{
    struct curl_slist *longer = curl_slist_append(*list, line);
    if (!longer)
        return false;
    *list = longer;
    return true;
}

static bool make_lines(struct head *head, struct s3_call *call)
{
    bool expects = call->body.n >= EXPECT_BYTES_MIN;
    bool ok = append_line(&call->headers, expects ? "Expect: 100-continue" : "Expect:");
    if (call->bucket)
        ok = ok && append_line(&call->headers, "Content-Type: application/octet-stream");
    for (size_t i = 0; i < head->header_count && ok; i++) {
        const struct sigv4_field *header = &head->headers[i];
        buf_clear(&head->line);
        buf_printf(&head->line, "%.*s: %.*s", STR_ARG(header->name), STR_ARG(header->value));
        ok = !head->line.failed && append_line(&call->headers, buf_cstr(&head->line));
    }
    return ok && !head->url.failed && !head->path.failed && !head->authorization.failed;
}

static void set_limits(struct s3_call *call, CURL *easy)
{
    const struct s3_options *options = &call->client->options;
    uint64_t now_ms = uv_now(call->client->loop);
    uint64_t most_ms = options->request_ms;
    if (call->object && strcmp(call->method, "GET") == 0)
        most_ms *= GET_DEADLINES; /* its size is not known */
    most_ms += (uint64_t)call->body.n * 1000 / options->bytes_per_second_min;
    if (call->urgent)
        most_ms = options->abort_ms;
    uint64_t connect_ms = call->due_ms > now_ms ? call->due_ms - now_ms : 1;
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)connect_ms);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)(most_ms < 86400000 ? most_ms : 86400000));
    /* What sends and receives little by nature is bounded by its deadline alone. */
    if (call->body.n >= EXPECT_BYTES_MIN || call->object) {
        curl_easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT, (long)options->low_speed_bytes);
        curl_easy_setopt(easy, CURLOPT_LOW_SPEED_TIME, (long)options->low_speed_seconds);
    }
    curl_easy_setopt(easy, CURLOPT_EXPECT_100_TIMEOUT_MS, (long)EXPECT_MS);
}

static void set_method(struct s3_call *call, CURL *easy)
{
    bool sends = strcmp(call->method, "PUT") == 0 || strcmp(call->method, "POST") == 0;
    if (sends) { /* a body in memory: curl can send it again by itself on a stale connection */
        curl_easy_setopt(easy, CURLOPT_POSTFIELDS, call->body.p ? call->body.p : "");
        curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)call->body.n);
        curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, call->method);
        /* Not where the second sending would find what the first one put there. */
        if (call->if_none_match && call->method[1] == 'U')
            curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
    } else if (strcmp(call->method, "HEAD") == 0) {
        curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
    } else if (strcmp(call->method, "GET") != 0) {
        curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, call->method);
    }
}

static bool set_address(struct s3_call *call, CURL *easy, struct head *head, struct str addresses)
{
    char host[S3_HOST_SIZE];
    curl_easy_setopt(easy, CURLOPT_URL, buf_cstr(&head->url));
    if (!addresses.n)
        return true; /* the URL has the address itself */
    buf_clear(&head->line);
    buf_printf(&head->line, "%s:%u:%.*s", s3_call_host(call, host), s3_call_endpoint(call)->port,
               STR_ARG(addresses));
    if (head->line.failed || !append_line(&call->resolve, buf_cstr(&head->line)))
        return false;
    curl_easy_setopt(easy, CURLOPT_RESOLVE, call->resolve);
    return true;
}

static void set_rest(struct s3_call *call, CURL *easy)
{
    const struct s3_options *options = &call->client->options;
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_PROXY, "");
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
    curl_easy_setopt(easy, CURLOPT_HTTP09_ALLOWED, 0L);
    curl_easy_setopt(easy, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    curl_easy_setopt(easy, CURLOPT_USERAGENT, "sluice");
    curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, call->headers);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, call);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, call);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, call->error_text);
    if (options->ca_file.n)
        curl_easy_setopt(easy, CURLOPT_CAINFO, options->ca_file.p);
    if (options->insecure_tls) {
        curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 0L);
        curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 0L);
    }
}

void s3_send_fini(struct s3_call *call)
{
    curl_easy_cleanup(call->transfer.easy);
    curl_slist_free_all(call->headers);
    curl_slist_free_all(call->resolve);
    call->transfer.easy = NULL;
    call->headers = call->resolve = NULL;
}

const char *s3_send(struct s3_call *call, struct str addresses)
{
    struct head head = {0};
    CURL *easy = curl_easy_init();
    s3_answer_clear(&call->answer);
    call->error_text[0] = '\0';
    call->transfer.easy = easy;
    head_address(&head, call);
    if (call->bucket)
        head_sign(&head, call);
    bool ok = make_lines(&head, call) && easy && set_address(call, easy, &head, addresses);
    if (ok) {
        set_method(call, easy);
        set_limits(call, easy);
        set_rest(call, easy);
        ok = curl_loop_add(call->client->curl, &call->transfer);
    }
    head_fini(&head);
    if (!ok)
        s3_send_fini(call);
    return ok ? NULL : "out of memory";
}
