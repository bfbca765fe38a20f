/* SPDX-License-Identifier: MIT */
#include "report_helper.h"

static void
text_shows_the_place_the_mark_and_what_to_do(void **state)
{
	(void)state;
	char *text = report_one(REPORT_TEXT, &enum_finding);
	assert_line(text,
	    "frames.ndjson:12:41: error: /step/type is not one of the values "
	    "that are allowed\n");
	const char *mark = strstr(text, "^^^^^^^^^^^^^\n");
	const char *value = strstr(text, "\"turn_inputs\"");
	assert_non_null(mark);
	assert_non_null(value);
	/* The line is cut on the left: a "…" of three bytes stands there. */
	const char *line = strstr(text, "   | ");
	const char *mark_line = strstr(line + 1, "   | ");
	assert_int_equal(value - line - 2, mark - mark_line);
	assert_line(text, "   expected  one of \"llm\", \"tool\"\n");
	assert_line(text, "   got       another string\n");
	assert_line(text,
	    "   to do     Send one of \"llm\", \"tool\" there, or add the "
	    "value "
	    "to the contract. Did you mean \"tool\"?\n");
	assert_line(
	    text, "contract check: 1 error in 120 frames (fleet-rlm/3)\n");
	free(text);
}

static void
an_offset_marks_one_byte_of_what_is_not_json(void **state)
{
	(void)state;
	const struct finding finding = { .source = "x.ndjson",
		.line = 3,
		.rule = "invalid_json",
		.text = view_of("{\"a\":01}"),
		.has_offset = true,
		.offset = 6 };
	char *text = report_one(REPORT_TEXT, &finding);
	assert_line(text, "x.ndjson:3:7: error: the frame is not JSON\n");
	assert_line(text, "   | {\"a\":01}\n   |       ^\n");
	free(text);
}

static void
a_finding_in_a_file_is_told_its_own_line(void **state)
{
	(void)state;
	const struct finding finding = { .source = "a.schema.json",
		.line = 1,
		.pointer = "/properties/b",
		.rule = "additionalProperties",
		.text =
		    view_of("{\n  \"properties\": {\n    \"b\": 1\n  }\n}\n") };
	char *text = report_one(REPORT_TEXT, &finding);
	assert_line(text, "a.schema.json:3:5: error: /properties/b ");
	assert_line(text, "   |     \"b\": 1\n   |     ^^^\n");
	assert_line(text, "Leave out \"b\"");
	free(text);
}

static void
a_member_that_is_missing_marks_the_object_that_lacks_it(void **state)
{
	(void)state;
	const struct finding finding = { .source = "f",
		.line = 1,
		.pointer = "/data",
		.rule = "required",
		.expected = "timestamp",
		.text = view_of("{\"data\":{\"a\":1}}") };
	char *text = report_one(REPORT_TEXT, &finding);
	assert_line(text, "   | {\"data\":{\"a\":1}}\n   |  ^^^^^^\n");
	assert_line(text, "Add the member \"timestamp\".");
	free(text);
}

static void
no_control_character_reaches_a_terminal(void **state)
{
	(void)state;
	char *text = report_one(REPORT_TEXT, &hostile_finding);
	for (const char *p = text; *p; p++)
		assert_true((unsigned char)*p >= ' ' || *p == '\n');
	assert_null(strstr(text, "\x7f"));
	assert_true(strstr(text, "\xef\xbf\xbd") != NULL);
	free(text);
}

static void
json_has_the_members_of_the_wire(void **state)
{
	(void)state;
	char *text = report_one(REPORT_JSON, &enum_finding);
	scan(text);
	assert_json("/findings/0/source", "\"frames.ndjson\"");
	assert_json("/findings/0/line", "12");
	assert_json("/findings/0/column", "41");
	assert_json("/findings/0/type", "\"execution_step\"");
	assert_json("/findings/0/pointer", "\"/step/type\"");
	assert_json("/findings/0/rule", "\"enum\"");
	assert_json("/findings/0/got", "\"another string\"");
	assert_json("/errors", "1");
	assert_json("/checked", "120");
	assert_json("/omitted", "0");
	free(text);
	text = report_one(REPORT_JSON, &hostile_finding);
	scan(text);
	assert_json("/findings/0/direction", "\"server\"");
	assert_json("/findings/0/count", "7");
	assert_json("/findings/0/first_seen", "1780142402125");
	assert_json("/findings/0/sample/type", "\"string\"");
	assert_json("/warnings", "1");
	free(text);
	text = report_of(REPORT_JSON, NULL, 0);
	scan(text);
	assert_json("/findings", "[]");
	free(text);
}

