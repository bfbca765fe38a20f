/* SPDX-License-Identifier: MIT */
#ifndef WORKER_PARTS_H
#define WORKER_PARTS_H

/* The worker from the inside, for worker*.c. */

#include "worker.h"

#include "gateway.h"
#include "http_routes.h"
#include "readiness.h"
#include "sink.h"
#include "source.h"
#include "ws_server.h"

#include <uv.h>

#include <pthread.h>

#define WORKER_MAGIC 0x574f524bu

/* One listener of a worker: the gateway and what it answers. */
struct listener {
	struct worker *worker;
	struct gateway *gateway;
	struct http_routes routes;
};

struct worker {
	uint32_t magic;
	struct worker_shared *shared;
	size_t index;
	struct stats stats;
	pthread_t thread;
	bool is_running;

	uv_loop_t loop;
	uv_async_t wake;
	uv_prepare_t prepare;
	uv_check_t check;
	uv_idle_t idle;
	uv_timer_t tick;
	_Atomic uint64_t ticks;
	uint64_t news_us; /* first news of this turn; 0: none */

	struct settings *settings;         /* those that it goes by */
	_Atomic(struct settings *) handed; /* the next ones, or NULL */
	_Atomic uint64_t settings_number;

	struct key_set *keys;                  /* NULL when auth is off */
	_Atomic(struct key_set *) handed_keys; /* the next ones, or NULL */

	_Atomic bool wants_drain;
	_Atomic bool wants_stop;
	_Atomic bool is_drained;
	_Atomic bool is_up;
	_Atomic uint64_t since_ms;
	bool is_draining;
	unsigned memory_level; /* that its hub goes by */

	struct sink *sink;
	struct judge *judge;
	struct source *source;
	struct hub *hub;
	struct session_env *env;
	struct ws_server *ws_server;
	struct readiness *readiness;
	struct source_watch *canary;
	char session_node[64]; /* node-worker: begins connection ids */
	char canary_key[160];
	struct listener public;
	struct listener admin;
};

/* worker_settings.c: what each part goes by. */
struct sink_options worker_sink_options(const struct worker *worker);
struct judge_options worker_judge_options(const struct worker *worker);
struct hub_options worker_hub_options(const struct worker *worker);
struct session_options worker_session_options(const struct worker *worker);
struct ws_server_options worker_ws_options(struct worker *worker);
/* Takes over what was handed to it, if anything was. */
void worker_take_settings(struct worker *worker);
/* Goes by what the memory guard says. */
void worker_mind_memory(struct worker *worker);
/* Where it tells what its judge and its sessions saw. */
struct drift *worker_drift(const struct worker *worker);

/* Counts one more WebSocket, when nothing can keep it any more from becoming
 * one; false: there are too many, and that has been answered. */
bool worker_let_in(struct worker *worker, struct http_exchange *exchange);

/* worker_auth.c: the upgrade goes on with the identity that the request proves,
 * or with a refusal; now or when Redis has answered. `params` lacks only that;
 * its views and `answer` are copied; the peer's socket is taken then. */
void worker_enter(struct listener *listener, struct http_exchange *exchange,
    const struct handshake *handshake, struct session_params *params,
    const struct ws_peer *peer, struct view answer);
void worker_issue_ticket(struct listener *listener,
    struct http_exchange *exchange, const struct handshake *handshake);
/* Takes over the keys that were handed to it, if any were. */
void worker_take_keys(struct worker *worker);

/* worker_http.c: by the worker's settings. */
void worker_reload_listener(struct listener *listener);
/* Opens the listener's gateway on the socket (taken). */
int worker_listen(struct worker *worker, struct listener *listener, int socket,
    bool is_admin);
/* The readiness probe of this worker, and its canary. */
void worker_open_readiness(struct worker *worker);

#endif
