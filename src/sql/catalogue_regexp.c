/* catalogue_regexp.c: patterns: LIKE and regular expressions as functions. */
#include "sql/catalogue_groups.h"
#include "sql/function_rules_text.h"
#include "sql/kernels_text.h"

#define ROW(name, aliases, min, max, params, result, kernel, rule, usage)                          \
    {                                                                                              \
        name, aliases, min, max, params, result, FUNCTION_STRICT, kernel, rule, usage              \
    }
/* Spark infers nothing of the arguments from a value. */
#define LOOSE(name, aliases, min, max, params, result, kernel, rule, usage)                        \
    {                                                                                              \
        name, aliases, min, max, params, result, FUNCTION_STRICT | FUNCTION_LOOSE, kernel, rule,   \
            usage                                                                                  \
    }
#define P(...)                                                                                     \
    {                                                                                              \
        __VA_ARGS__                                                                                \
    }

const struct function catalogue_regexp[] = {
    ROW("ilike", NULL, 2, 2, P(PARAM_STRING), TYPE_BOOLEAN, kernel_like, rule_like,
        "ilike(s, pattern): s ILIKE pattern"),
    ROW("like", NULL, 2, 2, P(PARAM_STRING), TYPE_BOOLEAN, kernel_like, rule_like,
        "like(s, pattern): s LIKE pattern"),
    ROW("regexp", "regexp_like rlike", 2, 2, P(PARAM_STRING), TYPE_BOOLEAN, kernel_rlike,
        rule_rlike, "regexp(s, pattern): whether the pattern matches somewhere in s"),
    LOOSE("regexp_count", NULL, 2, 2, P(PARAM_STRING), TYPE_INT, kernel_regexp_count, rule_regexp,
          "regexp_count(s, pattern): how often it matches"),
    ROW("regexp_extract", NULL, 2, 3, P(PARAM_STRING, PARAM_STRING, PARAM_INT), TYPE_STRING,
        kernel_regexp_extract, rule_regexp_extract,
        "regexp_extract(s, pattern[, group]): a group (the first) of the first match; empty: none"),
    ROW("regexp_extract_all", NULL, 2, 3, P(PARAM_STRING, PARAM_STRING, PARAM_INT), TYPE_VOID,
        kernel_regexp_extract_all, rule_regexp_extract,
        "regexp_extract_all(s, pattern[, group]): a group (the first) of every match"),
    ROW("regexp_instr", NULL, 2, 3, P(PARAM_STRING, PARAM_STRING, PARAM_INT), TYPE_INT,
        kernel_regexp_instr, rule_regexp_instr,
        "regexp_instr(s, pattern): where the first match begins, from 1, in UTF-16 units; 0: none"),
    ROW("regexp_replace", NULL, 3, 4, P(PARAM_STRING, PARAM_STRING, PARAM_STRING, PARAM_INT),
        TYPE_STRING, kernel_regexp_replace, rule_regexp_replace,
        "regexp_replace(s, pattern, replacement[, from]): every match replaced; $1 is a group"),
    LOOSE("regexp_substr", NULL, 2, 2, P(PARAM_STRING), TYPE_STRING, kernel_regexp_substr,
          rule_regexp, "regexp_substr(s, pattern): the first match; NULL: none"),
    ROW("split", NULL, 2, 3, P(PARAM_STRING, PARAM_STRING, PARAM_INT), TYPE_VOID, kernel_split,
        rule_split, "split(s, pattern[, limit]): the parts between the matches"),
};
const size_t catalogue_regexp_count = COUNT_OF(catalogue_regexp);
