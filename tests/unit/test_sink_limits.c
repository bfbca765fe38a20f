/* SPDX-License-Identifier: MIT */
#include "sink_rig.h"

#include "clock.h"

#include <sys/stat.h>

#define STREAM "relay:commands"
#define MOVED  "relay:moved:{relay:commands}:t/u"

static void
one_command_over_the_bound_is_overloaded(void **state)
{
	struct rig rig;
	(void)state;
	struct sink_options options = rig_options;
	options.max_inflight = 3;
	rig_open(&rig, &options, NULL);
	struct command command = rig_command("{}");
	for (int i = 0; i < 3; i++)
		rig_submit_only(&rig, &command);
	assert_int_equal(sink_inflight(rig.sink), 3);
	assert_int_equal(rig_refusal(&rig, &command), SINK_OVERLOADED);
	rig_wait(&rig, rig.count == 3);
	assert_int_equal(sink_inflight(rig.sink), 0);
	assert_int_equal(rig_submit(&rig, &command)->outcome, SINK_STORED);
	rig_close(&rig);
}

static void
one_byte_over_the_bound_is_overloaded(void **state)
{
	struct rig rig;
	(void)state;
	struct sink_options options = rig_options;
	options.max_inflight_bytes = 20;
	rig_open(&rig, &options, NULL);
	struct command ten = rig_command("0123456789");
	struct command eleven = rig_command("0123456789A");
	rig_submit_only(&rig, &ten);
	assert_int_equal(rig_refusal(&rig, &eleven), SINK_OVERLOADED);
	rig_submit_only(&rig, &ten);
	rig_wait(&rig, rig.count == 2);
	rig_close(&rig);
}

/* The bound is a worker's share, and may be less than one frame may be. */
static void
a_frame_over_the_bound_is_stored_when_it_is_alone(void **state)
{
	struct rig rig;
	(void)state;
	struct sink_options options = rig_options;
	options.max_inflight_bytes = 4;
	rig_open(&rig, &options, NULL);
	struct command command = rig_command("01234");
	rig_submit_only(&rig, &command);
	assert_int_equal(rig_refusal(&rig, &command), SINK_OVERLOADED);
	rig_wait(&rig, rig.count == 1);
	assert_int_equal(rig.answers[0].outcome, SINK_STORED);
	assert_int_equal(rig_submit(&rig, &command)->outcome, SINK_STORED);
	rig_close(&rig);
}

static void
a_redis_that_is_away_is_degraded_at_once(void **state)
{
	struct rig rig;
	(void)state;
	rig_open(&rig, &rig_options, NULL);
	struct command command = rig_command("{}");
	redis_fixture_kill(&rig.redis);
	rig_wait(&rig, !sink_is_up(rig.sink));
	assert_int_equal(rig_refusal(&rig, &command), SINK_DEGRADED);
	redis_fixture_again(&rig.redis);
	rig_wait(&rig, sink_is_up(rig.sink));
	assert_int_equal(rig_submit(&rig, &command)->outcome, SINK_STORED);
	rig_close(&rig);
}

static void
a_link_lost_under_commands_answers_each_once(void **state)
{
	struct rig rig;
	(void)state;
	rig_open(&rig, &rig_options, NULL);
	struct command command = rig_command("{}");
	kill(rig.redis.pid, SIGSTOP);
	for (unsigned i = 0; i < 10; i++) {
		command.ticket = i;
		rig_submit_only(&rig, &command);
	}
	rig_turn(&rig);
	redis_fixture_kill(&rig.redis);
	rig_wait(&rig, rig.count == 10);
	for (unsigned i = 0; i < 10; i++) {
		assert_int_equal(rig.answers[i].ticket, i);
		assert_int_equal(rig.answers[i].outcome, SINK_DEGRADED);
	}
	assert_int_equal(sink_inflight(rig.sink), 0);
	redis_fixture_again(&rig.redis);
	rig_close(&rig);
}

static void
a_frozen_redis_is_a_timeout_by_the_deadline_that_is_left(void **state)
{
	struct rig rig;
	(void)state;
	rig_open(&rig, &rig_options, NULL);
	struct command command = rig_command("{}");
	command.waited_ms = 1900;
	kill(rig.redis.pid, SIGSTOP);
	/* A turn of the loop takes its time before it submits. */
	uint64_t before_ms = clock_mono_ms();
	while (clock_mono_ms() - before_ms < 20)
		continue;
	assert_int_equal(rig_submit(&rig, &command)->outcome, SINK_TIMEOUT);
	assert_in_range(clock_mono_ms() - before_ms, 50, 1000);
	kill(rig.redis.pid, SIGCONT);
	rig_wait(&rig, sink_is_up(rig.sink));
	command.waited_ms = 2000;
	assert_int_equal(rig_refusal(&rig, &command), SINK_TIMEOUT);
	rig_close(&rig);
}

