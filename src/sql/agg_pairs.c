/* agg_pairs.c: corr, covariance and linear regression: moments of two variables, in the order of
 * operations of Spark 3.5's PearsonCorrelation and Covariance. As in agg_moments.c, what is merged
 * was merged into an empty accumulator before. Rows in which one of the two is NULL do not count.
 */
#include <math.h>

#include "sql/agg_impl.h"

/* Of two variables u and v; covariances end after c. */
struct pairs {
    double n, u_mean, v_mean, c, u_m2, v_m2;
};

static void add_corr(struct pairs *acc, double u, double v)
{
    double n = acc->n + 1.0;
    double du = u - acc->u_mean, dv = v - acc->v_mean;
    acc->n = n;
    acc->u_mean += du / n;
    acc->v_mean += dv / n;
    acc->c += du * (v - acc->v_mean);
    acc->u_m2 += du * (u - acc->u_mean);
    acc->v_m2 += dv * (v - acc->v_mean);
}

static void add_covar(struct pairs *acc, double u, double v)
{
    double n = acc->n + 1.0;
    double du = u - acc->u_mean, dv = v - acc->v_mean;
    acc->n = n;
    acc->u_mean += du / n;
    acc->v_mean += dv / n;
    acc->c += du * (v - acc->v_mean);
}

/* The slope's variance is a CentralMomentAgg: another formula than corr's. */
static void add_slope(struct pairs *acc, double u, double v)
{
    double delta = u - acc->u_mean;
    double m2 = acc->u_m2 + delta * (delta - delta / (acc->n + 1.0));
    add_covar(acc, u, v);
    acc->u_m2 = m2;
}

static struct pairs join(struct pairs a, struct pairs b)
{
    struct pairs sum;
    double n1 = a.n, n2 = b.n, n = n1 + n2;
    double du = b.u_mean - a.u_mean, dv = b.v_mean - a.v_mean;
    double du_n = n == 0.0 ? 0.0 : du / n, dv_n = n == 0.0 ? 0.0 : dv / n;
    sum.n = n;
    sum.u_mean = a.u_mean + du_n * n2;
    sum.v_mean = a.v_mean + dv_n * n2;
    sum.c = a.c + b.c + du * dv_n * n1 * n2;
    sum.u_m2 = a.u_m2 + b.u_m2 + du * du_n * n1 * n2;
    sum.v_m2 = a.v_m2 + b.v_m2 + dv * dv_n * n1 * n2;
    return sum;
}

static struct pairs settled(const struct aggregate_call *call, const void *acc)
{
    struct pairs zero = {0}, kept = {0};
    memcpy(&kept, acc, call->size);
    return join(zero, kept);
}

static AGG_MERGE_DECLARE(merge)
{
    (void)heap, (void)err;
    struct pairs sum = join(settled(call, into), settled(call, from));
    memcpy(into, &sum, call->size);
    return 0;
}

#define PAIRS_UPDATE(name, u, v)                                                                   \
    static AGG_UPDATE_DECLARE(update_##name)                                                       \
    {                                                                                              \
        (void)call, (void)heap, (void)err;                                                         \
        struct agg_pair pair;                                                                      \
        agg_pair_init(&pair, args, 0, n);                                                          \
        const double *us = args[u].f64, *vs = args[v].f64;                                         \
        AGG_EACH(struct pairs, &pair.vec, add_##name(acc, us[i], vs[i]));                          \
        return 0;                                                                                  \
    }
PAIRS_UPDATE(corr, 0, 1)
PAIRS_UPDATE(covar, 0, 1)
PAIRS_UPDATE(slope, 1, 0) /* of (y, x): x first */

/* False: NULL. Spark divides by zero to NULL. */
typedef bool (*finish_fn)(const struct pairs *p, double *out);

static bool divide(double a, double b, double *out)
{
    *out = a / b;
    return b != 0.0;
}

static bool finish_corr(const struct pairs *p, double *out)
{
    return p->n != 1.0 && divide(p->c, sqrt(p->u_m2 * p->v_m2), out);
}

static bool finish_covar_pop(const struct pairs *p, double *out)
{
    return divide(p->c, p->n, out);
}

static bool finish_covar_samp(const struct pairs *p, double *out)
{
    return p->n != 1.0 && divide(p->c, p->n - 1.0, out);
}

static bool finish_regr_sxy(const struct pairs *p, double *out)
{
    *out = p->c;
    return true;
}

/* u is y. Where y does not vary the coefficient is 1 by definition and without meaning where x does
 * not; Spark 3.5 has it the other way round. */
static bool finish_regr_r2(const struct pairs *p, double *out)
{
    if (p->u_m2 == 0.0)
        return false;
    *out = 1.0;
    if (p->v_m2 == 0.0)
        return true;
    bool there = divide(p->c, sqrt(p->u_m2 * p->v_m2), out);
    *out *= *out;
    return there;
}

static bool finish_regr_slope(const struct pairs *p, double *out)
{
    return divide(p->c, p->u_m2, out);
}

static bool finish_regr_intercept(const struct pairs *p, double *out)
{
    *out = p->v_mean - p->c / p->u_m2 * p->u_mean;
    return p->u_m2 != 0.0;
}

static int finish(const struct aggregate_call *call, char *const *groups, size_t offset, uint32_t n,
                  struct arena *arena, struct vec *out, finish_fn function, struct err *err)
{
    if (agg_result_init(call, n, arena, out) != 0)
        return agg_nomem(err);
    for (uint32_t i = 0; i < n; i++) {
        struct pairs p = settled(call, groups[i] + offset);
        out->f64[i] = 0;
        if (p.n == 0.0 || !function(&p, &out->f64[i]))
            vec_set_null(out, i);
    }
    return 0;
}

#define PAIRS(name, update_name, words)                                                            \
    static AGG_RESULT_DECLARE(result_##name)                                                       \
    {                                                                                              \
        return finish(call, groups, offset, n, arena, out, finish_##name, err);                    \
    }                                                                                              \
    static const struct aggregate_ops name##_ops = {.update = update_##update_name,                \
                                                    .merge = merge,                                \
                                                    .result = result_##name,                       \
                                                    .encode = agg_encode_words,                    \
                                                    .decode = agg_decode_words};                   \
    int agg_rule_##name(struct binder *binder, uint32_t offset, struct aggregate_call *call)       \
    {                                                                                              \
        (void)offset;                                                                              \
        int code = agg_doubles(binder, call);                                                      \
        return code == 0                                                                           \
                   ? agg_set(call, &name##_ops, words * sizeof(double), type_simple(TYPE_DOUBLE))  \
                   : code;                                                                         \
    }

PAIRS(corr, corr, 6)
PAIRS(covar_pop, covar, 4)
PAIRS(covar_samp, covar, 4)
PAIRS(regr_r2, corr, 6)
PAIRS(regr_sxy, covar, 4)
PAIRS(regr_slope, slope, 5)
PAIRS(regr_intercept, slope, 5)
