#include "format/text_compress.h"

#include <stdlib.h>
#include <zlib.h>
#include <zstd.h>

enum {
    GZIP_LEVEL = 6,
    GZIP_WINDOW = 15 + 16, /* 32 KiB, and the gzip format */
    GZIP_MEM_LEVEL = 8,
    GZIP_BYTES = 268 * 1024, /* of deflate with these parameters (zconf.h) */
    ZSTD_LEVEL = 3,
    ROOM = 32 * 1024,    /* output asked for at a time */
    SLICE_MAX = 1 << 30, /* input given at a time: zlib counts in 32 bits */
    RATIO_GUESS = 4,     /* before there is output: how much smaller text becomes */
};

struct text_compress {
    struct file_encoder base;
    struct file_encoder *inner;
    struct buf text; /* the inner encoder's output of one call */
    z_stream gzip;
    ZSTD_CCtx *zstd;            /* NULL: gzip */
    bool begun;                 /* the member or frame has input */
    bool ended;                 /* there is one before it */
    uint64_t taken, given;      /* bytes in and out */
    uint64_t taken_at_last_out; /* `taken` when bytes last came out */
};

static struct text_compress *compress_of(struct file_encoder *encoder)
{
    return (struct text_compress *)(void *)encoder;
}

static int no_memory(struct err *err)
{
    return err_set(err, ERR_NOMEM, "out of memory for compressed rows");
}

/* Compresses a slice; with `last` to the end of the stream. False without memory. */
static bool push_gzip(struct text_compress *compress, struct str slice, bool last, struct buf *out)
{
    z_stream *gzip = &compress->gzip;
    gzip->next_in = (Bytef *)slice.p;
    gzip->avail_in = (uInt)slice.n;
    for (;;) {
        if (!buf_reserve(out, ROOM))
            return false;
        gzip->next_out = (Bytef *)out->p + out->n;
        gzip->avail_out = ROOM;
        int code = deflate(gzip, last ? Z_FINISH : Z_NO_FLUSH);
        INVARIANT(code == Z_OK || code == Z_STREAM_END || code == Z_BUF_ERROR);
        out->n += ROOM - gzip->avail_out;
        if (last ? code == Z_STREAM_END : gzip->avail_out > 0)
            return true;
    }
}

static bool push_zstd(struct text_compress *compress, struct str slice, bool last, struct buf *out)
{
    ZSTD_inBuffer in = {slice.p, slice.n, 0};
    for (;;) {
        if (!buf_reserve(out, ROOM))
            return false;
        ZSTD_outBuffer room = {out->p + out->n, ROOM, 0};
        size_t left =
            ZSTD_compressStream2(compress->zstd, &room, &in, last ? ZSTD_e_end : ZSTD_e_continue);
        if (ZSTD_isError(left))
            return false; /* only memory can be wrong */
        out->n += room.pos;
        if (last ? left == 0 : in.pos == in.size)
            return true;
    }
}

static bool push(struct text_compress *compress, struct str text, bool last, struct buf *out)
{
    do {
        struct str slice = {text.p, text.n < SLICE_MAX ? text.n : SLICE_MAX};
        text.p = str_end(slice);
        text.n -= slice.n;
        size_t before = out->n;
        bool done = last && text.n == 0;
        if (!(compress->zstd ? push_zstd : push_gzip)(compress, slice, done, out))
            return false;
        compress->taken += slice.n;
        compress->given += out->n - before;
        compress->begun |= slice.n > 0;
        if (out->n > before)
            compress->taken_at_last_out = compress->taken;
    } while (text.n > 0);
    return true;
}

/* Ends the member or frame, unless it would be an empty one behind another, and begins the next. */
static bool end_stream(struct text_compress *compress, struct buf *out)
{
    if (!compress->begun && compress->ended)
        return true;
    if (!push(compress, STR(""), true, out))
        return false;
    compress->begun = false;
    compress->ended = true;
    if (compress->zstd)
        return !ZSTD_isError(ZSTD_CCtx_reset(compress->zstd, ZSTD_reset_session_only));
    return deflateReset(&compress->gzip) == Z_OK;
}

static int compress_write(struct file_encoder *encoder, const struct block *rows, struct buf *out,
                          struct err *err)
{
    struct text_compress *compress = compress_of(encoder);
    buf_clear(&compress->text);
    int code = file_encoder_write(compress->inner, rows, &compress->text, err);
    if (code)
        return code;
    if (compress->text.n > 0 && !push(compress, buf_str(&compress->text), false, out))
        return no_memory(err);
    return out->failed ? no_memory(err) : 0;
}

