/* SPDX-License-Identifier: MIT */
#ifndef DAEMON_PARTS_H
#define DAEMON_PARTS_H

/* The daemon from the inside, for daemon.c, daemon_open.c, daemon_reload.c. */

#include "daemon.h"

#include "gateway.h"
#include "worker.h"

#include <uv.h>

/* Lives on the stack of daemon_run(). */
struct daemon {
	const struct daemon_plan *plan;
	struct settings *settings; /* the latest */
	uint64_t reported;         /* number of the last that all go by */
	uint64_t room;             /* for connections, by the descriptors */
	uv_loop_t loop;
	uv_async_t news;
	uv_signal_t terminate, interrupt, hangup;
	uv_timer_t timer; /* first for the private Redis, then for the drain */
	uv_timer_t summaries; /* of what the log held back */
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

/* daemon_open.c: what is there before the workers run. 0, or an exit code and
 * err. What was opened stays in the daemon, also after a failure. */
size_t daemon_worker_count(const struct config *config);
int daemon_open_descriptors(struct daemon *daemon, struct error *err);
int daemon_name_node(struct worker_shared *shared, struct error *err);
int daemon_open_listeners(struct daemon *daemon, struct error *err);
int daemon_open_redis(
    struct daemon *daemon, const struct redis_target *redis, struct error *err);
int daemon_open_workers(struct daemon *daemon, struct error *err);
/* No more connections than there are descriptors for; and says so. */
void daemon_cap_connections(
    const struct daemon *daemon, struct settings *settings);
void daemon_warn_of_descriptors(const struct daemon *daemon);

/* daemon_reload.c: other settings, keys and certificates while it runs. */
void daemon_open_keys(struct daemon *daemon);
void daemon_on_hangup(uv_signal_t *handle, int signal_number);
/* Once all workers go by the new settings it is logged. */
void daemon_report_reload(struct daemon *daemon);
void daemon_warn_of_certificate(const struct settings *settings);
/* Keys that are given while auth is off: a relay that is open by mistake. */
void daemon_warn_of_keys(const struct settings *settings);

#endif
