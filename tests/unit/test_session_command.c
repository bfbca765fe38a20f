/* SPDX-License-Identifier: MIT */
#include "session_rig.h"

static struct peer peer;
static struct peer other;

/* A chat client whose hello is read. */
static void
open_chat(struct rig *rig, const char *query, bool notices)
{
	peer_open(rig, &peer, CHAT, query, notices);
	peer.read = peer.count;
}

static void
the_first_frame_of_a_session_waits_for_the_position(void **state)
{
	struct rig rig;
	(void)state;
	rig_open(&rig);
	open_chat(&rig, "", true);
	peer_says(&rig, &peer, MESSAGE);
	const struct subscription *made = rig_subscription(&rig, 0);
	assert_true(made->held && made->notices);
	assert_int_equal(made->endpoint, CHAT);
	assert_int_equal(made->start.kind, START_LIVE);
	assert_string_equal(made->key, "relay:events:{default/anonymous/s1}");
	assert_int_equal(rig.sink.count, 0);
	rig_opened(&rig, 0);
	assert_int_equal(rig.sink.count, 1);
	assert_int_equal(rig.sink.commands[0].from.ms, 50);
	assert_true(made->held);
	expect_nothing(&peer);
	rig_answer(&rig, 0, SINK_STORED, 100);
	expect_exactly(&peer,
	    "{\"type\":\"relay.live\",\"cursor\":\"50-0\",\"replayed\":0}");
	expect_exactly(&peer,
	    "{\"type\":\"relay.ack\",\"command_id\":\"100-0\",\"session_id\":"
	    "\"s1\",\"command_type\":\"message\",\"deduplicated\":false}");
	expect_nothing(&peer);
	assert_int_equal(made->releases, 1);
	assert_int_equal(made->seeks, 0);
	assert_int_equal(stat_get(&rig.stats, commands_stored), 1);
	peer_fini(&peer);
	rig_close(&rig);
}

