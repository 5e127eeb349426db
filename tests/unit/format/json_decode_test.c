#include <criterion/criterion.h>

#include "base/utf8.h"
#include "fixture.h"

#define SCHEMA                                                                                     \
    "s:STRING,b:BOOLEAN,y:TINYINT,h:SMALLINT,i:INT,l:BIGINT,f:FLOAT,d:DOUBLE,t:TIMESTAMP,"         \
    "dt:DATE,x:BINARY"

struct sample {
    const char *record, *want; /* want: the row, with '!' in front when malformed */
};

static void expect_samples(const char *schema, const struct sample *samples, size_t count)
{
    struct fixture f;
    fixture_init(&f, schema, NULL);
    for (size_t i = 0; i < count; i++)
        cr_expect_str_eq(fixture_row(&f, str_of(samples[i].record)), samples[i].want, "%s",
                         samples[i].record);
    fixture_fini(&f);
}

#define EXPECT_SAMPLES(schema, ...)                                                                \
    do {                                                                                           \
        static const struct sample samples[] = {__VA_ARGS__};                                      \
        expect_samples(schema, samples, COUNT_OF(samples));                                        \
    } while (0)

/* What Spark 3.5.3 does; conformance/json_edge* hold many more. */

Test(json_decode, values_of_each_type)
{
    EXPECT_SAMPLES(
        SCHEMA, {"{\"s\":\"x\",\"b\":true,\"i\":-5}", "{\"s\":\"x\",\"b\":true,\"i\":-5}"},
        {"{\"y\":255,\"h\":-32768}", "{\"y\":-1,\"h\":-32768}"}, {"{\"y\":256}", "!{}"},
        {"{\"l\":9223372036854775807}", "{\"l\":9223372036854775807}"},
        {"{\"l\":-9223372036854775808}", "{\"l\":-9223372036854775808}"},
        {"{\"l\":9223372036854775808}", "!{}"}, {"{\"i\":1.0}", "!{}"},
        {"{\"d\":-0,\"f\":-0}", "{\"f\":0.0,\"d\":0.0}"},
        {"{\"d\":-0.0,\"f\":-0.0}", "{\"f\":-0.0,\"d\":-0.0}"},
        {"{\"d\":1e400}", "{\"d\":\"Infinity\"}"}, {"{\"d\":\"NaN\"}", "{\"d\":\"NaN\"}"},
        {"{\"d\":-INF}", "{\"d\":\"-Infinity\"}"}, {"{\"d\":\"\"}", "!{}"},
        {"{\"t\":\"2025-12-26 21:16:18\"}", "{\"t\":\"2025-12-26T21:16:18.000Z\"}"},
        {"{\"t\":1766783778}", "{\"t\":\"2025-12-26T21:16:18.000Z\"}"},
        {"{\"t\":\"2025-12-26T21:16:18GMT-01:00\"}", "{\"t\":\"2025-12-26T22:16:18.000Z\"}"},
        {"{\"t\":\"21:16\"}", "{\"t\":\"1970-01-01T21:16:00.000Z\"}"},
        {"{\"t\":\"21:16:18GMT-01:00\"}", "{\"t\":\"1969-12-31T22:16:18.000Z\"}"},
        {"{\"t\":\"yesterday\"}", "!{}"}, {"{\"dt\":\"2025-12-26\"}", "{\"dt\":\"2025-12-26\"}"},
        {"{\"dt\":\"180\"}", "{\"dt\":\"1970-06-30\"}"}, {"{\"dt\":18000}", "!{}"},
        {"{\"dt\":\"-10000000\"}", "{\"dt\":\"-25409-06-17\"}"},
        {"{\"x\":\"QUJD\"}", "{\"x\":\"QUJD\"}"}, {"{\"x\":\" QU\\u004aD \"}", "{\"x\":\"QUJD\"}"},
        {"{\"x\":\"QQ\"}", "!{}"}, {"{\"x\":\"\"}", "{\"x\":\"\"}"});
}

Test(json_decode, strings_from_other_tokens)
{
    EXPECT_SAMPLES("s:STRING,n:INT", {"{\"s\":1.50}", "{\"s\":\"1.5\"}"},
                   {"{\"s\":-0}", "{\"s\":\"0\"}"},
                   {"{\"s\":1e400}", "{\"s\":\"\\\"Infinity\\\"\"}"},
                   {"{\"s\":{\"a\" : [1, true,null] }}", "{\"s\":\"{\\\"a\\\":[1,true,null]}\"}"},
                   {"{\"s\":[\"\\u00e9\\ud83d\\ude00\\u0001\"]}",
                    "{\"s\":\"[\\\"\xc3\xa9\\\\uD83D\\\\uDE00\\\\u0001\\\"]\"}"});
}

