#include "base/metric.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>

static struct metrics *metrics;
static struct buf text;

static void setup(void)
{
    metrics = metrics_create();
    text = (struct buf){0};
}

static void teardown(void)
{
    metrics_destroy(metrics);
    buf_fini(&text);
}

TestSuite(metric, .init = setup, .fini = teardown);

static const char *printed(void)
{
    buf_clear(&text);
    metrics_print(metrics, &text);
    return buf_cstr(&text);
}

Test(metric, without_series_nothing_is_printed)
{
    cr_expect_str_eq(printed(), "");
}

Test(metric, table_is_complete)
{
    for (int id = 0; id < METRIC_COUNT; id++) {
        const struct metric *metric = &metric_table[id];
        cr_assert_not_null(metric->name);
        cr_expect(metric->help[0] && !strchr(metric->help, '\n') && !strchr(metric->help, '\\'),
                  "%s: help must be one plain line", metric->name);
        cr_expect((metric->type == METRIC_HISTOGRAM) == (metric->bucket_count > 0), "%s",
                  metric->name);
        for (uint32_t i = 1; i < metric->bucket_count; i++)
            cr_expect_lt(metric->buckets[i - 1], metric->buckets[i], "%s", metric->name);
        size_t n = strlen(metric->name);
        bool total = n > 6 && strcmp(metric->name + n - 6, "_total") == 0;
        cr_expect_eq(total, metric->type == METRIC_COUNTER, "%s: counters end in _total",
                     metric->name);
        for (int other = 0; other < id; other++)
            cr_expect_str_neq(metric->name, metric_table[other].name);
    }
}

Test(metric, counter_and_gauge)
{
    struct metric_series *batches = metrics_series(metrics, METRIC_BATCHES);
    metric_add(batches, 1);
    metric_add(batches, 2);
    metric_set(metrics_series(metrics, METRIC_BATCH_ID), 7);
    cr_expect_str_eq(printed(), "# HELP sluice_batch_id Id of the last committed batch.\n"
                                "# TYPE sluice_batch_id gauge\n"
                                "sluice_batch_id 7\n"
                                "# HELP sluice_batches_total Batches committed by this run.\n"
                                "# TYPE sluice_batches_total counter\n"
                                "sluice_batches_total 3\n");
}

Test(metric, same_labels_same_series)
{
    struct metric_series *a = metrics_partition_series(metrics, METRIC_SOURCE_RECORDS, STR("t"), 0);
    struct metric_series *b = metrics_partition_series(metrics, METRIC_SOURCE_RECORDS, STR("t"), 1);
    cr_expect_neq(a, b);
    cr_expect_eq(a, metrics_series(metrics, METRIC_SOURCE_RECORDS, STR("t"), STR("0")));
    /* Values that would meet if they were only put one behind the other. */
    cr_expect_neq(metrics_series(metrics, METRIC_QUERY_RECORDS, STR("a\""), STR("b")),
                  metrics_series(metrics, METRIC_QUERY_RECORDS, STR("a"), STR("\"b")));
}

Test(metric, labels_are_escaped)
{
    metric_set(metrics_series(metrics, METRIC_MEMORY, STR("a\\b\"c\nd")), 1);
    cr_expect(strstr(printed(), "\nsluice_memory_bytes{use=\"a\\\\b\\\"c\\nd\"} 1\n"), "%s",
              printed());
}

Test(metric, removed_series_are_not_printed)
{
    struct metric_series *series[3];
    for (int i = 0; i < 3; i++)
        series[i] = metrics_partition_series(metrics, METRIC_SOURCE_LAG, STR("t"), i);
    metrics_remove(metrics, series[1]);
    metrics_remove(metrics, NULL);
    cr_expect_str_eq(strchr(strstr(printed(), "# TYPE"), '\n') + 1,
                     "sluice_source_lag_records{topic=\"t\",partition=\"0\"} 0\n"
                     "sluice_source_lag_records{topic=\"t\",partition=\"2\"} 0\n");
    metrics_remove(metrics, series[0]);
    metrics_remove(metrics, series[2]);
    cr_expect_str_eq(printed(), "");
}

static const char *sample_of(double value)
{
    metric_set(metrics_series(metrics, METRIC_BATCH_ID), value);
    return strstr(printed(), "\nsluice_batch_id ") + sizeof "\nsluice_batch_id " - 1;
}

Test(metric, numbers_are_exact)
{
    cr_expect_str_eq(sample_of(9007199254740991.0), "9007199254740991\n");
    cr_expect_str_eq(sample_of(123456789012345678.0), "123456789012345680\n");
    cr_expect_str_eq(sample_of(-0.0), "0\n");
    cr_expect_str_eq(sample_of(-3), "-3\n");
    cr_expect_str_eq(sample_of(0.1), "0.1\n");
    cr_expect_str_eq(sample_of(1766777776.123), "1766777776.123\n");
    cr_expect_str_eq(sample_of(0.1 + 0.2), "0.30000000000000004\n");
    cr_expect_str_eq(sample_of(1e300), "1e+300\n");
    cr_expect_str_eq(sample_of(NAN), "NaN\n");
    cr_expect_str_eq(sample_of(INFINITY), "+Inf\n");
    cr_expect_str_eq(sample_of(-INFINITY), "-Inf\n");
}

Test(metric, histogram_buckets_are_cumulative_and_include_their_bound)
{
    struct metric_series *stall = metrics_series(metrics, METRIC_LOOP_STALL);
    metric_observe(stall, 0.001);
    metric_observe_times(stall, 0.002, 3);
    metric_observe(stall, 100);
    metric_observe(stall, NAN);
    metric_observe_times(stall, 1, 0);
    const char *out = printed();
    cr_expect(strstr(out, "_bucket{le=\"0.0005\"} 0\n"), "%s", out);
    cr_expect(strstr(out, "_bucket{le=\"0.001\"} 1\n"), "%s", out);
    cr_expect(strstr(out, "_bucket{le=\"0.0025\"} 4\n"), "%s", out);
    cr_expect(strstr(out, "_bucket{le=\"2.5\"} 4\n"), "%s", out);
    cr_expect(strstr(out, "_bucket{le=\"+Inf\"} 5\n"), "%s", out);
    cr_expect(strstr(out, "sluice_loop_stall_seconds_sum 100.007\n"), "%s", out);
    cr_expect(strstr(out, "sluice_loop_stall_seconds_count 5\n"), "%s", out);
}

Test(metric, histogram_with_labels)
{
    metric_observe(metrics_series(metrics, METRIC_BATCH_DURATION, STR("seal")), 0.003);
    const char *out = printed();
    cr_expect(strstr(out, "sluice_batch_duration_seconds_bucket{phase=\"seal\",le=\"0.005\"} 1\n"),
              "%s", out);
    cr_expect(strstr(out, "sluice_batch_duration_seconds_count{phase=\"seal\"} 1\n"), "%s", out);
}

/* docs/metrics.md holds the table that metrics_describe gives. */
Test(metric, docs_match)
{
    struct buf docs = {0}, table = {0};
    FILE *file = fopen(METRICS_DOC, "r");
    cr_assert_not_null(file, "cannot open " METRICS_DOC);
    char chunk[4096];
    for (size_t n; (n = fread(chunk, 1, sizeof chunk, file)) > 0;)
        buf_append(&docs, chunk, n);
    fclose(file);
    metrics_describe(&table);
    cr_expect(strstr(buf_cstr(&docs), buf_cstr(&table)),
              "docs/metrics.md must hold this table:\n%s", buf_cstr(&table));
    buf_fini(&docs);
    buf_fini(&table);
}
