/* group_keys.c: keys in rows; group_hash.c makes columns ready for lookup. */
#include "engine/group_keys.h"

#include "base/err.h"

static uint32_t count_leaves(const struct type *type)
{
    uint32_t n = 1;
    if (type->kind == TYPE_STRUCT) {
        for (uint32_t i = 0; i < type->field_count; i++)
            n += count_leaves(type->fields[i].type);
    }
    return n;
}

static enum key_leaf_kind leaf_kind(const struct type *type)
{
    if (type->kind == TYPE_STRING || type->kind == TYPE_BINARY)
        return LEAF_TEXT;
    switch (type_width(type)) {
    case 1:
        return LEAF_8_BITS;
    case 2:
        return LEAF_16_BITS;
    case 4:
        return LEAF_32_BITS;
    case 8:
        return LEAF_64_BITS;
    case 16:
        return LEAF_128_BITS;
    default:
        return LEAF_NOTHING;
    }
}

static struct key_leaf *add_leaves(struct key_leaf *next, const struct type *type)
{
    struct key_leaf *leaf = next++;
    leaf->type = type;
    leaf->kind = (uint8_t)leaf_kind(type);
    if (type->kind == TYPE_STRUCT) {
        for (uint32_t i = 0; i < type->field_count; i++)
            next = add_leaves(next, type->fields[i].type);
        leaf->inside = (uint32_t)(next - leaf) - 1;
    }
    return next;
}

int group_keys_init(struct group_keys *keys, const struct type *const *types, uint32_t key_count,
                    bool exact_zero, struct arena *arena)
{
    *keys = (struct group_keys){.types = types, .key_count = key_count, .exact_zero = exact_zero};
    for (uint32_t i = 0; i < key_count; i++)
        keys->leaf_count += count_leaves(types[i]);
    keys->leaves = ARENA_ARRAY(arena, struct key_leaf, keys->leaf_count);
    if (!keys->leaves)
        return ERR_NOMEM;
    struct key_leaf *next = keys->leaves;
    for (uint32_t i = 0; i < key_count; i++)
        next = add_leaves(next, types[i]);
    uint32_t offset = 0, bits = 0;
    for (size_t width = 16; width; width /= 2) {
        for (uint32_t i = 0; i < keys->leaf_count; i++) {
            struct key_leaf *leaf = &keys->leaves[i];
            if (key_leaf_width(leaf) != width)
                continue;
            leaf->offset = offset;
            offset += (uint32_t)width;
        }
    }
    for (uint32_t i = 0; i < keys->leaf_count; i++) {
        if (keys->leaves[i].kind != LEAF_TEXT)
            keys->leaves[i].bit = bits++;
    }
    keys->bits_offset = offset;
    keys->size = offset + (bits + 7) / 8;
    return 0;
}

uint32_t group_keys_leaf(const struct group_keys *keys, uint32_t key)
{
    uint32_t leaf = 0;
    while (key-- > 0)
        leaf += 1 + keys->leaves[leaf].inside;
    return leaf;
}

static const char *stored_text(const struct key_leaf *leaf, const char *row)
{
    const char *text;
    memcpy(&text, row + leaf->offset, sizeof text);
    return text;
}

static bool same_value(const struct key_leaf *leaf, const char *row, const struct vec *vec,
                       uint32_t i)
{
    const char *value = row + leaf->offset;
    switch (leaf->kind) {
    case LEAF_8_BITS:
        return *(const int8_t *)value == vec->i8[i];
    case LEAF_16_BITS:
        return memcmp(value, &vec->i16[i], 2) == 0;
    case LEAF_32_BITS:
        return memcmp(value, &vec->i32[i], 4) == 0;
    case LEAF_64_BITS:
        return memcmp(value, &vec->i64[i], 8) == 0;
    case LEAF_128_BITS:
        return memcmp(value, &vec->decimal[i], 16) == 0;
    default:
        return true;
    }
}

bool group_keys_equal(const struct group_keys *keys, const char *row, const struct key_block *block,
                      uint32_t i)
{
    for (uint32_t k = 0; k < keys->leaf_count; k++) {
        const struct key_leaf *leaf = &keys->leaves[k];
        const struct vec *vec = &block->leaves[k];
        bool null = vec_is_null(vec, i);
        if (leaf->kind == LEAF_TEXT) {
            const char *text = stored_text(leaf, row);
            if (null ? text != NULL : !text || !group_text_is(text, vec->str[i]))
                return false;
            continue;
        }
        if (group_keys_is_null(keys, leaf, row) != null)
            return false;
        if (!null && !same_value(leaf, row, vec, i))
            return false;
    }
    return true;
}

int group_keys_store(const struct group_keys *keys, char *row, const struct key_block *block,
                     uint32_t i, struct group_text *text)
{
    for (uint32_t k = 0; k < keys->leaf_count; k++) {
        const struct key_leaf *leaf = &keys->leaves[k];
        const struct vec *vec = &block->leaves[k];
        if (vec_is_null(vec, i)) {
            if (leaf->kind != LEAF_TEXT)
                row[keys->bits_offset + leaf->bit / 8] |= (char)(1 << (leaf->bit % 8));
            continue;
        }
        size_t width = key_leaf_width(leaf);
        if (leaf->kind == LEAF_TEXT) {
            const char *stored = group_text_add(text, vec->str[i]);
            if (!stored)
                return ERR_NOMEM;
            memcpy(row + leaf->offset, &stored, sizeof stored);
        } else if (width) {
            memcpy(row + leaf->offset, (const char *)vec->data + i * width, width);
        }
    }
    return 0;
}

