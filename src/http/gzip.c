#include "http/gzip.h"

#include <stdlib.h>
#include <zlib.h>

enum { LEVEL = 1, WINDOW_BITS_GZIP = 15 + 16, MEMORY_LEVEL = 8 };

struct gzip {
    z_stream stream;
};

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
