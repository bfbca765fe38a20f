/* SPDX-License-Identifier: MIT */
#include "sink_rig.h"

#include "clock.h"

#define STREAM           "relay:commands"
#define RECORDS          "relay:dedup:{relay:commands}:t/u/s1"
#define IDENTITY_RECORDS "relay:dedup:{relay:commands}:t/u"
#define MOVED            "relay:moved:{relay:commands}:t/u"

static void
assert_field(struct rig *rig, const char *field, const char *expected)
{
	char value[256];
	rig_field(rig, STREAM, field, value, sizeof value);
	assert_string_equal(value, expected);
}

static void
a_stored_command_has_exactly_the_fields_of_the_wire(void **state)
{
	struct rig rig;
	(void)state;
	rig_open(&rig, &rig_options, NULL);
	struct command command = rig_command("{\"a\": 1}");
	uint64_t before_ms = clock_unix_ms();
	const struct rig_answer *answer = rig_submit(&rig, &command);
	assert_int_equal(answer->outcome, SINK_STORED);
	assert_int_equal(answer->session_id, 7);
	assert_int_equal(answer->ticket, 1);
	assert_false(entry_id_is_zero(answer->id));
	assert_int_equal(rig_number(&rig, "XLEN %s", STREAM), 1);
	assert_field(&rig, "frame", "{\"a\": 1}");
	assert_field(&rig, "type", "message");
	assert_field(&rig, "tenant", "t");
	assert_field(&rig, "user", "u");
	assert_field(&rig, "session", "s1");
	assert_field(&rig, "events", "relay:events:{t/u/s1}");
	assert_field(&rig, "connection", "c1");
	assert_field(&rig, "contract", "fleet-rlm/3");
	assert_field(&rig, "traceparent", "00-1-2-01");
	char received_at[32];
	rig_field(&rig, STREAM, "received_at", received_at, sizeof received_at);
	uint64_t at_ms = strtoull(received_at, NULL, 10);
	assert_in_range(at_ms, before_ms, clock_unix_ms());
	redisReply *reply =
	    redis_fixture_ask(&rig.redis, "XRANGE %s - +", STREAM);
	assert_int_equal(reply->element[0]->element[1]->elements, 2 * 10);
	freeReplyObject(reply);
	rig_close(&rig);
}

static void
a_request_id_is_a_field_only_when_the_frame_names_one(void **state)
{
	struct rig rig;
	(void)state;
	rig_open(&rig, &rig_options, NULL);
	struct command command = rig_command("{}");
	command.request_id = view_of("r-9");
	rig_submit(&rig, &command);
	assert_field(&rig, "request_id", "r-9");
	rig_close(&rig);
}

static void
bytes_of_the_frame_are_kept_as_they_are(void **state)
{
	struct rig rig;
	(void)state;
	rig_open(&rig, &rig_options, NULL);
	struct command command = rig_command("x");
	command.frame = view_make("\"\xc3\xa9\r\n\0%s\"", 9);
	rig_submit(&rig, &command);
	redisReply *reply =
	    redis_fixture_ask(&rig.redis, "XRANGE %s - +", STREAM);
	redisReply *frame = reply->element[0]->element[1]->element[1];
	assert_int_equal(frame->len, 9);
	assert_memory_equal(frame->str, command.frame.data, 9);
	freeReplyObject(reply);
	rig_close(&rig);
}

static void
the_same_bytes_on_another_connection_are_a_repeat(void **state)
{
	struct rig rig;
	(void)state;
	rig_open(&rig, &rig_options, NULL);
	struct command command = rig_command("{\"m\":1}");
	struct entry_id id = rig_submit(&rig, &command)->id;
	command.connection = view_of("c2");
	command.from = (struct entry_id){ 99, 0 };
	command.ticket = 2;
	const struct rig_answer *answer = rig_submit(&rig, &command);
	assert_int_equal(answer->outcome, SINK_REPEATED);
	assert_int_equal(answer->ticket, 2);
	assert_int_equal(entry_id_compare(answer->id, id), 0);
	assert_int_equal(answer->from.ms, 5);
	assert_int_equal(answer->from.seq, 6);
	assert_string_equal(answer->session, "s1");
	assert_int_equal(rig_number(&rig, "XLEN %s", STREAM), 1);
	rig_close(&rig);
}