static void
a_command_carries_everything_that_the_stream_shows(void **state)
{
	struct rig rig;
	(void)state;
	rig_open(&rig);
	const struct session_params params = {
		.endpoint = CHAT,
		.identity = { view_of("t/1"), view_of("u 2") },
		.traceparent = view_of("00-4bf92f3577b34da6a3ce929d0e0e4736-"
				       "00f067aa0ba902b7-01"),
	};
	peer_open_with(&rig, &peer, &params);
	peer_says(&rig, &peer, MESSAGE);
	rig.now_ms += 20;
	session_env_tick(rig.env, rig.now_ms);
	rig_opened(&rig, 0);
	const struct sent *sent = &rig.sink.commands[0];
	assert_string_equal(sent->frame, MESSAGE);
	assert_string_equal(sent->type, "message");
	assert_string_equal(sent->tenant, "t/1");
	assert_string_equal(sent->user, "u 2");
	assert_string_equal(sent->session, "s1");
	assert_string_equal(sent->events, "relay:events:{t%2F1/u%202/s1}");
	assert_string_equal(sent->connection, "n1-1");
	assert_string_equal(sent->traceparent,
	    "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
	assert_string_equal(sent->request_id, "");
	assert_true(sent->dedup);
	assert_false(sent->session_was_absent || sent->session_is_new);
	assert_int_equal(sent->waited_ms, 20);
	peer_fini(&peer);
	rig_close(&rig);
}

static void
an_unusable_traceparent_is_replaced(void **state)
{
	struct rig rig;
	(void)state;
	rig_open(&rig);
	const struct session_params params = {
		.endpoint = CHAT,
		.identity = { view_of("default"), view_of("anonymous") },
		.traceparent = view_of("00-zz"),
	};
	peer_open_with(&rig, &peer, &params);
	peer_says(&rig, &peer, MESSAGE);
	rig_opened(&rig, 0);
	assert_int_equal(strlen(rig.sink.commands[0].traceparent), 55);
	peer_fini(&peer);
	rig_close(&rig);
}

static void
events_wait_until_the_command_is_stored(void **state)
{
	struct rig rig;
	(void)state;
	rig_open(&rig);
	open_chat(&rig, "", false);
	peer_says(&rig, &peer, MESSAGE);
	rig_opened(&rig, 0);
	rig_answer(&rig, 0, SINK_STORED, 100);
	expect_nothing(&peer); /* no notices here */
	rig_event(&rig, 0, "{1}");
	expect_exactly(&peer, "{1}");
	peer_fini(&peer);
	rig_close(&rig);
}

static void
a_message_without_a_session_gets_a_new_one(void **state)
{
	struct rig rig;
	(void)state;
	static const char *const frames[] = {
		SESSIONLESS,
		"{\"type\":\"message\",\"content\":\"a\",\"session_id\":null}",
		"{\"type\":\"message\",\"content\":\"a\",\"session_id\":\"\"}"
	};
	rig_open(&rig);
	for (size_t i = 0; i < 3; i++) {
		open_chat(&rig, "", true);
		peer_says(&rig, &peer, frames[i]);
		rig_opened(&rig, i);
		const struct sent *sent = &rig.sink.commands[i];
		assert_int_equal(strlen(sent->session), 36);
		assert_int_equal(sent->session[14], '4');
		assert_true(sent->session_was_absent && sent->session_is_new);
		rig_answer(&rig, i, SINK_STORED, 100);
		expect(&peer, "{\"type\":\"relay.live\"");
		expect_member(peer_next(&peer), sent->session);
		peer_fini(&peer);
	}
	assert_string_not_equal(
	    rig.sink.commands[0].session, rig.sink.commands[1].session);
	rig_close(&rig);
}

static void
a_chat_session_id_is_not_trimmed(void **state)
{
	struct rig rig;
	(void)state;
	rig_open(&rig);
	open_chat(&rig, "", false);
	peer_says(&rig, &peer,
	    "{\"type\":\"cancel\",\"session_id\":\" s\\u00e91 \"}");
	assert_string_equal(rig_subscription(&rig, 0)->key,
	    "relay:events:{default/anonymous/%20s%C3%A91%20}");
	peer_fini(&peer);
	rig_close(&rig);
}

static void
frames_without_a_session_use_the_sockets(void **state)
{
	struct rig rig;
	(void)state;
	rig_open(&rig);
	peer_chats(&rig, &peer, true);
	peer_says(&rig, &peer, SESSIONLESS);
	peer_says(&rig, &peer, CANCEL);
	assert_int_equal(rig.hub.count, 1);
	assert_int_equal(rig.sink.count, 3);
	assert_string_equal(rig.sink.commands[1].session, "s1");
	assert_true(rig.sink.commands[1].session_was_absent);
	assert_false(rig.sink.commands[1].session_is_new);
	assert_true(rig.sink.commands[1].dedup);
	assert_string_equal(rig.sink.commands[2].session, "s1");
	assert_false(rig.sink.commands[2].dedup);
	rig_answer(&rig, 1, SINK_STORED, 101);
	rig_answer(&rig, 2, SINK_STORED, 102);
	expect_member(peer_next(&peer), "\"command_id\":\"101-0\"");
	const char *ack = peer_next(&peer);
	expect_member(ack, "\"command_id\":\"102-0\"");
	expect_member(ack, "\"command_type\":\"cancel\"");
	expect_nothing(&peer);
	peer_fini(&peer);
	rig_close(&rig);
}

static void
a_command_that_names_its_session_may_come_first(void **state)
{
	struct rig rig;
	(void)state;
	rig_open(&rig);
	open_chat(&rig, "", true);
	peer_says(&rig, &peer, COMMAND);
	rig_opened(&rig, 0);
	assert_string_equal(rig.sink.commands[0].type, "command");
	rig_answer(&rig, 0, SINK_STORED, 100);
	expect(&peer, "{\"type\":\"relay.live\"");
	expect(&peer, "{\"type\":\"relay.ack\"");
	peer_fini(&peer);
	rig_close(&rig);
}

static void
a_cancel_without_any_session_closes_1008(void **state)
{
	struct rig rig;
	(void)state;
	rig_open(&rig);
	open_chat(&rig, "", true);
	peer_says(&rig, &peer, CANCEL);
	expect_exactly(&peer,
	    "{\"type\":\"error\",\"code\":\"initial_message_required\","
	    "\"message\":\"Execution websocket must start with a canonical "
	    "message frame.\"}");
	assert_int_equal(peer.closed, 1008);
	peer_fini(&peer);
	rig_close(&rig);
}

static void
a_bad_session_id_in_a_frame_closes_1008(void **state)
{
	struct rig rig;
	char frame[400];
	char id[258];
	(void)state;
	rig_open(&rig);
	memset(id, 'a', sizeof id);
	for (size_t length = 256; length <= 257; length++) {
		open_chat(&rig, "", true);
		snprintf(frame, sizeof frame,
		    "{\"type\":\"cancel\",\"session_id\":\"%.*s\"}",
		    (int)length, id);
		peer_says(&rig, &peer, frame);
		assert_int_equal(peer.closed, length == 256 ? 0 : 1008);
		peer_fini(&peer);
	}
	open_chat(&rig, "", true);
	peer_says(
	    &rig, &peer, "{\"type\":\"cancel\",\"session_id\":\"a\\nb\"}");
	expect(&peer, "{\"type\":\"error\",\"code\":\"invalid_session_id\"");
	assert_int_equal(peer.closed, 1008);
	peer_fini(&peer);
	rig_close(&rig);
}

static void
refused_frames_change_nothing_and_the_socket_stays_open(void **state)
{
	struct rig rig;
	(void)state;
	static const struct {
		const char *frame;
		const char *begin;
	} rows[] = {
		{ "", "{\"type\":\"error\",\"code\":\"invalid_json\"" },
		{ "  ", "{\"type\":\"error\",\"code\":\"invalid_json\"" },
		{ "{\"type\":",
		    "{\"type\":\"error\",\"code\":\"invalid_json\"" },
		{ "{\"type\":\"cancel\",\"type\":\"cancel\"}",
		    "{\"type\":\"error\",\"code\":\"invalid_json\"" },
		{ "{\"type\":\"message\",\"content\":\"a\\u0000b\"}",
		    "{\"type\":\"error\",\"code\":\"invalid_json\"" },
		{ "[]", "{\"type\":\"error\",\"code\":\"invalid_payload\"" },
		{ "{\"content\":\"hello\"}",
		    "{\"type\":\"error\",\"code\":\"websocket_type_required\","
		    "\"message\":\"WebSocket frames must include an explicit "
		    "canonical type.\"" },
		{ "{\"type\":\"invalid_type\"}",
		    "{\"type\":\"error\",\"code\":\"unknown_type\",\"message\":"
		    "\"Unknown message type: invalid_type\"" },
		{ "{\"type\":\"message\",\"content\":\" \"}",
		    "{\"type\":\"error\",\"code\":\"websocket_message_content_"
		    "required\"" },
		{ "{\"type\":\"message\",\"content\":\"a\",\"repoUrl\":\"b\"}",
		    "{\"type\":\"error\",\"code\":\"invalid_payload\"" },
		{ "{\"type\":\"message\",\"content\":\"a\",\"user_id\":null}",
		    "{\"type\":\"error\",\"code\":\"unsupported_identity_"
		    "fields\"" },
	};
	rig_open(&rig);
	open_chat(&rig, "", true);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		peer_says(&rig, &peer, rows[i].frame);
		expect(&peer, rows[i].begin);
		expect_nothing(&peer);
	}
	assert_int_equal(peer.closed, 0);
	assert_true(session_wants_input(peer.session));
	assert_int_equal(rig.hub.count, 0);
	assert_int_equal(rig.sink.count, 0);
	assert_int_equal(
	    stat_get(&rig.stats, commands_refused), sizeof rows / sizeof *rows);
	peer_fini(&peer);
	rig_close(&rig);
}

