/* SPDX-License-Identifier: MIT */

/* What the compiler refuses, where it says so, and what it resolves. */

#include "schema_helper.h"

#include <string.h>

static void
refuses_saying(const char *text, const char *where, const char *message)
{
	struct error err = { 0 };
	struct schema_options options = { .refuse_unknown_keywords = true };
	struct schema *schema = compile_text(text, &options, &err);
	if (schema || strcmp(err.where, where) != 0)
		fail_msg("%s: at \"%s\", not \"%s\"", text, err.where, where);
	if (!strstr(err.message, message))
		fail_msg("%s: \"%s\"", text, err.message);
	assert_true(strlen(err.message) > 5);
}

static void
refuses(const char *text, const char *where)
{
	refuses_saying(text, where, "");
}

static void
malformed_keywords_are_named_by_pointer(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		const char *where;
	} rows[] = {
		{ "5", "test.json#" },
		{ "{\"type\":\"objekt\"}", "test.json#/type" },
		{ "{\"type\":[\"null\",5]}", "test.json#/type/1" },
		{ "{\"properties\":{\"a\":5}}", "test.json#/properties/a" },
		{ "{\"properties\":{\"a/\\u0062~\\n\":5}}",
		    "test.json#/properties/a~1b~0?" },
		{ "{\"properties\":[]}", "test.json#/properties" },
		{ "{\"required\":\"a\"}", "test.json#/required" },
		{ "{\"required\":[1]}", "test.json#/required/0" },
		{ "{\"minLength\":-1}", "test.json#/minLength" },
		{ "{\"minLength\":1.5}", "test.json#/minLength" },
		{ "{\"multipleOf\":0}", "test.json#/multipleOf" },
		{ "{\"maximum\":\"5\"}", "test.json#/maximum" },
		{ "{\"pattern\":\"(\"}", "test.json#/pattern" },
		{ "{\"pattern\":\"(?<=a+)b\"}", "test.json#/pattern" },
		{ "{\"patternProperties\":{\"[\":true}}",
		    "test.json#/patternProperties/[" },
		{ "{\"allOf\":[]}", "test.json#/allOf" },
		{ "{\"items\":[true]}", "test.json#/items" },
		{ "{\"enum\":5}", "test.json#/enum" },
		{ "{\"uniqueItems\":1}", "test.json#/uniqueItems" },
		{ "{\"$ref\":\"#/$defs/none\"}", "test.json#/$ref" },
		{ "{\"$ref\":\"http://elsewhere/x\"}", "test.json#/$ref" },
		{ "{\"$ref\":5}", "test.json#/$ref" },
		{ "{\"$ref\":\"#\"}", "test.json#" },
		{ "{\"$schema\":\"http://json-schema.org/draft-03/schema#\"}",
		    "test.json#/$schema" },
		{ "{\"x-error\":{\"code\":\"c\"}}", "test.json#/x-error" },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		refuses(rows[i].text, rows[i].where);
}

static void
unknown_keywords_are_refused_only_where_asked(void **state)
{
	(void)state;
	struct error err = { 0 };
	struct schema_options strict = { .refuse_unknown_keywords = true };
	static const char misspelt[] =
	    "{\"$defs\":{\"a\":{\"requierd\":[\"x\"]}}}";
	struct schema *schema = compile_text(misspelt, NULL, &err);
	assert_non_null(schema);
	schema_free(&schema);
	assert_null(compile_text(misspelt, &strict, &err));
	assert_string_equal(err.where, "test.json#/$defs/a/requierd");
	assert_non_null(strstr(err.message, "\"required\""));
	schema = compile_text("{\"x-owner\":\"me\",\"title\":\"t\","
			      "\"default\":{\"requierd\":1}}",
	    &strict, &err);
	assert_non_null(schema);
	schema_free(&schema);
}

static void
an_index_in_a_reference_is_made_of_digits(void **state)
{
	(void)state;
	refuses("{\"prefixItems\":[true],\"items\":{\"$ref\":"
		"\"#/prefixItems/0x\"}}",
	    "test.json#/items/$ref");
	refuses("{\"prefixItems\":[true],\"items\":{\"$ref\":"
		"\"#/prefixItems/1\"}}",
	    "test.json#/items/$ref");
	struct error err = { 0 };
	struct schema *schema =
	    compile_text("{\"prefixItems\":[true,false],\"items\":{\"$ref\":"
			 "\"#/prefixItems/1\"}}",
		NULL, &err);
	assert_non_null(schema);
	schema_free(&schema);
}

static void
what_is_no_json_is_no_document(void **state)
{
	(void)state;
	struct error err = { 0 };
	struct schema_set *set = schema_set_new();
	assert_int_equal(
	    schema_set_add(set, "bad.json", view_of("{\"a\":}"), &err), -1);
	assert_string_equal(err.where, "bad.json");
	assert_non_null(strstr(err.message, "not JSON"));
	assert_int_equal(
	    schema_set_add(set, "good.json", view_of("{}"), &err), 0);
	struct schema *schema = schema_compile(set, "good.json", NULL, &err);
	assert_non_null(schema);
	schema_free(&schema);
	schema_set_free(&set);
}

