/* agg_set.c: collect_set and mode. */
#include "sql/agg_table.h"

static const struct type *value_type(const struct aggregate_call *call)
{
    return call->args[0]->type;
}

static int update(const struct aggregate_call *call, struct state_heap *heap, char *const *groups,
                  size_t offset, const struct vec *vec, uint32_t n, enum agg_table_kind kind,
                  struct err *err)
{
    struct buf value = {0};
    int code = 0;
    for (uint32_t i = 0; i < n && code == 0; i++) {
        if (!groups[i] || vec_is_null(vec, i))
            continue;
        buf_clear(&value);
        agg_value_put(vec, i, &value);
        code = value.failed ? agg_nomem(err)
                            : agg_table_add(AGG_AT(struct agg_table, i), kind, vec->type, heap,
                                            buf_str(&value), 1, call->aggregate->name, err);
    }
    buf_fini(&value);
    return code;
}

static AGG_UPDATE_DECLARE(update_set)
{
    return update(call, heap, groups, offset, &args[0], n, AGG_TABLE_SCALA, err);
}

static AGG_UPDATE_DECLARE(update_mode)
{
    return update(call, heap, groups, offset, &args[0], n, AGG_TABLE_SPARK, err);
}

static AGG_MERGE_DECLARE(merge_set)
{
    return agg_table_merge(into, from, AGG_TABLE_SCALA, value_type(call), heap,
                           call->aggregate->name, err);
}

static AGG_MERGE_DECLARE(merge_mode)
{
    return agg_table_merge(into, from, AGG_TABLE_SPARK, value_type(call), heap,
                           call->aggregate->name, err);
}

/* The array as a value of agg_value.h, in the arena. */
static int set_bytes(const struct aggregate_call *call, const struct agg_table *acc,
                     struct arena *arena, struct state_reader *out)
{
    struct state_heap heap = {0};
    struct agg_table table = {0};
    struct buf bytes = {0};
    int code = agg_table_settled(&table, acc, AGG_TABLE_SCALA, value_type(call), &heap);
    agg_put_u32(&bytes, table.count);
    for (uint32_t i = 0; i < table.slot_count; i++) {
        const struct agg_table_entry *entry = agg_table_at(&table, i);
        if (!entry)
            continue;
        agg_put_u8(&bytes, 1);
        buf_append_str(&bytes, agg_table_value(&table, entry));
    }
    struct str copy = bytes.failed ? (struct str){NULL, 0} : arena_str(arena, buf_str(&bytes));
    buf_fini(&bytes);
    agg_table_free(&table, &heap);
    *out = agg_reader(copy);
    return code == 0 && copy.p ? 0 : ERR_NOMEM;
}

static AGG_RESULT_DECLARE(result_set)
{
    struct state_reader *readers = ARENA_ARRAY(arena, struct state_reader, n);
    int code = readers ? 0 : ERR_NOMEM;
    for (uint32_t i = 0; code == 0 && i < n; i++)
        code = set_bytes(call, AGG_AT(struct agg_table, i), arena, &readers[i]);
    if (code == 0)
        code = agg_value_vec(call->result, readers, n, arena, out);
    return code == 0 ? 0 : agg_nomem(err);
}

/* The first of the most frequent values on the walk. */
static int most_frequent(const struct aggregate_call *call, const struct agg_table *acc,
                         struct arena *arena, struct state_reader *out)
{
    struct state_heap heap = {0};
    struct agg_table table = {0};
    const struct agg_table_entry *best = NULL;
    int code = agg_table_settled(&table, acc, AGG_TABLE_SPARK, value_type(call), &heap);
    for (uint32_t i = 0; i < table.slot_count; i++) {
        const struct agg_table_entry *entry = agg_table_at(&table, i);
        if (entry && (!best || entry->count > best->count))
            best = entry;
    }
    if (best) {
        struct str copy = arena_str(arena, agg_table_value(&table, best));
        *out = agg_reader(copy);
        code = copy.p ? code : ERR_NOMEM;
    }
    agg_table_free(&table, &heap);
    return code;
}

static AGG_RESULT_DECLARE(result_mode)
{
    struct state_reader *readers = ARENA_ARRAY(arena, struct state_reader, n);
    int code = readers ? 0 : ERR_NOMEM;
    for (uint32_t i = 0; code == 0 && i < n; i++)
        code = most_frequent(call, AGG_AT(struct agg_table, i), arena, &readers[i]);
    if (code == 0)
        code = agg_value_vec(call->result, readers, n, arena, out);
    return code == 0 ? 0 : agg_nomem(err);
}

static void free_table(const struct aggregate_call *call, struct state_heap *heap, void *acc)
{
    (void)call;
    agg_table_free(acc, heap);
}

static void encode(const struct aggregate_call *call, const void *acc, struct buf *out)
{
    (void)call;
    agg_table_encode(acc, out);
}

static int decode_set(const struct aggregate_call *call, struct state_heap *heap,
                      struct state_reader *in, void *acc)
{
    return agg_table_decode(acc, AGG_TABLE_SCALA, value_type(call), heap, in);
}

static int decode_mode(const struct aggregate_call *call, struct state_heap *heap,
                       struct state_reader *in, void *acc)
{
    return agg_table_decode(acc, AGG_TABLE_SPARK, value_type(call), heap, in);
}

#define TABLE_OPS(name)                                                                            \
    static const struct aggregate_ops name##_ops = {.update = update_##name,                       \
                                                    .merge = merge_##name,                         \
                                                    .result = result_##name,                       \
                                                    .free = free_table,                            \
                                                    .encode = encode,                              \
                                                    .decode = decode_##name}
TABLE_OPS(set);
TABLE_OPS(mode);

static int check_type(struct binder *binder, const struct aggregate_call *call)
{
    return call->args[0]->type->kind <= TYPE_ARRAY
               ? 0
               : agg_wrong_type(binder, call, 0, "a value of a column's type");
}

int agg_rule_collect_set(struct binder *binder, uint32_t offset, struct aggregate_call *call)
{
    (void)offset;
    int code = check_type(binder, call);
    if (code != 0)
        return code;
    const struct type *type = agg_array_of(binder, call->args[0]->type, true);
    return type ? agg_set(call, &set_ops, sizeof(struct agg_table), type)
                : diag_nomem(binder->diag);
}

int agg_rule_mode(struct binder *binder, uint32_t offset, struct aggregate_call *call)
{
    (void)offset;
    int code = check_type(binder, call);
    return code == 0 ? agg_set(call, &mode_ops, sizeof(struct agg_table), call->args[0]->type)
                     : code;
}
