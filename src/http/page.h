/* page.h: the live page, page.html as scripts/embed.py puts it into the binary. */
#pragma once

#include <stddef.h>

extern const char http_page[]; /* UTF-8, no NUL inside */
extern const size_t http_page_size;
extern const char http_page_gzip[]; /* the same */
extern const size_t http_page_gzip_size;
extern const char http_page_etag[]; /* as it stands in the header */
/* Content-Security-Policy: allows the page's own script and style by hash, fetches from its own
 * server, and nothing else. */
extern const char http_page_policy[];
