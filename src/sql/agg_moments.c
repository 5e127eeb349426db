/* agg_moments.c: variance, standard deviation, skewness, kurtosis: central moments, updated and
 * merged by the formulas of "Simpler Online Updates for Arbitrary-Order Central Moments" (Meng,
 * 2015) in the order of operations of Spark 3.5's CentralMomentAgg, on which the last digits
 * depend.
 *
 * Spark merges each partial result into an empty one after the shuffle, and the state into an empty
 * one when it is read, before it merges the two, and once more for the result. For moments that is
 * not the identity: x / n * n may differ from x. So it is done here too. */
#include <math.h>

#include "sql/agg_impl.h"

struct moments {
    double n, mean, m2, m3, m4; /* the accumulator ends after the highest that is kept */
};

static inline void add(struct moments *acc, double x, int order)
{
    double n = acc->n + 1.0;
    double delta = x - acc->mean;
    double delta_n = delta / n;
    double m2 = acc->m2 + delta * (delta - delta_n);
    acc->n = n;
    acc->mean += delta_n;
    acc->m2 = m2;
    if (order < 3)
        return;
    double delta2 = delta * delta, delta_n2 = delta_n * delta_n;
    double m3 = acc->m3 - 3.0 * delta_n * m2 + delta * (delta2 - delta_n2);
    acc->m3 = m3;
    if (order >= 4)
        acc->m4 = acc->m4 - 4.0 * delta_n * m3 - 6.0 * delta_n2 * m2 +
                  delta * (delta * delta2 - delta_n * delta_n2);
}

static struct moments join(struct moments a, struct moments b)
{
    struct moments sum;
    double n1 = a.n, n2 = b.n, n = n1 + n2;
    double delta = b.mean - a.mean;
    double delta_n = n == 0.0 ? 0.0 : delta / n;
    sum.n = n;
    sum.mean = a.mean + delta_n * n2;
    sum.m2 = a.m2 + b.m2 + delta * delta_n * n1 * n2;
    sum.m3 = a.m3 + b.m3 + delta_n * delta_n * delta * n1 * n2 * (n1 - n2) +
             3.0 * delta_n * (n1 * b.m2 - n2 * a.m2);
    sum.m4 = a.m4 + b.m4 +
             delta_n * delta_n * delta_n * delta * n1 * n2 * (n1 * n1 - n1 * n2 + n2 * n2) +
             6.0 * delta_n * delta_n * (n1 * n1 * b.m2 + n2 * n2 * a.m2) +
             4.0 * delta_n * (n1 * b.m3 - n2 * a.m3);
    return sum;
}

/* What is kept of an accumulator, merged into an empty one. */
static struct moments settled(const struct aggregate_call *call, const void *acc)
{
    struct moments zero = {0}, kept = {0};
    memcpy(&kept, acc, call->size);
    return join(zero, kept);
}

