/* SPDX-License-Identifier: MIT */
#include "session_parts.h"

#include "ws_frame.h"
#include "xmalloc.h"

#include <stdio.h>
#include <stdlib.h>

#define OWNED_FIRST 1   /* a power of two, like SESSION_OWNED_MAX */
#define SURE_MS     200 /* an answer that is kept longer is asked for anew */

/*
 * Requests that runs answer. The record that keeps such a request from being
 * run twice is renewed while the owner is here and released when the owner has
 * the terminal event: a ping is written behind it, and the pong, or the
 * client's close, proves that everything before it was read.
 *
 * A terminal event that names no command ends the oldest request that this
 * connection has open in the session; events that lie before its storing
 * belong to an earlier run.
 */

/* With room for one more; at its bound the oldest is forgotten. */
static struct owned_ring *
make_room_for_owned(struct owned_ring *owned)
{
	unsigned next = owned == NULL ? 0 : owned->next;
	unsigned room = owned == NULL ? OWNED_FIRST : 2 * owned->room;
	if (owned != NULL &&
	    (next < owned->room || owned->room == SESSION_OWNED_MAX))
		return owned;
	owned =
	    xrealloc(owned, sizeof *owned + room * sizeof owned->commands[0]);
	owned->room = room;
	owned->next = next;
	return owned;
}

void
run_own(struct session *session, struct entry_id command, bool may_move)
{
	struct owned_ring *ring = make_room_for_owned(session->owned);
	ring->commands[ring->next++ % SESSION_OWNED_MAX] =
	    (struct owned){ .command = command, .may_move = may_move };
	session->owned = ring;
}

/* The latest, where it was lost and came back. */
static struct owned *
find_owned(struct owned_ring *ring, struct entry_id command)
{
	if (ring == NULL)
		return NULL;
	size_t count = ring->next < ring->room ? ring->next : ring->room;
	for (size_t i = 1; i <= count; i++) {
		struct owned *owned =
		    &ring->commands[(ring->next - i) % SESSION_OWNED_MAX];
		if (entry_id_compare(owned->command, command) == 0)
			return owned;
	}
	return NULL;
}

/*
 * A repeat elsewhere, perhaps on another node, tells nobody here. So the one
 * command in a thousand that is answered directly and may have moved costs a
 * question: each answer, not each event. When nobody can be asked it stays.
 */
static enum hub_owns
ask_whose(struct session *session, struct owned *owned)
{
	struct session_env *env = session->env;
	const struct owner_question question = {
		.session_id = session->number,
		.tenant = session_tenant(session),
		.user = session_user(session),
		.connection = session_connection(session),
		.command = owned->command,
	};
	if (!owned->is_asked &&
	    env->sink->ask_owner(env->sink_arg, &question) < 0) {
		owned->sure_ms = env->now_ms;
		return OWNS_YES;
	}
	owned->is_asked = true;
	session->owns_asked = true;
	return OWNS_UNKNOWN;
}

static bool
is_sure(const struct session *session, const struct owned *owned)
{
	return !owned->may_move ||
	    (owned->sure_ms > 0 &&
		session->env->now_ms - owned->sure_ms < SURE_MS);
}

/* May it be that of a frame that the sink has not answered? Not of one that was
 * sent after it was asked for first, whose command is younger, unless that
 * repeats an older one. */
static bool
may_be_in_flight(const struct session *session, struct entry_id command)
{
	struct chat *chat = session->chat;
	if (chat == NULL || list_is_empty(&chat->flights))
		return false;
	if (entry_id_compare(chat->doubted, command) != 0) {
		chat->doubted = command;
		chat->doubted_ticket = session->env->last_ticket;
	}
	list_foreach(at, &chat->flights) {
		const struct flight *flight =
		    list_entry(at, struct flight, link);
		if (flight->is_dedup || flight->ticket <= chat->doubted_ticket)
			return true;
	}
	return false;
}

enum hub_owns
run_owns(struct session *session, struct entry_id command)
{
	struct owned *owned = find_owned(session->owned, command);
	if (owned != NULL)
		return is_sure(session, owned) ? OWNS_YES
					       : ask_whose(session, owned);
	if (!may_be_in_flight(session, command))
		return OWNS_NO;
	session->owns_asked = true;
	return OWNS_UNKNOWN;
}

static void
run_free(struct session *session, struct run *run)
{
	list_remove(&run->link);
	free(run);
	if (list_is_empty(&session->chat->runs))
		list_remove(&session->chat->renew);
}

/* Beyond the bound the oldest goes; its record ends by itself in time. */
static void
make_room(struct session *session)
{
	struct list *runs = &session->chat->runs;
	size_t count = 0;
	list_foreach(at, runs)
		count++;
	if (count >= SESSION_RUNS_MAX)
		run_free(session, list_entry(runs->next, struct run, link));
}

static void
renew_later(struct session *session)
{
	struct session_env *env = session->env;
	struct chat *chat = session->chat;
	chat->renew_ms = env->now_ms + env->options.renew_ms;
	list_remove(&chat->renew);
	list_add_tail(&env->renews, &chat->renew);
}

