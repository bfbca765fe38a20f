/* SPDX-License-Identifier: MIT */
#include "session_parts.h"

#include "random.h"
#include "stream_key.h"
#include "xmalloc.h"

#include <stdlib.h>

/*
 * One client frame, from its bytes to the sink: strict parse, the contract's
 * word, the session that it means, the position of that session's events.
 */

/* Does a string anywhere in the document hold an escaped U+0000? */
static bool
has_escaped_nul(struct session_env *env, const struct json_doc *doc)
{
	if (memmem(doc->text.data, doc->text.len, "\\u0000", 6) == NULL)
		return false;
	for (uint32_t i = 0; i < doc->count; i++) {
		const struct json_node *node = &doc->nodes[i];
		if (node->type != JSON_STRING ||
		    !(node->flags & JSON_HAS_ESCAPE))
			continue;
		struct view text = json_string(doc, i, &env->text);
		if (text.len > 0 && memchr(text.data, '\0', text.len) != NULL)
			return true;
	}
	return false;
}

static int
scan(struct session_env *env, struct view frame, struct json_fault *fault_r)
{
	const struct json_limits limits = {
		.max_depth = env->options.max_depth,
		.strict_keys = true,
	};
	if (json_scan(&env->doc, frame, &limits, fault_r) < 0)
		return -1;
	if (!has_escaped_nul(env, &env->doc))
		return 0;
	*fault_r = (struct json_fault){
		.reason = JSON_SYNTAX,
		.message = "U+0000 in a string",
	};
	return -1;
}

static void
refuse_frame(struct session *session, const struct json_fault *fault)
{
	struct session_env *env = session->env;
	uint16_t close_code = 0;
	stat_add(env->stats, commands_refused, 1);
	session_drift_refused(session, fault);
	notice_begin(&env->frame);
	contract_refuse_frame(&session_endpoint(session)->client, env->scratch,
	    &env->doc, fault, &env->frame, &close_code);
	session_send(session);
	if (close_code != 0)
		session_close(session, close_code);
}

/* The message that the frame is, env->doc its tape; NULL: it was refused. */
static const struct contract_message *
judge(struct session *session, struct view frame)
{
	struct session_env *env = session->env;
	const struct contract_message *message = NULL;
	struct json_fault fault;
	if (scan(env, frame, &fault) < 0) {
		refuse_frame(session, &fault);
		return NULL;
	}
	if (contract_check(&session_endpoint(session)->client, env->scratch,
		&env->doc, &message) == CONTRACT_VALID)
		return message;
	refuse_frame(session, NULL);
	return NULL;
}

/* The JSON text of the frame's request id; empty when it names none. */
static struct view
request_id_text(const struct session *session)
{
	const char *pointer = session_endpoint(session)->client.request_id;
	const struct json_doc *doc = &session->env->doc;
	uint32_t node;
	if (pointer == NULL || !json_pointer_get(doc, view_of(pointer), &node))
		return view_make(NULL, 0);
	uint8_t type = doc->nodes[node].type;
	if (type != JSON_STRING && type != JSON_NUMBER)
		return view_make(NULL, 0);
	return json_text(doc, node);
}

/* The same as it stands in Redis: a string without quotes and escapes. */
static struct view
request_id_value(const struct session *session)
{
	struct view text = request_id_text(session);
	struct session_env *env = session->env;
	uint32_t node;
	if (text.len == 0 || text.data[0] != '"')
		return text;
	json_pointer_get(&env->doc,
	    view_of(session_endpoint(session)->client.request_id), &node);
	return json_string(&env->doc, node, &env->request);
}

static const struct {
	const char *code;
	const char *message;
} failures[] = {
	[SINK_DEGRADED] = { "degraded",
	    "Redis cannot take the frame now; it was not acknowledged." },
	[SINK_OVERLOADED] = { "overloaded",
	    "Too much is waiting already; the frame was not stored." },
	[SINK_TIMEOUT] = { "command_timeout",
	    "Redis did not answer in time; the frame was not acknowledged." },
};

