/* text_compress.h: an encoder around an encoder of text: its bytes as one gzip member (RFC 1952, no
 * name, mtime 0) or one Zstandard frame with checksum (RFC 8878), and one more after each save: the
 * members or frames of a file are read as one text. */
#pragma once

#include "format/file_encoder.h"

/* COMPRESSION_GZIP (level 6, as Hadoop's) or COMPRESSION_ZSTD (level 3). Takes the inner encoder,
 * also on failure. ERR_NOMEM. */
int text_compress_create(struct file_encoder **out, enum file_compression compression,
                         struct file_encoder *take_inner, struct err *err) MUST_CHECK;
