/* SPDX-License-Identifier: MIT */
#ifndef SESSION_RIG_H
#define SESSION_RIG_H

/*
 * Sessions between three stand-ins: a hub that only remembers what it was
 * asked, a sink that waits to be told its answer, and a peer that keeps what it
 * got. The contract is the bundled one. One test program includes this once.
 */

#include "session.h"
#include "session_hub.h"
#include "stats.h"
#include "xmalloc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
// clang-format off
#include <cmocka.h>
// clang-format on

#define CHAT      0
#define EXECUTION 1

/* --- the peer --- */

#define RIG_FRAMES 256

struct peer {
	char *frames[RIG_FRAMES]; /* texts; a ping is "PING payload" */
	size_t count;
	size_t read; /* by peer_next */
	uint16_t closed;
	enum hub_write answer;
	struct session *session;
};

static inline void
peer_keep(struct peer *peer, const char *payload, size_t length, bool ping)
{
	assert_true(peer->count < RIG_FRAMES);
	char *text = xmalloc(length + 6);
	snprintf(text, length + 6, "%s%.*s", ping ? "PING " : "", (int)length,
	    payload);
	peer->frames[peer->count++] = text;
}

static inline enum hub_write
peer_write(void *conn, struct view frames)
{
	struct peer *peer = conn;
	const unsigned char *at = (const unsigned char *)frames.data;
	const unsigned char *end = at + frames.len;
	assert_int_equal(peer->closed, 0);
	if (peer->answer == HUB_WRITE_GONE)
		return HUB_WRITE_GONE;
	while (at < end) {
		size_t length = at[1];
		size_t header = 2;
		assert_true(at[0] == 0x81 || at[0] == 0x89);
		if (length == 126) {
			length = (size_t)at[2] << 8 | at[3];
			header = 4;
		}
		assert_true(length < 126 || header == 4);
		peer_keep(
		    peer, (const char *)at + header, length, at[0] == 0x89);
		at += header + length;
	}
	assert_ptr_equal(at, end);
	return peer->answer;
}

static inline void
peer_close(void *conn, uint16_t code)
{
	struct peer *peer = conn;
	assert_int_equal(peer->closed, 0);
	peer->closed = code;
}

static const struct transport_ops peer_ops = {
	.write = peer_write,
	.close = peer_close,
};

/* The next frame that was not looked at; "" when there is none. */
static inline const char *
peer_next(struct peer *peer)
{
	return peer->read < peer->count ? peer->frames[peer->read++] : "";
}

/* The next frame must begin so … */
#define expect(peer, text)                                             \
	do {                                                           \
		const char *got_ = peer_next(peer);                    \
		if (strncmp(got_, text, strlen(text)) != 0)            \
			fail_msg("got:\n%s\nwanted:\n%s", got_, text); \
	} while (0)
/* … or be exactly this. */
#define expect_exactly(peer, text) assert_string_equal(peer_next(peer), text)
#define expect_nothing(peer)       assert_string_equal(peer_next(peer), "")

static inline void
expect_member(const char *frame, const char *member)
{
	if (strstr(frame, member) == NULL)
		fail_msg("no %s in\n%s", member, frame);
}

/* --- the sink --- */

#define RIG_COMMANDS 128

struct sent {
	uint64_t session_id, ticket;
	char frame[256], type[32], tenant[32], user[32], session[300],
	    events[512], connection[64], traceparent[64], request_id[64];
	bool dedup, session_was_absent, session_is_new;
	unsigned waited_ms;
	struct entry_id from;
};

struct fake_sink {
	struct sent commands[RIG_COMMANDS];
	size_t count;
	bool refuses;
	enum sink_outcome refusal;
	unsigned releases, renewals, questions;
	bool is_away; /* nobody can be asked */
	struct owner_question question;
	struct entry_id released, renewed;
	char released_session[64];
	char released_connection[64];
};

#define copy_text(to, text)                              \
	snprintf(to, sizeof to, "%.*s", (int)(text).len, \
	    (text).data ? (text).data : "")