/* A link that is late for one command is closed, with all that is on it. */
static void
a_command_without_time_left_costs_the_others_nothing(void **state)
{
	struct rig rig;
	(void)state;
	rig_open(&rig, &rig_options, NULL);
	struct command other = rig_command("{}");
	struct command late = rig_command("{\"late\":1}");
	late.waited_ms = 1999;
	kill(rig.redis.pid, SIGSTOP);
	rig_submit_only(&rig, &other);
	assert_int_equal(rig_refusal(&rig, &late), SINK_TIMEOUT);
	for (int i = 0; i < 20; i++)
		rig_turn(&rig);
	kill(rig.redis.pid, SIGCONT);
	rig_wait(&rig, rig.count == 1);
	assert_int_equal(rig.answers[0].outcome, SINK_STORED);
	rig_close(&rig);
}

static void
a_question_costs_no_command_its_time(void **state)
{
	struct rig rig;
	(void)state;
	rig_open(&rig, &rig_options, NULL);
	struct command command = rig_command("{}");
	const struct owner_question question = { .session_id = 7,
		.tenant = command.tenant,
		.user = command.user,
		.connection = command.connection,
		.command = { 9, 0 } };
	kill(rig.redis.pid, SIGSTOP);
	rig_submit_only(&rig, &command);
	assert_int_equal(sink_session_ops.ask_owner(rig.sink, &question), 0);
	uint64_t before_ms = clock_mono_ms();
	while (clock_mono_ms() - before_ms < 1200)
		rig_turn(&rig);
	kill(rig.redis.pid, SIGCONT);
	rig_wait(&rig, rig.count == 1 && rig.told == 1);
	assert_int_equal(rig.answers[0].outcome, SINK_STORED);
	rig_close(&rig);
}

static void
a_full_redis_is_overloaded_and_recovers(void **state)
{
	struct rig rig;
	(void)state;
	rig_open(&rig, &rig_options, NULL);
	struct command command = rig_command("{}");
	rig_submit(&rig, &command);
	redis_fixture_run(&rig.redis, "CONFIG SET maxmemory 1");
	struct command other = rig_command("{\"o\":1}");
	assert_int_equal(rig_submit(&rig, &other)->outcome, SINK_OVERLOADED);
	other.dedup = false;
	assert_int_equal(rig_submit(&rig, &other)->outcome, SINK_OVERLOADED);
	redis_fixture_run(&rig.redis, "CONFIG SET maxmemory 0");
	assert_int_equal(rig_submit(&rig, &other)->outcome, SINK_STORED);
	assert_int_equal(rig_number(&rig, "XLEN %s", STREAM), 2);
	rig_close(&rig);
}

static bool
last_snapshot_failed(struct rig *rig)
{
	redisReply *reply = redis_fixture_ask(&rig->redis, "INFO persistence");
	bool failed = strstr(reply->str, "rdb_last_bgsave_status:err") != NULL;
	freeReplyObject(reply);
	return failed;
}

/* A snapshot that cannot be written is MISCONF, as a full disk is. */
static void
a_redis_that_cannot_write_its_disk_is_degraded(void **state)
{
	struct rig rig;
	char path[128];
	(void)state;
	rig_open(&rig, &rig_options, NULL);
	struct command command = rig_command("{}");
	snprintf(path, sizeof path, "%s/dump.rdb", rig.redis.dir);
	assert_int_equal(mkdir(path, 0700), 0);
	redis_fixture_run(&rig.redis, "CONFIG SET save %s", "3600 1");
	freeReplyObject(redis_fixture_ask(&rig.redis, "BGSAVE"));
	rig_wait(&rig, last_snapshot_failed(&rig));
	assert_int_equal(rig_submit(&rig, &command)->outcome, SINK_DEGRADED);
	redis_fixture_run(
	    &rig.redis, "CONFIG SET stop-writes-on-bgsave-error no");
	assert_int_equal(rig_submit(&rig, &command)->outcome, SINK_STORED);
	rmdir(path);
	rig_close(&rig);
}

