/* group_keys.h: how the keys of a group lie in its row, and what can be done with them there.
 *
 * Key columns are flattened: a STRUCT becomes a leaf of its own (is it NULL?) followed by its
 * fields' leaves, which are NULL where it is. Leaves are packed by width: 16, 8, 4, 2, 1 bytes,
 * then a bit per leaf that says NULL; a string is a pointer (group_text.h), NULL without a bit.
 *
 * NULL is a key like any other. As in Spark's NormalizeFloatingNumbers -0.0 counts, and is shown,
 * as 0.0, and every NaN as one; `exact_zero` keeps the zeros apart, as its dedup does. */
#pragma once

#include "engine/group_text.h"
#include "vec/vec.h"

enum key_leaf_kind {
    LEAF_8_BITS,
    LEAF_16_BITS,
    LEAF_32_BITS,
    LEAF_64_BITS,
    LEAF_128_BITS,
    LEAF_TEXT,
    LEAF_NOTHING
};

struct key_leaf {
    const struct type *type;
    uint8_t kind;    /* enum key_leaf_kind; LEAF_NOTHING: STRUCT and VOID */
    uint32_t offset; /* of its value in the row */
    uint32_t bit;    /* of its NULL; unused by LEAF_TEXT */
    uint32_t inside; /* STRUCT: leaves of its fields, which follow */
};

struct group_keys {
    struct key_leaf *leaves;
    uint32_t leaf_count;
    const struct type *const *types;
    uint32_t key_count;
    uint32_t bits_offset; /* of the NULL bits in the row */
    size_t size;          /* bytes of all keys in a row */
    bool exact_zero;
};

/* Key columns made ready for lookup: their leaves, normalised. */
struct key_block {
    struct vec *leaves;
    uint32_t *hashes;
    uint32_t rows;
};

/* The types must outlive it. ERR_NOMEM. */
int group_keys_init(struct group_keys *keys, const struct type *const *types, uint32_t key_count,
                    bool exact_zero, struct arena *arena) MUST_CHECK;

/* From columns (views into them and the arena), with hashes. ERR_NOMEM. */
int group_keys_prepare(const struct group_keys *keys, const struct vec *cols, uint32_t rows,
                       struct arena *arena, struct key_block *out) MUST_CHECK;
/* Hashes of leaves that were filled by hand and are normalised. */
int group_keys_hash(const struct group_keys *keys, struct key_block *block,
                    struct arena *arena) MUST_CHECK;

/* Whether row i of the block has the stored row's keys. */
bool group_keys_equal(const struct group_keys *keys, const char *row, const struct key_block *block,
                      uint32_t i);
/* Into a row of zeros. ERR_NOMEM. */
int group_keys_store(const struct group_keys *keys, char *row, const struct key_block *block,
                     uint32_t i, struct group_text *text) MUST_CHECK;
/* Gives the row's strings back. */
void group_keys_release(const struct group_keys *keys, const char *row, struct group_text *text);

/* The keys of n rows as columns (key_count vectors); strings are views of the rows'. */
int group_keys_load(const struct group_keys *keys, char *const *rows, uint32_t n,
                    struct arena *arena, struct vec *out) MUST_CHECK;

/* Spark's order: NULL first, NaN last, false before true, strings by bytes, structs by field. */
int group_keys_compare(const struct group_keys *keys, const char *a, const char *b);

/* A key of type TIMESTAMP; false when it is NULL. */
bool group_keys_time(const struct group_keys *keys, uint32_t key, const char *row, int64_t *out);

/* The first leaf of a key. */
uint32_t group_keys_leaf(const struct group_keys *keys, uint32_t key);

static inline bool group_keys_is_null(const struct group_keys *keys, const struct key_leaf *leaf,
                                      const char *row)
{
    const uint8_t *bits = (const uint8_t *)row + keys->bits_offset;
    return bits[leaf->bit / 8] >> (leaf->bit % 8) & 1;
}

/* Bytes of a leaf's value in a row. */
static inline size_t key_leaf_width(const struct key_leaf *leaf)
{
    return leaf->kind == LEAF_NOTHING ? 0 : leaf->kind == LEAF_TEXT ? 8 : (size_t)1 << leaf->kind;
}
