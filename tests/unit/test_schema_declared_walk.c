/* SPDX-License-Identifier: MIT */

/* What a document shows of the declarations, and what it has beside them. */

#include "declared_helper.h"

struct seen {
	struct json_doc doc;
	_Atomic uint64_t bits[64];
	char unknown[512]; /* "place name place name …" */
};

static void
on_unknown(void *arg, uint32_t place, uint32_t object, uint32_t key)
{
	struct seen *seen = arg;
	uint32_t count = 0;
	const struct declared_entry *entries =
	    schema_declared_entries(declared, &count);
	struct view name = json_text(&seen->doc, key);
	size_t length = strlen(seen->unknown);
	assert_true(place < count);
	assert_true(seen->doc.nodes[object].type == JSON_OBJECT);
	snprintf(seen->unknown + length, sizeof(seen->unknown) - length,
	    "%s%s %.*s", length ? " " : "", entries[place].pointer,
	    (int)name.len - 2, name.data + 1);
}

/* Walks `text`; what it does not name is left in `unknown`. */
static void
walk(struct seen *seen, const char *text)
{
	struct json_limits limits = { 0 };
	struct json_fault fault;
	struct schema_scratch *scratch = schema_scratch_new();
	seen->unknown[0] = '\0';
	json_doc_init(&seen->doc);
	assert_int_equal(
	    json_scan(&seen->doc, view_of(text), &limits, &fault), 0);
	schema_declared_walk(
	    declared, scratch, &seen->doc, seen->bits, on_unknown, seen);
	json_doc_fini(&seen->doc);
	schema_scratch_free(&scratch);
}

static bool
is_seen(const struct seen *seen, const char *pointer, const char *value)
{
	uint32_t entry = declared_find(
	    value ? DECLARED_VALUE : DECLARED_MEMBER, pointer, value);
	if (entry == 0)
		fail_msg("%s %s is not declared", pointer, value ? value : "");
	return seen->bits[entry / 64] >> entry % 64 & 1;
}

static struct seen seen;

static void
open_text(const char *text)
{
	declared_open(text);
	seen = (struct seen){ .unknown = "" };
}

static void
numbers_are_marked_by_what_they_are_worth(void **state)
{
	(void)state;
	open_text("{\"properties\":{\"a\":{\"enum\":[5,0.50,1e30,-2]}}}");
	walk(&seen, "{\"a\":5.0}");
	walk(&seen, "{\"a\":5e-1}");
	walk(&seen, "{\"a\":1000000000000000000000000000000}");
	walk(&seen, "{\"a\":2}");
	assert_true(is_seen(&seen, "/a", "5"));
	assert_true(is_seen(&seen, "/a", "0.5"));
	assert_true(is_seen(&seen, "/a", "1e30"));
	assert_false(is_seen(&seen, "/a", "-2"));
}

static void
members_and_values_are_marked_when_they_are_there(void **state)
{
	(void)state;
	open_text("{\"properties\":{\"a\":{\"enum\":[\"x\",\"y\",3,null]},"
		  "\"b\":{\"properties\":{\"c\":true,\"d\":true}}}}");
	walk(&seen, "{\"a\":\"x\",\"b\":{\"c\":1}}");
	assert_string_equal(seen.unknown, "");
	assert_true(is_seen(&seen, "/a", NULL));
	assert_true(is_seen(&seen, "/a", "x"));
	assert_false(is_seen(&seen, "/a", "y"));
	assert_true(is_seen(&seen, "/b/c", NULL));
	assert_false(is_seen(&seen, "/b/d", NULL));
	walk(&seen, "{\"a\":3}");
	assert_true(is_seen(&seen, "/a", "3"));
	assert_false(is_seen(&seen, "/a", "null"));
	walk(&seen, "{\"a\":null}");
	assert_true(is_seen(&seen, "/a", "null"));
}

static void
a_member_that_an_open_object_hides_is_told(void **state)
{
	(void)state;
	open_text("{\"properties\":{\"a\":{\"properties\":{\"b\":true}}},"
		  "\"additionalProperties\":true}");
	walk(&seen, "{\"a\":{\"b\":1,\"bb\":2},\"z\":{\"b\":1}}");
	assert_string_equal(seen.unknown, "/a bb  z");
}

