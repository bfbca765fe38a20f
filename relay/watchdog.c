/* SPDX-License-Identifier: MIT */
#include "watchdog.h"

#include "service.h"
#include "worker.h"
#include "xmalloc.h"

#include <uv.h>

#include <stdlib.h>

/* Owned by the daemon. */
struct watchdog {
	struct service *service;
	const struct worker_shared *shared;
	uv_timer_t timer;
	uint64_t *seen; /* turns of each worker at the last look */
};

struct watchdog *
watchdog_new(uv_loop_t *loop, const struct worker_shared *shared)
{
	struct watchdog *watchdog = xcalloc(1, sizeof(*watchdog));
	watchdog->service = service_new();
	watchdog->shared = shared;
	watchdog->seen = xcalloc(shared->worker_count, sizeof(uint64_t));
	uv_timer_init(loop, &watchdog->timer);
	watchdog->timer.data = watchdog;
	return watchdog;
}

/* One that stands still since the last look keeps all of it silent. */
static void
on_timer(uv_timer_t *timer)
{
	struct watchdog *watchdog = timer->data;
	bool all_turn = true;
	for (size_t i = 0; i < watchdog->shared->worker_count; i++) {
		uint64_t turns = worker_ticks(watchdog->shared->workers[i]);
		all_turn = all_turn && turns != watchdog->seen[i];
		watchdog->seen[i] = turns;
	}
	if (all_turn)
		service_alive(watchdog->service);
}

void
watchdog_start(struct watchdog *watchdog)
{
	uint64_t every_ms = service_watchdog_ms(watchdog->service) / 3;
	service_ready(watchdog->service);
	if (every_ms > 0)
		uv_timer_start(&watchdog->timer, on_timer, every_ms, every_ms);
}

void
watchdog_stopping(struct watchdog *watchdog)
{
	service_stopping(watchdog->service);
}

static void
on_timer_closed(uv_handle_t *handle)
{
	struct watchdog *watchdog = handle->data;
	service_free(&watchdog->service);
	free(watchdog->seen);
	free(watchdog);
}

void
watchdog_free(struct watchdog **watchdog)
{
	if (!*watchdog)
		return;
	uv_close((uv_handle_t *)&(*watchdog)->timer, on_timer_closed);
	*watchdog = NULL;
}