Test(json_decode, escapes_and_characters)
{
    EXPECT_SAMPLES(
        "s:STRING,n:INT",
        {"{\"s\":\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\'\"}", "{\"s\":\"\\\"\\\\/\\b\\f\\n\\r\\t'\"}"},
        {"{\"s\":\"\\ud83d\\ude00\"}", "{\"s\":\"\xf0\x9f\x98\x80\"}"},
        {"{\"s\":\"\\ud83d\"}", "{\"s\":\"?\"}"},
        {"{\"s\":\"\xff\xd0\"}", "{\"s\":\"\xef\xbf\xbd\xef\xbf\xbd\"}"},
        {"{\"s\":\"\xff\\n\"}", "{\"s\":\"\xef\xbf\xbd\\n\"}"},
        {"{'\\u0073':'it\\'s'}", "{\"s\":\"it's\"}"}, {"{\"S\":\"x\"}", "{}"});
}

/* In the vectors, not just when printed; near and far from the end of the record. */
Test(json_decode, strings_in_vectors_are_always_valid)
{
    static const char *const records[] = {
        "{\"s\":\"ab\xff\"}",
        "{\"s\":\"ab\xff\",\"and\":\"a long text behind it\"}",
        "{\"s\":\"sixteen bytes and\xff then a closing quote\"        }",
        "{\"s\":\"ab\\n\xd0\",\"and\":\"a long text behind it\"}",
    };
    struct fixture f;
    fixture_init(&f, "s:STRING,n:INT", NULL);
    for (size_t i = 0; i < COUNT_OF(records); i++) {
        struct record record = {.value = str_of(records[i])};
        struct err err;
        cr_assert_eq(
            json_decode_block(f.decoder, &record, 1, 0, &f.arena, &f.block, f.malformed, &err), 0);
        cr_expect(!vec_is_null(&f.block.cols[0], 0) && utf8_valid(f.block.cols[0].str[0]), "%s",
                  records[i]);
        cr_expect_eq(f.malformed[0], 0);
    }
    fixture_fini(&f);
}

Test(json_decode, malformed_records)
{
    EXPECT_SAMPLES(
        "s:STRING,n:INT,d:DOUBLE", {"", "{}"}, {" \t\r\n", "{}"}, {"\x0b", "!{}"}, {"null", "!{}"},
        {"[]", "!{}"}, {"{\"n\":1", "!{}"}, {"{\"n\":1} x", "{\"n\":1}"}, {"{\"n\":1,}", "!{}"},
        {"{\"n\":01,\"s\":\"x\"}", "!{}"}, {"{\"n\":+1,\"s\":\"x\"}", "!{}"}, {"{n:1}", "!{}"},
        {"{\"n\":1/**/}", "!{}"}, {"{\"s\":\"x\",\"n\":\"y\",\"d\":2}", "!{\"s\":\"x\",\"d\":2.0}"},
        {"{\"n\":1,\"n\":\"x\"}", "!{\"n\":1}"}, {"{\"n\":1,\"n\":null}", "{}"},
        {"{\"n\":1,\"n\":2}", "{\"n\":2}"},
        {"{\"s\":\"x\\q,\"n\":1}", "!{\"n\":1}"}, /* goes on behind the wrong escape */
        {"{\"u\":\"x\\q,\"n\":1}", "!{}"}, {"{\"s\":{\"z\":tru,\"n\":5},\"n\":6}", "!{}"},
        {"{\"s\":[1.],\"n\":6}", "!{\"n\":6}"},
        {"{\"n\":{\"n\":5,\"d\":[1]},\"s\":\"x\"}", "!{\"s\":\"x\"}"});
}

Test(json_decode, unknown_fields_are_skipped_and_checked)
{
    EXPECT_SAMPLES("s:STRING,n:INT",
                   {"{\"u\":{\"n\":[1,{\"s\":\"}\"}],\"e\":-1.5E+7},\"n\":1}", "{\"n\":1}"},
                   {"{\"u\":[],\"v\":{},\"w\":\"\\\"\",\"n\":1}", "{\"n\":1}"},
                   {"{\"u\":[1,],\"n\":1}", "!{}"}, {"{\"u\":{\"a\"},\"n\":1}", "!{}"},
                   {"{\"u\":nul,\"n\":1}", "!{}"}, {"{\"u\":[NaN,'x'],\"n\":1}", "{\"n\":1}"},
                   {"{\"u\":[}],\"n\":1}", "!{}"}, {"{\"u\":01,\"n\":1}", "!{}"},
                   {"{\"u\":[-],\"n\":1}", "!{}"}, {"{\"u\":\"\\u00g0\",\"n\":1}", "!{}"},
                   {"{\"u\":1.e5,\"n\":1}", "!{}"});
}

static void expect_nested(int depth, bool ok)
{
    struct fixture f;
    char text[4100] = "{\"u\":";
    fixture_init(&f, "s:STRING,n:INT", NULL);
    size_t n = strlen(text);
    memset(text + n, '[', (size_t)depth);
    memset(text + n + depth, ']', (size_t)depth);
    strcpy(text + n + depth * 2, ",\"n\":1}");
    cr_expect_str_eq(fixture_row(&f, str_of(text)), ok ? "{\"n\":1}" : "!{}");
    fixture_fini(&f);
}

