/* SPDX-License-Identifier: MIT */
#ifndef PRIVATE_REDIS_H
#define PRIVATE_REDIS_H

/*
 * A redis-server of the relay's own, for who gives no --redis: a child on a
 * Unix socket in the state directory, append-only file on, no TCP port. It is
 * started again when it ends, and ends with the relay, also when the relay is
 * killed. Another child, its keeper (redis_keeper.h), starts and stops it.
 * Belongs to one loop.
 */

#include "error.h"

#include <stdbool.h>

struct uv_loop_s;
struct private_redis;

/* The keeper has ended, so that nobody starts redis-server again. */
typedef void private_redis_lost_fn(void *arg);

/* Makes and locks the directory, finds redis-server, forks the keeper: before
 * there are threads. NULL: err, and *exit_code_r (exit_code.h). */
struct private_redis *private_redis_new(struct uv_loop_s *loop,
    const char *state_dir, int *exit_code_r, struct error *err);
/* Begins to start it, and from then on keeps it running. */
void private_redis_start(
    struct private_redis *redis, private_redis_lost_fn *on_lost, void *arg);
/* Asks it to end, waits for that (blocking, at most about five seconds), lets
 * go of the directory. The memory goes when libuv has closed the handles. */
void private_redis_free(struct private_redis **redis);

/* unix:PATH; good until free. */
const char *private_redis_url(const struct private_redis *redis);
/* Does it accept connections now? */
bool private_redis_accepts(const struct private_redis *redis);

#endif
