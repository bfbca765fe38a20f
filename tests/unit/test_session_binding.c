/* SPDX-License-Identifier: MIT */

/* Which session a socket shows and from where: the first frame, another
 * session, a cursor. */

#include "session_rig.h"

static struct peer peer;

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
a_position_that_does_not_come_is_a_timeout(void **state)
{
	struct rig rig;
	(void)state;
	rig_open(&rig);
	peer_open_chat(&rig, &peer, "", true);
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
a_cursor_resumes_the_session_that_the_first_frame_names(void **state)
{
	struct rig rig;
	(void)state;
	rig_open(&rig);
	peer_open_chat(&rig, &peer, "after=30-1", true);
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
	peer_open_chat(&rig, &peer, "after=30-1", true);
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
	peer_open_chat(&rig, &peer, "after=30-0", false);
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
	peer_open_chat(&rig, &peer, "", true);
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
	peer_open_chat(&rig, &peer, "after=30-0", true);
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

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(another_session_id_re_points_the_socket_once_stored),
		TEST(a_frame_that_fails_leaves_the_socket_where_it_was),
		TEST(a_position_that_does_not_come_is_a_timeout),
		TEST(a_cursor_resumes_the_session_that_the_first_frame_names),
		TEST(a_cursor_does_not_apply_to_a_new_session),
		TEST(later_commands_are_from_the_tail_that_was_reached),
		TEST(a_socket_that_resumes_has_its_tail_until_it_gets_there),
		TEST(live_is_told_once_before_the_ack_whoever_is_first),
		TEST(a_socket_that_resumes_is_live_at_the_tail_only),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
