#include "engine/state_bytes.h"

void state_put_u32(struct buf *out, uint32_t v)
{
    char bytes[4];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (char)(v >> (8 * i));
    buf_append(out, bytes, sizeof bytes);
}

void state_put_u64(struct buf *out, uint64_t v)
{
    state_put_u32(out, (uint32_t)v);
    state_put_u32(out, (uint32_t)(v >> 32));
}

void state_put_number(struct buf *out, uint64_t v)
{
    for (; v > 127; v >>= 7)
        buf_append_char(out, (char)(v | 128));
    buf_append_char(out, (char)v);
}

uint64_t state_get_number(struct state_reader *in, uint64_t max)
{
    uint64_t v = 0;
    for (uint32_t shift = 0; shift < 64 && !in->failed; shift += 7) {
        uint8_t byte = state_read_u8(in);
        uint64_t part = byte & 127;
        if ((byte == 0 && shift > 0) || part << shift >> shift != part)
            break;
        v |= part << shift;
        if (byte < 128) {
            if (v > max)
                break;
            return v;
        }
    }
    in->failed = true;
    return 0;
}
