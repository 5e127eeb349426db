/* hll_tables.h: bias correction of HyperLogLog++, measured by its authors. */
#pragma once

/* Both hold the points of one precision after the other. */
extern const double hll_raw_estimates[];
extern const double hll_biases[];
