/* top_json.h: fields of a JSON document that somebody else wrote: what is missing or of another
 * type is nothing. */
#pragma once

#include <cjson/cJSON.h>

#include "base/str.h"

/* NULL: there is none; object may be NULL. */
const cJSON *json_get(const cJSON *object, const char *name);
double json_number(const cJSON *object, const char *name);   /* NAN */
struct str json_text(const cJSON *object, const char *name); /* empty */
bool json_true(const cJSON *object, const char *name);
/* A time as /status has it, in seconds since the Unix epoch; NAN. */
double json_time(const cJSON *object, const char *name);
