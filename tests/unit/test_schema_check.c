/* SPDX-License-Identifier: MIT */

/* Every keyword: {schema, instance, rule and pointer of the first violation}.
 * That check and explain agree is asserted for each row. */

#include "schema_helper.h"

struct row {
	const char *schema;
	const char *instance;
	const char *violation; /* "" = valid */
};

static void
run_rows(const struct row *rows, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const char *got =
		    first_violation(rows[i].schema, rows[i].instance);
		if (strcmp(got, rows[i].violation) != 0)
			fail_msg("%s on %s: \"%s\", not \"%s\"", rows[i].schema,
			    rows[i].instance, got, rows[i].violation);
	}
}

#define RUN(rows) run_rows(rows, sizeof(rows) / sizeof(rows[0]))

static void
types_are_strict(void **state)
{
	(void)state;
	static const struct row rows[] = {
		{ "true", "1", "" },
		{ "false", "1", "false " },
		{ "{\"type\":\"integer\"}", "5", "" },
		{ "{\"type\":\"integer\"}", "5.0", "" },
		{ "{\"type\":\"integer\"}", "50e-1", "" },
		{ "{\"type\":\"integer\"}", "5.1", "type " },
		{ "{\"type\":\"integer\"}", "1e400", "" },
		{ "{\"type\":\"integer\"}", "1e-400", "type " },
		{ "{\"type\":\"integer\"}", "\"5\"", "type " },
		{ "{\"type\":\"number\"}", "5", "" },
		{ "{\"type\":[\"string\",\"null\"]}", "null", "" },
		{ "{\"type\":[\"string\",\"null\"]}", "0", "type " },
		{ "{\"type\":\"boolean\"}", "false", "" },
		{ "{\"type\":\"boolean\"}", "0", "type " },
		{ "{\"type\":\"object\"}", "[]", "type " },
	};
	RUN(rows);
}

static void
what_any_fitting_branch_evaluates_counts(void **state)
{
	(void)state;
	static const char any[] =
	    "{\"anyOf\":[{\"properties\":{\"a\":true}},{\"properties\":"
	    "{\"b\":true}},{\"required\":[\"z\"],\"properties\":{\"c\":true}}],"
	    "\"unevaluatedProperties\":false}";
	static const struct row rows[] = {
		{ any, "{\"a\":1,\"b\":2}", "" },
		{ any, "{\"a\":1,\"c\":2}", "unevaluatedProperties /c" },
	};
	RUN(rows);
}

static void
draft_7_names_a_place_with_id(void **state)
{
	(void)state;
	static const char named[] =
	    "{\"$schema\":\"http://json-schema.org/draft-07/schema#\","
	    "\"definitions\":{\"a\":{\"$id\":\"#x\",\"type\":\"null\"}},"
	    "\"items\":{\"$ref\":\"#x\"}}";
	static const struct row rows[] = {
		{ named, "[null]", "" },
		{ named, "[1]", "type /0" },
	};
	RUN(rows);
}

/* The outermost resource with the anchor decides, and only while it is being
 * evaluated. */
