/* agg_count.c: count, count_if. */
#include "sql/agg_impl.h"

static AGG_UPDATE_DECLARE(update_star)
{
    (void)call, (void)heap, (void)args, (void)err;
    for (uint32_t i = 0; i < n; i++) {
        if (LIKELY(groups[i] != NULL))
            ++*AGG_AT(uint64_t, i);
    }
    return 0;
}

static AGG_UPDATE_DECLARE(update_one)
{
    (void)call, (void)heap, (void)err;
    AGG_EACH(uint64_t, &args[0], ++*acc);
    return 0;
}

static AGG_UPDATE_DECLARE(update_several)
{
    (void)heap, (void)err;
    for (uint32_t i = 0; i < n; i++) {
        bool all = groups[i] != NULL;
        for (uint32_t a = 0; a < call->arg_count; a++)
            all = all && !vec_is_null(&args[a], i);
        if (all)
            ++*AGG_AT(uint64_t, i);
    }
    return 0;
}

static AGG_UPDATE_DECLARE(update_true)
{
    (void)call, (void)heap, (void)err;
    const uint8_t *truth = args[0].boolean;
    AGG_EACH(uint64_t, &args[0], *acc += truth[i]);
    return 0;
}

static AGG_MERGE_DECLARE(merge)
{
    (void)call, (void)heap, (void)err;
    *(uint64_t *)into += *(const uint64_t *)from;
    return 0;
}

static AGG_RESULT_DECLARE(result)
{
    if (vec_init(out, call->result, n, arena) != 0)
        return agg_nomem(err);
    for (uint32_t i = 0; i < n; i++)
        out->i64[i] = (int64_t)*AGG_AT(uint64_t, i);
    return 0;
}

#define COUNT_OPS(name, update_fn)                                                                 \
    static const struct aggregate_ops name = {.update = update_fn,                                 \
                                              .merge = merge,                                      \
                                              .result = result,                                    \
                                              .encode = agg_encode_words,                          \
                                              .decode = agg_decode_words}
COUNT_OPS(star_ops, update_star);
COUNT_OPS(one_ops, update_one);
COUNT_OPS(several_ops, update_several);
COUNT_OPS(true_ops, update_true);

static int set(struct aggregate_call *call, const struct aggregate_ops *ops)
{
    return agg_set(call, ops, sizeof(uint64_t), type_simple(TYPE_BIGINT));
}

/* count(1) is count(*): a constant that is not NULL need not be looked at. */
int agg_rule_count(struct binder *binder, uint32_t offset, struct aggregate_call *call)
{
    (void)offset;
    if (call->arg_count == 0)
        return set(call, &star_ops);
    if (call->arg_count > 1)
        return set(call, &several_ops);
    const struct value *value;
    int code = binder_constant_value(binder, call->args[0], &value);
    if (code != 0)
        return code;
    if (!value || vec_is_null(&value->vec, 0))
        return set(call, &one_ops);
    agg_hide(call, 1);
    return set(call, &star_ops);
}

int agg_rule_count_if(struct binder *binder, uint32_t offset, struct aggregate_call *call)
{
    (void)offset;
    int code = agg_boolean(binder, call);
    return code == 0 ? set(call, &true_ops) : code;
}

int agg_rule_regr_count(struct binder *binder, uint32_t offset, struct aggregate_call *call)
{
    (void)offset;
    for (uint32_t i = 0; i < 2; i++) {
        enum type_kind kind = call->args[i]->type->kind;
        if (!type_is_numeric(kind) && kind != TYPE_STRING && kind != TYPE_VOID)
            return agg_wrong_type(binder, call, i, "a number");
        /* A STRING counts where it reads as a number. */
        int code = kind == TYPE_STRING
                       ? binder_convert(binder, &call->args[i], type_simple(TYPE_DOUBLE))
                       : 0;
        if (code != 0)
            return code;
    }
    return set(call, &several_ops);
}
