/* SPDX-License-Identifier: MIT */
#include "redis_link_parts.h"

#include "log.h"
#include "xmalloc.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

/*
 * States: STOPPED -> CONNECTING (socket) -> GREETING (AUTH, SELECT, SETNAME,
 * PING) -> UP, and from anywhere WAITING for the next attempt. One timer
 * serves all: end of the pause, deadline of the attempt, deadline of the
 * earliest command or time of the next PING.
 *
 * Commands are collected and written once a loop turn, before the loop sleeps.
 *
 * Callbacks may do anything to the link, even free it: each connection has a
 * number, and a loop over replies ends when the number has changed. The
 * memory outlives the stack because libuv closes handles from the loop.
 */

/* --- the timer --- */

static void on_timer(uv_timer_t *timer);

void
redis_link_set_timer(struct redis_link *link, uint64_t due_ms)
{
	uint64_t now_ms = uv_now(link->loop);

	link->due_ms = due_ms;
	if (due_ms == UINT64_MAX)
		uv_timer_stop(&link->timer);
	else
		uv_timer_start(&link->timer, on_timer,
		    due_ms > now_ms ? due_ms - now_ms : 0, 0);
}

static bool
has_late_command(const struct redis_link *link)
{
	return redis_queue_due_ms(&link->queue,
		   redis_link_alive_until_ms(link)) <= uv_now(link->loop);
}

static void
schedule_up(struct redis_link *link)
{
	uint64_t due_ms =
	    redis_queue_due_ms(&link->queue, redis_link_alive_until_ms(link));

	if (link->options.ping_ms > 0 && link->queue.count == 0)
		due_ms = link->heard_ms + link->options.ping_ms;
	redis_link_set_timer(link, due_ms);
}

/* --- losing a connection --- */

static void
disconnect(struct redis_link *link)
{
	link->connection++;
	link->is_subscribed = false;
	turn_cancel(link->flush);
	redis_uv_close(&link->uv); /* first: it polls the wire's socket */
	redis_wire_free(&link->wire);
}

/* The connection is gone, or was never made; another follows. */
static void
drop(struct redis_link *link, const char *reason)
{
	uint64_t now_ms = uv_now(link->loop);
	uint64_t connection;

	if (link->state == LINK_STOPPED || link->state == LINK_WAITING)
		return;
	disconnect(link);
	connection = link->connection;
	link->reconnects++;
	link->state = LINK_WAITING;
	redis_link_set_timer(
	    link, now_ms + redis_backoff_lost(&link->backoff, now_ms));
	log_throttled(LOG_LEVEL_WARN, "redis", "lost", "link", link->name,
	    "reason", reason, NULL);
	redis_queue_answer_lost(&link->queue);
	if (link->connection == connection && !link->is_freed &&
	    link->ops.down != NULL)
		link->ops.down(link->arg, reason);
}

/* --- replies --- */

static void
give_answer(struct redis_link *link, const struct redis_value *value)
{
	struct redis_waiter waiter = redis_queue_pop(&link->queue);
	uint64_t connection = link->connection;
	const char *reason =
	    link->state == LINK_UP ? redis_error_fatal(value) : NULL;

	link->latency_us = uv_hrtime() / 1000 - waiter.sent_us + 1;
	if (waiter.answer != NULL)
		waiter.answer(waiter.arg, value);
	if (reason != NULL && link->connection == connection)
		drop(link, reason);
}

static void
handle_reply(struct redis_link *link, const struct redis_value *value)
{
	const struct redis_value *message =
	    link->is_subscribed ? redis_wire_message(value) : NULL;
	const char *reason;

	if (message != NULL) {
		if (link->ops.push != NULL)
			link->ops.push(link->arg, message);
		return;
	}
	if (link->queue.count > 0) {
		give_answer(link, value);
		return;
	}
	/* Nobody asked: a parting error, or no Redis at all. */
	reason = redis_error_reason(value);
	drop(link, reason != NULL ? reason : "protocol");
}

static void
handle_replies(struct redis_link *link)
{
	uint64_t connection = link->connection;

	while (link->connection == connection) {
		struct redis_value *value = NULL;
		int got = redis_wire_next(link->wire, &value);

		if (got == 0)
			return;
		if (got < 0) {
			drop(link, "protocol");
			return;
		}
		handle_reply(link, value);
		redis_wire_free_value(value);
	}
}

static void
on_readable(void *arg)
{
	struct redis_link *link = arg;

	switch (redis_wire_read(link->wire)) {
	case REDIS_WIRE_IDLE:
		return;
	case REDIS_WIRE_SOME:
		link->heard_ms = uv_now(link->loop);
		handle_replies(link);
		return;
	case REDIS_WIRE_LOST:
		drop(link, "closed");
		return;
	}
}

/* --- greeting --- */

static int
send_greeting(void *arg, const struct view *argv, size_t argc,
    redis_answer_fn *answer, void *answer_arg)
{
	return redis_link_send(arg, argv, argc, 0, answer, answer_arg);
}

