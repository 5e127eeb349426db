#include "sql/quantile.h"

#include <math.h>
#include <stdlib.h>

enum { HEAD_MAX = 50000 };

static size_t sample_bytes(uint32_t n)
{
    return n * sizeof(struct quantile_sample);
}

void quantile_free(struct quantile *q, struct state_heap *heap)
{
    state_free(heap, q->samples, sample_bytes(q->sample_capacity));
    state_free(heap, q->head, q->head_capacity * sizeof(double));
    *q = (struct quantile){0};
}

/* As Double.compare: -0.0 before 0.0, NaN last. */
static int compare(const void *left, const void *right)
{
    double x = *(const double *)left, y = *(const double *)right;
    if (x < y)
        return -1;
    if (x > y)
        return 1;
    if (x != x || y != y)
        return (x != x) - (y != y);
    return !!signbit(y) - !!signbit(x);
}

static void set_samples(struct quantile *q, struct state_heap *heap,
                        struct quantile_sample *samples, uint32_t n, uint32_t capacity)
{
    state_free(heap, q->samples, sample_bytes(q->sample_capacity));
    q->samples = samples;
    q->sample_count = n;
    q->sample_capacity = capacity;
}

/* Gives the memory back that n samples do not need. */
static void shrink(struct quantile *q, struct state_heap *heap)
{
    if (q->sample_count == q->sample_capacity || q->sample_count == 0)
        return;
    struct quantile_sample *p = state_realloc(heap, q->samples, sample_bytes(q->sample_capacity),
                                              sample_bytes(q->sample_count));
    if (!p)
        return; /* it stays larger */
    q->samples = p;
    q->sample_capacity = q->sample_count;
}

static int insert_head(struct quantile *q, struct state_heap *heap, double error)
{
    uint32_t total = q->sample_count + q->head_count, n = 0, next = 0;
    struct quantile_sample *merged = state_alloc(heap, sample_bytes(total));
    if (!merged)
        return ERR_NOMEM;
    qsort(q->head, q->head_count, sizeof(double), compare);
    for (uint32_t i = 0; i < q->head_count; i++) {
        double v = q->head[i];
        while (next < q->sample_count && q->samples[next].value <= v)
            merged[n++] = q->samples[next++];
        q->count++;
        bool edge = n == 0 || (next == q->sample_count && i == q->head_count - 1);
        merged[n++] =
            (struct quantile_sample){v, 1, edge ? 0 : (int64_t)floor(2 * error * (double)q->count)};
    }
    while (next < q->sample_count)
        merged[n++] = q->samples[next++];
    set_samples(q, heap, merged, n, total);
    q->head_count = 0;
    return 0;
}

/* Joins samples, from the last to the second, whose joined uncertainty stays below the threshold.
 * Works in place: what is written lies behind what is still to be read. */
static void join_samples(struct quantile *q, double threshold)
{
    struct quantile_sample *s = q->samples;
    uint32_t n = q->sample_count, to = n;
    if (n == 0)
        return;
    struct quantile_sample first = s[0], head = s[n - 1];
    for (uint32_t i = n - 1; i-- > 1;) {
        if ((double)(s[i].g + head.g + head.delta) < threshold) {
            head.g += s[i].g;
        } else {
            struct quantile_sample next = s[i];
            s[--to] = head;
            head = next;
        }
    }
    s[--to] = head;
    if (first.value <= head.value && n > 1)
        s[--to] = first;
    q->sample_count = n - to;
    memmove(s, s + to, sample_bytes(q->sample_count));
}

int quantile_compress(struct quantile *q, struct state_heap *heap, double error)
{
    if (q->head_count == 0)
        return 0; /* it is compressed: a second time can change it */
    int code = insert_head(q, heap, error);
    if (code != 0)
        return code;
    state_free(heap, q->head, q->head_capacity * sizeof(double));
    q->head = NULL;
    q->head_capacity = 0;
    join_samples(q, 2 * error * (double)q->count);
    shrink(q, heap);
    return 0;
}

static int grow_head(struct quantile *q, struct state_heap *heap)
{
    uint32_t capacity = q->head_capacity ? q->head_capacity * 2 : 4;
    capacity = capacity < HEAD_MAX ? capacity : HEAD_MAX;
    double *p =
        state_realloc(heap, q->head, q->head_capacity * sizeof(double), capacity * sizeof(double));
    if (!p)
        return ERR_NOMEM;
    q->head = p;
    q->head_capacity = capacity;
    return 0;
}

