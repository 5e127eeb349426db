#include "format/file_encoder.h"

#include "base/crc32c.h"
#include "format/csv_file.h"
#include "format/json_file.h"
#include "format/parquet.h"
#include "format/parquet_schema.h"
#include "format/text_compress.h"

static int create_plain(struct file_encoder **out, const struct file_format *format,
                        const struct type *schema, struct err *err)
{
    switch (format->kind) {
    case FILE_JSON:
        return json_encoder_create(out, format, schema, err);
    case FILE_CSV:
        return csv_encoder_create(out, format, schema, err);
    case FILE_PARQUET:
        return parquet_encoder_create(out, format, schema, err);
    }
    INVARIANT(false && "a file format");
    return ERR_INVALID;
}

int file_encoder_create(struct file_encoder **out, const struct file_format *format,
                        const struct type *schema, struct err *err)
{
    int code = file_format_check(format, schema, err);
    struct file_encoder *encoder;
    if (!code)
        code = create_plain(&encoder, format, schema, err);
    if (code)
        return code;
    if (format->kind != FILE_PARQUET && format->compression != COMPRESSION_NONE)
        code = text_compress_create(&encoder, format->compression, encoder, err);
    if (code)
        return code;
    encoder->kind = format->kind;
    encoder->compression = format->compression;
    *out = encoder;
    return 0;
}

void file_encoder_destroy(struct file_encoder *encoder)
{
    if (encoder)
        encoder->ops->destroy(encoder);
}

int file_encoder_write(struct file_encoder *encoder, const struct block *rows, struct buf *out,
                       struct err *err)
{
    REQUIRE(!encoder->finished);
    return encoder->ops->write(encoder, rows, out, err);
}

int file_encoder_finish(struct file_encoder *encoder, struct buf *out, struct err *err)
{
    REQUIRE(!encoder->finished);
    encoder->finished = true;
    return encoder->ops->finish(encoder, out, err);
}

/* ---- saving ---- */

/* A state: version, kind and compression in a byte each, the checksum of the schema's text, what
 * the kind has to say, and the checksum of all of it. */
enum { STATE_VERSION = 1 };

static int schema_sum(const struct type *schema, uint32_t *sum, struct err *err)
{
    struct buf text = {0};
    type_print(schema, &text);
    *sum = crc32c(0, buf_str(&text));
    int code = text.failed ? err_set(err, ERR_NOMEM, "out of memory") : 0;
    buf_fini(&text);
    return code;
}

void file_encoder_savable(struct file_encoder *encoder)
{
    encoder->savable = true;
}

int file_encoder_save(struct file_encoder *encoder, size_t state_max, struct buf *out,
                      struct buf *state, struct err *err)
{
    REQUIRE(!encoder->finished);
    size_t start = state->n;
    uint32_t sum;
    int code = schema_sum(encoder->schema, &sum, err);
    buf_append_char(state, STATE_VERSION);
    buf_append_char(state, (char)encoder->kind);
    buf_append_char(state, (char)encoder->compression);
    bytes_put_u32(state, sum);
    if (!code)
        code = encoder->ops->save(encoder, state_max, out, state, err);
    bytes_put_sum(state, start);
    if (!code && (state->failed || out->failed))
        code = err_set(err, ERR_NOMEM, "out of memory for the state of a file");
    return code;
}

static int damaged(struct err *err)
{
    return err_set(err, ERR_CORRUPT, "the saved state of a file is damaged");
}

static int check_state(struct str *state, const struct file_format *format,
                       const struct type *schema, struct bytes_reader *in, struct err *err)
{
    uint32_t sum;
    int code = schema_sum(schema, &sum, err);
    if (!code && !bytes_check_sum(state))
        code = damaged(err);
    if (code)
        return code;
    *in = bytes_read(*state);
    uint8_t version = bytes_get_u8(in);
    if (version > STATE_VERSION)
        return err_set(err, ERR_CORRUPT,
                       "the saved state of a file has format %u, this version of sluice reads up "
                       "to %d",
                       version, STATE_VERSION);
    uint8_t kind = bytes_get_u8(in), compression = bytes_get_u8(in);
    if (kind != format->kind || compression != format->compression || bytes_get_u32(in) != sum)
        return err_set(err, ERR_CORRUPT,
                       "the saved state of a file is of another format or of other columns");
    return in->failed ? damaged(err) : 0;
}

int file_encoder_restore(struct file_encoder **out, const struct file_format *format,
                         const struct type *schema, struct str state, struct err *err)
{
    struct bytes_reader in;
    struct file_encoder *encoder;
    int code = check_state(&state, format, schema, &in, err);
    if (!code)
        code = file_encoder_create(&encoder, format, schema, err);
    if (code)
        return code;
    encoder->savable = true;
    code = encoder->ops->load(encoder, &in, err);
    if (!code && (in.failed || bytes_left(&in) > 0))
        code = damaged(err);
    if (code) {
        file_encoder_destroy(encoder);
        return code;
    }
    *out = encoder;
    return 0;
}

size_t file_encoder_memory(const struct file_encoder *encoder)
{
    return encoder->ops->memory(encoder);
}

uint64_t file_encoder_pending(const struct file_encoder *encoder)
{
    return encoder->ops->pending(encoder);
}

int file_format_check(const struct file_format *format, const struct type *schema, struct err *err)
{
    switch (format->kind) {
    case FILE_JSON:
        return json_check(&format->json, err);
    case FILE_CSV:
        return csv_check(&format->csv, schema, err);
    case FILE_PARQUET:
        return parquet_schema_check(schema, err);
    }
    return 0;
}

const char *file_format_extension(const struct file_format *format)
{
    static const char *const names[][5] = {
        [FILE_JSON] = {[COMPRESSION_NONE] = "json",
                       [COMPRESSION_GZIP] = "json.gz",
                       [COMPRESSION_ZSTD] = "json.zst"},
        [FILE_CSV] = {[COMPRESSION_NONE] = "csv",
                      [COMPRESSION_GZIP] = "csv.gz",
                      [COMPRESSION_ZSTD] = "csv.zst"},
        [FILE_PARQUET] = {[COMPRESSION_NONE] = "parquet",
                          [COMPRESSION_SNAPPY] = "snappy.parquet",
                          [COMPRESSION_GZIP] = "gz.parquet",
                          [COMPRESSION_ZSTD] = "zstd.parquet",
                          [COMPRESSION_LZ4_RAW] = "lz4raw.parquet"},
    };
    const char *name = names[format->kind][format->compression];
    REQUIRE(name);
    return name;
}
