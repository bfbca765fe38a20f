/* SPDX-License-Identifier: MIT */
#include "redis_greeting.h"

#include <stdio.h>

static void
note(struct redis_greeting *greeting, const struct redis_value *answer,
    const char *otherwise)
{
	const char *reason = redis_error_reason(answer);

	if (redis_value_type(answer) == REDIS_ERROR &&
	    greeting->refusal == NULL)
		greeting->refusal = reason != NULL ? reason : otherwise;
}

static bool
is_forbidden(const struct redis_value *answer)
{
	const char *reason = redis_error_reason(answer);

	return reason != NULL && strcmp(reason, "noperm") == 0;
}

static void
on_auth(void *arg, const struct redis_value *answer)
{
	note(arg, answer, "auth");
}

static void
on_select(void *arg, const struct redis_value *answer)
{
	note(arg, answer, "protocol");
}

/* A name is a courtesy: where only that is refused we go on without. */
static void
on_setname(void *arg, const struct redis_value *answer)
{
	if (redis_error_reason(answer) != NULL && !is_forbidden(answer))
		note(arg, answer, "protocol");
}

static void
on_ping(void *arg, const struct redis_value *answer)
{
	struct redis_greeting *greeting = arg;

	if (answer == NULL)
		return;
	/* Who may not PING may still do the rest. */
	if (!is_forbidden(answer))
		note(greeting, answer, "protocol");
	if (redis_value_type(answer) != REDIS_ERROR &&
	    !view_is(redis_value_text(answer), "PONG"))
		greeting->refusal = "protocol";
	greeting->done(greeting->arg, greeting->refusal);
}

static void
send_auth(struct redis_greeting *greeting, const struct redis_target *target,
    redis_send_fn *send)
{
	struct view argv[3] = { view_of("AUTH") };
	size_t argc = 1;

	if (target->password == NULL)
		return;
	if (target->user != NULL)
		argv[argc++] = view_of(target->user);
	argv[argc++] = view_of(target->password);
	send(greeting->arg, argv, argc, on_auth, greeting);
}

static void
send_select(struct redis_greeting *greeting, int database, redis_send_fn *send)
{
	char number[16];
	struct view argv[2] = { view_of("SELECT") };

	if (database == 0)
		return;
	snprintf(number, sizeof(number), "%d", database);
	argv[1] = view_of(number);
	send(greeting->arg, argv, 2, on_select, greeting);
}

void
redis_greeting_begin(struct redis_greeting *greeting,
    const struct redis_target *target, const char *name, redis_send_fn *send)
{
	const struct view setname[3] = { view_of("CLIENT"), view_of("SETNAME"),
		view_of(name) };
	const struct view ping = view_of("PING");

	greeting->refusal = NULL;
	send_auth(greeting, target, send);
	send_select(greeting, target->database, send);
	send(greeting->arg, setname, 3, on_setname, greeting);
	send(greeting->arg, &ping, 1, on_ping, greeting);
}
