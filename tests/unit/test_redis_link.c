/* SPDX-License-Identifier: MIT */
#include "redis_fixture.h"
#include "redis_link.h"

#include <hiredis/hiredis.h>
#include <uv.h>

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
// clang-format off
#include <cmocka.h>
// clang-format on

/* --- a link and what it told us --- */

struct client {
	uv_loop_t loop;
	struct redis_target target;
	struct redis_link *link;
	unsigned ups, downs, answers, lost, pushes;
	char reason[16];
	char text[64]; /* of the last answer */
	enum redis_type type;
	char pushed[64];
	bool free_on_up, free_on_down, free_on_answer, free_on_push;
};

static const struct redis_link_options quick = {
	.name = "test",
	.connect_ms = 2000,
	.command_ms = 5000,
	.backoff_min_ms = 5,
	.backoff_max_ms = 20,
};

static void
keep(char *to, size_t size, struct view text)
{
	snprintf(to, size, "%.*s", (int)text.len, text.data ? text.data : "");
}

static void
on_up(void *arg)
{
	struct client *client = arg;

	client->ups++;
	if (client->free_on_up)
		redis_link_free(&client->link);
}

static void
on_down(void *arg, const char *reason)
{
	struct client *client = arg;

	client->downs++;
	keep(client->reason, sizeof(client->reason), view_of(reason));
	if (client->free_on_down)
		redis_link_free(&client->link);
}

static void
on_push(void *arg, const struct redis_value *payload)
{
	struct client *client = arg;

	client->pushes++;
	keep(client->pushed, sizeof(client->pushed), redis_value_text(payload));
	if (client->free_on_push)
		redis_link_free(&client->link);
}

static void
on_answer(void *arg, const struct redis_value *answer)
{
	struct client *client = arg;

	client->answers++;
	if (answer == NULL)
		client->lost++;
	client->type = redis_value_type(answer);
	keep(client->text, sizeof(client->text), redis_value_text(answer));
	if (client->free_on_answer)
		redis_link_free(&client->link);
}

static void
client_open(struct client *client, const char *url,
    const struct redis_link_options *options)
{
	static const struct redis_link_ops ops = { on_up, on_down, on_push };
	struct error err = { 0 };

	memset(client, 0, sizeof(*client));
	uv_loop_init(&client->loop);
	if (redis_target_parse(&client->target, view_of(url), &err) != 0)
		fail_msg("%s", err.message);
	client->link = redis_link_new(
	    &client->loop, &client->target, options, &ops, client);
}

/* Ends with nothing alive in the loop: every handle was closed. */
static void
client_close(struct client *client)
{
	redis_link_free(&client->link);
	uv_run(&client->loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&client->loop), 0);
	redis_target_fini(&client->target);
}

static void
on_watchdog(uv_timer_t *timer)
{
	*(bool *)timer->data = true;
}

/* Runs the loop until *counter has reached `count`; fails after 10 s. */
static void
run_until(uv_loop_t *loop, const unsigned *counter, unsigned count)
{
	uv_timer_t watchdog;
	bool is_late = false;

	uv_update_time(loop);
	uv_timer_init(loop, &watchdog);
	watchdog.data = &is_late;
	uv_timer_start(&watchdog, on_watchdog, 10000, 0);
	while (*counter < count && !is_late)
		uv_run(loop, UV_RUN_ONCE);
	uv_close((uv_handle_t *)&watchdog, NULL);
	uv_run(loop, UV_RUN_NOWAIT);
	assert_false(is_late);
}

static int
say(struct client *client, unsigned deadline_ms, const char *a, const char *b,
    const char *c)
{
	struct view argv[3] = { view_of(a), view_of(b), view_of(c) };
	size_t argc = c != NULL ? 3 : b != NULL ? 2 : 1;

	return redis_link_command(
	    client->link, argv, argc, deadline_ms, on_answer, client);
}

