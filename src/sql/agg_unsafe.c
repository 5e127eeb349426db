/* agg_unsafe.c: values laid out as Spark's UnsafeRow and UnsafeArrayData, of which it hashes the
 * bytes (UnsafeRowWriter, UnsafeArrayWriter).
 *
 * A row: a bit per field that is NULL, in words; a word per field; then what has no fixed size,
 * padded to words. An array: its length, the same bits, the elements at their own width, and the
 * rest alike. The word of something behind is its offset from the start, and its size below. */
#include "sql/agg_table.h"

enum { WORD = 8, DECIMAL_BYTES = 16 };

/* Where values are being put: a row or an array that begins at `start` of the buffer. */
struct place {
    struct buf *out;
    size_t start, bits, fixed; /* offsets in the buffer */
    size_t width;              /* of one fixed value */
    bool row;
};

static bool append_zeros(struct buf *out, size_t n)
{
    static const char zeros[64];
    for (; n > sizeof zeros; n -= sizeof zeros)
        buf_append(out, zeros, sizeof zeros);
    buf_append(out, zeros, n);
    return !out->failed;
}

static size_t words(size_t n)
{
    return (n + WORD - 1) / WORD * WORD;
}

static bool begin(struct place *place, struct buf *out, bool row, size_t count, size_t width)
{
    size_t bits = (count + 63) / 64 * WORD;
    place->out = out;
    place->row = row;
    place->width = width;
    place->start = out->n;
    place->bits = out->n + (row ? 0 : WORD);
    place->fixed = place->bits + bits;
    if (!append_zeros(out, place->fixed - out->n + words(count * width)))
        return false;
    uint64_t length = count;
    if (!row)
        memcpy(out->p + place->start, &length, sizeof length);
    return true;
}

static void put_fixed(const struct place *place, uint32_t i, const void *bytes, size_t n)
{
    memcpy(place->out->p + place->fixed + i * place->width, bytes, n);
}

static void put_behind(const struct place *place, uint32_t i, size_t at, size_t size)
{
    uint64_t word = (uint64_t)(at - place->start) << 32 | size;
    put_fixed(place, i, &word, sizeof word);
}

/* A DECIMAL of more than 18 digits: the shortest two's complement, the highest byte first; a row
 * keeps room for the longest. */
static bool put_wide_decimal(const struct place *place, uint32_t i, struct str bytes)
{
    size_t at = place->out->n, n = DECIMAL_BYTES;
    const uint8_t *low = (const uint8_t *)bytes.p;
    while (n > 1 && (low[n - 1] == 0 || low[n - 1] == 0xff) &&
           (low[n - 1] & 0x80) == (low[n - 2] & 0x80))
        n--;
    if (!append_zeros(place->out, place->row ? DECIMAL_BYTES : words(n)))
        return false;
    for (size_t k = 0; k < n; k++)
        place->out->p[at + k] = (char)low[n - 1 - k];
    put_behind(place, i, at, n);
    return true;
}

static bool is_wide(const struct type *type)
{
    return type->kind == TYPE_DECIMAL && type->precision > 18;
}

static bool put_null(const struct place *place, const struct type *type, uint32_t i)
{
    place->out->p[place->bits + i / 8] |= (char)(1 << i % 8);
    if (!place->row || !is_wide(type))
        return true;
    put_behind(place, i, place->out->n, 0);
    return append_zeros(place->out, DECIMAL_BYTES);
}

static bool put_text(const struct place *place, uint32_t i, struct str text)
{
    size_t at = place->out->n;
    buf_append_str(place->out, text);
    if (!append_zeros(place->out, words(text.n) - text.n))
        return false;
    put_behind(place, i, at, text.n);
    return true;
}

static bool put_nested(struct buf *out, const struct type *type, struct state_reader *in);

static bool put_value(const struct place *place, const struct type *type, uint32_t i,
                      struct state_reader *in)
{
    size_t at = place->out->n, n;
    switch (type->kind) {
    case TYPE_STRING:
    case TYPE_BINARY:
        n = state_read_u32(in);
        return put_text(place, i, state_read_bytes(in, n));
    case TYPE_STRUCT:
    case TYPE_ARRAY:
        if (!put_nested(place->out, type, in))
            return false;
        put_behind(place, i, at, place->out->n - at);
        return true;
    default:
        n = type_width(type);
        const struct str bytes = state_read_bytes(in, n);
        if (is_wide(type))
            return put_wide_decimal(place, i, bytes);
        put_fixed(place, i, bytes.p, n < WORD ? n : WORD);
        return true;
    }
}

static size_t element_width(const struct type *element)
{
    size_t width = element->kind == TYPE_VOID ? WORD : type_width(element);
    return width == 1 || width == 2 || width == 4 ? width : WORD;
}

static bool put_nested(struct buf *out, const struct type *type, struct state_reader *in)
{
    bool row = type->kind == TYPE_STRUCT;
    uint32_t count = row ? type->field_count : state_read_u32(in);
    struct place place;
    if (!begin(&place, out, row, count, row ? WORD : element_width(type->element)))
        return false;
    for (uint32_t i = 0; i < count; i++) {
        const struct type *inner = row ? type->fields[i].type : type->element;
        if (state_read_u8(in) ? !put_value(&place, inner, i, in) : !put_null(&place, inner, i))
            return false;
    }
    return true;
}

bool agg_unsafe_put(const struct type *type, struct str value, struct buf *out)
{
    struct state_reader in = agg_reader(value);
    if (type->kind != TYPE_BINARY)
        return put_nested(out, type, &in);
    struct place place; /* collect_set keeps it as an array of bytes */
    uint32_t n = state_read_u32(&in);
    struct str bytes = state_read_bytes(&in, n);
    if (!begin(&place, out, false, n, 1))
        return false;
    if (n)
        put_fixed(&place, 0, bytes.p, n);
    return true;
}
