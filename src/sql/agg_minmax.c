/* agg_minmax.c: min and max. NaN is above all numbers, -0.0 equals 0.0, of equals the first stays.
 */
#include "sql/agg_value.h"

/* Whether a value takes the place of the one kept. */
#define LESS(x, y)          ((x) < (y))
#define GREATER(x, y)       ((x) > (y))
#define LESS_FLOAT(x, y)    ((x) < (y) || ((y) != (y) && (x) == (x)))
#define GREATER_FLOAT(x, y) ((x) > (y) || ((x) != (x) && (y) == (y)))

/* For values of a type whose accumulator is acc_type {value, seen}. */
#define EXTREME_FUNCTIONS(name, c_type, acc_type, member, before)                                  \
    static AGG_UPDATE_DECLARE(update_##name)                                                       \
    {                                                                                              \
        (void)call, (void)heap, (void)err;                                                         \
        const c_type *values = args[0].member;                                                     \
        AGG_EACH(acc_type, &args[0], {                                                             \
            const c_type x = values[i], y = acc->value;                                            \
            if (!acc->seen || before(x, y)) {                                                      \
                acc->value = x;                                                                    \
                acc->seen = 1;                                                                     \
            }                                                                                      \
        });                                                                                        \
        return 0;                                                                                  \
    }                                                                                              \
    static AGG_MERGE_DECLARE(merge_##name)                                                         \
    {                                                                                              \
        (void)call, (void)heap, (void)err;                                                         \
        acc_type *a = into;                                                                        \
        const acc_type *b = from;                                                                  \
        if (b->seen && (!a->seen || before(b->value, a->value)))                                   \
            *a = *b;                                                                               \
        return 0;                                                                                  \
    }

#define EXTREME_RESULT(name, acc_type, member)                                                     \
    static AGG_RESULT_DECLARE(result_##name)                                                       \
    {                                                                                              \
        if (agg_result_init(call, n, arena, out) != 0)                                             \
            return agg_nomem(err);                                                                 \
        for (uint32_t i = 0; i < n; i++) {                                                         \
            const acc_type *acc = AGG_AT(acc_type, i);                                             \
            out->member[i] = acc->value;                                                           \
            if (!acc->seen)                                                                        \
                vec_set_null(out, i);                                                              \
        }                                                                                          \
        return 0;                                                                                  \
    }

#define EXTREME_OPS(name, result_name, encode_fn, decode_fn)                                       \
    static const struct aggregate_ops ops_##name = {.update = update_##name,                       \
                                                    .merge = merge_##name,                         \
                                                    .result = result_##result_name,                \
                                                    .encode = encode_fn,                           \
                                                    .decode = decode_fn}

#define EXTREME(kind, c_type, acc_type, member, less, greater, encode_fn, decode_fn)               \
    EXTREME_RESULT(kind, acc_type, member)                                                         \
    EXTREME_FUNCTIONS(min_##kind, c_type, acc_type, member, less)                                  \
    EXTREME_FUNCTIONS(max_##kind, c_type, acc_type, member, greater)                               \
    EXTREME_OPS(min_##kind, kind, encode_fn, decode_fn);                                           \
    EXTREME_OPS(max_##kind, kind, encode_fn, decode_fn)

/* Narrow values share one word with the flag. */
struct extreme_i8 {
    int8_t value;
    uint8_t seen, padding[6];
};
struct extreme_i16 {
    int16_t value;
    uint16_t seen, padding[2];
};
struct extreme_i32 {
    int32_t value;
    uint32_t seen;
};
struct extreme_f32 {
    float value;
    uint32_t seen;
};
struct extreme_i64 {
    int64_t value;
    uint64_t seen;
};
struct extreme_f64 {
    double value;
    uint64_t seen;
};

#define EXTREME_BYTES(kind, acc_type, word_type, put, read)                                        \
    static void encode_##kind(const struct aggregate_call *call, const void *acc, struct buf *out) \
    {                                                                                              \
        (void)call;                                                                                \
        const acc_type *a = acc;                                                                   \
        word_type bits;                                                                            \
        memcpy(&bits, &a->value, sizeof bits);                                                     \
        agg_put_u8(out, (uint8_t)a->seen);                                                         \
        put(out, bits);                                                                            \
    }                                                                                              \
    static int decode_##kind(const struct aggregate_call *call, struct state_heap *heap,           \
                             struct state_reader *in, void *acc)                                   \
    {                                                                                              \
        (void)call, (void)heap;                                                                    \
        acc_type *a = acc;                                                                         \
        a->seen = state_read_u8(in) & 1;                                                           \
        word_type bits = read(in);                                                                 \
        memcpy(&a->value, &bits, sizeof bits);                                                     \
        return in->failed ? ERR_CORRUPT : 0;                                                       \
    }

static void put_u16(struct buf *out, uint16_t v)
{
    agg_put_u8(out, (uint8_t)v);
    agg_put_u8(out, (uint8_t)(v >> 8));
}

static uint16_t read_u16(struct state_reader *in)
{
    uint16_t low = state_read_u8(in);
    return (uint16_t)(low | state_read_u8(in) << 8);
}

EXTREME_BYTES(i8, struct extreme_i8, uint8_t, agg_put_u8, state_read_u8)
EXTREME_BYTES(i16, struct extreme_i16, uint16_t, put_u16, read_u16)
EXTREME_BYTES(i32, struct extreme_i32, uint32_t, agg_put_u32, state_read_u32)
EXTREME_BYTES(f32, struct extreme_f32, uint32_t, agg_put_u32, state_read_u32)
EXTREME_BYTES(i64, struct extreme_i64, uint64_t, agg_put_u64, state_read_u64)
EXTREME_BYTES(f64, struct extreme_f64, uint64_t, agg_put_u64, state_read_u64)

EXTREME(i8, int8_t, struct extreme_i8, i8, LESS, GREATER, encode_i8, decode_i8);
EXTREME(i16, int16_t, struct extreme_i16, i16, LESS, GREATER, encode_i16, decode_i16);
EXTREME(i32, int32_t, struct extreme_i32, i32, LESS, GREATER, encode_i32, decode_i32);
EXTREME(i64, int64_t, struct extreme_i64, i64, LESS, GREATER, encode_i64, decode_i64);
EXTREME(f32, float, struct extreme_f32, f32, LESS_FLOAT, GREATER_FLOAT, encode_f32, decode_f32);
EXTREME(f64, double, struct extreme_f64, f64, LESS_FLOAT, GREATER_FLOAT, encode_f64, decode_f64);

struct extreme_decimal {
    struct agg_i128 value;
    uint64_t seen;
};

static void keep_decimal(struct extreme_decimal *acc, __int128 x, bool max)
{
    __int128 y = agg_i128_get(acc->value);
    if (!acc->seen || (max ? x > y : x < y))
        *acc = (struct extreme_decimal){agg_i128_of(x), 1};
}

static AGG_RESULT_DECLARE(result_decimal)
{
    if (agg_result_init(call, n, arena, out) != 0)
        return agg_nomem(err);
    for (uint32_t i = 0; i < n; i++) {
        const struct extreme_decimal *acc = AGG_AT(struct extreme_decimal, i);
        out->decimal[i] = agg_i128_get(acc->value);
        if (!acc->seen)
            vec_set_null(out, i);
    }
    return 0;
}

static int keep_text(struct agg_blob *acc, struct state_heap *heap, struct str x, bool max,
                     struct err *err)
{
    int order = acc->p ? str_cmp(x, agg_blob_str(acc)) : 0;
    if (acc->p && (max ? order <= 0 : order >= 0))
        return 0;
    return agg_blob_set(acc, heap, x, err);
}

static AGG_RESULT_DECLARE(result_text)
{
    if (agg_result_init(call, n, arena, out) != 0)
        return agg_nomem(err);
    for (uint32_t i = 0; i < n; i++) {
        const struct agg_blob *acc = AGG_AT(struct agg_blob, i);
        out->str[i] = agg_blob_str(acc);
        if (!acc->p)
            vec_set_null(out, i);
    }
    return 0;
}

/* Structs and arrays are compared as bytes of agg_value.h. */
static int keep_nested(const struct type *type, struct agg_blob *acc, struct state_heap *heap,
                       struct str x, bool max, struct err *err)
{
    if (acc->p) {
        struct state_reader a = agg_reader(x), b = agg_reader(agg_blob_str(acc));
        int order = agg_value_compare(type, &a, &b);
        if (max ? order <= 0 : order >= 0)
            return 0;
    }
    return agg_blob_set(acc, heap, x, err);
}

static int update_nested(const struct aggregate_call *call, struct state_heap *heap,
                         char *const *groups, size_t offset, const struct vec *vec, uint32_t n,
                         bool max, struct err *err)
{
    struct buf bytes = {0};
    int code = 0;
    for (uint32_t i = 0; i < n && code == 0; i++) {
        if (!groups[i] || vec_is_null(vec, i))
            continue;
        buf_clear(&bytes);
        agg_value_put(vec, i, &bytes);
        code = bytes.failed ? agg_nomem(err)
                            : keep_nested(call->result, AGG_AT(struct agg_blob, i), heap,
                                          buf_str(&bytes), max, err);
    }
    buf_fini(&bytes);
    return code;
}

static AGG_RESULT_DECLARE(result_nested)
{
    struct state_reader *readers = ARENA_ARRAY(arena, struct state_reader, n);
    for (uint32_t i = 0; readers && i < n; i++) {
        if (AGG_AT(struct agg_blob, i)->p)
            readers[i] = agg_reader(agg_blob_str(AGG_AT(struct agg_blob, i)));
    }
    if (!readers || agg_value_vec(call->result, readers, n, arena, out) != 0)
        return agg_nomem(err);
    return 0;
}

static void free_blob(const struct aggregate_call *call, struct state_heap *heap, void *acc)
{
    (void)call;
    agg_blob_free(acc, heap);
}

static void encode_blob(const struct aggregate_call *call, const void *acc, struct buf *out)
{
    (void)call;
    agg_blob_encode(acc, out);
}

static int decode_text(const struct aggregate_call *call, struct state_heap *heap,
                       struct state_reader *in, void *acc)
{
    (void)call;
    return agg_blob_decode(acc, heap, in);
}

static int decode_nested(const struct aggregate_call *call, struct state_heap *heap,
                         struct state_reader *in, void *acc)
{
    int code = agg_blob_decode(acc, heap, in);
    const struct agg_blob *blob = acc;
    struct state_reader value = agg_reader(agg_blob_str(blob));
    if (code == 0 && blob->p && (!agg_value_skip(call->result, &value) || value.p != value.end)) {
        agg_blob_free(acc, heap);
        return ERR_CORRUPT;
    }
    return code;
}

#define EXTREME_LARGE(side, max)                                                                   \
    static AGG_UPDATE_DECLARE(update_##side##_decimal)                                             \
    {                                                                                              \
        (void)call, (void)heap, (void)err;                                                         \
        const __int128 *values = args[0].decimal;                                                  \
        AGG_EACH(struct extreme_decimal, &args[0], keep_decimal(acc, values[i], max));             \
        return 0;                                                                                  \
    }                                                                                              \
    static AGG_MERGE_DECLARE(merge_##side##_decimal)                                               \
    {                                                                                              \
        (void)call, (void)heap, (void)err;                                                         \
        const struct extreme_decimal *b = from;                                                    \
        if (b->seen)                                                                               \
            keep_decimal(into, agg_i128_get(b->value), max);                                       \
        return 0;                                                                                  \
    }                                                                                              \
    static AGG_UPDATE_DECLARE(update_##side##_text)                                                \
    {                                                                                              \
        (void)call;                                                                                \
        const struct str *values = args[0].str;                                                    \
        AGG_EACH(struct agg_blob, &args[0], {                                                      \
            int code = keep_text(acc, heap, values[i], max, err);                                  \
            if (code != 0)                                                                         \
                return code;                                                                       \
        });                                                                                        \
        return 0;                                                                                  \
    }                                                                                              \
    static AGG_MERGE_DECLARE(merge_##side##_text)                                                  \
    {                                                                                              \
        (void)call;                                                                                \
        const struct agg_blob *b = from;                                                           \
        return b->p ? keep_text(into, heap, agg_blob_str(b), max, err) : 0;                        \
    }                                                                                              \
    static AGG_UPDATE_DECLARE(update_##side##_nested)                                              \
    {                                                                                              \
        return update_nested(call, heap, groups, offset, &args[0], n, max, err);                   \
    }                                                                                              \
    static AGG_MERGE_DECLARE(merge_##side##_nested)                                                \
    {                                                                                              \
        const struct agg_blob *b = from;                                                           \
        return b->p ? keep_nested(call->result, into, heap, agg_blob_str(b), max, err) : 0;        \
    }                                                                                              \
    EXTREME_OPS(side##_decimal, decimal, agg_encode_words, agg_decode_words);                      \
    static const struct aggregate_ops ops_##side##_text = {.update = update_##side##_text,         \
                                                           .merge = merge_##side##_text,           \
                                                           .result = result_text,                  \
                                                           .free = free_blob,                      \
                                                           .encode = encode_blob,                  \
                                                           .decode = decode_text};                 \
    static const struct aggregate_ops ops_##side##_nested = {.update = update_##side##_nested,     \
                                                             .merge = merge_##side##_nested,       \
                                                             .result = result_nested,              \
                                                             .free = free_blob,                    \
                                                             .encode = encode_blob,                \
                                                             .decode = decode_nested}
EXTREME_LARGE(min, false);
EXTREME_LARGE(max, true);

struct extreme {
    const struct aggregate_ops *min, *max;
    size_t size;
};

static const struct extreme extremes[TYPE_KIND_COUNT] = {
    [TYPE_VOID] = {&agg_void_ops, &agg_void_ops, 8},
    [TYPE_BOOLEAN] = {&ops_min_i8, &ops_max_i8, sizeof(struct extreme_i8)},
    [TYPE_TINYINT] = {&ops_min_i8, &ops_max_i8, sizeof(struct extreme_i8)},
    [TYPE_SMALLINT] = {&ops_min_i16, &ops_max_i16, sizeof(struct extreme_i16)},
    [TYPE_INT] = {&ops_min_i32, &ops_max_i32, sizeof(struct extreme_i32)},
    [TYPE_DATE] = {&ops_min_i32, &ops_max_i32, sizeof(struct extreme_i32)},
    [TYPE_BIGINT] = {&ops_min_i64, &ops_max_i64, sizeof(struct extreme_i64)},
    [TYPE_TIMESTAMP] = {&ops_min_i64, &ops_max_i64, sizeof(struct extreme_i64)},
    [TYPE_FLOAT] = {&ops_min_f32, &ops_max_f32, sizeof(struct extreme_f32)},
    [TYPE_DOUBLE] = {&ops_min_f64, &ops_max_f64, sizeof(struct extreme_f64)},
    [TYPE_DECIMAL] = {&ops_min_decimal, &ops_max_decimal, sizeof(struct extreme_decimal)},
    [TYPE_STRING] = {&ops_min_text, &ops_max_text, sizeof(struct agg_blob)},
    [TYPE_BINARY] = {&ops_min_text, &ops_max_text, sizeof(struct agg_blob)},
    [TYPE_STRUCT] = {&ops_min_nested, &ops_max_nested, sizeof(struct agg_blob)},
    [TYPE_ARRAY] = {&ops_min_nested, &ops_max_nested, sizeof(struct agg_blob)},
    [TYPE_INTERVAL_YEAR_MONTH] = {&ops_min_i32, &ops_max_i32, sizeof(struct extreme_i32)},
    [TYPE_INTERVAL_DAY_TIME] = {&ops_min_i64, &ops_max_i64, sizeof(struct extreme_i64)},
};

static int set(struct binder *binder, struct aggregate_call *call, bool max)
{
    const struct extreme *extreme = &extremes[call->args[0]->type->kind];
    if (!extreme->min)
        return agg_wrong_type(binder, call, 0, "a value of a column's type");
    return agg_set(call, max ? extreme->max : extreme->min, extreme->size, call->args[0]->type);
}

int agg_rule_min(struct binder *binder, uint32_t offset, struct aggregate_call *call)
{
    (void)offset;
    return set(binder, call, false);
}

int agg_rule_max(struct binder *binder, uint32_t offset, struct aggregate_call *call)
{
    (void)offset;
    return set(binder, call, true);
}
