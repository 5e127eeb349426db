/* Rows for Kafka: Spark's sentences, as Spark 3.5.3 was seen to give them, and the staged form. */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "format/kafka_rows.h"
#include "plan/ddl.h"

static void expect_check(const char *ddl, bool topic_given, const char *want)
{
    struct arena arena = {0};
    struct ddl_column *columns;
    struct ddl_error error;
    struct err err = {0};
    uint32_t count;
    cr_assert_eq(ddl_parse(&columns, &count, str_of(ddl), &arena, &error), 0);
    struct field *fields = ARENA_ARRAY(&arena, struct field, count);
    for (uint32_t i = 0; i < count; i++)
        fields[i] = (struct field){columns[i].name, columns[i].type};
    const struct type schema = {.kind = TYPE_STRUCT, .field_count = count, .fields = fields};
    cr_expect_eq(kafka_rows_check(&schema, topic_given, &err), want ? ERR_INVALID : 0, "%s", ddl);
    cr_expect_str_eq(err.msg, want ? want : "");
    arena_fini(&arena);
}

Test(kafka_rows, columns_are_checked_as_in_spark)
{
    expect_check("a INT", true, "Required attribute 'value' not found");
    expect_check("VALUE STRING", true, "Required attribute 'value' not found");
    expect_check("value INT", true,
                 "value attribute unsupported type int. value must be a(n) string or binary");
    expect_check("value STRING", false,
                 "topic option required when no 'topic' attribute is present. Use the topic option "
                 "for setting a topic.");
    expect_check("value STRING, topic INT", false,
                 "topic attribute unsupported type int. topic must be a(n) string");
    expect_check("value STRING, topic INT", true, NULL);
    expect_check("value STRING, key INT", true,
                 "key attribute unsupported type int. key must be a(n) string or binary");
    expect_check("value STRING, partition BIGINT", true,
                 "partition attribute unsupported type bigint. partition must be a(n) int");
    expect_check(
        "value STRING, headers ARRAY<STRUCT<a: STRING, b: BINARY>>", true,
        "headers attribute unsupported type array<struct<a:string,b:binary>>. headers must "
        "be a(n) array<struct<key:string,value:binary>>");
    expect_check("value BINARY, headers ARRAY<STRUCT<Key: STRING, value: BINARY>>, more INT", true,
                 NULL);
}

/* Rows ("a", NULL topic or "t") as the schema topic STRING, value STRING. */
static int append(struct kafka_rows *rows, const char *topic, const char *value, struct err *err)
{
    const struct field both[] = {{STR("topic"), type_simple(TYPE_STRING)},
                                 {STR("value"), type_simple(TYPE_STRING)}};
    const struct type schema = {.kind = TYPE_STRUCT, .field_count = 2, .fields = both};
    struct str topics = str_of(topic), values = str_of(value);
    uint64_t topic_valid = topic != NULL, value_valid = value != NULL;
    struct vec cols[] = {{.type = both[0].type, .rows = 1, .valid = &topic_valid, .str = &topics},
                         {.type = both[1].type, .rows = 1, .valid = &value_valid, .str = &values}};
    struct block block = {cols, 2, 1};
    return kafka_rows_append(rows, &schema, &block, (struct str){0}, err);
}

Test(kafka_rows, are_read_back)
{
    struct kafka_rows rows = {0};
    struct kafka_rows_reader reader;
    struct kafka_row row;
    struct err err;
    cr_assert_eq(append(&rows, "t", "x", &err), 0);
    cr_assert_eq(append(&rows, "t", NULL, &err), 0);
    cr_assert_eq(append(&rows, "other", "", &err), 0);
    cr_expect_eq(append(&rows, NULL, "y", &err), ERR_INVALID);
    cr_expect_str_eq(err.msg, "null topic present in the data. Use the topic option for setting a "
                              "default topic.");
    cr_assert_eq(kafka_rows_read(&reader, buf_str(&rows.bytes), &err), 0);
    cr_assert_eq(kafka_rows_next(&reader, &row, &err), 0);
    cr_expect(str_is(row.topic, "t") && str_is(row.value, "x") && !row.key.p);
    cr_expect_eq(row.partition, -1);
    cr_assert_eq(kafka_rows_next(&reader, &row, &err), 0);
    cr_expect(str_is(row.topic, "t") && !row.value.p);
    cr_assert_eq(kafka_rows_next(&reader, &row, &err), 0);
    cr_expect(str_is(row.topic, "other") && row.value.p && row.value.n == 0);
    cr_expect_eq(kafka_rows_next(&reader, &row, &err), ERR_NOT_FOUND);
    kafka_rows_fini(&rows);
}

Test(kafka_rows, damage_is_noticed)
{
    const char whole[] = "\x01\x1f\x01t\x05\x01k\x01v\x01\x01h\x02w";
    struct kafka_rows_reader reader;
    struct kafka_row row;
    struct err err;
    for (size_t n = 2; n < sizeof whole; n++) {
        char *copy = malloc(n);
        memcpy(copy, whole, n);
        cr_assert_eq(kafka_rows_read(&reader, (struct str){copy, n}, &err), 0);
        cr_expect_eq(kafka_rows_next(&reader, &row, &err), n == sizeof whole - 1 ? 0 : ERR_CORRUPT);
        free(copy);
    }
    cr_assert_eq(kafka_rows_read(&reader, (struct str){whole, sizeof whole - 1}, &err), 0);
    cr_assert_eq(kafka_rows_next(&reader, &row, &err), 0);
    struct str key, value;
    cr_assert_eq(row.header_count, 1);
    kafka_row_header(&row, &key, &value);
    cr_expect(str_is(key, "h") && str_is(value, "w") && row.partition == 5);
    cr_expect_eq(kafka_rows_read(&reader, STR("\x02"), &err), ERR_CORRUPT);
    cr_assert_eq(kafka_rows_read(&reader, STR("\x01\x08\x01v"), &err), 0);
    cr_expect_eq(kafka_rows_next(&reader, &row, &err), ERR_CORRUPT, "a first row without topic");
}