static void
client_start(struct client *client)
{
	redis_link_start(client->link);
	run_until(&client->loop, &client->ups, 1);
	assert_true(redis_link_is_up(client->link));
}

/* --- a server that does as it is told --- */

struct fake {
	uv_tcp_t listener;
	uv_timer_t drip;
	char url[64];
	const char *greeting; /* sent when the first PING has come */
	const char *payload;  /* sent behind it … */
	size_t payload_len;
	size_t repeat;     /* … this many times */
	const char *drips; /* then one byte each 15 ms */
	unsigned accepted, greeted;
	uv_tcp_t *peer; /* the last one */
};

static void
on_peer_closed(uv_handle_t *peer)
{
	free(peer);
}

static void
fake_allocate(uv_handle_t *handle, size_t size, uv_buf_t *buf)
{
	static char memory[65536];

	(void)handle;
	(void)size;
	*buf = uv_buf_init(memory, sizeof(memory));
}

static void
on_written(uv_write_t *request, int status)
{
	(void)status;
	free(request);
}

static void
fake_send(struct fake *fake, const char *bytes, size_t len)
{
	uv_write_t *request = malloc(sizeof(*request));
	uv_buf_t buf = uv_buf_init((char *)(uintptr_t)bytes, (unsigned)len);

	uv_write(request, (uv_stream_t *)fake->peer, &buf, 1, on_written);
}

static void
on_drip(uv_timer_t *timer)
{
	struct fake *fake = timer->data;

	if (fake->peer == NULL || *fake->drips == '\0')
		uv_timer_stop(timer);
	else
		fake_send(fake, fake->drips++, 1);
}

static void
on_peer_bytes(uv_stream_t *peer, ssize_t got, const uv_buf_t *buf)
{
	struct fake *fake = peer->data;

	if (got < 0) {
		if (fake->peer == (uv_tcp_t *)peer)
			fake->peer = NULL;
		uv_close((uv_handle_t *)peer, on_peer_closed);
		return;
	}
	if (fake->greeting == NULL ||
	    memmem(buf->base, (size_t)got, "PING\r\n", 6) == NULL)
		return;
	fake->greeted++;
	fake_send(fake, fake->greeting, strlen(fake->greeting));
	for (size_t i = 0; i < fake->repeat; i++)
		fake_send(fake, fake->payload, fake->payload_len);
	if (fake->drips != NULL)
		uv_timer_start(&fake->drip, on_drip, 15, 15);
}

static void
on_connection(uv_stream_t *listener, int status)
{
	struct fake *fake = listener->data;
	uv_tcp_t *peer = malloc(sizeof(*peer));

	assert_int_equal(status, 0);
	uv_tcp_init(listener->loop, peer);
	peer->data = fake;
	assert_int_equal(uv_accept(listener, (uv_stream_t *)peer), 0);
	uv_read_start((uv_stream_t *)peer, fake_allocate, on_peer_bytes);
	fake->accepted++;
	fake->peer = peer;
}

static void
fake_open(struct fake *fake, uv_loop_t *loop)
{
	struct sockaddr_in address;
	int size = sizeof(address);

	uv_ip4_addr("127.0.0.1", 0, &address);
	uv_tcp_init(loop, &fake->listener);
	uv_timer_init(loop, &fake->drip);
	fake->listener.data = fake;
	fake->drip.data = fake;
	uv_tcp_bind(&fake->listener, (struct sockaddr *)&address, 0);
	assert_int_equal(
	    uv_listen((uv_stream_t *)&fake->listener, 16, on_connection), 0);
	uv_tcp_getsockname(&fake->listener, (struct sockaddr *)&address, &size);
	snprintf(fake->url, sizeof(fake->url), "redis://127.0.0.1:%d",
	    ntohs(address.sin_port));
}

