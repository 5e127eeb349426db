/* parquet.h: Parquet files, as an encoder (file_encoder.h).
 *
 * The format is https://github.com/apache/parquet-format; the form is that of Spark 3.5's files, so
 * that Spark reads the same types back. Pages are held until their row group ends, because a column
 * chunk is contiguous in the file. */
#pragma once

#include "format/file_encoder.h"

int parquet_encoder_create(struct file_encoder **out, const struct file_format *format,
                           const struct type *schema, struct err *err) MUST_CHECK;
