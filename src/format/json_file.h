/* json_file.h: files of JSON lines, as an encoder (file_encoder.h). */
#pragma once

#include "format/file_encoder.h"

int json_encoder_create(struct file_encoder **out, const struct file_format *format,
                        const struct type *schema, struct err *err) MUST_CHECK;
/* 0, or what is wrong with a datetime pattern: ERR_INVALID, ERR_UNSUPPORTED, ERR_NOMEM. */
int json_check(const struct json_options *options, struct err *err) MUST_CHECK;
