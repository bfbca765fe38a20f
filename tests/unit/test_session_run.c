/* SPDX-License-Identifier: MIT */

/* Runs: repeats of their requests, their ends, and the records that are kept
 * and released for them. */

#include "session_rig.h"

static struct peer peer;

static void
a_repeat_gets_the_runs_events_again(void **state)
{
	struct rig rig;
	(void)state;
	rig_open(&rig);
	peer_open(&rig, &peer, CHAT, "", true);
	peer.read = peer.count;
	peer_says(&rig, &peer, MESSAGE);
	rig_opened(&rig, 0);
	rig_answer(&rig, 0, SINK_REPEATED, 30);
	expect_exactly(&peer,
	    "{\"type\":\"relay.ack\",\"command_id\":\"30-0\",\"session_id\":"
	    "\"s1\",\"command_type\":\"message\",\"deduplicated\":true}");
	expect_nothing(&peer); /* relay.live comes when the hub says so */
	struct subscription *made = rig_subscription(&rig, 0);
	assert_int_equal(made->seeks, 1);
	assert_int_equal(made->releases, 0);
	assert_int_equal(made->sought.ms, 40);
	rig_event(&rig, 0, "{1}");
	made->ops->live(made->arg, (struct entry_id){ 60, 0 }, 1);
	expect_exactly(&peer, "{1}");
	expect_exactly(&peer,
	    "{\"type\":\"relay.live\",\"cursor\":\"60-0\",\"replayed\":1}");
	assert_int_equal(stat_get(&rig.stats, commands_deduplicated), 1);
	assert_int_equal(stat_get(&rig.stats, commands_stored), 0);
	assert_int_equal(made->ops->owns(made->arg, (struct entry_id){ 30, 0 }),
	    OWNS_UNKNOWN);
	rig_owner(&rig, false);
	assert_int_equal(
	    made->ops->owns(made->arg, (struct entry_id){ 30, 0 }), OWNS_YES);
	peer_fini(&peer);
	rig_close(&rig);
}

static void
a_repeat_with_a_cursor_goes_on_from_there(void **state)
{
	struct rig rig;
	(void)state;
	rig_open(&rig);
	peer_open(&rig, &peer, CHAT, "after=45-0", false);
	peer_says(&rig, &peer, MESSAGE);
	rig_opened(&rig, 0);
	rig_answer(&rig, 0, SINK_REPEATED, 30);
	const struct subscription *made = rig_subscription(&rig, 0);
	assert_int_equal(made->start.after.ms, 45);
	assert_int_equal(made->releases, 1);
	assert_int_equal(made->seeks, 0);
	peer_fini(&peer);
	rig_close(&rig);
}

static void
answer_with_session(struct rig *rig, size_t index, const char *session)
{
	const struct sent *sent = &rig->sink.commands[index];
	const struct sink_answer answer = {
		.outcome = SINK_REPEATED,
		.id = { 30, 0 },
		.from = { 40, 0 },
		.session = view_of(session),
	};
	session_answer(
	    rig->env, sent->session_id, sent->ticket, &answer, rig->now_ms);
}

static void
a_repeat_without_a_session_gets_the_session_of_the_first(void **state)
{
	struct rig rig;
	(void)state;
	static const struct {
		const char *query;
		uint64_t cursor_ms;
	} rows[] = { { "", 40 }, { "after=45-0", 45 } };
	rig_open(&rig);
	for (size_t i = 0; i < 2; i++) {
		peer_open(&rig, &peer, CHAT, rows[i].query, true);
		peer.read = peer.count;
		peer_says(&rig, &peer, SESSIONLESS);
		rig_opened(&rig, 2 * i);
		answer_with_session(&rig, i, "first");
		expect_member(peer_next(&peer), "\"session_id\":\"first\"");
		expect_nothing(&peer);
		assert_int_equal(rig.hub.alive, 1);
		const struct subscription *made =
		    rig_subscription(&rig, 2 * i + 1);
		assert_string_equal(
		    made->key, "relay:events:{default/anonymous/first}");
		assert_int_equal(made->start.kind, START_AFTER);
		assert_int_equal(made->start.after.ms, rows[i].cursor_ms);
		assert_int_equal(made->releases, 1);
		peer_fini(&peer);
	}
	rig_close(&rig);
}

static void
a_repeat_on_a_bound_socket_goes_back_only_if_it_must(void **state)
{
	struct rig rig;
	(void)state;
	rig_open(&rig);
	peer_chats(&rig, &peer, false); /* stands at 50-0 */
	struct subscription *made = rig_subscription(&rig, 0);
	peer_says(&rig, &peer, MESSAGE);
	rig_answer(&rig, 1, SINK_REPEATED, 30); /* from 40-0 */
	assert_int_equal(made->seeks, 1);
	assert_int_equal(made->sought.ms, 40);
	made->position = (struct entry_id){ 35, 0 };
	peer_says(&rig, &peer, MESSAGE);
	rig_answer(&rig, 2, SINK_REPEATED, 30);
	assert_int_equal(made->seeks, 1);
	peer_fini(&peer);
	rig_close(&rig);
}

