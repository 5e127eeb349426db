/* s3.h: a store in a bucket of S3 or of a server of its protocol.
 *
 * An unfinished object is a multipart upload, which no listing of objects shows. Publishing
 * completes it under `If-None-Match: *`, so no object is ever overwritten; where a server does not
 * have that, the key is looked at first. Whether an attempt whose answer was lost had succeeded is
 * decided by size and ETag of the object; so is that of an upload of an earlier process, since
 * versitygw answers a completion with success whenever there is an object of the name.
 *
 * Listing unfinished uploads: S3 and versitygw filter by prefix. MinIO takes the prefix for a whole
 * key; without one it lists, on one page, what was begun since the server started. So when nothing
 * is found under the prefix, the uploads of the whole bucket are looked through (10 pages). */
#pragma once

#include "store/s3_address.h"
#include "store/s3_client.h"

/* Keys are relative to s3://bucket/prefix/ (prefix may be empty). Strings are copied. The client
 * stays until the store is closed. ERR_INVALID, ERR_NOMEM. Closed by store_close. */
int store_s3_create(struct store **out, struct s3_client *client, struct str bucket,
                    struct str prefix, struct err *err) MUST_CHECK;
