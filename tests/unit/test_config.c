/* SPDX-License-Identifier: MIT */
#include "config_helper.h"

static void
defaults_are_those_of_the_table(void **state)
{
	(void)state;
	struct config config;
	struct error err;
	assert_int_equal(read_with(&config, &err, NULL, NULL, NULL, NULL), 0);
	assert_string_equal(config.listen, "127.0.0.1:8080");
	assert_int_equal(config.mode, 1);
	assert_int_equal(config.limits_frame_bytes, 1048576);
	assert_string_equal(config.contract, BUNDLED);
	assert_string_equal(config.commands_stream, "relay:commands");
	assert_int_equal(config.action, CONFIG_RUN);
	assert_int_equal(config_check(&config, &err), 0);
	config_fini(&config);
}

static void
a_flag_beats_the_environment_beats_the_file(void **state)
{
	(void)state;
	struct config config;
	struct error err;
	const char *path = config_file("{\"mode\": \"enforce\"}");
	assert_int_equal(
	    read_with(&config, &err, "--config", path, NULL, NULL), 0);
	assert_int_equal(config.mode, 2);
	config_fini(&config);
	setenv("RELAY_MODE", "off", 1);
	assert_int_equal(
	    read_with(&config, &err, "--config", path, NULL, NULL), 0);
	assert_int_equal(config.mode, 0);
	config_fini(&config);
	assert_int_equal(
	    read_with(&config, &err, "--mode=warn", "--config", path, NULL), 0);
	assert_int_equal(config.mode, 1);
	assert_int_equal(config.origin[CONFIG_OPTION_mode], CONFIG_FROM_FLAG);
	config_fini(&config);
	unsetenv("RELAY_MODE");
	unlink(file_path);
}

static void
every_way_to_write_a_nested_key_works(void **state)
{
	(void)state;
	struct config config;
	struct error err;
	assert_int_equal(
	    read_with(&config, &err, "--limits-frame-bytes", "2048",
		"--limits.ping-ms=100", "--allow-anonymous"),
	    0);
	assert_int_equal(config.limits_frame_bytes, 2048);
	assert_int_equal(config.limits_ping_ms, 100);
	assert_true(config.allow_anonymous);
	config_fini(&config);
	assert_int_equal(/* a bare switch takes nothing of what follows */
	    read_with(&config, &err, "--allow-anonymous",
		"--limits-frame-bytes", "2048", NULL),
	    0);
	assert_int_equal(config.limits_frame_bytes, 2048);
	config_fini(&config);
	setenv("RELAY_LIMITS_FRAME_BYTES", "4096", 1);
	assert_int_equal(read_with(&config, &err, NULL, NULL, NULL, NULL), 0);
	assert_int_equal(config.limits_frame_bytes, 4096);
	config_fini(&config);
	unsetenv("RELAY_LIMITS_FRAME_BYTES");
}

static void
a_file_may_hold_comments_and_nests_by_dots(void **state)
{
	(void)state;
	struct config config;
	struct error err;
	assert_int_equal(read_file(&config, &err,
			     "{ /* a \"quoted\" comment */\n"
			     "\"limits\": {\"frame_bytes\": 2000}, // so\n"
			     "\"origins\": [\"https://a//b\", \"https://c\"],\n"
			     "\"auth\": {\"mode\": \"off\"}}"),
	    0);
	assert_int_equal(config.limits_frame_bytes, 2000);
	assert_int_equal(config.origins.count, 2);
	assert_string_equal(config.origins.items[0], "https://a//b");
	config_fini(&config);
}

static void
a_switch_in_a_file_is_on_or_off(void **state)
{
	(void)state;
	struct config config;
	struct error err;
	assert_int_equal(read_file(&config, &err, "{\"deflate\": false}"), 0);
	assert_false(config.deflate);
	config_fini(&config);
	assert_int_equal(read_file(&config, &err, "{\"deflate\": true}"), 0);
	assert_true(config.deflate);
	config_fini(&config);
}

