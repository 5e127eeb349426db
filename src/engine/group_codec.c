/* group_codec.c: keys as bytes: a bit per leaf that says NULL (low bits first), then the values of
 * the others; see docs/state-format.md. */
#include "engine/state_bytes.h"
#include "engine/state_impl.h"

static void put_little(struct buf *out, const char *value, size_t width)
{
    unsigned __int128 v = 0;
    if (width == 16) {
        memcpy(&v, value, 16);
    } else if (width == 8) {
        uint64_t small;
        memcpy(&small, value, 8);
        v = small;
    } else if (width == 4) {
        uint32_t small;
        memcpy(&small, value, 4);
        v = small;
    } else if (width == 2) {
        uint16_t small;
        memcpy(&small, value, 2);
        v = small;
    } else {
        v = (uint8_t)*value;
    }
    char bytes[16];
    for (size_t i = 0; i < width; i++)
        bytes[i] = (char)(v >> (8 * i));
    buf_append(out, bytes, width);
}

static const char *text_at(const struct key_leaf *leaf, const char *row)
{
    const char *text;
    memcpy(&text, row + leaf->offset, sizeof text);
    return text;
}

void group_keys_encode(const struct group_keys *keys, const char *row, struct buf *out)
{
    uint8_t bits = 0;
    for (uint32_t k = 0; k < keys->leaf_count; k++) {
        const struct key_leaf *leaf = &keys->leaves[k];
        bool null =
            leaf->kind == LEAF_TEXT ? !text_at(leaf, row) : group_keys_is_null(keys, leaf, row);
        bits |= (uint8_t)(null << (k % 8));
        if (k % 8 == 7 || k + 1 == keys->leaf_count) {
            buf_append_char(out, (char)bits);
            bits = 0;
        }
    }
    for (uint32_t k = 0; k < keys->leaf_count; k++) {
        const struct key_leaf *leaf = &keys->leaves[k];
        if (leaf->kind == LEAF_TEXT) {
            const char *text = text_at(leaf, row);
            struct str s = text ? group_text_read(text) : (struct str){NULL, 0};
            if (text) {
                state_put_number(out, s.n);
                buf_append_str(out, s);
            }
        } else if (leaf->kind != LEAF_NOTHING && !group_keys_is_null(keys, leaf, row)) {
            put_little(out, row + leaf->offset, key_leaf_width(leaf));
        }
    }
}

/* ---- back ---- */

static unsigned __int128 read_little(struct state_reader *in, size_t width)
{
    struct str s = state_read_bytes(in, width);
    unsigned __int128 v = 0;
    for (size_t i = s.n; i-- > 0;)
        v = v << 8 | (uint8_t)s.p[i];
    return v;
}

/* Puts the bytes of v, of which the low ones count, where the machine keeps such a value. */
static void set_value(struct vec *vec, uint32_t row, size_t width, unsigned __int128 v)
{
    switch (width) {
    case 1:
        vec->i8[row] = (int8_t)v;
        break;
    case 2:
        vec->i16[row] = (int16_t)v;
        break;
    case 4:
        vec->i32[row] = (int32_t)v;
        break;
    case 8:
        vec->i64[row] = (int64_t)v;
        break;
    default:
        vec->decimal[row] = (__int128)v;
        break;
    }
}

/* Only the one form that is written is read: of floats the normalised, of booleans 0 and 1. */
static bool is_plain(const struct group_keys *keys, const struct key_leaf *leaf,
                     const struct vec *vec, uint32_t row)
{
    if (leaf->type->kind == TYPE_BOOLEAN)
        return vec->boolean[row] <= 1;
    uint64_t bits = leaf->kind == LEAF_64_BITS   ? (uint64_t)vec->i64[row]
                    : leaf->kind == LEAF_32_BITS ? (uint32_t)vec->i32[row]
                                                 : 0;
    if (leaf->type->kind == TYPE_DOUBLE)
        return (vec->f64[row] == vec->f64[row] || bits == 0x7ff8000000000000) &&
               (keys->exact_zero || bits != 1ULL << 63);
    if (leaf->type->kind == TYPE_FLOAT)
        return (vec->f32[row] == vec->f32[row] || bits == 0x7fc00000) &&
               (keys->exact_zero || bits != 1U << 31);
    return true;
}

static void read_value(const struct group_keys *keys, const struct key_leaf *leaf,
                       struct state_reader *in, struct vec *vec, uint32_t row)
{
    size_t width = key_leaf_width(leaf);
    if (leaf->type->kind == TYPE_VOID) {
        in->failed = true; /* it is never but NULL */
    } else if (leaf->kind == LEAF_TEXT) {
        vec->str[row] = state_read_bytes(in, state_get_number(in, UINT64_MAX));
    } else if (width) {
        set_value(vec, row, width, read_little(in, width));
        in->failed |= !is_plain(keys, leaf, vec, row);
    }
}

/* The leaves inside a NULL struct are NULL. */
static bool nulls_nest(const struct group_keys *keys, const struct vec *leaves, uint32_t row)
{
    for (uint32_t k = 0; k < keys->leaf_count; k++) {
        uint32_t inside = vec_is_null(&leaves[k], row) ? keys->leaves[k].inside : 0;
        for (uint32_t i = 1; i <= inside; i++) {
            if (!vec_is_null(&leaves[k + i], row))
                return false;
        }
    }
    return true;
}

bool group_keys_decode(const struct group_keys *keys, struct state_reader *in,
                       struct key_block *out, uint32_t row)
{
    struct vec *leaves = out->leaves;
    uint8_t bits = 0;
    for (uint32_t k = 0; k < keys->leaf_count; k++) {
        if (k % 8 == 0)
            bits = state_read_u8(in);
        if (bits >> (k % 8) & 1)
            vec_set_null(&leaves[k], row);
    }
    if (keys->leaf_count % 8 && bits >> (keys->leaf_count % 8))
        return false;
    for (uint32_t k = 0; k < keys->leaf_count && !in->failed; k++) {
        if (!vec_is_null(&leaves[k], row))
            read_value(keys, &keys->leaves[k], in, &leaves[k], row);
    }
    return !in->failed && nulls_nest(keys, leaves, row);
}

int group_keys_decode_begin(const struct group_keys *keys, uint32_t n, struct arena *arena,
                            struct key_block *out)
{
    *out = (struct key_block){.rows = n};
    out->leaves = ARENA_ARRAY(arena, struct vec, keys->leaf_count);
    if (!out->leaves)
        return ERR_NOMEM;
    for (uint32_t k = 0; k < keys->leaf_count; k++) {
        struct vec *leaf = &out->leaves[k];
        *leaf = (struct vec){.type = keys->leaves[k].type, .rows = n};
        leaf->data = arena_calloc(arena, n, type_width(leaf->type));
        if (!leaf->data || vec_ensure_valid(leaf, arena) != 0)
            return ERR_NOMEM;
    }
    return 0;
}
