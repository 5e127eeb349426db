/* agg_sum.c: sum and avg.
 *
 * DECIMAL: a sum that passes the precision of its buffer, DECIMAL(p + 10, s), is NULL for good, as
 * it is in Spark, whose buffer rows hold no such value. */
#include "sql/agg_impl.h"
#include "vec/decimal.h"

struct sum_words {
    union {
        uint64_t integer;
        double floating;
    };
    uint64_t count; /* avg: of the values; sum: 1 when there was one */
};

static AGG_UPDATE_DECLARE(update_bigint)
{
    (void)call, (void)heap, (void)err;
    const int64_t *values = args[0].i64;
    AGG_EACH(struct sum_words, &args[0], {
        acc->integer += (uint64_t)values[i];
        acc->count = 1;
    });
    return 0;
}

static AGG_UPDATE_DECLARE(update_double)
{
    (void)call, (void)heap, (void)err;
    const double *values = args[0].f64;
    AGG_EACH(struct sum_words, &args[0], {
        acc->floating += values[i];
        acc->count++;
    });
    return 0;
}

static AGG_MERGE_DECLARE(merge_bigint)
{
    (void)call, (void)heap, (void)err;
    struct sum_words *a = into;
    const struct sum_words *b = from;
    a->integer += b->integer;
    a->count |= b->count;
    return 0;
}

static AGG_MERGE_DECLARE(merge_double)
{
    (void)call, (void)heap, (void)err;
    struct sum_words *a = into;
    const struct sum_words *b = from;
    a->floating += b->floating;
    a->count += b->count;
    return 0;
}

static AGG_RESULT_DECLARE(result_bigint)
{
    if (agg_result_init(call, n, arena, out) != 0)
        return agg_nomem(err);
    for (uint32_t i = 0; i < n; i++) {
        const struct sum_words *acc = AGG_AT(struct sum_words, i);
        out->i64[i] = (int64_t)acc->integer;
        if (acc->count == 0)
            vec_set_null(out, i);
    }
    return 0;
}

static AGG_RESULT_DECLARE(result_double)
{
    if (agg_result_init(call, n, arena, out) != 0)
        return agg_nomem(err);
    for (uint32_t i = 0; i < n; i++) {
        const struct sum_words *acc = AGG_AT(struct sum_words, i);
        out->f64[i] = acc->floating;
        if (acc->count == 0)
            vec_set_null(out, i);
    }
    return 0;
}

static AGG_RESULT_DECLARE(result_mean)
{
    if (agg_result_init(call, n, arena, out) != 0)
        return agg_nomem(err);
    for (uint32_t i = 0; i < n; i++) {
        const struct sum_words *acc = AGG_AT(struct sum_words, i);
        out->f64[i] = acc->count ? acc->floating / (double)acc->count : 0;
        if (acc->count == 0)
            vec_set_null(out, i);
    }
    return 0;
}

struct sum_decimal {
    struct agg_i128 sum;
    uint64_t count;
    uint64_t overflow; /* 1: NULL whatever comes */
};

/* regr_avgx and regr_avgy: the mean of one of two arguments. */
static const struct type *summed_type(const struct aggregate_call *call)
{
    const uint32_t *which = call->params;
    return call->args[which ? *which : 0]->type;
}

static int at_most_38(int n)
{
    return n < DECIMAL_DIGITS_MAX ? n : DECIMAL_DIGITS_MAX;
}

static __int128 buffer_bound(const struct aggregate_call *call)
{
    return decimal_power(at_most_38(summed_type(call)->precision + 10));
}

static void add_decimal(struct sum_decimal *acc, __int128 v, __int128 bound)
{
    __int128 sum;
    if (__builtin_add_overflow(agg_i128_get(acc->sum), v, &sum) || sum >= bound || sum <= -bound) {
        acc->overflow = 1;
        sum = 0;
    }
    acc->sum = agg_i128_of(sum);
}

static AGG_UPDATE_DECLARE(update_decimal)
{
    (void)heap, (void)err;
    const __int128 *values = args[0].decimal;
    __int128 bound = buffer_bound(call);
    AGG_EACH(struct sum_decimal, &args[0], {
        add_decimal(acc, values[i], bound);
        acc->count++;
    });
    return 0;
}

