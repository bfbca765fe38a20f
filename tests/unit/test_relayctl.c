/* SPDX-License-Identifier: MIT */

/* Runs the program itself: what it prints, and how it ends. */

#include "json.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static char folder[] = "/tmp/relayctl.XXXXXX";
static char out[65536];
static char err[65536];
static struct json_doc doc;

static void
read_back(const char *name, char *into, size_t size)
{
	char path[64];
	snprintf(path, sizeof(path), "%s/%s", folder, name);
	FILE *file = fopen(path, "r");
	size_t got = file ? fread(into, 1, size - 1, file) : 0;
	into[got] = '\0';
	if (file)
		fclose(file);
}

/* Runs `relayctl ARGS` in the folder; returns its exit code. */
static int
run(const char *args)
{
	char line[1024];
	snprintf(line, sizeof(line), "cd %s && { %s/relayctl %s; } >out 2>err",
	    folder, RELAY_BINARY_DIR, args);
	int status = system(line);
	read_back("out", out, sizeof(out));
	read_back("err", err, sizeof(err));
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void
assert_printed(const char *pointer, const char *text)
{
	uint32_t node = 0;
	struct json_limits limits = { .strict_keys = true };
	struct json_fault fault;
	assert_int_equal(json_scan(&doc, view_of(out), &limits, &fault), 0);
	assert_true(json_pointer_get(&doc, view_of(pointer), &node));
	assert_true(view_is(json_text(&doc, node), text));
}

static void
help_and_version_need_nothing(void **state)
{
	(void)state;
	assert_int_equal(run("--help"), 0);
	assert_non_null(strstr(out, "usage: relayctl"));
	assert_non_null(strstr(out, "  json "));
	assert_string_equal(err, "");
	assert_int_equal(run("--version"), 0);
	assert_non_null(strstr(out, "relayctl "));
	assert_int_equal(run("json --help"), 0);
	assert_non_null(strstr(out, "--strict-keys"));
	assert_int_equal(run("--version --json"), 0);
	assert_printed("/ok", "true");
}

static void
wrong_words_are_usage_errors(void **state)
{
	(void)state;
	static const char *const rows[] = { "", "nonsense", "schema",
		"schema nonsense", "json", "json --nonsense a", "json --redis",
		"json --strict-keys=1 a", "token", "dead-letters purge --all",
		"stream replay s f --speed 0", "stream peek s t",
		"contract check --contract c" };
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char args[128];
		assert_int_equal(run(rows[i]), 2);
		assert_string_equal(out, "");
		assert_non_null(strstr(err, "relayctl"));
		snprintf(args, sizeof(args), "%s --json", rows[i]);
		assert_int_equal(run(args), 2);
		assert_printed("/ok", "false");
		assert_string_equal(err, "");
	}
}

static void
a_speed_is_a_number_of_some_size(void **state)
{
	(void)state;
	static const struct {
		const char *speed;
		bool is_good;
	} rows[] = { { "0", false }, { "-1", false }, { "0.5", true },
		{ "999999", true }, { "1e6", false }, { "2x", false },
		{ "fast", false }, { "max", true } };
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char args[64];
		snprintf(args, sizeof(args), "stream replay s f --speed=%s",
		    rows[i].speed);
		assert_int_equal(run(args), 2);
		const char *refused = strstr(err, "--speed: a number above 0");
		assert_int_equal(refused == NULL, rows[i].is_good);
	}
}

static void
a_near_miss_is_named(void **state)
{
	(void)state;
	run("shcema validate");
	assert_non_null(strstr(err, "did you mean relayctl schema validate?"));
	run("jsno a");
	assert_non_null(strstr(err, "did you mean relayctl json?"));
	run("json --strictkeys a");
	assert_non_null(strstr(err, "did you mean --strict-keys?"));
}

