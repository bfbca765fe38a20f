/* SPDX-License-Identifier: MIT */

/* Frames that wait for each other, and what stops a client that sends more
 * than is answered. */

#include "session_rig.h"

static struct peer peer;

static void
frames_behind_one_that_binds_wait_in_order(void **state)
{
	struct rig rig;
	(void)state;
	rig_open(&rig);
	peer_open_chat(&rig, &peer, "", true);
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
	peer_open_chat(&rig, &peer, "", false);
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
	peer_open_chat(&rig, &peer, "", false);
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
	peer_open_chat(&rig, &peer, "", false);
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

/* A message for s1, and a reload that no longer lets it pass. */
static void
peer_says_what_becomes_bad(struct rig *rig)
{
	peer_says(rig, &peer,
	    "{\"type\":\"message\",\"content\":\"hi\",\"session_id\":\"s1\","
	    "\"context_paths\":[\"a\"]}");
	rig->options.max_depth = 1;
	session_env_reload(rig->env, &rig->options, rig->contract);
}

/* It was good when it made the socket wait for a session. */
static void
a_frame_that_a_reload_made_bad_binds_nothing(void **state)
{
	struct rig rig;
	(void)state;
	rig_open(&rig);
	peer_open_chat(&rig, &peer, "", false);
	peer_says_what_becomes_bad(&rig);
	rig_opened(&rig, 0);
	expect(&peer, "{\"type\":\"error\",\"code\":\"too_deep\"");
	peer_says(&rig, &peer, MESSAGE_2);
	rig_pass(&rig, 50);
	assert_int_equal(rig.hub.alive, 1);
	rig_opened(&rig, 1);
	assert_int_equal(rig.sink.count, 1);
	assert_string_equal(rig.sink.commands[0].session, "s2");
	peer_fini(&peer);
	rig_close(&rig);
}

static void
the_time_of_a_frame_that_is_answered_is_not_that_of_the_next(void **state)
{
	struct rig rig;
	(void)state;
	rig_open(&rig);
	peer_chats(&rig, &peer, false);
	rig_subscription(&rig, 0)->is_known = false;
	peer_says_what_becomes_bad(&rig);
	rig_pass(&rig, 1500);
	expect(&peer, "{\"type\":\"error\",\"code\":\"too_deep\"");
	peer_says(&rig, &peer, MESSAGE);
	rig_pass(&rig, 1950);
	expect_nothing(&peer);
	rig_pass(&rig, 50);
	expect(&peer, "{\"type\":\"error\",\"code\":\"command_timeout\"");
	peer_fini(&peer);
	rig_close(&rig);
}

/* Though others began to wait after it came and before its turn. */
static void
a_frame_that_waits_twice_has_one_deadline(void **state)
{
	static struct peer other;
	struct rig rig;
	(void)state;
	rig_open(&rig);
	peer_chats(&rig, &peer, false);
	peer_says(&rig, &peer, CANCEL);
	peer_says(&rig, &peer, MESSAGE_2); /* not before that is answered */
	rig_pass(&rig, 1500);
	peer_open_chat(&rig, &other, "", false);
	peer_says(&rig, &other, MESSAGE);
	rig_answer(&rig, 1, SINK_STORED, 101);
	rig_pass(&rig, 450);
	expect_nothing(&peer);
	rig_pass(&rig, 50);
	expect(&peer, "{\"type\":\"error\",\"code\":\"command_timeout\"");
	expect_nothing(&other);
	rig_pass(&rig, 1500);
	expect(&other, "{\"type\":\"error\",\"code\":\"command_timeout\"");
	peer_fini(&other);
	peer_fini(&peer);
	rig_close(&rig);
}

static void
bytes_that_wait_have_the_bound_of_those_under_way(void **state)
{
	static struct peer other;
	struct rig rig;
	(void)state;
	rig_open(&rig);
	rig.options.max_waiting_bytes = sizeof MESSAGE + 10;
	session_env_reload(rig.env, &rig.options, rig.contract);
	peer_open_chat(&rig, &peer, "", false);
	peer_open_chat(&rig, &other, "", false);
	peer_says(&rig, &peer, MESSAGE);
	peer_says(&rig, &other, MESSAGE_2);
	expect(&other, "{\"type\":\"error\",\"code\":\"overloaded\"");
	expect_nothing(&peer);
	rig_opened(&rig, 0);
	assert_int_equal(rig.sink.count, 1);
	rig.options.max_waiting_bytes = 1; /* one may wait, whatever its size */
	session_env_reload(rig.env, &rig.options, rig.contract);
	peer_says(&rig, &other, MESSAGE_2);
	expect_nothing(&other);
	peer_fini(&other);
	peer_fini(&peer);
	rig_close(&rig);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(frames_behind_one_that_binds_wait_in_order),
		TEST(eight_unanswered_frames_stop_the_reading),
		TEST(frames_that_wait_count_as_unanswered),
		TEST(a_full_transport_does_not_hold_up_commands),
		TEST(too_many_frames_are_refused_with_the_socket_open),
		TEST(ten_seconds_of_too_many_frames_close_1008),
		TEST(a_session_that_ends_with_frames_waiting_leaves_nothing),
		TEST(a_frame_that_a_reload_made_bad_binds_nothing),
		TEST(
		    the_time_of_a_frame_that_is_answered_is_not_that_of_the_next),
		TEST(a_frame_that_waits_twice_has_one_deadline),
		TEST(bytes_that_wait_have_the_bound_of_those_under_way),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
