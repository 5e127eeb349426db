/* agg_kept.c: one value kept in an accumulator. */
#include "sql/agg_value.h"

static bool is_text(const struct type *type)
{
    return type->kind == TYPE_STRING || type->kind == TYPE_BINARY;
}

static bool is_nested(const struct type *type)
{
    return type->kind == TYPE_STRUCT || type->kind == TYPE_ARRAY;
}

static struct agg_blob view_of(struct str s)
{
    /* The view is only read: what is kept is a copy. */
    return (struct agg_blob){s.p ? (char *)(uintptr_t)s.p : (char *)(uintptr_t) "", (uint32_t)s.n,
                             0};
}

static struct agg_i128 fixed_of(const struct vec *vec, uint32_t row)
{
    struct agg_i128 fixed = {0};
    size_t width = type_width(vec->type);
    if (width == 16)
        return agg_i128_of(vec->decimal[row]);
    if (width == 1)
        fixed.low = (uint64_t)vec->i8[row];
    else if (width == 2)
        fixed.low = (uint64_t)vec->i16[row];
    else if (width == 4)
        fixed.low = (uint64_t)vec->i32[row];
    else if (width == 8)
        fixed.low = (uint64_t)vec->i64[row];
    return fixed;
}

struct agg_kept agg_kept_view(const struct vec *vec, uint32_t row, struct buf *scratch)
{
    if (vec_is_null(vec, row))
        return (struct agg_kept){.state = AGG_KEPT_NULL};
    struct agg_kept kept = {.state = AGG_KEPT_VALUE};
    if (is_text(vec->type)) {
        kept.blob = view_of(vec->str[row]);
    } else if (is_nested(vec->type)) {
        buf_clear(scratch);
        agg_value_put(vec, row, scratch);
        kept.blob = view_of(buf_str(scratch));
    } else {
        kept.fixed = fixed_of(vec, row);
    }
    return kept;
}

int agg_kept_set(const struct type *type, struct agg_kept *kept, struct state_heap *heap,
                 const struct agg_kept *from, struct err *err)
{
    if (from->state == AGG_KEPT_VALUE && (is_text(type) || is_nested(type))) {
        int code = agg_blob_set(&kept->blob, heap, agg_blob_str(&from->blob), err);
        if (code != 0)
            return code;
    } else if (from->state == AGG_KEPT_VALUE) {
        kept->fixed = from->fixed;
    } else {
        agg_kept_free(type, kept, heap);
    }
    kept->state = from->state;
    return 0;
}

void agg_kept_free(const struct type *type, struct agg_kept *kept, struct state_heap *heap)
{
    if (is_text(type) || is_nested(type))
        agg_blob_free(&kept->blob, heap);
    *kept = (struct agg_kept){.state = AGG_KEPT_NOTHING};
}

void agg_kept_encode(const struct type *type, const struct agg_kept *kept, struct buf *out)
{
    agg_put_u8(out, (uint8_t)kept->state);
    if (kept->state != AGG_KEPT_VALUE)
        return;
    if (is_text(type) || is_nested(type)) {
        agg_put_u32(out, kept->blob.n);
        buf_append(out, kept->blob.p, kept->blob.n);
        return;
    }
    agg_put_u64(out, kept->fixed.low);
    agg_put_u64(out, kept->fixed.high);
}

int agg_kept_decode(const struct type *type, struct agg_kept *kept, struct state_heap *heap,
                    struct state_reader *in)
{
    uint8_t state = state_read_u8(in);
    if (in->failed || state > AGG_KEPT_VALUE)
        return ERR_CORRUPT;
    kept->state = state;
    if (state != AGG_KEPT_VALUE)
        return 0;
    if (!is_text(type) && !is_nested(type)) {
        kept->fixed.low = state_read_u64(in);
        kept->fixed.high = state_read_u64(in);
        if (type->kind == TYPE_BOOLEAN)
            kept->fixed.low &= 1;
        return in->failed ? ERR_CORRUPT : 0;
    }
    struct str bytes = state_read_bytes(in, state_read_u32(in));
    struct state_reader value = agg_reader(bytes);
    if (in->failed ||
        (is_nested(type) && (!agg_value_skip(type, &value) || value.p != value.end))) {
        kept->state = AGG_KEPT_NOTHING;
        return ERR_CORRUPT;
    }
    int code = agg_blob_set(&kept->blob, heap, bytes, NULL);
    if (code != 0)
        kept->state = AGG_KEPT_NOTHING;
    return code;
}