#define MOMENTS_UPDATE(order)                                                                      \
    static AGG_UPDATE_DECLARE(update_##order)                                                      \
    {                                                                                              \
        (void)call, (void)heap, (void)err;                                                         \
        const double *values = args[0].f64;                                                        \
        AGG_EACH(struct moments, &args[0], add(acc, values[i], order));                            \
        return 0;                                                                                  \
    }
MOMENTS_UPDATE(2)
MOMENTS_UPDATE(3)
MOMENTS_UPDATE(4)

/* regr_syy and regr_sxx: of one argument in the rows where both are there. */
static int update_pair(char *const *groups, size_t offset, const struct vec *args, uint32_t which,
                       uint32_t n)
{
    struct agg_pair pair;
    agg_pair_init(&pair, args, which, n);
    const double *values = pair.vec.f64;
    AGG_EACH(struct moments, &pair.vec, add(acc, values[i], 2));
    return 0;
}

static AGG_UPDATE_DECLARE(update_y)
{
    (void)call, (void)heap, (void)err;
    return update_pair(groups, offset, args, 0, n);
}

static AGG_UPDATE_DECLARE(update_x)
{
    (void)call, (void)heap, (void)err;
    return update_pair(groups, offset, args, 1, n);
}

static AGG_MERGE_DECLARE(merge)
{
    (void)heap, (void)err;
    struct moments sum = join(settled(call, into), settled(call, from));
    memcpy(into, &sum, call->size);
    return 0;
}

/* False: NULL. Spark divides by zero to NULL. */
typedef bool (*finish_fn)(const struct moments *m, double *out);

static bool divide(double a, double b, double *out)
{
    *out = a / b;
    return b != 0.0;
}

static bool finish_var_pop(const struct moments *m, double *out)
{
    return divide(m->m2, m->n, out);
}

static bool finish_var_samp(const struct moments *m, double *out)
{
    return m->n != 1.0 && divide(m->m2, m->n - 1.0, out);
}

static bool finish_stddev_pop(const struct moments *m, double *out)
{
    bool there = finish_var_pop(m, out);
    *out = sqrt(*out);
    return there;
}

static bool finish_stddev_samp(const struct moments *m, double *out)
{
    bool there = finish_var_samp(m, out);
    *out = there ? sqrt(*out) : 0;
    return there;
}

static bool finish_skewness(const struct moments *m, double *out)
{
    return m->m2 != 0.0 && divide(sqrt(m->n) * m->m3, sqrt(m->m2 * m->m2 * m->m2), out);
}

static bool finish_kurtosis(const struct moments *m, double *out)
{
    bool there = m->m2 != 0.0 && divide(m->n * m->m4, m->m2 * m->m2, out);
    *out = there ? *out - 3.0 : 0;
    return there;
}

static bool finish_m2(const struct moments *m, double *out)
{
    *out = m->m2;
    return true;
}

static int finish(const struct aggregate_call *call, char *const *groups, size_t offset, uint32_t n,
                  struct arena *arena, struct vec *out, finish_fn function, struct err *err)
{
    if (agg_result_init(call, n, arena, out) != 0)
        return agg_nomem(err);
    for (uint32_t i = 0; i < n; i++) {
        struct moments m = settled(call, groups[i] + offset);
        out->f64[i] = 0;
        if (m.n == 0.0 || !function(&m, &out->f64[i]))
            vec_set_null(out, i);
    }
    return 0;
}

#define MOMENTS_OPS(name, update_fn)                                                               \
    static AGG_RESULT_DECLARE(result_##name)                                                       \
    {                                                                                              \
        return finish(call, groups, offset, n, arena, out, finish_##name, err);                    \
    }                                                                                              \
    static const struct aggregate_ops name##_ops = {.update = update_fn,                           \
                                                    .merge = merge,                                \
                                                    .result = result_##name,                       \
                                                    .encode = agg_encode_words,                    \
                                                    .decode = agg_decode_words}

#define MOMENTS(name, order)                                                                       \
    MOMENTS_OPS(name, update_##order);                                                             \
    int agg_rule_##name(struct binder *binder, uint32_t offset, struct aggregate_call *call)       \
    {                                                                                              \
        (void)offset;                                                                              \
        int code = agg_doubles(binder, call);                                                      \
        return code == 0 ? agg_set(call, &name##_ops, (order + 1) * sizeof(double),                \
                                   type_simple(TYPE_DOUBLE))                                       \
                         : code;                                                                   \
    }

MOMENTS(var_pop, 2)
MOMENTS(var_samp, 2)
MOMENTS(stddev_pop, 2)
MOMENTS(stddev_samp, 2)
MOMENTS(skewness, 3)
MOMENTS(kurtosis, 4)

#define finish_regr_sxx finish_m2
#define finish_regr_syy finish_m2
#define update_regr_sxx update_x
#define update_regr_syy update_y
#define MOMENTS_PAIR(name)                                                                         \
    MOMENTS_OPS(name, update_##name);                                                              \
    int agg_rule_##name(struct binder *binder, uint32_t offset, struct aggregate_call *call)       \
    {                                                                                              \
        (void)offset;                                                                              \
        int code = agg_doubles(binder, call);                                                      \
        return code == 0                                                                           \
                   ? agg_set(call, &name##_ops, 3 * sizeof(double), type_simple(TYPE_DOUBLE))      \
                   : code;                                                                         \
    }
MOMENTS_PAIR(regr_sxx)
MOMENTS_PAIR(regr_syy)
