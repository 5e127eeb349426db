#define _GNU_SOURCE /* strptime, timegm */
#include "cli/top_json.h"

#include <math.h>
#include <stdlib.h>
#include <time.h>

const cJSON *json_get(const cJSON *object, const char *name)
{
    return object ? cJSON_GetObjectItemCaseSensitive(object, name) : NULL;
}

double json_number(const cJSON *object, const char *name)
{
    const cJSON *item = json_get(object, name);
    return cJSON_IsNumber(item) ? item->valuedouble : NAN;
}

struct str json_text(const cJSON *object, const char *name)
{
    const cJSON *item = json_get(object, name);
    return cJSON_IsString(item) ? str_of(item->valuestring) : (struct str){"", 0};
}

bool json_true(const cJSON *object, const char *name)
{
    return cJSON_IsTrue(json_get(object, name));
}

double json_time(const cJSON *object, const char *name)
{
    struct str text = json_text(object, name);
    struct tm utc = {0};
    char *behind;
    long year = strtol(text.p, &behind, 10); /* strptime stops after four digits */
    const char *rest = text.n ? strptime(behind, "-%m-%dT%H:%M:%S", &utc) : NULL;
    if (!rest || year < 0 || year > 1000000)
        return NAN;
    utc.tm_year = (int)year - 1900;
    return (double)timegm(&utc) + (*rest == '.' ? atof(rest) : 0);
}
