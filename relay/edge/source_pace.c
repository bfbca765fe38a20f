/* SPDX-License-Identifier: MIT */
#include "source_pace.h"

#include "xmalloc.h"

#include <stdlib.h>
#include <sys/timerfd.h>
#include <unistd.h>
#include <uv.h>

#define QUIET_PER_SECOND 12000
#define BUSY_PER_SECOND  100000
#define PACE_MIN_US      300

struct source_pace {
	uv_poll_t poll;
	int timer; /* timerfd; -1: none, then never a pause */
	bool is_armed;
	unsigned pace_max_us;
	unsigned pace_us;
	uint64_t news;    /* since the last tick */
	uint64_t tick_us; /* when that was */
	source_pace_fn *due;
	void *arg;
};

static uint64_t
now_us(void)
{
	return uv_hrtime() / 1000;
}

unsigned
source_pace_us(uint64_t news_per_second, unsigned pace_max_us)
{
	uint64_t pace_us;

	if (news_per_second <= QUIET_PER_SECOND)
		return 0;
	if (news_per_second >= BUSY_PER_SECOND || pace_max_us <= PACE_MIN_US)
		return pace_max_us;
	pace_us = (uint64_t)(pace_max_us - PACE_MIN_US) *
	    (news_per_second - QUIET_PER_SECOND) /
	    (BUSY_PER_SECOND - QUIET_PER_SECOND);
	return PACE_MIN_US + (unsigned)pace_us;
}

static void
on_timer(uv_poll_t *poll, int status, int events)
{
	struct source_pace *pace = poll->data;
	uint64_t expirations;

	(void)status;
	(void)events;
	pace->is_armed = false;
	pace->due(pace->arg);
	/* Arming it anew has the same effect. */
	if (!pace->is_armed &&
	    read(pace->timer, &expirations, sizeof(expirations)) < 0)
		return; /* nothing to take back */
}

struct source_pace *
source_pace_new(struct uv_loop_s *loop, unsigned pace_max_us,
    source_pace_fn *due, void *arg)
{
	struct source_pace *pace = xcalloc(1, sizeof(*pace));

	pace->pace_max_us = pace_max_us;
	pace->due = due;
	pace->arg = arg;
	pace->tick_us = now_us();
	pace->timer =
	    timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	if (pace->timer < 0)
		return pace;
	if (uv_poll_init(loop, &pace->poll, pace->timer) != 0) {
		close(pace->timer);
		pace->timer = -1;
		return pace;
	}
	pace->poll.data = pace;
	uv_poll_start(&pace->poll, UV_READABLE, on_timer);
	return pace;
}

/* The next tick goes by it. */
void
source_pace_set(struct source_pace *pace, unsigned pace_max_us)
{
	pace->pace_max_us = pace_max_us;
}

static void
on_closed(uv_handle_t *handle)
{
	free(handle->data);
}

void
source_pace_free(struct source_pace **pace_p)
{
	struct source_pace *pace = *pace_p;

	if (pace == NULL)
		return;
	*pace_p = NULL;
	if (pace->timer < 0) {
		free(pace);
		return;
	}
	uv_close((uv_handle_t *)&pace->poll, on_closed);
	close(pace->timer);
}

static void
arm(struct source_pace *pace, uint64_t delay_us)
{
	const struct itimerspec when = {
		.it_value = { .tv_sec = (time_t)(delay_us / 1000000),
		    .tv_nsec = (long)(delay_us % 1000000 * 1000) },
	};

	pace->is_armed = true;
	timerfd_settime(pace->timer, 0, &when, NULL);
}

bool
source_pace_may_go(const struct source_pace *pace)
{
	return !pace->is_armed;
}

bool
source_pace_went(struct source_pace *pace)
{
	if (pace->pace_us == 0 || pace->timer < 0)
		return false;
	arm(pace, pace->pace_us);
	return true;
}

void
source_pace_news(struct source_pace *pace)
{
	pace->news++;
}

void
source_pace_tick(struct source_pace *pace)
{
	uint64_t now = now_us();
	uint64_t elapsed_us = now - pace->tick_us + 1;

	pace->pace_us = source_pace_us(
	    pace->news * 1000000 / elapsed_us, pace->pace_max_us);
	pace->news = 0;
	pace->tick_us = now;
}
