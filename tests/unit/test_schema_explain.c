/* SPDX-License-Identifier: MIT */
#include "schema_helper.h"

#define EVENT(type, body)                                               \
	"{\"type\":\"object\",\"required\":[\"type\"],\"properties\":{" \
	"\"type\":{\"const\":\"" type "\"}," body "}}"

static const char union_schema[] =
    "{\"oneOf\":[" EVENT("start", "\"at\":{\"type\":\"integer\"}") "," EVENT(
	"stop", "\"why\":{\"type\":\"string\"}") "]}";

static struct violation
only_violation(const char *schema_text, const char *text)
{
	struct error err = { 0 };
	struct violation violations[4];
	struct schema *schema = compile_text(schema_text, NULL, &err);
	assert_non_null(schema);
	assert_int_equal(explain_text(schema, text, violations, 4), 1);
	violations[0].refusal = NULL;
	schema_free(&schema);
	return violations[0];
}

static void
a_value_that_is_no_whole_number_is_told(void **state)
{
	(void)state;
	struct violation found = only_violation("{\"const\":0.50}", "0.25");
	assert_string_equal(found.expected, "0.5");
	found = only_violation("{\"enum\":[-7,1e30,-12.5]}", "1");
	assert_string_equal(found.expected, "one of -7, 1e30, -12.5");
}

static void
a_union_is_explained_by_the_branch_its_type_selects(void **state)
{
	(void)state;
	struct violation found = only_violation(
	    union_schema, "{\"type\":\"start\",\"at\":\"noon\"}");
	assert_string_equal(found.pointer, "/at");
	assert_string_equal(found.rule, "type");
	assert_string_equal(found.expected, "integer");
	assert_string_equal(found.got, "string");
}

static void
a_union_names_the_nearest_type(void **state)
{
	(void)state;
	struct violation found =
	    only_violation(union_schema, "{\"type\":\"strat\"}");
	assert_string_equal(found.pointer, "/type");
	assert_string_equal(found.rule, "enum");
	assert_string_equal(found.expected, "one of \"start\", \"stop\"");
	assert_string_equal(found.hint, "did you mean \"start\"?");
}

static void
a_union_without_its_type_misses_it(void **state)
{
	(void)state;
	struct violation found = only_violation(union_schema, "{\"at\":1}");
	assert_string_equal(found.pointer, "");
	assert_string_equal(found.rule, "required");
	assert_string_equal(found.expected, "type");
}

static void
a_misspelt_member_is_told_the_nearest_name(void **state)
{
	(void)state;
	struct violation found =
	    only_violation("{\"properties\":{\"repo_url\":true,\"ref\":true},"
			   "\"additionalProperties\":false}",
		"{\"repoUrl\":1}");
	assert_string_equal(found.pointer, "/repoUrl");
	assert_string_equal(found.rule, "additionalProperties");
	assert_string_equal(found.hint, "did you mean \"repo_url\"?");
}

static void
a_name_that_is_near_to_nothing_gets_no_hint(void **state)
{
	(void)state;
	static const char schema[] = "{\"required\":[\"repo_url\"],"
				     "\"properties\":{\"repo_url\":true}}";
	struct violation found = only_violation(schema, "{\"repoUrl\":1}");
	assert_string_equal(found.rule, "required");
	assert_string_equal(found.hint, "is it \"repoUrl\" that is meant?");
	found = only_violation(schema, "{\"colour\":1}");
	assert_string_equal(found.rule, "required");
	assert_string_equal(found.hint, "");
}

static void
what_fits_several_of_one_is_told_so(void **state)
{
	(void)state;
	struct violation found = only_violation(
	    "{\"oneOf\":[{\"type\":\"integer\"},{\"minimum\":2}]}", "3");
	assert_string_equal(found.rule, "oneOf");
	assert_string_equal(found.expected, "exactly one of 2 alternatives");
	assert_string_equal(found.got, "a value that fits several");
}

