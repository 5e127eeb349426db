#include "format/compress.h"

#include <lz4.h>
#include <snappy-c.h>
#include <zlib.h>
#include <zstd.h>

enum {
    INPUT_MAX = 1 << 30, /* what every codec takes and a page may have */
    GZIP_LEVEL = 6,      /* zlib's own default, which is Spark's */
    GZIP_MEMORY = 8,
    GZIP_WINDOW = 15 + 16, /* 32 KiB, and a gzip header instead of zlib's */
    ZSTD_LEVEL = 3,        /* Spark's */
};

/* Each returns the length of what it wrote at `to`, or 0 without memory. */

static size_t gzip_block(struct str in, char *to, size_t room)
{
    z_stream stream = {.next_in = (Bytef *)in.p,
                       .avail_in = (uInt)in.n,
                       .next_out = (Bytef *)to,
                       .avail_out = (uInt)room};
    if (deflateInit2(&stream, GZIP_LEVEL, Z_DEFLATED, GZIP_WINDOW, GZIP_MEMORY,
                     Z_DEFAULT_STRATEGY) != Z_OK)
        return 0;
    int code = deflate(&stream, Z_FINISH);
    size_t n = room - stream.avail_out;
    deflateEnd(&stream);
    return code == Z_STREAM_END ? n : 0;
}

static size_t zstd_block(struct str in, char *to, size_t room)
{
    size_t n = ZSTD_compress(to, room, in.p, in.n, ZSTD_LEVEL);
    return ZSTD_isError(n) ? 0 : n;
}

static size_t snappy_block(struct str in, char *to, size_t room)
{
    size_t n = room;
    return snappy_compress(in.p, in.n, to, &n) == SNAPPY_OK ? n : 0;
}

static size_t lz4_block(struct str in, char *to, size_t room)
{
    return (size_t)LZ4_compress_default(in.p, to, (int)in.n, (int)room);
}

static size_t plain_block(struct str in, char *to)
{
    if (in.n)
        memcpy(to, in.p, in.n);
    return in.n;
}

/* The most bytes that n become. */
static size_t bound(enum file_compression compression, size_t n)
{
    switch (compression) {
    case COMPRESSION_GZIP: /* as deflateBound says for any stream, and the header and trailer */
        return n + (n >> 3) + (n >> 6) + 64;
    case COMPRESSION_ZSTD:
        return ZSTD_compressBound(n);
    case COMPRESSION_SNAPPY:
        return snappy_max_compressed_length(n);
    case COMPRESSION_LZ4_RAW:
        return (size_t)LZ4_compressBound((int)n);
    case COMPRESSION_NONE:
        break;
    }
    return n;
}

int compress_block(enum file_compression compression, struct str in, struct buf *out,
                   struct err *err)
{
    if (in.n > INPUT_MAX)
        return err_set(err, ERR_UNSUPPORTED, "a value or row of more than 1 GiB");
    size_t room = bound(compression, in.n), n = 0;
    if (!buf_reserve(out, room + 1)) /* so that p is never NULL */
        return err_set(err, ERR_NOMEM, "out of memory for a compressed block");
    char *to = out->p + out->n;
    switch (compression) {
    case COMPRESSION_GZIP:
        n = gzip_block(in, to, room);
        break;
    case COMPRESSION_ZSTD:
        n = zstd_block(in, to, room);
        break;
    case COMPRESSION_SNAPPY:
        n = snappy_block(in, to, room);
        break;
    case COMPRESSION_LZ4_RAW:
        n = lz4_block(in, to, room);
        break;
    case COMPRESSION_NONE:
        n = plain_block(in, to);
        break;
    }
    if (n == 0 && compression != COMPRESSION_NONE)
        return err_set(err, ERR_NOMEM, "out of memory for a compressed block");
    out->n += n;
    return 0;
}
