/* What answers mean. */
#include <stdio.h>

#include "store/s3_answer.h"

static bool error_is(const struct s3_answer *answer, const char *code)
{
    return strcmp(answer->error.code, code) == 0;
}

static bool error_in(const struct s3_answer *answer, const char *const *codes, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (error_is(answer, codes[i]))
            return true;
    }
    return false;
}

/* Not of the request: the server's state, or damage on the way. */
static bool passes_by_itself(const struct s3_answer *answer)
{
    static const char *const codes[] = {"InternalError",
                                        "SlowDown",
                                        "SlowDownRead",
                                        "SlowDownWrite",
                                        "ServiceUnavailable",
                                        "RequestTimeout",
                                        "RequestTimeTooSkewed",
                                        "OperationAborted",
                                        "ConditionalRequestConflict",
                                        "BadDigest",
                                        "XAmzContentSHA256Mismatch",
                                        "IncompleteBody",
                                        "Throttling",
                                        "ThrottlingException",
                                        "TooManyRequests",
                                        "BandwidthLimitExceeded",
                                        "RequestLimitExceeded"};
    long status = answer->status;
    return error_in(answer, codes, COUNT_OF(codes)) || status == 408 || status == 429 ||
           (status >= 500 && status != 501);
}

static bool is_of_credentials(const struct s3_answer *answer)
{
    static const char *const codes[] = {"ExpiredToken",         "ExpiredTokenException",
                                        "InvalidToken",         "InvalidTokenId",
                                        "TokenRefreshRequired", "InvalidAccessKeyId",
                                        "AccessDenied",         "SignatureDoesNotMatch",
                                        "InvalidSecurity",      "NotSignedUp",
                                        "AccountProblem",       "AllAccessDisabled",
                                        "InvalidClientTokenId", "Forbidden",
                                        "UnauthorizedAccess",   "XAdminUserNotFound"};
    return error_in(answer, codes, COUNT_OF(codes)) || answer->status == 401 ||
           answer->status == 403;
}

/* Somebody else's mistake that can be mended while the stream waits; a check tells it at once. */
static struct s3_verdict configuration(enum store_op op, int code, bool credentials)
{
    return (struct s3_verdict){
        .code = code, .transient = op != STORE_CHECK, .credentials = credentials};
}

static struct s3_verdict classify_transport(enum store_op op, const struct s3_answer *answer)
{
    switch (answer->transport) {
    case S3_TRANSPORT_CANCELLED:
        return (struct s3_verdict){.code = ERR_CANCELLED};
    case S3_TRANSPORT_TLS:
        return configuration(op, ERR_IO, false);
    case S3_TRANSPORT_SETUP:
        return configuration(op, ERR_INVALID, true);
    default:
        return (struct s3_verdict){.code = ERR_IO,
                                   .transient = true,
                                   .unknown = answer->transport == S3_TRANSPORT_UNKNOWN};
    }
}

static struct s3_verdict classify_not_found(enum store_op op, const struct s3_answer *answer)
{
    if (error_is(answer, "NoSuchBucket"))
        return configuration(op, ERR_NOT_FOUND, false);
    bool removes = op == STORE_DELETE || op == STORE_UPLOAD_ABORT;
    if (removes && (error_is(answer, "NoSuchKey") || error_is(answer, "NoSuchUpload")))
        return (struct s3_verdict){0};
    if (error_is(answer, "NoSuchKey") || error_is(answer, "NoSuchUpload") ||
        (answer->error.code[0] == '\0' && answer->body.n == 0)) /* as HEAD is answered */
        return (struct s3_verdict){.code = removes ? 0 : ERR_NOT_FOUND};
    return configuration(op, ERR_NOT_FOUND, false);
}

struct s3_verdict s3_classify(enum store_op op, const struct s3_answer *answer)
{
    if (answer->transport != S3_TRANSPORT_OK)
        return classify_transport(op, answer);
    if (answer->status >= 200 && answer->status < 300 && !answer->error.code[0])
        return (struct s3_verdict){0};
    if (passes_by_itself(answer))
        return (struct s3_verdict){.code = ERR_IO,
                                   .transient = true,
                                   .unknown = answer->status >= 500 || answer->status < 300};
    bool denied =
        error_is(answer, "AccessDenied") || (answer->status == 403 && !answer->error.code[0]);
    if (op == STORE_LIST_UPLOADS && denied) /* a look that a policy may well not allow */
        return (struct s3_verdict){.code = ERR_IO};
    if (is_of_credentials(answer))
        return configuration(op, ERR_IO, true);
    if (answer->status == 404)
        return classify_not_found(op, answer);
    if (answer->status == 412)
        return (struct s3_verdict){.code = ERR_EXISTS};
    if (error_is(answer, "AuthorizationHeaderMalformed") ||
        (answer->status >= 300 && answer->status < 400))
        return configuration(op, ERR_IO, false);
    if (answer->status == 501 || error_is(answer, "NotImplemented"))
        return (struct s3_verdict){.code = ERR_UNSUPPORTED};
    if (answer->status >= 200 && answer->status < 300) /* an error under 200 that is not named */
        return (struct s3_verdict){.code = ERR_IO, .transient = true, .unknown = true};
    return (struct s3_verdict){.code = ERR_IO};
}

void s3_answer_text(const struct s3_answer *answer, char *out, size_t size)
{
    const struct s3_error_body *error = &answer->error;
    if (answer->transport != S3_TRANSPORT_OK) {
        snprintf(out, size, "%s", answer->reason);
        return;
    }
    const char *id = error->request_id[0] ? error->request_id : answer->request_id;
    int n = snprintf(out, size, "%ld%s%s%s%s", answer->status, error->code[0] ? " " : "",
                     error->code, error->message[0] ? ": " : "", error->message);
    if (id[0] && n > 0 && (size_t)n < size)
        snprintf(out + n, size - (size_t)n, " (request id %s)", id);
}

const char *s3_answer_hint(const struct s3_answer *answer)
{
    static const struct {
        const char *code, *hint;
    } hints[] = {
        {"NoSuchBucket", "create the bucket, or correct its name or the endpoint"},
        {"InvalidAccessKeyId", "the server does not know the access key id: correct it"},
        {"XAdminUserNotFound", "the server does not know the access key id: correct it"},
        {"SignatureDoesNotMatch", "the secret access key is not that of the access key id"},
        {"AccessDenied", "allow s3:ListBucket on the bucket and s3:GetObject, s3:PutObject, "
                         "s3:DeleteObject and s3:AbortMultipartUpload on the prefix"},
        {"ExpiredToken", "the session token has expired: give a new one"},
        {"AuthorizationHeaderMalformed", "set the region of the bucket"},
        {"PermanentRedirect", "set the region and endpoint of the bucket"},
        {"InvalidBucketName", "correct the bucket's name"},
    };
    if (answer->transport == S3_TRANSPORT_TLS)
        return "give the authority that signed its certificate as the CA file";
    for (size_t i = 0; answer->transport == S3_TRANSPORT_OK && i < COUNT_OF(hints); i++) {
        if (error_is(answer, hints[i].code))
            return hints[i].hint;
    }
    return "";
}
