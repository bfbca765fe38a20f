/* SPDX-License-Identifier: MIT */
#include "session_parts.h"

#include "random.h"
#include "users.h"
#include "xmalloc.h"

#include <assert.h>
#include <stdlib.h>

/* Nothing more goes out to the peer. */
static void
shut(struct session *session)
{
	session->is_closed = true;
	if (session->current != NULL)
		hub_write_straight(session->current->subscription, NULL, NULL);
}

void
session_answered(struct session *session, enum hub_write answer)
{
	if (answer == HUB_WRITE_FULL)
		session->is_full = true;
	if (answer == HUB_WRITE_GONE)
		shut(session);
}

enum hub_write
session_write(struct session *session, struct view frames)
{
	if (session->is_closed)
		return HUB_WRITE_GONE;
	enum hub_write wrote = session->transport->write(session->conn, frames);
	session_answered(session, wrote);
	return wrote;
}

enum hub_write
session_send(struct session *session)
{
	return session_write(session, notice_finish(&session->env->frame));
}

void
session_error(struct session *session, const char *code, const char *message,
    struct view request_id)
{
	struct buf *out = &session->env->frame;
	notice_begin(out);
	notice_error(out, code, message, request_id);
	session_send(session);
}

static void
count_close(struct stats *stats, uint16_t close_code)
{
	if (close_code == SESSION_CLOSE_TOO_LARGE)
		stat_add(stats, closes_size, 1);
	else if (close_code == SESSION_CLOSE_RESTART)
		stat_add(stats, closes_drain, 1);
	else if (close_code == SESSION_CLOSE_EXPIRED)
		stat_add(stats, closes_expired, 1);
	else
		stat_add(stats, closes_policy, 1);
}

void
session_close(struct session *session, uint16_t close_code)
{
	if (session->is_closed)
		return;
	shut(session);
	count_close(session->env->stats, close_code);
	list_remove(&session->timer);
	session->transport->close(session->conn, close_code);
}

void
session_refuse(struct session *session, const char *code, const char *message,
    uint16_t close_code)
{
	session_error(session, code, message, view_make(NULL, 0));
	session_close(session, close_code);
}

void
session_refuse_as(
    struct session *session, const struct contract_refusal *refusal)
{
	session_refuse(session, refusal->code, refusal->message,
	    refusal->close ? refusal->close : SESSION_CLOSE_POLICY);
}

struct view
session_connection(struct session *session)
{
	struct buf *out = &session->env->text;
	buf_clear(out);
	buf_add(out, session->env->options.node);
	buf_add_char(out, '-');
	buf_add_u64(out, session->number);
	return buf_view(out);
}

void
session_hello(struct session *session, const struct stream_info *info)
{
	struct session_env *env = session->env;
	if (session->hello_sent || session->is_closed)
		return;
	session->hello_sent = true;
	list_remove(&session->timer);
	if (!session->notices)
		return;
	session->told_degraded = !env->redis_up;
	struct notice_hello hello = {
		.contract = env->contract,
		.endpoint = session_endpoint(session)->name,
		.connection = session_connection(session),
		.is_degraded = !env->redis_up,
		.ping_interval_ms = env->options.ping_interval_ms,
	};
	if (session->current != NULL)
		hello.session = binding_id(session->current);
	if (info != NULL && info->exists) {
		hello.has_ids = true;
		hello.has_entries = !entry_id_is_zero(info->oldest);
		hello.oldest = info->oldest;
		hello.newest = info->newest;
	}
	notice_begin(&env->frame);
	notice_hello(&env->frame, &hello);
	session_send(session);
}

static void
keep_text(char **at, struct view text)
{
	assert(text.len <= UINT16_MAX);
	if (text.len > 0)
		memcpy(*at, text.data, text.len);
	*at += text.len;
}

/* An unusable traceparent is as good as none. */
static struct view
usable_traceparent(struct view text)
{
	return random_traceparent_is_valid(text) ? text : view_of("");
}

