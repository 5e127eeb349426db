#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "plan/doc.h"

static const struct doc_source source = {.column = 1};

static int parse(const char *text, size_t n, struct doc_node **out, struct arena *arena,
                 struct doc_error *error)
{
    return doc_parse(out, (struct str){text, n}, &source, arena, error);
}

static void expect_error(const char *text, uint32_t line, uint32_t column)
{
    struct arena arena = {0};
    struct doc_node *node;
    struct doc_error error;
    cr_expect_eq(parse(text, strlen(text), &node, &arena, &error), ERR_INVALID, "%s", text);
    cr_expect(error.line == line && error.column == column, "%s: %u:%u %s", text, error.line,
              error.column, error.message);
    cr_expect(error.message[0]);
    arena_fini(&arena);
}

Test(plan_doc, keeps_numbers_as_written)
{
    struct arena arena = {0};
    struct doc_node *node;
    struct doc_error error;
    const char *text = "[9223372036854775807, -0.50e+01, 18446744073709551616]";
    cr_assert_eq(parse(text, strlen(text), &node, &arena, &error), 0);
    cr_expect(str_is(node->first->text, "9223372036854775807"));
    cr_expect(str_is(node->first->next->text, "-0.50e+01"));
    cr_expect(str_is(node->first->next->next->text, "18446744073709551616"));
    arena_fini(&arena);
}

Test(plan_doc, decodes_strings)
{
    struct arena arena = {0};
    struct doc_node *node;
    struct doc_error error;
    const char *text = "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\u20ac\\ud83d\\ude00z\"";
    cr_assert_eq(parse(text, strlen(text), &node, &arena, &error), 0);
    cr_expect(str_is(node->text, "\"\\/\b\f\n\r\t\u00e9\u20ac\U0001F600z"));
    arena_fini(&arena);
}

Test(plan_doc, knows_positions)
{
    struct arena arena = {0};
    struct doc_node *node;
    struct doc_error error;
    const char *text = "{\n \"\u00e9\u20ac\": [1,\r\n\t2] /* \u00fc */ , \"b\": \"x\"}";
    cr_assert_eq(parse(text, strlen(text), &node, &arena, &error), 0);
    const struct doc_node *array = node->first, *b = array->next;
    cr_expect(array->key_line == 2 && array->key_column == 2);
    cr_expect(array->line == 2 && array->column == 8);
    cr_expect(array->first->next->line == 3 && array->first->next->column == 2);
    cr_expect(b->key_line == 3 && b->key_column == 15 && b->column == 20);
    arena_fini(&arena);
}

/* The character of the value that is the n-th byte stands in which column? */
static void expect_column(const char *text, size_t offset, uint32_t column)
{
    struct arena arena = {0};
    struct doc_node *node;
    struct doc_error error;
    cr_assert_eq(parse(text, strlen(text), &node, &arena, &error), 0);
    struct plan_where where = doc_where_in(node, offset);
    cr_expect(where.line == 1 && where.column == column, "%s: %u", text, where.column);
    arena_fini(&arena);
}

Test(plan_doc, maps_offsets_of_strings)
{
    expect_column("\"abc\"", 0, 2);
    expect_column("\"abc\"", 2, 4);
    expect_column("\"abc\"", 3, 5);            /* the closing quote */
    expect_column("\"\\n\\tx\"", 2, 6);        /* two escapes of two characters */
    expect_column("\"\u00e9\\u00e9x\"", 4, 9); /* two bytes each, one column and six */
    expect_column("\"\\ud83d\\ude00x\"", 4, 14);
}

