/* Every query of errors.tsv fails where the caret is and says what stands there; the same queries,
 * in documents, are tests/pipelines/bad/sql_*. And what else must not break the parser. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "fixture.h"
#include "sql/query.h"

TestSuite(sql_errors, .fini = fixture_check_leaks);

#define CARET "\xE2\x80\xB8"

static int create(struct str text, struct sql_query **query, struct sql_error *error)
{
    const struct sql_column columns[] = {
        {STR("transaction_id"), type_simple(TYPE_STRING), false},
        {STR("user_id"), type_simple(TYPE_STRING), false},
        {STR("amount"), type_simple(TYPE_DOUBLE), false},
        {STR("type"), type_simple(TYPE_STRING), false},
        {STR("timestamp"), type_simple(TYPE_TIMESTAMP), false},
        {STR("location"), type_simple(TYPE_STRING), false},
        {STR("n"), type_simple(TYPE_INT), false},
        {STR("ok"), type_simple(TYPE_BOOLEAN), false},
        {STR("day"), type_simple(TYPE_DATE), false},
        {STR("_key"), type_simple(TYPE_BINARY), true},
    };
    const struct sql_scope scope = {STR("tx"), columns, COUNT_OF(columns)};
    return sql_query_create(query, text, &scope, error);
}

/* Removes the caret from the query; the place where it was goes to `want`. */
static struct str take_caret(char *sql, struct sql_error *want)
{
    struct buf text = {0};
    *want = (struct sql_error){.line = 1, .column = 1};
    bool found = false;
    for (char *p = sql; *p; p++) {
        if (strncmp(p, CARET, 3) == 0) {
            want->offset = (uint32_t)text.n;
            found = true;
            p += 2;
            continue;
        }
        bool newline = p[0] == '\\' && p[1] == 'n';
        p += newline;
        buf_append_char(&text, newline ? '\n' : *p);
        if (!found && newline)
            want->line++, want->column = 1;
        else if (!found && ((unsigned char)*p & 0xC0) != 0x80)
            want->column++;
    }
    cr_assert(found, "%s", sql);
    struct str out = {strdup(buf_cstr(&text)), text.n};
    buf_fini(&text);
    return out;
}

static void check_line(char *line)
{
    char *fields[4] = {line};
    for (int i = 1; i < 4; i++) {
        fields[i] = strchr(fields[i - 1], '\t');
        cr_assert(fields[i], "%s", line);
        *fields[i]++ = '\0';
    }
    struct sql_error want, error;
    struct str text = take_caret(fields[2], &want);
    int expected = strcmp(fields[1], "unsupported") == 0 ? ERR_UNSUPPORTED : ERR_INVALID;
    struct sql_query *query;
    int code = create(text, &query, &error);
    cr_expect_eq(code, expected, "%s: code %d", fields[0], code);
    cr_expect_eq(error.code, code, "%s", fields[0]);
    cr_expect_null(query);
    cr_expect_str_eq(error.message, fields[3], "%s: %s", fields[0], error.message);
    cr_expect(error.offset == want.offset && error.line == want.line && error.column == want.column,
              "%s: found at %u (%u:%u), expected %u (%u:%u)", fields[0], error.offset, error.line,
              error.column, want.offset, want.line, want.column);
    sql_query_destroy(query);
    free((char *)(uintptr_t)text.p);
}

Test(sql_errors, as_listed)
{
    FILE *file = fopen(SQL_ERRORS, "rb");
    cr_assert(file);
    static char line[10000];
    int count = 0;
    while (fgets(line, sizeof line, file)) {
        line[strcspn(line, "\n")] = '\0';
        if (line[0] == '#')
            continue;
        check_line(line);
        count++;
    }
    fclose(file);
    cr_expect_geq(count, 60);
}

/* before, `count` times `unit`, after. */
static struct buf repeat(const char *before, const char *unit, size_t count, const char *after)
{
    struct buf text = {0};
    buf_append_str(&text, str_of(before));
    for (size_t i = 0; i < count; i++)
        buf_append_str(&text, str_of(unit));
    buf_append_str(&text, str_of(after));
    cr_assert(!text.failed);
    return text;
}

