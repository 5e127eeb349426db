#include "format/parquet_rle.h"

#include "format/thrift.h"

enum { PACKED_MAX = 63 }; /* groups whose header is one byte */

void rle_reset(struct rle *rle, unsigned width)
{
    buf_clear(&rle->out);
    *rle = (struct rle){.out = rle->out, .width = width};
}

void rle_fini(struct rle *rle)
{
    buf_fini(&rle->out);
}

static void end_packed(struct rle *rle)
{
    if (rle->packed && !rle->out.failed)
        rle->out.p[rle->header] = (char)(rle->packed << 1 | 1);
    rle->packed = 0;
}

void rle_end_run(struct rle *rle)
{
    thrift_varint(&rle->out, (uint64_t)rle->repeat << 1);
    for (unsigned bits = 0; bits < rle->width; bits += 8)
        buf_append_char(&rle->out, (char)(rle->value >> bits));
    rle->repeat = 0;
    rle->group_count = 0;
}

/* Little endian, for widths up to 32: eight values are 256 bits at most. */
static void pack_group(struct buf *out, const uint32_t *values, unsigned width)
{
    if (!buf_reserve(out, width + sizeof(uint32_t)))
        return;
    char *to = out->p + out->n;
    uint64_t bits = 0;
    unsigned count = 0;
    for (int i = 0; i < RLE_GROUP; i++) {
        bits |= (uint64_t)values[i] << count;
        count += width;
        if (count >= 32) {
            uint32_t word = (uint32_t)bits;
            memcpy(to, &word, sizeof word);
            to += sizeof word;
            bits >>= 32;
            count -= 32;
        }
    }
    uint32_t word = (uint32_t)bits;
    memcpy(to, &word, sizeof word);
    out->n += width;
}

void rle_end_group(struct rle *rle)
{
    if (rle->repeat >= RLE_GROUP) { /* the group is the beginning of a run */
        end_packed(rle);
        rle->group_count = 0;
        return;
    }
    if (!rle->packed) {
        rle->header = rle->out.n;
        buf_append_char(&rle->out, 0);
    }
    pack_group(&rle->out, rle->group, rle->width);
    if (++rle->packed == PACKED_MAX)
        end_packed(rle);
    rle->group_count = 0;
    rle->repeat = 0;
}

void rle_put_run(struct rle *rle, uint32_t value, uint32_t n)
{
    while (n && (value != rle->value || rle->repeat < RLE_GROUP)) {
        rle_put(rle, value);
        n--;
    }
    rle->repeat += n;
}

void rle_finish(struct rle *rle)
{
    if (rle->repeat && !rle->packed && (rle->group_count == 0 || rle->repeat == rle->group_count)) {
        rle_end_run(rle);
    } else if (rle->group_count) {
        while (rle->group_count < RLE_GROUP)
            rle->group[rle->group_count++] = 0;
        rle->repeat = 0; /* what fills up is not part of a run */
        rle_end_group(rle);
    }
    end_packed(rle);
}

void rle_pack(struct buf *out, const uint64_t *values, unsigned width)
{
    if (!buf_reserve(out, width + sizeof(uint64_t)))
        return;
    char *to = out->p + out->n;
    unsigned __int128 bits = 0;
    unsigned count = 0;
    for (int i = 0; i < RLE_GROUP; i++) {
        bits |= (unsigned __int128)values[i] << count;
        count += width;
        if (count >= 64) {
            uint64_t word = (uint64_t)bits;
            memcpy(to, &word, sizeof word);
            to += sizeof word;
            bits >>= 64;
            count -= 64;
        }
    }
    uint64_t word = (uint64_t)bits;
    memcpy(to, &word, sizeof word);
    out->n += width;
}