static void
count_failure(struct stats *stats, enum sink_outcome outcome)
{
	if (outcome == SINK_DEGRADED)
		stat_add(stats, commands_degraded, 1);
	else if (outcome == SINK_OVERLOADED)
		stat_add(stats, commands_overloaded, 1);
	else
		stat_add(stats, commands_timeout, 1);
}

void
command_fail(
    struct session *session, enum sink_outcome outcome, struct view request_id)
{
	count_failure(session->env->stats, outcome);
	session_error(session, failures[outcome].code,
	    failures[outcome].message, request_id);
}

void
command_give_up(
    struct session *session, struct view frame, enum sink_outcome outcome)
{
	struct json_fault fault;
	struct view request_id = { 0 };
	if (scan(session->env, frame, &fault) == 0)
		request_id = request_id_text(session);
	command_fail(session, outcome, request_id);
}

/* The session that the frame names; null and "" name none. */
static struct view
named_session(const struct session *session)
{
	const char *pointer = session_endpoint(session)->client.session;
	struct session_env *env = session->env;
	uint32_t node;
	if (pointer == NULL ||
	    !json_pointer_get(&env->doc, view_of(pointer), &node) ||
	    env->doc.nodes[node].type != JSON_STRING)
		return view_make(NULL, 0);
	return json_string(&env->doc, node, &env->text);
}

static void
refuse_bad_session(struct session *session)
{
	stat_add(session->env->stats, commands_refused, 1);
	session_refuse_id(session);
}

static void
refuse_no_session(struct session *session)
{
	stat_add(session->env->stats, commands_refused, 1);
	if (session_endpoint(session)->no_session != NULL)
		session_refuse_as(
		    session, session_endpoint(session)->no_session);
	else
		session_refuse(session, "initial_message_required",
		    "The first frame must make or name a session.",
		    SESSION_CLOSE_POLICY);
}

/* A held subscription to the session; without an id, to a new one. A cursor
 * that the client came with belongs to a session that it names. */
static struct binding *
bind_pending(struct session *session, struct view id)
{
	char uuid[RANDOM_UUID_MAX];
	struct start start = { .kind = START_LIVE };
	bool is_new = id.len == 0;
	if (!session->env->redis_up) {
		command_fail(session, SINK_DEGRADED, request_id_text(session));
		return NULL;
	}
	if (is_new) {
		random_uuid(uuid);
		id = view_of(uuid);
	} else if (session->has_after) {
		start.kind = START_AFTER;
		start.after = session->after;
	}
	session->pending = binding_new(session, id, start, true);
	session->pending->is_new = is_new;
	return session->pending;
}

/* The binding that the frame is for. FRAME_DONE and NULL: it was answered. */
static enum frame_fate
find_target(struct session *session, const struct contract_message *message,
    struct binding **target_r)
{
	struct view id = named_session(session);
	struct binding *current = session->current;
	*target_r = NULL;
	if (session->pending != NULL)
		*target_r = session->pending;
	else if (id.len > 0 && !stream_key_session_is_valid(id))
		refuse_bad_session(session);
	else if (current != NULL &&
	    (id.len == 0 || view_equal(id, binding_id(current))))
		*target_r = current;
	else if (id.len == 0 && !message->creates_session)
		refuse_no_session(session);
	else if (!list_is_empty(&session->chat->flights))
		return FRAME_WAITS; /* they belong to the session it leaves */
	else
		*target_r = bind_pending(session, id);
	return FRAME_DONE;
}

static struct flight *
flight_new(struct session *session, const struct contract_message *message,
    struct binding *target)
{
	struct view request_id = request_id_text(session);
	size_t type_size = strlen(message->type) + 1;
	struct flight *flight =
	    xmalloc(sizeof *flight + type_size + request_id.len);
	flight->ticket = ++session->env->last_ticket;
	flight->is_dedup = message->is_dedup;
	flight->creates_session = message->creates_session;
	flight->from = binding_tail(target);
	flight->is_binding = target == session->pending;
	flight->type_size = type_size;
	memcpy(flight->texts, message->type, type_size);
	flight->request_id_len = request_id.len;
	if (request_id.len > 0)
		memcpy(
		    flight->texts + type_size, request_id.data, request_id.len);
	list_add_tail(&session->chat->flights, &flight->link);
	session->chat->unanswered++;
	return flight;
}

