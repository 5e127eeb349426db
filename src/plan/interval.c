#include "plan/interval.h"

#include "vec/interval_text.h"

#define DAY_US INT64_C(86400000000)

const char *plan_interval_parse(struct str text, int32_t month_days, int64_t *out_ms, size_t *at)
{
    struct vec_interval interval;
    int64_t us, months_us;
    const char *problem = interval_text_parse(text, &interval, at);
    if (problem)
        return problem;
    if (interval.months && month_days == 0)
        return "months and years are not supported here, as their length varies";
    bool long_months = __builtin_mul_overflow(interval.months, month_days * DAY_US, &months_us);
    interval.months = 0;
    if (long_months || !interval_fixed_us(&interval, &us) ||
        __builtin_add_overflow(us, months_us, &us))
        return "this interval is too long";
    *out_ms = us / 1000;
    return NULL;
}