int quantile_add(struct quantile *q, struct state_heap *heap, double error, double v)
{
    if (q->head_count == q->head_capacity && grow_head(q, heap) != 0)
        return ERR_NOMEM;
    q->head[q->head_count++] = v;
    return q->head_count < HEAD_MAX ? 0 : quantile_compress(q, heap, error);
}

int quantile_copy(struct quantile *into, const struct quantile *from, struct state_heap *heap)
{
    quantile_free(into, heap);
    into->samples = state_alloc(heap, sample_bytes(from->sample_count));
    into->head = state_alloc(heap, from->head_count * sizeof(double));
    if (!into->samples || !into->head) {
        state_free(heap, into->samples, sample_bytes(from->sample_count));
        state_free(heap, into->head, from->head_count * sizeof(double));
        *into = (struct quantile){0};
        return ERR_NOMEM;
    }
    if (from->sample_count)
        memcpy(into->samples, from->samples, sample_bytes(from->sample_count));
    if (from->head_count)
        memcpy(into->head, from->head, from->head_count * sizeof(double));
    into->sample_count = into->sample_capacity = from->sample_count;
    into->head_count = into->head_capacity = from->head_count;
    into->count = from->count;
    return 0;
}

/* One sample of either summary; between samples of the other its rank is less certain. */
static struct quantile_sample take(const struct quantile *q, uint32_t *next, bool between,
                                   int64_t doubt)
{
    struct quantile_sample sample = q->samples[(*next)++];
    sample.delta += between ? doubt : 0;
    return sample;
}

int quantile_merge(struct quantile *into, const struct quantile *from, struct state_heap *heap,
                   double error)
{
    if (from->count == 0)
        return 0;
    if (into->count == 0)
        return quantile_copy(into, from, heap);
    uint32_t total = into->sample_count + from->sample_count, n = 0, a = 0, b = 0;
    struct quantile_sample *merged = state_alloc(heap, sample_bytes(total));
    if (!merged)
        return ERR_NOMEM;
    int64_t doubt_a = (int64_t)floor(2 * error * (double)from->count);
    int64_t doubt_b = (int64_t)floor(2 * error * (double)into->count);
    while (a < into->sample_count && b < from->sample_count) {
        bool first = into->samples[a].value < from->samples[b].value;
        merged[n++] = first ? take(into, &a, b > 0, doubt_a) : take(from, &b, a > 0, doubt_b);
    }
    while (a < into->sample_count)
        merged[n++] = into->samples[a++];
    while (b < from->sample_count)
        merged[n++] = from->samples[b++];
    set_samples(into, heap, merged, n, total);
    into->count += from->count;
    join_samples(into, 2 * error * (double)into->count);
    shrink(into, heap);
    return 0;
}

/* Where a walk over the samples stands: the next fraction goes on from there. */
struct walk {
    uint32_t at;
    int64_t rank; /* the least rank of the sample there */
};

static double walk_to(const struct quantile *q, struct walk *walk, double error, double fraction)
{
    int64_t wanted = (int64_t)ceil(fraction * (double)q->count);
    uint32_t i = walk->at, last = q->sample_count - 1;
    int64_t rank = walk->rank;
    while (i < last) {
        double highest = (double)(rank + q->samples[i].delta);
        if (highest - error <= (double)wanted && (double)wanted <= (double)rank + error) {
            *walk = (struct walk){i, rank};
            return q->samples[i].value;
        }
        rank += q->samples[++i].g;
    }
    *walk = (struct walk){last, 0}; /* as Spark: later fractions are at the last sample too */
    return q->samples[last].value;
}

void quantile_query(const struct quantile *q, double error, const double *fractions,
                    const uint32_t *order, uint32_t n, double *out)
{
    int64_t widest = INT64_MIN;
    for (uint32_t i = 0; i < q->sample_count; i++) {
        int64_t width = q->samples[i].delta + q->samples[i].g;
        widest = width > widest ? width : widest;
    }
    struct walk walk = {0, q->samples[0].g};
    for (uint32_t i = 0; i < n; i++) {
        double fraction = fractions[order[i]];
        if (fraction <= error)
            out[order[i]] = q->samples[0].value;
        else if (fraction >= 1 - error)
            out[order[i]] = q->samples[q->sample_count - 1].value;
        else
            out[order[i]] = walk_to(q, &walk, (double)(widest / 2), fraction);
    }
}
