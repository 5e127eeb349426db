/* agg_hll.c: approx_count_distinct. Values are hashed by xxHash64 with seed 42, as xxhash64() does.
 */
#include "sql/agg_impl.h"
#include "sql/hll.h"
#include "vec/decimal.h"
#include "vec/hash.h"

enum { SEED = 42 };

struct sketch {
    uint64_t *words; /* NULL: nothing was counted */
};

struct sketch_params {
    int precision;
    uint32_t words;
};

static size_t sketch_size(const struct aggregate_call *call)
{
    const struct sketch_params *params = call->params;
    return params->words * sizeof(uint64_t);
}

static int precision(const struct aggregate_call *call)
{
    const struct sketch_params *params = call->params;
    return params->precision;
}

static uint64_t hash_double(double v, uint64_t seed)
{
    uint64_t bits;
    v = v == 0.0 ? 0.0 : v; /* -0.0 too */
    memcpy(&bits, &v, sizeof bits);
    return hash_xx64_u64(v != v ? 0x7ff8000000000000ULL : bits, seed);
}

static uint64_t hash_float(float v, uint64_t seed)
{
    uint32_t bits;
    v = v == 0.0f ? 0.0f : v;
    memcpy(&bits, &v, sizeof bits);
    return hash_xx64_u32(v != v ? 0x7fc00000U : bits, seed);
}

/* Beyond 18 digits: the bytes of BigInteger.toByteArray. */
static uint64_t hash_decimal(__int128 v, unsigned digits, uint64_t seed)
{
    if (digits <= 18)
        return hash_xx64_u64((uint64_t)v, seed);
    char bytes[16];
    size_t first = 0;
    for (size_t i = 0; i < 16; i++)
        bytes[i] = (char)((unsigned __int128)v >> (120 - 8 * i));
    while (first < 15 && bytes[first] == (bytes[first + 1] < 0 ? -1 : 0))
        first++;
    return hash_xx64_bytes((struct str){bytes + first, 16 - first}, seed);
}

static uint64_t hash_value(const struct vec *vec, uint32_t row, uint64_t seed)
{
    if (vec_is_null(vec, row))
        return seed;
    switch (vec->type->kind) {
    case TYPE_BOOLEAN:
        return hash_xx64_u32(vec->boolean[row], seed);
    case TYPE_TINYINT:
        return hash_xx64_u32((uint32_t)vec->i8[row], seed);
    case TYPE_SMALLINT:
        return hash_xx64_u32((uint32_t)vec->i16[row], seed);
    case TYPE_INT:
    case TYPE_DATE:
        return hash_xx64_u32((uint32_t)vec->i32[row], seed);
    case TYPE_BIGINT:
    case TYPE_TIMESTAMP:
        return hash_xx64_u64((uint64_t)vec->i64[row], seed);
    case TYPE_FLOAT:
        return hash_float(vec->f32[row], seed);
    case TYPE_DOUBLE:
        return hash_double(vec->f64[row], seed);
    case TYPE_DECIMAL:
        return hash_decimal(vec->decimal[row], vec->type->precision, seed);
    case TYPE_STRING:
    case TYPE_BINARY:
        return hash_xx64_bytes(vec->str[row], seed);
    case TYPE_STRUCT:
        for (uint32_t i = 0; i < vec->type->field_count; i++)
            seed = hash_value(&vec->children[i], row, seed);
        return seed;
    case TYPE_ARRAY:
        for (uint32_t i = 0; i < vec->span[row].count; i++)
            seed = hash_value(vec->children, vec->span[row].start + i, seed);
        return seed;
    default:
        return seed;
    }
}

static int make_words(const struct aggregate_call *call, struct state_heap *heap,
                      struct sketch *acc, struct err *err)
{
    if (acc->words)
        return 0;
    acc->words = state_alloc(heap, sketch_size(call));
    if (!acc->words)
        return agg_nomem(err);
    memset(acc->words, 0, sketch_size(call));
    return 0;
}

static AGG_UPDATE_DECLARE(update)
{
    int bits = precision(call);
    AGG_EACH(struct sketch, &args[0], {
        int code = make_words(call, heap, acc, err);
        if (code != 0)
            return code;
        hll_add(acc->words, bits, hash_value(&args[0], i, SEED));
    });
    return 0;
}

