/* What a query keeps, shares and copies: columns used, views, selections, values of the batch. */
#include <criterion/criterion.h>

#include "fixture.h"
#include "leaks.h"
#include "sql/catalogue.h"
#include "sql/query.h"

TestSuite(sql_eval, .fini = leaks_check);

enum { ROWS = 200 };

struct table {
    struct arena arena, results;
    struct sql_column columns[3];
    struct vec cols[3];
    struct block block;
    struct sql_query *query;
    struct block out;
};

static int run(struct table *table, const char *sql)
{
    struct sql_scope scope = {STR("tx"), table->columns, 3, -1, false};
    struct sql_error error;
    struct sql_errors errors = {&error, 1, 0};
    struct err err;
    struct sql_batch_context context = {.batch_timestamp_us = 1766783778123456};
    sql_query_destroy(table->query);
    int code = sql_query_create(&table->query, str_of(sql), &scope, &errors);
    cr_assert_eq(code, 0, "%s: %s", sql, error.message);
    return fixture_run(table->query, &table->block, &context, &table->results, &table->out, &err);
}

/* n: 0, 1, 2, ...; s: "x"; _key: hidden. */
static void setup(struct table *table)
{
    *table = (struct table){.columns = {{STR("n"), type_simple(TYPE_INT), false},
                                        {STR("s"), type_simple(TYPE_STRING), false},
                                        {STR("_key"), type_simple(TYPE_BINARY), true}}};
    for (int i = 0; i < 3; i++)
        cr_assert_eq(vec_init(&table->cols[i], table->columns[i].type, ROWS, &table->arena), 0);
    for (int i = 0; i < ROWS; i++) {
        table->cols[0].i32[i] = i;
        table->cols[1].str[i] = STR("x");
        table->cols[2].str[i] = STR("k");
    }
    table->block = (struct block){table->cols, 3, ROWS};
}

static void teardown(struct table *table)
{
    sql_query_destroy(table->query);
    arena_fini(&table->arena);
    arena_fini(&table->results);
}

Test(sql_eval, columns_are_handed_on)
{
    struct table t;
    setup(&t);
    cr_assert_eq(run(&t, "SELECT *, _KEY FROM tx WHERE n >= 0"), 0);
    cr_expect_eq(t.out.col_count, 3);
    cr_expect_eq(t.out.rows, ROWS);
    for (int i = 0; i < 3; i++)
        cr_expect_eq(t.out.cols[i].data, t.cols[i].data, "column %d was copied", i);
    cr_expect_str_eq(sql_query_schema(t.query)->fields[2].name.p, "_KEY");
    teardown(&t);
}

Test(sql_eval, knows_the_columns_it_reads)
{
    struct table t;
    setup(&t);
    cr_assert_eq(run(&t, "SELECT * FROM tx"), 0);
    cr_expect(sql_query_uses(t.query, 0) && sql_query_uses(t.query, 1));
    cr_expect_not(sql_query_uses(t.query, 2), "* leaves hidden columns out");
    cr_expect_not(sql_query_uses(t.query, 99));
    t.cols[1] = (struct vec){0}; /* not decoded */
    cr_assert_eq(run(&t, "SELECT n + 1 FROM tx WHERE _key = 'k' AND n < 100"), 0);
    cr_expect(sql_query_uses(t.query, 0) && sql_query_uses(t.query, 2));
    cr_expect_not(sql_query_uses(t.query, 1));
    cr_expect_eq(t.out.rows, 100);
    teardown(&t);
}

Test(sql_eval, selections)
{
    struct table t;
    setup(&t);
    cr_assert_eq(run(&t, "SELECT n, n * 2, 'c', s || n FROM tx WHERE n % 3 = 1"), 0);
    cr_expect_eq(t.out.rows, 67);
    for (uint32_t i = 0; i < t.out.rows; i++) {
        int32_t n = (int32_t)(3 * i + 1);
        cr_expect_eq(t.out.cols[0].i32[i], n);
        cr_expect_eq(t.out.cols[1].i32[i], 2 * n);
        cr_expect(str_is(t.out.cols[2].str[i], "c"));
    }
    cr_expect(str_is(t.out.cols[3].str[66], "x199"));
    cr_assert_eq(run(&t, "SELECT n, 1 FROM tx WHERE n < 0"), 0);
    cr_expect_eq(t.out.rows, 0);
    cr_expect_eq(t.out.cols[1].rows, 0);
    t.block.rows = 0;
    cr_assert_eq(run(&t, "SELECT n, upper(s), 1 FROM tx WHERE n > 5"), 0);
    cr_expect_eq(t.out.rows, 0);
    teardown(&t);
}

Test(sql_eval, values_of_the_batch)
{
    struct table t;
    setup(&t);
    cr_assert_eq(run(&t, "SELECT current_timestamp(), current_timestamp, now(), current_date, "
                         "CAST(now() AS STRING) AS text, CAST('12:34' AS TIMESTAMP), "
                         "from_json('{\"t\":\"T1\"}', 't TIMESTAMP').t FROM tx"),
                 0);
    cr_expect_eq(t.out.cols[0].i64[ROWS - 1], 1766783778123456);
    cr_expect_eq(t.out.cols[2].i64[0], 1766783778123456);
    cr_expect_eq(t.out.cols[3].i32[7], 20448);
    cr_expect(str_is(t.out.cols[4].str[9], "2025-12-26 21:16:18.123456"));
    cr_expect_eq(t.out.cols[5].i64[0], 1766752440000000, "a time without a date is of its day");
    cr_expect_eq(t.out.cols[6].i64[0], 1766710800000000);
    cr_expect_str_eq(sql_query_schema(t.query)->fields[1].name.p, "current_timestamp()");
    teardown(&t);
}

