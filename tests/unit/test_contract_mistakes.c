/* SPDX-License-Identifier: MIT */

/* Each mistake in a contract or a schema once, with the place that it names. */

#include "contract_folder.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

struct row {
	const char *find;
	const char *replace;
	const char *where;
	const char *message;
};

#define TERMINAL(items) "\"terminal\":[" items "],\"messages\":{\"tell\""

static const struct row contract_rows[] = {
	{ "{\"name\"", "[\"name\"", "contract.json", "is not JSON" },
	{ "\"name\":\"x\"", "\"name\":\"x\",\"name\":\"y\"", "contract.json",
	    "duplicate" },
	{ "\"name\":\"x\",", "", "contract.json#", "\"name\"" },
	{ "\"x\"", "7", "contract.json#/name", "a string, not number" },
	{ "\"x\"", "\"\"", "contract.json#/name", "1 to 4096" },
	{ "\"x\"", "\"a/b\"", "contract.json#/name", "letters" },
	{ "\"x\"", "\"a\\u0000\"", "contract.json#/name", "U+0000" },
	{ "\"version\"", "\"versoin\"", "contract.json#/versoin",
	    "did you mean \"version\"?" },
	{ "\"version\"", "\"colour\"", "contract.json#/colour",
	    "no member here" },
	{ "\"talk\":{", "\"a b\":{", "contract.json#/endpoints/a b",
	    "letters" },
	{ "\"path\":\"/talk\",", "", "contract.json#/endpoints/talk",
	    "\"path\"" },
	{ "/talk\"", "talk\"", "contract.json#/endpoints/talk/path",
	    "wants a path" },
	{ "/talk\"", "/t?x\"", "contract.json#/endpoints/talk/path",
	    "wants a path" },
	{ "/talk\"", "/../t\"", "contract.json#/endpoints/talk/path",
	    "wants a path" },
	{ "/talk\"", "/health\"", "contract.json#/endpoints/talk/path",
	    "the relay itself" },
	{ "/talk\"", "/api/v1/contract/x\"",
	    "contract.json#/endpoints/talk/path", "the relay itself" },
	{ "/watch\"", "/talk\"", "contract.json#/endpoints/watch/path",
	    "\"talk\" already: /talk" },
	{ "\"both\"", "\"in\"", "contract.json#/endpoints/talk/direction",
	    "\"both\" or \"server\"" },
	{ "\"both\"", "\"server\"", "contract.json#/endpoints/talk/client",
	    "direction \"both\"" },
	{ "\"direction\":\"server\"", "\"direction\":\"both\"",
	    "contract.json#/endpoints/watch/direction", "\"client\"" },
	{ "\"session_query\":\"s\",", "", "contract.json#/endpoints/watch",
	    "\"session_query\"" },
	{ "\"direction\":\"both\",",
	    "\"direction\":\"both\","
	    "\"session_query\":\"s\",",
	    "contract.json#/endpoints/talk/session_query", "\"server\"" },
	{ "\"direction\":\"both\",",
	    "\"direction\":\"both\",\"refuse_client\":{\"message\":\"m\"},",
	    "contract.json#/endpoints/talk/refuse_client", "\"server\"" },
	{ "\"session_query\":\"s\",",
	    "\"session_query\":\"s\",\"no_session\":{\"message\":\"m\"},",
	    "contract.json#/endpoints/watch/no_session", "\"both\"" },
	{ "\"session_query\":\"s\",",
	    "\"session_query\":\"s\",\"refuse_query\":{\"s\":{\"message\":"
	    "\"m\"}},",
	    "contract.json#/endpoints/watch/refuse_query", "session_query" },
	{ "\"session_query\":\"s\",",
	    "\"session_query\":\"s\",\"refuse_query\":{\"q\":{\"code\":\"c\"}}"
	    ",",
	    "contract.json#/endpoints/watch/refuse_query/q", "\"message\"" },
	{ "\"session_query\":\"s\",",
	    "\"session_query\":\"s\",\"refuse_query\":{\"p\":{\"message\":"
	    "\"m\"},\"q\":{\"code\":\"c\"}},",
	    "contract.json#/endpoints/watch/refuse_query/q", "\"message\"" },
	{ "\"session_query\":\"s\",",
	    "\"session_query\":\"s\",\"refuse_query\":{\"q\":{\"message\":"
	    "\"m\",\"close\":1000}},",
	    "contract.json#/endpoints/watch/refuse_query/q/close", "1001" },
	{ "\"session_query\":\"s\",",
	    "\"session_query\":\"s\",\"refuse_query\":{\"q\":{\"message\":"
	    "\"m\",\"close\":\"1008\"}},",
	    "contract.json#/endpoints/watch/refuse_query/q/close", "1001" },
	{ "\"session_query\":\"s\",",
	    "\"session_query\":\"s\",\"refuse_client\":{\"message\":\"m\","
	    "\"allow_blank\":true},",
	    "contract.json#/endpoints/watch/refuse_client/allow_blank",
	    "no member here" },
	{ "\"session_query\":\"s\",",
	    "\"session_query\":\"s\",\"splice_cursor\":1,",
	    "contract.json#/endpoints/watch/splice_cursor", "true or false" },
	{ "\"/type\"", "\"type\"",
	    "contract.json#/endpoints/talk/client/discriminator",
	    "JSON pointer" },
	{ "\"/type\"", "\"/ty~2\"",
	    "contract.json#/endpoints/talk/client/discriminator",
	    "JSON pointer" },
	{ "\"session\":\"/s\"", "\"dedup\":[\"aks\"]",
	    "contract.json#/endpoints/talk/client/dedup",
	    "did you mean \"ask\"?" },
	{ "\"session\":\"/s\"", "\"dedup\":\"ask\"",
	    "contract.json#/endpoints/talk/client/dedup", "list of types" },
	{ "\"session\":\"/s\"", "\"type_text\":\"perl\"",
	    "contract.json#/endpoints/talk/client/type_text", "\"plain\"" },
	{ "\"session\":\"/s\"", "\"terminal\":[\"ask\"]",
	    "contract.json#/endpoints/talk/client/terminal", "no member here" },
	{ "\"session\":\"/s\"", "\"default_type\":\"aks\"",
	    "contract.json#/endpoints/talk/client/default_type",
	    "did you mean \"ask\"?" },
	{ "\"session\":\"/s\"",
	    "\"default_type\":\"ask\",\"missing_type\":{\"message\":\"m\"}",
	    "contract.json#/endpoints/talk/client/missing_type",
	    "without a type it is" },
	{ "\"messages\":{\"tell\"",
	    "\"terminal\":\"tell\",\"messages\":{\"tell\"",
	    "contract.json#/endpoints/talk/server/terminal", "list of types" },
	{ "\"messages\":{\"tell\"", TERMINAL("{}"),
	    "contract.json#/endpoints/talk/server/terminal", "\"type\"" },
	{ "\"messages\":{\"tell\"",
	    TERMINAL("{\"type\":\"tel\",\"at\":\"/n\",\"values\":[\"1\"]}"),
	    "contract.json#/endpoints/talk/server/terminal/type",
	    "did you mean \"tell\"?" },
	{ "\"messages\":{\"tell\"",
	    TERMINAL("{\"type\":\"tell\",\"at\":\"n\",\"values\":[\"1\"]}"),
	    "contract.json#/endpoints/talk/server/terminal/at",
	    "JSON pointer" },
	{ "\"messages\":{\"tell\"",
	    TERMINAL("{\"type\":\"tell\",\"at\":\"/n\",\"values\":[]}"),
	    "contract.json#/endpoints/talk/server/terminal/values",
	    "list of texts" },
	{ "\"messages\":{\"tell\"",
	    TERMINAL("{\"type\":\"tell\",\"at\":\"/n\",\"values\":[\"a\",1]}"),
	    "contract.json#/endpoints/talk/server/terminal/values",
	    "a string" },
	{ "\"messages\":{\"tell\"",
	    TERMINAL("\"tell\",{\"type\":\"tell\",\"at\":\"/"
		     "n\",\"values\":[\"1\"]}"),
	    "contract.json#/endpoints/talk/server/terminal", "twice" },
	{ "\"ask\":\"a", "\"relay.ask\":\"a",
	    "contract.json#/endpoints/talk/client/messages/relay.ask",
	    "reserved" },
	{ "{\"ask\":\"a.schema.json#/$defs/ask\"}", "{}",
	    "contract.json#/endpoints/talk/client/messages", "messages" },
	{ "a.schema.json#/$defs/ask", "../a.schema.json",
	    "contract.json#/endpoints/talk/client/messages/ask",
	    "names no schema file of this folder: ../a.schema.json" },
	{ "a.schema.json#/$defs/ask", "/etc/passwd",
	    "contract.json#/endpoints/talk/client/messages/ask",
	    "names no schema file" },
	{ "a.schema.json#/$defs/ask", "contract.json",
	    "contract.json#/endpoints/talk/client/messages/ask",
	    "names no schema file" },
	{ "a.schema.json#/$defs/ask", "a.schema.json#/$defs/asks",
	    "a.schema.json#/$defs/asks", "" },
};

