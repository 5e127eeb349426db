#include <criterion/criterion.h>
#include <stdio.h>

#include "store/s3_answer.h"

enum { FINAL, TRANSIENT };

static void set(struct s3_answer *answer, long status, const char *code)
{
    s3_answer_clear(answer);
    s3_answer_header(answer, STR("HTTP/1.1 200 OK\r\n"), 0);
    answer->status = status;
    if (code) {
        buf_printf(&answer->body, "<Error><Code>%s</Code><Message>m</Message></Error>", code);
        s3_answer_end(answer, true);
    }
}

static void expect(enum store_op op, long status, const char *code, int result, bool transient)
{
    struct s3_answer answer = {0};
    set(&answer, status, code);
    struct s3_verdict verdict = s3_classify(op, &answer);
    cr_expect_eq(verdict.code, result, "%ld %s: %d", status, code ? code : "", verdict.code);
    cr_expect_eq(verdict.transient, transient, "%ld %s", status, code ? code : "");
    s3_answer_fini(&answer);
}

Test(s3_errors, good)
{
    expect(STORE_PUT, 200, NULL, 0, FINAL);
    expect(STORE_DELETE, 204, NULL, 0, FINAL);
    expect(STORE_DELETE, 404, "NoSuchKey", 0, FINAL);
    expect(STORE_UPLOAD_ABORT, 404, "NoSuchUpload", 0, FINAL);
}

Test(s3_errors, what_passes)
{
    static const long statuses[] = {408, 429, 500, 502, 503, 504, 599};
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++)
        expect(STORE_CHECK, statuses[i], NULL, ERR_IO, TRANSIENT);
    expect(STORE_CHECK, 503, "SlowDown", ERR_IO, TRANSIENT);
    expect(STORE_PUT, 400, "RequestTimeout", ERR_IO, TRANSIENT);
    expect(STORE_PUT, 400, "BadDigest", ERR_IO, TRANSIENT);
    expect(STORE_PUT_IF_ABSENT, 409, "ConditionalRequestConflict", ERR_IO, TRANSIENT);
    expect(STORE_GET, 403, "RequestTimeTooSkewed", ERR_IO, TRANSIENT);
    expect(STORE_UPLOAD_PUBLISH, 200, "InternalError", ERR_IO, TRANSIENT);
    expect(STORE_UPLOAD_PUBLISH, 200, "SlowDown", ERR_IO, TRANSIENT);
}

Test(s3_errors, what_does_not)
{
    expect(STORE_GET, 404, "NoSuchKey", ERR_NOT_FOUND, FINAL);
    expect(STORE_GET, 404, NULL, ERR_NOT_FOUND, FINAL);
    expect(STORE_UPLOAD_PUBLISH, 404, "NoSuchUpload", ERR_NOT_FOUND, FINAL);
    expect(STORE_PUT_IF_ABSENT, 412, "PreconditionFailed", ERR_EXISTS, FINAL);
    expect(STORE_PUT, 501, "NotImplemented", ERR_UNSUPPORTED, FINAL);
    expect(STORE_PUT, 400, "EntityTooSmall", ERR_IO, FINAL);
}

Test(s3_errors, configuration_is_final_in_a_check_only)
{
    static const struct {
        long status;
        const char *code;
        int result;
    } cases[] = {{404, "NoSuchBucket", ERR_NOT_FOUND}, {403, "AccessDenied", ERR_IO},
                 {403, "InvalidAccessKeyId", ERR_IO},  {403, "SignatureDoesNotMatch", ERR_IO},
                 {400, "ExpiredToken", ERR_IO},        {301, "PermanentRedirect", ERR_IO}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        expect(STORE_CHECK, cases[i].status, cases[i].code, cases[i].result, FINAL);
        expect(STORE_PUT, cases[i].status, cases[i].code, cases[i].result, TRANSIENT);
        expect(STORE_DELETE, cases[i].status, cases[i].code, cases[i].result, TRANSIENT);
    }
}

Test(s3_errors, a_strange_404_is_not_believed)
{
    struct s3_answer answer = {0};
    set(&answer, 404, NULL);
    buf_append_str(&answer.body, STR("<html>no such page</html>"));
    s3_answer_end(&answer, false);
    struct s3_verdict verdict = s3_classify(STORE_GET, &answer);
    cr_expect(verdict.code && verdict.transient, "a proxy's word on an object");
    s3_answer_fini(&answer);
}

Test(s3_errors, transports)
{
    struct s3_answer answer = {.transport = S3_TRANSPORT_NEVER};
    struct s3_verdict verdict = s3_classify(STORE_CHECK, &answer);
    cr_expect(verdict.code == ERR_IO && verdict.transient && !verdict.unknown);
    answer.transport = S3_TRANSPORT_UNKNOWN;
    verdict = s3_classify(STORE_UPLOAD_PUBLISH, &answer);
    cr_expect(verdict.code == ERR_IO && verdict.transient && verdict.unknown);
    answer.transport = S3_TRANSPORT_TLS;
    cr_expect_not(s3_classify(STORE_CHECK, &answer).transient);
    cr_expect(s3_classify(STORE_PUT, &answer).transient);
    answer.transport = S3_TRANSPORT_CANCELLED;
    cr_expect_eq(s3_classify(STORE_PUT, &answer).code, ERR_CANCELLED);
}