static void
what_is_promised_but_missing_says_so(void **state)
{
	(void)state;
	static const char *const commands[] = { "contract diff a b",
		"contract openapi a b --map c", "contract export --asyncapi a",
		"schema compat a b", "diagnose --all", "probe",
		"stream record s", "review --last 1h" };
	char args[64];
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		snprintf(args, sizeof(args), "%s --json", commands[i]);
		assert_int_equal(run(args), 2);
		assert_printed("/error/code", "\"not_available\"");
	}
	assert_int_equal(run("probe"), 2);
	assert_non_null(strstr(err, "not yet available"));
}

static void
an_option_that_nobody_knows_is_a_matter_of_usage(void **state)
{
	(void)state;
	static const char *const rows[] = { "--bogus --json",
		"--json --bogus status", "--redis --json",
		"status --json --relay", "--json --jsn=1" };
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(run(rows[i]), 2);
		assert_printed("/error/code", "\"usage\"");
		assert_string_equal(err, "");
	}
	run("--jsno status");
	assert_non_null(strstr(err, "did you mean --json?"));
}

static void
write_file(const char *name, const char *text)
{
	char path[64];
	snprintf(path, sizeof(path), "%s/%s", folder, name);
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static void
json_judges_each_file(void **state)
{
	(void)state;
	write_file("good", "{\"a\":1,\"a\":2}\n");
	write_file("bad", "[1,]");
	assert_int_equal(run("json good"), 0);
	assert_string_equal(out, "valid\n");
	assert_int_equal(run("json bad"), 1);
	assert_string_equal(out, "invalid at byte 3: unexpected character\n");
	assert_int_equal(run("json good bad"), 1);
	assert_string_equal(out,
	    "good: valid\n"
	    "bad: invalid at byte 3: unexpected character\n");
	assert_int_equal(run("json --strict-keys good"), 1);
	assert_int_equal(run("json - <good"), 0);
	assert_int_equal(run("json -- good"), 0);
	assert_int_equal(run("json good bad missing"), 3);
	assert_int_equal(run("json ."), 3);
}

static void
json_has_an_envelope(void **state)
{
	(void)state;
	write_file("good", "1");
	write_file("bad", "1x");
	assert_int_equal(run("json --json good"), 0);
	assert_printed("",
	    "{\"ok\":true,\"command\":\"json\",\"result\":{\"files\":[{"
	    "\"file\":\"good\",\"verdict\":\"valid\"}],\"valid\":1,"
	    "\"invalid\":0,\"unreadable\":0},\"fix\":[],\"next\":[]}");
	assert_int_equal(run("json good bad gone --json"), 3);
	assert_printed("/ok", "false");
	assert_printed("/result/files/1/offset", "1");
	assert_printed("/result/files/2/verdict", "\"unreadable\"");
	assert_printed("/error/code", "\"unreadable\"");
}

static void
json_has_no_depth_limit(void **state)
{
	(void)state;
	char *deep = malloc(200001);
	memset(deep, '[', 100000);
	memset(deep + 100000, ']', 100000);
	deep[200000] = '\0';
	write_file("deep", deep);
	free(deep);
	assert_int_equal(run("json deep"), 0);
}

static void
a_full_disk_is_no_success(void **state)
{
	(void)state;
	write_file("good", "1");
	assert_int_equal(run("json good >/dev/full"), 3);
}

static int
setup(void **state)
{
	(void)state;
	json_doc_init(&doc);
	return mkdtemp(folder) ? 0 : -1;
}

static int
teardown(void **state)
{
	(void)state;
	char line[64];
	json_doc_fini(&doc);
	snprintf(line, sizeof(line), "rm -r %s", folder);
	return system(line);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(help_and_version_need_nothing),
		cmocka_unit_test(wrong_words_are_usage_errors),
		cmocka_unit_test(a_speed_is_a_number_of_some_size),
		cmocka_unit_test(a_near_miss_is_named),
		cmocka_unit_test(what_is_promised_but_missing_says_so),
		cmocka_unit_test(
		    an_option_that_nobody_knows_is_a_matter_of_usage),
		cmocka_unit_test(json_judges_each_file),
		cmocka_unit_test(json_has_an_envelope),
		cmocka_unit_test(json_has_no_depth_limit),
		cmocka_unit_test(a_full_disk_is_no_success),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
