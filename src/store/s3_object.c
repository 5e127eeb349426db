/* Whole objects: put, get, delete, list. */
#include <openssl/evp.h>
#include <stdlib.h>

#include "base/crc32c.h"
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
    bool failed = s3_operation_failed(operation);
    if (failed && request->code == ERR_NOT_FOUND) /* and gone since */
        request->transient = true;
    if (!failed && !str_eq(buf_str(&call->answer.body), request->bytes))
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
    uint32_t crc = crc32c(0, buf_str(&answer->body));
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
    if (!s3_operation_failed(operation)) {
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

static int compare_entries(const void *a, const void *b)
{
    return str_cmp(((const struct store_entry *)a)->key, ((const struct store_entry *)b)->key);
}

static void on_entry(void *user, struct str key, uint64_t bytes)
{
    struct s3_operation *operation = user;
    struct str prefix = operation->store->prefix;
    if (!str_starts_with(key, prefix))
        return;
    struct str name = {key.p + prefix.n, key.n - prefix.n};
    if (store_key_check(name, false, NULL)) /* a folder's marker, or somebody's hidden file */
        return;
    struct store_entry entry = {.key = arena_str(&operation->request->arena, name), .bytes = bytes};
    operation->failed_memory |= !entry.key.p;
    buf_append(&operation->entries, &entry, sizeof entry);
}

static void on_page(struct s3_call *call);

static void send_page(struct s3_operation *operation)
{
    s3_operation_call(operation, "GET", on_page);
    operation->call.key = (struct str){0};
    s3_operation_query(operation, "list-type", STR("2"));
    s3_operation_query(operation, "prefix", buf_str(&operation->key));
    if (operation->request->op == STORE_CHECK)
        s3_operation_query(operation, "max-keys", STR("1"));
    if (operation->token.n)
        s3_operation_query(operation, "continuation-token", buf_str(&operation->token));
    s3_operation_send(operation);
}

static void list_end(struct s3_operation *operation)
{
    struct store_request *request = operation->request;
    size_t count = operation->entries.n / sizeof(struct store_entry);
    struct store_entry *entries = ARENA_ARRAY(&request->arena, struct store_entry, count + 1);
    if (operation->failed_memory || operation->entries.failed || !entries) {
        s3_operation_fail(operation, ERR_NOMEM, false, "out of memory");
    } else if (count) {
        memcpy(entries, operation->entries.p, operation->entries.n);
        qsort(entries, count, sizeof *entries, compare_entries); /* not every server sorts */
        request->entries = entries;
        request->entry_count = (uint32_t)count;
    }
    s3_operation_end(operation);
}

static void on_page(struct s3_call *call)
{
    struct s3_operation *operation = operation_of(call);
    struct err err;
    bool check = operation->request->op == STORE_CHECK;
    if (s3_operation_failed(operation)) {
        s3_operation_end(operation);
        return;
    }
    int code =
        s3_xml_list(buf_str(&call->answer.body), on_entry, operation, &operation->token, &err);
    if (code) {
        s3_operation_fail(operation, ERR_IO, code != ERR_NOMEM && !check, err.msg);
        s3_operation_end(operation);
    } else if (check) {
        s3_operation_end(operation);
    } else if (operation->token.n) {
        send_page(operation);
    } else {
        list_end(operation);
    }
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
        send_page(operation);
        return;
    }
    s3_operation_send(operation);
}
