/* SPDX-License-Identifier: MIT */
#include "session_parts.h"

#include "random.h"

/*
 * The planned end. Idle sessions are closed evenly over the first four fifths
 * of the time, so that those who reconnect do not come all at once. Sessions
 * with a command in flight or a run in progress are put aside and closed when
 * that is over, or in the last fifth.
 */

#define RETRY_MIN_MS 500
#define RETRY_MAX_MS 5000

static void
close_drained(struct session *session)
{
	struct session_env *env = session->env;
	struct entry_id cursor;
	if (session->is_closed)
		return;
	session_hello(session, NULL);
	if (session->chat != NULL)
		command_fail_all(session, SINK_TIMEOUT);
	if (session->notices) {
		bool is_known = session->current != NULL &&
		    hub_position(session->current->subscription, &cursor);
		notice_begin(&env->frame);
		notice_drain(&env->frame,
		    random_between(RETRY_MIN_MS, RETRY_MAX_MS),
		    is_known ? &cursor : NULL);
		session_send(session);
	}
	session_close(session, SESSION_CLOSE_RESTART);
}

/* How many of `total` are due when `elapsed` of `span` has passed; the first
 * one at once. */
static size_t
share(size_t total, uint64_t elapsed, uint64_t span)
{
	if (elapsed >= span)
		return total;
	size_t due = (size_t)(total * elapsed / span) + 1;
	return due < total ? due : total;
}

static void
put_into(struct session *session, struct list *list)
{
	list_remove(&session->all);
	list_add_tail(list, &session->all);
}

static void
drain_idle(struct session_env *env, size_t target)
{
	while (env->drain_done < target && !list_is_empty(&env->all)) {
		struct session *session =
		    list_entry(env->all.next, struct session, all);
		env->drain_done++;
		if (!session->is_closed && session_is_busy(session)) {
			put_into(session, &env->drain_busy);
			env->drain_busy_total++;
			continue;
		}
		put_into(session, &env->drain_over);
		close_drained(session);
	}
}

static void
drain_busy(struct session_env *env, size_t target)
{
	list_foreach(at, &env->drain_busy) {
		struct session *session = list_entry(at, struct session, all);
		bool is_due = env->drain_busy_done < target;
		if (!is_due && !session->is_closed && session_is_busy(session))
			continue;
		env->drain_busy_done++;
		put_into(session, &env->drain_over);
		close_drained(session);
	}
}

void
session_drain_tick(struct session_env *env)
{
	uint64_t elapsed = env->now_ms - env->drain_ms;
	uint64_t span = (uint64_t)env->drain_over_ms * 4 / 5;
	drain_idle(env, share(env->drain_total, elapsed, span));
	size_t forced = 0;
	if (elapsed >= span)
		forced = share(env->drain_busy_total, elapsed - span,
		    env->drain_over_ms - span);
	drain_busy(env, forced);
}

void
session_env_drain(struct session_env *env, uint64_t now_ms, unsigned over_ms)
{
	env->now_ms = now_ms;
	if (env->draining)
		return;
	env->draining = true;
	env->drain_ms = now_ms;
	env->drain_over_ms = over_ms;
	env->drain_total = env->count;
	session_drain_tick(env);
}
