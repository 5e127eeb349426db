/* agg_rules.h: the rules of the table of aggregate functions (aggregate.c), by name. */
#pragma once

#include "sql/aggregate.h"

#define AGG_RULE(name)                                                                             \
    int agg_rule_##name(struct binder *binder, uint32_t offset, struct aggregate_call *call)
AGG_RULE(approx_count_distinct);
AGG_RULE(avg);
AGG_RULE(bit_and);
AGG_RULE(bit_or);
AGG_RULE(bit_xor);
AGG_RULE(bool_and);
AGG_RULE(bool_or);
AGG_RULE(collect_list);
AGG_RULE(collect_set);
AGG_RULE(corr);
AGG_RULE(count);
AGG_RULE(count_if);
AGG_RULE(covar_pop);
AGG_RULE(covar_samp);
AGG_RULE(first);
AGG_RULE(kurtosis);
AGG_RULE(last);
AGG_RULE(max);
AGG_RULE(max_by);
AGG_RULE(median);
AGG_RULE(min);
AGG_RULE(min_by);
AGG_RULE(mode);
AGG_RULE(percentile);
AGG_RULE(percentile_approx);
AGG_RULE(regr_avgx);
AGG_RULE(regr_avgy);
AGG_RULE(regr_count);
AGG_RULE(regr_intercept);
AGG_RULE(regr_r2);
AGG_RULE(regr_slope);
AGG_RULE(regr_sxx);
AGG_RULE(regr_sxy);
AGG_RULE(regr_syy);
AGG_RULE(skewness);
AGG_RULE(stddev_pop);
AGG_RULE(stddev_samp);
AGG_RULE(sum);
AGG_RULE(try_sum);
AGG_RULE(var_pop);
AGG_RULE(var_samp);