static void
an_escaped_backslash_before_u0000_is_no_nul(void **state)
{
	struct rig rig;
	(void)state;
	rig_open(&rig);
	open_chat(&rig, "", true);
	peer_says(
	    &rig, &peer, "{\"type\":\"message\",\"content\":\"a\\\\u0000b\"}");
	expect_nothing(&peer);
	assert_int_equal(rig.hub.count, 1);
	peer_fini(&peer);
	rig_close(&rig);
}

/* {"type":"command","command":"c","args":{"a":[[…]]}} with `depth` levels. */
static void
nested_command(char *out, size_t size, unsigned depth)
{
	unsigned arrays = depth - 2;
	int length = snprintf(out, size,
	    "{\"type\":\"command\",\"command\":\"c\",\"session_id\":\"s1\","
	    "\"args\":{\"a\":");
	char *at = out + length;
	memset(at, '[', arrays);
	memset(at + arrays, ']', arrays);
	memcpy(at + 2 * arrays, "}}", 3);
	assert_true((size_t)length + 2 * arrays + 3 <= size);
}

static void
depth_64_passes_and_65_is_too_deep(void **state)
{
	struct rig rig;
	char frame[512];
	(void)state;
	rig_open(&rig);
	open_chat(&rig, "", true);
	nested_command(frame, sizeof frame, 65);
	peer_says(&rig, &peer, frame);
	expect(&peer, "{\"type\":\"error\",\"code\":\"too_deep\"");
	nested_command(frame, sizeof frame, 64);
	peer_says(&rig, &peer, frame);
	expect_nothing(&peer);
	assert_int_equal(rig.hub.count, 1);
	peer_fini(&peer);
	rig_close(&rig);
}

static void
another_session_id_re_points_the_socket_once_stored(void **state)
{
	struct rig rig;
	(void)state;
	rig_open(&rig);
	peer_chats(&rig, &peer, true);
	peer_says(&rig, &peer, MESSAGE_2);
	assert_int_equal(rig.hub.alive, 2);
	rig_event(&rig, 0, "{\"old\":1}"); /* goes on meanwhile */
	expect_exactly(&peer, "{\"old\":1}");
	rig_opened(&rig, 1);
	expect_nothing(&peer);
	rig_answer(&rig, 1, SINK_STORED, 200);
	expect(&peer, "{\"type\":\"relay.live\"");
	expect_member(peer_next(&peer), "\"session_id\":\"s2\"");
	assert_int_equal(rig.hub.alive, 1);
	assert_false(rig_subscription(&rig, 0)->in_use);
	peer_says(&rig, &peer, CANCEL);
	assert_string_equal(rig.sink.commands[2].session, "s2");
	peer_fini(&peer);
	rig_close(&rig);
}

