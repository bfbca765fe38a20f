/* SPDX-License-Identifier: MIT */
#include "session_parts.h"

#include "opening.h"
#include "users.h"

/*
 * The first moment of a session: what its query asks for, whether it is let in,
 * where it starts. Refusals come in the order of wire.md sections 1 to 3: query,
 * authentication, connections of the user, session id, cursor.
 */

#define HELLO_WAIT_MS 150 /* for the ids; a hello is due within 250 ms */

static const struct contract_refusal too_many = {
	.code = "too_many_connections",
	.message = "This user has too many connections; close one first.",
	.close = SESSION_CLOSE_POLICY,
};

void
session_refuse_id(struct session *session)
{
	session_refuse_as(session, &opening_bad_session_id);
}

static const struct contract_refusal *
count_user(struct session *session)
{
	struct session_env *env = session->env;
	if (!env->users)
		return NULL;
	session->is_counted = users_enter(env->users, session_tenant(session),
	    session_user(session), env->options.max_per_user);
	return session->is_counted ? NULL : &too_many;
}

static const struct contract_refusal *
let_in(struct session *session, const struct session_params *params,
    struct opening *opening)
{
	const struct contract_endpoint *endpoint = session_endpoint(session);
	const struct contract_refusal *refusal =
	    opening_refused(endpoint, params->query);
	if (!refusal)
		refusal = params->auth_refusal;
	if (!refusal)
		refusal = count_user(session);
	if (!refusal)
		refusal = opening_read(endpoint, params->query, opening);
	return refusal;
}

/* Where the session is in the query the socket follows it from the first
 * moment; else the cursor is for the session that the first frame names. */
static void
bind(struct session *session, const struct opening *opening)
{
	if (opening->session.data) {
		session->current = binding_new(
		    session, opening->session, opening->start, false);
		return;
	}
	session->has_after = opening->has_after;
	session->after = opening->after;
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
	struct opening opening = { 0 };
	const struct contract_refusal *refusal =
	    let_in(session, params, &opening);
	if (refusal) {
		session_refuse_as(session, refusal);
	} else {
		bind(session, &opening);
		session_term_begin(session, &params->term);
		begin_hello(session);
	}
	opening_fini(&opening);
}
