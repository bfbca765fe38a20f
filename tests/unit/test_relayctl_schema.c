/* SPDX-License-Identifier: MIT */

/* relayctl schema validate, suite and bench, as programs. With
 * JSON_SCHEMA_TEST_SUITE naming a copy of the official suite, all of it. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <cmocka.h>

static char folder[] = "/tmp/relayctl-schema.XXXXXX";
static char out[65536];

/* Runs `relayctl schema ARGS` in the folder; returns its exit code. */
static int
run(const char *args)
{
	char line[1024];
	char path[64];
	snprintf(line, sizeof(line),
	    "cd %s && %s/relayctl schema %s >out 2>err", folder,
	    RELAY_BINARY_DIR, args);
	int status = system(line);
	snprintf(path, sizeof(path), "%s/out", folder);
	FILE *file = fopen(path, "r");
	assert_non_null(file);
	out[fread(out, 1, sizeof(out) - 1, file)] = '\0';
	fclose(file);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
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
validate_prints_a_line_for_each_instance(void **state)
{
	(void)state;
	write_file("s", "{\"properties\":{\"a\":{\"type\":\"integer\"}}}");
	write_file("good", "{\"a\":1}\n\n{\"a\":5.0}\n");
	write_file("bad", "{\"a\":1}\n{\"a\":\"1\"}\n");
	write_file("broken", "{\"a\":1}\n{\"a\"\n");
	assert_int_equal(run("validate --schema s good"), 0);
	assert_string_equal(out, "valid\nvalid\n");
	assert_int_equal(run("validate --schema s <bad"), 1);
	assert_string_equal(
	    out, "valid\ninvalid /a type: expected integer, got string\n");
	assert_int_equal(run("validate --schema s broken"), 3);
	assert_int_equal(run("validate --schema s gone"), 3);
	assert_int_equal(run("validate --schema gone good"), 3);
	assert_int_equal(run("validate good"), 2);
	assert_int_equal(run("validate --schema s --draft 5 good"), 2);
	assert_int_equal(run("validate --json --schema s bad"), 1);
	assert_non_null(strstr(out, "\"pointer\":\"/a\",\"rule\":\"type\""));
}

static void
an_instance_cannot_speak_for_another(void **state)
{
	(void)state;
	write_file("s", "{\"additionalProperties\":{\"type\":\"string\"}}");
	write_file("bad", "{\"a\\nvalid\\u001b[2J\":1}\n");
	assert_int_equal(run("validate --schema s bad"), 1);
	assert_string_equal(out,
	    "invalid /a\xef\xbf\xbdvalid\xef\xbf\xbd[2J type: expected string, "
	    "got number\n");
}

static void
validate_reads_references_from_the_folder_of_the_schema(void **state)
{
	(void)state;
	write_file("a.json", "{\"$ref\":\"b.json#/$defs/x\"}");
	write_file("b.json", "{\"$defs\":{\"x\":{\"$ref\":\"c.json\"}}}");
	write_file("c.json", "{\"type\":\"null\"}");
	write_file("one", "null");
	assert_int_equal(run("validate --schema a.json one"), 0);
	write_file("a.json", "{\"$ref\":\"../b.json\"}");
	assert_int_equal(run("validate --schema a.json one"), 3);
}

static void
references_are_read_from_where_they_stand(void **state)
{
	char path[64];
	(void)state;
	snprintf(path, sizeof(path), "%s/in", folder);
	assert_int_equal(mkdir(path, 0700), 0);
	write_file("a.json", "{\"$ref\":\"in/b.json\"}");
	write_file("in/b.json", "{\"$ref\":\"./c.json#/$defs/x\"}");
	write_file("in/c.json", "{\"$defs\":{\"x\":{\"$ref\":\"../d.json\"}}}");
	write_file("c.json", "{\"$defs\":{\"x\":false}}");
	write_file("d.json", "{\"type\":\"null\"}");
	write_file("one", "null");
	assert_int_equal(run("validate --schema a.json one"), 0);
	write_file("in/b.json", "{\"$ref\":\"x/../../../d.json\"}");
	assert_int_equal(run("validate --schema a.json one"), 3);
}

static void
drafts_and_formats_are_options(void **state)
{
	(void)state;
	write_file("s", "{\"items\":[{\"type\":\"null\"}]}");
	write_file("one", "[0]");
	assert_int_equal(run("validate --schema s --draft 7 one"), 1);
	assert_int_equal(run("validate --schema s --draft 2020-12 one"), 3);
	write_file("s", "{\"format\":\"date\"}");
	write_file("one", "\"soon\"");
	assert_int_equal(run("validate --schema s one"), 0);
	assert_int_equal(run("validate --schema s --format-assertion one"), 1);
}

static void
suite_counts_and_names_failures(void **state)
{
	(void)state;
	char path[64];
	snprintf(path, sizeof(path), "%s/tests", folder);
	assert_int_equal(mkdir(path, 0700), 0);
	snprintf(path, sizeof(path), "%s/remotes", folder);
	assert_int_equal(mkdir(path, 0700), 0);
	write_file("tests/t.json",
	    "[{\"description\":\"g\",\"schema\":{\"$ref\":"
	    "\"http://localhost:1234/r.json\"},\"tests\":["
	    "{\"description\":\"a\",\"data\":null,\"valid\":true},"
	    "{\"description\":\"b\",\"data\":1,\"valid\":true}]}]");
	write_file("remotes/r.json", "{\"type\":\"null\"}");
	assert_int_equal(run("suite tests --remotes remotes"), 1);
	assert_non_null(strstr(out, "\n1 passed, 1 failed\n"));
	assert_non_null(strstr(out, "t.json: \"g\": \"b\""));
	assert_int_equal(run("suite gone"), 3);
	assert_int_equal(run("suite"), 2);
}

static void
bench_tells_the_time_of_each_part(void **state)
{
	(void)state;
	write_file("s", "{\"type\":\"object\"}");
	write_file("many", "{\"a\":1}\n{\"b\":[1,2,3]}\n[]\n");
	assert_int_equal(run("bench --schema s many --json"), 0);
	assert_non_null(strstr(out, "\"instances\":3"));
	assert_non_null(strstr(out, "\"valid\":2"));
	assert_non_null(strstr(out, "\"validate_ns\":"));
	assert_int_equal(run("bench --schema s"), 2);
}

static void
the_official_suite_passes(void **state)
{
	(void)state;
	static const struct {
		const char *args;
		const char *last_line;
	} rows[] = {
		{ "tests/draft2020-12", "1299 passed, 0 failed\n" },
		{ "tests/draft7 --draft 7", "927 passed, 0 failed\n" },
		{ "tests/draft2020-12/optional", "162 passed, 0 failed\n" },
		{ "tests/draft2020-12/optional/format --format-assertion",
		    "764 passed, 0 failed\n" },
	};
	const char *suite = getenv("JSON_SCHEMA_TEST_SUITE");
	if (!suite) {
		print_message("skipped: JSON_SCHEMA_TEST_SUITE is not set\n");
		skip();
	}
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char args[512];
		snprintf(
		    args, sizeof(args), "suite %s/%s", suite, rows[i].args);
		int status = run(args);
		if (status != 0 || !strstr(out, rows[i].last_line))
			fail_msg("%s: exit code %d: %.2000s", rows[i].args,
			    status, out);
	}
}

static int
setup(void **state)
{
	(void)state;
	return mkdtemp(folder) ? 0 : -1;
}

static int
teardown(void **state)
{
	(void)state;
	char line[64];
	snprintf(line, sizeof(line), "rm -r %s", folder);
	return system(line);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(validate_prints_a_line_for_each_instance),
		cmocka_unit_test(an_instance_cannot_speak_for_another),
		cmocka_unit_test(
		    validate_reads_references_from_the_folder_of_the_schema),
		cmocka_unit_test(references_are_read_from_where_they_stand),
		cmocka_unit_test(drafts_and_formats_are_options),
		cmocka_unit_test(suite_counts_and_names_failures),
		cmocka_unit_test(bench_tells_the_time_of_each_part),
		cmocka_unit_test(the_official_suite_passes),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
