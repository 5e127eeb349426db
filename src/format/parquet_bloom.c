#include "format/parquet_bloom.h"

#include <stdlib.h>

#include "format/thrift.h"
#include "vec/hash.h"

enum {
    WORDS = 8,            /* of a block, 32 bits each */
    BLOCKS_MAX = 1 << 15, /* 1 MiB: parquet.bloom.filter.max.bytes */
    LIST_MAX = 1 << 15,   /* hashes kept as a list, until a bitset is no larger */
};

static const double FALSE_POSITIVES = 0.01;

/* Few values are a list of hashes, many the largest bitset, which is folded at the end: block i of
 * 2n blocks has what is in block i/2 of n. So the number of values need not be known before. */
struct parquet_bloom {
    struct buf hashes;
    uint32_t (*blocks)[WORDS]; /* BLOCKS_MAX, or NULL */
};

struct parquet_bloom *parquet_bloom_create(void)
{
    return calloc(1, sizeof(struct parquet_bloom));
}

void parquet_bloom_destroy(struct parquet_bloom *bloom)
{
    if (!bloom)
        return;
    buf_fini(&bloom->hashes);
    free(bloom->blocks);
    free(bloom);
}

size_t parquet_bloom_memory(const struct parquet_bloom *bloom)
{
    if (!bloom)
        return 0;
    return sizeof *bloom + bloom->hashes.capacity +
           (bloom->blocks ? sizeof *bloom->blocks * BLOCKS_MAX : 0);
}

static void set_bits(uint32_t (*blocks)[WORDS], uint64_t block_count, uint64_t hash)
{
    static const uint32_t salts[WORDS] = {0x47b6137bU, 0x44974d91U, 0x8824ad5bU, 0xa2b7289dU,
                                          0x705495c7U, 0x2df1424bU, 0x9efc4947U, 0x5c6bfb31U};
    uint32_t *block = blocks[(hash >> 32) * block_count >> 32];
    for (int i = 0; i < WORDS; i++)
        block[i] |= 1U << ((uint32_t)hash * salts[i] >> 27);
}

static bool spread(struct parquet_bloom *bloom)
{
    const uint64_t *hashes = (const uint64_t *)(const void *)bloom->hashes.p;
    bloom->blocks = calloc(BLOCKS_MAX, sizeof *bloom->blocks);
    for (size_t i = 0; bloom->blocks && i < bloom->hashes.n / sizeof *hashes; i++)
        set_bits(bloom->blocks, BLOCKS_MAX, hashes[i]);
    buf_fini(&bloom->hashes);
    return bloom->blocks;
}

static uint64_t hash_of(const struct parquet_leaf *leaf, const struct parquet_values *values,
                        size_t i)
{
    if (leaf->physical == PARQUET_BYTES || leaf->physical == PARQUET_FIXED)
        return hash_xx64_bytes(values->str[i], 0);
    if (leaf->width == 4)
        return hash_xx64_u32((uint32_t)values->i32[i], 0);
    return hash_xx64_u64((uint64_t)values->i64[i], 0);
}

bool parquet_bloom_add(struct parquet_bloom *bloom, const struct parquet_leaf *leaf,
                       const struct parquet_values *values)
{
    for (size_t i = 0; i < values->count; i++) {
        uint64_t hash = hash_of(leaf, values, i);
        if (bloom->blocks) {
            set_bits(bloom->blocks, BLOCKS_MAX, hash);
            continue;
        }
        buf_append(&bloom->hashes, &hash, sizeof hash);
        if (bloom->hashes.n / sizeof hash >= LIST_MAX && !spread(bloom))
            return false;
    }
    return !bloom->hashes.failed;
}

/* How often a value that was not put would be found, were every other block joined to the next. */
static double folded_positives(uint32_t (*blocks)[WORDS], size_t count)
{
    double sum = 0;
    for (size_t i = 0; i < count; i += 2) {
        double all = 1;
        for (int k = 0; k < WORDS; k++)
            all *= __builtin_popcount(blocks[i][k] | blocks[i + 1][k]) / 32.0;
        sum += all;
    }
    return sum / ((double)count / 2);
}

static size_t fold(uint32_t (*blocks)[WORDS], size_t count)
{
    while (count > 1 && folded_positives(blocks, count) <= FALSE_POSITIVES) {
        for (size_t i = 0; i < count; i += 2) {
            for (int k = 0; k < WORDS; k++)
                blocks[i / 2][k] = blocks[i][k] | blocks[i + 1][k];
        }
        count /= 2;
    }
    return count;
}

static void append_filter(uint32_t (*blocks)[WORDS], size_t count, struct buf *out)
{
    struct thrift thrift = {.out = out};
    thrift_i32(&thrift, 1, (int32_t)(count * sizeof *blocks));
    for (int field = 2; field <= 4; field++) { /* algorithm BLOCK, hash XXHASH, UNCOMPRESSED */
        thrift_begin(&thrift, field);
        thrift_empty(&thrift, 1);
        thrift_end(&thrift);
    }
    thrift_end(&thrift);
    buf_append(out, blocks, count * sizeof *blocks);
}

bool parquet_bloom_write(struct parquet_bloom *bloom, struct buf *out)
{
    if (!bloom->blocks && !spread(bloom))
        return false;
    append_filter(bloom->blocks, fold(bloom->blocks, BLOCKS_MAX), out);
    free(bloom->blocks);
    bloom->blocks = NULL;
    return !out->failed;
}
