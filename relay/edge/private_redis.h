/* SPDX-License-Identifier: MIT */
#ifndef PRIVATE_REDIS_H
#define PRIVATE_REDIS_H

/*
 * A redis-server of the relay's own, for who gives no --redis: a child on a
 * Unix socket in the state directory, append-only file on, no TCP port. It is
 * started again when it ends, and ends with the relay, also when the relay is
 * killed. Belongs to the main thread (the kernel ties the child's life to the
 * thread that forked it).
 */

#include "error.h"

#include <stdbool.h>

struct uv_loop_s;
struct private_redis;

/* Makes and locks the directory and finds redis-server. NULL: err, and
 * *exit_code_r (exit_code.h). */
struct private_redis *private_redis_new(struct uv_loop_s *loop,
    const char *state_dir, int *exit_code_r, struct error *err);
/* Begins to start it, and from then on keeps it running. */
void private_redis_start(struct private_redis *redis);
/* Asks it to end, waits for that (blocking, at most about five seconds), lets
 * go of the directory. The memory goes when libuv has closed the handles. */
void private_redis_free(struct private_redis **redis);

/* unix:PATH; good until free. */
const char *private_redis_url(const struct private_redis *redis);
/* Does it accept connections now? */
bool private_redis_accepts(const struct private_redis *redis);

#endif
