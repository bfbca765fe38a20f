/* SPDX-License-Identifier: MIT */
#include "session_parts.h"

#include "xmalloc.h"

#include <stdlib.h>

/*
 * Frames are taken in the order in which they came. One that binds the socket
 * to a session holds up those behind it until it is answered, because they may
 * mean the session that it brings. Others follow each other to the sink without
 * waiting.
 */

/* Between looks whether a chat is still needed. */
#define REST_MS 5000

static struct chat *
chat_new(struct session *session)
{
	struct session_env *env = session->env;
	struct chat *chat = xcalloc(1, sizeof *chat);
	chat->session = session;
	list_init(&chat->link);
	list_init(&chat->renew);
	list_init(&chat->again);
	list_init(&chat->inbox);
	list_init(&chat->flights);
	list_init(&chat->runs);
	rate_init(&chat->rate, env->options.frames_burst, env->now_ms);
	return chat;
}

static void
look_again_later(struct chat *chat)
{
	struct session_env *env = chat->session->env;
	chat->heard_ms = env->now_ms;
	list_remove(&chat->link);
	list_add_tail(&env->chats, &chat->link);
}

struct chat *
session_chat(struct session *session)
{
	if (session->chat == NULL)
		session->chat = chat_new(session);
	look_again_later(session->chat);
	return session->chat;
}

static struct queued *
inbox_head(const struct session *session)
{
	const struct chat *chat = session->chat;
	if (chat == NULL || list_is_empty(&chat->inbox))
		return NULL;
	return list_entry(chat->inbox.next, struct queued, link);
}

static void
inbox_push(struct session *session, struct view frame)
{
	struct session_env *env = session->env;
	struct queued *queued = xmalloc(sizeof *queued + frame.len);
	queued->received_ms = env->now_ms;
	queued->len = frame.len;
	memcpy(queued->bytes, frame.data, frame.len);
	list_add_tail(&session->chat->inbox, &queued->link);
	session->chat->unanswered++;
	env->queued_bytes += frame.len;
}

static void
inbox_pop(struct session *session)
{
	struct queued *queued = inbox_head(session);
	list_remove(&queued->link);
	session->chat->unanswered--;
	session->env->queued_bytes -= queued->len;
	free(queued);
}

static void
flights_free(struct chat *chat)
{
	list_foreach(at, &chat->flights)
		free(list_entry(at, struct flight, link));
	list_foreach(at, &chat->runs)
		free(list_entry(at, struct run, link));
}

void
session_chat_free(struct session *session)
{
	if (session->chat == NULL)
		return;
	while (inbox_head(session) != NULL)
		inbox_pop(session);
	struct chat *chat = session->chat;
	list_remove(&chat->link);
	list_remove(&chat->renew);
	list_remove(&chat->again);
	flights_free(chat);
	free(chat);
	session->chat = NULL;
}

/* Nothing in it makes a difference to a new one. */
static bool
rests(const struct chat *chat)
{
	const struct session_options *options = &chat->session->env->options;
	return chat->unanswered == 0 && list_is_empty(&chat->runs) &&
	    list_is_empty(&chat->again) && chat->session->pending == NULL &&
	    rate_is_rested(&chat->rate, options->frames_per_second,
		options->frames_burst, chat->session->env->now_ms);
}

void
session_chats_tick(struct session_env *env)
{
	while (!list_is_empty(&env->chats)) {
		struct chat *chat =
		    list_entry(env->chats.next, struct chat, link);
		if (env->now_ms - chat->heard_ms < REST_MS)
			return;
		if (rests(chat))
			session_chat_free(chat->session);
		else
			look_again_later(chat);
	}
}

/* Must a frame that comes now wait? */
static bool
is_held_up(const struct session *session)
{
	return session->pending != NULL || inbox_head(session) != NULL;
}

/* One frame has room in any case: the bound may be less than it may be. */
static bool
has_room(const struct session *session, struct view frame)
{
	const struct session_env *env = session->env;
	return session->chat->unanswered < env->options.max_unanswered &&
	    (env->queued_bytes == 0 ||
		env->queued_bytes + frame.len <=
		    env->options.max_waiting_bytes);
}

void
inbox_receive(struct session *session, struct view frame)
{
	struct session_env *env = session->env;
	if (!has_room(session, frame))
		command_fail(session, SINK_OVERLOADED, view_make(NULL, 0));
	else if (is_held_up(session) ||
	    command_take(session, frame, env->now_ms) == FRAME_WAITS)
		inbox_push(session, frame);
}

/* The head may go unless it stands behind the frame that binds. */
static bool
head_may_go(const struct session *session)
{
	if (session->is_closed || session->pending_failed)
		return false;
	return inbox_head(session) != NULL &&
	    (session->pending == NULL || !session->pending->is_sent);
}

static bool
take_head(struct session *session)
{
	struct queued *head = inbox_head(session);
	if (command_take(session, view_make(head->bytes, head->len),
		head->received_ms) == FRAME_WAITS)
		return false;
	inbox_pop(session);
	return true;
}

static void
schedule_again(struct session *session)
{
	list_remove(&session->chat->again);
	list_add_tail(&session->env->agains, &session->chat->again);
}

/* From inside the hub only one: the next may want another subscription. */
void
inbox_pump(struct session *session)
{
	if (!head_may_go(session) || !take_head(session))
		return;
	if (session->in_hub) {
		schedule_again(session);
		return;
	}
	while (head_may_go(session) && take_head(session))
		;
}

void
inbox_fail_all(struct session *session, enum sink_outcome outcome)
{
	struct queued *head;
	while ((head = inbox_head(session)) != NULL) {
		command_give_up(
		    session, view_make(head->bytes, head->len), outcome);
		inbox_pop(session);
	}
}

void
inbox_again(struct session *session)
{
	if (session->pending_failed) {
		session->pending_failed = false;
		binding_rollback(session);
	}
	inbox_pump(session);
}

void
inbox_give_up(struct session *session, enum sink_outcome outcome)
{
	list_remove(&session->timer);
	if (session->is_closed || inbox_head(session) == NULL)
		return;
	struct queued *head = inbox_head(session);
	command_give_up(session, view_make(head->bytes, head->len), outcome);
	inbox_pop(session);
	binding_rollback(session);
	inbox_pump(session);
}
