#include "vec/wide.h"

typedef unsigned __int128 u128;

struct wide wide_mul(unsigned __int128 a, unsigned __int128 b)
{
    uint64_t a0 = (uint64_t)a, a1 = (uint64_t)(a >> 64);
    uint64_t b0 = (uint64_t)b, b1 = (uint64_t)(b >> 64);
    u128 low = (u128)a0 * b0, high = (u128)a1 * b1;
    u128 cross = (u128)a0 * b1, other = (u128)a1 * b0;
    u128 middle = (low >> 64) + (uint64_t)cross + (uint64_t)other;
    high += (cross >> 64) + (other >> 64) + (middle >> 64);
    return (struct wide){{(uint64_t)low, (uint64_t)middle, (uint64_t)high, (uint64_t)(high >> 64)}};
}

struct wide wide_mul_small(struct wide a, uint64_t b)
{
    u128 carry = 0;
    for (int i = 0; i < 4; i++) {
        carry += (u128)a.limb[i] * b;
        a.limb[i] = (uint64_t)carry;
        carry >>= 64;
    }
    return a;
}

struct wide wide_add(struct wide a, struct wide b)
{
    u128 carry = 0;
    for (int i = 0; i < 4; i++) {
        carry += (u128)a.limb[i] + b.limb[i];
        a.limb[i] = (uint64_t)carry;
        carry >>= 64;
    }
    return a;
}

struct wide wide_sub(struct wide a, struct wide b)
{
    uint64_t borrow = 0;
    for (int i = 0; i < 4; i++) {
        u128 difference = (u128)a.limb[i] - b.limb[i] - borrow;
        a.limb[i] = (uint64_t)difference;
        borrow = (uint64_t)(difference >> 64) & 1;
    }
    return a;
}

int wide_cmp(const struct wide *a, const struct wide *b)
{
    for (int i = 3; i >= 0; i--) {
        if (a->limb[i] != b->limb[i])
            return a->limb[i] < b->limb[i] ? -1 : 1;
    }
    return 0;
}

struct wide wide_div_small(struct wide a, uint64_t b, uint64_t *rest)
{
    u128 left = 0;
    for (int i = 3; i >= 0; i--) {
        left = left << 64 | a.limb[i];
        a.limb[i] = (uint64_t)(left / b);
        left %= b;
    }
    *rest = (uint64_t)left;
    return a;
}

/* (*left : next) / b where *left < b and b has its highest bit set: one digit to the base 2^64.
 * The estimate from b's upper half is corrected against its lower half, which is exact as b has
 * just two digits (Knuth, The Art of Computer Programming 2, 4.3.1, algorithm D). */
static uint64_t divide_step(u128 *left, uint64_t next, u128 b)
{
    uint64_t b1 = (uint64_t)(b >> 64), b0 = (uint64_t)b;
    uint64_t top = (uint64_t)(*left >> 64);
    u128 digit = top >= b1 ? UINT64_MAX : *left / b1;
    u128 rest = *left - digit * b1; /* below 2^65 */
    while (!(rest >> 64) && digit * b0 > (rest << 64 | next)) {
        digit--;
        rest += b1;
    }
    *left = (rest << 64 | next) - digit * b0; /* less than b: what falls off the top is 0 */
    return (uint64_t)digit;
}

struct wide wide_div(struct wide a, unsigned __int128 b, unsigned __int128 *rest)
{
    if (!(b >> 64)) {
        uint64_t small;
        a = wide_div_small(a, (uint64_t)b, &small);
        *rest = small;
        return a;
    }
    int shift = __builtin_clzll((uint64_t)(b >> 64));
    u128 left = shift ? a.limb[3] >> (64 - shift) : 0;
    struct wide out = {{0}};
    for (int i = 3; i >= 0; i--) {
        uint64_t below = i && shift ? a.limb[i - 1] >> (64 - shift) : 0;
        out.limb[i] = divide_step(&left, a.limb[i] << shift | below, b << shift);
    }
    *rest = left >> shift;
    return out;
}
