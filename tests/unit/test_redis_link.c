/* SPDX-License-Identifier: MIT */
#include "redis_client.h"
#include "redis_fixture.h"

#include <hiredis/hiredis.h>

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
// clang-format off
#include <cmocka.h>
// clang-format on

static int
setup(void **state)
{
	struct redis_fixture *redis = malloc(sizeof(*redis));

	redis_fixture_start(redis, NULL);
	*state = redis;
	return 0;
}

static int
teardown(void **state)
{
	redis_fixture_stop(*state);
	free(*state);
	return 0;
}

static void
answers_come_in_order_and_are_binary_safe(void **state)
{
	struct redis_fixture *redis = *state;
	struct redis_client client;
	const struct view set[3] = { view_of("SET"), view_of("k"),
		view_make("a\0\r\nb", 5) };
	const struct view strlen_argv[2] = { view_of("STRLEN"), view_of("k") };

	redis_client_open(&client, redis->url, &redis_client_quick);
	assert_int_equal(redis_client_say(&client, 0, "PING", NULL, NULL), -1);
	redis_client_start(&client);
	assert_int_equal(redis_link_latency_us(client.link) > 0, 1);
	redis_link_command(
	    client.link, set, 3, 0, redis_client_answer, &client);
	redis_link_command(client.link, strlen_argv, 2, 0, NULL, NULL);
	for (int i = 0; i < 10000; i++)
		redis_client_say(&client, 0, "INCR", "n", NULL);
	redis_client_say(&client, 0, "GET", "n", NULL);
	assert_int_equal(redis_link_pending(client.link), 10003);
	assert_int_equal(client.answers, 0); /* never from inside */
	redis_client_until(&client.loop, &client.answers, 10002);
	assert_string_equal(client.text, "10000");
	assert_int_equal(redis_link_pending(client.link), 0);
	redis_client_close(&client);
}

static void
an_array_is_read_with_bounds(void *arg, const struct redis_value *answer)
{
	struct redis_client *client = arg;
	const struct redis_value *second = redis_value_at(answer, 1);

	client->answers++;
	assert_int_equal(redis_value_type(answer), REDIS_ARRAY);
	assert_int_equal(redis_value_count(answer), 2);
	assert_true(view_is(redis_value_text(redis_value_at(answer, 0)), "1"));
	assert_int_equal(redis_value_type(second), REDIS_NIL);
	assert_null(redis_value_at(answer, 2));
	assert_null(redis_value_at(second, 0));
	assert_int_equal(redis_value_text(answer).len, 0);
	assert_int_equal(redis_value_integer(answer), 0);
	assert_null(redis_value_text(NULL).data);
}

static void
values_out_of_range_are_empty(void **state)
{
	struct redis_fixture *redis = *state;
	const struct view mget[3] = { view_of("MGET"), view_of("a"),
		view_of("b") };
	struct redis_client client;

	redis_fixture_run(redis, "SET a 1");
	redis_client_open(&client, redis->url, &redis_client_quick);
	redis_client_start(&client);
	redis_link_command(
	    client.link, mget, 3, 0, an_array_is_read_with_bounds, &client);
	redis_client_until(&client.loop, &client.answers, 1);
	redis_client_close(&client);
}

static void
it_authenticates_selects_and_names_itself_first(void **state)
{
	struct redis_fixture *redis = *state;
	struct redis_client client;
	redisReply *reply;

	redis_fixture_run(redis, "ACL SETUSER u on >pw ~* &* +@all");
	redis_client_open(&client, redis->url, &redis_client_quick);
	client.target.user = strdup("u");
	client.target.password = strdup("pw");
	client.target.database = 3;
	redis_client_start(&client);
	reply = redis_fixture_ask(redis, "CLIENT LIST");
	assert_non_null(strstr(reply->str, "name=test"));
	assert_non_null(strstr(reply->str, "user=u"));
	assert_non_null(strstr(reply->str, "db=3"));
	freeReplyObject(reply);
	redis_client_close(&client);
}

