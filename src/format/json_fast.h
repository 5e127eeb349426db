/* json_fast.h: the plain case of each type: see struct json_type_ops in json_internal.h. */
#pragma once

#include "format/json_internal.h"

#define JSON_FAST(name)                                                                            \
    const char *json_fast_##name(struct json_decoder *decoder, struct json_column *column,         \
                                 uint32_t row, const char *p, const char *end)

JSON_FAST(boolean);
JSON_FAST(tinyint);
JSON_FAST(smallint);
JSON_FAST(int);
JSON_FAST(bigint);
JSON_FAST(float);
JSON_FAST(double);
JSON_FAST(string);
JSON_FAST(binary);
JSON_FAST(date);
JSON_FAST(timestamp);
JSON_FAST(decimal); /* json_decimal.c */
JSON_FAST(struct);
JSON_FAST(array);
