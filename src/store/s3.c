#include "store/s3.h"

#include <stdio.h>
#include <stdlib.h>

#include "store/s3_impl.h"

static const char *what(enum store_op op)
{
    switch (op) {
    case STORE_CHECK:
        return "use";
    case STORE_PUT:
    case STORE_PUT_IF_ABSENT:
        return "write";
    case STORE_GET:
        return "read";
    case STORE_LIST:
        return "list";
    case STORE_DELETE:
        return "delete";
    case STORE_UPLOAD_BEGIN:
        return "begin the upload of";
    case STORE_LIST_UPLOADS:
        return "list the unfinished uploads of";
    case STORE_UPLOAD_RESUME:
        return "go on with the upload of";
    case STORE_UPLOAD_APPEND:
    case STORE_UPLOAD_SYNC:
    case STORE_UPLOAD_SEAL:
        return "upload a part of";
    case STORE_UPLOAD_PUBLISH:
        return "publish";
    case STORE_UPLOAD_ABORT:
        return "abort the upload of";
    }
    return "use";
}

void s3_operation_fail(struct s3_operation *operation, int code, bool transient, const char *cause)
{
    struct store_request *request = operation->request;
    const struct s3_store *store = operation->store;
    char place[400] = "";
    if (request->op == STORE_CHECK) {
        memcpy(place, " at ", 5);
        s3_client_describe(store->client, place + 4, sizeof place - 4);
    }
    int n = operation->key.n < 600 ? (int)operation->key.n : 600;
    request->transient = transient;
    request->code = err_set(&request->err, code, "cannot %s s3://%.*s/%.*s%s: %s",
                            what(request->op), STR_ARG(store->bucket.name), n,
                            operation->key.p ? operation->key.p : "", place, cause);
}

bool s3_operation_failed(struct s3_operation *operation)
{
    struct store_request *request = operation->request;
    const struct s3_answer *answer = &operation->call.answer;
    struct s3_verdict verdict = s3_classify(request->op, answer);
    char text[1000];
    if (verdict.code == 0)
        return false;
    if (verdict.credentials && answer->transport == S3_TRANSPORT_OK) {
        bool others = s3_keys_refused(operation->store->client);
        if (request->op == STORE_CHECK && others && request->attempts == 0)
            verdict.transient = true; /* they may have been changed since they were read */
    }
    s3_answer_text(answer, text, sizeof text);
    const char *hint = request->op == STORE_CHECK ? s3_answer_hint(answer) : "";
    if (hint[0]) {
        size_t n = strlen(text);
        snprintf(text + n, sizeof text - n, "; %s", hint);
    }
    request->retry_after_ms = answer->retry_after_ms > 0 ? (uint64_t)answer->retry_after_ms : 0;
    s3_operation_fail(operation, verdict.code, verdict.transient, text);
    return true;
}

bool s3_operation_etag_ok(struct s3_operation *operation)
{
    const struct s3_call *call = &operation->call;
    char hex[2 * S3_MD5_BYTES + 1];
    uint32_t parts;
    if (call->answer.encrypted || !s3_etag_plain(call->answer.etag, &parts) || parts)
        return true;
    for (size_t i = 0; i < S3_MD5_BYTES; i++)
        snprintf(hex + 2 * i, 3, "%02x", call->md5[i]);
    if (str_eq_nocase(str_of(hex), str_of(call->answer.etag)))
        return true;
    s3_operation_fail(operation, ERR_IO, true,
                      "the server has other bytes than were sent: its ETag is not their MD5");
    return false;
}

void s3_operation_end(struct s3_operation *operation)
{
    struct store_request *request = operation->request;
    s3_call_fini(&operation->call);
    buf_fini(&operation->key);
    buf_fini(&operation->body);
    buf_fini(&operation->token);
    buf_fini(&operation->id_token);
    buf_fini(&operation->entries);
    free(operation);
    request->operation = NULL;
    store_request_complete(request);
}

static void end_later(struct s3_later *later)
{
    s3_operation_end(CONTAINER_OF(later, struct s3_operation, later));
}

void s3_operation_end_later(struct s3_operation *operation)
{
    operation->later.run = end_later;
    s3_later(operation->store->client, &operation->later);
}

void s3_operation_call(struct s3_operation *operation, const char *method,
                       void (*callback)(struct s3_call *call))
{
    struct s3_call *call = &operation->call;
    call->client = operation->store->client;
    call->bucket = &operation->store->bucket;
    call->method = method;
    call->key = buf_str(&operation->key);
    call->query_count = 0;
    call->body = (struct str){0};
    call->most = operation->store->base.get_bytes_max;
    call->if_none_match = call->checksum = call->object = call->urgent = false;
    call->callback = callback;
}

