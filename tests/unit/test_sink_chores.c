/* SPDX-License-Identifier: MIT */

/* The backlog of the workers, what is trimmed of the commands, the canary. */

#include "sink_rig.h"

#include "sink_scripts.h"

#define STREAM "relay:commands"

static void
a_backlog_at_the_bound_is_overloaded_until_the_workers_catch_up(void **state)
{
	struct rig rig;
	enum sink_outcome outcome;
	(void)state;
	struct sink_options options = rig_options;
	options.max_backlog = 5;
	rig_open(&rig, &options, NULL);
	redis_fixture_run(
	    &rig.redis, "XGROUP CREATE %s workers 0 MKSTREAM", STREAM);
	struct command command = rig_command("{}");
	for (int i = 0; i < 5; i++)
		assert_int_equal(
		    rig_submit(&rig, &command)->outcome, SINK_STORED);
	assert_int_equal(rig_refusal(&rig, &command), SINK_OVERLOADED);
	rig_settle(&rig);
	assert_int_equal(rig_refusal(&rig, &command), SINK_OVERLOADED);
	freeReplyObject(redis_fixture_ask(&rig.redis,
	    "XREADGROUP GROUP workers w COUNT 1 STREAMS %s >", STREAM));
	/* Each refusal makes the sink look again. */
	rig_wait(
	    &rig, sink_session_ops.submit(rig.sink, &command, &outcome) == 0);
	assert_int_equal(rig_refusal(&rig, &command), SINK_OVERLOADED);
	rig_wait(&rig, rig.count == 6);
	rig_close(&rig);
}

static void
without_a_group_all_entries_are_backlog(void **state)
{
	struct rig rig;
	(void)state;
	struct sink_options options = rig_options;
	options.max_backlog = 3;
	rig_open(&rig, &options, NULL);
	struct command command = rig_command("{}");
	for (int i = 0; i < 3; i++)
		assert_int_equal(
		    rig_submit(&rig, &command)->outcome, SINK_STORED);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(rig_refusal(&rig, &command), SINK_OVERLOADED);
		rig_settle(&rig);
	}
	rig_close(&rig);
}

static void
open_and_store_six(struct rig *rig, const struct command *command)
{
	rig_open(rig, &rig_options, NULL);
	for (int i = 0; i < 6; i++)
		rig_submit(rig, command);
}

static void
a_bound_that_a_reload_sets_counts_from_there_on(void **state)
{
	struct rig rig;
	(void)state;
	struct sink_options options = rig_options;
	struct command command = rig_command("{}");
	open_and_store_six(&rig, &command);
	redis_fixture_run(&rig.redis, "XGROUP CREATE %s workers $", STREAM);
	options.max_backlog = 5;
	sink_reload(rig.sink, &options);
	assert_int_equal(rig_submit(&rig, &command)->outcome, SINK_STORED);
	rig_close(&rig);
}

/* What is there already is known before anybody waits for it. */
static void
a_bound_that_a_reload_sets_is_looked_at_at_once(void **state)
{
	struct rig rig;
	(void)state;
	struct sink_options options = rig_options;
	struct command command = rig_command("{}");
	open_and_store_six(&rig, &command);
	options.max_backlog = 5;
	sink_reload(rig.sink, &options);
	rig_settle(&rig); /* XINFO */
	rig_settle(&rig); /* there is no group: XLEN */
	assert_int_equal(rig_refusal(&rig, &command), SINK_OVERLOADED);
	rig_close(&rig);
}

static long long
trim(struct rig *rig)
{
	redisReply *reply = redis_fixture_ask(
	    &rig->redis, "EVAL %s 1 %s", sink_script_trim, STREAM);
	assert_int_equal(reply->type, REDIS_REPLY_INTEGER);
	long long gone = reply->integer;
	freeReplyObject(reply);
	return gone;
}

static void
add_commands(struct rig *rig, int count)
{
	for (int i = 1; i <= count; i++)
		redis_fixture_run(&rig->redis, "XADD %s %d-0 a b", STREAM, i);
}