static void
each_mistake_in_the_contract_is_refused_at_its_place(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(contract_rows); i++) {
		const struct row *row = &contract_rows[i];
		folder_write_changed(
		    "contract.json", folder_contract, row->find, row->replace);
		assert_folder_refused(row->where, row->message);
	}
	folder_write_good();
	struct contract *contract = folder_load_good(folder);
	contract_free(&contract);
}

static void
close_codes_are_those_that_an_endpoint_may_send(void **state)
{
	(void)state;
	static const struct {
		unsigned code;
		bool is_good;
	} rows[] = { { 1000, false }, { 1001, true }, { 1003, true },
		{ 1004, false }, { 1006, false }, { 1007, true },
		{ 1009, true }, { 1014, true }, { 1015, false },
		{ 2999, false }, { 3000, true }, { 4999, true },
		{ 5000, false } };
	for (size_t i = 0; i < COUNT(rows); i++) {
		char text[128];
		snprintf(text, sizeof(text),
		    "\"session_query\":\"s\",\"refuse_query\":{\"q\":"
		    "{\"message\":\"m\",\"close\":%u}},",
		    rows[i].code);
		folder_write_changed("contract.json", folder_contract,
		    "\"session_query\":\"s\",", text);
		struct contract *contract = folder_load(folder);
		if (!contract == rows[i].is_good)
			fail_msg("%u: %s", rows[i].code, folder_err.message);
		contract_free(&contract);
	}
	folder_write_good();
}

