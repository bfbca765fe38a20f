/* SPDX-License-Identifier: MIT */
#include "session_parts.h"

#include "stream_key.h"
#include "xmalloc.h"

#include <stdlib.h>

/*
 * What the hub tells a subscription, and what a session does with its own. The
 * hub may not be asked to let go of a subscription from inside one of its
 * calls; a pending binding whose frame fails there is dropped on the next tick.
 */

static struct binding *
current_or_null(struct binding *binding)
{
	return binding->session->current == binding ? binding : NULL;
}

static enum hub_write
on_write(void *arg, struct view frames, size_t frame_count)
{
	struct binding *binding = arg;
	struct session *session = binding->session;
	(void)frame_count;
	session_hello(session, NULL);
	if (!session->is_closed)
		hub_write_straight(binding->subscription,
		    session->transport->write, session->conn);
	return session_write(session, frames);
}

static void
on_answered(void *arg, enum hub_write answer)
{
	struct binding *binding = arg;
	session_answered(binding->session, answer);
}

/* Its position may be what a frame waits for. */
static void
frame_may_go(struct binding *binding)
{
	struct session *session = binding->session;
	session->in_hub = true;
	inbox_pump(session);
	session->in_hub = false;
}

static void
on_opened(void *arg, const struct stream_info *info)
{
	struct binding *binding = arg;
	binding->is_opened = true;
	if (binding->starts_after)
		binding->tail = info->newest;
	if (current_or_null(binding) && !info->wrong_type)
		session_hello(binding->session, info);
	frame_may_go(binding);
}

static enum hub_write
tell_live(struct session *session, struct entry_id cursor, uint64_t replayed)
{
	if (!session->notices)
		return HUB_WRITE_OK;
	session_hello(session, NULL);
	notice_begin(&session->env->frame);
	notice_live(&session->env->frame, cursor, replayed);
	return session_send(session);
}

static enum hub_write
on_live(void *arg, struct entry_id cursor, uint64_t replayed)
{
	struct binding *binding = arg;
	enum hub_write wrote = HUB_WRITE_OK;
	if (!binding->is_held && !binding->is_announced)
		wrote = tell_live(binding->session, cursor, replayed);
	binding->is_live = true;
	binding->is_announced = false;
	frame_may_go(binding);
	return wrote;
}

static enum hub_write
on_gap(void *arg, const struct gap *gap)
{
	struct binding *binding = arg;
	struct session *session = binding->session;
	if (gap->reason == GAP_REWOUND || gap->reason == GAP_RECREATED)
		binding->tail = ENTRY_ID_ZERO;
	session_hello(session, NULL);
	notice_begin(&session->env->frame);
	notice_gap(&session->env->frame, gap);
	return session_send(session);
}

static enum hub_write
on_cursor(void *arg, struct entry_id cursor)
{
	struct binding *binding = arg;
	struct session *session = binding->session;
	session_hello(session, NULL);
	notice_begin(&session->env->frame);
	notice_cursor(&session->env->frame, cursor);
	return session_send(session);
}

static void
on_ended(
    void *arg, struct entry_id id, struct entry_id command, bool is_terminal)
{
	struct binding *binding = arg;
	if (current_or_null(binding))
		run_ended(binding->session, id, command, is_terminal);
}

static enum hub_owns
on_owns(void *arg, struct entry_id command)
{
	struct binding *binding = arg;
	return run_owns(binding->session, command);
}

static void
on_unusable(void *arg)
{
	struct binding *binding = arg;
	session_refuse(binding->session, "stream_unusable",
	    "The key of this session's events holds something else.",
	    SESSION_CLOSE_UNUSABLE);
}

static const struct subscriber_ops binding_ops = {
	.write = on_write,
	.answered = on_answered,
	.opened = on_opened,
	.live = on_live,
	.gap = on_gap,
	.cursor = on_cursor,
	.ended = on_ended,
	.owns = on_owns,
	.unusable = on_unusable,
};

struct view
binding_key(const struct binding *binding)
{
	const struct session *session = binding->session;
	struct buf *key = &session->env->key;
	buf_clear(key);
	stream_key_events(key, session->env->options.prefix,
	    session_tenant(session), session_user(session),
	    binding_id(binding));
	return buf_view(key);
}

struct binding *
binding_new(
    struct session *session, struct view id, struct start start, bool held)
{
	struct session_env *env = session->env;
	struct binding *binding = xcalloc(1, sizeof *binding + id.len);
	memcpy(binding->id_bytes, id.data, id.len);
	binding->id_len = (uint16_t)id.len;
	binding->session = session;
	binding->is_held = held;
	binding->starts_after = start.kind == START_AFTER;
	binding->subscription = hub_subscribe(env->hub, binding_key(binding),
	    session->endpoint_index, start, session->notices, held,
	    &binding_ops, binding, env->now_ms);
	hub_deflate(binding->subscription, session->deflate_bits);
	return binding;
}

void
binding_free(struct session *session, struct binding **binding_p)
{
	struct binding *binding = *binding_p;
	if (binding == NULL)
		return;
	*binding_p = NULL;
	hub_unsubscribe(session->env->hub, &binding->subscription);
	free(binding);
}

bool
binding_is_ready(const struct binding *binding)
{
	struct entry_id position;
	if (binding->starts_after)
		return binding->is_opened;
	return hub_position(binding->subscription, &position);
}

/* A socket that resumes stands behind the tail for a while, and from there a
 * repeated request would get older runs again: then the tail that it opened
 * with counts. */
struct entry_id
binding_tail(struct binding *binding)
{
	struct entry_id position = ENTRY_ID_ZERO;
	hub_position(binding->subscription, &position);
	if (entry_id_compare(position, binding->tail) < 0)
		return binding->tail;
	binding->tail = ENTRY_ID_ZERO;
	return position;
}

void
binding_commit(struct session *session)
{
	struct binding *old = session->current;
	session->current = session->pending;
	session->pending = NULL;
	session->has_after = false;
	if (old != NULL && session->chat != NULL)
		run_forget(session, binding_id(old));
	binding_free(session, &old);
}

void
binding_rollback(struct session *session)
{
	if (session->pending == NULL)
		return;
	list_remove(&session->timer);
	if (session->in_hub)
		session->pending_failed = true; /* inbox_again drops it */
	else
		binding_free(session, &session->pending);
}

/* What was fixed while it was held is told before the ack; one that resumes
 * is live only when its replay has come to the tail. */
void
binding_announce(struct session *session)
{
	struct binding *binding = session->current;
	struct entry_id position;
	if (binding->starts_after ||
	    !hub_position(binding->subscription, &position))
		return;
	binding->is_announced = !binding->is_live;
	tell_live(session, position, 0);
}

void
binding_release(struct session *session)
{
	struct binding *binding = session->current;
	binding->is_held = false;
	hub_release(session->env->hub, binding->subscription);
}

void
binding_seek(struct session *session, struct entry_id after)
{
	struct binding *binding = session->current;
	binding->is_held = false;
	hub_seek(session->env->hub, binding->subscription, after);
}