static void
expect_down(struct redis_fixture *redis, const char *user, const char *password,
    int database, const char *reason)
{
	struct redis_client client;

	redis_client_open(&client, redis->url, &redis_client_quick);
	client.target.user = user != NULL ? strdup(user) : NULL;
	client.target.password = password != NULL ? strdup(password) : NULL;
	client.target.database = database;
	redis_link_start(client.link);
	redis_client_until(&client.loop, &client.downs, 2);
	assert_string_equal(client.reason, reason);
	assert_int_equal(client.ups, 0);
	assert_true(redis_link_reconnects(client.link) >= 2);
	redis_client_close(&client);
}

static void
refusals_of_the_greeting_have_their_reason(void **state)
{
	struct redis_fixture *redis = *state;

	redis_fixture_run(redis, "ACL SETUSER weak on >pw ~* +get");
	expect_down(redis, "weak", "wrong", 0, "auth");
	expect_down(redis, "weak", "pw", 3, "noperm");
	expect_down(redis, NULL, "unwanted", 0, "auth");
	expect_down(redis, NULL, NULL, 99, "protocol");
	redis_fixture_run(redis, "CONFIG SET requirepass pw");
	expect_down(redis, NULL, NULL, 0, "auth");
	redis_fixture_run(redis, "CONFIG SET requirepass %s", "");
}

static void
who_may_neither_ping_nor_name_itself_still_comes_up(void **state)
{
	struct redis_fixture *redis = *state;
	struct redis_client client;

	redis_fixture_run(redis, "ACL SETUSER weak on >pw ~* +get");
	redis_client_open(&client, redis->url, &redis_client_quick);
	client.target.user = strdup("weak");
	client.target.password = strdup("pw");
	redis_client_start(&client);
	redis_client_say(&client, 0, "SET", "k", "v");
	redis_client_until(&client.loop, &client.answers, 1);
	assert_int_equal(client.type, REDIS_ERROR);
	assert_true(redis_link_is_up(client.link)); /* NOPERM drops nothing */
	redis_client_close(&client);
}

static void
a_killed_server_answers_null_and_comes_back(void **state)
{
	struct redis_fixture *redis = *state;
	struct redis_client client;

	redis_client_open(&client, redis->url, &redis_client_quick);
	redis_client_start(&client);
	kill(redis->pid, SIGSTOP); /* so that the command is under way */
	redis_client_say(&client, 0, "GET", "k", NULL);
	uv_run(&client.loop, UV_RUN_NOWAIT);
	redis_fixture_kill(redis);
	redis_client_until(&client.loop, &client.downs, 1);
	assert_int_equal(client.lost, 1);
	assert_string_equal(client.reason, "closed");
	assert_int_equal(redis_client_say(&client, 0, "PING", NULL, NULL), -1);
	redis_client_until(&client.loop, &client.downs, 3);
	assert_string_equal(client.reason, "refused");
	redis_fixture_again(redis);
	redis_client_until(&client.loop, &client.ups, 2);
	redis_client_say(&client, 0, "PING", NULL, NULL);
	redis_client_until(&client.loop, &client.answers, 2);
	assert_string_equal(client.text, "PONG");
	redis_client_close(&client);
}

static void
a_frozen_server_is_noticed_by_ping(void **state)
{
	struct redis_fixture *redis = *state;
	struct redis_link_options options = redis_client_quick;
	struct redis_client client;

	options.ping_ms = 20;
	options.command_ms = 60;
	options.connect_ms = 100;
	redis_client_open(&client, redis->url, &options);
	redis_client_start(&client);
	kill(redis->pid, SIGSTOP);
	redis_client_until(&client.loop, &client.downs, 1);
	assert_string_equal(client.reason, "timeout");
	kill(redis->pid, SIGCONT);
	redis_client_until(&client.loop, &client.ups, 2);
	redis_client_close(&client);
}

static void
a_replica_is_left_when_it_refuses_a_write(void **state)
{
	struct redis_fixture *redis = *state;
	struct redis_client client;

	redis_client_open(&client, redis->url, &redis_client_quick);
	redis_client_start(&client);
	redis_fixture_run(redis, "REPLICAOF 127.0.0.1 1");
	redis_client_say(&client, 0, "SET", "k", "v");
	redis_client_until(&client.loop, &client.downs, 1);
	assert_string_equal(client.reason, "readonly");
	assert_int_equal(client.type, REDIS_ERROR); /* it was answered first */
	redis_fixture_run(redis, "REPLICAOF NO ONE");
	redis_client_close(&client);
}

