/* SPDX-License-Identifier: MIT */
#ifndef REDIS_LINK_PARTS_H
#define REDIS_LINK_PARTS_H

/*
 * What the redis_link*.c files share and nobody else sees: the struct, and who
 * calls whom. redis_link.c makes, guards and loses the connection and hands out
 * what comes; redis_link_send.c is the way out.
 */

#include "redis_backoff.h"
#include "redis_greeting.h"
#include "redis_link.h"
#include "redis_queue.h"
#include "redis_uv.h"
#include "redis_wire.h"
#include "turn.h"

#include <uv.h>

enum redis_link_state {
	LINK_STOPPED,
	LINK_WAITING,
	LINK_CONNECTING,
	LINK_GREETING,
	LINK_UP
};

struct redis_link {
	uv_loop_t *loop;
	const struct redis_target *target;
	struct redis_link_options options;
	struct redis_link_ops ops;
	void *arg;
	char name[48];

	enum redis_link_state state;
	uint64_t connection; /* counts them; redis_link.c says why */
	bool is_freed;
	bool is_subscribed;
	struct redis_greeting greeting;
	struct redis_uv *uv;
	struct redis_wire *wire;

	struct redis_queue queue; /* commands under way */
	struct redis_backoff backoff;

	uv_timer_t timer;
	struct turn *flush;
	uint64_t due_ms;   /* when the timer fires */
	uint64_t heard_ms; /* when the last bytes came */

	uint64_t reconnects;
	uint64_t latency_us;
};

/* redis_link.c */
/* UINT64_MAX: not at all. */
void redis_link_set_timer(struct redis_link *link, uint64_t due_ms);

/* What came last moves the deadlines up to here. */
static inline uint64_t
redis_link_alive_until_ms(const struct redis_link *link)
{
	return link->heard_ms + link->options.command_ms;
}

/* redis_link_send.c */
/* As redis_link_command, but while the link is greeted too. */
int redis_link_send(struct redis_link *link, const struct view *argv,
    size_t argc, unsigned deadline_ms, redis_answer_fn *answer, void *arg);
/* To the kernel, as much as it takes; `arg` is the link. */
void redis_link_flush(void *arg);

#endif
