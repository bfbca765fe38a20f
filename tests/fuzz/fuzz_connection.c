/* SPDX-License-Identifier: MIT */

/*
 * Whole connections, from the first byte of a request to the last frame: gate,
 * routes, reader of frames, session, hub and judge as they are, between a Redis
 * (connection_redis.h), sockets and a clock (connection_net.h) that the input
 * moves. The input is a script: one byte says what happens, those behind it
 * how. Clients judge all that they get (connection_client.h).
 */

#include "connection_play.h"

#include "fuzz.h"
#include "key_set.h"
#include "session_parts.h"
#include "users.h"

#define EVENTS_BYTES  (64 * 1024) /* what all blocks may take */
#define BLOCK_BYTES   (80 * 1024) /* one block, which may be too much */
#define FRAME_BYTES   4096        /* of a client's message */
#define UNANSWERED    4
#define SETTLE_ROUNDS 2000
#define STILL_ROUNDS  3

/* --- the script --- */

uint8_t
play_next_byte(struct play *play)
{
	return play->at < play->end ? *play->at++ : 0;
}

struct view
play_next_bytes(struct play *play)
{
	size_t len = play_next_byte(play);
	size_t rest = (size_t)(play->end - play->at);
	if (len > rest)
		len = rest;
	struct view bytes = view_make(play->at, len);
	play->at += len;
	return bytes;
}

struct wire *
play_next_wire(struct play *play)
{
	return &play->net.wires[play_next_byte(play) % NET_WIRES];
}

struct fake_stream *
play_next_stream(struct play *play)
{
	return fake_redis_stream(&play->redis, play_next_byte(play));
}

/* --- time and settings --- */

static void
pass_time(struct play *play, uint64_t ms)
{
	play->now_ms += ms;
	play->redis.now_ms = play->now_ms;
	net_set_clock(play->now_ms);
	session_env_tick(play->env, play->now_ms);
	session_env_expire(
	    play->env, FAKE_REDIS_MS + play->now_ms, play->now_ms);
	hub_tick(play->hub, play->now_ms);
	ws_server_tick(&play->net.server, play->now_ms);
}

static void
wait(struct play *play)
{
	unsigned how = play_next_byte(play);
	pass_time(play, how & 128 ? (how & 127u) * 250 : how * 5);
}

static struct hub_options
hub_options(const struct play *play)
{
	return (struct hub_options){
		.subscriber_bytes = play->reloads & 1 ? 500 : 3000,
		.total_bytes = EVENTS_BYTES,
		.run_bytes = 600,
		.window_bytes = 1500,
		.windows_in_flight = 2,
	};
}

static struct session_options
session_options(const struct play *play)
{
	return (struct session_options){
		.prefix = view_of("r:"),
		.max_waiting_bytes = 4 * FRAME_BYTES,
		.max_depth = 8,
		.frames_per_second = 10,
		.frames_burst = 20,
		.max_unanswered = play->reloads & 1 ? 1 : UNANSWERED,
		.ping_interval_ms = 20000,
		.max_per_user = play->reloads & 2 ? 2 : 0,
		.node = view_of("n"),
	};
}

static struct ws_server_options
ws_options(const struct play *play)
{
	return (struct ws_server_options){
		.max_frame_bytes = play->reloads & 4 ? 100 : FRAME_BYTES,
		.max_fragments = 16,
		.ping_interval_ms = 20000,
		.pong_timeout_ms = 30000,
		.stuck_ms = 60000,
		.max_connections = NET_WIRES,
	};
}

static struct judge_options
judge_options(const struct play *play)
{
	return (struct judge_options){
		.mode = (enum judge_mode)(play->reloads % 3),
		.max_depth = 16,
		.max_event_bytes = 1 << 20,
	};
}

static void
reload(struct play *play)
{
	play->reloads = play_next_byte(play);
	const struct judge_options judge = judge_options(play);
	const struct hub_options hub = hub_options(play);
	const struct session_options session = session_options(play);
	const struct ws_server_options ws = ws_options(play);
	judge_reload(play->judge, play->contract, &judge);
	hub_reload(play->hub, &hub, play->contract);
	session_env_reload(play->env, &session, play->contract);
	net_reload(&play->net, &ws, play->contract);
	play->net.offers_deflate = play->reloads & 8;
}

static void
drain(struct play *play)
{
	session_env_drain(play->env, play->now_ms, 100u * play_next_byte(play));
}

/* No key is good any more: who came with a token has to go. */
static void
withdraw_keys(struct play *play)
{
	struct key_set *keys = key_set_new();
	session_env_trust(play->env, keys, play->now_ms);
	key_set_release(&keys);
}

/* --- all together --- */

/* Bounds that hold whatever is said. */
static void
check_bounds(struct play *play)
{
	struct hub_figures figures;
	size_t most = play->net.server.connections;
	hub_figures(play->hub, &figures);
	must(figures.block_bytes <= EVENTS_BYTES + BLOCK_BYTES);
	must(figures.subscriptions <= 2 * most);
	must(session_env_count(play->env) <= most);
	must(play->env->queued_bytes <= most * UNANSWERED * FRAME_BYTES);
	for (size_t i = 0; i < NET_WIRES; i++) {
		const struct ws_conn *conn = play->net.wires[i].conn;
		if (conn != NULL && conn->input != NULL)
			must(conn->input->reader.bytes.len <= FRAME_BYTES);
	}
}

