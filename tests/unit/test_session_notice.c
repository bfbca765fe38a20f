/* SPDX-License-Identifier: MIT */

/* What a client that knows relay.v1 is told: the hello and what it says of the
 * stream, gaps, cursors, the loss of Redis. */

#include "session_rig.h"

static void
hello_comes_first_with_the_ids_of_the_stream(void **state)
{
	struct rig rig;
	struct peer peer;
	(void)state;
	rig_open(&rig);
	peer_open(&rig, &peer, EXECUTION, "session_id=s%22", true);
	expect_nothing(&peer);
	rig_opened(&rig, 0);
	char hello[512];
	snprintf(hello, sizeof hello,
	    "{\"type\":\"relay.hello\",\"protocol\":\"relay.v1\","
	    "\"contract\":{\"name\":\"fleet-rlm\",\"version\":\"3\","
	    "\"hash\":\"%s\"},\"endpoint\":\"execution\","
	    "\"session_id\":\"s\\\"\",\"connection\":\"n1-1\","
	    "\"oldest\":\"10-0\",\"newest\":\"50-0\",\"mode\":\"live\","
	    "\"ping_interval_ms\":20000}",
	    rig.contract->hash);
	expect_exactly(&peer, hello);
	expect_exactly(&peer,
	    "{\"type\":\"relay.live\",\"cursor\":\"50-0\",\"replayed\":0}");
	rig_pass(&rig, 1000);
	expect_nothing(&peer);
	peer_fini(&peer);
	rig_close(&rig);
}

static void
hello_waits_less_than_250_ms_for_the_ids(void **state)
{
	struct rig rig;
	struct peer peer;
	(void)state;
	rig_open(&rig);
	peer_open(&rig, &peer, EXECUTION, "session_id=s", true);
	rig_pass(&rig, 200);
	const char *hello = peer_next(&peer);
	expect_member(hello, "\"oldest\":null,\"newest\":null");
	expect_member(hello, "\"mode\":\"live\"");
	rig_opened(&rig, 0);
	expect(&peer, "{\"type\":\"relay.live\"");
	expect_nothing(&peer);
	peer_fini(&peer);
	rig_close(&rig);
}

static void
a_stream_that_is_not_there_has_no_ids(void **state)
{
	struct rig rig;
	struct peer peer;
	(void)state;
	rig_open(&rig);
	peer_open(&rig, &peer, EXECUTION, "session_id=s", true);
	struct subscription *made = rig_subscription(&rig, 0);
	const struct stream_info info = { .exists = false };
	made->ops->opened(made->arg, &info);
	expect_member(peer_next(&peer), "\"oldest\":null,\"newest\":null");
	peer_fini(&peer);
	rig_close(&rig);
}

static void
an_emptied_stream_has_a_newest_id_only(void **state)
{
	struct rig rig;
	struct peer peer;
	(void)state;
	rig_open(&rig);
	peer_open(&rig, &peer, EXECUTION, "session_id=s", true);
	struct subscription *made = rig_subscription(&rig, 0);
	const struct stream_info info = { .exists = true, .newest = { 9, 1 } };
	made->ops->opened(made->arg, &info);
	expect_member(peer_next(&peer), "\"oldest\":null,\"newest\":\"9-1\"");
	peer_fini(&peer);
	rig_close(&rig);
}

static void
nothing_overtakes_the_hello(void **state)
{
	struct rig rig;
	struct peer peer;
	(void)state;
	rig_open(&rig);
	peer_open(&rig, &peer, EXECUTION, "session_id=s&after=1-0", true);
	assert_int_equal(rig_event(&rig, 0, "{1}"), HUB_WRITE_OK);
	expect(&peer, "{\"type\":\"relay.hello\"");
	expect_exactly(&peer, "{1}");
	rig_opened(&rig, 0);
	expect_nothing(&peer);
	peer_fini(&peer);
	rig_close(&rig);
}

static void
while_redis_is_down_hello_comes_at_once_and_says_so(void **state)
{
	struct rig rig;
	struct peer peer;
	(void)state;
	rig_open(&rig);
	session_env_redis(rig.env, false, "refused", rig.now_ms);
	peer_open(&rig, &peer, EXECUTION, "session_id=s", true);
	const char *hello = peer_next(&peer);
	expect_member(hello, "\"mode\":\"degraded\"");
	expect_member(hello, "\"oldest\":null,\"newest\":null");
	rig.now_ms += 1500;
	session_env_redis(rig.env, true, NULL, rig.now_ms);
	expect_exactly(
	    &peer, "{\"type\":\"relay.recovered\",\"duration_ms\":1500}");
	rig_opened(&rig, 0);
	expect(&peer, "{\"type\":\"relay.live\"");
	expect_nothing(&peer);
	peer_fini(&peer);
	rig_close(&rig);
}

