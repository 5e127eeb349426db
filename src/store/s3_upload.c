/* An object on its way: CreateMultipartUpload, UploadPart, CompleteMultipartUpload. */
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>

#include "store/s3_impl.h"

#define GONE "the unfinished upload is gone (expired by a lifecycle rule of the bucket, or removed)"

/* Of white space behind the document of a completion, which is part of it in XML. MinIO (up to the
 * last of 2026) removes what it knows of the parts before it makes the object, and goes no further
 * when it sees that the client is gone: after a kill there, both would be lost. Go's HTTP server
 * looks for that once a body is read to its end, and an XML reader stops at the end of the
 * document: so much more does not fit into their buffers (4 KiB each). */
enum { COMPLETION_SPACE = 16 << 10 };

static struct s3_operation *operation_of(struct s3_call *call)
{
    return CONTAINER_OF(call, struct s3_operation, call);
}

static struct s3_upload *upload_of(const struct s3_operation *operation)
{
    return (struct s3_upload *)(void *)operation->request->upload;
}

void s3_upload_free(struct store_upload *upload)
{
    struct s3_upload *own = (struct s3_upload *)(void *)upload;
    store_upload_fini(upload);
    buf_fini(&own->tags);
    free(own->parts);
    free(own);
}

static struct s3_upload *upload_new(struct s3_operation *operation, struct str id)
{
    struct str key = operation->request->key;
    struct s3_upload *upload = calloc(1, sizeof *upload + key.n + id.n);
    if (!upload) {
        s3_operation_fail(operation, ERR_NOMEM, false, "out of memory");
        return NULL;
    }
    memcpy(upload->strings, key.p, key.n);
    memcpy(upload->strings + key.n, id.p, id.n);
    upload->next_number = 1;
    upload->base.key = (struct str){upload->strings, key.n};
    upload->base.id = (struct str){upload->strings + key.n, id.n};
    store_upload_init(&upload->base, &operation->store->base);
    operation->request->upload = &upload->base;
    return upload;
}

static void on_begun(struct s3_call *call)
{
    struct s3_operation *operation = operation_of(call);
    struct buf id = {0};
    if (s3_operation_failed(operation)) {
        s3_operation_end(operation);
        return;
    }
    if (!s3_xml_value(buf_str(&call->answer.body), "InitiateMultipartUploadResult", "UploadId",
                      &id) ||
        id.n == 0)
        s3_operation_fail(operation, ERR_IO, true, "the server gave no upload id");
    else
        (void)upload_new(operation, buf_str(&id));
    buf_fini(&id);
    s3_operation_end(operation);
}

static void add_part(struct s3_upload *upload, uint64_t bytes, const char *etag)
{
    struct s3_part *part = &upload->parts[upload->count];
    uint32_t expected = upload->count ? part[-1].number + 1 : 1;
    part->number = upload->next_number++;
    snprintf(part->etag, S3_ETAG_SIZE, "%s", etag);
    upload->count++;
    if (part->number != expected)
        buf_printf(&upload->tags, "%s@%u", upload->tags.n ? " " : "", part->number);
    s3_tags_append(&upload->tags, bytes, etag);
    upload->base.tags = buf_str(&upload->tags);
    upload->base.bytes += bytes;
    upload->short_part = bytes < S3_PART_BYTES_MIN;
}

static void on_part(struct s3_call *call)
{
    struct s3_operation *operation = operation_of(call);
    struct s3_upload *upload = upload_of(operation);
    const char *etag = call->answer.etag;
    bool failed = s3_operation_failed(operation);
    if (failed && strcmp(call->answer.error.code, "NoSuchUpload") == 0)
        s3_operation_fail(operation, ERR_NOT_FOUND, false, GONE);
    if (failed || !s3_operation_etag_ok(operation)) {
        s3_operation_end(operation);
        return;
    }
    if (!etag[0] || strlen(etag) >= S3_ETAG_SIZE) {
        s3_operation_fail(operation, ERR_IO, true, "the server gave no ETag");
    } else {
        add_part(upload, call->body.n, etag);
        upload->sealed = operation->request->op == STORE_UPLOAD_SEAL;
    }
    s3_operation_end(operation);
}

