/* SPDX-License-Identifier: MIT */
#include "memory_guard.h"

#include "log.h"
#include "memory.h"
#include "worker.h"
#include "xmalloc.h"

#include <uv.h>

#include <inttypes.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>

#define LOOK_MS 100
#define TRIM_MS 2000 /* freed memory is given back to the kernel as often */

struct memory_guard {
	uv_timer_t timer;
	struct memory *memory;
	struct worker_shared *shared;
	enum memory_level level;
	uint64_t since_trim_ms;
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

static void
trim(struct memory_guard *guard)
{
	guard->since_trim_ms += LOOK_MS;
	if (guard->since_trim_ms < TRIM_MS)
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
	if (level != MEMORY_FINE)
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
