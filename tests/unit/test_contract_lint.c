/* SPDX-License-Identifier: MIT */
#include "contract_lint.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

static const char contract_json[] =
    "{\"name\":\"x\",\"version\":\"1\",\"endpoints\":{"
    "\"talk\":{\"path\":\"/talk\",\"direction\":\"both\","
    "\"client\":{\"discriminator\":\"/m/k\",\"dedup\":[\"ask\"],"
    "\"messages\":{\"ask\":\"a.schema.json#/$defs/ask\"}},"
    "\"server\":{\"discriminator\":\"/m/k\",\"terminal\":[\"tell\"],"
    "\"messages\":{\"tell\":\"a.schema.json#told\"}}}}}";
/* `left` is reached through an anchor, `right` only by what lies in it. */
static const char schema_json[] =
    "{\"$schema\":\"https://json-schema.org/draft/2020-12/schema\","
    "\"$defs\":{\"ask\":{\"type\":\"object\",\"properties\":{\"m\":"
    "{\"properties\":{\"k\":{\"const\":\"ask\"}}},\"r\":{\"$ref\":"
    "\"#/$defs/right/properties/in%20side\"}}},"
    "\"left\":{\"$anchor\":\"told\",\"anyOf\":[{\"type\":\"object\"},"
    "{\"type\":\"array\"}]},"
    "\"right\":{\"properties\":{\"in side\":{\"type\":\"integer\"}}}}}";

static char folder[64];

static struct contract_finding findings[8];
static char sources[8][64];
static size_t count;

static void
on_finding(void *arg, const struct contract_finding *finding)
{
	(void)arg;
	assert_true(count < COUNT(findings));
	findings[count] = *finding;
	snprintf(
	    sources[count], sizeof(sources[count]), "%.60s", finding->source);
	count++;
}

static void
lint(const char *directory)
{
	struct contract *contract = NULL;
	count = 0;
	size_t said = contract_lint(directory, &contract, on_finding, NULL);
	assert_int_equal(said, count);
	contract_free(&contract);
}

static void
write_changed(
    const char *name, const char *text, const char *find, const char *replace)
{
	char path[128];
	snprintf(path, sizeof(path), "%s/%s", folder, name);
	FILE *file = fopen(path, "we");
	const char *place = strstr(text, find);
	assert_non_null(file);
	if (!place)
		fail_msg("%s is not in %s", find, name);
	fprintf(file, "%.*s%s%s", (int)(place - text), text, replace,
	    place + strlen(find));
	fclose(file);
}

static void
write_good(void)
{
	write_changed("contract.json", contract_json, "", "");
	write_changed("a.schema.json", schema_json, "", "");
}

static int
setup(void **state)
{
	(void)state;
	snprintf(folder, sizeof(folder), "/tmp/relay-lint-XXXXXX");
	assert_non_null(mkdtemp(folder));
	write_good();
	return 0;
}

static int
teardown(void **state)
{
	static const char *const names[] = { "contract.json", "a.schema.json",
		"b.schema.json" };
	char path[128];
	(void)state;
	for (size_t i = 0; i < COUNT(names); i++) {
		snprintf(path, sizeof(path), "%s/%s", folder, names[i]);
		remove(path);
	}
	rmdir(folder);
	return 0;
}

static void
what_is_bundled_has_no_findings(void **state)
{
	(void)state;
	lint(RELAY_SOURCE_DIR "/schemas/fleet-rlm/3");
	assert_int_equal(count, 0);
	lint(RELAY_SOURCE_DIR "/tests/data/contract-other");
	assert_int_equal(count, 0);
	lint(folder);
	assert_int_equal(count, 0);
}

