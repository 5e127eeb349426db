#include <criterion/criterion.h>

#include "format/parquet_delta.h"
#include "format/parquet_rle.h"
#include "format/thrift.h"

static void expect_bytes(const struct buf *buf, const char *want, size_t n)
{
    cr_assert(!buf->failed);
    cr_assert_eq(buf->n, n, "%zu bytes, not %zu", buf->n, n);
    cr_expect(memcmp(buf->p, want, n) == 0);
}
#define EXPECT_BYTES(buf, literal) expect_bytes((buf), (literal), sizeof(literal) - 1)

Test(thrift, fields_are_deltas_and_numbers_zigzag)
{
    struct buf out = {0};
    struct thrift thrift = {.out = &out};
    thrift_i32(&thrift, 1, -1);
    thrift_i64(&thrift, 3, 300);
    thrift_binary(&thrift, 4, STR("ab"));
    thrift_bool(&thrift, 20, true); /* 16 further on: the id in full */
    thrift_bool(&thrift, 21, false);
    thrift_i8(&thrift, 22, -2);
    thrift_i16(&thrift, 23, 1);
    thrift_end(&thrift);
    EXPECT_BYTES(&out, "\x15\x01\x26\xd8\x04\x18\x02"
                       "ab\x01\x28\x12\x13\xfe\x14\x02\x00");
    buf_fini(&out);
}

Test(thrift, structs_begin_their_ids_anew)
{
    struct buf out = {0};
    struct thrift thrift = {.out = &out};
    thrift_begin(&thrift, 2);
    thrift_empty(&thrift, 1);
    thrift_i32(&thrift, 2, 1);
    thrift_end(&thrift);
    thrift_copy(&thrift, 3, (struct str){"\x15\x02", 3});
    thrift_i32(&thrift, 4, 1);
    thrift_end(&thrift);
    EXPECT_BYTES(&out, "\x2c\x1c\x00\x15\x02\x00\x1c\x15\x02\x00\x15\x02\x00");
    buf_fini(&out);
}

Test(thrift, long_lists_have_their_length_apart)
{
    struct buf out = {0};
    struct thrift thrift = {.out = &out};
    thrift_list(&thrift, 1, THRIFT_I32, 2);
    thrift_item_i32(&thrift, 1);
    thrift_item_i32(&thrift, -64);
    thrift_list(&thrift, 2, THRIFT_TRUE, 15);
    for (int i = 0; i < 15; i++)
        thrift_item_bool(&thrift, i % 2);
    thrift_list(&thrift, 3, THRIFT_STRUCT, 1);
    thrift_item_begin(&thrift);
    thrift_i64(&thrift, 1, INT64_MIN);
    thrift_end(&thrift);
    thrift_end(&thrift);
    EXPECT_BYTES(&out,
                 "\x19\x25\x02\x7f\x19\xf1\x0f\x02\x01\x02\x01\x02\x01\x02\x01\x02\x01\x02\x01"
                 "\x02\x01\x02\x19\x1c\x16\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x00\x00");
    buf_fini(&out);
}

static void put_all(struct rle *rle, unsigned width, const uint32_t *values, size_t n)
{
    rle_reset(rle, width);
    for (size_t i = 0; i < n; i++)
        rle_put(rle, values[i]);
    rle_finish(rle);
}

Test(rle, known_bytes)
{
    struct rle rle = {0};
    const uint32_t counting[] = {0, 1, 2, 3, 4, 5, 6, 7}; /* the example of the specification */
    put_all(&rle, 3, counting, 8);
    EXPECT_BYTES(&rle.out, "\x03\x88\xc6\xfa");
    const uint32_t few[] = {5, 5, 5}; /* too few for a group, but all the same */
    put_all(&rle, 3, few, 3);
    EXPECT_BYTES(&rle.out, "\x06\x05");
    const uint32_t mixed[] = {1, 0, 1};
    put_all(&rle, 1, mixed, 3);
    EXPECT_BYTES(&rle.out, "\x03\x05");
    rle_reset(&rle, 17);
    rle_put_run(&rle, 0x12345, 1000);
    rle_finish(&rle);
    EXPECT_BYTES(&rle.out, "\xd0\x0f\x45\x23\x01");
    put_all(&rle, 4, NULL, 0);
    cr_expect_eq(rle.out.n, 0);
    rle_fini(&rle);
}

static uint64_t read_varint(const unsigned char **p)
{
    uint64_t x = 0;
    for (int shift = 0;; shift += 7) {
        unsigned char c = *(*p)++;
        x |= (uint64_t)(c & 127) << shift;
        if (c < 128)
            return x;
    }
}

static uint64_t read_bits(const unsigned char *p, size_t at, unsigned width)
{
    uint64_t x = 0;
    for (unsigned b = 0; b < width; b++)
        x |= (uint64_t)(p[(at + b) / 8] >> (at + b) % 8 & 1) << b;
    return x;
}

