#include "store/s3_call.h"

#include <openssl/evp.h>
#include <stdio.h>

#include "os/clock.h"
#include "store/s3_client_impl.h"

enum {
    INLINE_BYTES_MAX = 32 * 1024, /* hashed on the loop: 0.1 ms */
    REDIRECTS_MAX = 3,
    SKEW_MS_MIN = 1000,
};

void s3_call_fini(struct s3_call *call)
{
    REQUIRE(call->state == S3_CALL_IDLE);
    s3_answer_fini(&call->answer);
}

/* Over https the payload is not hashed for the signature: TLS and Content-MD5 protect it. */
static void hash(struct s3_call *call)
{
    const char *bytes = call->body.p ? call->body.p : "";
    const struct s3_endpoint *endpoint = s3_call_endpoint(call);
    EVP_Digest(bytes, call->body.n, call->md5, NULL, EVP_md5(), NULL);
    EVP_EncodeBlock((unsigned char *)call->md5_base64, call->md5, S3_MD5_BYTES);
    if (endpoint->tls && call->body.n)
        memcpy(call->payload, "UNSIGNED-PAYLOAD", sizeof "UNSIGNED-PAYLOAD");
    else
        sigv4_sha256(call->body, call->payload);
}

static void hash_work(uv_work_t *work)
{
    hash(CONTAINER_OF(work, struct s3_call, work));
}

static void hash_after_work(uv_work_t *work, int status)
{
    struct s3_call *call = CONTAINER_OF(work, struct s3_call, work);
    if (call->cancelled || status)
        s3_call_end(call, S3_TRANSPORT_CANCELLED, "cancelled");
    else
        s3_client_enqueue(call->client, call);
}

void s3_call_start(struct s3_call *call)
{
    REQUIRE(call->state == S3_CALL_IDLE && !call->client->dismantling);
    s3_answer_clear(&call->answer);
    call->cancelled = call->skew_mended = false;
    call->redirects = 0;
    call->state = S3_CALL_HASHING;
    if (call->body.n > INLINE_BYTES_MAX) {
        int code = uv_queue_work(call->client->loop, &call->work, hash_work, hash_after_work);
        INVARIANT(code == 0); /* it fails only without a callback */
    } else {
        hash(call);
        s3_client_enqueue(call->client, call);
    }
}

static void run_ended(struct s3_later *later)
{
    struct s3_call *call = CONTAINER_OF(later, struct s3_call, later);
    call->state = S3_CALL_IDLE;
    call->callback(call);
}

void s3_call_end(struct s3_call *call, enum s3_transport transport, const char *reason)
{
    if (call->state != S3_CALL_HASHING)
        s3_client_remove(call->client, call);
    if (transport != S3_TRANSPORT_OK) {
        call->answer.transport = transport;
        snprintf(call->answer.reason, sizeof call->answer.reason, "%s", reason);
    }
    call->state = S3_CALL_ENDED;
    call->later.run = run_ended;
    s3_later(call->client, &call->later);
}

void s3_call_cancel(struct s3_call *call)
{
    if (call->state == S3_CALL_IDLE || call->state == S3_CALL_ENDED)
        return;
    call->cancelled = true;
    if (call->state == S3_CALL_HASHING) {
        uv_cancel((uv_req_t *)&call->work); /* ends in hash_after_work in any case */
        return;
    }
    if (call->state == S3_CALL_RUNNING) {
        curl_loop_remove(call->client->curl, &call->transfer);
        s3_send_fini(call);
    }
    s3_call_end(call, S3_TRANSPORT_CANCELLED, "cancelled");
}

/* A host of AWS's own names the region; what a bucket's server says overrides it. */
static bool learn_region(struct s3_call *call)
{
    const struct s3_answer *answer = &call->answer;
    struct s3_client *client = call->client;
    const char *region = answer->region[0] ? answer->region : answer->error.region;
    struct str before = str_of(call->bucket->region);
    if (!before.n)
        before = client->options.region;
    if (!s3_region_valid(str_of(region)) || str_is(before, region))
        return false;
    snprintf(call->bucket->region, sizeof call->bucket->region, "%s", region);
    if (client->endpoint.aws) {
        struct s3_endpoint endpoint;
        s3_endpoint_aws(&endpoint, "s3", str_of(region));
        memcpy(call->bucket->host, endpoint.host, sizeof endpoint.host);
    }
    s3_client_notice(client, "bucket %.*s is in region %s, not %.*s: going there",
                     STR_ARG(call->bucket->name), region, STR_ARG(before));
    return true;
}

/* AWS answers 301 with the host to use; the bucket's name may stand before it. Another server may
 * not send its clients elsewhere: data would follow. */
