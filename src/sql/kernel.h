/* kernel.h: what the kernel files share: bitmaps, results, room for text. */
#pragma once

#include "sql/eval.h"

/* The bitmap of a result, private and there: words to clear bits in. NULL without memory. */
uint64_t *kernel_own_valid(struct eval *eval, struct value *out);

/* Marks rows of the result NULL where a byte of `flags` is not 0. */
int kernel_null_where(struct eval *eval, struct value *out, const uint8_t *flags) MUST_CHECK;

/* Room for n bytes of text that lives as long as the result. The part used is kept by
 * kernel_text_keep; without memory NULL. */
char *kernel_text(struct eval *eval, size_t n);
static inline void kernel_text_keep(struct eval *eval, size_t n)
{
    eval->text += n;
}

/* A scratch array of one byte per row. */
uint8_t *kernel_flags(struct eval *eval, uint32_t rows);

/* Makes the whole result NULL. */
int kernel_all_null(struct eval *eval, struct value *out) MUST_CHECK;

/* Bits of 64 bytes of which each is 0 or 1; n: how many are there (1..64). */
static inline uint64_t kernel_pack(const uint8_t *bytes, uint32_t n)
{
    uint64_t bits = 0;
    uint32_t i = 0;
    for (; i + 8 <= n; i += 8) {
        uint64_t x;
        memcpy(&x, bytes + i, 8);
        bits |= ((x & 0x0101010101010101ULL) * 0x0102040810204080ULL >> 56) << i;
    }
    for (; i < n; i++)
        bits |= (uint64_t)(bytes[i] & 1) << i;
    return bits;
}

static inline uint32_t kernel_word_rows(uint32_t rows, size_t word)
{
    uint32_t left = rows - (uint32_t)(word * 64);
    return left < 64 ? left : 64;
}

/* The validity of rows word * 64 and on; constants are spread over all rows. */
static inline uint64_t kernel_valid_word(const struct value *value, size_t word)
{
    if (!value->vec.valid)
        return ~0ULL;
    if (value->constant)
        return value->vec.valid[0] & 1 ? ~0ULL : 0;
    return value->vec.valid[word];
}

static inline uint32_t kernel_row(const struct value *value, uint32_t row)
{
    return value->constant ? 0 : row;
}

/* One loop body for two arguments of which either may be constant, so that the compiler sees plain
 * arrays and scalars: `body` uses i, x and y. */
#define KERNEL_BINARY(type, member, body)                                                          \
    do {                                                                                           \
        const uint32_t rows = out->vec.rows;                                                       \
        const type *left = args[0].vec.member, *right = args[1].vec.member;                        \
        if (args[1].constant) {                                                                    \
            const type y = right[0];                                                               \
            for (uint32_t i = 0; i < rows; i++) { /* both constant: one row */                     \
                const type x = left[i];                                                            \
                body;                                                                              \
            }                                                                                      \
        } else if (args[0].constant) {                                                             \
            const type x = left[0];                                                                \
            for (uint32_t i = 0; i < rows; i++) {                                                  \
                const type y = right[i];                                                           \
                body;                                                                              \
            }                                                                                      \
        } else {                                                                                   \
            for (uint32_t i = 0; i < rows; i++) {                                                  \
                const type x = left[i], y = right[i];                                              \
                body;                                                                              \
            }                                                                                      \
        }                                                                                          \
    } while (0)
