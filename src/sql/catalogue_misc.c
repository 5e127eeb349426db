/* catalogue_misc.c: functions that belong nowhere else. */
#include "sql/catalogue_groups.h"
#include "sql/function_rules_math.h"

const struct function catalogue_misc[] = {
    {"typeof",
     NULL,
     1,
     1,
     {PARAM_ANY},
     TYPE_STRING,
     0,
     NULL,
     rule_typeof,
     "typeof(x): the name of the type of x"},
};
const size_t catalogue_misc_count = COUNT_OF(catalogue_misc);