static struct session *
session_make(struct session_env *env, const struct session_params *params)
{
	struct view traceparent = usable_traceparent(params->traceparent);
	size_t texts = params->identity.tenant.len + params->identity.user.len +
	    traceparent.len;
	struct session *session = xcalloc(1, sizeof *session + texts);
	char *at = session->texts;
	session->magic = SESSION_MAGIC;
	session->env = env;
	session->endpoint_index = (uint16_t)params->endpoint;
	session->notices = params->notices;
	session->deflate_bits = params->deflate_bits;
	session->tenant_len = (uint16_t)params->identity.tenant.len;
	session->user_len = (uint16_t)params->identity.user.len;
	session->traceparent_len = (uint8_t)traceparent.len;
	keep_text(&at, params->identity.tenant);
	keep_text(&at, params->identity.user);
	keep_text(&at, traceparent);
	list_init(&session->timer);
	return session;
}

struct session *
session_new(struct session_env *env, const struct session_params *params,
    const struct transport_ops *transport, void *conn, uint64_t now_ms)
{
	assert(params->endpoint < env->contract->endpoint_count);
	env->now_ms = now_ms;
	struct session *session = session_make(env, params);
	session->transport = transport;
	session->conn = conn;
	session_env_add(env, session);
	session_open(session, params);
	return session;
}

void
session_free(struct session **session_p)
{
	struct session *session = *session_p;
	if (session == NULL)
		return;
	assert(session->magic == SESSION_MAGIC);
	*session_p = NULL;
	session->is_closed = true;
	binding_free(session, &session->pending);
	binding_free(session, &session->current);
	session_chat_free(session);
	free(session->owned);
	session_term_free(session);
	if (session->is_counted)
		users_leave(session->env->users, session_tenant(session),
		    session_user(session));
	session_env_remove(session);
	session->magic = 0;
	free(session);
}

static bool
refuses_frames(const struct session *session)
{
	return !session_endpoint(session)->has_client ||
	    session_endpoint(session)->refuse_client != NULL;
}

static void
refuse_client(struct session *session)
{
	if (session_endpoint(session)->refuse_client != NULL)
		session_refuse_as(
		    session, session_endpoint(session)->refuse_client);
	else
		session_refuse(session, "passive_subscription_only",
		    "This endpoint only sends; frames are refused.",
		    SESSION_CLOSE_POLICY);
}

/* False when the frame came too fast and was answered so. */
static bool
admit_frame(struct session *session)
{
	struct session_env *env = session->env;
	struct chat *chat = session_chat(session);
	enum rate_verdict verdict =
	    rate_take(&chat->rate, env->options.frames_per_second,
		env->options.frames_burst, env->now_ms);
	if (verdict == RATE_FINE)
		return true;
	stat_add(env->stats, commands_rate_limited, 1);
	session_error(session, "rate_limited",
	    "Too many frames in a short time; this one was not stored.",
	    view_make(NULL, 0));
	if (verdict == RATE_ABUSED)
		session_close(session, SESSION_CLOSE_POLICY);
	return false;
}

void
session_message(struct session *session, struct view message, uint64_t now_ms)
{
	assert(session->magic == SESSION_MAGIC);
	session->env->now_ms = now_ms;
	if (session->is_closed)
		return;
	if (refuses_frames(session)) {
		stat_add(session->env->stats, commands_refused, 1);
		refuse_client(session);
	} else if (admit_frame(session)) {
		inbox_receive(session, message);
	}
}

void
session_violation(struct session *session, uint16_t close_code)
{
	assert(session->magic == SESSION_MAGIC);
	if (!session->is_closed && refuses_frames(session))
		refuse_client(session);
	else
		session_close(session, close_code);
}

void
session_writable(struct session *session, uint64_t now_ms)
{
	assert(session->magic == SESSION_MAGIC);
	session->env->now_ms = now_ms;
	if (session->is_closed)
		return;
	session->is_full = false;
	if (session->current != NULL)
		hub_resume(session->env->hub, session->current->subscription);
}

void
session_pong(struct session *session, struct view payload, uint64_t now_ms)
{
	assert(session->magic == SESSION_MAGIC);
	session->env->now_ms = now_ms;
	run_pong(session, payload);
}

void
session_peer_closed(struct session *session)
{
	assert(session->magic == SESSION_MAGIC);
	run_peer_closed(session);
	shut(session);
	list_remove(&session->timer);
}

bool
session_wants_input(const struct session *session)
{
	if (session->is_closed)
		return false;
	return session->chat == NULL ||
	    session->chat->unanswered < session->env->options.max_unanswered;
}

bool
session_is_busy(const struct session *session)
{
	return session->chat != NULL &&
	    (session->chat->unanswered > 0 || run_in_progress(session));
}
