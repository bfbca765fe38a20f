/* SPDX-License-Identifier: MIT */
#include "daemon_parts.h"

#include "clock.h"
#include "confine.h"
#include "exit_code.h"
#include "key_store.h"
#include "log.h"
#include "memory_guard.h"
#include "once.h"
#include "port_file.h"
#include "private_redis.h"
#include "tally.h"
#include "users.h"
#include "versions.h"
#include "watchdog.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* The start is announced when the workers have reached Redis, so that who reads
 * the port file meets no `degraded`. But a Redis that is away is no reason not
 * to serve: no longer than this. The private one may have to begin first. */
#define GIVEN_PATIENCE_MS   500
#define PRIVATE_PATIENCE_MS 5000
#define LOOK_MS             5
#define SUMMARIES_MS        1000
/* After the drain's own time, for the last answers and close frames. */
#define DRAIN_GRACE_MS 5000

/* --- the end --- */

static void
begin_end(struct daemon *daemon)
{
	uv_stop(&daemon->loop);
}

static void
on_news(uv_async_t *news)
{
	struct daemon *daemon = news->data;
	daemon_report_reload(daemon);
	if (atomic_exchange(&daemon->shared.wants_keys, false))
		key_store_ask(daemon->key_store);
	for (size_t i = 0; i < daemon->shared.worker_count; i++)
		if (!worker_is_drained(daemon->shared.workers[i]))
			return;
	begin_end(daemon);
}

static void
on_drain_deadline(uv_timer_t *timer)
{
	log_event(LOG_LEVEL_WARN, "relayd", "drain_cut_short", NULL);
	begin_end(timer->data);
}

static void
on_end_signal(uv_signal_t *handle, int signal_number)
{
	struct daemon *daemon = handle->data;
	bool is_second = atomic_load(&daemon->shared.is_draining);
	if (is_second)
		daemon->signal_number = signal_number;
	if (is_second || !daemon->has_started) {
		begin_end(daemon);
		return;
	}
	log_event(LOG_LEVEL_INFO, "relayd", "draining", "signal",
	    signal_number == SIGTERM ? "SIGTERM" : "SIGINT", NULL);
	watchdog_stopping(daemon->watchdog);
	atomic_store(&daemon->shared.is_draining, true);
	for (size_t i = 0; i < daemon->shared.worker_count; i++)
		worker_drain(daemon->shared.workers[i]);
	uv_timer_start(&daemon->timer, on_drain_deadline,
	    daemon->settings->config.drain_seconds * 1000 + DRAIN_GRACE_MS, 0);
}

/* Without its private Redis the relay is of no use to anybody. */
static void
on_redis_lost(void *arg)
{
	struct daemon *daemon = arg;
	daemon->has_lost_redis = true;
	begin_end(daemon);
}

/* --- running --- */

static void
announce(struct daemon *daemon)
{
	const struct config *config = &daemon->settings->config;
	const struct port_file content = { .listen = daemon->listen.text,
		.admin = daemon->admin.text,
		.redis = daemon->redis_url };
	struct error err;
	char workers[32];
	snprintf(workers, sizeof(workers), "%zu", daemon->shared.worker_count);
	log_event(LOG_LEVEL_INFO, "relayd", "started", "version",
	    daemon->shared.version, "listen", daemon->listen.text, "admin",
	    daemon->admin.text, "redis", daemon->redis_url, "redis_is",
	    daemon->private_redis ? "private, a child of this process"
				  : "given",
	    "contract", daemon->settings->contract_id, "contract_hash",
	    daemon->settings->contract->hash, "workers", workers, NULL);
	daemon_warn_of_descriptors(daemon);
	versions_warn();
	daemon_warn_of_certificate(daemon->settings);
	daemon_warn_of_keys(daemon->settings);
	if (!*config->port_file)
		return;
	daemon->has_port_file =
	    port_file_write(config->port_file, &content, &err) == 0;
	if (!daemon->has_port_file)
		log_event(LOG_LEVEL_ERROR, "relayd", "port_file", "path",
		    err.where, "error", err.message, NULL);
}

