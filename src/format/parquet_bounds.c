#include "format/parquet_bounds.h"

#include <math.h>

#include "base/utf8.h"

void parquet_bounds_clear(struct parquet_bounds *bounds)
{
    bounds->set = false;
    buf_clear(&bounds->min_bytes);
    buf_clear(&bounds->max_bytes);
}

void parquet_bounds_fini(struct parquet_bounds *bounds)
{
    buf_fini(&bounds->min_bytes);
    buf_fini(&bounds->max_bytes);
}

size_t parquet_bounds_memory(const struct parquet_bounds *bounds)
{
    return bounds->min_bytes.capacity + bounds->max_bytes.capacity;
}

static void add_integers(struct parquet_bounds *bounds, int64_t min, int64_t max)
{
    bounds->min_i64 = bounds->set && bounds->min_i64 < min ? bounds->min_i64 : min;
    bounds->max_i64 = bounds->set && bounds->max_i64 > max ? bounds->max_i64 : max;
    bounds->set = true;
}

static void add_doubles(struct parquet_bounds *bounds, double min, double max)
{
    if (!(min <= max)) /* there was nothing but NaN */
        return;
    bounds->min_f64 = bounds->set && bounds->min_f64 < min ? bounds->min_f64 : min;
    bounds->max_f64 = bounds->set && bounds->max_f64 > max ? bounds->max_f64 : max;
    bounds->set = true;
}

static void add_decimals(struct parquet_bounds *bounds, __int128 min, __int128 max)
{
    bounds->min_decimal = bounds->set && bounds->min_decimal < min ? bounds->min_decimal : min;
    bounds->max_decimal = bounds->set && bounds->max_decimal > max ? bounds->max_decimal : max;
    bounds->set = true;
}

static void set_bytes(struct buf *buf, struct str s)
{
    bool failed = buf->failed;
    buf_clear(buf);
    buf_append_str(buf, s);
    buf->failed |= failed;
}

static void add_strs(struct parquet_bounds *bounds, struct str min, struct str max)
{
    if (!bounds->set || str_cmp(min, buf_str(&bounds->min_bytes)) < 0)
        set_bytes(&bounds->min_bytes, min);
    if (!bounds->set || str_cmp(max, buf_str(&bounds->max_bytes)) > 0)
        set_bytes(&bounds->max_bytes, max);
    bounds->set = true;
}

/* The extremes of n > 0 values; comparisons with NaN are false, so it never enters. */
#define EXTREMES(values, n, min, max)                                                              \
    for (size_t i = 0; i < (n); i++) {                                                             \
        (min) = (values)[i] < (min) ? (values)[i] : (min);                                         \
        (max) = (values)[i] > (max) ? (values)[i] : (max);                                         \
    }

/* The first eight bytes as a number of the same order. */
static inline uint64_t prefix_of(struct str s)
{
    uint64_t x = 0;
    if (LIKELY(s.n >= sizeof x))
        memcpy(&x, s.p, sizeof x);
    else if (s.n)
        memcpy(&x, s.p, s.n);
    return __builtin_bswap64(x);
}

static void extremes_of_strs(struct parquet_bounds *bounds, const struct str *values, size_t n)
{
    struct str min = values[0], max = values[0];
    uint64_t min_prefix = prefix_of(min), max_prefix = min_prefix;
    for (size_t i = 1; i < n; i++) {
        uint64_t prefix = prefix_of(values[i]);
        if (prefix <= min_prefix && str_cmp(values[i], min) < 0) {
            min = values[i];
            min_prefix = prefix;
        } else if (prefix >= max_prefix && str_cmp(values[i], max) > 0) {
            max = values[i];
            max_prefix = prefix;
        }
    }
    add_strs(bounds, min, max);
}

void parquet_bounds_add(struct parquet_bounds *bounds, const struct parquet_leaf *leaf,
                        const struct parquet_values *values)
{
    size_t n = values->count;
    if (n == 0)
        return;
    switch (leaf->physical) {
    case PARQUET_BOOLEAN: {
        uint8_t min = 1, max = 0;
        EXTREMES(values->boolean, n, min, max)
        return add_integers(bounds, min, max);
    }
    case PARQUET_INT32: {
        int32_t min = INT32_MAX, max = INT32_MIN;
        EXTREMES(values->i32, n, min, max)
        return add_integers(bounds, min, max);
    }
    case PARQUET_INT64: {
        int64_t min = INT64_MAX, max = INT64_MIN;
        EXTREMES(values->i64, n, min, max)
        return add_integers(bounds, min, max);
    }
    case PARQUET_FLOAT: {
        float min = INFINITY, max = -INFINITY;
        EXTREMES(values->f32, n, min, max)
        return add_doubles(bounds, (double)min, (double)max);
    }
    case PARQUET_DOUBLE: {
        double min = (double)INFINITY, max = -(double)INFINITY;
        EXTREMES(values->f64, n, min, max)
        return add_doubles(bounds, min, max);
    }
    case PARQUET_FIXED: {
        __int128 min = values->decimal[0], max = min;
        EXTREMES(values->decimal, n, min, max)
        return add_decimals(bounds, min, max);
    }
    case PARQUET_BYTES:
        return extremes_of_strs(bounds, values->str, n);
    }
}