static void
an_output_with_a_bound_counts_what_it_leaves_out(void **state)
{
	(void)state;
	struct buf out, text, markdown;
	struct report *report = report_new(&options);
	buf_init(&out, 0);
	buf_init(&text, 0);
	buf_init(&markdown, 0);
	report_to(report, REPORT_JSON, 2, write_to_buf, &out);
	report_to(report, REPORT_TEXT, 2, write_to_buf, &text);
	report_to(report, REPORT_MARKDOWN, 5, write_to_buf, &markdown);
	for (int i = 0; i < 5; i++)
		report_add(report, &enum_finding);
	report_end(report, 5);
	report_free(&report);
	buf_add_char(&out, '\0');
	scan(out.data);
	assert_json("/omitted", "3");
	assert_json("/errors", "5");
	assert_json("/findings/1/line", "12");
	uint32_t node = 0;
	assert_false(json_pointer_get(&doc, view_of("/findings/2"), &node));
	buf_add_char(&text, '\0');
	assert_non_null(strstr(text.data, "\n3 more are not shown\n"));
	buf_add_char(&markdown, '\0');
	assert_null(strstr(markdown.data, " more\n"));
	buf_fini(&markdown);
	buf_fini(&text);
	buf_fini(&out);
}

static void
the_fingerprint_knows_what_it_is_about_and_no_prose(void **state)
{
	(void)state;
	char base[33], other[33];
	struct finding finding = enum_finding;
	report_fingerprint(&finding, base);
	finding.hint = "another sentence";
	finding.expected = "other words";
	finding.line = 99;
	finding.source = "elsewhere";
	report_fingerprint(&finding, other);
	assert_string_equal(base, other);
	finding.pointer = "/step/kind";
	report_fingerprint(&finding, other);
	assert_string_not_equal(base, other);
	finding = enum_finding;
	finding.rule = "type";
	report_fingerprint(&finding, other);
	assert_string_not_equal(base, other);
	finding = enum_finding;
	finding.type = "execution_started";
	report_fingerprint(&finding, other);
	assert_string_not_equal(base, other);
	finding = enum_finding;
	finding.traffic = &traffic;
	report_fingerprint(&finding, other);
	assert_string_not_equal(base, other);
}

static void
the_fingerprint_does_not_count_items(void **state)
{
	(void)state;
	char first[33], second[33];
	struct finding finding = enum_finding;
	finding.pointer = "/a/3/b";
	report_fingerprint(&finding, first);
	finding.pointer = "/a/14/b";
	report_fingerprint(&finding, second);
	assert_string_equal(first, second);
	finding.pointer = "/a/x/b";
	report_fingerprint(&finding, second);
	assert_string_not_equal(first, second);
}

static void
two_missing_members_of_one_object_are_two_findings(void **state)
{
	(void)state;
	char first[33], second[33];
	struct finding finding = enum_finding;
	finding.rule = "required";
	finding.expected = "timestamp";
	report_fingerprint(&finding, first);
	finding.expected = "version";
	report_fingerprint(&finding, second);
	assert_string_not_equal(first, second);
}

static void
every_format_has_a_name_and_is_found_by_it(void **state)
{
	(void)state;
	for (int i = 0; i < REPORT_FORMAT_COUNT; i++) {
		const char *name = report_format_name((enum report_format)i);
		assert_int_equal(report_format_find(view_of(name)), i);
	}
	assert_int_equal(report_format_find(view_of("xml")), -1);
	assert_int_equal(report_format_find(view_of("")), -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_shows_the_place_the_mark_and_what_to_do),
		cmocka_unit_test(an_offset_marks_one_byte_of_what_is_not_json),
		cmocka_unit_test(a_finding_in_a_file_is_told_its_own_line),
		cmocka_unit_test(
		    a_member_that_is_missing_marks_the_object_that_lacks_it),
		cmocka_unit_test(no_control_character_reaches_a_terminal),
		cmocka_unit_test(json_has_the_members_of_the_wire),
		cmocka_unit_test(
		    an_output_with_a_bound_counts_what_it_leaves_out),
		cmocka_unit_test(
		    the_fingerprint_knows_what_it_is_about_and_no_prose),
		cmocka_unit_test(the_fingerprint_does_not_count_items),
		cmocka_unit_test(
		    two_missing_members_of_one_object_are_two_findings),
		cmocka_unit_test(every_format_has_a_name_and_is_found_by_it),
	};
	json_doc_init(&doc);
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	json_doc_fini(&doc);
	return failed;
}
