#include <criterion/criterion.h>
#include <math.h>

#include "base/utf8.h"
#include "format/parquet_bounds.h"

static struct parquet_leaf leaf_of(const struct type *type)
{
    struct parquet_leaf leaf = {.type = type};
    parquet_leaf_set_physical(&leaf);
    return leaf;
}

/* The bounds of one text or byte string. */
static void expect_str(enum type_kind kind, struct str value, struct str min, struct str max,
                       bool min_exact, bool max_exact)
{
    struct parquet_leaf leaf = leaf_of(type_simple(kind));
    struct parquet_bounds bounds = {0};
    struct parquet_values values = {.count = 1, .str = &value};
    struct buf out = {0};
    parquet_bounds_add(&bounds, &leaf, &values);
    cr_expect_eq(parquet_bounds_append_min(&bounds, &leaf, &out), min_exact);
    cr_expect(str_eq(buf_str(&out), min), "least: %.*s", STR_ARG(buf_str(&out)));
    buf_clear(&out);
    cr_expect_eq(parquet_bounds_append_max(&bounds, &leaf, &out), max_exact);
    cr_expect(str_eq(buf_str(&out), max), "largest: %.*s", STR_ARG(buf_str(&out)));
    cr_expect(str_cmp(buf_str(&out), value) >= 0);
    if (kind == TYPE_STRING)
        cr_expect(utf8_valid(buf_str(&out)));
    buf_fini(&out);
    parquet_bounds_fini(&bounds);
}

/* n times `unit`, then `tail`. */
static struct str repeat(char *room, const char *unit, int n, const char *tail)
{
    size_t length = 0;
    for (int i = 0; i <= n; i++) {
        const char *part = i < n ? unit : tail;
        memcpy(room + length, part, strlen(part));
        length += strlen(part);
    }
    return (struct str){room, length};
}

Test(parquet_bounds, long_texts_are_cut_at_characters)
{
    char a[400], b[400], c[400];
    expect_str(TYPE_STRING, STR(""), STR(""), STR(""), true, true);
    struct str whole = repeat(a, "x", 64, "");
    expect_str(TYPE_STRING, whole, whole, whole, true, true);
    expect_str(TYPE_STRING, repeat(a, "x", 65, ""), repeat(b, "x", 64, ""), repeat(c, "x", 63, "y"),
               false, false);
    /* Of three bytes each: 21 fit. */
    expect_str(TYPE_STRING, repeat(a, "\xe2\x82\xac", 22, ""), repeat(b, "\xe2\x82\xac", 21, ""),
               repeat(c, "\xe2\x82\xac", 20, "\xe2\x82\xad"), false, false);
    /* The next character may be longer: U+007F, U+0080. */
    expect_str(TYPE_STRING, repeat(a, "\x7f", 65, ""), repeat(b, "\x7f", 64, ""),
               repeat(c, "\x7f", 63, "\xc2\x80"), false, false);
    /* Behind U+D7FF there are surrogates, which are no characters. */
    expect_str(TYPE_STRING, repeat(a, "x", 61, "\xed\x9f\xbf!"), repeat(b, "x", 61, "\xed\x9f\xbf"),
               repeat(c, "x", 61, "\xee\x80\x80"), false, false);
    /* Nothing is behind U+10FFFF: the character before rises. */
    expect_str(TYPE_STRING, repeat(a, "x", 60, "\xf4\x8f\xbf\xbf!"),
               repeat(b, "x", 60, "\xf4\x8f\xbf\xbf"), repeat(c, "x", 59, "y"), false, false);
    struct str top = repeat(a, "\xf4\x8f\xbf\xbf", 20, "");
    expect_str(TYPE_STRING, top, repeat(b, "\xf4\x8f\xbf\xbf", 16, ""), top, false, true);
}

Test(parquet_bounds, long_bytes_are_cut_anywhere)
{
    char a[400], b[400], c[400];
    expect_str(TYPE_BINARY, repeat(a, "\xe2\x82\xac", 22, ""),
               repeat(b, "\xe2\x82\xac", 21, "\xe2"), repeat(c, "\xe2\x82\xac", 21, "\xe3"), false,
               false);
    expect_str(TYPE_BINARY, repeat(a, "\x01", 60, "\xff\xff\xff\xff\xff"),
               repeat(b, "\x01", 60, "\xff\xff\xff\xff"), repeat(c, "\x01", 59, "\x02"), false,
               false);
    struct str top = repeat(a, "\xff", 70, "");
    expect_str(TYPE_BINARY, top, repeat(b, "\xff", 64, ""), top, false, true);
}

Test(parquet_bounds, nan_is_no_bound_and_zeros_have_their_signs)
{
    struct parquet_leaf leaf = leaf_of(type_simple(TYPE_DOUBLE));
    struct parquet_bounds bounds = {0};
    struct buf out = {0};
    double got[2];
    parquet_bounds_add(&bounds, &leaf,
                       &(struct parquet_values){.count = 2, .f64 = (double[]){NAN, NAN}});
    cr_expect(!bounds.set);
    parquet_bounds_add(&bounds, &leaf,
                       &(struct parquet_values){.count = 3, .f64 = (double[]){NAN, 0.0, NAN}});
    cr_assert(bounds.set);
    parquet_bounds_append_min(&bounds, &leaf, &out);
    parquet_bounds_append_max(&bounds, &leaf, &out);
    memcpy(got, out.p, sizeof got);
    cr_expect(got[0] == 0 && signbit(got[0]) && got[1] == 0 && !signbit(got[1]));
    bounds.set = false;
    buf_clear(&out);
    parquet_bounds_add(&bounds, &leaf,
                       &(struct parquet_values){.count = 2, .f64 = (double[]){INFINITY, -0.0}});
    parquet_bounds_append_min(&bounds, &leaf, &out);
    parquet_bounds_append_max(&bounds, &leaf, &out);
    memcpy(got, out.p, sizeof got);
    cr_expect(got[0] == 0 && signbit(got[0]) && isinf(got[1]));
    buf_fini(&out);
}

Test(parquet_bounds, decimals_are_big_endian_and_ordered_by_sign)
{
    const struct type type = {.kind = TYPE_DECIMAL, .precision = 20};
    struct parquet_leaf leaf = leaf_of(&type);
    struct parquet_bounds bounds = {0};
    struct buf out = {0};
    __int128 numbers[] = {5, -2, 255};
    cr_assert_eq(leaf.width, 9);
    parquet_bounds_add(&bounds, &leaf, &(struct parquet_values){.count = 3, .decimal = numbers});
    parquet_bounds_append_min(&bounds, &leaf, &out);
    parquet_bounds_append_max(&bounds, &leaf, &out);
    cr_assert_eq(out.n, 18);
    cr_expect(memcmp(out.p, "\xff\xff\xff\xff\xff\xff\xff\xff\xfe\0\0\0\0\0\0\0\0\xff", 18) == 0);
    cr_expect(parquet_bound_order(&leaf, (struct str){out.p, 9}, (struct str){out.p + 9, 9}) < 0);
    buf_fini(&out);
}

Test(parquet_bounds, decimal_widths_are_the_least)
{
    static const uint32_t want[] = {1,  1,  2,  2,  3,  3,  4,  4,  4,  5,  5,  6,  6,
                                    6,  7,  7,  8,  8,  9,  9,  9,  10, 10, 11, 11, 11,
                                    12, 12, 13, 13, 13, 14, 14, 15, 15, 16, 16, 16};
    for (unsigned p = 1; p <= 38; p++)
        cr_expect_eq(parquet_decimal_width(p), want[p - 1], "precision %u", p);
}