static void
the_same_bytes_on_the_owners_connection_are_a_new_request(void **state)
{
	struct rig rig;
	(void)state;
	rig_open(&rig, &rig_options, NULL);
	struct command command = rig_command("{\"m\":1}");
	rig_submit(&rig, &command);
	assert_int_equal(rig_submit(&rig, &command)->outcome, SINK_STORED);
	command.connection = view_of("c2"); /* becomes the owner */
	assert_int_equal(rig_submit(&rig, &command)->outcome, SINK_REPEATED);
	assert_int_equal(rig_submit(&rig, &command)->outcome, SINK_STORED);
	command.connection = view_of("c1");
	assert_int_equal(rig_submit(&rig, &command)->outcome, SINK_REPEATED);
	assert_int_equal(rig_number(&rig, "XLEN %s", STREAM), 3);
	assert_int_equal(rig_number(&rig, "HLEN %s", RECORDS), 1);
	rig_close(&rig);
}

static void
other_bytes_sessions_and_identities_are_no_repeat(void **state)
{
	struct rig rig;
	(void)state;
	rig_open(&rig, &rig_options, NULL);
	struct command first = rig_command("{\"m\":1}");
	rig_submit(&rig, &first);
	struct command rows[4];
	for (size_t i = 0; i < 4; i++) {
		rows[i] = first;
		rows[i].connection = view_of("c2");
	}
	rows[0].frame = view_of("{\"m\":2}");
	rows[1].session = view_of("s2");
	rows[2].user = view_of("v");
	rows[3].tenant = view_of("t/u");
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(
		    rig_submit(&rig, &rows[i])->outcome, SINK_STORED);
	rig_close(&rig);
}

static void
types_without_de_duplication_leave_no_record(void **state)
{
	struct rig rig;
	(void)state;
	rig_open(&rig, &rig_options, NULL);
	struct command command = rig_command("{}");
	command.dedup = false;
	rig_submit(&rig, &command);
	command.connection = view_of("c2");
	assert_int_equal(rig_submit(&rig, &command)->outcome, SINK_STORED);
	assert_int_equal(rig_number(&rig, "EXISTS %s", RECORDS), 0);
	rig_close(&rig);
}

static void
a_repeat_without_a_session_gets_the_first_ones_session(void **state)
{
	struct rig rig;
	(void)state;
	rig_open(&rig, &rig_options, NULL);
	struct command command = rig_command("{\"m\":1}");
	command.session_was_absent = true;
	command.session_is_new = true;
	command.session = view_of("uuid-1");
	rig_submit(&rig, &command);
	assert_int_equal(rig_number(&rig, "HLEN %s", IDENTITY_RECORDS), 1);
	command.connection = view_of("c2");
	command.session = view_of("uuid-2");
	const struct rig_answer *answer = rig_submit(&rig, &command);
	assert_int_equal(answer->outcome, SINK_REPEATED);
	assert_string_equal(answer->session, "uuid-1");
	rig_close(&rig);
}

static void
a_bound_socket_repeats_only_its_own_session(void **state)
{
	struct rig rig;
	(void)state;
	rig_open(&rig, &rig_options, NULL);
	struct command command = rig_command("{\"m\":1}");
	command.session_was_absent = true;
	command.session = view_of("uuid-1");
	rig_submit(&rig, &command);
	command.connection = view_of("c2");
	command.session = view_of("uuid-2");
	assert_int_equal(rig_submit(&rig, &command)->outcome, SINK_STORED);
	command.connection = view_of("c3");
	command.session = view_of("uuid-1");
	const struct rig_answer *answer = rig_submit(&rig, &command);
	assert_int_equal(answer->outcome, SINK_REPEATED);
	assert_string_equal(answer->session, "uuid-1");
	rig_close(&rig);
}

