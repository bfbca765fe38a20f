/* SPDX-License-Identifier: MIT */
#ifndef LOAD_SLICES_H
#define LOAD_SLICES_H

/*
 * Latencies over time: one histogram for each slice of CLOCK_MONOTONIC, so
 * that afterwards it can be said what they were while something else went on.
 * An event counts in the slice in which it was made, not where it came: what
 * was held up until something was over is not told as of the time after.
 * Embedded; 30 KB a slice, LOAD_SLICES_MAX at most, what comes later counts in
 * the last one.
 */

#include "load_histogram.h"

#include <stddef.h>

#define LOAD_SLICES_MAX 20000

struct buf;

struct load_slices {
	uint64_t slice_ns; /* 0: not wanted */
	uint64_t began_ns; /* of the first slice; a multiple of slice_ns */
	size_t count;
	size_t capacity;
	struct load_histogram *items; /* owned */
};

void load_slices_fini(struct load_slices *slices);
/* An event of made_ns that took so long. One made before the first slice, which
 * is that of the first call, counts in it. */
void load_slices_add(struct load_slices *slices, uint64_t ns, uint64_t made_ns);

/* {"slice_us":N,"began_us":N,"slices":[[cell,count,…],…]}: of each slice the
 * cells that are not empty, a cell by the longest duration it counts, in ns. */
void load_slices_json(const struct load_slices *slices, struct buf *out);

#endif