static bool reserve_part(struct s3_upload *upload)
{
    if (!buf_reserve(&upload->tags, S3_TAG_SIZE)) {
        upload->tags.failed = false; /* what it holds is good */
        return false;
    }
    if (upload->count < upload->capacity)
        return true;
    uint32_t capacity = upload->capacity ? upload->capacity * 2 : 8;
    struct s3_part *parts = realloc(upload->parts, capacity * sizeof *parts);
    if (!parts)
        return false;
    upload->parts = parts;
    upload->capacity = capacity;
    return true;
}

static void refuse(struct s3_operation *operation, int code, const char *cause)
{
    s3_operation_fail(operation, code, false, cause);
    s3_operation_end_later(operation);
}

/* What the earlier process had: nothing is asked of the server, which knows no more. */
static int take_tags(struct s3_operation *operation, struct s3_upload *upload)
{
    const struct store_request *request = operation->request;
    struct str tags = request->tags;
    char etag[S3_ETAG_SIZE];
    uint64_t bytes;
    while (tags.n) {
        if (!s3_tags_take_number(&tags, &upload->next_number) ||
            !s3_tags_take(&tags, &bytes, etag) || upload->count >= S3_PARTS_MAX)
            return ERR_CORRUPT;
        if (!reserve_part(upload))
            return ERR_NOMEM;
        add_part(upload, bytes, etag);
    }
    return upload->base.bytes == request->upload_bytes ? 0 : ERR_CORRUPT;
}

static void start_resume(struct s3_operation *operation)
{
    struct store_request *request = operation->request;
    struct s3_upload *upload = request->id.n ? upload_new(operation, request->id) : NULL;
    int code = upload ? take_tags(operation, upload) : request->id.n ? ERR_NOMEM : ERR_CORRUPT;
    if (code) {
        if (upload)
            s3_upload_free(&upload->base);
        request->upload = NULL;
        refuse(operation, code,
               code == ERR_NOMEM ? "out of memory" : "what was recorded of its parts is damaged");
        return;
    }
    upload->sealed = request->sealed;
    upload->resumed = true;
    if (upload->next_number + S3_NUMBERS_GAP <= S3_PARTS_MAX / 2)
        upload->next_number += S3_NUMBERS_GAP; /* else they would run out */
    s3_operation_end_later(operation);
}

static void send_part(struct s3_operation *operation)
{
    struct s3_upload *upload = upload_of(operation);
    if (!reserve_part(upload)) {
        refuse(operation, ERR_NOMEM, "out of memory");
        return;
    }
    snprintf(operation->number, sizeof operation->number, "%u", upload->next_number);
    s3_operation_call(operation, "PUT", on_part);
    s3_operation_query(operation, "partNumber", str_of(operation->number));
    s3_operation_query(operation, "uploadId", upload->base.id);
    operation->call.body = operation->request->bytes;
    s3_operation_send(operation);
}

static void start_append(struct s3_operation *operation)
{
    struct s3_upload *upload = upload_of(operation);
    if (upload->sealed)
        refuse(operation, ERR_INVALID, "it is sealed");
    else if (operation->request->bytes.n == 0)
        s3_operation_end_later(operation);
    else if (upload->short_part)
        refuse(operation, ERR_INVALID, "a part of less than 5 MiB was the last");
    else if (upload->next_number > S3_PARTS_MAX)
        refuse(operation, ERR_UNSUPPORTED, "an upload has at most 10000 parts: let them be larger");
    else
        send_part(operation);
}

/* The parts are durable as they are; an empty object is one empty part. */
static void start_seal(struct s3_operation *operation)
{
    struct s3_upload *upload = upload_of(operation);
    if (upload->sealed) {
        refuse(operation, ERR_INVALID, "it is sealed");
    } else if (upload->count == 0) {
        send_part(operation);
    } else {
        upload->sealed = true;
        s3_operation_end_later(operation);
    }
}

/* S3's ETag of a whole: the MD5 of the MD5s of its parts, and their number. False when the parts'
 * ETags are no MD5s. */
