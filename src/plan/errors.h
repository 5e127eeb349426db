/* errors.h: adding to the list of problems (plan.h). */
#pragma once

#include <stdarg.h>

#include "plan/plan.h"

/* Adds one error with everything it can have; strings are copied into `arena`. */
void plan_error_add_full(struct plan_errors *errors, struct arena *arena, struct plan_where where,
                         int code, struct str excerpt, const char *fmt, ...) PRINTF_LIKE(6, 7);
void plan_error_add_args(struct plan_errors *errors, struct arena *arena, struct plan_where where,
                         int code, struct str excerpt, const char *fmt, va_list args)
    PRINTF_LIKE(6, 0);

/* Further errors would be left out: no need to think of a suggestion. */
static inline bool plan_errors_full(const struct plan_errors *errors)
{
    return errors->count >= PLAN_ERRORS_MAX;
}