static bool learn_host(struct s3_call *call)
{
    struct str host = str_of(call->answer.error.endpoint), bucket = call->bucket->name;
    if (!call->client->endpoint.aws || !host.n)
        return false;
    if (str_starts_with(host, bucket) && host.n > bucket.n && host.p[bucket.n] == '.')
        host = (struct str){host.p + bucket.n + 1, host.n - bucket.n - 1};
    static const char aws[] = ".amazonaws.com";
    size_t suffix = sizeof aws - 1;
    const char *end = host.p + host.n;
    bool own =
        (host.n > suffix && memcmp(end - suffix, aws, suffix) == 0) ||
        (host.n > suffix + 3 && memcmp(end - suffix - 3, ".amazonaws.com.cn", suffix + 3) == 0);
    if (!own || host.n >= S3_HOST_SIZE || str_is(host, call->bucket->host))
        return false;
    memcpy(call->bucket->host, host.p, host.n);
    call->bucket->host[host.n] = '\0';
    s3_client_notice(call->client, "bucket %.*s is at %s: going there", STR_ARG(bucket),
                     call->bucket->host);
    return true;
}

static bool learn_clock(struct s3_call *call)
{
    struct s3_client *client = call->client;
    if (call->skew_mended || !call->answer.date_ms ||
        strcmp(call->answer.error.code, "RequestTimeTooSkewed") != 0)
        return false;
    int64_t offset_ms = call->answer.date_ms - clock_wall_ms();
    call->skew_mended = true;
    int64_t change_ms = offset_ms - client->clock_offset_ms;
    if (change_ms > -SKEW_MS_MIN && change_ms < SKEW_MS_MIN)
        return false;
    client->clock_offset_ms = offset_ms;
    s3_client_notice(client,
                     "this machine's clock differs from the S3 server's by %.0f s: "
                     "requests are signed with the server's time",
                     (double)offset_ms / -1000.0);
    return true;
}

/* Whether the same request succeeds when it is sent again at once. */
static bool learn(struct s3_call *call)
{
    long status = call->answer.status;
    if (!call->bucket || call->answer.transport != S3_TRANSPORT_OK || status < 300)
        return false;
    if (learn_clock(call))
        return true;
    bool elsewhere = status == 301 || status == 307 || status == 400 ||
                     strcmp(call->answer.error.code, "AuthorizationHeaderMalformed") == 0;
    if (!elsewhere || call->redirects >= REDIRECTS_MAX)
        return false;
    call->redirects++;
    return learn_region(call) || (status != 400 && learn_host(call));
}

static enum s3_transport transport_of(CURL *easy, CURLcode code)
{
    double sent = 0;
    switch (code) {
    case CURLE_OK:
        return S3_TRANSPORT_OK;
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_CONNECT:
    case CURLE_SSL_CONNECT_ERROR:
        return S3_TRANSPORT_NEVER;
    case CURLE_PEER_FAILED_VERIFICATION:
        return S3_TRANSPORT_TLS;
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
        return S3_TRANSPORT_SETUP;
    default:
        curl_easy_getinfo(easy, CURLINFO_PRETRANSFER_TIME, &sent);
        return sent > 0 ? S3_TRANSPORT_UNKNOWN : S3_TRANSPORT_NEVER;
    }
}

static void on_ended(struct curl_transfer *transfer, CURLcode code)
{
    struct s3_call *call = CONTAINER_OF(transfer, struct s3_call, transfer);
    struct s3_answer *answer = &call->answer;
    char host[S3_HOST_SIZE], reason[400] = "";
    enum s3_transport transport = transport_of(transfer->easy, code);
    if (transport != S3_TRANSPORT_OK)
        snprintf(reason, sizeof reason, "%s: %s", s3_call_host(call, host),
                 call->error_text[0] ? call->error_text : curl_easy_strerror(code));
    curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &answer->status);
    s3_send_fini(call);
    if (transport == S3_TRANSPORT_OK)
        s3_answer_end(answer, !call->object);
    if (transport == S3_TRANSPORT_OK && learn(call)) {
        call->state = S3_CALL_WAITING;
        call->asked_ms = uv_now(call->client->loop);
        call->due_ms = call->asked_ms + call->client->options.connect_ms;
        s3_call_proceed(call);
        s3_client_set_due(call->client);
        return;
    }
    s3_call_end(call, transport, reason);
}

void s3_call_proceed(struct s3_call *call)
{
    struct s3_client *client = call->client;
    struct buf addresses = {0};
    struct err err;
    char host[S3_HOST_SIZE];
    enum s3_keys_state keys = call->bucket ? s3_keys_get(client, call->asked_ms) : S3_KEYS_KNOWN;
    if (keys == S3_KEYS_RUNNING)
        return;
    if (keys == S3_KEYS_FAILED) {
        s3_call_end(call, client->refresh.transient ? S3_TRANSPORT_NEVER : S3_TRANSPORT_SETUP,
                    client->refresh.err.msg);
        return;
    }
    s3_call_host(call, host);
    if (!s3_host_is_address(host)) {
        enum s3_dns_state state = s3_dns_get(client->dns, host, call->asked_ms, &addresses, &err);
        if (state == S3_DNS_FAILED)
            s3_call_end(call, S3_TRANSPORT_NEVER, err.msg);
        if (state != S3_DNS_KNOWN) {
            buf_fini(&addresses);
            return;
        }
    }
    call->transfer.ended = on_ended;
    const char *problem = s3_send(call, buf_str(&addresses));
    buf_fini(&addresses);
    if (problem)
        s3_call_end(call, S3_TRANSPORT_NEVER, problem);
    else
        call->state = S3_CALL_RUNNING;
}
