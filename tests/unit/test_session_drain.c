/* SPDX-License-Identifier: MIT */

/* The planned end: who is told what, and goes when. */

#include "session_rig.h"

static struct peer peer;
static struct peer other;

static void
drain_tells_and_closes_all_within_its_time(void **state)
{
	struct rig rig;
	static struct peer peers[10];
	size_t closed_halfway = 0;
	(void)state;
	rig_open(&rig);
	for (size_t i = 0; i < 10; i++) {
		peer_open(&rig, &peers[i], EXECUTION, "session_id=s", true);
		rig_opened(&rig, i);
		peers[i].read = peers[i].count;
	}
	session_env_drain(rig.env, rig.now_ms, 20000);
	assert_int_equal(peers[0].closed, 1012); /* the first at once */
	assert_int_equal(peers[1].closed, 0);
	rig_pass(&rig, 8000);
	for (size_t i = 0; i < 10; i++)
		closed_halfway += peers[i].closed != 0;
	assert_in_range(closed_halfway, 5, 6);
	rig_pass(&rig, 8000);
	for (size_t i = 0; i < 10; i++) {
		const char *notice = peer_next(&peers[i]);
		assert_int_equal(peers[i].closed, 1012);
		expect_member(
		    notice, "{\"type\":\"relay.drain\",\"retry_after_ms\":");
		expect_member(notice, ",\"cursor\":\"50-0\"}");
		peer_fini(&peers[i]);
	}
	assert_int_equal(stat_get(&rig.stats, closes_drain), 10);
	rig_close(&rig);
}

static void
retry_times_are_spread(void **state)
{
	struct rig rig;
	static struct peer peers[20];
	unsigned different = 0;
	char first[128] = "";
	(void)state;
	rig_open(&rig);
	for (size_t i = 0; i < 20; i++)
		peer_open(&rig, &peers[i], CHAT, "", true);
	session_env_drain(rig.env, rig.now_ms, 0);
	for (size_t i = 0; i < 20; i++) {
		const char *notice = peers[i].frames[1];
		expect_member(notice, ",\"cursor\":null}");
		if (i == 0)
			snprintf(first, sizeof first, "%s", notice);
		different += strcmp(first, notice) != 0;
		peer_fini(&peers[i]);
	}
	assert_true(different > 10);
	rig_close(&rig);
}

static void
a_run_in_progress_goes_last_but_not_beyond_the_deadline(void **state)
{
	struct rig rig;
	(void)state;
	rig_open(&rig);
	peer_chats(&rig, &peer, true);
	peer_chats(&rig, &other, true);
	session_env_drain(rig.env, rig.now_ms, 20000);
	rig_pass(&rig, 15900);
	assert_int_equal(peer.closed, 0);
	assert_int_equal(other.closed, 0);
	rig_ended(&rig, 0, 60, 0, true);
	rig_pass(&rig, 50);
	expect_exactly(&peer, "PING run-1");
	expect(&peer, "{\"type\":\"relay.drain\"");
	assert_int_equal(peer.closed, 1012);
	assert_int_equal(other.closed, 0);
	rig_pass(&rig, 4050);
	assert_int_equal(other.closed, 1012);
	peer_pongs(&rig, &peer, "run-1"); /* still counts */
	assert_int_equal(rig.sink.releases, 1);
	peer_fini(&peer);
	peer_fini(&other);
	rig_close(&rig);
}

static void
commands_in_flight_are_answered_before_the_close(void **state)
{
	struct rig rig;
	(void)state;
	rig_open(&rig);
	peer_open(&rig, &peer, CHAT, "", true);
	peer_says(&rig, &peer, COMMAND);
	rig_opened(&rig, 0);
	peer.read = peer.count;
	session_env_drain(rig.env, rig.now_ms, 20000);
	rig_pass(&rig, 1000);
	assert_int_equal(peer.closed, 0);
	rig_answer(&rig, 0, SINK_STORED, 100);
	expect(&peer, "{\"type\":\"relay.live\"");
	expect(&peer, "{\"type\":\"relay.ack\"");
	rig_pass(&rig, 50);
	expect(&peer, "{\"type\":\"relay.drain\"");
	assert_int_equal(peer.closed, 1012);
	peer_fini(&peer);
	rig_close(&rig);
}

static void
what_is_unanswered_at_the_deadline_is_a_timeout(void **state)
{
	struct rig rig;
	(void)state;
	rig_open(&rig);
	peer_chats(&rig, &peer, true);
	peer_says(&rig, &peer, CANCEL);
	peer_says(&rig, &peer, MESSAGE_2);
	session_env_drain(rig.env, rig.now_ms, 0);
	expect(&peer, "{\"type\":\"error\",\"code\":\"command_timeout\"");
	expect(&peer, "{\"type\":\"error\",\"code\":\"command_timeout\"");
	expect(&peer, "{\"type\":\"relay.drain\"");
	expect_nothing(&peer);
	assert_int_equal(peer.closed, 1012);
	rig_answer(&rig, 1, SINK_STORED, 101);
	peer_fini(&peer);
	rig_close(&rig);
}

static void
who_comes_during_the_drain_goes_with_the_others(void **state)
{
	struct rig rig;
	(void)state;
	rig_open(&rig);
	peer_open(&rig, &other, CHAT, "", true);
	session_env_drain(rig.env, rig.now_ms, 20000);
	assert_int_equal(other.closed, 1012); /* its peer says nothing */
	rig_pass(&rig, 10000);
	peer_open(&rig, &peer, CHAT, "", true);
	rig_pass(&rig, 6000);
	expect(&peer, "{\"type\":\"relay.hello\"");
	expect(&peer, "{\"type\":\"relay.drain\"");
	assert_int_equal(peer.closed, 1012);
	peer_fini(&other);
	peer_fini(&peer);
	rig_close(&rig);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(drain_tells_and_closes_all_within_its_time),
		TEST(retry_times_are_spread),
		TEST(a_run_in_progress_goes_last_but_not_beyond_the_deadline),
		TEST(commands_in_flight_are_answered_before_the_close),
		TEST(what_is_unanswered_at_the_deadline_is_a_timeout),
		TEST(who_comes_during_the_drain_goes_with_the_others),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