static void
what_cannot_be_loaded_is_one_finding_at_its_place(void **state)
{
	(void)state;
	write_changed("contract.json", contract_json, "\"name\"", "\"nmae\"");
	lint(folder);
	assert_int_equal(count, 1);
	assert_string_equal(sources[0], "contract.json");
	assert_string_equal(findings[0].violation.pointer, "/nmae");
	assert_string_equal(findings[0].violation.rule, "load");
	write_good();
	lint("/nowhere");
	assert_int_equal(count, 1);
	assert_string_equal(sources[0], "/nowhere");
}

static const struct {
	const char *find;
	const char *replace;
	const char *pointer;
	const char *rule;
	const char *got;
} rows[] = {
	/* in the schema file */
	{ "\"const\":\"ask\"", "\"const\":\"aks\"",
	    "/endpoints/talk/client/messages/ask", "discriminator", "ask" },
	{ "\"anyOf\":[", "\"properties\":{\"cursor\":{}},\"anyOf\":[",
	    "/endpoints/talk/server/messages/tell", "reserved", "cursor" },
	{ "{\"type\":\"array\"}",
	    "{\"allOf\":[{\"properties\":{\"cursor\":{}}}]}",
	    "/endpoints/talk/server/messages/tell", "reserved", "cursor" },
	{ "\"$defs\":{", "\"$defs\":{\"lost\":{\"$defs\":{\"in\":{}}},",
	    "/$defs/lost", "unreachable", "none" },
	{ "\"$defs\":{", "\"$defs\":{\"lost /\xc3\xa9\":{},",
	    "/$defs/lost ~1\xc3\xa9", "unreachable", "none" },
	{ "{\"type\":\"array\"}", "{ \"type\" : \"\\u006fbject\" }",
	    "/$defs/left/anyOf/1", "unreachable", "the same branch again" },
	{ "{\"type\":\"array\"}", "false", "/$defs/left/anyOf/1", "unreachable",
	    "false" },
	{ "{\"type\":\"array\"}", "{\"then\":{}}", "/$defs/left/anyOf/1",
	    "unreachable", "\"then\" alone" },
};

static void
each_useless_or_forbidden_part_is_a_finding(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		write_changed("a.schema.json", schema_json, rows[i].find,
		    rows[i].replace);
		lint(folder);
		assert_int_equal(count, 1);
		assert_string_equal(
		    findings[0].violation.pointer, rows[i].pointer);
		assert_string_equal(findings[0].violation.rule, rows[i].rule);
		assert_string_equal(findings[0].violation.got, rows[i].got);
	}
	write_good();
}

static void
the_place_of_a_message_is_a_pointer(void **state)
{
	(void)state;
	write_changed("contract.json", contract_json,
	    "\"dedup\":[\"ask\"],\"messages\":{\"ask\"",
	    "\"messages\":{\"as/~k\"");
	lint(folder);
	assert_int_equal(count, 1);
	assert_string_equal(findings[0].violation.pointer,
	    "/endpoints/talk/client/messages/as~1~0k");
	write_good();
}

/* What is missing is told of before what is wrong with the discriminator. */
static void
a_wrong_discriminator_is_found_behind_many_members(void **state)
{
	struct buf text;
	(void)state;
	buf_init(&text, 0);
	buf_add_text(&text, "\"ask\":{\"required\":[\"m\"");
	for (unsigned i = 0; i < 100; i++)
		buf_addf(&text, ",\"m%u\"", i);
	buf_add_text(&text,
	    "],\"properties\":{\"m\":{\"properties\":{\"k\":{\"const\":"
	    "\"aks\"}}},\"r\":{\"$ref\":");
	buf_add_char(&text, '\0');
	write_changed("a.schema.json", schema_json,
	    "\"ask\":{\"type\":\"object\",\"properties\":{\"m\":"
	    "{\"properties\":{\"k\":{\"const\":\"ask\"}}},\"r\":{\"$ref\":",
	    text.data);
	buf_fini(&text);
	lint(folder);
	assert_int_equal(count, 1);
	assert_string_equal(findings[0].violation.rule, "discriminator");
	write_good();
}

