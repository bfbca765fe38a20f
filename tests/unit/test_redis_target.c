/* SPDX-License-Identifier: MIT */
#include "redis_link.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
// clang-format off
#include <cmocka.h>
// clang-format on

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
	char long_host[8 + 256 + 1] = "redis://";
	memset(long_host + 8, 'h', 255);
	assert_int_equal(
	    redis_target_parse(&target, view_of(long_host), NULL), 0);
	redis_target_fini(&target);
	long_host[8 + 255] = 'h';
	assert_int_equal(
	    redis_target_parse(&target, view_of(long_host), NULL), -1);
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

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(target_urls_are_read),
		cmocka_unit_test(target_refuses_what_it_cannot_use),
		cmocka_unit_test(target_prints_no_secret),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
