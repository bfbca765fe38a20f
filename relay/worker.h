/* SPDX-License-Identifier: MIT */
#ifndef WORKER_H
#define WORKER_H

/*
 * One event loop on a thread of its own, with one of each part: judge, hub,
 * source, sink, sessions, WebSocket server, gateway. Workers share only what is
 * immutable, and counters that one thread writes and others read. Made and
 * freed on the main thread, one after the other; in between only
 * worker_drain(), worker_stop() and what is marked so may be called.
 */

#include "config.h"
#include "contract.h"
#include "redis_link.h"
#include "stats.h"

#include <stdatomic.h>

struct drift;
struct once;
struct uv_async_s;
struct worker;

/* Owned by the main thread, which fills it before the first worker is made. */
struct worker_shared {
	const struct config *config;
	const struct contract *contract;
	const struct redis_target *redis;
	const char *redis_url; /* without secrets */
	bool redis_is_private;
	const char *version;
	char node[17];         /* unique text of this process */
	char contract_id[160]; /* name/version */
	uint64_t started_ms;   /* unix */
	uint64_t max_connections;
	struct view *origins;
	size_t origin_count;
	struct worker **workers;
	size_t worker_count;
	struct once *once;       /* entries that drift has told of */
	struct uv_async_s *news; /* to the main thread: a worker has drained */
	_Atomic bool is_draining;
};

/* Takes the listening sockets; admin_socket is -1 on all but the first. */
struct worker *worker_new(struct worker_shared *shared, size_t index,
    int public_socket, int admin_socket, struct error *err);
/* Starts the thread and connects to Redis. */
int worker_start(struct worker *worker, struct error *err);
/* Stops the thread if it runs, waits for it, and tears down in reverse. */
void worker_free(struct worker **worker);

/* From any thread. */
void worker_drain(struct worker *worker); /* the planned end, wire.md 5.4 */
bool worker_is_drained(const struct worker *worker);
/* Is its reading pair in force, and since when (unix ms)? */
bool worker_is_up(const struct worker *worker, uint64_t *since_ms_r);
struct stats *worker_stats(struct worker *worker);
/* To print, while the worker lives. */
struct drift *worker_drift(struct worker *worker);

#endif
