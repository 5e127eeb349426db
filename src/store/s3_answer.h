/* s3_answer.h: one answer of an S3 server, and what it means: done, to be tried again, or final.
 *
 * Sources: "Error responses" of the Amazon S3 API reference, RFC 9110 10.2.3 (Retry-After). Pure:
 * transport failures and headers come in as what curl said. */
#pragma once

#include "base/buf.h"
#include "store/s3_xml.h"
#include "store/store.h"

enum s3_transport {
    S3_TRANSPORT_OK,      /* a whole answer came; status says which */
    S3_TRANSPORT_NEVER,   /* the request cannot have had an effect: no name, no connection */
    S3_TRANSPORT_UNKNOWN, /* it was on its way: time-out, reset, a cut-off answer */
    S3_TRANSPORT_TLS,     /* the server's certificate is not trusted */
    S3_TRANSPORT_SETUP,   /* wrong configuration here: no credentials, no such ca file */
    S3_TRANSPORT_CANCELLED
};

struct s3_answer {
    enum s3_transport transport;
    char reason[400];           /* of what failed before or in place of an answer */
    long status;                /* HTTP's */
    struct s3_error_body error; /* of the body; all "" when it has none */
    struct buf body;
    uint32_t body_crc32c; /* of the body, when the call asked for a checksum */
    bool too_large;       /* an object of more bytes than the call takes: the body is cut off */
    /* Headers; "" or the stated value when absent. */
    char request_id[128], region[64], etag[128]; /* the etag without quotes */
    char crc32c[12];                             /* base64, of the whole object */
    int64_t content_length;                      /* -1 */
    int64_t date_ms;                             /* 0 */
    int64_t retry_after_ms;                      /* -1 */
    bool chunked, encrypted; /* the body marks its own end; by a key service: etags are no MD5 */
};

struct s3_verdict {
    int code; /* 0 or ERR_* */
    bool transient;
    bool unknown;     /* a failure after which the effect may be there all the same */
    bool credentials; /* new credentials may mend it */
};

/* All zero but the stated values; keeps the body's memory. */
void s3_answer_clear(struct s3_answer *answer);
void s3_answer_fini(struct s3_answer *answer);
/* One line of the head, the status line first (it clears what an earlier head said). now_ms: since
 * 1970, for dates without a Date header. */
void s3_answer_header(struct s3_answer *answer, struct str line, int64_t now_ms);
/* After the last byte: reads error documents, also those under status 200. `document`: the body is
 * XML whatever the status, not an object's bytes. */
void s3_answer_end(struct s3_answer *answer, bool document);
struct s3_verdict s3_classify(enum store_op op, const struct s3_answer *answer);
/* "403 AccessDenied: Access Denied (request id 4442587FB7D0A2F9)", or the transport's reason. */
void s3_answer_text(const struct s3_answer *answer, char *out, size_t size);
/* What to do about a failed check; "" when nothing can be said. */
const char *s3_answer_hint(const struct s3_answer *answer);
/* Whether a etag is an MD5 in hexadecimal, alone (parts 0) or of the MD5s of parts ("...-3"). */
bool s3_etag_plain(const char *etag, uint32_t *parts);