static void
turn(struct play *play)
{
	net_turn(&play->net);
	hub_flush(play->hub, play->now_ms);
	if (play->is_eager)
		fake_redis_say_all(&play->redis);
	hub_flush(play->hub, play->now_ms);
	net_turn(&play->net);
	check_bounds(play);
}

static void
step(struct play *play)
{
	static void (*const acts[])(struct play *) = { play_come, play_come,
		play_come_raw, play_say_message, play_say_message,
		play_say_frame, play_say_bytes, play_say_much, play_publish,
		play_publish, play_publish_bytes, play_publish_large,
		play_lose_entries, play_answer_source, play_feed,
		play_answer_sink, play_turn_redis, wait, reload, drain,
		play_read_some, play_go, withdraw_keys };
	acts[play_next_byte(play) % (sizeof(acts) / sizeof(acts[0]))](play);
	play->now_ms = play->redis.now_ms;
	turn(play);
}

/* True when anything moved. */
static bool
let_all_go_on(struct play *play)
{
	bool moves = fake_redis_say_all(&play->redis);
	moves |= hub_is_dirty(play->hub);
	for (size_t i = 0; i < NET_WIRES; i++) {
		moves |= play->net.wires[i].held.len > 0;
		wire_read(&play->net.wires[i], SIZE_MAX);
	}
	pass_time(play, 100);
	turn(play);
	return moves;
}

/* Everybody reads and Redis says all: whoever is still there has everything. */
static void
settle(struct play *play)
{
	unsigned rounds = 0;
	fake_redis_up(&play->redis);
	play_publish_once_more(play);
	for (unsigned still = 0; still < STILL_ROUNDS; still++) {
		must(++rounds < SETTLE_ROUNDS);
		if (let_all_go_on(play))
			still = 0;
	}
	for (size_t i = 0; i < NET_WIRES; i++) {
		struct wire *wire = &play->net.wires[i];
		if (wire->conn != NULL && !wire->conn->is_closing)
			client_check_complete(&wire->client);
	}
}

static void
discard(void *arg, const struct refused_entry *refused)
{
	(void)arg;
	must(refused->code != NULL && refused->message != NULL);
}

static void
begin(struct play *play)
{
	const struct judge_options judge = judge_options(play);
	const struct hub_options hub = hub_options(play);
	const struct session_options session = session_options(play);
	const struct ws_server_options ws = ws_options(play);
	struct fake_redis *redis = &play->redis;
	play->now_ms = redis->now_ms = NET_START_MS;
	net_set_clock(play->now_ms);
	net_set_chance(1);
	play->judge =
	    judge_new(play->contract, &judge, &play->stats, discard, play);
	play->hub = hub_new(&hub, play->contract, play->judge, &play->stats,
	    &fake_source_ops, redis);
	play->env = session_env_new(&session, play->contract, play->hub,
	    &play->stats, &fake_sink_ops, redis);
	play->users = users_new();
	session_env_attach_users(play->env, play->users);
	redis->hub = play->hub;
	redis->env = play->env;
	redis->endpoints = play->contract->endpoint_count;
	net_init(
	    &play->net, &ws, play->env, &play->stats, redis, play->contract);
	play->net.offers_deflate = true;
	fake_redis_up(redis);
}

static void
watch_drift(struct play *play)
{
	play->bound.cells_max = 64;
	play->drift = drift_new(play->contract, &play->bound, play->now_ms);
	session_env_attach_drift(play->env, play->drift);
}

/* Nothing is left of anybody. */
static void
end(struct play *play)
{
	struct hub_figures figures;
	net_fini(&play->net);
	hub_figures(play->hub, &figures);
	must(figures.streams == 0 && figures.subscriptions == 0);
	must(figures.behind == 0 && figures.windows == 0);
	must(figures.blocks == 0 && figures.block_bytes == 0);
	must(session_env_count(play->env) == 0);
	must(play->env->queued_bytes == 0);
	must(users_count(play->users) == 0);
	session_env_free(&play->env);
	hub_free(&play->hub);
	judge_free(&play->judge);
	drift_free(&play->drift);
	users_free(&play->users);
	fake_redis_fini(&play->redis);
}

/* Once for all runs: by the laxest mode and by the strictest. */
static const struct contract *
open_judges(struct judge *judges[2])
{
	static struct contract *contract;
	static struct stats stats;
	static struct judge *kept[2];
	struct error err;
	if (contract == NULL) {
		contract = contract_load(
		    RELAY_SOURCE_DIR "/schemas/fleet-rlm/3", &err);
		must(contract != NULL);
		for (unsigned i = 0; i < 2; i++) {
			const struct judge_options options = {
				.mode = i ? JUDGE_ENFORCE : JUDGE_OFF,
				.max_depth = 16,
				.max_event_bytes = 1 << 20
			};
			kept[i] = judge_new(
			    contract, &options, &stats, discard, NULL);
		}
	}
	memcpy(judges, kept, sizeof(kept));
	return contract;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct play *play = calloc(1, sizeof(*play));
	play->at = data;
	play->end = data + size;
	play->contract = open_judges(play->redis.judges);
	unsigned bits = play_next_byte(play);
	begin(play);
	play->is_eager = bits & 1;
	if ((bits & 0xe) == 0xe) /* one in eight: slow */
		watch_drift(play);
	while (play->at < play->end)
		step(play);
	settle(play);
	end(play);
	free(play);
	return 0;
}
