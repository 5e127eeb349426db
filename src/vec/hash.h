/* hash.h: the hash functions whose values Spark shows: XXH64 (xxhash64(), approx_count_distinct)
 * and MurmurHash3 x86 32 bit with Spark's tail (hash(), the order of sets of strings).
 *
 * Sources: the xxHash specification (XXH64) and MurmurHash3 by Austin Appleby. Spark hashes an
 * integer of up to 32 bits as 4 bytes and one of 64 bits as 8, little-endian; its Murmur3 takes the
 * bytes behind the last whole word one by one, each sign-extended, as a word of its own. */
#pragma once

#include "base/str.h"

uint64_t hash_xx64_u32(uint32_t v, uint64_t seed);
uint64_t hash_xx64_u64(uint64_t v, uint64_t seed);
uint64_t hash_xx64_bytes(struct str bytes, uint64_t seed);

uint32_t hash_murmur3_u32(uint32_t v, uint32_t seed);
uint32_t hash_murmur3_u64(uint64_t v, uint32_t seed);
uint32_t hash_murmur3_bytes(struct str bytes, uint32_t seed);
