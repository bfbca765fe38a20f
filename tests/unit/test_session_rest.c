/* SPDX-License-Identifier: MIT */

/* Sessions that have not sent a frame for a while and have nothing under way:
 * what was kept for their frames goes, and nobody can tell. */

#include "session_rig.h"

#define REST_MS 5000

static struct peer peer;

/* A frame that is stored as the command with this id, and its run. */
static void
say(struct rig *rig, uint64_t command_ms)
{
	bool is_first = rig->hub.count == 0;
	peer_says(rig, &peer, MESSAGE);
	if (is_first)
		rig_opened(rig, 0);
	rig_answer(rig, rig->sink.count - 1, SINK_STORED, command_ms);
}

static void
end(struct rig *rig, uint64_t id_ms, uint64_t command_ms)
{
	rig_ended(rig, 0, id_ms, command_ms, true);
}

static void
who_rests_goes_on_as_before(void **state)
{
	struct rig rig;
	(void)state;
	rig_open(&rig);
	peer_open(&rig, &peer, CHAT, "", false);
	assert_int_equal(session_env_chats(rig.env), 0);
	say(&rig, 100);
	end(&rig, 110, 100);
	peer_pongs(&rig, &peer, "run-1");
	rig_pass(&rig, REST_MS - 50);
	assert_int_equal(session_env_chats(rig.env), 1);
	rig_pass(&rig, 50);
	assert_int_equal(session_env_chats(rig.env), 0);
	const struct subscription *made = rig_subscription(&rig, 0);
	const struct entry_id own = { 100, 0 };
	assert_int_equal(made->ops->owns(made->arg, own), OWNS_UNKNOWN);
	session_owner_told(
	    rig.env, rig.sink.commands[0].session_id, own, false, rig.now_ms);
	assert_int_equal(made->resumes, 1);
	assert_int_equal(made->ops->owns(made->arg, own), OWNS_YES);
	session_owner_told(
	    rig.env, rig.sink.commands[0].session_id, own, true, rig.now_ms);
	assert_int_equal(made->ops->owns(made->arg, own), OWNS_NO);
	assert_int_equal(session_env_chats(rig.env), 0);
	say(&rig, 200);
	assert_int_equal(session_env_chats(rig.env), 1);
	assert_int_equal(stat_get(&rig.stats, commands_stored), 2);
	peer_fini(&peer);
	assert_int_equal(session_env_chats(rig.env), 0);
	rig_close(&rig);
}

static void
who_has_something_under_way_does_not_rest(void **state)
{
	struct rig rig;
	(void)state;
	rig_open(&rig);
	peer_open(&rig, &peer, CHAT, "", false);
	peer_says(&rig, &peer, MESSAGE);
	rig_opened(&rig, 0);
	rig_pass(&rig, 3 * REST_MS);
	assert_int_equal(session_env_chats(rig.env), 1); /* unanswered */
	rig_answer(&rig, 0, SINK_STORED, 100);
	rig_pass(&rig, 3 * REST_MS);
	assert_int_equal(session_env_chats(rig.env), 1); /* a run */
	end(&rig, 110, 100);
	rig_pass(&rig, 3 * REST_MS);
	assert_int_equal(session_env_chats(rig.env), 1); /* its pong */
	peer_pongs(&rig, &peer, "run-1");
	rig_pass(&rig, REST_MS);
	assert_int_equal(session_env_chats(rig.env), 0);
	peer_fini(&peer);
	rig_close(&rig);
}

/* A pong that comes late is for a ping that was, not for the one that is. */
static void
a_late_pong_releases_no_later_run(void **state)
{
	struct rig rig;
	(void)state;
	rig_open(&rig);
	peer_open(&rig, &peer, CHAT, "", false);
	say(&rig, 100);
	end(&rig, 110, 100);
	peer_pongs(&rig, &peer, "run-1");
	assert_int_equal(rig.sink.releases, 1);
	rig_pass(&rig, REST_MS);
	assert_int_equal(session_env_chats(rig.env), 0);
	peer_pongs(&rig, &peer, "run-1");
	say(&rig, 200);
	end(&rig, 210, 200);
	peer_pongs(&rig, &peer, "run-1");
	assert_int_equal(rig.sink.releases, 1);
	peer_pongs(&rig, &peer, "run-2");
	assert_int_equal(rig.sink.releases, 2);
	assert_int_equal(rig.sink.released.ms, 200);
	peer_fini(&peer);
	rig_close(&rig);
}

static void
an_answer_that_comes_late_answers_no_later_frame(void **state)
{
	struct rig rig;
	(void)state;
	rig_open(&rig);
	peer_open(&rig, &peer, CHAT, "", true);
	say(&rig, 100);
	end(&rig, 110, 100);
	peer_pongs(&rig, &peer, "run-1");
	rig_pass(&rig, REST_MS);
	assert_int_equal(session_env_chats(rig.env), 0);
	rig_answer(&rig, 0, SINK_STORED, 100);
	peer_says(&rig, &peer, MESSAGE);
	peer.read = peer.count;
	rig_answer(&rig, 0, SINK_STORED, 100);
	expect_nothing(&peer);
	rig_answer(&rig, 1, SINK_STORED, 200);
	expect(&peer, "{\"type\":\"relay.ack\",\"command_id\":\"200-0\"");
	peer_fini(&peer);
	rig_close(&rig);
}

static void
say_often(struct rig *rig, size_t times)
{
	for (size_t i = 0; i < times; i++)
		peer_says(rig, &peer, "no frame of the contract");
}

/* A pause is no way around the limit. */
static void
who_came_too_fast_rests_only_when_that_is_forgotten(void **state)
{
	struct rig rig;
	(void)state;
	rig_open(&rig);
	rig.options.frames_per_second = 1;
	rig.options.frames_burst = 20;
	session_env_reload(rig.env, &rig.options, rig.contract);
	peer_open(&rig, &peer, CHAT, "", true);
	say_often(&rig, 20);
	assert_int_equal(stat_get(&rig.stats, commands_rate_limited), 0);
	rig_pass(&rig, 2 * REST_MS);
	assert_int_equal(session_env_chats(rig.env), 1);
	say_often(&rig, 11);
	assert_int_equal(stat_get(&rig.stats, commands_rate_limited), 1);
	rig_pass(&rig, 5 * REST_MS);
	assert_int_equal(session_env_chats(rig.env), 0);
	say_often(&rig, 21);
	assert_int_equal(stat_get(&rig.stats, commands_rate_limited), 2);
	peer_fini(&peer);
	rig_close(&rig);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_rests_goes_on_as_before),
		cmocka_unit_test(who_has_something_under_way_does_not_rest),
		cmocka_unit_test(a_late_pong_releases_no_later_run),
		cmocka_unit_test(
		    an_answer_that_comes_late_answers_no_later_frame),
		cmocka_unit_test(
		    who_came_too_fast_rests_only_when_that_is_forgotten),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
