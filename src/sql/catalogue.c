#include "sql/catalogue.h"

#include "sql/function_rules.h"

#define STRINGS                                                                                    \
    {                                                                                              \
        PARAM_STRING, PARAM_STRING, PARAM_STRING                                                   \
    }
#define ANYTHING                                                                                   \
    {                                                                                              \
        PARAM_ANY, PARAM_ANY, PARAM_ANY                                                            \
    }

/* In alphabetical order: catalogue_find searches by halves. */
const struct function catalogue[] = {
    {"abs",
     1,
     1,
     {PARAM_NUMERIC},
     0,
     true,
     false,
     NULL,
     rule_abs,
     "abs(n): the absolute value; the smallest integer stays as it is"},
    {"bigint", 1, 1, ANYTHING, TYPE_BIGINT, true, false, NULL, rule_cast,
     "bigint(x): CAST(x AS BIGINT)"},
    {"binary", 1, 1, ANYTHING, TYPE_BINARY, true, false, NULL, rule_cast,
     "binary(x): CAST(x AS BINARY)"},
    {"boolean", 1, 1, ANYTHING, TYPE_BOOLEAN, true, false, NULL, rule_cast,
     "boolean(x): CAST(x AS BOOLEAN)"},
    {"char_length", 1, 1, ANYTHING, TYPE_INT, true, false, NULL, rule_length,
     "char_length(s): characters of a STRING, bytes of a BINARY"},
    {"character_length", 1, 1, ANYTHING, TYPE_INT, true, false, NULL, rule_length,
     "character_length(s): characters of a STRING, bytes of a BINARY"},
    {"coalesce", 1, FUNCTION_ANY, ANYTHING, 0, false, false, kernel_coalesce, rule_coalesce,
     "coalesce(a, b, ...): the first that is not NULL"},
    {"concat", 0, FUNCTION_ANY, ANYTHING, TYPE_STRING, true, false, kernel_concat, rule_concat,
     "concat(a, b, ...): one after the other; NULL if one is NULL"},
    {"curdate", 0, 0, ANYTHING, TYPE_DATE, false, true, kernel_current_date, rule_current,
     "curdate(): the day of the batch, in UTC"},
    {"current_date", 0, 0, ANYTHING, TYPE_DATE, false, true, kernel_current_date, rule_current,
     "current_date(): the day of the batch, in UTC"},
    {"current_timestamp", 0, 0, ANYTHING, TYPE_TIMESTAMP, false, true, kernel_current_timestamp,
     rule_current, "current_timestamp(): the time of the batch"},
    {"date", 1, 1, ANYTHING, TYPE_DATE, true, false, NULL, rule_cast, "date(x): CAST(x AS DATE)"},
    {"double", 1, 1, ANYTHING, TYPE_DOUBLE, true, false, NULL, rule_cast,
     "double(x): CAST(x AS DOUBLE)"},
    {"float", 1, 1, ANYTHING, TYPE_FLOAT, true, false, NULL, rule_cast,
     "float(x): CAST(x AS FLOAT)"},
    {"if", 3, 3, ANYTHING, 0, false, false, kernel_case, rule_if,
     "if(condition, a, b): a where the condition is true, else b"},
    {"ifnull", 2, 2, ANYTHING, 0, false, false, kernel_coalesce, rule_coalesce,
     "ifnull(a, b): a, or b where a is NULL"},
    {"int", 1, 1, ANYTHING, TYPE_INT, true, false, NULL, rule_cast, "int(x): CAST(x AS INT)"},
    {"isnotnull", 1, 1, ANYTHING, TYPE_BOOLEAN, false, false, kernel_is_not_null, rule_is_null,
     "isnotnull(x): x IS NOT NULL"},
    {"isnull", 1, 1, ANYTHING, TYPE_BOOLEAN, false, false, kernel_is_null, rule_is_null,
     "isnull(x): x IS NULL"},
    {"lcase", 1, 1, STRINGS, TYPE_STRING, true, false, kernel_lower, NULL, "lcase(s): lower(s)"},
    {"len", 1, 1, ANYTHING, TYPE_INT, true, false, NULL, rule_length,
     "len(s): characters of a STRING, bytes of a BINARY"},
    {"length", 1, 1, ANYTHING, TYPE_INT, true, false, NULL, rule_length,
     "length(s): characters of a STRING, bytes of a BINARY"},
    {"lower", 1, 1, STRINGS, TYPE_STRING, true, false, kernel_lower, NULL,
     "lower(s): in lower case, as Java's String.toLowerCase"},
    {"ltrim", 1, 1, STRINGS, TYPE_STRING, true, false, kernel_ltrim, NULL,
     "ltrim(s): without spaces at the start"},
    {"now", 0, 0, ANYTHING, TYPE_TIMESTAMP, false, true, kernel_current_timestamp, rule_current,
     "now(): the time of the batch"},
    {"nullif", 2, 2, ANYTHING, 0, false, false, kernel_case, rule_nullif,
     "nullif(a, b): NULL where a = b, else a"},
    {"nvl", 2, 2, ANYTHING, 0, false, false, kernel_coalesce, rule_coalesce,
     "nvl(a, b): a, or b where a is NULL"},
    {"nvl2", 3, 3, ANYTHING, 0, false, false, kernel_case, rule_nvl2,
     "nvl2(a, b, c): b where a is not NULL, else c"},
    {"rtrim", 1, 1, STRINGS, TYPE_STRING, true, false, kernel_rtrim, NULL,
     "rtrim(s): without spaces at the end"},
    {"smallint", 1, 1, ANYTHING, TYPE_SMALLINT, true, false, NULL, rule_cast,
     "smallint(x): CAST(x AS SMALLINT)"},
    {"string", 1, 1, ANYTHING, TYPE_STRING, true, false, NULL, rule_cast,
     "string(x): CAST(x AS STRING)"},
    {"substr",
     2,
     3,
     {PARAM_ANY, PARAM_INT, PARAM_INT},
     TYPE_STRING,
     true,
     false,
     kernel_substring,
     rule_substring,
     "substr(s, position[, length]): substring"},
    {"substring",
     2,
     3,
     {PARAM_ANY, PARAM_INT, PARAM_INT},
     TYPE_STRING,
     true,
     false,
     kernel_substring,
     rule_substring,
     "substring(s, position[, length]): from the position-th character (negative: from the end)"},
    {"timestamp", 1, 1, ANYTHING, TYPE_TIMESTAMP, true, false, NULL, rule_cast,
     "timestamp(x): CAST(x AS TIMESTAMP)"},
    {"tinyint", 1, 1, ANYTHING, TYPE_TINYINT, true, false, NULL, rule_cast,
     "tinyint(x): CAST(x AS TINYINT)"},
    {"trim", 1, 1, STRINGS, TYPE_STRING, true, false, kernel_trim, NULL,
     "trim(s): without spaces at both ends"},
    {"ucase", 1, 1, STRINGS, TYPE_STRING, true, false, kernel_upper, NULL, "ucase(s): upper(s)"},
    {"upper", 1, 1, STRINGS, TYPE_STRING, true, false, kernel_upper, NULL,
     "upper(s): in upper case, as Java's String.toUpperCase"},
};
const size_t catalogue_count = COUNT_OF(catalogue);

static int compare_name(struct str word, const char *name)
{
    size_t i = 0;
    for (; i < word.n && name[i]; i++) {
        char c = word.p[i] >= 'A' && word.p[i] <= 'Z' ? (char)(word.p[i] + 32) : word.p[i];
        if (c != name[i])
            return (unsigned char)c < (unsigned char)name[i] ? -1 : 1;
    }
    return i < word.n ? 1 : name[i] ? -1 : 0;
}

const struct function *catalogue_find(struct str name)
{
    size_t low = 0, high = catalogue_count;
    while (low < high) {
        size_t mid = (low + high) / 2;
        int order = compare_name(name, catalogue[mid].name);
        if (order == 0)
            return &catalogue[mid];
        if (order < 0)
            high = mid;
        else
            low = mid + 1;
    }
    return NULL;
}