static void
a_frame_that_fails_leaves_the_socket_where_it_was(void **state)
{
	struct rig rig;
	(void)state;
	static const struct {
		enum sink_outcome outcome;
		const char *begin;
	} rows[] = {
		{ SINK_DEGRADED, "{\"type\":\"error\",\"code\":\"degraded\"" },
		{ SINK_OVERLOADED,
		    "{\"type\":\"error\",\"code\":\"overloaded\"" },
		{ SINK_TIMEOUT,
		    "{\"type\":\"error\",\"code\":\"command_timeout\"" },
	};
	rig_open(&rig);
	peer_chats(&rig, &peer, true);
	for (size_t i = 0; i < 3; i++) {
		peer_says(&rig, &peer, MESSAGE_2);
		rig_opened(&rig, 1 + i);
		rig_answer(&rig, 1 + i, rows[i].outcome, 0);
		expect(&peer, rows[i].begin);
		expect_nothing(&peer);
		assert_int_equal(rig.hub.alive, 1);
	}
	assert_int_equal(peer.closed, 0);
	assert_int_equal(stat_get(&rig.stats, commands_degraded), 1);
	assert_int_equal(stat_get(&rig.stats, commands_overloaded), 1);
	assert_int_equal(stat_get(&rig.stats, commands_timeout), 1);
	peer_says(&rig, &peer, CANCEL);
	assert_string_equal(rig.sink.commands[4].session, "s1");
	peer_fini(&peer);
	rig_close(&rig);
}

static void
what_the_sink_refuses_at_once_fails_inside_the_hub_too(void **state)
{
	struct rig rig;
	(void)state;
	rig_open(&rig);
	open_chat(&rig, "", true);
	rig.sink.refuses = true;
	rig.sink.refusal = SINK_OVERLOADED;
	peer_says(&rig, &peer, MESSAGE);
	peer_says(&rig, &peer, CANCEL); /* waits behind it */
	rig_opened(&rig, 0);
	expect(&peer, "{\"type\":\"error\",\"code\":\"overloaded\"");
	expect_nothing(&peer);
	assert_int_equal(rig.hub.alive, 1); /* not from inside the hub */
	rig_pass(&rig, 50);
	assert_int_equal(rig.hub.alive, 0);
	expect(&peer, "{\"type\":\"error\",\"code\":\"initial_message_req");
	peer_fini(&peer);
	rig_close(&rig);
}

static void
without_redis_a_first_frame_is_degraded_at_once(void **state)
{
	struct rig rig;
	(void)state;
	rig_open(&rig);
	session_env_redis(rig.env, false, "refused", rig.now_ms);
	open_chat(&rig, "", true);
	peer_says(&rig, &peer, MESSAGE);
	expect(&peer, "{\"type\":\"error\",\"code\":\"degraded\"");
	assert_int_equal(rig.hub.count, 0);
	assert_int_equal(rig.sink.count, 0);
	assert_int_equal(peer.closed, 0);
	session_env_redis(rig.env, true, NULL, rig.now_ms);
	expect(&peer, "{\"type\":\"relay.recovered\"");
	peer_says(&rig, &peer, MESSAGE);
	rig_opened(&rig, 0);
	assert_int_equal(rig.sink.count, 1);
	peer_fini(&peer);
	rig_close(&rig);
}

static void
redis_lost_while_a_frame_waits_is_degraded(void **state)
{
	struct rig rig;
	(void)state;
	rig_open(&rig);
	open_chat(&rig, "", false);
	peer_says(&rig, &peer, MESSAGE);
	peer_says(&rig, &peer, MESSAGE_2);
	session_env_redis(rig.env, false, "closed", rig.now_ms);
	expect(&peer, "{\"type\":\"error\",\"code\":\"degraded\"");
	expect(&peer, "{\"type\":\"error\",\"code\":\"degraded\"");
	expect_nothing(&peer);
	assert_int_equal(rig.hub.alive, 0);
	peer_fini(&peer);
	rig_close(&rig);
}

