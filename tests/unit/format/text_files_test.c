/* Files of text as Spark 3.5.3 writes them: the cases of text_files.ndjson (environment:
 * TEXT_FILES), which record_text_files.py records. */
#define _GNU_SOURCE
#include <cjson/cJSON.h>
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/utf8.h"
#include "format/csv_file.h"
#include "format/json_decode.h"
#include "plan/ddl.h"

struct text_case {
    cJSON *json;
    struct arena arena;
    struct type schema;
    struct file_format format;
    struct block block;
};

static const char *text_of(const cJSON *json, const char *name)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(json, name);
    return item ? item->valuestring : NULL;
}

static uint32_t first_code(const char *text)
{
    uint32_t code = 0;
    if (*text)
        utf8_decode(str_of(text), &code);
    return code;
}

static void set_csv_option(struct csv_options *csv, const char *name, const char *value)
{
    bool is_true = strcmp(value, "true") == 0;
    const struct {
        const char *name;
        struct str *text;
        uint32_t *code;
        bool *flag;
        bool inverse;
    } known[] = {
        {"header", .flag = &csv->header},
        {"sep", .text = &csv->separator},
        {"lineSep", .text = &csv->line_separator},
        {"quote", .code = &csv->quote},
        {"escape", .code = &csv->escape},
        {"charToEscapeQuoteEscaping", .code = &csv->escape_escape},
        {"comment", .code = &csv->comment},
        {"nullValue", .text = &csv->null_value},
        {"emptyValue", .text = &csv->empty_value},
        {"quoteAll", .flag = &csv->quote_all},
        {"escapeQuotes", .flag = &csv->escape_quotes},
        {"ignoreLeadingWhiteSpace", .flag = &csv->keep_leading_space, .inverse = true},
        {"ignoreTrailingWhiteSpace", .flag = &csv->keep_trailing_space, .inverse = true},
        {"dateFormat", .text = &csv->date_format},
        {"timestampFormat", .text = &csv->timestamp_format},
    };
    for (size_t i = 0; i < COUNT_OF(known); i++) {
        if (strcmp(known[i].name, name) != 0)
            continue;
        if (known[i].text)
            *known[i].text = str_of(value);
        else if (known[i].code)
            *known[i].code = first_code(value);
        else
            *known[i].flag = is_true != known[i].inverse;
        return;
    }
    cr_assert_fail("option %s", name);
}

static void set_json_option(struct json_options *json, const char *name, const char *value)
{
    if (strcmp(name, "ignoreNullFields") == 0)
        json->write_nulls = strcmp(value, "false") == 0;
    else if (strcmp(name, "lineSep") == 0)
        json->line_separator = str_of(value);
    else if (strcmp(name, "dateFormat") == 0)
        json->date_format = str_of(value);
    else if (strcmp(name, "timestampFormat") == 0)
        json->timestamp_format = str_of(value);
    else
        cr_assert_fail("option %s", name);
}

static void read_schema(struct text_case *c)
{
    struct ddl_column *columns;
    struct ddl_error error;
    uint32_t count;
    struct str ddl = arena_str(&c->arena, str_of(text_of(c->json, "schema")));
    cr_assert_eq(ddl_parse(&columns, &count, ddl, &c->arena, &error), 0, "%s", error.message);
    struct field *fields = ARENA_ARRAY(&c->arena, struct field, count);
    for (uint32_t i = 0; i < count; i++)
        fields[i] = (struct field){columns[i].name, columns[i].type};
    c->schema = (struct type){.kind = TYPE_STRUCT, .field_count = count, .fields = fields};
}

static void read_rows(struct text_case *c)
{
    struct record records[400] = {0};
    uint8_t malformed[400];
    struct json_decoder *decoder;
    struct err err;
    uint32_t count = 0;
    const cJSON *row;
    cJSON_ArrayForEach(row, cJSON_GetObjectItemCaseSensitive(c->json, "rows"))
    {
        cr_assert_lt(count, COUNT_OF(records));
        records[count++].value = str_of(row->valuestring);
    }
    struct json_decode_options options = {.schema = &c->schema, .corrupt_column = -1};
    cr_assert_eq(json_decoder_create(&decoder, &options, &err), 0, "%s", err.msg);
    cr_assert_eq(
        json_decode_block(decoder, records, count, 0, &c->arena, &c->block, malformed, &err), 0);
    for (uint32_t i = 0; i < count; i++)
        cr_assert(!malformed[i], "%s", records[i].value.p);
    json_decoder_destroy(decoder);
}

static void case_init(struct text_case *c, const char *line)
{
    *c = (struct text_case){.json = cJSON_Parse(line), .format.csv = csv_options_default()};
    cr_assert(c->json);
    c->format.kind = strcmp(text_of(c->json, "format"), "csv") == 0 ? FILE_CSV : FILE_JSON;
    const cJSON *option;
    cJSON_ArrayForEach(option, cJSON_GetObjectItemCaseSensitive(c->json, "options"))
    {
        if (c->format.kind == FILE_CSV)
            set_csv_option(&c->format.csv, option->string, option->valuestring);
        else
            set_json_option(&c->format.json, option->string, option->valuestring);
    }
    read_schema(c);
    read_rows(c);
}

