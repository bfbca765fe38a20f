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

/* Endpoints of a contract, by their index in it. */
#define STATS_ENDPOINTS 16
struct stats_names {
	const char *endpoints[STATS_ENDPOINTS]; /* borrowed */
	size_t count;
};

struct stats {
#define STAT(name, kind, metric, labels, help) _Atomic uint64_t name;
#define HISTOGRAM(name, metric, help)          struct stats_times name;
#define ENDPOINT(name, kind, metric, labels, help) \
	_Atomic uint64_t name[STATS_ENDPOINTS];
#include "stats.def"
#undef ENDPOINT
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

/* One connection to Redis was lost or not made; reason as redis_link.h has it,
 * any other counts as "other". */
void stats_reconnect(struct stats *stats, const char *reason);
uint64_t stats_reconnects(struct stats *stats); /* whatever the reason */
/* Clients of all endpoints together. */
uint64_t stats_clients(struct stats *stats);

/* Every line of the table, as Prometheus text 0.0.4 or as OpenMetrics 1.0.
 * `names` are the values of the label `endpoint`. */
enum stats_format { STATS_PROMETHEUS, STATS_OPENMETRICS };
void stats_print(struct stats *sum, const struct stats_names *names,
    enum stats_format format, struct buf *out);

#endif