#define ORDER(x, y) (((x) > (y)) - ((x) < (y)))

static double floating(const struct type *type, const struct agg_kept *kept)
{
    double wide;
    float narrow;
    uint32_t bits = (uint32_t)kept->fixed.low;
    memcpy(&wide, &kept->fixed.low, sizeof wide);
    memcpy(&narrow, &bits, sizeof narrow);
    return type->kind == TYPE_FLOAT ? (double)narrow : wide;
}

int agg_kept_compare(const struct type *type, const struct agg_kept *a, const struct agg_kept *b)
{
    if (is_text(type))
        return str_cmp(agg_blob_str(&a->blob), agg_blob_str(&b->blob));
    if (is_nested(type)) {
        struct state_reader x = agg_reader(agg_blob_str(&a->blob));
        struct state_reader y = agg_reader(agg_blob_str(&b->blob));
        return agg_value_compare(type, &x, &y);
    }
    if (type_is_floating(type->kind)) {
        double x = floating(type, a), y = floating(type, b);
        return x != x || y != y ? (x != x) - (y != y) : ORDER(x, y);
    }
    if (type->kind == TYPE_DECIMAL) {
        __int128 x = agg_i128_get(a->fixed), y = agg_i128_get(b->fixed);
        return ORDER(x, y);
    }
    return ORDER((int64_t)a->fixed.low, (int64_t)b->fixed.low);
}

static void store_fixed(const struct agg_kept *kept, struct vec *out, uint32_t row)
{
    size_t width = type_width(out->type);
    if (width == 16)
        out->decimal[row] = agg_i128_get(kept->fixed);
    else if (width == 1)
        out->i8[row] = (int8_t)kept->fixed.low;
    else if (width == 2)
        out->i16[row] = (int16_t)kept->fixed.low;
    else if (width == 4)
        out->i32[row] = (int32_t)kept->fixed.low;
    else if (width == 8)
        out->i64[row] = (int64_t)kept->fixed.low;
}

static int nested_vec(const struct type *type, char *const *groups, size_t offset, uint32_t n,
                      struct arena *arena, struct vec *out)
{
    struct state_reader *readers = ARENA_ARRAY(arena, struct state_reader, n);
    for (uint32_t i = 0; readers && i < n; i++) {
        const struct agg_kept *kept = AGG_AT(struct agg_kept, i);
        if (kept->state == AGG_KEPT_VALUE)
            readers[i] = agg_reader(agg_blob_str(&kept->blob));
    }
    return readers ? agg_value_vec(type, readers, n, arena, out) : ERR_NOMEM;
}

int agg_kept_vec(const struct type *type, char *const *groups, size_t offset, uint32_t n,
                 struct arena *arena, struct vec *out)
{
    if (is_nested(type))
        return nested_vec(type, groups, offset, n, arena, out);
    if (vec_init(out, type, n, arena) != 0 || vec_ensure_valid(out, arena) != 0)
        return ERR_NOMEM;
    for (uint32_t i = 0; i < n; i++) {
        const struct agg_kept *kept = AGG_AT(struct agg_kept, i);
        if (is_text(type))
            out->str[i] =
                kept->state == AGG_KEPT_VALUE ? agg_blob_str(&kept->blob) : (struct str){NULL, 0};
        else
            store_fixed(kept, out, i);
        if (kept->state != AGG_KEPT_VALUE)
            vec_set_null(out, i);
    }
    return 0;
}