static void case_fini(struct text_case *c)
{
    cJSON_Delete(c->json);
    arena_fini(&c->arena);
}

/* NUL bytes as U+2400, as in the file of cases. */
static void append_visible(struct buf *out, struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i])
            buf_append_char(out, s.p[i]);
        else
            buf_append_str(out, STR("\xe2\x90\x80"));
    }
}

/* The file of the case's rows, or the message with which they are refused. */
static void encode(struct text_case *c, struct buf *out)
{
    struct err err = {0};
    struct buf bytes = {0};
    struct file_encoder *encoder;
    int code = file_encoder_create(&encoder, &c->format, &c->schema, &err);
    cr_assert_eq(code, file_format_check(&c->format, &c->schema, &err));
    if (code)
        return buf_append_str(out, str_of(err.msg));
    if (c->block.rows)
        cr_assert_eq(file_encoder_write(encoder, &c->block, &bytes, &err), 0);
    cr_assert_eq(file_encoder_finish(encoder, &bytes, &err), 0);
    append_visible(out, buf_str(&bytes));
    buf_fini(&bytes);
    file_encoder_destroy(encoder);
}

/* Tells where two texts part. */
static void expect_same(const char *line, const char *got, const char *want)
{
    size_t at = 0;
    while (got[at] && got[at] == want[at])
        at++;
    size_t from = at > 30 ? at - 30 : 0;
    cr_expect(got[at] == want[at], "%.150s\n at %zu got:  %.60s\n        want: %.60s", line, at,
              got + from, want + from);
}

static void run_case(const char *line)
{
    struct text_case c;
    struct buf out = {0};
    case_init(&c, line);
    const char *want = text_of(c.json, "error");
    encode(&c, &out);
    expect_same(line, buf_cstr(&out), want ? want : text_of(c.json, "out"));
    buf_fini(&out);
    case_fini(&c);
}

Test(text_files, are_what_spark_writes)
{
    size_t capacity = 0, cases = 0;
    char *line = NULL;
    FILE *file = fopen(getenv("TEXT_FILES"), "r");
    cr_assert(file, "TEXT_FILES names no file");
    while (getline(&line, &capacity, file) > 0) {
        run_case(line);
        cases++;
    }
    cr_expect_gt(cases, 100);
    free(line);
    fclose(file);
}

static void expect_csv_of(const struct csv_options *options, struct str value, const char *want)
{
    const struct field field = {STR("s"), type_simple(TYPE_STRING)};
    struct text_case c = {
        .schema = {.kind = TYPE_STRUCT, .field_count = 1, .fields = &field},
        .format = {.kind = FILE_CSV, .csv = *options},
    };
    struct vec col = {.type = field.type, .rows = 1, .str = &value};
    struct buf out = {0};
    c.block = (struct block){&col, 1, 1};
    encode(&c, &out);
    cr_expect_str_eq(buf_cstr(&out), want);
    buf_fini(&out);
}

static void expect_csv(struct str value, const char *want)
{
    struct csv_options options = csv_options_default();
    expect_csv_of(&options, value, want);
}

/* Where Spark writes garbage. */
Test(text_files, csv_blanks_are_empty_also_when_leading_space_is_kept)
{
    struct csv_options options = csv_options_default();
    options.keep_leading_space = true;
    expect_csv_of(&options, STR("  "), "\"\"\n");
    expect_csv_of(&options, STR("\n"), "\"\"\n");
    expect_csv_of(&options, STR(" x "), " x\n");
}

Test(text_files, csv_takes_any_bytes)
{
    expect_csv(STR("a\xff,\xe4\xb8"), "\"a\xef\xbf\xbd,\xef\xbf\xbd\"\n");
    expect_csv(STR("\xff"), "\xef\xbf\xbd\n");
    expect_csv((struct str){"\0x\0", 3}, "x\n");
    expect_csv((struct str){"x\0y", 3}, "x\xe2\x90\x80y\n");
    expect_csv((struct str){NULL, 0}, "\"\"\n");
}

Test(text_files, csv_refuses_bad_options)
{
    const struct field field = {STR("a`b"), type_simple(TYPE_VOID)};
    const struct type schema = {.kind = TYPE_STRUCT, .field_count = 1, .fields = &field};
    const struct type none = {.kind = TYPE_STRUCT};
    struct file_format format = {.kind = FILE_CSV, .csv = csv_options_default()};
    struct err err;
    cr_expect_eq(file_format_check(&format, &schema, &err), ERR_UNSUPPORTED);
    cr_expect_str_eq(err.msg, "[UNSUPPORTED_DATA_TYPE_FOR_DATASOURCE] The CSV datasource doesn't "
                              "support the column `a``b` of the type \"VOID\".");
    format.csv.separator = STR("");
    cr_expect_eq(file_format_check(&format, &none, &err), ERR_INVALID);
    format.csv = csv_options_default();
    format.csv.date_format = STR("bbb");
    cr_expect_eq(file_format_check(&format, &none, &err), ERR_INVALID);
    cr_expect(strstr(err.msg, "dateFormat"), "%s", err.msg);
    format = (struct file_format){.json.timestamp_format = STR("bbb")};
    cr_expect_eq(file_format_check(&format, &none, &err), ERR_INVALID);
    cr_expect(strstr(err.msg, "timestampFormat"), "%s", err.msg);
}
