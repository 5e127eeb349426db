#include <criterion/criterion.h>
#include <math.h>

#include "fixture.h"

static void expect_string(struct str text, const char *want)
{
    struct buf out = {0};
    json_string_append(&out, text);
    cr_expect_str_eq(buf_cstr(&out), want);
    buf_fini(&out);
}

Test(json_rows, strings_are_escaped_as_jackson_does)
{
    expect_string(STR("plain / 'text'"), "\"plain / 'text'\"");
    expect_string(STR("\"\\\b\f\n\r\t"), "\"\\\"\\\\\\b\\f\\n\\r\\t\"");
    expect_string((struct str){"\0\x1f\x7f", 3}, "\"\\u0000\\u001F\x7f\"");
    expect_string(STR("0123456789abcdef\n0123456789abcdef\xd0\xb6"),
                  "\"0123456789abcdef\\n0123456789abcdef\xd0\xb6\"");
    expect_string(STR("\n\xff\xf0\x9f\x98\x80\x01"), "\"\\n\xef\xbf\xbd\xf0\x9f\x98\x80\\u0001\"");
    expect_string((struct str){NULL, 0}, "\"\"");
}

static struct vec column(struct arena *arena, enum type_kind kind, const void *values,
                         uint32_t rows)
{
    struct vec vec;
    cr_assert_eq(vec_init(&vec, type_simple(kind), rows, arena), 0);
    memcpy(vec.data, values, rows * type_width(vec.type));
    return vec;
}

Test(json_rows, nulls_are_left_out_and_specials_quoted)
{
    struct arena arena = {0};
    struct buf out = {0};
    const struct field fields[] = {{STR("d"), type_simple(TYPE_DOUBLE)},
                                   {STR("f\""), type_simple(TYPE_FLOAT)},
                                   {STR("x"), type_simple(TYPE_BINARY)}};
    const struct type schema = {.kind = TYPE_STRUCT, .field_count = 3, .fields = fields};
    struct vec cols[] = {
        column(&arena, TYPE_DOUBLE, (double[]){(double)NAN, 1e-5, -0.0}, 3),
        column(&arena, TYPE_FLOAT, (float[]){-(float)INFINITY, 0.1F, 1e10F}, 3),
        column(&arena, TYPE_BINARY, (struct str[]){STR(""), STR("a"), STR("\xff\xfe\xfd")}, 3)};
    struct block block = {cols, 3, 3};
    cr_assert_eq(vec_ensure_valid(&cols[0], &arena), 0);
    vec_set_null(&cols[0], 2);
    json_rows_append(&out, &schema, &block, 0, 3);
    json_row_append(&out, &schema, &block, 1);
    cr_expect_str_eq(buf_cstr(&out), "{\"d\":\"NaN\",\"f\\\"\":\"-Infinity\",\"x\":\"\"}\n"
                                     "{\"d\":1.0E-5,\"f\\\"\":0.1,\"x\":\"YQ==\"}\n"
                                     "{\"f\\\"\":1.0E10,\"x\":\"//79\"}\n"
                                     "{\"d\":1.0E-5,\"f\\\"\":0.1,\"x\":\"YQ==\"}");
    buf_fini(&out);
    arena_fini(&arena);
}

Test(json_rows, structs_and_arrays_nest)
{
    struct arena arena = {0};
    struct buf out = {0};
    const struct field inner[] = {{STR("start"), type_simple(TYPE_TIMESTAMP)},
                                  {STR("n"), type_simple(TYPE_INT)}};
    const struct type window = {.kind = TYPE_STRUCT, .field_count = 2, .fields = inner};
    const struct type list = {.kind = TYPE_ARRAY, .element = type_simple(TYPE_INT)};
    const struct type money = {.kind = TYPE_DECIMAL, .precision = 10, .scale = 2};
    const struct field fields[] = {{STR("w"), &window}, {STR("l"), &list}, {STR("m"), &money}};
    const struct type schema = {.kind = TYPE_STRUCT, .field_count = 3, .fields = fields};
    struct vec parts[] = {column(&arena, TYPE_TIMESTAMP, (int64_t[]){0, 1}, 2),
                          column(&arena, TYPE_INT, (int32_t[]){7, 8}, 2)};
    struct vec elements = column(&arena, TYPE_INT, (int32_t[]){1, 2, 3}, 3);
    struct vec cols[] = {
        {.type = &window, .rows = 2, .children = parts},
        {.type = &list,
         .rows = 2,
         .children = &elements,
         .span = (struct vec_span[]){{0, 0}, {0, 3}}},
        {.type = &money, .rows = 2, .decimal = (__int128[]){1230, -5}},
    };
    struct block block = {cols, 3, 2};
    cr_assert_eq(vec_ensure_valid(&elements, &arena), 0);
    cr_assert_eq(vec_ensure_valid(&parts[1], &arena), 0);
    vec_set_null(&elements, 1);
    vec_set_null(&parts[1], 0);
    json_rows_append(&out, &schema, &block, 0, 2);
    cr_expect_str_eq(buf_cstr(&out),
                     "{\"w\":{\"start\":\"1970-01-01T00:00:00.000Z\"},\"l\":[],\"m\":12.30}\n"
                     "{\"w\":{\"start\":\"1970-01-01T00:00:00.000Z\",\"n\":8},\"l\":[1,null,3],"
                     "\"m\":-0.05}\n");
    buf_fini(&out);
    arena_fini(&arena);
}