/* client_open with the fake on its loop. */
static void
client_open_fake(struct client *client, struct fake *fake,
    const struct redis_link_options *options)
{
	struct error err = { 0 };

	client_open(client, "redis://127.0.0.1:1", options);
	fake_open(fake, &client->loop);
	redis_target_fini(&client->target);
	assert_int_equal(
	    redis_target_parse(&client->target, view_of(fake->url), &err), 0);
}

static void
client_close_fake(struct client *client, struct fake *fake)
{
	uv_close((uv_handle_t *)&fake->listener, NULL);
	uv_close((uv_handle_t *)&fake->drip, NULL);
	redis_link_free(&client->link);
	uv_run(&client->loop, UV_RUN_DEFAULT); /* peers see the end */
	client_close(client);
}

#define GREETING "+OK\r\n+PONG\r\n"

/* --- redis_target --- */

static void
target_urls_are_read(void **state)
{
	static const struct {
		const char *url, *host, *path, *user, *password;
		unsigned port;
		int database;
	} rows[] = {
		{ "redis://h", "h", 0, 0, 0, 6379, 0 },
		{ "redis://h:1", "h", 0, 0, 0, 1, 0 },
		{ "redis://h:65535/", "h", 0, 0, 0, 65535, 0 },
		{ "redis://h/15", "h", 0, 0, 0, 6379, 15 },
		{ "redis://:p@h", "h", 0, 0, "p", 6379, 0 },
		{ "redis://u:p@h:2/3", "h", 0, "u", "p", 2, 3 },
		{ "redis://u:a%40b%3a%2F@h", "h", 0, "u", "a@b:/", 6379, 0 },
		{ "redis://[::1]:7", "::1", 0, 0, 0, 7, 0 },
		{ "redis://[fe80::1]/2", "fe80::1", 0, 0, 0, 6379, 2 },
		{ "unix:/tmp/x", 0, "/tmp/x", 0, 0, 0, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct redis_target target;
		struct error err = { 0 };

		assert_int_equal(
		    redis_target_parse(&target, view_of(rows[i].url), &err), 0);
		assert_true(
		    view_equal(view_of(target.host), view_of(rows[i].host)));
		assert_true(view_equal(
		    view_of(target.socket_path), view_of(rows[i].path)));
		assert_true(
		    view_equal(view_of(target.user), view_of(rows[i].user)));
		assert_true(view_equal(
		    view_of(target.password), view_of(rows[i].password)));
		assert_int_equal(target.port, rows[i].port);
		assert_int_equal(target.database, rows[i].database);
		redis_target_fini(&target);
	}
}

static void
target_refuses_what_it_cannot_use(void **state)
{
	static const char *const rows[] = { "", "redis://", "redis:///1",
		"redis://h:0", "redis://h:65536", "redis://h:x",
		"redis://h:", "redis://h/x", "redis://h/-1",
		"redis://h/1000001", "redis://u@h", "redis://u:%4@h",
		"redis://u:%00@h", "redis://%zz:p@h", "redis://[::1",
		"redis://[::1]x", "unix:", "http://h", "rediss://h",
		"sentinel://h:1/m", "cluster://h:1" };
	char long_path[200] = "unix:/";
	struct redis_target target;
	struct error err;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		memset(&err, 0, sizeof(err));
		assert_int_equal(
		    redis_target_parse(&target, view_of(rows[i]), &err), -1);
		assert_string_not_equal(err.message, "");
		assert_null(target.host);
	}
	memset(long_path + 6, 'x', 106);
	assert_int_equal(
	    redis_target_parse(&target, view_of(long_path), NULL), 0);
	redis_target_fini(&target);
	long_path[112] = 'x';
	assert_int_equal(
	    redis_target_parse(&target, view_of(long_path), NULL), -1);
}

