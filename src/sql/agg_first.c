/* agg_first.c: first, last, any_value. */
#include "sql/agg_value.h"

static int update(const struct aggregate_call *call, struct state_heap *heap, char *const *groups,
                  size_t offset, const struct vec *vec, uint32_t n, bool last, struct err *err)
{
    struct buf scratch = {0};
    int code = 0;
    for (uint32_t i = 0; i < n && code == 0; i++) {
        if (!groups[i] || (call->ignore_nulls && vec_is_null(vec, i)))
            continue;
        struct agg_kept *acc = AGG_AT(struct agg_kept, i);
        if (!last && acc->state != AGG_KEPT_NOTHING)
            continue;
        struct agg_kept row = agg_kept_view(vec, i, &scratch);
        code = scratch.failed ? agg_nomem(err) : agg_kept_set(call->result, acc, heap, &row, err);
    }
    buf_fini(&scratch);
    return code;
}

static AGG_UPDATE_DECLARE(update_first)
{
    return update(call, heap, groups, offset, &args[0], n, false, err);
}

static AGG_UPDATE_DECLARE(update_last)
{
    return update(call, heap, groups, offset, &args[0], n, true, err);
}

static AGG_MERGE_DECLARE(merge_first)
{
    struct agg_kept *acc = into;
    return acc->state == AGG_KEPT_NOTHING ? agg_kept_set(call->result, acc, heap, from, err) : 0;
}

static AGG_MERGE_DECLARE(merge_last)
{
    const struct agg_kept *later = from;
    return later->state != AGG_KEPT_NOTHING ? agg_kept_set(call->result, into, heap, later, err)
                                            : 0;
}

static AGG_RESULT_DECLARE(result)
{
    int code = agg_kept_vec(call->result, groups, offset, n, arena, out);
    return code == 0 ? 0 : agg_nomem(err);
}

static void free_kept(const struct aggregate_call *call, struct state_heap *heap, void *acc)
{
    agg_kept_free(call->result, acc, heap);
}

static void encode(const struct aggregate_call *call, const void *acc, struct buf *out)
{
    agg_kept_encode(call->result, acc, out);
}

static int decode(const struct aggregate_call *call, struct state_heap *heap,
                  struct state_reader *in, void *acc)
{
    return agg_kept_decode(call->result, acc, heap, in);
}

static const struct aggregate_ops first_ops = {.update = update_first,
                                               .merge = merge_first,
                                               .result = result,
                                               .free = free_kept,
                                               .encode = encode,
                                               .decode = decode};
static const struct aggregate_ops last_ops = {.update = update_last,
                                              .merge = merge_last,
                                              .result = result,
                                              .free = free_kept,
                                              .encode = encode,
                                              .decode = decode};

/* The second argument: whether NULLs are passed over. */
static int take_flag(struct binder *binder, struct aggregate_call *call)
{
    if (call->arg_count < 2)
        return 0;
    const struct value *value;
    int code = binder_constant_value(binder, call->args[1], &value);
    if (code != 0)
        return code;
    if (!value || call->args[1]->type->kind != TYPE_BOOLEAN || vec_is_null(&value->vec, 0))
        return diag_fail(binder->diag, ERR_INVALID, call->args[1]->offset,
                         "the second argument of %s must be true or false", call->aggregate->name);
    call->ignore_nulls |= value->vec.boolean[0];
    call->arg_count = 1;
    return 0;
}

static int set(struct binder *binder, struct aggregate_call *call, const struct aggregate_ops *ops)
{
    if (call->ignore_nulls) /* Spark then forgets that it was written first_value or last_value */
        call->shown = call->aggregate->name;
    int code = take_flag(binder, call);
    if (code != 0)
        return code;
    if (call->args[0]->type->kind == TYPE_INTERVAL)
        return agg_wrong_type(binder, call, 0, "a value of a column's type");
    return agg_set(call, ops, sizeof(struct agg_kept), call->args[0]->type);
}

int agg_rule_first(struct binder *binder, uint32_t offset, struct aggregate_call *call)
{
    (void)offset;
    return set(binder, call, &first_ops);
}

int agg_rule_last(struct binder *binder, uint32_t offset, struct aggregate_call *call)
{
    (void)offset;
    return set(binder, call, &last_ops);
}