Test(json_decode, limits)
{
    expect_nested(999, true);
    expect_nested(1000, false);
    struct fixture f;
    char text[1100] = "{\"d\":";
    fixture_init(&f, "d:DOUBLE,n:INT", NULL);
    size_t n = strlen(text);
    memset(text + n, '1', 1001);
    strcpy(text + n + 1000, "}");
    cr_expect_str_eq(fixture_row(&f, str_of(text)), "{\"d\":\"Infinity\"}");
    strcpy(text + n + 1000, "1}");
    cr_expect_str_eq(fixture_row(&f, str_of(text)), "!{}");
    fixture_fini(&f);
}

Test(json_decode, corrupt_column_holds_the_raw_text)
{
    EXPECT_SAMPLES(
        "n:INT,_corrupt_record:STRING", {"{\"n\":1}", "{\"n\":1}"},
        {"{\"n\":\"\xff\"}", "!{\"_corrupt_record\":\"{\\\"n\\\":\\\"\xef\xbf\xbd\\\"}\"}"},
        {"{\"_corrupt_record\":\"x\",\"n\":1}", "{\"n\":1}"}, {" ", "{}"});
}

Test(json_decode, a_null_value_is_a_row_of_nulls)
{
    struct fixture f;
    fixture_init(&f, "n:INT,_corrupt_record:STRING", NULL);
    fixture_decode(&f, (struct str[]){{NULL, 0}, STR("{\"n\":1}")}, 2);
    cr_expect_str_eq(buf_cstr(&f.text), "{}\n{\"n\":1}\n");
    cr_expect_eq(f.malformed[0] | f.malformed[1], 0);
    fixture_fini(&f);
}

Test(json_decode, columns_nobody_wants_are_checked_but_not_kept)
{
    struct fixture f;
    fixture_init(&f, "s:STRING,n:INT,d:DOUBLE", (const bool[]){false, true, false});
    cr_expect_str_eq(fixture_row(&f, STR("{\"s\":\"a\\nb\",\"n\":1,\"d\":2.5}")), "{\"n\":1}");
    cr_expect_str_eq(fixture_row(&f, STR("{\"s\":\"x\",\"n\":1,\"d\":\"y\"}")), "!{\"n\":1}");
    cr_expect(vec_is_null(&f.block.cols[0], 0) && f.block.cols[0].str[0].n == 0);
    cr_expect_eq(f.block.cols[1].valid, NULL, "no NULL: no bitmap");
    fixture_fini(&f);
}

Test(json_decode, keys_in_any_order_and_number)
{
    struct fixture f;
    fixture_init(&f, "a:INT,b:INT,a_name_longer_than_sixteen_bytes:INT,c:INT", NULL);
    fixture_decode(&f,
                   (struct str[]){
                       STR("{\"a\":1,\"b\":2,\"c\":3}"),
                       STR("{\"c\":1,\"a_name_longer_than_sixteen_bytes\":5,\"a\":2}"),
                       STR("{\"a_name_longer_than_sixteen_bytez\":5,\"c\":2,\"ab\":9}"),
                       STR("{\"a_name_longer_than_sixteen_bytes\":7,\"u\":[],\"b\" : 8}"),
                       STR("{\"a_name_longer_than_sixteen_bytes\":7,\"b\":8,\"c\":9,\"a\":1}"),
                   },
                   5);
    cr_expect_str_eq(buf_cstr(&f.text),
                     "{\"a\":1,\"b\":2,\"c\":3}\n"
                     "{\"a\":2,\"a_name_longer_than_sixteen_bytes\":5,\"c\":1}\n"
                     "{\"c\":2}\n"
                     "{\"b\":8,\"a_name_longer_than_sixteen_bytes\":7}\n"
                     "{\"a\":1,\"b\":8,\"a_name_longer_than_sixteen_bytes\":7,\"c\":9}\n");
    fixture_fini(&f);
}

Test(json_decode, says_which_type_it_cannot_read)
{
    const struct field inner = {STR("nothing"), type_simple(TYPE_VOID)};
    const struct type structure = {.kind = TYPE_STRUCT, .field_count = 1, .fields = &inner};
    const struct field field = {STR("point"), &structure};
    const struct type schema = {.kind = TYPE_STRUCT, .field_count = 1, .fields = &field};
    struct json_decoder *decoder;
    struct err err;
    cr_expect_eq(
        json_decoder_create(
            &decoder, &(struct json_decode_options){.schema = &schema, .corrupt_column = -1}, &err),
        ERR_UNSUPPORTED);
    cr_expect(strstr(err.msg, "point") && strstr(err.msg, "VOID"), "%s", err.msg);
    json_decoder_destroy(NULL);
}
