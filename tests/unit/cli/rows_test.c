#include <criterion/criterion.h>

#include "cli/rows.h"

static const struct type t_int = {.kind = TYPE_BIGINT};
static const struct type t_double = {.kind = TYPE_DOUBLE};
static const struct type t_string = {.kind = TYPE_STRING};
static const struct field inner_fields[] = {{{"x", 1}, &t_double}, {{"y", 1}, &t_int}};
static const struct type t_inner = {.kind = TYPE_STRUCT, .field_count = 2, .fields = inner_fields};
static const struct field fields[] = {
    {{"n", 1}, &t_int}, {{"d", 1}, &t_double}, {{"s", 1}, &t_string}, {{"o", 1}, &t_inner}};
static const struct type schema = {.kind = TYPE_STRUCT, .field_count = 4, .fields = fields};

/* Whether the two texts hold the same rows; the diff is compared when one is given. */
static bool same(const char *expected, const char *actual, const char *diff)
{
    struct arena arena = {0};
    struct buf text = {0};
    struct rows *left, *right;
    struct err err = {0};
    cr_assert_eq(rows_parse(&left, str_of(expected), &schema, "expected", &arena, &err), 0, "%s",
                 err.msg);
    cr_assert_eq(rows_parse(&right, str_of(actual), &schema, "actual", &arena, &err), 0, "%s",
                 err.msg);
    bool equal = rows_compare(left, right, &text);
    if (diff)
        cr_assert_str_eq(buf_cstr(&text), diff);
    buf_fini(&text);
    arena_fini(&arena);
    return equal;
}

Test(rows, order_of_rows_and_keys_is_free)
{
    cr_assert(same("{\"n\":1,\"s\":\"a\"}\n{\"n\":2}\n", "{\"n\":2}\n{\"s\":\"a\",\"n\":1}\n", ""));
}

Test(rows, multisets_one_to_one)
{
    cr_assert_not(same("{\"n\":1}\n{\"n\":1}\n{\"n\":2}\n", "{\"n\":1}\n{\"n\":2}\n{\"n\":2}\n",
                       "- {\"n\":1}\n+ {\"n\":2}\n"));
}

Test(rows, absent_is_not_null)
{
    cr_assert_not(same("{\"n\":null}\n", "{}\n", NULL));
}

Test(rows, doubles_may_differ_by_a_relative_1e_9)
{
    cr_assert(same("{\"d\":1000000000.0}\n", "{\"d\":1000000000.9}\n", ""));
    cr_assert_not(same("{\"d\":1000000000.0}\n", "{\"d\":1000000002.0}\n", NULL));
    cr_assert(same("{\"d\":1.0E10}\n", "{\"d\":10000000000}\n", ""));
    cr_assert(
        same("{\"o\":{\"x\":0.1,\"y\":1}}\n", "{\"o\":{\"y\":1,\"x\":0.10000000000000001}}\n", ""));
}

Test(rows, all_else_is_exact)
{
    cr_assert_not(same("{\"n\":9007199254740993}\n", "{\"n\":9007199254740992}\n", NULL));
    cr_assert_not(same("{\"s\":\"1.0\"}\n", "{\"s\":\"1.00\"}\n", NULL));
    cr_assert_not(same("{\"o\":{\"y\":1}}\n", "{\"o\":{\"y\":2}}\n", NULL));
    cr_assert_not(same("{\"d\":\"NaN\"}\n", "{\"d\":0.0}\n", NULL));
}

Test(rows, near_doubles_still_pair_one_to_one)
{
    cr_assert(
        same("{\"d\":1.0}\n{\"d\":1.0000000001}\n", "{\"d\":1.0000000001}\n{\"d\":1.0}\n", ""));
    cr_assert_not(same("{\"d\":1.0}\n{\"d\":1.0}\n", "{\"d\":1.0}\n", "- {\"d\":1.0}\n"));
}

Test(rows, a_bad_line_is_named)
{
    struct arena arena = {0};
    struct rows *rows;
    struct err err = {0};
    cr_assert_eq(rows_parse(&rows, STR("{\"n\":1}\n{\"n\":}\n"), &schema, "f.ndjson", &arena, &err),
                 ERR_INVALID);
    cr_assert(strncmp(err.msg, "f.ndjson:2:", 11) == 0, "%s", err.msg);
    cr_assert_eq(rows_parse(&rows, STR("[1]\n"), &schema, "f.ndjson", &arena, &err), ERR_INVALID);
    arena_fini(&arena);
}