void s3_operation_query(struct s3_operation *operation, const char *name, struct str value)
{
    struct s3_call *call = &operation->call;
    INVARIANT(call->query_count < S3_CALL_QUERY_MAX);
    call->query[call->query_count++] = (struct sigv4_field){str_of(name), value};
}

void s3_operation_send(struct s3_operation *operation)
{
    struct store_request *request = operation->request;
    bool cancelled = atomic_load(&request->cancelled) && request->op != STORE_UPLOAD_ABORT;
    if (!cancelled && !operation->key.failed && !operation->body.failed) {
        s3_call_start(&operation->call);
        return;
    }
    s3_operation_fail(operation, cancelled ? ERR_CANCELLED : ERR_NOMEM, false,
                      cancelled ? "cancelled" : "out of memory");
    s3_operation_end_later(operation);
}

static void without_memory(uv_work_t *work)
{
    (void)work;
}

static void after_without_memory(uv_work_t *work, int status)
{
    struct store_request *request = CONTAINER_OF(work, struct store_request, work);
    (void)status;
    request->code = err_set(&request->err, ERR_NOMEM, "out of memory");
    request->transient = request->op == STORE_UPLOAD_ABORT;
    store_request_complete(request);
}

static bool is_upload(enum store_op op)
{
    return op >= STORE_UPLOAD_BEGIN;
}

static void s3_start(struct store *base, struct store_request *request)
{
    struct s3_store *store = (struct s3_store *)(void *)base;
    struct s3_operation *operation = calloc(1, sizeof *operation);
    if (!operation) { /* even then not from inside the call */
        int code = uv_queue_work(base->loop, &request->work, without_memory, after_without_memory);
        INVARIANT(code == 0); /* it fails only without a callback */
        return;
    }
    operation->request = request;
    operation->store = store;
    request->operation = operation;
    request->transient = false;
    request->retry_after_ms = 0;
    buf_append_str(&operation->key, store->prefix);
    buf_append_str(&operation->key, request->key);
    bool prefix = request->op == STORE_LIST || request->op == STORE_LIST_UPLOADS ||
                  request->op == STORE_CHECK;
    int code = store_key_check(request->key, prefix, &request->err);
    if (prefix)
        arena_reset(&request->arena); /* of an earlier attempt */
    if (code) {
        request->code = code;
        s3_operation_end_later(operation);
    } else if (is_upload(request->op)) {
        s3_upload_start(operation);
    } else {
        s3_object_start(operation);
    }
}

static void s3_cancel(struct store *store, struct store_request *request)
{
    struct s3_operation *operation = request->operation;
    (void)store;
    /* An abort is the way to leave nothing behind: it always runs. */
    if (operation && request->op != STORE_UPLOAD_ABORT)
        s3_call_cancel(&operation->call);
}

static void s3_free(struct store *base)
{
    free(base);
}

static void s3_close(struct store *base)
{
    store_closed(base, s3_free);
}

static const struct store_ops s3_ops = {s3_start, s3_cancel, s3_upload_free, s3_close};

int store_s3_create(struct store **out, struct s3_client *client, struct str bucket,
                    struct str prefix, struct err *err)
{
    struct buf location = {0};
    struct str seen_bucket, seen_prefix;
    buf_printf(&location, "s3://%.*s/%.*s", STR_ARG(bucket), STR_ARG(prefix));
    bool ok = !location.failed &&
              s3_location_parse(buf_str(&location), &seen_bucket, &seen_prefix) &&
              str_eq(seen_bucket, bucket);
    if (!ok) {
        int code = err_set(err, location.failed ? ERR_NOMEM : ERR_INVALID,
                           "\"%.500s\" is no place in S3: s3://bucket/prefix", buf_cstr(&location));
        buf_fini(&location);
        return code;
    }
    struct s3_store *store = calloc(1, sizeof *store + bucket.n + seen_prefix.n + 1);
    if (!store) {
        buf_fini(&location);
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    char *at = store->strings;
    memcpy(at, bucket.p, bucket.n);
    store->bucket.name = (struct str){at, bucket.n};
    at += bucket.n;
    if (seen_prefix.n) {
        memcpy(at, seen_prefix.p, seen_prefix.n);
        at[seen_prefix.n] = '/';
        store->prefix = (struct str){at, seen_prefix.n + 1};
    }
    buf_fini(&location);
    store_init(&store->base, &s3_ops, s3_client_loop(client));
    store->base.part_bytes_min = S3_PART_BYTES_MIN;
    store->client = client;
    *out = &store->base;
    return 0;
}
