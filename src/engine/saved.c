#include "engine/saved.h"

#include "base/crc32c.h"
#include "engine/state_bytes.h"

static const char magic[8] = {'s', 'l', 'u', 'i', 'c', 'e', 'S', 'T'};

enum {
    FORMAT_VERSION = 1,
    CHECKSUM_BYTES = 4,
    /* Where things are in a chunk. */
    AT_VERSION = 8,
    AT_LENGTH = 12,
    AT_KIND = 16,
    AT_FLAGS = 18,
    AT_NUMBER = 20,
    AT_ROWS = 28,
    AT_NAME = 32,
    BYTES_MIN = AT_NAME + 1 + CHECKSUM_BYTES,
};

static void patch_u32(struct buf *out, size_t at, uint32_t v)
{
    for (size_t i = 0; i < sizeof v; i++)
        out->p[at + i] = (char)(v >> (8 * i));
}

void saved_chunk_begin(struct buf *out, const struct saved_chunk *chunk)
{
    REQUIRE(out->n == 0);
    buf_append(out, magic, sizeof magic);
    state_put_u32(out, FORMAT_VERSION);
    state_put_u32(out, 0); /* its length */
    buf_append_char(out, (char)chunk->kind);
    buf_append_char(out, (char)chunk->extent);
    buf_append_char(out, (char)chunk->flags);
    buf_append_char(out, 0);
    state_put_u64(out, chunk->number);
    state_put_u32(out, 0); /* rows */
    state_put_number(out, chunk->name.n);
    buf_append_str(out, chunk->name);
}

void saved_chunk_end(struct buf *out, uint8_t flags, uint32_t rows)
{
    if (out->n > UINT32_MAX - CHECKSUM_BYTES)
        out->failed = true;
    if (out->failed)
        return;
    out->p[AT_FLAGS] = (char)flags;
    patch_u32(out, AT_ROWS, rows);
    patch_u32(out, AT_LENGTH, (uint32_t)out->n + CHECKSUM_BYTES);
    state_put_u32(out, crc32c(0, buf_str(out)));
}

/* ---- back ---- */

int saved_damaged(struct err *err, size_t at, const char *how)
{
    return err_set(err, ERR_CORRUPT, "the saved state is damaged: the chunk at byte %zu %s", at,
                   how);
}

static int cut_off(struct err *err, size_t at, size_t wanted, size_t rest)
{
    return err_set(err, ERR_CORRUPT,
                   "the saved state is cut off: the chunk at byte %zu has %zu bytes, of which %zu "
                   "are there",
                   at, wanted, rest);
}

static uint32_t read_u32(struct str bytes, size_t at)
{
    struct state_reader in = {bytes.p + at, str_end(bytes), false};
    return state_read_u32(&in);
}

/* Magic, version, length and checksum: whether the bytes are what was once written. */
static int check_frame(struct str rest, size_t at, uint32_t *length, struct err *err)
{
    size_t head = rest.n < sizeof magic ? rest.n : sizeof magic;
    if (memcmp(rest.p, magic, head) != 0)
        return err_set(err, ERR_CORRUPT,
                       "at byte %zu there is no saved state of sluice: the bytes are damaged or of "
                       "something else",
                       at);
    if (rest.n < AT_KIND)
        return cut_off(err, at, BYTES_MIN, rest.n);
    uint32_t version = read_u32(rest, AT_VERSION);
    if (version > FORMAT_VERSION)
        return err_set(err, ERR_CORRUPT,
                       "the saved state has format %u (at byte %zu), this version of sluice reads "
                       "up to %d: it was made by a newer one, or is damaged",
                       version, at, FORMAT_VERSION);
    *length = read_u32(rest, AT_LENGTH);
    if (*length < BYTES_MIN)
        return saved_damaged(err, at, "has no length");
    if (*length > rest.n)
        return cut_off(err, at, *length, rest.n);
    struct str body = {rest.p, *length - CHECKSUM_BYTES};
    if (crc32c(0, body) != read_u32(rest, *length - CHECKSUM_BYTES))
        return saved_damaged(err, at, "has a wrong checksum");
    return version == FORMAT_VERSION ? 0 : saved_damaged(err, at, "has no format");
}

int saved_chunk_read(struct str file, size_t at, struct saved_chunk *out, struct err *err)
{
    struct str rest = {file.p + at, file.n - at};
    uint32_t length = 0;
    int code = check_frame(rest, at, &length, err);
    if (code)
        return code;
    struct state_reader in = {rest.p + AT_KIND, rest.p + length - CHECKSUM_BYTES, false};
    *out = (struct saved_chunk){.bytes = length};
    out->kind = state_read_u8(&in);
    out->extent = state_read_u8(&in);
    out->flags = state_read_u8(&in);
    uint8_t zero = state_read_u8(&in);
    out->number = state_read_u64(&in);
    out->rows = state_read_u32(&in);
    out->name = state_read_bytes(&in, state_get_number(&in, UINT32_MAX));
    out->content = (uint32_t)(in.p - rest.p);
    bool known = out->kind == SAVED_SOURCE || out->kind == SAVED_QUERY;
    if (in.failed || !known || out->extent > 1 || out->flags > 7 || zero)
        return saved_damaged(err, at, "has a damaged header");
    return 0;
}
