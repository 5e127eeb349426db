/* What no case of Spark shows: limits of what a group collects, rows without a group, and that the
 * same accumulator gives the same bytes. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "fixture.h"
#include "leaks.h"
#include "sql/aggregate.h"
#include "sql/query.h"

TestSuite(sql_aggregate_limits, .fini = leaks_check);

enum { ROWS = 4096 };

/* A query of one aggregate over the column n BIGINT. */
struct one {
    struct sql_query *query;
    const struct aggregate_call *call;
    struct state_heap heap;
    char *acc;
    char *groups[ROWS];
    int64_t values[ROWS];
};

static void one_init(struct one *one, const char *sql)
{
    static const struct sql_column column = {.name = {"n", 1}};
    struct sql_column columns[] = {column};
    columns[0].type = type_simple(TYPE_BIGINT);
    struct sql_scope scope = {.view = STR("tx"), .columns = columns, .count = 1, .event_time = -1};
    struct sql_error error;
    struct sql_errors errors = {&error, 1, 0};
    *one = (struct one){0};
    cr_assert_eq(sql_query_create(&one->query, str_of(sql), &scope, &errors), 0, "%s: %s", sql,
                 error.message);
    one->call = &sql_query_grouping(one->query)->aggregates[0];
    one->acc = calloc(1, one->call->size);
    for (uint32_t i = 0; i < ROWS; i++)
        one->groups[i] = one->acc;
}

static int one_update(struct one *one, struct err *err)
{
    struct vec vec = {.type = type_simple(TYPE_BIGINT), .rows = ROWS, .i64 = one->values};
    return one->call->ops->update(one->call, &one->heap, one->groups, 0, &vec, ROWS, err);
}

static void one_fini(struct one *one)
{
    if (one->call->ops->free)
        one->call->ops->free(one->call, &one->heap, one->acc);
    cr_expect_eq(one->heap.bytes, 0);
    free(one->acc);
    sql_query_destroy(one->query);
}

static void expect_limit(const char *sql)
{
    static struct one one;
    struct err err = {0};
    int code = 0;
    one_init(&one, sql);
    for (int64_t n = 0; code == 0 && n < 3000000; n += ROWS) {
        for (int64_t i = 0; i < ROWS; i++)
            one.values[i] = n + i;
        code = one_update(&one, &err);
    }
    cr_expect_eq(code, ERR_INVALID, "%s", sql);
    cr_expect(strstr(err.msg, "more than 1000000"), "%s: %s", sql, err.msg);
    cr_expect_lt(one.heap.bytes, (size_t)100 << 20, "%s: %zu bytes", sql, one.heap.bytes);
    one_fini(&one);
}

Test(sql_aggregate_limits, a_group_collects_so_much_and_no_more)
{
    expect_limit("SELECT collect_list(n) FROM tx");
    expect_limit("SELECT collect_set(n) FROM tx");
    expect_limit("SELECT mode(n) FROM tx");
    expect_limit("SELECT percentile(n, 0.5) FROM tx");
}

/* Values that repeat take no more room however many rows there are. */
Test(sql_aggregate_limits, repeated_values_stay_small)
{
    static const char *const queries[] = {"SELECT collect_set(n) FROM tx", "SELECT mode(n) FROM tx",
                                          "SELECT percentile(n, 0.5) FROM tx",
                                          "SELECT percentile_approx(n, 0.5, 100) FROM tx",
                                          "SELECT approx_count_distinct(n) FROM tx"};
    static struct one one;
    struct err err;
    for (size_t q = 0; q < COUNT_OF(queries); q++) {
        one_init(&one, queries[q]);
        for (int64_t i = 0; i < ROWS; i++)
            one.values[i] = i % 100;
        for (int k = 0; k < 300; k++)
            cr_assert_eq(one_update(&one, &err), 0, "%s", err.msg);
        cr_expect_lt(one.heap.bytes, (size_t)700000, "%s: %zu bytes", queries[q], one.heap.bytes);
        one_fini(&one);
    }
}

/* Rows without a group are left out by every function. */
Test(sql_aggregate_limits, rows_without_a_group_do_not_count)
{
    static struct one one;
    struct err err;
    for (size_t a = 0; a < aggregate_count; a++) {
        char sql[200];
        const struct aggregate *aggregate = &aggregates[a];
        const char *args = aggregate->args_min == 2 ? "n, 0.5" : "n";
        if (strncmp(aggregate->name, "bool", 4) == 0 || strcmp(aggregate->name, "count_if") == 0)
            args = "n > 0";
        snprintf(sql, sizeof sql, "SELECT %s(%s) FROM tx", aggregate->name, args);
        one_init(&one, sql);
        memset(one.groups, 0, sizeof one.groups);
        struct vec cols[3] = {0};
        double halves[ROWS] = {0};
        for (uint32_t i = 0; i < one.call->arg_count; i++) {
            cols[i] = (struct vec){.type = one.call->args[i]->type, .rows = ROWS, .data = halves};
        }
        cr_expect_eq(one.call->ops->update(one.call, &one.heap, one.groups, 0, cols, ROWS, &err),
                     0);
        for (size_t i = 0; i < one.call->size; i++)
            cr_expect_eq(one.acc[i], 0, "%s", sql);
        cr_expect_eq(one.heap.bytes, 0, "%s", sql);
        one_fini(&one);
    }
}

/* Calls that compute the same share one accumulator, also those with constants beside the value. */
Test(sql_aggregate_limits, equal_calls_are_one)
{
    static const struct {
        const char *sql;
        uint32_t count;
    } cases[] = {
        {"SELECT percentile_approx(n, 0.9), percentile_approx(n, 0.9) + 1, "
         "percentile_approx(n, 0.8), percentile_approx(n, 0.9, 100) FROM tx "
         "HAVING percentile_approx(n, 0.9) > 5",
         3},
        {"SELECT percentile(n, array(0.1, 0.9)), percentile(n, array(0.1, 0.9)), "
         "percentile(n, array(0.1, 0.8)), median(n), median(n) FROM tx",
         3},
        {"SELECT approx_count_distinct(n), approx_count_distinct(n, 0.1D), "
         "approx_count_distinct(n, 0.1D), approx_count_distinct(n + 1) FROM tx",
         3},
        {"SELECT regr_avgx(n, n + 1), regr_avgx(n, n + 1), regr_avgy(n, n + 1), regr_avgx(n + 1, "
         "n) "
         "FROM tx",
         3},
        {"SELECT count(*), count(1), count(n), count(n) FROM tx", 2},
        {"SELECT first(n, true), first(n, true), first(n), first(n) IGNORE NULLS FROM tx", 2},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct one one;
        one_init(&one, cases[i].sql);
        cr_expect_eq(sql_query_grouping(one.query)->aggregate_count, cases[i].count, "%s: %u",
                     cases[i].sql, sql_query_grouping(one.query)->aggregate_count);
        one_fini(&one);
    }
}
