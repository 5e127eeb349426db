/* function_rules_time.h: rules of date, time and interval functions; see catalogue.h. */
#pragma once

#include "sql/function_rules.h"

RULE_DECLARE(rule_current_date);
RULE_DECLARE(rule_add_days);        /* date_add and date_sub: the second argument */
RULE_DECLARE(rule_months_between);  /* the third argument that Spark adds */
RULE_DECLARE(rule_exact_date);      /* nothing is converted to the DATE */
RULE_DECLARE(rule_exact_timestamp); /* nothing is converted to the TIMESTAMP */
RULE_DECLARE(rule_exact_integer);   /* only integers: BIGINT */
RULE_DECLARE(rule_timestamp_seconds);
RULE_DECLARE(rule_zone); /* the last argument: a constant one is checked */
RULE_DECLARE(rule_make_timestamp);
RULE_DECLARE(rule_timestamp_unit); /* timestampadd, timestampdiff */
RULE_DECLARE(rule_current_timezone);
RULE_DECLARE(rule_extract);
RULE_DECLARE(rule_make_interval); /* adds the arguments that are left out */
RULE_DECLARE(rule_to_timestamp);
RULE_DECLARE(rule_to_date);
RULE_DECLARE(rule_unix_timestamp);
RULE_DECLARE(rule_from_unixtime);
RULE_DECLARE(rule_date_format);