static const struct row schema_rows[] = {
	{ "{\"$schema\"", "[\"$schema\"", "a.schema.json", "JSON" },
	{ "\"type\":\"object\"", "\"typ\":\"object\"",
	    "a.schema.json#/$defs/ask/typ", "" },
	{ "\"type\":\"object\"", "\"type\":\"objekt\"",
	    "a.schema.json#/$defs/ask/type", "" },
	{ "\"type\":\"object\"", "\"$ref\":\"http://e.example/x\"",
	    "a.schema.json#/$defs/ask/$ref", "" },
	{ "\"type\":\"object\"", "\"$ref\":\"file:///etc/passwd\"",
	    "a.schema.json#/$defs/ask/$ref", "" },
	{ "\"type\":\"object\"",
	    "\"x-error\":{\"cod\":\"c\",\"message\":\"m\"}",
	    "a.schema.json#/$defs/ask/x-error", "other members" },
	{ "\"type\":\"object\"", "\"x-error\":{\"code\":\"c\"}",
	    "a.schema.json#/$defs/ask/x-error", "message" },
	{ "{\"n\":2}", "{\"n\":\"2\"}", "a.schema.json#/$defs/tell/examples/1",
	    "/n type" },
};

static void
each_mistake_in_a_schema_is_refused_at_its_place(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(schema_rows); i++) {
		const struct row *row = &schema_rows[i];
		folder_write_changed(
		    "a.schema.json", folder_schema, row->find, row->replace);
		assert_folder_refused(row->where, row->message);
	}
	folder_write_good();
}

static void
a_property_that_is_called_examples_is_no_list_of_examples(void **state)
{
	(void)state;
	folder_write_changed("a.schema.json", folder_schema, "\"n\":{\"type\":",
	    "\"examples\":{\"type\":\"array\"},\"n\":{\"type\":");
	struct contract *contract = folder_load_good(folder);
	contract_free(&contract);
	folder_write_good();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    each_mistake_in_the_contract_is_refused_at_its_place),
		cmocka_unit_test(
		    close_codes_are_those_that_an_endpoint_may_send),
		cmocka_unit_test(
		    each_mistake_in_a_schema_is_refused_at_its_place),
		cmocka_unit_test(
		    a_property_that_is_called_examples_is_no_list_of_examples),
	};
	return cmocka_run_group_tests(tests, folder_setup, folder_teardown);
}
