/* SPDX-License-Identifier: MIT */
#include "redis_link_parts.h"

/* A slow but living answer may take this many times the default deadline. */
#define PATIENCE 12

void
redis_link_flush(void *arg)
{
	struct redis_link *link = arg;
	int rest = redis_wire_flush(link->wire);

	if (rest < 0)
		redis_link_reset(link, "closed");
	else
		redis_uv_want_write(link->uv, rest > 0);
}

int
redis_link_send(struct redis_link *link, const struct view *argv, size_t argc,
    unsigned deadline_ms, redis_answer_fn *answer, void *arg)
{
	uint64_t now_ms = uv_now(link->loop);
	unsigned patience_ms = link->options.command_ms * PATIENCE;
	struct redis_waiter waiter = {
		.answer = answer,
		.arg = arg,
		.deadline_ms = now_ms +
		    (deadline_ms ? deadline_ms : link->options.command_ms),
		.hard_ms = now_ms + (deadline_ms ? deadline_ms : patience_ms),
		.sent_us = uv_hrtime() / 1000,
	};

	if (redis_wire_append(link->wire, argv, argc) != 0)
		return -1;
	redis_queue_push(&link->queue, &waiter);
	turn_want(link->flush);

	uint64_t due_ms =
	    redis_waiter_due_ms(&waiter, redis_link_alive_until_ms(link));

	if (link->state == LINK_UP && due_ms < link->due_ms)
		redis_link_set_timer(link, due_ms);
	return 0;
}

int
redis_link_command(struct redis_link *link, const struct view *argv,
    size_t argc, unsigned deadline_ms, redis_answer_fn *answer, void *arg)
{
	if (link->state != LINK_UP || link->is_freed)
		return -1;
	return redis_link_send(link, argv, argc, deadline_ms, answer, arg);
}

/* What could not be written is the flush's matter, errors too. */
void
redis_link_hurry(struct redis_link *link)
{
	if (link->state == LINK_UP && !link->is_freed)
		redis_wire_flush(link->wire);
}

int
redis_link_subscribe(struct redis_link *link, struct view channel,
    redis_answer_fn *answer, void *arg)
{
	const struct view argv[2] = { view_of("SUBSCRIBE"), channel };

	if (redis_link_command(link, argv, 2, 0, answer, arg) != 0)
		return -1;
	link->is_subscribed = true;
	return 0;
}

size_t
redis_link_pending(const struct redis_link *link)
{
	return link->queue.count;
}