static void
an_object_of_which_nothing_is_declared_is_free(void **state)
{
	(void)state;
	open_text("{\"properties\":{\"input\":{},\"args\":{\"type\":"
		  "\"object\"}}}");
	walk(&seen, "{\"input\":{\"x\":1},\"args\":{\"y\":2}}");
	assert_string_equal(seen.unknown, "");
}

static void
a_map_takes_any_name_and_its_values_are_looked_into(void **state)
{
	(void)state;
	open_text("{\"properties\":{\"a\":true},\"additionalProperties\":"
		  "{\"properties\":{\"b\":true}}}");
	walk(&seen, "{\"a\":1,\"k1\":{\"b\":1},\"k2\":{\"c\":1}}");
	assert_string_equal(seen.unknown, "/* c");
	assert_true(is_seen(&seen, "/*/b", NULL));
}

static void
what_a_closed_object_refuses_is_left_to_the_check(void **state)
{
	(void)state;
	open_text("{\"properties\":{\"a\":true},"
		  "\"additionalProperties\":false}");
	walk(&seen, "{\"b\":1}");
	assert_string_equal(seen.unknown, "");
	declared_close(NULL);
	open_text("{\"allOf\":[{\"properties\":{\"a\":true}}],"
		  "\"unevaluatedProperties\":false}");
	walk(&seen, "{\"b\":1}");
	assert_string_equal(seen.unknown, "");
}

static void
a_name_that_fits_a_pattern_is_known(void **state)
{
	(void)state;
	open_text("{\"properties\":{\"a\":true},"
		  "\"patternProperties\":{\"^x-\":true}}");
	walk(&seen, "{\"x-1\":1,\"y\":1}");
	assert_string_equal(seen.unknown, " y");
}

static void
parts_of_one_place_are_one(void **state)
{
	(void)state;
	open_text("{\"$ref\":\"#/$defs/base\",\"properties\":{\"b\":true},"
		  "\"allOf\":[{\"properties\":{\"c\":true}}],"
		  "\"$defs\":{\"base\":{\"properties\":{\"a\":"
		  "{\"properties\":{\"x\":true}}}}}}");
	walk(&seen, "{\"a\":{\"x\":1,\"y\":1},\"b\":1,\"c\":1,\"d\":1}");
	assert_string_equal(seen.unknown, "/a y  d");
}

static void
items_are_one_place(void **state)
{
	(void)state;
	open_text("{\"items\":{\"properties\":{\"a\":{\"enum\":[1,2]}}}}");
	walk(&seen, "[{\"a\":1},{\"b\":1},[]]");
	assert_string_equal(seen.unknown, "/* b");
	assert_true(is_seen(&seen, "/*/a", "1"));
	assert_false(is_seen(&seen, "/*/a", "2"));
}

#define BRANCH(kind, member)                                           \
	"{\"properties\":{\"kind\":{\"const\":\"" kind "\"},\"" member \
	"\":true},\"required\":[\"kind\"]}"

static void
of_a_union_the_branch_that_is_selected_counts(void **state)
{
	(void)state;
	open_text("{\"properties\":{\"at\":true},\"oneOf\":[" BRANCH(
	    "start", "a") "," BRANCH("stop", "b") "]}");
	walk(&seen, "{\"kind\":\"start\",\"at\":1,\"a\":1,\"b\":1}");
	assert_string_equal(seen.unknown, " b");
	assert_true(is_seen(&seen, "/kind", "start"));
	assert_false(is_seen(&seen, "/kind", "stop"));
	assert_true(is_seen(&seen, "/at", NULL));
	assert_false(is_seen(&seen, "/b", NULL));
	walk(&seen, "{\"kind\":\"other\",\"b\":1}");
	assert_string_equal(seen.unknown, "");
}

static void
of_a_condition_the_part_that_holds_counts(void **state)
{
	(void)state;
	open_text("{\"properties\":{\"command\":true,\"args\":true},"
		  "\"if\":{\"required\":[\"command\"],\"properties\":"
		  "{\"command\":{\"const\":\"resolve\"}}},"
		  "\"then\":{\"properties\":{\"args\":{\"properties\":"
		  "{\"id\":true,\"resolution\":true}}}}}");
	walk(
	    &seen, "{\"command\":\"resolve\",\"args\":{\"id\":1,\"label\":2}}");
	assert_string_equal(seen.unknown, "/args label");
	walk(&seen, "{\"command\":\"list\",\"args\":{\"path\":2}}");
	assert_string_equal(seen.unknown, "");
	assert_true(is_seen(&seen, "/args/id", NULL));
	assert_false(is_seen(&seen, "/args/resolution", NULL));
}

