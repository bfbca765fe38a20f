/* SPDX-License-Identifier: MIT */
#include "report_helper.h"

#include "xml_check.h"

#include <stdlib.h>

static void
github_gets_one_command_a_line_whatever_the_texts(void **state)
{
	(void)state;
	char *text = report_one(REPORT_GITHUB, &enum_finding);
	assert_line(text,
	    "::error file=frames.ndjson,line=12,col=41,endColumn=54,"
	    "title=contract check%3A enum::execution_step: /step/type is not");
	free(text);
	text = report_one(REPORT_GITHUB, &hostile_finding);
	assert_true(
	    strncmp(text, "::warning file=a%3A%3Ab%2Cc%250A%0D%0A", 38) == 0);
	/* One line for the finding, one for the count. */
	const char *newline = strchr(text, '\n');
	assert_true(
	    strncmp(newline, "\n::notice title=contract check::", 31) == 0);
	assert_string_equal(strchr(newline + 1, '\n'), "\n");
	/* Properties end at the first "::" behind the command. */
	const char *message = strstr(text + 2, "::");
	assert_true(strncmp(message - 4, "enum", 4) == 0);
	free(text);
}

static void
github_keeps_ten_errors_ten_warnings_and_the_count(void **state)
{
	(void)state;
	const struct finding *findings[60];
	size_t lines = 0;
	struct finding note = enum_finding;
	note.level = FINDING_NOTE;
	for (size_t i = 0; i < 60; i++)
		findings[i] = i % 3 == 0 ? &hostile_finding
		    : i % 3 == 1         ? &enum_finding
					 : &note;
	char *text = report_of(REPORT_GITHUB, findings, 60);
	for (const char *p = text; *p; p++)
		lines += *p == '\n';
	assert_int_equal(lines, 10 + 10 + 9 + 1);
	assert_true(strncmp(text, "::error", 7) == 0);
	assert_line(text, "::20 errors, 20 warnings, 20 notes in 120 frames\n");
	free(text);
}

struct suites {
	uint64_t suites, tests, failures, cases, failed, skipped;
};

static uint64_t
number(struct view text)
{
	char copy[24] = { 0 };
	assert_true(text.data && text.len < sizeof(copy));
	memcpy(copy, text.data, text.len);
	return strtoull(copy, NULL, 10);
}

static void
count_tag(void *arg, struct view name, struct view attributes)
{
	struct suites *suites = arg;
	if (view_is(name, "testsuite")) {
		suites->suites++;
		suites->tests += number(xml_attribute(attributes, "tests"));
		suites->failures +=
		    number(xml_attribute(attributes, "failures"));
	}
	suites->failed += view_is(name, "failure");
	if (!view_is(name, "testcase"))
		return;
	suites->cases++;
	assert_non_null(xml_attribute(attributes, "name").data);
	assert_non_null(xml_attribute(attributes, "classname").data);
}

static void
junit_is_xml_and_its_counts_are_true(void **state)
{
	(void)state;
	const struct finding *findings[800];
	for (size_t i = 0; i < 800; i++)
		findings[i] = i % 2 ? &hostile_finding : &enum_finding;
	static const size_t counts[] = { 0, 1, 2, 800 };
	for (size_t i = 0; i < 4; i++) {
		struct suites suites = { 0 };
		char *text = report_of(REPORT_JUNIT, findings, counts[i]);
		const char *problem =
		    xml_check(view_of(text), count_tag, &suites);
		if (problem)
			fail_msg("%s in:\n%.800s", problem, text);
		assert_int_equal(suites.cases, counts[i] + 1);
		assert_int_equal(suites.tests, suites.cases);
		assert_int_equal(suites.failed, (counts[i] + 1) / 2);
		assert_int_equal(suites.failures, suites.failed);
		if (counts[i] == 800)
			assert_true(suites.suites > 1);
		else
			assert_int_equal(suites.suites, 1);
		free(text);
	}
}

static char *
read_file(const char *path)
{
	FILE *file = fopen(path, "r");
	assert_non_null(file);
	char *text = calloc(1, 65536);
	assert_true(fread(text, 1, 65535, file) > 0);
	fclose(file);
	return text;
}

static void
sarif_is_valid_under_its_schema(void **state)
{
	(void)state;
	const struct schema_options asserting = { .format_assertion = true };
	struct error err = { 0 };
	struct violation found[4];
	struct finding bare = { .rule = "some_rule" };
	const struct finding *rows[] = { &enum_finding, &hostile_finding,
		&bare };
	char *schema_text =
	    read_file(RELAY_SOURCE_DIR "/tests/data/sarif.schema.json");
	struct schema *schema = compile_text(schema_text, &asserting, &err);
	if (!schema)
		fail_msg("%s: %s", err.where, err.message);
	for (size_t count = 0; count <= 3; count++) {
		char *text = report_of(REPORT_SARIF, rows, count);
		if (explain_text(schema, text, found, 4) > 0)
			fail_msg("%s: %s, got %s\n%s", found[0].pointer,
			    found[0].expected, found[0].got, text);
		free(text);
	}
	schema_free(&schema);
	free(schema_text);
}