static void
target_prints_no_secret(void **state)
{
	static const char *const rows[][2] = {
		{ "redis://user:secret@h:2/3", "redis://h:2/3" },
		{ "redis://[::1]", "redis://[::1]:6379/0" },
		{ "unix:/tmp/x", "unix:/tmp/x" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct redis_target target;
		char text[128];

		redis_target_parse(&target, view_of(rows[i][0]), NULL);
		redis_target_print(&target, text, sizeof(text));
		assert_string_equal(text, rows[i][1]);
		redis_target_fini(&target);
	}
}

/* --- with a real server --- */

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
	struct client client;
	const struct view set[3] = { view_of("SET"), view_of("k"),
		view_make("a\0\r\nb", 5) };
	const struct view strlen_argv[2] = { view_of("STRLEN"), view_of("k") };

	client_open(&client, redis->url, &quick);
	assert_int_equal(say(&client, 0, "PING", NULL, NULL), -1);
	client_start(&client);
	assert_int_equal(redis_link_latency_us(client.link) > 0, 1);
	redis_link_command(client.link, set, 3, 0, on_answer, &client);
	redis_link_command(client.link, strlen_argv, 2, 0, NULL, NULL);
	for (int i = 0; i < 10000; i++)
		say(&client, 0, "INCR", "n", NULL);
	say(&client, 0, "GET", "n", NULL);
	assert_int_equal(redis_link_pending(client.link), 10003);
	assert_int_equal(client.answers, 0); /* never from inside */
	run_until(&client.loop, &client.answers, 10002);
	assert_string_equal(client.text, "10000");
	assert_int_equal(redis_link_pending(client.link), 0);
	client_close(&client);
}

static void
an_array_is_read_with_bounds(void *arg, const struct redis_value *answer)
{
	struct client *client = arg;
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
	struct client client;

	redis_fixture_run(redis, "SET a 1");
	client_open(&client, redis->url, &quick);
	client_start(&client);
	redis_link_command(
	    client.link, mget, 3, 0, an_array_is_read_with_bounds, &client);
	run_until(&client.loop, &client.answers, 1);
	client_close(&client);
}

static void
it_authenticates_selects_and_names_itself_first(void **state)
{
	struct redis_fixture *redis = *state;
	struct client client;
	redisReply *reply;

	redis_fixture_run(redis, "ACL SETUSER u on >pw ~* &* +@all");
	client_open(&client, redis->url, &quick);
	client.target.user = strdup("u");
	client.target.password = strdup("pw");
	client.target.database = 3;
	client_start(&client);
	reply = redis_fixture_ask(redis, "CLIENT LIST");
	assert_non_null(strstr(reply->str, "name=test"));
	assert_non_null(strstr(reply->str, "user=u"));
	assert_non_null(strstr(reply->str, "db=3"));
	freeReplyObject(reply);
	client_close(&client);
}

static void
expect_down(struct redis_fixture *redis, const char *user, const char *password,
    int database, const char *reason)
{
	struct client client;

	client_open(&client, redis->url, &quick);
	client.target.user = user != NULL ? strdup(user) : NULL;
	client.target.password = password != NULL ? strdup(password) : NULL;
	client.target.database = database;
	redis_link_start(client.link);
	run_until(&client.loop, &client.downs, 2);
	assert_string_equal(client.reason, reason);
	assert_int_equal(client.ups, 0);
	assert_true(redis_link_reconnects(client.link) >= 2);
	client_close(&client);
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
	struct client client;

	redis_fixture_run(redis, "ACL SETUSER weak on >pw ~* +get");
	client_open(&client, redis->url, &quick);
	client.target.user = strdup("weak");
	client.target.password = strdup("pw");
	client_start(&client);
	say(&client, 0, "SET", "k", "v");
	run_until(&client.loop, &client.answers, 1);
	assert_int_equal(client.type, REDIS_ERROR);
	assert_true(redis_link_is_up(client.link)); /* NOPERM drops nothing */
	client_close(&client);
}

