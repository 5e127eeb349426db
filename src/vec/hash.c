#include "vec/hash.h"

#define PRIME_1 0x9E3779B185EBCA87ULL
#define PRIME_2 0xC2B2AE3D27D4EB4FULL
#define PRIME_3 0x165667B19E3779F9ULL
#define PRIME_4 0x85EBCA77C2B2AE63ULL
#define PRIME_5 0x27D4EB2F165667C5ULL

static uint64_t rotate64(uint64_t v, int bits)
{
    return v << bits | v >> (64 - bits);
}

static uint32_t rotate32(uint32_t v, int bits)
{
    return v << bits | v >> (32 - bits);
}

static uint64_t read_little(const char *p, size_t n)
{
    uint64_t v = 0;
    for (size_t i = n; i-- > 0;)
        v = v << 8 | (uint8_t)p[i];
    return v;
}

static uint64_t xx_round(uint64_t acc, uint64_t input)
{
    return rotate64(acc + input * PRIME_2, 31) * PRIME_1;
}

static uint64_t xx_avalanche(uint64_t h)
{
    h ^= h >> 33;
    h *= PRIME_2;
    h ^= h >> 29;
    h *= PRIME_3;
    return h ^ h >> 32;
}

static uint64_t xx_step4(uint64_t h, uint64_t v)
{
    return rotate64(h ^ v * PRIME_1, 23) * PRIME_2 + PRIME_3;
}

static uint64_t xx_step8(uint64_t h, uint64_t v)
{
    return rotate64(h ^ xx_round(0, v), 27) * PRIME_1 + PRIME_4;
}

uint64_t hash_xx64_u32(uint32_t v, uint64_t seed)
{
    return xx_avalanche(xx_step4(seed + PRIME_5 + 4, v));
}

uint64_t hash_xx64_u64(uint64_t v, uint64_t seed)
{
    return xx_avalanche(xx_step8(seed + PRIME_5 + 8, v));
}

/* Whole blocks of 32 bytes; moves *s behind them. */
static uint64_t xx_blocks(struct str *s, uint64_t seed)
{
    uint64_t lanes[4] = {seed + PRIME_1 + PRIME_2, seed + PRIME_2, seed, seed - PRIME_1};
    for (; s->n >= 32; s->p += 32, s->n -= 32) {
        for (size_t i = 0; i < 4; i++)
            lanes[i] = xx_round(lanes[i], read_little(s->p + i * 8, 8));
    }
    uint64_t h = rotate64(lanes[0], 1) + rotate64(lanes[1], 7) + rotate64(lanes[2], 12) +
                 rotate64(lanes[3], 18);
    for (size_t i = 0; i < 4; i++)
        h = (h ^ xx_round(0, lanes[i])) * PRIME_1 + PRIME_4;
    return h;
}

uint64_t hash_xx64_bytes(struct str bytes, uint64_t seed)
{
    uint64_t n = bytes.n;
    uint64_t h = n >= 32 ? xx_blocks(&bytes, seed) : seed + PRIME_5;
    h += n;
    for (; bytes.n >= 8; bytes.p += 8, bytes.n -= 8)
        h = xx_step8(h, read_little(bytes.p, 8));
    if (bytes.n >= 4) {
        h = xx_step4(h, read_little(bytes.p, 4));
        bytes.p += 4;
        bytes.n -= 4;
    }
    for (; bytes.n; bytes.p++, bytes.n--)
        h = rotate64(h ^ (uint8_t)*bytes.p * PRIME_5, 11) * PRIME_1;
    return xx_avalanche(h);
}

static uint32_t murmur_step(uint32_t h, uint32_t v)
{
    v = rotate32(v * 0xcc9e2d51U, 15) * 0x1b873593U;
    return rotate32(h ^ v, 13) * 5 + 0xe6546b64U;
}

static uint32_t murmur_finish(uint32_t h, uint32_t n)
{
    h ^= n;
    h ^= h >> 16;
    h *= 0x85ebca6bU;
    h ^= h >> 13;
    h *= 0xc2b2ae35U;
    return h ^ h >> 16;
}

uint32_t hash_murmur3_u32(uint32_t v, uint32_t seed)
{
    return murmur_finish(murmur_step(seed, v), 4);
}

uint32_t hash_murmur3_u64(uint64_t v, uint32_t seed)
{
    return murmur_finish(murmur_step(murmur_step(seed, (uint32_t)v), (uint32_t)(v >> 32)), 8);
}

uint32_t hash_murmur3_bytes(struct str bytes, uint32_t seed)
{
    uint32_t n = (uint32_t)bytes.n;
    for (; bytes.n >= 4; bytes.p += 4, bytes.n -= 4)
        seed = murmur_step(seed, (uint32_t)read_little(bytes.p, 4));
    for (; bytes.n; bytes.p++, bytes.n--)
        seed = murmur_step(seed, (uint32_t)(int8_t)*bytes.p);
    return murmur_finish(seed, n);
}
