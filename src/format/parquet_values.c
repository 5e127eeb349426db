#include "format/parquet_values.h"

#include "base/utf8.h"

void parquet_gather_fini(struct parquet_gather *gather)
{
    buf_fini(&gather->picks);
    buf_fini(&gather->data);
    buf_fini(&gather->fixed);
    buf_fini(&gather->decimals);
    arena_fini(&gather->clean);
}

size_t parquet_gather_memory(const struct parquet_gather *gather)
{
    return gather->picks.capacity + gather->data.capacity + gather->fixed.capacity +
           gather->decimals.capacity + gather->clean.bytes;
}

static void *room(struct buf *buf, size_t bytes)
{
    buf_clear(buf);
    return buf_reserve(buf, bytes + 1) ? buf->p : NULL;
}

/* The rows of the leaf's vector that have values; NULL without memory. */
static const uint32_t *pick(struct parquet_gather *gather, uint32_t def_max,
                            const struct parquet_level *levels, uint32_t count, size_t *n)
{
    uint32_t *picks = room(&gather->picks, count * sizeof *picks);
    *n = 0;
    for (uint32_t i = 0; picks && i < count; i++) {
        picks[*n] = levels[i].row;
        *n += levels[i].def == def_max;
    }
    return picks;
}

/* out[i] = from[picks[i]], or from[first + i] where there are no picks. */
#define COPY(to_type, to, from)                                                                    \
    do {                                                                                           \
        to_type *to_ = (to);                                                                       \
        if (picks)                                                                                 \
            for (size_t i = 0; i < n; i++)                                                         \
                to_[i] = (to_type)(from)[picks[i]];                                                \
        else                                                                                       \
            for (size_t i = 0; i < n; i++)                                                         \
                to_[i] = (to_type)(from)[first + i];                                               \
    } while (0)

static void copy_i32(const struct vec *vec, const uint32_t *picks, uint32_t first, size_t n,
                     int32_t *out)
{
    switch (vec->type->kind) {
    case TYPE_TINYINT:
        COPY(int32_t, out, vec->i8);
        return;
    case TYPE_SMALLINT:
        COPY(int32_t, out, vec->i16);
        return;
    case TYPE_DECIMAL:
        COPY(int32_t, out, vec->decimal);
        return;
    default: /* INT, DATE, and FLOAT by its bits */
        COPY(int32_t, out, vec->i32);
    }
}

static void copy_i64(const struct vec *vec, const uint32_t *picks, uint32_t first, size_t n,
                     int64_t *out)
{
    if (vec->type->kind == TYPE_DECIMAL)
        COPY(int64_t, out, vec->decimal);
    else /* BIGINT, TIMESTAMP, and DOUBLE by its bits */
        COPY(int64_t, out, vec->i64);
}

static void copy_strs(const struct vec *vec, const uint32_t *picks, uint32_t first, size_t n,
                      struct str *out)
{
    for (size_t i = 0; i < n; i++)
        out[i] = vec->str[picks ? picks[i] : first + i];
}

static inline uint64_t load(const char *p, size_t n)
{
    uint64_t x = 0;
    memcpy(&x, p, n);
    return x;
}

/* Most texts are short and ASCII: their last bytes are loaded twice rather than one by one. */
static inline bool is_ascii(struct str s)
{
    uint64_t bits = 0;
    size_t i = 0;
    for (; i + 8 < s.n; i += 8)
        bits |= load(s.p + i, 8);
    if (s.n >= 8) {
        bits |= load(s.p + s.n - 8, 8);
    } else if (s.n >= 4) {
        bits |= load(s.p, 4) | load(s.p + s.n - 4, 4);
    } else {
        for (; i < s.n; i++)
            bits |= (unsigned char)s.p[i];
    }
    return !(bits & 0x8080808080808080U);
}

static bool clean_texts(struct parquet_gather *gather, struct str *texts, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (LIKELY(is_ascii(texts[i])) || utf8_valid(texts[i]))
            continue;
        struct buf text = {0};
        utf8_append_clean(&text, texts[i]);
        texts[i] = text.failed ? (struct str){0} : arena_str(&gather->clean, buf_str(&text));
        buf_fini(&text);
        if (!texts[i].p)
            return false;
    }
    return true;
}

/* Big-endian two's complement. */
static bool copy_fixed(struct parquet_gather *gather, const struct parquet_leaf *leaf,
                       const __int128 *numbers, size_t n, struct str *out)
{
    uint32_t width = leaf->width;
    char *to = room(&gather->fixed, n * width);
    for (size_t i = 0; to && i < n; i++, to += width) {
        for (uint32_t k = 0; k < width; k++)
            to[k] = (char)(numbers[i] >> (8 * (width - 1 - k)));
        out[i] = (struct str){to, width};
    }
    return to;
}

static size_t item_bytes(const struct parquet_leaf *leaf)
{
    switch (leaf->physical) {
    case PARQUET_BOOLEAN:
        return 1;
    case PARQUET_BYTES:
    case PARQUET_FIXED:
        return sizeof(struct str);
    default:
        return leaf->width;
    }
}

static bool copy_values(struct parquet_gather *gather, const struct parquet_leaf *leaf,
                        const struct vec *vec, const uint32_t *picks, uint32_t first,
                        struct parquet_values *out)
{
    size_t n = out->count;
    void *data = room(&gather->data, n * item_bytes(leaf));
    if (!data)
        return false;
    out->data = data;
    switch (leaf->physical) {
    case PARQUET_BOOLEAN:
        COPY(uint8_t, data, vec->boolean);
        return true;
    case PARQUET_INT32:
    case PARQUET_FLOAT:
        copy_i32(vec, picks, first, n, data);
        return true;
    case PARQUET_INT64:
    case PARQUET_DOUBLE:
        copy_i64(vec, picks, first, n, data);
        return true;
    case PARQUET_BYTES:
        copy_strs(vec, picks, first, n, data);
        return leaf->type->kind != TYPE_STRING || clean_texts(gather, data, n);
    case PARQUET_FIXED:
        break;
    }
    __int128 *numbers = room(&gather->decimals, n * sizeof *numbers);
    if (!numbers)
        return false;
    COPY(__int128, numbers, vec->decimal);
    out->decimal = numbers;
    return copy_fixed(gather, leaf, numbers, n, data);
}

int parquet_gather(struct parquet_gather *gather, const struct parquet_leaf *leaf,
                   const struct parquet_levels *levels, uint32_t first, uint32_t count,
                   struct parquet_values *out, struct err *err)
{
    const uint32_t *picks = NULL;
    arena_reset(&gather->clean);
    *out = (struct parquet_values){.count = count};
    if (levels->levels) {
        picks = pick(gather, leaf->def_max, levels->levels + first, count, &out->count);
        if (!picks)
            return err_set(err, ERR_NOMEM, "out of memory for values");
        first = 0;
    }
    if (!copy_values(gather, leaf, levels->vec, picks, first, out))
        return err_set(err, ERR_NOMEM, "out of memory for values");
    return 0;
}
