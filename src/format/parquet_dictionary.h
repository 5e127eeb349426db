/* parquet_dictionary.h: the distinct values of a column, numbered in the order they come. */
#pragma once

#include "base/buf.h"

/* Begin with {.width = bytes of a value, 0: byte arrays}. */
struct dictionary {
    uint32_t width;
    uint32_t count;
    struct buf values;   /* as Parquet's PLAIN: what the dictionary page holds */
    struct buf starts;   /* byte arrays: uint32_t, where each begins in `values` */
    uint64_t *slots;     /* upper half of the hash << 32 | number + 1; 0 is free */
    uint32_t slot_count; /* a power of two */
    bool failed;         /* without memory */
};

enum { DICTIONARY_BYTES_MAX = 1 << 20 }; /* parquet.dictionary.page.size */

void dictionary_fini(struct dictionary *dictionary);
size_t dictionary_memory(const struct dictionary *dictionary);

/* Put n values and write their numbers to indices[]. The result is n, or less where the dictionary
 * became full (or failed): how many have a number. */
size_t dictionary_put_32(struct dictionary *dictionary, const uint32_t *values, size_t n,
                         uint32_t *indices);
size_t dictionary_put_64(struct dictionary *dictionary, const uint64_t *values, size_t n,
                         uint32_t *indices);
/* Byte arrays, or values of `width` bytes. */
size_t dictionary_put_str(struct dictionary *dictionary, const struct str *values, size_t n,
                          uint32_t *indices);

/* Appends the values with these numbers, as PLAIN. */
void dictionary_expand(const struct dictionary *dictionary, const uint32_t *indices, size_t n,
                       struct buf *out);
