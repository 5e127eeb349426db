/* agg_quantile.c: percentile_approx. */
#include "sql/agg_fractions.h"
#include "sql/quantile.h"
#include "vec/decimal.h"

static double error_of(const struct aggregate_call *call)
{
    return ((const struct agg_fractions *)call->params)->error;
}

static double as_double(const struct vec *vec, uint32_t row)
{
    switch (vec->type->kind) {
    case TYPE_TINYINT:
        return vec->i8[row];
    case TYPE_SMALLINT:
        return vec->i16[row];
    case TYPE_INT:
    case TYPE_DATE:
        return vec->i32[row];
    case TYPE_BIGINT:
    case TYPE_TIMESTAMP:
        return (double)vec->i64[row];
    case TYPE_FLOAT:
        return (double)vec->f32[row];
    case TYPE_DECIMAL:
        return decimal_to_double(vec->decimal[row], vec->type->scale);
    default:
        return vec->f64[row];
    }
}

/* As Java's (long): NaN is 0, what is too large the largest. */
static int64_t as_integer(double v)
{
    if (v != v)
        return 0;
    return v >= 9223372036854775808.0    ? INT64_MAX
           : v <= -9223372036854775808.0 ? INT64_MIN
                                         : (int64_t)v;
}

/* False, with 0 in its place: the double, as it prints, has more digits than the DECIMAL. */
static bool store(struct vec *out, uint32_t row, double v)
{
    int64_t integer = as_integer(v);
    switch (out->type->kind) {
    case TYPE_TINYINT:
        out->i8[row] = (int8_t)integer;
        break;
    case TYPE_SMALLINT:
        out->i16[row] = (int16_t)integer;
        break;
    case TYPE_INT:
    case TYPE_DATE:
        out->i32[row] = integer > INT32_MAX   ? INT32_MAX
                        : integer < INT32_MIN ? INT32_MIN
                                              : (int32_t)integer;
        break;
    case TYPE_BIGINT:
    case TYPE_TIMESTAMP:
        out->i64[row] = integer;
        break;
    case TYPE_FLOAT:
        out->f32[row] = (float)v;
        break;
    case TYPE_DECIMAL:
        if (!decimal_from_double(v, out->type, &out->decimal[row])) {
            out->decimal[row] = 0;
            return false;
        }
        break;
    default:
        out->f64[row] = v;
    }
    return true;
}

static AGG_UPDATE_DECLARE(update)
{
    double error = error_of(call);
    AGG_EACH(struct quantile, &args[0], {
        if (quantile_add(acc, heap, error, as_double(&args[0], i)) != 0)
            return agg_nomem(err);
    });
    return 0;
}

static AGG_MERGE_DECLARE(merge)
{
    double error = error_of(call);
    struct quantile part = {0};
    int code = quantile_copy(&part, from, heap);
    if (code == 0)
        code = quantile_compress(&part, heap, error);
    if (code == 0)
        code = quantile_compress(into, heap, error);
    if (code == 0)
        code = quantile_merge(into, &part, heap, error);
    quantile_free(&part, heap);
    return code == 0 ? 0 : agg_nomem(err);
}

static int ask(const struct aggregate_call *call, const struct quantile *q, double *out)
{
    const struct agg_fractions *fractions = call->params;
    struct state_heap heap = {0};
    struct quantile whole = {0};
    int code = 0;
    if (q->head_count) {
        code = quantile_copy(&whole, q, &heap);
        if (code == 0)
            code = quantile_compress(&whole, &heap, fractions->error);
        q = &whole;
    }
    if (code == 0)
        quantile_query(q, fractions->error, fractions->fractions, fractions->order, fractions->n,
                       out);
    quantile_free(&whole, &heap);
    return code;
}

static bool is_empty(const struct quantile *q)
{
    return q->sample_count == 0 && q->head_count == 0;
}

/* What does not fit is a NULL; in an array it fails the query, as in Spark, whose array has none.
 */
static AGG_RESULT_DECLARE(result)
{
    const struct agg_fractions *fractions = call->params;
    bool *where = ARENA_ARRAY(arena, bool, n);
    double *found = ARENA_ARRAY(arena, double, fractions->n);
    struct vec *values;
    for (uint32_t i = 0; where && i < n; i++)
        where[i] = !is_empty(AGG_AT(struct quantile, i));
    if (!where || !found ||
        agg_fractions_result(call, fractions, where, n, arena, out, &values) != 0)
        return agg_nomem(err);
    for (uint32_t i = 0; i < n; i++) {
        if (!where[i] || fractions->n == 0) {
            if (!fractions->array)
                (void)store(values, i, 0);
            continue;
        }
        if (ask(call, AGG_AT(struct quantile, i), found) != 0)
            return agg_nomem(err);
        bool fits = true;
        for (uint32_t k = 0; k < fractions->n; k++)
            fits &= store(values, fractions->array ? out->span[i].start + k : i, found[k]);
        if (!fits && fractions->array)
            return err_set(err, ERR_INVALID, "%s: a value does not fit into DECIMAL(%u,%u)",
                           call->aggregate->name, values->type->precision, values->type->scale);
        if (!fits)
            vec_set_null(out, i);
    }
    return 0;
}

static void free_quantile(const struct aggregate_call *call, struct state_heap *heap, void *acc)
{
    (void)call;
    quantile_free(acc, heap);
}

