/* parquet_bloom.h: split block Bloom filters over XXH64.
 *
 * https://parquet.apache.org/docs/file-format/bloomfilter/ */
#pragma once

#include "format/parquet_values.h"

struct parquet_bloom;

/* NULL without memory. */
struct parquet_bloom *parquet_bloom_create(void);
void parquet_bloom_destroy(struct parquet_bloom *bloom);
size_t parquet_bloom_memory(const struct parquet_bloom *bloom);
/* False without memory. */
bool parquet_bloom_add(struct parquet_bloom *bloom, const struct parquet_leaf *leaf,
                       const struct parquet_values *values);
/* Appends header and bitset, as small as keeps false positives to about 1 %, and starts anew. False
 * without memory. */
bool parquet_bloom_write(struct parquet_bloom *bloom, struct buf *out);
