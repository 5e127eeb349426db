/* json_exact.h: the exact conversion of each type: see struct json_type_ops in json_internal.h. */
#pragma once

#include <stdlib.h>

#include "format/json_internal.h"

#define JSON_EXACT(name)                                                                           \
    enum json_result json_exact_##name(struct json_decoder *decoder, struct json_column *column,   \
                                       uint32_t row)

JSON_EXACT(boolean);
JSON_EXACT(tinyint);
JSON_EXACT(smallint);
JSON_EXACT(int);
JSON_EXACT(bigint);
JSON_EXACT(float);
JSON_EXACT(double);
JSON_EXACT(string);
JSON_EXACT(binary);
JSON_EXACT(date);
JSON_EXACT(timestamp);