static int
start_workers(struct daemon *daemon, struct error *err)
{
	for (size_t i = 0; i < daemon->shared.worker_count; i++)
		if (worker_start(daemon->shared.workers[i], err) == -1)
			return EXIT_CODE_BUG;
	daemon->has_started = true;
	return 0;
}

static bool
all_workers_are_up(const struct daemon *daemon)
{
	uint64_t since_ms;
	for (size_t i = 0; i < daemon->shared.worker_count; i++)
		if (!worker_is_up(daemon->shared.workers[i], &since_ms))
			return false;
	return true;
}

static void
on_look(uv_timer_t *timer)
{
	struct daemon *daemon = timer->data;
	bool is_late = clock_mono_ms() >= daemon->deadline_ms;
	/* Workers that connect before the private Redis listens would only log
	 * a refusal and back off. */
	if (!daemon->has_started) {
		if (!is_late && !private_redis_accepts(daemon->private_redis))
			return;
		if (start_workers(daemon, daemon->err) == -1)
			uv_stop(&daemon->loop);
	}
	if (!is_late &&
	    !(all_workers_are_up(daemon) &&
		key_store_has_looked(daemon->key_store)))
		return;
	uv_timer_stop(timer);
	announce(daemon);
	watchdog_start(daemon->watchdog);
}

static int
start(struct daemon *daemon)
{
	unsigned patience_ms = GIVEN_PATIENCE_MS;
	if (daemon->private_redis) {
		private_redis_start(
		    daemon->private_redis, on_redis_lost, daemon);
		patience_ms = PRIVATE_PATIENCE_MS;
	} else if (start_workers(daemon, daemon->err) != 0) {
		return EXIT_CODE_BUG;
	}
	daemon->deadline_ms = clock_mono_ms() + patience_ms;
	uv_timer_start(&daemon->timer, on_look, 0, LOOK_MS);
	return 0;
}

static void
watch_signals(struct daemon *daemon)
{
	uv_signal_start(&daemon->terminate, on_end_signal, SIGTERM);
	uv_signal_start(&daemon->interrupt, on_end_signal, SIGINT);
	uv_signal_start(&daemon->hangup, daemon_on_hangup, SIGHUP);
}

static void
on_summaries(uv_timer_t *timer)
{
	(void)timer;
	log_tick();
}

static int
run(struct daemon *daemon, struct error *err)
{
	daemon->err = err;
	watch_signals(daemon);
	uv_timer_start(
	    &daemon->summaries, on_summaries, SUMMARIES_MS, SUMMARIES_MS);
	if (start(daemon) != 0)
		return EXIT_CODE_BUG;
	uv_run(&daemon->loop, UV_RUN_DEFAULT);
	if (!daemon->has_started && err->message[0])
		return EXIT_CODE_BUG;
	if (daemon->has_lost_redis) {
		error_set(err, "redis",
		    "the private Redis is gone for good; start relayd again");
		return EXIT_CODE_BUG;
	}
	log_event(LOG_LEVEL_INFO, "relayd", "ended", "drained",
	    daemon->signal_number ? "false" : "true", NULL);
	return daemon->signal_number ? 128 + daemon->signal_number : 0;
}

static void
open_loop(struct daemon *daemon)
{
	uv_loop_init(&daemon->loop);
	uv_async_init(&daemon->loop, &daemon->news, on_news);
	uv_signal_init(&daemon->loop, &daemon->terminate);
	uv_signal_init(&daemon->loop, &daemon->interrupt);
	uv_signal_init(&daemon->loop, &daemon->hangup);
	uv_timer_init(&daemon->loop, &daemon->timer);
	uv_timer_init(&daemon->loop, &daemon->summaries);
	daemon->news.data = daemon;
	daemon->terminate.data = daemon;
	daemon->interrupt.data = daemon;
	daemon->hangup.data = daemon;
	daemon->timer.data = daemon;
}

static void
close_loop(struct daemon *daemon)
{
	uv_close((uv_handle_t *)&daemon->summaries, NULL);
	uv_close((uv_handle_t *)&daemon->timer, NULL);
	uv_close((uv_handle_t *)&daemon->hangup, NULL);
	uv_close((uv_handle_t *)&daemon->interrupt, NULL);
	uv_close((uv_handle_t *)&daemon->terminate, NULL);
	uv_close((uv_handle_t *)&daemon->news, NULL);
	uv_run(&daemon->loop, UV_RUN_DEFAULT);
	uv_loop_close(&daemon->loop);
}