void
flight_free(struct session *session, struct flight *flight)
{
	list_remove(&flight->link);
	session->chat->unanswered--;
	free(flight);
}

static void
fail_flight(
    struct session *session, struct flight *flight, enum sink_outcome outcome)
{
	command_fail(session, outcome, flight_request_id(flight));
	if (flight->is_binding)
		binding_rollback(session);
	flight_free(session, flight);
}

void
command_fail_all(struct session *session, enum sink_outcome outcome)
{
	list_foreach(at, &session->chat->flights)
		fail_flight(
		    session, list_entry(at, struct flight, link), outcome);
	inbox_fail_all(session, outcome);
}

static struct view
traceparent(const struct session *session, char made[RANDOM_TRACEPARENT_MAX])
{
	if (session->traceparent_len > 0)
		return view_make(
		    session->texts + session->tenant_len + session->user_len,
		    session->traceparent_len);
	random_traceparent(made);
	return view_of(made);
}

static void
submit(struct session *session, const struct contract_message *message,
    struct view frame, uint64_t received_ms, struct binding *target)
{
	struct session_env *env = session->env;
	char made[RANDOM_TRACEPARENT_MAX];
	enum sink_outcome outcome;
	bool names_session = named_session(session).len > 0;
	struct flight *flight = flight_new(session, message, target);
	const struct command command = {
		.session_id = session->number,
		.ticket = flight->ticket,
		.connection = session_connection(session),
		.frame = frame,
		.type = view_of(message->type),
		.tenant = session_tenant(session),
		.user = session_user(session),
		.session = binding_id(target),
		.events = binding_key(target),
		.traceparent = traceparent(session, made),
		.request_id = request_id_value(session),
		.dedup = message->is_dedup,
		.session_was_absent = !names_session,
		.session_is_new = target->is_new && flight->is_binding,
		.waited_ms = (unsigned)(env->now_ms - received_ms),
		.from = flight->from,
	};
	target->is_sent = true;
	session_drift_valid(session, message);
	if (env->sink->submit(env->sink_arg, &command, &outcome) < 0)
		fail_flight(session, flight, outcome);
}

/* Who is due first stands first: a frame may have waited for something else
 * before. */
static void
add_to_waits(struct session *session)
{
	struct list *waits = &session->env->waits;
	struct list *before = waits->prev;
	while (before != waits &&
	    list_entry(before, struct session, timer)->timer_ms >
		session->timer_ms)
		before = before->prev;
	list_add_tail(before->next, &session->timer);
}

/* Its turn comes when the position is known; not later than the deadline. */
static void
wait_for_position(struct session *session, uint64_t received_ms)
{
	session_hello(session, NULL);
	if (!list_is_empty(&session->timer))
		return;
	session->timer_ms = received_ms + session->env->options.timeout_ms;
	add_to_waits(session);
}

/* A reload has come between: the frame that was good is refused, and nothing
 * waits for the position any more. */
static void
wait_no_more(struct session *session)
{
	if (session->hello_sent) /* else the timer is that of the hello */
		list_remove(&session->timer);
	binding_rollback(session);
}

enum frame_fate
command_take(struct session *session, struct view frame, uint64_t received_ms)
{
	struct binding *target;
	const struct contract_message *message = judge(session, frame);
	if (message == NULL) {
		wait_no_more(session);
		return FRAME_DONE;
	}
	if (find_target(session, message, &target) == FRAME_WAITS)
		return FRAME_WAITS;
	if (target == NULL)
		return FRAME_DONE;
	if (!binding_is_ready(target)) {
		wait_for_position(session, received_ms);
		return FRAME_WAITS;
	}
	list_remove(&session->timer);
	submit(session, message, frame, received_ms, target);
	return FRAME_DONE;
}