Test(sql_eval, an_error_at_run_time_is_one_only_in_rows_that_pass)
{
    struct table t;
    setup(&t);
    const char *far = "SELECT CAST(CAST('2000000-01-01' AS DATE) AS TIMESTAMP) AS ts FROM tx";
    cr_expect_eq(run(&t, far), ERR_INVALID);
    t.cols[1].str[3] = STR("2000000-01-01");
    cr_expect_eq(run(&t, "SELECT CAST(CAST(s AS DATE) AS TIMESTAMP) FROM tx WHERE n <> 3"), 0);
    cr_expect_eq(run(&t, "SELECT CAST(CAST(s AS DATE) AS TIMESTAMP) FROM tx WHERE n = 3"),
                 ERR_INVALID);
    const char *either = "SELECT n FROM tx WHERE n > 1 AND CAST(CAST(s AS DATE) AS TIMESTAMP) IS "
                         "NULL AND n <> 3 AND n < 100";
    cr_expect_eq(run(&t, either), 0, "whatever the order of the terms");
    cr_expect_eq(t.out.rows, 97);
    teardown(&t);
}

/* A term that fails whatever the others leave is not asked again for each of them. */
Test(sql_eval, a_failing_term_among_many, .timeout = 20)
{
    struct table t;
    struct buf text = {0};
    setup(&t);
    t.cols[1].str[3] = STR("2000000-01-01");
    buf_append_str(
        &text, STR("SELECT n FROM tx WHERE CAST(CAST(s AS DATE) AS TIMESTAMP) IS NULL AND n <> 3"));
    for (int i = 1; i < 64; i++)
        buf_printf(&text, " AND n > -%d", i);
    cr_expect_eq(run(&t, buf_cstr(&text)), 0);
    cr_expect_eq(t.out.rows, ROWS - 1);
    buf_append_str(&text, STR(" OR CAST(CAST(s AS DATE) AS TIMESTAMP) = now()"));
    cr_expect_eq(run(&t, buf_cstr(&text)), ERR_INVALID);
    buf_clear(&text);
    buf_append_str(&text, STR("SELECT n FROM tx WHERE CAST(CAST(s AS DATE) AS TIMESTAMP) IS NULL"));
    for (int i = 1; i < 64; i++)
        buf_printf(&text, " AND n > -%d", i);
    cr_expect_eq(run(&t, buf_cstr(&text)), ERR_INVALID);
    buf_fini(&text);
    teardown(&t);
}

/* Nothing of the text or the scope is needed after sql_query_create. */
Test(sql_eval, keeps_nothing_of_its_input)
{
    struct table t;
    setup(&t);
    char *text = strdup("SELECT n AS number, 'a' || 'b', s = 'x' FROM tx WHERE s IN ('x', 'y')");
    char *name = strdup("n");
    t.columns[0].name = (struct str){name, 1};
    cr_assert_eq(run(&t, text), 0);
    memset(text, '#', strlen(text));
    free(text);
    free(name);
    struct err err;
    struct sql_batch_context context = {0};
    cr_assert_eq(fixture_run(t.query, &t.block, &context, &t.results, &t.out, &err), 0);
    cr_expect_eq(t.out.rows, ROWS);
    cr_expect(str_is(t.out.cols[1].str[5], "ab"));
    cr_expect_str_eq(sql_query_schema(t.query)->fields[0].name.p, "number");
    teardown(&t);
}

static void check_function(const struct function *function)
{
    char upper[64] = {0};
    for (size_t k = 0; function->name[k]; k++)
        upper[k] = function->name[k] >= 'a' && function->name[k] <= 'z'
                       ? (char)(function->name[k] - 32)
                       : function->name[k];
    cr_expect_eq(catalogue_find(str_of(function->name)), function, "%s twice", function->name);
    cr_expect_eq(catalogue_find(str_of(upper)), function, "%s", upper);
    cr_expect_neq(catalogue_spark(str_of(function->name)), SPARK_UNKNOWN, "%s", function->name);
    cr_expect(strchr(function->usage, ':'), "%s", function->name);
    for (const char *p = function->aliases; p && *p;) {
        struct str alias = {p, strcspn(p, " ")};
        cr_expect_eq(catalogue_find(alias), function, "%.*s twice", STR_ARG(alias));
        cr_expect_neq(catalogue_spark(alias), SPARK_UNKNOWN, "%.*s", STR_ARG(alias));
        p += alias.n + (p[alias.n] == ' ');
    }
}

/* Every function is found by its names, in any case, and is one that Spark has; groups are in
 * alphabetical order. */
Test(sql_eval, catalogue)
{
    for (size_t g = 0; g < catalogue_group_count; g++) {
        const struct function_group *group = &catalogue_groups[g];
        for (size_t i = 0; i < *group->count; i++) {
            check_function(&group->functions[i]);
            cr_expect(i == 0 || strcmp(group->functions[i - 1].name, group->functions[i].name) < 0,
                      "%s is out of order", group->functions[i].name);
        }
    }
    cr_expect_null(catalogue_find(STR("uppe")));
    cr_expect_null(catalogue_find(STR("uppers")));
}