void
run_add(struct session *session, struct entry_id command, struct entry_id from,
    const struct flight *flight)
{
	if (!flight->is_dedup && !flight->creates_session)
		return;
	struct view id = binding_id(session->current);
	make_room(session);
	struct run *run = xcalloc(1, sizeof *run + id.len);
	run->command = command;
	run->from = from;
	run->is_dedup = flight->is_dedup;
	run->session_len = (uint16_t)id.len;
	memcpy(run->session, id.data, id.len);
	list_add_tail(&session->chat->runs, &run->link);
	if (list_is_empty(&session->chat->renew))
		renew_later(session);
}

void
run_owner_told(struct session *session, struct entry_id command, bool is_moved)
{
	struct owned *owned = find_owned(session->owned, command);
	if (owned == NULL)
		return;
	owned->is_asked = false;
	owned->sure_ms = session->env->now_ms;
	if (!is_moved)
		return;
	owned->command = (struct entry_id){ 0 };
	if (session->chat == NULL)
		return;
	list_foreach(at, &session->chat->runs) {
		struct run *run = list_entry(at, struct run, link);
		if (entry_id_compare(run->command, command) == 0)
			run_free(session, run);
	}
}

static struct run *
find_ended(const struct session *session, struct entry_id id,
    struct entry_id command, bool is_terminal)
{
	struct view current = binding_id(session->current);
	list_foreach(at, &session->chat->runs) {
		struct run *run = list_entry(at, struct run, link);
		if (run->is_ended ||
		    !view_equal(
			view_make(run->session, run->session_len), current))
			continue;
		if (!entry_id_is_zero(command)) {
			if (entry_id_compare(run->command, command) == 0)
				return run;
		} else if (is_terminal && entry_id_compare(run->from, id) < 0) {
			return run;
		}
	}
	return NULL;
}

static void
send_ping(struct session *session, uint64_t number)
{
	char frame[WS_FRAME_HEADER_MAX + 32];
	char payload[32];
	int length = snprintf(
	    payload, sizeof payload, "run-%llu", (unsigned long long)number);
	size_t header = ws_frame_header(frame, WS_PING, (uint64_t)length);
	memcpy(frame + header, payload, (size_t)length);
	session_write(session, view_make(frame, header + (size_t)length));
}

void
run_ended(struct session *session, struct entry_id id, struct entry_id command,
    bool is_terminal)
{
	if (session->chat == NULL || session->is_closed)
		return;
	struct owned *owned = find_owned(session->owned, command);
	if (owned != NULL)
		owned->sure_ms = 0; /* of the next answer it is not known */
	struct run *run = find_ended(session, id, command, is_terminal);
	if (run == NULL)
		return;
	if (!run->is_dedup) {
		run_free(session, run);
		return;
	}
	run->is_ended = true;
	run->ping = session->chat->last_ping = ++session->env->last_ping;
	send_ping(session, run->ping);
}

void
run_forget(struct session *session, struct view id)
{
	list_foreach(at, &session->chat->runs) {
		struct run *run = list_entry(at, struct run, link);
		if (!run->is_ended &&
		    view_equal(view_make(run->session, run->session_len), id))
			run_free(session, run);
	}
}

/* Everything up to this ping was read. */
static void
release_through(struct session *session, uint64_t ping)
{
	struct session_env *env = session->env;
	list_foreach(at, &session->chat->runs) {
		struct run *run = list_entry(at, struct run, link);
		if (!run->is_ended || run->ping > ping)
			continue;
		env->sink->release(env->sink_arg, session_tenant(session),
		    session_user(session),
		    view_make(run->session, run->session_len),
		    session_connection(session), run->command);
		run_free(session, run);
	}
}

/* A pong that is none of ours has another payload, or a number that was not
 * sent; a client that makes one up only shortens its own protection. */
void
run_pong(struct session *session, struct view payload)
{
	static const char prefix[] = "run-";
	size_t skip = sizeof prefix - 1;
	uint64_t number;
	if (session->chat == NULL || payload.len <= skip ||
	    memcmp(payload.data, prefix, skip) != 0)
		return;
	struct view digits = view_make(payload.data + skip, payload.len - skip);
	if (view_decimal(digits, 19, &number) &&
	    number <= session->chat->last_ping)
		release_through(session, number);
}

void
run_peer_closed(struct session *session)
{
	if (session->chat != NULL)
		release_through(session, session->chat->last_ping);
}

/* A pong may be lost: a client may answer only the latest of several pings. */
void
run_renew(struct session *session)
{
	struct session_env *env = session->env;
	bool unanswered = false;
	list_remove(&session->chat->renew);
	if (session->is_closed)
		return;
	list_foreach(at, &session->chat->runs) {
		struct run *run = list_entry(at, struct run, link);
		unanswered = unanswered || run->is_ended;
		if (run->is_dedup && !run->is_ended)
			env->sink->renew(env->sink_arg, session_tenant(session),
			    session_user(session),
			    view_make(run->session, run->session_len),
			    session_connection(session), run->command);
	}
	if (unanswered)
		send_ping(session, session->chat->last_ping);
	renew_later(session);
}

bool
run_in_progress(const struct session *session)
{
	list_foreach(at, &session->chat->runs)
		if (!list_entry(at, struct run, link)->is_ended)
			return true;
	return false;
}