static AGG_MERGE_DECLARE(merge_decimal)
{
    (void)heap, (void)err;
    struct sum_decimal *a = into;
    const struct sum_decimal *b = from;
    add_decimal(a, agg_i128_get(b->sum), buffer_bound(call));
    a->count += b->count;
    a->overflow |= b->overflow;
    return 0;
}

static AGG_RESULT_DECLARE(result_decimal)
{
    if (agg_result_init(call, n, arena, out) != 0)
        return agg_nomem(err);
    for (uint32_t i = 0; i < n; i++) {
        const struct sum_decimal *acc = AGG_AT(struct sum_decimal, i);
        out->decimal[i] = agg_i128_get(acc->sum);
        if (acc->count == 0 || acc->overflow)
            vec_set_null(out, i);
    }
    return 0;
}

static AGG_RESULT_DECLARE(result_decimal_mean)
{
    if (agg_result_init(call, n, arena, out) != 0)
        return agg_nomem(err);
    for (uint32_t i = 0; i < n; i++) {
        const struct sum_decimal *acc = AGG_AT(struct sum_decimal, i);
        out->decimal[i] = 0;
        if (acc->count == 0 || acc->overflow ||
            !decimal_divide(agg_i128_get(acc->sum), summed_type(call)->scale, acc->count, 0,
                            call->result, &out->decimal[i]))
            vec_set_null(out, i);
    }
    return 0;
}

static int decode_decimal(const struct aggregate_call *call, struct state_heap *heap,
                          struct state_reader *in, void *acc)
{
    int code = agg_decode_words(call, heap, in, acc);
    const struct sum_decimal *decimal = acc;
    __int128 sum = agg_i128_get(decimal->sum), bound = buffer_bound(call);
    return code == 0 && (sum >= bound || sum <= -bound) ? ERR_CORRUPT : code;
}

static AGG_UPDATE_DECLARE(update_double_pair)
{
    struct agg_pair pair;
    agg_pair_init(&pair, args, *(const uint32_t *)call->params, n);
    return update_double(call, heap, groups, offset, &pair.vec, n, err);
}

static AGG_UPDATE_DECLARE(update_decimal_pair)
{
    struct agg_pair pair;
    agg_pair_init(&pair, args, *(const uint32_t *)call->params, n);
    return update_decimal(call, heap, groups, offset, &pair.vec, n, err);
}

/* try_sum of integers: an overflow is NULL for good. */
struct sum_checked {
    int64_t sum;
    uint64_t count, overflow;
};

static void add_checked(struct sum_checked *acc, int64_t v)
{
    acc->overflow |= __builtin_add_overflow(acc->sum, v, &acc->sum);
}

static AGG_UPDATE_DECLARE(update_checked)
{
    (void)call, (void)heap, (void)err;
    const int64_t *values = args[0].i64;
    AGG_EACH(struct sum_checked, &args[0], {
        add_checked(acc, values[i]);
        acc->count = 1;
    });
    return 0;
}

static AGG_MERGE_DECLARE(merge_checked)
{
    (void)call, (void)heap, (void)err;
    struct sum_checked *a = into;
    const struct sum_checked *b = from;
    add_checked(a, b->sum);
    a->count |= b->count;
    a->overflow |= b->overflow;
    return 0;
}

static AGG_RESULT_DECLARE(result_checked)
{
    if (agg_result_init(call, n, arena, out) != 0)
        return agg_nomem(err);
    for (uint32_t i = 0; i < n; i++) {
        const struct sum_checked *acc = AGG_AT(struct sum_checked, i);
        out->i64[i] = acc->sum;
        if (!acc->count || acc->overflow)
            vec_set_null(out, i);
    }
    return 0;
}

#define SUM_OPS(name, update_fn, kind, result_fn, decode_fn)                                       \
    static const struct aggregate_ops name = {.update = update_fn,                                 \
                                              .merge = merge_##kind,                               \
                                              .result = result_fn,                                 \
                                              .encode = agg_encode_words,                          \
                                              .decode = decode_fn}
