/* agg_percentile.c: percentile and median: exact, so every different value is kept with its
 * frequency, up to a limit. All numbers are kept as DOUBLE, which is what the result is. */
#include <math.h>
#include <stdlib.h>

#include "sql/agg_fractions.h"
#include "sql/agg_value.h"

struct counted {
    double value;
    uint64_t count;
};

/* Sorted and without repetitions up to `sorted`; behind that as they came. */
struct counts {
    struct counted *items;
    uint32_t n, capacity;
    uint64_t sorted;
};

static size_t item_bytes(uint32_t n)
{
    return n * sizeof(struct counted);
}

static int compare(const void *left, const void *right)
{
    double x = ((const struct counted *)left)->value, y = ((const struct counted *)right)->value;
    if (x < y)
        return -1;
    if (x > y)
        return 1;
    return (x != x) - (y != y);
}

static void settle(struct counts *counts)
{
    if (counts->sorted == counts->n)
        return;
    qsort(counts->items, counts->n, sizeof(struct counted), compare);
    uint32_t to = 0;
    for (uint32_t i = 0; i < counts->n; i++) {
        if (to > 0 && compare(&counts->items[to - 1], &counts->items[i]) == 0)
            counts->items[to - 1].count += counts->items[i].count;
        else
            counts->items[to++] = counts->items[i];
    }
    counts->n = to;
    counts->sorted = to;
}

/* Room for one more: first by joining what repeats. */
static int make_room(const struct aggregate_call *call, struct counts *counts,
                     struct state_heap *heap, struct err *err)
{
    if (counts->n < counts->capacity)
        return 0;
    settle(counts);
    if (counts->n > AGG_VALUES_MAX)
        return err_set(err, ERR_INVALID, "%s: a group has more than %d different values",
                       call->aggregate->name, AGG_VALUES_MAX);
    if (counts->capacity && counts->n <= counts->capacity / 2)
        return 0;
    uint32_t capacity = counts->capacity ? counts->capacity * 2 : 2;
    struct counted *p =
        state_realloc(heap, counts->items, item_bytes(counts->capacity), item_bytes(capacity));
    if (!p)
        return agg_nomem(err);
    counts->items = p;
    counts->capacity = capacity;
    return 0;
}

static int add(const struct aggregate_call *call, struct counts *counts, struct state_heap *heap,
               struct counted item, struct err *err)
{
    int code = make_room(call, counts, heap, err);
    if (code == 0)
        counts->items[counts->n++] = item;
    return code;
}

static AGG_UPDATE_DECLARE(update)
{
    const double *values = args[0].f64;
    const struct counted one = {0, 1};
    AGG_EACH(struct counts, &args[0], {
        struct counted item = one;
        item.value = values[i];
        int code = add(call, acc, heap, item, err);
        if (code != 0)
            return code;
    });
    return 0;
}

static AGG_UPDATE_DECLARE(update_weighted)
{
    const double *values = args[0].f64;
    const struct vec *weights = &args[2];
    AGG_EACH(struct counts, &args[0], {
        int64_t weight = vec_is_null(weights, i) ? 0 : weights->i64[i];
        if (weight < 0)
            return err_set(err, ERR_INVALID, "percentile: the frequency %lld is negative",
                           (long long)weight);
        struct counted item = {values[i], (uint64_t)weight};
        int code = weight ? add(call, acc, heap, item, err) : 0;
        if (code != 0)
            return code;
    });
    return 0;
}

static AGG_MERGE_DECLARE(merge)
{
    const struct counts *b = from;
    int code = 0;
    for (uint32_t i = 0; i < b->n && code == 0; i++)
        code = add(call, into, heap, b->items[i], err);
    settle(into);
    return code;
}

/* The first item whose counts, added up, reach `rank`. */
static double at_rank(const uint64_t *sums, const struct counts *counts, uint64_t rank)
{
    uint32_t low = 0, high = counts->n - 1;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (sums[middle] < rank)
            low = middle + 1;
        else
            high = middle;
    }
    return counts->items[low].value;
}

static double percentile(const uint64_t *sums, const struct counts *counts, double fraction)
{
    double position = (double)(int64_t)(sums[counts->n - 1] - 1) * fraction;
    position = position > 0 ? position : 0; /* frequencies that overflow */
    double lower = floor(position), higher = ceil(position);
    double low = at_rank(sums, counts, (uint64_t)lower + 1);
    if (higher == lower)
        return low;
    double high = at_rank(sums, counts, (uint64_t)higher + 1);
    if (high == low)
        return low;
    return (higher - position) * low + (position - lower) * high;
}

static int ask(const struct agg_fractions *fractions, const struct counts *counts,
               struct arena *arena, double *out)
{
    struct counts sorted = *counts;
    if (counts->sorted != counts->n) {
        sorted.items = ARENA_ARRAY(arena, struct counted, counts->n);
        if (!sorted.items)
            return ERR_NOMEM;
        memcpy(sorted.items, counts->items, item_bytes(counts->n));
        settle(&sorted);
    }
    uint64_t *sums = ARENA_ARRAY(arena, uint64_t, sorted.n);
    if (!sums)
        return ERR_NOMEM;
    uint64_t sum = 0;
    for (uint32_t i = 0; i < sorted.n; i++)
        sums[i] = sum += sorted.items[i].count;
    for (uint32_t i = 0; i < fractions->n; i++)
        out[i] = percentile(sums, &sorted, fractions->fractions[i]);
    return 0;
}

