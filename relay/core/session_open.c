/* SPDX-License-Identifier: MIT */
#include "session_parts.h"

#include "query.h"
#include "stream_key.h"

/*
 * The first moment of a session: what its query asks for, whether it is let in,
 * where it starts. Refusals come in the order of wire.md sections 1 to 3: query,
 * authentication, session id, cursor.
 */

#define HELLO_WAIT_MS 150 /* for the ids; a hello is due within 250 ms */

/* True when a parameter is there that the endpoint refuses. */
static bool
refuse_query(struct session *session, struct view query)
{
	const struct contract_endpoint *endpoint = session->endpoint;
	struct buf *value = &session->env->text;
	for (size_t i = 0; i < endpoint->refuse_query_count; i++) {
		const struct contract_refusal *refusal =
		    &endpoint->refuse_query[i];
		if (!query_get(query, refusal->name, value))
			continue;
		if (refusal->allow_blank &&
		    query_trim(buf_view(value)).len == 0)
			continue;
		session_refuse_as(session, refusal);
		return true;
	}
	return false;
}

static void
refuse_cursor(struct session *session, const char *message)
{
	session_refuse(
	    session, "invalid_cursor", message, SESSION_CLOSE_POLICY);
}

/* Digits only: unix milliseconds. */
static int
parse_since(struct view text, uint64_t *since_ms_r)
{
	uint64_t number = 0;
	if (text.len == 0 || text.len > 19)
		return -1;
	for (size_t i = 0; i < text.len; i++) {
		if (text.data[i] < '0' || text.data[i] > '9')
			return -1;
		number = number * 10 + (uint64_t)(text.data[i] - '0');
	}
	*since_ms_r = number;
	return 0;
}

/* The cursor that the client came with, for both kinds of endpoint. */
static int
read_after(struct session *session, struct view query)
{
	struct buf *value = &session->env->text;
	if (!query_get(query, "after", value))
		return 0;
	if (entry_id_parse(buf_view(value), &session->after) < 0) {
		refuse_cursor(session,
		    "Invalid cursor: after must be the cursor of an event, "
		    "<ms>-<seq>.");
		return -1;
	}
	session->has_after = true;
	return 0;
}

/* Where an endpoint that only sends is to start. */
static int
read_start(struct session *session, struct view query, struct start *start_r)
{
	struct buf *value = &session->env->text;
	bool has_since = query_get(query, "since", value);
	*start_r = (struct start){ .kind = START_LIVE };
	if (has_since && parse_since(buf_view(value), &start_r->since_ms) < 0) {
		refuse_cursor(session,
		    "Invalid cursor: since must be unix milliseconds.");
		return -1;
	}
	if (has_since && session->has_after) {
		refuse_cursor(session,
		    "Invalid cursor: after and since exclude each other.");
		return -1;
	}
	if (has_since)
		start_r->kind = START_SINCE;
	if (!session->has_after)
		return 0;
	start_r->kind = START_AFTER;
	start_r->after = session->after;
	return 0;
}

static void
refuse_missing_session(struct session *session)
{
	const struct contract_endpoint *endpoint = session->endpoint;
	if (endpoint->missing_session != NULL) {
		session_refuse_as(session, endpoint->missing_session);
		return;
	}
	session_refuse(session, "missing_session_id",
	    "The query parameter with the session id is missing.",
	    SESSION_CLOSE_POLICY);
}

/* The session of an endpoint that has it in its query: its id, or an empty
 * view when the client was refused. Good until `id` goes. */
static struct view
read_session(struct session *session, struct view query, struct buf *id)
{
	struct view trimmed = { 0 };
	const char *name = session->endpoint->session_query;
	if (name != NULL && query_get(query, name, id))
		trimmed = query_trim(buf_view(id));
	if (trimmed.len == 0)
		refuse_missing_session(session);
	else if (!stream_key_session_is_valid(trimmed))
		session_refuse_id(session);
	else
		return trimmed;
	return view_make(NULL, 0);
}

void
session_refuse_id(struct session *session)
{
	session_refuse(session, "invalid_session_id",
	    "Invalid session id: 1 to 256 bytes of UTF-8 without control "
	    "characters.",
	    SESSION_CLOSE_POLICY);
}

/* The session is in the query: the socket follows it from the first moment. */
static void
open_bound(struct session *session, struct view query)
{
	struct buf id;
	struct start start;
	buf_init(&id, 0);
	struct view session_id = read_session(session, query, &id);
	if (session_id.len > 0 && read_after(session, query) == 0 &&
	    read_start(session, query, &start) == 0)
		session->current =
		    binding_new(session, session_id, start, false);
	session->has_after = false;
	buf_fini(&id);
}

/* With Redis at hand the hello waits for what it says of the stream. */
static void
begin_hello(struct session *session)
{
	struct session_env *env = session->env;
	if (!session->notices || !env->redis_up || session->current == NULL) {
		session_hello(session, NULL);
		return;
	}
	session->timer_ms = env->now_ms + HELLO_WAIT_MS;
	list_add_tail(&env->hellos, &session->timer);
}

void
session_open(struct session *session, const struct session_params *params)
{
	const struct contract_endpoint *endpoint = session->endpoint;
	if (refuse_query(session, params->query))
		return;
	if (params->auth_refusal != NULL) {
		session_refuse_as(session, params->auth_refusal);
		return;
	}
	if (endpoint->session_query != NULL ||
	    endpoint->direction == CONTRACT_SERVER_ONLY)
		open_bound(session, params->query);
	else
		read_after(session, params->query);
	if (!session->is_closed)
		begin_hello(session);
}