Test(s3_errors, unknown_outcomes)
{
    struct s3_answer answer = {0};
    set(&answer, 500, "InternalError");
    cr_expect(s3_classify(STORE_UPLOAD_PUBLISH, &answer).unknown);
    set(&answer, 200, "InternalError");
    cr_expect(s3_classify(STORE_UPLOAD_PUBLISH, &answer).unknown);
    set(&answer, 403, "AccessDenied");
    cr_expect_not(s3_classify(STORE_UPLOAD_PUBLISH, &answer).unknown);
    s3_answer_fini(&answer);
}

/* Nothing depends on it, and policies may not allow it. */
Test(s3_errors, a_listing_of_uploads_that_is_denied)
{
    struct s3_answer answer = {0};
    set(&answer, 403, "AccessDenied");
    cr_expect_not(s3_classify(STORE_LIST_UPLOADS, &answer).transient);
    cr_expect(s3_classify(STORE_PUT, &answer).transient);
    set(&answer, 403, NULL);
    cr_expect_not(s3_classify(STORE_LIST_UPLOADS, &answer).transient);
    set(&answer, 403, "ExpiredToken");
    cr_expect(s3_classify(STORE_LIST_UPLOADS, &answer).transient);
    set(&answer, 409, "ConditionalRequestConflict");
    cr_expect(s3_classify(STORE_PUT_IF_ABSENT, &answer).transient);
    s3_answer_fini(&answer);
}

Test(s3_errors, texts)
{
    struct s3_answer answer = {0};
    char text[200];
    set(&answer, 403, "AccessDenied");
    s3_answer_header(&answer, STR("x-amz-request-id: 42\r\n"), 0);
    s3_answer_text(&answer, text, sizeof text);
    cr_expect_str_eq(text, "403 AccessDenied: m (request id 42)");
    cr_expect(strstr(s3_answer_hint(&answer), "s3:PutObject"));
    set(&answer, 502, NULL);
    s3_answer_text(&answer, text, sizeof text);
    cr_expect_str_eq(text, "502");
    s3_answer_fini(&answer);
}

static int64_t retry_after(const char *date, const char *value)
{
    struct s3_answer answer = {0};
    char line[100];
    set(&answer, 503, NULL);
    if (date) {
        snprintf(line, sizeof line, "Date: %s\r\n", date);
        s3_answer_header(&answer, str_of(line), 0);
    }
    snprintf(line, sizeof line, "RETRY-after: %s\r\n", value);
    s3_answer_header(&answer, str_of(line), 784111777000);
    s3_answer_fini(&answer);
    return answer.retry_after_ms;
}

Test(s3_errors, retry_after)
{
    cr_expect_eq(retry_after(NULL, "3"), 3000);
    cr_expect_eq(retry_after(NULL, "999999"), 300000);
    cr_expect_eq(retry_after(NULL, "-1"), 0);
    cr_expect_eq(retry_after(NULL, "soon"), -1);
    cr_expect_eq(retry_after(NULL, "Sun, 06 Nov 1994 08:49:47 GMT"), 10000);
    cr_expect_eq(retry_after("Sun, 06 Nov 1994 08:49:42 GMT", "Sun, 06 Nov 1994 08:49:47 GMT"),
                 5000);
    cr_expect_eq(retry_after(NULL, "Sun, 06 Nov 1994 08:49:07 GMT"), 0);
}

Test(s3_errors, headers)
{
    struct s3_answer answer = {0};
    set(&answer, 200, NULL);
    s3_answer_header(&answer, STR("ETag: \"d41d8cd98f00b204e9800998ecf8427e-3\"\r\n"), 0);
    s3_answer_header(&answer, STR("Content-Length: 12\r\n"), 0);
    s3_answer_header(&answer, STR("x-amz-bucket-region:eu-west-1\r\n"), 0);
    s3_answer_header(&answer, STR("x-amz-server-side-encryption: aws:kms\r\n"), 0);
    uint32_t parts = 9;
    cr_expect(s3_etag_plain(answer.etag, &parts) && parts == 3);
    cr_expect(answer.content_length == 12 && answer.encrypted);
    cr_expect_str_eq(answer.region, "eu-west-1");
    s3_answer_header(&answer, STR("HTTP/1.1 200 OK\r\n"), 0);
    cr_expect(!answer.etag[0] && answer.content_length == -1, "of the head of 100 Continue");
    cr_expect(s3_etag_plain("d41d8cd98f00b204e9800998ecf8427e", &parts) && parts == 0);
    cr_expect_not(s3_etag_plain("d41d8cd98f00b204e9800998ecf8427", &parts));
    cr_expect_not(s3_etag_plain("d41d8cd98f00b204e9800998ecf8427e-x", &parts));
    cr_expect_not(s3_etag_plain("", &parts));
    s3_answer_fini(&answer);
}
