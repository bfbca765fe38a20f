/* SPDX-License-Identifier: MIT */
#ifndef LOAD_HISTOGRAM_H
#define LOAD_HISTOGRAM_H

/*
 * Counts of durations in ns, log-linear: 64 steps in each power of two, so a
 * percentile is at most 1.6 % too high, from 1 ns to 292 years. Plain data of
 * fixed size; recording is a few instructions.
 */

#include <stdint.h>

#define LOAD_HISTOGRAM_STEPS 64
#define LOAD_HISTOGRAM_CELLS (59 * LOAD_HISTOGRAM_STEPS)

struct load_histogram {
	uint64_t cells[LOAD_HISTOGRAM_CELLS];
	uint64_t count;
	uint64_t max_ns;
};

/* Adds `count` durations of `ns` each. */
void load_histogram_add(
    struct load_histogram *histogram, uint64_t ns, uint64_t count);

/* The duration that `share` (0 to 1) of all do not exceed, in ns, rounded up
 * to the end of its step but never above the longest; 0 when empty. */
uint64_t load_histogram_at(
    const struct load_histogram *histogram, double share);

/* The longest duration that a cell counts, in ns. */
uint64_t load_histogram_cell_end(unsigned cell);

#endif