static void
what_fits_none_is_told_what_would(void **state)
{
	(void)state;
	struct violation found = only_violation(
	    "{\"anyOf\":[{\"type\":\"string\"},{\"type\":\"null\"}]}", "1");
	assert_string_equal(found.rule, "anyOf");
	assert_string_equal(found.expected, "string or null");
	assert_string_equal(found.got, "number");
	found = only_violation("{\"enum\":[\"a\",[1],{\"b\":1}]}", "5");
	assert_string_equal(found.rule, "enum");
	assert_string_equal(
	    found.expected, "one of \"a\", 2 arrays or objects");
	found = only_violation("{\"enum\":[1,-2,true,null]}", "5");
	assert_string_equal(found.expected, "one of null, true, 1, -2");
	found = only_violation("{\"enum\":[1]}", "5");
	assert_string_equal(found.expected, "1");
}

static void
the_innermost_refusal_of_the_author_is_reported_in_schema_order(void **state)
{
	(void)state;
	static const char text[] =
	    "{\"x-error\":{\"message\":\"outer\"},\"allOf\":["
	    "{\"x-error\":{\"code\":\"first\",\"message\":\"no a\"},"
	    " \"not\":{\"required\":[\"a\"]}},"
	    "{\"required\":[\"b\"]}]}";
	struct error err = { 0 };
	struct violation found[4];
	struct schema *schema = compile_text(text, NULL, &err);
	assert_non_null(schema);
	assert_int_equal(explain_text(schema, "{\"a\":1}", found, 4), 2);
	assert_string_equal(found[0].refusal->code, "first");
	assert_string_equal(found[0].refusal->message, "no a");
	assert_null(found[1].refusal->code);
	assert_string_equal(found[1].refusal->message, "outer");
	schema_free(&schema);
}

static void
a_refusal_may_have_no_code(void **state)
{
	(void)state;
	struct error err = { 0 };
	struct violation found[1];
	struct schema *schema =
	    compile_text("{\"x-error\":{\"code\":null,"
			 "\"message\":\"m\"},\"minimum\":2}",
		NULL, &err);
	assert_non_null(schema);
	assert_int_equal(explain_text(schema, "1", found, 1), 1);
	assert_null(found[0].refusal->code);
	assert_string_equal(found[0].refusal->message, "m");
	schema_free(&schema);
}

static void
bounds_are_told_with_what_was_there(void **state)
{
	(void)state;
	static const char *const rows[][3] = {
		{ "{\"minimum\":2}", "at least 2", "a smaller number" },
		{ "{\"exclusiveMinimum\":2}", "more than 2",
		    "a number not greater" },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct violation found = only_violation(rows[i][0], "1");
		assert_string_equal(found.expected, rows[i][1]);
		assert_string_equal(found.got, rows[i][2]);
	}
}

static void
no_more_violations_than_there_is_room_for(void **state)
{
	(void)state;
	struct error err = { 0 };
	struct violation found[2];
	struct schema *schema =
	    compile_text("{\"items\":{\"type\":\"null\"}}", NULL, &err);
	assert_non_null(schema);
	assert_int_equal(explain_text(schema, "[1,2,3]", found, 2), 2);
	assert_string_equal(found[1].pointer, "/1");
	schema_free(&schema);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_value_that_is_no_whole_number_is_told),
		cmocka_unit_test(
		    a_union_is_explained_by_the_branch_its_type_selects),
		cmocka_unit_test(a_union_names_the_nearest_type),
		cmocka_unit_test(a_union_without_its_type_misses_it),
		cmocka_unit_test(a_misspelt_member_is_told_the_nearest_name),
		cmocka_unit_test(a_name_that_is_near_to_nothing_gets_no_hint),
		cmocka_unit_test(what_fits_none_is_told_what_would),
		cmocka_unit_test(what_fits_several_of_one_is_told_so),
		cmocka_unit_test(
		    the_innermost_refusal_of_the_author_is_reported_in_schema_order),
		cmocka_unit_test(a_refusal_may_have_no_code),
		cmocka_unit_test(bounds_are_told_with_what_was_there),
		cmocka_unit_test(no_more_violations_than_there_is_room_for),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
