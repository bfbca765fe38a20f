/* SPDX-License-Identifier: MIT */
#include "drift_helper.h"

static void
a_breach_is_a_cell_with_both_names(void **state)
{
	(void)state;
	server(EVENT("finl", "2", ""));
	print();
	assert_cell("cells", "/data/kind", "enum");
	assert_here("seen", "\"finl\"");
	assert_here("nearest", "\"final\"");
	assert_here("hint", "\"did you mean \\\"final\\\"?\"");
	assert_here("direction", "\"server\"");
	assert_here("endpoint", "\"chat\"");
	assert_here("type", "\"event\"");
	assert_here("producer", "\"agent\"");
	assert_here("count", "1");
	assert_here("first_seen", "1000");
	assert_here("source", "\"s.json#/$defs/event\"");
	assert_cell("cells", "/data/version", "const");
	assert_here("seen", "\"2\"");
	assert_here("nearest", "\"3\"");
}

static void
a_cell_counts_and_knows_its_first_and_last_time(void **state)
{
	(void)state;
	for (now_ms = 1000; now_ms < 1005; now_ms++)
		server(EVENT("x", "3", ""));
	print();
	assert_cell("cells", "/data/kind", "enum");
	assert_here("count", "5");
	assert_here("first_seen", "1000");
	assert_here("last_seen", "1004");
	assert_int_equal(count_items("/cells"), 1);
}

static void
names_and_producers_have_cells_of_their_own(void **state)
{
	(void)state;
	server(EVENT("x", "3", ""));
	server(EVENT("y", "3", ""));
	producer = "other";
	server(EVENT("y", "3", ""));
	print();
	assert_int_equal(count_items("/cells"), 3);
}

static void
a_missing_member_is_told_with_what_stands_in_its_place(void **state)
{
	(void)state;
	server("{\"type\":\"event\",\"data\":{\"kind\":\"final\",\"version\":3,"
	       "\"when\":\"now\"}}");
	print();
	assert_cell("cells", "/data", "required");
	assert_here("nearest", "\"timestamp\"");
	assert_here("seen", "\"when\"");
	server("{\"type\":\"event\",\"data\":{\"kind\":\"final\"}}");
	print();
	assert_int_equal(count_items("/cells"), 2);
	assert_cell("cells", "/data", "required");
	assert_here("count", "2");
}

static void
types_are_both_named(void **state)
{
	(void)state;
	server("{\"type\":\"event\",\"data\":{\"kind\":\"final\",\"version\":3,"
	       "\"timestamp\":12}}");
	print();
	assert_cell("cells", "/data/timestamp", "type");
	assert_here("seen", "\"number\"");
	assert_here("nearest", "\"string\"");
}

static void
undeclared_members_of_open_objects_are_told(void **state)
{
	(void)state;
	server(EVENT("final", "3", ",\"nots\":\"a\""));
	server("{\"type\":\"step\",\"parts\":[{},{\"sise\":1},{\"sise\":2}],"
	       "\"input\":{\"any\":1}}");
	print();
	assert_int_equal(count_items("/cells"), 0);
	assert_int_equal(count_items("/undeclared"), 2);
	assert_cell("undeclared", "/data/nots", "undeclared_member");
	assert_here("nearest", "\"note\"");
	assert_here("got", "\"string\"");
	assert_cell("undeclared", "/parts/*/sise", "undeclared_member");
	assert_here("nearest", "\"size\"");
	assert_here("count", "2");
}

static void
an_undeclared_member_is_counted_each_time(void **state)
{
	(void)state;
	for (int i = 0; i < 100; i++)
		server(EVENT("final", "3", ",\"nots\":\"a\""));
	print();
	assert_cell("undeclared", "/data/nots", "undeclared_member");
	assert_here("count", "100");
	assert_true(is_text("/messages/0", "count", "100"));
}

static void
a_member_that_a_closed_object_refuses_is_told_once(void **state)
{
	(void)state;
	client("{\"type\":\"command\",\"name\":\"a\",\"tracing\":true}");
	print();
	assert_int_equal(count_items("/cells"), 1);
	assert_int_equal(count_items("/undeclared"), 0);
	assert_cell("cells", "/tracing", "additionalProperties");
	assert_here("seen", "\"tracing\"");
	assert_here("nearest", "\"trace\"");
}

static void
what_is_no_json_has_a_reason_and_no_sample(void **state)
{
	(void)state;
	server("{\"type\":");
	print();
	assert_cell("cells", "", "invalid_json");
	assert_here("sample", "null");
	assert_here("type", "null");
}

static void
samples_hold_types_and_no_values(void **state)
{
	(void)state;
	server("{\"type\":\"event\",\"data\":{\"kind\":\"hunter2secret\","
	       "\"version\":3,\"timestamp\":\"2026\",\"text\":\"my password\","
	       "\"list\":[1,\"two\",null,{}]}}");
	print();
	assert_null(strstr(printed.data, "my password"));
	assert_cell("cells", "/data/kind", "enum");
	assert_here("sample/data/text", "\"string\"");
	assert_here("sample/data/version", "\"number\"");
	assert_here("sample/data/list", "[\"number\",\"string\",\"more\"]");
}