static void expect_deep(struct buf text)
{
    struct sql_query *query;
    struct sql_error error;
    int code = create(buf_str(&text), &query, &error);
    cr_expect_eq(code, ERR_INVALID);
    cr_expect(strstr(error.message, "levels deep"), "%s", error.message);
    sql_query_destroy(query);
    buf_fini(&text);
}

Test(sql_errors, nesting_is_bounded)
{
    expect_deep(repeat("SELECT ", "(", 10000, "1"));
    expect_deep(repeat("SELECT ", "- ", 10000, "n FROM tx"));
    expect_deep(repeat("SELECT ", "NOT ", 10000, "ok FROM tx"));
    expect_deep(repeat("SELECT ", "upper(", 10000, "type"));
    expect_deep(repeat("SELECT ", "substring(", 10000, "type"));
    expect_deep(repeat("SELECT ", "CASE WHEN ", 10000, "ok"));
    expect_deep(repeat("SELECT n", " + 1", 10000, " FROM tx"));
    expect_deep(repeat("SELECT n", "[1", 10000, " FROM tx"));
    expect_deep(repeat("SELECT (1)", ".a", 10000, " FROM tx"));
}

static void expect_works(struct buf text)
{
    struct sql_query *query;
    struct sql_error error;
    int code = create(buf_str(&text), &query, &error);
    cr_expect_eq(code, 0, "%u: %s", error.offset, error.message);
    sql_query_destroy(query);
    buf_fini(&text);
}

Test(sql_errors, what_is_below_the_bound_works)
{
    struct buf text = repeat("SELECT ", "(", 900, "n");
    struct buf close = repeat("", ")", 900, " FROM tx");
    buf_append_str(&text, buf_str(&close));
    buf_fini(&close);
    expect_works(text);
    expect_works(repeat("SELECT n", " + 1", 900, " FROM tx"));
}

/* A megabyte each; a quadratic step anywhere would show as a test that does not end. */
Test(sql_errors, long_queries_take_linear_time, .timeout = 60)
{
    expect_works(repeat("SELECT n", ", amount * 2 AS a", 60000, " FROM tx"));
    expect_works(repeat("SELECT * FROM tx WHERE ok", " OR n = 12", 100000, ""));
    expect_works(repeat("SELECT * FROM tx WHERE n IN (1", ", 12", 250000, ")"));
    expect_works(repeat("SELECT coalesce(n", ", 12", 250000, ") FROM tx"));
    expect_works(repeat("SELECT n /*", " comment */ /*", 70000, " */ FROM tx"));
    expect_works(repeat("SELECT 'a'", " 'b'", 250000, " FROM tx"));
}

/* Any prefix of any query, and any byte in any place, gives an answer. */
Test(sql_errors, damaged_queries_give_an_answer)
{
    static const char sql[] =
        "SELECT `a b` AS x, CASE WHEN n > 1.5 THEN 'é\\u0041' ELSE upper(type) END, CAST(n AS "
        "DECIMAL(10,2)), -1e3, X'1F', DATE '2025-01-01', INTERVAL 1 DAY, trim(BOTH 'x' FROM type), "
        "substring(type FROM 1 FOR 2) FROM tx t WHERE n BETWEEN 1 AND 2 AND type NOT IN ('a', "
        "r'\\b') /* c */ GROUP BY n HAVING count(*) FILTER (WHERE ok) > 1 -- end";
    char text[sizeof sql];
    struct sql_query *query;
    struct sql_error error;
    for (size_t n = 0; n < sizeof sql; n++) {
        char *exact = malloc(n + 1); /* so that a sanitizer sees a read past the end */
        memcpy(exact, sql, n);
        exact = realloc(exact, n ? n : 1);
        cr_assert_neq(create((struct str){exact, n}, &query, &error), 0);
        cr_assert_leq(error.offset, n);
        free(exact);
        for (int c = 0; c < 256 && n < sizeof sql - 1; c += 3) {
            memcpy(text, sql, sizeof sql);
            text[n] = (char)c;
            create((struct str){text, sizeof sql - 1}, &query, &error);
            sql_query_destroy(query);
        }
    }
}