static void
null_or_an_object_is_looked_into_when_it_is_an_object(void **state)
{
	(void)state;
	open_text(
	    "{\"properties\":{\"step\":{\"anyOf\":[{\"type\":\"null\"},"
	    "{\"$ref\":\"#/$defs/step\"}]}},\"$defs\":{\"step\":"
	    "{\"properties\":{\"type\":{\"enum\":[\"llm\",\"tool\"]}}}}}");
	walk(&seen, "{\"step\":null}");
	assert_true(is_seen(&seen, "/step", NULL));
	assert_false(is_seen(&seen, "/step/type", NULL));
	walk(&seen, "{\"step\":{\"type\":\"tool\",\"x\":1}}");
	assert_string_equal(seen.unknown, "/step x");
	assert_true(is_seen(&seen, "/step/type", "tool"));
}

static void
a_schema_that_contains_itself_comes_to_an_end(void **state)
{
	(void)state;
	open_text("{\"properties\":{\"name\":true,\"children\":{\"items\":"
		  "{\"$ref\":\"#\"}},\"left\":{\"$ref\":\"#\"},"
		  "\"right\":{\"$ref\":\"#\"}}}");
	uint32_t count = 0;
	schema_declared_entries(declared, &count);
	assert_true(count < 40);
	walk(&seen, "{\"left\":{\"right\":{\"left\":{\"name\":1,\"nam\":1}}}}");
	assert_true(strstr(seen.unknown, "nam") != NULL);
}

static void
closed_branches_of_a_union_all_count(void **state)
{
	(void)state;
	open_text("{\"anyOf\":[{\"properties\":{\"a\":{\"enum\":[1,2]}},"
		  "\"additionalProperties\":false},{\"properties\":{\"a\":"
		  "{\"enum\":[3,4]},\"b\":true},"
		  "\"additionalProperties\":false}]}");
	walk(&seen, "{\"a\":3,\"b\":1}");
	assert_true(is_seen(&seen, "/b", NULL));
	assert_true(is_seen(&seen, "/a", "3"));
	assert_false(is_seen(&seen, "/a", "1"));
}

static void
many_declarations_end_at_the_bound(void **state)
{
	(void)state;
	struct buf text;
	uint32_t count = 0;
	buf_init(&text, 0);
	buf_add_text(&text, "{\"properties\":{");
	for (int i = 0; i < 5000; i++)
		buf_addf(&text, "%s\"m%d\":true", i ? "," : "", i);
	buf_add_text(&text, "}}");
	buf_add_char(&text, '\0');
	open_text(text.data);
	buf_fini(&text);
	schema_declared_entries(declared, &count);
	assert_int_equal(count, 4096);
	walk(&seen, "{\"m4999\":1,\"n\":1}");
	assert_string_equal(seen.unknown, " n");
}

static void
names_are_compared_decoded_and_escaped_in_pointers(void **state)
{
	(void)state;
	open_text("{\"properties\":{\"a/b\":true,\"c~d\":true}}");
	walk(&seen, "{\"a\\u002fb\":1}");
	assert_string_equal(seen.unknown, "");
	assert_true(is_seen(&seen, "/a~1b", NULL));
	assert_false(is_seen(&seen, "/c~0d", NULL));
}

#define TEST(name) cmocka_unit_test_teardown(name, declared_close)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(members_and_values_are_marked_when_they_are_there),
		TEST(numbers_are_marked_by_what_they_are_worth),
		TEST(a_member_that_an_open_object_hides_is_told),
		TEST(an_object_of_which_nothing_is_declared_is_free),
		TEST(a_map_takes_any_name_and_its_values_are_looked_into),
		TEST(what_a_closed_object_refuses_is_left_to_the_check),
		TEST(a_name_that_fits_a_pattern_is_known),
		TEST(parts_of_one_place_are_one),
		TEST(items_are_one_place),
		TEST(of_a_union_the_branch_that_is_selected_counts),
		TEST(of_a_condition_the_part_that_holds_counts),
		TEST(null_or_an_object_is_looked_into_when_it_is_an_object),
		TEST(a_schema_that_contains_itself_comes_to_an_end),
		TEST(closed_branches_of_a_union_all_count),
		TEST(many_declarations_end_at_the_bound),
		TEST(names_are_compared_decoded_and_escaped_in_pointers),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
