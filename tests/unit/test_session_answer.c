/* SPDX-License-Identifier: MIT */

/* Whom an answer is for: the sink's to a frame, and the direct ones of the
 * stream. */

#include "session_rig.h"

static struct peer peer;
static struct peer other;

static void
answers_to_sessions_that_are_gone_are_no_error(void **state)
{
	struct rig rig;
	(void)state;
	rig_open(&rig);
	peer_open_chat(&rig, &peer, "", true);
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

/* A command is older than its answer: those that are sent after it was seen
 * have other ids. */
static void
commands_that_follow_each_other_hold_up_no_foreign_answer(void **state)
{
	struct rig rig;
	(void)state;
	rig_open(&rig);
	peer_chats(&rig, &peer, false);
	const struct subscription *mine = rig_subscription(&rig, 0);
	const struct entry_id foreign = { 555, 0 };
	const struct entry_id next = { 556, 0 };
	peer_says(&rig, &peer, CANCEL);
	assert_int_equal(mine->ops->owns(mine->arg, foreign), OWNS_UNKNOWN);
	peer_says(&rig, &peer, CANCEL);
	assert_int_equal(mine->ops->owns(mine->arg, foreign), OWNS_UNKNOWN);
	rig_answer(&rig, 1, SINK_STORED, 101);
	assert_int_equal(mine->resumes, 1);
	assert_int_equal(mine->ops->owns(mine->arg, foreign), OWNS_NO);
	peer_says(&rig, &peer, MESSAGE); /* may repeat the foreign one */
	assert_int_equal(mine->ops->owns(mine->arg, foreign), OWNS_UNKNOWN);
	assert_int_equal(mine->ops->owns(mine->arg, next), OWNS_UNKNOWN);
	rig_answer(&rig, 3, SINK_STORED, 102);
	rig_answer(&rig, 2, SINK_STORED, 556);
	assert_int_equal(mine->ops->owns(mine->arg, next), OWNS_YES);
	peer_fini(&peer);
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

/* A contract whose client frames carry a request id; the caller frees it. */
static struct contract *
open_with_request_id(struct rig *rig, const char *pointer)
{
	struct error err = { 0 };
	struct contract *contract =
	    contract_load(RELAY_SOURCE_DIR "/schemas/fleet-rlm/3", &err);
	assert_non_null(contract);
	contract->endpoints[CHAT].client.request_id = xstrdup(pointer);
	rig_open_contract(rig, contract);
	return contract;
}

static void
failures_carry_the_request_id(void **state)
{
	struct rig rig;
	(void)state;
	struct contract *contract = open_with_request_id(&rig, "/command");
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

/* It stands in Redis and in answers as the client wrote it. */
static void
a_request_id_may_be_a_number(void **state)
{
	struct rig rig;
	(void)state;
	struct contract *contract = open_with_request_id(&rig, "/args/id");
	peer_chats(&rig, &peer, true);
	peer_says(&rig, &peer,
	    "{\"type\":\"command\",\"command\":\"a\",\"args\":{\"id\":17.50}}");
	assert_string_equal(rig.sink.commands[1].request_id, "17.50");
	rig_answer(&rig, 1, SINK_TIMEOUT, 0);
	expect_member(peer_next(&peer), ",\"request_id\":17.50}");
	peer_fini(&peer);
	rig_close(&rig);
	contract_free(&contract);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(answers_to_sessions_that_are_gone_are_no_error),
		TEST(direct_answers_are_for_the_connection_that_asked),
		TEST(commands_that_follow_each_other_hold_up_no_foreign_answer),
		TEST(an_answer_that_overtakes_its_ack_waits_for_it),
		TEST(of_owned_commands_the_last_64_are_known),
		TEST(failures_carry_the_request_id),
		TEST(a_request_id_may_be_a_number),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
