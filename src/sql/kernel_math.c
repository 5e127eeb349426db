/* kernel_math.c: functions of doubles, with the formulas that Spark uses. */
#include <math.h>

#include "sql/kernel.h"
#include "sql/kernels_math.h"

#define DOUBLE_KERNEL(name, compute)                                                               \
    int kernel_##name(struct eval *eval, const struct expr *expr, const struct value *args,        \
                      struct value *out)                                                           \
    {                                                                                              \
        (void)eval, (void)expr;                                                                    \
        const double *in = args[0].vec.f64;                                                        \
        for (uint32_t i = 0; i < out->vec.rows; i++) {                                             \
            const double x = in[i];                                                                \
            out->vec.f64[i] = compute;                                                             \
        }                                                                                          \
        return 0;                                                                                  \
    }

static double inverse_sinh(double x)
{
    return isinf(x) ? x : log(x + sqrt(x * x + 1));
}

static double sign_of(double x)
{
    return x > 0 ? 1 : x < 0 ? -1 : x;
}

DOUBLE_KERNEL(acos, acos(x))
DOUBLE_KERNEL(acosh, log(x + sqrt(x * x - 1)))
DOUBLE_KERNEL(asin, asin(x))
DOUBLE_KERNEL(asinh, inverse_sinh(x))
DOUBLE_KERNEL(atan, atan(x))
DOUBLE_KERNEL(atanh, 0.5 * (log1p(x) - log1p(-x)))
DOUBLE_KERNEL(cbrt, cbrt(x))
DOUBLE_KERNEL(cos, cos(x))
DOUBLE_KERNEL(cosh, cosh(x))
DOUBLE_KERNEL(cot, 1 / tan(x))
DOUBLE_KERNEL(csc, 1 / sin(x))
DOUBLE_KERNEL(degrees, x * 57.29577951308232)
DOUBLE_KERNEL(exp, exp(x))
DOUBLE_KERNEL(expm1, expm1(x))
DOUBLE_KERNEL(radians, x * 0.017453292519943295)
DOUBLE_KERNEL(rint, rint(x))
DOUBLE_KERNEL(sec, 1 / cos(x))
DOUBLE_KERNEL(signum, sign_of(x))
DOUBLE_KERNEL(sin, sin(x))
DOUBLE_KERNEL(sinh, sinh(x))
DOUBLE_KERNEL(sqrt, sqrt(x))
DOUBLE_KERNEL(tan, tan(x))
DOUBLE_KERNEL(tanh, tanh(x))

/* NULL up to `floor`; the logarithm of NaN is NaN. */
#define LOG_KERNEL(name, floor, compute)                                                           \
    int kernel_##name(struct eval *eval, const struct expr *expr, const struct value *args,        \
                      struct value *out)                                                           \
    {                                                                                              \
        (void)expr;                                                                                \
        uint8_t *nulls = kernel_flags(eval, out->vec.rows), any = 0;                               \
        if (!nulls)                                                                                \
            return ERR_NOMEM;                                                                      \
        for (uint32_t i = 0; i < out->vec.rows; i++) {                                             \
            const double x = args[0].vec.f64[i];                                                   \
            nulls[i] = x <= floor;                                                                 \
            any |= nulls[i];                                                                       \
            out->vec.f64[i] = nulls[i] ? 0 : compute;                                              \
        }                                                                                          \
        return any ? kernel_null_where(eval, out, nulls) : 0;                                      \
    }
LOG_KERNEL(ln, 0, log(x))
LOG_KERNEL(log1p, -1, log1p(x))
LOG_KERNEL(log2, 0, log(x) / log(2))
LOG_KERNEL(log10, 0, log10(x))

#define DOUBLE_KERNEL_2(name, compute)                                                             \
    int kernel_##name(struct eval *eval, const struct expr *expr, const struct value *args,        \
                      struct value *out)                                                           \
    {                                                                                              \
        (void)eval, (void)expr;                                                                    \
        double *result = out->vec.f64;                                                             \
        KERNEL_BINARY(double, f64, result[i] = compute);                                           \
        return 0;                                                                                  \
    }

/* C's pow gives 1 for a base of 1, and for -1 to infinity, whatever the exponent; Java's gives NaN
 * when the exponent is NaN or the result has no limit. */
static double power(double x, double y)
{
    if (y == 0)
        return 1;
    if (isnan(y) || (isinf(y) && fabs(x) == 1))
        return NAN;
    return pow(x, y);
}

DOUBLE_KERNEL_2(atan2, atan2(x + 0.0, y + 0.0)) /* no negative zeros */
DOUBLE_KERNEL_2(hypot, hypot(x, y))
DOUBLE_KERNEL_2(power, power(x, y))

int kernel_log(struct eval *eval, const struct expr *expr, const struct value *args,
               struct value *out)
{
    (void)expr;
    double *result = out->vec.f64;
    uint8_t *nulls = kernel_flags(eval, out->vec.rows), any = 0;
    if (!nulls)
        return ERR_NOMEM;
    KERNEL_BINARY(double, f64, {
        nulls[i] = x <= 0 || y <= 0;
        any |= nulls[i];
        result[i] = nulls[i] ? 0 : log(y) / log(x);
    });
    return any ? kernel_null_where(eval, out, nulls) : 0;
}

#define NAN_KERNELS(member, type)                                                                  \
    /* Never NULL: a NULL is no NaN. */                                                            \
    int kernel_is_nan_##member(struct eval *eval, const struct expr *expr,                         \
                               const struct value *args, struct value *out)                        \
    {                                                                                              \
        (void)eval, (void)expr;                                                                    \
        for (uint32_t i = 0; i < out->vec.rows; i++)                                               \
            out->vec.boolean[i] =                                                                  \
                !vec_is_null(&args[0].vec, i) && isnan(args[0].vec.member[i]) != 0;                \
        return 0;                                                                                  \
    }                                                                                              \
    /* The second argument counts only where the first is NaN. */                                  \
    int kernel_nanvl_##member(struct eval *eval, const struct expr *expr,                          \
                              const struct value *args, struct value *out)                         \
    {                                                                                              \
        (void)expr;                                                                                \
        type *result = out->vec.member;                                                            \
        uint8_t *nulls = kernel_flags(eval, out->vec.rows);                                        \
        if (!nulls)                                                                                \
            return ERR_NOMEM;                                                                      \
        for (uint32_t i = 0; i < out->vec.rows; i++) {                                             \
            uint32_t first = kernel_row(&args[0], i), second = kernel_row(&args[1], i);            \
            bool null = vec_is_null(&args[0].vec, first);                                          \
            bool other = !null && isnan(args[0].vec.member[first]);                                \
            nulls[i] = other ? vec_is_null(&args[1].vec, second) : null;                           \
            result[i] = other ? args[1].vec.member[second] : args[0].vec.member[first];            \
        }                                                                                          \
        return kernel_null_where(eval, out, nulls);                                                \
    }
NAN_KERNELS(f32, float)
NAN_KERNELS(f64, double)