static void
a_dynamic_reference_means_the_outermost_anchor(void **state)
{
	(void)state;
#define TREE                                                      \
	"\"tree\":{\"$id\":\"tree\",\"$dynamicAnchor\":\"node\"," \
	"\"properties\":{\"kids\":{\"items\":{\"$dynamicRef\":"   \
	"\"#node\"}}}}"
	static const char strict[] =
	    "{\"$id\":\"strict\",\"$dynamicAnchor\":\"node\","
	    "\"$ref\":\"tree\",\"unevaluatedProperties\":false,"
	    "\"$defs\":{" TREE "}}";
	static const char loose[] =
	    "{\"$id\":\"loose\",\"$ref\":\"tree\",\"$defs\":{" TREE "}}";
	static const char only_kids_are_strict[] =
	    "{\"$id\":\"mixed\",\"properties\":{"
	    "\"s\":{\"$ref\":\"strict\"},\"t\":{\"$ref\":\"tree\"}},"
	    "\"$defs\":{" TREE ",\"strict\":{\"$id\":\"strict\","
	    "\"$dynamicAnchor\":\"node\",\"$ref\":\"tree\","
	    "\"unevaluatedProperties\":false}}}";
	static const struct row rows[] = {
		{ strict, "{\"kids\":[{\"kids\":[]}]}", "" },
		{ strict, "{\"kids\":[{\"kid\":[]}]}",
		    "unevaluatedProperties /kids/0/kid" },
		{ loose, "{\"kids\":[{\"kid\":[]}]}", "" },
		{ only_kids_are_strict, "{\"s\":{\"kids\":[{\"kid\":[]}]}}",
		    "unevaluatedProperties /s/kids/0/kid" },
		{ only_kids_are_strict,
		    "{\"s\":{\"kids\":[]},\"t\":{\"kids\":[{\"kid\":[]}]}}",
		    "" },
	};
	RUN(rows);
#undef TREE
}

static void
values_are_compared_by_meaning(void **state)
{
	(void)state;
	static const struct row rows[] = {
		{ "{\"const\":1}", "1.0", "" },
		{ "{\"const\":1}", "true", "const " },
		{ "{\"const\":0}", "false", "const " },
		{ "{\"const\":0}", "-0.0", "" },
		{ "{\"const\":\"\\u0061\"}", "\"a\"", "" },
		{ "{\"const\":\"a\"}", "\"\\u0061\"", "" },
		{ "{\"const\":\"\\u0000\"}", "\"\\u0000\"", "" },
		{ "{\"const\":\"\\u0000\"}", "\"\"", "const " },
		{ "{\"const\":{\"a\":1,\"b\":[2]}}", "{\"b\":[2.0],\"a\":1}",
		    "" },
		{ "{\"const\":{\"a\":1}}", "{\"a\":1,\"b\":2}", "const " },
		{ "{\"const\":[1,2]}", "[2,1]", "const " },
		{ "{\"enum\":[null,\"x\",12]}", "null", "" },
		{ "{\"enum\":[null,\"x\",12]}", "1.2e1", "" },
		{ "{\"enum\":[null,\"x\",12]}", "\"y\"", "enum " },
		{ "{\"enum\":[]}", "1", "enum " },
		{ "{\"uniqueItems\":true}", "[1,true,0,false,\"1\"]", "" },
		{ "{\"uniqueItems\":true}", "[1,2,1.0]", "uniqueItems " },
		{ "{\"uniqueItems\":true}",
		    "[{\"a\":1,\"b\":2},{\"b\":2,\"a\":1}]", "uniqueItems " },
		{ "{\"uniqueItems\":false}", "[1,1]", "" },
	};
	RUN(rows);
}

static void
bounds_hold_on_both_sides(void **state)
{
	(void)state;
	static const struct row rows[] = {
		{ "{\"minimum\":3}", "3", "" },
		{ "{\"minimum\":3}", "2.999999999999999999999", "minimum " },
		{ "{\"exclusiveMinimum\":3}", "3", "exclusiveMinimum " },
		{ "{\"exclusiveMinimum\":3}", "3.000000000000000000001", "" },
		{ "{\"maximum\":9007199254740993}", "9007199254740993", "" },
		{ "{\"maximum\":9007199254740993}", "9007199254740994",
		    "maximum " },
		{ "{\"maximum\":1e400}", "1e399", "" },
		{ "{\"maximum\":1e400}", "1.1e400", "maximum " },
		{ "{\"exclusiveMaximum\":-0.5}", "-0.5", "exclusiveMaximum " },
		{ "{\"exclusiveMaximum\":-0.5}", "-1", "" },
		{ "{\"minLength\":2}", "\"\xc3\xa4\xc3\xa4\"", "" },
		{ "{\"minLength\":2}", "\"\xf0\x9f\x90\xb2\"", "minLength " },
		{ "{\"maxLength\":1}", "\"\\ud83d\\udc32\"", "" },
		{ "{\"maxLength\":1}", "\"ab\"", "maxLength " },
		{ "{\"maxLength\":1.0}", "12345", "" },
		{ "{\"minItems\":1}", "[0]", "" },
		{ "{\"minItems\":1}", "[]", "minItems " },
		{ "{\"maxItems\":1}", "[0,0]", "maxItems " },
		{ "{\"minProperties\":1}", "{}", "minProperties " },
		{ "{\"maxProperties\":1}", "{\"a\":1}", "" },
		{ "{\"maxProperties\":1}", "{\"a\":1,\"b\":2}",
		    "maxProperties " },
	};
	RUN(rows);
}

