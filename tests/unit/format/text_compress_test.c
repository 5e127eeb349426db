/* Compressed text: readable by the libraries, the same bytes for the same calls, honest numbers. */
#include <criterion/criterion.h>
#include <zlib.h>
#include <zstd.h>

#include "format/csv_file.h"

enum { ROWS = 4096 };

static struct field field = {{"n", 1}, NULL};
static struct type schema = {.kind = TYPE_STRUCT, .field_count = 1, .fields = &field};
static int64_t numbers[ROWS];
static struct vec column;
static struct block block = {&column, 1, ROWS};

static void setup(void)
{
    field.type = type_simple(TYPE_BIGINT);
    for (int64_t i = 0; i < ROWS; i++)
        numbers[i] = i * 7919 % 10007;
    column = (struct vec){.type = field.type, .rows = ROWS, .i64 = numbers};
}

TestSuite(text_compress, .init = setup);

static struct file_encoder *create(enum file_kind kind, enum file_compression compression,
                                   struct file_format *format)
{
    struct file_encoder *encoder;
    struct err err;
    *format = (struct file_format){
        .kind = kind, .compression = compression, .csv = csv_options_default()};
    cr_assert_eq(file_encoder_create(&encoder, format, &schema, &err), 0, "%s", err.msg);
    return encoder;
}

/* The file of `blocks` times the block. */
static void encode(enum file_kind kind, enum file_compression compression, int blocks,
                   struct buf *out)
{
    struct file_format format;
    struct err err;
    struct file_encoder *encoder = create(kind, compression, &format);
    for (int i = 0; i < blocks; i++)
        cr_assert_eq(file_encoder_write(encoder, &block, out, &err), 0);
    cr_assert_eq(file_encoder_finish(encoder, out, &err), 0);
    file_encoder_destroy(encoder);
}

static size_t unpack_gzip(struct str packed, char *out, size_t size)
{
    z_stream stream = {.next_in = (Bytef *)packed.p,
                       .avail_in = (uInt)packed.n,
                       .next_out = (Bytef *)out,
                       .avail_out = (uInt)size};
    cr_assert_eq(inflateInit2(&stream, 15 + 16), Z_OK);
    cr_assert_eq(inflate(&stream, Z_FINISH), Z_STREAM_END);
    cr_expect_eq(stream.avail_in, 0, "one member and nothing behind it");
    size_t n = stream.total_out;
    inflateEnd(&stream);
    return n;
}

static void expect_round_trip(enum file_kind kind, enum file_compression compression, int blocks)
{
    struct buf plain = {0}, packed = {0}, again = {0}, unpacked = {0};
    encode(kind, COMPRESSION_NONE, blocks, &plain);
    encode(kind, compression, blocks, &packed);
    encode(kind, compression, blocks, &again);
    cr_assert(buf_reserve(&unpacked, plain.n + 1));
    unpacked.n = compression == COMPRESSION_GZIP
                     ? unpack_gzip(buf_str(&packed), unpacked.p, plain.n + 1)
                     : ZSTD_decompress(unpacked.p, plain.n + 1, packed.p, packed.n);
    cr_expect(str_eq(buf_str(&plain), buf_str(&unpacked)));
    cr_expect(str_eq(buf_str(&packed), buf_str(&again)));
    cr_expect(blocks == 0 || packed.n < plain.n / 2);
    buf_fini(&plain);
    buf_fini(&packed);
    buf_fini(&again);
    buf_fini(&unpacked);
}

Test(text_compress, is_read_by_the_libraries)
{
    for (int blocks = 0; blocks < 80; blocks += 1 + blocks * 12) {
        expect_round_trip(FILE_JSON, COMPRESSION_GZIP, blocks);
        expect_round_trip(FILE_JSON, COMPRESSION_ZSTD, blocks);
        expect_round_trip(FILE_CSV, COMPRESSION_GZIP, blocks);
        expect_round_trip(FILE_CSV, COMPRESSION_ZSTD, blocks);
    }
}

Test(text_compress, gzip_has_no_time_and_no_name)
{
    struct buf out = {0};
    encode(FILE_CSV, COMPRESSION_GZIP, 0, &out);
    cr_assert_geq(out.n, 10);
    cr_expect_eq(memcmp(out.p, "\x1f\x8b\x08\0\0\0\0\0", 8), 0);
    buf_fini(&out);
}

static void expect_honest(enum file_compression compression)
{
    struct buf out = {0};
    struct err err;
    struct file_format format;
    struct file_encoder *encoder = create(FILE_CSV, compression, &format);
    uint64_t most = 0;
    for (int i = 0; i < 40; i++) {
        cr_assert_eq(file_encoder_write(encoder, &block, &out, &err), 0);
        most = file_encoder_pending(encoder) > most ? file_encoder_pending(encoder) : most;
    }
    cr_expect_gt(most, 0);
    size_t before = out.n;
    uint64_t promised = file_encoder_pending(encoder);
    cr_expect_gt(file_encoder_memory(encoder), 100 * 1024);
    cr_expect_lt(file_encoder_memory(encoder), 8 * 1024 * 1024);
    cr_assert_eq(file_encoder_finish(encoder, &out, &err), 0);
    cr_expect_leq(out.n - before, promised * 4 + 64 * 1024);
    cr_expect_lt(promised, 100 * 1024);
    file_encoder_destroy(encoder);
    buf_fini(&out);
}

Test(text_compress, tells_memory_and_what_is_inside)
{
    expect_honest(COMPRESSION_GZIP);
    expect_honest(COMPRESSION_ZSTD);
}
