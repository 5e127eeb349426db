/* agg_bits.c: bit_and, bit_or, bit_xor of integers; bool_and and bool_or, which are min and max of
 * BOOLEAN. */
#include "sql/agg_impl.h"

enum bits { BITS_AND, BITS_OR, BITS_XOR };

struct bits_words {
    uint64_t value; /* sign-extended */
    uint64_t seen;
};

static inline uint64_t combine(enum bits op, uint64_t a, uint64_t b)
{
    return op == BITS_AND ? a & b : op == BITS_OR ? a | b : a ^ b;
}

static inline void take(struct bits_words *acc, enum bits op, uint64_t v)
{
    acc->value = acc->seen ? combine(op, acc->value, v) : v;
    acc->seen = 1;
}

static inline int update(char *const *groups, size_t offset, const struct vec *vec, uint32_t n,
                         enum bits op)
{
    switch (type_width(vec->type)) {
    case 1:
        AGG_EACH(struct bits_words, vec, take(acc, op, (uint64_t)vec->i8[i]));
        break;
    case 2:
        AGG_EACH(struct bits_words, vec, take(acc, op, (uint64_t)vec->i16[i]));
        break;
    case 4:
        AGG_EACH(struct bits_words, vec, take(acc, op, (uint64_t)vec->i32[i]));
        break;
    default:
        AGG_EACH(struct bits_words, vec, take(acc, op, (uint64_t)vec->i64[i]));
        break;
    }
    return 0;
}

static AGG_RESULT_DECLARE(result)
{
    if (agg_result_init(call, n, arena, out) != 0)
        return agg_nomem(err);
    size_t width = type_width(call->result);
    for (uint32_t i = 0; i < n; i++) {
        const struct bits_words *acc = AGG_AT(struct bits_words, i);
        if (width == 1)
            out->i8[i] = (int8_t)acc->value;
        else if (width == 2)
            out->i16[i] = (int16_t)acc->value;
        else if (width == 4)
            out->i32[i] = (int32_t)acc->value;
        else
            out->i64[i] = (int64_t)acc->value;
        if (!acc->seen)
            vec_set_null(out, i);
    }
    return 0;
}

#define BITS_OPS(name, op)                                                                         \
    static AGG_UPDATE_DECLARE(update_##name)                                                       \
    {                                                                                              \
        (void)call, (void)heap, (void)err;                                                         \
        return update(groups, offset, &args[0], n, op);                                            \
    }                                                                                              \
    static AGG_MERGE_DECLARE(merge_##name)                                                         \
    {                                                                                              \
        (void)call, (void)heap, (void)err;                                                         \
        const struct bits_words *b = from;                                                         \
        if (b->seen)                                                                               \
            take(into, op, b->value);                                                              \
        return 0;                                                                                  \
    }                                                                                              \
    static const struct aggregate_ops name##_ops = {.update = update_##name,                       \
                                                    .merge = merge_##name,                         \
                                                    .result = result,                              \
                                                    .encode = agg_encode_words,                    \
                                                    .decode = agg_decode_words};                   \
    int agg_rule_bit_##name(struct binder *binder, uint32_t offset, struct aggregate_call *call)   \
    {                                                                                              \
        (void)offset;                                                                              \
        return set(binder, call, &name##_ops);                                                     \
    }

static int set(struct binder *binder, struct aggregate_call *call, const struct aggregate_ops *ops)
{
    if (call->args[0]->type->kind == TYPE_VOID) {
        int code = binder_convert(binder, &call->args[0], type_simple(TYPE_INT));
        if (code != 0)
            return code;
    }
    if (!type_is_integral(call->args[0]->type->kind))
        return agg_wrong_type(binder, call, 0, "an integer");
    return agg_set(call, ops, sizeof(struct bits_words), call->args[0]->type);
}

BITS_OPS(and, BITS_AND)
BITS_OPS(or, BITS_OR)
BITS_OPS(xor, BITS_XOR)

int agg_rule_bool_and(struct binder *binder, uint32_t offset, struct aggregate_call *call)
{
    int code = agg_boolean(binder, call);
    return code == 0 ? agg_rule_min(binder, offset, call) : code;
}

int agg_rule_bool_or(struct binder *binder, uint32_t offset, struct aggregate_call *call)
{
    int code = agg_boolean(binder, call);
    return code == 0 ? agg_rule_max(binder, offset, call) : code;
}