static void
multiples_are_exact(void **state)
{
	(void)state;
	static const struct row rows[] = {
		{ "{\"multipleOf\":0.01}", "4.35", "" },
		{ "{\"multipleOf\":0.01}", "4.355", "multipleOf " },
		{ "{\"multipleOf\":0.123456789}", "1e308", "multipleOf " },
		{ "{\"multipleOf\":1e-8}", "12391239123", "" },
		{ "{\"multipleOf\":2}", "0", "" },
		{ "{\"multipleOf\":2}", "-4", "" },
		{ "{\"multipleOf\":2}", "-5", "multipleOf " },
		{ "{\"multipleOf\":12345678901234567890123}",
		    "37037036703703703670369", "" },
		{ "{\"multipleOf\":12345678901234567890123}",
		    "37037036703703703670368", "multipleOf " },
		{ "{\"multipleOf\":3}", "1e1000000000", "multipleOf " },
		{ "{\"multipleOf\":64}", "1e1000000000", "" },
	};
	RUN(rows);
}

static void
members_are_found_by_name(void **state)
{
	(void)state;
	static const struct row rows[] = {
		{ "{\"properties\":{\"a\":{\"type\":\"null\"}}}", "{\"a\":1}",
		    "type /a" },
		{ "{\"properties\":{\"a\":{\"type\":\"null\"}}}", "[1]", "" },
		{ "{\"properties\":{\"a/b~c\":false}}", "{\"a/b~c\":1}",
		    "properties /a~1b~0c" },
		{ "{\"required\":[\"a\",\"b\"]}", "{\"b\":1}", "required " },
		{ "{\"required\":[\"a\"],\"additionalProperties\":false}",
		    "{\"a\":1}", "additionalProperties /a" },
		{ "{\"patternProperties\":{\"^x\":{\"type\":\"null\"}},"
		  "\"additionalProperties\":{\"type\":\"string\"}}",
		    "{\"xy\":null,\"b\":\"c\"}", "" },
		{ "{\"patternProperties\":{\"^x\":{\"type\":\"null\"}}}",
		    "{\"xy\":0}", "type /xy" },
		{ "{\"additionalProperties\":{\"type\":\"string\"}}",
		    "{\"b\":1}", "type /b" },
		{ "{\"propertyNames\":{\"maxLength\":1}}", "{\"ab\":1}",
		    "maxLength /ab" },
		{ "{\"dependentRequired\":{\"a\":[\"b\"]}}", "{\"a\":1}",
		    "dependentRequired " },
		{ "{\"dependentRequired\":{\"a\":[\"b\"]}}", "{\"c\":1}", "" },
		{ "{\"dependentSchemas\":{\"a\":{\"required\":[\"c\"]}}}",
		    "{\"a\":1}", "required " },
		{ "{\"properties\":{\"a\":{\"properties\":{\"b\":{"
		  "\"items\":{\"minimum\":1}}}}}}",
		    "{\"a\":{\"b\":[1,0]}}", "minimum /a/b/1" },
	};
	RUN(rows);
}

/* An object with the members m0 to m69, without the one at `left_out`. */
static void
write_members(struct buf *out, unsigned left_out)
{
	const char *between = "{";
	buf_clear(out);
	for (unsigned i = 0; i < 70; i++) {
		if (i == left_out)
			continue;
		buf_addf(out, "%s\"m%u\":0", between, i);
		between = ",";
	}
	buf_add(out, view_make("}\0", 2));
}