static void
of_several_records_an_unbound_socket_gets_the_latest(void **state)
{
	struct rig rig;
	(void)state;
	rig_open(&rig, &rig_options, NULL);
	struct command command = rig_command("{\"m\":1}");
	command.session_was_absent = true;
	for (int i = 0; i < 5; i++) {
		char session[32];
		snprintf(session, sizeof session, "uuid-%d", i);
		command.session = view_of(session);
		rig_submit(&rig, &command);
	}
	command.connection = view_of("c2");
	command.session_is_new = true;
	command.session = view_of("uuid-new");
	assert_string_equal(rig_submit(&rig, &command)->session, "uuid-4");
	rig_close(&rig);
}

static void
a_released_record_is_gone_and_the_request_is_new(void **state)
{
	struct rig rig;
	(void)state;
	rig_open(&rig, &rig_options, NULL);
	struct command command = rig_command("{\"m\":1}");
	struct entry_id id = rig_submit(&rig, &command)->id;
	sink_session_ops.release(rig.sink, command.tenant, command.user,
	    command.session, command.connection, id);
	command.connection = view_of("c2");
	assert_int_equal(rig_submit(&rig, &command)->outcome, SINK_STORED);
	assert_int_equal(rig_number(&rig, "XLEN %s", STREAM), 2);
	rig_close(&rig);
}

static void
a_record_under_the_identity_is_released_too(void **state)
{
	struct rig rig;
	(void)state;
	rig_open(&rig, &rig_options, NULL);
	struct command command = rig_command("{\"m\":1}");
	command.session_was_absent = true;
	struct entry_id id = rig_submit(&rig, &command)->id;
	sink_session_ops.release(rig.sink, command.tenant, command.user,
	    command.session, command.connection, id);
	rig_settle(&rig);
	assert_int_equal(rig_number(&rig, "EXISTS %s", IDENTITY_RECORDS), 0);
	rig_close(&rig);
}

static void
only_the_owner_and_only_its_command_releases(void **state)
{
	struct rig rig;
	(void)state;
	rig_open(&rig, &rig_options, NULL);
	struct command command = rig_command("{\"m\":1}");
	struct entry_id id = rig_submit(&rig, &command)->id;
	sink_session_ops.release(rig.sink, command.tenant, command.user,
	    command.session, view_of("c9"), id);
	sink_session_ops.release(rig.sink, command.tenant, command.user,
	    command.session, command.connection, entry_id_after(id));
	rig_settle(&rig);
	assert_int_equal(rig_number(&rig, "HLEN %s", RECORDS), 1);
	rig_close(&rig);
}

/* Asks for this connection and waits for the answer. */
static bool
is_moved(struct rig *rig, const char *connection, struct entry_id command)
{
	const struct owner_question question = { .session_id = 7,
		.tenant = view_of("t"),
		.user = view_of("u"),
		.connection = view_of(connection),
		.command = command };
	unsigned before = rig->told;
	assert_int_equal(sink_session_ops.ask_owner(rig->sink, &question), 0);
	assert_int_equal(rig->told, before);
	rig_wait(rig, rig->told > before);
	assert_true(entry_id_compare(rig->asked, command) == 0);
	return rig->is_moved;
}

static void
who_repeats_owns_the_command_and_the_one_before_learns_it(void **state)
{
	struct rig rig;
	(void)state;
	rig_open(&rig, &rig_options, NULL);
	struct command command = rig_command("{\"m\":1}");
	struct entry_id id = rig_submit(&rig, &command)->id;
	assert_false(is_moved(&rig, "c1", id));
	command.connection = view_of("c2");
	assert_int_equal(rig_submit(&rig, &command)->outcome, SINK_REPEATED);
	assert_true(is_moved(&rig, "c1", id));
	assert_false(is_moved(&rig, "c2", id));
	assert_false(is_moved(&rig, "c1", entry_id_after(id)));
	/* Also when the record is gone. */
	sink_session_ops.release(rig.sink, command.tenant, command.user,
	    command.session, command.connection, id);
	rig_settle(&rig);
	assert_int_equal(rig_number(&rig, "EXISTS %s", RECORDS), 0);
	assert_true(is_moved(&rig, "c1", id));
	assert_in_range(rig_number(&rig, "PTTL %s", MOVED), 800000, 900000);
	rig_close(&rig);
}

