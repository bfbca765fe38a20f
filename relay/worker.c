/* SPDX-License-Identifier: MIT */
#include "worker_parts.h"

#include "clock.h"
#include "drift.h"
#include "xmalloc.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#define TICK_MS   50
#define HUB_EVERY 2 /* ticks */
#define WS_EVERY  2 /* spreads the pings out */
#define SWEEP_MS  30000
#define POLL_MS   50
#define READ_MS   5000

static struct worker *
worker_of(void *arg)
{
	struct worker *worker = arg;
	assert(worker->magic == WORKER_MAGIC);
	return worker;
}

/* --- Redis came and went --- */

/* Back is who can read and write: `recovered` must not be followed by a client
 * frame that is answered `degraded`. */
static void
tell_when_up(struct worker *worker)
{
	if (atomic_load(&worker->is_up) || !source_is_up(worker->source) ||
	    !sink_is_up(worker->sink))
		return;
	atomic_store(&worker->since_ms, clock_unix_ms());
	atomic_store(&worker->is_up, true);
	session_env_redis(worker->env, true, NULL, clock_mono_ms());
}

static void
on_source_up(void *arg)
{
	tell_when_up(worker_of(arg));
}

static void
on_source_down(void *arg, const char *reason)
{
	struct worker *worker = worker_of(arg);
	if (atomic_load(&worker->is_up))
		atomic_store(&worker->since_ms, clock_unix_ms());
	atomic_store(&worker->is_up, false);
	session_env_redis(worker->env, false, reason, clock_mono_ms());
}

/* on_check flushes at the end of the turn. */
static void
on_source_news(void *arg)
{
	struct worker *worker = worker_of(arg);
	if (worker->news_us == 0)
		worker->news_us = clock_mono_us();
}

/* --- the turn of the loop --- */

static void
flush(struct worker *worker)
{
	struct stats *stats = &worker->stats;
	uint64_t news_us = worker->news_us;
	worker->news_us = 0; /* news that nobody is to get are none later */
	if (!hub_is_dirty(worker->hub))
		return;
	uint64_t before = stat_get(stats, frames_sent);
	hub_flush(worker->hub, clock_mono_ms());
	uint64_t sent = stat_get(stats, frames_sent) - before;
	if (news_us > 0 && sent > 0)
		stats_time(&stats->delivery, clock_mono_us() - news_us, sent);
}

/* Before the loop sleeps: what timers and late answers left to do. If that was
 * not all, the loop does not sleep. */
static void
do_nothing(uv_idle_t *idle)
{
	(void)idle;
}

static void
on_prepare(uv_prepare_t *prepare)
{
	struct worker *worker = worker_of(prepare->data);
	flush(worker);
	if (hub_is_dirty(worker->hub))
		uv_idle_start(&worker->idle, do_nothing);
	else
		uv_idle_stop(&worker->idle);
}

/* After all that came in this turn was fed. */
static void
on_check(uv_check_t *check)
{
	flush(worker_of(check->data));
}

static void
report_drained(struct worker *worker)
{
	bool is_done = session_env_count(worker->env) == 0 &&
	    ws_server_connections(worker->ws_server) == 0 &&
	    sink_inflight(worker->sink) == 0;
	if (!is_done || atomic_load(&worker->is_drained))
		return;
	atomic_store(&worker->is_drained, true);
	uv_async_send(worker->shared->news);
}

static void
on_tick(uv_timer_t *timer)
{
	struct worker *worker = worker_of(timer->data);
	uint64_t now_ms = clock_mono_ms();
	uint64_t ticks = atomic_fetch_add(&worker->ticks, 1) + 1;
	tell_when_up(worker);
	worker_mind_memory(worker);
	drift_tick(worker_drift(worker), clock_unix_ms());
	session_env_tick(worker->env, now_ms);
	session_env_expire(worker->env, clock_unix_ms(), now_ms);
	if (ticks % HUB_EVERY == 0)
		hub_tick(worker->hub, now_ms);
	if (ticks % WS_EVERY == 0)
		ws_server_tick(worker->ws_server, now_ms);
	if (worker->is_draining)
		report_drained(worker);
}

