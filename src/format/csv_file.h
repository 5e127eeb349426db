/* csv_file.h: CSV files as Spark 3.5 writes them, as an encoder (file_encoder.h).
 *
 * Timestamps are yyyy-MM-dd'T'HH:mm:ss.SSSZ unless a pattern is given, numbers print as Java's; a
 * line without a byte (one column that is NULL) is left out, as Spark does. */
#pragma once

#include "format/file_encoder.h"

/* What Spark's writer does without any option. */
struct csv_options csv_options_default(void);

/* ERR_INVALID for a pattern or separator that Spark refuses; else as file_encoder_create. */
int csv_encoder_create(struct file_encoder **out, const struct file_format *format,
                       const struct type *schema, struct err *err) MUST_CHECK;

/* 0, or ERR_UNSUPPORTED with Spark's sentence for a column CSV cannot hold; ERR_INVALID and
 * ERR_NOMEM as above. */
int csv_check(const struct csv_options *options, const struct type *schema,
              struct err *err) MUST_CHECK;
