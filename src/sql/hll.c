#include "sql/hll.h"

#include <math.h>

#include "base/check.h"
#include "sql/hll_tables.h"

enum { REGISTER_BITS = 6, REGISTERS_PER_WORD = 10, NEIGHBOURS = 6 };

/* Where a precision's points begin in hll_tables.h; one more for the end. */
static const uint16_t starts[] = {0,    79,   238,  438,  638,  838,  1039, 1239,
                                  1440, 1641, 1841, 2042, 2243, 2443, 2644, 2844};

/* Below these counts linear counting is better. */
static const double thresholds[] = {10,   20,   40,    80,    220,   400,    900,   1800,
                                    3100, 6500, 15500, 20000, 50000, 120000, 350000};

int hll_precision(double relative_sd)
{
    double precision = ceil(2.0 * log(1.106 / relative_sd) / log(2.0));
    if (!(precision >= HLL_PRECISION_MIN))
        return 0;
    return precision > HLL_PRECISION_MAX ? HLL_PRECISION_MAX + 1 : (int)precision;
}

uint32_t hll_words(int precision)
{
    return (1U << precision) / REGISTERS_PER_WORD + 1;
}

void hll_add(uint64_t *words, int precision, uint64_t hash)
{
    uint32_t index = (uint32_t)(hash >> (64 - precision));
    uint64_t rest = hash << precision | 1ULL << (precision - 1);
    uint64_t rank = (uint64_t)__builtin_clzll(rest) + 1;
    uint64_t *word = &words[index / REGISTERS_PER_WORD];
    unsigned shift = REGISTER_BITS * (index % REGISTERS_PER_WORD);
    if (rank > (*word >> shift & 63))
        *word = (*word & ~(63ULL << shift)) | rank << shift;
}

void hll_merge(uint64_t *into, const uint64_t *from, int precision)
{
    for (uint32_t w = 0; w < hll_words(precision); w++) {
        uint64_t joined = 0;
        for (unsigned r = 0; r < REGISTERS_PER_WORD; r++) {
            uint64_t mask = 63ULL << (r * REGISTER_BITS);
            uint64_t a = into[w] & mask, b = from[w] & mask;
            joined |= a > b ? a : b;
        }
        into[w] = joined;
    }
}

/* As Arrays.binarySearch: the points are nearly, but not quite, in order. */
static int nearest_point(const double *points, int n, double e)
{
    int low = 0, high = n - 1;
    while (low <= high) {
        int middle = (low + high) / 2;
        if (points[middle] < e)
            low = middle + 1;
        else if (points[middle] > e)
            high = middle - 1;
        else
            return middle;
    }
    return low;
}

static double distance(double point, double e)
{
    return (e - point) * (e - point);
}

static double bias(double e, int precision)
{
    const double *points = hll_raw_estimates + starts[precision - HLL_PRECISION_MIN];
    const double *biases = hll_biases + starts[precision - HLL_PRECISION_MIN];
    int n = starts[precision - HLL_PRECISION_MIN + 1] - starts[precision - HLL_PRECISION_MIN];
    int low = nearest_point(points, n, e) - NEIGHBOURS + 1;
    low = low > 0 ? low : 0;
    int high = low + NEIGHBOURS < n ? low + NEIGHBOURS : n;
    while (high < n && distance(points[high], e) < distance(points[low], e)) {
        low++;
        high++;
    }
    double sum = 0;
    for (int i = low; i < high; i++)
        sum += biases[i];
    return sum / (high - low);
}

static double alpha(int precision, double m)
{
    switch (precision) {
    case 4:
        return 0.673;
    case 5:
        return 0.697;
    case 6:
        return 0.709;
    default:
        return 0.7213 / (1.0 + 1.079 / m);
    }
}

int64_t hll_estimate(const uint64_t *words, int precision)
{
    uint32_t registers = 1U << precision;
    double m = registers, inverse = 0, empty = 0;
    for (uint32_t i = 0; i < registers; i++) {
        uint64_t rank =
            words[i / REGISTERS_PER_WORD] >> (REGISTER_BITS * (i % REGISTERS_PER_WORD)) & 63;
        inverse += 1.0 / (double)(1ULL << rank);
        empty += rank == 0;
    }
    double e = alpha(precision, m) * m * m / inverse;
    double linear = empty > 0 ? m * log(m / empty) : 0;
    double estimate;
    if (empty > 0 && (linear <= thresholds[precision - HLL_PRECISION_MIN] || e <= 2.5 * m))
        estimate = linear;
    else
        estimate = e < 5.0 * m ? e - bias(e, precision) : e;
    /* Ranks of damaged registers can make it huge. */
    return estimate < 9e18 ? (int64_t)floor(estimate + 0.5) : INT64_MAX;
}
