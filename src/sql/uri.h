/* uri.h: the parts of a URI, as java.net.URI takes it apart: RFC 2396 with the deviations that its
 * documentation names (IPv6 literals, visible characters beyond ASCII, empty parts). */
#pragma once

#include "base/err.h"
#include "base/str.h"

/* Views into the text, with their escapes; p NULL: not there. */
struct uri {
    struct str scheme, authority, user_info, host, path, query, fragment;
};

/* False: no URI. */
bool uri_parse(struct str text, struct uri *out) MUST_CHECK;
