/* Values of nested types joined from several vectors, and their order. */
#include <criterion/criterion.h>

#include "vec/vec.h"

static const struct type type_int = {.kind = TYPE_INT};
static const struct type type_string = {.kind = TYPE_STRING};
static const struct type type_double = {.kind = TYPE_DOUBLE};
static const struct type type_void = {.kind = TYPE_VOID};
static const struct type type_ints = {.kind = TYPE_ARRAY, .element = &type_int};
static const struct field fields[] = {{{"a", 1}, &type_int}, {{"b", 1}, &type_ints}};
static const struct type type_row = {.kind = TYPE_STRUCT, .field_count = 2, .fields = fields};

/* Two arrays, [10, 11] and [12], as from `first` on. */
static void fill_arrays(struct vec *vec, int32_t first, struct arena *arena)
{
    cr_assert_eq(vec_init(vec->children, &type_int, 3, arena), 0);
    for (int32_t i = 0; i < 3; i++)
        vec->children->i32[i] = first + i;
    vec->span[0] = (struct vec_span){0, 2};
    vec->span[1] = (struct vec_span){2, 1};
}

/* Rows {first, [first, first + 1]} and NULL, whose fields hold garbage. */
static void make_rows(struct vec *vec, int32_t first, struct arena *arena)
{
    cr_assert_eq(vec_init(vec, &type_row, 2, arena), 0);
    vec->children[0].i32[0] = first;
    vec->children[0].i32[1] = 666;
    fill_arrays(&vec->children[1], first, arena);
    vec->children[1].span[1] = (struct vec_span){4000000000U, 4000000000U};
    cr_assert_eq(vec_ensure_valid(vec, arena), 0);
    vec_set_null(vec, 1);
}

Test(compose, structs_of_two_sources)
{
    struct arena arena = {0};
    struct vec a, b, nothing, out;
    make_rows(&a, 10, &arena);
    make_rows(&b, 20, &arena);
    cr_assert_eq(vec_init_null(&nothing, &type_void, 1, &arena), 0);
    const struct vec *sources[] = {&a, &b, &nothing};
    const struct vec_pick picks[] = {{1, 0}, {0, 1}, {0, 0}, {VEC_PICK_NULL, 9}, {2, 0}, {1, 0}};
    cr_assert_eq(vec_compose(&out, &type_row, sources, 3, picks, 6, &arena), 0);
    cr_assert_eq(out.rows, 6);
    const bool null[] = {false, true, false, true, true, false};
    const int32_t want[] = {20, 0, 10, 0, 0, 20};
    for (uint32_t i = 0; i < 6; i++) {
        cr_expect_eq(vec_is_null(&out, i), null[i]);
        cr_expect_eq(vec_is_null(&out.children[0], i), null[i]);
        if (null[i])
            continue;
        struct vec_span span = out.children[1].span[i];
        cr_expect_eq(out.children[0].i32[i], want[i]);
        cr_assert_eq(span.count, 2);
        cr_expect_eq(out.children[1].children->i32[span.start], want[i]);
        cr_expect_eq(out.children[1].children->i32[span.start + 1], want[i] + 1);
    }
    arena_fini(&arena);
}

Test(compose, gathered_arrays_keep_their_elements)
{
    struct arena arena = {0};
    struct vec in, out;
    const uint32_t picks[] = {1, 0, 1};
    cr_assert_eq(vec_init(&in, &type_ints, 2, &arena), 0);
    fill_arrays(&in, 10, &arena);
    cr_assert_eq(vec_gather(&out, &in, picks, 3, &arena), 0);
    cr_expect_eq(out.span[0].count, 1);
    cr_expect_eq(out.children->i32[out.span[0].start], 12);
    cr_expect_eq(out.span[1].count, 2);
    cr_assert_eq(vec_init_null(&out, &type_ints, 2, &arena), 0);
    cr_expect_eq(out.children->rows, 0);
    arena_fini(&arena);
}

Test(compose, order)
{
    struct arena arena = {0};
    struct vec arrays, rows, numbers, texts;
    cr_assert_eq(vec_init(&arrays, &type_ints, 2, &arena), 0);
    fill_arrays(&arrays, 10, &arena);
    cr_expect_lt(vec_order(&arrays, 0, &arrays, 1), 0);
    arrays.span[1] = (struct vec_span){0, 1};
    cr_expect_gt(vec_order(&arrays, 0, &arrays, 1), 0, "the longer one is greater");
    make_rows(&rows, 10, &arena);
    cr_expect_gt(vec_order(&rows, 0, &rows, 1), 0, "a NULL is the smallest");
    cr_expect_eq(vec_order(&rows, 0, &rows, 0), 0);
    cr_assert_eq(vec_init(&numbers, &type_double, 4, &arena), 0);
    numbers.f64[0] = (double)__builtin_nanf("");
    numbers.f64[1] = (double)__builtin_inff();
    numbers.f64[2] = 0.0;
    numbers.f64[3] = -0.0;
    cr_expect_gt(vec_order(&numbers, 0, &numbers, 1), 0);
    cr_expect_eq(vec_order(&numbers, 0, &numbers, 0), 0);
    cr_expect_eq(vec_order(&numbers, 2, &numbers, 3), 0);
    cr_assert_eq(vec_init(&texts, &type_string, 2, &arena), 0);
    texts.str[0] = STR("a");
    texts.str[1] = STR("\xc3\xa9");
    cr_expect_lt(vec_order(&texts, 0, &texts, 1), 0);
    arena_fini(&arena);
}

/* A copy outlives its source, and does not look at what means nothing. */
Test(copy, shares_nothing)
{
    struct arena source = {0}, arena = {0};
    struct vec rows, texts, copy, names;
    char bytes[] = "abc";
    const uint32_t picks[] = {1, 0, 0};
    make_rows(&rows, 10, &source);
    cr_assert_eq(vec_init(&texts, &type_string, 2, &source), 0);
    texts.str[0] = (struct str){bytes, 3};
    texts.str[1] = (struct str){(const char *)8, 1000000}; /* NULL: not to be followed */
    cr_assert_eq(vec_ensure_valid(&texts, &source), 0);
    vec_set_null(&texts, 1);
    cr_assert_eq(vec_copy(&copy, &rows, picks, 3, &arena), 0);
    cr_assert_eq(vec_copy(&names, &texts, picks, 3, &arena), 0);
    arena_fini(&source);
    memset(bytes, 'x', sizeof bytes);
    for (uint32_t i = 0; i < 3; i++) {
        cr_expect_eq(vec_is_null(&copy, i), i == 0);
        cr_expect_eq(vec_is_null(&names, i), i == 0);
        if (i == 0)
            continue;
        struct vec_span span = copy.children[1].span[i];
        cr_expect_eq(copy.children[0].i32[i], 10);
        cr_assert_eq(span.count, 2);
        cr_expect_eq(copy.children[1].children->i32[span.start + 1], 11);
        cr_expect(str_is(names.str[i], "abc"));
    }
    cr_expect_eq(copy.children[1].children->rows, 4, "the picked elements only");
    arena_fini(&arena);
}