static void
nothing_is_trimmed_while_there_is_no_group(void **state)
{
	struct rig rig;
	(void)state;
	rig_open(&rig, &rig_options, NULL);
	assert_int_equal(trim(&rig), 0);
	add_commands(&rig, 5);
	assert_int_equal(trim(&rig), 0);
	assert_int_equal(rig_number(&rig, "XLEN %s", STREAM), 5);
	rig_close(&rig);
}

static void
only_what_every_group_has_acknowledged_is_trimmed(void **state)
{
	struct rig rig;
	(void)state;
	rig_open(&rig, &rig_options, NULL);
	add_commands(&rig, 10);
	redis_fixture_run(&rig.redis, "XGROUP CREATE %s g1 0", STREAM);
	assert_int_equal(trim(&rig), 0); /* nothing delivered */
	freeReplyObject(redis_fixture_ask(
	    &rig.redis, "XREADGROUP GROUP g1 w COUNT 9 STREAMS %s >", STREAM));
	assert_int_equal(trim(&rig), 0); /* delivered, not acknowledged */
	redis_fixture_run(&rig.redis, "XACK %s g1 1-0 2-0 4-0", STREAM);
	redis_fixture_run(&rig.redis, "XGROUP CREATE %s g2 1-0", STREAM);
	assert_int_equal(trim(&rig), 0); /* 1-0 is the last of g2 */
	freeReplyObject(redis_fixture_ask(&rig.redis,
	    "XREADGROUP GROUP g2 w COUNT 9 NOACK STREAMS %s >", STREAM));
	assert_int_equal(trim(&rig), 2); /* 3-0 is pending in g1 */
	redis_fixture_run(
	    &rig.redis, "XACK %s g1 3-0 5-0 6-0 7-0 8-0 9-0", STREAM);
	assert_int_equal(trim(&rig), 6); /* 10-0 was not delivered to g1 */
	assert_int_equal(rig_number(&rig, "XLEN %s", STREAM), 2);
	rig_close(&rig);
}

static void
ids_are_compared_as_numbers_of_any_size(void **state)
{
	struct rig rig;
	(void)state;
	rig_open(&rig, &rig_options, NULL);
	redis_fixture_run(
	    &rig.redis, "XADD %s 9-18446744073709551615 a b", STREAM);
	redis_fixture_run(
	    &rig.redis, "XADD %s 10-9007199254740993 a b", STREAM);
	redis_fixture_run(
	    &rig.redis, "XADD %s 10-9007199254740994 a b", STREAM);
	redis_fixture_run(&rig.redis, "XGROUP CREATE %s g1 %s", STREAM,
	    "10-9007199254740994");
	redis_fixture_run(&rig.redis, "XGROUP CREATE %s g2 %s", STREAM,
	    "10-9007199254740993");
	redis_fixture_run(&rig.redis, "XGROUP CREATE %s g3 $", STREAM);
	assert_int_equal(trim(&rig), 1);
	rig_close(&rig);
}

/* Each process has one of its own, and leaves it behind. */
static void
the_canary_of_a_relay_that_is_gone_goes_in_time(void **state)
{
	struct rig rig;
	(void)state;
	rig_open(&rig, &rig_options, NULL);
	rig_settle(&rig);
	rig_settle(&rig); /* the second goes behind all of the first */
	assert_in_range(
	    rig_number(&rig, "PTTL %s", "relay:canary:n1"), 60000, 3600000);
	rig_close(&rig);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    the_canary_of_a_relay_that_is_gone_goes_in_time),
		cmocka_unit_test(
		    a_backlog_at_the_bound_is_overloaded_until_the_workers_catch_up),
		cmocka_unit_test(without_a_group_all_entries_are_backlog),
		cmocka_unit_test(
		    a_bound_that_a_reload_sets_counts_from_there_on),
		cmocka_unit_test(
		    a_bound_that_a_reload_sets_is_looked_at_at_once),
		cmocka_unit_test(nothing_is_trimmed_while_there_is_no_group),
		cmocka_unit_test(
		    only_what_every_group_has_acknowledged_is_trimmed),
		cmocka_unit_test(ids_are_compared_as_numbers_of_any_size),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
