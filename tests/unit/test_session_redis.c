/* SPDX-License-Identifier: MIT */
#include "clock.h"
#include "judge.h"
#include "redis_fixture.h"
#include "sink.h"
#include "source.h"
#include "stats.h"

#include <hiredis/hiredis.h>
#include <uv.h>

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
// clang-format off
#include <cmocka.h>
// clang-format on

/*
 * Sessions on the real hub, source and sink, with a real Redis; only the peers
 * are stand-ins. The test itself is the worker that answers commands.
 */

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

static void
on_up(void *arg)
{
	struct relay *relay = arg;
	session_env_redis(relay->env, true, NULL, clock_mono_ms());
}

static void
on_down(void *arg, const char *reason)
{
	struct relay *relay = arg;
	session_env_redis(relay->env, false, reason, clock_mono_ms());
}

static void
on_news(void *arg)
{
	(void)arg;
}

static void
on_flush(uv_prepare_t *handle)
{
	struct relay *relay = handle->data;
	while (hub_is_dirty(relay->hub))
		hub_flush(relay->hub, clock_mono_ms());
}

static void
on_tick(uv_timer_t *handle)
{
	struct relay *relay = handle->data;
	uint64_t now_ms = clock_mono_ms();
	session_env_tick(relay->env, now_ms);
	hub_tick(relay->hub, now_ms);
}

static void
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

static void
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
		.max_frame_bytes = 1 << 20,
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

static void turn(struct relay *relay);

