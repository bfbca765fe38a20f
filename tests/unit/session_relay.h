/* SPDX-License-Identifier: MIT */
#ifndef SESSION_RELAY_H
#define SESSION_RELAY_H

/*
 * Sessions on the real hub, source and sink, with a real Redis; only the peers
 * are stand-ins, and the worker that answers commands is the test. One test
 * program includes this once.
 */

#include "clock.h"
#include "judge.h"
#include "redis_fixture.h"
#include "sink.h"
#include "source.h"
#include "stats.h"

#include <uv.h>

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
// clang-format off
#include <cmocka.h>
// clang-format on

struct relay {
	struct redis_fixture redis;
	struct redis_target target;
	uv_loop_t loop;
	uv_prepare_t flush;
	uv_timer_t tick;
	struct stats stats;
	struct contract *contract;
	struct judge *judge;
	struct source *source;
	struct sink *sink;
	struct hub *hub;
	struct session_env *env;
};

struct peer {
	struct session *session;
	char *frames[4096];
	size_t count, read;
	uint16_t closed;
	bool pongs; /* answers pings */
	struct relay *relay;
	char ping[64]; /* that waits for its pong */
};

/* --- the worker's part --- */

static inline void
on_up(void *arg)
{
	struct relay *relay = arg;
	session_env_redis(relay->env, true, NULL, clock_mono_ms());
}

static inline void
on_down(void *arg, const char *reason)
{
	struct relay *relay = arg;
	session_env_redis(relay->env, false, reason, clock_mono_ms());
}

static inline void
on_news(void *arg)
{
	(void)arg;
}

static inline void
on_flush(uv_prepare_t *handle)
{
	struct relay *relay = handle->data;
	while (hub_is_dirty(relay->hub))
		hub_flush(relay->hub, clock_mono_ms());
}

static inline void
on_tick(uv_timer_t *handle)
{
	struct relay *relay = handle->data;
	uint64_t now_ms = clock_mono_ms();
	session_env_tick(relay->env, now_ms);
	hub_tick(relay->hub, now_ms);
}

static inline void
make_edges(struct relay *relay)
{
	static const struct source_events events = { on_up, on_down, on_news };
	static const struct source_options source_options = {
		.pace_max_us = 1000,
		.sweep_ms = 30000,
		.poll_ms = 50,
		.command_ms = 5000,
		.tracking = true,
		.safeguard_sweep = true,
		.safeguard_rearm = true,
	};
	static const struct sink_options sink_options = {
		.prefix = { "relay:", 6 },
		.stream = { "relay:commands", 14 },
		.contract = { "fleet-rlm/3", 11 },
		.node = { "n1", 2 },
		.timeout_ms = 2000,
		.max_inflight = 1000,
		.max_inflight_bytes = 1 << 20,
		.dedup_seconds = 900,
	};
	relay->source = source_new(&relay->loop, &relay->target,
	    &source_options, &relay->stats, &events, relay);
	relay->sink = sink_new(
	    &relay->loop, &relay->target, &sink_options, &relay->stats);
}

static inline void
make_core(struct relay *relay)
{
	static const struct judge_options judge_options = {
		.mode = JUDGE_OFF,
		.max_depth = 64,
		.max_event_bytes = 4 << 20,
	};
	static const struct hub_options hub_options = {
		.subscriber_bytes = 1 << 20,
		.total_bytes = 64 << 20,
		.run_bytes = 64 << 10,
		.window_bytes = 256 << 10,
		.windows_in_flight = 64,
	};
	const struct session_options session_options = {
		.prefix = view_of("relay:"),
		.max_waiting_bytes = 64 << 20,
		.max_depth = 64,
		.max_unanswered = 8,
		.timeout_ms = 2000,
		.node = view_of("n1"),
	};
	struct error err;
	relay->contract =
	    contract_load(RELAY_SOURCE_DIR "/schemas/fleet-rlm/3", &err);
	assert_non_null(relay->contract);
	relay->judge = judge_new(relay->contract, &judge_options, &relay->stats,
	    sink_dead_letter, relay->sink);
	relay->hub = hub_new(&hub_options, relay->contract, relay->judge,
	    &relay->stats, &source_hub_ops, relay->source);
	relay->env = session_env_new(&session_options, relay->contract,
	    relay->hub, &relay->stats, &sink_session_ops, relay->sink);
	source_attach(relay->source, relay->hub);
	sink_attach(relay->sink, relay->env);
}

static inline void turn(struct relay *relay);