void parquet_bounds_merge(struct parquet_bounds *bounds, const struct parquet_leaf *leaf,
                          const struct parquet_bounds *other)
{
    if (!other->set)
        return;
    switch (leaf->physical) {
    case PARQUET_BOOLEAN:
    case PARQUET_INT32:
    case PARQUET_INT64:
        return add_integers(bounds, other->min_i64, other->max_i64);
    case PARQUET_FLOAT:
    case PARQUET_DOUBLE:
        return add_doubles(bounds, other->min_f64, other->max_f64);
    case PARQUET_FIXED:
        return add_decimals(bounds, other->min_decimal, other->max_decimal);
    case PARQUET_BYTES:
        return add_strs(bounds, buf_str(&other->min_bytes), buf_str(&other->max_bytes));
    }
}

/* Everything but BYTES, which is done by the callers. */
static void append_number(const struct parquet_leaf *leaf, int64_t i64, double f64,
                          __int128 decimal, struct buf *out)
{
    uint8_t boolean = (uint8_t)i64;
    int32_t i32 = (int32_t)i64;
    float f32 = (float)f64;
    switch (leaf->physical) {
    case PARQUET_BOOLEAN:
        return buf_append(out, &boolean, sizeof boolean);
    case PARQUET_INT32:
        return buf_append(out, &i32, sizeof i32);
    case PARQUET_INT64:
        return buf_append(out, &i64, sizeof i64);
    case PARQUET_FLOAT:
        return buf_append(out, &f32, sizeof f32);
    case PARQUET_DOUBLE:
        return buf_append(out, &f64, sizeof f64);
    case PARQUET_FIXED:
        for (uint32_t i = leaf->width; i-- > 0;)
            buf_append_char(out, (char)(decimal >> (8 * i)));
        return;
    case PARQUET_BYTES:
        return;
    }
}

/* The longest part of s that a bound may have; of a text, whole characters. */
static struct str cut(const struct parquet_leaf *leaf, struct str s)
{
    if (s.n <= PARQUET_BOUND_BYTES)
        return s;
    size_t n = PARQUET_BOUND_BYTES;
    if (leaf->type->kind == TYPE_STRING) {
        while (n > 0 && ((unsigned char)s.p[n] & 0xc0) == 0x80)
            n--;
    }
    return (struct str){s.p, n};
}

bool parquet_bounds_append_min(const struct parquet_bounds *bounds, const struct parquet_leaf *leaf,
                               struct buf *out)
{
    if (leaf->physical == PARQUET_BYTES) {
        struct str part = cut(leaf, buf_str(&bounds->min_bytes));
        buf_append_str(out, part);
        return part.n == bounds->min_bytes.n;
    }
    double zero_down = bounds->min_f64 == 0 ? -0.0 : bounds->min_f64;
    append_number(leaf, bounds->min_i64, zero_down, bounds->min_decimal, out);
    return true;
}

/* The next character behind `code`, or 0. */
static uint32_t next_character(uint32_t code)
{
    return code == 0xd7ff ? 0xe000 : code == 0x10ffff ? 0 : code + 1;
}

/* Appends the least text that is above all that begin with s; false: there is none. */
static bool append_text_above(struct str s, struct buf *out)
{
    while (s.n > 0) {
        size_t last = s.n - 1;
        while (last > 0 && ((unsigned char)s.p[last] & 0xc0) == 0x80)
            last--;
        uint32_t code;
        utf8_decode((struct str){s.p + last, s.n - last}, &code);
        s.n = last;
        if ((code = next_character(code))) {
            char text[4];
            buf_append_str(out, s);
            buf_append(out, text, utf8_encode(code, text));
            return true;
        }
    }
    return false;
}

static bool append_bytes_above(struct str s, struct buf *out)
{
    while (s.n > 0 && (unsigned char)s.p[s.n - 1] == 0xff)
        s.n--;
    if (s.n == 0)
        return false;
    buf_append(out, s.p, s.n - 1);
    buf_append_char(out, (char)((unsigned char)s.p[s.n - 1] + 1));
    return true;
}

bool parquet_bounds_append_max(const struct parquet_bounds *bounds, const struct parquet_leaf *leaf,
                               struct buf *out)
{
    if (leaf->physical == PARQUET_BYTES) {
        struct str whole = buf_str(&bounds->max_bytes), part = cut(leaf, whole);
        if (part.n < whole.n && (leaf->type->kind == TYPE_STRING ? append_text_above(part, out)
                                                                 : append_bytes_above(part, out)))
            return false;
        buf_append_str(out, whole); /* short, or nothing shorter is above it */
        return true;
    }
    double zero_up = bounds->max_f64 == 0 ? 0.0 : bounds->max_f64;
    append_number(leaf, bounds->max_i64, zero_up, bounds->max_decimal, out);
    return true;
}

static int order_f64(double a, double b)
{
    return (a > b) - (a < b);
}

static int order_i64(int64_t a, int64_t b)
{
    return (a > b) - (a < b);
}

int parquet_bound_order(const struct parquet_leaf *leaf, struct str a, struct str b)
{
    union {
        int32_t i32;
        int64_t i64;
        float f32;
        double f64;
    } x = {0}, y = {0};
    if (leaf->physical == PARQUET_BYTES || leaf->physical == PARQUET_BOOLEAN)
        return str_cmp(a, b);
    if (leaf->physical == PARQUET_FIXED) { /* big-endian, so that only the sign is out of order */
        int sign = order_i64((signed char)a.p[0], (signed char)b.p[0]);
        return sign ? sign : str_cmp(a, b);
    }
    memcpy(&x, a.p, leaf->width);
    memcpy(&y, b.p, leaf->width);
    switch (leaf->physical) {
    case PARQUET_INT32:
        return order_i64(x.i32, y.i32);
    case PARQUET_INT64:
        return order_i64(x.i64, y.i64);
    case PARQUET_FLOAT:
        return order_f64((double)x.f32, (double)y.f32);
    default:
        return order_f64(x.f64, y.f64);
    }
}
