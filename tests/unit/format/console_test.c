#include "format/console.h"

#include <criterion/criterion.h>

#include "fixture.h"
#include "format/raw_decode.h"

/* The table of the records under a schema. */
static void expect_table(const char *spec, int64_t rows_max, int64_t truncate,
                         const struct str *records, uint32_t count, const char *want)
{
    struct fixture f;
    struct console_table table;
    struct buf out = {0};
    struct err err;
    fixture_init(&f, spec, NULL);
    struct record *list = calloc(count + 1, sizeof *list);
    for (uint32_t i = 0; i < count; i++)
        list[i].value = records[i];
    cr_assert_eq(console_table_init(&table, &f.schema, rows_max, truncate, &err), 0);
    for (uint32_t i = 0; i < count; i++) { /* one block per row: blocks must not matter */
        cr_assert_eq(
            json_decode_block(f.decoder, list + i, 1, 0, &f.arena, &f.block, f.malformed, &err), 0);
        cr_assert_eq(console_table_add(&table, &f.block, &err), 0);
    }
    cr_expect_gt(console_table_bytes(&table), 0);
    console_table_print(&table, &out);
    cr_expect_str_eq(buf_cstr(&out), want);
    console_table_fini(&table);
    buf_fini(&out);
    free(list);
    fixture_fini(&f);
}

/* conformance/console_edge* hold what Spark printed; these are the rules one by one. */

Test(console, left_aligned_when_whole_right_aligned_when_truncated)
{
    const struct str rows[] = {STR("{\"a\":\"x\",\"long\":1}"), STR("{\"a\":\"12345678\"}")};
    expect_table("a:STRING,long:INT", 20, 0, rows, 2,
                 "+--------+----+\n|a       |long|\n+--------+----+\n|x       |1   |\n"
                 "|12345678|NULL|\n+--------+----+\n");
    expect_table("a:STRING,long:INT", 20, 5, rows, 2,
                 "+-----+----+\n|    a|long|\n+-----+----+\n|    x|   1|\n|12...|NULL|\n"
                 "+-----+----+\n");
    expect_table("a:STRING,long:INT", 20, 3, rows, 2,
                 "+---+----+\n|  a|long|\n+---+----+\n|  x|   1|\n|123| NUL|\n+---+----+\n");
}

Test(console, says_what_it_does_not_show)
{
    const struct str rows[] = {STR("{\"a\":1}"), STR("{\"a\":2}")};
    expect_table("a:INT", 1, 0, rows, 2,
                 "+---+\n|a  |\n+---+\n|1  |\n+---+\nonly showing top 1 row\n");
    expect_table("a:INT", 0, 0, rows, 1, "+---+\n|a  |\n+---+\n+---+\nonly showing top 0 rows\n");
    expect_table("a:INT", -7, 0, rows, 0, "+---+\n|a  |\n+---+\n+---+\n");
    expect_table("a:INT", 2, 0, rows, 2, "+---+\n|a  |\n+---+\n|1  |\n|2  |\n+---+\n");
}

Test(console, wide_characters_take_two_columns_and_emoji_two_units)
{
    const struct str rows[] = {STR("{\"s\":\"\xe6\x97\xa5\xe6\x9c\xac\"}"),
                               STR("{\"s\":\"\xf0\x9f\x98\x80\xf0\x9f\x98\x80\xf0\x9f\x98\x80\"}")};
    expect_table("s:STRING", 20, 0, rows, 2,
                 "+------+\n|s     |\n+------+\n|\xe6\x97\xa5\xe6\x9c\xac  |\n"
                 "|\xf0\x9f\x98\x80\xf0\x9f\x98\x80\xf0\x9f\x98\x80|\n+------+\n");
    expect_table("s:STRING", 20, 3, rows + 1, 1,
                 "+---+\n|  s|\n+---+\n|\xf0\x9f\x98\x80?|\n+---+\n");
}

Test(console, control_characters_are_escaped_in_cells_and_names)
{
    const struct str rows[] = {STR("{\"s\":\"\\t\\n\\r\\f\\b\\u000b\\u0007\\u0001\"}")};
    expect_table("s:STRING,a\tb:INT", 20, 0, rows, 1,
                 "+---------------+----+\n|s              |a\\tb|\n+---------------+----+\n"
                 "|\\t\\n\\r\\f\\b\\v\\a\x01|NULL|\n+---------------+----+\n");
}

Test(console, a_batch_has_its_head_and_an_empty_line)
{
    struct console_table table;
    struct buf out = {0};
    struct err err;
    cr_assert_eq(console_table_init(&table, &text_schema, 20, 20, &err), 0);
    console_batch_print(&table, 12, &out);
    cr_expect_str_eq(buf_cstr(&out), "-------------------------------------------\nBatch: 12\n"
                                     "-------------------------------------------\n"
                                     "+-----+\n|value|\n+-----+\n+-----+\n\n");
    buf_fini(&out);
    console_table_fini(&table);
}

Test(console, binary_is_hexadecimal_and_raw_records_are_kept_as_they_are)
{
    struct arena arena = {0};
    struct block block;
    struct buf out = {0};
    struct err err;
    const struct record records[] = {{.value = STR("ab\xff")}, {.value = {NULL, 0}}};
    cr_assert_eq(binary_decode_block(records, 2, &arena, &block, &err), 0);
    console_value_append(&out, &block.cols[0], 0);
    console_value_append(&out, &block.cols[0], 1);
    cr_assert_eq(text_decode_block(records, 2, &arena, &block, &err), 0);
    cr_expect(block.cols[0].str[0].p == records[0].value.p && vec_is_null(&block.cols[0], 1));
    console_value_append(&out, &block.cols[0], 0);
    cr_expect_str_eq(buf_cstr(&out), "[61 62 FF]NULLab\xef\xbf\xbd");
    buf_fini(&out);
    arena_fini(&arena);
}
