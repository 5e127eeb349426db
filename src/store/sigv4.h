/* sigv4.h: AWS Signature Version 4 for requests whose signature stands in a header. Pure: the time
 * comes in.
 *
 * Source: "Authenticating Requests: Using the Authorization Header" of the Amazon S3 API reference.
 * As S3 wants it, the path is escaped once and not normalised. The same escaping makes the URL, so
 * what is signed is what is sent. Running out of memory shows as `failed` of the buffer. */
#pragma once

#include "base/buf.h"

enum {
    SIGV4_DATE_SIZE = 17, /* 20130524T000000Z and NUL */
    SIGV4_HEX_SIZE = 65,  /* a SHA-256 in lower-case hexadecimal and NUL */
    SIGV4_FIELDS_MAX = 16,
};

/* A header (name in lower case) or a parameter of the query; names may repeat. */
struct sigv4_field {
    struct str name, value;
};

struct sigv4_key {
    struct str access_key_id, secret_access_key, region, service;
};

struct sigv4_request {
    struct str method, path;                   /* the path unescaped, beginning with '/' */
    const struct sigv4_field *query, *headers; /* at most SIGV4_FIELDS_MAX each; unescaped */
    size_t query_count, header_count;          /* every header given is signed */
    struct str payload;                        /* SHA-256 in hexadecimal, or UNSIGNED-PAYLOAD */
};

/* 2013-05-24T00:00:00Z as 20130524T000000Z: the header x-amz-date. */
void sigv4_date(int64_t unix_ms, char out[SIGV4_DATE_SIZE]);
void sigv4_sha256(struct str bytes, char out[SIGV4_HEX_SIZE]);
/* All bytes but A-Z a-z 0-9 - . _ ~ as %XX; '/' stays with keep_slash. */
void sigv4_escape(struct buf *out, struct str s, bool keep_slash);
/* The canonical query: escaped, sorted, always with '='. */
void sigv4_query(struct buf *out, const struct sigv4_field *query, size_t count);
/* Steps one and two, for tests; and the value of the header Authorization. */
void sigv4_canonical_request(struct buf *out, const struct sigv4_request *request);
void sigv4_string_to_sign(struct buf *out, const struct sigv4_key *key,
                          const struct sigv4_request *request, const char *date);
void sigv4_authorization(struct buf *out, const struct sigv4_key *key,
                         const struct sigv4_request *request, const char *date);
