/* SPDX-License-Identifier: MIT */
#include "session_parts.h"

#include <stdlib.h>

/*
 * What the sink answers to a frame: stored, a repeat of one that is being
 * answered already, or failed. The new session takes effect only here.
 */

static struct flight *
find_flight(const struct session *session, uint64_t ticket)
{
	if (session->chat == NULL)
		return NULL;
	list_foreach(at, &session->chat->flights) {
		struct flight *flight = list_entry(at, struct flight, link);
		if (flight->ticket == ticket)
			return flight;
	}
	return NULL;
}

static void
send_ack(struct session *session, const struct flight *flight,
    const struct sink_answer *answer)
{
	if (!session->notices)
		return;
	const struct notice_ack ack = {
		.command = answer->id,
		.session = binding_id(session->current),
		.type = flight->texts,
		.request_id = flight_request_id(flight),
		.deduplicated = answer->outcome == SINK_REPEATED,
	};
	notice_begin(&session->env->frame);
	notice_ack(&session->env->frame, &ack);
	session_send(session);
}

static void
on_stored(struct session *session, const struct flight *flight,
    const struct sink_answer *answer)
{
	stat_add(session->env->stats, commands_stored, 1);
	if (flight->is_binding) {
		binding_commit(session);
		binding_announce(session);
	}
	send_ack(session, flight, answer);
	run_add(session, answer->id, flight->from, flight);
	if (flight->is_binding)
		binding_release(session);
}

/* The first request made its own session: that one takes the place of the
 * session that was made for the repeat. */
static void
bind_first_session(
    struct session *session, struct view id, struct entry_id cursor)
{
	const struct start start = { .kind = START_AFTER, .after = cursor };
	struct binding *first = binding_new(session, id, start, true);
	binding_free(session, &session->pending);
	session->pending = first;
}

/* The run's events come again, unless the socket was bound before and has not
 * got as far as its beginning, or began at a cursor of the client's. */
static void
replay_bound(struct session *session, struct entry_id from)
{
	struct binding *current = session->current;
	struct entry_id position;
	if (current->starts_after ||
	    !hub_position(current->subscription, &position))
		return;
	if (entry_id_compare(position, from) > 0)
		binding_seek(session, from);
}

static void
on_repeated(struct session *session, const struct flight *flight,
    const struct sink_answer *answer)
{
	struct entry_id cursor =
	    session->has_after ? session->after : answer->from;
	stat_add(session->env->stats, commands_deduplicated, 1);
	if (flight->is_binding) {
		if (answer->session.len > 0 &&
		    !view_equal(answer->session, binding_id(session->pending)))
			bind_first_session(session, answer->session, cursor);
		binding_commit(session);
	}
	send_ack(session, flight, answer);
	run_add(session, answer->id, answer->from, flight);
	if (!flight->is_binding)
		replay_bound(session, answer->from);
	else if (session->current->starts_after)
		binding_release(session);
	else
		binding_seek(session, cursor);
}

static void
on_failed(struct session *session, const struct flight *flight,
    enum sink_outcome outcome)
{
	command_fail(session, outcome, flight_request_id(flight));
	if (flight->is_binding)
		binding_rollback(session);
}

static void
settle(struct session *session, const struct flight *flight,
    const struct sink_answer *answer)
{
	switch (answer->outcome) {
	case SINK_STORED:
		run_own(session, answer->id, flight->is_dedup);
		on_stored(session, flight, answer);
		break;
	case SINK_REPEATED:
		run_own(session, answer->id, flight->is_dedup);
		on_repeated(session, flight, answer);
		break;
	case SINK_DEGRADED:
	case SINK_OVERLOADED:
	case SINK_TIMEOUT:
		on_failed(session, flight, answer->outcome);
		break;
	}
}

/* The hub may stand in front of a direct frame whose owner is known now. */
static void
go_on(struct session *session)
{
	if (session->owns_asked && session->current != NULL) {
		session->owns_asked = false;
		if (!session->is_full)
			hub_resume(
			    session->env->hub, session->current->subscription);
	}
	inbox_pump(session);
}

void
session_answer(struct session_env *env, uint64_t session_id, uint64_t ticket,
    const struct sink_answer *answer, uint64_t now_ms)
{
	env->now_ms = now_ms;
	struct session *session = session_env_find(env, session_id);
	if (session == NULL || session->is_closed)
		return;
	struct flight *flight = find_flight(session, ticket);
	if (flight == NULL)
		return;
	settle(session, flight, answer);
	flight_free(session, flight);
	if (!session->is_closed)
		go_on(session);
}

void
session_owner_told(struct session_env *env, uint64_t session_id,
    struct entry_id command, bool is_moved, uint64_t now_ms)
{
	env->now_ms = now_ms;
	struct session *session = session_env_find(env, session_id);
	if (session == NULL || session->is_closed)
		return;
	run_owner_told(session, command, is_moved);
	go_on(session);
}