static void
a_demoted_redis_is_degraded(void **state)
{
	struct rig rig;
	(void)state;
	rig_open(&rig, &rig_options, NULL);
	struct command command = rig_command("{}");
	redis_fixture_run(&rig.redis, "REPLICAOF 127.0.0.1 1");
	assert_int_equal(rig_submit(&rig, &command)->outcome, SINK_DEGRADED);
	redis_fixture_run(&rig.redis, "REPLICAOF NO ONE");
	rig_wait(&rig, sink_is_up(rig.sink));
	assert_int_equal(rig_submit(&rig, &command)->outcome, SINK_STORED);
	rig_close(&rig);
}

static void
a_key_of_another_type_is_degraded_and_never_acknowledged(void **state)
{
	struct rig rig;
	(void)state;
	rig_open(&rig, &rig_options, NULL);
	struct command command = rig_command("{}");
	redis_fixture_run(&rig.redis, "SET %s x", STREAM);
	assert_int_equal(rig_submit(&rig, &command)->outcome, SINK_DEGRADED);
	rig_close(&rig);
}

static void
a_sink_that_goes_with_commands_under_way_tells_nobody(void **state)
{
	struct rig rig;
	(void)state;
	rig_open(&rig, &rig_options, NULL);
	struct command command = rig_command("{}");
	rig_submit_only(&rig, &command);
	rig_close(&rig);
	assert_int_equal(rig.count, 0);
}

/* Else the owner before would get the answers again. */
static void
that_a_command_has_moved_is_known_as_long_as_its_record(void **state)
{
	struct rig rig;
	(void)state;
	rig_open(&rig, &rig_options, NULL);
	struct command command = rig_command("{\"m\":1}");
	struct entry_id id = rig_submit(&rig, &command)->id;
	command.connection = view_of("c2");
	assert_int_equal(rig_submit(&rig, &command)->outcome, SINK_REPEATED);
	redis_fixture_run(&rig.redis, "PEXPIRE %s 5000", MOVED);
	sink_session_ops.renew(rig.sink, command.tenant, command.user,
	    command.session, view_of("c1"), id);
	rig_settle(&rig);
	assert_in_range(rig_number(&rig, "PTTL %s", MOVED), 1, 5000);
	sink_session_ops.renew(rig.sink, command.tenant, command.user,
	    command.session, view_of("c2"), id);
	rig_settle(&rig);
	assert_in_range(rig_number(&rig, "PTTL %s", MOVED), 800000, 900000);
	rig_close(&rig);
}

static void
another_move_makes_what_is_known_of_the_first_no_shorter(void **state)
{
	struct rig rig;
	struct sink_options options = rig_options;
	(void)state;
	rig_open(&rig, &options, NULL);
	struct command command = rig_command("{\"m\":1}");
	rig_submit(&rig, &command);
	command.connection = view_of("c2");
	rig_submit(&rig, &command);
	options.dedup_seconds = 1;
	sink_reload(rig.sink, &options);
	command.connection = view_of("c3");
	command.frame = view_of("{\"m\":2}");
	rig_submit(&rig, &command);
	command.connection = view_of("c4");
	assert_int_equal(rig_submit(&rig, &command)->outcome, SINK_REPEATED);
	assert_in_range(rig_number(&rig, "PTTL %s", MOVED), 800000, 900000);
	rig_close(&rig);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    that_a_command_has_moved_is_known_as_long_as_its_record),
		cmocka_unit_test(
		    another_move_makes_what_is_known_of_the_first_no_shorter),
		cmocka_unit_test(one_command_over_the_bound_is_overloaded),
		cmocka_unit_test(one_byte_over_the_bound_is_overloaded),
		cmocka_unit_test(
		    a_frame_over_the_bound_is_stored_when_it_is_alone),
		cmocka_unit_test(a_redis_that_is_away_is_degraded_at_once),
		cmocka_unit_test(a_link_lost_under_commands_answers_each_once),
		cmocka_unit_test(
		    a_frozen_redis_is_a_timeout_by_the_deadline_that_is_left),
		cmocka_unit_test(
		    a_command_without_time_left_costs_the_others_nothing),
		cmocka_unit_test(a_question_costs_no_command_its_time),
		cmocka_unit_test(a_full_redis_is_overloaded_and_recovers),
		cmocka_unit_test(
		    a_redis_that_cannot_write_its_disk_is_degraded),
		cmocka_unit_test(a_demoted_redis_is_degraded),
		cmocka_unit_test(
		    a_key_of_another_type_is_degraded_and_never_acknowledged),
		cmocka_unit_test(
		    a_sink_that_goes_with_commands_under_way_tells_nobody),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