static void
on_greeted(void *arg, const char *refusal)
{
	struct redis_link *link = arg;

	if (refusal != NULL) {
		drop(link, refusal);
		return;
	}
	link->state = LINK_UP;
	redis_backoff_came_up(&link->backoff, uv_now(link->loop));
	schedule_up(link);
	log_throttled(LOG_LEVEL_INFO, "redis", "up", "link", link->name, NULL);
	if (link->ops.up != NULL)
		link->ops.up(link->arg);
}

/* --- connecting --- */

static void
on_connected(void *arg, int socket)
{
	struct redis_link *link = arg;

	link->wire = redis_wire_new(socket);
	if (link->wire == NULL) {
		drop(link, "refused");
		return;
	}
	link->state = LINK_GREETING;
	link->heard_ms = uv_now(link->loop);
	redis_greeting_begin(
	    &link->greeting, link->target, link->name, send_greeting);
}

static void
on_failed(void *arg, const char *reason)
{
	drop(arg, reason);
}

static void
connect_now(struct redis_link *link)
{
	static const struct redis_uv_ops uv_ops = { on_connected, on_failed,
		on_readable, redis_link_flush };

	link->state = LINK_CONNECTING;
	redis_link_set_timer(
	    link, uv_now(link->loop) + link->options.connect_ms);
	link->uv = redis_uv_connect(link->loop, link->target, &uv_ops, link);
}

static void
send_ping(struct redis_link *link)
{
	struct view ping = view_of("PING");

	redis_link_send(link, &ping, 1, 0, NULL, NULL);
}

/* The process may have been asleep: what already waits in the socket counts
 * as having come in time. */
static void
check_deadlines(struct redis_link *link)
{
	uint64_t connection = link->connection;

	if (has_late_command(link))
		on_readable(link);
	if (link->connection != connection)
		return;
	if (has_late_command(link)) {
		drop(link, "timeout");
		return;
	}
	if (link->queue.count == 0 && link->options.ping_ms > 0 &&
	    link->heard_ms + link->options.ping_ms <= uv_now(link->loop))
		send_ping(link);
	schedule_up(link);
}

static void
on_timer(uv_timer_t *timer)
{
	struct redis_link *link = timer->data;

	switch (link->state) {
	case LINK_STOPPED:
		return;
	case LINK_WAITING:
		connect_now(link);
		return;
	case LINK_CONNECTING:
	case LINK_GREETING:
		drop(link, "timeout");
		return;
	case LINK_UP:
		check_deadlines(link);
		return;
	}
}

/* --- public --- */

struct redis_link *
redis_link_new(struct uv_loop_s *loop, const struct redis_target *target,
    const struct redis_link_options *options, const struct redis_link_ops *ops,
    void *arg)
{
	struct redis_link *link = xcalloc(1, sizeof(*link));

	link->loop = loop;
	link->target = target;
	link->options = *options;
	link->ops = *ops;
	link->arg = arg;
	link->due_ms = UINT64_MAX;
	redis_backoff_init(&link->backoff, options->backoff_min_ms,
	    options->backoff_max_ms, uv_hrtime() ^ (uint64_t)(uintptr_t)link);
	link->greeting.done = on_greeted;
	link->greeting.arg = link;
	snprintf(link->name, sizeof(link->name), "%s", options->name);
	link->flush = turn_new(loop, TURN_BEFORE_POLL, redis_link_flush, link);
	uv_timer_init(loop, &link->timer);
	link->timer.data = link;
	return link;
}

void
redis_link_start(struct redis_link *link)
{
	if (link->state != LINK_STOPPED || link->is_freed)
		return;
	uv_update_time(link->loop); /* the loop may not have run for long */
	connect_now(link);
}

void
redis_link_stop(struct redis_link *link)
{
	if (link->state == LINK_STOPPED)
		return;
	disconnect(link);
	link->state = LINK_STOPPED;
	redis_backoff_reset(&link->backoff);
	redis_link_set_timer(link, UINT64_MAX);
	redis_queue_answer_lost(&link->queue);
}

static void
on_timer_closed(uv_handle_t *handle)
{
	struct redis_link *link = handle->data;

	redis_queue_fini(&link->queue);
	free(link);
}

void
redis_link_free(struct redis_link **link_p)
{
	struct redis_link *link = *link_p;

	if (link == NULL)
		return;
	*link_p = NULL;
	assert(!link->is_freed);
	link->is_freed = true;
	redis_link_stop(link);
	turn_free(&link->flush);
	uv_close((uv_handle_t *)&link->timer, on_timer_closed);
}

void
redis_link_reset(struct redis_link *link, const char *reason)
{
	drop(link, reason);
}

bool
redis_link_is_up(const struct redis_link *link)
{
	return link->state == LINK_UP;
}

void
redis_link_hold(struct redis_link *link, bool is_held)
{
	if (link->state == LINK_UP && !link->is_freed)
		redis_uv_hold(link->uv, is_held);
}

void
redis_link_hear(struct redis_link *link)
{
	if (link->state == LINK_UP && !link->is_freed)
		on_readable(link);
}

uint64_t
redis_link_reconnects(const struct redis_link *link)
{
	return link->reconnects;
}

uint64_t
redis_link_latency_us(const struct redis_link *link)
{
	return link->latency_us;
}
