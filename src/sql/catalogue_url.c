/* catalogue_url.c: parts and escapes of URLs. */
#include "sql/catalogue_groups.h"
#include "sql/function_rules_math.h"
#include "sql/kernels_hash.h"

const struct function catalogue_url[] = {
    {"parse_url",
     NULL,
     2,
     3,
     {PARAM_ANY},
     TYPE_STRING,
     FUNCTION_STRICT | FUNCTION_LOOSE,
     kernel_parse_url,
     rule_parse_url,
     "parse_url(url, part[, key]): HOST, PATH, QUERY (or its value for a key), REF, PROTOCOL, "
     "FILE, "
     "AUTHORITY or USERINFO; NULL for what is no URL"},
    {"url_decode",
     NULL,
     1,
     1,
     {PARAM_STRING},
     TYPE_STRING,
     FUNCTION_STRICT | FUNCTION_LOOSE,
     kernel_url_decode,
     NULL,
     "url_decode(s): with %XX and + read back; fails for a broken escape"},
    {"url_encode",
     NULL,
     1,
     1,
     {PARAM_STRING},
     TYPE_STRING,
     FUNCTION_STRICT | FUNCTION_LOOSE,
     kernel_url_encode,
     NULL,
     "url_encode(s): with spaces as + and special bytes as %XX"},
};
const size_t catalogue_url_count = COUNT_OF(catalogue_url);