static void
a_command_of_a_session_that_was_absent_moves_too(void **state)
{
	struct rig rig;
	(void)state;
	rig_open(&rig, &rig_options, NULL);
	struct command command = rig_command("{\"m\":1}");
	command.session_was_absent = command.session_is_new = true;
	struct entry_id id = rig_submit(&rig, &command)->id;
	command.connection = view_of("c2");
	command.session = view_of("s2");
	assert_int_equal(rig_submit(&rig, &command)->outcome, SINK_REPEATED);
	assert_true(is_moved(&rig, "c1", id));
	rig_close(&rig);
}

static void
of_the_commands_that_moved_the_earliest_is_forgotten(void **state)
{
	struct rig rig;
	(void)state;
	rig_open(&rig, &rig_options, NULL);
	redis_fixture_run(&rig.redis, "HSET %s 1-10 x 1-2 x 10-1 x", MOVED);
	redis_fixture_run(&rig.redis, "EVAL %s 1 %s",
	    "for i = 1, 61 do redis.call('HSET', KEYS[1], '2-' .. i, 'x') end",
	    MOVED);
	assert_int_equal(rig_number(&rig, "HLEN %s", MOVED), 64);
	struct command command = rig_command("{\"m\":1}");
	struct entry_id id = rig_submit(&rig, &command)->id;
	command.connection = view_of("c2");
	rig_submit(&rig, &command);
	assert_int_equal(rig_number(&rig, "HLEN %s", MOVED), 64);
	assert_int_equal(rig_number(&rig, "HEXISTS %s 1-2", MOVED), 0);
	assert_int_equal(rig_number(&rig, "HEXISTS %s 1-10", MOVED), 1);
	assert_true(is_moved(&rig, "c1", id));
	rig_close(&rig);
}

static void
a_record_ends_by_itself_and_is_not_a_repeat_then(void **state)
{
	struct rig rig;
	(void)state;
	struct sink_options options = rig_options;
	options.dedup_seconds = 1;
	rig_open(&rig, &options, NULL);
	struct command command = rig_command("{\"m\":1}");
	rig_submit(&rig, &command);
	assert_in_range(rig_number(&rig, "PTTL %s", RECORDS), 1, 1000);
	/* As if another record kept the hash alive. */
	redis_fixture_run(&rig.redis, "PERSIST %s", RECORDS);
	rig_wait(&rig, clock_unix_ms() > rig.answers[0].id.ms + 1000);
	command.connection = view_of("c2");
	assert_int_equal(rig_submit(&rig, &command)->outcome, SINK_STORED);
	assert_int_equal(rig_number(&rig, "HLEN %s", RECORDS), 1);
	rig_close(&rig);
}

static void
renewal_keeps_the_owners_record_alive(void **state)
{
	struct rig rig;
	(void)state;
	rig_open(&rig, &rig_options, NULL);
	struct command command = rig_command("{\"m\":1}");
	struct entry_id id = rig_submit(&rig, &command)->id;
	redis_fixture_run(&rig.redis, "PEXPIRE %s 5000", RECORDS);
	sink_session_ops.renew(rig.sink, command.tenant, command.user,
	    command.session, view_of("c9"), id);
	rig_settle(&rig);
	assert_in_range(rig_number(&rig, "PTTL %s", RECORDS), 1, 5000);
	sink_session_ops.renew(rig.sink, command.tenant, command.user,
	    command.session, command.connection, id);
	rig_settle(&rig);
	assert_in_range(rig_number(&rig, "PTTL %s", RECORDS), 800000, 900000);
	rig_close(&rig);
}

