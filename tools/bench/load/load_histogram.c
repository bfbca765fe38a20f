/* SPDX-License-Identifier: MIT */
#include "load_histogram.h"

#include <math.h>

#define STEP_BITS 6

static unsigned
cell_of(uint64_t ns)
{
	if (ns < LOAD_HISTOGRAM_STEPS)
		return (unsigned)ns;
	unsigned shift = 63u - (unsigned)__builtin_clzll(ns) - STEP_BITS;
	return (shift << STEP_BITS) + (unsigned)(ns >> shift);
}

uint64_t
load_histogram_cell_end(unsigned cell)
{
	if (cell < 2 * LOAD_HISTOGRAM_STEPS)
		return cell;
	unsigned shift = (cell >> STEP_BITS) - 1;
	uint64_t step = LOAD_HISTOGRAM_STEPS + (cell & 63u);
	return (step << shift) + ((1ull << shift) - 1);
}

void
load_histogram_add(
    struct load_histogram *histogram, uint64_t ns, uint64_t count)
{
	histogram->cells[cell_of(ns)] += count;
	histogram->count += count;
	if (count && ns > histogram->max_ns)
		histogram->max_ns = ns;
}

uint64_t
load_histogram_at(const struct load_histogram *histogram, double share)
{
	uint64_t wanted = (uint64_t)ceil(share * (double)histogram->count);
	uint64_t seen = 0;
	if (histogram->count == 0)
		return 0;
	for (unsigned cell = 0; cell < LOAD_HISTOGRAM_CELLS; cell++) {
		seen += histogram->cells[cell];
		if (seen < wanted || seen == 0)
			continue;
		uint64_t end = load_histogram_cell_end(cell);
		return end < histogram->max_ns ? end : histogram->max_ns;
	}
	return histogram->max_ns;
}
