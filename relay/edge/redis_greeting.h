/* SPDX-License-Identifier: MIT */
#ifndef REDIS_GREETING_H
#define REDIS_GREETING_H

/*
 * What is said on a fresh connection before anybody may use it: AUTH, SELECT,
 * CLIENT SETNAME and a PING, which a server that still loads refuses. Embedded
 * in redis_link, which alone uses it.
 */

#include "redis_link.h"

typedef int redis_send_fn(void *arg, const struct view *argv, size_t argc,
    redis_answer_fn *answer, void *answer_arg);

struct redis_greeting {
	const char *refusal; /* the first one: auth, loading, noperm … */
	/* refusal NULL: welcome. Not called when the connection is lost. */
	void (*done)(void *arg, const char *refusal);
	void *arg;
};

/* Sends all of it through `send` with the greeting's own arg. */
void redis_greeting_begin(struct redis_greeting *greeting,
    const struct redis_target *target, const char *name, redis_send_fn *send);

#endif
