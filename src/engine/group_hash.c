/* group_hash.c: key columns made ready for lookup: flattened, normalised, hashed column by column.
 *
 * The hash folds the 128 bits of a product, as wyhash does. It stays in memory: nothing saved
 * depends on it. */
#include "base/err.h"
#include "engine/group_keys.h"

#define FACTOR_A 0x9e3779b97f4a7c15ULL
#define FACTOR_B 0xd1b54a32d192ed03ULL
#define NULL_KEY 0x8bb84b93962eacc9ULL

static inline uint64_t fold(uint64_t a, uint64_t b)
{
    unsigned __int128 product = (unsigned __int128)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static inline uint64_t load64(const char *p)
{
    uint64_t v;
    memcpy(&v, p, sizeof v);
    return v;
}

static inline uint64_t load32(const char *p)
{
    uint32_t v;
    memcpy(&v, p, sizeof v);
    return v;
}

static inline uint64_t hash_text(uint64_t seed, struct str s)
{
    const char *p = s.p;
    size_t n = s.n;
    uint64_t a = 0, b = 0;
    seed ^= n * FACTOR_A;
    for (; n > 16; n -= 16, p += 16)
        seed = fold(load64(p) ^ FACTOR_A, load64(p + 8) ^ seed);
    if (n >= 8) {
        a = load64(p);
        b = load64(p + n - 8);
    } else if (n >= 4) {
        a = load32(p);
        b = load32(p + n - 4);
    } else if (n) {
        a = (uint64_t)(uint8_t)p[0] << 16 | (uint64_t)(uint8_t)p[n / 2] << 8 | (uint8_t)p[n - 1];
    }
    return fold(a ^ FACTOR_B, b ^ seed);
}

#define HASH_LOOP(expression)                                                                      \
    for (uint32_t i = 0; i < n; i++) {                                                             \
        uint64_t v = (uint64_t)(expression);                                                       \
        hashes[i] = fold(v ^ FACTOR_A, hashes[i] ^ FACTOR_B);                                      \
    }                                                                                              \
    break

static void hash_values(const struct key_leaf *leaf, const struct vec *vec, uint64_t *hashes,
                        uint32_t n)
{
    switch (leaf->kind) {
    case LEAF_8_BITS:
        HASH_LOOP(vec->i8[i]);
    case LEAF_16_BITS:
        HASH_LOOP(vec->i16[i]);
    case LEAF_32_BITS:
        HASH_LOOP(vec->i32[i]);
    case LEAF_64_BITS:
        HASH_LOOP(vec->i64[i]);
    case LEAF_128_BITS:
        HASH_LOOP(fold((uint64_t)vec->decimal[i] ^ FACTOR_B,
                       (uint64_t)(vec->decimal[i] >> 64) ^ NULL_KEY));
    default:
        break;
    }
}

static void hash_leaf(const struct key_leaf *leaf, const struct vec *vec, uint64_t *hashes,
                      uint64_t *before, uint32_t n)
{
    const struct str *texts = vec->str;
    if (leaf->kind == LEAF_TEXT && vec->valid) {
        for (uint32_t i = 0; i < n; i++)
            hashes[i] = vec_is_null(vec, i) ? fold(hashes[i] ^ NULL_KEY, FACTOR_A)
                                            : hash_text(hashes[i], texts[i]);
        return;
    }
    if (leaf->kind == LEAF_TEXT) {
        for (uint32_t i = 0; i < n; i++)
            hashes[i] = hash_text(hashes[i], texts[i]);
        return;
    }
    if (!vec->valid) {
        hash_values(leaf, vec, hashes, n);
        return;
    }
    memcpy(before, hashes, n * sizeof *hashes);
    hash_values(leaf, vec, hashes, n);
    for (uint32_t i = 0; i < n; i++) {
        if (vec_is_null(vec, i))
            hashes[i] = fold(before[i] ^ NULL_KEY, FACTOR_A);
    }
}

int group_keys_hash(const struct group_keys *keys, struct key_block *block, struct arena *arena)
{
    uint32_t n = block->rows;
    uint64_t *hashes = ARENA_ARRAY(arena, uint64_t, n);
    uint64_t *before = arena_alloc(arena, n * sizeof *before);
    block->hashes = arena_alloc(arena, n * sizeof *block->hashes);
    if (!hashes || !before || !block->hashes)
        return ERR_NOMEM;
    for (uint32_t k = 0; k < keys->leaf_count; k++)
        hash_leaf(&keys->leaves[k], &block->leaves[k], hashes, before, n);
    for (uint32_t i = 0; i < n; i++)
        block->hashes[i] = (uint32_t)(hashes[i] ^ hashes[i] >> 32);
    return 0;
}

/* A copy of the data with every NaN the same and, unless `exact`, no -0.0. */
static int normalise(struct vec *vec, bool exact, struct arena *arena)
{
    void *old = vec->data;
    bool wide = vec->type->kind == TYPE_DOUBLE;
    vec->data = arena_alloc(arena, (wide ? sizeof(double) : sizeof(float)) * vec->rows);
    if (!vec->data)
        return ERR_NOMEM;
    for (uint32_t i = 0; wide && i < vec->rows; i++) {
        double v = ((const double *)old)[i];
        vec->f64[i] = v != v ? __builtin_nan("") : exact || v != 0 ? v : 0.0;
    }
    for (uint32_t i = 0; !wide && i < vec->rows; i++) {
        float v = ((const float *)old)[i];
        vec->f32[i] = v != v ? __builtin_nanf("") : exact || v != 0 ? v : 0.0F;
    }
    return 0;
}

/* NULL where the struct around it is. */
static int join_valid(struct vec *vec, const struct vec *around, struct arena *arena)
{
    size_t words = vec_valid_words(vec->rows);
    uint64_t *joined = arena_alloc(arena, words * sizeof *joined);
    if (!joined)
        return ERR_NOMEM;
    for (size_t i = 0; i < words; i++)
        joined[i] = around->valid[i] & (vec->valid ? vec->valid[i] : ~0ULL);
    vec->valid = joined;
    return 0;
}

static int flatten(const struct group_keys *keys, const struct vec *in, const struct vec *around,
                   struct vec **next, struct arena *arena)
{
    struct vec *leaf = (*next)++;
    *leaf = *in;
    if (around && around->valid && join_valid(leaf, around, arena) != 0)
        return ERR_NOMEM;
    enum type_kind kind = in->type->kind;
    if (kind == TYPE_FLOAT || kind == TYPE_DOUBLE)
        return normalise(leaf, keys->exact_zero, arena);
    for (uint32_t i = 0; kind == TYPE_STRUCT && i < in->type->field_count; i++) {
        if (flatten(keys, &in->children[i], leaf, next, arena) != 0)
            return ERR_NOMEM;
    }
    return 0;
}

int group_keys_prepare(const struct group_keys *keys, const struct vec *cols, uint32_t rows,
                       struct arena *arena, struct key_block *out)
{
    *out = (struct key_block){.rows = rows};
    out->leaves = ARENA_ARRAY(arena, struct vec, keys->leaf_count);
    if (!out->leaves)
        return ERR_NOMEM;
    struct vec *next = out->leaves;
    for (uint32_t k = 0; k < keys->key_count; k++) {
        if (flatten(keys, &cols[k], NULL, &next, arena) != 0)
            return ERR_NOMEM;
    }
    return group_keys_hash(keys, out, arena);
}