#define wait_for(relay, condition)                                  \
	do {                                                        \
		uint64_t until_ = clock_mono_ms() + 10000;          \
		while (!(condition)) {                              \
			turn(relay);                                \
			if (clock_mono_ms() > until_)               \
				fail_msg("waited for " #condition); \
		}                                                   \
	} while (0)

static bool
relay_is_up(const struct relay *relay)
{
	return source_is_up(relay->source) && sink_is_up(relay->sink);
}

static void
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

static void
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

static enum hub_write
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

static void
peer_close(void *conn, uint16_t code)
{
	struct peer *peer = conn;
	peer->closed = code;
}

static const struct transport_ops peer_ops = {
	.write = peer_write,
	.close = peer_close,
};

static void
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

static void
peer_says(struct peer *peer, const char *frame)
{
	session_message(peer->session, view_of(frame), clock_mono_ms());
}

static void
peer_fini(struct peer *peer)
{
	session_free(&peer->session);
	for (size_t i = 0; i < peer->count; i++)
		free(peer->frames[i]);
}

/* Waits for a frame and fails unless it holds this. */
static const char *
peer_gets(struct peer *peer, const char *text)
{
	wait_for(peer->relay, peer->read < peer->count);
	const char *frame = peer->frames[peer->read++];
	if (strstr(frame, text) == NULL)
		fail_msg("wanted %s, got\n%s", text, frame);
	return frame;
}

static void
answer_ping(struct peer *peer)
{
	wait_for(peer->relay, peer->ping[0] != '\0');
	session_pong(peer->session, view_of(peer->ping), clock_mono_ms());
	peer->ping[0] = '\0';
}

static void
turn(struct relay *relay)
{
	uv_run(&relay->loop, UV_RUN_ONCE);
}

/* --- the worker that answers commands --- */

static long long
command_count(struct relay *relay)
{
	redisReply *reply =
	    redis_fixture_ask(&relay->redis, "XLEN relay:commands");
	long long count = reply->integer;
	freeReplyObject(reply);
	return count;
}

/* Takes the newest command and writes one event that answers it. */
static void
work(struct relay *relay, const char *event)
{
	redisReply *reply = redis_fixture_ask(
	    &relay->redis, "XREVRANGE relay:commands + - COUNT 1");
	redisReply *entry = reply->element[0];
	redisReply *fields = entry->element[1];
	assert_string_equal(fields->element[10]->str, "events");
	redis_fixture_run(&relay->redis, "XADD %s * event %s command %s",
	    fields->element[11]->str, event, entry->element[0]->str);
	freeReplyObject(reply);
}

static void
publish(struct relay *relay, const char *session, const char *event)
{
	redis_fixture_run(&relay->redis,
	    "XADD relay:events:{default/anonymous/%s} * event %s", session,
	    event);
}

#define STEP        "{\"type\":\"execution_step\"}"
#define COMPLETED   "{\"type\":\"execution_completed\"}"
#define RESULT      "{\"type\":\"command_result\"}"
#define MESSAGE     "{\"type\":\"message\",\"content\":\"a\",\"session_id\":\"s\"}"
#define COMMAND     "{\"type\":\"command\",\"command\":\"c\",\"session_id\":\"s\"}"
#define SESSIONLESS "{\"type\":\"message\",\"content\":\"a\"}"
#define RECORDS     "relay:dedup:{relay:commands}:default/anonymous/s"

/* --- scenes --- */

static void
an_answer_at_once_is_never_missed(void **state)
{
	struct relay relay;
	struct peer peer;
	char frame[128];
	char event[64];
	(void)state;
	relay_open(&relay);
	for (int i = 0; i < 300; i++) {
		snprintf(frame, sizeof frame,
		    "{\"type\":\"message\",\"content\":\"a\",\"session_id\":"
		    "\"s%d\"}",
		    i);
		snprintf(event, sizeof event,
		    "{\"type\":\"execution_step\",\"n\":%d}", i);
		peer_open(&relay, &peer, "", false);
		peer_says(&peer, frame);
		wait_for(&relay, command_count(&relay) == i + 1);
		work(&relay, event);
		peer_gets(&peer, event + 1);
		peer_fini(&peer);
	}
	relay_close(&relay);
}

static void
live_then_ack_then_events(void **state)
{
	struct relay relay;
	struct peer peer;
	(void)state;
	relay_open(&relay);
	publish(&relay, "s", STEP);
	peer_open(&relay, &peer, "", true);
	peer_gets(&peer, "relay.hello");
	peer_says(&peer, MESSAGE);
	wait_for(&relay, command_count(&relay) == 1);
	work(&relay, STEP);
	peer_gets(&peer, "{\"type\":\"relay.live\",\"cursor\":\"1");
	peer_gets(&peer, "\"deduplicated\":false");
	peer_gets(&peer, "execution_step");
	peer_says(&peer, MESSAGE);
	peer_gets(&peer, "\"deduplicated\":false");
	publish(&relay, "s", COMPLETED);
	peer_gets(&peer, "execution_completed");
	assert_int_equal(peer.read, peer.count);
	peer_fini(&peer);
	relay_close(&relay);
}

static void
the_same_message_after_a_cut_is_replayed_until_its_run_is_over(void **state)
{
	struct relay relay;
	struct peer peer;
	char cursor[64];
	char query[96];
	(void)state;
	relay_open(&relay);
	publish(&relay, "s", "{\"type\":\"execution_completed\",\"old\":1}");
	peer_open(&relay, &peer, "", true);
	peer_says(&peer, MESSAGE);
	peer_gets(&peer, "relay.hello");
	peer_gets(&peer, "relay.live");
	peer_gets(&peer, "relay.ack");
	for (int i = 0; i < 5; i++)
		publish(&relay, "s", STEP);
	sscanf(peer_gets(&peer, "execution_step"), "{\"cursor\":\"%63[^\"]",
	    cursor);
	peer_fini(&peer); /* cut */

	peer_open(&relay, &peer, "", true);
	peer_says(&peer, MESSAGE);
	peer_gets(&peer, "relay.hello");
	peer_gets(&peer, "\"deduplicated\":true");
	for (int i = 0; i < 5; i++)
		peer_gets(&peer, "execution_step");
	peer_gets(&peer, "\"replayed\":5");
	peer_fini(&peer);

	snprintf(query, sizeof query, "after=%s", cursor);
	peer_open(&relay, &peer, query, true);
	peer_says(&peer, MESSAGE);
	peer_gets(&peer, "relay.hello");
	peer_gets(&peer, "\"deduplicated\":true");
	for (int i = 0; i < 4; i++)
		peer_gets(&peer, "execution_step");
	peer_gets(&peer, "\"replayed\":4");
	assert_int_equal(command_count(&relay), 1);
	publish(&relay, "s", COMPLETED);
	peer_gets(&peer, "execution_completed");
	answer_ping(&peer);
	peer_says(&peer, MESSAGE); /* goes behind the release */
	peer_gets(&peer, "\"deduplicated\":false");
	peer_fini(&peer);
	assert_int_equal(command_count(&relay), 2);
	relay_close(&relay);
}

static void
a_run_that_is_over_leaves_no_record(void **state)
{
	struct relay relay;
	struct peer peer;
	(void)state;
	relay_open(&relay);
	peer_open(&relay, &peer, "", false);
	peer_says(&peer, MESSAGE);
	wait_for(&relay, command_count(&relay) == 1);
	publish(&relay, "s", COMPLETED);
	peer_gets(&peer, "execution_completed");
	redis_fixture_run(&relay.redis, "HLEN %s", RECORDS);
	session_peer_closed(peer.session);
	peer_fini(&peer);
	redisReply *reply;
	bool is_gone = false;
	while (!is_gone) {
		turn(&relay);
		reply = redis_fixture_ask(&relay.redis, "EXISTS %s", RECORDS);
		is_gone = reply->integer == 0;
		freeReplyObject(reply);
	}
	relay_close(&relay);
}

static void
a_repeat_without_a_session_finds_the_first(void **state)
{
	struct relay relay;
	struct peer peer;
	char session[64];
	(void)state;
	relay_open(&relay);
	peer_open(&relay, &peer, "", true);
	peer_says(&peer, SESSIONLESS);
	peer_gets(&peer, "relay.hello");
	peer_gets(&peer, "relay.live");
	sscanf(strstr(peer_gets(&peer, "relay.ack"), "session_id"),
	    "session_id\":\"%63[^\"]", session);
	publish(&relay, session, STEP);
	peer_gets(&peer, "execution_step");
	peer_fini(&peer);
	peer_open(&relay, &peer, "", true);
	peer_says(&peer, SESSIONLESS);
	peer_gets(&peer, "relay.hello");
	peer_gets(&peer, session);
	peer_gets(&peer, "execution_step");
	peer_gets(&peer, "relay.live");
	publish(&relay, session, COMPLETED);
	peer_gets(&peer, "execution_completed");
	assert_int_equal(command_count(&relay), 1);
	peer_fini(&peer);
	relay_close(&relay);
}

/* The answer is written as soon as the command is there: it races with the
 * sink's own answer, on another connection. */
static void
direct_answers_find_their_connection_however_fast(void **state)
{
	struct relay relay;
	struct peer peer;
	struct peer other;
	(void)state;
	relay_open(&relay);
	peer_open(&relay, &peer, "", false);
	peer_open(&relay, &other, "", false);
	peer_says(&peer, COMMAND);
	peer_says(&other, COMMAND);
	wait_for(&relay, command_count(&relay) == 2);
	publish(&relay, "s", STEP);
	peer_gets(&peer, "execution_step");
	peer_gets(&other, "execution_step");
	for (int i = 0; i < 200; i++) {
		struct peer *asks = i % 2 ? &peer : &other;
		peer_says(asks, COMMAND);
		wait_for(&relay, command_count(&relay) == 3 + i);
		work(&relay, RESULT);
		peer_gets(asks, "command_result");
	}
	publish(&relay, "s", COMPLETED);
	peer_gets(&peer, "execution_completed");
	peer_gets(&other, "execution_completed");
	peer_fini(&peer);
	peer_fini(&other);
	relay_close(&relay);
}

static void
a_lost_redis_is_told_and_frames_are_degraded(void **state)
{
	struct relay relay;
	struct peer peer;
	(void)state;
	relay_open(&relay);
	peer_open(&relay, &peer, "", true);
	peer_says(&peer, MESSAGE);
	peer_gets(&peer, "relay.hello");
	peer_gets(&peer, "relay.live");
	peer_gets(&peer, "relay.ack");
	redis_fixture_kill(&relay.redis);
	peer_gets(&peer, "relay.degraded");
	wait_for(&relay, !sink_is_up(relay.sink));
	peer_says(&peer, MESSAGE);
	peer_gets(&peer, "\"code\":\"degraded\"");
	redis_fixture_again(&relay.redis);
	peer_gets(&peer, "relay.recovered");
	wait_for(&relay, relay_is_up(&relay));
	publish(&relay, "s", STEP);
	peer_gets(&peer, "execution_step");
	peer_says(&peer, COMMAND);
	peer_gets(&peer, "relay.ack");
	assert_int_equal(peer.read, peer.count);
	assert_int_equal(peer.closed, 0);
	peer_fini(&peer);
	relay_close(&relay);
}

static void
a_key_of_another_type_ends_the_session(void **state)
{
	struct relay relay;
	struct peer peer;
	(void)state;
	relay_open(&relay);
	redis_fixture_run(
	    &relay.redis, "SET relay:events:{default/anonymous/s} x");
	peer_open(&relay, &peer, "", false);
	peer_says(&peer, MESSAGE);
	peer_gets(&peer, "stream_unusable");
	assert_int_equal(peer.closed, 1011);
	assert_int_equal(command_count(&relay), 0);
	peer_fini(&peer);
	relay_close(&relay);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_answer_at_once_is_never_missed),
		cmocka_unit_test(live_then_ack_then_events),
		cmocka_unit_test(
		    the_same_message_after_a_cut_is_replayed_until_its_run_is_over),
		cmocka_unit_test(a_run_that_is_over_leaves_no_record),
		cmocka_unit_test(a_repeat_without_a_session_finds_the_first),
		cmocka_unit_test(
		    direct_answers_find_their_connection_however_fast),
		cmocka_unit_test(a_lost_redis_is_told_and_frames_are_degraded),
		cmocka_unit_test(a_key_of_another_type_ends_the_session),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
