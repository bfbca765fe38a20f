/* SPDX-License-Identifier: MIT */

/* What a client meets when nothing is a stand-in but itself. The test is the
 * worker that answers commands. */

#include "session_relay.h"

#include <hiredis/hiredis.h>

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