static bool whole_etag(const struct s3_upload *upload, char out[S3_ETAG_SIZE])
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    unsigned char hash[EVP_MAX_MD_SIZE];
    bool ok = context && EVP_DigestInit_ex(context, EVP_md5(), NULL) == 1;
    for (uint32_t i = 0; i < upload->count && ok; i++) {
        unsigned char bytes[S3_MD5_BYTES] = {0};
        uint32_t parts;
        ok = s3_etag_plain(upload->parts[i].etag, &parts) && parts == 0;
        for (size_t j = 0; j < S3_MD5_BYTES && ok; j++) {
            char digits[3] = {upload->parts[i].etag[2 * j], upload->parts[i].etag[2 * j + 1], '\0'};
            bytes[j] = (unsigned char)strtoul(digits, NULL, 16);
        }
        ok = ok && EVP_DigestUpdate(context, bytes, sizeof bytes) == 1;
    }
    ok = ok && EVP_DigestFinal_ex(context, hash, NULL) == 1;
    EVP_MD_CTX_free(context);
    for (size_t i = 0; i < S3_MD5_BYTES && ok; i++)
        snprintf(out + 2 * i, 3, "%02x", hash[i]);
    if (ok)
        snprintf(out + 2 * S3_MD5_BYTES, S3_ETAG_SIZE - 2 * S3_MD5_BYTES, "-%u", upload->count);
    return ok;
}

/* Whether the object under the key is what the upload holds. */
static bool is_ours(const struct s3_upload *upload, const struct s3_answer *answer)
{
    char etag[S3_ETAG_SIZE];
    uint32_t parts;
    if (answer->content_length < 0 || (uint64_t)answer->content_length != upload->base.bytes)
        return false;
    if (!s3_etag_plain(answer->etag, &parts) || answer->encrypted || !whole_etag(upload, etag))
        return true; /* the size is all there is to compare */
    return str_eq_nocase(str_of(etag), str_of(answer->etag));
}

static void send_completion(struct s3_operation *operation);

static const char *not_ours(enum s3_look look, bool there)
{
    if (look == S3_LOOK_GONE)
        return there ? GONE ", and another object has its key"
                     : GONE ", and there is no such object";
    if (look == S3_LOOK_PARTS && !there)
        return "parts of the unfinished upload are gone, and there is no such object";
    return there ? "another object has its key" : "the key was taken and is free again";
}

/* What it means that there is no such object. The server may still be at a completion that an
 * earlier process asked for: parts are missing then, at moments the upload. It is looked again. */
static void fail_absent(struct s3_operation *operation)
{
    static const uint32_t looks_max[] = {[S3_LOOK_GONE] = 4, [S3_LOOK_PARTS] = 8};
    enum s3_look look = operation->look;
    bool again = look == S3_LOOK_TAKEN || operation->request->attempts < looks_max[look];
    int code = look == S3_LOOK_TAKEN ? ERR_EXISTS : again ? ERR_IO : ERR_NOT_FOUND;
    s3_operation_fail(operation, code, again, not_ours(look, false));
}

static void on_looked(struct s3_call *call)
{
    struct s3_operation *operation = operation_of(call);
    struct store_request *request = operation->request;
    bool failed = s3_operation_failed(operation);
    bool there = !failed,
         absent = failed && call->answer.transport == S3_TRANSPORT_OK && call->answer.status == 404;
    if (there && is_ours(upload_of(operation), &call->answer)) {
        request->code = 0;
    } else if (absent && operation->look == S3_LOOK_UNKNOWN) {
        request->code = 0;
        send_completion(operation);
        return;
    } else if (there) {
        s3_operation_fail(operation, ERR_EXISTS, false, not_ours(operation->look, true));
    } else if (absent) {
        fail_absent(operation);
    }
    s3_operation_end(operation);
}

static void send_look(struct s3_operation *operation, enum s3_look look)
{
    operation->look = look;
    operation->request->code = 0;
    s3_operation_call(operation, "HEAD", on_looked);
    operation->call.object = true;
    s3_operation_send(operation);
}