static void
a_killed_server_answers_null_and_comes_back(void **state)
{
	struct redis_fixture *redis = *state;
	struct client client;

	client_open(&client, redis->url, &quick);
	client_start(&client);
	kill(redis->pid, SIGSTOP); /* so that the command is under way */
	say(&client, 0, "GET", "k", NULL);
	uv_run(&client.loop, UV_RUN_NOWAIT);
	redis_fixture_kill(redis);
	run_until(&client.loop, &client.downs, 1);
	assert_int_equal(client.lost, 1);
	assert_string_equal(client.reason, "closed");
	assert_int_equal(say(&client, 0, "PING", NULL, NULL), -1);
	run_until(&client.loop, &client.downs, 3);
	assert_string_equal(client.reason, "refused");
	redis_fixture_again(redis);
	run_until(&client.loop, &client.ups, 2);
	say(&client, 0, "PING", NULL, NULL);
	run_until(&client.loop, &client.answers, 2);
	assert_string_equal(client.text, "PONG");
	client_close(&client);
}

static void
a_frozen_server_is_noticed_by_ping(void **state)
{
	struct redis_fixture *redis = *state;
	struct redis_link_options options = quick;
	struct client client;

	options.ping_ms = 20;
	options.command_ms = 60;
	options.connect_ms = 100;
	client_open(&client, redis->url, &options);
	client_start(&client);
	kill(redis->pid, SIGSTOP);
	run_until(&client.loop, &client.downs, 1);
	assert_string_equal(client.reason, "timeout");
	kill(redis->pid, SIGCONT);
	run_until(&client.loop, &client.ups, 2);
	client_close(&client);
}

static void
a_replica_is_left_when_it_refuses_a_write(void **state)
{
	struct redis_fixture *redis = *state;
	struct client client;

	client_open(&client, redis->url, &quick);
	client_start(&client);
	redis_fixture_run(redis, "REPLICAOF 127.0.0.1 1");
	say(&client, 0, "SET", "k", "v");
	run_until(&client.loop, &client.downs, 1);
	assert_string_equal(client.reason, "readonly");
	assert_int_equal(client.type, REDIS_ERROR); /* it was answered first */
	redis_fixture_run(redis, "REPLICAOF NO ONE");
	client_close(&client);
}

static void
messages_are_pushed_between_answers(void **state)
{
	struct redis_fixture *redis = *state;
	struct redis_link_options options = quick;
	struct client client;

	options.ping_ms = 10;
	client_open(&client, redis->url, &options);
	client_start(&client);
	redis_link_subscribe(client.link, view_of("news"), on_answer, &client);
	run_until(&client.loop, &client.answers, 1);
	redis_fixture_run(redis, "PUBLISH news one");
	run_until(&client.loop, &client.pushes, 1);
	assert_string_equal(client.pushed, "one");
	say(&client, 0, "PING", NULL, NULL); /* answered as an array there */
	run_until(&client.loop, &client.answers, 2);
	assert_int_equal(client.type, REDIS_ARRAY);
	redis_fixture_run(redis, "PUBLISH news two");
	run_until(&client.loop, &client.pushes, 2);
	assert_int_equal(client.downs, 0);
	client_close(&client);
}

static void
stop_is_silent_and_start_goes_on(void **state)
{
	struct redis_fixture *redis = *state;
	struct client client;

	client_open(&client, redis->url, &quick);
	client_start(&client);
	say(&client, 0, "PING", NULL, NULL);
	redis_link_stop(client.link);
	assert_int_equal(client.lost, 1);
	assert_int_equal(client.downs, 0);
	redis_link_stop(client.link);
	redis_link_start(client.link);
	run_until(&client.loop, &client.ups, 2);
	client_close(&client);
}

