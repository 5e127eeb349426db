/* Whole objects: put, get, delete. */
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>

#include "store/s3_impl.h"

enum { CRC_BASE64_SIZE = 9 };

static struct s3_operation *operation_of(struct s3_call *call)
{
    return CONTAINER_OF(call, struct s3_operation, call);
}

static void on_done(struct s3_call *call)
{
    struct s3_operation *operation = operation_of(call);
    if (!s3_operation_failed(operation) && operation->request->op == STORE_PUT)
        (void)s3_operation_etag_ok(operation);
    s3_operation_end(operation);
}

/* The key was taken on a later attempt: perhaps by an earlier one. */
static void on_compared(struct s3_call *call)
{
    struct s3_operation *operation = operation_of(call);
    struct store_request *request = operation->request;
    bool larger = call->answer.too_large, failed = !larger && s3_operation_failed(operation);
    if (failed && request->code == ERR_NOT_FOUND) /* and gone since */
        request->transient = true;
    if (larger || (!failed && !str_eq(buf_str(&call->answer.body), request->bytes)))
        s3_operation_fail(operation, ERR_EXISTS, false, "there is such an object");
    s3_operation_end(operation);
}

static void on_put_if_absent(struct s3_call *call)
{
    struct s3_operation *operation = operation_of(call);
    struct store_request *request = operation->request;
    bool failed = s3_operation_failed(operation);
    if (failed && request->code == ERR_EXISTS && request->attempts > 0) {
        request->code = 0;
        s3_operation_call(operation, "GET", on_compared);
        call->object = true;
        call->most = request->bytes.n;
        s3_operation_send(operation);
        return;
    }
    if (!failed)
        (void)s3_operation_etag_ok(operation);
    s3_operation_end(operation);
}

static void start_put(struct s3_operation *operation)
{
    bool absent = operation->request->op == STORE_PUT_IF_ABSENT;
    s3_operation_call(operation, "PUT", absent ? on_put_if_absent : on_done);
    operation->call.body = operation->request->bytes;
    operation->call.if_none_match = absent;
    s3_operation_send(operation);
}

static const char *object_problem(const struct s3_answer *answer)
{
    char base64[CRC_BASE64_SIZE];
    if (answer->content_length < 0 && !answer->chunked)
        return "the server does not say how long the object is";
    if (answer->content_length >= 0 && (uint64_t)answer->content_length != answer->body.n)
        return "the object was cut off";
    if (!answer->crc32c[0])
        return NULL;
    uint32_t crc = answer->body_crc32c;
    unsigned char bytes[4] = {(unsigned char)(crc >> 24), (unsigned char)(crc >> 16),
                              (unsigned char)(crc >> 8), (unsigned char)crc};
    EVP_EncodeBlock((unsigned char *)base64, bytes, sizeof bytes);
    return strcmp(base64, answer->crc32c) == 0 ? NULL
                                               : "the object came damaged: its checksum differs";
}

static void on_got(struct s3_call *call)
{
    struct s3_operation *operation = operation_of(call);
    struct store_request *request = operation->request;
    if (call->answer.too_large) {
        char text[100];
        snprintf(text, sizeof text, "it has more than %llu bytes", (unsigned long long)call->most);
        s3_operation_fail(operation, ERR_NOMEM, false, text);
    } else if (!s3_operation_failed(operation)) {
        const char *problem = object_problem(&call->answer);
        if (problem) {
            s3_operation_fail(operation, ERR_IO, true, problem);
        } else {
            struct buf before = request->data;
            request->data = call->answer.body;
            call->answer.body = before;
        }
    }
    s3_operation_end(operation);
}

void s3_object_start(struct s3_operation *operation)
{
    switch (operation->request->op) {
    case STORE_PUT:
    case STORE_PUT_IF_ABSENT:
        start_put(operation);
        return;
    case STORE_GET:
        s3_operation_call(operation, "GET", on_got);
        operation->call.object = operation->call.checksum = true;
        break;
    case STORE_DELETE:
        s3_operation_call(operation, "DELETE", on_done);
        break;
    default:
        s3_list_start(operation);
        return;
    }
    s3_operation_send(operation);
}
