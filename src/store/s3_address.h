/* s3_address.h: where buckets are: s3://bucket/prefix, the endpoint's URL, the host of a bucket.
 * Pure. */
#pragma once

#include "base/buf.h"
#include "base/err.h"

enum { S3_HOST_SIZE = 256, S3_REGION_SIZE = 64, S3_BUCKET_BYTES_MAX = 63 };

/* Splits s3://bucket[/prefix] (also s3a://); views into location. The prefix comes without '/' at
 * its ends. False: no such scheme, a bucket's name that S3 does not allow (3 to 63 of a-z 0-9 . -
 * and for old buckets A-Z _, beginning and ending with a letter or digit), or a prefix with empty
 * segments, segments "." or "..", a NUL, or more than 900 bytes. */
bool s3_location_parse(struct str location, struct str *bucket, struct str *prefix);

/* A server: scheme, host, port, and a path before every key. */
struct s3_endpoint {
    bool tls;
    bool aws;                /* of the region: another region is at another host */
    char host[S3_HOST_SIZE]; /* a name or address, without the brackets of IPv6 */
    uint32_t port;
    char path[S3_HOST_SIZE]; /* "" or /path */
};

/* http[s]://host[:port][/path], or empty: AWS's of the region. ERR_INVALID says what is wrong. */
int s3_endpoint_parse(struct s3_endpoint *out, struct str url, struct str region,
                      struct err *err) MUST_CHECK;
/* AWS's S3 of a region over https. */
void s3_endpoint_aws(struct s3_endpoint *out, const char *service, struct str region);
/* Whether host is an IPv4 or IPv6 address: it needs no resolver. */
bool s3_host_is_address(const char *host);
/* Whether the bucket's name stands in the host: not with path_style, addresses, or names that are
 * no label of a host or that a certificate would not fit. */
bool s3_bucket_in_host(const struct s3_endpoint *endpoint, struct str bucket, bool path_style);
/* Appends host[:port], the port only when it is not the scheme's own: the header Host. */
void s3_host_header(struct buf *out, const struct s3_endpoint *endpoint, const char *host);
/* A region as in names of AWS's hosts: letters, digits, '-'. */
bool s3_region_valid(struct str region);
