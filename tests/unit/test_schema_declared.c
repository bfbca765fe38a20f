/* SPDX-License-Identifier: MIT */
#include "schema_helper.h"

#include "schema_declared.h"

struct seen {
	const struct schema_declared *declared;
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
	    schema_declared_entries(seen->declared, &count);
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
walk(
    struct seen *seen, const struct schema_declared *declared, const char *text)
{
	struct json_limits limits = { 0 };
	struct json_fault fault;
	struct schema_scratch *scratch = schema_scratch_new();
	seen->declared = declared;
	seen->unknown[0] = '\0';
	json_doc_init(&seen->doc);
	assert_int_equal(
	    json_scan(&seen->doc, view_of(text), &limits, &fault), 0);
	schema_declared_walk(
	    declared, scratch, &seen->doc, seen->bits, on_unknown, seen);
	json_doc_fini(&seen->doc);
	schema_scratch_free(&scratch);
}

static uint32_t
find(const struct schema_declared *declared, enum declared_kind kind,
    const char *pointer, const char *value)
{
	uint32_t count = 0;
	const struct declared_entry *entries =
	    schema_declared_entries(declared, &count);
	for (uint32_t i = 1; i < count; i++)
		if (entries[i].kind == kind &&
		    strcmp(entries[i].pointer, pointer) == 0 &&
		    (!value || strcmp(entries[i].value, value) == 0))
			return i;
	return 0;
}

static bool
is_seen(const struct seen *seen, const char *pointer, const char *value)
{
	uint32_t entry = find(seen->declared,
	    value ? DECLARED_VALUE : DECLARED_MEMBER, pointer, value);
	if (entry == 0)
		fail_msg("%s %s is not declared", pointer, value ? value : "");
	return seen->bits[entry / 64] >> entry % 64 & 1;
}

static struct schema *schema;
static struct schema_declared *declared;
static struct seen seen;

static void
open_text(const char *text)
{
	struct error err = { 0 };
	schema = compile_text(text, NULL, &err);
	if (!schema)
		fail_msg("%s: %s", err.where, err.message);
	declared = schema_declared_new(schema);
	seen = (struct seen){ .declared = declared };
}

static int
close_text(void **state)
{
	(void)state;
	schema_declared_free(&declared);
	schema_free(&schema);
	return 0;
}

static void
members_and_values_are_marked_when_they_are_there(void **state)
{
	(void)state;
	open_text("{\"properties\":{\"a\":{\"enum\":[\"x\",\"y\",3,null]},"
		  "\"b\":{\"properties\":{\"c\":true,\"d\":true}}}}");
	walk(&seen, declared, "{\"a\":\"x\",\"b\":{\"c\":1}}");
	assert_string_equal(seen.unknown, "");
	assert_true(is_seen(&seen, "/a", NULL));
	assert_true(is_seen(&seen, "/a", "x"));
	assert_false(is_seen(&seen, "/a", "y"));
	assert_true(is_seen(&seen, "/b/c", NULL));
	assert_false(is_seen(&seen, "/b/d", NULL));
	walk(&seen, declared, "{\"a\":3}");
	assert_true(is_seen(&seen, "/a", "3"));
	assert_false(is_seen(&seen, "/a", "null"));
	walk(&seen, declared, "{\"a\":null}");
	assert_true(is_seen(&seen, "/a", "null"));
}

static void
a_member_that_an_open_object_hides_is_told(void **state)
{
	(void)state;
	open_text("{\"properties\":{\"a\":{\"properties\":{\"b\":true}}},"
		  "\"additionalProperties\":true}");
	walk(&seen, declared, "{\"a\":{\"b\":1,\"bb\":2},\"z\":{\"b\":1}}");
	assert_string_equal(seen.unknown, "/a bb  z");
}

static void
an_object_of_which_nothing_is_declared_is_free(void **state)
{
	(void)state;
	open_text("{\"properties\":{\"input\":{},\"args\":{\"type\":"
		  "\"object\"}}}");
	walk(&seen, declared, "{\"input\":{\"x\":1},\"args\":{\"y\":2}}");
	assert_string_equal(seen.unknown, "");
}

static void
a_map_takes_any_name_and_its_values_are_looked_into(void **state)
{
	(void)state;
	open_text("{\"properties\":{\"a\":true},\"additionalProperties\":"
		  "{\"properties\":{\"b\":true}}}");
	walk(&seen, declared, "{\"a\":1,\"k1\":{\"b\":1},\"k2\":{\"c\":1}}");
	assert_string_equal(seen.unknown, "/* c");
	assert_true(is_seen(&seen, "/*/b", NULL));
}

static void
what_a_closed_object_refuses_is_left_to_the_check(void **state)
{
	(void)state;
	open_text("{\"properties\":{\"a\":true},"
		  "\"additionalProperties\":false}");
	walk(&seen, declared, "{\"b\":1}");
	assert_string_equal(seen.unknown, "");
	close_text(NULL);
	open_text("{\"allOf\":[{\"properties\":{\"a\":true}}],"
		  "\"unevaluatedProperties\":false}");
	walk(&seen, declared, "{\"b\":1}");
	assert_string_equal(seen.unknown, "");
}

static void
a_name_that_fits_a_pattern_is_known(void **state)
{
	(void)state;
	open_text("{\"properties\":{\"a\":true},"
		  "\"patternProperties\":{\"^x-\":true}}");
	walk(&seen, declared, "{\"x-1\":1,\"y\":1}");
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
	walk(&seen, declared,
	    "{\"a\":{\"x\":1,\"y\":1},\"b\":1,\"c\":1,\"d\":1}");
	assert_string_equal(seen.unknown, "/a y  d");
}

static void
items_are_one_place(void **state)
{
	(void)state;
	open_text("{\"items\":{\"properties\":{\"a\":{\"enum\":[1,2]}}}}");
	walk(&seen, declared, "[{\"a\":1},{\"b\":1},[]]");
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
	walk(&seen, declared, "{\"kind\":\"start\",\"at\":1,\"a\":1,\"b\":1}");
	assert_string_equal(seen.unknown, " b");
	assert_true(is_seen(&seen, "/kind", "start"));
	assert_false(is_seen(&seen, "/kind", "stop"));
	assert_true(is_seen(&seen, "/at", NULL));
	assert_false(is_seen(&seen, "/b", NULL));
	walk(&seen, declared, "{\"kind\":\"other\",\"b\":1}");
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
	walk(&seen, declared,
	    "{\"command\":\"resolve\",\"args\":{\"id\":1,\"label\":2}}");
	assert_string_equal(seen.unknown, "/args label");
	walk(&seen, declared, "{\"command\":\"list\",\"args\":{\"path\":2}}");
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
	walk(&seen, declared, "{\"step\":null}");
	assert_true(is_seen(&seen, "/step", NULL));
	assert_false(is_seen(&seen, "/step/type", NULL));
	walk(&seen, declared, "{\"step\":{\"type\":\"tool\",\"x\":1}}");
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
	walk(&seen, declared,
	    "{\"left\":{\"right\":{\"left\":{\"name\":1,\"nam\":1}}}}");
	assert_true(strstr(seen.unknown, "nam") != NULL);
}

static void
a_value_without_rivals_is_marked_as_the_only_one(void **state)
{
	(void)state;
	uint32_t count = 0;
	open_text("{\"properties\":{\"v\":{\"const\":3},"
		  "\"k\":{\"enum\":[\"a\",\"b\"]}}}");
	const struct declared_entry *entries =
	    schema_declared_entries(declared, &count);
	assert_true(entries[find(declared, DECLARED_VALUE, "/v", "3")].is_sole);
	assert_false(
	    entries[find(declared, DECLARED_VALUE, "/k", "a")].is_sole);
}

static void
what_cannot_come_is_not_declared(void **state)
{
	(void)state;
	open_text("{\"allOf\":[{\"properties\":{\"user\":false,\"depth\":"
		  "{\"type\":\"null\"}}},{\"properties\":{\"type\":{\"enum\":"
		  "[\"a\",\"b\"]},\"text\":true},"
		  "\"additionalProperties\":false}],"
		  "\"properties\":{\"type\":{\"const\":\"a\"}}}");
	assert_int_equal(find(declared, DECLARED_MEMBER, "/user", NULL), 0);
	assert_int_equal(find(declared, DECLARED_MEMBER, "/depth", NULL), 0);
	assert_int_not_equal(find(declared, DECLARED_MEMBER, "/text", NULL), 0);
	assert_int_equal(find(declared, DECLARED_VALUE, "/type", "b"), 0);
	assert_int_not_equal(find(declared, DECLARED_VALUE, "/type", "a"), 0);
}

static void
closed_branches_of_a_union_all_count(void **state)
{
	(void)state;
	open_text("{\"anyOf\":[{\"properties\":{\"a\":{\"enum\":[1,2]}},"
		  "\"additionalProperties\":false},{\"properties\":{\"a\":"
		  "{\"enum\":[3,4]},\"b\":true},"
		  "\"additionalProperties\":false}]}");
	walk(&seen, declared, "{\"a\":3,\"b\":1}");
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
	walk(&seen, declared, "{\"m4999\":1,\"n\":1}");
	assert_string_equal(seen.unknown, " n");
}

static void
names_are_compared_decoded_and_escaped_in_pointers(void **state)
{
	(void)state;
	open_text("{\"properties\":{\"a/b\":true,\"c~d\":true}}");
	walk(&seen, declared, "{\"a\\u002fb\":1}");
	assert_string_equal(seen.unknown, "");
	assert_true(is_seen(&seen, "/a~1b", NULL));
	assert_false(is_seen(&seen, "/c~0d", NULL));
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
	open_text("{\"properties\":{\"k\":{\"enum\":[\"a\",\"b\"]}}}");
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
	open_text("{\"if\":{\"properties\":{\"c\":{\"const\":\"x\"}}},"
		  "\"then\":{\"properties\":{\"a\":true}}}");
	assert_true(
	    shape("{\"c\":\"x\",\"a\":1}") != shape("{\"c\":\"y\",\"a\":1}"));
	close_text(NULL);
	open_text("{\"if\":{\"not\":{\"properties\":{\"c\":{\"const\":1}}}},"
		  "\"then\":{\"properties\":{\"a\":true}}}");
	assert_true(shape("{\"c\":1}") == 0);
}

static void
values_of_items_make_shapes_useless(void **state)
{
	(void)state;
	open_text("{\"items\":{\"enum\":[1,2]}}");
	assert_true(shape("[1]") == 0);
}

/* "required" or "optional", and the types. */
static const char *
describe(const char *pointer)
{
	static char text[64];
	uint32_t count = 0;
	const struct declared_entry *entries =
	    schema_declared_entries(declared, &count);
	uint32_t at = find(declared, DECLARED_MEMBER, pointer, NULL);
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
	open_text("{\"required\":[\"k\",\"all\"],\"properties\":{"
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
	open_text("{\"properties\":{\"a\":{\"enum\":[\"p\",null]},"
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
	open_text("{\"properties\":{\"a\":{\"anyOf\":["
		  "{\"type\":\"string\"},{\"enum\":[1,2]}]}}}");
	assert_string_equal(describe("/a"), "optional 18");
}

static void
a_text_is_not_the_value_that_it_spells(void **state)
{
	(void)state;
	uint32_t count = 0;
	unsigned types = 0;
	open_text("{\"properties\":{\"a\":{\"enum\":[\"null\",null]}}}");
	const struct declared_entry *entries =
	    schema_declared_entries(declared, &count);
	for (uint32_t i = 1; i < count; i++)
		if (entries[i].kind == DECLARED_VALUE)
			types |= 1u << entries[i].value_type;
	assert_int_equal(types, 1u << JSON_NULL | 1u << JSON_STRING);
}

#define TEST(name) cmocka_unit_test_teardown(name, close_text)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(members_and_values_are_marked_when_they_are_there),
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
		TEST(a_value_without_rivals_is_marked_as_the_only_one),
		TEST(what_cannot_come_is_not_declared),
		TEST(closed_branches_of_a_union_all_count),
		TEST(many_declarations_end_at_the_bound),
		TEST(names_are_compared_decoded_and_escaped_in_pointers),
		TEST(texts_and_numbers_do_not_change_the_shape),
		TEST(what_a_condition_looks_at_belongs_to_the_shape),
		TEST(values_of_items_make_shapes_useless),
		TEST(a_member_is_required_when_every_way_to_judge_asks_for_it),
		TEST(a_condition_asks_for_what_both_of_its_parts_ask_for),
		TEST(types_of_alternatives_come_together),
		TEST(a_text_is_not_the_value_that_it_spells),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