static void
a_position_that_does_not_come_is_a_timeout(void **state)
{
	struct rig rig;
	(void)state;
	rig_open(&rig);
	open_chat(&rig, "", true);
	peer_says(&rig, &peer, MESSAGE);
	rig_pass(&rig, 1950);
	expect_nothing(&peer);
	rig_pass(&rig, 50);
	expect(&peer, "{\"type\":\"error\",\"code\":\"command_timeout\"");
	assert_int_equal(rig.hub.alive, 0);
	assert_int_equal(peer.closed, 0);
	peer_says(&rig, &peer, MESSAGE);
	rig_opened(&rig, 1);
	assert_int_equal(rig.sink.count, 1);
	peer_fini(&peer);
	rig_close(&rig);
}

static void
frames_behind_one_that_binds_wait_in_order(void **state)
{
	struct rig rig;
	(void)state;
	rig_open(&rig);
	open_chat(&rig, "", true);
	peer_says(&rig, &peer, SESSIONLESS);
	peer_says(&rig, &peer, CANCEL);
	peer_says(&rig, &peer, MESSAGE_2);
	peer_says(&rig, &peer, CANCEL);
	rig_opened(&rig, 0);
	rig_pass(&rig, 100);
	assert_int_equal(rig.sink.count, 1);
	rig_answer(&rig, 0, SINK_STORED, 100);
	assert_int_equal(rig.sink.count, 2); /* re-pointing waits for this */
	assert_string_equal(
	    rig.sink.commands[1].session, rig.sink.commands[0].session);
	assert_int_equal(rig.hub.count, 1);
	rig_answer(&rig, 1, SINK_STORED, 101);
	assert_int_equal(rig.hub.count, 2);
	rig_opened(&rig, 1);
	rig_answer(&rig, 2, SINK_STORED, 102);
	assert_int_equal(rig.sink.count, 4);
	assert_string_equal(rig.sink.commands[3].session, "s2");
	assert_string_equal(rig.sink.commands[3].type, "cancel");
	peer_fini(&peer);
	rig_close(&rig);
}

static void
eight_unanswered_frames_stop_the_reading(void **state)
{
	struct rig rig;
	(void)state;
	rig_open(&rig);
	peer_chats(&rig, &peer, false);
	for (int i = 0; i < 8; i++) {
		assert_true(session_wants_input(peer.session));
		peer_says(&rig, &peer, CANCEL);
	}
	assert_false(session_wants_input(peer.session));
	peer_says(&rig, &peer, CANCEL); /* was already on its way */
	expect(&peer, "{\"type\":\"error\",\"code\":\"overloaded\"");
	rig_answer(&rig, 1, SINK_STORED, 101);
	assert_true(session_wants_input(peer.session));
	rig_answer(&rig, 2, SINK_STORED, 102);
	peer_fini(&peer);
	rig_close(&rig);
}

static void
frames_that_wait_count_as_unanswered(void **state)
{
	struct rig rig;
	(void)state;
	rig_open(&rig);
	open_chat(&rig, "", false);
	peer_says(&rig, &peer, MESSAGE);
	for (int i = 0; i < 7; i++)
		peer_says(&rig, &peer, CANCEL);
	assert_false(session_wants_input(peer.session));
	rig_opened(&rig, 0);
	rig_answer(&rig, 0, SINK_STORED, 100);
	assert_int_equal(rig.sink.count, 8);
	peer_fini(&peer);
	rig_close(&rig);
}

/* So that a slow client can still cancel. */
static void
a_full_transport_does_not_hold_up_commands(void **state)
{
	struct rig rig;
	(void)state;
	rig_open(&rig);
	peer_chats(&rig, &peer, true);
	peer.answer = HUB_WRITE_FULL;
	assert_int_equal(rig_event(&rig, 0, "{1}"), HUB_WRITE_FULL);
	peer_says(&rig, &peer, CANCEL);
	assert_int_equal(rig.sink.count, 2);
	assert_true(session_wants_input(peer.session));
	const struct subscription *mine = rig_subscription(&rig, 0);
	const struct entry_id early = { 102, 0 };
	assert_int_equal(mine->ops->owns(mine->arg, early), OWNS_UNKNOWN);
	rig_answer(&rig, 1, SINK_STORED, 102);
	expect_exactly(&peer, "{1}");
	expect(&peer, "{\"type\":\"relay.ack\"");
	assert_int_equal(mine->resumes, 0); /* the transport is still full */
	peer.answer = HUB_WRITE_OK;
	session_writable(peer.session, rig.now_ms);
	assert_int_equal(mine->resumes, 1);
	assert_int_equal(mine->ops->owns(mine->arg, early), OWNS_YES);
	peer_fini(&peer);
	rig_close(&rig);
}