static void
messages_are_pushed_between_answers(void **state)
{
	struct redis_fixture *redis = *state;
	struct redis_link_options options = redis_client_quick;
	struct redis_client client;

	options.ping_ms = 10;
	redis_client_open(&client, redis->url, &options);
	redis_client_start(&client);
	redis_link_subscribe(
	    client.link, view_of("news"), redis_client_answer, &client);
	redis_client_until(&client.loop, &client.answers, 1);
	redis_fixture_run(redis, "PUBLISH news one");
	redis_client_until(&client.loop, &client.pushes, 1);
	assert_string_equal(client.pushed, "one");
	redis_client_say(
	    &client, 0, "PING", NULL, NULL); /* answered as an array there */
	redis_client_until(&client.loop, &client.answers, 2);
	assert_int_equal(client.type, REDIS_ARRAY);
	redis_fixture_run(redis, "PUBLISH news two");
	redis_client_until(&client.loop, &client.pushes, 2);
	assert_int_equal(client.downs, 0);
	redis_client_close(&client);
}

static void
what_is_held_is_heard_when_it_is_let_go(void **state)
{
	struct redis_fixture *redis = *state;
	struct redis_client client;
	uint64_t end;

	redis_client_open(&client, redis->url, &redis_client_quick);
	redis_client_start(&client);
	redis_client_say(&client, 0, "PING", NULL, NULL);
	redis_link_hurry(client.link);
	redis_link_hold(client.link, true);
	end = uv_hrtime() + 20000000;
	while (uv_hrtime() < end)
		uv_run(&client.loop, UV_RUN_NOWAIT);
	assert_int_equal(client.answers, 0);
	redis_link_hold(client.link, false);
	redis_client_until(&client.loop, &client.answers, 1);
	redis_client_close(&client);
}

static void
what_is_held_may_be_heard_on_demand_and_so_its_end(void **state)
{
	struct redis_fixture *redis = *state;
	struct redis_client client;

	redis_client_open(&client, redis->url, &redis_client_quick);
	redis_client_start(&client);
	redis_link_hold(client.link, true);
	redis_link_hear(client.link); /* nothing there */
	redis_client_say(&client, 0, "PING", NULL, NULL);
	redis_link_hurry(client.link);
	/* Of answers to one turn it may write ours last: a second turn. */
	redis_fixture_run(redis, "PING");
	redis_fixture_run(redis, "PING");
	redis_link_hear(client.link);
	assert_int_equal(client.answers, 1);
	redis_fixture_run(redis, "CLIENT KILL TYPE normal SKIPME yes");
	uv_run(&client.loop, UV_RUN_NOWAIT);
	assert_int_equal(client.downs, 0);
	redis_link_hear(client.link);
	assert_int_equal(client.downs, 1);
	redis_link_hear(client.link); /* of a link that is away: nothing */
	redis_client_until(&client.loop, &client.ups, 2);
	redis_client_close(&client);
}

static void
stop_is_silent_and_start_goes_on(void **state)
{
	struct redis_fixture *redis = *state;
	struct redis_client client;

	redis_client_open(&client, redis->url, &redis_client_quick);
	redis_client_start(&client);
	redis_client_say(&client, 0, "PING", NULL, NULL);
	redis_link_stop(client.link);
	assert_int_equal(client.lost, 1);
	assert_int_equal(client.downs, 0);
	redis_link_stop(client.link);
	redis_link_start(client.link);
	redis_client_until(&client.loop, &client.ups, 2);
	redis_client_close(&client);
}

static void
reset_drops_and_comes_back(void **state)
{
	struct redis_fixture *redis = *state;
	struct redis_client client;

	redis_client_open(&client, redis->url, &redis_client_quick);
	redis_client_start(&client);
	redis_client_say(&client, 0, "PING", NULL, NULL);
	redis_link_reset(client.link, "readonly");
	redis_link_reset(client.link, "twice");
	assert_int_equal(client.lost, 1);
	assert_int_equal(client.downs, 1);
	assert_string_equal(client.reason, "readonly");
	redis_client_until(&client.loop, &client.ups, 2);
	redis_client_close(&client);
}