static inline int
fake_submit(
    void *arg, const struct command *command, enum sink_outcome *outcome_r)
{
	struct fake_sink *sink = arg;
	*outcome_r = sink->refusal;
	if (sink->refuses)
		return -1;
	assert_true(sink->count < RIG_COMMANDS);
	struct sent *sent = &sink->commands[sink->count++];
	memset(sent, 0, sizeof *sent);
	sent->session_id = command->session_id;
	sent->ticket = command->ticket;
	copy_text(sent->frame, command->frame);
	copy_text(sent->type, command->type);
	copy_text(sent->tenant, command->tenant);
	copy_text(sent->user, command->user);
	copy_text(sent->session, command->session);
	copy_text(sent->events, command->events);
	copy_text(sent->connection, command->connection);
	copy_text(sent->traceparent, command->traceparent);
	copy_text(sent->request_id, command->request_id);
	sent->dedup = command->dedup;
	sent->session_was_absent = command->session_was_absent;
	sent->session_is_new = command->session_is_new;
	sent->waited_ms = command->waited_ms;
	sent->from = command->from;
	return 0;
}

static inline void
fake_release(void *arg, struct view tenant, struct view user,
    struct view session, struct view connection, struct entry_id command)
{
	struct fake_sink *sink = arg;
	assert_true(view_is(tenant, "default") && view_is(user, "anonymous"));
	copy_text(sink->released_session, session);
	copy_text(sink->released_connection, connection);
	sink->released = command;
	sink->releases++;
}

static inline void
fake_renew(void *arg, struct view tenant, struct view user, struct view session,
    struct view connection, struct entry_id command)
{
	struct fake_sink *sink = arg;
	(void)session;
	(void)connection;
	assert_true(view_is(tenant, "default") && view_is(user, "anonymous"));
	sink->renewed = command;
	sink->renewals++;
}

static int
fake_ask_owner(void *arg, const struct owner_question *question)
{
	struct fake_sink *sink = arg;
	if (sink->is_away)
		return -1;
	sink->question = *question;
	sink->questions++;
	return 0;
}

static const struct sink_ops fake_sink_ops = {
	.submit = fake_submit,
	.release = fake_release,
	.renew = fake_renew,
	.ask_owner = fake_ask_owner,
};

/* --- all of it --- */

struct rig {
	struct contract *contract;
	struct stats stats;
	struct hub hub;
	struct fake_sink sink;
	struct session_env *env;
	struct session_options options;
	uint64_t now_ms;
};

static inline void
rig_open_contract(struct rig *rig, struct contract *contract)
{
	memset(rig, 0, sizeof *rig);
	rig->contract = contract;
	rig->options = (struct session_options){
		.prefix = view_of("relay:"),
		.max_waiting_bytes = 64 << 20,
		.max_depth = 64,
		.frames_per_second = 50,
		.frames_burst = 100,
		.max_unanswered = 8,
		.ping_interval_ms = 20000,
		.timeout_ms = 2000,
		.renew_ms = 300000,
		.node = view_of("n1"),
	};
	rig->now_ms = 1000000;
	rig->env = session_env_new(&rig->options, contract, &rig->hub,
	    &rig->stats, &fake_sink_ops, &rig->sink);
	session_env_redis(rig->env, true, NULL, rig->now_ms);
}

static inline void
rig_open(struct rig *rig)
{
	static struct contract *contract;
	struct error err = { 0 };
	if (contract == NULL)
		contract = contract_load(
		    RELAY_SOURCE_DIR "/schemas/fleet-rlm/3", &err);
	if (contract == NULL)
		fail_msg("%s: %s", err.where, err.message);
	assert_string_equal(contract->endpoints[CHAT].name, "chat");
	rig_open_contract(rig, contract);
}

static inline void
rig_close(struct rig *rig)
{
	assert_int_equal(session_env_count(rig->env), 0);
	assert_int_equal(rig->hub.alive, 0);
	session_env_free(&rig->env);
}

static inline void
peer_open_with(
    struct rig *rig, struct peer *peer, const struct session_params *params)
{
	memset(peer, 0, sizeof *peer);
	peer->session =
	    session_new(rig->env, params, &peer_ops, peer, rig->now_ms);
}

static inline void
peer_open(struct rig *rig, struct peer *peer, size_t endpoint,
    const char *query, bool notices)
{
	const struct session_params params = {
		.endpoint = endpoint,
		.query = view_of(query),
		.notices = notices,
		.identity = { view_of("default"), view_of("anonymous") },
	};
	peer_open_with(rig, peer, &params);
}

static inline void
peer_fini(struct peer *peer)
{
	session_free(&peer->session);
	for (size_t i = 0; i < peer->count; i++)
		free(peer->frames[i]);
}

static inline void
peer_says(struct rig *rig, struct peer *peer, const char *frame)
{
	session_message(peer->session, view_of(frame), rig->now_ms);
}

static inline void
peer_pongs(struct rig *rig, struct peer *peer, const char *payload)
{
	session_pong(peer->session, view_of(payload), rig->now_ms);
}