/* Also those that differ only in what cannot be shown, or that look like what a
 * sample says of its own. */
static void
members_of_one_name_stand_in_a_sample_once(void **state)
{
	(void)state;
	server("{\"type\":\"event\",\"data\":{\"kind\":\"hunter2secret\","
	       "\"a@example.org\":1,\"b@example.org\":\"x\","
	       "\"(a name)\":1,\"\\u0001\":1,\"\\u0002\":1,\"?\":1}}");
	print();
	assert_cell("cells", "/data/kind", "enum");
	assert_here("sample/data",
	    "{\"kind\":\"string\",\"(a name)\":\"number\",\"?\":\"number\"}");
}

static void
a_sample_says_once_that_there_is_more(void **state)
{
	char text[600] = "{\"type\":\"event\",\"data\":{\"kind\":"
			 "\"hunter2secret\",\"...\":1";
	(void)state;
	for (int i = 0; i < 30; i++)
		sprintf(text + strlen(text), ",\"m%c%c\":1", 'a' + i / 6,
		    'a' + i % 6);
	strcat(text, "}}");
	server(text);
	print();
	assert_cell("cells", "/data/kind", "enum");
	assert_here("sample/data/...", "\"number\"");
}

static void
values_that_are_no_identifiers_are_not_shown(void **state)
{
	(void)state;
	server(EVENT("my password is x", "3", ""));
	server(EVENT("a0b1c2d3e4f5", "3", ""));
	server(EVENT("xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", "3", ""));
	print();
	assert_int_equal(count_items("/cells"), 1);
	assert_cell("cells", "/data/kind", "enum");
	assert_here("seen", "null");
	assert_here("count", "3");
}

static void
types_members_and_values_that_never_came_are_told(void **state)
{
	(void)state;
	print();
	assert_int_equal(count_items("/never_seen/types"), 0);
	server(EVENT("final", "3", ""));
	server(EVENT("status", "3", ",\"text\":\"\""));
	print();
	assert_int_equal(count_items("/never_seen/types"), 2);
	assert_true(is_text("/never_seen/types/0", "type", "\"step\""));
	assert_true(is_text("/never_seen/types/0", "sample_size", "2"));
	assert_true(is_text("/never_seen/types/1", "type", "\"done\""));
	assert_int_equal(count_items("/never_seen/members"), 1);
	assert_true(find_cell("never_seen/members", "/data/note", NULL));
	assert_here("sample_size", "2");
	assert_int_equal(count_items("/never_seen/values"), 1);
	assert_true(find_cell("never_seen/values", "/data/kind", NULL));
	assert_here("value", "\"token\"");
}

static void
a_message_of_several_endpoints_is_one(void **state)
{
	(void)state;
	show(drift, DRIFT_SERVER, 1, "{\"type\":\"step\",\"parts\":1}");
	show(drift, DRIFT_SERVER, 0, "{\"type\":\"step\",\"parts\":1}");
	print();
	assert_int_equal(count_items("/cells"), 1);
	assert_cell("cells", "/parts", "type");
	assert_here("endpoint", "\"chat\"");
	assert_here("count", "2");
	assert_int_equal(count_items("/messages"), 1);
}

static void
many_names_at_one_place_become_one_cell(void **state)
{
	(void)state;
	char text[256];
	for (int i = 0; i < 1000; i++) {
		char name[] = { 'a', (char)('a' + i % 26),
			(char)('a' + i / 26 % 26), (char)('a' + i / 676), 0 };
		snprintf(text, sizeof(text),
		    "{\"type\":\"event\",\"data\":{\"kind\":\"%s\","
		    "\"version\":3,\"timestamp\":\"\",\"m%d\":1}}",
		    name, i);
		server(text);
	}
	print();
	assert_int_equal(count_items("/cells"), 65);
	assert_int_equal(count_items("/undeclared"), 65);
	assert_cell("undeclared", "/data/*", "undeclared_member");
	assert_here("count", "936");
	assert_here("seen", "null");
	assert_true(is_text("/other", "count", "0"));
}

static void
what_finds_no_cell_is_counted_as_other(void **state)
{
	(void)state;
	struct drift_origin origin = { .direction = DRIFT_SERVER };
	char pointer[32];
	for (unsigned i = 0; i < DRIFT_CELLS + 10; i++) {
		snprintf(pointer, sizeof(pointer), "/p%u", i);
		drift_fault(drift, &origin, "reserved_member", pointer, "");
	}
	print();
	assert_int_equal(count_items("/cells"), DRIFT_CELLS);
	assert_true(is_text("/other", "count", "10"));
	drift_fault(drift, &origin, "reserved_member", "/p0", "");
	print();
	assert_true(is_text("/other", "count", "10"));
	assert_cell("cells", "/p0", "reserved_member");
	assert_here("count", "2");
}

