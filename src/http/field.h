/* field.h: values of a request's header fields. Inside src/http only. Fields that are lists may
 * come as several lines: joined by commas they mean the same (RFC 9110 5.3). */
#pragma once

#include "base/check.h"
#include "base/str.h"

/* Whether a value of Accept-Encoding takes gzip: by name or by "*", and not with q=0. */
bool field_accepts_gzip(struct str value) MUST_CHECK;
/* Whether a value of If-None-Match has this tag, compared weakly, or is "*". */
bool field_has_etag(struct str value, struct str etag) MUST_CHECK;
/* Whether a value of Host, its port aside, is an address, "localhost" or a name below that: what
 * nobody else can make a name of this machine. */
bool field_is_own_host(struct str value) MUST_CHECK;
