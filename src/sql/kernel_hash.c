/* kernel_hash.c: hash codes as Spark's hash and xxhash64 compute them; NULLs change nothing. */
#include <math.h>

#include "sql/kernel.h"
#include "sql/kernels_hash.h"
#include "vec/hash.h"

enum { SEED = 42, LONG_DECIMAL_DIGITS = 18 };

/* What a hash is made of; the seed of each is the hash so far. */
struct hasher {
    uint64_t (*of_int)(int32_t value, uint64_t seed);
    uint64_t (*of_long)(int64_t value, uint64_t seed);
    uint64_t (*of_bytes)(struct str bytes, uint64_t seed);
};

static uint64_t murmur_int(int32_t value, uint64_t seed)
{
    return hash_murmur3_u32((uint32_t)value, (uint32_t)seed);
}

static uint64_t murmur_long(int64_t value, uint64_t seed)
{
    return hash_murmur3_u64((uint64_t)value, (uint32_t)seed);
}

static uint64_t murmur_bytes(struct str bytes, uint64_t seed)
{
    return hash_murmur3_bytes(bytes, (uint32_t)seed);
}

static uint64_t xx_int(int32_t value, uint64_t seed)
{
    return hash_xx64_u32((uint32_t)value, seed);
}

static uint64_t xx_long(int64_t value, uint64_t seed)
{
    return hash_xx64_u64((uint64_t)value, seed);
}

/* Java's floatToIntBits, and doubleToLongBits: one NaN; Spark's zeros have no sign. */
static int32_t float_bits(float x)
{
    int32_t bits = 0;
    if (isnan(x))
        return 0x7fc00000;
    if (x != 0)
        memcpy(&bits, &x, sizeof bits);
    return bits;
}

static int64_t double_bits(double x)
{
    int64_t bits = 0;
    if (isnan(x))
        return 0x7ff8000000000000LL;
    if (x != 0)
        memcpy(&bits, &x, sizeof bits);
    return bits;
}

/* Long decimals are hashed by the bytes of BigInteger.toByteArray. */
static uint64_t hash_decimal(const struct hasher *hasher, __int128 value, uint8_t precision,
                             uint64_t seed)
{
    if (precision <= LONG_DECIMAL_DIGITS)
        return hasher->of_long((int64_t)value, seed);
    char bytes[16];
    size_t n = 0;
    do {
        bytes[15 - n++] = (char)(unsigned char)((unsigned __int128)value & 0xff);
        value >>= 8;
    } while (n < 16 && value != ((int8_t)bytes[16 - n] < 0 ? -1 : 0));
    return hasher->of_bytes((struct str){bytes + 16 - n, n}, seed);
}

static uint64_t hash_row(const struct hasher *hasher, const struct vec *vec, uint32_t row,
                         uint64_t seed);

static uint64_t hash_nested(const struct hasher *hasher, const struct vec *vec, uint32_t row,
                            uint64_t seed)
{
    if (vec->type->kind == TYPE_STRUCT) {
        for (uint32_t i = 0; i < vec->type->field_count; i++)
            seed = hash_row(hasher, &vec->children[i], row, seed);
        return seed;
    }
    struct vec_span span = vec->span[row];
    for (uint32_t i = 0; i < span.count; i++)
        seed = hash_row(hasher, &vec->children[0], span.start + i, seed);
    return seed;
}

static uint64_t hash_interval(const struct hasher *hasher, struct vec_interval interval,
                              uint64_t seed)
{
    seed = hasher->of_long(interval.micros, seed);
    return hasher->of_int(interval.months, hasher->of_int(interval.days, seed));
}

static uint64_t hash_row(const struct hasher *hasher, const struct vec *vec, uint32_t row,
                         uint64_t seed)
{
    if (vec->type->kind == TYPE_VOID || vec_is_null(vec, row))
        return seed;
    switch (vec->type->kind) {
    case TYPE_BOOLEAN:
        return hasher->of_int(vec->boolean[row] & 1, seed);
    case TYPE_TINYINT:
        return hasher->of_int(vec->i8[row], seed);
    case TYPE_SMALLINT:
        return hasher->of_int(vec->i16[row], seed);
    case TYPE_INT:
    case TYPE_DATE:
    case TYPE_INTERVAL_YEAR_MONTH:
        return hasher->of_int(vec->i32[row], seed);
    case TYPE_BIGINT:
    case TYPE_TIMESTAMP:
    case TYPE_INTERVAL_DAY_TIME:
        return hasher->of_long(vec->i64[row], seed);
    case TYPE_FLOAT:
        return hasher->of_int(float_bits(vec->f32[row]), seed);
    case TYPE_DOUBLE:
        return hasher->of_long(double_bits(vec->f64[row]), seed);
    case TYPE_DECIMAL:
        return hash_decimal(hasher, vec->decimal[row], vec->type->precision, seed);
    case TYPE_STRING:
    case TYPE_BINARY:
        return hasher->of_bytes(vec->str[row], seed);
    case TYPE_INTERVAL:
        return hash_interval(hasher, vec->interval[row], seed);
    default:
        return hash_nested(hasher, vec, row, seed);
    }
}

static uint64_t hash_arguments(const struct hasher *hasher, const struct expr *expr,
                               const struct value *args, uint32_t row)
{
    uint64_t hash = SEED;
    for (uint32_t k = 0; k < expr->arg_count; k++)
        hash = hash_row(hasher, &args[k].vec, kernel_row(&args[k], row), hash);
    return hash;
}

int kernel_hash(struct eval *eval, const struct expr *expr, const struct value *args,
                struct value *out)
{
    static const struct hasher murmur = {murmur_int, murmur_long, murmur_bytes};
    (void)eval;
    for (uint32_t i = 0; i < out->vec.rows; i++)
        out->vec.i32[i] = (int32_t)(uint32_t)hash_arguments(&murmur, expr, args, i);
    return 0;
}

int kernel_xxhash64(struct eval *eval, const struct expr *expr, const struct value *args,
                    struct value *out)
{
    static const struct hasher xx = {xx_int, xx_long, hash_xx64_bytes};
    (void)eval;
    for (uint32_t i = 0; i < out->vec.rows; i++)
        out->vec.i64[i] = (int64_t)hash_arguments(&xx, expr, args, i);
    return 0;
}
