/* SPDX-License-Identifier: MIT */
#ifndef STATS_H
#define STATS_H

/*
 * Counters and gauges of one worker, one line each in stats.def. One thread
 * writes, any thread reads (relaxed atomics, no locks); the sum over workers
 * is made when somebody asks.
 */

#include "buf.h"

#include <stdatomic.h>
#include <stdint.h>

/* Times by the power of two (microseconds) that bounds them: bucket i counts
 * those of at most 2^i us, the last one all that took longer. */
#define STATS_BUCKETS 26
struct stats_times {
	_Atomic uint64_t bucket[STATS_BUCKETS];
	_Atomic uint64_t sum_us;
};

struct stats {
#define STAT(name, kind, metric, labels, help) _Atomic uint64_t name;
#define HISTOGRAM(name, metric, help)          struct stats_times name;
#include "stats.def"
#undef HISTOGRAM
#undef STAT
};

/* Only from the owning thread. */
#define stat_add(stats, name, n)                                         \
	atomic_store_explicit(&(stats)->name,                            \
	    atomic_load_explicit(&(stats)->name, memory_order_relaxed) + \
		(uint64_t)(n),                                           \
	    memory_order_relaxed)
#define stat_set(stats, name, n) \
	atomic_store_explicit(   \
	    &(stats)->name, (uint64_t)(n), memory_order_relaxed)
#define stat_get(stats, name) \
	atomic_load_explicit(&(stats)->name, memory_order_relaxed)

/* `count` things took this long each. Only from the owning thread. */
void stats_time(struct stats_times *times, uint64_t us, uint64_t count);
/* The time that the given share (0.5, 0.99) of them did not exceed, in
 * microseconds, exact to the bucket; 0 when there are none. */
uint64_t stats_quantile(const struct stats_times *times, double share);

/* Adds all of `from` to `to` (plain sums). */
void stats_sum(struct stats *to, struct stats *from);

/* Every line of the table, as Prometheus text 0.0.4 or as OpenMetrics 1.0. */
enum stats_format { STATS_PROMETHEUS, STATS_OPENMETRICS };
void stats_print(struct stats *sum, enum stats_format format, struct buf *out);

#endif