static void
a_number_may_be_0_where_its_bounds_say_so(void **state)
{
	(void)state;
	struct config config;
	struct error err;
	assert_int_equal(
	    read_with(&config, &err, "--workers", "0", NULL, NULL), 0);
	assert_int_equal(config.workers, 0);
	config_fini(&config);
	assert_int_equal(
	    read_with(&config, &err, "--workers", " 0", NULL, NULL),
	    EXIT_CODE_USAGE);
	config_fini(&config);
}

static void
a_bad_file_is_refused_where_it_is_bad(void **state)
{
	(void)state;
	static const struct {
		const char *text, *where, *message;
	} rows[] = {
		{ "{\"listne\": \"x\"}", "#/listne", "\"listen\"" },
		{ "{\"limits\": {\"frame_byte\": 5}}", "#/limits/frame_byte",
		    "limits.frame_bytes" },
		{ "{\"mode\": \"strict\"}", "#/mode", "off|warn|enforce" },
		{ "{\"workers\": -1}", "#/workers", "from 0 to 256" },
		{ "{\"workers\": 257}", "#/workers", "from 0 to 256" },
		{ "{\"workers\": \"2\"}", "#/workers", "whole number" },
		{ "{\"workers\": 1.0}", "#/workers", "whole number" },
		{ "{\"deflate\": 1}", "#/deflate", "true or false" },
		{ "{\"origins\": \"x\"}", "#/origins", "list of texts" },
		{ "{\"origins\": [1]}", "#/origins", "list of texts" },
		{ "{\"limits\": 1}", "#/limits", "object" },
		{ "{\"drain.seconds\": 5}", "#/drain.seconds",
		    "write {\"drain\": {\"seconds\": ...}}" },
		{ "{\"limits\": {\"ping.ms\": 5}}", "#/limits/ping.ms",
		    "unknown key" },
		{ "{\"nonsense.x\": 5}", "#/nonsense.x", "unknown key" },
		{ "{\"listen\": {}}", "#/listen", "text" },
		{ "{\"redis_prefix\": \"a\\u0000b\"}", "#/redis_prefix",
		    "NUL" },
		{ "{\"origins\": [\"https://a\\u0000b\"]}", "#/origins",
		    "NUL" },
		{ "{\"modes\": \"off\"}", "#/modes", "object" },
		{ "{\"modes\": {\"a\": \"off\\u0000b\"}}", "#/modes", "NUL" },
		{ "{\"listen\": \"8080\"}", "#/listen", "ADDR:PORT" },
		{ "{\"listen\": \"a:65536\"}", "#/listen", "ADDR:PORT" },
		{ "{\"mode\": \"off\", \"mode\": \"off\"}", ":1:", "JSON" },
		{ "{", ":1:", "JSON" },
		{ "{}\n/* open", ":", NULL },
		{ "[]", "", "object of options" },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct config config;
		struct error err;
		int code = read_file(&config, &err, rows[i].text);
		config_fini(&config);
		if (!rows[i].message) {
			assert_int_equal(code, 0);
			continue;
		}
		assert_int_equal(code, EXIT_CODE_CONFIG);
		assert_non_null(strstr(err.where, rows[i].where));
		assert_non_null(strstr(err.message, rows[i].message));
	}
}

