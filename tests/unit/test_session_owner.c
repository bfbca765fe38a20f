/* SPDX-License-Identifier: MIT */

/* Whose the direct answers to a command are: a command may move to another
 * connection, and Redis knows where it is. */

#include "session_rig.h"

static struct peer peer;

static void
whose_an_answer_is_is_asked_for_each_answer_and_once(void **state)
{
	struct rig rig;
	const struct entry_id command = { 100, 0 };
	(void)state;
	rig_open(&rig);
	peer_chats(&rig, &peer, false);
	const struct subscription *mine = rig_subscription(&rig, 0);
	for (unsigned i = 1; i <= 3; i++) {
		/* The hub asks as often as it likes. */
		for (int n = 0; n < 3; n++)
			assert_int_equal(
			    mine->ops->owns(mine->arg, command), OWNS_UNKNOWN);
		assert_int_equal(rig.sink.questions, i);
		assert_true(
		    entry_id_compare(rig.sink.question.command, command) == 0);
		rig_owner(&rig, false);
		assert_int_equal(mine->resumes, i);
		for (int n = 0; n < 3; n++)
			assert_int_equal(
			    mine->ops->owns(mine->arg, command), OWNS_YES);
		/* The next one comes when the first is out, or late. */
		if (i == 1)
			mine->ops->ended(mine->arg, (struct entry_id){ 60, i },
			    command, false);
		else
			rig_pass(&rig, 200);
	}
	peer_fini(&peer);
	rig_close(&rig);
}

static void
a_command_that_went_elsewhere_is_not_answered_here(void **state)
{
	struct rig rig;
	const struct entry_id command = { 100, 0 };
	(void)state;
	rig_open(&rig);
	peer_chats(&rig, &peer, false);
	const struct subscription *mine = rig_subscription(&rig, 0);
	assert_int_equal(mine->ops->owns(mine->arg, command), OWNS_UNKNOWN);
	rig_owner(&rig, true);
	assert_int_equal(mine->resumes, 1);
	assert_int_equal(mine->ops->owns(mine->arg, command), OWNS_NO);
	assert_int_equal(rig.sink.questions, 1);
	/* Its record is the other's to renew and to release. */
	rig_pass(&rig, 400000);
	assert_int_equal(rig.sink.renewals, 0);
	rig_ended(&rig, 0, 60, 100, true);
	session_peer_closed(peer.session);
	assert_int_equal(rig.sink.releases, 0);
	peer_fini(&peer);
	rig_close(&rig);
}

static void
a_command_that_went_elsewhere_takes_no_other_along(void **state)
{
	struct rig rig;
	const struct entry_id gone = { 100, 0 };
	(void)state;
	rig_open(&rig);
	peer_chats(&rig, &peer, false);
	const struct subscription *mine = rig_subscription(&rig, 0);
	peer_says(&rig, &peer, SESSIONLESS);
	rig_answer(&rig, 1, SINK_STORED, 101);
	mine->ops->owns(mine->arg, gone);
	rig_owner(&rig, true);
	rig_pass(&rig, 300000);
	assert_int_equal(rig.sink.renewals, 1);
	assert_int_equal(rig.sink.renewed.ms, 101);
	rig_ended(&rig, 0, 60, 101, true);
	peer_pongs(&rig, &peer, "run-1");
	assert_int_equal(rig.sink.releases, 1);
	assert_int_equal(rig.sink.released.ms, 101);
	peer_fini(&peer);
	rig_close(&rig);
}

static void
a_command_that_comes_back_is_answered_here_again(void **state)
{
	struct rig rig;
	const struct entry_id command = { 100, 0 };
	(void)state;
	rig_open(&rig);
	peer_chats(&rig, &peer, false);
	const struct subscription *mine = rig_subscription(&rig, 0);
	mine->ops->owns(mine->arg, command);
	rig_owner(&rig, true);
	peer_says(&rig, &peer, MESSAGE);
	rig_answer(&rig, 1, SINK_REPEATED, 100);
	assert_int_equal(mine->ops->owns(mine->arg, command), OWNS_UNKNOWN);
	rig_owner(&rig, false);
	assert_int_equal(mine->ops->owns(mine->arg, command), OWNS_YES);
	peer_fini(&peer);
	/* An answer for one that is gone is no error. */
	rig_owner(&rig, true);
	rig_close(&rig);
}

static void
who_was_full_once_gets_what_waited_for_its_owner(void **state)
{
	struct rig rig;
	const struct entry_id command = { 100, 0 };
	(void)state;
	rig_open(&rig);
	peer_chats(&rig, &peer, false);
	const struct subscription *mine = rig_subscription(&rig, 0);
	peer.answer = HUB_WRITE_FULL;
	assert_int_equal(rig_event(&rig, 0, "{1}"), HUB_WRITE_FULL);
	assert_int_equal(mine->ops->owns(mine->arg, command), OWNS_UNKNOWN);
	rig_owner(&rig, false);
	assert_int_equal(mine->resumes, 0);
	peer.answer = HUB_WRITE_OK;
	session_writable(peer.session, rig.now_ms);
	assert_int_equal(mine->resumes, 1);
	rig_pass(&rig, 200);
	assert_int_equal(mine->ops->owns(mine->arg, command), OWNS_UNKNOWN);
	rig_owner(&rig, false);
	assert_int_equal(mine->resumes, 2);
	peer_fini(&peer);
	rig_close(&rig);
}

static void
what_can_move_nowhere_or_cannot_be_asked_for_stays(void **state)
{
	struct rig rig;
	(void)state;
	rig_open(&rig);
	peer_chats(&rig, &peer, false);
	const struct subscription *mine = rig_subscription(&rig, 0);
	peer_says(&rig, &peer, CANCEL);
	rig_answer(&rig, 1, SINK_STORED, 101);
	assert_int_equal(
	    mine->ops->owns(mine->arg, (struct entry_id){ 101, 0 }), OWNS_YES);
	assert_int_equal(rig.sink.questions, 0);
	rig.sink.is_away = true;
	assert_int_equal(
	    mine->ops->owns(mine->arg, (struct entry_id){ 100, 0 }), OWNS_YES);
	peer_fini(&peer);
	rig_close(&rig);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(whose_an_answer_is_is_asked_for_each_answer_and_once),
		TEST(a_command_that_went_elsewhere_is_not_answered_here),
		TEST(a_command_that_went_elsewhere_takes_no_other_along),
		TEST(a_command_that_comes_back_is_answered_here_again),
		TEST(who_was_full_once_gets_what_waited_for_its_owner),
		TEST(what_can_move_nowhere_or_cannot_be_asked_for_stays),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