static inline void
rig_pass(struct rig *rig, uint64_t ms)
{
	for (uint64_t i = 0; i < ms; i += 50) {
		rig->now_ms += ms - i < 50 ? ms - i : 50;
		session_env_tick(rig->env, rig->now_ms);
	}
}

/* The answer to who owns the command that was asked for last. */
static inline void
rig_owner(struct rig *rig, bool is_moved)
{
	const struct owner_question *question = &rig->sink.question;
	session_owner_told(rig->env, question->session_id, question->command,
	    is_moved, rig->now_ms);
}

static inline struct subscription *
rig_subscription(struct rig *rig, size_t index)
{
	assert_true(index < rig->hub.count);
	return &rig->hub.subscriptions[index];
}

/* The stream was looked at; its newest entry is 50-0, its oldest 10-0. */
static inline void
rig_opened(struct rig *rig, size_t index)
{
	struct subscription *subscription = rig_subscription(rig, index);
	const struct stream_info info = {
		.exists = true,
		.oldest = { 10, 0 },
		.newest = { 50, 0 },
	};
	subscription->is_known = true;
	subscription->position = info.newest;
	if (subscription->start.kind == START_AFTER)
		subscription->position = subscription->start.after;
	subscription->ops->opened(subscription->arg, &info);
	if (subscription->start.kind == START_LIVE)
		subscription->ops->live(subscription->arg, info.newest, 0);
}

static inline void
rig_answer(
    struct rig *rig, size_t index, enum sink_outcome outcome, uint64_t id_ms)
{
	const struct sent *sent = &rig->sink.commands[index];
	const struct sink_answer answer = {
		.outcome = outcome,
		.id = { id_ms, 0 },
		.from = { 40, 0 },
		.session = view_of(sent->session),
	};
	session_answer(
	    rig->env, sent->session_id, sent->ticket, &answer, rig->now_ms);
}

/* An event of the stream: a text frame with this short payload, on the way that
 * the hub would take. */
static inline enum hub_write
rig_event(struct rig *rig, size_t index, const char *payload)
{
	struct subscription *subscription = rig_subscription(rig, index);
	char frame[128];
	size_t length = strlen(payload);
	assert_true(
	    length < 126 && subscription->in_use && !subscription->held);
	frame[0] = (char)0x81;
	frame[1] = (char)length;
	memcpy(frame + 2, payload, length);
	struct view frames = view_make(frame, length + 2);
	if (subscription->straight == NULL)
		return subscription->ops->write(subscription->arg, frames, 1);
	enum hub_write answer =
	    subscription->straight(subscription->straight_arg, frames);
	if (answer != HUB_WRITE_OK)
		subscription->ops->answered(subscription->arg, answer);
	return answer;
}

static inline void
rig_ended(struct rig *rig, size_t index, uint64_t id_ms, uint64_t command_ms,
    bool is_terminal)
{
	struct subscription *subscription = rig_subscription(rig, index);
	subscription->ops->ended(subscription->arg,
	    (struct entry_id){ id_ms, 0 }, (struct entry_id){ command_ms, 0 },
	    is_terminal);
}

#define MESSAGE \
	"{\"type\":\"message\",\"content\":\"hi\",\"session_id\":\"s1\"}"
#define MESSAGE_2 \
	"{\"type\":\"message\",\"content\":\"hi\",\"session_id\":\"s2\"}"
#define SESSIONLESS "{\"type\":\"message\",\"content\":\"hi\"}"
#define CANCEL      "{\"type\":\"cancel\"}"
#define COMMAND                                                         \
	"{\"type\":\"command\",\"command\":\"resolve_hitl\",\"session_" \
	"id\":\"s1\"}"

/* A chat client whose hello is read. */
static inline void
peer_open_chat(
    struct rig *rig, struct peer *peer, const char *query, bool notices)
{
	peer_open(rig, peer, CHAT, query, notices);
	peer->read = peer->count;
}

/* A chat client whose first message is stored; its hello and ack are read. */
static inline void
peer_chats(struct rig *rig, struct peer *peer, bool notices)
{
	size_t subscription = rig->hub.count;
	size_t command = rig->sink.count;
	peer_open(rig, peer, CHAT, "", notices);
	peer_says(rig, peer, MESSAGE);
	rig_opened(rig, subscription);
	rig_answer(rig, command, SINK_STORED, 100 + command);
	peer->read = peer->count;
}

/* So short that each stands on a line of its own. */
#define TEST(name) cmocka_unit_test(name)

#endif
