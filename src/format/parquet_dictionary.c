#include "format/parquet_dictionary.h"

#include <stdlib.h>

enum { SLOTS_MIN = 32 };

void dictionary_fini(struct dictionary *dictionary)
{
    buf_fini(&dictionary->values);
    buf_fini(&dictionary->starts);
    free(dictionary->slots);
    *dictionary = (struct dictionary){.width = dictionary->width};
}

size_t dictionary_memory(const struct dictionary *dictionary)
{
    return dictionary->values.capacity + dictionary->starts.capacity +
           dictionary->slot_count * sizeof *dictionary->slots;
}

/* Folds a product of 128 bits: every bit of x reaches the upper half of the result. */
static inline uint64_t mix(uint64_t x, uint64_t y)
{
    unsigned __int128 product = (unsigned __int128)x * y;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static inline uint64_t hash_64(uint64_t x)
{
    return mix(x ^ 0x9e3779b97f4a7c15U, 0xd6e8feb86659fd93U);
}

static inline uint64_t load(const char *p, size_t n)
{
    uint64_t x = 0;
    memcpy(&x, p, n);
    return x;
}

static inline uint64_t hash_str(struct str s)
{
    uint64_t hash = s.n ^ 0x9e3779b97f4a7c15U;
    const char *p = s.p;
    size_t n = s.n;
    for (; n > 16; p += 16, n -= 16)
        hash = mix(load(p, 8) ^ hash, load(p + 8, 8) ^ 0xa0761d6478bd642fU);
    uint64_t a = 0, b = 0;
    if (n >= 8) {
        a = load(p, 8);
        b = load(p + n - 8, 8);
    } else if (n >= 4) {
        a = load(p, 4);
        b = load(p + n - 4, 4);
    } else if (n) {
        a = (uint64_t)(unsigned char)p[0] << 16 | (uint64_t)(unsigned char)p[n / 2] << 8 |
            (unsigned char)p[n - 1];
    }
    return mix(mix(a ^ hash, b ^ 0xe7037ed1a0b428dbU), 0xd6e8feb86659fd93U);
}

/* Slots are found by the lower bits of the upper half, which the slot holds: no value is read
 * again. */
static bool grow(struct dictionary *dictionary)
{
    uint32_t count = dictionary->slot_count ? dictionary->slot_count * 2 : SLOTS_MIN;
    uint64_t *slots = calloc(count, sizeof *slots);
    if (!slots)
        return false;
    for (uint32_t i = 0; i < dictionary->slot_count; i++) {
        uint64_t slot = dictionary->slots[i];
        uint32_t at = (uint32_t)(slot >> 32) & (count - 1);
        while (slot && slots[at])
            at = (at + 1) & (count - 1);
        if (slot)
            slots[at] = slot;
    }
    free(dictionary->slots);
    dictionary->slots = slots;
    dictionary->slot_count = count;
    return true;
}

/* Room for a value of n bytes; false when the dictionary is full or without memory. */
static bool make_room(struct dictionary *dictionary, size_t n)
{
    if (n > DICTIONARY_BYTES_MAX || dictionary->values.n + n > DICTIONARY_BYTES_MAX)
        return false;
    if ((dictionary->count + 1) * (uint64_t)2 > dictionary->slot_count && !grow(dictionary))
        dictionary->failed = true;
    if (!buf_reserve(&dictionary->values, n))
        dictionary->failed = true;
    return !dictionary->failed;
}

static inline uint32_t find_free(const struct dictionary *dictionary, uint64_t hash)
{
    uint32_t mask = dictionary->slot_count - 1, at = (uint32_t)(hash >> 32) & mask;
    while (dictionary->slots[at])
        at = (at + 1) & mask;
    return at;
}

/* Both widths of numbers, each compiled for its type. */
#define DEFINE_PUT(bits)                                                                           \
    size_t dictionary_put_##bits(struct dictionary *dictionary, const uint##bits##_t *values,      \
                                 size_t n, uint32_t *indices)                                      \
    {                                                                                              \
        for (size_t i = 0; i < n; i++) {                                                           \
            uint##bits##_t value = values[i];                                                      \
            uint64_t hash = hash_64(value);                                                        \
            uint32_t mask = dictionary->slot_count - 1, at = (uint32_t)(hash >> 32) & mask;        \
            uint64_t slot = 0;                                                                     \
            while (dictionary->slot_count && (slot = dictionary->slots[at])) {                     \
                uint32_t number = (uint32_t)slot - 1;                                              \
                if (((const uint##bits##_t *)(const void *)dictionary->values.p)[number] == value) \
                    break;                                                                         \
                at = (at + 1) & mask;                                                              \
            }                                                                                      \
            if (!slot) {                                                                           \
                if (!make_room(dictionary, sizeof value))                                          \
                    return i;                                                                      \
                buf_append(&dictionary->values, &value, sizeof value);                             \
                slot = hash >> 32 << 32 | ++dictionary->count;                                     \
                dictionary->slots[find_free(dictionary, hash)] = slot;                             \
            }                                                                                      \
            indices[i] = (uint32_t)slot - 1;                                                       \
        }                                                                                          \
        return n;                                                                                  \
    }

DEFINE_PUT(32)
DEFINE_PUT(64)

static struct str value_at(const struct dictionary *dictionary, uint32_t number)
{
    const char *p = dictionary->values.p;
    if (dictionary->width)
        return (struct str){p + (size_t)number * dictionary->width, dictionary->width};
    uint32_t start = ((const uint32_t *)(const void *)dictionary->starts.p)[number], n;
    memcpy(&n, p + start, sizeof n);
    return (struct str){p + start + sizeof n, n};
}

static bool add_str(struct dictionary *dictionary, struct str value, uint64_t hash)
{
    uint32_t start = (uint32_t)dictionary->values.n, n = (uint32_t)value.n;
    bool prefixed = !dictionary->width;
    if (!make_room(dictionary, value.n + (prefixed ? sizeof n : 0)))
        return false;
    if (prefixed) {
        buf_append(&dictionary->starts, &start, sizeof start);
        if (dictionary->starts.failed) {
            dictionary->failed = true;
            return false;
        }
        buf_append(&dictionary->values, &n, sizeof n);
    }
    buf_append_str(&dictionary->values, value);
    dictionary->slots[find_free(dictionary, hash)] = hash >> 32 << 32 | ++dictionary->count;
    return true;
}

size_t dictionary_put_str(struct dictionary *dictionary, const struct str *values, size_t n,
                          uint32_t *indices)
{
    for (size_t i = 0; i < n; i++) {
        uint64_t hash = hash_str(values[i]), slot = 0;
        uint32_t mask = dictionary->slot_count - 1, at = (uint32_t)(hash >> 32) & mask;
        while (dictionary->slot_count && (slot = dictionary->slots[at])) {
            if (slot >> 32 == hash >> 32 &&
                str_eq(value_at(dictionary, (uint32_t)slot - 1), values[i]))
                break;
            at = (at + 1) & mask;
        }
        if (!slot) {
            if (!add_str(dictionary, values[i], hash))
                return i;
            slot = dictionary->count;
        }
        indices[i] = (uint32_t)slot - 1;
    }
    return n;
}

void dictionary_expand(const struct dictionary *dictionary, const uint32_t *indices, size_t n,
                       struct buf *out)
{
    for (size_t i = 0; i < n; i++) {
        struct str value = value_at(dictionary, indices[i]);
        if (!dictionary->width) { /* with its length, which stands in front of it */
            value.p -= sizeof(uint32_t);
            value.n += sizeof(uint32_t);
        }
        buf_append_str(out, value);
    }
}