/* A reader after the specification, bit by bit. */
static void expect_rle(const struct rle *rle, const uint32_t *values, size_t n)
{
    const unsigned char *p = (const unsigned char *)rle->out.p, *end = p + rle->out.n;
    size_t at = 0;
    while (p < end) {
        uint64_t header = read_varint(&p);
        uint64_t count = header & 1 ? (header >> 1) * 8 : header >> 1;
        for (uint64_t i = 0; i < count && at < n; i++, at++) {
            uint64_t got = read_bits(p, header & 1 ? i * rle->width : 0, rle->width);
            cr_assert_eq(got, values[at], "value %zu of %zu, width %u", at, n, rle->width);
        }
        p += header & 1 ? (header >> 1) * rle->width : (rle->width + 7) / 8;
    }
    cr_assert_eq(at, n);
    cr_assert_eq(p, end);
}

Test(rle, what_is_put_is_read)
{
    enum { N = 3000 };
    static uint32_t values[N];
    struct rle rle = {0};
    uint64_t random = 1;
    for (unsigned width = 0; width <= 32; width++) {
        for (int round = 0; round < 6; round++) { /* runs of 1..4^round values */
            size_t n = 0;
            while (n < N) {
                random = random * 6364136223846793005U + 1442695040888963407U;
                uint32_t value = (uint32_t)(random >> 32) & (uint32_t)((1ULL << width) - 1);
                size_t run = 1 + (random >> 8) % (1U << 2 * round);
                for (size_t i = 0; i < run && n < N; i++)
                    values[n++] = value;
            }
            size_t length = N - random % 70;
            put_all(&rle, width, values, length);
            expect_rle(&rle, values, length);
        }
    }
    rle_fini(&rle);
}

static void read_delta(const struct buf *buf, int64_t *values, size_t n, bool narrow)
{
    const unsigned char *p = (const unsigned char *)buf->p;
    cr_assert_eq(read_varint(&p), 128);
    cr_assert_eq(read_varint(&p), 4);
    cr_assert_eq(read_varint(&p), n);
    uint64_t first = read_varint(&p), value = first >> 1 ^ -(first & 1);
    for (size_t at = 0; at < n;) {
        values[at++] = narrow ? (int32_t)value : (int64_t)value;
        if (at == n)
            break;
        uint64_t zigzag = read_varint(&p), min = zigzag >> 1 ^ -(zigzag & 1);
        const unsigned char *widths = p;
        p += 4;
        for (int m = 0; m < 4 && at <= n; m++) {
            cr_assert(widths[m] <= (narrow ? 32 : 64));
            for (size_t i = 0; i < 32 && at + (m + i > 0) <= n; i++) {
                if (m + i > 0)
                    values[at++] = narrow ? (int32_t)value : (int64_t)value;
                value += min + read_bits(p, i * widths[m], widths[m]);
            }
            p += 4 * widths[m];
        }
    }
    cr_assert_eq(p, (const unsigned char *)buf->p + buf->n);
}

Test(delta, known_bytes)
{
    struct buf out = {0};
    delta_append_i32(&out, (const int32_t[]){7, 5, 3, 1, 2, 3, 4, 5}, 8);
    /* The second example of the specification: deltas -2 -2 -2 1 1 1 1, of which -2 is the least,
     * in two bits each. */
    EXPECT_BYTES(&out, "\x80\x01\x04\x08\x0e\x03\x02\x00\x00\x00\xc0\x3f\x00\x00\x00\x00\x00\x00");
    buf_clear(&out);
    delta_append_i64(&out, (const int64_t[]){-3}, 1);
    EXPECT_BYTES(&out, "\x80\x01\x04\x01\x05");
    buf_fini(&out);
}

Test(delta, what_is_put_is_read)
{
    enum { N = 1000 };
    static int64_t wide[N], got[N];
    static int32_t narrow[N];
    struct buf out = {0};
    uint64_t random = 7;
    for (int shift = 0; shift < 64; shift++) { /* shift 0: differences wrap around */
        for (size_t i = 0; i < N; i++) {
            random = random * 6364136223846793005U + 1442695040888963407U;
            wide[i] = (int64_t)random >> shift;
            narrow[i] = (int32_t)(random >> 32) >> shift / 2;
        }
        size_t n = N - shift * 7;
        buf_clear(&out);
        delta_append_i64(&out, wide, n);
        read_delta(&out, got, n, false);
        cr_assert_arr_eq(got, wide, n * sizeof *wide);
        buf_clear(&out);
        delta_append_i32(&out, narrow, n);
        read_delta(&out, got, n, true);
        for (size_t i = 0; i < n; i++)
            cr_assert_eq(got[i], narrow[i]);
    }
    buf_fini(&out);
}