static void
reset_drops_and_comes_back(void **state)
{
	struct redis_fixture *redis = *state;
	struct client client;

	client_open(&client, redis->url, &quick);
	client_start(&client);
	say(&client, 0, "PING", NULL, NULL);
	redis_link_reset(client.link, "readonly");
	redis_link_reset(client.link, "twice");
	assert_int_equal(client.lost, 1);
	assert_int_equal(client.downs, 1);
	assert_string_equal(client.reason, "readonly");
	run_until(&client.loop, &client.ups, 2);
	client_close(&client);
}

static void
it_may_be_freed_in_every_state(void **state)
{
	struct redis_fixture *redis = *state;
	struct client client;

	for (int turns = 0; turns < 12; turns++) {
		client_open(&client, redis->url, &quick);
		redis_link_start(client.link);
		for (int i = 0; i < turns; i++)
			uv_run(&client.loop, UV_RUN_NOWAIT);
		if (redis_link_is_up(client.link))
			say(&client, 0, "PING", NULL, NULL);
		client_close(&client);
	}
	client_open(&client, redis->url, &quick); /* never started */
	client_close(&client);
	client_open(&client, "redis://localhost:1", &quick); /* looking up */
	redis_link_start(client.link);
	client_close(&client);
}

static void
it_may_be_freed_inside_its_callbacks(void **state)
{
	struct redis_fixture *redis = *state;
	struct client client;

	client_open(&client, redis->url, &quick);
	client.free_on_up = true;
	redis_link_start(client.link);
	run_until(&client.loop, &client.ups, 1);
	client_close(&client);

	client_open(&client, "unix:/nonexistent/redis", &quick);
	client.free_on_down = true;
	redis_link_start(client.link);
	run_until(&client.loop, &client.downs, 1);
	client_close(&client);

	client_open(&client, redis->url, &quick);
	client_start(&client);
	client.free_on_answer = true;
	say(&client, 0, "PING", NULL, NULL);
	say(&client, 0, "PING", NULL, NULL);
	run_until(&client.loop, &client.answers, 2);
	assert_int_equal(client.lost, 1); /* the second, at once */
	assert_int_equal(client.downs, 0);
	client_close(&client);

	client_open(&client, redis->url, &quick);
	client_start(&client);
	client.free_on_push = true;
	redis_link_subscribe(client.link, view_of("news"), on_answer, &client);
	run_until(&client.loop, &client.answers, 1);
	redis_fixture_run(redis, "PUBLISH news one");
	run_until(&client.loop, &client.pushes, 1);
	client_close(&client);
}

/* --- without a server, or with a bad one --- */

static void
an_absent_server_is_refused_with_growing_pauses(void **state)
{
	struct client client;
	uint64_t started_ns = uv_hrtime();
	uint64_t took_ms;

	(void)state;
	client_open(&client, "unix:/nonexistent/redis", &quick);
	redis_link_start(client.link);
	run_until(&client.loop, &client.downs, 10);
	took_ms = (uv_hrtime() - started_ns) / 1000000;
	assert_string_equal(client.reason, "refused");
	/* 5 + 10 + 7 × 20 ms, less at most a fifth for jitter. */
	assert_true(took_ms >= 115);
	client_close(&client);
}

static void
a_closed_port_is_refused(void **state)
{
	struct client client;

	(void)state;
	client_open(&client, "redis://127.0.0.1:1", &quick);
	redis_link_start(client.link);
	run_until(&client.loop, &client.downs, 2);
	assert_string_equal(client.reason, "refused");
	client_close(&client);
}

static void
an_unknown_name_is_dns(void **state)
{
	struct client client;

	(void)state;
	client_open(&client, "redis://no-such-host.invalid:1", &quick);
	redis_link_start(client.link);
	run_until(&client.loop, &client.downs, 1);
	assert_string_equal(client.reason, "dns");
	client_close(&client);
}

