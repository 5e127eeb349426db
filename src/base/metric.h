/* metric.h: metrics: what exists (metrics.def) and the values one app counts. Values are printed in
 * the Prometheus text format 0.0.4. Single-threaded: the loop owns a struct metrics. */
#pragma once

#include "base/buf.h"

enum { METRIC_LABELS_MAX = 2 };

enum metric_type { METRIC_COUNTER, METRIC_GAUGE, METRIC_HISTOGRAM };

/* METRIC_SOURCE_RECORDS and so on. */
enum metric_id {
#define METRIC(id, type, buckets, name, unit, labels, help) METRIC_##id,
#include "base/metrics.def"
#undef METRIC
    METRIC_COUNT
};

struct metric {
    const char *name, *unit, *help; /* unit: "" where there is none */
    enum metric_type type;
    const char *labels[METRIC_LABELS_MAX]; /* NULL: no such label */
    const double *buckets;                 /* histograms: upper bounds, rising, without +Inf */
    uint32_t bucket_count;
};

extern const struct metric metric_table[METRIC_COUNT];

/* One line of /metrics (or one histogram). Callers keep the pointer and change it only through the
 * functions below. */
struct metric_series {
    const struct metric *metric;
    struct metric_series *next; /* of the same metric, oldest first */
    char *labels;               /* escaped: topic="a",partition="0" */
    double value;               /* counter, gauge; histogram: the sum */
    uint64_t count;             /* histogram: observations */
    uint64_t buckets[];         /* histogram: observations per bucket, not cumulative */
};

struct metrics;

/* NULL without memory. */
struct metrics *metrics_create(void);
void metrics_destroy(struct metrics *metrics);

/* The series with these label values (struct str, in the order of metrics.def), made with value 0
 * when it is not there yet: metrics_series(m, METRIC_QUERY_RECORDS, query, STR("accepted")). It
 * stays valid until metrics_remove or metrics_destroy. Never NULL: without memory it is a spare
 * series that takes values and is not printed. A metric without series is not printed at all. */
#define metrics_series(metrics, id, ...)                                                           \
    metrics_series_get((metrics), (id), (const struct str[METRIC_LABELS_MAX]){__VA_ARGS__})
struct metric_series *metrics_series_get(struct metrics *metrics, enum metric_id id,
                                         const struct str *labels);

/* The same for the metrics with labels topic and partition. */
struct metric_series *metrics_partition_series(struct metrics *metrics, enum metric_id id,
                                               struct str topic, int32_t partition);

/* The end of a series (a partition no longer assigned): the pointer is dead. NULL is legal. */
void metrics_remove(struct metrics *metrics, struct metric_series *series);

/* Counter: amount ≥ 0. */
static inline void metric_add(struct metric_series *series, double amount)
{
    series->value += amount;
}

/* Gauge, or a counter whose total another party counts. */
static inline void metric_set(struct metric_series *series, double value)
{
    series->value = value;
}

/* Histogram: `times` observations of the same value. NaN is ignored. */
void metric_observe_times(struct metric_series *series, double value, uint64_t times);

static inline void metric_observe(struct metric_series *series, double value)
{
    metric_observe_times(series, value, 1);
}

/* Appends everything in the Prometheus text format 0.0.4; integers are printed exactly, others with
 * the shortest digits that give the same double. */
void metrics_print(const struct metrics *metrics, struct buf *out);

/* Appends the table of docs/metrics.md (Markdown). */
void metrics_describe(struct buf *out);
