/* hll.h: HyperLogLog++ (Heule, Nunkesser, Hall 2013) as Spark 3.5 has it: dense, 6-bit registers,
 * 10 to a word, hashes of 64 bits, the bias by the 6 nearest of the appendix' points. */
#pragma once

#include <stdint.h>

enum { HLL_PRECISION_MIN = 4, HLL_PRECISION_MAX = 18 };

/* The precision for a relative standard deviation; below HLL_PRECISION_MIN: it is too large (or
 * no positive number). */
int hll_precision(double relative_sd);

/* Registers of a precision, in words. All zero: nothing was counted. */
uint32_t hll_words(int precision);

void hll_add(uint64_t *words, int precision, uint64_t hash);
void hll_merge(uint64_t *into, const uint64_t *from, int precision);
int64_t hll_estimate(const uint64_t *words, int precision);
