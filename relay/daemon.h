/* SPDX-License-Identifier: MIT */
#ifndef DAEMON_H
#define DAEMON_H

/*
 * The running relay: opens what it listens on, starts the private Redis and
 * the workers, waits for signals, drains, and tears down in reverse. All of it
 * on the main thread.
 */

#include "config.h"
#include "contract.h"
#include "redis_link.h"

/* Can the relay listen as it is told? Opens nothing. 0, or an exit code and
 * err. */
int daemon_check(const struct config *config, struct error *err);

/* `redis` is NULL for a private one. Blocks until the relay has ended. 0:
 * drained; else an exit code (exit_code.h), with err unless a second signal cut
 * the drain short. */
int daemon_run(const struct config *config, const struct contract *contract,
    const struct redis_target *redis, const char *version, struct error *err);

#endif