static void
a_record_is_released_by_the_pong_behind_the_terminal_event(void **state)
{
	struct rig rig;
	(void)state;
	rig_open(&rig);
	peer_chats(&rig, &peer, false);
	rig_event(&rig, 0, "{\"done\":1}");
	rig_ended(&rig, 0, 60, 0, true);
	expect_exactly(&peer, "{\"done\":1}");
	expect_exactly(&peer, "PING run-1");
	assert_int_equal(rig.sink.releases, 0);
	peer_pongs(&rig, &peer, "");
	peer_pongs(&rig, &peer, "run-");
	peer_pongs(&rig, &peer, "run-x");
	peer_pongs(&rig, &peer, "run-0");
	peer_pongs(&rig, &peer, "run-2"); /* was not sent */
	peer_pongs(&rig, &peer, "keepalive-1");
	assert_int_equal(rig.sink.releases, 0);
	peer_pongs(&rig, &peer, "run-1");
	assert_int_equal(rig.sink.releases, 1);
	assert_int_equal(rig.sink.released.ms, 100);
	assert_string_equal(rig.sink.released_session, "s1");
	assert_string_equal(rig.sink.released_connection, "n1-1");
	peer_pongs(&rig, &peer, "run-1");
	session_peer_closed(peer.session);
	assert_int_equal(rig.sink.releases, 1);
	peer_fini(&peer);
	rig_close(&rig);
}

static void
a_clients_close_releases_what_was_written_before(void **state)
{
	struct rig rig;
	(void)state;
	rig_open(&rig);
	peer_chats(&rig, &peer, false);
	rig_ended(&rig, 0, 60, 0, true);
	session_peer_closed(peer.session);
	assert_int_equal(rig.sink.releases, 1);
	peer_fini(&peer);
	rig_close(&rig);
}

static void
a_connection_that_breaks_releases_nothing(void **state)
{
	struct rig rig;
	(void)state;
	rig_open(&rig);
	peer_chats(&rig, &peer, false);
	rig_ended(&rig, 0, 60, 0, true);
	peer_fini(&peer);
	peer_chats(&rig, &peer, false);
	session_peer_closed(peer.session); /* its run is not over */
	peer_fini(&peer);
	assert_int_equal(rig.sink.releases, 0);
	rig_close(&rig);
}

static void
terminal_events_end_the_oldest_open_request(void **state)
{
	struct rig rig;
	(void)state;
	rig_open(&rig);
	peer_chats(&rig, &peer, false); /* 100-0 */
	peer_says(&rig, &peer, SESSIONLESS);
	rig_answer(&rig, 1, SINK_STORED, 101);
	rig_ended(&rig, 0, 60, 0, true);
	peer_pongs(&rig, &peer, "run-1");
	assert_int_equal(rig.sink.released.ms, 100);
	rig_ended(&rig, 0, 61, 0, true);
	peer_pongs(&rig, &peer, "run-2");
	assert_int_equal(rig.sink.released.ms, 101);
	rig_ended(&rig, 0, 62, 0, true); /* somebody else's */
	assert_int_equal(rig.sink.releases, 2);
	expect_exactly(&peer, "PING run-1");
	expect_exactly(&peer, "PING run-2");
	expect_nothing(&peer);
	peer_fini(&peer);
	rig_close(&rig);
}

static void
one_pong_releases_all_that_ended_before_its_ping(void **state)
{
	struct rig rig;
	(void)state;
	rig_open(&rig);
	peer_chats(&rig, &peer, false);
	peer_says(&rig, &peer, SESSIONLESS);
	rig_answer(&rig, 1, SINK_STORED, 101);
	rig_ended(&rig, 0, 60, 0, true);
	rig_ended(&rig, 0, 61, 0, true);
	peer_pongs(&rig, &peer, "run-2");
	assert_int_equal(rig.sink.releases, 2);
	peer_fini(&peer);
	rig_close(&rig);
}

static void
events_that_name_a_command_end_that_one(void **state)
{
	struct rig rig;
	(void)state;
	rig_open(&rig);
	peer_chats(&rig, &peer, false); /* 100-0 */
	peer_says(&rig, &peer, SESSIONLESS);
	rig_answer(&rig, 1, SINK_STORED, 101);
	rig_ended(&rig, 0, 60, 999, true); /* unknown: nobody's */
	expect_nothing(&peer);
	rig_ended(&rig, 0, 61, 101, false); /* a direct error */
	peer_pongs(&rig, &peer, "run-1");
	assert_int_equal(rig.sink.released.ms, 101);
	rig_ended(&rig, 0, 62, 100, true);
	peer_pongs(&rig, &peer, "run-2");
	assert_int_equal(rig.sink.released.ms, 100);
	peer_fini(&peer);
	rig_close(&rig);
}

