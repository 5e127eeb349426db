/* compress.h: a block of bytes compressed at once, as Parquet's pages are. */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "format/file_encoder.h"

/* Appends `in` compressed: a gzip member, a zstd frame, a raw snappy or LZ4 block, or as it is.
 * Nothing is kept between calls. ERR_NOMEM; ERR_UNSUPPORTED for more than 1 GiB. */
int compress_block(enum file_compression compression, struct str in, struct buf *out,
                   struct err *err) MUST_CHECK;