void group_keys_release(const struct group_keys *keys, const char *row, struct group_text *text)
{
    for (uint32_t k = 0; k < keys->leaf_count; k++) {
        if (keys->leaves[k].kind != LEAF_TEXT)
            continue;
        const char *stored = stored_text(&keys->leaves[k], row);
        if (stored)
            group_text_remove(text, stored);
    }
}

static int load_leaf(const struct group_keys *keys, const struct key_leaf *leaf, char *const *rows,
                     uint32_t n, struct arena *arena, struct vec *out)
{
    size_t width = key_leaf_width(leaf);
    if (leaf->type->kind == TYPE_VOID)
        return vec_init_null(out, leaf->type, n, arena);
    if (vec_init(out, leaf->type, n, arena) != 0 || vec_ensure_valid(out, arena) != 0)
        return ERR_NOMEM;
    for (uint32_t i = 0; i < n; i++) {
        if (leaf->kind == LEAF_TEXT) {
            const char *text = stored_text(leaf, rows[i]);
            out->str[i] = text ? group_text_read(text) : (struct str){NULL, 0};
            if (!text)
                vec_set_null(out, i);
            continue;
        }
        if (width)
            memcpy((char *)out->data + i * width, rows[i] + leaf->offset, width);
        if (group_keys_is_null(keys, leaf, rows[i]))
            vec_set_null(out, i);
    }
    return 0;
}

/* One key with what is inside it; *leaf moves past them. */
static int load_key(const struct group_keys *keys, const struct key_leaf **leaf, char *const *rows,
                    uint32_t n, struct arena *arena, struct vec *out)
{
    const struct type *type = (*leaf)->type;
    if (load_leaf(keys, (*leaf)++, rows, n, arena, out) != 0)
        return ERR_NOMEM;
    for (uint32_t i = 0; type->kind == TYPE_STRUCT && i < type->field_count; i++) {
        if (load_key(keys, leaf, rows, n, arena, &out->children[i]) != 0)
            return ERR_NOMEM;
    }
    return 0;
}

int group_keys_load(const struct group_keys *keys, char *const *rows, uint32_t n,
                    struct arena *arena, struct vec *out)
{
    const struct key_leaf *leaf = keys->leaves;
    for (uint32_t k = 0; k < keys->key_count; k++) {
        if (load_key(keys, &leaf, rows, n, arena, &out[k]) != 0)
            return ERR_NOMEM;
    }
    return 0;
}

#define ORDER(x, y) (((x) > (y)) - ((x) < (y)))

#define ORDER_AS(ctype)                                                                            \
    do {                                                                                           \
        ctype x, y;                                                                                \
        memcpy(&x, a, sizeof x);                                                                   \
        memcpy(&y, b, sizeof y);                                                                   \
        return ORDER(x, y);                                                                        \
    } while (0)

/* NaN last; two zeros that were kept apart differ by their sign. */
static int compare_double(double x, double y)
{
    if (x != x || y != y)
        return (x != x) - (y != y);
    return x == 0 && y == 0 ? !__builtin_signbit(x) - !__builtin_signbit(y) : ORDER(x, y);
}

static int compare_values(const struct key_leaf *leaf, const char *a, const char *b)
{
    if (leaf->type->kind == TYPE_DOUBLE) {
        double x, y;
        memcpy(&x, a, sizeof x);
        memcpy(&y, b, sizeof y);
        return compare_double(x, y);
    }
    if (leaf->type->kind == TYPE_FLOAT) {
        float x, y;
        memcpy(&x, a, sizeof x);
        memcpy(&y, b, sizeof y);
        return compare_double((double)x, (double)y);
    }
    switch (leaf->kind) {
    case LEAF_8_BITS:
        ORDER_AS(int8_t);
    case LEAF_16_BITS:
        ORDER_AS(int16_t);
    case LEAF_32_BITS:
        ORDER_AS(int32_t);
    case LEAF_64_BITS:
        ORDER_AS(int64_t);
    case LEAF_128_BITS:
        ORDER_AS(__int128);
    default:
        return 0;
    }
}

int group_keys_compare(const struct group_keys *keys, const char *a, const char *b)
{
    for (uint32_t k = 0; k < keys->leaf_count; k++) {
        const struct key_leaf *leaf = &keys->leaves[k];
        int order;
        if (leaf->kind == LEAF_TEXT) {
            const char *x = stored_text(leaf, a), *y = stored_text(leaf, b);
            order = !x || !y ? (x != NULL) - (y != NULL)
                             : str_cmp(group_text_read(x), group_text_read(y));
        } else {
            bool x = group_keys_is_null(keys, leaf, a), y = group_keys_is_null(keys, leaf, b);
            order = x || y ? y - x : compare_values(leaf, a + leaf->offset, b + leaf->offset);
        }
        if (order)
            return order;
    }
    return 0;
}

bool group_keys_time(const struct group_keys *keys, uint32_t key, const char *row, int64_t *out)
{
    const struct key_leaf *leaf = &keys->leaves[group_keys_leaf(keys, key)];
    memcpy(out, row + leaf->offset, sizeof *out);
    return !group_keys_is_null(keys, leaf, row);
}
