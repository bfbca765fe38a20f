/* SPDX-License-Identifier: MIT */
#include "worker_parts.h"

#include "judge.h"
#include "memory.h"
#include "tally.h"

/* What the settings mean for each part of a worker, at the start and when they
 * change while it runs. */

#define RUN_BYTES         (64 << 10)
#define WINDOW_BYTES      (256 << 10)
#define WINDOWS_IN_FLIGHT 64
#define SPARING_FACTOR    64 /* less for who lags, when memory runs out */

/* Its share of a bound that holds for the whole process. */
static uint64_t
share(const struct worker *worker, uint64_t bound)
{
	uint64_t part = bound / worker->shared->worker_count;
	return part ? part : 1;
}

struct sink_options
worker_sink_options(const struct worker *worker)
{
	const struct config *config = &worker->settings->config;
	return (struct sink_options){
		.prefix = view_of(config->redis_prefix),
		.stream = view_of(config->commands_stream),
		.contract = view_of(worker->settings->contract_id),
		.node = view_of(worker->shared->node),
		.timeout_ms = (unsigned)config->commands_timeout_ms,
		.max_inflight =
		    (unsigned)share(worker, config->limits_commands),
		.max_inflight_bytes =
		    share(worker, config->limits_commands_bytes),
		.max_backlog = config->commands_max_backlog,
		.dedup_seconds = (unsigned)config->dedup_seconds,
	};
}

struct judge_options
worker_judge_options(const struct worker *worker)
{
	const struct settings *settings = worker->settings;
	const struct config *config = &settings->config;
	return (struct judge_options){
		.mode = (enum judge_mode)config->mode,
		.max_depth = (uint32_t)config->limits_event_depth,
		.max_event_bytes = config->limits_event_bytes,
		.rules = settings->rules,
		.rule_count = settings->rule_count,
	};
}

struct hub_options
worker_hub_options(const struct worker *worker)
{
	const struct config *config = &worker->settings->config;
	uint64_t sparing =
	    worker->memory_level == MEMORY_DIRE ? SPARING_FACTOR : 1;
	return (struct hub_options){
		.subscriber_bytes = config->limits_client_bytes,
		.total_bytes =
		    share(worker, config->limits_total_bytes / sparing),
		.run_bytes = RUN_BYTES,
		.window_bytes = WINDOW_BYTES,
		.windows_in_flight = WINDOWS_IN_FLIGHT,
	};
}

struct session_options
worker_session_options(const struct worker *worker)
{
	const struct config *config = &worker->settings->config;
	return (struct session_options){
		.prefix = view_of(config->redis_prefix),
		.max_waiting_bytes =
		    share(worker, config->limits_commands_bytes),
		.max_depth = (uint32_t)config->limits_frame_depth,
		.frames_per_second = (unsigned)config->limits_frames_per_second,
		.frames_burst = (unsigned)config->limits_frames_burst,
		.max_unanswered = (unsigned)config->limits_unanswered,
		.ping_interval_ms = (unsigned)config->limits_ping_ms,
		.timeout_ms = (unsigned)config->commands_timeout_ms,
		.renew_ms = (unsigned)(config->dedup_seconds * 1000 / 3),
		.max_per_user = config->limits_connections_per_user,
		.node = view_of(worker->session_node),
	};
}

static void
on_left(void *arg, const struct address *client)
{
	const struct worker *worker = arg;
	tally_leave(worker->shared->tally, client);
}

struct ws_server_options
worker_ws_options(struct worker *worker)
{
	const struct config *config = &worker->settings->config;
	return (struct ws_server_options){
		.max_frame_bytes = config->limits_frame_bytes,
		.max_fragments = (unsigned)config->limits_fragments,
		.ping_interval_ms = (unsigned)config->limits_ping_ms,
		.pong_timeout_ms = (unsigned)config->limits_pong_ms,
		.stuck_ms = (unsigned)config->limits_stuck_ms,
		.send_buffer_bytes = (unsigned)config->limits_send_buffer_bytes,
		.max_connections = (unsigned)worker->settings->max_connections,
		.left = on_left,
		.arg = worker,
		.has_tls = worker->settings->tls != NULL,
	};
}

struct drift *
worker_drift(const struct worker *worker)
{
	return worker->settings->pact->drifts[worker->index];
}

void
worker_mind_memory(struct worker *worker)
{
	unsigned level = atomic_load(&worker->shared->memory_level);
	if (level == worker->memory_level)
		return;
	worker->memory_level = level;
	const struct hub_options hub = worker_hub_options(worker);
	hub_bound(worker->hub, &hub);
}

static void
reload_core(struct worker *worker)
{
	const struct contract *contract = worker->settings->contract;
	const struct judge_options judge = worker_judge_options(worker);
	const struct hub_options hub = worker_hub_options(worker);
	const struct session_options session = worker_session_options(worker);
	judge_reload(worker->judge, contract, &judge);
	hub_reload(worker->hub, &hub, contract);
	session_env_reload(worker->env, &session, contract);
	judge_attach_drift(
	    worker->judge, worker_drift(worker), worker->shared->once);
	session_env_attach_drift(worker->env, worker_drift(worker));
}

static void
reload_edge(struct worker *worker)
{
	const struct sink_options sink = worker_sink_options(worker);
	const struct ws_server_options ws_server = worker_ws_options(worker);
	sink_reload(worker->sink, &sink);
	source_set_pace(
	    worker->source, (unsigned)worker->settings->config.pace_max_us);
	ws_server_reload(worker->ws_server, &ws_server);
	worker_reload_listener(&worker->public);
	if (worker->admin.gateway)
		worker_reload_listener(&worker->admin);
}

/* Called between two callbacks of the loop, when nothing that belongs to the
 * settings before is in use. They go when every part has let go of them. */
void
worker_take_settings(struct worker *worker)
{
	struct settings *before = worker->settings;
	struct settings *next = atomic_exchange(&worker->handed, NULL);
	if (!next)
		return;
	worker->settings = next;
	reload_core(worker);
	reload_edge(worker);
	settings_release(&before);
	atomic_store(&worker->settings_number, next->number);
	uv_async_send(worker->shared->news);
}