static void on_completed(struct s3_call *call)
{
    struct s3_operation *operation = operation_of(call);
    struct s3_upload *upload = upload_of(operation);
    const struct s3_answer *answer = &call->answer;
    struct buf etag = {0};
    struct s3_verdict verdict = s3_classify(STORE_UPLOAD_PUBLISH, answer);
    bool conditional = call->if_none_match;
    upload->unknown |= verdict.unknown;
    if (s3_operation_failed(operation)) {
        if (verdict.code == ERR_EXISTS) {
            send_look(operation, S3_LOOK_TAKEN);
            return;
        }
        if (strcmp(answer->error.code, "NoSuchUpload") == 0) {
            send_look(operation, S3_LOOK_GONE);
            return;
        }
        if (strcmp(answer->error.code, "InvalidPart") == 0 &&
            (upload->resumed || upload->unknown)) {
            send_look(operation, S3_LOOK_PARTS);
            return;
        }
        if (verdict.code == ERR_UNSUPPORTED && conditional) {
            operation->store->no_conditions = true;
            send_look(operation, S3_LOOK_UNKNOWN);
            return;
        }
    } else if (!s3_xml_value(buf_str(&answer->body), "CompleteMultipartUploadResult", "ETag",
                             &etag)) {
        upload->unknown = true;
        s3_operation_fail(operation, ERR_IO, true, "the server's answer is cut off");
    } else if (upload->resumed) {
        /* A server may say so of an upload it no longer has, as if it had been this object. */
        buf_fini(&etag);
        send_look(operation, S3_LOOK_GONE);
        return;
    }
    buf_fini(&etag);
    s3_operation_end(operation);
}

static void send_completion(struct s3_operation *operation)
{
    const struct s3_upload *upload = upload_of(operation);
    struct buf *body = &operation->body;
    buf_clear(body);
    buf_append_str(body, STR("<CompleteMultipartUpload "
                             "xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">"));
    for (uint32_t i = 0; i < upload->count; i++) {
        buf_printf(body, "<Part><PartNumber>%u</PartNumber><ETag>&quot;", upload->parts[i].number);
        for (const char *c = upload->parts[i].etag; *c; c++) {
            if (*c == '<' || *c == '&')
                buf_append_str(body, *c == '<' ? STR("&lt;") : STR("&amp;"));
            else
                buf_append_char(body, *c);
        }
        buf_append_str(body, STR("&quot;</ETag></Part>"));
    }
    buf_append_str(body, STR("</CompleteMultipartUpload>"));
    for (size_t i = 0; i < COMPLETION_SPACE; i++)
        buf_append_char(body, '\n');
    s3_operation_call(operation, "POST", on_completed);
    s3_operation_query(operation, "uploadId", upload->base.id);
    operation->call.body = buf_str(body);
    operation->call.if_none_match = !operation->store->no_conditions;
    s3_operation_send(operation);
}

static void start_publish(struct s3_operation *operation)
{
    const struct s3_upload *upload = upload_of(operation);
    if (!upload->sealed)
        refuse(operation, ERR_INVALID, "it is not sealed");
    else if (upload->count == 0) /* resumed to be aborted */
        refuse(operation, ERR_INVALID, "its parts are not known");
    else if (upload->unknown || operation->store->no_conditions)
        send_look(operation, S3_LOOK_UNKNOWN);
    else
        send_completion(operation);
}

static void on_aborted(struct s3_call *call)
{
    struct s3_operation *operation = operation_of(call);
    (void)s3_operation_failed(operation);
    s3_operation_end(operation);
}

static void start_abort(struct s3_operation *operation)
{
    s3_operation_call(operation, "DELETE", on_aborted);
    s3_operation_query(operation, "uploadId", upload_of(operation)->base.id);
    operation->call.urgent = true;
    s3_operation_send(operation);
}

void s3_upload_start(struct s3_operation *operation)
{
    switch (operation->request->op) {
    case STORE_UPLOAD_BEGIN:
        s3_operation_call(operation, "POST", on_begun);
        s3_operation_query(operation, "uploads", (struct str){0});
        s3_operation_send(operation);
        return;
    case STORE_UPLOAD_RESUME:
        start_resume(operation);
        return;
    case STORE_UPLOAD_APPEND:
        start_append(operation);
        return;
    case STORE_UPLOAD_SYNC: /* parts are durable as they are */
        s3_operation_end_later(operation);
        return;
    case STORE_UPLOAD_SEAL:
        start_seal(operation);
        return;
    case STORE_UPLOAD_PUBLISH:
        start_publish(operation);
        return;
    default:
        start_abort(operation);
    }
}
