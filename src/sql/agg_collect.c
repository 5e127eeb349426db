/* agg_collect.c: collect_list. The accumulator is the array as a value of agg_value.h: a count and
 * the elements, each behind a byte 1. */
#include "sql/agg_value.h"

static int too_many(const struct aggregate_call *call, struct err *err)
{
    return err_set(err, ERR_INVALID, "%s: a group has more than %d values or %d MiB of them",
                   call->aggregate->name, AGG_VALUES_MAX, AGG_VALUES_BYTES_MAX >> 20);
}

static uint32_t count_of(const struct agg_blob *list)
{
    struct state_reader in = agg_reader(agg_blob_str(list));
    return list->p ? state_read_u32(&in) : 0;
}

static void set_count(struct agg_blob *list, uint32_t count)
{
    for (int i = 0; i < 4; i++)
        list->p[i] = (char)(count >> (8 * i));
}

static int append(const struct aggregate_call *call, struct agg_blob *list, struct state_heap *heap,
                  struct str elements, uint32_t more, struct err *err)
{
    uint32_t count = count_of(list);
    int code = 0;
    if (more > AGG_VALUES_MAX - count || elements.n > AGG_VALUES_BYTES_MAX - (size_t)list->n)
        return too_many(call, err);
    if (!list->p)
        code = agg_blob_append(list, heap, (struct str){"\0\0\0\0", 4}, err);
    if (code == 0)
        code = agg_blob_append(list, heap, elements, err);
    if (code == 0)
        set_count(list, count + more);
    return code;
}

static AGG_UPDATE_DECLARE(update)
{
    struct buf element = {0};
    int code = 0;
    for (uint32_t i = 0; i < n && code == 0; i++) {
        if (!groups[i] || vec_is_null(&args[0], i))
            continue;
        buf_clear(&element);
        agg_put_u8(&element, 1);
        agg_value_put(&args[0], i, &element);
        code = element.failed
                   ? agg_nomem(err)
                   : append(call, AGG_AT(struct agg_blob, i), heap, buf_str(&element), 1, err);
    }
    buf_fini(&element);
    return code;
}

static AGG_MERGE_DECLARE(merge)
{
    const struct agg_blob *b = from;
    if (!b->p)
        return 0;
    return append(call, into, heap, (struct str){b->p + 4, b->n - 4}, count_of(b), err);
}

static AGG_RESULT_DECLARE(result)
{
    static const char empty[4];
    struct state_reader *readers = ARENA_ARRAY(arena, struct state_reader, n);
    for (uint32_t i = 0; readers && i < n; i++) {
        const struct agg_blob *list = AGG_AT(struct agg_blob, i);
        readers[i] = agg_reader(list->p ? agg_blob_str(list) : (struct str){empty, 4});
    }
    if (!readers || agg_value_vec(call->result, readers, n, arena, out) != 0)
        return agg_nomem(err);
    return 0;
}

static void free_list(const struct aggregate_call *call, struct state_heap *heap, void *acc)
{
    (void)call;
    agg_blob_free(acc, heap);
}

static void encode(const struct aggregate_call *call, const void *acc, struct buf *out)
{
    (void)call;
    agg_blob_encode(acc, out);
}

static int decode(const struct aggregate_call *call, struct state_heap *heap,
                  struct state_reader *in, void *acc)
{
    int code = agg_blob_decode(acc, heap, in);
    const struct agg_blob *list = acc;
    struct state_reader value = agg_reader(agg_blob_str(list));
    if (code == 0 && list->p &&
        (count_of(list) > AGG_VALUES_MAX || !agg_value_skip(call->result, &value) ||
         value.p != value.end)) {
        agg_blob_free(acc, heap);
        return ERR_CORRUPT;
    }
    return code;
}

static const struct aggregate_ops ops = {.update = update,
                                         .merge = merge,
                                         .result = result,
                                         .free = free_list,
                                         .encode = encode,
                                         .decode = decode};

int agg_rule_collect_list(struct binder *binder, uint32_t offset, struct aggregate_call *call)
{
    (void)offset;
    if (call->args[0]->type->kind > TYPE_ARRAY)
        return agg_wrong_type(binder, call, 0, "a value of a column's type");
    const struct type *type = agg_array_of(binder, call->args[0]->type, true);
    call->shown = "collect_list";
    return type ? agg_set(call, &ops, sizeof(struct agg_blob), type) : diag_nomem(binder->diag);
}
