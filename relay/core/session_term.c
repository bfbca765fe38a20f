/* SPDX-License-Identifier: MIT */
#include "session_parts.h"

#include "key_set.h"
#include "xmalloc.h"

#include <stdlib.h>

/*
 * Connections whose token ends while they are open, by the wall clock as the
 * token has it: a notice a minute before, and at the end an error and a close.
 * The cursor stays good with a new token. A token ends too when the key that it
 * was signed with is withdrawn.
 */

#define NOTICE_MS 60000
#define AGAIN_MS  50 /* the hello comes first */

static const struct contract_refusal over = {
	.code = "auth_expired",
	.message = "The token has expired or was withdrawn; connect again with "
		   "a new one.",
	.close = SESSION_CLOSE_EXPIRED,
};

struct term {
	struct due due;
	struct session *session;
	struct session_term given;
};

void
session_term_begin(struct session *session, const struct session_term *given)
{
	struct session_env *env = session->env;
	if (given->ends_ms == 0)
		return;
	struct term *term = xcalloc(1, sizeof(*term));
	term->session = session;
	term->given = *given;
	session->term = term;
	uint64_t notice_ms =
	    given->expires_ms > NOTICE_MS ? given->expires_ms - NOTICE_MS : 0;
	due_set(&env->terms, &term->due,
	    session->notices ? notice_ms : given->ends_ms);
}

void
session_term_free(struct session *session)
{
	if (!session->term)
		return;
	due_remove(&session->env->terms, &session->term->due);
	free(session->term);
	session->term = NULL;
}

static void
tell_expiring(const struct term *term, uint64_t unix_ms)
{
	struct buf *out = &term->session->env->frame;
	uint64_t expires_ms = term->given.expires_ms;
	notice_begin(out);
	notice_expiring(out, expires_ms > unix_ms ? expires_ms - unix_ms : 0);
	session_send(term->session);
}

static void
act(struct term *term, uint64_t unix_ms)
{
	struct session *session = term->session;
	struct session_env *env = session->env;
	if (session->is_closed || unix_ms >= term->given.ends_ms) {
		due_remove(&env->terms, &term->due);
		if (!session->is_closed)
			session_refuse_as(session, &over);
		return;
	}
	if (!session->hello_sent) {
		due_set(&env->terms, &term->due, unix_ms + AGAIN_MS);
		return;
	}
	tell_expiring(term, unix_ms);
	due_set(&env->terms, &term->due, term->given.ends_ms);
}

void
session_env_expire(struct session_env *env, uint64_t unix_ms, uint64_t now_ms)
{
	struct due *due;
	env->now_ms = now_ms;
	while ((due = due_first(&env->terms, unix_ms)))
		act((struct term *)(void *)due, unix_ms);
}

static void
review(struct session *session, const struct key_set *keys)
{
	if (session->is_closed || !session->term ||
	    key_set_trusts(keys, session->term->given.key_id))
		return;
	session_refuse_as(session, &over);
}

void
session_env_trust(
    struct session_env *env, const struct key_set *keys, uint64_t now_ms)
{
	env->now_ms = now_ms;
	for (size_t i = 0; i < env->bucket_count; i++)
		for (struct session *session = env->buckets[i]; session;
		     session = session->hash_next)
			review(session, keys);
}