static void
a_chat_hello_comes_at_once_without_a_session(void **state)
{
	struct rig rig;
	struct peer peer;
	(void)state;
	rig_open(&rig);
	peer_open(&rig, &peer, CHAT, "", true);
	const char *hello = peer_next(&peer);
	expect_member(hello, "\"endpoint\":\"chat\",\"session_id\":null");
	expect_nothing(&peer);
	assert_int_equal(rig.hub.count, 0);
	peer_fini(&peer);
	rig_close(&rig);
}

static void
without_relay_v1_there_are_no_notices(void **state)
{
	struct rig rig;
	struct peer peer;
	(void)state;
	rig_open(&rig);
	peer_open(&rig, &peer, EXECUTION, "session_id=s", false);
	rig_opened(&rig, 0);
	session_env_redis(rig.env, false, "closed", rig.now_ms);
	session_env_redis(rig.env, true, NULL, rig.now_ms);
	rig_pass(&rig, 1000);
	assert_int_equal(rig_event(&rig, 0, "{1}"), HUB_WRITE_OK);
	session_env_drain(rig.env, rig.now_ms, 0);
	expect_exactly(&peer, "{1}");
	expect_nothing(&peer);
	assert_int_equal(peer.closed, 1012);
	peer_fini(&peer);
	rig_close(&rig);
}

static void
gaps_and_cursors_are_told(void **state)
{
	struct rig rig;
	struct peer peer;
	(void)state;
	rig_open(&rig);
	peer_open(&rig, &peer, EXECUTION, "session_id=s", true);
	rig_opened(&rig, 0);
	peer.read = peer.count;
	struct subscription *made = rig_subscription(&rig, 0);
	struct gap gap = {
		.reason = GAP_TRIMMED,
		.after = { 1, 0 },
		.through = { 5, 2 },
		.resumes_at = { 6, 0 },
		.resumes_known = true,
	};
	made->ops->gap(made->arg, &gap);
	expect_exactly(&peer,
	    "{\"type\":\"relay.gap\",\"reason\":\"trimmed\",\"after\":\"1-0\","
	    "\"through\":\"5-2\",\"resumes_at\":\"6-0\"}");
	gap.reason = GAP_DEAD_LETTERED;
	gap.resumes_known = false;
	made->ops->gap(made->arg, &gap);
	expect_exactly(&peer,
	    "{\"type\":\"relay.gap\",\"reason\":\"dead_lettered\",\"after\":"
	    "\"1-0\",\"through\":\"5-2\",\"resumes_at\":null}");
	made->ops->cursor(made->arg, (struct entry_id){ 8, 0 });
	expect_exactly(&peer, "{\"type\":\"relay.cursor\",\"cursor\":\"8-0\"}");
	peer_fini(&peer);
	rig_close(&rig);
}

static void
loss_and_return_of_redis_are_told_once_each(void **state)
{
	struct rig rig;
	struct peer chat;
	struct peer execution;
	(void)state;
	rig_open(&rig);
	peer_open(&rig, &execution, EXECUTION, "session_id=s", true);
	rig_opened(&rig, 0);
	peer_open(&rig, &chat, CHAT, "", true);
	chat.read = chat.count;
	execution.read = execution.count;
	session_env_redis(rig.env, false, "timeout", rig.now_ms);
	session_env_redis(rig.env, false, "refused", rig.now_ms + 500);
	expect(&execution,
	    "{\"type\":\"relay.degraded\",\"capabilities\":[{\"key\":"
	    "\"events\",\"reason\":\"timeout\"}],\"since\":");
	expect(&chat,
	    "{\"type\":\"relay.degraded\",\"capabilities\":[{\"key\":"
	    "\"events\",\"reason\":\"timeout\"},{\"key\":\"commands\","
	    "\"reason\":\"timeout\"}],\"since\":");
	rig.now_ms += 10000;
	session_env_redis(rig.env, true, NULL, rig.now_ms);
	session_env_redis(rig.env, true, NULL, rig.now_ms + 5);
	expect_exactly(
	    &chat, "{\"type\":\"relay.recovered\",\"duration_ms\":10000}");
	expect_exactly(
	    &execution, "{\"type\":\"relay.recovered\",\"duration_ms\":10000}");
	expect_nothing(&chat);
	expect_nothing(&execution);
	peer_fini(&chat);
	peer_fini(&execution);
	rig_close(&rig);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hello_comes_first_with_the_ids_of_the_stream),
		cmocka_unit_test(hello_waits_less_than_250_ms_for_the_ids),
		cmocka_unit_test(a_stream_that_is_not_there_has_no_ids),
		cmocka_unit_test(an_emptied_stream_has_a_newest_id_only),
		cmocka_unit_test(nothing_overtakes_the_hello),
		cmocka_unit_test(
		    while_redis_is_down_hello_comes_at_once_and_says_so),
		cmocka_unit_test(a_chat_hello_comes_at_once_without_a_session),
		cmocka_unit_test(without_relay_v1_there_are_no_notices),
		cmocka_unit_test(gaps_and_cursors_are_told),
		cmocka_unit_test(loss_and_return_of_redis_are_told_once_each),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