static void
begin_drain(struct worker *worker)
{
	unsigned over_ms =
	    (unsigned)(worker->settings->config.drain_seconds * 1000);
	worker->is_draining = true;
	gateway_stop(worker->public.gateway);
	session_env_drain(worker->env, clock_mono_ms(), over_ms);
}

static void
on_wake(uv_async_t *wake)
{
	struct worker *worker = worker_of(wake->data);
	worker_take_settings(worker);
	worker_take_keys(worker);
	if (atomic_load(&worker->wants_stop))
		uv_stop(&worker->loop);
	else if (atomic_load(&worker->wants_drain) && !worker->is_draining)
		begin_drain(worker);
}

/* --- building --- */

static void
open_loop(struct worker *worker)
{
	uv_loop_init(&worker->loop);
	uv_async_init(&worker->loop, &worker->wake, on_wake);
	uv_prepare_init(&worker->loop, &worker->prepare);
	uv_check_init(&worker->loop, &worker->check);
	uv_idle_init(&worker->loop, &worker->idle);
	uv_timer_init(&worker->loop, &worker->tick);
	worker->wake.data = worker;
	worker->prepare.data = worker;
	worker->check.data = worker;
	worker->idle.data = worker;
	worker->tick.data = worker;
}

static void
open_sink(struct worker *worker)
{
	const struct sink_options options = worker_sink_options(worker);
	worker->sink = sink_new(
	    &worker->loop, worker->shared->redis, &options, &worker->stats);
}

static void
open_source(struct worker *worker)
{
	static const struct source_events events = {
		.up = on_source_up,
		.down = on_source_down,
		.news = on_source_news,
	};
	const struct config *config = &worker->settings->config;
	const struct source_options options = {
		.pace_max_us = (unsigned)config->pace_max_us,
		.sweep_ms = SWEEP_MS,
		.poll_ms = POLL_MS,
		.command_ms = READ_MS,
		.tracking = true,
		.broadcast_prefix = view_of(config->redis_prefix),
		.safeguard_sweep = true,
		.safeguard_rearm = true,
	};
	worker->source = source_new(&worker->loop, worker->shared->redis,
	    &options, &worker->stats, &events, worker);
}

/* Not while the worker goes: then the source may be gone. */
static void
on_crowd(void *arg, bool is_crowded)
{
	struct worker *worker = arg;
	if (worker->source)
		source_pause(worker->source, is_crowded);
}

static void
open_core(struct worker *worker)
{
	const struct contract *contract = worker->settings->contract;
	const struct judge_options judge_options = worker_judge_options(worker);
	const struct hub_options hub_options = worker_hub_options(worker);
	worker->judge = judge_new(contract, &judge_options, &worker->stats,
	    sink_dead_letter, worker->sink);
	worker->hub = hub_new(&hub_options, contract, worker->judge,
	    &worker->stats, &source_hub_ops, worker->source);
	source_attach(worker->source, worker->hub);
	sink_on_crowd(worker->sink, on_crowd, worker);
	judge_attach_drift(
	    worker->judge, worker_drift(worker), worker->shared->once);
	hub_source_down(worker->hub); /* until the source says that it is up */
}

static void
open_sessions(struct worker *worker)
{
	const struct session_options options = worker_session_options(worker);
	worker->env = session_env_new(&options, worker->settings->contract,
	    worker->hub, &worker->stats, &sink_session_ops, worker->sink);
	sink_attach(worker->sink, worker->env);
	session_env_attach_drift(worker->env, worker_drift(worker));
	session_env_attach_users(worker->env, worker->shared->users);
}

static int
open_ws_server(struct worker *worker, struct error *err)
{
	const struct ws_server_options options = worker_ws_options(worker);
	worker->ws_server = ws_server_new(
	    &worker->loop, &options, worker->env, &worker->stats, err);
	return worker->ws_server ? 0 : -1;
}

static int
open_parts(struct worker *worker, int public_socket, int admin_socket,
    struct error *err)
{
	open_sink(worker);
	open_source(worker);
	open_core(worker);
	open_sessions(worker);
	worker_open_readiness(worker);
	if (open_ws_server(worker, err) == -1)
		return -1;
	if (worker_listen(worker, &worker->public, public_socket, false) ==
		-1 ||
	    (admin_socket >= 0 &&
		worker_listen(worker, &worker->admin, admin_socket, true) ==
		    -1))
		return error_set(err, "", "a listener cannot be watched");
	return 0;
}