static int compress_finish(struct file_encoder *encoder, struct buf *out, struct err *err)
{
    struct text_compress *compress = compress_of(encoder);
    buf_clear(&compress->text);
    int code = file_encoder_finish(compress->inner, &compress->text, err);
    if (code)
        return code;
    bool pushed = compress->text.n == 0 || push(compress, buf_str(&compress->text), false, out);
    return pushed && end_stream(compress, out) ? 0 : no_memory(err);
}

static size_t compress_memory(const struct file_encoder *encoder)
{
    const struct text_compress *compress = (const struct text_compress *)(const void *)encoder;
    size_t state = compress->zstd ? ZSTD_sizeof_CCtx(compress->zstd) : GZIP_BYTES;
    return sizeof *compress + compress->text.capacity + state +
           file_encoder_memory(compress->inner);
}

static int compress_save(struct file_encoder *encoder, size_t state_max, struct buf *out,
                         struct buf *state, struct err *err)
{
    struct text_compress *compress = compress_of(encoder);
    if (compress->begun && !end_stream(compress, out))
        return no_memory(err);
    compress->taken_at_last_out = compress->taken;
    buf_append_char(state, compress->ended);
    bytes_put_number(state, compress->taken);
    bytes_put_number(state, compress->given);
    return compress->inner->ops->save(compress->inner, state_max, &compress->text, state, err);
}

static int compress_load(struct file_encoder *encoder, struct bytes_reader *state, struct err *err)
{
    struct text_compress *compress = compress_of(encoder);
    compress->ended = bytes_get_number(state, 1) != 0;
    compress->taken = bytes_get_number(state, UINT64_MAX);
    compress->given = bytes_get_number(state, UINT64_MAX);
    compress->taken_at_last_out = compress->taken;
    return compress->inner->ops->load(compress->inner, state, err);
}

/* What went in since bytes last came out, by the ratio so far. */
static uint64_t compress_pending(const struct file_encoder *encoder)
{
    const struct text_compress *compress = (const struct text_compress *)(const void *)encoder;
    uint64_t inside = compress->taken - compress->taken_at_last_out;
    uint64_t ratio =
        compress->given ? compress->taken_at_last_out / compress->given : (uint64_t)RATIO_GUESS;
    return inside / (ratio ? ratio : 1) + file_encoder_pending(compress->inner);
}

static void compress_destroy(struct file_encoder *encoder)
{
    struct text_compress *compress = compress_of(encoder);
    if (compress->zstd)
        ZSTD_freeCCtx(compress->zstd);
    else
        deflateEnd(&compress->gzip);
    file_encoder_destroy(compress->inner);
    buf_fini(&compress->text);
    free(compress);
}

static const struct file_encoder_ops compress_ops = {
    .write = compress_write,
    .finish = compress_finish,
    .save = compress_save,
    .load = compress_load,
    .memory = compress_memory,
    .pending = compress_pending,
    .destroy = compress_destroy,
};

static bool start(struct text_compress *compress, enum file_compression compression)
{
    if (compression == COMPRESSION_GZIP)
        return deflateInit2(&compress->gzip, GZIP_LEVEL, Z_DEFLATED, GZIP_WINDOW, GZIP_MEM_LEVEL,
                            Z_DEFAULT_STRATEGY) == Z_OK;
    REQUIRE(compression == COMPRESSION_ZSTD);
    compress->zstd = ZSTD_createCCtx();
    return compress->zstd &&
           !ZSTD_isError(
               ZSTD_CCtx_setParameter(compress->zstd, ZSTD_c_compressionLevel, ZSTD_LEVEL)) &&
           !ZSTD_isError(ZSTD_CCtx_setParameter(compress->zstd, ZSTD_c_checksumFlag, 1));
}

int text_compress_create(struct file_encoder **out, enum file_compression compression,
                         struct file_encoder *take_inner, struct err *err)
{
    struct text_compress *compress = calloc(1, sizeof *compress);
    if (!compress) {
        file_encoder_destroy(take_inner);
        return no_memory(err);
    }
    compress->base.ops = &compress_ops;
    compress->base.schema = take_inner->schema;
    compress->inner = take_inner;
    if (!start(compress, compression)) {
        compress_destroy(&compress->base);
        return no_memory(err);
    }
    *out = &compress->base;
    return 0;
}
