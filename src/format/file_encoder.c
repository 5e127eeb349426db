#include "format/file_encoder.h"

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
        return text_compress_create(out, format->compression, encoder, err);
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
