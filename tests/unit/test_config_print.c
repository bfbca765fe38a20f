/* SPDX-License-Identifier: MIT */

/* What --print-config shows, and what it does not. */

#include "config_helper.h"

static void
a_password_is_not_printed(void **state)
{
	(void)state;
	struct config config;
	struct error err;
	struct buf out;
	buf_init(&out, 0);
	read_with(&config, &err, "--redis", "redis://me:hun@ter2@host:1/0",
	    NULL, NULL);
	config_print(&config, &out);
	buf_add_char(&out, '\0');
	assert_null(strstr(out.data, "ter2"));
	assert_null(strstr(out.data, "hun"));
	assert_non_null(strstr(
	    out.data, "redis = \"redis://***@host:1/0\"  (flag --redis)"));
	buf_fini(&out);
	config_fini(&config);
}

static void
each_value_is_printed_with_its_origin(void **state)
{
	(void)state;
	struct config config;
	struct error err;
	struct buf out;
	char from_file[128];
	buf_init(&out, 0);
	setenv("RELAY_LIMITS_PING_MS", "200", 1);
	read_with(&config, &err, "--config",
	    config_file("{\"limits\":{\"frame_bytes\":2000}}"),
	    "--limits-fragments=7", NULL);
	unsetenv("RELAY_LIMITS_PING_MS");
	unlink(file_path);
	config_print(&config, &out);
	buf_add_char(&out, '\0');
	snprintf(from_file, sizeof(from_file),
	    "\nlimits.frame_bytes = 2000  (file %s)\n", file_path);
	assert_non_null(strstr(out.data, from_file));
	assert_non_null(strstr(out.data,
	    "\nlimits.ping_ms = 200  (environment RELAY_LIMITS_PING_MS)\n"));
	assert_non_null(strstr(
	    out.data, "\nlimits.fragments = 7  (flag --limits-fragments)\n"));
	assert_non_null(strstr(out.data, "\nworkers = 0  (default)\n"));
	buf_fini(&out);
	config_fini(&config);
}

static void
nothing_of_a_query_with_an_at_sign_is_printed(void **state)
{
	(void)state;
	struct config config;
	struct error err;
	struct buf out;
	buf_init(&out, 0);
	read_with(&config, &err, "--auth-jwks",
	    "http://h/keys?mail=a@b&key=hun", NULL, NULL);
	config_print(&config, &out);
	buf_add_char(&out, '\0');
	assert_null(strstr(out.data, "hun"));
	assert_null(strstr(out.data, "mail"));
	assert_non_null(strstr(out.data, "\"http://***?***\""));
	buf_fini(&out);
	config_fini(&config);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_password_is_not_printed),
		cmocka_unit_test(each_value_is_printed_with_its_origin),
		cmocka_unit_test(nothing_of_a_query_with_an_at_sign_is_printed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
