/* SPDX-License-Identifier: MIT */
#ifndef DAEMON_H
#define DAEMON_H

/*
 * The running relay: opens what it listens on, starts the private Redis and
 * the workers, waits for signals, drains, and tears down in reverse. All of it
 * on the main thread. SIGHUP: new settings, all or nothing, without dropping a
 * connection.
 */

#include "redis_link.h"
#include "settings.h"

/* Can the relay listen as it is told? Opens nothing. 0, or an exit code and
 * err. */
int daemon_check(const struct config *config, struct error *err);

struct daemon_plan {
	struct settings *settings;        /* to begin with; held while needed */
	const struct redis_target *redis; /* NULL: a private one */
	const char *version;
	/* On SIGHUP: reads everything anew. NULL: err, and all stays as it is. */
	struct settings *(*read_again)(void *arg, struct error *err);
	void *arg;
};

/* Blocks until the relay has ended. 0: drained; else an exit code
 * (exit_code.h), with err unless a second signal cut the drain short. */
int daemon_run(const struct daemon_plan *plan, struct error *err);

#endif
