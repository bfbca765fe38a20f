/* SPDX-License-Identifier: MIT */
#include "daemon_parts.h"

#include "descriptors.h"
#include "exit_code.h"
#include "log.h"
#include "port_owner.h"
#include "private_redis.h"
#include "xmalloc.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <unistd.h>

size_t
daemon_worker_count(const struct config *config)
{
	if (config->workers > 0)
		return config->workers;
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	return cores > 0 ? (uint64_t)cores : 1;
}

int
daemon_open_redis(
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

int
daemon_open_listeners(struct daemon *daemon, struct error *err)
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

void
daemon_cap_connections(const struct daemon *daemon, struct settings *settings)
{
	if (settings->max_connections > daemon->room)
		settings->max_connections = daemon->room;
}

int
daemon_open_descriptors(struct daemon *daemon, struct error *err)
{
	uint64_t limit = 0;
	if (descriptors_raise(&limit, err) == -1)
		return EXIT_CODE_DESCRIPTORS;
	daemon->room =
	    descriptors_for_clients(limit, daemon->shared.worker_count);
	daemon_cap_connections(daemon, daemon->settings);
	return 0;
}

void
daemon_warn_of_descriptors(const struct daemon *daemon)
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

int
daemon_name_node(struct worker_shared *shared, struct error *err)
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

int
daemon_open_workers(struct daemon *daemon, struct error *err)
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
