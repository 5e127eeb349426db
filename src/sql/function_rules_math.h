/* function_rules_math.h: how mathematical, bitwise, conditional, hash and other calls are typed. */
#pragma once

#include "sql/function_rules.h"

RULE_DECLARE(rule_upper_label); /* Spark writes the main name in capitals */
RULE_DECLARE(rule_pi);
RULE_DECLARE(rule_e);
RULE_DECLARE(rule_log);
RULE_DECLARE(rule_ceil);
RULE_DECLARE(rule_floor);
RULE_DECLARE(rule_round);
RULE_DECLARE(rule_bround);
RULE_DECLARE(rule_negative);
RULE_DECLARE(rule_positive);
RULE_DECLARE(rule_mod);
RULE_DECLARE(rule_pmod);
RULE_DECLARE(rule_div);
RULE_DECLARE(rule_try_add);
RULE_DECLARE(rule_try_subtract);
RULE_DECLARE(rule_try_multiply);
RULE_DECLARE(rule_try_divide);
RULE_DECLARE(rule_signum);
RULE_DECLARE(rule_greatest);
RULE_DECLARE(rule_least);
RULE_DECLARE(rule_is_nan);
RULE_DECLARE(rule_nanvl);
RULE_DECLARE(rule_hex);
RULE_DECLARE(rule_bit_count);
RULE_DECLARE(rule_bit_get);
RULE_DECLARE(rule_bitmap_count);
RULE_DECLARE(rule_shift_left);
RULE_DECLARE(rule_shift_right);
RULE_DECLARE(rule_shift_right_unsigned);
RULE_DECLARE(rule_equal_null);
RULE_DECLARE(rule_typeof);
RULE_DECLARE(rule_parse_url);

/* Makes `made` take the call's place under the name that the call has now. */
int rule_replace(struct binder *binder, struct expr *call, const struct expr *made);
/* "argument I of NAME must be WHAT, not TYPE". */
int rule_wrong_argument(struct binder *binder, const struct function *function,
                        const struct expr *call, uint32_t i, const char *what);
