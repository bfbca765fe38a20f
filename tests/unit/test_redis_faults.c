/* SPDX-License-Identifier: MIT */
#include "redis_client.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>
// clang-format off
#include <cmocka.h>
// clang-format on

/* A link without a server, or with a bad one. */

static void
an_absent_server_is_refused_with_growing_pauses(void **state)
{
	struct redis_client client;
	uint64_t started_ns = uv_hrtime();
	uint64_t took_ms;

	(void)state;
	redis_client_open(
	    &client, "unix:/nonexistent/redis", &redis_client_quick);
	redis_link_start(client.link);
	redis_client_until(&client.loop, &client.downs, 10);
	took_ms = (uv_hrtime() - started_ns) / 1000000;
	assert_string_equal(client.reason, "refused");
	/* 5 + 10 + 7 × 20 ms, less at most a fifth for jitter. */
	assert_true(took_ms >= 115);
	redis_client_close(&client);
}

static void
a_closed_port_is_refused(void **state)
{
	struct redis_client client;

	(void)state;
	redis_client_open(&client, "redis://127.0.0.1:1", &redis_client_quick);
	redis_link_start(client.link);
	redis_client_until(&client.loop, &client.downs, 2);
	assert_string_equal(client.reason, "refused");
	redis_client_close(&client);
}

static void
an_unknown_name_is_dns(void **state)
{
	struct redis_client client;

	(void)state;
	redis_client_open(
	    &client, "redis://no-such-host.invalid:1", &redis_client_quick);
	redis_link_start(client.link);
	redis_client_until(&client.loop, &client.downs, 1);
	assert_string_equal(client.reason, "dns");
	redis_client_close(&client);
}

static void
a_black_hole_is_a_timeout(void **state)
{
	struct redis_link_options options = redis_client_quick;
	struct fake_redis fake = { 0 };
	struct redis_client client;

	(void)state;
	options.connect_ms = 30;
	redis_client_open_fake(&client, &fake, &options);
	redis_link_start(client.link);
	redis_client_until(&client.loop, &client.downs, 3);
	assert_string_equal(client.reason, "timeout");
	assert_in_range(fake.accepted, 3, 4);
	redis_client_close_fake(&client, &fake);
}

static void
a_late_answer_closes_the_connection(void **state)
{
	struct redis_link_options options = redis_client_quick;
	struct fake_redis fake = { .greeting = FAKE_REDIS_GREETING };
	struct redis_client client;

	(void)state;
	redis_client_open_fake(&client, &fake, &options);
	redis_client_start(&client);
	redis_client_say(&client, 0, "GET", "patient", NULL);
	redis_client_say(&client, 30, "GET", "hasty", NULL);
	redis_client_until(&client.loop, &client.downs, 1);
	assert_string_equal(client.reason, "timeout");
	assert_int_equal(client.lost, 2);
	redis_client_until(&client.loop, &client.ups, 2);
	redis_client_close_fake(&client, &fake);
}

static void
a_loading_server_is_named_so(void **state)
{
	struct fake_redis fake = { .greeting =
				       "+OK\r\n-LOADING Redis is loading\r\n" };
	struct redis_client client;

	(void)state;
	redis_client_open_fake(&client, &fake, &redis_client_quick);
	redis_link_start(client.link);
	redis_client_until(&client.loop, &client.downs, 2);
	assert_string_equal(client.reason, "loading");
	redis_client_close_fake(&client, &fake);
}

static void
a_full_server_is_refused(void **state)
{
	struct fake_redis fake = {
		.greeting = "-ERR max number of clients reached\r\n+PONG\r\n"
	};
	struct redis_client client;

	(void)state;
	redis_client_open_fake(&client, &fake, &redis_client_quick);
	redis_link_start(client.link);
	redis_client_until(&client.loop, &client.downs, 1);
	assert_string_equal(client.reason, "refused");
	redis_client_close_fake(&client, &fake);
}

static void
a_slow_big_answer_gets_through(void **state)
{
	struct redis_link_options options = redis_client_quick;
	struct fake_redis fake = { .greeting = FAKE_REDIS_GREETING,
		.drips = "$10\r\n0123456789\r\n" };
	struct redis_client client;

	(void)state;
	options.command_ms = 100; /* 17 drips take 255 ms */
	redis_client_open_fake(&client, &fake, &options);
	redis_client_start(&client);
	redis_client_say(&client, 0, "GET", "k", NULL);
	redis_client_until(&client.loop, &client.answers, 1);
	assert_string_equal(client.text, "0123456789");
	assert_int_equal(client.downs, 0);
	redis_client_close_fake(&client, &fake);
}

static void
a_named_deadline_is_not_moved(void **state)
{
	struct fake_redis fake = { .greeting = FAKE_REDIS_GREETING,
		.drips = "$10\r\n0123456789\r\n" };
	struct redis_client client;

	(void)state;
	redis_client_open_fake(&client, &fake, &redis_client_quick);
	redis_client_start(&client);
	redis_client_say(&client, 100, "GET", "k", NULL);
	redis_client_until(&client.loop, &client.answers, 1);
	assert_int_equal(client.lost, 1);
	assert_string_equal(client.reason, "timeout");
	redis_client_close_fake(&client, &fake);
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
		struct fake_redis fake = { .greeting = FAKE_REDIS_GREETING,
			.payload = rows[i].bytes,
			.payload_len = strlen(rows[i].bytes),
			.repeat = rows[i].repeat };
		char greeting[64];
		long before_kib;
		struct redis_client client;

		if (fake.repeat == 0) { /* behind it endless bytes */
			snprintf(greeting, sizeof(greeting),
			    FAKE_REDIS_GREETING "%s", rows[i].bytes);
			fake.greeting = greeting;
			fake.payload = endless;
			fake.payload_len = sizeof(endless);
			fake.repeat = 256; /* 16 MiB */
		}
		redis_client_open_fake(&client, &fake, &redis_client_quick);
		redis_link_start(client.link);
		redis_client_until(&client.loop, &client.ups, 1);
		before_kib = resident_kib();
		redis_client_say(&client, 0, "GET", "k", NULL);
		redis_client_until(&client.loop, &client.downs, 3);
		if (strcmp(client.reason, "protocol") != 0)
			fail_msg("row %zu: %s", i, client.reason);
		assert_true(fake.accepted >= 3);
		assert_true(resident_kib() - before_kib < 8192);
		redis_client_close_fake(&client, &fake);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
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

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
