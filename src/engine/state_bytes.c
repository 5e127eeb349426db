#include "engine/state_bytes.h"

#include "base/crc32c.h"

static const char magic[8] = {'s', 'l', 'u', 'i', 'c', 'e', 'S', 'T'};

enum { FORMAT_VERSION = 1, CHECKSUM_BYTES = 4 };

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

void state_frame_begin(struct buf *out, const struct state_frame *frame)
{
    buf_append(out, magic, sizeof magic);
    state_put_u32(out, FORMAT_VERSION);
    buf_append_char(out, (char)frame->kind);
    buf_append_char(out, (char)frame->extent);
    state_put_number(out, frame->schema.n);
    buf_append_str(out, frame->schema);
}

void state_frame_end(struct buf *out, size_t start)
{
    if (!out->failed)
        state_put_u32(out, crc32c(0, (struct str){out->p + start, out->n - start}));
}

static int damaged(struct err *err, const char *how)
{
    return err_set(err, ERR_CORRUPT, "the saved state is damaged: %s", how);
}

static int check_sum(struct str bytes, struct err *err)
{
    if (bytes.n < sizeof magic + CHECKSUM_BYTES || memcmp(bytes.p, magic, sizeof magic) != 0)
        return err_set(err, ERR_CORRUPT, "these bytes are not a saved state of sluice");
    struct str body = {bytes.p, bytes.n - CHECKSUM_BYTES};
    struct state_reader end = {str_end(body), str_end(bytes), false};
    struct state_reader version = {bytes.p + sizeof magic, str_end(body), false};
    uint32_t found = state_read_u32(&version);
    if (found > FORMAT_VERSION && !version.failed)
        return err_set(err, ERR_CORRUPT,
                       "the saved state has format %u, this version of sluice reads up to %d: it "
                       "was made by a newer one, or is damaged",
                       found, FORMAT_VERSION);
    if (crc32c(0, body) != state_read_u32(&end))
        return damaged(err, "its checksum is wrong");
    return found == FORMAT_VERSION ? 0 : damaged(err, "it has no format");
}

int state_frame_open(struct state_frame *wanted, struct str bytes, struct state_reader *content,
                     struct err *err)
{
    int code = check_sum(bytes, err);
    if (code)
        return code;
    *content =
        (struct state_reader){bytes.p + sizeof magic + 4, str_end(bytes) - CHECKSUM_BYTES, false};
    uint8_t kind = state_read_u8(content), extent = state_read_u8(content);
    struct str schema = state_read_bytes(content, state_get_number(content, UINT32_MAX));
    if (content->failed || extent > 1)
        return damaged(err, "its header is cut off");
    if (kind != wanted->kind || !str_eq(schema, wanted->schema))
        return err_set(err, ERR_CORRUPT,
                       "the saved state is of another query: it keeps \"%.*s\", this one keeps "
                       "\"%.*s\"",
                       (int)(schema.n < 300 ? schema.n : 300), schema.p,
                       (int)(wanted->schema.n < 300 ? wanted->schema.n : 300), wanted->schema.p);
    wanted->extent = extent;
    return 0;
}
