/* SPDX-License-Identifier: MIT */

/* What the report takes a name that is wrong for. */

#include "drift_helper.h"

static void
a_renamed_member_is_told_with_the_one_that_never_came(void **state)
{
	(void)state;
	client("{\"type\":\"command\",\"name\":\"resolve\",\"args\":"
	       "{\"message_id\":\"m\",\"action_label\":\"ok\"}}");
	client("{\"type\":\"command\",\"name\":\"list\",\"args\":"
	       "{\"path\":\"m\"}}");
	print();
	assert_int_equal(count_items("/undeclared"), 1);
	assert_cell("undeclared", "/args/action_label", "undeclared_member");
	assert_here("nearest", "\"resolution\"");
	assert_here("direction", "\"client\"");
	assert_here("hint",
	    "\"\\\"resolution\\\" is declared and never came: was it "
	    "renamed?\"");
}

static void
no_rename_is_guessed_between_several_or_other_types(void **state)
{
	(void)state;
	server(EVENT("final", "3", ",\"zzzzzzzz\":\"a\""));
	print();
	assert_cell("undeclared", "/data/zzzzzzzz", "undeclared_member");
	assert_here("hint", "null");
	client("{\"type\":\"command\",\"name\":\"resolve\",\"args\":"
	       "{\"message_id\":\"m\",\"action_label\":7}}");
	print();
	assert_cell("undeclared", "/args/action_label", "undeclared_member");
	assert_here("hint", "null");
}

static void
an_unknown_type_is_told_with_the_nearest(void **state)
{
	(void)state;
	server("{\"type\":\"stop\"}");
	print();
	assert_cell("cells", "/type", "unknown_type");
	assert_here("type", "\"stop\"");
	assert_here("nearest", "\"step\"");
	assert_here("source", "\"contract.json\"");
}

static void
a_misspelt_type_gets_a_hint(void **state)
{
	(void)state;
	server("{\"type\":\"stepp\"}");
	print();
	assert_cell("cells", "/type", "unknown_type");
	assert_here("hint", "\"did you mean \\\"step\\\"?\"");
}

static void
a_type_under_another_name_is_told(void **state)
{
	(void)state;
	server("{\"at\":1,\"tag\":\"step\"}");
	print();
	assert_cell("cells", "/type", "missing_type");
	assert_here("seen", "\"tag\"");
	assert_here("nearest", "\"type\"");
	assert_here(
	    "hint", "\"\\\"tag\\\" holds a declared type: was it renamed?\"");
}

static void
a_frame_that_lost_its_wrapper_is_recognised(void **state)
{
	(void)state;
	server("{\"kind\":\"final\",\"version\":3,\"timestamp\":\"\","
	       "\"text\":\"\"}");
	print();
	assert_cell("cells", "/type", "missing_type");
	assert_here("nearest", "\"event\"");
	assert_here("hint",
	    "\"it looks like /data of \\\"event\\\" without the wrapper\"");
	server("{\"kind\":\"done\",\"x\":1}");
	print();
	assert_int_equal(count_items("/cells"), 2);
	assert_true(is_text("/cells/1", "seen", "\"kind\""));
	assert_true(is_text("/cells/1", "nearest", "\"type\""));
}

static void
a_kind_that_is_a_type_of_its_own_was_wrapped(void **state)
{
	(void)state;
	server(EVENT("done", "3", ""));
	print();
	assert_cell("cells", "/data/kind", "enum");
	assert_here("hint",
	    "\"\\\"done\\\" is a message type of its own: was it wrapped?\"");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_renamed_member_is_told_with_the_one_that_never_came),
		TEST(no_rename_is_guessed_between_several_or_other_types),
		TEST(an_unknown_type_is_told_with_the_nearest),
		TEST(a_misspelt_type_gets_a_hint),
		TEST(a_type_under_another_name_is_told),
		TEST(a_frame_that_lost_its_wrapper_is_recognised),
		TEST(a_kind_that_is_a_type_of_its_own_was_wrapped),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