static void
an_unreached_part_that_is_wrong_is_two_findings(void **state)
{
	(void)state;
	write_changed("a.schema.json", schema_json, "\"$defs\":{",
	    "\"$defs\":{\"lost\":{\"type\":\"objekt\"},");
	lint(folder);
	assert_int_equal(count, 2);
	assert_string_equal(findings[0].violation.rule, "unreachable");
	assert_string_equal(findings[1].violation.rule, "schema");
	write_good();
}

static void
a_file_that_nothing_refers_to_is_one_finding(void **state)
{
	(void)state;
	write_changed("b.schema.json", schema_json, "", "");
	lint(folder);
	assert_int_equal(count, 1);
	assert_string_equal(sources[0], "b.schema.json");
	assert_string_equal(findings[0].violation.pointer, "");
}

/* `tell` is one file's, what it is made of another's, which is known by its
 * $id alone; `here` stands for `any` where a list is made of the two. */
static const char named_json[] =
    "{\"$schema\":\"https://json-schema.org/draft/2020-12/schema\","
    "\"$id\":\"https://example.org/s/named\",\"$defs\":{"
    "\"body\":{\"properties\":{\"n\":{\"$ref\":\"https://example.org/s/in\"}}},"
    "\"inner\":{\"$id\":\"in\",\"$ref\":\"#number\",\"$defs\":{"
    "\"number\":{\"$anchor\":\"number\",\"type\":\"number\"}}},"
    "\"list\":{\"$id\":\"list\",\"items\":{\"$dynamicRef\":\"#item\"},"
    "\"$defs\":{\"any\":{\"$dynamicAnchor\":\"item\"}}}}}";

static void
a_reference_by_id_is_followed(void **state)
{
	(void)state;
	write_changed("b.schema.json", named_json, "", "");
	write_changed("a.schema.json", schema_json, "{\"type\":\"array\"}",
	    "{\"$ref\":\"https://example.org/s/named#/$defs/body\"},"
	    "{\"$id\":\"https://example.org/s/texts\",\"$ref\":\"list\","
	    "\"$defs\":{\"here\":{\"$dynamicAnchor\":\"item\","
	    "\"type\":\"string\"}}}");
	lint(folder);
	assert_int_equal(count, 0);
	write_changed(
	    "b.schema.json", named_json, "{\"n\":", "{\"cursor\":{},\"n\":");
	lint(folder);
	assert_int_equal(count, 1);
	assert_string_equal(findings[0].violation.rule, "reserved");
	write_changed("b.schema.json", named_json, "\"$defs\":{",
	    "\"$defs\":{\"lost\":{},");
	lint(folder);
	assert_int_equal(count, 1);
	assert_string_equal(findings[0].violation.rule, "unreachable");
	assert_string_equal(findings[0].violation.pointer, "/$defs/lost");
	write_good();
}

static void
a_request_that_is_remembered_needs_an_end(void **state)
{
	(void)state;
	write_changed(
	    "contract.json", contract_json, "\"terminal\":[\"tell\"],", "");
	lint(folder);
	assert_true(count >= 1);
	assert_string_equal(findings[0].violation.rule, "terminal");
	assert_string_equal(
	    findings[0].violation.pointer, "/endpoints/talk/server");
	write_good();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_bundled_has_no_findings),
		cmocka_unit_test(
		    what_cannot_be_loaded_is_one_finding_at_its_place),
		cmocka_unit_test(each_useless_or_forbidden_part_is_a_finding),
		cmocka_unit_test(the_place_of_a_message_is_a_pointer),
		cmocka_unit_test(
		    a_wrong_discriminator_is_found_behind_many_members),
		cmocka_unit_test(
		    an_unreached_part_that_is_wrong_is_two_findings),
		cmocka_unit_test(a_request_that_is_remembered_needs_an_end),
		cmocka_unit_test(a_file_that_nothing_refers_to_is_one_finding),
		cmocka_unit_test(a_reference_by_id_is_followed),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