static void
the_end_of_an_earlier_run_ends_no_later_request(void **state)
{
	struct rig rig;
	(void)state;
	rig_open(&rig);
	peer_open(&rig, &peer, CHAT, "after=30-0", false);
	peer_says(&rig, &peer, MESSAGE);
	rig_opened(&rig, 0); /* the tail is 50-0 */
	rig_answer(&rig, 0, SINK_STORED, 100);
	rig_ended(&rig, 0, 45, 0, true); /* replayed */
	rig_ended(&rig, 0, 50, 0, true);
	expect_nothing(&peer);
	rig_ended(&rig, 0, 51, 0, true);
	expect_exactly(&peer, "PING run-1");
	peer_fini(&peer);
	rig_close(&rig);
}

static void
records_are_renewed_while_the_owner_is_here(void **state)
{
	struct rig rig;
	(void)state;
	rig_open(&rig);
	peer_chats(&rig, &peer, false);
	rig_pass(&rig, 299950);
	assert_int_equal(rig.sink.renewals, 0);
	rig_pass(&rig, 50);
	assert_int_equal(rig.sink.renewals, 1);
	assert_int_equal(rig.sink.renewed.ms, 100);
	rig_pass(&rig, 300000);
	assert_int_equal(rig.sink.renewals, 2);
	rig_ended(&rig, 0, 60, 0, true);
	expect_exactly(&peer, "PING run-1");
	rig_pass(&rig, 300000);
	assert_int_equal(rig.sink.renewals, 2);
	expect_exactly(&peer, "PING run-1"); /* the first may be lost */
	peer_pongs(&rig, &peer, "run-1");
	rig_pass(&rig, 600000);
	assert_int_equal(rig.sink.renewals, 2);
	expect_nothing(&peer);
	peer_fini(&peer);
	rig_close(&rig);
}

static void
a_socket_that_leaves_a_session_renews_its_records_no_longer(void **state)
{
	struct rig rig;
	(void)state;
	rig_open(&rig);
	peer_chats(&rig, &peer, false);
	peer_says(&rig, &peer, "{\"type\":\"cancel\",\"session_id\":\"s2\"}");
	rig_opened(&rig, 1);
	rig_answer(&rig, 1, SINK_STORED, 101);
	rig_pass(&rig, 600000);
	assert_int_equal(rig.sink.renewals, 0);
	rig_ended(&rig, 1, 60, 0, true);
	expect_nothing(&peer);
	peer_fini(&peer);
	rig_close(&rig);
}

static void
an_ended_run_is_released_though_the_socket_has_moved_on(void **state)
{
	struct rig rig;
	(void)state;
	rig_open(&rig);
	peer_chats(&rig, &peer, false);
	rig_ended(&rig, 0, 60, 0, true);
	peer_says(&rig, &peer, MESSAGE_2);
	rig_opened(&rig, 1);
	rig_answer(&rig, 1, SINK_STORED, 101);
	peer_pongs(&rig, &peer, "run-1");
	assert_int_equal(rig.sink.releases, 1);
	assert_string_equal(rig.sink.released_session, "s1");
	peer_fini(&peer);
	rig_close(&rig);
}

static void
of_more_than_16_open_requests_the_oldest_is_forgotten(void **state)
{
	struct rig rig;
	(void)state;
	rig_open(&rig);
	peer_chats(&rig, &peer, false); /* 100-0 */
	for (size_t i = 1; i <= 16; i++) {
		rig.now_ms += 20;
		peer_says(&rig, &peer, SESSIONLESS);
		rig_answer(&rig, i, SINK_STORED, 100 + i);
	}
	rig_ended(&rig, 0, 60, 0, true);
	peer_pongs(&rig, &peer, "run-1");
	assert_int_equal(rig.sink.released.ms, 101);
	peer_fini(&peer);
	rig_close(&rig);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_repeat_gets_the_runs_events_again),
		TEST(a_repeat_with_a_cursor_goes_on_from_there),
		TEST(a_repeat_without_a_session_gets_the_session_of_the_first),
		TEST(a_repeat_on_a_bound_socket_goes_back_only_if_it_must),
		TEST(
		    a_record_is_released_by_the_pong_behind_the_terminal_event),
		TEST(a_clients_close_releases_what_was_written_before),
		TEST(a_connection_that_breaks_releases_nothing),
		TEST(terminal_events_end_the_oldest_open_request),
		TEST(one_pong_releases_all_that_ended_before_its_ping),
		TEST(events_that_name_a_command_end_that_one),
		TEST(the_end_of_an_earlier_run_ends_no_later_request),
		TEST(records_are_renewed_while_the_owner_is_here),
		TEST(
		    a_socket_that_leaves_a_session_renews_its_records_no_longer),
		TEST(an_ended_run_is_released_though_the_socket_has_moved_on),
		TEST(of_more_than_16_open_requests_the_oldest_is_forgotten),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
