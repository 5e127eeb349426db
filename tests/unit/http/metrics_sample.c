/* metrics_sample.c: prints every metric, with label values as bad as they come, as /metrics would.
 */
#include <stdio.h>

#include "base/metric.h"

static void fill(struct metrics *metrics, enum metric_id id, struct str label)
{
    struct metric_series *series = metrics_series(metrics, id, label, label);
    if (metric_table[id].type != METRIC_HISTOGRAM) {
        metric_add(series, 1234567.5);
        return;
    }
    for (double value = 1e-5; value < 1e4; value *= 3)
        metric_observe(series, value);
}

int main(void)
{
    static const struct str labels[] = {STR("plain"), STR("a \"quoted\" \\ back\\nslash\nline"),
                                        STR(""),
                                        STR("\xd0\xbe\xd0\xb7\xd0\xb5\xd1\x80\xd0\xbe {}=,")};
    struct metrics *metrics = metrics_create();
    struct buf out = {0};
    if (!metrics)
        return 1;
    for (int id = 0; id < METRIC_COUNT; id++)
        for (size_t i = 0; i < (metric_table[id].labels[0] ? COUNT_OF(labels) : 1); i++)
            fill(metrics, (enum metric_id)id, labels[i]);
    metrics_print(metrics, &out);
    fwrite(out.p, 1, out.n, stdout);
    bool failed = out.failed;
    buf_fini(&out);
    metrics_destroy(metrics);
    return failed;
}