static void
sarif_names_rule_place_and_fingerprint(void **state)
{
	(void)state;
	char *text = report_one(REPORT_SARIF, &enum_finding);
	scan(text);
	assert_json("/version", "\"2.1.0\"");
	assert_json("/runs/0/results/0/ruleId", "\"enum\"");
	assert_json("/runs/0/results/0/locations/0/physicalLocation/region",
	    "{\"startLine\":12,\"startColumn\":41,\"endColumn\":54}");
	assert_json("/runs/0/tool/driver/rules/0/id", "\"enum\"");
	uint32_t node = 0;
	assert_true(json_pointer_get(&doc,
	    view_of("/runs/0/results/0/partialFingerprints/relayFinding~1v1"),
	    &node));
	assert_int_equal(json_text(&doc, node).len, 34);
	free(text);
}

static void
markdown_cannot_be_broken_out_of(void **state)
{
	(void)state;
	char *text = report_one(REPORT_MARKDOWN, &hostile_finding);
	for (const char *p = text; *p; p++)
		assert_true((unsigned char)*p >= ' ' || *p == '\n');
	/* Each line is one of ours. */
	for (const char *line = text; *line; line = strchr(line, '\n') + 1)
		assert_true(strncmp(line, "## ", 3) == 0 || *line == '\n' ||
		    strncmp(line, "- **", 4) == 0 ||
		    strncmp(line, "  - ", 4) == 0 ||
		    strncmp(line, "**1 warning", 11) == 0);
	/* The longest run of backticks within is two: the fence has three. */
	assert_line(text, "  - expected: ``` a::b");
	free(text);
	text = report_one(REPORT_MARKDOWN, &enum_finding);
	assert_line(text,
	    "- **error** `frames.ndjson:12:41`: `/step/type` is not one of");
	assert_line(text, "**1 error in 120 frames**\n");
	free(text);
}

static void
what_traffic_showed_is_told_in_every_format(void **state)
{
	(void)state;
	struct finding_traffic seen = traffic;
	struct finding finding = enum_finding;
	seen.producer = "agent";
	finding.traffic = &seen;
	static const char expected[] =
	    "expected one of \\\"llm\\\", \\\"tool\\\", got another string. ";
	static const struct {
		enum report_format format;
		const char *line;
	} rows[] = {
		{ REPORT_TEXT, "\n   nearest   output\n" },
		{ REPORT_TEXT, "\n   producer  agent\n" },
		{ REPORT_GITHUB,
		    ": expected one of \"llm\", \"tool\", got another string "
		    "(7 times). Send " },
		{ REPORT_JUNIT,
		    "; expected one of &quot;llm&quot;, &quot;tool&quot;; "
		    "got another string. Send " },
		{ REPORT_SARIF, expected },
		{ REPORT_SARIF,
		    ",\"seen\":\"turn_inputs\",\"nearest\":\"output\"," },
		{ REPORT_MARKDOWN, "\n  - nearest declared: `output`\n" },
		{ REPORT_MARKDOWN,
		    "\n  - 7 times in server frames of endpoint `chat`, first "
		    "2026-05-30T12:00:02.125Z, last "
		    "2026-05-30T12:00:03.000Z\n" },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char *text = report_one(rows[i].format, &finding);
		assert_line(text, rows[i].line);
		free(text);
	}
}

static void
what_is_not_known_of_traffic_is_left_out(void **state)
{
	(void)state;
	const struct finding_traffic seen = {
		.direction = "client", .endpoint = "chat", .count = 1
	};
	const struct finding finding = {
		.pointer = "/a", .rule = "some_rule", .traffic = &seen
	};
	char *text = report_one(REPORT_MARKDOWN, &finding);
	assert_line(text, "\n  - 1 time in client frames of endpoint `chat`\n");
	assert_null(strstr(text, "to do"));
	assert_null(strstr(text, "nearest"));
	free(text);
	text = report_one(REPORT_GITHUB, &finding);
	assert_line(text, "::/a breaks the rule some_rule (1 time).");
	free(text);
	text = report_one(REPORT_JUNIT, &finding);
	assert_null(strstr(text, "; expected"));
	assert_null(strstr(text, "; got"));
	free(text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    github_gets_one_command_a_line_whatever_the_texts),
		cmocka_unit_test(
		    github_keeps_ten_errors_ten_warnings_and_the_count),
		cmocka_unit_test(junit_is_xml_and_its_counts_are_true),
		cmocka_unit_test(sarif_is_valid_under_its_schema),
		cmocka_unit_test(sarif_names_rule_place_and_fingerprint),
		cmocka_unit_test(what_traffic_showed_is_told_in_every_format),
		cmocka_unit_test(what_is_not_known_of_traffic_is_left_out),
		cmocka_unit_test(markdown_cannot_be_broken_out_of),
	};
	json_doc_init(&doc);
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	json_doc_fini(&doc);
	return failed;
}
