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

struct stats {
#define STAT(name, kind, metric, labels, help) _Atomic uint64_t name;
#include "stats.def"
#undef STAT
};

/* Only from the owning thread. */
#define stat_add(stats, name, n)                                              \
	atomic_store_explicit(&(stats)->name,                                 \
	    atomic_load_explicit(&(stats)->name, memory_order_relaxed) +      \
		(uint64_t)(n),                                                \
	    memory_order_relaxed)
#define stat_set(stats, name, n)                                              \
	atomic_store_explicit(                                                \
	    &(stats)->name, (uint64_t)(n), memory_order_relaxed)
#define stat_get(stats, name)                                                 \
	atomic_load_explicit(&(stats)->name, memory_order_relaxed)

/* Adds all of `from` to `to` (plain sums). */
void stats_sum(struct stats *to, struct stats *from);

/* Prometheus text exposition format 0.0.4 of every line of the table. */
void stats_prometheus(struct stats *sum, struct buf *out);

#endif