Test(plan_doc, refuses_what_is_not_json)
{
    expect_error("", 1, 1);
    expect_error("[1,]", 1, 3);
    expect_error("[1 2]", 1, 4);
    expect_error("{\"a\":1,}", 1, 7);
    expect_error("{\"a\" 1}", 1, 6);
    expect_error("{a:1}", 1, 2);
    expect_error("{'a':1}", 1, 2);
    expect_error("[01]", 1, 2);
    expect_error("[+1]", 1, 2);
    expect_error("[.5]", 1, 2);
    expect_error("[-]", 1, 3);
    expect_error("[1.]", 1, 4);
    expect_error("[1e+]", 1, 5);
    expect_error("[NaN]", 1, 2);
    expect_error("[\n\"a\nb\"]", 2, 1);
    expect_error("\"\\x\"", 1, 2);
    expect_error("\"\\ud800\"", 1, 2);
    expect_error("\"\\ud800\\u0041\"", 1, 2);
    expect_error("\"\\udc00\"", 1, 2);
    expect_error("\"\\u0000\"", 1, 2);
    expect_error("\"\\u12\"", 1, 2);
    expect_error("\"\\", 1, 2);
    expect_error("\"", 1, 1);
    expect_error("\"\x01\"", 1, 2);
    expect_error("\"\xC0\x80\"", 1, 2);         /* overlong */
    expect_error("\"\xED\xA0\x80\"", 1, 2);     /* a surrogate in UTF-8 */
    expect_error("\"\xF4\x90\x80\x80\"", 1, 2); /* beyond U+10FFFF */
    expect_error("\"a\xE2\x82\"", 1, 3);        /* cut off */
    expect_error("[] x", 1, 4);
    expect_error("/* never", 1, 1);
    expect_error("/x", 1, 1);
    expect_error("[\n  [\n  }", 3, 3);
    expect_error("\xEF\xBB\xBF{}", 1, 1);
}

Test(plan_doc, bounds_depth_values_and_size)
{
    enum { TEXT_MAX = DOC_BYTES_MAX + 1 };
    struct arena arena = {0};
    struct doc_node *node;
    struct doc_error error;
    char *text = malloc(TEXT_MAX);
    cr_assert(text);
    memset(text, '[', DOC_DEPTH_MAX);
    memset(text + DOC_DEPTH_MAX, ']', DOC_DEPTH_MAX);
    cr_expect_eq(parse(text, 2 * DOC_DEPTH_MAX, &node, &arena, &error), 0);
    memset(text, '[', TEXT_MAX);
    cr_expect_eq(parse(text, TEXT_MAX - 1, &node, &arena, &error), ERR_INVALID);
    cr_expect_eq(error.column, DOC_DEPTH_MAX + 1);
    cr_expect_eq(parse(text, TEXT_MAX, &node, &arena, &error), ERR_INVALID);
    cr_expect(strstr(error.message, "too long"));
    for (size_t i = 1; i < TEXT_MAX; i++)
        text[i] = i % 2 ? '1' : ',';
    cr_expect_eq(parse(text, TEXT_MAX - 1, &node, &arena, &error), ERR_INVALID);
    cr_expect(strstr(error.message, "too many values"));
    memset(text, ' ', TEXT_MAX);
    cr_expect_eq(parse(text, TEXT_MAX - 1, &node, &arena, &error), ERR_INVALID);
    cr_expect_eq(error.column, (uint32_t)DOC_BYTES_MAX + 1);
    free(text);
    arena_fini(&arena);
}

Test(plan_doc, never_reads_past_a_cut_document)
{
    static const char text[] =
        "{ \"a\" : [ 1.5e+3, true, null, \"\\u00e9\\ud83d\\ude00\xE2\x82\xAC\" ] /* c */ , // d\n"
        "\"b\":{} }";
    for (size_t n = 0; n < sizeof text; n++) {
        struct arena arena = {0};
        struct doc_node *node;
        struct doc_error error;
        char *copy = malloc(n + 1);
        cr_assert(copy);
        memcpy(copy, text, n);
        char *exact = realloc(copy, n ? n : 1); /* the sanitizer sees a read behind it */
        int code = parse(exact, n, &node, &arena, &error);
        cr_expect_eq(code, n == sizeof text - 1 ? 0 : ERR_INVALID, "%zu", n);
        free(exact);
        arena_fini(&arena);
        if (n == sizeof text - 1)
            break;
    }
}