static void
too_many_frames_are_refused_with_the_socket_open(void **state)
{
	struct rig rig;
	(void)state;
	rig_open(&rig);
	open_chat(&rig, "", false);
	for (int i = 0; i < 100; i++) {
		peer_says(&rig, &peer, "x");
		expect(&peer, "{\"type\":\"error\",\"code\":\"invalid_json\"");
	}
	peer_says(&rig, &peer, "x");
	expect(&peer, "{\"type\":\"error\",\"code\":\"rate_limited\"");
	assert_int_equal(peer.closed, 0);
	rig_pass(&rig, 20);
	peer_says(&rig, &peer, "x");
	expect(&peer, "{\"type\":\"error\",\"code\":\"invalid_json\"");
	assert_int_equal(stat_get(&rig.stats, commands_rate_limited), 1);
	peer_fini(&peer);
	rig_close(&rig);
}

static void
ten_seconds_of_too_many_frames_close_1008(void **state)
{
	struct rig rig;
	(void)state;
	rig_open(&rig);
	open_chat(&rig, "", false);
	uint64_t first_ms = 0;
	while (peer.closed == 0) {
		rig.now_ms += 5;
		peer_says(&rig, &peer, "x");
		bool limited = strstr(peer_next(&peer), "rate_limited") != NULL;
		if (limited && first_ms == 0)
			first_ms = rig.now_ms;
		while (peer.count > 0)
			free(peer.frames[--peer.count]);
		peer.read = 0;
	}
	assert_int_equal(peer.closed, 1008);
	assert_in_range(rig.now_ms - first_ms, 10000, 10050);
	peer_fini(&peer);
	rig_close(&rig);
}

static void
a_cursor_resumes_the_session_that_the_first_frame_names(void **state)
{
	struct rig rig;
	(void)state;
	rig_open(&rig);
	open_chat(&rig, "after=30-1", true);
	peer_says(&rig, &peer, MESSAGE);
	const struct subscription *made = rig_subscription(&rig, 0);
	assert_int_equal(made->start.kind, START_AFTER);
	assert_int_equal(made->start.after.ms, 30);
	assert_int_equal(rig.sink.count, 0);
	rig_opened(&rig, 0);
	/* from is the tail, not the cursor. */
	assert_int_equal(rig.sink.commands[0].from.ms, 50);
	rig_answer(&rig, 0, SINK_STORED, 100);
	expect(&peer, "{\"type\":\"relay.ack\"");
	assert_int_equal(made->releases, 1);
	peer_says(&rig, &peer, MESSAGE_2);
	assert_int_equal(rig_subscription(&rig, 1)->start.kind, START_LIVE);
	peer_fini(&peer);
	rig_close(&rig);
}

static void
a_cursor_does_not_apply_to_a_new_session(void **state)
{
	struct rig rig;
	(void)state;
	rig_open(&rig);
	open_chat(&rig, "after=30-1", true);
	peer_says(&rig, &peer, SESSIONLESS);
	assert_int_equal(rig_subscription(&rig, 0)->start.kind, START_LIVE);
	peer_fini(&peer);
	rig_close(&rig);
}

static void
later_commands_are_from_the_tail_that_was_reached(void **state)
{
	struct rig rig;
	(void)state;
	rig_open(&rig);
	peer_chats(&rig, &peer, false);
	rig_subscription(&rig, 0)->position = (struct entry_id){ 77, 1 };
	peer_says(&rig, &peer, MESSAGE);
	assert_int_equal(rig.sink.commands[1].from.ms, 77);
	rig_answer(&rig, 1, SINK_STORED, 101);
	peer_fini(&peer);
	rig_close(&rig);
}

static void
a_socket_that_resumes_has_its_tail_until_it_gets_there(void **state)
{
	struct rig rig;
	(void)state;
	rig_open(&rig);
	open_chat(&rig, "after=30-0", false);
	peer_says(&rig, &peer, MESSAGE);
	rig_opened(&rig, 0); /* the tail is 50-0 */
	rig_answer(&rig, 0, SINK_STORED, 100);
	static const struct {
		uint64_t position_ms, from_ms;
	} rows[] = { { 49, 50 }, { 50, 50 }, { 55, 55 }, { 20, 20 } };
	for (size_t i = 0; i < 4; i++) {
		rig_subscription(&rig, 0)->position.ms = rows[i].position_ms;
		peer_says(&rig, &peer, MESSAGE);
		assert_int_equal(
		    rig.sink.commands[1 + i].from.ms, rows[i].from_ms);
	}
	peer_fini(&peer);
	rig_close(&rig);
}

/* The hub says so only at the end of its turn; the answer may be first. */
static void
live_is_told_once_before_the_ack_whoever_is_first(void **state)
{
	struct rig rig;
	(void)state;
	rig_open(&rig);
	open_chat(&rig, "", true);
	peer_says(&rig, &peer, MESSAGE);
	struct subscription *made = rig_subscription(&rig, 0);
	const struct stream_info info = { .exists = true, .newest = { 9, 0 } };
	made->is_known = true;
	made->position = info.newest;
	made->ops->opened(made->arg, &info);
	rig_answer(&rig, 0, SINK_STORED, 100);
	expect_exactly(&peer,
	    "{\"type\":\"relay.live\",\"cursor\":\"9-0\",\"replayed\":0}");
	expect(&peer, "{\"type\":\"relay.ack\"");
	made->ops->live(made->arg, info.newest, 0);
	expect_nothing(&peer);
	made->ops->live(made->arg, info.newest, 0);
	expect(&peer, "{\"type\":\"relay.live\"");
	peer_fini(&peer);
	rig_close(&rig);
}

