/* wide.h: unsigned integers of 256 bits: what the product of two decimals needs on its way. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct wide {
    uint64_t limb[4]; /* the lowest first */
};

static inline struct wide wide_of(unsigned __int128 x)
{
    return (struct wide){{(uint64_t)x, (uint64_t)(x >> 64), 0, 0}};
}

static inline unsigned __int128 wide_low(const struct wide *x)
{
    return (unsigned __int128)x->limb[1] << 64 | x->limb[0];
}

static inline bool wide_fits_128(const struct wide *x)
{
    return !(x->limb[2] | x->limb[3]);
}

struct wide wide_mul(unsigned __int128 a, unsigned __int128 b);
/* Both without regard to what does not fit into 256 bits. */
struct wide wide_mul_small(struct wide a, uint64_t b);
struct wide wide_add(struct wide a, struct wide b);
/* a - b for a >= b. */
struct wide wide_sub(struct wide a, struct wide b);
int wide_cmp(const struct wide *a, const struct wide *b);
/* a / b; b is not 0. */
struct wide wide_div_small(struct wide a, uint64_t b, uint64_t *rest);
struct wide wide_div(struct wide a, unsigned __int128 b, unsigned __int128 *rest);
