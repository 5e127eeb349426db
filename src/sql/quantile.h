/* quantile.h: a summary of many numbers that gives approximate quantiles: Greenwald and Khanna,
 * "Space-efficient Online Computation of Quantile Summaries" (2001), in the variant of Spark 3.5:
 * values wait in a head buffer and are inserted 50,000 at a time. */
#pragma once

#include "sql/aggregate.h"

struct quantile_sample {
    double value;
    int64_t g;     /* how much higher its least rank is than that of the sample before */
    int64_t delta; /* how much higher its greatest rank can be than its least */
};

/* All zero: empty. */
struct quantile {
    struct quantile_sample *samples; /* ascending */
    double *head;                    /* not inserted yet */
    uint64_t count;                  /* values inserted */
    uint32_t sample_count, sample_capacity;
    uint32_t head_count, head_capacity;
};

/* error: the relative error allowed, 1 / accuracy. All return 0 or ERR_NOMEM. */
int quantile_add(struct quantile *q, struct state_heap *heap, double error, double v) MUST_CHECK;
/* Inserts the head and compresses, as Spark does before it merges, saves or asks. */
int quantile_compress(struct quantile *q, struct state_heap *heap, double error) MUST_CHECK;
/* Both compressed. */
int quantile_merge(struct quantile *into, const struct quantile *from, struct state_heap *heap,
                   double error) MUST_CHECK;
int quantile_copy(struct quantile *into, const struct quantile *from,
                  struct state_heap *heap) MUST_CHECK;
void quantile_free(struct quantile *q, struct state_heap *heap);

/* The value at fraction[order[i]] into out[order[i]] for n fractions, where order makes them
 * ascend. Compressed and not empty. */
void quantile_query(const struct quantile *q, double error, const double *fractions,
                    const uint32_t *order, uint32_t n, double *out);
