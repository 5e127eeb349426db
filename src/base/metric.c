#include "base/metric.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static const double latency_buckets[] = {0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25,
                                         0.5,   1,      2.5,   5,    10,    30,   60,  300};
static const double stall_buckets[] = {0.0005, 0.001, 0.0025, 0.005, 0.01, 0.02,
                                       0.05,   0.1,   0.25,   0.5,   1,    2.5};

#define BUCKETS_NONE    NULL, 0
#define BUCKETS_LATENCY latency_buckets, COUNT_OF(latency_buckets)
#define BUCKETS_STALL   stall_buckets, COUNT_OF(stall_buckets)
#define LABELS(...)                                                                                \
    {                                                                                              \
        __VA_ARGS__                                                                                \
    }

const struct metric metric_table[METRIC_COUNT] = {
#define METRIC(id, type, buckets, name, unit, labels, help)                                        \
    [METRIC_##id] = {name, unit, help, METRIC_##type, labels, BUCKETS_##buckets},
#include "base/metrics.def"
#undef METRIC
};

struct metrics {
    struct metric_series *first[METRIC_COUNT];
    struct metric_series *spare; /* handed out without memory; has no buckets */
};

/* The spare series: takes any value, belongs to no list. */
static const struct metric spare_metric = {.name = ""};

struct metrics *metrics_create(void)
{
    struct metrics *metrics = calloc(1, sizeof *metrics);
    if (!metrics)
        return NULL;
    metrics->spare = calloc(1, sizeof *metrics->spare);
    if (!metrics->spare) {
        free(metrics);
        return NULL;
    }
    metrics->spare->metric = &spare_metric;
    return metrics;
}

static void series_destroy(struct metric_series *series)
{
    free(series->labels);
    free(series);
}

void metrics_destroy(struct metrics *metrics)
{
    if (!metrics)
        return;
    for (int id = 0; id < METRIC_COUNT; id++) {
        for (struct metric_series *series = metrics->first[id], *next; series; series = next) {
            next = series->next;
            series_destroy(series);
        }
    }
    series_destroy(metrics->spare);
    free(metrics);
}

/* A label value: backslash, quote and line feed are escaped. */
static void append_label_value(struct buf *out, struct str value)
{
    for (size_t i = 0; i < value.n; i++) {
        switch (value.p[i]) {
        case '\\':
            buf_append_str(out, STR("\\\\"));
            break;
        case '"':
            buf_append_str(out, STR("\\\""));
            break;
        case '\n':
            buf_append_str(out, STR("\\n"));
            break;
        default:
            buf_append_char(out, value.p[i]);
        }
    }
}

/* topic="a",partition="0"; NULL without memory. */
static char *format_labels(const struct metric *metric, const struct str *labels)
{
    struct buf out = {0};
    for (int i = 0; i < METRIC_LABELS_MAX && metric->labels[i]; i++) {
        buf_printf(&out, "%s%s=\"", i ? "," : "", metric->labels[i]);
        append_label_value(&out, labels[i]);
        buf_append_char(&out, '"');
    }
    return buf_take_cstr(&out);
}

struct metric_series *metrics_series_get(struct metrics *metrics, enum metric_id id,
                                         const struct str *labels)
{
    REQUIRE((unsigned)id < METRIC_COUNT);
    const struct metric *metric = &metric_table[id];
    char *text = format_labels(metric, labels);
    if (!text)
        return metrics->spare;
    struct metric_series **end = &metrics->first[id];
    for (; *end; end = &(*end)->next) {
        if (strcmp((*end)->labels, text) == 0) {
            free(text);
            return *end;
        }
    }
    struct metric_series *series =
        calloc(1, sizeof *series + metric->bucket_count * sizeof series->buckets[0]);
    if (!series) {
        free(text);
        return metrics->spare;
    }
    series->metric = metric;
    series->labels = text;
    *end = series;
    return series;
}

struct metric_series *metrics_partition_series(struct metrics *metrics, enum metric_id id,
                                               struct str topic, int32_t partition)
{
    char number[16];
    snprintf(number, sizeof number, "%d", (int)partition);
    return metrics_series(metrics, id, topic, str_of(number));
}

void metrics_remove(struct metrics *metrics, struct metric_series *series)
{
    if (!series || series == metrics->spare)
        return;
    struct metric_series **link = &metrics->first[series->metric - metric_table];
    while (*link && *link != series)
        link = &(*link)->next;
    REQUIRE(*link == series);
    *link = series->next;
    series_destroy(series);
}

void metric_observe_times(struct metric_series *series, double value, uint64_t times)
{
    if (isnan(value) || times == 0)
        return;
    series->value += value * (double)times;
    series->count += times;
    const struct metric *metric = series->metric;
    for (uint32_t i = 0; i < metric->bucket_count; i++) {
        if (value <= metric->buckets[i]) {
            series->buckets[i] += times;
            return;
        }
    }
}

/* Integers in full, others with the fewest digits that read back as the same double. */
static void append_number(struct buf *out, double value)
{
    char text[40];
    if (isnan(value)) {
        buf_append_str(out, STR("NaN"));
        return;
    }
    if (isinf(value)) {
        buf_append_str(out, value > 0 ? STR("+Inf") : STR("-Inf"));
        return;
    }
    if (value == trunc(value) && fabs(value) < 1e18) {
        snprintf(text, sizeof text, "%.0f", value == 0 ? 0.0 : value);
    } else {
        for (int digits = 15; digits <= 17; digits++) { /* %g drops zeros */
            snprintf(text, sizeof text, "%.*g", digits, value);
            if (strtod(text, NULL) == value)
                break;
        }
    }
    buf_append_str(out, str_of(text));
}

/* name{labels} value */
static void print_sample(struct buf *out, const struct metric_series *series, const char *suffix,
                         double value)
{
    buf_printf(out, "%s%s", series->metric->name, suffix);
    if (series->labels[0])
        buf_printf(out, "{%s}", series->labels);
    buf_append_char(out, ' ');
    append_number(out, value);
    buf_append_char(out, '\n');
}

static void print_bucket(struct buf *out, const struct metric_series *series, double bound,
                         uint64_t count)
{
    buf_printf(out, "%s_bucket{%s%sle=\"", series->metric->name, series->labels,
               series->labels[0] ? "," : "");
    append_number(out, bound);
    buf_printf(out, "\"} %llu\n", (unsigned long long)count);
}

static void print_histogram(struct buf *out, const struct metric_series *series)
{
    uint64_t below = 0;
    for (uint32_t i = 0; i < series->metric->bucket_count; i++) {
        below += series->buckets[i];
        print_bucket(out, series, series->metric->buckets[i], below);
    }
    print_bucket(out, series, INFINITY, series->count);
    print_sample(out, series, "_sum", series->value);
    print_sample(out, series, "_count", (double)series->count);
}

static const char *type_name(enum metric_type type)
{
    static const char *const names[] = {"counter", "gauge", "histogram"};
    return names[type];
}

void metrics_print(const struct metrics *metrics, struct buf *out)
{
    for (int id = 0; id < METRIC_COUNT; id++) {
        const struct metric *metric = &metric_table[id];
        if (!metrics->first[id])
            continue;
        buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", metric->name, metric->help, metric->name,
                   type_name(metric->type));
        for (const struct metric_series *series = metrics->first[id]; series; series = series->next)
            if (metric->type == METRIC_HISTOGRAM)
                print_histogram(out, series);
            else
                print_sample(out, series, "", series->value);
    }
}

void metrics_describe(struct buf *out)
{
    buf_append_str(out, STR("| Name | Type | Labels | Unit | Meaning |\n"
                            "|---|---|---|---|---|\n"));
    for (int id = 0; id < METRIC_COUNT; id++) {
        const struct metric *metric = &metric_table[id];
        buf_printf(out, "| `%s` | %s |", metric->name, type_name(metric->type));
        for (int i = 0; i < METRIC_LABELS_MAX && metric->labels[i]; i++)
            buf_printf(out, "%s `%s`", i ? "," : "", metric->labels[i]);
        buf_printf(out, " | %s | %s |\n", metric->unit, metric->help);
    }
}