static void
more_than_64_required_names_are_all_required(void **state)
{
	(void)state;
	static const unsigned places[] = { 0, 63, 64, 69 };
	struct buf schema;
	struct buf text;
	buf_init(&schema, 0);
	buf_init(&text, 0);
	for (unsigned i = 0; i < 70; i++)
		buf_addf(&schema, "%s\"m%u\"", i ? "," : "{\"required\":[", i);
	buf_add(&schema, view_make("]}\0", 3));
	write_members(&text, 70);
	assert_string_equal(first_violation(schema.data, text.data), "");
	for (size_t i = 0; i < 4; i++) {
		write_members(&text, places[i]);
		assert_string_equal(
		    first_violation(schema.data, text.data), "required ");
	}
	buf_fini(&schema);
	buf_fini(&text);
}

static void
items_are_counted_from_the_front(void **state)
{
	(void)state;
	static const struct row rows[] = {
		{ "{\"prefixItems\":[{\"type\":\"null\"}],\"items\":{"
		  "\"type\":\"string\"}}",
		    "[null,\"a\"]", "" },
		{ "{\"prefixItems\":[{\"type\":\"null\"}],\"items\":{"
		  "\"type\":\"string\"}}",
		    "[null,0]", "type /1" },
		{ "{\"prefixItems\":[{\"type\":\"null\"}],\"items\":false}",
		    "[null,0]", "items /1" },
		{ "{\"contains\":{\"const\":1}}", "[2]", "contains " },
		{ "{\"contains\":{\"const\":1},\"minContains\":0}", "[2]", "" },
		{ "{\"contains\":{\"const\":1},\"maxContains\":1}", "[1,1]",
		    "contains " },
		{ "{\"contains\":{\"const\":1},\"minContains\":2}", "[1,1]",
		    "" },
		{ "{\"$schema\":\"http://json-schema.org/draft-07/schema#\","
		  "\"items\":[{\"type\":\"null\"}],\"additionalItems\":{"
		  "\"type\":\"string\"}}",
		    "[null,0]", "type /1" },
	};
	RUN(rows);
}

static void
branches_and_conditions(void **state)
{
	(void)state;
	static const struct row rows[] = {
		{ "{\"allOf\":[true,{\"minimum\":2}]}", "1", "minimum " },
		{ "{\"anyOf\":[{\"type\":\"null\"},{\"minimum\":2}]}", "2",
		    "" },
		{ "{\"anyOf\":[{\"type\":\"null\"},{\"type\":\"string\","
		  "\"minLength\":2}]}",
		    "\"a\"", "minLength " },
		{ "{\"anyOf\":[{\"minimum\":3},{\"minimum\":2}]}", "1",
		    "anyOf " },
		{ "{\"oneOf\":[{\"minimum\":3},{\"minimum\":2}]}", "2", "" },
		{ "{\"oneOf\":[{\"minimum\":3},{\"minimum\":2}]}", "3",
		    "oneOf " },
		{ "{\"not\":{\"type\":\"null\"}}", "null", "not " },
		{ "{\"if\":{\"minimum\":5},\"then\":{\"multipleOf\":5},"
		  "\"else\":{\"const\":1}}",
		    "6", "multipleOf " },
		{ "{\"if\":{\"minimum\":5},\"then\":{\"multipleOf\":5},"
		  "\"else\":{\"const\":1}}",
		    "2", "const " },
	};
	RUN(rows);
}

