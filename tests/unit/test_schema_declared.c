/* SPDX-License-Identifier: MIT */

/* What a schema declares, and what makes two documents alike to it. */

#include "declared_helper.h"

static void
a_value_without_rivals_is_marked_as_the_only_one(void **state)
{
	(void)state;
	uint32_t count = 0;
	declared_open("{\"properties\":{\"v\":{\"const\":3},"
		      "\"k\":{\"enum\":[\"a\",\"b\"]}}}");
	const struct declared_entry *entries =
	    schema_declared_entries(declared, &count);
	assert_true(entries[declared_find(DECLARED_VALUE, "/v", "3")].is_sole);
	assert_false(entries[declared_find(DECLARED_VALUE, "/k", "a")].is_sole);
}

static void
what_cannot_come_is_not_declared(void **state)
{
	(void)state;
	declared_open(
	    "{\"allOf\":[{\"properties\":{\"user\":false,\"depth\":"
	    "{\"type\":\"null\"}}},{\"properties\":{\"type\":{\"enum\":"
	    "[\"a\",\"b\"]},\"text\":true},"
	    "\"additionalProperties\":false}],"
	    "\"properties\":{\"type\":{\"const\":\"a\"}}}");
	assert_int_equal(declared_find(DECLARED_MEMBER, "/user", NULL), 0);
	assert_int_equal(declared_find(DECLARED_MEMBER, "/depth", NULL), 0);
	assert_int_not_equal(declared_find(DECLARED_MEMBER, "/text", NULL), 0);
	assert_int_equal(declared_find(DECLARED_VALUE, "/type", "b"), 0);
	assert_int_not_equal(declared_find(DECLARED_VALUE, "/type", "a"), 0);
}

/* "required" or "optional", and the types. */
static const char *
describe(const char *pointer)
{
	static char text[64];
	uint32_t count = 0;
	const struct declared_entry *entries =
	    schema_declared_entries(declared, &count);
	uint32_t at = declared_find(DECLARED_MEMBER, pointer, NULL);
	if (at == 0)
		fail_msg("%s is not declared", pointer);
	const struct declared_entry *entry = &entries[at];
	bool is_required = entry->ways == entries[entry->place].ways;
	snprintf(text, sizeof(text), "%s %02x",
	    is_required ? "required" : "optional", entry->types);
	return text;
}

#define STRING  "10"
#define NUMBER  "88"
#define INTEGER "08"

static void
a_member_is_required_when_every_way_to_judge_asks_for_it(void **state)
{
	(void)state;
	declared_open("{\"required\":[\"k\",\"all\"],\"properties\":{"
		      "\"k\":{\"type\":\"string\"},"
		      "\"all\":{\"type\":\"number\"}},\"oneOf\":["
		      "{\"required\":[\"a\",\"both\"],\"properties\":{"
		      "\"k\":{\"const\":\"x\"},\"a\":{\"type\":\"integer\"},"
		      "\"both\":{\"type\":\"integer\"}}},"
		      "{\"required\":[\"both\"],\"properties\":{"
		      "\"k\":{\"const\":\"y\"},"
		      "\"both\":{\"type\":\"string\"}}}]}");
	assert_string_equal(describe("/k"), "required " STRING);
	assert_string_equal(describe("/all"), "required " NUMBER);
	assert_string_equal(describe("/both"), "required 18");
	assert_string_equal(describe("/a"), "optional " INTEGER);
}

static void
a_condition_asks_for_what_both_of_its_parts_ask_for(void **state)
{
	(void)state;
	declared_open("{\"properties\":{\"a\":{\"enum\":[\"p\",null]},"
		      "\"b\":{\"$ref\":\"#/$defs/n\"}},"
		      "\"$defs\":{\"n\":{\"type\":\"integer\"}},"
		      "\"if\":{\"properties\":{\"a\":{\"const\":\"p\"}}},"
		      "\"then\":{\"required\":[\"a\",\"b\"]},"
		      "\"else\":{\"required\":[\"a\"]}}");
	assert_string_equal(describe("/a"), "required 11");
	assert_string_equal(describe("/b"), "optional " INTEGER);
}

static void
types_of_alternatives_come_together(void **state)
{
	(void)state;
	declared_open("{\"properties\":{\"a\":{\"anyOf\":["
		      "{\"type\":\"string\"},{\"enum\":[1,2]}]}}}");
	assert_string_equal(describe("/a"), "optional 18");
}

