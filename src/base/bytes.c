#include "base/bytes.h"

#include "base/crc32c.h"

enum { SUM_BYTES = 4 };

void bytes_put_number(struct buf *out, uint64_t v)
{
    for (; v > 127; v >>= 7)
        buf_append_char(out, (char)(v | 128));
    buf_append_char(out, (char)v);
}

void bytes_put_u32(struct buf *out, uint32_t v)
{
    for (int i = 0; i < 4; i++)
        buf_append_char(out, (char)(v >> (8 * i)));
}

void bytes_put_str(struct buf *out, struct str s)
{
    bytes_put_number(out, s.n);
    buf_append_str(out, s);
}

void bytes_put_sum(struct buf *out, size_t start)
{
    if (!out->failed)
        bytes_put_u32(out, crc32c(0, (struct str){out->p + start, out->n - start}));
}

struct bytes_reader bytes_read(struct str bytes)
{
    if (!bytes.p)
        bytes = STR("");
    return (struct bytes_reader){bytes.p, bytes.p + bytes.n, false};
}

struct str bytes_get(struct bytes_reader *in, size_t n)
{
    if (in->failed || n > bytes_left(in)) {
        in->failed = true;
        return STR("");
    }
    in->p += n;
    return (struct str){in->p - n, n};
}

uint8_t bytes_get_u8(struct bytes_reader *in)
{
    struct str byte = bytes_get(in, 1);
    return byte.n ? (uint8_t)byte.p[0] : 0;
}

uint32_t bytes_get_u32(struct bytes_reader *in)
{
    struct str bytes = bytes_get(in, 4);
    uint32_t v = 0;
    for (size_t i = bytes.n; i-- > 0;)
        v = v << 8 | (uint8_t)bytes.p[i];
    return v;
}

uint64_t bytes_get_number(struct bytes_reader *in, uint64_t max)
{
    uint64_t v = 0;
    for (uint32_t shift = 0; shift < 64 && !in->failed; shift += 7) {
        uint8_t byte = bytes_get_u8(in);
        uint64_t part = byte & 127;
        if (part << shift >> shift != part)
            break;
        v |= part << shift;
        if (byte < 128 && (in->failed || v > max))
            break;
        if (byte < 128)
            return v;
    }
    in->failed = true;
    return 0;
}

struct str bytes_get_str(struct bytes_reader *in)
{
    return bytes_get(in, bytes_get_number(in, SIZE_MAX));
}

bool bytes_check_sum(struct str *bytes)
{
    if (bytes->n < SUM_BYTES)
        return false;
    struct str body = {bytes->p, bytes->n - SUM_BYTES};
    struct bytes_reader sum = bytes_read((struct str){str_end(body), SUM_BYTES});
    *bytes = body;
    return bytes_get_u32(&sum) == crc32c(0, body);
}
