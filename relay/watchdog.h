/* SPDX-License-Identifier: MIT */
#ifndef WATCHDOG_H
#define WATCHDOG_H

/*
 * Tells the service manager that the relay is alive as long as every worker's
 * loop turns; one that hangs is then ended and started again by it. Belongs to
 * the main thread's loop. Without a service manager it does nothing.
 */

struct uv_loop_s;
struct watchdog;
struct worker_shared;

/* Before the sandbox, since it opens a socket. `shared` is borrowed. */
struct watchdog *watchdog_new(
    struct uv_loop_s *loop, const struct worker_shared *shared);
/* The relay is ready; from now on it says that it is alive. */
void watchdog_start(struct watchdog *watchdog);
/* The planned end has begun. */
void watchdog_stopping(struct watchdog *watchdog);
/* NULL is fine. The memory goes when libuv has closed the timer. */
void watchdog_free(struct watchdog **watchdog);

#endif
