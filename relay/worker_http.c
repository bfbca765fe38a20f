/* SPDX-License-Identifier: MIT */
#include "worker_parts.h"

#include "clock.h"
#include "drift.h"
#include "log.h"
#include "memory.h"
#include "status.h"
#include "tally.h"
#include "tls_identity.h"

#include <assert.h>
#include <stdio.h>

/* A probe may take two seconds; then there is still time for its answer. */
#define ANSWER_MS   3000
#define WAITING_MAX 4096
#define SHAKING_MAX 1024 /* handshakes of TLS: 50 KB each */

static struct listener *
listener_of(void *arg)
{
	struct listener *listener = arg;
	assert(listener->worker->magic == WORKER_MAGIC);
	return listener;
}

/* --- WebSockets --- */

static struct tally_limits
limits(const struct worker *worker)
{
	const struct settings *settings = worker->settings;
	return (struct tally_limits){
		.total = settings->max_connections,
		.per_address = settings->config.limits_connections_per_address,
	};
}

static void
log_crowd(const struct address *client, int status)
{
	char text[ADDRESS_TEXT];
	address_print(client, text);
	log_throttled(LOG_LEVEL_WARN, "gateway", "too_many_connections",
	    "client", text, "status", status == 429 ? "429" : "503", NULL);
}

static int
admit(void *arg, struct http_exchange *exchange)
{
	struct worker *worker = listener_of(arg)->worker;
	const struct tally_limits most = limits(worker);
	if (worker->is_draining)
		return 503;
	const struct address *client = gateway_client(exchange);
	if (atomic_load(&worker->shared->memory_level) != MEMORY_FINE) {
		log_crowd(client, 503);
		return 503;
	}
	int status = tally_ask(worker->shared->tally, &most, client);
	if (status)
		log_crowd(client, status);
	return status;
}

bool
worker_let_in(struct worker *worker, struct http_exchange *exchange)
{
	const struct tally_limits most = limits(worker);
	const struct address *client = gateway_client(exchange);
	int status = tally_enter(worker->shared->tally, &most, client);
	if (status == 0)
		return true;
	log_crowd(client, status);
	http_routes_refuse_crowd(exchange, status);
	return false;
}

static void
upgrade(void *arg, struct http_exchange *exchange,
    const struct handshake *handshake, size_t endpoint)
{
	struct listener *listener = listener_of(arg);
	struct worker *worker = listener->worker;
	bool deflate = worker->settings->config.deflate;
	struct session_params params = {
		.endpoint = endpoint,
		.query = handshake->query,
		.traceparent = handshake->traceparent,
		.notices = handshake->offers_relay_v1,
		.deflate_bits =
		    deflate ? deflate_window_bits(&handshake->deflate) : 0,
	};
	struct ws_peer peer = { .socket = -1 };
	struct buf answer;
	buf_init(&answer, 0);
	peer.is_deflated = handshake_accept(handshake, deflate, &answer);
	worker_enter(
	    listener, exchange, handshake, &params, &peer, buf_view(&answer));
	buf_fini(&answer);
}

static void
ticket(void *arg, struct http_exchange *exchange,
    const struct handshake *handshake)
{
	worker_issue_ticket(listener_of(arg), exchange, handshake);
}

/* --- readiness --- */

static void
on_canary_stored(void *arg, const struct redis_value *answer)
{
	struct worker *worker = arg;
	assert(worker->magic == WORKER_MAGIC);
	if (worker->readiness)
		readiness_stored(worker->readiness,
		    answer && redis_value_type(answer) == REDIS_TEXT);
}

static int
send_canary(void *arg, struct view nonce)
{
	struct worker *worker = arg;
	if (!source_is_up(worker->source))
		return -1;
	return sink_canary(worker->sink, view_of(worker->canary_key), nonce,
	    on_canary_stored, worker);
}

static void
on_canary_read(void *arg, struct entry_id id, struct view value)
{
	(void)id;
	struct worker *worker = arg;
	assert(worker->magic == WORKER_MAGIC);
	if (worker->readiness)
		readiness_seen(worker->readiness, value);
}