SUM_OPS(bigint_ops, update_bigint, bigint, result_bigint, agg_decode_words);
SUM_OPS(checked_ops, update_checked, checked, result_checked, agg_decode_words);
SUM_OPS(double_ops, update_double, double, result_double, agg_decode_words);
SUM_OPS(mean_ops, update_double, double, result_mean, agg_decode_words);
SUM_OPS(mean_pair_ops, update_double_pair, double, result_mean, agg_decode_words);
SUM_OPS(decimal_ops, update_decimal, decimal, result_decimal, decode_decimal);
SUM_OPS(decimal_mean_ops, update_decimal, decimal, result_decimal_mean, decode_decimal);
SUM_OPS(decimal_mean_pair_ops, update_decimal_pair, decimal, result_decimal_mean, decode_decimal);

static int set_decimal(struct aggregate_call *call, const struct aggregate_ops *ops,
                       int more_digits, int more_scale)
{
    const struct type *from = summed_type(call);
    return agg_set(call, ops, sizeof(struct sum_decimal),
                   decimal_type(at_most_38(from->precision + more_digits),
                                at_most_38(from->scale + more_scale)));
}

/* Numbers as they are, STRING and TIMESTAMP (its seconds) as DOUBLE. */
static int numeric(struct binder *binder, struct aggregate_call *call, uint32_t arg)
{
    enum type_kind kind = call->args[arg]->type->kind;
    if (kind == TYPE_STRING || kind == TYPE_TIMESTAMP || kind == TYPE_VOID)
        return binder_convert(binder, &call->args[arg], type_simple(TYPE_DOUBLE));
    return type_is_numeric(kind) ? 0 : agg_wrong_type(binder, call, arg, "a number");
}

static int set_sum(struct binder *binder, struct aggregate_call *call,
                   const struct aggregate_ops *integer_ops, size_t integer_size)
{
    int code = numeric(binder, call, 0);
    if (code != 0)
        return code;
    enum type_kind kind = call->args[0]->type->kind;
    if (kind == TYPE_DECIMAL)
        return set_decimal(call, &decimal_ops, 10, 0);
    bool integral = type_is_integral(kind);
    const struct type *type = type_simple(integral ? TYPE_BIGINT : TYPE_DOUBLE);
    code = binder_convert(binder, &call->args[0], type);
    if (code != 0)
        return code;
    return agg_set(call, integral ? integer_ops : &double_ops,
                   integral ? integer_size : sizeof(struct sum_words), type);
}

int agg_rule_sum(struct binder *binder, uint32_t offset, struct aggregate_call *call)
{
    (void)offset;
    return set_sum(binder, call, &bigint_ops, sizeof(struct sum_words));
}

int agg_rule_try_sum(struct binder *binder, uint32_t offset, struct aggregate_call *call)
{
    (void)offset;
    return set_sum(binder, call, &checked_ops, sizeof(struct sum_checked));
}

int agg_rule_avg(struct binder *binder, uint32_t offset, struct aggregate_call *call)
{
    (void)offset;
    int code = numeric(binder, call, 0);
    if (code != 0)
        return code;
    if (call->args[0]->type->kind == TYPE_DECIMAL)
        return set_decimal(call, &decimal_mean_ops, 4, 4);
    const struct type *type = type_simple(TYPE_DOUBLE);
    code = binder_convert(binder, &call->args[0], type);
    return code == 0 ? agg_set(call, &mean_ops, sizeof(struct sum_words), type) : code;
}

static int set_pair(struct binder *binder, struct aggregate_call *call, const uint32_t *which)
{
    for (uint32_t i = 0; i < 2; i++) {
        if (call->args[i]->type->kind == TYPE_TIMESTAMP)
            return agg_wrong_type(binder, call, i, "a number");
        int code = numeric(binder, call, i);
        if (code != 0)
            return code;
    }
    call->params = which;
    if (summed_type(call)->kind == TYPE_DECIMAL)
        return set_decimal(call, &decimal_mean_pair_ops, 4, 4);
    const struct type *type = type_simple(TYPE_DOUBLE);
    int code = binder_convert(binder, &call->args[*which], type);
    return code == 0 ? agg_set(call, &mean_pair_ops, sizeof(struct sum_words), type) : code;
}

int agg_rule_regr_avgx(struct binder *binder, uint32_t offset, struct aggregate_call *call)
{
    (void)offset;
    static const uint32_t x = 1;
    return set_pair(binder, call, &x);
}

int agg_rule_regr_avgy(struct binder *binder, uint32_t offset, struct aggregate_call *call)
{
    (void)offset;
    static const uint32_t y = 0;
    return set_pair(binder, call, &y);
}