static void
a_black_hole_is_a_timeout(void **state)
{
	struct redis_link_options options = quick;
	struct fake fake = { 0 };
	struct client client;

	(void)state;
	options.connect_ms = 30;
	client_open_fake(&client, &fake, &options);
	redis_link_start(client.link);
	run_until(&client.loop, &client.downs, 3);
	assert_string_equal(client.reason, "timeout");
	assert_in_range(fake.accepted, 3, 4);
	client_close_fake(&client, &fake);
}

static void
a_late_answer_closes_the_connection(void **state)
{
	struct redis_link_options options = quick;
	struct fake fake = { .greeting = GREETING };
	struct client client;

	(void)state;
	client_open_fake(&client, &fake, &options);
	client_start(&client);
	say(&client, 0, "GET", "patient", NULL);
	say(&client, 30, "GET", "hasty", NULL);
	run_until(&client.loop, &client.downs, 1);
	assert_string_equal(client.reason, "timeout");
	assert_int_equal(client.lost, 2);
	run_until(&client.loop, &client.ups, 2);
	client_close_fake(&client, &fake);
}

static void
a_loading_server_is_named_so(void **state)
{
	struct fake fake = { .greeting =
				 "+OK\r\n-LOADING Redis is loading\r\n" };
	struct client client;

	(void)state;
	client_open_fake(&client, &fake, &quick);
	redis_link_start(client.link);
	run_until(&client.loop, &client.downs, 2);
	assert_string_equal(client.reason, "loading");
	client_close_fake(&client, &fake);
}

static void
a_full_server_is_refused(void **state)
{
	struct fake fake = {
		.greeting = "-ERR max number of clients reached\r\n+PONG\r\n"
	};
	struct client client;

	(void)state;
	client_open_fake(&client, &fake, &quick);
	redis_link_start(client.link);
	run_until(&client.loop, &client.downs, 1);
	assert_string_equal(client.reason, "refused");
	client_close_fake(&client, &fake);
}

static void
a_slow_big_answer_gets_through(void **state)
{
	struct redis_link_options options = quick;
	struct fake fake = { .greeting = GREETING,
		.drips = "$10\r\n0123456789\r\n" };
	struct client client;

	(void)state;
	options.command_ms = 100; /* 17 drips take 255 ms */
	client_open_fake(&client, &fake, &options);
	client_start(&client);
	say(&client, 0, "GET", "k", NULL);
	run_until(&client.loop, &client.answers, 1);
	assert_string_equal(client.text, "0123456789");
	assert_int_equal(client.downs, 0);
	client_close_fake(&client, &fake);
}

static void
a_named_deadline_is_not_moved(void **state)
{
	struct fake fake = { .greeting = GREETING,
		.drips = "$10\r\n0123456789\r\n" };
	struct client client;

	(void)state;
	client_open_fake(&client, &fake, &quick);
	client_start(&client);
	say(&client, 100, "GET", "k", NULL);
	run_until(&client.loop, &client.answers, 1);
	assert_int_equal(client.lost, 1);
	assert_string_equal(client.reason, "timeout");
	client_close_fake(&client, &fake);
}

