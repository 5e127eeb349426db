/* agg_by.c: min_by and max_by. Of rows whose order is equal the last one stays; rows whose order is
 * NULL do not count. */
#include "sql/agg_value.h"

struct by {
    struct agg_kept value, order;
};

static int take(const struct aggregate_call *call, struct state_heap *heap, struct by *acc,
                const struct by *from, bool max, struct err *err)
{
    const struct type *type = call->args[1]->type;
    if (from->order.state != AGG_KEPT_VALUE)
        return 0;
    if (acc->order.state == AGG_KEPT_VALUE) {
        int order = agg_kept_compare(type, &acc->order, &from->order);
        if (max ? order > 0 : order < 0)
            return 0;
    }
    int code = agg_kept_set(call->result, &acc->value, heap, &from->value, err);
    return code == 0 ? agg_kept_set(type, &acc->order, heap, &from->order, err) : code;
}

static int update(const struct aggregate_call *call, struct state_heap *heap, char *const *groups,
                  size_t offset, const struct vec *args, uint32_t n, bool max, struct err *err)
{
    struct buf scratch[2] = {{0}, {0}};
    int code = 0;
    for (uint32_t i = 0; i < n && code == 0; i++) {
        if (!groups[i] || vec_is_null(&args[1], i))
            continue;
        struct by row = {.value = agg_kept_view(&args[0], i, &scratch[0]),
                         .order = agg_kept_view(&args[1], i, &scratch[1])};
        code = scratch[0].failed || scratch[1].failed
                   ? agg_nomem(err)
                   : take(call, heap, AGG_AT(struct by, i), &row, max, err);
    }
    buf_fini(&scratch[0]);
    buf_fini(&scratch[1]);
    return code;
}

static AGG_UPDATE_DECLARE(update_min)
{
    return update(call, heap, groups, offset, args, n, false, err);
}

static AGG_UPDATE_DECLARE(update_max)
{
    return update(call, heap, groups, offset, args, n, true, err);
}

static AGG_MERGE_DECLARE(merge_min)
{
    return take(call, heap, into, from, false, err);
}

static AGG_MERGE_DECLARE(merge_max)
{
    return take(call, heap, into, from, true, err);
}

static AGG_RESULT_DECLARE(result)
{
    int code =
        agg_kept_vec(call->result, groups, offset + offsetof(struct by, value), n, arena, out);
    return code == 0 ? 0 : agg_nomem(err);
}

static void free_by(const struct aggregate_call *call, struct state_heap *heap, void *acc)
{
    struct by *by = acc;
    agg_kept_free(call->result, &by->value, heap);
    agg_kept_free(call->args[1]->type, &by->order, heap);
}

static void encode(const struct aggregate_call *call, const void *acc, struct buf *out)
{
    const struct by *by = acc;
    agg_kept_encode(call->result, &by->value, out);
    agg_kept_encode(call->args[1]->type, &by->order, out);
}

static int decode(const struct aggregate_call *call, struct state_heap *heap,
                  struct state_reader *in, void *acc)
{
    struct by *by = acc;
    int code = agg_kept_decode(call->result, &by->value, heap, in);
    if (code == 0)
        code = agg_kept_decode(call->args[1]->type, &by->order, heap, in);
    if (code != 0)
        free_by(call, heap, acc);
    return code;
}

#define BY_OPS(side)                                                                               \
    static const struct aggregate_ops side##_ops = {.update = update_##side,                       \
                                                    .merge = merge_##side,                         \
                                                    .result = result,                              \
                                                    .free = free_by,                               \
                                                    .encode = encode,                              \
                                                    .decode = decode}
BY_OPS(min);
BY_OPS(max);

static int set(struct binder *binder, struct aggregate_call *call, const struct aggregate_ops *ops)
{
    for (uint32_t i = 0; i < 2; i++) {
        if (call->args[i]->type->kind == TYPE_INTERVAL)
            return agg_wrong_type(binder, call, i, "a value of a column's type");
    }
    return agg_set(call, ops, sizeof(struct by), call->args[0]->type);
}

int agg_rule_min_by(struct binder *binder, uint32_t offset, struct aggregate_call *call)
{
    (void)offset;
    return set(binder, call, &min_ops);
}

int agg_rule_max_by(struct binder *binder, uint32_t offset, struct aggregate_call *call)
{
    (void)offset;
    return set(binder, call, &max_ops);
}
