/* SPDX-License-Identifier: MIT */
#include "worker_parts.h"

#include "clock.h"
#include "credential.h"
#include "opening.h"
#include "tickets.h"
#include "xmalloc.h"

#include <assert.h>
#include <stdlib.h>

/*
 * Who comes in. A token is judged at once; a ticket is burnt in Redis first, and
 * the upgrade waits for that. Whatever is wrong with either, the client gets one
 * answer; what it was is only counted.
 */

static const struct contract_refusal failed = {
	.code = "auth_failed",
	.message = "Authentication failed: a valid token or ticket is needed.",
	.close = 1008,
};

static const struct contract_refusal unavailable = {
	.code = "auth_unavailable",
	.message = "Tokens cannot be checked now; try again.",
	.close = 1011,
};

/* --- verdicts --- */

static void
count(struct worker *worker, enum token_verdict verdict)
{
	switch (verdict) {
#define VERDICT(name, counter, text)                         \
	case TOKEN_##name:                                   \
		stat_add(&worker->stats, auth_##counter, 1); \
		break;
#include "token_verdicts.def"
#undef VERDICT
	case TOKEN_VERDICTS:
		break;
	}
}

/* Perhaps its key is new: whoever keeps the keys is told. */
static void
ask_for_keys(struct worker *worker)
{
	atomic_store(&worker->shared->wants_keys, true);
	uv_async_send(worker->shared->news);
}

static enum token_verdict
judge_token(
    struct worker *worker, struct view token, struct token_bearer *bearer_r)
{
	enum token_verdict verdict =
	    token_verify(worker->keys, &worker->settings->auth.policy, token,
		clock_unix_ms() / 1000, bearer_r);
	if (verdict == TOKEN_UNKNOWN_KEY)
		ask_for_keys(worker);
	return verdict;
}

/* It was good when the ticket was made; is it still? Another node may have made
 * it for a key that is new here. */
static enum token_verdict
judge_again(struct worker *worker, const struct token_bearer *bearer)
{
	uint64_t leeway_s = worker->settings->auth.policy.leeway_s;
	if (token_is_over(bearer->expires_s, leeway_s, clock_unix_ms() / 1000))
		return TOKEN_EXPIRED;
	if (key_set_trusts(worker->keys, bearer->key_id))
		return TOKEN_ACCEPTED;
	ask_for_keys(worker);
	return TOKEN_UNKNOWN_KEY;
}

/* --- upgrades --- */

static void
adopt(struct listener *listener, struct http_exchange *exchange,
    const struct session_params *params, const struct ws_peer *peer,
    struct view answer)
{
	struct worker *worker = listener->worker;
	struct ws_peer taken = *peer;
	if (!worker_let_in(worker, exchange))
		return;
	taken.client = *gateway_client(exchange);
	taken.socket = gateway_take_secure(exchange, &taken.tls);
	ws_server_adopt(worker->ws_server, &taken, answer, params);
}

/* The bearer, or why there is none, as the session wants to know it; good as
 * long as the bearer. */
static void
fill_params(struct worker *worker, enum token_verdict verdict,
    const struct token_bearer *bearer, struct session_params *params)
{
	uint64_t leeway_s = worker->settings->auth.policy.leeway_s;
	count(worker, verdict);
	params->identity.tenant = view_make(bearer->tenant, bearer->tenant_len);
	params->identity.user = view_make(bearer->user, bearer->user_len);
	if (verdict != TOKEN_ACCEPTED) {
		params->identity = (struct identity){ 0 };
		params->auth_refusal =
		    verdict == TOKEN_UNAVAILABLE ? &unavailable : &failed;
		return;
	}
	params->term.expires_ms = bearer->expires_s * 1000;
	params->term.ends_ms = (bearer->expires_s + leeway_s) * 1000;
	memcpy(params->term.key_id, bearer->key_id, TOKEN_KEY_ID);
}

/* An upgrade that waits until its ticket is burnt. */
struct entrance {
	struct listener *listener;
	uint64_t exchange_id;
	struct session_params params; /* views into `texts` */
	struct buf texts;
	struct ws_peer peer;
	struct buf answer;
};

static void
entrance_free(struct entrance *entrance)
{
	buf_wipe(&entrance->texts);
	buf_fini(&entrance->answer);
	free(entrance);
}

static struct entrance *
entrance_new(struct listener *listener, struct http_exchange *exchange,
    const struct session_params *params, const struct ws_peer *peer,
    struct view answer)
{
	struct entrance *entrance = xcalloc(1, sizeof(*entrance));
	size_t query_len = params->query.len;
	entrance->listener = listener;
	entrance->exchange_id = http_exchange_id(exchange);
	entrance->params = *params;
	buf_init(&entrance->texts, 0);
	entrance->peer = *peer;
	buf_init(&entrance->answer, 0);
	buf_add(&entrance->answer, answer);
	buf_add(&entrance->texts, params->query);
	buf_add(&entrance->texts, params->traceparent);
	entrance->params.query = view_make(entrance->texts.data, query_len);
	entrance->params.traceparent = view_make(
	    entrance->texts.data + query_len, params->traceparent.len);
	return entrance;
}

/* The exchange that still waits, or NULL. */
static struct http_exchange *
still_there(const struct listener *listener, uint64_t exchange_id)
{
	assert(listener->worker->magic == WORKER_MAGIC);
	return listener->gateway
	    ? gateway_exchange(listener->gateway, exchange_id)
	    : NULL;
}

static void
on_burnt(void *arg, const struct redis_value *answer)
{
	struct entrance *entrance = arg;
	struct listener *listener = entrance->listener;
	struct token_bearer bearer = { 0 };
	struct http_exchange *exchange =
	    still_there(listener, entrance->exchange_id);
	if (exchange) {
		enum token_verdict verdict = tickets_read(answer, &bearer);
		if (verdict == TOKEN_ACCEPTED)
			verdict = judge_again(listener->worker, &bearer);
		fill_params(
		    listener->worker, verdict, &bearer, &entrance->params);
		adopt(listener, exchange, &entrance->params, &entrance->peer,
		    buf_view(&entrance->answer));
	}
	entrance_free(entrance);
}

/* With what the session would be refused whoever comes, or NULL. No ticket is
 * burnt for that: query refusals come before authentication, and a mistake in
 * the rest can be mended and the ticket used. */
static const struct contract_refusal *
refused_anyhow(const struct worker *worker, const struct session_params *params)
{
	const struct contract_endpoint *endpoint =
	    &worker->settings->contract->endpoints[params->endpoint];
	const struct contract_refusal *refusal =
	    opening_refused(endpoint, params->query);
	struct opening opening;
	if (refusal)
		return refusal;
	refusal = opening_read(endpoint, params->query, &opening);
	opening_fini(&opening);
	return refusal;
}

/* TOKEN_ACCEPTED: Redis was asked, and on_burnt goes on. */
static enum token_verdict
burn(struct listener *listener, struct http_exchange *exchange,
    struct view ticket, const struct session_params *params,
    const struct ws_peer *peer, struct view answer)
{
	struct worker *worker = listener->worker;
	struct entrance *entrance =
	    entrance_new(listener, exchange, params, peer, answer);
	if (tickets_burn(sink_link(worker->sink),
		view_of(worker->settings->config.redis_prefix), ticket,
		on_burnt, entrance) == 0)
		return TOKEN_ACCEPTED;
	entrance_free(entrance);
	return TOKEN_UNAVAILABLE;
}

/* TOKEN_ACCEPTED: all is done, or on_burnt goes on. The refusal that comes
 * whoever it is says what is to be mended, of the ticket it says nothing. */
static enum token_verdict
enter_with_ticket(struct listener *listener, struct http_exchange *exchange,
    struct view ticket, struct session_params *params,
    const struct ws_peer *peer, struct view answer)
{
	if (!ticket_is_well_formed(ticket))
		return TOKEN_TICKET;
	params->auth_refusal = refused_anyhow(listener->worker, params);
	if (!params->auth_refusal)
		return burn(listener, exchange, ticket, params, peer, answer);
	adopt(listener, exchange, params, peer, answer);
	return TOKEN_ACCEPTED;
}

static void
enter_with(struct listener *listener, struct http_exchange *exchange,
    const struct credential *credential, struct session_params *params,
    const struct ws_peer *peer, struct view answer)
{
	struct worker *worker = listener->worker;
	struct token_bearer bearer = { 0 };
	enum token_verdict verdict = TOKEN_ABSENT;
	if (credential->kind == CREDENTIAL_TOKEN) {
		verdict = judge_token(worker, credential->text, &bearer);
	} else if (credential->kind == CREDENTIAL_TICKET) {
		verdict = enter_with_ticket(
		    listener, exchange, credential->text, params, peer, answer);
		if (verdict == TOKEN_ACCEPTED)
			return;
	}
	fill_params(worker, verdict, &bearer, params);
	adopt(listener, exchange, params, peer, answer);
}

void
worker_enter(struct listener *listener, struct http_exchange *exchange,
    const struct handshake *handshake, struct session_params *params,
    const struct ws_peer *peer, struct view answer)
{
	const struct settings *settings = listener->worker->settings;
	struct credential credential;
	if (!settings->auth.is_on) {
		params->identity = (struct identity){ view_of("default"),
			view_of("anonymous") };
		adopt(listener, exchange, params, peer, answer);
		return;
	}
	credential_find(
	    handshake, settings->config.auth_query_token, &credential);
	enter_with(listener, exchange, &credential, params, peer, answer);
	credential_fini(&credential);
}

/* --- POST /api/v1/auth/ws-ticket --- */

/* A request that waits until its ticket is kept. */
struct issue {
	struct listener *listener;
	uint64_t exchange_id;
	uint64_t expires_ms;
	char ticket[TICKET_SIZE];
};

static void
answer_unavailable(struct worker *worker, struct http_exchange *exchange)
{
	stat_add(&worker->stats, tickets_failed, 1);
	http_routes_refuse(exchange, 503, "Retry-After: 1\r\n",
	    unavailable.code, unavailable.message);
}

static void
answer_ticket(struct http_exchange *exchange, const struct issue *issue)
{
	struct buf body;
	buf_init(&body, 0);
	buf_addf(&body, "{\"ticket\":\"%.*s\",\"expires_at\":", TICKET_SIZE,
	    issue->ticket);
	buf_add_u64(&body, issue->expires_ms);
	buf_add_text(&body, "}\n");
	http_routes_json(exchange, 200, &body);
	buf_wipe(&body);
}

static void
on_kept(void *arg, const struct redis_value *answer)
{
	struct issue *issue = arg;
	struct listener *listener = issue->listener;
	struct http_exchange *exchange =
	    still_there(listener, issue->exchange_id);
	if (exchange && tickets_was_kept(answer)) {
		stat_add(&listener->worker->stats, tickets_issued, 1);
		answer_ticket(exchange, issue);
	} else if (exchange) {
		answer_unavailable(listener->worker, exchange);
	}
	explicit_bzero(issue->ticket, sizeof(issue->ticket));
	free(issue);
}

static void
issue_ticket(struct listener *listener, struct http_exchange *exchange,
    const struct token_bearer *bearer)
{
	struct worker *worker = listener->worker;
	struct issue *issue = xcalloc(1, sizeof(*issue));
	issue->listener = listener;
	issue->exchange_id = http_exchange_id(exchange);
	issue->expires_ms = clock_unix_ms() + TICKET_SECONDS * 1000;
	ticket_make(issue->ticket);
	if (tickets_keep(sink_link(worker->sink),
		view_of(worker->settings->config.redis_prefix),
		view_make(issue->ticket, TICKET_SIZE), bearer, on_kept,
		issue) == 0)
		return;
	explicit_bzero(issue->ticket, sizeof(issue->ticket));
	free(issue);
	answer_unavailable(worker, exchange);
}

static enum token_verdict
judge_bearer(struct worker *worker, const struct handshake *handshake,
    struct token_bearer *bearer_r)
{
	struct credential credential;
	enum token_verdict verdict = TOKEN_ABSENT;
	credential_bearer(handshake, &credential);
	if (credential.kind == CREDENTIAL_TOKEN)
		verdict = judge_token(worker, credential.text, bearer_r);
	credential_fini(&credential);
	count(worker, verdict);
	return verdict;
}

void
worker_issue_ticket(struct listener *listener, struct http_exchange *exchange,
    const struct handshake *handshake)
{
	struct worker *worker = listener->worker;
	struct token_bearer bearer;
	if (!worker->settings->auth.is_on) {
		http_routes_refuse(exchange, 404, "", "auth_off",
		    "This relay asks for no token (--auth off): connect "
		    "without a ticket.");
		return;
	}
	enum token_verdict verdict = judge_bearer(worker, handshake, &bearer);
	if (verdict == TOKEN_ACCEPTED) {
		issue_ticket(listener, exchange, &bearer);
	} else if (verdict == TOKEN_UNAVAILABLE) {
		answer_unavailable(worker, exchange);
	} else {
		stat_add(&worker->stats, tickets_refused, 1);
		http_routes_refuse(exchange, 401,
		    "WWW-Authenticate: Bearer\r\n", failed.code,
		    failed.message);
	}
}

/* --- keys --- */

void
worker_trust(struct worker *worker)
{
	struct key_set *skipped = atomic_exchange(
	    &worker->handed_keys, key_set_hold(worker->shared->keys));
	key_set_release(&skipped);
	uv_async_send(&worker->wake);
}

void
worker_take_keys(struct worker *worker)
{
	struct key_set *before = worker->keys;
	struct key_set *next = atomic_exchange(&worker->handed_keys, NULL);
	if (!next)
		return;
	worker->keys = next;
	session_env_trust(worker->env, next, clock_mono_ms());
	key_set_release(&before);
}