static void
a_text_is_not_the_value_that_it_spells(void **state)
{
	(void)state;
	uint32_t count = 0;
	unsigned types = 0;
	declared_open("{\"properties\":{\"a\":{\"enum\":[\"null\",null]}}}");
	const struct declared_entry *entries =
	    schema_declared_entries(declared, &count);
	for (uint32_t i = 1; i < count; i++)
		if (entries[i].kind == DECLARED_VALUE)
			types |= 1u << entries[i].value_type;
	assert_int_equal(types, 1u << JSON_NULL | 1u << JSON_STRING);
}

static uint64_t
shape(const char *text)
{
	struct json_limits limits = { 0 };
	struct json_fault fault;
	struct json_doc doc;
	json_doc_init(&doc);
	assert_int_equal(json_scan(&doc, view_of(text), &limits, &fault), 0);
	uint64_t shape = schema_declared_shape(declared, &doc);
	json_doc_fini(&doc);
	return shape;
}

static void
texts_and_numbers_do_not_change_the_shape(void **state)
{
	(void)state;
	declared_open("{\"properties\":{\"k\":{\"enum\":[\"a\",\"b\"]}}}");
	static const char base[] = "{\"k\":\"a\",\"t\":\"x\",\"n\":[1,{}]}";
	assert_true(shape(base) != 0);
	assert_true(shape(base) ==
	    shape("{\"k\":\"a\", \"t\":\"yy\",\"n\":[null,{}]}"));
	static const char *const others[] = {
		"{\"k\":\"b\",\"t\":\"x\",\"n\":[1,{}]}",
		"{\"k\":\"c\",\"t\":\"x\",\"n\":[1,{}]}",
		"{\"k\":\"a\",\"u\":\"x\",\"n\":[1,{}]}",
		"{\"k\":\"a\",\"t\":{},\"n\":[1,{}]}",
		"{\"k\":\"a\",\"t\":\"x\",\"n\":[1,{},2]}",
		"{\"k\":\"a\",\"t\":\"x\",\"n\":[1,{\"t\":1}]}",
		"{\"k\":\"a\",\"t\":\"x\"}",
	};
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		assert_true(shape(base) != shape(others[i]));
	assert_true(shape("{\"a\":{\"b\":1}}") != shape("{\"a\":{},\"b\":1}"));
}

static void
what_a_condition_looks_at_belongs_to_the_shape(void **state)
{
	(void)state;
	declared_open(
	    "{\"if\":{\"properties\":{\"c\":{\"enum\":[1,{\"d\":1}]}}},"
	    "\"then\":{\"properties\":{\"a\":true}}}");
	assert_true(shape("{\"c\":{\"d\":1},\"a\":1}") == 0);
	declared_close(NULL);
	declared_open("{\"if\":{\"properties\":{\"c\":{\"const\":\"x\"}}},"
		      "\"then\":{\"properties\":{\"a\":true}}}");
	assert_true(
	    shape("{\"c\":\"x\",\"a\":1}") != shape("{\"c\":\"y\",\"a\":1}"));
	declared_close(NULL);
	declared_open(
	    "{\"if\":{\"not\":{\"properties\":{\"c\":{\"const\":1}}}},"
	    "\"then\":{\"properties\":{\"a\":true}}}");
	assert_true(shape("{\"c\":1}") == 0);
}

static void
values_of_items_make_shapes_useless(void **state)
{
	(void)state;
	declared_open("{\"items\":{\"enum\":[1,2]}}");
	assert_true(shape("[1]") == 0);
}

#define TEST(name) cmocka_unit_test_teardown(name, declared_close)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_value_without_rivals_is_marked_as_the_only_one),
		TEST(what_cannot_come_is_not_declared),
		TEST(a_member_is_required_when_every_way_to_judge_asks_for_it),
		TEST(a_condition_asks_for_what_both_of_its_parts_ask_for),
		TEST(types_of_alternatives_come_together),
		TEST(a_text_is_not_the_value_that_it_spells),
		TEST(texts_and_numbers_do_not_change_the_shape),
		TEST(what_a_condition_looks_at_belongs_to_the_shape),
		TEST(values_of_items_make_shapes_useless),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