static void put_double(struct buf *out, double v)
{
    uint64_t bits;
    memcpy(&bits, &v, sizeof bits);
    agg_put_u64(out, bits);
}

static double read_double(struct state_reader *in)
{
    uint64_t bits = state_read_u64(in);
    double v;
    memcpy(&v, &bits, sizeof v);
    return v;
}

static void encode(const struct aggregate_call *call, const void *acc, struct buf *out)
{
    (void)call;
    const struct quantile *q = acc;
    agg_put_u64(out, q->count);
    agg_put_u32(out, q->sample_count);
    for (uint32_t i = 0; i < q->sample_count; i++) {
        put_double(out, q->samples[i].value);
        agg_put_u64(out, (uint64_t)q->samples[i].g);
        agg_put_u64(out, (uint64_t)q->samples[i].delta);
    }
    agg_put_u32(out, q->head_count);
    for (uint32_t i = 0; i < q->head_count; i++)
        put_double(out, q->head[i]);
}

enum { SAMPLE_BYTES = 24 };

/* Ranks stay far from overflow: their steps add up to at most the count. */
static bool read_samples(struct quantile *q, struct state_reader *in)
{
    const int64_t most = 1LL << 53;
    int64_t rank = 0;
    for (uint32_t i = 0; i < q->sample_count; i++) {
        struct quantile_sample *sample = &q->samples[i];
        sample->value = read_double(in);
        sample->g = (int64_t)state_read_u64(in);
        sample->delta = (int64_t)state_read_u64(in);
        if (sample->g < 0 || sample->g > most || sample->delta < 0 || sample->delta > most)
            return false;
        rank += sample->g;
        if (rank > (int64_t)q->count)
            return false;
    }
    return true;
}

static int decode_samples(struct quantile *q, struct state_heap *heap, struct state_reader *in)
{
    q->count = state_read_u64(in);
    uint32_t n = state_read_u32(in);
    if (in->failed || q->count > 1ULL << 53 || (size_t)(in->end - in->p) / SAMPLE_BYTES < n ||
        (q->count > 0) != (n > 0))
        return ERR_CORRUPT;
    if (n == 0)
        return 0;
    q->samples = state_alloc(heap, n * sizeof(struct quantile_sample));
    if (!q->samples)
        return ERR_NOMEM;
    q->sample_count = q->sample_capacity = n;
    return read_samples(q, in) ? 0 : ERR_CORRUPT;
}

static int decode(const struct aggregate_call *call, struct state_heap *heap,
                  struct state_reader *in, void *acc)
{
    struct quantile *q = acc;
    int code = decode_samples(q, heap, in);
    uint32_t n = code == 0 ? state_read_u32(in) : 0;
    if (code == 0 && (in->failed || (size_t)(in->end - in->p) / 8 < n))
        code = ERR_CORRUPT;
    for (uint32_t i = 0; i < n && code == 0; i++)
        code = quantile_add(q, heap, error_of(call), read_double(in));
    if (code != 0)
        quantile_free(q, heap);
    return code;
}

static const struct aggregate_ops ops = {.update = update,
                                         .merge = merge,
                                         .result = result,
                                         .free = free_quantile,
                                         .encode = encode,
                                         .decode = decode};

static int take_accuracy(struct binder *binder, struct aggregate_call *call, double *error)
{
    const struct value *value = NULL;
    struct expr *arg = call->args[2];
    if (type_is_integral(arg->type->kind)) {
        int code = binder_constant_value(binder, arg, &value);
        if (code != 0)
            return code;
    }
    int64_t accuracy = 0;
    if (value && !vec_is_null(&value->vec, 0))
        accuracy = as_integer(as_double(&value->vec, 0));
    if (accuracy <= 0 || accuracy > INT32_MAX)
        return diag_fail(binder->diag, ERR_INVALID, arg->offset,
                         "the accuracy of percentile_approx must be a constant integer between 1 "
                         "and 2147483647");
    *error = 1.0 / (double)accuracy;
    return 0;
}

static int check_value(struct binder *binder, struct aggregate_call *call)
{
    enum type_kind kind = call->args[0]->type->kind;
    if (kind == TYPE_STRING || kind == TYPE_VOID)
        return binder_convert(binder, &call->args[0], type_simple(TYPE_DOUBLE));
    if (type_is_numeric(kind) || type_is_time(kind))
        return 0;
    return agg_wrong_type(binder, call, 0, "a number, a DATE or a TIMESTAMP");
}

int agg_rule_percentile_approx(struct binder *binder, uint32_t offset, struct aggregate_call *call)
{
    (void)offset;
    struct agg_fractions *fractions;
    double error = 1.0 / 10000;
    int code = check_value(binder, call);
    if (code == 0)
        code = agg_fractions_read(binder, call, &fractions);
    if (code == 0 && call->arg_count == 3)
        code = take_accuracy(binder, call, &error);
    if (code != 0)
        return code;
    fractions->error = error;
    call->params = fractions;
    call->more = call->arg_count == 3 ? NULL : ", 10000";
    agg_hide(call, call->arg_count - 1);
    const struct type *type = agg_array_of(binder, call->args[0]->type, fractions->array);
    return type ? agg_set(call, &ops, sizeof(struct quantile), type) : diag_nomem(binder->diag);
}