void
worker_open_readiness(struct worker *worker)
{
	const struct worker_shared *shared = worker->shared;
	char name[64];
	snprintf(name, sizeof(name), "%s-%zu", shared->node, worker->index);
	snprintf(worker->canary_key, sizeof(worker->canary_key), "%scanary:%s",
	    worker->settings->config.redis_prefix, shared->node);
	worker->readiness =
	    readiness_new(&worker->loop, name, send_canary, worker);
	worker->canary = source_watch_new(worker->source,
	    view_of(worker->canary_key), on_canary_read, worker);
}

static void
answer_ready(const struct worker *worker, struct http_exchange *exchange,
    const struct readiness_result *result)
{
	struct buf body;
	enum component auth = atomic_load(&worker->shared->keys_state);
	bool is_ready = result->is_ready && !worker->is_draining &&
	    auth != COMPONENT_FAILED;
	buf_init(&body, 0);
	status_print_ready(result, auth, worker->is_draining, &body);
	http_routes_json(exchange, is_ready ? 200 : 503, &body);
	buf_fini(&body);
}

static void
on_readiness(void *arg, uint64_t id, const struct readiness_result *result)
{
	struct listener *listener = listener_of(arg);
	struct http_exchange *exchange =
	    gateway_exchange(listener->gateway, id);
	if (exchange)
		answer_ready(listener->worker, exchange, result);
}

static void
ready(void *arg, struct http_exchange *exchange)
{
	struct listener *listener = listener_of(arg);
	struct worker *worker = listener->worker;
	if (worker->is_draining)
		answer_ready(
		    worker, exchange, readiness_last(worker->readiness));
	else
		readiness_ask(worker->readiness, on_readiness, listener,
		    http_exchange_id(exchange));
}

/* --- metrics and status --- */

static void
sum_stats(const struct worker_shared *shared, struct stats *sum)
{
	memset(sum, 0, sizeof(*sum));
	for (size_t i = 0; i < shared->worker_count; i++)
		stats_sum(sum, worker_stats(shared->workers[i]));
	stat_set(sum, log_dropped, log_dropped());
	stat_set(sum, memory_used, atomic_load(&shared->memory_used));
	stat_set(sum, memory_limit, atomic_load(&shared->memory_limit));
}

/* Names for the label `endpoint`; good as long as the worker's settings. */
static struct stats_names
endpoint_names(const struct worker *worker)
{
	const struct contract *contract = worker->settings->contract;
	struct stats_names names = { .count = contract->endpoint_count };
	for (size_t i = 0; i < names.count; i++)
		names.endpoints[i] = contract->endpoints[i].name;
	return names;
}

static void
drift(void *arg, struct buf *out)
{
	const struct pact *pact = listener_of(arg)->worker->settings->pact;
	drift_print(pact->drifts, pact->drift_count, clock_unix_ms(), out);
}

static void
metrics(void *arg, bool as_openmetrics, struct buf *out)
{
	const struct worker *worker = listener_of(arg)->worker;
	const struct pact *pact = worker->settings->pact;
	struct stats sum;
	drift_print_metrics(
	    pact->drifts, pact->drift_count, as_openmetrics, out);
	sum_stats(worker->shared, &sum);
	struct stats_names names = endpoint_names(worker);
	stats_print(&sum, &names,
	    as_openmetrics ? STATS_OPENMETRICS : STATS_PROMETHEUS, out);
}

static void
add_drift(const struct pact *pact, struct status_facts *facts)
{
	struct drift_totals totals =
	    drift_totals(pact->drifts, pact->drift_count);
	facts->drift_breaches = totals.breaches;
	facts->drift_undeclared = totals.undeclared;
	facts->drift_cells = totals.cells;
	facts->drift_other = totals.other;
}

/* Up when all workers are; since the latest change of any. */
static bool
all_are_up(const struct worker_shared *shared, uint64_t *since_ms_r)
{
	bool is_up = true;
	*since_ms_r = shared->started_ms;
	for (size_t i = 0; i < shared->worker_count; i++) {
		uint64_t since_ms = 0;
		is_up = worker_is_up(shared->workers[i], &since_ms) && is_up;
		if (since_ms > *since_ms_r)
			*since_ms_r = since_ms;
	}
	return is_up;
}