#define wait_for(relay, condition)                                  \
	do {                                                        \
		uint64_t until_ = clock_mono_ms() + 10000;          \
		while (!(condition)) {                              \
			turn(relay);                                \
			if (clock_mono_ms() > until_)               \
				fail_msg("waited for " #condition); \
		}                                                   \
	} while (0)

static inline bool
relay_is_up(const struct relay *relay)
{
	return source_is_up(relay->source) && sink_is_up(relay->sink);
}

static inline void
relay_open(struct relay *relay)
{
	struct error err;
	if (!redis_fixture_available()) {
		print_message("no redis-server on this machine: skipped\n");
		skip();
	}
	signal(SIGPIPE, SIG_IGN);
	memset(relay, 0, sizeof *relay);
	redis_fixture_start(&relay->redis, NULL);
	assert_int_equal(
	    redis_target_parse(&relay->target, view_of(relay->redis.url), &err),
	    0);
	uv_loop_init(&relay->loop);
	make_edges(relay);
	make_core(relay);
	uv_prepare_init(&relay->loop, &relay->flush);
	uv_timer_init(&relay->loop, &relay->tick);
	relay->flush.data = relay;
	relay->tick.data = relay;
	uv_prepare_start(&relay->flush, on_flush);
	uv_timer_start(&relay->tick, on_tick, 5, 5);
	source_start(relay->source);
	sink_start(relay->sink);
	wait_for(relay, relay_is_up(relay));
}

static inline void
relay_close(struct relay *relay)
{
	struct hub_figures figures;
	hub_figures(relay->hub, &figures);
	assert_int_equal(figures.subscriptions, 0);
	uv_close((uv_handle_t *)&relay->flush, NULL);
	uv_close((uv_handle_t *)&relay->tick, NULL);
	source_free(&relay->source);
	sink_free(&relay->sink);
	session_env_free(&relay->env);
	hub_free(&relay->hub);
	judge_free(&relay->judge);
	contract_free(&relay->contract);
	uv_run(&relay->loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&relay->loop), 0);
	redis_target_fini(&relay->target);
	redis_fixture_stop(&relay->redis);
}

/* --- the peers --- */

static inline enum hub_write
peer_write(void *conn, struct view frames)
{
	struct peer *peer = conn;
	const unsigned char *at = (const unsigned char *)frames.data;
	const unsigned char *end = at + frames.len;
	while (at < end) {
		size_t length = at[1];
		size_t header = 2;
		if (length == 126) {
			length = (size_t)at[2] << 8 | at[3];
			header = 4;
		}
		char text[4096];
		assert_true(length < sizeof text);
		snprintf(text, sizeof text, "%.*s", (int)length,
		    (const char *)at + header);
		if (at[0] == 0x89)
			snprintf(peer->ping, sizeof peer->ping, "%.63s", text);
		else
			peer->frames[peer->count++] = strdup(text);
		at += header + length;
	}
	return HUB_WRITE_OK;
}

static inline void
peer_close(void *conn, uint16_t code)
{
	struct peer *peer = conn;
	peer->closed = code;
}

static const struct transport_ops peer_ops = {
	.write = peer_write,
	.close = peer_close,
};

static inline void
peer_open(
    struct relay *relay, struct peer *peer, const char *query, bool notices)
{
	const struct session_params params = {
		.query = view_of(query),
		.notices = notices,
		.identity = { view_of("default"), view_of("anonymous") },
	};
	memset(peer, 0, sizeof *peer);
	peer->relay = relay;
	peer->session =
	    session_new(relay->env, &params, &peer_ops, peer, clock_mono_ms());
}

static inline void
peer_says(struct peer *peer, const char *frame)
{
	session_message(peer->session, view_of(frame), clock_mono_ms());
}

static inline void
peer_fini(struct peer *peer)
{
	session_free(&peer->session);
	for (size_t i = 0; i < peer->count; i++)
		free(peer->frames[i]);
}

/* Waits for a frame and fails unless it holds this. */
static inline const char *
peer_gets(struct peer *peer, const char *text)
{
	wait_for(peer->relay, peer->read < peer->count);
	const char *frame = peer->frames[peer->read++];
	if (strstr(frame, text) == NULL)
		fail_msg("wanted %s, got\n%s", text, frame);
	return frame;
}

static inline void
answer_ping(struct peer *peer)
{
	wait_for(peer->relay, peer->ping[0] != '\0');
	session_pong(peer->session, view_of(peer->ping), clock_mono_ms());
	peer->ping[0] = '\0';
}

static inline void
turn(struct relay *relay)
{
	uv_run(&relay->loop, UV_RUN_ONCE);
}

#endif
