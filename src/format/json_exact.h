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
JSON_EXACT(decimal); /* json_decimal.c */
JSON_EXACT(struct);  /* json_nested.c */
JSON_EXACT(array);

/* Of json_exact.c for json_nested.c. */

/* A token that ends the conversion of a value: JSON_FAIL. */
enum json_result json_exact_fail(struct json_decoder *decoder, enum json_token token);
/* A value of the wrong type. */
enum json_result json_exact_wrong_type(struct json_decoder *decoder);
/* The text of the current string in decoder->text. */
bool json_exact_text(struct json_decoder *decoder);
/* JacksonParser.parseJsonToken: the current value, of whatever kind, into the row. */
enum json_result json_exact_value(struct json_decoder *decoder, struct json_column *column,
                                  uint32_t row);
/* JacksonParser.convertObject. False: the reader cannot go on inside this object. */
bool json_exact_fields(struct json_decoder *decoder, struct json_object *object, uint32_t row,
                       bool *partial);
/* Makes all fields NULL. */
void json_exact_clear(struct json_object *object, uint32_t row);
