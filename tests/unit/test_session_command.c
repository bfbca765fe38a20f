/* SPDX-License-Identifier: MIT */

/* Frames that become commands: what is stored of them and for which session,
 * and what is refused with the socket open. */

#include "session_rig.h"

static struct peer peer;

static void
the_first_frame_of_a_session_waits_for_the_position(void **state)
{
	struct rig rig;
	(void)state;
	rig_open(&rig);
	peer_open_chat(&rig, &peer, "", true);
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
	peer_open_chat(&rig, &peer, "", false);
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
		peer_open_chat(&rig, &peer, "", true);
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
	peer_open_chat(&rig, &peer, "", false);
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
	peer_open_chat(&rig, &peer, "", true);
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
	peer_open_chat(&rig, &peer, "", true);
	peer_says(&rig, &peer, CANCEL);
	expect_exactly(&peer,
	    "{\"type\":\"error\",\"code\":\"initial_message_required\","
	    "\"message\":\"Execution websocket must start with a canonical "
	    "message frame.\"}");
	assert_int_equal(peer.closed, 1008);
	assert_int_equal(stat_get(&rig.stats, commands_refused), 1);
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
		peer_open_chat(&rig, &peer, "", true);
		snprintf(frame, sizeof frame,
		    "{\"type\":\"cancel\",\"session_id\":\"%.*s\"}",
		    (int)length, id);
		peer_says(&rig, &peer, frame);
		assert_int_equal(peer.closed, length == 256 ? 0 : 1008);
		peer_fini(&peer);
	}
	peer_open_chat(&rig, &peer, "", true);
	peer_says(
	    &rig, &peer, "{\"type\":\"cancel\",\"session_id\":\"a\\nb\"}");
	expect(&peer, "{\"type\":\"error\",\"code\":\"invalid_session_id\"");
	assert_int_equal(peer.closed, 1008);
	assert_int_equal(stat_get(&rig.stats, commands_refused), 2);
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
	peer_open_chat(&rig, &peer, "", true);
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
	peer_open_chat(&rig, &peer, "", true);
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
	peer_open_chat(&rig, &peer, "", true);
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
what_the_sink_refuses_at_once_fails_inside_the_hub_too(void **state)
{
	struct rig rig;
	(void)state;
	rig_open(&rig);
	peer_open_chat(&rig, &peer, "", true);
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
	peer_open_chat(&rig, &peer, "", true);
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
	peer_open_chat(&rig, &peer, "", false);
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
		TEST(what_the_sink_refuses_at_once_fails_inside_the_hub_too),
		TEST(without_redis_a_first_frame_is_degraded_at_once),
		TEST(redis_lost_while_a_frame_waits_is_degraded),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
