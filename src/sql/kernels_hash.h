/* kernels_hash.h: kernels of hash codes, digests and URLs. */
#pragma once

#include "sql/kernels.h"

/* Spark's Murmur3Hash and XxHash64, with seed 42, over all arguments. */
KERNEL_DECLARE(kernel_hash);
KERNEL_DECLARE(kernel_xxhash64);

/* Digests of BINARY, in hexadecimal digits. */
KERNEL_DECLARE(kernel_md5);
KERNEL_DECLARE(kernel_sha1);
KERNEL_DECLARE(kernel_sha2); /* args[1]: INT, the bits; NULL for lengths that there are not */
KERNEL_DECLARE(kernel_crc32);

/* STRINGs. */
KERNEL_DECLARE(kernel_url_encode);
KERNEL_DECLARE(kernel_url_decode); /* ERR_INVALID where an escape is broken */
/* url, part[, key]; NULL for what is no URI by java.net.URI. */
KERNEL_DECLARE(kernel_parse_url);

/* Whether a key of parse_url, a regular expression to Spark, is one that is supported: characters
 * that stand for themselves, and the dot. */
bool url_key_is_plain(struct str key);