static void
of_more_than_16_records_the_oldest_goes(void **state)
{
	struct rig rig;
	(void)state;
	rig_open(&rig, &rig_options, NULL);
	char frame[32];
	for (int i = 0; i < 18; i++) {
		snprintf(frame, sizeof frame, "{\"m\":%d}", i);
		struct command command = rig_command(frame);
		rig_submit(&rig, &command);
		assert_int_equal(
		    rig_number(&rig, "HLEN %s", RECORDS), i < 16 ? i + 1 : 16);
	}
	struct command command = rig_command("{\"m\":2}");
	command.connection = view_of("c2");
	assert_int_equal(rig_submit(&rig, &command)->outcome, SINK_REPEATED);
	command.frame = view_of("{\"m\":1}");
	assert_int_equal(rig_submit(&rig, &command)->outcome, SINK_STORED);
	rig_close(&rig);
}

static void
a_redis_that_forgot_the_scripts_gets_them_again(void **state)
{
	struct rig rig;
	(void)state;
	rig_open(&rig, &rig_options, NULL);
	struct command command = rig_command("{\"m\":1}");
	rig_submit(&rig, &command);
	redis_fixture_run(&rig.redis, "SCRIPT FLUSH");
	command.connection = view_of("c2");
	assert_int_equal(rig_submit(&rig, &command)->outcome, SINK_REPEATED);
	rig_close(&rig);
}

static void
a_stranger_in_the_hash_is_no_record(void **state)
{
	struct rig rig;
	(void)state;
	rig_open(&rig, &rig_options, NULL);
	redis_fixture_run(&rig.redis, "HSET %s x y", RECORDS);
	struct command command = rig_command("{\"m\":1}");
	assert_int_equal(rig_submit(&rig, &command)->outcome, SINK_STORED);
	assert_int_equal(rig_number(&rig, "HLEN %s", RECORDS), 1);
	rig_close(&rig);
}

static void
the_canary_is_an_entry_of_its_own_stream(void **state)
{
	struct rig rig;
	char value[32];
	(void)state;
	rig_open(&rig, &rig_options, NULL);
	rig_settle(&rig);
	rig_field(&rig, "relay:canary:n1", "event", value, sizeof value);
	assert_string_equal(value, "x");
	for (int i = 0; i < 300; i++)
		rig_settle(&rig);
	assert_in_range(
	    rig_number(&rig, "XLEN %s", "relay:canary:n1"), 16, 200);
	rig_close(&rig);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    a_stored_command_has_exactly_the_fields_of_the_wire),
		cmocka_unit_test(
		    a_request_id_is_a_field_only_when_the_frame_names_one),
		cmocka_unit_test(bytes_of_the_frame_are_kept_as_they_are),
		cmocka_unit_test(
		    the_same_bytes_on_another_connection_are_a_repeat),
		cmocka_unit_test(
		    the_same_bytes_on_the_owners_connection_are_a_new_request),
		cmocka_unit_test(
		    other_bytes_sessions_and_identities_are_no_repeat),
		cmocka_unit_test(types_without_de_duplication_leave_no_record),
		cmocka_unit_test(
		    a_repeat_without_a_session_gets_the_first_ones_session),
		cmocka_unit_test(a_bound_socket_repeats_only_its_own_session),
		cmocka_unit_test(
		    of_several_records_an_unbound_socket_gets_the_latest),
		cmocka_unit_test(
		    a_released_record_is_gone_and_the_request_is_new),
		cmocka_unit_test(a_record_under_the_identity_is_released_too),
		cmocka_unit_test(
		    who_repeats_owns_the_command_and_the_one_before_learns_it),
		cmocka_unit_test(
		    a_command_of_a_session_that_was_absent_moves_too),
		cmocka_unit_test(
		    of_the_commands_that_moved_the_earliest_is_forgotten),
		cmocka_unit_test(only_the_owner_and_only_its_command_releases),
		cmocka_unit_test(
		    a_record_ends_by_itself_and_is_not_a_repeat_then),
		cmocka_unit_test(renewal_keeps_the_owners_record_alive),
		cmocka_unit_test(of_more_than_16_records_the_oldest_goes),
		cmocka_unit_test(
		    a_redis_that_forgot_the_scripts_gets_them_again),
		cmocka_unit_test(a_stranger_in_the_hash_is_no_record),
		cmocka_unit_test(the_canary_is_an_entry_of_its_own_stream),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
