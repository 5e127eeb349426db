/* function_rules.h: how calls are typed whose types are not fixed; see catalogue.h. */
#pragma once

#include "sql/catalogue.h"

#define RULE_DECLARE(name)                                                                         \
    int name(struct binder *binder, const struct function *function, struct expr *call)

RULE_DECLARE(rule_abs);
RULE_DECLARE(rule_cast); /* bigint(x) and so on */
RULE_DECLARE(rule_cast_decimal);
RULE_DECLARE(rule_length);
RULE_DECLARE(rule_coalesce);
RULE_DECLARE(rule_concat);
RULE_DECLARE(rule_if);
RULE_DECLARE(rule_is_null);
RULE_DECLARE(rule_nullif);
RULE_DECLARE(rule_nvl2);
RULE_DECLARE(rule_substring);