static void
it_may_be_freed_in_every_state(void **state)
{
	struct redis_fixture *redis = *state;
	struct redis_client client;

	for (int turns = 0; turns < 12; turns++) {
		redis_client_open(&client, redis->url, &redis_client_quick);
		redis_link_start(client.link);
		for (int i = 0; i < turns; i++)
			uv_run(&client.loop, UV_RUN_NOWAIT);
		if (redis_link_is_up(client.link))
			redis_client_say(&client, 0, "PING", NULL, NULL);
		redis_client_close(&client);
	}
	redis_client_open(
	    &client, redis->url, &redis_client_quick); /* never started */
	redis_client_close(&client);
	redis_client_open(&client, "redis://localhost:1",
	    &redis_client_quick); /* looking up */
	redis_link_start(client.link);
	redis_client_close(&client);
}

static void
it_may_be_freed_inside_its_callbacks(void **state)
{
	struct redis_fixture *redis = *state;
	struct redis_client client;

	redis_client_open(&client, redis->url, &redis_client_quick);
	client.free_on_up = true;
	redis_link_start(client.link);
	redis_client_until(&client.loop, &client.ups, 1);
	redis_client_close(&client);

	redis_client_open(
	    &client, "unix:/nonexistent/redis", &redis_client_quick);
	client.free_on_down = true;
	redis_link_start(client.link);
	redis_client_until(&client.loop, &client.downs, 1);
	redis_client_close(&client);

	redis_client_open(&client, redis->url, &redis_client_quick);
	redis_client_start(&client);
	client.free_on_answer = true;
	redis_client_say(&client, 0, "PING", NULL, NULL);
	redis_client_say(&client, 0, "PING", NULL, NULL);
	redis_client_until(&client.loop, &client.answers, 2);
	assert_int_equal(client.lost, 1); /* the second, at once */
	assert_int_equal(client.downs, 0);
	redis_client_close(&client);

	redis_client_open(&client, redis->url, &redis_client_quick);
	redis_client_start(&client);
	client.free_on_push = true;
	redis_link_subscribe(
	    client.link, view_of("news"), redis_client_answer, &client);
	redis_client_until(&client.loop, &client.answers, 1);
	redis_fixture_run(redis, "PUBLISH news one");
	redis_client_until(&client.loop, &client.pushes, 1);
	redis_client_close(&client);
}

static void
many_slots_within_the_bound_are_read(void **state)
{
	struct redis_fixture *redis = *state;
	const struct view eval[3] = { view_of("EVAL"),
		view_of("local t = {} for i = 1, 100000 do t[i] = i end "
			"return t"),
		view_of("0") };
	struct redis_client client;

	redis_client_open(&client, redis->url, &redis_client_quick);
	redis_client_start(&client);
	redis_link_command(
	    client.link, eval, 3, 0, redis_client_answer, &client);
	redis_client_until(&client.loop, &client.answers, 1);
	assert_int_equal(client.type, REDIS_ARRAY);
	assert_int_equal(client.downs, 0);
	redis_client_close(&client);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers_come_in_order_and_are_binary_safe),
		cmocka_unit_test(values_out_of_range_are_empty),
		cmocka_unit_test(
		    it_authenticates_selects_and_names_itself_first),
		cmocka_unit_test(refusals_of_the_greeting_have_their_reason),
		cmocka_unit_test(
		    who_may_neither_ping_nor_name_itself_still_comes_up),
		cmocka_unit_test(a_killed_server_answers_null_and_comes_back),
		cmocka_unit_test(a_frozen_server_is_noticed_by_ping),
		cmocka_unit_test(a_replica_is_left_when_it_refuses_a_write),
		cmocka_unit_test(messages_are_pushed_between_answers),
		cmocka_unit_test(what_is_held_is_heard_when_it_is_let_go),
		cmocka_unit_test(
		    what_is_held_may_be_heard_on_demand_and_so_its_end),
		cmocka_unit_test(stop_is_silent_and_start_goes_on),
		cmocka_unit_test(reset_drops_and_comes_back),
		cmocka_unit_test(it_may_be_freed_in_every_state),
		cmocka_unit_test(it_may_be_freed_inside_its_callbacks),
		cmocka_unit_test(many_slots_within_the_bound_are_read),
	};

	signal(SIGPIPE, SIG_IGN);
	if (!redis_fixture_available()) {
		fprintf(stderr, "no redis-server here: skipped\n");
		return 0;
	}
	return cmocka_run_group_tests(tests, setup, teardown);
}