static void
the_bound_holds_for_all_threads_together(void **state)
{
	(void)state;
	static const uint32_t most[] = { 1, 2, 5, 63 };
	struct drift_origin origin = { .direction = DRIFT_SERVER };
	for (size_t i = 0; i < 4; i++) {
		struct drift_bound few = { .cells_max = most[i] };
		struct drift *both[] = { drift_new(contract, &few, 1),
			drift_new(contract, &few, 1) };
		char pointer[32];
		char other[24];
		for (unsigned n = 0; n < 200; n++) {
			snprintf(pointer, sizeof(pointer), "/p%u", n);
			drift_fault(both[n % 2], &origin, "reserved_member",
			    pointer, "");
		}
		print_all(both, 2);
		assert_int_equal(count_items("/cells"), most[i]);
		snprintf(other, sizeof(other), "%u", 200 - most[i]);
		assert_true(is_text("/other", "count", other));
		snprintf(other, sizeof(other), "%u", most[i]);
		assert_true(is_text("", "cells_max", other));
		drift_free(&both[0]);
		drift_free(&both[1]);
	}
}

static void
drifts_of_several_threads_are_taken_together(void **state)
{
	(void)state;
	struct drift *both[] = { drift, drift_new(contract, &bound, 500) };
	show(both[0], DRIFT_SERVER, 0, EVENT("x", "3", ""));
	now_ms = 2000;
	show(both[1], DRIFT_SERVER, 0, EVENT("x", "3", ",\"text\":\"\""));
	show(both[1], DRIFT_SERVER, 0, EVENT("y", "3", ""));
	print_all(both, 2);
	assert_int_equal(count_items("/cells"), 2);
	assert_cell("cells", "/data/kind", "enum");
	assert_here("seen", "\"x\"");
	assert_here("count", "2");
	assert_here("first_seen", "1000");
	assert_here("last_seen", "2000");
	assert_true(is_text("", "since", "500"));
	assert_true(is_text("/messages/0", "count", "3"));
	assert_false(find_cell("never_seen/members", "/data/text", NULL));
	drift_free(&both[1]);
}

static void
metrics_are_summed_by_their_labels(void **state)
{
	(void)state;
	struct buf out;
	buf_init(&out, 0);
	server(EVENT("x", "2", ",\"nots\":1"));
	server(EVENT("y", "3", ""));
	server("{\"type\":\"stop\"}");
	server("{\"kind\":\"done\",\"x\":1}");
	server("{\"x\":1}");
	client("{\"type\":\"command\",\"name\":1}");
	drift_print_metrics(&drift, 1, false, &out);
	buf_add_char(&out, '\0');
	static const char *const lines[] = {
		"{endpoint=\"chat\",direction=\"server\",type=\"event\","
		"rule=\"enum\"} 2\n",
		"{endpoint=\"chat\",direction=\"server\",type=\"event\","
		"rule=\"const\"} 1\n",
		"{endpoint=\"chat\",direction=\"server\",type=\"stop\","
		"rule=\"unknown_type\"} 1\n",
		"{endpoint=\"chat\",direction=\"server\",type=\"\","
		"rule=\"missing_type\"} 2\n",
		"{endpoint=\"chat\",direction=\"client\",type=\"command\","
		"rule=\"type\"} 1\n",
	};
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		if (!strstr(out.data, lines[i]))
			fail_msg("no %s in:\n%s", lines[i], out.data);
	assert_null(strstr(out.data, "undeclared"));
	buf_fini(&out);
}

static void
totals_are_told_for_the_status(void **state)
{
	(void)state;
	server(EVENT("x", "2", ",\"nots\":1"));
	struct drift_totals totals = drift_totals(&drift, 1);
	assert_int_equal(totals.breaches, 2);
	assert_int_equal(totals.undeclared, 1);
	assert_int_equal(totals.cells, 3);
	assert_int_equal(totals.other, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_breach_is_a_cell_with_both_names),
		TEST(a_cell_counts_and_knows_its_first_and_last_time),
		TEST(names_and_producers_have_cells_of_their_own),
		TEST(a_missing_member_is_told_with_what_stands_in_its_place),
		TEST(types_are_both_named),
		TEST(undeclared_members_of_open_objects_are_told),
		TEST(an_undeclared_member_is_counted_each_time),
		TEST(a_member_that_a_closed_object_refuses_is_told_once),
		TEST(what_is_no_json_has_a_reason_and_no_sample),
		TEST(samples_hold_types_and_no_values),
		TEST(members_of_one_name_stand_in_a_sample_once),
		TEST(a_sample_says_once_that_there_is_more),
		TEST(values_that_are_no_identifiers_are_not_shown),
		TEST(types_members_and_values_that_never_came_are_told),
		TEST(a_message_of_several_endpoints_is_one),
		TEST(many_names_at_one_place_become_one_cell),
		TEST(what_finds_no_cell_is_counted_as_other),
		TEST(the_bound_holds_for_all_threads_together),
		TEST(drifts_of_several_threads_are_taken_together),
		TEST(metrics_are_summed_by_their_labels),
		TEST(totals_are_told_for_the_status),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