static void
a_socket_that_resumes_is_live_at_the_tail_only(void **state)
{
	struct rig rig;
	(void)state;
	rig_open(&rig);
	open_chat(&rig, "after=30-0", true);
	peer_says(&rig, &peer, MESSAGE);
	rig_opened(&rig, 0);
	struct subscription *made = rig_subscription(&rig, 0);
	made->ops->live(made->arg, made->start.after, 0); /* it is fixed */
	rig_answer(&rig, 0, SINK_STORED, 100);
	expect(&peer, "{\"type\":\"relay.ack\"");
	expect_nothing(&peer);
	made->ops->live(made->arg, (struct entry_id){ 50, 0 }, 3);
	expect_exactly(&peer,
	    "{\"type\":\"relay.live\",\"cursor\":\"50-0\",\"replayed\":3}");
	peer_fini(&peer);
	rig_close(&rig);
}

static void
answers_to_sessions_that_are_gone_are_no_error(void **state)
{
	struct rig rig;
	(void)state;
	rig_open(&rig);
	open_chat(&rig, "", true);
	peer_says(&rig, &peer, MESSAGE);
	rig_opened(&rig, 0);
	peer_fini(&peer);
	rig_answer(&rig, 0, SINK_STORED, 100);
	peer_open(&rig, &other, CHAT, "", true);
	rig_answer(&rig, 0, SINK_STORED, 100);
	expect(&other, "{\"type\":\"relay.hello\"");
	expect_nothing(&other);
	peer_fini(&other);
	rig_close(&rig);
}

static void
direct_answers_are_for_the_connection_that_asked(void **state)
{
	struct rig rig;
	(void)state;
	rig_open(&rig);
	peer_chats(&rig, &peer, false);
	peer_chats(&rig, &other, false);
	const struct subscription *mine = rig_subscription(&rig, 0);
	const struct subscription *theirs = rig_subscription(&rig, 1);
	const struct entry_id first = { 100, 0 };
	const struct entry_id second = { 101, 0 };
	assert_int_equal(mine->ops->owns(mine->arg, first), OWNS_UNKNOWN);
	rig_owner(&rig, false);
	assert_int_equal(mine->ops->owns(mine->arg, first), OWNS_YES);
	assert_int_equal(mine->ops->owns(mine->arg, second), OWNS_NO);
	assert_int_equal(theirs->ops->owns(theirs->arg, first), OWNS_NO);
	assert_int_equal(theirs->ops->owns(theirs->arg, second), OWNS_UNKNOWN);
	rig_owner(&rig, false);
	assert_int_equal(theirs->ops->owns(theirs->arg, second), OWNS_YES);
	peer_fini(&peer);
	peer_fini(&other);
	rig_close(&rig);
}

static void
an_answer_that_overtakes_its_ack_waits_for_it(void **state)
{
	struct rig rig;
	(void)state;
	rig_open(&rig);
	peer_chats(&rig, &peer, true);
	const struct subscription *mine = rig_subscription(&rig, 0);
	const struct entry_id early = { 102, 0 };
	peer_says(&rig, &peer, COMMAND);
	assert_int_equal(mine->ops->owns(mine->arg, early), OWNS_UNKNOWN);
	unsigned before = mine->resumes;
	rig_answer(&rig, 1, SINK_STORED, 102);
	assert_int_equal(mine->resumes, before + 1);
	assert_int_equal(mine->ops->owns(mine->arg, early), OWNS_YES);
	peer_fini(&peer);
	rig_close(&rig);
}

static void
of_owned_commands_the_last_64_are_known(void **state)
{
	struct rig rig;
	(void)state;
	rig_open(&rig);
	peer_chats(&rig, &peer, false); /* 100-0 */
	const struct subscription *mine = rig_subscription(&rig, 0);
	for (size_t i = 1; i <= 64; i++) {
		rig.now_ms += 20;
		peer_says(&rig, &peer, CANCEL);
		rig_answer(&rig, i, SINK_STORED, 1000 + i);
	}
	assert_int_equal(
	    mine->ops->owns(mine->arg, (struct entry_id){ 100, 0 }), OWNS_NO);
	assert_int_equal(
	    mine->ops->owns(mine->arg, (struct entry_id){ 1001, 0 }), OWNS_YES);
	peer_fini(&peer);
	rig_close(&rig);
}

