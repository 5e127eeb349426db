#include "http/gzip.h"

#include <stdlib.h>
#include <zlib.h>

enum { LEVEL = 1, WINDOW_BITS_GZIP = 15 + 16, MEMORY_LEVEL = 8 };

struct gzip {
    z_stream stream;
};

/* The part before `separator`; *rest is moved behind it. */
static struct str take(struct str *rest, char separator)
{
    const char *end = rest->n ? memchr(rest->p, separator, rest->n) : NULL;
    struct str part = {rest->p, end ? (size_t)(end - rest->p) : rest->n};
    size_t used = part.n + (end != NULL);
    *rest = (struct str){rest->p + used, rest->n - used};
    return str_trim(part);
}

/* "q=0", "q=0.000" */
static bool is_never(struct str weight)
{
    if (!str_starts_with(weight, STR("q=0")) && !str_starts_with(weight, STR("Q=0")))
        return false;
    for (size_t i = 3; i < weight.n; i++) {
        if (weight.p[i] != '0' && weight.p[i] != '.')
            return false;
    }
    return true;
}

bool gzip_accepted(struct str header)
{
    while (header.n) {
        struct str item = take(&header, ',');
        struct str name = take(&item, ';');
        if (str_eq_nocase(name, STR("gzip")))
            return !is_never(str_trim(item));
    }
    return false;
}

static struct gzip *create(void)
{
    struct gzip *gzip = calloc(1, sizeof *gzip);
    if (gzip && deflateInit2(&gzip->stream, LEVEL, Z_DEFLATED, WINDOW_BITS_GZIP, MEMORY_LEVEL,
                             Z_DEFAULT_STRATEGY) != Z_OK) {
        free(gzip);
        return NULL;
    }
    return gzip;
}

bool gzip_append(struct gzip **gzip, struct str text, struct buf *out)
{
    if (text.n < GZIP_BYTES_MIN || text.n > GZIP_BYTES_MAX)
        return false;
    if (!*gzip)
        *gzip = create();
    if (!*gzip || deflateReset(&(*gzip)->stream) != Z_OK)
        return false;
    z_stream *stream = &(*gzip)->stream;
    uInt room = (uInt)deflateBound(stream, text.n);
    if (!buf_reserve(out, room))
        return false;
    stream->next_in = (Bytef *)(uintptr_t)text.p;
    stream->avail_in = (uInt)text.n;
    stream->next_out = (Bytef *)out->p + out->n;
    stream->avail_out = room;
    if (deflate(stream, Z_FINISH) != Z_STREAM_END)
        return false;
    out->n += room - stream->avail_out;
    return true;
}

void gzip_destroy(struct gzip *gzip)
{
    if (gzip)
        deflateEnd(&gzip->stream);
    free(gzip);
}
