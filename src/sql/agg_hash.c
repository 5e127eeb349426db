/* agg_hash.c: the hash codes that Java and Scala 2.12 give values as Spark holds them. */
#include "sql/agg_table.h"
#include "vec/decimal.h"
#include "vec/hash.h"

static int32_t hash_long(uint64_t v)
{
    return (int32_t)(uint32_t)(v ^ v >> 32);
}

static int32_t hash_float_bits(uint32_t bits)
{
    return (bits & 0x7fffffffU) > 0x7f800000U ? 0x7fc00000 : (int32_t)bits;
}

static int32_t hash_double_bits(uint64_t bits)
{
    return hash_long((bits & INT64_MAX) > 0x7ff0000000000000ULL ? 0x7ff8000000000000ULL : bits);
}

/* BigInteger's, over its 32-bit digits. */
static int32_t hash_big(__int128 v)
{
    unsigned __int128 magnitude = v < 0 ? -(unsigned __int128)v : (unsigned __int128)v;
    uint32_t hash = 0;
    for (int shift = 96; shift >= 0; shift -= 32)
        hash = hash * 31 + (uint32_t)(magnitude >> shift);
    return (int32_t)(v < 0 ? -hash : hash);
}

/* A scala BigInt: one that fits an Int or a Long as that. */
static int32_t hash_integer(__int128 v)
{
    if (v == (int32_t)v)
        return (int32_t)v;
    return v == (int64_t)v ? hash_long((uint64_t)v) : hash_big(v);
}

/* Of a double that is no whole number: as a float where it is one. */
static int32_t hash_fraction(double v)
{
    float narrow = (float)v;
    uint32_t narrow_bits;
    uint64_t bits;
    memcpy(&narrow_bits, &narrow, sizeof narrow_bits);
    memcpy(&bits, &v, sizeof bits);
    return (double)narrow == v ? hash_float_bits(narrow_bits) : hash_double_bits(bits);
}

/* scala.math.BigDecimal: whole numbers as integers, those that a double prints as doubles, others
 * by their digits and scale. */
static int32_t hash_decimal(const struct type *type, __int128 v)
{
    int scale = type->scale;
    __int128 digits = v, back;
    while (scale > 0 && digits % 10 == 0) {
        digits /= 10;
        scale--;
    }
    if (scale == 0)
        return hash_integer(digits);
    double number = decimal_to_double(v, type->scale);
    if (decimal_from_double(number, type, &back) && back == v)
        return hash_fraction(number);
    uint32_t k = (uint32_t)scale * 0xcc9e2d51U;
    k = (k << 15 | k >> 17) * 0x1b873593U;
    return (int32_t)((uint32_t)hash_big(digits) ^ k);
}

static int32_t hash_simple(const struct type *type, struct str value)
{
    struct state_reader in = agg_reader(value);
    uint64_t low;
    switch (type->kind) {
    case TYPE_BOOLEAN:
        return state_read_u8(&in) ? 1231 : 1237;
    case TYPE_TINYINT:
        return (int8_t)state_read_u8(&in);
    case TYPE_SMALLINT:
        low = state_read_u8(&in);
        return (int16_t)(low | (uint64_t)state_read_u8(&in) << 8);
    case TYPE_INT:
    case TYPE_DATE:
        return (int32_t)state_read_u32(&in);
    case TYPE_FLOAT:
        return hash_float_bits(state_read_u32(&in));
    case TYPE_DOUBLE:
        return hash_double_bits(state_read_u64(&in));
    case TYPE_BIGINT:
    case TYPE_TIMESTAMP:
        return hash_long(state_read_u64(&in));
    case TYPE_DECIMAL:
        low = state_read_u64(&in);
        return hash_decimal(type, agg_i128_get((struct agg_i128){low, state_read_u64(&in)}));
    default: /* a STRING, behind its length */
        return (int32_t)hash_murmur3_bytes((struct str){value.p + 4, value.n - 4}, 42);
    }
}

int agg_java_hash(const struct type *type, struct str value, int32_t *hash)
{
    *hash = 0;
    if (type->kind == TYPE_VOID)
        return 0;
    if (type->kind != TYPE_BINARY && type->kind != TYPE_STRUCT && type->kind != TYPE_ARRAY) {
        *hash = hash_simple(type, value);
        return 0;
    }
    struct buf bytes = {0};
    bool done = agg_unsafe_put(type, value, &bytes);
    if (done)
        *hash = (int32_t)hash_murmur3_bytes(buf_str(&bytes), 42);
    buf_fini(&bytes);
    return done ? 0 : ERR_NOMEM;
}
