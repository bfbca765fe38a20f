/* SPDX-License-Identifier: MIT */
#include "memory_guard.h"

#include "log.h"
#include "memory.h"
#include "tally.h"
#include "worker.h"
#include "xmalloc.h"

#include <uv.h>

#include <inttypes.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>

#define LOOK_MS 100
#define TRIM_MS 2000 /* when it is tight, freed memory is given back as often */

/* Of a connection with a stream of its own, roughly (tools/bench/MEMORY.md). */
#define CONNECTION_BYTES 2048

struct memory_guard {
	uv_timer_t timer;
	struct memory *memory;
	struct worker_shared *shared;
	enum memory_level level;
	uint64_t since_trim_ms;
	struct memory_tide tide;
};

static void
log_level_of(enum memory_level level, const struct memory_figures *figures)
{
	static const char *const actions[] = {
		[MEMORY_FINE] = "memory_fine",
		[MEMORY_TIGHT] = "memory_tight",
		[MEMORY_DIRE] = "memory_dire",
	};
	char used[24], limit[24];

	snprintf(used, sizeof(used), "%" PRIu64, figures->used);
	snprintf(limit, sizeof(limit), "%" PRIu64, figures->limit);
	log_throttled(level == MEMORY_FINE ? LOG_LEVEL_INFO : LOG_LEVEL_WARN,
	    "relayd", actions[level], "used", used, "limit", limit, "fix",
	    level == MEMORY_FINE ? "none needed"
				 : "give it more memory, or lower "
				   "limits.total_bytes and limits.connections",
	    NULL);
}

static uint64_t
bytes_needed(const struct worker_shared *shared)
{
	uint64_t needed = tally_total(shared->tally) * CONNECTION_BYTES;

	for (size_t i = 0; i < shared->worker_count; i++)
		needed +=
		    stat_get(worker_stats(shared->workers[i]), blocks_bytes);
	return needed;
}

/* It stops a worker that allocates: 15 ms where 10,000 connections were, so
 * only when it is worth it. */
static void
trim(struct memory_guard *guard)
{
	bool has_ebbed = memory_has_ebbed(
	    &guard->tide, bytes_needed(guard->shared), LOOK_MS);
	bool is_due = guard->level != MEMORY_FINE &&
	    guard->since_trim_ms + LOOK_MS >= TRIM_MS;

	guard->since_trim_ms += LOOK_MS;
	if (!has_ebbed && !is_due)
		return;
	guard->since_trim_ms = 0;
	malloc_trim(0);
}

static void
on_look(uv_timer_t *timer)
{
	struct memory_guard *guard = timer->data;
	struct worker_shared *shared = guard->shared;
	const struct memory_figures figures = memory_look(
	    guard->memory, shared->settings->config.limits_memory_bytes);
	enum memory_level level = memory_judge(guard->level, &figures);

	atomic_store(&shared->memory_used, figures.used);
	atomic_store(&shared->memory_limit,
	    figures.limit == UINT64_MAX ? 0 : figures.limit);
	atomic_store(&shared->memory_level, level);
	trim(guard);
	if (level == guard->level)
		return;
	guard->level = level;
	log_level_of(level, &figures);
}

struct memory_guard *
memory_guard_new(uv_loop_t *loop, struct worker_shared *shared)
{
	struct memory_guard *guard = xcalloc(1, sizeof(*guard));

	guard->memory = memory_new();
	guard->shared = shared;
	uv_timer_init(loop, &guard->timer);
	guard->timer.data = guard;
	uv_timer_start(&guard->timer, on_look, LOOK_MS, LOOK_MS);
	return guard;
}

static void
on_timer_closed(uv_handle_t *handle)
{
	struct memory_guard *guard = handle->data;

	memory_free(&guard->memory);
	free(guard);
}

void
memory_guard_free(struct memory_guard **guard)
{
	if (*guard == NULL)
		return;
	uv_close((uv_handle_t *)&(*guard)->timer, on_timer_closed);
	*guard = NULL;
}