struct worker *
worker_new(struct worker_shared *shared, size_t index, int public_socket,
    int admin_socket, struct error *err)
{
	struct worker *worker = xcalloc(1, sizeof(*worker));
	worker->magic = WORKER_MAGIC;
	worker->shared = shared;
	worker->index = index;
	worker->settings = settings_hold(shared->settings);
	atomic_init(&worker->settings_number, worker->settings->number);
	worker->keys = shared->keys ? key_set_hold(shared->keys) : NULL;
	snprintf(worker->session_node, sizeof(worker->session_node), "%s-%zu",
	    shared->node, index);
	open_loop(worker);
	if (open_parts(worker, public_socket, admin_socket, err) == -1)
		worker_free(&worker);
	return worker;
}

/* --- running --- */

static void *
run(void *arg)
{
	struct worker *worker = worker_of(arg);
	uv_run(&worker->loop, UV_RUN_DEFAULT);
	return NULL;
}

/* Signals are for the main thread alone. */
static int
start_thread(struct worker *worker)
{
	sigset_t all, before;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	int problem = pthread_create(&worker->thread, NULL, run, worker);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return problem;
}

int
worker_start(struct worker *worker, struct error *err)
{
	uv_prepare_start(&worker->prepare, on_prepare);
	uv_check_start(&worker->check, on_check);
	uv_timer_start(&worker->tick, on_tick, TICK_MS, TICK_MS);
	sink_start(worker->sink);
	source_start(worker->source);
	int problem = start_thread(worker);
	if (problem)
		return error_set(err, "", "a thread cannot be started: %s",
		    strerror(problem));
	worker->is_running = true;
	return 0;
}

static void
close_loop(struct worker *worker)
{
	uv_close((uv_handle_t *)&worker->tick, NULL);
	uv_close((uv_handle_t *)&worker->idle, NULL);
	uv_close((uv_handle_t *)&worker->check, NULL);
	uv_close((uv_handle_t *)&worker->prepare, NULL);
	uv_close((uv_handle_t *)&worker->wake, NULL);
	uv_run(&worker->loop, UV_RUN_DEFAULT);
	uv_loop_close(&worker->loop);
}

void
worker_free(struct worker **worker)
{
	struct worker *self = *worker;
	if (!self)
		return;
	if (self->is_running) {
		atomic_store(&self->wants_stop, true);
		uv_async_send(&self->wake);
		pthread_join(self->thread, NULL);
	}
	gateway_free(&self->admin.gateway);
	gateway_free(&self->public.gateway);
	readiness_free(&self->readiness);
	ws_server_free(&self->ws_server);
	session_env_free(&self->env);
	hub_free(&self->hub);
	judge_free(&self->judge);
	source_watch_free(&self->canary);
	source_free(&self->source);
	sink_free(&self->sink);
	close_loop(self);
	struct settings *handed = atomic_exchange(&self->handed, NULL);
	settings_release(&handed);
	settings_release(&self->settings);
	struct key_set *handed_keys = atomic_exchange(&self->handed_keys, NULL);
	key_set_release(&handed_keys);
	key_set_release(&self->keys);
	self->magic = 0;
	free(self);
	*worker = NULL;
}

/* --- from other threads --- */

void
worker_drain(struct worker *worker)
{
	atomic_store(&worker->wants_drain, true);
	uv_async_send(&worker->wake);
}

/* One that was handed over before and not yet taken is skipped. */
void
worker_reload(struct worker *worker)
{
	struct settings *skipped = atomic_exchange(
	    &worker->handed, settings_hold(worker->shared->settings));
	settings_release(&skipped);
	uv_async_send(&worker->wake);
}

uint64_t
worker_settings_number(const struct worker *worker)
{
	return atomic_load(&worker->settings_number);
}

bool
worker_is_drained(const struct worker *worker)
{
	return atomic_load(&worker->is_drained);
}

bool
worker_is_up(const struct worker *worker, uint64_t *since_ms_r)
{
	*since_ms_r = atomic_load(&worker->since_ms);
	return atomic_load(&worker->is_up);
}

uint64_t
worker_ticks(const struct worker *worker)
{
	return atomic_load(&worker->ticks);
}

struct stats *
worker_stats(struct worker *worker)
{
	return &worker->stats;
}