static AGG_MERGE_DECLARE(merge)
{
    const struct sketch *b = from;
    struct sketch *a = into;
    if (!b->words)
        return 0;
    int code = make_words(call, heap, a, err);
    if (code == 0)
        hll_merge(a->words, b->words, precision(call));
    return code;
}

static AGG_RESULT_DECLARE(result)
{
    if (vec_init(out, call->result, n, arena) != 0)
        return agg_nomem(err);
    for (uint32_t i = 0; i < n; i++) {
        const uint64_t *words = AGG_AT(struct sketch, i)->words;
        out->i64[i] = words ? hll_estimate(words, precision(call)) : 0;
    }
    return 0;
}

static void free_words(const struct aggregate_call *call, struct state_heap *heap, void *acc)
{
    struct sketch *sketch = acc;
    state_free(heap, sketch->words, sketch_size(call));
    sketch->words = NULL;
}

static void encode(const struct aggregate_call *call, const void *acc, struct buf *out)
{
    const struct sketch_params *params = call->params;
    const struct sketch *sketch = acc;
    agg_put_u8(out, sketch->words != NULL);
    for (uint32_t i = 0; sketch->words && i < params->words; i++)
        agg_put_u64(out, sketch->words[i]);
}

static int decode(const struct aggregate_call *call, struct state_heap *heap,
                  struct state_reader *in, void *acc)
{
    const struct sketch_params *params = call->params;
    struct sketch *sketch = acc;
    if (!state_read_u8(in))
        return in->failed ? ERR_CORRUPT : 0;
    if ((size_t)(in->end - in->p) < sketch_size(call))
        return ERR_CORRUPT;
    int code = make_words(call, heap, sketch, NULL);
    for (uint32_t i = 0; code == 0 && i < params->words; i++)
        sketch->words[i] = state_read_u64(in);
    return code;
}

static const struct aggregate_ops ops = {.update = update,
                                         .merge = merge,
                                         .result = result,
                                         .free = free_words,
                                         .encode = encode,
                                         .decode = decode};

static int bad_deviation(struct binder *binder, const struct expr *arg)
{
    return diag_fail(binder->diag, ERR_INVALID, arg->offset,
                     "the relative standard deviation of approx_count_distinct must be a DOUBLE or "
                     "DECIMAL literal between 0.0022 and 0.39");
}

/* The second argument; Spark takes only literals, and does not show it. */
static int take_deviation(struct binder *binder, struct aggregate_call *call, double *deviation)
{
    const struct expr *arg = call->args[1];
    if (arg->op != EXPR_CONST || vec_is_null(&arg->constant.vec, 0))
        return bad_deviation(binder, arg);
    if (arg->type->kind == TYPE_DOUBLE)
        *deviation = arg->constant.vec.f64[0];
    else if (arg->type->kind == TYPE_DECIMAL)
        *deviation = decimal_to_double(arg->constant.vec.decimal[0], arg->type->scale);
    else
        return bad_deviation(binder, arg);
    call->arg_count = 1;
    return 0;
}

int agg_rule_approx_count_distinct(struct binder *binder, uint32_t offset,
                                   struct aggregate_call *call)
{
    (void)offset;
    double deviation = 0.05;
    int code = call->arg_count > 1 ? take_deviation(binder, call, &deviation) : 0;
    if (code != 0)
        return code;
    int bits = hll_precision(deviation);
    if (bits < HLL_PRECISION_MIN || bits > HLL_PRECISION_MAX)
        return bad_deviation(binder, call->args[1]);
    if (call->args[0]->type->kind > TYPE_ARRAY)
        return agg_wrong_type(binder, call, 0, "a value of a column's type");
    struct sketch_params *params = ARENA_NEW(binder->arena, struct sketch_params);
    if (!params)
        return diag_nomem(binder->diag);
    *params = (struct sketch_params){bits, hll_words(bits)};
    call->params = params;
    return agg_set(call, &ops, sizeof(struct sketch), type_simple(TYPE_BIGINT));
}
