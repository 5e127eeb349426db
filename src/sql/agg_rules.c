/* agg_rules.c: what the rules of aggregate functions share. */
#include "sql/agg_impl.h"

int agg_wrong_type(struct binder *binder, const struct aggregate_call *call, uint32_t arg,
                   const char *wanted)
{
    char name[120];
    return diag_fail(binder->diag, ERR_INVALID, call->args[arg]->offset,
                     "argument %u of %s must be %s, not %s", arg + 1, call->aggregate->name, wanted,
                     types_name(call->args[arg]->type, name));
}

int agg_boolean(struct binder *binder, struct aggregate_call *call)
{
    enum type_kind kind = call->args[0]->type->kind;
    if (kind == TYPE_VOID)
        return binder_convert(binder, &call->args[0], type_simple(TYPE_BOOLEAN));
    return kind == TYPE_BOOLEAN ? 0 : agg_wrong_type(binder, call, 0, "a BOOLEAN");
}

int agg_doubles(struct binder *binder, struct aggregate_call *call)
{
    for (uint32_t i = 0; i < call->arg_count; i++) {
        enum type_kind kind = call->args[i]->type->kind;
        if (!type_is_numeric(kind) && kind != TYPE_STRING && kind != TYPE_VOID)
            return agg_wrong_type(binder, call, i, "a number");
        int code = binder_convert(binder, &call->args[i], type_simple(TYPE_DOUBLE));
        if (code != 0)
            return code;
    }
    return 0;
}

void agg_pair_init(struct agg_pair *pair, const struct vec *args, uint32_t which, uint32_t n)
{
    REQUIRE(n <= BLOCK_ROWS_MAX);
    pair->vec = args[which];
    for (size_t w = 0; w < vec_valid_words(n); w++)
        pair->valid[w] =
            (args[0].valid ? args[0].valid[w] : ~0ULL) & (args[1].valid ? args[1].valid[w] : ~0ULL);
    if (args[0].valid || args[1].valid)
        pair->vec.valid = pair->valid;
}

const struct type *agg_array_of(struct binder *binder, const struct type *element, bool array)
{
    if (!array)
        return element;
    struct type *type = ARENA_NEW(binder->arena, struct type);
    if (type)
        *type = (struct type){.kind = TYPE_ARRAY, .element = element};
    return type;
}
