/* SPDX-License-Identifier: MIT */
#include "daemon.h"

#include "clock.h"
#include "confine.h"
#include "descriptors.h"
#include "exit_code.h"
#include "gateway.h"
#include "key_store.h"
#include "log.h"
#include "memory_guard.h"
#include "once.h"
#include "port_file.h"
#include "port_owner.h"
#include "private_redis.h"
#include "tally.h"
#include "tls_identity.h"
#include "users.h"
#include "versions.h"
#include "watchdog.h"
#include "worker.h"
#include "xmalloc.h"

#include <uv.h>

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <unistd.h>

/* The start is announced when the workers have reached Redis, so that who reads
 * the port file meets no `degraded`. But a Redis that is away is no reason not
 * to serve: no longer than this. The private one may have to begin first. */
#define GIVEN_PATIENCE_MS   500
#define PRIVATE_PATIENCE_MS 5000
#define LOOK_MS             5
/* After the drain's own time, for the last answers and close frames. */
#define DRAIN_GRACE_MS 5000

struct daemon {
	const struct daemon_plan *plan;
	struct settings *settings; /* the latest */
	uint64_t reported;         /* number of the last that all go by */
	uint64_t room;             /* for connections, by the descriptors */
	uv_loop_t loop;
	uv_async_t news;
	uv_signal_t terminate, interrupt, hangup;
	uv_timer_t timer; /* first for the private Redis, then for the drain */
	struct key_store *key_store;
	struct private_redis *private_redis;
	struct watchdog *watchdog;
	struct memory_guard *memory_guard;
	struct redis_target private_target;
	char redis_url[600];
	struct gateway_address listen, admin;
	int *sockets; /* one per worker; -1 when given away */
	int admin_socket;
	struct worker_shared shared;
	uint64_t deadline_ms;
	bool has_started;    /* the workers */
	bool has_lost_redis; /* the private one, for good */
	bool has_port_file;
	struct error *err; /* the caller's */
	int signal_number; /* of a second signal; 0: none */
};

static uint64_t
worker_count(const struct config *config)
{
	if (config->workers > 0)
		return config->workers;
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	return cores > 0 ? (uint64_t)cores : 1;
}

/* --- opening --- */

static int
open_redis(
    struct daemon *daemon, const struct redis_target *redis, struct error *err)
{
	int code = 0;
	if (redis) {
		daemon->shared.redis = redis;
		redis_target_print(
		    redis, daemon->redis_url, sizeof(daemon->redis_url));
		return 0;
	}
	daemon->private_redis = private_redis_new(
	    &daemon->loop, daemon->settings->config.state_dir, &code, err);
	if (!daemon->private_redis)
		return code;
	const char *url = private_redis_url(daemon->private_redis);
	if (redis_target_parse(&daemon->private_target, view_of(url), err) ==
	    -1)
		return EXIT_CODE_REDIS;
	daemon->shared.redis = &daemon->private_target;
	daemon->shared.redis_is_private = true;
	snprintf(daemon->redis_url, sizeof(daemon->redis_url), "%s", url);
	return 0;
}

static int
open_listener(const char *address, bool join, int *sockets, size_t count,
    struct gateway_address *address_r, struct error *err)
{
	errno = 0;
	if (gateway_listen(address, join, sockets, count, address_r, err) == 0)
		return 0;
	return port_owner_explain(address, errno, err);
}

static int
open_listeners(struct daemon *daemon, struct error *err)
{
	const struct config *config = &daemon->settings->config;
	size_t count = daemon->shared.worker_count;
	daemon->sockets = xcalloc(count, sizeof(*daemon->sockets));
	for (size_t i = 0; i < count; i++)
		daemon->sockets[i] = -1;
	int code = open_listener(config->listen, config->listen_share,
	    daemon->sockets, count, &daemon->listen, err);
	if (code == 0)
		code = open_listener(config->admin_listen, false,
		    &daemon->admin_socket, 1, &daemon->admin, err);
	return code;
}

static void
cap_connections(const struct daemon *daemon, struct settings *settings)
{
	if (settings->max_connections > daemon->room)
		settings->max_connections = daemon->room;
}

static int
open_descriptors(struct daemon *daemon, struct error *err)
{
	uint64_t limit = 0;
	if (descriptors_raise(&limit, err) == -1)
		return EXIT_CODE_DESCRIPTORS;
	daemon->room =
	    descriptors_for_clients(limit, daemon->shared.worker_count);
	cap_connections(daemon, daemon->settings);
	return 0;
}

static void
warn_of_descriptors(const struct daemon *daemon)
{
	char wanted[32], allowed[32];
	if (daemon->settings->max_connections ==
	    daemon->settings->config.limits_connections)
		return;
	snprintf(wanted, sizeof(wanted), "%" PRIu64,
	    daemon->settings->config.limits_connections);
	snprintf(allowed, sizeof(allowed), "%" PRIu64,
	    daemon->settings->max_connections);
	log_event(LOG_LEVEL_WARN, "relayd", "connections_capped", "wanted",
	    wanted, "allowed", allowed, "fix",
	    "raise the descriptor limit (ulimit -n, LimitNOFILE=)", NULL);
}

static int
name_node(struct worker_shared *shared, struct error *err)
{
	uint8_t bytes[8];
	if (getrandom(bytes, sizeof(bytes), 0) != (ssize_t)sizeof(bytes)) {
		error_set(err, "", "getrandom failed: %s", strerror(errno));
		return EXIT_CODE_BUG;
	}
	for (size_t i = 0; i < sizeof(bytes); i++)
		snprintf(shared->node + 2 * i, 3, "%02x", bytes[i]);
	return 0;
}