static long
resident_kib(void)
{
	FILE *file = fopen("/proc/self/statm", "r");
	long pages = 0;

	assert_int_equal(fscanf(file, "%*d %ld", &pages), 1);
	fclose(file);
	return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

static void
hostile_replies_cost_a_reconnect_and_little_memory(void **state)
{
	static char endless[65536];
	static const char deep[] = "*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n"
				   "*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n:1\r\n";
	static const struct {
		const char *bytes;
		size_t repeat;
	} rows[] = {
		{ "*2147483647\r\n", 1 },
		{ "*-2147483648\r\n", 1 },
		{ "*1048577\r\n", 1 },
		{ "*2\r\n*600000\r\n", 100 }, /* nested, in sum too many */
		{ "$-5\r\n", 1 },
		{ "$99999999999999999999\r\n", 1 },
		{ deep, 8 },
		{ "+OK", 0 }, /* replaced by an endless line */
		{ "hello\r\n", 1 },
		{ "HTTP/1.1 400 Bad Request\r\n\r\n", 1 },
		{ ":1\r\n", 2 }, /* the second answers nothing */
		{ "*3\r\n$7\r\nmessage\r\n:1\r\n:2\r\n+x\r\n", 1 },
		{ "$600000000\r\n", 0 },
	};

	(void)state;
	memset(endless, 'x', sizeof(endless));
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct fake fake = { .greeting = GREETING,
			.payload = rows[i].bytes,
			.payload_len = strlen(rows[i].bytes),
			.repeat = rows[i].repeat };
		char greeting[64];
		long before_kib;
		struct client client;

		if (fake.repeat == 0) { /* behind it endless bytes */
			snprintf(greeting, sizeof(greeting), GREETING "%s",
			    rows[i].bytes);
			fake.greeting = greeting;
			fake.payload = endless;
			fake.payload_len = sizeof(endless);
			fake.repeat = 256; /* 16 MiB */
		}
		client_open_fake(&client, &fake, &quick);
		redis_link_start(client.link);
		run_until(&client.loop, &client.ups, 1);
		before_kib = resident_kib();
		say(&client, 0, "GET", "k", NULL);
		run_until(&client.loop, &client.downs, 3);
		if (strcmp(client.reason, "protocol") != 0)
			fail_msg("row %zu: %s", i, client.reason);
		assert_true(fake.accepted >= 3);
		assert_true(resident_kib() - before_kib < 8192);
		client_close_fake(&client, &fake);
	}
}

static void
many_slots_within_the_bound_are_read(void **state)
{
	struct redis_fixture *redis = *state;
	const struct view eval[3] = { view_of("EVAL"),
		view_of("local t = {} for i = 1, 100000 do t[i] = i end "
			"return t"),
		view_of("0") };
	struct client client;

	client_open(&client, redis->url, &quick);
	client_start(&client);
	redis_link_command(client.link, eval, 3, 0, on_answer, &client);
	run_until(&client.loop, &client.answers, 1);
	assert_int_equal(client.type, REDIS_ARRAY);
	assert_int_equal(client.downs, 0);
	client_close(&client);
}

int
main(void)
{
	const struct CMUnitTest alone[] = {
		cmocka_unit_test(target_urls_are_read),
		cmocka_unit_test(target_refuses_what_it_cannot_use),
		cmocka_unit_test(target_prints_no_secret),
		cmocka_unit_test(
		    an_absent_server_is_refused_with_growing_pauses),
		cmocka_unit_test(a_closed_port_is_refused),
		cmocka_unit_test(an_unknown_name_is_dns),
		cmocka_unit_test(a_black_hole_is_a_timeout),
		cmocka_unit_test(a_late_answer_closes_the_connection),
		cmocka_unit_test(a_loading_server_is_named_so),
		cmocka_unit_test(a_full_server_is_refused),
		cmocka_unit_test(a_slow_big_answer_gets_through),
		cmocka_unit_test(a_named_deadline_is_not_moved),
		cmocka_unit_test(
		    hostile_replies_cost_a_reconnect_and_little_memory),
	};
	const struct CMUnitTest served[] = {
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
		cmocka_unit_test(stop_is_silent_and_start_goes_on),
		cmocka_unit_test(reset_drops_and_comes_back),
		cmocka_unit_test(it_may_be_freed_in_every_state),
		cmocka_unit_test(it_may_be_freed_inside_its_callbacks),
		cmocka_unit_test(many_slots_within_the_bound_are_read),
	};
	int failed;

	signal(SIGPIPE, SIG_IGN);
	failed = cmocka_run_group_tests_name("alone", alone, NULL, NULL);
	if (!redis_fixture_available()) {
		fprintf(stderr, "no redis-server here: half of it skipped\n");
		return failed;
	}
	return failed +
	    cmocka_run_group_tests_name("served", served, setup, teardown);
}