static void
a_keyword_of_another_draft_is_unknown(void **state)
{
	(void)state;
	static const char why[] = "is a keyword of another draft";
	refuses_saying(
	    "{\"$schema\":\"http://json-schema.org/draft-07/schema#\","
	    "\"prefixItems\":[true]}",
	    "test.json#/prefixItems", why);
	refuses_saying(
	    "{\"additionalItems\":true}", "test.json#/additionalItems", why);
}

static void
documents_of_a_set_refer_to_each_other_by_name_and_by_id(void **state)
{
	(void)state;
	static const char first[] =
	    "{\"properties\":{\"a\":{\"$ref\":\"b.json#/$defs/x\"},"
	    "\"b\":{\"$ref\":\"http://h/named#y\"}}}";
	static const char second[] = "{\"$defs\":{\"x\":{\"type\":\"null\"}}}";
	static const char third[] =
	    "{\"$id\":\"http://h/named\",\"$anchor\":\"y\",\"minimum\":5}";
	struct error err = { 0 };
	struct violation found[4];
	struct schema_set *set = schema_set_new();
	assert_int_equal(
	    schema_set_add(set, "dir/a.json", view_of(first), &err), 0);
	assert_int_equal(
	    schema_set_add(set, "dir/b.json", view_of(second), &err), 0);
	assert_int_equal(
	    schema_set_add(set, "dir/c.json", view_of(third), &err), 0);
	struct schema *schema = schema_compile(set, "dir/a.json", NULL, &err);
	struct schema *part =
	    schema_compile(set, "dir/b.json#/$defs/x", NULL, &err);
	assert_null(schema_compile(set, "dir/d.json", NULL, &err));
	schema_set_free(&set); /* schemas keep what they need */
	assert_non_null(schema);
	assert_non_null(part);
	assert_int_equal(
	    explain_text(schema, "{\"a\":1,\"b\":4}", found, 4), 2);
	assert_int_equal(explain_text(part, "null", found, 4), 0);
	schema_free(&schema);
	schema_free(&part);
}

/* As a copied file has it: its own references would lead to the first. */
static void
an_id_belongs_to_one_schema(void **state)
{
	(void)state;
	static const char first[] =
	    "{\"$id\":\"http://h/x\",\"$ref\":\"#/$defs/a\","
	    "\"$defs\":{\"a\":{\"type\":\"null\"}}}";
	struct error err = { 0 };
	struct schema_set *set = schema_set_new();
	schema_set_add(set, "a.json", view_of(first), &err);
	schema_set_add(set, "b.json", view_of(first), &err);
	assert_null(schema_compile(set, "b.json", NULL, &err));
	assert_string_equal(err.where, "b.json#/$id");
	assert_non_null(strstr(err.message, "a.json"));
	schema_set_free(&set);
	refuses("{\"$id\":\"http://h/x\",\"$defs\":{\"a\":{\"$id\":\"/x#\"}}}",
	    "test.json#/$defs/a/$id");
	assert_string_equal(
	    first_violation("{\"$id\":\"test.json\"}", "1"), "");
}

static void
a_document_that_is_not_json_is_refused(void **state)
{
	(void)state;
	struct error err = { 0 };
	struct schema_set *set = schema_set_new();
	assert_int_equal(schema_set_add(set, "x", view_of("{"), &err), -1);
	assert_string_equal(err.where, "x");
	schema_set_free(&set);
	assert_null(set);
}

static void
recursion_is_bounded(void **state)
{
	(void)state;
	/* Each level of the instance takes three nodes; and a schema that never
	 * gets on, though no reference leads to itself directly. */
	assert_string_equal(
	    first_violation("{\"allOf\":[{\"$ref\":\"#\"}]}", "1"), "limit ");
	assert_string_equal(
	    first_violation("{\"not\":{\"$ref\":\"#\"}}", "1"), "limit ");
}

static void
work_is_bounded(void **state)
{
	(void)state;
	/* Two ways at each level: 2^500 without a bound. */
	static const char text[] =
	    "{\"anyOf\":[{\"items\":{\"$ref\":\"#\"},\"minItems\":1},"
	    "{\"items\":{\"$ref\":\"#\"},\"maxItems\":1,\"minItems\":1}]}";
	char deep[401];
	memset(deep, '[', 200);
	memset(deep + 200, ']', 200);
	deep[400] = '\0';
	assert_string_not_equal(first_violation(text, deep), "");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(malformed_keywords_are_named_by_pointer),
		cmocka_unit_test(unknown_keywords_are_refused_only_where_asked),
		cmocka_unit_test(an_index_in_a_reference_is_made_of_digits),
		cmocka_unit_test(what_is_no_json_is_no_document),
		cmocka_unit_test(a_keyword_of_another_draft_is_unknown),
		cmocka_unit_test(
		    documents_of_a_set_refer_to_each_other_by_name_and_by_id),
		cmocka_unit_test(an_id_belongs_to_one_schema),
		cmocka_unit_test(a_document_that_is_not_json_is_refused),
		cmocka_unit_test(recursion_is_bounded),
		cmocka_unit_test(work_is_bounded),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