static void
usage_errors_are_told_apart_from_config_errors(void **state)
{
	(void)state;
	struct config config;
	struct error err;
	assert_int_equal(read_with(&config, &err, "--lisen", "x", NULL, NULL),
	    EXIT_CODE_USAGE);
	assert_non_null(strstr(err.message, "\"listen\""));
	config_fini(&config);
	static const char *const strays[] = { "stray", "-x", "--" };
	for (size_t i = 0; i < sizeof(strays) / sizeof(strays[0]); i++) {
		char wanted[64];
		assert_int_equal(
		    read_with(&config, &err, strays[i], NULL, NULL, NULL),
		    EXIT_CODE_USAGE);
		snprintf(wanted, sizeof(wanted), "unexpected argument \"%s\"",
		    strays[i]);
		assert_non_null(strstr(err.message, wanted));
		config_fini(&config);
	}
	assert_int_equal(
	    read_with(&config, &err, "--allow-anonymous", "false", NULL, NULL),
	    EXIT_CODE_USAGE);
	assert_non_null(strstr(err.message, "takes its value as --flag=false"));
	config_fini(&config);
	assert_int_equal(read_with(&config, &err, "--listen", NULL, NULL, NULL),
	    EXIT_CODE_USAGE);
	config_fini(&config);
	assert_int_equal(
	    read_with(&config, &err, "--workers", "many", NULL, NULL),
	    EXIT_CODE_USAGE);
	config_fini(&config);
	setenv("RELAY_WORKERS", "many", 1);
	assert_int_equal(
	    read_with(&config, &err, NULL, NULL, NULL, NULL), EXIT_CODE_CONFIG);
	assert_string_equal(err.where, "RELAY_WORKERS");
	config_fini(&config);
	unsetenv("RELAY_WORKERS");
	assert_int_equal(
	    read_with(&config, &err, "--config", "/nowhere", NULL, NULL),
	    EXIT_CODE_CONFIG);
	config_fini(&config);
}

static void
what_does_not_exist_yet_is_refused_by_name(void **state)
{
	(void)state;
	static const char *const rows[][2] = {
		{ "--commands-shards", "2" },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct config config;
		struct error err;
		assert_int_equal(read_with(&config, &err, rows[i][0],
				     rows[i][1], NULL, NULL),
		    0);
		assert_int_equal(config_check(&config, &err), EXIT_CODE_CONFIG);
		assert_non_null(strstr(err.message, "not yet available"));
		config_fini(&config);
	}
}

static void
a_default_that_is_given_is_accepted(void **state)
{
	(void)state;
	struct config config;
	struct error err;
	assert_int_equal(read_with(&config, &err, "--commands-shards=1",
			     "--auth-leeway-seconds=60",
			     "--auth-tenant-claim=tid", "--auth=off"),
	    0);
	assert_int_equal(config_check(&config, &err), 0);
	config_fini(&config);
}

static void
braces_in_key_names_are_refused(void **state)
{
	(void)state;
	struct config config;
	struct error err;
	read_with(&config, &err, "--redis-prefix={x}:", NULL, NULL, NULL);
	assert_int_equal(config_check(&config, &err), EXIT_CODE_CONFIG);
	assert_string_equal(err.where, "redis_prefix");
	config_fini(&config);
	read_with(&config, &err, "--commands-stream={x}", NULL, NULL, NULL);
	assert_int_equal(config_check(&config, &err), EXIT_CODE_CONFIG);
	assert_string_equal(err.where, "commands.stream");
	config_fini(&config);
}

static void
a_file_has_a_size_that_is_bounded(void **state)
{
	(void)state;
	for (size_t size = 1 << 20; size <= (1 << 20) + 1; size++) {
		struct config config;
		struct error err;
		struct buf text;
		buf_init(&text, 0);
		buf_add_text(&text, "{}");
		while (text.len < size)
			buf_add_char(&text, ' ');
		buf_add_char(&text, '\0');
		assert_int_equal(read_file(&config, &err, text.data),
		    size > 1 << 20 ? EXIT_CODE_CONFIG : 0);
		buf_fini(&text);
		config_fini(&config);
	}
}

static void
a_broken_file_does_not_keep_help_from_answering(void **state)
{
	(void)state;
	struct config config;
	struct error err;
	assert_int_equal(
	    read_with(&config, &err, "--config", "/nowhere", "--help", NULL),
	    0);
	assert_int_equal(config.action, CONFIG_HELP);
	config_fini(&config);
}