static void
status(void *arg, struct buf *out)
{
	static const char *const modes[] = { "off", "warn", "enforce" };
	struct worker *worker = listener_of(arg)->worker;
	const struct worker_shared *shared = worker->shared;
	const struct settings *settings = worker->settings;
	struct stats sum;
	sum_stats(shared, &sum);
	const struct readiness_result *probe =
	    readiness_last(worker->readiness);
	struct stats_names names = endpoint_names(worker);
	struct status_facts facts = {
		.names = &names,
		.version = shared->version,
		.node = shared->node,
		.contract_name = settings->contract->name,
		.contract_version = settings->contract->version,
		.contract_hash = settings->contract->hash,
		.event_mode = modes[settings->config.mode],
		.workers = shared->worker_count,
		.started_ms = shared->started_ms,
		.now_ms = clock_unix_ms(),
		.is_draining = worker->is_draining,
		.redis_url = shared->redis_url,
		.redis_is_private = shared->redis_is_private,
		.wakeup = source_wakeup(worker->source),
		.latency_us = source_latency_us(worker->source),
		.probe = probe,
		.probe_age_ms = clock_mono_ms() - probe->at_ms,
		.auth = atomic_load(&shared->keys_state),
		.sum = &sum,
	};
	add_drift(settings->pact, &facts);
	facts.address_count =
	    tally_busiest(shared->tally, facts.addresses, STATUS_ADDRESSES);
	facts.is_up = all_are_up(shared, &facts.since_ms);
	status_print(&facts, out);
}

static const struct http_routes_ops routes_ops = {
	.upgrade = upgrade,
	.admit = admit,
	.ticket = ticket,
	.ready = ready,
	.drift = drift,
	.metrics = metrics,
	.status = status,
};

static void
on_request(void *arg, struct http_exchange *exchange,
    const struct handshake *handshake)
{
	struct listener *listener = listener_of(arg);
	http_routes_serve(&listener->routes, exchange, handshake);
}

/* The admin listener is for the machine itself and stays plain. */
static struct gateway_options
gateway_options(const struct worker *worker, bool is_admin)
{
	const struct settings *settings = worker->settings;
	uint64_t waiting =
	    settings->max_connections / worker->shared->worker_count / 4;
	return (struct gateway_options){
		.handshake_ms = (unsigned)settings->config.limits_handshake_ms,
		.answer_ms = ANSWER_MS,
		.max_waiting = waiting > WAITING_MAX ? WAITING_MAX
		    : waiting < 8                    ? 8
						     : (unsigned)waiting,
		.head_bytes = settings->config.limits_handshake_bytes,
		.proxies = settings->proxies,
		.proxy_count = settings->proxy_count,
		.needs_proxy_header =
		    settings->config.proxy_protocol && !is_admin,
		.max_talking = settings->tls && !is_admin ? SHAKING_MAX : 0,
		.tls = settings->tls && !is_admin
		    ? tls_identity_context(settings->tls)
		    : NULL,
	};
}

static void
route_by_settings(struct listener *listener)
{
	const struct settings *settings = listener->worker->settings;
	listener->routes.contract = settings->contract;
	listener->routes.origins = settings->origins;
	listener->routes.origin_count = settings->origin_count;
}

void
worker_reload_listener(struct listener *listener)
{
	const struct gateway_options options =
	    gateway_options(listener->worker, listener->routes.is_admin);
	route_by_settings(listener);
	gateway_reload(listener->gateway, &options);
}

int
worker_listen(
    struct worker *worker, struct listener *listener, int socket, bool is_admin)
{
	static const struct gateway_ops ops = { .on_request = on_request };
	const struct gateway_options options =
	    gateway_options(worker, is_admin);
	listener->worker = worker;
	listener->routes = (struct http_routes){
		.version = worker->shared->version,
		.is_admin = is_admin,
		.ops = &routes_ops,
		.arg = listener,
	};
	route_by_settings(listener);
	listener->gateway = gateway_new(
	    &worker->loop, socket, &options, &worker->stats, &ops, listener);
	return listener->gateway ? 0 : -1;
}
