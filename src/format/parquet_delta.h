/* parquet_delta.h: Parquet's encoding DELTA_BINARY_PACKED: differences, bit packed in small blocks.
 *
 * https://parquet.apache.org/docs/file-format/data-pages/encodings/#delta-encoding-delta_binary_packed--5
 */
#pragma once

#include "base/buf.h"

/* Appends n values; differences wrap around in the width of the type. */
void delta_append_i32(struct buf *out, const int32_t *values, size_t n);
void delta_append_i64(struct buf *out, const int64_t *values, size_t n);