static AGG_RESULT_DECLARE(result)
{
    const struct agg_fractions *fractions = call->params;
    bool *where = ARENA_ARRAY(arena, bool, n);
    struct vec *values;
    for (uint32_t i = 0; where && i < n; i++)
        where[i] = AGG_AT(struct counts, i)->n > 0;
    if (!where || agg_fractions_result(call, fractions, where, n, arena, out, &values) != 0)
        return agg_nomem(err);
    for (uint32_t i = 0; i < n; i++) {
        if (!fractions->array)
            values->f64[i] = 0;
        if (where[i] && fractions->n > 0 &&
            ask(fractions, AGG_AT(struct counts, i), arena,
                values->f64 + (fractions->array ? out->span[i].start : i)) != 0)
            return agg_nomem(err);
    }
    return 0;
}

static void free_counts(const struct aggregate_call *call, struct state_heap *heap, void *acc)
{
    (void)call;
    struct counts *counts = acc;
    state_free(heap, counts->items, item_bytes(counts->capacity));
    *counts = (struct counts){0};
}

static void encode(const struct aggregate_call *call, const void *acc, struct buf *out)
{
    (void)call;
    const struct counts *counts = acc;
    agg_put_u32(out, counts->n);
    for (uint32_t i = 0; i < counts->n; i++) {
        uint64_t bits;
        memcpy(&bits, &counts->items[i].value, sizeof bits);
        agg_put_u64(out, bits);
        agg_put_u64(out, counts->items[i].count);
    }
}

static int decode(const struct aggregate_call *call, struct state_heap *heap,
                  struct state_reader *in, void *acc)
{
    struct counts *counts = acc;
    uint32_t n = state_read_u32(in);
    uint64_t sum = 0;
    if (in->failed || (size_t)(in->end - in->p) / 16 < n)
        return ERR_CORRUPT;
    /* As they were, repetitions too: what is saved again is the same. */
    counts->items = n ? state_realloc(heap, NULL, 0, item_bytes(n)) : NULL;
    counts->capacity = counts->items ? n : 0;
    int code = n && !counts->items ? ERR_NOMEM : 0;
    for (uint32_t i = 0; i < n && code == 0; i++) {
        struct counted item;
        uint64_t bits = state_read_u64(in);
        memcpy(&item.value, &bits, sizeof bits);
        item.count = state_read_u64(in);
        if (item.count == 0 || __builtin_add_overflow(sum, item.count, &sum) || sum > INT64_MAX)
            code = ERR_CORRUPT;
        else
            counts->items[counts->n++] = item;
    }
    if (code != 0)
        free_counts(call, heap, acc);
    return code;
}

#define PERCENTILE_OPS(name, update_fn)                                                            \
    static const struct aggregate_ops name = {.update = update_fn,                                 \
                                              .merge = merge,                                      \
                                              .result = result,                                    \
                                              .free = free_counts,                                 \
                                              .encode = encode,                                    \
                                              .decode = decode}
PERCENTILE_OPS(ops, update);
PERCENTILE_OPS(weighted_ops, update_weighted);

static int take_value(struct binder *binder, struct aggregate_call *call)
{
    enum type_kind kind = call->args[0]->type->kind;
    if (!type_is_numeric(kind) && kind != TYPE_STRING && kind != TYPE_VOID)
        return agg_wrong_type(binder, call, 0, "a number");
    return binder_convert(binder, &call->args[0], type_simple(TYPE_DOUBLE));
}

static int take_frequency(struct binder *binder, struct aggregate_call *call)
{
    enum type_kind kind = call->args[2]->type->kind;
    if (!type_is_integral(kind) && kind != TYPE_VOID)
        return agg_wrong_type(binder, call, 2, "an integer");
    return binder_convert(binder, &call->args[2], type_simple(TYPE_BIGINT));
}

int agg_rule_percentile(struct binder *binder, uint32_t offset, struct aggregate_call *call)
{
    (void)offset;
    struct agg_fractions *fractions;
    bool weighted = call->arg_count == 3;
    int code = take_value(binder, call);
    if (code == 0)
        code = agg_fractions_read(binder, call, &fractions);
    if (code == 0 && weighted)
        code = take_frequency(binder, call);
    if (code != 0)
        return code;
    call->params = fractions;
    call->more = weighted ? NULL : ", 1";
    if (!weighted)
        agg_hide(call, 1);
    const struct type *type = agg_array_of(binder, type_simple(TYPE_DOUBLE), fractions->array);
    return type ? agg_set(call, weighted ? &weighted_ops : &ops, sizeof(struct counts), type)
                : diag_nomem(binder->diag);
}

int agg_rule_median(struct binder *binder, uint32_t offset, struct aggregate_call *call)
{
    (void)offset;
    static const double half = 0.5;
    static const uint32_t order = 0;
    static const struct agg_fractions fractions = {.n = 1, .fractions = &half, .order = &order};
    int code = take_value(binder, call);
    call->params = &fractions;
    return code == 0 ? agg_set(call, &ops, sizeof(struct counts), type_simple(TYPE_DOUBLE)) : code;
}