static void
what_is_unevaluated_is_what_no_part_has_seen(void **state)
{
	(void)state;
	static const struct row rows[] = {
		{ "{\"allOf\":[{\"properties\":{\"a\":true}}],"
		  "\"unevaluatedProperties\":false}",
		    "{\"a\":1}", "" },
		{ "{\"allOf\":[{\"properties\":{\"a\":true}}],"
		  "\"unevaluatedProperties\":false}",
		    "{\"b\":1}", "unevaluatedProperties /b" },
		{ "{\"anyOf\":[{\"required\":[\"x\"],\"properties\":{"
		  "\"a\":true}},true],\"unevaluatedProperties\":false}",
		    "{\"a\":1}", "unevaluatedProperties /a" },
		{ "{\"not\":{\"not\":{\"properties\":{\"a\":true}}},"
		  "\"unevaluatedProperties\":false}",
		    "{\"a\":1}", "unevaluatedProperties /a" },
		{ "{\"prefixItems\":[true],\"contains\":{\"const\":7},"
		  "\"unevaluatedItems\":{\"type\":\"null\"}}",
		    "[0,7,null]", "" },
		{ "{\"prefixItems\":[true],\"contains\":{\"const\":7},"
		  "\"unevaluatedItems\":{\"type\":\"null\"}}",
		    "[0,7,8]", "type /2" },
	};
	RUN(rows);
}

static void
references_lead_anywhere_in_the_document(void **state)
{
	(void)state;
	static const struct row rows[] = {
		{ "{\"$ref\":\"#/$defs/a\",\"$defs\":{\"a\":{"
		  "\"type\":\"null\"}}}",
		    "1", "type " },
		{ "{\"$ref\":\"#/$defs/a%25b\",\"$defs\":{\"a%b\":false}}", "1",
		    "false " },
		{ "{\"$ref\":\"#x\",\"$defs\":{\"a\":{\"$anchor\":\"x\","
		  "\"type\":\"null\"}}}",
		    "1", "type " },
		{ "{\"$id\":\"http://h/root\",\"$ref\":\"other\",\"$defs\":{"
		  "\"o\":{\"$id\":\"other\",\"type\":\"null\"}}}",
		    "1", "type " },
		{ "{\"properties\":{\"kid\":{\"$ref\":\"#\"}},"
		  "\"additionalProperties\":false}",
		    "{\"kid\":{\"kid\":{\"x\":1}}}",
		    "additionalProperties /kid/kid/x" },
		{ "{\"$ref\":\"https://json-schema.org/draft/2020-12/"
		  "schema\"}",
		    "{\"minLength\":-1}", "minimum /minLength" },
		{ "{\"$ref\":\"http://json-schema.org/draft-07/schema#\"}",
		    "{\"type\":5}", "enum /type" },
	};
	RUN(rows);
}

static void
formats_decide_only_when_asked(void **state)
{
	(void)state;
	struct error err = { 0 };
	struct violation found[1];
	struct schema_options asserting = { .format_assertion = true };
	const char *text = "{\"format\":\"date\"}";
	assert_string_equal(first_violation(text, "\"soon\""), "");
	struct schema *schema = compile_text(text, &asserting, &err);
	assert_non_null(schema);
	assert_int_equal(explain_text(schema, "\"soon\"", found, 1), 1);
	assert_string_equal(found[0].rule, "format");
	assert_int_equal(explain_text(schema, "\"2024-02-29\"", found, 1), 0);
	assert_int_equal(explain_text(schema, "\"2023-02-29\"", found, 1), 1);
	schema_free(&schema);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(types_are_strict),
		cmocka_unit_test(draft_7_names_a_place_with_id),
		cmocka_unit_test(what_any_fitting_branch_evaluates_counts),
		cmocka_unit_test(
		    a_dynamic_reference_means_the_outermost_anchor),
		cmocka_unit_test(values_are_compared_by_meaning),
		cmocka_unit_test(bounds_hold_on_both_sides),
		cmocka_unit_test(multiples_are_exact),
		cmocka_unit_test(members_are_found_by_name),
		cmocka_unit_test(more_than_64_required_names_are_all_required),
		cmocka_unit_test(items_are_counted_from_the_front),
		cmocka_unit_test(branches_and_conditions),
		cmocka_unit_test(what_is_unevaluated_is_what_no_part_has_seen),
		cmocka_unit_test(references_lead_anywhere_in_the_document),
		cmocka_unit_test(formats_decide_only_when_asked),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
