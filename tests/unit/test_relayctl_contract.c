/* SPDX-License-Identifier: MIT */

/* relayctl contract lint and check, as the program: output and exit codes. */

#include "json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define BUNDLED RELAY_SOURCE_DIR "/schemas/fleet-rlm/3"
#define RUN     RELAY_SOURCE_DIR "/tests/data/run.ndjson"

static char folder[] = "/tmp/relayctl-contract.XXXXXX";
static char out[65536];
static struct json_doc doc;

/* Runs `relayctl contract ARGS` in the folder; returns its exit code. */
static int
run(const char *args)
{
	char line[1024];
	snprintf(line, sizeof(line), "cd %s && %s/relayctl contract %s 2>&1",
	    folder, RELAY_BINARY_DIR, args);
	FILE *pipe = popen(line, "r");
	assert_non_null(pipe);
	size_t got = fread(out, 1, sizeof(out) - 1, pipe);
	out[got] = '\0';
	int status = pclose(pipe);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void
assert_json(const char *pointer, const char *text)
{
	uint32_t node = 0;
	struct json_limits limits = { .strict_keys = true };
	struct json_fault fault;
	assert_int_equal(json_scan(&doc, view_of(out), &limits, &fault), 0);
	if (!json_pointer_get(&doc, view_of(pointer), &node) ||
	    !view_is(json_text(&doc, node), text))
		fail_msg("%s is not %s in %s", pointer, text, out);
}

static void
write_frames(const char *text)
{
	char path[64];
	snprintf(path, sizeof(path), "%s/f.ndjson", folder);
	FILE *file = fopen(path, "we");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
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
	char path[64];
	(void)state;
	snprintf(path, sizeof(path), "%s/f.ndjson", folder);
	remove(path);
	snprintf(path, sizeof(path), "%s/names", folder);
	remove(path);
	rmdir(folder);
	json_doc_fini(&doc);
	return 0;
}

static void
lint_accepts_the_bundled_contract(void **state)
{
	(void)state;
	assert_int_equal(run("lint " BUNDLED), 0);
	assert_non_null(strstr(out, "fleet-rlm/3"));
	assert_non_null(strstr(out, "0 findings"));
	assert_int_equal(run("lint --json " BUNDLED), 0);
	assert_json("/ok", "true");
	assert_json("/result/findings", "[]");
	assert_json("/result/contract/name", "\"fleet-rlm\"");
}

static void
lint_says_what_is_wrong_and_where(void **state)
{
	(void)state;
	assert_int_equal(run("lint --json /nowhere"), 3);
	assert_json("/ok", "false");
	assert_json("/result/findings/0/source", "\"/nowhere\"");
	assert_json("/result/findings/0/rule", "\"load\"");
	assert_json("/result/contract", "null");
	assert_int_equal(run("lint /nowhere"), 3);
	assert_non_null(strstr(out, "/nowhere: error: the file cannot be"));
	assert_non_null(strstr(out, "is no folder"));
}

static void
check_takes_the_recorded_run(void **state)
{
	(void)state;
	assert_int_equal(run("check --contract " BUNDLED " --frames " RUN), 0);
	assert_non_null(strstr(out, "no findings in "));
	assert_int_equal(run("check --contract " BUNDLED " --endpoint chat "
			     "--direction server --frames=" RUN " --json"),
	    0);
	assert_json("/result/invalid", "0");
}

static void
a_finding_names_line_type_pointer_and_rule(void **state)
{
	(void)state;
	write_frames("{\"type\":\"cancel\"}\n\n"
		     "{\"type\":\"cancel\",\"sesion_id\":\"x\"}\n"
		     "{\"type\":\"execution_stepp\"}\n"
		     "{\"type\":\n"
		     "{\"type\":\"error\",\"message\":\"m\",\"cursor\":1}\n"
		     "{\"type\":\"relay.live\"}\n"
		     "{\"type\":\"message\",\"content\":\" \"}");
	assert_int_equal(
	    run("check --json --contract " BUNDLED " --frames f.ndjson"), 1);
	assert_json("/result/frames", "7");
	assert_json("/result/invalid", "6");
	assert_json("/result/findings/0/source", "\"f.ndjson\"");
	assert_json("/result/findings/0/line", "3");
	assert_json("/result/findings/0/type", "\"cancel\"");
	assert_json("/result/findings/0/pointer", "\"/sesion_id\"");
	assert_json("/result/findings/0/rule", "\"additionalProperties\"");
	assert_json(
	    "/result/findings/0/hint", "\"did you mean \\\"session_id\\\"?\"");
	assert_json("/result/findings/1/rule", "\"enum\"");
	assert_json("/result/findings/1/hint",
	    "\"did you mean \\\"execution_step\\\"?\"");
	assert_json("/result/findings/2/rule", "\"json\"");
	assert_json("/result/findings/2/line", "5");
	assert_json(
	    "/result/findings/2/expected", "\"one JSON object (RFC 8259)\"");
	assert_json("/result/findings/3/pointer", "\"/cursor\"");
	assert_json("/result/findings/3/rule", "\"reserved\"");
	assert_json("/result/findings/4/rule", "\"reserved\"");
	assert_json("/result/findings/5/code",
	    "\"websocket_message_content_required\"");
	assert_int_equal(
	    run("check --contract " BUNDLED " --frames f.ndjson"), 1);
	assert_non_null(strstr(out, "f.ndjson:3:18: error: /sesion_id is a"));
	assert_non_null(strstr(out, "   |                  ^^^^^^^^^^^\n"));
	assert_non_null(strstr(out, "Did you mean \"session_id\"?"));
	assert_non_null(strstr(out, "warning in 7 frames"));
}

static void
only_the_sides_asked_for_count(void **state)
{
	(void)state;
	write_frames("{\"type\":\"error\",\"message\":\"m\"}\n");
	assert_int_equal(run("check --contract " BUNDLED " --frames f.ndjson"
			     " --endpoint chat"),
	    0);
	assert_int_equal(run("check --contract " BUNDLED " --frames f.ndjson"
			     " --endpoint execution"),
	    1);
	assert_int_equal(run("check --contract " BUNDLED " --frames f.ndjson"
			     " --direction client"),
	    1);
	write_frames("{\"type\":\"cancel\"}\n");
	assert_int_equal(run("check --json --contract " BUNDLED
			     " --frames f.ndjson --endpoint execution "
			     "--direction client"),
	    1);
	assert_json("/result/findings/0/rule", "\"direction\"");
}

#define OTHER RELAY_SOURCE_DIR "/tests/data/contract-other"

static void
names_are_those_that_were_kept(void **state)
{
	(void)state;
	assert_int_equal(run("export " OTHER
			     " --names > names && diff names " OTHER ".names"),
	    0);
	assert_string_equal(out, "");
	assert_int_equal(run("export --names --json " BUNDLED), 0);
	assert_json("/result/contract/version", "\"3\"");
	assert_json("/result/endpoints/0/name", "\"chat\"");
	assert_json("/result/endpoints/0/client/messages/0/type", "\"cancel\"");
	assert_json("/result/endpoints/0/client/messages/0/members/11",
	    "{\"pointer\":\"/trace_mode\",\"required\":false,"
	    "\"types\":[\"null\",\"string\"],"
	    "\"values\":[null,\"compact\",\"off\",\"verbose\"]}");
	assert_json("/result/endpoints/0/client/messages/2/flags",
	    "[\"dedup\",\"creates_session\"]");
	assert_json("/result/endpoints/1/client", "null");
}

static void
names_do_not_depend_on_how_the_folder_is_written(void **state)
{
	(void)state;
	assert_int_equal(
	    run("export " OTHER " --names > names && cp -r " OTHER " copy && "
		"for f in copy/*.json copy/*/*.json; do python3 -c \"import "
		"json,sys; d = json.load(open('$f')); json.dump(d, open('$f', "
		"'w'), indent=7, sort_keys=True)\"; done && " RELAY_BINARY_DIR
		"/relayctl contract export --names copy | diff names - && "
		"rm -r copy names"),
	    0);
}

static void
wrong_words_and_files_have_their_exit_codes(void **state)
{
	(void)state;
	static const struct {
		const char *args;
		int code;
	} rows[] = {
		{ "lint", 2 },
		{ "lint a b", 2 },
		{ "export " BUNDLED, 2 },
		{ "export --names", 2 },
		{ "export --asyncapi " BUNDLED, 2 },
		{ "export --names /nowhere", 3 },
		{ "check --frames f.ndjson", 2 },
		{ "check --contract " BUNDLED, 2 },
		{ "check --contract " BUNDLED " f.ndjson", 2 },
		{ "check --contract " BUNDLED " --frames " RUN " none", 3 },
		{ "check --contract " BUNDLED " --frames " RUN " " RUN, 0 },
		{ "check --contract " BUNDLED " --frames f --stream s", 2 },
		{ "check --contract " BUNDLED " --frames f --last 1", 2 },
		{ "check --contract " BUNDLED " --stream s --last x", 2 },
		{ "check --contract " BUNDLED " --frames " RUN
		  " --endpoint chatt",
		    2 },
		{ "check --contract " BUNDLED " --frames " RUN
		  " --direction up",
		    2 },
		{ "check --contract " BUNDLED " --stream s --direction client",
		    2 },
		{ "check --contract " BUNDLED " --frames none.ndjson", 3 },
		{ "check --contract /nowhere --frames " RUN, 3 },
		{ "check --redis unix:/nowhere --contract " BUNDLED
		  " --stream s",
		    4 },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int code = run(rows[i].args);
		if (code != rows[i].code)
			fail_msg("%s: %d\n%s", rows[i].args, code, out);
	}
	run("check --frames f.ndjson");
	assert_non_null(
	    strstr(out, "usage: relayctl contract check --contract"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lint_accepts_the_bundled_contract),
		cmocka_unit_test(lint_says_what_is_wrong_and_where),
		cmocka_unit_test(check_takes_the_recorded_run),
		cmocka_unit_test(a_finding_names_line_type_pointer_and_rule),
		cmocka_unit_test(only_the_sides_asked_for_count),
		cmocka_unit_test(names_are_those_that_were_kept),
		cmocka_unit_test(
		    names_do_not_depend_on_how_the_folder_is_written),
		cmocka_unit_test(wrong_words_and_files_have_their_exit_codes),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