static void
modes_are_given_by_endpoint_and_by_type(void **state)
{
	(void)state;
	static const char *const rows[] = {
		"{\"modes\": {\"chat\": {\"error\": \"off\", \"a.b,c\": "
		"\"warn\"}, "
		"\"execution\": \"enforce\"}}",
		"{\"modes\": {}}",
	};
	struct config config;
	struct error err;
	assert_int_equal(read_file(&config, &err, rows[0]), 0);
	assert_int_equal(config.modes.count, 3);
	assert_string_equal(config.modes.items[0], "chat.error=off");
	assert_string_equal(config.modes.items[1], "chat.a.b,c=warn");
	assert_string_equal(config.modes.items[2], "execution=enforce");
	assert_int_equal(config_check(&config, &err), 0);
	config_fini(&config);
	assert_int_equal(read_file(&config, &err, rows[1]), 0);
	assert_int_equal(config.modes.count, 0);
	config_fini(&config);
	assert_int_equal(
	    read_with(&config, &err, "--modes=chat=off,execution.x=warn", NULL,
		NULL, NULL),
	    0);
	assert_int_equal(config.modes.count, 2);
	assert_string_equal(config.modes.items[1], "execution.x=warn");
	config_fini(&config);
}

static void
modes_of_another_shape_are_refused(void **state)
{
	(void)state;
	static const char *const rows[] = {
		"{\"modes\": \"off\"}",
		"{\"modes\": [\"chat=off\"]}",
		"{\"modes\": {\"chat\": 1}}",
		"{\"modes\": {\"chat\": {\"error\": {}}}}",
		"{\"modes\": {\"chat\": [\"error\"]}}",
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct config config;
		struct error err;
		assert_int_equal(
		    read_file(&config, &err, rows[i]), EXIT_CODE_CONFIG);
		assert_non_null(strstr(err.where, "#/modes"));
		config_fini(&config);
	}
}

static void
what_only_a_restart_can_change_is_named(void **state)
{
	(void)state;
	static const char *const rows[][2] = {
		{ "--mode=off", NULL },
		{ "--limits-frame-bytes=2000", NULL },
		{ "--origins=https://a", NULL },
		{ "--modes=chat=off", NULL },
		{ "--contract=/elsewhere", NULL },
		{ "--log-level=debug", NULL },
		{ "--listen=127.0.0.1:1", "listen" },
		{ "--redis=unix:/x", "redis" },
		{ "--workers=2", "workers" },
		{ "--allow-anonymous", "allow_anonymous" },
		{ "--log-format=text", "log.format" },
	};
	struct config before;
	struct error err;
	read_with(&before, &err, NULL, NULL, NULL, NULL);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct config after;
		read_with(&after, &err, rows[i][0], NULL, NULL, NULL);
		const char *key = config_needs_restart(&before, &after);
		if (rows[i][1])
			assert_string_equal(key, rows[i][1]);
		else
			assert_null(key);
		config_fini(&after);
	}
	config_fini(&before);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults_are_those_of_the_table),
		cmocka_unit_test(a_flag_beats_the_environment_beats_the_file),
		cmocka_unit_test(every_way_to_write_a_nested_key_works),
		cmocka_unit_test(a_file_may_hold_comments_and_nests_by_dots),
		cmocka_unit_test(a_switch_in_a_file_is_on_or_off),
		cmocka_unit_test(a_number_may_be_0_where_its_bounds_say_so),
		cmocka_unit_test(a_bad_file_is_refused_where_it_is_bad),
		cmocka_unit_test(
		    usage_errors_are_told_apart_from_config_errors),
		cmocka_unit_test(what_does_not_exist_yet_is_refused_by_name),
		cmocka_unit_test(a_default_that_is_given_is_accepted),
		cmocka_unit_test(braces_in_key_names_are_refused),
		cmocka_unit_test(a_file_has_a_size_that_is_bounded),
		cmocka_unit_test(
		    a_broken_file_does_not_keep_help_from_answering),
		cmocka_unit_test(modes_are_given_by_endpoint_and_by_type),
		cmocka_unit_test(modes_of_another_shape_are_refused),
		cmocka_unit_test(what_only_a_restart_can_change_is_named),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
