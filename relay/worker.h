/* SPDX-License-Identifier: MIT */
#ifndef WORKER_H
#define WORKER_H

/*
 * One event loop on a thread of its own, with one of each part: judge, hub,
 * source, sink, sessions, WebSocket server, gateway. Workers share only what is
 * immutable, and counters that one thread writes and others read. Made and
 * freed on the main thread, one after the other; in between only
 * worker_drain() and what is marked so may be called.
 */

#include "key_store.h"
#include "redis_link.h"
#include "settings.h"
#include "stats.h"

#include <stdatomic.h>

struct once;
struct tally;
struct uv_async_s;
struct worker;

/* Owned by the main thread, which fills it before the first worker is made. */
struct worker_shared {
	/* The latest; for the main thread alone. Each worker has its own. */
	struct settings *settings;
	const struct redis_target *redis;
	const char *redis_url; /* without secrets */
	bool redis_is_private;
	const char *version;
	char node[17];       /* unique text of this process */
	uint64_t started_ms; /* unix */
	struct worker **workers;
	size_t worker_count;
	struct once *once;   /* entries that drift has told of */
	struct tally *tally; /* the WebSockets of all workers */
	struct users *users; /* connections by user */
	/* The latest; for the main thread alone. NULL when auth is off. */
	struct key_set *keys;
	_Atomic enum component keys_state;
	_Atomic bool wants_keys; /* a token named a key that is not there */
	/* To the main thread: a worker has drained, goes by new settings, or
	 * wants keys. */
	struct uv_async_s *news;
	_Atomic bool is_draining;
	/* From the memory guard: enum memory_level, and its figures. */
	_Atomic unsigned memory_level;
	_Atomic uint64_t memory_used, memory_limit; /* limit 0: none */
};

/* Takes the listening sockets; admin_socket is -1 on all but the first. */
struct worker *worker_new(struct worker_shared *shared, size_t index,
    int public_socket, int admin_socket, struct error *err);
/* Starts the thread and connects to Redis. */
int worker_start(struct worker *worker, struct error *err);
/* Stops the thread if it runs, waits for it, and tears down in reverse. */
void worker_free(struct worker **worker);

/* From any thread, worker_reload from the main thread. */
void worker_drain(struct worker *worker); /* the planned end, wire.md 5.4 */
/* At a loop turn soon it goes by the settings in shared->settings. */
void worker_reload(struct worker *worker);
/* At a loop turn soon it goes by shared->keys; from the main thread. */
void worker_trust(struct worker *worker);
/* The number of the settings that it goes by. */
uint64_t worker_settings_number(const struct worker *worker);
bool worker_is_drained(const struct worker *worker);
/* Is its reading pair in force, and since when (unix ms)? */
bool worker_is_up(const struct worker *worker, uint64_t *since_ms_r);
/* How often its clock ticked: stands still when its loop does. */
uint64_t worker_ticks(const struct worker *worker);
struct stats *worker_stats(struct worker *worker);

#endif
