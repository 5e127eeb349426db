/* Every query of errors.tsv fails where the caret is and says what stands there; the same queries,
 * in documents, are tests/pipelines/bad/sql_*. And what else must not break the parser. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "fixture.h"
#include "leaks.h"
#include "sql/query.h"

TestSuite(sql_errors, .fini = leaks_check);

#define CARET "\xE2\x80\xB8"

static int create_all(struct str text, struct sql_query **query, struct sql_errors *errors)
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
    const struct sql_scope scope = {STR("tx"), columns, COUNT_OF(columns), -1, false};
    return sql_query_create(query, text, &scope, errors);
}

static int create(struct str text, struct sql_query **query, struct sql_error *error)
{
    struct sql_errors errors = {error, 1, 0};
    return create_all(text, query, &errors);
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

/* Nothing is nested here, and parentheses make it work. */
Test(sql_errors, rows_of_operators_are_bounded)
{
    struct sql_query *query;
    struct sql_error error;
    struct buf text = repeat("SELECT n", " + 1", 10000, " FROM tx");
    cr_expect_eq(create(buf_str(&text), &query, &error), ERR_INVALID);
    cr_expect_str_eq(error.message, "more than 1000 operators hang on one another here: write "
                                    "(a + b) + (c + d) for a + b + c + d");
    buf_fini(&text);
    struct buf part = repeat("(n", " + 1", 900, ")");
    text = repeat("SELECT 1", " + ", 1, "");
    for (int i = 0; i < 10; i++) {
        buf_append_str(&text, i ? STR(" + ") : STR(""));
        buf_append_str(&text, buf_str(&part));
    }
    buf_append_str(&text, STR(" FROM tx"));
    expect_works(text);
    buf_fini(&part);
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
    expect_works(repeat("SELECT coalesce(n", ", 12", 250000, ") AS n FROM tx"));
    expect_works(repeat("SELECT n /*", " comment */ /*", 70000, " */ FROM tx"));
    expect_works(repeat("SELECT 'a'", " 'b'", 250000, " AS text FROM tx"));
}

/* Text made of `count` times the format, which takes i - 1, i - 1 and i. */
static struct buf series(const char *before, const char *format, int count, const char *after)
{
    struct buf text = {0};
    buf_append_str(&text, str_of(before));
    for (int i = 1; i <= count; i++)
        buf_printf(&text, format, i - 1, i - 1, i);
    buf_append_str(&text, str_of(after));
    cr_assert(!text.failed);
    return text;
}

/* Lists in which each item has to be looked for among the others. */
Test(sql_errors, long_lists_take_linear_time, .timeout = 60)
{
    static const char sums[] = ", sum(n + %d) + max(n * %d) AS c%d";
    static const char terms[] = " AND sum(n + %d) + max(n * %d) > %d";
    expect_works(series("SELECT n AS a0", ", a%d + a%d AS a%d", 20000, " FROM tx"));
    expect_works(series("SELECT * FROM tx WHERE n > 0", " AND n <> %d + %d * %d", 20000, ""));
    expect_works(series("SELECT count(*) FROM tx GROUP BY n", ", n + %d * %d - %d", 20000, ""));
    struct sql_query *query;
    struct sql_error error;
    struct buf mixed = repeat("SELECT n IN (1", ", 12", 200000, ", day) FROM tx");
    cr_expect_eq(create(buf_str(&mixed), &query, &error), ERR_INVALID);
    cr_expect_str_eq(error.message, "IN mixes INT and DATE, which have no common type");
    buf_fini(&mixed);
    expect_works(series("SELECT n", sums, 10000, " FROM tx GROUP BY n"));
    expect_works(series("SELECT n FROM tx GROUP BY n HAVING n > 0", terms, 5000, ""));
}

static uint32_t count_errors(struct buf text)
{
    struct sql_error items[10] = {0};
    struct sql_errors errors = {items, COUNT_OF(items), 0};
    struct sql_query *query;
    int code = create_all(buf_str(&text), &query, &errors);
    cr_expect(code == ERR_INVALID && !query, "code %d", code);
    for (uint32_t i = 0; i < errors.count && i < errors.capacity; i++)
        cr_expect(items[i].code == ERR_INVALID && items[i].line == 1, "%s", items[i].message);
    buf_fini(&text);
    return errors.count;
}

/* All problems are counted, each once, at the cost of looking at each once. */
Test(sql_errors, many_problems_take_linear_time, .timeout = 60)
{
    cr_expect_eq(count_errors(repeat("SELECT nope", ", nope", 100000, " FROM tx")), 100001);
    cr_expect_eq(count_errors(repeat("SELECT * FROM tx WHERE a", " OR b > 1", 100000, "")), 100001);
    cr_expect_eq(count_errors(repeat("SELECT concat(a", ", foo(b)", 50000, ") FROM tx")), 100001);
    struct buf open = repeat("SELECT ", "struct(*, n, ", 400, "nope");
    cr_expect_eq(count_errors(repeat(buf_cstr(&open), ", nope)", 400, " FROM tx")), 401);
    buf_fini(&open);
    cr_expect_eq(
        count_errors(series("SELECT n AS a0", ", a%d + a%d AS a%d", 60, ", count(*) FROM tx")), 1);
    cr_expect_eq(count_errors(series("SELECT nope AS a0", ", a%d + a%d AS a%d", 60, " FROM tx")),
                 1);
}

/* What an expression uses twice is not looked at twice: 2^60 would not end. */
Test(sql_errors, shared_parts_are_seen_once, .timeout = 60)
{
    static const char doubled[] = ", a%d + a%d AS a%d";
    struct buf open = repeat("", "(", 60, "ok");
    struct buf nested = repeat(buf_cstr(&open), " BETWEEN ok AND ok)", 60, "");
    struct buf grouped = {0};
    buf_printf(&grouped, "%s AS x, count(*) FROM tx GROUP BY %s", buf_cstr(&nested),
               buf_cstr(&nested));
    expect_works(series("SELECT n AS a0", doubled, 60, " FROM tx"));
    expect_works(series("SELECT 1 AS a0", doubled, 60, " FROM tx"));
    expect_works(series("SELECT DISTINCT n AS a0", doubled, 60, " FROM tx"));
    expect_works(series("SELECT n AS a0", doubled, 60, ", count(*) FROM tx GROUP BY n"));
    expect_works(repeat("SELECT ", buf_cstr(&nested), 1, " AS x FROM tx"));
    expect_works(repeat("SELECT n FROM tx WHERE ", buf_cstr(&nested), 1, ""));
    expect_works(repeat("SELECT ", buf_cstr(&grouped), 1, ""));
    expect_works(series("SELECT n > 0 AS a0", ", NOT a%d AND (a%d OR n > 1) AS a%d", 60,
                        ", count(*) FROM tx GROUP BY n HAVING a60"));
    buf_fini(&open);
    buf_fini(&nested);
    buf_fini(&grouped);
}

/* The name that Spark gives it doubles with each level. */
Test(sql_errors, names_have_a_bound)
{
    struct sql_query *query;
    struct sql_error error;
    struct buf open = repeat("SELECT 1, ", "(", 60, "ok");
    struct buf text = repeat(buf_cstr(&open), " BETWEEN ok AND ok)", 60, " FROM tx");
    cr_expect_eq(create(buf_str(&text), &query, &error), ERR_UNSUPPORTED);
    cr_expect_eq(error.offset, 10);
    cr_expect_str_eq(error.message, "the name of this column would be longer than 65536 bytes: "
                                    "name it with AS");
    buf_fini(&open);
    buf_fini(&text);
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
