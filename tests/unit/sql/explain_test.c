/* What `validate` says of a query. */
#include <criterion/criterion.h>
#include <stdio.h>

#include "fixture.h"
#include "leaks.h"
#include "sql/query.h"

TestSuite(sql_explain, .fini = leaks_check);

static void explain(struct str text, int event_time, struct buf *out)
{
    const struct sql_column columns[] = {
        {STR("k"), type_simple(TYPE_STRING), false},
        {STR("a"), type_simple(TYPE_STRING), false},
        {STR("n"), type_simple(TYPE_INT), false},
        {STR("t"), type_simple(TYPE_TIMESTAMP), false},
    };
    const struct sql_scope scope = {STR("tx"), columns, COUNT_OF(columns), event_time, false};
    cr_assert_eq(sql_query_explain(text, &scope, out), 0, "%.*s", STR_ARG(text));
}

static void check(const char *sql, int event_time, const char *expected)
{
    struct buf out = {0};
    explain(str_of(sql), event_time, &out);
    cr_expect_str_eq(buf_cstr(&out), expected, "%s\n%s", sql, buf_cstr(&out));
    buf_fini(&out);
}

Test(sql_explain, literals_are_told_from_columns)
{
    check("SELECT k FROM tx WHERE k = 'a'", -1, "filter: (k = 'a')\n");
    check("SELECT k FROM tx WHERE k = a", -1, "filter: (k = a)\n");
    check("SELECT k FROM tx WHERE k <> 'it\\'s \\n' AND k LIKE 'a%'", -1,
          "filter: ((NOT (k = 'it\\'s \\n')) AND k LIKE 'a%')\n");
    check("SELECT k FROM tx WHERE named_struct('x', k, 'y', 'y').y = upper('b')", -1,
          "filter: (named_struct('x', k, 'y', 'y').y = upper('b'))\n");
}

Test(sql_explain, aliases_are_what_they_name)
{
    check("SELECT upper(k) AS u, concat(u, 'x') AS v, count(*) FROM tx GROUP BY u HAVING v > 'a'",
          -1,
          "filter: (concat(upper(k), 'x') > 'a')\n"
          "keys: upper(k)\n"
          "aggregates: count(*)\n");
}

Test(sql_explain, aggregates_are_as_written)
{
    check("SELECT percentile_approx(n, 0.9), first(k, true), last(k) IGNORE NULLS, "
          "percentile(n, 0.5), count(*) FILTER (WHERE k = 'x') FROM tx HAVING max(n) > 1",
          -1,
          "keys: none, one group of all rows\n"
          "aggregates: percentile_approx(n, 0.9), first(k, true), last(k) IGNORE NULLS, "
          "percentile(n, 0.5), count(*) FILTER (WHERE (k = 'x')), max(n)\n"
          "filter groups: (max(n) > 1)\n");
}

Test(sql_explain, windows_have_their_lengths)
{
    check("SELECT window.start, count(*) FROM tx WHERE n > 1 AND t < current_timestamp() GROUP BY "
          "k, window(t, '10 minutes', '5 minutes', '1 minute') HAVING count(*) > 1",
          3,
          "filter before the watermark: (n > 1)\n"
          "filter after the watermark: (t < current_timestamp())\n"
          "keys: k, window(t, '10 minutes', '5 minutes', '1 minute')\n"
          "aggregates: count(*)\n"
          "filter groups: (count(*) > 1)\n");
    check("SELECT count(*) FROM tx GROUP BY session_window(t, concat(n, ' seconds')), k", 3,
          "keys: session_window(t, concat(n, ' seconds')), k\n"
          "aggregates: count(*)\n");
    check("SELECT window(t, '1 minute') AS w, k FROM tx", -1,
          "filter: (t IS NOT NULL)\n"
          "rows per record: one for each window(t, '1 minute')\n");
}

/* Each expression is cut on its own, between characters. */
Test(sql_explain, long_expressions_are_cut)
{
    struct buf sql = {0}, out = {0};
    buf_append_str(&sql, STR("SELECT count(*) FROM tx WHERE k = 'x"));
    for (int i = 0; i < 40000; i++)
        buf_append_str(&sql, STR("\xC3\xA9"));
    buf_append_str(&sql, STR("' GROUP BY n HAVING max(n) > 1"));
    explain(buf_str(&sql), -1, &out);
    const char *text = buf_cstr(&out), *end = strchr(text, '\n');
    cr_assert(end);
    cr_expect_eq(end - text, (long)strlen("filter: ") + 1999 + 3);
    cr_expect_eq(strncmp(end - 5, "\xC3\xA9...\n", 6), 0);
    cr_expect_str_eq(end, "\nkeys: n\naggregates: count(*), max(n)\nfilter groups: (max(n) > 1)\n");
    buf_fini(&sql);
    buf_fini(&out);
}