static int
open_workers(struct daemon *daemon, struct error *err)
{
	struct worker_shared *shared = &daemon->shared;
	size_t count = shared->worker_count;
	shared->workers = xcalloc(count, sizeof(struct worker *));
	for (size_t i = 0; i < count; i++) {
		shared->workers[i] = worker_new(shared, i, daemon->sockets[i],
		    i == 0 ? daemon->admin_socket : -1, err);
		daemon->sockets[i] = -1;
		if (i == 0)
			daemon->admin_socket = -1;
		if (!shared->workers[i])
			return EXIT_CODE_BUG;
	}
	return 0;
}

/* --- the end --- */

static void
begin_end(struct daemon *daemon)
{
	uv_stop(&daemon->loop);
}

/* Once all workers go by the new settings. */
static void
report_reload(struct daemon *daemon)
{
	static const char *const modes[] = { "off", "warn", "enforce" };
	const struct settings *settings = daemon->settings;
	for (size_t i = 0; i < daemon->shared.worker_count; i++)
		if (worker_settings_number(daemon->shared.workers[i]) !=
		    settings->number)
			return;
	if (daemon->reported == settings->number)
		return;
	daemon->reported = settings->number;
	log_event(LOG_LEVEL_INFO, "relayd", "reloaded", "contract",
	    settings->contract_id, "contract_hash", settings->contract->hash,
	    "mode", modes[settings->config.mode], NULL);
}

static void
on_news(uv_async_t *news)
{
	struct daemon *daemon = news->data;
	report_reload(daemon);
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

/* --- keys --- */

/* Once they are made the workers have keys of their own. */
static void
on_keys(void *arg)
{
	struct daemon *daemon = arg;
	struct worker_shared *shared = &daemon->shared;
	if (!daemon->key_store)
		return;
	struct key_set *before = shared->keys;
	struct key_set *keys = key_store_keys(daemon->key_store);
	atomic_store(&shared->keys_state, key_store_state(daemon->key_store));
	if (!keys || keys == before)
		return;
	shared->keys = key_set_hold(keys);
	key_set_release(&before);
	for (size_t i = 0; shared->workers && i < shared->worker_count; i++)
		worker_trust(shared->workers[i]);
}

static void
open_keys(struct daemon *daemon)
{
	daemon->shared.users = users_new();
	daemon->key_store =
	    key_store_new(&daemon->loop, daemon->settings, on_keys, daemon);
	on_keys(daemon);
}

/* --- reloading --- */

static void
warn_of_certificate(const struct settings *settings)
{
	if (!settings->tls)
		return;
	const char *warning =
	    tls_identity_warning(settings->tls, clock_unix_ms());
	if (*warning)
		log_event(LOG_LEVEL_WARN, "relayd", "certificate", "problem",
		    warning, NULL);
}

static void
replace_settings(struct daemon *daemon, struct settings *take_next)
{
	struct settings *before = daemon->settings;
	take_next->number = before->number + 1;
	take_next->most_connections = before->most_connections;
	cap_connections(daemon, take_next);
	settings_keep_pact(take_next, before);
	settings_open_drifts(
	    take_next, daemon->shared.worker_count, clock_unix_ms());
	daemon->settings = take_next;
	daemon->shared.settings = take_next;
	for (size_t i = 0; i < daemon->shared.worker_count; i++)
		worker_reload(daemon->shared.workers[i]);
	settings_release(&before);
	key_store_reload(daemon->key_store, take_next);
	log_setup((enum log_level)take_next->config.log_level,
	    (enum log_format)take_next->config.log_format,
	    (unsigned)take_next->config.limits_log_lines);
	warn_of_certificate(take_next);
}

static void
on_hangup(uv_signal_t *handle, int signal_number)
{
	struct daemon *daemon = handle->data;
	struct error err = { 0 };
	(void)signal_number;
	if (atomic_load(&daemon->shared.is_draining))
		return;
	struct settings *next =
	    daemon->plan->read_again(daemon->plan->arg, &err);
	if (next && settings_may_follow(daemon->settings, next, &err) == 0) {
		replace_settings(daemon, next);
		return;
	}
	settings_release(&next);
	log_event(LOG_LEVEL_ERROR, "relayd", "reload_refused", "where",
	    err.where, "error", err.message, "kept",
	    daemon->settings->contract_id, "kept_hash",
	    daemon->settings->contract->hash, NULL);
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
	warn_of_descriptors(daemon);
	versions_warn();
	warn_of_certificate(daemon->settings);
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
	uv_signal_start(&daemon->hangup, on_hangup, SIGHUP);
}

static int
run(struct daemon *daemon, struct error *err)
{
	daemon->err = err;
	watch_signals(daemon);
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
	daemon->news.data = daemon;
	daemon->terminate.data = daemon;
	daemon->interrupt.data = daemon;
	daemon->hangup.data = daemon;
	daemon->timer.data = daemon;
}

static void
close_loop(struct daemon *daemon)
{
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
	shared->worker_count = worker_count(&daemon.settings->config);
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
	int code = open_descriptors(&daemon, err);
	if (code == 0)
		code = name_node(shared, err);
	if (code == 0)
		code = open_listeners(&daemon, err);
	if (code == 0)
		code = open_redis(&daemon, plan->redis, err);
	if (code == 0)
		open_keys(&daemon);
	if (code == 0)
		code = open_workers(&daemon, err);
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
