/* agg_fractions.h: the constant percentages of percentile and percentile_approx. */
#pragma once

#include "sql/agg_impl.h"

struct agg_fractions {
    uint32_t n;
    bool array; /* the result is an array of them */
    const double *fractions;
    const uint32_t *order; /* indexes that make them ascend */
    double error;          /* percentile_approx: 1 / accuracy */
};

/* Reads argument 1: one number or an array, 0 to 1 each, constant. In the query's arena. */
int agg_fractions_read(struct binder *binder, struct aggregate_call *call,
                       struct agg_fractions **out) MUST_CHECK;

/* A result of n rows of `element`, or of arrays of them; where[i]: row i has values. *values is the
 * vector to fill: count values for each row that has some, one row after the other; it has a place
 * for the others too where the result is no array. */
int agg_fractions_result(const struct aggregate_call *call, const struct agg_fractions *fractions,
                         const bool *where, uint32_t n, struct arena *arena, struct vec *out,
                         struct vec **values) MUST_CHECK;