static void
a_session_that_ends_with_frames_waiting_leaves_nothing(void **state)
{
	struct rig rig;
	(void)state;
	rig_open(&rig);
	peer_chats(&rig, &peer, false);
	peer_says(&rig, &peer, CANCEL);
	peer_says(&rig, &peer, MESSAGE_2);
	peer_says(&rig, &peer, MESSAGE_2);
	peer_fini(&peer);
	rig_pass(&rig, 3000);
	rig_close(&rig);
}

/* A contract whose client frames carry a request id. */
static void
failures_carry_the_request_id(void **state)
{
	struct rig rig;
	struct error err = { 0 };
	struct contract *contract =
	    contract_load(RELAY_SOURCE_DIR "/schemas/fleet-rlm/3", &err);
	(void)state;
	assert_non_null(contract);
	contract->endpoints[CHAT].client.request_id = xstrdup("/command");
	rig_open_contract(&rig, contract);
	peer_chats(&rig, &peer, true);
	peer_says(&rig, &peer, "{\"type\":\"command\",\"command\":\"a\\\"b\"}");
	assert_string_equal(rig.sink.commands[1].request_id, "a\"b");
	rig_answer(&rig, 1, SINK_TIMEOUT, 0);
	expect_member(peer_next(&peer), ",\"request_id\":\"a\\\"b\"}");
	rig.sink.refuses = true;
	rig.sink.refusal = SINK_OVERLOADED;
	peer_says(&rig, &peer, COMMAND);
	expect_member(peer_next(&peer), ",\"request_id\":\"resolve_hitl\"}");
	rig.sink.refuses = false;
	peer_says(&rig, &peer, COMMAND);
	rig_answer(&rig, 2, SINK_STORED, 110);
	expect_member(peer_next(&peer), "\"request_id\":\"resolve_hitl\"");
	peer_fini(&peer);
	peer_open(&rig, &peer, CHAT, "", false);
	peer_says(&rig, &peer, COMMAND);
	rig_pass(&rig, 2000);
	expect_member(peer_next(&peer), ",\"request_id\":\"resolve_hitl\"}");
	peer_fini(&peer);
	rig_close(&rig);
	contract_free(&contract);
}

#define TEST(name) cmocka_unit_test(name)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_first_frame_of_a_session_waits_for_the_position),
		TEST(a_command_carries_everything_that_the_stream_shows),
		TEST(an_unusable_traceparent_is_replaced),
		TEST(events_wait_until_the_command_is_stored),
		TEST(a_message_without_a_session_gets_a_new_one),
		TEST(a_chat_session_id_is_not_trimmed),
		TEST(frames_without_a_session_use_the_sockets),
		TEST(a_command_that_names_its_session_may_come_first),
		TEST(a_cancel_without_any_session_closes_1008),
		TEST(a_bad_session_id_in_a_frame_closes_1008),
		TEST(refused_frames_change_nothing_and_the_socket_stays_open),
		TEST(an_escaped_backslash_before_u0000_is_no_nul),
		TEST(depth_64_passes_and_65_is_too_deep),
		TEST(another_session_id_re_points_the_socket_once_stored),
		TEST(a_frame_that_fails_leaves_the_socket_where_it_was),
		TEST(what_the_sink_refuses_at_once_fails_inside_the_hub_too),
		TEST(without_redis_a_first_frame_is_degraded_at_once),
		TEST(redis_lost_while_a_frame_waits_is_degraded),
		TEST(a_position_that_does_not_come_is_a_timeout),
		TEST(frames_behind_one_that_binds_wait_in_order),
		TEST(eight_unanswered_frames_stop_the_reading),
		TEST(frames_that_wait_count_as_unanswered),
		TEST(a_full_transport_does_not_hold_up_commands),
		TEST(too_many_frames_are_refused_with_the_socket_open),
		TEST(ten_seconds_of_too_many_frames_close_1008),
		TEST(a_cursor_resumes_the_session_that_the_first_frame_names),
		TEST(a_cursor_does_not_apply_to_a_new_session),
		TEST(later_commands_are_from_the_tail_that_was_reached),
		TEST(a_socket_that_resumes_has_its_tail_until_it_gets_there),
		TEST(live_is_told_once_before_the_ack_whoever_is_first),
		TEST(a_socket_that_resumes_is_live_at_the_tail_only),
		TEST(answers_to_sessions_that_are_gone_are_no_error),
		TEST(direct_answers_are_for_the_connection_that_asked),
		TEST(an_answer_that_overtakes_its_ack_waits_for_it),
		TEST(of_owned_commands_the_last_64_are_known),
		TEST(a_session_that_ends_with_frames_waiting_leaves_nothing),
		TEST(failures_carry_the_request_id),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