/* Everything that open_* and run() made, in reverse; also what was only partly
 * made. */
static void
tear_down(struct daemon *daemon)
{
	struct worker_shared *shared = &daemon->shared;
	if (daemon->has_port_file)
		port_file_remove(daemon->settings->config.port_file);
	for (size_t i = shared->worker_count; shared->workers && i-- > 0;)
		worker_free(&shared->workers[i]);
	free(shared->workers);
	once_free(&shared->once);
	tally_free(&shared->tally);
	users_free(&shared->users);
	key_store_free(&daemon->key_store);
	key_set_release(&shared->keys);
	for (size_t i = 0; daemon->sockets && i < shared->worker_count; i++)
		if (daemon->sockets[i] >= 0)
			close(daemon->sockets[i]);
	free(daemon->sockets);
	if (daemon->admin_socket >= 0)
		close(daemon->admin_socket);
	gateway_unlink(&daemon->admin);
	gateway_unlink(&daemon->listen);
	watchdog_free(&daemon->watchdog);
	memory_guard_free(&daemon->memory_guard);
	private_redis_free(&daemon->private_redis);
	redis_target_fini(&daemon->private_target);
	close_loop(daemon);
}

int
daemon_check(const struct config *config, struct error *err)
{
	struct gateway_address listen, admin;
	if (gateway_look(config->listen, &listen, err) == -1 ||
	    gateway_look(config->admin_listen, &admin, err) == -1)
		return EXIT_CODE_CONFIG;
	if (listen.is_loopback || config->auth != 0 || config->allow_anonymous)
		return 0;
	error_set(err, "listen",
	    "%s is not a loopback address and auth is off: anyone could "
	    "connect; listen on loopback, or say --allow-anonymous",
	    listen.text);
	return EXIT_CODE_CONFIG;
}

/* Who waits for it would wait for ever. */
static int
check_port_file(const struct config *config, struct error *err)
{
	if (!*config->port_file || port_file_check(config->port_file, err) == 0)
		return 0;
	return EXIT_CODE_PERMISSION;
}

int
daemon_run(const struct daemon_plan *plan, struct error *err)
{
	struct daemon daemon = { .plan = plan, .admin_socket = -1 };
	struct worker_shared *shared = &daemon.shared;
	daemon.settings = settings_hold(plan->settings);
	daemon.settings->number = daemon.reported = 1;
	shared->settings = daemon.settings;
	shared->version = plan->version;
	shared->redis_url = daemon.redis_url;
	shared->worker_count = daemon_worker_count(&daemon.settings->config);
	shared->started_ms = clock_unix_ms();
	settings_open_drifts(
	    daemon.settings, shared->worker_count, shared->started_ms);
	shared->news = &daemon.news;
	shared->once = once_new();
	shared->tally = tally_new();
	signal(SIGPIPE, SIG_IGN);
	if (daemon.settings->config.sandbox != SANDBOX_OFF)
		sandbox_prepare();
	open_loop(&daemon);
	int code = check_port_file(&daemon.settings->config, err);
	if (code == 0)
		code = daemon_open_descriptors(&daemon, err);
	if (code == 0)
		code = daemon_name_node(shared, err);
	if (code == 0)
		code = daemon_open_listeners(&daemon, err);
	if (code == 0)
		code = daemon_open_redis(&daemon, plan->redis, err);
	if (code == 0)
		daemon_open_keys(&daemon);
	if (code == 0)
		code = daemon_open_workers(&daemon, err);
	if (code == 0) {
		daemon.watchdog = watchdog_new(&daemon.loop, shared);
		daemon.memory_guard = memory_guard_new(&daemon.loop, shared);
	}
	if (code == 0 &&
	    confine_enter(&daemon.settings->config, shared->redis, err) == -1)
		code = EXIT_CODE_BUG;
	if (code == 0)
		code = run(&daemon, err);
	tear_down(&daemon);
	settings_release(&daemon.settings);
	return code;
}
