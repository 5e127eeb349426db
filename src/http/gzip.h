/* gzip.h: bodies as gzip, for clients that take it. Inside src/http only. */
#pragma once

#include "base/buf.h"

struct gzip; /* memory that is reused, about 256 KiB */

/* Small texts do not gain, and large ones would hold the loop for long. */
enum { GZIP_BYTES_MIN = 1024, GZIP_BYTES_MAX = 512 << 10 };

/* Appends the text as gzip; *gzip begins as NULL. False when it is out of memory, or too small or
 * too large: then send it as it is. */
bool gzip_append(struct gzip **gzip, struct str text, struct buf *out);
void gzip_destroy(struct gzip *gzip); /* NULL is legal */
