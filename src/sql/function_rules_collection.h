/* function_rules_collection.h: how calls of functions on arrays, structs and JSON are typed. */
#pragma once

#include "sql/function_rules.h"

RULE_DECLARE(rule_named_struct); /* bind_nested.c */
RULE_DECLARE(rule_array);        /* array(a, b) */
RULE_DECLARE(rule_size);         /* size, cardinality */
RULE_DECLARE(rule_array_size);
RULE_DECLARE(rule_element_at); /* and try_element_at */
RULE_DECLARE(rule_get);        /* and array[i] */
RULE_DECLARE(rule_search);     /* array and element: array_contains, array_position */
RULE_DECLARE(rule_with);       /* array and element, to a new array: array_remove, array_append */
RULE_DECLARE(rule_array_insert);
RULE_DECLARE(rule_array_join);
RULE_DECLARE(rule_element);    /* array to one of its elements: array_min, array_max */
RULE_DECLARE(rule_same_array); /* array to another of its type: array_distinct, array_compact */
RULE_DECLARE(rule_two_arrays); /* array_union and so on */
RULE_DECLARE(rule_overlap);
RULE_DECLARE(rule_array_repeat);
RULE_DECLARE(rule_slice);
RULE_DECLARE(rule_sort_array);
RULE_DECLARE(rule_array_sort); /* without a comparator */
RULE_DECLARE(rule_flatten);
RULE_DECLARE(rule_sequence);
RULE_DECLARE(rule_arrays_zip);
/* concat of arrays; *taken is false when there is no array among the arguments. */
int rule_concat_arrays(struct binder *binder, const struct function *function, struct expr *call,
                       bool *taken);
RULE_DECLARE(rule_reverse); /* of arrays, too */

RULE_DECLARE(rule_get_json_object);
RULE_DECLARE(rule_json_text); /* the argument must be a STRING */
RULE_DECLARE(rule_to_json);
RULE_DECLARE(rule_from_json);
